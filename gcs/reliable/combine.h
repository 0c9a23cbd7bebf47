/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Acknowledgements combined on their way up a tree. For each sender the minimum
 * of what the children have taken: it proves that all of them have. For the total
 * order a stair of (position, votes): a minimum would wait for the slowest, and
 * safe delivery needs no more than a quorum.
 *
 * All numbers only grow and every one of them is true for ever, so reports may be
 * lost, doubled or come late, and may come from several members of one region.
 */
#ifndef GCS_RELIABLE_COMBINE_H
#define GCS_RELIABLE_COMBINE_H

#include "gcs/wire/report.h"
#include <gcs/core.h>

struct gcs_stair {
    uint16_t count;
    struct gcs_step step[GCS_REPORT_STEPS_MAX]; /* positions descending, each with more votes */
};

struct gcs_combine {
    const struct gcs_allocator *allocator;
    uint16_t children, senders;
    uint16_t self;            /* no child: ourselves */
    uint64_t **taken;         /* per child, NULL until it is heard: per sender */
    struct gcs_stair *stairs; /* per child */
    struct gcs_step *sorted;  /* scratch: steps of all of them and the own one */
};

/* self: the one of the children that is ourselves, and is passed over. False: out of memory. */
bool gcs_combine_init(struct gcs_combine *combine, const struct gcs_allocator *allocator,
                      uint16_t children, uint16_t self, uint16_t senders);
void gcs_combine_fini(struct gcs_combine *combine);

/* A child has taken so much of a sender. False: out of memory, as if it was not heard. */
bool gcs_combine_taken(struct gcs_combine *combine, uint16_t child, uint16_t sender,
                       uint64_t taken);
/* How far a child's votes hold the order. */
void gcs_combine_stair(struct gcs_combine *combine, uint16_t child, const struct gcs_step *step,
                       uint16_t count);

/* What all children, and we ourselves, have taken of a sender. */
uint64_t gcs_combine_least(const struct gcs_combine *combine, uint16_t sender, uint64_t own);

/* One stair out of all, own step included; coarser than the truth where that has too many steps,
 * never higher. The first step may have no votes: an observer's. */
void gcs_combine_merge(struct gcs_combine *combine, struct gcs_step own, struct gcs_stair *merged);

/* The highest position that at least so many votes hold. */
uint64_t gcs_combine_reach(struct gcs_combine *combine, struct gcs_step own, uint32_t votes);

#endif
