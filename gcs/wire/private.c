/* SPDX-License-Identifier: BSD-3-Clause */
/* Codec of the PRIVATE frame: see private.h. */
#include "gcs/wire/private.h"

void gcs_private_write(struct gcs_writer *w, uint64_t held, uint64_t taken)
{
    gcs_write_varint(w, held);
    gcs_write_varint(w, held - taken);
}

bool gcs_private_read(const uint8_t *body, size_t size, uint64_t *held, uint64_t *taken)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    *held = gcs_read_varint(&r);
    uint64_t lag = gcs_read_varint(&r);
    if (r.bad || gcs_reader_left(&r) > 0 || lag > *held)
        return false;
    *taken = *held - lag;
    return true;
}
