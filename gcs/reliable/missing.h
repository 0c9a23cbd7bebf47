/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is missing of one sender, where many may lack the same: each missing
 * number has a clock of its own, in the place of the window that waits for the
 * packet. A clock begins with a guard (a reordering network may bring the packet
 * after all) and a back-off; when it runs out the number is asked for, and again
 * ever more rarely. Hearing somebody else ask for it sets the clock back as if we
 * had asked ourselves.
 */
#ifndef GCS_RELIABLE_MISSING_H
#define GCS_RELIABLE_MISSING_H

#include "gcs/reliable/window.h"
#include "gcs/wire/nack.h"

struct gcs_missing {
    uint64_t due;   /* no clock runs out before this; GCS_NEVER: none runs */
    uint64_t noted; /* up to here every missing number has a clock */
};

struct gcs_missing_timing {
    uint64_t slack_ns; /* what runs out so soon after is asked for at once as well */
    uint64_t wait_ns;  /* before the second request; doubles from then on, ... */
    uint64_t ceiling_ns;
};

void gcs_missing_init(struct gcs_missing *missing);

/* Whether there are numbers up to the window's top without a clock. */
static inline bool gcs_missing_is_new(const struct gcs_missing *missing,
                                      const struct gcs_window *window)
{
    return window->top > missing->noted && window->top > window->contiguous;
}

/* Starts the clocks of what is missing and has none: they run out after delay_ns. False: out of
 * memory, to be tried again. */
bool gcs_missing_note(struct gcs_missing *missing, struct gcs_window *window, uint64_t now,
                      uint64_t delay_ns);

/*
 * Numbers whose clocks have run out, as ranges, all asked for as many times before as *attempt
 * says; sets their clocks anew. Again until it is false: there are none, or none of that attempt.
 */
bool gcs_missing_ask(struct gcs_missing *missing, struct gcs_window *window, uint64_t now,
                     const struct gcs_missing_timing *timing, struct gcs_nack *nack,
                     uint32_t *attempt);

/* Somebody else has asked for these: not before until. Returns how many requests that spares. */
uint32_t gcs_missing_hold_back(struct gcs_missing *missing, struct gcs_window *window,
                               const struct gcs_range *range, uint64_t until);

#endif
