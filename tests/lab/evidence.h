/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the traces of a run say: read, put in order of time, and given to the
 * same checkers as those of the simulator. What only shows between processes is
 * checked here: that all came to an end well (liveness), and that each
 * application got what its trace says.
 *
 * Kills are not in the members' own traces; they are written to lab.jsonl
 * in the same folder, so that all *.jsonl there together are the history, for
 * other checkers as well.
 */
#ifndef TESTS_LAB_EVIDENCE_H
#define TESTS_LAB_EVIDENCE_H

#include "tests/checkers/checkers.h"
#include "tests/lab/conduct.h"

/* A time without a delivery. */
struct lab_gap {
    uint64_t ns;
    uint64_t ends;   /* on the log's clock */
    uint32_t member; /* who delivered then */
};

struct lab_evidence {
    struct log log; /* in order of time, which begins at 0 */
    uint64_t begin; /* what 0 is on the traces' clock */
    struct verdict verdict;
    uint64_t sends, deliveries, views, members;
    struct lab_gap group_gap;  /* nobody delivered anything */
    uint64_t end_gap;          /* since the last delivery, when the faults ended */
    struct lab_gap member_gap; /* one that was in the primary all the time delivered nothing */
    bool majority_lost;        /* a majority of the last view is gone: the group could not go on */
};

/* Of a run; writes lab.jsonl. */
void lab_evidence_take(struct lab_evidence *evidence, struct lab_run *run, const char *dir);

/* Of what a run has left in a folder. False: text says what cannot be read. */
bool lab_evidence_read(struct lab_evidence *evidence, const char *dir, char *text, size_t size);

void lab_evidence_clear(struct lab_evidence *evidence);

#endif
