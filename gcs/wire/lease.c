/* SPDX-License-Identifier: BSD-3-Clause */
/* Codec of the LEASE frame: see lease.h. */
#include "gcs/wire/lease.h"

void gcs_lease_write(struct gcs_writer *w, bool grant, uint64_t round)
{
    gcs_write_u8(w, grant);
    gcs_write_varint(w, round);
}

bool gcs_lease_read(const uint8_t *body, size_t size, bool *grant, uint64_t *round)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    uint8_t kind = gcs_read_u8(&r);
    *grant = kind == 1;
    *round = gcs_read_varint(&r);
    return !r.bad && r.at == r.end && kind <= 1;
}
