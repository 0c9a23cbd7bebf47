/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RUNS: the sequencer gives slots of the total order to packets. Each run says
 * "the next so many packets of that sender"; the first slot makes a lost or
 * repeated frame harmless.
 *
 *     first slot varint, runs varint, per run: rank varint, packets varint
 */
#ifndef GCS_WIRE_RUNS_H
#define GCS_WIRE_RUNS_H

#include "gcs/wire/packet.h"

struct gcs_run {
    uint16_t rank;
    uint64_t count;
};

void gcs_runs_begin(struct gcs_writer *w, uint64_t first_slot, uint64_t runs);
void gcs_runs_add(struct gcs_writer *w, uint16_t rank, uint64_t count);

/* Reads the beginning of a body; then gcs_runs_next *runs times. False if malformed. */
bool gcs_runs_read(struct gcs_reader *r, uint64_t *first_slot, uint64_t *runs);
bool gcs_runs_next(struct gcs_reader *r, uint16_t members, struct gcs_run *run);

#endif
