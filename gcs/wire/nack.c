/* SPDX-License-Identifier: BSD-3-Clause */
/* Codec of the NACK frame: see nack.h. */
#include "gcs/wire/nack.h"

void gcs_nack_write(struct gcs_writer *w, const struct gcs_nack *nack)
{
    uint64_t end = 0;
    gcs_write_varint(w, nack->rank);
    gcs_write_varint(w, nack->count);
    for (uint16_t i = 0; i < nack->count; i++) {
        gcs_write_varint(w, nack->ranges[i].first - end);
        gcs_write_varint(w, nack->ranges[i].last - nack->ranges[i].first + 1);
        end = nack->ranges[i].last;
    }
}

bool gcs_nack_read(const uint8_t *body, size_t size, uint16_t members, struct gcs_nack *nack)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    uint64_t rank = gcs_read_varint(&r);
    uint64_t count = gcs_read_varint(&r);
    if (r.bad || rank >= members || count == 0 || count > GCS_NACK_RANGES_MAX)
        return false;
    uint64_t end = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t gap = gcs_read_varint(&r);
        uint64_t length = gcs_read_varint(&r);
        if (r.bad || gap == 0 || length == 0 || gap > UINT64_MAX - end ||
            length - 1 > UINT64_MAX - end - gap)
            return false;
        nack->ranges[i].first = end + gap;
        nack->ranges[i].last = end = end + gap + length - 1;
    }
    nack->rank = (uint16_t)rank;
    nack->count = (uint16_t)count;
    return gcs_reader_left(&r) == 0;
}
