/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When to ask for missing packets, and for which. One tracker per sender: a gap
 * is any number up to the window's top that is not held. The first request waits
 * for a reordering network to bring the packet after all; repeated ones back off.
 * A flat group needs no suppression among its receivers: requests go to one
 * member at a time (the sender first, then others that may hold the packet).
 */
#ifndef GCS_RELIABLE_GAPS_H
#define GCS_RELIABLE_GAPS_H

#include "gcs/reliable/window.h"
#include "gcs/wire/nack.h"

struct gcs_gaps {
    uint64_t due;         /* next request; GCS_NEVER: nothing is missing */
    uint64_t asked_up_to; /* the contiguous mark when we last asked */
    uint64_t asked_top;   /* the highest number that we asked for; 0: none is missing any more */
    uint32_t attempt;     /* requests without progress */
};

struct gcs_gaps_timing {
    uint64_t guard_ns; /* patience before the first request */
    uint64_t retry_ns; /* and before the second; doubles from then on */
    uint64_t ceiling_ns;
};

void gcs_gaps_init(struct gcs_gaps *gaps);

/* Looks at the window after it changed: starts, restarts or stops the clock. */
void gcs_gaps_update(struct gcs_gaps *gaps, const struct gcs_window *window, uint64_t now,
                     const struct gcs_gaps_timing *timing);

/* Fills the ranges of a request that is due and sets the clock for the next. False: none is due. */
bool gcs_gaps_request(struct gcs_gaps *gaps, const struct gcs_window *window, uint64_t now,
                      const struct gcs_gaps_timing *timing, struct gcs_nack *nack);

#endif
