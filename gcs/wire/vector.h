/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VECTOR: what has changed in the vector timestamp of a packet since the last
 * VECTOR of its sender in the view. The vector says, for each other member, the number
 * of its last causal packet that the sender had delivered.
 *
 *     until the end: rank varint, growth varint (at least 1)
 */
#ifndef GCS_WIRE_VECTOR_H
#define GCS_WIRE_VECTOR_H

#include "gcs/wire/packet.h"

struct gcs_vector_change {
    uint16_t rank;
    uint64_t growth; /* at most 2^32: windows are much smaller */
};

/* Bytes of one change at most. */
#define GCS_VECTOR_CHANGE_MAX (2 + 5)

void gcs_vector_write(struct gcs_writer *w, const struct gcs_vector_change *change);

/* The next change; false: malformed. */
bool gcs_vector_next(struct gcs_reader *r, struct gcs_vector_change *change);

#endif
