/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets that carry one control frame to one address; a frame that is longer
 * than a packet goes in pieces.
 */
#include "gcs/group.h"

/* A packet with one frame, for the caller to send and let go of; NULL: out of memory. */
static struct gcs_buffer *build(struct gcs_core *core, const struct gcs_envelope *envelope,
                                uint8_t type, const uint8_t *body, size_t size, size_t *total)
{
    *total = GCS_PACKET_HEADER + GCS_FRAME_HEADER + size;
    struct gcs_buffer *buffer = gcs_pool_get(&core->pool, *total);
    if (!buffer) {
        core->counters.dropped_memory++;
        return NULL;
    }
    struct gcs_writer w =
        gcs_writer_over(buffer->data + GCS_PACKET_HEADER, *total - GCS_PACKET_HEADER);
    uint8_t *begin = gcs_frame_begin(&w, (enum gcs_frame_type)type);
    gcs_write_bytes(&w, body, size);
    gcs_frame_end(&w, begin);
    struct gcs_packet packet = {
        .group = envelope->group,
        .lineage = envelope->lineage,
        .epoch = envelope->epoch,
        .rank = envelope->rank,
        .control_size = gcs_writer_size(&w),
    };
    gcs_packet_seal(buffer->data, *total, &packet, core->config.cluster);
    core->counters.control_packets_sent++;
    return buffer;
}

static void send_packet(struct gcs_core *core, const struct gcs_envelope *envelope,
                        const struct gcs_address *to, uint8_t type, const uint8_t *body,
                        size_t size)
{
    size_t total;
    struct gcs_buffer *buffer = build(core, envelope, type, body, size, &total);
    if (buffer && type == GCS_FRAME_HEARTBEAT)
        gcs_outbox_urgent(&core->outbox, to, buffer, buffer->data, total);
    else if (buffer)
        gcs_outbox_unicast(&core->outbox, to, buffer, buffer->data, total);
    gcs_buffer_unref(buffer);
}

void gcs_core_multicast_frame(struct gcs_core *core, const struct gcs_envelope *envelope,
                              struct gcs_route *route, uint8_t type, const uint8_t *body,
                              size_t size)
{
    size_t total;
    struct gcs_buffer *buffer = build(core, envelope, type, body, size, &total);
    if (buffer)
        gcs_outbox_multicast(&core->outbox, route, buffer, buffer->data, total);
    gcs_buffer_unref(buffer);
}

static void send_pieces(struct gcs_core *core, const struct gcs_envelope *envelope,
                        const struct gcs_address *to, uint8_t type, const uint8_t *body,
                        size_t size)
{
    size_t most = core->config.packet_bytes - GCS_PACKET_HEADER - GCS_FRAME_HEADER;
    struct gcs_buffer *scratch = gcs_pool_get(&core->pool, most);
    uint32_t id = ++core->frames_cut;
    for (size_t offset = 0; scratch && offset < size;) {
        size_t left = size - offset, room = most - GCS_PIECE_HEAD_MAX;
        struct gcs_piece piece = {
            type, id, (uint32_t)size, (uint32_t)offset, body + offset, left < room ? left : room};
        struct gcs_writer w = gcs_writer_over(scratch->data, most);
        gcs_piece_write(&w, &piece);
        send_packet(core, envelope, to, GCS_FRAME_PIECE, scratch->data, gcs_writer_size(&w));
        offset += piece.size;
    }
    gcs_buffer_unref(scratch);
}

void gcs_core_send_frame(struct gcs_core *core, const struct gcs_envelope *envelope,
                         const struct gcs_address *to, uint8_t type, const uint8_t *body,
                         size_t size)
{
    if (GCS_PACKET_HEADER + GCS_FRAME_HEADER + size <= core->config.packet_bytes)
        send_packet(core, envelope, to, type, body, size);
    else if (size <= UINT16_MAX)
        send_pieces(core, envelope, to, type, body, size);
}
