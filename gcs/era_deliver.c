/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Delivery: what the orders give next becomes an event, once and for good. A
 * position may name a packet of another service, or one that was released; it is
 * passed over. A safe packet waits until a quorum holds it and its order.
 */
#include "gcs/era.h"

#include "gcs/base/mutant.h"
#include "gcs/base/prng.h"
#include "gcs/group.h"

int gcs_era_order_of(uint8_t service)
{
    switch (service) {
    case GCS_UNORDERED:
        return GCS_ERA_UNORDERED;
    case GCS_FIFO:
        return GCS_ERA_FIFO;
    case GCS_CAUSAL:
        return GCS_ERA_CAUSAL;
    case GCS_AGREED:
    case GCS_SAFE:
        return GCS_MUTANT(deliver_before_order) ? GCS_ERA_FIFO : GCS_ERA_TOTAL;
    default:
        return -1;
    }
}

/* ---- One packet ------------------------------------------------------------------------- */

static void trace_payload(struct gcs_era *era, uint64_t now, uint16_t rank,
                          const struct gcs_core_event *event)
{
    struct gcs_trace_event record = {
        .type = GCS_TRACE_DELIVER,
        .now = now,
        .sender = &era->members[rank].id,
        .number = event->number,
        .service = event->service,
        .time = event->time,
        .seed = event->seed,
    };
    size_t offset = 0;
    if (!era->group->core->config.trace)
        return;
    for (; gcs_core_event_message(event, &offset, &record.message); record.number++)
        gcs_era_trace(era, &record);
}

/* A function of what all members know alike: the message's name, and its place in time. */
static uint64_t seed_of(const struct gcs_era *era, uint16_t rank, uint64_t number)
{
    uint64_t seed = era->view.lineage ^ era->members[rank].id.incarnation;
    seed = gcs_prng_split(&seed) ^ era->view.proposer ^ number;
    seed = gcs_prng_split(&seed) ^ (era->group->time.agreed << 16) ^ era->view.epoch;
    if (GCS_MUTANT(seed_of_ones_own))
        seed ^= era->view.self;
    return gcs_prng_split(&seed);
}

/* Counted alike by all members: in total order, or of one sender in one of the other orders. */
static uint64_t next_place(struct gcs_era *era, uint16_t rank, uint8_t service)
{
    uint64_t *each = gcs_mark_of(&era->mark, rank, service);
    return each ? ++*each : ++era->mark.total;
}

static int tell_delivery(struct gcs_era *era, uint64_t now, uint16_t rank, uint64_t packet_number,
                         const struct gcs_held *packet, struct gcs_buffer *buffer,
                         const uint8_t *payload, size_t size)
{
    struct gcs_core *core = era->group->core;
    if (GCS_MUTANT(deliver_foreign_sender) && packet_number % 16 == 0)
        rank = (uint16_t)((rank + 1) % era->view.count);
    if (GCS_MUTANT(corrupt_payload) && packet_number % 16 == 0 && rank != era->view.self)
        buffer->data[payload - buffer->data + (ptrdiff_t)size - 1] ^= 1;
    bool ordered = gcs_era_order_of(packet->service) == GCS_ERA_TOTAL;
    struct gcs_core_event event = {
        .type = GCS_EVENT_DELIVER,
        .group = era->group,
        .user = era->group->user,
        .sender = &era->members[rank].id,
        .number = packet->first,
        .service = (enum gcs_service)packet->service,
        .rank = rank,
        .count = packet->count,
        .payload = payload,
        .payload_size = size,
        .time = ordered ? era->group->time.agreed : 0,
        .seed = ordered ? seed_of(era, rank, packet->first) : 0,
        .position = ordered ? era->position : 0,
        .buffer = buffer,
        .token = era,
        .packet = packet_number,
    };
    uint64_t place = next_place(era, rank, packet->service);
    bool waits = gcs_state_holds(era->group, &event, era->view.epoch, place);
    bool kept = waits ? gcs_state_keep(era->group, &event, era->view.epoch, place)
                      : gcs_events_push(&core->events, &event);
    if (!kept)
        return GCS_ENOMEM;
    core->counters.messages_delivered += packet->count;
    core->counters.bytes_delivered += size;
    if (rank == era->view.self)
        gcs_latency_end(&era->group->latency, packet->service, packet->first + packet->count - 1,
                        now);
    trace_payload(era, now, rank, &event);
    if (GCS_MUTANT(duplicate_delivery) && packet_number % 16 == 0)
        trace_payload(era, now, rank, &event);
    if (waits) {
        gcs_era_taken(era, rank, packet_number);
        return 0;
    }
    gcs_buffer_ref(buffer);
    gcs_era_ref(era);
    return packet->service == GCS_AGREED ? gcs_era_unsettled(era, &event) : 0;
}

/* 1: the message is whole; 0: more is needed; or an error. */
static int add_fragment(struct gcs_era *era, uint16_t rank, const struct gcs_held *packet,
                        struct gcs_buffer **whole, size_t *size)
{
    struct gcs_assembly *assembly = &era->fellows[rank].assembly[gcs_era_order_of(packet->service)];
    struct gcs_fragment fragment;
    if (!gcs_fragment_read(gcs_held_payload(packet), gcs_held_payload_size(packet), &fragment))
        return GCS_EMALFORMED;
    if (fragment.size == 0)
        return gcs_era_announced(era, rank, packet->first, fragment.total);
    if (fragment.offset == 0 && gcs_group_is_long(era->group, fragment.total) &&
        !gcs_era_begin_long(era, rank, packet->first, fragment.total, assembly)) {
        gcs_assembly_fini(assembly);
        return GCS_EMALFORMED;
    }
    return gcs_assembly_add(assembly, &era->group->core->pool, &fragment,
                            era->group->config.message_bytes, whole, size);
}

static int deliver_fragment(struct gcs_era *era, uint64_t now, uint16_t rank, uint64_t number,
                            const struct gcs_held *packet)
{
    struct gcs_buffer *whole;
    size_t size;
    int result = add_fragment(era, rank, packet, &whole, &size);
    if (result == 1) {
        result = tell_delivery(era, now, rank, number, packet, whole, whole->data, size);
        gcs_buffer_unref(whole);
        return result;
    }
    if (result == GCS_EMALFORMED)
        era->group->core->counters.dropped_malformed++;
    gcs_era_taken(era, rank, number);
    return result == GCS_ENOMEM ? result : 0;
}

static int deliver_packet(struct gcs_era *era, uint64_t now, uint16_t rank, uint64_t number,
                          const struct gcs_held *packet)
{
    if (packet->flags & GCS_PACKET_FRAGMENT)
        return deliver_fragment(era, now, rank, number, packet);
    return tell_delivery(era, now, rank, number, packet, packet->buffer, gcs_held_payload(packet),
                         gcs_held_payload_size(packet));
}

/* ---- The orders ------------------------------------------------------------------------- */

static int deliver_order(struct gcs_era *era, uint64_t now, int order)
{
    struct gcs_order_engine *engine = era->orders[order];
    struct gcs_order_next next;
    while (engine->ops->peek(engine, &next)) {
        const struct gcs_held *packet =
            gcs_window_get(&era->fellows[next.rank].window, next.number);
        bool ours = packet && gcs_era_order_of(packet->service) == order;
        if (ours && packet->service == GCS_SAFE) {
            era->safe_seen = true;
            if (!engine->ops->safe(engine, next.position))
                return 0;
        }
        engine->ops->pop(engine);
        if (ours && order == GCS_ERA_TOTAL)
            gcs_group_time_deliver(&era->group->time, packet->time);
        era->position = order == GCS_ERA_TOTAL ? next.position : era->position;
        if (GCS_MUTANT(skip_own_delivery) && era->frozen && next.rank == era->view.self)
            ours = false;
        int result = ours ? deliver_packet(era, now, next.rank, next.number, packet) : 0;
        if (result < 0)
            return result;
    }
    return 0;
}

int gcs_era_deliver(struct gcs_era *era, uint64_t now)
{
    if (era->closed || (era->frozen && !GCS_MUTANT(deliver_after_freeze)))
        return 0;
    for (int order = 0; order < GCS_ERA_ORDERS; order++) {
        int result = deliver_order(era, now, order);
        if (result < 0)
            return result;
    }
    return gcs_era_settle(era, now);
}

int gcs_era_finish(struct gcs_era *era, uint64_t now, const struct gcs_proposal *value)
{
    bool *survives = gcs_allocate(era->group->core->allocator, era->view.count, sizeof(bool));
    int result = survives ? 0 : GCS_ENOMEM;
    for (uint16_t rank = 0; result == 0 && rank < era->view.count; rank++) {
        survives[rank] = value->reason[rank] == GCS_REASON_NONE;
        result = gcs_era_arrive(era, rank, value->cut[rank]);
    }
    for (int order = 0; result == 0 && order < GCS_ERA_ORDERS; order++) {
        struct gcs_order_engine *engine = era->orders[order];
        engine->ops->finish(engine, value->cut, survives);
        result = deliver_order(era, now, order);
    }
    gcs_era_drop_pieces(era);
    gcs_release(era->group->core->allocator, survives);
    return result;
}

/* ---- Taken ------------------------------------------------------------------------------ */

void gcs_era_taken(struct gcs_era *era, uint16_t rank, uint64_t number)
{
    struct gcs_window *window = &era->fellows[rank].window;
    const struct gcs_held *packet = gcs_window_get(window, number);
    uint64_t before = window->done;
    if (packet)
        era->ack_bytes += packet->size;
    gcs_window_done(window, number);
    if (window->done == before)
        return;
    era->ack_owed = true;
    if (rank == era->view.self)
        gcs_era_update_base(era);
}
