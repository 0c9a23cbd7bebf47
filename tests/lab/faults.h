/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Carries out a plan: begins faults when they are due, ends them again, and
 * leaves out what would take the group its majority.
 */
#ifndef TESTS_LAB_FAULTS_H
#define TESTS_LAB_FAULTS_H

#include "tests/lab/conduct.h"

/* What is being done to one slot; times are on the run's clock. */
struct lab_trouble {
    uint64_t until[LAB_FAULTS]; /* when it ends, 0: it does not go on */
    uint64_t start_at;          /* a new process in place of one that was killed or left */
    uint64_t shaky_until;       /* may be suspected: it was stopped or badly connected until now */
    uint64_t cut_from;          /* set of slots that it does not hear */
    bool quits;
};

struct lab_faults {
    struct lab_run *run;
    struct lab_trouble troubles[LAB_MEMBERS_MAX];
    uint64_t partition_until;
    uint64_t side; /* partition: set of slots, 0: none */
    size_t next;   /* action of the plan */
};

void lab_faults_init(struct lab_faults *faults, struct lab_run *run);

/* Does what is due at now. Returns when to call again. */
uint64_t lab_faults_step(struct lab_faults *faults, uint64_t now);

/* Takes everything back and begins nothing more; processes that are not there are started. False:
 * some could not be started yet, call again. */
bool lab_faults_heal(struct lab_faults *faults, uint64_t now);

/* ---- faults_begin.c ----------------------------------------------------------------- */

/* Begins an action of the plan, unless it would be too much. */
void lab_faults_begin(struct lab_faults *faults, const struct lab_action *action, uint64_t now);

/* Writes down what was done. */
void lab_faults_note(struct lab_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Tells the network what slot hears. */
void lab_faults_hearing(struct lab_faults *faults, unsigned slot);

/* ---- majority.c: what may be done --------------------------------------------------- */

/* The slot of the coordinator of the latest view, or LAB_COORDINATOR if that is not known. */
unsigned lab_coordinator(const struct lab_run *run);

/* Whether it does not hear a majority. */
bool lab_is_cut_off(const struct lab_faults *faults, unsigned slot);

/* Whether the group goes on if this slot's process is killed now. */
bool lab_may_kill(const struct lab_faults *faults, unsigned slot, uint64_t now);

/* Whether a majority stays untroubled if these slots are troubled, too. */
bool lab_may_trouble(const struct lab_faults *faults, uint64_t slots, uint64_t now);

#endif
