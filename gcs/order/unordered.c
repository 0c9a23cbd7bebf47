/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * No order at all: a packet does not wait for those that its sender sent before. One
 * that has come in spite of a gap before it is next once a quorum is known to hold it and
 * all before it, from the acknowledgements that travel anyway. Then it is in every
 * cut, so that who goes along into the next view delivers it too; without that a member
 * could deliver what the others never get, since a cut has no gaps. The others are next
 * when the gap is filled, as in fifo.
 *
 * Closing order: whatever of the cut was not delivered.
 */
#include "gcs/order/silent.h"

#include "gcs/base/memory.h"
#include "gcs/base/mutant.h"

#define EARLY_MAX 64u /* of one sender: beyond, packets wait for the gap to be filled */

/* A packet behind a gap. */
struct early {
    uint64_t number;
    bool passed;
};

/* One sender. */
struct stream {
    uint64_t arrived;    /* all up to here are here */
    uint64_t passed;     /* all that take part up to here have been delivered, */
    struct early *early; /* ... and some of these, in no order */
    uint32_t count;
    uint64_t *held; /* per rank: how far this member acknowledges that rank's packets */
};

struct unordered {
    struct gcs_order_engine engine;
    struct gcs_order_config config;
    uint16_t members;
    uint16_t at;     /* the rank that peek looks at first; serves all in turn */
    uint32_t behind; /* packets behind gaps, all senders together */
    bool finished;
    struct stream *streams;
};

static struct unordered *unordered_of(struct gcs_order_engine *engine)
{
    return (struct unordered *)engine;
}

static void unordered_close(struct gcs_order_engine *engine)
{
    struct unordered *u = unordered_of(engine);
    for (uint16_t rank = 0; u->streams && rank < u->members; rank++) {
        gcs_release(u->config.allocator, u->streams[rank].early);
        gcs_release(u->config.allocator, u->streams[rank].held);
    }
    gcs_release(u->config.allocator, u->streams);
    gcs_release(u->config.allocator, u);
}

static struct gcs_order_engine *unordered_open(const struct gcs_order_config *config)
{
    struct unordered *u = gcs_allocate(config->allocator, 1, sizeof(*u));
    if (!u)
        return NULL;
    u->engine.ops = &gcs_order_unordered;
    u->config = *config;
    u->members = config->view->count;
    u->streams = gcs_allocate(config->allocator, u->members, sizeof(*u->streams));
    if (!u->streams) {
        unordered_close(&u->engine);
        return NULL;
    }
    return &u->engine;
}

/* ---- Packets behind gaps ---------------------------------------------------------------- */

static struct early *find_early(struct stream *stream, uint64_t number)
{
    for (uint32_t i = 0; i < stream->count; i++)
        if (stream->early[i].number == number)
            return &stream->early[i];
    return NULL;
}

static void forget_early(struct unordered *u, struct stream *stream, struct early *early)
{
    *early = stream->early[--stream->count];
    u->behind--;
}

/* Goes over what was delivered before the gap in front of it was filled. */
static void skip_passed(struct unordered *u, struct stream *stream)
{
    while (stream->count > 0 && stream->passed < stream->arrived) {
        struct early *early = find_early(stream, stream->passed + 1);
        if (!early)
            return;
        forget_early(u, stream, early);
        stream->passed++;
    }
}

static int unordered_arrive_early(struct gcs_order_engine *engine, uint16_t rank, uint64_t number)
{
    struct unordered *u = unordered_of(engine);
    struct stream *stream = &u->streams[rank];
    if (!stream->early)
        stream->early = gcs_allocate(u->config.allocator, EARLY_MAX, sizeof(*stream->early));
    if (!stream->early)
        return GCS_ENOMEM;
    if (stream->count == EARLY_MAX || number <= stream->arrived)
        return 0;
    stream->early[stream->count++] = (struct early){.number = number};
    u->behind++;
    return 0;
}

/* The sender holds all that it has sent. This member's own holdings have the gap. */
static bool quorum_holds(const struct unordered *u, uint16_t rank, uint64_t number)
{
    struct gcs_tally holders = {0};
    for (uint16_t i = 0; i < u->members; i++) {
        const uint64_t *held = u->streams[i].held;
        bool holds = i == rank || (held && held[rank] >= number);
        gcs_tally_add(&holders, &u->config.view->members[i], holds);
    }
    return GCS_MUTANT(unordered_at_once) || gcs_tally_quorum(&holders, u->config.view->tie_breaker);
}

/* The first one behind a gap that may be delivered; NULL: there is none. */
static struct early *next_early(const struct unordered *u, uint16_t rank)
{
    const struct stream *stream = &u->streams[rank];
    for (uint32_t i = 0; i < stream->count; i++)
        if (!stream->early[i].passed && quorum_holds(u, rank, stream->early[i].number))
            return &stream->early[i];
    return NULL;
}

/* ---- Arrival ---------------------------------------------------------------------------- */

static int unordered_arrive(struct gcs_order_engine *engine, uint16_t rank, uint64_t number,
                            bool member, const uint8_t *info, size_t size)
{
    struct unordered *u = unordered_of(engine);
    struct stream *stream = &u->streams[rank];
    (void)info;
    (void)size;
    struct early *early = stream->count > 0 ? find_early(stream, number) : NULL;
    if (early && !early->passed)
        forget_early(u, stream, early);
    if (!member && stream->passed == stream->arrived)
        stream->passed = number;
    stream->arrived = number;
    skip_passed(u, stream);
    return 0;
}

static bool unordered_read_ack(struct gcs_order_engine *engine, uint16_t rank, const uint64_t *held,
                               struct gcs_reader *r)
{
    struct unordered *u = unordered_of(engine);
    struct stream *stream = &u->streams[rank];
    (void)r;
    if (u->behind == 0)
        return true; /* what was said before a gap is of no use */
    if (!stream->held)
        stream->held = gcs_allocate(u->config.allocator, u->members, sizeof(*stream->held));
    for (uint16_t i = 0; stream->held && i < u->members; i++)
        if (held[i] > stream->held[i])
            stream->held[i] = held[i];
    return true; /* without memory it is as good as lost */
}

/* ---- Delivery --------------------------------------------------------------------------- */

/* Packets that take no part may stand between: the caller passes over them. */
static bool next_of(const struct unordered *u, uint16_t rank, struct gcs_order_next *next)
{
    const struct stream *stream = &u->streams[rank];
    if (stream->passed < stream->arrived) {
        *next = (struct gcs_order_next){rank, stream->passed + 1, 0};
        return true;
    }
    const struct early *early = stream->count > 0 ? next_early(u, rank) : NULL;
    if (!early || u->finished)
        return false;
    *next = (struct gcs_order_next){rank, early->number, 0};
    return true;
}

static bool unordered_peek(const struct gcs_order_engine *engine, struct gcs_order_next *next)
{
    const struct unordered *u = (const struct unordered *)engine;
    for (uint16_t i = 0; i < u->members; i++)
        if (next_of(u, (uint16_t)((u->at + i) % u->members), next))
            return true;
    return false;
}

static void unordered_pop(struct gcs_order_engine *engine)
{
    struct unordered *u = unordered_of(engine);
    struct gcs_order_next next;
    if (!unordered_peek(engine, &next))
        return;
    struct stream *stream = &u->streams[next.rank];
    u->at = next.rank;
    if (next.number > stream->arrived) {
        find_early(stream, next.number)->passed = true;
        return;
    }
    stream->passed = next.number;
    skip_passed(u, stream);
}

static void unordered_finish(struct gcs_order_engine *engine, const uint64_t *cut,
                             const bool *survives)
{
    unordered_of(engine)->finished = true;
    (void)cut;
    (void)survives;
}

const struct gcs_order_ops gcs_order_unordered = {
    .name = "unordered",
    .open = unordered_open,
    .close = unordered_close,
    .arrive = unordered_arrive,
    .arrive_early = unordered_arrive_early,
    .pending = gcs_order_never,
    .crowded = gcs_order_never,
    .announce = gcs_order_announce_nothing,
    .write_ack = gcs_order_write_no_ack,
    .read_ack = unordered_read_ack,
    .owes_ack = gcs_order_never,
    .peek = unordered_peek,
    .pop = unordered_pop,
    .known = gcs_order_know_nothing,
    .safe = gcs_order_safe_at_once,
    .freeze = gcs_order_freeze_nothing,
    .finish = unordered_finish,
};
