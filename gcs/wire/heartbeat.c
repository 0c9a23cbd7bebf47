/* SPDX-License-Identifier: BSD-3-Clause */
/* Codec of the HEARTBEAT frame: see heartbeat.h. Reads nothing beyond body[0..size). */
#include "gcs/wire/heartbeat.h"

#define STAMPED (GCS_HEARTBEAT_QUESTION | GCS_HEARTBEAT_ASK)
#define ECHOING (GCS_HEARTBEAT_ANSWER | GCS_HEARTBEAT_FOUND)
#define ABOUT   (GCS_HEARTBEAT_ASK | GCS_HEARTBEAT_FOUND)

void gcs_heartbeat_write(struct gcs_writer *w, const struct gcs_heartbeat *heartbeat)
{
    gcs_write_u8(w, heartbeat->flags);
    gcs_write_u64(w, heartbeat->process);
    if (heartbeat->flags & STAMPED)
        gcs_write_varint(w, heartbeat->stamp);
    if (heartbeat->flags & ECHOING)
        gcs_write_varint(w, heartbeat->echo);
    if (heartbeat->flags & ABOUT) {
        gcs_write_u8(w, heartbeat->about.length);
        gcs_write_bytes(w, heartbeat->about.bytes, heartbeat->about.length);
    }
    if (heartbeat->flags & GCS_HEARTBEAT_FOUND)
        gcs_write_u64(w, heartbeat->found);
}

static void read_about(struct gcs_reader *r, struct gcs_address *about)
{
    uint8_t length = gcs_read_u8(r);
    if (length == 0 || length > GCS_ADDRESS_MAX)
        r->bad = true;
    const uint8_t *bytes = gcs_read_bytes(r, length);
    if (r->bad || !bytes)
        return;
    about->length = length;
    memcpy(about->bytes, bytes, length);
}

bool gcs_heartbeat_read(const uint8_t *body, size_t size, struct gcs_heartbeat *heartbeat)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    *heartbeat = (struct gcs_heartbeat){.flags = gcs_read_u8(&r)};
    heartbeat->process = gcs_read_u64(&r);
    if ((heartbeat->flags & ABOUT) == ABOUT)
        return false;
    if (heartbeat->flags & STAMPED)
        heartbeat->stamp = gcs_read_varint(&r);
    if (heartbeat->flags & ECHOING)
        heartbeat->echo = gcs_read_varint(&r);
    if (heartbeat->flags & ABOUT)
        read_about(&r, &heartbeat->about);
    if (heartbeat->flags & GCS_HEARTBEAT_FOUND)
        heartbeat->found = gcs_read_u64(&r);
    return !r.bad && gcs_reader_left(&r) == 0;
}
