/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * NACK: packets of one sender that somebody lacks, as ranges.
 *
 *     rank varint, ranges varint, per range: gap to the end of the one before
 *     varint (at least 1), length varint (at least 1)
 */
#ifndef GCS_WIRE_NACK_H
#define GCS_WIRE_NACK_H

#include "gcs/wire/packet.h"

#define GCS_NACK_RANGES_MAX 32

struct gcs_range {
    uint64_t first;
    uint64_t last;
};

struct gcs_nack {
    uint16_t rank; /* whose packets */
    uint16_t count;
    struct gcs_range ranges[GCS_NACK_RANGES_MAX]; /* ascending, apart */
};

/* Writes the body; w turns bad if there is no room. */
void gcs_nack_write(struct gcs_writer *w, const struct gcs_nack *nack);

/* False if malformed: rank not below members, ranges that overlap, are empty or wrap. */
bool gcs_nack_read(const uint8_t *body, size_t size, uint16_t members, struct gcs_nack *nack);

#endif
