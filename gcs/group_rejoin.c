/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Back in after an exclusion, or out of a lineage that gave way: the membership is
 * over, and its endpoint asks to be let in again as a new member. What the application
 * has multicast and was not sent yet goes along, under new numbers; of what was sent,
 * nobody here can know what the others made of it, and the view that lets it in says
 * from where on.
 */
#include "gcs/group.h"

/* The first of our messages that somebody in the group may lack; 0: there is none. A message that
 * was not sent to its end nobody has, and it is sent again. */
static uint64_t first_unknown(const struct gcs_core_group *group)
{
    const struct gcs_era *era = group->era;
    const struct gcs_window *own = &era->fellows[era->view.self].window;
    uint64_t front = gcs_packer_front(&group->packer), first = front;
    for (uint64_t number = era->base + 1; number <= era->sent; number++) {
        const struct gcs_held *packet = gcs_window_get(own, number);
        if (packet && packet->service != 0 && packet->first < first)
            first = packet->first; /* not the first of them: what is announced comes later */
    }
    return first < front ? first : 0;
}

/* Where to look from now on: the seeds, and the members that there were. */
static bool learn_seeds(struct gcs_core_group *group)
{
    const struct gcs_route *others = group->era->others;
    const struct gcs_allocator *allocator = group->core->allocator;
    size_t count = group->own_seeds + others->count;
    struct gcs_address *seeds = gcs_allocate(allocator, count ? count : 1, sizeof(*seeds));
    if (!seeds)
        return false;
    if (group->own_seeds > 0)
        memcpy(seeds, group->seeds, group->own_seeds * sizeof(*seeds));
    if (others->count > 0)
        memcpy(seeds + group->own_seeds, others->to, others->count * sizeof(*seeds));
    gcs_release(allocator, group->seeds);
    group->seeds = seeds;
    group->config.seeds = seeds;
    group->seeds_count = count;
    return true;
}

/*
 * Who decided may be dead, and those who go on cannot learn without us what they have accepted: we
 * were a voter of the view that has ended.
 */
static struct gcs_era *keep_decision(struct gcs_era *era)
{
    if (era->closed && gcs_agreement_decision(era->agreement)) {
        gcs_era_forget_packets(era);
        return era;
    }
    gcs_era_close(era);
    return NULL;
}

bool gcs_group_may_rejoin(const struct gcs_core_group *group)
{
    bool lost = group->failed == GCS_ENOTMEMBER || group->failed == GCS_ELINEAGE;
    return lost && group->config.rejoin && !group->leaving && group->era;
}

bool gcs_group_is_out(const struct gcs_core_group *group)
{
    return gcs_group_may_rejoin(group) || (group->returning && group->state == GCS_GROUP_LOOKING);
}

void gcs_group_rejoin(struct gcs_core_group *group, uint64_t now)
{
    bool discarded = group->failed == GCS_ELINEAGE;
    gcs_packer_rewind(&group->packer);
    group->unknown_from = first_unknown(group);
    if (discarded) /* with everything that was delivered in it */
        group->unknown_from = gcs_packer_front(&group->packer) > 1 ? 1 : 0;
    bool told = gcs_state_last(group);
    gcs_state_end(group); /* before the event, which has to wait for no state */
    if (told && group->primary)
        told = gcs_group_tell_blocked(group, now, group->failed);
    if (!told || !learn_seeds(group)) {
        gcs_group_end(group, now, GCS_ENOMEM);
        return;
    }
    gcs_group_trace(group, GCS_TRACE_LEAVE, now);
    if (group->old)
        gcs_era_close(group->old);
    group->old = keep_decision(group->era);
    group->era = NULL;
    group->primary = group->ready = false;
    group->returning = true;
    group->evicting_count = 0;
    group->parting = 0;
    group->doubt = 0;
    gcs_packer_renumber(&group->packer);
    gcs_latency_forget(&group->latency);
    gcs_group_new_incarnation(group);
    group->state = GCS_GROUP_LOOKING;
    group->failed = 0;
    /* Should both lineages have given way, somebody has to found the group anew. */
    group->config.bootstrap = discarded && group->config.weight > 0 ? GCS_LOOK : GCS_JOIN;
    if (gcs_group_start(group, now) < 0)
        gcs_group_end(group, now, GCS_ENOMEM);
}
