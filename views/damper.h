/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who comes back too often. An address that was lost as unreachable, or whose
 * owner asked to be let in and then did not answer the ballot, gets a strike. The
 * first costs nothing; from then on it is not let in for a time that doubles with
 * each strike, up to a bound, so that a bad link costs a group ever fewer views. A
 * strike is forgotten after as long as that bound.
 */
#ifndef GCS_VIEWS_DAMPER_H
#define GCS_VIEWS_DAMPER_H

#include <gcs/core.h>

#define GCS_DAMPER_MAX 32 /* addresses; the one whose hold ended first makes room */

struct gcs_damper_entry {
    struct gcs_address address; /* length 0: free */
    uint32_t strikes;
    uint64_t until; /* not let in before */
};

struct gcs_damper {
    uint64_t hold_ns; /* for the second strike */
    struct gcs_damper_entry entries[GCS_DAMPER_MAX];
};

/* The longest hold, as a multiple of the first one: 2 to this power. */
#define GCS_DAMPER_DOUBLINGS 5

void gcs_damper_init(struct gcs_damper *damper, uint64_t hold_ns);
void gcs_damper_strike(struct gcs_damper *damper, uint64_t now, const struct gcs_address *address);
bool gcs_damper_admits(const struct gcs_damper *damper, uint64_t now,
                       const struct gcs_address *address);

#endif
