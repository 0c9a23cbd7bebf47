/* SPDX-License-Identifier: BSD-3-Clause */
/* The ROOM frame: what can be read is written again and must be the same bytes. */
#include "gcs/wire/room.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t again[GCS_ROOM_BYTES_MAX];
    enum gcs_room_kind kind;
    uint64_t number;
    struct gcs_writer w = gcs_writer_over(again, sizeof(again));
    if (!gcs_room_read(data, size, &kind, &number))
        return 0;
    gcs_room_write(&w, kind, number);
    assert(!w.bad && gcs_writer_size(&w) == size && memcmp(again, data, size) == 0);
    return 0;
}
