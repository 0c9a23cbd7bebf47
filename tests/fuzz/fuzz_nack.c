/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The NACK frame. The first byte is the number of members, the rest the body.
 * What can be read makes sense, and written again it is the same bytes.
 */
#include "gcs/wire/nack.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t again[GCS_NACK_RANGES_MAX * 20 + 16];
    struct gcs_nack nack;
    if (size == 0 || !gcs_nack_read(data + 1, size - 1, data[0], &nack))
        return 0;
    assert(nack.rank < data[0] && nack.count > 0 && nack.count <= GCS_NACK_RANGES_MAX);
    for (uint16_t i = 0; i < nack.count; i++) {
        assert(nack.ranges[i].first > (i > 0 ? nack.ranges[i - 1].last : 0));
        assert(nack.ranges[i].last >= nack.ranges[i].first);
    }
    struct gcs_writer w = gcs_writer_over(again, sizeof(again));
    gcs_nack_write(&w, &nack);
    assert(!w.bad && gcs_writer_size(&w) == size - 1);
    assert(memcmp(again, data + 1, size - 1) == 0);
    return 0;
}
