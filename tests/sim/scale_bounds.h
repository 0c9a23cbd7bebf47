/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bounds on one member's work: what the experiments with one size of group say
 * of it, and whether it is within them. gcs-sim --scale prints it; the mutants of the
 * tree must miss one of them.
 */
#ifndef TESTS_SIM_SCALE_BOUNDS_H
#define TESTS_SIM_SCALE_BOUNDS_H

#include "tests/sim/scale.h"

struct scale_row {
    struct scale_options options; /* of each experiment but for its loss */
    struct scale_result each, all, stuck;
    bool complete;
};

/* The experiments with one size of group. */
void scale_row_run(const struct scale_options *options, struct scale_row *row);

/* The same where the network has no multicast, and data goes down the tree: only what each member
 * loses by itself. */
void scale_overlay_run(const struct scale_options *options, struct scale_row *row);
bool scale_overlay_judge(const struct scale_row *row, FILE *out);
/* Most copies of one packet that one member may send. */
unsigned scale_copies_bound(const struct scale_row *row);

/* Whether all bounds hold; says of each that does not on out, unless that is NULL. */
bool scale_row_judge(const struct scale_row *row, FILE *out);

/* Share of all repairs that come from the own region. */
double scale_near_share(const struct scale_row *row);
/* Requests at the sender, for each packet that a member lost by itself, and that all lost. */
double scale_source_each(const struct scale_row *row);
double scale_source_all(const struct scale_row *row);
/* Repairs to each region for a packet that all lost. */
double scale_region_sends(const struct scale_row *row);
/* Control packets for each 1000 data packets: at the busiest member, and on average. */
double scale_control_most(const struct scale_row *row);
double scale_control_mean(const struct scale_row *row);

#endif
