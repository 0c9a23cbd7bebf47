/* SPDX-License-Identifier: BSD-3-Clause */
/* Codec of the VECTOR frame: see vector.h. */
#include "gcs/wire/vector.h"

#include <gcs/types.h>

void gcs_vector_write(struct gcs_writer *w, const struct gcs_vector_change *change)
{
    gcs_write_varint(w, change->rank);
    gcs_write_varint(w, change->growth);
}

bool gcs_vector_next(struct gcs_reader *r, struct gcs_vector_change *change)
{
    uint64_t rank = gcs_read_varint(r);
    uint64_t growth = gcs_read_varint(r);
    if (r->bad || rank >= GCS_MEMBERS_MAX || growth == 0 || growth > UINT32_MAX)
        return false;
    *change = (struct gcs_vector_change){(uint16_t)rank, growth};
    return true;
}
