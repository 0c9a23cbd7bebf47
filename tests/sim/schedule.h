/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of the schedule share: actions, which have a beginning and
 * an end, and the choices that all of them make.
 *
 *   schedule   the plan, and who does what
 *   faults     single faults
 *   ambush     faults arranged so that they meet what is rare
 */
#ifndef TESTS_SIM_SCHEDULE_H
#define TESTS_SIM_SCHEDULE_H

#include "tests/sim/internal.h"

/* What an action does: one fault, or several that belong together. */
enum kind {
    KIND_FAULT,
    KIND_LEAVE,      /* no fault: a graceful leave */
    KIND_EVICT,      /* no fault: a member has another evicted */
    KIND_STORM,      /* links at random get bad, again and again */
    KIND_LAST_WORDS, /* somebody multicasts while few hear it ... */
    KIND_ECHO,       /* ... one of those answers ... */
    KIND_GONE,       /* ... and both are gone: dead, or cut off */
    KIND_MUTE,       /* nobody hears one node for a while */
    KIND_LATE,       /* one node is heard late, and does not hear somebody at all */
    KIND_HUB,        /* few hear each other, but all hear one; and somebody leaves */
};

struct action {
    enum kind kind;
    enum world_fault fault;
    bool begun;
    uint64_t length;
    unsigned node; /* WORLD_MEMBERS_MAX: to be picked */
    unsigned peer;
    unsigned tries;
    uint64_t size; /* how bad, in the fault's own unit */
    uint64_t scope;
};

enum scope { SCOPE_ALL, SCOPE_NODE, SCOPE_LINK };

/* An action that cannot begin is tried again so often. */
#define SCHEDULE_TRIES 8

/* One of the numbers, which are 64 bits wide. */
#define PICK(world, ...)                                  \
    schedule_pick(world, (const uint64_t[]){__VA_ARGS__}, \
                  sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

uint64_t schedule_pick(struct world *world, const uint64_t *choices, size_t count);

/* How long a fault lasts, and how bad it is in its own unit. */
uint64_t schedule_length(struct world *world, enum world_fault fault);
uint64_t schedule_size(struct world *world, enum world_fault fault);

/* Plans an action for later. Pointers to actions are no longer valid after that. */
void schedule_add(struct world *world, const struct action *action, uint64_t delay);

/* The same action comes again: because it has begun and will end, or cannot begin now. */
void schedule_again(struct world *world, struct action *action, uint64_t delay);
void schedule_retry(struct world *world, struct action *action, uint64_t delay);

/* Whether so many more nodes may go away now. */
bool schedule_may_go(const struct world *world, unsigned more);

/* A running node, the coordinator more often than the others; or NULL. */
struct node *schedule_victim(struct world *world);

/* ---- faults: called at the beginning and at the end of an action ------------------ */

void fault_begin(struct world *world, struct action *action);
void fault_end(struct world *world, struct action *action);
void fault_unite(struct world *world); /* no more divisions */

/* ---- ambush ------------------------------------------------------------------------ */

void ambush_plan(struct world *world);
void ambush_storm(struct world *world, struct action *action);
void ambush_last_words(struct world *world, struct action *action);
void ambush_echo(struct world *world, struct action *action);
void ambush_gone(struct world *world, struct action *action);
void ambush_mute(struct world *world, struct action *action);
void ambush_late(struct world *world, struct action *action);
void ambush_hub(struct world *world, struct action *action);

#endif
