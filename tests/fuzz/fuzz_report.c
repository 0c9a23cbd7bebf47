/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The REPORT frame. The first byte is the number of members, the rest the body.
 * What can be read is written again and must be the same bytes.
 */
#include "gcs/wire/report.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t again[UINT16_MAX];
    struct gcs_report report;
    struct gcs_reader entries;
    uint16_t count, in = 0, out = 0;
    if (size == 0 || size > UINT16_MAX)
        return 0;
    if (!gcs_report_read(data + 1, size - 1, data[0], &report, &entries, &count))
        return 0;
    struct gcs_writer w = gcs_writer_over(again, sizeof(again));
    gcs_report_write(&w, &report);
    gcs_write_varint(&w, count);
    for (uint16_t i = 0; i < count; i++) {
        struct gcs_report_entry entry = gcs_report_read_entry(&entries, &in);
        assert(entry.rank < data[0]);
        gcs_report_write_entry(&w, &out, &entry);
    }
    assert(!w.bad && gcs_writer_size(&w) == size - 1);
    assert(memcmp(again, data + 1, size - 1) == 0);
    return 0;
}
