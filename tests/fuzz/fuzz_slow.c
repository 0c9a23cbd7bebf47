/* SPDX-License-Identifier: BSD-3-Clause */
/* The SLOW frame: what can be read is written again and must be the same bytes. */
#include "gcs/wire/slow.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t again[GCS_SLOW_BYTES_MAX];
    uint64_t waited_ms;
    struct gcs_writer w = gcs_writer_over(again, sizeof(again));
    if (!gcs_slow_read(data, size, &waited_ms))
        return 0;
    gcs_slow_write(&w, waited_ms);
    assert(!w.bad && gcs_writer_size(&w) == size && memcmp(again, data, size) == 0);
    return 0;
}
