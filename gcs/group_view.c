/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From view to view: how a membership begins, what installing a view means, and
 * how it ends. The agreement decides; here the decision is carried out, in the
 * order that the guarantees need: everything in the cut is delivered, then the
 * view, then what was multicast meanwhile goes out in it.
 */
#include "gcs/group.h"

#include "gcs/base/mutant.h"
#include "gcs/base/quorum.h"

#define RETRY_NS         10000000u
#define CHECK_PRIMARY_NS 1000000u
#define BALLOT_NS        60000000u

struct gcs_settings gcs_group_settings(const struct gcs_core_group *group)
{
    return (struct gcs_settings){
        .order = (uint8_t)group->config.order,
        .tie_breaker = group->config.tie_breaker,
        .state = group->config.state,
        .safe_all = group->config.safe_quorum == GCS_SAFE_ALL,
        .rotate = group->config.rotate,
        .window_packets = group->config.window_packets,
        .message_bytes = group->config.message_bytes,
        .region_size = group->config.region_size,
        .expect = group->config.bootstrap == GCS_EXPECT ? group->config.expect : 0,
    };
}

/* ---- What the agreement asks of us ------------------------------------------------------ */

static void to_rank(void *ctx, uint16_t rank, uint8_t type, const uint8_t *body, size_t size)
{
    struct gcs_era *era = ctx;
    gcs_era_send_frame(era, &era->members[rank].id.address, type, body, size);
}

static void to_address(void *ctx, const struct gcs_address *to, uint8_t type, const uint8_t *body,
                       size_t size)
{
    gcs_era_send_frame(ctx, to, type, body, size);
}

static void freeze(void *ctx)
{
    struct gcs_era *era = ctx;
    gcs_era_freeze(era, era->group->core->now);
}

static void holdings(void *ctx, uint64_t *held)
{
    const struct gcs_era *era = ctx;
    for (uint16_t rank = 0; rank < era->view.count; rank++)
        held[rank] = era->fellows[rank].window.contiguous;
}

static void fetch(void *ctx, const uint64_t *cut, const uint16_t *holder)
{
    struct gcs_era *era = ctx;
    gcs_era_fetch(era, era->group->core->now, cut, holder);
}

static void doubt(void *ctx, uint16_t rank)
{
    struct gcs_era *era = ctx;
    struct gcs_core *core = era->group->core;
    if (era->fellows[rank].peer)
        gcs_detector_evidence(core->detector, core->now, era->fellows[rank].peer);
}

static uint64_t latest_time(void *ctx)
{
    const struct gcs_era *era = ctx;
    return gcs_group_time_report(&era->group->time, era->group->core->now);
}

static void install(void *ctx, const struct gcs_proposal *value);

static void retired(void *ctx)
{
    struct gcs_era *era = ctx;
    era->retired = true;
}

static bool admits(void *ctx, const struct gcs_address *joiner)
{
    const struct gcs_era *era = ctx;
    return gcs_damper_admits(&era->group->damper, era->group->core->now, joiner);
}

static void unanswered(void *ctx, const struct gcs_address *joiner)
{
    struct gcs_era *era = ctx;
    gcs_damper_strike(&era->group->damper, era->group->core->now, joiner);
}

static void strike_unreachable(struct gcs_core_group *group, uint64_t now,
                               const struct gcs_era *before, const struct gcs_proposal *value)
{
    for (uint16_t rank = 0; before && rank < value->closing_count; rank++)
        if (value->reason[rank] == GCS_REASON_UNREACHABLE)
            gcs_damper_strike(&group->damper, now, &before->members[rank].id.address);
}

/* came_from: at a joiner or founder, the decision that let it in. */
static int open_agreement(struct gcs_era *era, const struct gcs_proposal *came_from)
{
    struct gcs_core_group *group = era->group;
    struct gcs_agreement_config config = {
        .allocator = group->core->allocator,
        .view = &era->view,
        .came_from = came_from,
        .settings = gcs_group_settings(group),
        .retry_ns = RETRY_NS,
        .ballot_ns = BALLOT_NS,
        .promise_ns = group->core->config.suspect_ns,
        .counters = &group->core->counters,
        .env = {era, to_rank, to_address, freeze, holdings, fetch, doubt, install, retired, admits,
                unanswered, latest_time},
    };
    return gcs_agreement_new(&config, &era->agreement);
}

/* ---- Installing ------------------------------------------------------------------------- */

static void send_lease(void *ctx, uint16_t rank, const uint8_t *body, size_t size)
{
    struct gcs_era *era = ctx;
    gcs_era_send_frame(era, &era->members[rank].id.address, GCS_FRAME_LEASE, body, size);
}

/* Who did not come along may hold a lease of the view before, and a joiner knows of none. */
static void open_lease(struct gcs_era *era, uint64_t now, const struct gcs_era *before,
                       const struct gcs_proposal *value)
{
    bool behind = !before && value->closing_count > 0;
    uint64_t from = before ? before->lease.grants_from : 0;
    for (uint16_t rank = 0; rank < value->closing_count; rank++)
        behind |= value->reason[rank] != GCS_REASON_NONE;
    if (behind)
        from = now + GCS_LEASE_WAIT_NS;
    gcs_lease_init(&era->lease, &era->view, era->granted, from, era, send_lease);
}

/* The old era, if there is one, is kept for those who need its packets or its decision. */
static int enter(struct gcs_core_group *group, uint64_t now, const struct gcs_proposal *value)
{
    struct gcs_era *before = group->era;
    struct gcs_era *era = gcs_era_open(group, now, value);
    if (!era)
        return GCS_ENOMEM;
    /* Nobody but the founder of a group of one comes in by a decision that no other can ask for. */
    bool decided = !before && (value->closing_count > 0 || value->members_count > 1);
    if (open_agreement(era, decided ? value : NULL) < 0) {
        gcs_era_close(era);
        return GCS_ENOMEM;
    }
    open_lease(era, now, before, value);
    if (before)
        gcs_era_inherit_pipes(era, before);
    if (group->old)
        gcs_era_close(group->old);
    group->old = before;
    group->era = era;
    group->state = GCS_GROUP_MEMBER;
    group->primary = true;
    group->doubt_ask_at = now;
    gcs_group_time_begin(&group->time, now, value->time, !before);
    gcs_packer_rewind(&group->packer);
    group->core->counters.views_installed++;
    strike_unreachable(group, now, before, value);
    group->settled_in = false;
    group->core->dirty = true;
    if (!gcs_group_tell_view(group, now, before, value))
        return GCS_ENOMEM;
    group->returning = false;
    return gcs_state_enter(group, now, before);
}

/*
 * What is known already when a view begins. Not from within the installation: where one member is
 * a quorum this can end the view at once.
 */
void gcs_group_settle_in(struct gcs_core_group *group, uint64_t now)
{
    const struct gcs_era *era = group->era;
    group->settled_in = true;
    for (uint16_t rank = 0; rank < era->view.count && group->era == era; rank++)
        if (era->fellows[rank].peer && gcs_peer_suspected(era->fellows[rank].peer))
            gcs_era_suspect(group->era, now, rank, true, gcs_peer_crashed(era->fellows[rank].peer));
    if (group->era == era)
        gcs_group_wish_again(group, now);
}

static bool includes(const struct gcs_proposal *value, uint64_t incarnation)
{
    for (uint16_t rank = 0; rank < value->members_count; rank++)
        if (value->members[rank].id.incarnation == incarnation)
            return true;
    return false;
}

/* Who comes back takes the decision along; who does not serves first those who lack it. */
static void excluded(struct gcs_core_group *group, uint64_t now)
{
    group->core->counters.exclusions++;
    group->parting = GCS_ENOTMEMBER;
    if (group->config.rejoin) {
        group->failed = GCS_ENOTMEMBER;
    } else if (group->primary) {
        group->primary = false;
        (void)gcs_group_tell_blocked(group, now, GCS_ENOTMEMBER); /* the end is told in any case */
    }
}

static void install(void *ctx, const struct gcs_proposal *value)
{
    struct gcs_era *era = ctx;
    struct gcs_core_group *group = era->group;
    uint64_t now = group->core->now;
    if (!includes(value, group->self.id.incarnation)) {
        era->closed = true;
        group->state = GCS_GROUP_SERVING;
        if (value->reason[era->view.self] == GCS_REASON_EVICTED) {
            group->parting = GCS_EEVICTED;
        } else if (!group->leaving) {
            excluded(group, now);
        }
        return;
    }
    int result = 0;
    if (GCS_MUTANT(deliver_in_next_view))
        result = enter(group, now, value);
    if (result == 0 && !GCS_MUTANT(install_without_flush))
        result = gcs_era_finish(era, now, value);
    era->closed = true;
    if (result == 0 && !GCS_MUTANT(deliver_in_next_view))
        result = enter(group, now, value);
    if (result < 0)
        group->failed = result;
}

/* ---- The first view --------------------------------------------------------------------- */

static void look_to_address(void *ctx, const struct gcs_address *to, uint8_t type,
                            const uint8_t *body, size_t size)
{
    struct gcs_core_group *group = ctx;
    struct gcs_envelope envelope = {.group = group->tag, .rank = GCS_RANK_NONE};
    gcs_core_send_frame(group->core, &envelope, to, type, body, size);
}

static uint64_t wall_time(void *ctx)
{
    const struct gcs_core *core = ((struct gcs_core_group *)ctx)->core;
    return gcs_group_time_wall(core->now, core->wall_offset);
}

static void found(void *ctx)
{
    struct gcs_core_group *group = ctx;
    uint64_t random = gcs_prng_next(&group->core->prng), time = wall_time(group);
    struct gcs_proposal value = {
        .epoch = 1,
        .lineage = group->config.bootstrap == GCS_LOOK ? gcs_lineage_of_looking(random, time)
                                                       : gcs_lineage_new(random),
        .proposer = group->self.id.incarnation,
        .time = time,
        .members_count = 1,
        .members = &group->self,
        .settings = gcs_group_settings(group),
    };
    int result = enter(group, group->core->now, &value);
    if (result < 0)
        group->failed = result;
}

static void joined(void *ctx, const struct gcs_proposal *value)
{
    struct gcs_core_group *group = ctx;
    int result = enter(group, group->core->now, value);
    if (result < 0)
        group->failed = result;
}

static void refused(void *ctx, int error, const char *why)
{
    struct gcs_core_group *group = ctx;
    (void)why;
    group->failed = error;
}

static uint64_t renew(void *ctx)
{
    struct gcs_core_group *group = ctx;
    gcs_group_new_incarnation(group);
    return group->self.id.incarnation;
}

int gcs_group_start(struct gcs_core_group *group, uint64_t now)
{
    struct gcs_bootstrap_config config = {
        .allocator = group->core->allocator,
        .self = group->self,
        .mode = group->config.bootstrap,
        .settings = gcs_group_settings(group),
        .look_ns = group->config.look_ns,
        .retry_ns = RETRY_NS,
        .seed = gcs_prng_next(&group->core->prng),
        .seeds = group->seeds,
        .seeds_count = group->seeds_count,
        .env = {group, look_to_address, found, joined, refused, renew, wall_time},
    };
    return gcs_bootstrap_new(&config, now, &group->bootstrap);
}

/* ---- The end ---------------------------------------------------------------------------- */

void gcs_group_end(struct gcs_core_group *group, uint64_t now, int error)
{
    bool told = gcs_state_last(group);
    struct gcs_core_event event = {
        .type = GCS_EVENT_LEFT,
        .error = told || error ? error : GCS_ENOMEM,
        .group = group,
        .user = group->user,
    };
    gcs_group_trace(group, GCS_TRACE_LEAVE, now);
    group->state = GCS_GROUP_ENDED;
    group->failed = 0;
    if (group->bootstrap)
        gcs_bootstrap_free(group->bootstrap);
    gcs_state_end(group);
    if (group->old)
        gcs_era_close(group->old);
    if (group->era)
        gcs_era_close(group->era);
    group->bootstrap = NULL;
    group->era = group->old = NULL;
    gcs_packer_fini(&group->packer);
    gcs_events_push_kept(&group->core->events, &event); /* room was kept at the start */
}

/* ---- The primary ------------------------------------------------------------------------ */

void gcs_group_check_primary(struct gcs_core_group *group, uint64_t now)
{
    struct gcs_era *era = group->era;
    if (era->tree && now < era->primary_due) { /* a look at everybody costs more than a packet */
        era->primary_late = true;
        return;
    }
    era->primary_late = false;
    era->primary_due = now + CHECK_PRIMARY_NS;
    const struct gcs_detector *detector = group->core->detector;
    struct gcs_tally here = {0};
    for (uint16_t rank = 0; rank < era->view.count; rank++) {
        const struct gcs_fellow *fellow = &era->fellows[rank];
        gcs_tally_add(&here, &era->members[rank],
                      !fellow->peer || (!gcs_agreement_is_gone(era->agreement, rank) &&
                                        !gcs_peer_absent(detector, fellow->peer, now)));
    }
    bool quorate = gcs_tally_quorum(&here, era->view.tie_breaker);
    if (group->primary && !quorate) {
        group->primary = false;
        group->blocked_at = now;
        gcs_group_tell_blocked(group, now, GCS_ENOPRIMARY);
    } else if (!group->primary && quorate) {
        gcs_agreement_renew(era->agreement, now);
    }
}
