/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Repairs that are planned, so that of many holders one repeats a packet: each
 * waits its own time, and drops its plan when it sees the packet repeated. A plan
 * stays known until its hold-off has passed, carried out or not, so that no number
 * of requests makes more than one repair of one packet for one region.
 *
 * The table has a fixed size: a plan that finds its place taken is not made, and
 * whoever lacks the packet asks again.
 */
#ifndef GCS_RELIABLE_PLANS_H
#define GCS_RELIABLE_PLANS_H

#include <gcs/core.h>

#define GCS_PLANS_MAX 512u /* a power of two */

struct gcs_plan {
    uint64_t number;
    uint64_t due;   /* GCS_NEVER: carried out, or somebody else did it */
    uint64_t until; /* no other plan for the same before this; 0: free */
    uint16_t rank;  /* whose packet */
    uint16_t scope; /* the region that it is repeated for, ... */
    uint16_t to;    /* ... and who asked on its behalf */
};

struct gcs_plans {
    const struct gcs_allocator *allocator;
    struct gcs_plan *plans; /* allocated with the first one */
    uint64_t due;           /* nothing is to be done before this */
};

void gcs_plans_init(struct gcs_plans *plans, const struct gcs_allocator *allocator);
void gcs_plans_fini(struct gcs_plans *plans);

/* Repeats the packet for the scope at the time due, unless that is done already, or was within the
 * hold-off. False: not planned. */
bool gcs_plans_add(struct gcs_plans *plans, uint64_t now, const struct gcs_plan *plan);

/* Somebody has repeated the packet for that scope. True: a plan of ours is dropped. */
bool gcs_plans_drop(struct gcs_plans *plans, uint64_t now, uint16_t rank, uint64_t number,
                    uint16_t scope, uint64_t until);

/* A plan whose time has come. False: none. */
bool gcs_plans_next(struct gcs_plans *plans, uint64_t now, struct gcs_plan *plan);

#endif
