/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets that carry one control frame to one address. */
#include "gcs/group.h"

void gcs_core_send_frame(struct gcs_core *core, const struct gcs_envelope *envelope,
                         const struct gcs_address *to, uint8_t type, const uint8_t *body,
                         size_t size)
{
    size_t total = GCS_PACKET_HEADER + GCS_FRAME_HEADER + size;
    struct gcs_buffer *buffer = size <= UINT16_MAX ? gcs_pool_get(&core->pool, total) : NULL;
    if (!buffer) {
        core->counters.dropped_memory++;
        return;
    }
    struct gcs_writer w = gcs_writer_over(buffer->data + GCS_PACKET_HEADER,
                                          total - GCS_PACKET_HEADER);
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
    gcs_packet_seal(buffer->data, total, &packet, core->config.cluster);
    gcs_outbox_unicast(&core->outbox, to, buffer, buffer->data, total);
    core->counters.control_packets_sent++;
    gcs_buffer_unref(buffer);
}
