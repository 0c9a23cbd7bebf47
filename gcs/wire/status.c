/* SPDX-License-Identifier: BSD-3-Clause */
/* Codec of the STATUS frame: see status.h. */
#include "gcs/wire/status.h"

uint8_t *gcs_status_begin(struct gcs_writer *w, const struct gcs_status *status)
{
    uint8_t *begin = gcs_frame_begin(w, GCS_FRAME_STATUS);
    if (!begin)
        return NULL;
    gcs_write_u8(w, status->flags);
    gcs_write_varint(w, status->top);
    gcs_write_varint(w, status->count);
    for (uint16_t rank = 0; rank < status->count; rank++) {
        gcs_write_varint(w, status->held[rank]);
        gcs_write_varint(w, status->held[rank] - status->done[rank]);
        if (status->flags & GCS_STATUS_SEEN)
            gcs_write_varint(w, status->seen[rank] - status->held[rank]);
    }
    return begin;
}

bool gcs_status_read(const uint8_t *body, size_t size, uint16_t count, struct gcs_status *status,
                     uint64_t *held, uint64_t *done, uint64_t *seen, struct gcs_reader *order)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    status->flags = gcs_read_u8(&r);
    status->top = gcs_read_varint(&r);
    if (gcs_read_varint(&r) != count)
        return false;
    for (uint16_t rank = 0; rank < count; rank++) {
        held[rank] = gcs_read_varint(&r);
        uint64_t lag = gcs_read_varint(&r);
        if (r.bad || lag > held[rank])
            return false;
        done[rank] = held[rank] - lag;
        uint64_t ahead = status->flags & GCS_STATUS_SEEN ? gcs_read_varint(&r) : 0;
        if (r.bad || ahead > UINT64_MAX - held[rank])
            return false;
        seen[rank] = held[rank] + ahead;
    }
    status->count = count;
    status->held = held;
    status->done = done;
    status->seen = seen;
    *order = r;
    return !r.bad;
}
