/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What this member wants the next views to be like: itself out of them, or
 * another. A wish is told to the agreement of each view until one fulfils it.
 */
#include "gcs/group.h"

/* How many suspicion timeouts a member that is cut off waits for the primary before it leaves all
 * the same. */
#define LEAVE_PATIENCE 20

/* ---- Leaving ---------------------------------------------------------------------------- */

int gcs_core_leave(struct gcs_core_group *group, uint64_t now)
{
    bool ends = group->failed && !gcs_group_may_rejoin(group);
    if (group->leaving || group->state == GCS_GROUP_ENDED || ends)
        return GCS_EALREADY;
    group->leaving = true;
    group->core->dirty = true;
    if (group->state == GCS_GROUP_LOOKING)
        gcs_group_end(group, now, 0);
    return 0;
}

/* When a leaver that is cut off gives up; the others may need it for their quorum until then. */
uint64_t gcs_group_leave_expiry(const struct gcs_core_group *group)
{
    if (!group->leaving || group->primary || group->state != GCS_GROUP_MEMBER)
        return GCS_NEVER;
    return group->blocked_at + LEAVE_PATIENCE * group->core->config.suspect_ns;
}

/* What was multicast before comes first. */
void gcs_group_wish(struct gcs_core_group *group, uint64_t now)
{
    const struct gcs_era *era = group->era;
    if (now >= gcs_group_leave_expiry(group))
        group->failed = GCS_ENOPRIMARY;
    if (group->leaving && group->state == GCS_GROUP_MEMBER)
        gcs_agreement_depart(era->agreement);
    if (group->ready && gcs_state_is_firm(group) && !group->ready_told &&
        group->state == GCS_GROUP_MEMBER && era->members[era->view.self].syncing) {
        group->ready_told = true;
        group->core->dirty = true;
        gcs_agreement_ready(era->agreement, now);
        return; /* the view may have ended */
    }
    if (!group->leaving || group->leave_told || group->state != GCS_GROUP_MEMBER ||
        !gcs_packer_empty(&group->packer) || era->fellows[era->view.self].window.done < era->sent)
        return;
    group->leave_told = true;
    gcs_agreement_leave(group->era->agreement, now);
}

/* ---- Evicting --------------------------------------------------------------------------- */

static uint16_t rank_of(const struct gcs_era *era, const struct gcs_member_id *id)
{
    uint16_t rank = 0;
    while (rank < era->view.count && !gcs_member_id_equal(&era->members[rank].id, id))
        rank++;
    return rank;
}

int gcs_core_evict(struct gcs_core_group *group, uint64_t now, const struct gcs_member_id *member)
{
    if (group->leaving || group->failed || group->state != GCS_GROUP_MEMBER)
        return GCS_ENOTMEMBER;
    uint16_t rank = rank_of(group->era, member);
    if (rank == group->era->view.count)
        return GCS_ENOTMEMBER;
    if (rank == group->era->view.self)
        return GCS_EINVAL;
    for (uint16_t i = 0; i < group->evicting_count; i++)
        if (gcs_member_id_equal(&group->evicting[i], member))
            return GCS_EALREADY;
    if (group->evicting_count == GCS_WISH_EVICT_MAX)
        return GCS_ELIMIT;
    group->evicting[group->evicting_count++] = *member;
    group->core->dirty = true;
    gcs_agreement_evict(group->era->agreement, now, rank);
    return 0;
}

void gcs_group_wish_again(struct gcs_core_group *group, uint64_t now)
{
    const struct gcs_era *era = group->era;
    uint16_t left = 0;
    group->leave_told = false;
    group->ready_told = false;
    for (uint16_t i = 0; i < group->evicting_count; i++)
        if (rank_of(era, &group->evicting[i]) < era->view.count)
            group->evicting[left++] = group->evicting[i];
    group->evicting_count = left;
    for (uint16_t i = 0; i < left && group->era == era; i++)
        gcs_agreement_evict(era->agreement, now, rank_of(era, &group->evicting[i]));
}
