/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SLOW: a member's application has taken nothing of what was delivered to it for so
 * many milliseconds, a varint. It says so itself, to all others: they would only see
 * that something is not acknowledged, and in a large group not by whom.
 */
#ifndef GCS_WIRE_SLOW_H
#define GCS_WIRE_SLOW_H

#include "gcs/wire/packet.h"

#define GCS_SLOW_BYTES_MAX 10

static inline void gcs_slow_write(struct gcs_writer *w, uint64_t waited_ms)
{
    gcs_write_varint(w, waited_ms);
}

/* False: malformed. */
static inline bool gcs_slow_read(const uint8_t *body, size_t size, uint64_t *waited_ms)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    *waited_ms = gcs_read_varint(&r);
    return !r.bad && r.at == r.end;
}

#endif
