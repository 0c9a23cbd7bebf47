/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages to one member: see pipe.h. Retransmission is the sender's business
 * here (there is one receiver, so acknowledgements cannot implode): what is not
 * acknowledged in time is sent again, less and less often.
 */
#include "gcs/era.h"

#include "gcs/group.h"
#include "gcs/wire/private.h"

#define RETRY_NS            5000000u
#define RETRY_DOUBLINGS_MAX 5
#define RESEND_PACKETS      8u

/* ---- Sending ---------------------------------------------------------------------------- */

/* Speaks as a member of this view, which may be a later one than that of the first transmission. */
static void transmit(struct gcs_era *era, uint16_t rank, uint64_t number,
                     const struct gcs_held *held)
{
    struct gcs_core *core = era->group->core;
    const struct gcs_pipe *pipe = era->fellows[rank].pipe;
    struct gcs_packet packet = {
        .flags = held->flags,
        .service = held->service,
        .rank = era->view.self,
        .epoch = era->view.epoch,
        .group = era->group->tag,
        .lineage = era->view.lineage,
        .number = number,
        .base = pipe->out.base,
        .first = held->first,
    };
    uint8_t *data = held->buffer->data + (held->data - held->buffer->data);
    if (rank == era->view.self) {
        gcs_era_private_receive(era, rank, held, number, packet.base);
        return;
    }
    gcs_packet_seal(data, held->size, &packet, core->config.cluster);
    gcs_outbox_unicast(&core->outbox, &era->members[rank].id.address, held->buffer, held->data,
                       held->size);
}

static int send_next(struct gcs_era *era, uint16_t rank)
{
    struct gcs_pipe *pipe = era->fellows[rank].pipe;
    struct gcs_packing packing;
    int result = gcs_packer_take(&pipe->packer, &packing);
    if (result < 0)
        return result;
    struct gcs_held held = {
        .buffer = packing.buffer,
        .data = packing.buffer->data + pipe->packer.headroom - GCS_PACKET_HEADER,
        .size = GCS_PACKET_HEADER + packing.size,
        .count = packing.count,
        .first = packing.first,
        .service = packing.service,
        .flags = packing.flags | GCS_PACKET_PRIVATE,
    };
    result = gcs_window_put(&pipe->out, pipe->sent + 1, &held);
    if (result < 0) {
        gcs_buffer_unref(packing.buffer);
        return result;
    }
    transmit(era, rank, ++pipe->sent, &held);
    gcs_buffer_unref(packing.buffer);
    era->group->core->counters.private_packets_sent++;
    return 0;
}

/* A copy: the network may still be busy with what was sent before. */
static void repeat(struct gcs_era *era, uint16_t rank, uint64_t number)
{
    struct gcs_held copy = *gcs_window_get(&era->fellows[rank].pipe->out, number);
    struct gcs_buffer *buffer = gcs_pool_get(&era->group->core->pool, copy.size);
    if (!buffer)
        return;
    gcs_pool_copy(&era->group->core->pool, buffer->data, copy.data, copy.size);
    copy.buffer = buffer;
    copy.data = buffer->data;
    transmit(era, rank, number, &copy);
    gcs_buffer_unref(buffer);
    era->group->core->counters.repairs_sent++;
}

static void send_again(struct gcs_era *era, uint64_t now, uint16_t rank)
{
    struct gcs_pipe *pipe = era->fellows[rank].pipe;
    uint64_t first = pipe->held < pipe->sent ? pipe->held + 1 : pipe->sent;
    for (uint64_t n = first; n <= pipe->sent && n < first + RESEND_PACKETS; n++)
        repeat(era, rank, n);
    pipe->due = now + ((uint64_t)RETRY_NS << pipe->attempts);
    if (pipe->attempts < RETRY_DOUBLINGS_MAX)
        pipe->attempts++;
}

static void acknowledge(struct gcs_era *era, uint16_t rank)
{
    struct gcs_pipe *pipe = era->fellows[rank].pipe;
    pipe->ack_owed = false;
    if (rank == era->view.self) {
        gcs_era_private_acked(era, era->group->core->now, rank, pipe->in.contiguous, pipe->in.done);
        era->group->core->dirty |= !gcs_packer_empty(&pipe->packer); /* there may be room now */
        return;
    }
    uint8_t body[GCS_PRIVATE_BYTES_MAX];
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    gcs_private_write(&w, pipe->in.contiguous, pipe->in.done);
    gcs_era_send_frame(era, &era->members[rank].id.address, GCS_FRAME_PRIVATE, body,
                       gcs_writer_size(&w));
}

int gcs_era_run_pipes(struct gcs_era *era, uint64_t now)
{
    era->pipes_due = GCS_NEVER;
    for (uint16_t rank = 0; era->pipes > 0 && rank < era->view.count; rank++) {
        struct gcs_pipe *pipe = era->fellows[rank].pipe;
        if (!pipe)
            continue;
        while (pipe->sent - pipe->taken < GCS_PIPE_PACKETS && !gcs_packer_empty(&pipe->packer)) {
            if (send_next(era, rank) < 0)
                return GCS_ENOMEM;
            if (pipe->due == GCS_NEVER)
                pipe->due = now + RETRY_NS;
        }
        if (now >= pipe->due)
            send_again(era, now, rank);
        if (pipe->ack_owed)
            acknowledge(era, rank);
        if (pipe->due < era->pipes_due)
            era->pipes_due = pipe->due;
    }
    return 0;
}

void gcs_era_private_acked(struct gcs_era *era, uint64_t now, uint16_t rank, uint64_t held,
                           uint64_t taken)
{
    struct gcs_pipe *pipe = era->fellows[rank].pipe;
    if (!pipe || held > pipe->sent) {
        era->group->core->counters.dropped_malformed++;
        return;
    }
    if (held <= pipe->held && taken <= pipe->taken)
        return;
    pipe->held = held > pipe->held ? held : pipe->held;
    for (; pipe->taken < taken; pipe->taken++)
        gcs_window_done(&pipe->out, pipe->taken + 1);
    gcs_window_release(&pipe->out, pipe->taken);
    pipe->attempts = 0;
    pipe->due = pipe->taken == pipe->sent ? GCS_NEVER : now + RETRY_NS;
}

/* ---- Receiving -------------------------------------------------------------------------- */

static int tell(struct gcs_era *era, uint16_t rank, uint64_t number, const struct gcs_held *packet,
                struct gcs_buffer *buffer, const uint8_t *payload, size_t size)
{
    struct gcs_core_event event = {
        .type = GCS_EVENT_PRIVATE,
        .group = era->group,
        .user = era->group->user,
        .sender = &era->members[rank].id,
        .number = packet->first,
        .service = GCS_FIFO,
        .rank = rank,
        .count = packet->count,
        .payload = payload,
        .payload_size = size,
        .buffer = buffer,
        .token = era,
        .packet = number,
    };
    bool kept = gcs_state_holds(era->group, &event, era->view.epoch, 0)
                    ? gcs_state_keep(era->group, &event, era->view.epoch, 0)
                    : gcs_events_push(&era->group->core->events, &event);
    if (!kept)
        return GCS_ENOMEM;
    gcs_buffer_ref(buffer);
    gcs_era_ref(era);
    era->group->refs++;
    return 0;
}

static int deliver(struct gcs_era *era, uint16_t rank, uint64_t number)
{
    struct gcs_pipe *pipe = era->fellows[rank].pipe;
    const struct gcs_held *packet = gcs_window_get(&pipe->in, number);
    const uint8_t *payload = gcs_held_payload(packet);
    size_t size = gcs_held_payload_size(packet);
    struct gcs_fragment fragment;
    struct gcs_buffer *whole;
    uint32_t whole_size;
    if (!(packet->flags & GCS_PACKET_FRAGMENT))
        return tell(era, rank, number, packet, packet->buffer, payload, size);
    int result = GCS_EMALFORMED;
    if (gcs_fragment_read(payload, size, &fragment))
        result = gcs_assembly_add(&pipe->assembly, &era->group->core->pool, &fragment,
                                  era->group->config.message_bytes, &whole, &whole_size);
    if (result == 1) {
        result = tell(era, rank, number, packet, whole, whole->data, whole_size);
        gcs_buffer_unref(whole);
        return result;
    }
    gcs_window_done(&pipe->in, number);
    return result == GCS_ENOMEM ? result : 0;
}

struct gcs_pipe *gcs_era_pipe(struct gcs_era *era, uint16_t rank)
{
    struct gcs_fellow *fellow = &era->fellows[rank];
    if (!fellow->pipe) {
        fellow->pipe = gcs_pipe_new(&era->group->core->pool, era->group->packet_bytes);
        era->pipes += fellow->pipe != NULL;
    }
    return fellow->pipe;
}

int gcs_era_private_receive(struct gcs_era *era, uint16_t rank, const struct gcs_held *packet,
                            uint64_t number, uint64_t base)
{
    struct gcs_pipe *pipe = gcs_era_pipe(era, rank);
    if (!pipe)
        return 0; /* as good as lost: it comes again */
    gcs_window_release(&pipe->in, base);
    pipe->ack_owed = true;
    gcs_window_put(&pipe->in, number, packet);
    while (pipe->delivered < pipe->in.contiguous)
        if (deliver(era, rank, ++pipe->delivered) < 0)
            return GCS_ENOMEM;
    return 0;
}

void gcs_era_private_taken(struct gcs_era *era, const struct gcs_member_id *sender, uint64_t number)
{
    uint16_t rank = 0;
    while (rank < era->view.count && !gcs_member_id_equal(&era->members[rank].id, sender))
        rank++;
    struct gcs_pipe *pipe = rank < era->view.count ? era->fellows[rank].pipe : NULL;
    if (!pipe)
        return;
    gcs_window_done(&pipe->in, number);
    pipe->ack_owed = true;
}

/* ---- From view to view ------------------------------------------------------------------ */

void gcs_era_inherit_pipes(struct gcs_era *era, struct gcs_era *before)
{
    for (uint16_t rank = 0; before->pipes > 0 && rank < era->view.count; rank++) {
        for (uint16_t old = 0; old < before->view.count; old++) {
            struct gcs_pipe *pipe = before->fellows[old].pipe;
            if (!pipe || !gcs_member_id_equal(&before->members[old].id, &era->members[rank].id))
                continue;
            era->fellows[rank].pipe = pipe;
            before->fellows[old].pipe = NULL;
            era->pipes++;
            before->pipes--;
        }
    }
}
