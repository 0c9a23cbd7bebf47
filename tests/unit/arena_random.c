/* SPDX-License-Identifier: BSD-3-Clause */
/* Random runs: see arena.h. */
#include "tests/unit/arena_inside.h"

#include <stdio.h>

static uint32_t pick(struct arena *arena, uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t choice[3] = {a, b, c};
    return choice[gcs_prng_below(&arena->prng, 3)];
}

static void random_faults(struct arena *arena)
{
    arena->loss_ppm = pick(arena, 0, 100000, 300000);
    arena->crash_on_send_ppm = pick(arena, 0, 5000, 30000);
    arena->crashes_left = (int)gcs_prng_below(&arena->prng, 3);
    arena->delay_max = pick(arena, 1, 5, 20) * ARENA_MS;
    for (int i = 0; i < arena->processes_count; i++)
        arena->processes[i].rejoins = gcs_prng_chance(&arena->prng, 500000);
}

static void random_cut(struct arena *arena)
{
    memset(arena->cut, 0, sizeof(arena->cut));
    for (int a = 0; a < arena->processes_count; a++) {
        for (int b = 0; b < arena->processes_count; b++)
            arena->cut[a][b] = gcs_prng_chance(&arena->prng, 200000);
    }
}

static void random_event(struct arena *arena, uint32_t leaves)
{
    int any = (int)gcs_prng_below(&arena->prng, (uint64_t)arena->processes_count);
    int other = (int)gcs_prng_below(&arena->prng, (uint64_t)arena->processes_count);
    uint64_t what = gcs_prng_below(&arena->prng, 1000);
    if (what < 500)
        arena_multicast(arena, any, -1);
    else if (what < 700)
        arena_multicast(arena, any, other);
    else if (what < 760 && any != other)
        arena_suspect(arena, any, other, gcs_prng_below(&arena->prng, 300 * ARENA_MS));
    else if (what < 780)
        random_cut(arena);
    else if (what < 840)
        memset(arena->cut, 0, sizeof(arena->cut));
    else if (what < 860 && arena->crashes_left > 0)
        arena_crash(arena, any);
    else if (what < 900)
        arena_join(arena, any);
    else if (what < 900 + leaves && arena->processes[any].state == ARENA_MEMBER)
        arena_leave(arena, any);
}

const char *arena_random_run(uint64_t seed, struct gcs_counters *counters)
{
    static char text[320];
    struct arena *arena = arena_new(seed, 8, (int)(3 + seed % 3));
    uint32_t leaves = pick(arena, 0, 0, 20);
    random_faults(arena);
    for (int i = 0; i < 150 && !arena->violation; i++) {
        random_event(arena, leaves);
        arena_run(arena, gcs_prng_below(&arena->prng, 20 * ARENA_MS));
    }
    arena_heal(arena);
    if (!arena->violation && !arena_until(arena, arena_settled, 30000 * ARENA_MS) &&
        !arena->violation && !arena_stuck(arena))
        arena_violate(arena, "does not go on after healing", arena_epoch(arena), 0);
    if (!arena->violation && arena->malformed > 0)
        arena_violate(arena, "frames that make no sense", arena_epoch(arena), 0);
    if (arena->violation)
        snprintf(text, sizeof(text), "seed %llu: %s", (unsigned long long)seed, arena->detail);
    const char *result = arena->violation ? text : NULL;
    if (counters) {
        counters->polls += arena->counters.polls;
        counters->ballots += arena->counters.ballots;
        counters->reproposals += arena->counters.reproposals;
        counters->fetches += arena->counters.fetches;
        counters->views_installed += arena_epoch(arena);
    }
    arena_free(arena);
    return result;
}
