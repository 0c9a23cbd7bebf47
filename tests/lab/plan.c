/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Draws the plan. Faults come two in a second, in some runs ten; a quarter of them follows
 * the one before within milliseconds, since what matters most is what goes
 * wrong while the group is busy with something that went wrong; a third of
 * those that have a victim meets the coordinator.
 */
#include "tests/lab/plan.h"

#include "gcs/base/prng.h"
#include "tests/checkers/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Trace lines per second that a run may write, all members together. */
#define LINES_PER_SECOND 20000
#define RATE_MAX         2000

/* The longest time between faults, and that in one run of four. */
#define PAUSE_MS  1200
#define FIERCE_MS 200

/* All others go on all the time. */
static const enum lab_fault timed[] = {LAB_KILL, LAB_STOP, LAB_LEAVE,     LAB_SLOW,
                                       LAB_LOSS, LAB_CUT,  LAB_PARTITION, LAB_DELAY,
                                       LAB_RATE, LAB_FLAP, LAB_MTU,       LAB_ADDRESS};

bool lab_plan_is_timed(enum lab_fault fault)
{
    for (size_t i = 0; i < sizeof(timed) / sizeof(timed[0]); i++) {
        if (timed[i] == fault)
            return true;
    }
    return false;
}

/* ---- Actions ------------------------------------------------------------------------ */

static uint32_t pick(struct gcs_prng *prng, const uint32_t *values, size_t count)
{
    return values[gcs_prng_below(prng, count)];
}

static uint32_t between(struct gcs_prng *prng, uint32_t low, uint32_t high)
{
    return (uint32_t)gcs_prng_between(prng, low, high);
}

/* One side of a division: 1 to half of the members. */
static uint64_t draw_side(struct gcs_prng *prng, unsigned members)
{
    unsigned wanted = between(prng, 1, members / 2 > 0 ? members / 2 : 1);
    uint64_t side = 0;

    for (unsigned have = 0; have < wanted;) {
        uint64_t bit = UINT64_C(1) << gcs_prng_below(prng, members);

        have += !(side & bit);
        side |= bit;
    }
    return side;
}

/* What is done to a link. */
static void draw_link(struct gcs_prng *prng, struct lab_action *action)
{
    static const uint32_t delays_us[] = {500, 5000, 30000, 100000, 200000};
    static const uint32_t rates_kbit[] = {1000, 5000, 20000, 50000};
    static const uint32_t mtus[] = {1280, 1300, 1400};

    action->ms = between(prng, 50, 2000);
    if (action->fault == LAB_DELAY)
        action->amount = pick(prng, delays_us, 5);
    else if (action->fault == LAB_RATE)
        action->amount = pick(prng, rates_kbit, 4);
    else if (action->fault == LAB_MTU)
        action->amount = pick(prng, mtus, 3);
}

static void draw_details(struct gcs_prng *prng, unsigned members, struct lab_action *action)
{
    static const uint32_t losses[] = {100000, 300000, 600000, 900000};
    static const uint32_t slowness[] = {200, 2000, 20000};

    switch (action->fault) {
    case LAB_KILL:
        action->ms = gcs_prng_chance(prng, 300000) ? between(prng, 0, 50) : between(prng, 50, 2500);
        break;
    case LAB_STOP:
        action->ms = between(prng, 50, 1500);
        break;
    case LAB_LEAVE:
        action->ms = gcs_prng_chance(prng, 300000) ? 0 : between(prng, 0, 1500);
        action->exits = gcs_prng_chance(prng, 500000);
        break;
    case LAB_SLOW:
        action->ms = between(prng, 100, 2000);
        action->amount = pick(prng, slowness, 3);
        break;
    case LAB_LOSS:
        action->ms = between(prng, 50, 1000);
        action->amount = pick(prng, losses, 4);
        break;
    case LAB_CUT:
        action->ms =
            gcs_prng_chance(prng, 200000) ? between(prng, 2000, 6000) : between(prng, 100, 2000);
        action->other = (unsigned)gcs_prng_below(prng, members);
        action->both = gcs_prng_chance(prng, 250000);
        break;
    case LAB_PARTITION:
        action->ms = between(prng, 100, 3000);
        action->side = draw_side(prng, members);
        break;
    case LAB_DELAY:
    case LAB_RATE:
    case LAB_FLAP:
    case LAB_MTU:
    case LAB_ADDRESS:
        draw_link(prng, action);
        break;
    default:
        break;
    }
}

void lab_plan_add(struct lab_plan *plan, const struct lab_action *action)
{
    plan->actions =
        memory_grow(plan->actions, plan->count, &plan->capacity, sizeof(*plan->actions));
    plan->actions[plan->count++] = *action;
}

static void draw_action(struct lab_plan *plan, struct gcs_prng *prng, unsigned members,
                        enum lab_fault fault, uint32_t at_ms)
{
    struct lab_action action;

    memset(&action, 0, sizeof(action));
    action.at_ms = at_ms;
    action.fault = fault;
    action.slot = (unsigned)gcs_prng_below(prng, members);
    if (gcs_prng_chance(prng, 333333))
        action.slot = LAB_COORDINATOR;
    action.bold = gcs_prng_chance(prng, 60000);
    draw_details(prng, members, &action);
    lab_plan_add(plan, &action);
}

static void draw_actions(struct lab_plan *plan, struct gcs_prng *prng,
                         const struct lab_options *options)
{
    enum lab_fault kinds[sizeof(timed) / sizeof(timed[0])];
    size_t count = 0;

    for (size_t i = 0; i < sizeof(timed) / sizeof(timed[0]); i++) {
        if (options->faults & 1U << timed[i])
            kinds[count++] = timed[i];
    }
    if (count == 0)
        return;
    uint32_t pause_ms = gcs_prng_chance(prng, 250000) ? FIERCE_MS : PAUSE_MS;
    for (uint32_t at = between(prng, 0, 500); at < options->seconds * 1000;) {
        draw_action(plan, prng, options->members, kinds[gcs_prng_below(prng, count)], at);
        at += gcs_prng_chance(prng, 250000) ? between(prng, 0, 30) : between(prng, 20, pause_ms);
    }
}

static void draw_shape(struct lab_shape *shape, struct gcs_prng *prng)
{
    static const uint32_t packets[] = {0, 0, 1400, 9000};
    static const uint32_t buffers[] = {0, 0, 0, 262144};
    static const uint32_t windows[] = {1024, 1024, 128, 32};
    static const uint32_t bytes[] = {1 << 20, 1 << 20, 1 << 18};
    static const uint32_t queues[] = {4 << 20, 1 << 18};
    static const uint32_t suspicions[] = {500, 500, 500, 200};
    static const uint32_t regions[] = {0, 0, 2, 3};

    shape->packet_bytes = pick(prng, packets, 4);
    shape->receive_buffer = pick(prng, buffers, 4);
    shape->window_packets = pick(prng, windows, 4);
    shape->window_bytes = pick(prng, bytes, 3);
    shape->queue_bytes = pick(prng, queues, 2);
    shape->suspect_ms = pick(prng, suspicions, 4);
    shape->ipv6 = gcs_prng_chance(prng, 250000);
    shape->multicast = gcs_prng_chance(prng, 400000);
    shape->mtu = gcs_prng_chance(prng, 250000) ? 9000 : 1500;
    shape->order = gcs_prng_chance(prng, 300000) ? LAB_LAMPORT : LAB_SEQUENCER;
    shape->rotate = gcs_prng_chance(prng, 250000);
    shape->stable = gcs_prng_chance(prng, 300000);
    shape->all_hold = gcs_prng_chance(prng, 150000);
    shape->region_size = pick(prng, regions, 4);
}

void lab_plan_make(struct lab_plan *plan, const struct lab_options *options)
{
    struct gcs_prng prng;

    memset(plan, 0, sizeof(*plan));
    gcs_prng_init(&prng, options->seed);
    draw_shape(&plan->shape, &prng);
    if (options->order != LAB_ANY)
        plan->shape.order = options->order;
    if (!options->plan)
        draw_actions(plan, &prng, options);
}

void lab_plan_clear(struct lab_plan *plan)
{
    free(plan->actions);
    memset(plan, 0, sizeof(*plan));
}

/* ---- Processes ---------------------------------------------------------------------- */

uint64_t lab_plan_seed(const struct lab_options *options, unsigned slot, unsigned life)
{
    uint64_t seed = options->seed * 1000003 + slot * UINT64_C(65537) + life;

    return gcs_prng_split(&seed);
}

int32_t lab_plan_skew(const struct lab_options *options, unsigned slot, unsigned life)
{
    static const uint32_t rates[] = {0, 100, 1000, 20000, 100000};
    uint64_t seed = lab_plan_seed(options, slot, life) ^ LAB_CLOCK;
    struct gcs_prng prng;

    if (!(options->faults & 1U << LAB_CLOCK))
        return 0;
    gcs_prng_init(&prng, seed);
    int32_t ppm = (int32_t)pick(&prng, rates, 5);

    return gcs_prng_chance(&prng, 500000) ? ppm : -ppm;
}

void lab_plan_noise(const struct lab_options *options, unsigned slot, unsigned life, char *text,
                    size_t size)
{
    static const uint32_t losses[] = {0, 1000, 10000, 30000};
    static const uint32_t duplicates[] = {1000, 10000, 50000};
    static const uint32_t reorders[] = {1000, 10000, 100000};
    static const uint32_t corruptions[] = {100, 1000, 10000};
    const struct {
        enum lab_fault fault;
        const uint32_t *amounts;
        size_t count;
    } noises[] = {{LAB_LOSS, losses, 4},
                  {LAB_DUPLICATE, duplicates, 3},
                  {LAB_REORDER, reorders, 3},
                  {LAB_CORRUPT, corruptions, 3}};
    uint64_t seed = lab_plan_seed(options, slot, life);
    struct gcs_prng prng;
    size_t length = 0;

    gcs_prng_init(&prng, seed);
    text[0] = '\0';
    for (size_t i = 0; i < sizeof(noises) / sizeof(noises[0]); i++) {
        if (options->faults & 1U << noises[i].fault && length < size)
            length += (size_t)snprintf(text + length, size - length, "%s%s:0.%06" PRIu32,
                                       length ? "," : "&faults=", lab_fault_name(noises[i].fault),
                                       pick(&prng, noises[i].amounts, noises[i].count));
    }
    if (length > 0 && length < size)
        snprintf(text + length, size - length, ",hold:%" PRIu32 "&seed=%" PRIu64,
                 between(&prng, 1, 50), seed);
}

/* A message is one line at its sender and one at each member. */
unsigned lab_plan_rate(const struct lab_options *options)
{
    if (options->rate)
        return options->rate;
    unsigned rate = LINES_PER_SECOND / (options->members * (options->members + 1));

    return rate > RATE_MAX ? RATE_MAX : rate > 0 ? rate : 1;
}
