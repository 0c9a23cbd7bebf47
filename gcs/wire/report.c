/* SPDX-License-Identifier: BSD-3-Clause */
/* Codec of the REPORT frame: see report.h. */
#include "gcs/wire/report.h"

void gcs_report_write(struct gcs_writer *w, const struct gcs_report *report)
{
    gcs_write_u8(w, report->flags);
    gcs_write_varint(w, report->top);
    gcs_write_varint(w, report->steps);
    for (uint16_t i = 0; i < report->steps; i++) {
        const struct gcs_step *step = &report->step[i];
        gcs_write_varint(w, i == 0 ? step->position : step[-1].position - step->position);
        gcs_write_varint(w, i == 0 ? step->votes : step->votes - step[-1].votes);
    }
}

void gcs_report_write_entry(struct gcs_writer *w, uint16_t *next,
                            const struct gcs_report_entry *entry)
{
    gcs_write_varint(w, (uint64_t)(entry->rank - *next));
    gcs_write_varint(w, entry->taken);
    *next = (uint16_t)(entry->rank + 1);
}

struct gcs_report_entry gcs_report_read_entry(struct gcs_reader *r, uint16_t *next)
{
    uint64_t rank = gcs_read_varint(r);
    if (rank > (uint64_t)(UINT16_MAX - 1 - *next))
        r->bad = true;
    struct gcs_report_entry entry = {(uint16_t)(r->bad ? 0 : *next + rank), gcs_read_varint(r)};
    *next = (uint16_t)(entry.rank + 1);
    return entry;
}

static void read_steps(struct gcs_reader *r, struct gcs_report *report)
{
    uint64_t steps = gcs_read_varint(r), position = 0, votes = 0;
    if (steps > GCS_REPORT_STEPS_MAX)
        r->bad = true;
    report->steps = (uint16_t)(r->bad ? 0 : steps);
    for (uint16_t i = 0; i < report->steps && !r->bad; i++) {
        uint64_t lower = gcs_read_varint(r), more = gcs_read_varint(r);
        if (i > 0 && (lower == 0 || lower > position || more == 0))
            r->bad = true;
        if (more > UINT32_MAX - votes)
            r->bad = true;
        position = i == 0 ? lower : position - lower;
        votes += more;
        report->step[i] = (struct gcs_step){position, (uint32_t)votes};
    }
}

bool gcs_report_read(const uint8_t *body, size_t size, uint16_t members, struct gcs_report *report,
                     struct gcs_reader *entries, uint16_t *count)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    uint16_t next = 0;
    report->flags = gcs_read_u8(&r);
    report->top = gcs_read_varint(&r);
    read_steps(&r, report);
    uint64_t listed = gcs_read_varint(&r);
    if (r.bad || listed > members)
        return false;
    *count = (uint16_t)listed;
    *entries = r;
    for (uint64_t i = 0; i < listed && !r.bad; i++)
        if (gcs_report_read_entry(&r, &next).rank >= members)
            return false;
    return !r.bad && r.at == r.end;
}
