/* SPDX-License-Identifier: BSD-3-Clause */
/* Codec of the STAMP frame: see stamp.h. */
#include "gcs/wire/stamp.h"

void gcs_stamp_write(struct gcs_writer *w, const struct gcs_stamp *stamp)
{
    uint8_t *begin = gcs_frame_begin(w, GCS_FRAME_STAMP);
    if (!begin)
        return;
    gcs_write_varint(w, stamp->clock);
    gcs_write_varint(w, stamp->clock - stamp->delivered_clock);
    gcs_write_varint(w, stamp->delivered_rank);
    gcs_frame_end(w, begin);
}

bool gcs_stamp_read(const uint8_t *body, size_t size, uint16_t members, struct gcs_stamp *stamp)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    uint64_t clock = gcs_read_varint(&r);
    uint64_t back = gcs_read_varint(&r);
    uint64_t rank = gcs_read_varint(&r);
    if (r.bad || gcs_reader_left(&r) > 0 || clock == 0 || clock > GCS_STAMP_CLOCK_MAX ||
        back == 0 || back > clock || rank >= members)
        return false;
    *stamp = (struct gcs_stamp){clock, clock - back, (uint16_t)rank};
    return true;
}
