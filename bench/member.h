/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A member of the group that is measured, in a process of its own. All commands
 * that run a group use the same member: it sends as options and pace say, checks
 * each delivery, notes counts when the time that counts begins and ends, and the
 * longest time without a delivery in between; then it waits until it has
 * delivered everything that anybody sent, so that the digests can be compared.
 *
 *   member.c         joining, the phases of a run
 *   member_events.c  what the group tells it
 *   member_state.c   the state that it gives or gets
 *   remote.c         what it and those on other machines tell each other
 */
#ifndef GCS_BENCH_MEMBER_H
#define GCS_BENCH_MEMBER_H

#include "load.h"
#include "world.h"

/* What is measured beside throughput. */
struct bench_plan {
    enum bench_pace pace;
    bool record_latency;
    bool crash; /* the parent kills a member */
    bool join;  /* the last member joins when the others are at work */
    bool state; /* and is given a state of so many bytes as the options say */
};

struct bench_remote;

struct bench_member {
    const struct bench_options *options;
    const struct bench_plan *plan;
    struct bench_world *world;
    struct bench_seat *seat;
    unsigned index;
    struct gcs_endpoint *endpoint;
    struct gcs_group *group;
    struct bench_check check;
    struct bench_load load;
    bool begun, ended;
    uint64_t now;
    uint64_t last_delivery;
    const struct gcs_member_id *last_id; /* sender of the last delivery, and its seat */
    unsigned last_sender;
    uint64_t state_got; /* bytes of a state that have come */
    uint64_t state_since;
    bool broken;
    struct bench_remote *remote; /* NULL: all members are on this machine */
};

/* The role for bench_crew_start; extra is the plan. */
void bench_member_run(const struct bench_options *options, struct bench_world *world,
                      unsigned index, void *extra);

/* The same for a member whose bench is on another machine; all but index, check and load is set. */
void bench_member_guest_run(struct bench_member *member);

/* Something is wrong: tells the parent, ends the run. Only the first complaint counts. */
void bench_member_break(struct bench_member *member, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

bool bench_same_member(const struct gcs_member_id *a, const struct gcs_member_id *b);

/* Takes one event of the group's into account. */
void bench_member_event(struct bench_member *member, const struct gcs_event *event);

/* The same for events about the state. */
void bench_member_state(struct bench_member *member, const struct gcs_event *event);

/* Whether everything that the others sent has been delivered here (they must have stopped). */
bool bench_member_is_complete(const struct bench_member *member);

#endif
