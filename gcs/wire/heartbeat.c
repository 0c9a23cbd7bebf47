/* SPDX-License-Identifier: BSD-3-Clause */
/* Codec of the HEARTBEAT frame: see heartbeat.h. Reads nothing beyond body[0..size). */
#include "gcs/wire/heartbeat.h"

void gcs_heartbeat_write(struct gcs_writer *w, const struct gcs_heartbeat *heartbeat)
{
    gcs_write_u8(w, heartbeat->flags);
    gcs_write_u64(w, heartbeat->process);
    if (heartbeat->flags & GCS_HEARTBEAT_QUESTION)
        gcs_write_varint(w, heartbeat->stamp);
    if (heartbeat->flags & GCS_HEARTBEAT_ANSWER)
        gcs_write_varint(w, heartbeat->echo);
}

bool gcs_heartbeat_read(const uint8_t *body, size_t size, struct gcs_heartbeat *heartbeat)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    *heartbeat = (struct gcs_heartbeat){.flags = gcs_read_u8(&r)};
    heartbeat->process = gcs_read_u64(&r);
    if (heartbeat->flags & GCS_HEARTBEAT_QUESTION)
        heartbeat->stamp = gcs_read_varint(&r);
    if (heartbeat->flags & GCS_HEARTBEAT_ANSWER)
        heartbeat->echo = gcs_read_varint(&r);
    return !r.bad && gcs_reader_left(&r) == 0;
}
