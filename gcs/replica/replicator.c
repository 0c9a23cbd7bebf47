/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The life of a replica: it joins, gets the state unless it founds the group, tells
 * the others under which terms it works (protocol version, options that must be alike), and takes
 * commands once its own greeting has come back in order and its terms are the group's, which are
 * those of the first greeting. From then on every replica applies alike.
 *
 * A replica that cannot trust its state any more (a callback failed, its digest differs from a
 * quorum's) leaves the group and joins it again, as a new member without a state.
 */
#include "gcs/replica/replicator.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PENDING_MAX = 1 << 24, RESULTS_MAX = 65536, PENDING_FIRST = 64, TEXT_MAX = 256 };

/* ---- Beginning and end ------------------------------------------------------------------ */

static int check(const struct gcs_replica_machine *machine, const struct gcs_replica_config *config)
{
    if (machine->size != sizeof(*machine) || config->size != sizeof(*config) || !machine->apply ||
        !machine->snapshot || !machine->restore)
        return GCS_EINVAL;
    if (config->protocol == 0 || config->pending == 0 || config->pending > PENDING_MAX ||
        config->session_results == 0 || config->session_results > RESULTS_MAX ||
        config->digest_every == 0 || config->session_bytes > INT32_MAX)
        return GCS_EOPTION;
    return 0;
}

int gcs_replicator_init(struct gcs_replicator *replicator, const struct gcs_replica_port *port,
                        const struct gcs_replica_machine *machine,
                        const struct gcs_replica_config *config,
                        const struct gcs_group_config *group_config)
{
    int error = check(machine, config);

    if (error)
        return error;
    *replicator = (struct gcs_replicator){
        .config = *config,
        .machine = *machine,
        .port = *port,
        .sequencer = group_config->order == GCS_ORDER_SEQUENCER && !group_config->rotate,
        .pending_capacity = PENDING_FIRST,
        .terms = {config->protocol, config->sessions, config->session_results,
                  config->session_bytes, config->session_ms, config->digest_every},
    };
    if (config->command_bytes > group_config->message_bytes - GCS_REPLICA_HEADER)
        replicator->config.command_bytes = group_config->message_bytes - GCS_REPLICA_HEADER;
    gcs_sessions_init(&replicator->sessions, &replicator->terms);
    gcs_reads_init(&replicator->reads);
    replicator->pending = calloc(PENDING_FIRST, sizeof(*replicator->pending));
    return replicator->pending ? 0 : GCS_ENOMEM;
}

void gcs_replicator_fini(struct gcs_replicator *replicator, int error)
{
    replicator->phase = GCS_REPLICA_ENDED;
    replicator->ending = error;
    gcs_replicator_complete_all(replicator, error);
    gcs_reads_fail(replicator, error, true);
    gcs_replicator_drop_incoming(replicator);
    gcs_sessions_clear(&replicator->sessions);
    free(replicator->reads.answered);
    free(replicator->members);
    free(replicator->pending);
    free(replicator->scratch);
}

void gcs_replicator_report(struct gcs_replicator *replicator, enum gcs_replica_news news, int error,
                           uint64_t number, const char *format, ...)
{
    char text[TEXT_MAX];
    struct gcs_replica_report report = {news, error, number, text};
    va_list args;

    if (!replicator->config.report)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    replicator->config.report(replicator->config.ctx, &report);
}

bool gcs_replicator_calls(struct gcs_replicator *replicator, const char *callback, uint64_t number)
{
    if (replicator->callback)
        return false;
    replicator->callback_number = number;
    replicator->callback_since = replicator->port.now(replicator->port.ctx);
    replicator->callback = callback;
    return true;
}

void gcs_replicator_called(struct gcs_replicator *replicator, bool outermost)
{
    const char *callback = replicator->callback;
    uint64_t ns = replicator->port.now(replicator->port.ctx) - replicator->callback_since;

    if (!outermost)
        return;
    replicator->callback = NULL;
    if (ns / 1000000 < replicator->config.slow_ms || replicator->slow)
        return;
    replicator->slow = callback;
    replicator->slow_number = replicator->callback_number;
    replicator->slow_took_ms = ns / 1000000;
}

void gcs_replicator_tell_slow(struct gcs_replicator *replicator)
{
    const char *callback = replicator->slow;

    if (!callback)
        return;
    replicator->slow = NULL;
    gcs_replicator_report(replicator, GCS_REPLICA_SLOW, 0, replicator->slow_number,
                          "%s took %llu ms for command %llu", callback,
                          (unsigned long long)replicator->slow_took_ms,
                          (unsigned long long)replicator->slow_number);
}

bool gcs_replicator_has_state(const struct gcs_replicator *replicator)
{
    return replicator->phase == GCS_REPLICA_GREETING || replicator->phase == GCS_REPLICA_WORKING ||
           replicator->phase == GCS_REPLICA_LEAVING;
}

static bool same_id(const struct gcs_member_id *a, const struct gcs_member_id *b)
{
    return a->incarnation == b->incarnation && a->address.length == b->address.length &&
           memcmp(a->address.bytes, b->address.bytes, a->address.length) == 0;
}

bool gcs_replicator_is_self(const struct gcs_replicator *replicator, const struct gcs_member_id *id)
{
    return replicator->members_count > 0 && same_id(id, &replicator->members[replicator->self].id);
}

/* ---- Terms ------------------------------------------------------------------------------ */

bool gcs_replica_terms_equal(const struct gcs_replica_terms *a, const struct gcs_replica_terms *b)
{
    return a->protocol == b->protocol && a->sessions == b->sessions &&
           a->session_results == b->session_results && a->session_bytes == b->session_bytes &&
           a->session_ms == b->session_ms && a->digest_every == b->digest_every;
}

void gcs_replicator_turn_away(struct gcs_replicator *replicator,
                              const struct gcs_replica_terms *theirs)
{
    const struct gcs_replica_terms *ours = &replicator->terms;
    static const char *const names[] = {"protocol version", "sessions",   "session_results",
                                        "session_bytes",    "session_ms", "digest_every"};
    const uint32_t mine[] = {ours->protocol,      ours->sessions,   ours->session_results,
                             ours->session_bytes, ours->session_ms, ours->digest_every};
    const uint32_t group[] = {theirs->protocol,      theirs->sessions,   theirs->session_results,
                              theirs->session_bytes, theirs->session_ms, theirs->digest_every};
    size_t i = 0;

    while (i + 1 < sizeof(mine) / sizeof(*mine) && mine[i] == group[i])
        i++;
    replicator->phase = GCS_REPLICA_TURNED_AWAY;
    replicator->ending = GCS_EREFUSED;
    gcs_replicator_complete_all(replicator, GCS_EUNKNOWN);
    gcs_reads_fail(replicator, GCS_ENOTMEMBER, true);
    gcs_replicator_report(replicator, GCS_REPLICA_REFUSED, GCS_EREFUSED, 0,
                          "refused: this replica has %s %u, the group has %u", names[i], mine[i],
                          group[i]);
    (void)replicator->port.leave(replicator->port.ctx);
}

int gcs_replicator_hello(struct gcs_replicator *replicator)
{
    uint8_t bytes[GCS_REPLICA_SMALL];
    struct gcs_replica_message message = {
        .kind = GCS_REPLICA_HELLO,
        .submission = replicator->submissions + 1,
        .terms = replicator->terms,
    };
    int error = replicator->port.multicast(replicator->port.ctx, GCS_SAFE, bytes,
                                           gcs_replica_write(bytes, &message));

    replicator->hello_due = error != 0;
    replicator->submissions += error == 0;
    return error;
}

static void has_state_now(struct gcs_replicator *replicator)
{
    replicator->phase = GCS_REPLICA_GREETING;
    (void)gcs_replicator_hello(replicator);
}

/* ---- Starting over ---------------------------------------------------------------------- */

/* Nothing that was learnt in the membership before counts any more. */
static void forget(struct gcs_replicator *replicator)
{
    gcs_replicator_complete_all(replicator, GCS_EUNKNOWN);
    gcs_replicator_drop_incoming(replicator);
    gcs_digests_clear(replicator);
    replicator->group_terms = (struct gcs_replica_terms){0};
}

void gcs_replicator_start_over(struct gcs_replicator *replicator)
{
    replicator->phase = GCS_REPLICA_STARTING_OVER;
    forget(replicator);
    gcs_reads_fail(replicator, GCS_ENOTMEMBER, true);
    (void)replicator->port.leave(replicator->port.ctx);
}

static void on_left(struct gcs_replicator *replicator, const struct gcs_event *event)
{
    struct gcs_address *seeds = calloc(replicator->members_count + 1u, sizeof(*seeds));
    bool again = replicator->phase == GCS_REPLICA_STARTING_OVER;
    int error = event->error;

    for (uint16_t rank = 0; seeds && rank < replicator->members_count; rank++)
        seeds[rank] = replicator->members[rank].id.address;
    if (again)
        error = seeds
                    ? replicator->port.join(replicator->port.ctx, seeds, replicator->members_count)
                    : GCS_ENOMEM;
    free(seeds);
    replicator->members_count = 0;
    replicator->primary = false;
    if (again && error == 0) {
        replicator->phase = GCS_REPLICA_JOINING;
        return;
    }
    if (replicator->phase == GCS_REPLICA_TURNED_AWAY && replicator->ending)
        error = replicator->ending; /* 0: it was asked to leave before it had the state */
    replicator->phase = GCS_REPLICA_ENDED;
    replicator->ending = error;
    gcs_replicator_complete_all(replicator, GCS_EUNKNOWN);
    gcs_reads_fail(replicator, GCS_ENOTMEMBER, true);
    gcs_replicator_report(replicator, GCS_REPLICA_LEFT, error, 0, "left the group%s%s",
                          error ? ": " : "", error ? gcs_strerror(error) : "");
}

/* ---- Views ------------------------------------------------------------------------------ */

static bool copy_view(struct gcs_replicator *replicator, const struct gcs_view *view)
{
    struct gcs_member *members = malloc(view->count * sizeof(*members));
    bool *answered = calloc(view->count, sizeof(*answered));

    if (!members || !answered) {
        free(members);
        free(answered);
        return false;
    }
    memcpy(members, view->members, view->count * sizeof(*members));
    free(replicator->members);
    free(replicator->reads.answered);
    replicator->members = members;
    replicator->reads.answered = answered;
    replicator->members_count = view->count;
    replicator->self = view->self;
    replicator->epoch = view->epoch;
    replicator->tie_breaker = view->tie_breaker;
    replicator->position = 0;
    return true;
}

static void cut_off(struct gcs_replicator *replicator)
{
    if (!replicator->primary)
        return;
    replicator->primary = false;
    gcs_reads_fail(replicator, GCS_ENOPRIMARY, false);
    gcs_replicator_report(replicator, GCS_REPLICA_CUT_OFF, GCS_ENOPRIMARY, replicator->number,
                          "cut off from the primary: commands wait");
}

static void on_view(struct gcs_replicator *replicator, const struct gcs_view_change *change)
{
    bool back = !replicator->primary;

    if (!change->primary) {
        cut_off(replicator);
        return;
    }
    if (change->merged && replicator->phase <= GCS_REPLICA_WORKING) {
        /* Excluded, and back as somebody else: what became of submissions nobody here knows. */
        forget(replicator);
        replicator->phase = GCS_REPLICA_JOINING;
    }
    if (GCS_REPLICA_MUTANT(sessions_forgotten) && change->left_count > 0)
        gcs_sessions_forget(&replicator->sessions);
    if (!copy_view(replicator, &change->view)) {
        gcs_replicator_report(replicator, GCS_REPLICA_FAILED, GCS_ENOMEM, replicator->number,
                              "no memory for a view of %u members", change->view.count);
        gcs_replicator_start_over(replicator);
        return;
    }
    replicator->primary = true;
    if (replicator->phase == GCS_REPLICA_JOINING &&
        !replicator->members[replicator->self].syncing && !replicator->incoming.begun)
        has_state_now(replicator); /* it has founded the group: the state is what it began with */
    else if (back && replicator->phase == GCS_REPLICA_WORKING)
        gcs_replicator_report(replicator, GCS_REPLICA_READY, 0, replicator->number,
                              "in the primary again");
    gcs_reads_view(replicator);
}

/* ---- Events ----------------------------------------------------------------------------- */

static void state_failed(struct gcs_replicator *replicator, int error)
{
    if (error == 0 || error == GCS_EREFUSED)
        return;
    gcs_replicator_report(replicator, GCS_REPLICA_FAILED, error, replicator->number,
                          "the state of another replica cannot be taken: %s", gcs_strerror(error));
    gcs_replicator_start_over(replicator);
}

static void on_state_end(struct gcs_replicator *replicator)
{
    if (replicator->phase != GCS_REPLICA_JOINING || !replicator->incoming.begun)
        return; /* this replica has given it */
    int error = gcs_replicator_taken(replicator);
    if (error == 0) {
        replicator->restores++;
        has_state_now(replicator);
    }
    state_failed(replicator, error);
}

static void on_private(struct gcs_replicator *replicator, const struct gcs_event *event)
{
    struct gcs_replica_message message;

    for (size_t i = 0; i < event->count; i++) {
        if (!gcs_replica_read(event->messages[i].data, event->messages[i].size, &message))
            replicator->foreign++;
        else if (message.kind == GCS_REPLICA_ASK)
            gcs_reads_asked(replicator, event->sender, &message);
        else if (message.kind == GCS_REPLICA_ANSWER)
            gcs_reads_answered(replicator, event->sender, &message);
        else
            replicator->foreign++;
    }
}

static void on_writable(struct gcs_replicator *replicator)
{
    if (replicator->hello_due && gcs_replicator_hello(replicator) != 0)
        return;
    if (!replicator->full)
        return;
    replicator->full = false;
    gcs_replicator_report(replicator, GCS_REPLICA_WRITABLE, 0, 0, "there is room again");
}

static void on_slow(struct gcs_replicator *replicator, const struct gcs_event *event)
{
    char name[128];

    gcs_member_format(event->sender, name, sizeof(name));
    gcs_replicator_report(replicator, GCS_REPLICA_HELD_UP, 0, 0,
                          "replica %s has taken nothing for %llu ms: all wait for it", name,
                          (unsigned long long)event->waited_ms);
}

void gcs_replicator_event(struct gcs_replicator *replicator, const struct gcs_event *event)
{
    switch (event->type) {
    case GCS_EVENT_DELIVER:
        gcs_replicator_deliver(replicator, event);
        break;
    case GCS_EVENT_VIEW:
        on_view(replicator, event->change);
        break;
    case GCS_EVENT_STABLE: /* commands are safe when they are delivered */
        break;
    case GCS_EVENT_WRITABLE:
        on_writable(replicator);
        break;
    case GCS_EVENT_PRIVATE:
        on_private(replicator, event);
        break;
    case GCS_EVENT_LEFT:
        on_left(replicator, event);
        break;
    case GCS_EVENT_STATE_WANTED:
        gcs_replicator_give(replicator, event);
        break;
    case GCS_EVENT_STATE:
        if (replicator->phase == GCS_REPLICA_JOINING)
            state_failed(replicator, gcs_replicator_take(replicator, event));
        break;
    case GCS_EVENT_SLOW:
        on_slow(replicator, event);
        break;
    case GCS_EVENT_STATE_END:
        on_state_end(replicator);
        break;
    }
    gcs_reads_run(replicator);
    gcs_replicator_tell_room(replicator);
    gcs_replicator_tell_slow(replicator);
}

uint64_t gcs_replicator_tick(struct gcs_replicator *replicator)
{
    if (replicator->hello_due)
        (void)gcs_replicator_hello(replicator);
    uint64_t next = gcs_reads_tick(replicator);
    gcs_replicator_tell_room(replicator);
    return next;
}

int gcs_replicator_leave(struct gcs_replicator *replicator)
{
    if (replicator->phase >= GCS_REPLICA_LEAVING)
        return GCS_EALREADY;
    int error = replicator->port.leave(replicator->port.ctx);
    if (error)
        return error;
    replicator->phase =
        gcs_replicator_has_state(replicator) ? GCS_REPLICA_LEAVING : GCS_REPLICA_TURNED_AWAY;
    return 0;
}

void gcs_replicator_status(const struct gcs_replicator *replicator,
                           struct gcs_replica_status *status)
{
    *status = (struct gcs_replica_status){
        .ready = replicator->phase == GCS_REPLICA_WORKING,
        .primary = replicator->primary,
        .number = replicator->number,
        .time = replicator->time,
        .pending = replicator->pending_tail - replicator->pending_head,
        .queries = replicator->reads.count,
        .sessions = replicator->sessions.count,
        .repeated = replicator->repeated,
        .restores = replicator->restores,
        .foreign = replicator->foreign,
    };
}
