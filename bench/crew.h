/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The processes of one run, seen from their parent. Whatever happens (a member
 * dies, reports an error or hangs, somebody presses Ctrl-C) none of them is left
 * behind, and nobody else's process is touched: they are killed by number, and the
 * kernel kills them should the parent die first.
 */
#ifndef GCS_BENCH_CREW_H
#define GCS_BENCH_CREW_H

#include "world.h"

#include <sys/types.h>

/* What a member does; returns at its end, with everything about it in its seat. */
typedef void bench_role(const struct bench_options *options, struct bench_world *world,
                        unsigned index, void *extra);

struct bench_crew {
    const struct bench_options *options;
    struct bench_world *world;
    pid_t pids[BENCH_MEMBERS_MAX]; /* 0: not running */
    bool killed[BENCH_MEMBERS_MAX];
};

/* Once, before anything else: signals that end the program wait until the crew looks. */
void bench_crew_block_signals(void);

/* The signal that ended a run, 0: none. */
int bench_crew_signal(void);

/* Is there such a signal now? For who waits for other things than a crew. */
bool bench_crew_interrupted(void);

/* Starts world->count members; false: it was said why, and none is left. */
bool bench_crew_start(struct bench_crew *crew, const struct bench_options *options,
                      struct bench_world *world, bench_role *role, void *extra);

/*
 * These wait while they watch. False: it was said what is wrong (but for a signal, which speaks
 * for itself); then call bench_crew_abandon.
 */
bool bench_crew_wait_state(struct bench_crew *crew, enum bench_state state, uint64_t timeout_ns,
                           const char *what);
bool bench_crew_wait_view(struct bench_crew *crew, uint64_t timeout_ns, const char *what);
bool bench_crew_wait_until(struct bench_crew *crew, uint64_t time);

/* kill -9. */
void bench_crew_kill(struct bench_crew *crew, unsigned index);

/* kill -STOP: nothing is heard of it any more. And for a while only; false: as above. */
void bench_crew_silence(struct bench_crew *crew, unsigned index);
bool bench_crew_pause(struct bench_crew *crew, unsigned index, uint64_t ns);

/* All members end by themselves; false: it was said which one did not. */
bool bench_crew_finish(struct bench_crew *crew);

/* Kills what is still there. */
void bench_crew_abandon(struct bench_crew *crew);

#endif
