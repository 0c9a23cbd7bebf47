/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Members on other machines. They cannot see what the processes here share (world.h), so each
 * has a world of its own, and the founder keeps both alike by messages of the group to single
 * members (gcs_send):
 *
 *   SETUP   founder to guest, once: which seat it has, what is measured, who sits where
 *   NEWS    founder to guest, often: how far everybody is, and when things begin and end, counted
 *           from now, since clocks differ
 *   REPORT  guest to founder, when it has come further: all of its seat
 *
 * Both sides must be the same build on the same kind of machine; SETUP is refused otherwise.
 */
#ifndef GCS_BENCH_REMOTE_H
#define GCS_BENCH_REMOTE_H

#include "member.h"

/* A guest's run, or the founder's side of it. NULL in a member: everybody is here. */
struct bench_remote {
    bool guest;
    bool set_up;                  /* guest: SETUP has come. Founder: all guests have theirs */
    unsigned next;                /* founder: the guest whose SETUP is to be sent next */
    unsigned told;                /* guest: how far it was at the last report */
    uint64_t due;                 /* founder: of the next NEWS */
    struct bench_options options; /* guest: of the run, with what SETUP said */
    struct bench_plan plan;
};

/* In each round of a member that has such; sends what is due. */
void bench_remote_step(struct bench_member *member);

/* A message to this member alone. */
void bench_remote_take(struct bench_member *member, const struct gcs_event *event);

/* Guest: a view that has nothing to do with the run: before it, or when all is done. */
bool bench_remote_take_view(struct bench_member *member, const struct gcs_view *view);

#endif
