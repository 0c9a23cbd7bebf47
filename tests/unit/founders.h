/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Processes that expect each other, over a network in memory that loses, delays,
 * repeats and divides. Each is a bootstrap machine until it is in its first view;
 * then it does what a member does for those who do not know yet that they are
 * members too: it shows them the decision.
 */
#ifndef GCS_TESTS_UNIT_FOUNDERS_H
#define GCS_TESTS_UNIT_FOUNDERS_H

#include "tests/unit/scarce.h"
#include "views/bootstrap.h"

#define FOUNDERS_MAX 9
#define FOUNDERS_MS  UINT64_C(1000000)

struct founder {
    struct gcs_bootstrap_machine *machine; /* NULL: not started, dead, or a member */
    struct gcs_member self;
    bool dead;
    bool member;
    uint64_t lineage;
    uint16_t members_count; /* of its first view */
    uint8_t first_view[2048];
    size_t first_view_size;
    int error;
    char why[96];
};

struct founders {
    struct founder nodes[FOUNDERS_MAX];
    uint64_t now;
    uint32_t loss_ppm;
    uint32_t late_ppm; /* take up to two seconds */
    uint32_t apart;    /* the nodes of this set and the others do not hear each other; 0: whole */
    uint64_t lineage;  /* the first that somebody was in; 0: none */
    const char *violation;
};

extern struct founders founders;

void founders_open(uint64_t seed);
void founders_start(int index, uint32_t expect, uint64_t look_ns);
void founders_crash(int index);
void founders_run(uint64_t ns);
void founders_close(void);

/* How many are in a view. */
int founders_members(void);

/* A life of n processes with loss, divisions, late packets and perhaps crashes. What was violated,
 * or NULL. */
const char *founders_random_run(uint64_t seed);

#endif
