/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * After a pause of its own a member does not know whether its view is over: the
 * others may have gone on without it. It sends nothing new and delivers nothing
 * until a quorum has been heard in this view again. What had been sent to it
 * during the pause may still lie in its buffers and proves nothing; so a member
 * counts once a packet of the view has come from it after its answer to a question
 * that was put since. Who left this view behind answers by saying so.
 */
#include "gcs/group.h"

#include "gcs/base/quorum.h"

#define ASK_NS      10000000u
#define ASK_NS_MAX  40000000u
#define MEMBERS_FEW 16u /* more of them are asked so much more rarely */

static bool confirmed(const struct gcs_core_group *group)
{
    const struct gcs_era *era = group->era;
    struct gcs_tally here = {0};
    for (uint16_t rank = 0; rank < era->view.count; rank++) {
        const struct gcs_fellow *fellow = &era->fellows[rank];
        gcs_tally_add(&here, &era->members[rank],
                      !fellow->peer || (fellow->confirmed >= group->doubt &&
                                        !gcs_agreement_is_gone(era->agreement, rank) &&
                                        !gcs_peer_suspected(fellow->peer)));
    }
    return gcs_tally_quorum(&here, era->view.tie_breaker);
}

void gcs_group_doubt(struct gcs_core_group *group, uint64_t now)
{
    uint64_t resumed = gcs_detector_resumed(group->core->detector);
    if (resumed > group->resumed) {
        group->resumed = resumed;
        group->doubt = group->state == GCS_GROUP_MEMBER ? resumed : 0;
        group->doubt_ask_at = now;
        group->doubt_gap = ASK_NS;
    }
    if (group->doubt == 0 || group->state != GCS_GROUP_MEMBER)
        return;
    if (confirmed(group)) {
        group->doubt = 0;
        return;
    }
    if (now < group->doubt_ask_at)
        return;
    gcs_era_ask(group->era);
    uint64_t members = group->era->view.count > MEMBERS_FEW ? group->era->view.count : MEMBERS_FEW;
    group->doubt_ask_at = now + group->doubt_gap * members / MEMBERS_FEW;
    if (group->doubt_gap < ASK_NS_MAX)
        group->doubt_gap *= 2;
}

void gcs_group_confirm(struct gcs_era *era, const struct gcs_address *from, uint16_t rank)
{
    struct gcs_fellow *fellow = &era->fellows[rank];
    if (era->group->doubt > 0 && gcs_address_equal(from, &era->members[rank].id.address))
        fellow->confirmed = gcs_peer_answered(fellow->peer);
}
