/* SPDX-License-Identifier: BSD-3-Clause */
/* The beginning and the end of an era: see era.h. */
#include "gcs/era.h"

#include "gcs/base/times.h"
#include "gcs/group.h"

#define RETRY_NS        10000000u
#define SENDERS_AT_ONCE 16u

/* What is in flight must fit into what the slowest receiver buffers, with all senders busy. The
 * kernel charges for more than the bytes. */
static uint32_t flight_bytes_of(const struct gcs_era *era)
{
    uint64_t bytes = era->group->config.window_bytes;
    uint16_t senders = era->view.count > 1 ? (uint16_t)(era->view.count - 1) : 1;
    if (era->tree && senders > SENDERS_AT_ONCE) /* hardly ever are all of a large group busy */
        senders = SENDERS_AT_ONCE;
    for (uint16_t rank = 0; rank < era->view.count; rank++) {
        uint64_t share = era->members[rank].receive_bytes / 2 / senders;
        if (rank != era->view.self && share > 0 && share < bytes)
            bytes = share;
    }
    return (uint32_t)bytes;
}

static bool open_view(struct gcs_era *era, const struct gcs_proposal *value)
{
    const struct gcs_allocator *allocator = era->allocator;
    uint16_t count = value->members_count;
    era->members = gcs_allocate(allocator, count, sizeof(*era->members));
    era->fellows = gcs_allocate(allocator, count, sizeof(*era->fellows));
    era->held = gcs_allocate(allocator, (3 + GCS_MARK_ORDERS) * (size_t)count, sizeof(uint64_t));
    era->granted = gcs_allocate(allocator, count, sizeof(*era->granted));
    era->others = gcs_route_new(allocator, (uint16_t)(count - 1));
    if (!era->members || !era->fellows || !era->held || !era->granted || !era->others)
        return false;
    era->done = era->held + count;
    era->seen = era->held + 2 * (size_t)count;
    era->mark = (struct gcs_mark){
        .epoch = value->epoch, .count = count, .each = era->held + 3 * (size_t)count};
    memcpy(era->members, value->members, count * sizeof(*era->members));
    era->view = (struct gcs_view){
        .lineage = value->lineage,
        .proposer = value->proposer,
        .epoch = value->epoch,
        .tie_breaker = value->settings.tie_breaker,
        .count = count,
        .self = GCS_RANK_NONE,
        .members = era->members,
    };
    for (uint16_t rank = 0, other = 0; rank < count; rank++) {
        const struct gcs_member_id *id = &era->members[rank].id;
        if (id->incarnation == era->group->self.id.incarnation)
            era->view.self = rank;
        else
            era->others->to[other++] = id->address;
    }
    return era->view.self != GCS_RANK_NONE;
}

static bool open_fellows(struct gcs_era *era, uint64_t now)
{
    struct gcs_core *core = era->group->core;
    for (uint16_t rank = 0; rank < era->view.count; rank++) {
        struct gcs_fellow *fellow = &era->fellows[rank];
        gcs_window_init(&fellow->window, core->allocator, era->group->config.window_packets);
        gcs_gaps_init(&fellow->gaps);
        gcs_missing_init(&fellow->missing);
        if (rank == era->view.self) {
            fellow->heard = true;
            continue;
        }
        fellow->peer = gcs_detector_watch(core->detector, now, &era->members[rank].id.address);
        if (!fellow->peer)
            return false;
        gcs_detector_expect(core->detector, now, fellow->peer,
                            gcs_member_process(&era->members[rank].id));
        era->unheard++;
    }
    return true;
}

static bool open_orders(struct gcs_era *era)
{
    struct gcs_order_config config = {
        .allocator = era->group->core->allocator,
        .view = &era->view,
        .room = era->group->packer.headroom - GCS_PACKET_HEADER,
        .safe_all = era->group->config.safe_quorum == GCS_SAFE_ALL,
        .rotate = era->group->config.rotate,
    };
    const struct gcs_order_ops *const orders[GCS_ERA_ORDERS] = {
        [GCS_ERA_UNORDERED] = &gcs_order_unordered,
        [GCS_ERA_FIFO] = &gcs_order_fifo,
        [GCS_ERA_CAUSAL] = &gcs_order_causal,
        [GCS_ERA_TOTAL] = era->group->core->find_order(era->group->config.order),
    };
    for (int order = 0; order < GCS_ERA_ORDERS; order++) {
        era->orders[order] = orders[order]->open(&config);
        if (!era->orders[order])
            return false;
    }
    return true;
}

struct gcs_era *gcs_era_open(struct gcs_core_group *group, uint64_t now,
                             const struct gcs_proposal *value)
{
    struct gcs_era *era = gcs_allocate(group->core->allocator, 1, sizeof(*era));
    if (!era)
        return NULL;
    era->group = group;
    era->allocator = group->core->allocator;
    era->refs = 1;
    era->ack_due = era->confirm_due = era->packed_due = era->gaps_due = era->pipes_due =
        era->slow_due = era->pressure_due = era->long_due = GCS_NEVER;
    if (!open_view(era, value) || !open_fellows(era, now) || !open_orders(era) ||
        !gcs_tree_open(era, now)) {
        gcs_era_close(era);
        return NULL;
    }
    gcs_era_note_drops(era);
    uint32_t flight = flight_bytes_of(era);
    era->window_bytes = era->tree ? flight : group->config.window_bytes;
    gcs_pace_init(&era->pace, now, flight);
    era->overflow_told = group->core->overflowed;
    gcs_era_calm(era);
    era->poke_due = era->unheard > 0 && !era->tree ? now + RETRY_NS + era->calm_ns : GCS_NEVER;
    era->ack_owed = era->ack_now = era->unheard > 0;
    era->check_due = era->unheard > 0 ? now : GCS_NEVER;
    return era;
}

void gcs_era_ref(struct gcs_era *era)
{
    if (era->refs++ == 1)
        era->taken_at = era->group->core->now;
}

void gcs_era_unref(struct gcs_era *era)
{
    if (--era->refs > 0)
        return;
    const struct gcs_allocator *allocator = era->allocator;
    gcs_release(allocator, era->members);
    gcs_release(allocator, era);
}

void gcs_era_forget_packets(struct gcs_era *era)
{
    era->forgotten = true;
    gcs_era_drop_pieces(era);
    for (uint16_t rank = 0; rank < era->view.count; rank++)
        gcs_window_fini(&era->fellows[rank].window);
}

static void close_fellows(struct gcs_era *era)
{
    for (uint16_t rank = 0; era->fellows && rank < era->view.count; rank++) {
        struct gcs_fellow *fellow = &era->fellows[rank];
        if (!fellow->window.allocator)
            break;
        gcs_window_fini(&fellow->window);
        gcs_pipe_free(fellow->pipe);
        if (fellow->peer)
            gcs_detector_unwatch(era->group->core->detector, fellow->peer);
    }
}

void gcs_era_close(struct gcs_era *era)
{
    const struct gcs_allocator *allocator = era->allocator;
    gcs_era_drop_pieces(era);
    close_fellows(era);
    for (int order = 0; order < GCS_ERA_ORDERS; order++)
        if (era->orders[order])
            era->orders[order]->ops->close(era->orders[order]);
    if (era->agreement)
        gcs_agreement_free(era->agreement);
    gcs_tree_close(era);
    gcs_route_unref(era->others);
    gcs_release(allocator, era->held);
    gcs_release(allocator, era->granted);
    gcs_release(allocator, era->unsettled);
    era->unsettled = NULL;
    gcs_release(allocator, era->fellows);
    era->fellows = NULL;
    era->closed = true;
    gcs_era_unref(era);
}

void gcs_era_gone(struct gcs_era *era, uint64_t now, uint16_t rank)
{
    gcs_agreement_gone(era->agreement, now, rank);
}

uint64_t gcs_era_deadline(const struct gcs_era *era)
{
    uint64_t deadline = gcs_agreement_deadline(era->agreement);
    if (era->closed)
        return deadline;
    deadline = gcs_sooner(deadline, era->gaps_due);
    deadline = gcs_sooner(deadline, era->ack_due);
    deadline = gcs_sooner(deadline, era->confirm_due);
    deadline = gcs_sooner(deadline, era->packed_due);
    deadline = gcs_sooner(deadline, era->check_due);
    deadline = gcs_sooner(deadline, era->pipes_due);
    deadline = gcs_sooner(deadline, era->slow_due);
    deadline = gcs_sooner(deadline, era->pressure_due);
    deadline = gcs_sooner(deadline, era->long_due);
    deadline = gcs_sooner(deadline, gcs_lease_deadline(&era->lease));
    if (era->tree)
        deadline = gcs_sooner(deadline, gcs_tree_deadline(era));
    if (era->primary_late)
        deadline = gcs_sooner(deadline, era->primary_due);
    return gcs_sooner(deadline, era->poke_due);
}
