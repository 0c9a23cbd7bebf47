/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Total order without anybody special: packets stand in the order of the Lamport
 * clocks that they carry, and of ranks where these are equal (Lamport, "Time, Clocks,
 * and the Ordering of Events in a Distributed System", CACM 21(7), 1978). A clock and a
 * rank together are a packet's key. A packet is next once every member has been heard
 * beyond its key: nothing can come before it any more.
 *
 * Whoever has sent nothing beyond what it has received sends a null, at once: a
 * packet with nothing but a stamp. One confirms all that came before it, so it costs a
 * member that only listens one null for each burst; where everybody sends there are
 * none. In a large view the era has nulls wait (era_send.c), since each is a packet for
 * every pair of members.
 *
 * Safe: a member that acknowledges, for each sender, all stamped packets before the
 * key holds everything before it, and the keys are in these packets. The nulls that
 * confirm a packet also bring their senders' acknowledgements: two hops.
 *
 * Closing order, a function of the cut: by key. Of a dead sender packets may be lost from
 * one key on, which is the first one possible after its last packet in the cut; the least
 * of these keys is the hole. Each packet tells how far its sender had delivered. If that
 * was not as far as the hole it depends on nothing that may be lost, and stays; what dead
 * senders sent later than that is dropped. Surviving senders' packets depend on nothing
 * beyond the cut.
 *
 * Why no safe packet is dropped: its sender had heard every dead member beyond all that
 * it had delivered, in packets with lower clocks than its own; the quorum holds these,
 * so the hole lies behind.
 */
#include "gcs/order/silent.h"

#include "gcs/base/memory.h"
#include "gcs/base/mutant.h"
#include "gcs/wire/stamp.h"

#define QUEUE_INITIAL 64u
#define NO_KEY        UINT64_MAX

/* A packet with a stamp. */
struct stamped {
    uint64_t number;
    uint64_t key;
    uint64_t delivered; /* key up to which its sender had delivered */
    bool member;
};

/* One sender. */
struct stream {
    struct stamped *queue; /* a ring: [head, tail) are known, [next, tail) not delivered */
    uint32_t capacity;
    uint64_t head, next, tail;
    uint64_t clock;      /* of its last stamped packet */
    uint64_t *acked;     /* per rank: it holds so many; NULL: nothing heard */
    uint64_t acked_till; /* so it holds everything before this key */
};

struct lamport {
    struct gcs_order_engine engine;
    struct gcs_order_config config;
    uint16_t members;
    uint16_t self;
    bool frozen;
    bool finished;
    uint64_t clock;     /* highest one met */
    uint64_t delivered; /* key of the last packet delivered */
    uint64_t confirm;   /* highest key of others' packets that take part */
    uint64_t highest;   /* own ones included */
    uint64_t unacked;   /* lowest key that came since the last acknowledgement */
    struct stream *streams;
};

static struct lamport *lamport_of(struct gcs_order_engine *engine)
{
    return (struct lamport *)engine;
}

static uint64_t key_of(uint64_t clock, uint16_t rank)
{
    return clock << 16 | rank;
}

static struct stamped *stamped_at(const struct stream *stream, uint64_t index)
{
    return &stream->queue[index & (stream->capacity - 1)];
}

/* ---- Life ------------------------------------------------------------------------------- */

static void lamport_close(struct gcs_order_engine *engine)
{
    struct lamport *l = lamport_of(engine);
    for (uint16_t rank = 0; l->streams && rank < l->members; rank++) {
        gcs_release(l->config.allocator, l->streams[rank].queue);
        gcs_release(l->config.allocator, l->streams[rank].acked);
    }
    gcs_release(l->config.allocator, l->streams);
    gcs_release(l->config.allocator, l);
}

static struct gcs_order_engine *lamport_open(const struct gcs_order_config *config)
{
    struct lamport *l = gcs_allocate(config->allocator, 1, sizeof(*l));
    if (!l)
        return NULL;
    l->engine.ops = &gcs_order_lamport;
    l->config = *config;
    l->members = config->view->count;
    l->self = config->view->self;
    l->unacked = NO_KEY;
    l->streams = gcs_allocate(config->allocator, l->members, sizeof(*l->streams));
    if (!l->streams) {
        lamport_close(&l->engine);
        return NULL;
    }
    return &l->engine;
}

/* ---- Keys ------------------------------------------------------------------------------- */

/* The lowest key that a packet of the sender which is not here yet can have. */
static uint64_t bound_of(const struct lamport *l, uint16_t rank)
{
    if (GCS_MUTANT(lamport_horizon) && rank != l->self)
        return NO_KEY;
    return key_of((rank == l->self ? l->clock : l->streams[rank].clock) + 1, rank);
}

/* Others know no more of this member than what it has sent. */
static uint64_t own_bound(const struct lamport *l)
{
    return key_of(l->streams[l->self].clock + 1, l->self);
}

/* The sender's first packet that is not delivered; NULL: it is not here. */
static const struct stamped *first_of(const struct stream *stream)
{
    return stream->next < stream->tail ? stamped_at(stream, stream->next) : NULL;
}

/* Nulls are not delivered. */
static void skip_nulls(struct stream *stream)
{
    while (stream->next < stream->tail && !stamped_at(stream, stream->next)->member)
        stream->next++;
}

/* ---- Arrival ---------------------------------------------------------------------------- */

/* How far everybody acknowledges the sender's packets. */
static uint64_t acked_by_all(const struct lamport *l, uint16_t rank)
{
    uint64_t least = NO_KEY;
    for (uint16_t i = 0; i < l->members; i++) {
        uint64_t acked = l->streams[i].acked ? l->streams[i].acked[rank] : 0;
        if (i != l->self && i != rank && acked < least)
            least = acked;
    }
    return least;
}

static bool make_room(struct lamport *l, uint16_t rank)
{
    struct stream *stream = &l->streams[rank];
    if (stream->tail - stream->head < stream->capacity)
        return true;
    uint64_t all = acked_by_all(l, rank);
    while (stream->head < stream->next && stamped_at(stream, stream->head)->number <= all)
        stream->head++;
    if (stream->tail - stream->head < stream->capacity - stream->capacity / 4)
        return true;
    uint32_t capacity = stream->capacity ? 2 * stream->capacity : QUEUE_INITIAL;
    struct stamped *queue = gcs_allocate(l->config.allocator, capacity, sizeof(*queue));
    if (!queue)
        return false;
    for (uint64_t i = stream->head; i < stream->tail; i++)
        queue[i & (capacity - 1)] = *stamped_at(stream, i);
    gcs_release(l->config.allocator, stream->queue);
    stream->queue = queue;
    stream->capacity = capacity;
    return true;
}

/* What a stamp is worth where it makes no sense must follow from the packets alone. */
static int read_stamp(const struct lamport *l, uint16_t rank, const uint8_t *info, size_t size,
                      struct gcs_stamp *stamp)
{
    uint64_t last = l->streams[rank].clock;
    if (info && gcs_stamp_read(info, size, l->members, stamp) && stamp->clock > last)
        return 0;
    *stamp = (struct gcs_stamp){.clock = last + 1};
    return GCS_EMALFORMED;
}

static int lamport_arrive(struct gcs_order_engine *engine, uint16_t rank, uint64_t number,
                          bool member, const uint8_t *info, size_t size)
{
    struct lamport *l = lamport_of(engine);
    struct stream *stream = &l->streams[rank];
    struct gcs_stamp stamp;
    if (!member && !info)
        return 0;
    int result = read_stamp(l, rank, info, size, &stamp);
    if (!make_room(l, rank))
        return GCS_ENOMEM;
    uint64_t key = key_of(stamp.clock, rank);
    *stamped_at(stream, stream->tail++) =
        (struct stamped){number, key, key_of(stamp.delivered_clock, stamp.delivered_rank), member};
    skip_nulls(stream);
    stream->clock = stamp.clock;
    if (stamp.clock > l->clock)
        l->clock = stamp.clock;
    if (member && key > l->highest)
        l->highest = key;
    if (rank == l->self)
        return result;
    if (member && key > l->confirm)
        l->confirm = key;
    if (key < l->unacked)
        l->unacked = key;
    return result;
}

/* ---- What own packets tell -------------------------------------------------------------- */

static bool lamport_pending(const struct gcs_order_engine *engine)
{
    const struct lamport *l = (const struct lamport *)engine;
    if (l->frozen || l->finished || GCS_MUTANT(lamport_no_nulls))
        return false;
    return l->confirm >= own_bound(l);
}

static void lamport_announce(struct gcs_order_engine *engine, uint64_t number, bool member,
                             struct gcs_writer *w)
{
    const struct lamport *l = lamport_of(engine);
    (void)number;
    if (!member && !lamport_pending(engine))
        return;
    struct gcs_stamp stamp = {
        .clock = l->clock + 1,
        .delivered_clock = l->delivered >> 16,
        .delivered_rank = (uint16_t)(l->delivered & 0xffff),
    };
    gcs_stamp_write(w, &stamp);
}

/* ---- Acknowledgement: the vector of STATUS ---------------------------------------------- */

static void lamport_write_ack(struct gcs_order_engine *engine, struct gcs_writer *w)
{
    (void)w;
    lamport_of(engine)->unacked = NO_KEY;
}

static bool lamport_read_ack(struct gcs_order_engine *engine, uint16_t rank, const uint64_t *held,
                             struct gcs_reader *r)
{
    struct lamport *l = lamport_of(engine);
    struct stream *stream = &l->streams[rank];
    (void)r;
    if (!stream->acked)
        stream->acked = gcs_allocate(l->config.allocator, l->members, sizeof(*stream->acked));
    for (uint16_t i = 0; stream->acked && i < l->members; i++)
        if (held[i] > stream->acked[i])
            stream->acked[i] = held[i];
    return true; /* without memory it is as good as lost */
}

/* The lowest key of a sender's packets behind that number: known, or possible. */
static uint64_t key_behind(const struct lamport *l, uint16_t rank, uint64_t number)
{
    const struct stream *stream = &l->streams[rank];
    uint64_t low = stream->head, high = stream->tail;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (stamped_at(stream, middle)->number > number)
            high = middle;
        else
            low = middle + 1;
    }
    return low < stream->tail ? stamped_at(stream, low)->key : key_of(stream->clock + 1, rank);
}

/* It holds what it has sent itself. */
static bool holds_all_to(const struct lamport *l, uint16_t rank, uint64_t key)
{
    struct stream *stream = &l->streams[rank];
    if (rank == l->self || key < stream->acked_till)
        return true;
    if (!stream->acked)
        return false;
    uint64_t till = NO_KEY;
    for (uint16_t i = 0; i < l->members; i++) {
        uint64_t behind = i == rank ? NO_KEY : key_behind(l, i, stream->acked[i]);
        if (GCS_MUTANT(lamport_packet_only) && i != (key & 0xffff))
            behind = NO_KEY;
        if (behind < till)
            till = behind;
    }
    if (!GCS_MUTANT(lamport_packet_only))
        stream->acked_till = till;
    return key < till;
}

/* A packet that waits to become safe needs what came before it to be acknowledged. */
static bool lamport_owes_ack(const struct gcs_order_engine *engine)
{
    const struct lamport *l = (const struct lamport *)engine;
    return l->unacked <= l->highest;
}

/* It is delivered, sooner or later. */
static uint64_t lamport_known(const struct gcs_order_engine *engine)
{
    return ((const struct lamport *)engine)->highest;
}

static bool lamport_safe(const struct gcs_order_engine *engine, uint64_t position)
{
    const struct lamport *l = (const struct lamport *)engine;
    if (l->finished)
        return true;
    struct gcs_tally holders = {0};
    for (uint16_t rank = 0; rank < l->members; rank++)
        gcs_tally_add(&holders, &l->config.view->members[rank], holds_all_to(l, rank, position));
    if (GCS_MUTANT(safe_minority))
        holders.in++;
    return gcs_order_enough(&l->config, &holders);
}

static void lamport_freeze(struct gcs_order_engine *engine)
{
    lamport_of(engine)->frozen = true;
}

/* ---- Delivery --------------------------------------------------------------------------- */

static bool lamport_peek(const struct gcs_order_engine *engine, struct gcs_order_next *next)
{
    const struct lamport *l = (const struct lamport *)engine;
    const struct stamped *best = NULL;
    uint64_t least = NO_KEY;
    for (uint16_t rank = 0; rank < l->members; rank++) {
        const struct stamped *first = first_of(&l->streams[rank]);
        uint64_t key = first ? first->key : l->finished ? NO_KEY : bound_of(l, rank);
        if (GCS_MUTANT(lamport_closed) && l->finished && first)
            key = rank;
        if (key >= least)
            continue;
        least = key;
        best = first;
    }
    if (!best)
        return false;
    *next = (struct gcs_order_next){(uint16_t)(best->key & 0xffff), best->number, best->key};
    return true;
}

static void lamport_pop(struct gcs_order_engine *engine)
{
    struct lamport *l = lamport_of(engine);
    struct gcs_order_next next;
    if (!lamport_peek(engine, &next))
        return;
    struct stream *stream = &l->streams[next.rank];
    l->delivered = next.position;
    stream->next++;
    skip_nulls(stream);
}

static void lamport_finish(struct gcs_order_engine *engine, const uint64_t *cut,
                           const bool *survives)
{
    struct lamport *l = lamport_of(engine);
    uint64_t hole = NO_KEY;
    (void)cut;
    l->finished = true;
    for (uint16_t rank = 0; rank < l->members; rank++) {
        uint64_t bound = key_of(l->streams[rank].clock + 1, rank);
        if (!survives[rank] && bound < hole && !GCS_MUTANT(lamport_hole))
            hole = bound;
    }
    for (uint16_t rank = 0; rank < l->members; rank++) {
        struct stream *stream = &l->streams[rank];
        uint64_t end = stream->next;
        while (end < stream->tail && stamped_at(stream, end)->delivered < hole)
            end++;
        if (!survives[rank])
            stream->tail = end;
    }
}

const struct gcs_order_ops gcs_order_lamport = {
    .name = "lamport",
    .frame = GCS_FRAME_STAMP,
    .confirms = true,
    .open = lamport_open,
    .close = lamport_close,
    .arrive = lamport_arrive,
    .pending = lamport_pending,
    .crowded = gcs_order_never,
    .announce = lamport_announce,
    .write_ack = lamport_write_ack,
    .read_ack = lamport_read_ack,
    .owes_ack = lamport_owes_ack,
    .peek = lamport_peek,
    .pop = lamport_pop,
    .known = lamport_known,
    .safe = lamport_safe,
    .freeze = lamport_freeze,
    .finish = lamport_finish,
};
