/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The membership: opening, joining, leaving, and what each event is checked
 * for. What the checkers know from the traces is not checked here, but that
 * the application gets what the trace says (the chain).
 */
#include "gcs/base/trace.h"
#include "tests/lab/member.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define OPEN_TRIES 300 /* of 20 ms: longer than any address is lost */

bool lab_member_open(struct lab_member *member)
{
    struct gcs_endpoint_options options;
    int error = GCS_EADDRESS; /* with interface=, GCS_EOPTION says that it has no address now */

    gcs_endpoint_options_init(&options);
    options.cluster = member->options->cluster;
    options.suspect_ms = member->options->suspect_ms;
    options.flags = member->own_loop ? GCS_OWN_LOOP : 0;
    for (unsigned i = 0; i < OPEN_TRIES && (error == GCS_EADDRESS || error == GCS_EOPTION); i++) {
        const struct timespec time = {0, 20 * (long)LAB_NS_PER_MS};

        if (i > 0)
            nanosleep(&time, NULL);
        error = gcs_open(member->options->url, &options, &member->endpoint);
    }
    if (error)
        lab_member_wrong("gcs_open: %s", gcs_detail());
    return error == 0;
}

/* A new endpoint in place of the old one, whose counters go on counting here. */
static bool reopen(struct lab_member *member)
{
    lab_member_count(member, &member->past);
    gcs_close(member->endpoint);
    member->endpoint = NULL;
    return lab_member_open(member);
}

void lab_member_join(struct lab_member *member)
{
    struct gcs_group_config config;
    struct gcs_group *group;
    int error;

    if (member->memberships++ > 0 && gcs_prng_chance(&member->prng, 250000) && !reopen(member)) {
        member->done = true;
        return;
    }
    gcs_group_config_init(&config);
    config.bootstrap = member->create ? GCS_CREATE : GCS_JOIN;
    config.window_packets = member->options->window_packets;
    config.window_bytes = member->options->window_bytes;
    config.queue_bytes = member->options->queue_bytes;
    config.message_bytes = LAB_MESSAGE_MAX;
    config.order = member->options->order;
    config.rotate = member->options->rotate;
    config.stable = member->options->stable;
    if (member->options->all_hold)
        config.safe_quorum = GCS_SAFE_ALL;
    if (member->options->region_size)
        config.region_size = member->options->region_size;
    config.rejoin = false; /* joins are the member's business here */
    error = gcs_join(member->endpoint, LAB_GROUP, &config, &group);
    if (error) {
        lab_member_wrong("gcs_join: %s", gcs_detail());
        member->done = true;
        return;
    }
    member->create = member->leaving = false;
    member->group = group;
    member->name[0] = '\0';
    member->chain = (struct lab_chain){0, 0};
    memset(&member->state, 0, sizeof(member->state));
    lab_sender_set_group(&member->sender, group);
}

void lab_member_leave(struct lab_member *member, uint64_t back_ms)
{
    int error;

    if (!member->group) {
        member->done = member->quits;
        return;
    }
    if (member->leaving)
        return;
    member->leaving = true;
    member->join_at = back_ms * LAB_NS_PER_MS; /* a duration, until it has left */
    error = gcs_leave(member->group);
    if (error && error != GCS_EALREADY)
        lab_member_wrong("gcs_leave: %s", gcs_detail());
}

/* ---- Events ------------------------------------------------------------------------- */

static void check_ranks(const char *what, const uint16_t *ranks, uint16_t count,
                        const struct gcs_view *view)
{
    for (uint16_t i = 0; i < count; i++) {
        if (ranks[i] >= view->count || (i > 0 && ranks[i] <= ranks[i - 1]))
            lab_member_wrong("view %" PRIu32 ": ranks of %s are no ranks in rising order",
                             view->epoch, what);
    }
}

static void check_view(struct lab_member *member, const struct gcs_view_change *change)
{
    const struct gcs_view *view = &change->view;
    char name[GCS_MEMBER_TEXT_MAX] = "";

    if (view->self < view->count)
        gcs_member_format(&view->members[view->self].id, name, sizeof(name));
    if (member->name[0] == '\0') {
        memcpy(member->name, name, sizeof(member->name));
        if (member->lineage && member->lineage != view->lineage)
            lab_member_wrong("view %" PRIu32 " is of another group", view->epoch);
        member->lineage = view->lineage;
    }
    if (strcmp(name, member->name) != 0)
        lab_member_wrong("view %" PRIu32 " says that %s is %s", view->epoch, member->name, name);
    check_ranks("those who joined", change->joined, change->joined_count, view);
    check_ranks("survivors", change->survivors, change->survivors_count, view);
}

/* The address in the text of a member, "127.0.0.1:7400#...". */
static uint64_t address_of(const struct gcs_member_id *id)
{
    char name[GCS_MEMBER_TEXT_MAX];

    gcs_member_format(id, name, sizeof(name));
    name[strcspn(name, "#")] = '\0';
    return lab_chain_text(name);
}

static void on_view(struct lab_member *member, const struct gcs_view_change *change)
{
    const struct gcs_view *view = &change->view;
    struct lab_state *state = &member->state;

    check_view(member, change);
    lab_chain_view(&member->chain, view->epoch, change->primary);
    state->primary = change->primary;
    if (change->primary && (state->epoch != view->epoch || state->proposer != view->proposer))
        state->own_in_view = state->in_view = 0;
    state->joined = 1;
    state->epoch = view->epoch;
    state->proposer = view->proposer;
    state->count = view->count;
    state->coordinator = address_of(&view->members[0].id);
    if (change->primary)
        atomic_fetch_add(&member->sender.views, 1);
}

static void on_deliver(struct lab_member *member, const struct gcs_event *event)
{
    char sender[GCS_MEMBER_TEXT_MAX];
    bool own;
    uint64_t hash;

    gcs_member_format(event->sender, sender, sizeof(sender));
    own = strcmp(sender, member->name) == 0;
    hash = lab_chain_text(sender);
    for (size_t i = 0; i < event->count; i++) {
        const struct gcs_message *message = &event->messages[i];

        if (!lab_load_is_whole(message->data, message->size))
            lab_member_wrong("message %" PRIu64 " of %s is not whole", event->number + i, sender);
        lab_chain_message(&member->chain, hash, event->number + i, (unsigned)event->service,
                          gcs_trace_hash(message->data, message->size));
    }
    member->state.in_view += event->count;
    member->state.own += own ? event->count : 0;
    member->state.own_in_view += own ? event->count : 0;
}

static void on_left(struct lab_member *member, int error)
{
    uint64_t wait_ns =
        member->leaving ? member->join_at : gcs_prng_below(&member->prng, 200 * LAB_NS_PER_MS);
    struct gcs_group *group = member->group;

    if (member->name[0] != '\0')
        lab_member_say("chain %s %" PRIu64 " %" PRIu64 "\n", member->name, member->chain.count,
                       member->chain.hash);
    lab_member_say("left %s %d\n", member->name[0] ? member->name : "nobody", error);
    if (error != 0 && error != GCS_ENOPRIMARY && error != GCS_ENOTMEMBER)
        lab_member_wrong("the membership ended: %s", gcs_strerror(error));
    lab_sender_set_group(&member->sender, NULL);
    member->group = NULL;
    gcs_group_free(group);
    member->state.joined = member->state.primary = 0;
    member->join_at = lab_now() + wait_ns;
    member->done = member->quits;
}

void lab_member_event(struct lab_member *member, const struct gcs_event *event)
{
    if (event->group != member->group) {
        lab_member_wrong("an event of type %d is of a group that has ended", (int)event->type);
        return;
    }
    switch (event->type) {
    case GCS_EVENT_DELIVER:
        on_deliver(member, event);
        break;
    case GCS_EVENT_VIEW:
        on_view(member, event->change);
        break;
    case GCS_EVENT_WRITABLE:
        atomic_fetch_add(&member->sender.writables, 1);
        break;
    case GCS_EVENT_STABLE:
        if (!member->options->stable)
            lab_member_wrong("an event that nobody has asked for says what is stable");
        break;
    case GCS_EVENT_SLOW: /* others are, for a while, and nothing is to be done */
        break;
    case GCS_EVENT_LEFT:
        on_left(member, event->error);
        break;
    default:
        lab_member_wrong("an event of type %d", (int)event->type);
        break;
    }
}
