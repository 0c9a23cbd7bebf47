/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What this member knows of the group and of each other member right now, read from the layers
 * that know it and changing nothing.
 */
#include "gcs/group.h"

#include <string.h>

static void read_era(const struct gcs_era *era, struct gcs_group_status *status)
{
    const struct gcs_window *own = &era->fellows[era->view.self].window;
    status->epoch = era->view.epoch;
    status->members = era->view.count;
    status->rank = era->view.self;
    status->changing = era->frozen;
    status->window_packets = era->sent - era->base;
    status->window_packets_max = own->capacity;
    status->window_bytes = own->bytes;
    status->window_bytes_max = era->window_bytes;
    status->window_bytes_now = gcs_pace_at(&era->pace, era->group->core->now);
    for (uint16_t rank = 0; rank < era->view.count; rank++)
        status->held_bytes += era->fellows[rank].window.bytes;
}

void gcs_core_group_status(const struct gcs_core_group *group, struct gcs_group_status *status)
{
    memset(status, 0, sizeof(*status));
    status->primary = group->state == GCS_GROUP_MEMBER && group->primary;
    status->queue_bytes = group->packer.bytes;
    status->queue_bytes_max = group->config.queue_bytes;
    for (int kind = 0; kind < GCS_LONG_KINDS; kind++)
        status->assembly_bytes += group->assembling[kind];
    memcpy(status->latency, group->latency.measured, sizeof(status->latency));
    if (group->era && group->era->fellows)
        read_era(group->era, status);
    gcs_state_group_status(group, status);
}

int gcs_core_member_status(const struct gcs_core_group *group, uint64_t now, uint16_t rank,
                           struct gcs_member_status *status)
{
    const struct gcs_era *era = group->era;
    if (!era || !era->fellows || rank >= era->view.count)
        return GCS_ENOTMEMBER;
    const struct gcs_fellow *fellow = &era->fellows[rank];
    const struct gcs_window *window = &fellow->window;
    uint64_t taken = fellow->peer ? fellow->taken : window->done;
    *status = (struct gcs_member_status){
        .id = era->members[rank].id,
        .weight = era->members[rank].weight,
        .syncing = era->members[rank].syncing,
        .region = era->tree ? era->tree->regions.region_of[rank] + 1u : 0,
        .behind_packets = era->sent > taken ? era->sent - taken : 0,
        .missing_packets = window->top - window->contiguous,
        .waiting_packets = window->contiguous - window->done,
        .faults = fellow->faults,
    };
    memcpy(status->label, era->members[rank].label, sizeof(status->label));
    if (fellow->peer) {
        uint64_t heard = gcs_peer_heard(fellow->peer);
        status->suspected = gcs_peer_suspected(fellow->peer);
        status->silence_ns = now > heard ? now - heard : 0;
        status->rtt_ns = gcs_peer_rtt(fellow->peer);
        status->loss_ppm = fellow->loss.ppm;
    }
    gcs_state_member_status(group, status);
    return 0;
}
