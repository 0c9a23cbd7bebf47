/* SPDX-License-Identifier: BSD-3-Clause */
/* Codec of the RUNS frame: see runs.h. */
#include "gcs/wire/runs.h"

void gcs_runs_begin(struct gcs_writer *w, uint64_t first_slot, uint64_t runs)
{
    gcs_write_varint(w, first_slot);
    gcs_write_varint(w, runs);
}

void gcs_runs_add(struct gcs_writer *w, uint16_t rank, uint64_t count)
{
    gcs_write_varint(w, rank);
    gcs_write_varint(w, count);
}

bool gcs_runs_read(struct gcs_reader *r, uint64_t *first_slot, uint64_t *runs)
{
    *first_slot = gcs_read_varint(r);
    *runs = gcs_read_varint(r);
    return !r->bad && *first_slot > 0 && *runs <= gcs_reader_left(r) / 2;
}

bool gcs_runs_next(struct gcs_reader *r, uint16_t members, struct gcs_run *run)
{
    uint64_t rank = gcs_read_varint(r);
    run->rank = (uint16_t)rank;
    run->count = gcs_read_varint(r);
    return !r->bad && rank < members && run->count > 0;
}
