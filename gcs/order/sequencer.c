/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Total order by a sequencer: one member, that of rank 0 unless the role rotates,
 * gives slots 1, 2, 3, ... to packets in runs "the next so many packets of that sender", inside its
 * own numbered packets, naming only packets that it holds. Packets that take no part in the order
 * get slots too when they lie before one that does; they are passed over.
 *
 * The acknowledgement is one slot: every run and packet up to it is held here.
 * Safe means that a quorum acknowledged the slot: then data, predecessors and
 * the information that orders them survive any minority.
 *
 * Closing order, a function of the cut: slots up to the first whose packet is
 * not in the cut (the hole); from there on, what dead senders left is dropped,
 * because it may depend on what is lost, and surviving senders' packets follow:
 * first those with slots, then the rest by rank and number. A surviving sender
 * delivered nothing behind the hole, so its packets depend on nothing there.
 */
#include "gcs/order/silent.h"

#include "gcs/base/memory.h"
#include "gcs/base/mutant.h"
#include "gcs/wire/runs.h"

#define RUNS_INITIAL 256u

/* count packets of rank from first on have the slots from slot on. */
struct placed {
    uint16_t rank;
    uint64_t first;
    uint64_t count;
    uint64_t slot;
};

struct sequencer {
    struct gcs_order_engine engine;
    struct gcs_order_config config;
    uint16_t members; /* of the view */
    uint16_t self;
    uint16_t leader; /* gives the slots */
    bool frozen;
    bool finished;
    bool hole; /* finished: the closing order is behind the hole */
    uint16_t tail_rank;
    /* a ring of runs: [head, tail) are not delivered, [held, tail) not wholly held */
    struct placed *runs;
    uint32_t capacity;
    uint64_t head, held, tail;
    uint64_t head_done; /* packets of the head run that are delivered */
    uint64_t slots;     /* given so far */
    uint64_t hold;      /* acknowledged: all up to it is held */
    uint64_t hold_sent; /* the last hold that write_ack wrote, or held told */
    uint64_t quorum;    /* a quorum holds all up to it, as others have counted */
    /* per rank */
    uint64_t *arrived;
    uint64_t *placed; /* numbers up to it have slots */
    uint64_t *wishes; /* the last number that takes part in the order */
    uint64_t *passed; /* delivered or passed over */
    uint64_t *acked;  /* slots acknowledged */
    /* finished */
    uint64_t *cut;
    bool *survives;
};

static struct sequencer *sequencer_of(struct gcs_order_engine *engine)
{
    return (struct sequencer *)engine;
}

static void sequencer_close(struct gcs_order_engine *engine)
{
    struct sequencer *s = sequencer_of(engine);
    gcs_release(s->config.allocator, s->runs);
    gcs_release(s->config.allocator, s->arrived);
    gcs_release(s->config.allocator, s->survives);
    gcs_release(s->config.allocator, s);
}

/* The voters take turns, from view to view. */
static uint16_t leader_of(const struct gcs_view *view)
{
    uint16_t voters = 0, rank = 0;
    for (uint16_t i = 0; i < view->count; i++)
        voters = (uint16_t)(voters + (gcs_member_votes(&view->members[i]) > 0));
    if (voters == 0)
        return 0;
    for (uint32_t turn = view->epoch % voters;; rank++)
        if (gcs_member_votes(&view->members[rank]) > 0 && turn-- == 0)
            return rank;
}

static struct gcs_order_engine *sequencer_open(const struct gcs_order_config *config)
{
    struct sequencer *s = gcs_allocate(config->allocator, 1, sizeof(*s));
    if (!s)
        return NULL;
    s->engine.ops = &gcs_order_sequencer;
    s->config = *config;
    s->members = config->view->count;
    s->self = config->view->self;
    s->leader = config->rotate ? leader_of(config->view) : 0;
    s->capacity = RUNS_INITIAL;
    s->runs = gcs_allocate(s->config.allocator, s->capacity, sizeof(*s->runs));
    s->arrived = gcs_allocate(s->config.allocator, 6 * (size_t)s->members, sizeof(uint64_t));
    s->survives = gcs_allocate(s->config.allocator, s->members, sizeof(bool));
    if (!s->runs || !s->arrived || !s->survives) {
        sequencer_close(&s->engine);
        return NULL;
    }
    s->placed = s->arrived + s->members;
    s->wishes = s->placed + s->members;
    s->passed = s->wishes + s->members;
    s->acked = s->passed + s->members;
    s->cut = s->acked + s->members;
    return &s->engine;
}

static struct placed *run_at(const struct sequencer *s, uint64_t index)
{
    return &s->runs[index & (s->capacity - 1)];
}

/* ---- Slots ------------------------------------------------------------------------------ */

static bool grow(struct sequencer *s)
{
    struct placed *runs = gcs_allocate(s->config.allocator, 2 * (size_t)s->capacity, sizeof(*runs));
    if (!runs)
        return false;
    for (uint64_t i = s->head; i < s->tail; i++)
        runs[i & (2 * s->capacity - 1)] = *run_at(s, i);
    gcs_release(s->config.allocator, s->runs);
    s->runs = runs;
    s->capacity *= 2;
    return true;
}

static bool place(struct sequencer *s, const struct gcs_run *run)
{
    if (s->tail - s->head == s->capacity && !grow(s))
        return false;
    *run_at(s, s->tail) =
        (struct placed){run->rank, s->placed[run->rank] + 1, run->count, s->slots + 1};
    s->tail++;
    s->slots += run->count;
    s->placed[run->rank] += run->count;
    return true;
}

static int read_runs(struct sequencer *s, uint16_t from, const uint8_t *info, size_t size)
{
    struct gcs_reader r = gcs_reader_over(info, size);
    struct gcs_run run;
    uint64_t first_slot, runs;
    if (from != s->leader || !gcs_runs_read(&r, &first_slot, &runs) || first_slot != s->slots + 1)
        return GCS_EMALFORMED;
    struct gcs_reader whole = r;
    for (uint64_t i = 0; i < runs; i++)
        if (!gcs_runs_next(&whole, s->members, &run) || run.count > UINT32_MAX)
            return GCS_EMALFORMED;
    for (uint64_t i = 0; i < runs; i++)
        if (!gcs_runs_next(&r, s->members, &run) || !place(s, &run))
            return GCS_ENOMEM;
    if (!s->frozen)
        s->acked[s->leader] = s->slots; /* it names only what it holds */
    return 0;
}

static void advance_hold(struct sequencer *s)
{
    for (uint16_t rank = 0, all = 0; GCS_MUTANT(safe_data_only) && rank < s->members; rank++)
        s->hold = all = (uint16_t)(all + s->arrived[rank]);
    if (GCS_MUTANT(safe_data_only))
        return;
    while (s->held < s->tail) {
        const struct placed *run = run_at(s, s->held);
        uint64_t last = run->first + run->count - 1;
        if (s->arrived[run->rank] < last) {
            if (s->arrived[run->rank] >= run->first)
                s->hold = run->slot + (s->arrived[run->rank] - run->first);
            return;
        }
        s->hold = run->slot + run->count - 1;
        s->held++;
    }
}

static int sequencer_arrive(struct gcs_order_engine *engine, uint16_t rank, uint64_t number,
                            bool member, const uint8_t *info, size_t size)
{
    struct sequencer *s = sequencer_of(engine);
    s->arrived[rank] = number;
    if (member)
        s->wishes[rank] = number;
    int result = info ? read_runs(s, rank, info, size) : 0;
    if (!s->frozen || GCS_MUTANT(ack_after_freeze)) {
        advance_hold(s);
        s->acked[s->self] = s->hold;
    }
    return result;
}

/* ---- The sequencer's part --------------------------------------------------------------- */

static bool sequencer_pending(const struct gcs_order_engine *engine)
{
    const struct sequencer *s = (const struct sequencer *)engine;
    if (s->self != s->leader || s->finished || s->frozen)
        return false;
    for (uint16_t rank = 0; rank < s->members; rank++)
        if (s->wishes[rank] > s->placed[rank])
            return true;
    return false;
}

static bool wished(const struct sequencer *s, uint16_t rank)
{
    return s->wishes[rank] > s->placed[rank];
}

/* How many runs a frame in w's place has room for; what is left waits for the next packet. */
static uint64_t runs_that_fit(const struct sequencer *s, struct gcs_writer w)
{
    uint64_t runs = 0;
    gcs_write_room(&w, GCS_FRAME_HEADER);
    gcs_runs_begin(&w, s->slots + 1, s->members);
    for (uint16_t rank = 0; rank < s->members && !w.bad; rank++) {
        if (!wished(s, rank))
            continue;
        gcs_runs_add(&w, rank, s->wishes[rank] - s->placed[rank]);
        runs += !w.bad;
    }
    return runs;
}

static void write_runs(const struct sequencer *s, uint64_t runs, struct gcs_writer *w)
{
    uint8_t *begin = gcs_frame_begin(w, GCS_FRAME_RUNS);
    gcs_runs_begin(w, s->slots + 1, runs);
    for (uint16_t rank = 0; runs > 0; rank++) {
        if (!wished(s, rank))
            continue;
        gcs_runs_add(w, rank, s->wishes[rank] - s->placed[rank]);
        runs--;
    }
    gcs_frame_end(w, begin);
}

static void sequencer_announce(struct gcs_order_engine *engine, uint64_t number, bool member,
                               struct gcs_writer *w)
{
    struct sequencer *s = sequencer_of(engine);
    if (s->self != s->leader || (!member && !sequencer_pending(engine)))
        return;
    uint64_t own = s->wishes[s->self];
    if (member)
        s->wishes[s->self] = number;
    uint64_t runs = runs_that_fit(s, *w);
    if (runs > 0)
        write_runs(s, runs, w);
    s->wishes[s->self] = own; /* arrive() says so when the packet is really there */
}

/* ---- Acknowledgement -------------------------------------------------------------------- */

static void sequencer_write_ack(struct gcs_order_engine *engine, struct gcs_writer *w)
{
    struct sequencer *s = sequencer_of(engine);
    gcs_write_varint(w, s->hold);
    s->hold_sent = s->hold;
}

static bool sequencer_read_ack(struct gcs_order_engine *engine, uint16_t rank, const uint64_t *held,
                               struct gcs_reader *r)
{
    (void)held;
    struct sequencer *s = sequencer_of(engine);
    uint64_t slot = gcs_read_varint(r);
    if (r->bad)
        return false;
    if (slot > s->acked[rank])
        s->acked[rank] = slot;
    return true;
}

static bool sequencer_owes_ack(const struct gcs_order_engine *engine)
{
    const struct sequencer *s = (const struct sequencer *)engine;
    return s->hold > s->hold_sent;
}

static uint64_t sequencer_held(struct gcs_order_engine *engine)
{
    struct sequencer *s = sequencer_of(engine);
    return s->hold_sent = s->hold;
}

static void sequencer_held_by_quorum(struct gcs_order_engine *engine, uint64_t position)
{
    struct sequencer *s = sequencer_of(engine);
    if (position > s->quorum)
        s->quorum = position;
}

static uint64_t sequencer_known(const struct gcs_order_engine *engine)
{
    return ((const struct sequencer *)engine)->slots;
}

static bool sequencer_safe(const struct gcs_order_engine *engine, uint64_t position)
{
    const struct sequencer *s = (const struct sequencer *)engine;
    if (s->finished || position <= s->quorum)
        return true;
    struct gcs_tally holders = {0};
    for (uint16_t rank = 0; rank < s->members; rank++)
        gcs_tally_add(&holders, &s->config.view->members[rank], s->acked[rank] >= position);
    if (GCS_MUTANT(safe_minority))
        holders.in++;
    return gcs_order_enough(&s->config, &holders);
}

static void sequencer_freeze(struct gcs_order_engine *engine)
{
    sequencer_of(engine)->frozen = true;
}

/* ---- Delivery --------------------------------------------------------------------------- */

static bool peek_slots(const struct sequencer *s, struct gcs_order_next *next)
{
    if (s->head == s->tail)
        return false;
    const struct placed *run = run_at(s, s->head);
    *next = (struct gcs_order_next){run->rank, run->first + s->head_done, run->slot + s->head_done};
    return true;
}

static void pop_slots(struct sequencer *s, uint64_t count)
{
    const struct placed *run = run_at(s, s->head);
    s->head_done += count;
    s->passed[run->rank] = run->first + s->head_done - 1;
    if (s->head_done == run->count) {
        s->head++;
        s->head_done = 0;
        if (s->held < s->head)
            s->held = s->head;
    }
}

/*
 * Skips what the closing order leaves out, so that peek and pop agree. Whatever
 * leaves a packet out leaves out the rest of its run too, which may be long.
 */
static void settle(struct sequencer *s)
{
    struct gcs_order_next next;
    while (peek_slots(s, &next)) {
        bool there = next.number <= s->cut[next.rank];
        if (!there)
            s->hole = true;
        if (there && (!s->hole || s->survives[next.rank] || GCS_MUTANT(causal_hole)))
            return;
        pop_slots(s, run_at(s, s->head)->count - s->head_done);
    }
    while (s->tail_rank < s->members &&
           (!s->survives[s->tail_rank] || s->passed[s->tail_rank] >= s->cut[s->tail_rank]))
        s->tail_rank++;
}

static bool sequencer_peek(const struct gcs_order_engine *engine, struct gcs_order_next *next)
{
    const struct sequencer *s = (const struct sequencer *)engine;
    if (peek_slots(s, next))
        return s->finished || next->number <= s->arrived[next->rank];
    if (!s->finished || s->tail_rank == s->members)
        return false;
    *next = (struct gcs_order_next){s->tail_rank, s->passed[s->tail_rank] + 1, 0};
    return true;
}

static void sequencer_pop(struct gcs_order_engine *engine)
{
    struct sequencer *s = sequencer_of(engine);
    if (s->head < s->tail)
        pop_slots(s, 1);
    else if (s->finished)
        s->passed[s->tail_rank]++;
    if (s->finished)
        settle(s);
}

static void sequencer_finish(struct gcs_order_engine *engine, const uint64_t *cut,
                             const bool *survives)
{
    struct sequencer *s = sequencer_of(engine);
    memcpy(s->cut, cut, s->members * sizeof(*cut));
    memcpy(s->survives, survives, s->members * sizeof(*survives));
    s->finished = true;
    settle(s);
}

const struct gcs_order_ops gcs_order_sequencer = {
    .name = "sequencer",
    .frame = GCS_FRAME_RUNS,
    .open = sequencer_open,
    .close = sequencer_close,
    .arrive = sequencer_arrive,
    .pending = sequencer_pending,
    .crowded = gcs_order_never, /* what does not fit into this packet waits for the next */
    .announce = sequencer_announce,
    .write_ack = sequencer_write_ack,
    .read_ack = sequencer_read_ack,
    .owes_ack = sequencer_owes_ack,
    .held = sequencer_held,
    .held_by_quorum = sequencer_held_by_quorum,
    .peek = sequencer_peek,
    .pop = sequencer_pop,
    .known = sequencer_known,
    .safe = sequencer_safe,
    .freeze = sequencer_freeze,
    .finish = sequencer_finish,
};
