/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Causal order by vector timestamps (Schwarz and Mattern, "Detecting Causal
 * Relationships in Distributed Computations", Distributed Computing 7(3), 1994): a
 * packet is next once everything that its sender had delivered when it sent it, of
 * packets that take part, has been delivered here.
 *
 * A packet carries only what has changed in its sender's vector since the sender's packet
 * before: its own entry is its number, and of the others those whose packets were
 * delivered in between. So a receiver has that much to check and no more: what the packet
 * before depended on was there when that one was delivered. The first packet of each sender
 * waits for one other packet at a time and stands in a list of those that wait for the same
 * sender; a delivery looks at its own list, and at nothing else that waits.
 *
 * Closing order: whatever of the cut has all it depends on in the cut. Surviving senders'
 * packets have: what their senders have delivered is in their reports. What a dead sender
 * left may depend on what is lost; then it is dropped, with all that depends on it.
 */
#include "gcs/order/silent.h"

#include "gcs/base/memory.h"
#include "gcs/base/mutant.h"
#include "gcs/wire/vector.h"

#define NOBODY        UINT16_MAX
#define QUEUE_INITIAL 16u

/* A packet that is not delivered yet, or one that only brings a part of a vector. */
struct waiting {
    uint64_t number;
    const uint8_t *info; /* the changes: in the packet. Parts: a copy */
    uint32_t size;
    bool member;
};

/* One sender. */
struct stream {
    struct waiting *queue; /* a ring */
    uint32_t capacity;
    uint64_t head, tail;
    uint64_t *vector; /* what its first waiting packet depends on, as far as it has been read */
    uint32_t read;    /* bytes of that packet's changes */
    uint64_t need;    /* it waits for that number, and stands in the list of that sender */
    uint64_t passed;  /* its last packet that was delivered */
    uint64_t told;    /* own packets tell so up to here */
    uint16_t waiters; /* streams that wait for this one, linked by next */
    uint16_t next;
    uint16_t changed; /* next in the list of streams with passed > told */
};

struct causal {
    struct gcs_order_engine engine;
    struct gcs_order_config config;
    uint16_t members;
    struct stream *streams;
    /* a ring of senders whose first packet is next; each at most once */
    uint16_t *ready;
    uint32_t ready_head, ready_count;
    uint16_t changed, changed_last; /* a list; NOBODY: empty */
    uint32_t changes;
};

static struct causal *causal_of(struct gcs_order_engine *engine)
{
    return (struct causal *)engine;
}

/* ---- Queues ----------------------------------------------------------------------------- */

static struct waiting *waiting_at(const struct stream *stream, uint64_t index)
{
    return &stream->queue[index & (stream->capacity - 1)];
}

static bool make_room(struct causal *c, struct stream *stream)
{
    uint32_t capacity = stream->capacity ? 2 * stream->capacity : QUEUE_INITIAL;
    if (stream->tail - stream->head < stream->capacity)
        return true;
    struct waiting *queue = gcs_allocate(c->config.allocator, capacity, sizeof(*queue));
    if (!queue)
        return false;
    for (uint64_t i = stream->head; i < stream->tail; i++)
        queue[i & (capacity - 1)] = *waiting_at(stream, i);
    gcs_release(c->config.allocator, stream->queue);
    stream->queue = queue;
    stream->capacity = capacity;
    return true;
}

static void drop_first(struct causal *c, struct stream *stream)
{
    struct waiting *first = waiting_at(stream, stream->head++);
    if (!first->member)
        gcs_release(c->config.allocator, (void *)(uintptr_t)first->info);
    stream->read = 0;
}

/* ---- Life ------------------------------------------------------------------------------- */

static void causal_close(struct gcs_order_engine *engine)
{
    struct causal *c = causal_of(engine);
    const struct gcs_allocator *allocator = c->config.allocator;
    for (uint16_t rank = 0; c->streams && rank < c->members; rank++) {
        struct stream *stream = &c->streams[rank];
        while (stream->head < stream->tail)
            drop_first(c, stream);
        gcs_release(allocator, stream->queue);
        gcs_release(allocator, stream->vector);
    }
    gcs_release(allocator, c->streams);
    gcs_release(allocator, c->ready);
    gcs_release(allocator, c);
}

static struct gcs_order_engine *causal_open(const struct gcs_order_config *config)
{
    struct causal *c = gcs_allocate(config->allocator, 1, sizeof(*c));
    if (!c)
        return NULL;
    c->engine.ops = &gcs_order_causal;
    c->config = *config;
    c->members = config->view->count;
    c->streams = gcs_allocate(config->allocator, c->members, sizeof(*c->streams));
    c->ready = gcs_allocate(config->allocator, c->members, sizeof(*c->ready));
    if (!c->streams || !c->ready) {
        causal_close(&c->engine);
        return NULL;
    }
    c->changed = c->changed_last = NOBODY;
    for (uint16_t rank = 0; rank < c->members; rank++)
        c->streams[rank].waiters = c->streams[rank].next = c->streams[rank].changed = NOBODY;
    return &c->engine;
}

/* ---- Waiting ---------------------------------------------------------------------------- */

static void become_ready(struct causal *c, uint16_t rank)
{
    c->ready[(c->ready_head + c->ready_count++) % c->members] = rank;
}

/* Puts the sender's first packet into the list of the one that it waits for; false: there is none.
 */
static bool wait_for_next(struct causal *c, uint16_t rank)
{
    struct stream *stream = &c->streams[rank];
    const struct waiting *first = waiting_at(stream, stream->head);
    struct gcs_vector_change change;
    while (stream->read < first->size) {
        struct gcs_reader r =
            gcs_reader_over(first->info + stream->read, first->size - stream->read);
        gcs_vector_next(&r, &change);
        stream->read = first->size - (uint32_t)gcs_reader_left(&r);
        struct stream *other = &c->streams[change.rank];
        stream->vector[change.rank] += change.growth;
        if (other->passed >= stream->vector[change.rank] || GCS_MUTANT(vector_forgotten))
            continue;
        stream->need = stream->vector[change.rank];
        stream->next = other->waiters;
        other->waiters = rank;
        return true;
    }
    return false;
}

/* The sender's first packet: next, or in a list. Parts of a vector count with the packet behind. */
static void look(struct causal *c, uint16_t rank)
{
    struct stream *stream = &c->streams[rank];
    while (stream->head < stream->tail) {
        if (wait_for_next(c, rank))
            return;
        if (waiting_at(stream, stream->head)->member) {
            become_ready(c, rank);
            return;
        }
        drop_first(c, stream);
    }
}

static void wake(struct causal *c, struct stream *stream)
{
    uint16_t rank = stream->waiters;
    stream->waiters = NOBODY;
    while (rank != NOBODY) {
        struct stream *waiter = &c->streams[rank];
        uint16_t next = waiter->next;
        if (waiter->need <= stream->passed) {
            look(c, rank);
        } else {
            waiter->next = stream->waiters;
            stream->waiters = rank;
        }
        rank = next;
    }
}

static bool makes_sense(const struct causal *c, uint16_t rank, const uint8_t *info, size_t size)
{
    struct gcs_reader r = gcs_reader_over(info, size);
    struct gcs_vector_change change;
    while (gcs_reader_left(&r) > 0)
        if (!gcs_vector_next(&r, &change) || change.rank >= c->members || change.rank == rank)
            return false;
    return true;
}

static int causal_arrive(struct gcs_order_engine *engine, uint16_t rank, uint64_t number,
                         bool member, const uint8_t *info, size_t size)
{
    struct causal *c = causal_of(engine);
    struct stream *stream = &c->streams[rank];
    int result = 0;
    if (info && !makes_sense(c, rank, info, size)) {
        result = GCS_EMALFORMED;
        info = NULL;
    }
    struct waiting entry = {number, info, info ? (uint32_t)size : 0, member};
    if (!member && entry.size == 0)
        return result;
    if (entry.size > 0 && !stream->vector) {
        stream->vector = gcs_allocate(c->config.allocator, c->members, sizeof(*stream->vector));
        if (!stream->vector)
            return GCS_ENOMEM;
    }
    if (!make_room(c, stream))
        return GCS_ENOMEM;
    if (!member) {
        uint8_t *copy = gcs_allocate(c->config.allocator, 1, size);
        if (!copy)
            return GCS_ENOMEM;
        memcpy(copy, info, size);
        entry.info = copy;
    }
    *waiting_at(stream, stream->tail++) = entry;
    if (stream->tail - stream->head == 1)
        look(c, rank);
    return result;
}

/* ---- What own packets tell -------------------------------------------------------------- */

static bool causal_crowded(const struct gcs_order_engine *engine)
{
    const struct causal *c = (const struct causal *)engine;
    return GCS_FRAME_HEADER + c->changes * GCS_VECTOR_CHANGE_MAX > c->config.room;
}

static void note_change(struct causal *c, uint16_t rank)
{
    struct stream *stream = &c->streams[rank];
    if (rank == c->config.view->self || stream->changed != NOBODY || c->changed_last == rank)
        return;
    if (c->changed_last == NOBODY)
        c->changed = rank;
    else
        c->streams[c->changed_last].changed = rank;
    c->changed_last = rank;
    c->changes++;
}

static void forget_change(struct causal *c)
{
    struct stream *stream = &c->streams[c->changed];
    stream->told = stream->passed;
    c->changed = stream->changed;
    stream->changed = NOBODY;
    c->changes--;
    if (c->changed == NOBODY)
        c->changed_last = NOBODY;
}

static void causal_announce(struct gcs_order_engine *engine, uint64_t number, bool member,
                            struct gcs_writer *w)
{
    struct causal *c = causal_of(engine);
    (void)number;
    if (c->changes == 0 || (!member && !causal_crowded(engine)))
        return;
    uint8_t *begin = gcs_frame_begin(w, GCS_FRAME_VECTOR);
    if (!begin)
        return;
    while (c->changes > 0 && gcs_writer_left(w) >= GCS_VECTOR_CHANGE_MAX) {
        const struct stream *stream = &c->streams[c->changed];
        gcs_vector_write(w, &(struct gcs_vector_change){c->changed, stream->passed - stream->told});
        forget_change(c);
    }
    gcs_frame_end(w, begin);
}

/* ---- Delivery --------------------------------------------------------------------------- */

static bool causal_peek(const struct gcs_order_engine *engine, struct gcs_order_next *next)
{
    const struct causal *c = (const struct causal *)engine;
    if (c->ready_count == 0)
        return false;
    uint16_t rank = c->ready[c->ready_head];
    const struct stream *stream = &c->streams[rank];
    *next = (struct gcs_order_next){rank, waiting_at(stream, stream->head)->number, 0};
    return true;
}

static void causal_pop(struct gcs_order_engine *engine)
{
    struct causal *c = causal_of(engine);
    if (c->ready_count == 0)
        return;
    uint16_t rank = c->ready[c->ready_head];
    struct stream *stream = &c->streams[rank];
    c->ready_head = (c->ready_head + 1) % c->members;
    c->ready_count--;
    stream->passed = waiting_at(stream, stream->head)->number;
    drop_first(c, stream);
    note_change(c, rank);
    wake(c, stream);
    look(c, rank);
}

const struct gcs_order_ops gcs_order_causal = {
    .name = "causal",
    .frame = GCS_FRAME_VECTOR,
    .open = causal_open,
    .close = causal_close,
    .arrive = causal_arrive,
    .pending = gcs_order_never, /* who sends nothing has nobody depend on it */
    .crowded = causal_crowded,
    .announce = causal_announce,
    .write_ack = gcs_order_write_no_ack,
    .read_ack = gcs_order_read_no_ack,
    .owes_ack = gcs_order_never,
    .peek = causal_peek,
    .pop = causal_pop,
    .known = gcs_order_know_nothing,
    .safe = gcs_order_safe_at_once,
    .freeze = gcs_order_freeze_nothing,
    .finish = gcs_order_finish_nothing, /* what waits beyond the cut waits for ever */
};
