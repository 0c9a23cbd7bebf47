/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands: submitted as safe messages, applied in the order of delivery, completed right after.
 *
 * A message carries its sender's count of submissions, so that a delivery finds what waits for
 * it, whatever was lost when this member was excluded and came back. Numbers, times and seeds
 * are functions of the order alone.
 */
#include "gcs/replica/replicator.h"

#include <stdlib.h>
#include <string.h>

/* ---- What is pending -------------------------------------------------------------------- */

static struct gcs_replica_pending *pending_at(const struct gcs_replicator *replicator,
                                              uint64_t index)
{
    return &replicator->pending[index & (replicator->pending_capacity - 1)];
}

static bool grow_pending(struct gcs_replicator *replicator)
{
    uint32_t capacity = 2 * replicator->pending_capacity;
    struct gcs_replica_pending *ring;

    if (replicator->pending_tail - replicator->pending_head < replicator->pending_capacity)
        return true;
    ring = calloc(capacity, sizeof(*ring));
    if (!ring)
        return false;
    for (uint64_t i = replicator->pending_head; i < replicator->pending_tail; i++)
        ring[i & (capacity - 1)] = *pending_at(replicator, i);
    free(replicator->pending);
    replicator->pending = ring;
    replicator->pending_capacity = capacity;
    return true;
}

/* It leaves the queue first: done may submit. */
static void complete_first(struct gcs_replicator *replicator,
                           const struct gcs_replica_outcome *outcome)
{
    struct gcs_replica_pending pending = *pending_at(replicator, replicator->pending_head++);

    if (pending.done)
        pending.done(pending.ctx, outcome);
}

void gcs_replicator_complete_all(struct gcs_replicator *replicator, int error)
{
    const struct gcs_replica_outcome outcome = {.error = error};
    uint64_t tail = replicator->pending_tail;

    while (replicator->pending_head < tail)
        complete_first(replicator, &outcome);
}

static void complete(struct gcs_replicator *replicator, uint64_t submission,
                     const struct gcs_replica_outcome *outcome)
{
    const struct gcs_replica_outcome unknown = {.error = GCS_EUNKNOWN};

    while (replicator->pending_head < replicator->pending_tail) {
        uint64_t first = pending_at(replicator, replicator->pending_head)->submission;
        if (first > submission)
            return; /* completed before this replica came back */
        complete_first(replicator, first == submission ? outcome : &unknown);
    }
}

/* ---- Submitting ------------------------------------------------------------------------- */

static int may_submit(struct gcs_replicator *replicator)
{
    if (replicator->phase == GCS_REPLICA_ENDED && replicator->ending == GCS_ECLOSED)
        return GCS_ECLOSED;
    if (replicator->phase >= GCS_REPLICA_LEAVING && replicator->phase != GCS_REPLICA_STARTING_OVER)
        return GCS_ENOTMEMBER;
    if (replicator->phase == GCS_REPLICA_WORKING && !replicator->primary)
        return GCS_ENOPRIMARY;
    if (replicator->phase != GCS_REPLICA_WORKING)
        return GCS_EAGAIN;
    if (replicator->pending_tail - replicator->pending_head < replicator->config.pending)
        return grow_pending(replicator) ? 0 : GCS_ENOMEM;
    replicator->full = true;
    return GCS_EAGAIN;
}

static int send_off(struct gcs_replicator *replicator, const void *data, size_t size,
                    gcs_replica_done *done, void *ctx)
{
    enum gcs_service service = GCS_REPLICA_MUTANT(reply_before_stable) ? GCS_AGREED : GCS_SAFE;
    int error = replicator->port.multicast(replicator->port.ctx, service, data, size);

    if (error) {
        replicator->full |= error == GCS_EAGAIN;
        return error;
    }
    *pending_at(replicator, replicator->pending_tail++) =
        (struct gcs_replica_pending){++replicator->submissions, done, ctx};
    return 0;
}

static bool grow_scratch(struct gcs_replicator *replicator, size_t size)
{
    if (size <= replicator->scratch_size)
        return true;
    uint8_t *scratch = realloc(replicator->scratch, size);
    if (!scratch)
        return false;
    replicator->scratch = scratch;
    replicator->scratch_size = size;
    return true;
}

int gcs_replicator_submit(struct gcs_replicator *replicator,
                          const struct gcs_replica_request *request, gcs_replica_done *done,
                          void *ctx)
{
    struct gcs_replica_message message = {
        .kind = GCS_REPLICA_COMMAND,
        .submission = replicator->submissions + 1,
        .session = request->session,
        .serial = request->serial,
    };
    int error = may_submit(replicator);

    if (error)
        return error;
    if ((!request->data && request->size > 0) || (request->session != 0) != (request->serial != 0))
        return GCS_EINVAL;
    if (request->size > replicator->config.command_bytes)
        return GCS_EMSGSIZE;
    if (!grow_scratch(replicator, GCS_REPLICA_HEADER + request->size))
        return GCS_ENOMEM;
    size_t size = gcs_replica_write(replicator->scratch, &message);
    if (request->size > 0)
        memcpy(replicator->scratch + size, request->data, request->size);
    return send_off(replicator, replicator->scratch, size + request->size, done, ctx);
}

int gcs_replicator_session(struct gcs_replicator *replicator, gcs_replica_done *done, void *ctx)
{
    uint8_t bytes[GCS_REPLICA_SMALL];
    struct gcs_replica_message message = {
        .kind = GCS_REPLICA_SESSION,
        .submission = replicator->submissions + 1,
    };
    int error = may_submit(replicator);

    return error ? error
                 : send_off(replicator, bytes, gcs_replica_write(bytes, &message), done, ctx);
}

/* ---- Applying --------------------------------------------------------------------------- */

static void failed(struct gcs_replicator *replicator, int error, const char *what)
{
    gcs_replicator_report(replicator, GCS_REPLICA_FAILED, error, replicator->number,
                          "%s failed at command %llu: %s", what,
                          (unsigned long long)replicator->number, gcs_strerror(error));
    gcs_replicator_start_over(replicator);
}

/* GCS_EUNKNOWN: it failed, and this replica starts over. */
static int apply(struct gcs_replicator *replicator, const struct gcs_replica_message *message,
                 uint64_t seed, struct gcs_replica_outcome *outcome)
{
    struct gcs_replica_command command = {message->data, message->size, ++replicator->number,
                                          replicator->time, seed};
    struct gcs_replica_result result = {NULL, 0};
    bool outermost = gcs_replicator_calls(replicator, "apply", command.number);

    int error = replicator->machine.apply(replicator->machine.ctx, &command, &result);
    gcs_replicator_called(replicator, outermost);
    *outcome = (struct gcs_replica_outcome){
        .data = result.data, .size = result.size, .number = command.number};
    if (error == 0)
        return 0;
    failed(replicator, error, "apply");
    return GCS_EUNKNOWN;
}

static int apply_once(struct gcs_replicator *replicator, const struct gcs_replica_message *message,
                      uint64_t seed, struct gcs_replica_outcome *outcome)
{
    struct gcs_session_result kept;
    int verdict = gcs_sessions_check(&replicator->sessions, replicator->time, message->session,
                                     message->serial, &kept);

    if (verdict < 0) {
        outcome->error = verdict;
        return 0;
    }
    if (verdict == 0) {
        replicator->repeated++;
        *outcome = (struct gcs_replica_outcome){
            .data = kept.data, .size = kept.size, .number = kept.number, .repeated = true};
        return 0;
    }
    int error = apply(replicator, message, seed, outcome);
    if (error)
        return error;
    kept = (struct gcs_session_result){outcome->data, outcome->size, outcome->number};
    error = gcs_sessions_record(&replicator->sessions, message->session, &kept);
    if (error == 0)
        return 0;
    failed(replicator, error, "keeping a session's result");
    return GCS_EUNKNOWN;
}

static int open_session(struct gcs_replicator *replicator, uint64_t seed,
                        struct gcs_replica_outcome *outcome)
{
    int error = gcs_sessions_open(&replicator->sessions, replicator->time, seed, &outcome->session);

    if (error == GCS_ENOMEM) {
        failed(replicator, error, "opening a session");
        return GCS_EUNKNOWN;
    }
    outcome->error = error;
    return 0;
}

/* The first greeting of all makes the terms. */
static void greeted(struct gcs_replicator *replicator, const struct gcs_replica_message *message,
                    bool own)
{
    if (replicator->group_terms.protocol == 0)
        replicator->group_terms = message->terms;
    if (!own || replicator->phase != GCS_REPLICA_GREETING)
        return;
    if (!gcs_replica_terms_equal(&replicator->group_terms, &replicator->terms)) {
        gcs_replicator_turn_away(replicator, &replicator->group_terms);
        return;
    }
    replicator->phase = GCS_REPLICA_WORKING;
    gcs_replicator_report(replicator, GCS_REPLICA_READY, 0, replicator->number,
                          "ready at command %llu", (unsigned long long)replicator->number);
}

static void carry_out(struct gcs_replicator *replicator, const struct gcs_replica_message *message,
                      uint64_t seed, bool own)
{
    struct gcs_replica_outcome outcome = {.number = replicator->number};
    uint64_t before = replicator->number;
    int error = message->kind == GCS_REPLICA_SESSION ? open_session(replicator, seed, &outcome)
                : message->session ? apply_once(replicator, message, seed, &outcome)
                                   : apply(replicator, message, seed, &outcome);

    if (error)
        return; /* all that is pending has been completed */
    if (own)
        complete(replicator, message->submission, &outcome);
    if (replicator->number != before)
        gcs_digests_applied(replicator);
}

static void deliver_one(struct gcs_replicator *replicator, const struct gcs_event *event, size_t i)
{
    struct gcs_replica_message message;

    if (!gcs_replica_read(event->messages[i].data, event->messages[i].size, &message) ||
        (message.kind != GCS_REPLICA_DIGEST) !=
            (event->service == GCS_SAFE || GCS_REPLICA_MUTANT(reply_before_stable))) {
        replicator->foreign++;
        return;
    }
    switch (message.kind) {
    case GCS_REPLICA_COMMAND:
    case GCS_REPLICA_SESSION:
        carry_out(replicator, &message, gcs_event_seed(event, i),
                  gcs_replicator_is_self(replicator, event->sender));
        break;
    case GCS_REPLICA_HELLO:
        greeted(replicator, &message, gcs_replicator_is_self(replicator, event->sender));
        break;
    case GCS_REPLICA_DIGEST:
        gcs_digests_heard(replicator, event->sender, &message);
        break;
    case GCS_REPLICA_ASK:
    case GCS_REPLICA_ANSWER:
        replicator->foreign++; /* those are for one member alone */
        break;
    }
    gcs_replicator_tell_slow(replicator);
}

void gcs_replicator_tell_room(struct gcs_replicator *replicator)
{
    uint64_t pending = replicator->pending_tail - replicator->pending_head;

    if (!replicator->full || replicator->phase != GCS_REPLICA_WORKING ||
        pending > replicator->config.pending / 2)
        return;
    replicator->full = false;
    gcs_replicator_report(replicator, GCS_REPLICA_WRITABLE, 0, 0, "there is room again");
}

void gcs_replicator_deliver(struct gcs_replicator *replicator, const struct gcs_event *event)
{
    if (event->service != GCS_FIFO && event->time > replicator->time) {
        replicator->time = event->time;
        gcs_sessions_expire(&replicator->sessions, event->time);
    }
    for (size_t i = 0; i < event->count && gcs_replicator_has_state(replicator); i++)
        deliver_one(replicator, event, i);
    if (event->service != GCS_FIFO && event->position > replicator->position)
        replicator->position = event->position;
}
