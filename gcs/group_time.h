/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Group time: a clock that the members of a group agree on, in nanoseconds, and
 * that never goes back.
 *
 * Every packet of the total order carries the time that its sender proposes. Its
 * messages are delivered with the highest proposal up to there in the order, which
 * is the same at every member. Each new view begins with the highest that any of
 * those who promised knows of, which is part of the decision, so that joiners have
 * it too.
 *
 * Proposals follow one clock: the coordinator's. The others go on from the last
 * word that they have heard from it, by their monotonic clocks. The coordinator
 * follows its wall clock, but never faster than at twice nor slower than at half of
 * the monotonic clock's rate: a wall clock that jumps, or that is wrong at a new
 * coordinator, is approached and never jumped to.
 */
#ifndef GCS_GROUP_TIME_H
#define GCS_GROUP_TIME_H

#include <stdbool.h>
#include <stdint.h>

struct gcs_group_time {
    uint64_t at, time; /* the group's time was this then, as far as is known here */
    uint64_t word;     /* the coordinator's highest proposal that was heard */
    uint64_t known;    /* the highest proposal of all packets held, and of the view's beginning */
    uint64_t agreed;   /* of the last delivery */
};

/* A view begins at this time; fresh: the first one of a membership. */
void gcs_group_time_begin(struct gcs_group_time *clock, uint64_t now, uint64_t time, bool fresh);

/* What the wall clock shows at now, limited to what is sensible. */
uint64_t gcs_group_time_wall(uint64_t now, int64_t offset);

/* To be proposed for a packet. steers: this member is the coordinator, and its wall clock shows
 * wall. */
uint64_t gcs_group_time_propose(struct gcs_group_time *clock, uint64_t now, bool steers,
                                uint64_t wall);

/* A packet with that proposal has come; coordinator: from rank 0. */
void gcs_group_time_hear(struct gcs_group_time *clock, uint64_t now, uint64_t time,
                         bool coordinator);

/* A packet with that proposal is delivered: at the time returned. */
uint64_t gcs_group_time_deliver(struct gcs_group_time *clock, uint64_t time);

/* Not below anything that was or will be delivered in this view out of what is held here. */
uint64_t gcs_group_time_report(const struct gcs_group_time *clock, uint64_t now);

#endif
