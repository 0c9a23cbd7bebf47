/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What goes wrong when: a seeded list of episodes, each with a beginning and
 * an end, drawn before the safety phase. In a careful run (most are) at most a
 * minority of the nodes is away at once; in the others divisions and pauses
 * may take more, which costs liveness while it lasts. Processes die only where
 * the group could get well again without them, since nothing brings back what
 * they forget.
 */
#include "tests/sim/schedule.h"

#include <stdlib.h>
#include <string.h>

/* ---- Choices ------------------------------------------------------------------- */

uint64_t schedule_pick(struct world *world, const uint64_t *choices, size_t count)
{
    return choices[gcs_prng_below(&world->prng, count)];
}

uint64_t schedule_length(struct world *world, enum world_fault fault)
{
    switch (fault) {
    case WORLD_PAUSE:
        return gcs_prng_between(&world->prng, MS, PICK(world, 10, 100, 300, 1000, 2500) * MS);
    case WORLD_CUT:
    case WORLD_PARTITION:
        return gcs_prng_between(&world->prng, 10 * MS, PICK(world, 100, 500, 2000) * MS);
    case WORLD_CRASH:
    case WORLD_RESTART:
        return gcs_prng_between(&world->prng, MS, PICK(world, 2, 100, 1500) * MS);
    default:
        return gcs_prng_between(&world->prng, 20 * MS, 2000 * MS);
    }
}

uint64_t schedule_size(struct world *world, enum world_fault fault)
{
    switch (fault) {
    case WORLD_LOSS:
        return PICK(world, 1000, 10000, 50000, 100000, 250000);
    case WORLD_CORRUPT:
        return PICK(world, 1000, 10000, 100000);
    case WORLD_DUPLICATE:
    case WORLD_REORDER:
        return PICK(world, 10000, 100000, 400000);
    case WORLD_DELAY:
        return PICK(world, MS / 2, 2 * MS, 10 * MS, 40 * MS);
    case WORLD_SLOW:
        return PICK(world, MS, 10 * MS, 100 * MS);
    case WORLD_SKEW:
        return PICK(world, 50, 1000, 10000);
    default:
        return 0;
    }
}

static bool is_away(const struct world *world, const struct node *node)
{
    return !node->core || !node_in_group(node) || node->leaving || node->evicted || node->cut_off ||
           node->paused_until > world->now + 100 * MS;
}

static unsigned away(const struct world *world)
{
    unsigned count = 0;

    for (unsigned i = 0; i < world->options.members; i++)
        count += is_away(world, &world->nodes[i]);
    return count;
}

/*
 * Without it the others that are not away keep most of the votes: who leaves, or is sent, with the
 * only quorum there is ends the group for those that are away as well. So nobody goes where more
 * than a minority may be away before it is gone, and those who go never have half of the votes.
 */
static bool may_leave(const struct world *world, const struct node *leaver)
{
    const struct log *log = &world->result->log;
    const struct record *view = &log->records[leaver->view_record];
    uint32_t all = 0, gone = 0, going = 0;

    for (size_t i = 0; i < view->members_count; i++) {
        const struct node *node = recorder_node(world, log->lists.items[view->members + i]);
        uint32_t votes = record_votes(log, view, i);

        all += votes;
        gone += !node || node == leaver || is_away(world, node) ? votes : 0;
        going += node && (node == leaver || node->leaving || node->evicted) ? votes : 0;
    }
    return world->careful && 2 * going < all && 2 * (away(world) + 1) < world->options.members &&
           2 * gone < all;
}

bool schedule_may_go(const struct world *world, unsigned more)
{
    return !world->careful || 2 * (away(world) + more) < world->options.members;
}

struct node *schedule_victim(struct world *world)
{
    unsigned count = world->options.members;
    uint64_t first = gcs_prng_below(&world->prng, count);
    struct node *coordinator = recorder_node(world, world->latest_coordinator);

    if (coordinator && gcs_prng_below(&world->prng, 10) < 3)
        return coordinator;
    for (unsigned i = 0; i < count; i++) {
        struct node *node = &world->nodes[(first + i) % count];

        if (node->core && !is_away(world, node))
            return node;
    }
    return NULL;
}

/* ---- Planning --------------------------------------------------------------- */

void schedule_add(struct world *world, const struct action *action, uint64_t delay)
{
    world->actions = memory_grow(world->actions, world->actions_count, &world->actions_capacity,
                                 sizeof(*world->actions));
    world->actions[world->actions_count] = *action;
    world_after(world, delay, TIMER_ACTION, 0, world->actions_count++);
}

void schedule_again(struct world *world, struct action *action, uint64_t delay)
{
    world_after(world, delay, TIMER_ACTION, 0, (uint64_t)(action - world->actions));
}

void schedule_retry(struct world *world, struct action *action, uint64_t delay)
{
    if (action->tries++ < SCHEDULE_TRIES)
        schedule_again(world, action, delay);
}

static void plan_fault(struct world *world, enum world_fault fault)
{
    struct action action = {.fault = fault, .node = WORLD_MEMBERS_MAX};
    uint64_t at = gcs_prng_below(&world->prng, world->safety_ns * 8 / 10);

    action.length = schedule_length(world, fault);
    action.size = schedule_size(world, fault);
    action.scope = PICK(world, SCOPE_ALL, SCOPE_ALL, SCOPE_NODE, SCOPE_LINK);
    schedule_add(world, &action, at);
}

/* Members that leave, or are sent, and come back a little later. */
static void plan_churn(struct world *world)
{
    struct action action = {.kind = KIND_LEAVE, .node = WORLD_MEMBERS_MAX};

    if (world->options.members < 3 || gcs_prng_below(&world->prng, 5) >= 2)
        return;
    for (uint64_t n = gcs_prng_between(&world->prng, 1, 2); n > 0; n--) {
        action.kind = gcs_prng_below(&world->prng, 3) == 0 ? KIND_EVICT : KIND_LEAVE;
        schedule_add(world, &action, gcs_prng_below(&world->prng, world->safety_ns * 8 / 10));
    }
}

void schedule_plan(struct world *world)
{
    world->witness = world->options.members;
    world->careful = gcs_prng_below(&world->prng, 100) < 80;
    ambush_plan(world);
    for (enum world_fault fault = 0; fault < WORLD_FAULTS; fault++) {
        uint64_t count = gcs_prng_below(&world->prng, 4);

        if (!world_has(world, fault) || fault == WORLD_SKEW)
            continue;
        if (fault == WORLD_RESTART && !world_has(world, WORLD_CRASH))
            count++;
        if ((world->options.faults & (world->options.faults - 1)) == 0)
            count++; /* the only one */
        for (; count > 0; count--)
            plan_fault(world, fault);
    }
    plan_churn(world);
    for (unsigned i = 0; i < world->options.members && world_has(world, WORLD_SKEW); i++) {
        int32_t ppm = (int32_t)schedule_size(world, WORLD_SKEW);

        node_set_rate(world, &world->nodes[i], gcs_prng_below(&world->prng, 2) ? ppm : -ppm);
    }
}

/* ---- Doing it --------------------------------------------------------------------- */

static void leave(struct world *world, struct action *action)
{
    struct node *node = action->node < world->options.members
                            ? &world->nodes[action->node]
                            : &world->nodes[gcs_prng_below(&world->prng, world->options.members)];

    if (!node_in_group(node) || node->leaving || !may_leave(world, node)) {
        schedule_retry(world, action, 50 * MS);
        return;
    }
    world->result->stats.leaves++;
    node_leave(world, node);
}

static void evict(struct world *world, struct action *action)
{
    unsigned count = world->options.members;
    unsigned first = (unsigned)gcs_prng_below(&world->prng, count);
    struct node *node = &world->nodes[first];
    struct node *other =
        &world->nodes[(first + 1 + gcs_prng_below(&world->prng, count - 1)) % count];

    if (!node_in_group(node) || node->leaving || !node_in_group(other) || other->leaving ||
        !may_leave(world, other)) {
        schedule_retry(world, action, 50 * MS);
        return;
    }
    node_evict(world, node, other);
}

void schedule_act(struct world *world, uint32_t index)
{
    static void (*const ambushes[])(struct world *, struct action *) = {
        [KIND_LEAVE] = leave,        [KIND_EVICT] = evict,
        [KIND_STORM] = ambush_storm, [KIND_LAST_WORDS] = ambush_last_words,
        [KIND_ECHO] = ambush_echo,   [KIND_GONE] = ambush_gone,
        [KIND_MUTE] = ambush_mute,   [KIND_LATE] = ambush_late,
        [KIND_HUB] = ambush_hub,
    };
    struct action *action = &world->actions[index];

    if (world->healed)
        return;
    if (action->kind != KIND_FAULT)
        ambushes[action->kind](world, action);
    else if (action->begun)
        fault_end(world, action);
    else
        fault_begin(world, action);
}

void schedule_heal(struct world *world)
{
    world->healed = true;
    gcs_sim_heal(world->sim);
    fault_unite(world);
    for (unsigned i = 0; i < world->options.members; i++) {
        struct node *node = &world->nodes[i];

        node->paused_until = node->slow_until = 0;
        for (size_t j = 0; j < node->held_count; j++)
            node->held[j].due = world->now;
        if (!node->core && world_has(world, WORLD_RESTART)) {
            world->result->stats.restarts++;
            node_start(world, node);
        }
        node_wake_at(world, node, world->now);
    }
}
