/* SPDX-License-Identifier: BSD-3-Clause */
/* The PRESSURE frame: what can be read is written again and must be the same bytes. */
#include "gcs/wire/pressure.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t again[GCS_PRESSURE_BYTES_MAX];
    struct gcs_pressure pressure;
    struct gcs_writer w = gcs_writer_over(again, sizeof(again));
    if (!gcs_pressure_read(data, size, &pressure))
        return 0;
    gcs_pressure_write(&w, &pressure);
    assert(!w.bad && gcs_writer_size(&w) == size && memcmp(again, data, size) == 0);
    return 0;
}
