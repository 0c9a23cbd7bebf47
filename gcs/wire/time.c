/* SPDX-License-Identifier: BSD-3-Clause */
/* Codec of the TIME frame: see time.h. */
#include "gcs/wire/time.h"

void gcs_time_write(struct gcs_writer *w, uint64_t time)
{
    uint8_t *begin = gcs_frame_begin(w, GCS_FRAME_TIME);
    if (!begin)
        return;
    gcs_write_u64(w, time);
    gcs_frame_end(w, begin);
}

uint64_t gcs_time_find(const uint8_t *control, size_t size)
{
    struct gcs_reader r = gcs_reader_over(control, size);
    struct gcs_frame frame;
    while (gcs_frame_next(&r, &frame)) {
        if (frame.type != GCS_FRAME_TIME)
            continue;
        struct gcs_reader body = gcs_reader_over(frame.body, frame.size);
        uint64_t time = gcs_read_u64(&body);
        return body.bad || gcs_reader_left(&body) > 0 || time > GCS_GROUP_TIME_MAX ? 0 : time;
    }
    return 0;
}
