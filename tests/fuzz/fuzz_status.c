/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The STATUS frame. The first byte is the number of members, the rest the body.
 * What can be read is written again and must be the same bytes.
 */
#include "gcs/wire/status.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t again[UINT16_MAX + GCS_FRAME_HEADER];
    uint64_t held[UINT8_MAX], done[UINT8_MAX], seen[UINT8_MAX];
    struct gcs_status status;
    struct gcs_reader order;
    if (size == 0 || size > UINT16_MAX)
        return 0;
    if (!gcs_status_read(data + 1, size - 1, data[0], &status, held, done, seen, &order))
        return 0;
    assert(status.count == data[0]);
    for (uint16_t rank = 0; rank < status.count; rank++)
        assert(done[rank] <= held[rank] && held[rank] <= seen[rank]);
    struct gcs_writer w = gcs_writer_over(again, sizeof(again));
    uint8_t *begin = gcs_status_begin(&w, &status);
    gcs_write_bytes(&w, order.at, gcs_reader_left(&order));
    assert(gcs_frame_end(&w, begin));
    assert(gcs_writer_size(&w) == GCS_FRAME_HEADER + size - 1);
    assert(memcmp(again + GCS_FRAME_HEADER, data + 1, size - 1) == 0);
    return 0;
}
