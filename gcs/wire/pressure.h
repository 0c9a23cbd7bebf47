/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PRESSURE: a receiver gets more than it can take. Datagrams that its system has
 * dropped for want of room since it last said so, a varint, and how much of what the
 * receiver of this frame sends gets lost on the way, in parts in a thousand, a varint:
 * 0 as long as that is not much.
 */
#ifndef GCS_WIRE_PRESSURE_H
#define GCS_WIRE_PRESSURE_H

#include "gcs/wire/packet.h"

#define GCS_PRESSURE_BYTES_MAX 20

struct gcs_pressure {
    uint64_t overflowed;
    uint64_t loss;
};

static inline void gcs_pressure_write(struct gcs_writer *w, const struct gcs_pressure *pressure)
{
    gcs_write_varint(w, pressure->overflowed);
    gcs_write_varint(w, pressure->loss);
}

/* False: malformed. */
static inline bool gcs_pressure_read(const uint8_t *body, size_t size,
                                     struct gcs_pressure *pressure)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    pressure->overflowed = gcs_read_varint(&r);
    pressure->loss = gcs_read_varint(&r);
    return !r.bad && r.at == r.end && pressure->loss <= 1000;
}

#endif
