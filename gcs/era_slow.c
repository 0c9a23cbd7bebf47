/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Members whose applications do not take what is delivered to them. They hold back
 * the windows of all senders, so all are told, by the member itself: its protocol
 * runs on beside its application, and nobody else can know better. Whether that
 * has gone on for too long each member decides by its own configuration.
 */
#include "gcs/group.h"
#include "gcs/wire/slow.h"

#define AGAIN_NS 1000000000u

/* Deliveries of this view that the application has not given back. */
static bool has_work(const struct gcs_era *era)
{
    return era->refs > 1;
}

static uint64_t waited_since(const struct gcs_era *era)
{
    return era->taken_at;
}

static void confess(struct gcs_era *era, uint64_t now)
{
    uint8_t body[GCS_SLOW_BYTES_MAX];
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    gcs_slow_write(&w, (now - waited_since(era)) / 1000000);
    struct gcs_envelope envelope = {era->group->tag, era->view.lineage, era->view.epoch,
                                    era->view.self};
    gcs_core_multicast_frame(era->group->core, &envelope, era->others, GCS_FRAME_SLOW, body,
                             gcs_writer_size(&w));
}

void gcs_era_slow(struct gcs_era *era, uint64_t now)
{
    uint64_t patience = era->group->config.slow_ns;
    if (patience == 0 || era->closed || era->frozen || !has_work(era)) {
        era->slow_due = GCS_NEVER;
        return;
    }
    uint64_t due = waited_since(era) + patience;
    if (now >= due && (era->slow_due == GCS_NEVER || now >= era->slow_due)) {
        confess(era, now);
        era->slow_due = now + AGAIN_NS;
    } else if (now < due) {
        era->slow_due = due;
    }
}

/* An event that names the member; one that is evicted for it is told by the view. */
static void tell(struct gcs_era *era, uint16_t rank, uint64_t waited_ms)
{
    struct gcs_core_event event = {
        .type = GCS_EVENT_SLOW,
        .group = era->group,
        .user = era->group->user,
        .sender = &era->members[rank].id,
        .rank = rank,
        .waited_ms = waited_ms,
        .token = era,
    };
    if (gcs_events_push(&era->group->core->events, &event))
        gcs_era_ref(era);
}

bool gcs_era_hear_slow(struct gcs_era *era, uint64_t now, uint16_t rank, const uint8_t *body,
                       size_t size)
{
    uint64_t waited_ms, evict_ns = era->group->config.evict_slow_ns;
    if (!gcs_slow_read(body, size, &waited_ms))
        return false;
    struct gcs_fellow *fellow = &era->fellows[rank];
    if (now < fellow->slow_told + AGAIN_NS / 2) /* it says so more often than it should */
        return true;
    fellow->slow_told = now;
    era->group->core->counters.slow_members++;
    tell(era, rank, waited_ms);
    if (evict_ns > 0 && waited_ms >= evict_ns / 1000000)
        gcs_core_evict(era->group, now, &era->members[rank].id);
    return true;
}
