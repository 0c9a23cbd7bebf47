/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A packet of this view comes in: it is kept if it is new, its frames are heard
 * at once, and what has become contiguous goes to the orders. A frozen era keeps
 * packets (the cut may need them) but gives nothing to the orders.
 */
#include "gcs/era.h"

#include "gcs/base/mutant.h"
#include "gcs/base/times.h"
#include "gcs/group.h"
#include "gcs/wire/private.h"
#include "gcs/wire/status.h"
#include "gcs/wire/time.h"

/* Packets below this are copied out of a transport's large receive buffer, so as not to pin it. */
#define COPY_BELOW 1024u

static struct gcs_counters *counters_of(struct gcs_era *era)
{
    return &era->group->core->counters;
}

/* ---- Frames ----------------------------------------------------------------------------- */

/* The bytes are the total order's; how far the packets are held may be of use to the others. */
static bool read_acks(struct gcs_era *era, uint16_t rank, const uint64_t *held,
                      struct gcs_reader *total)
{
    for (int order = 0; order < GCS_ERA_TOTAL; order++) {
        struct gcs_reader none = {0};
        era->orders[order]->ops->read_ack(era->orders[order], rank, held, &none);
    }
    return era->orders[GCS_ERA_TOTAL]->ops->read_ack(era->orders[GCS_ERA_TOTAL], rank, held, total);
}

static void hear_status(struct gcs_era *era, uint64_t now, uint16_t rank,
                        const struct gcs_frame *frame)
{
    struct gcs_fellow *from = &era->fellows[rank];
    struct gcs_status status;
    struct gcs_reader order;
    if (!gcs_status_read(frame->body, frame->size, era->view.count, &status, era->held, era->done,
                         era->seen, &order) ||
        (status.seen[era->view.self] <= era->sent && !read_acks(era, rank, status.held, &order))) {
        counters_of(era)->dropped_malformed++;
        return;
    }
    if (status.seen[era->view.self] > era->sent) {
        gcs_era_blame(era, rank, &counters_of(era)->acks_forged);
        return;
    }
    gcs_era_note_seen(era, now, rank, status.seen[era->view.self]);
    gcs_window_exists(&from->window, status.top);
    for (uint16_t r = 0; r < era->view.count; r++)
        gcs_window_exists(&era->fellows[r].window, status.held[r]);
    if (status.done[era->view.self] > from->taken) {
        from->taken = status.done[era->view.self];
        gcs_era_update_base(era);
    }
    if (status.flags & GCS_STATUS_REPLY && gcs_era_admits(era, now, rank))
        era->ack_owed = era->ack_now = true;
    era->gaps_changed = true;
}

/* NACK, and SEEK to a region. */
static void hear_request(struct gcs_era *era, uint64_t now, const struct gcs_address *from,
                         uint16_t rank, const struct gcs_frame *frame)
{
    struct gcs_nack nack;
    if (!gcs_nack_read(frame->body, frame->size, era->view.count, &nack)) {
        counters_of(era)->dropped_malformed++;
        return;
    }
    counters_of(era)->nacks_received++;
    if (!gcs_era_admits(era, now, rank))
        return;
    if (gcs_era_is_forged(era, &nack))
        gcs_era_blame(era, rank, &counters_of(era)->nacks_forged);
    else if (frame->type == GCS_FRAME_SEEK && era->tree && !era->closed)
        gcs_tree_hear_seek(era, now, rank, &nack);
    else
        gcs_era_repair(era, now, from, rank, &nack);
}

static void hear_report(struct gcs_era *era, uint64_t now, const struct gcs_address *from,
                        uint16_t rank, const struct gcs_frame *frame)
{
    if (era->tree && !era->closed && !gcs_tree_hear_report(era, now, from, rank, frame))
        counters_of(era)->dropped_malformed++;
}

static void hear_private(struct gcs_era *era, uint64_t now, uint16_t rank,
                         const struct gcs_frame *frame)
{
    uint64_t held, taken;
    if (gcs_private_read(frame->body, frame->size, &held, &taken))
        gcs_era_private_acked(era, now, rank, held, taken);
    else
        counters_of(era)->dropped_malformed++;
}

/* The orders read their frames in their turn. */
static bool is_order_frame(const struct gcs_era *era, uint8_t type)
{
    for (int order = 0; order < GCS_ERA_ORDERS; order++)
        if (type == era->orders[order]->ops->frame)
            return true;
    return false;
}

static void hear_frame(struct gcs_era *era, uint64_t now, const struct gcs_address *from,
                       const struct gcs_packet *packet, const struct gcs_frame *frame)
{
    if (frame->type == GCS_FRAME_STATUS) {
        if (!era->closed)
            hear_status(era, now, packet->rank, frame);
    } else if (frame->type == GCS_FRAME_NACK || frame->type == GCS_FRAME_SEEK) {
        hear_request(era, now, from, packet->rank, frame);
    } else if (frame->type == GCS_FRAME_REPORT) {
        hear_report(era, now, from, packet->rank, frame);
    } else if (frame->type == GCS_FRAME_SLOW) {
        if (!era->closed && !gcs_era_hear_slow(era, now, packet->rank, frame->body, frame->size))
            counters_of(era)->dropped_malformed++;
    } else if (frame->type == GCS_FRAME_PRESSURE) {
        if (!era->closed &&
            !gcs_era_hear_pressure(era, now, packet->rank, frame->body, frame->size))
            counters_of(era)->dropped_malformed++;
    } else if (frame->type == GCS_FRAME_ROOM) {
        if (!era->closed && !gcs_era_hear_room(era, packet->rank, frame))
            counters_of(era)->dropped_malformed++;
    } else if (frame->type == GCS_FRAME_LEASE) {
        if (!era->closed && gcs_lease_frame(&era->lease, now, packet->rank, frame->body,
                                            frame->size) == GCS_EMALFORMED)
            counters_of(era)->dropped_malformed++;
    } else if (frame->type == GCS_FRAME_PRIVATE) {
        if (!era->closed)
            hear_private(era, now, packet->rank, frame);
    } else if (frame->type == GCS_FRAME_JOIN ||
               (frame->type >= GCS_FRAME_WISH && frame->type <= GCS_FRAME_CONFIRM)) {
        if (gcs_agreement_frame(era->agreement, now, packet->rank, frame->type, frame->body,
                                frame->size) == GCS_EMALFORMED)
            counters_of(era)->dropped_malformed++;
    } else if (frame->type >= GCS_FRAME_STATE_ASK && frame->type <= GCS_FRAME_STATE_CHUNK) {
        if (!era->closed)
            gcs_state_frame(era->group, now, packet->rank, frame);
    } else if (frame->type != GCS_FRAME_TIME && !is_order_frame(era, frame->type)) {
        counters_of(era)->frames_unknown++;
    }
}

/* ---- Numbered packets ------------------------------------------------------------------- */

static bool payload_is_good(const struct gcs_packet *packet, uint32_t *count)
{
    struct gcs_fragment fragment;
    *count = 0;
    if (packet->payload_size == 0)
        return packet->service == 0;
    if (gcs_era_order_of(packet->service) < 0)
        return false;
    if (packet->flags & GCS_PACKET_FRAGMENT) {
        *count = 1;
        return gcs_fragment_read(packet->payload, packet->payload_size, &fragment) &&
               (fragment.size > 0 || (packet->service == GCS_AGREED && packet->first > 0 &&
                                      !(packet->flags & GCS_PACKET_PRIVATE)));
    }
    int64_t messages = gcs_payload_count(packet->payload, packet->payload_size);
    *count = messages > 0 ? (uint32_t)messages : 0;
    return messages > 0;
}

static struct gcs_buffer *own_copy(struct gcs_era *era, const uint8_t *data, size_t size)
{
    struct gcs_buffer *copy = gcs_pool_get(&era->group->core->pool, size);
    if (copy)
        gcs_pool_copy(&era->group->core->pool, copy->data, data, size);
    return copy;
}

/* The packet as a window keeps it, with a reference to its buffer. False: out of memory. */
static bool hold(struct gcs_era *era, struct gcs_buffer *buffer, const uint8_t *data, size_t size,
                 const struct gcs_packet *packet, uint32_t count, struct gcs_held *held)
{
    *held = (struct gcs_held){
        .buffer = buffer,
        .data = data,
        .size = (uint32_t)size,
        .count = count,
        .first = packet->first,
        .time = gcs_time_find(packet->control, packet->control_size),
        .control_size = (uint16_t)packet->control_size,
        .service = packet->service,
        .flags = packet->flags,
    };
    if (size >= COPY_BELOW || buffer->size <= GCS_POOL_SMALL) {
        gcs_buffer_ref(buffer);
        return true;
    }
    held->buffer = own_copy(era, data, size);
    if (held->buffer)
        held->data = held->buffer->data;
    return held->buffer != NULL;
}

static int keep(struct gcs_era *era, struct gcs_buffer *buffer, const uint8_t *data, size_t size,
                const struct gcs_packet *packet, uint32_t count)
{
    struct gcs_window *window = &era->fellows[packet->rank].window;
    struct gcs_held held;
    if (gcs_window_get(window, packet->number) || packet->number <= window->base)
        return GCS_EALREADY;
    if (!hold(era, buffer, data, size, packet, count, &held))
        return GCS_ENOMEM;
    int result = gcs_window_put(window, packet->number, &held);
    gcs_buffer_unref(held.buffer);
    if (result == 0)
        gcs_group_time_hear(&era->group->time, era->group->core->now, held.time, packet->rank == 0);
    return result;
}

static void count_fault(struct gcs_counters *counters, int result)
{
    if (result == GCS_EALREADY)
        counters->dropped_duplicate++;
    else if (result == GCS_ELIMIT)
        counters->dropped_overrun++;
    else if (result == GCS_ENOMEM)
        counters->dropped_memory++;
}

/* On a reliable network nothing of a sender's is missing behind the first that came. */
static void note_first(struct gcs_era *era, const struct gcs_address *from,
                       const struct gcs_packet *packet)
{
    struct gcs_fellow *fellow = &era->fellows[packet->rank];
    if (fellow->first == 0 && gcs_address_equal(from, &era->members[packet->rank].id.address))
        fellow->first = packet->number;
}

/* How often we have asked for a packet that is not held. */
static uint32_t attempts_for(const struct gcs_era *era, const struct gcs_packet *packet)
{
    const struct gcs_fellow *fellow = &era->fellows[packet->rank];
    if (!gcs_era_asks_each(era))
        return packet->number <= fellow->gaps.asked_top;
    const struct gcs_held *place = gcs_window_missing(&fellow->window, packet->number);
    return place && packet->number <= fellow->missing.noted ? place->attempts : 0;
}

/* What came before what its sender sent earlier. With a state all deliveries must be countable, and
 * a fragment is of no use without those before it. */
static int arrive_early(struct gcs_era *era, const struct gcs_packet *packet)
{
    int order = gcs_era_order_of(packet->service);
    struct gcs_order_engine *engine = order >= 0 ? era->orders[order] : NULL;
    if (!engine || !engine->ops->arrive_early || era->group->config.state ||
        (packet->flags & GCS_PACKET_FRAGMENT))
        return 0;
    return engine->ops->arrive_early(engine, packet->rank, packet->number);
}

static int arrive(struct gcs_era *era, const struct gcs_packet *packet)
{
    const struct gcs_window *window = &era->fellows[packet->rank].window;
    if (packet->number > window->contiguous)
        return arrive_early(era, packet);
    return gcs_era_arrive(era, packet->rank, window->contiguous);
}

static void receive_numbered(struct gcs_era *era, uint64_t now, const struct gcs_address *from,
                             struct gcs_buffer *buffer, const uint8_t *data, size_t size,
                             const struct gcs_packet *packet)
{
    struct gcs_window *window = &era->fellows[packet->rank].window;
    struct gcs_counters *counters = counters_of(era);
    uint32_t count;
    if (!payload_is_good(packet, &count)) {
        counters->dropped_malformed++;
        return;
    }
    uint32_t attempts = attempts_for(era, packet);
    int result = keep(era, buffer, data, size, packet, count);
    if (result < 0) {
        count_fault(counters, result);
        if (result == GCS_EALREADY)
            gcs_era_compare(era, from, packet->rank, packet->number, data, size);
        if (era->tree && result == GCS_EALREADY)
            gcs_tree_heard_again(era, now, from, packet->rank, packet->number);
        return;
    }
    counters->repairs_received += attempts > 0;
    gcs_era_note_loss(era, packet->rank, attempts > 0);
    if (packet->number > era->fellows[packet->rank].came)
        era->fellows[packet->rank].came = packet->number;
    era->came_bytes += size;
    era->fellows[packet->rank].came_bytes += size;
    era->came_most = gcs_later(era->came_most, era->fellows[packet->rank].came_bytes);
    if (era->tree && window->contiguous < window->top)
        gcs_rankset_add(&era->tree->lacking, packet->rank);
    if (era->tree) {
        gcs_tree_kept(era, now, from, packet->rank, packet->number, attempts);
        gcs_tree_spread(era, from, packet->rank, packet->number, attempts);
    }
    era->ack_owed = true;
    era->gaps_changed = true;
    if (era->frozen && !GCS_MUTANT(ack_after_freeze) && !GCS_MUTANT(deliver_after_freeze))
        gcs_agreement_held(era->agreement, now);
    else if (arrive(era, packet) == GCS_ENOMEM)
        era->group->failed = GCS_ENOMEM;
}

static void receive_private(struct gcs_era *era, struct gcs_buffer *buffer, const uint8_t *data,
                            size_t size, const struct gcs_packet *packet)
{
    struct gcs_held held;
    uint32_t count;
    if (packet->number == 0 || packet->payload_size == 0 || packet->control_size > 0 ||
        !payload_is_good(packet, &count)) {
        counters_of(era)->dropped_malformed++;
        return;
    }
    if (!hold(era, buffer, data, size, packet, count, &held)) {
        counters_of(era)->dropped_memory++;
        return;
    }
    if (gcs_era_private_receive(era, packet->rank, &held, packet->number, packet->base) ==
        GCS_ENOMEM)
        era->group->failed = GCS_ENOMEM;
    gcs_buffer_unref(held.buffer);
}

/* ---- Arrival ---------------------------------------------------------------------------- */

/* The information for an order that a packet carries; body NULL: none. */
static struct gcs_frame info_of(const struct gcs_held *packet, uint8_t type)
{
    struct gcs_reader r = gcs_reader_over(packet->data + GCS_PACKET_HEADER, packet->control_size);
    struct gcs_frame frame;
    while (type != 0 && gcs_frame_next(&r, &frame))
        if (frame.type == type)
            return frame;
    return (struct gcs_frame){.body = NULL};
}

static int arrive_in(struct gcs_era *era, int order, uint16_t rank, uint64_t number,
                     const struct gcs_held *packet)
{
    struct gcs_order_engine *engine = era->orders[order];
    struct gcs_frame info = info_of(packet, engine->ops->frame);
    int result = engine->ops->arrive(
        engine, rank, number, gcs_era_order_of(packet->service) == order, info.body, info.size);
    if (result == GCS_EMALFORMED)
        counters_of(era)->dropped_malformed++;
    return result == GCS_ENOMEM ? result : 0;
}

int gcs_era_arrive(struct gcs_era *era, uint16_t rank, uint64_t limit)
{
    struct gcs_fellow *fellow = &era->fellows[rank];
    while (fellow->arrived < limit) {
        uint64_t number = ++fellow->arrived;
        const struct gcs_held *packet = gcs_window_get(&fellow->window, number);
        for (int order = 0; order < GCS_ERA_ORDERS; order++) {
            int result = arrive_in(era, order, rank, number, packet);
            if (result < 0)
                return result;
        }
        if (packet->service == 0)
            gcs_era_taken(era, rank, number);
    }
    return 0;
}

/* ---- The packet ------------------------------------------------------------------------- */

static void note_sender(struct gcs_era *era, uint64_t now, uint16_t rank)
{
    struct gcs_fellow *fellow = &era->fellows[rank];
    if (fellow->heard)
        return;
    fellow->heard = true;
    era->unheard--;
    if (era->group->old)
        gcs_agreement_confirmed_next(era->group->old->agreement, now, rank);
}

void gcs_era_receive(struct gcs_era *era, uint64_t now, const struct gcs_address *from,
                     struct gcs_buffer *buffer, const uint8_t *data, size_t size,
                     const struct gcs_packet *packet)
{
    struct gcs_frame frame;
    if (packet->rank == era->view.self && packet->number > 0 && packet->number <= era->sent) {
        counters_of(era)->dropped_duplicate++; /* our own, repaired for a region that we are of */
        gcs_era_compare(era, from, packet->rank, packet->number, data, size);
        return;
    }
    if (packet->rank >= era->view.count || packet->rank == era->view.self) {
        counters_of(era)->dropped_malformed++;
        return;
    }
    if (!era->closed) {
        note_sender(era, now, packet->rank);
        gcs_group_confirm(era, from, packet->rank);
        if (packet->flags & GCS_PACKET_PRIVATE) {
            receive_private(era, buffer, data, size, packet);
            return;
        }
        gcs_window_release(&era->fellows[packet->rank].window, packet->base);
    }
    struct gcs_reader r = gcs_reader_over(packet->control, packet->control_size);
    while (gcs_frame_next(&r, &frame))
        hear_frame(era, now, from, packet, &frame);
    if (r.bad)
        counters_of(era)->dropped_malformed++;
    if (era->closed)
        return;
    if (packet->number > 0) {
        note_first(era, from, packet);
        receive_numbered(era, now, from, buffer, data, size, packet);
    }
}
