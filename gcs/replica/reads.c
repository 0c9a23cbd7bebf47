/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Queries. A linearizable one takes an index, a place in the order behind which lies nothing that
 * anybody got a result for before the query began, and waits until that is applied here:
 *
 *  - At the sequencer, if it holds a lease: the last place that it has given. Every place of the
 *    view was given by it, and while the lease holds there is no later view without it; one
 *    with it needs its promise, after which it knows no order any more (gcs_ordered).
 *  - Elsewhere the members are asked, and the answer of the sequencer with a lease is enough, or
 * else the highest of the answers of a quorum, all of the same view: a result had been acknowledged
 * by a quorum, which has a member in common with this one, and whoever has promised a later view
 * does not answer.
 *
 * The order of the two calls matters: first the place, then the lease. Queries that come while
 * members are being asked wait for the next round, since the asking must begin after the query.
 * What is lost (an endpoint's queue was full) is asked again.
 */
#include "gcs/replica/replicator.h"

#include <stdlib.h>
#include <string.h>

#define ASK_AGAIN_NS 50000000u

/* ---- Lists ------------------------------------------------------------------------------ */

static void list_init(struct gcs_replica_list *list)
{
    list->first = NULL;
    list->end = &list->first;
}

static void append(struct gcs_replica_list *list, struct gcs_replica_waiting *waiting)
{
    waiting->next = NULL;
    *list->end = waiting;
    list->end = &waiting->next;
}

static struct gcs_replica_waiting *take_first(struct gcs_replica_list *list)
{
    struct gcs_replica_waiting *first = list->first;

    if (first) {
        list->first = first->next;
        if (!list->first)
            list->end = &list->first;
    }
    return first;
}

/* All of from come before all of to. */
static void move_before(struct gcs_replica_list *from, struct gcs_replica_list *to)
{
    if (!from->first)
        return;
    *from->end = to->first;
    if (!to->first)
        to->end = from->end;
    to->first = from->first;
    list_init(from);
}

void gcs_reads_init(struct gcs_replica_reads *reads)
{
    list_init(&reads->fresh);
    list_init(&reads->asked);
    list_init(&reads->indexed);
    list_init(&reads->after);
}

/* ---- Answering the application ---------------------------------------------------------- */

static void answer(struct gcs_replicator *replicator, const void *data, size_t size,
                   gcs_replica_done *done, void *ctx)
{
    struct gcs_replica_result result = {NULL, 0};
    struct gcs_replica_outcome outcome = {.number = replicator->number};

    bool outermost = gcs_replicator_calls(replicator, "query", replicator->number);
    outcome.error =
        replicator->machine.query(replicator->machine.ctx, data, size, replicator->time, &result);
    gcs_replicator_called(replicator, outermost);
    if (outcome.error == 0) {
        outcome.data = result.data;
        outcome.size = result.size;
    }
    if (done)
        done(ctx, &outcome);
    gcs_replicator_tell_slow(replicator);
}

static void let_go(struct gcs_replica_reads *reads, struct gcs_replica_waiting *waiting)
{
    reads->count--;
    reads->bytes -= sizeof(*waiting) + waiting->size;
    free(waiting);
}

static void answer_waiting(struct gcs_replicator *replicator, struct gcs_replica_waiting *waiting)
{
    answer(replicator, waiting->data, waiting->size, waiting->done, waiting->ctx);
    let_go(&replicator->reads, waiting);
}

static void fail_list(struct gcs_replicator *replicator, struct gcs_replica_list *list, int error)
{
    const struct gcs_replica_outcome outcome = {.error = error};
    struct gcs_replica_list failing;
    struct gcs_replica_waiting *waiting;

    list_init(&failing);
    move_before(list, &failing);
    while ((waiting = take_first(&failing))) {
        if (waiting->done)
            waiting->done(waiting->ctx, &outcome);
        let_go(&replicator->reads, waiting);
    }
}

void gcs_reads_fail(struct gcs_replicator *replicator, int error, bool all)
{
    struct gcs_replica_reads *reads = &replicator->reads;

    reads->round = 0;
    fail_list(replicator, &reads->indexed, error);
    fail_list(replicator, &reads->asked, error);
    fail_list(replicator, &reads->fresh, error);
    if (all)
        fail_list(replicator, &reads->after, error);
}

/* ---- The index -------------------------------------------------------------------------- */

static bool delivered(const struct gcs_replicator *replicator, uint32_t epoch, uint64_t position)
{
    return epoch < replicator->epoch || position <= replicator->position;
}

/* The sequencer's own: *leased, and everything that there is. Otherwise what this member knows. */
static bool own_index(const struct gcs_replicator *replicator, uint32_t *epoch, uint64_t *position,
                      bool *leased)
{
    const struct gcs_replica_port *port = &replicator->port;

    if (port->ordered(port->ctx, epoch, position) != 0)
        return false;
    *leased = replicator->sequencer && replicator->self == 0 && port->primary(port->ctx) == 0;
    return true;
}

static void set_index(struct gcs_replica_reads *reads, struct gcs_replica_list *list,
                      uint32_t epoch, uint64_t position)
{
    struct gcs_replica_waiting *waiting;

    while ((waiting = take_first(list))) {
        waiting->epoch = epoch;
        waiting->position = position;
        append(&reads->indexed, waiting);
    }
}

static bool quorum_answered(const struct gcs_replicator *replicator)
{
    uint64_t all = 0, in = 0;
    bool senior_in = false;

    for (uint16_t rank = 0; rank < replicator->members_count; rank++) {
        const struct gcs_member *member = &replicator->members[rank];
        uint64_t votes = member->syncing ? 0 : member->weight;
        if (all == 0 && votes > 0)
            senior_in = replicator->reads.answered[rank];
        all += votes;
        in += replicator->reads.answered[rank] ? votes : 0;
    }
    if (GCS_REPLICA_MUTANT(index_of_one) && replicator->reads.answered[replicator->self])
        return true;
    return 2 * in > all || (replicator->tie_breaker && senior_in && 2 * in == all);
}

static void end_round(struct gcs_replicator *replicator, uint64_t position)
{
    struct gcs_replica_reads *reads = &replicator->reads;

    reads->round = 0;
    set_index(reads, &reads->asked, replicator->epoch, position);
}

static void ask(struct gcs_replicator *replicator)
{
    const struct gcs_replica_port *port = &replicator->port;
    struct gcs_replica_message message = {.kind = GCS_REPLICA_ASK,
                                          .round = replicator->reads.round};
    uint8_t bytes[GCS_REPLICA_SMALL];
    size_t size = gcs_replica_write(bytes, &message);

    for (uint16_t rank = 0; rank < replicator->members_count; rank++) {
        const struct gcs_member *member = &replicator->members[rank];
        if (rank != replicator->self && !member->syncing && member->weight > 0)
            (void)port->send(port->ctx, &member->id, bytes, size);
    }
}

static void begin_round(struct gcs_replicator *replicator)
{
    struct gcs_replica_reads *reads = &replicator->reads;
    uint64_t position;
    uint32_t epoch;
    bool leased = false;
    bool known = own_index(replicator, &epoch, &position, &leased) && epoch == replicator->epoch;

    move_before(&reads->fresh, &reads->asked);
    if (known && leased) {
        end_round(replicator, position);
        return;
    }
    reads->round = ++reads->rounds;
    reads->asked_at = replicator->port.now(replicator->port.ctx);
    reads->position = known ? position : 0;
    memset(reads->answered, 0, replicator->members_count * sizeof(*reads->answered));
    reads->answered[replicator->self] = known;
    if (quorum_answered(replicator))
        end_round(replicator, reads->position);
    else
        ask(replicator);
}

void gcs_reads_asked(struct gcs_replicator *replicator, const struct gcs_member_id *from,
                     const struct gcs_replica_message *message)
{
    const struct gcs_replica_port *port = &replicator->port;
    struct gcs_replica_message reply = {.kind = GCS_REPLICA_ANSWER, .round = message->round};
    uint8_t bytes[GCS_REPLICA_SMALL];

    if (own_index(replicator, &reply.epoch, &reply.position, &reply.leased))
        (void)port->send(port->ctx, from, bytes, gcs_replica_write(bytes, &reply));
}

void gcs_reads_answered(struct gcs_replicator *replicator, const struct gcs_member_id *from,
                        const struct gcs_replica_message *message)
{
    struct gcs_replica_reads *reads = &replicator->reads;

    if (reads->round == 0 || message->round != reads->round || message->epoch != replicator->epoch)
        return;
    for (uint16_t rank = 0; rank < replicator->members_count; rank++)
        if (replicator->members[rank].id.incarnation == from->incarnation)
            reads->answered[rank] = true;
    if (message->position > reads->position)
        reads->position = message->position;
    if (message->leased || quorum_answered(replicator))
        end_round(replicator, message->leased ? message->position : reads->position);
}

/* ---- From one event to the next --------------------------------------------------------- */

static bool may_ask(const struct gcs_replicator *replicator)
{
    return replicator->primary && replicator->phase == GCS_REPLICA_WORKING;
}

static void run_after(struct gcs_replicator *replicator)
{
    struct gcs_replica_list waiting = {NULL, &waiting.first};
    struct gcs_replica_waiting *one;

    move_before(&replicator->reads.after, &waiting);
    while ((one = take_first(&waiting))) {
        if (one->after <= replicator->number)
            answer_waiting(replicator, one);
        else
            append(&replicator->reads.after, one);
    }
}

void gcs_reads_run(struct gcs_replicator *replicator)
{
    struct gcs_replica_reads *reads = &replicator->reads;
    struct gcs_replica_waiting *first;

    if (reads->busy || reads->count == 0 || !gcs_replicator_has_state(replicator))
        return;
    reads->busy = true;
    do {
        if (reads->round == 0 && reads->fresh.first && may_ask(replicator))
            begin_round(replicator);
        while ((first = reads->indexed.first) &&
               delivered(replicator, first->epoch, first->position))
            answer_waiting(replicator, take_first(&reads->indexed));
    } while (reads->round == 0 && reads->fresh.first && may_ask(replicator));
    if (reads->after.first)
        run_after(replicator);
    reads->busy = false;
}

/* Answers of the view before are of no use; indexes within it are reached. */
void gcs_reads_view(struct gcs_replicator *replicator)
{
    struct gcs_replica_reads *reads = &replicator->reads;

    reads->round = 0;
    move_before(&reads->asked, &reads->fresh);
    if (replicator->phase == GCS_REPLICA_JOINING)
        move_before(&reads->indexed, &reads->fresh); /* of a view that was another member's */
}

uint64_t gcs_reads_tick(struct gcs_replicator *replicator)
{
    struct gcs_replica_reads *reads = &replicator->reads;

    if (reads->round == 0)
        return GCS_NEVER;
    if (replicator->port.now(replicator->port.ctx) - reads->asked_at >= ASK_AGAIN_NS) {
        reads->round = 0;
        move_before(&reads->asked, &reads->fresh);
        gcs_reads_run(replicator);
    }
    return reads->round == 0 ? GCS_NEVER : reads->asked_at + ASK_AGAIN_NS;
}

/* ---- Asking ----------------------------------------------------------------------------- */

static int may_query(const struct gcs_replicator *replicator, enum gcs_replica_read read,
                     const void *data, size_t size)
{
    if (!replicator->machine.query || (!data && size > 0) || read > GCS_REPLICA_AFTER)
        return GCS_EINVAL;
    if (replicator->phase == GCS_REPLICA_ENDED && replicator->ending == GCS_ECLOSED)
        return GCS_ECLOSED;
    if (replicator->phase > GCS_REPLICA_WORKING && replicator->phase != GCS_REPLICA_STARTING_OVER)
        return GCS_ENOTMEMBER;
    if (replicator->phase != GCS_REPLICA_WORKING)
        return GCS_EAGAIN;
    if (read == GCS_REPLICA_LINEARIZABLE && !replicator->primary)
        return GCS_ENOPRIMARY;
    if (size > replicator->config.command_bytes)
        return GCS_EMSGSIZE;
    return 0;
}

/* The sequencer with a lease, and nothing to wait for: the usual case there. */
static bool at_once(struct gcs_replicator *replicator)
{
    const struct gcs_replica_reads *reads = &replicator->reads;
    uint64_t position;
    uint32_t epoch;
    bool leased = false;

    return !reads->fresh.first && !reads->indexed.first && replicator->sequencer &&
           replicator->self == 0 && own_index(replicator, &epoch, &position, &leased) && leased &&
           epoch == replicator->epoch && delivered(replicator, epoch, position);
}

int gcs_replicator_query(struct gcs_replicator *replicator, enum gcs_replica_read read,
                         uint64_t after, const void *data, size_t size, gcs_replica_done *done,
                         void *ctx)
{
    struct gcs_replica_reads *reads = &replicator->reads;
    struct gcs_replica_waiting *waiting;
    int error = may_query(replicator, read, data, size);

    if (error)
        return error;
    if (read == GCS_REPLICA_SEQUENTIAL || GCS_REPLICA_MUTANT(stale_read) ||
        (read == GCS_REPLICA_AFTER && after <= replicator->number) ||
        (read == GCS_REPLICA_LINEARIZABLE && at_once(replicator))) {
        answer(replicator, data, size, done, ctx);
        return 0;
    }
    if (reads->bytes + sizeof(*waiting) + size > replicator->config.query_bytes) {
        replicator->full = true;
        return GCS_EAGAIN;
    }
    waiting = malloc(sizeof(*waiting) + size);
    if (!waiting)
        return GCS_ENOMEM;
    *waiting = (struct gcs_replica_waiting){
        .read = read, .after = after, .done = done, .ctx = ctx, .size = size};
    if (size > 0)
        memcpy(waiting->data, data, size);
    reads->count++;
    reads->bytes += sizeof(*waiting) + size;
    append(read == GCS_REPLICA_AFTER ? &reads->after : &reads->fresh, waiting);
    gcs_reads_run(replicator);
    return 0;
}
