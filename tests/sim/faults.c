/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Single faults: links that get bad, processes that die, stop or are slow, and
 * networks that fall apart. Guarantees that whatever begins also ends, at the
 * latest when everything heals.
 */
#include "tests/sim/schedule.h"

/* ---- Links --------------------------------------------------------------------- */

static void set_link(struct gcs_sim_link *link, enum world_fault fault, uint64_t size)
{
    uint32_t ppm = (uint32_t)size;

    switch (fault) {
    case WORLD_LOSS:
        link->loss_ppm = ppm;
        break;
    case WORLD_DUPLICATE:
        link->duplicate_ppm = ppm;
        break;
    case WORLD_REORDER:
        link->reorder_ppm = ppm;
        break;
    case WORLD_CORRUPT:
        link->corrupt_ppm = ppm;
        break;
    case WORLD_DELAY:
        link->delay_ns = size;
        break;
    case WORLD_CUT:
        link->cut = size != 0;
        break;
    default:
        break;
    }
}

static void set_links(struct world *world, const struct action *action, uint64_t size)
{
    unsigned count = world->options.members;

    for (unsigned from = 0; from < count; from++) {
        for (unsigned to = 0; to < count; to++) {
            bool concerned =
                action->scope == SCOPE_ALL ||
                (from == action->node && (action->scope == SCOPE_NODE || to == action->peer)) ||
                (to == action->node && action->scope == SCOPE_NODE);

            if (from != to && concerned)
                set_link(gcs_sim_link(world->sim, from, to), action->fault, size);
        }
    }
}

/* A cut is one way: one link, all that a node sends, or all that it should hear. */
static void set_cut(struct world *world, const struct action *action, bool cut)
{
    unsigned count = world->options.members;

    for (unsigned other = 0; other < count; other++) {
        bool concerned = action->scope != SCOPE_LINK || other == action->peer;

        if (other == action->node || !concerned)
            continue;
        if (action->scope == SCOPE_NODE)
            gcs_sim_link(world->sim, other, action->node)->cut = cut;
        else
            gcs_sim_link(world->sim, action->node, other)->cut = cut;
    }
}

/* ---- Processes ------------------------------------------------------------------ */

static void crash(struct world *world, struct action *action)
{
    struct node *node =
        action->node == WORLD_MEMBERS_MAX ? schedule_victim(world) : &world->nodes[action->node];
    struct known_view *view;

    if (!node || !node->core || !liveness_may_crash(world, node)) {
        schedule_retry(world, action, 20 * MS);
        return;
    }
    world->result->stats.crashes++;
    world->result->stats.crashes_coordinator += node->member == world->latest_coordinator;
    for (size_t i = 0; i < world->known_count; i++) {
        view = &world->known[i];
        view->crashes += view->blocked;
    }
    world->result->stats.crashes_flush += recorder_blocked(world);
    action->node = node->index;
    action->begun = true;
    node_crash(world, node);
    if (world_has(world, WORLD_RESTART))
        schedule_again(world, action, action->length);
}

static void restart(struct world *world, struct action *action)
{
    struct node *node = &world->nodes[action->node];

    if (node->core)
        return;
    world->result->stats.restarts++;
    node_start(world, node);
}

static void pause(struct world *world, struct action *action)
{
    struct node *node = schedule_victim(world);

    if (!node || (action->length > 100 * MS && !schedule_may_go(world, 1))) {
        schedule_retry(world, action, 50 * MS);
        return;
    }
    world->result->stats.pauses++;
    node_pause(world, node, world->now + action->length);
}

static void slow(struct world *world, struct action *action)
{
    struct node *node = schedule_victim(world);

    if (!node)
        return;
    world->result->stats.slows++;
    node->slow_until = world->now + action->length;
    node->slow_ns = action->size;
}

/* Two sides, sometimes three; in careful runs one of them holds a majority. */
static void divide(struct world *world, struct action *action)
{
    unsigned count = world->options.members;
    unsigned most = world->careful ? (count - 1) / 2 : count - 1;
    unsigned small = most > 0 ? 1 + (unsigned)gcs_prng_below(&world->prng, most) : 0;
    unsigned sides = gcs_prng_below(&world->prng, 4) == 0 ? 2 : 1;

    if (small == 0)
        return;
    if (world->divided || !schedule_may_go(world, small)) {
        schedule_retry(world, action, 50 * MS);
        return;
    }
    world->result->stats.partitions++;
    world->divided = true;
    action->begun = true;
    for (unsigned i = 0; i < small; i++) {
        struct node *node = &world->nodes[gcs_prng_below(&world->prng, count)];

        node->cut_off = true;
        gcs_sim_side(world->sim, node->index, 1 + i % sides);
    }
    schedule_again(world, action, action->length);
}

void fault_unite(struct world *world)
{
    world->divided = false;
    for (unsigned i = 0; i < world->options.members; i++) {
        world->nodes[i].cut_off = false;
        gcs_sim_side(world->sim, i, 0);
    }
}

static void link_fault(struct world *world, struct action *action)
{
    uint64_t count = world->options.members;

    if (count < 2)
        return;
    action->node = (unsigned)gcs_prng_below(&world->prng, count);
    action->peer =
        (action->node + 1 + (unsigned)gcs_prng_below(&world->prng, count - 1)) % (unsigned)count;
    if (action->fault == WORLD_CUT && !schedule_may_go(world, 1)) {
        schedule_retry(world, action, 50 * MS);
        return;
    }
    action->begun = true;
    if (action->fault == WORLD_CUT) {
        world->result->stats.cuts++;
        set_cut(world, action, true);
    } else {
        world->result->stats.noises++;
        set_links(world, action, action->size);
    }
    schedule_again(world, action, action->length);
}

/* ---- Beginning and end ------------------------------------------------------------- */

void fault_begin(struct world *world, struct action *action)
{
    switch (action->fault) {
    case WORLD_CRASH:
    case WORLD_RESTART:
        crash(world, action);
        break;
    case WORLD_PAUSE:
        pause(world, action);
        break;
    case WORLD_SLOW:
        slow(world, action);
        break;
    case WORLD_PARTITION:
        divide(world, action);
        break;
    default:
        link_fault(world, action);
        break;
    }
}

void fault_end(struct world *world, struct action *action)
{
    switch (action->fault) {
    case WORLD_CRASH:
    case WORLD_RESTART:
        restart(world, action);
        break;
    case WORLD_PARTITION:
        fault_unite(world);
        break;
    case WORLD_CUT:
        set_cut(world, action, false);
        break;
    default:
        set_links(world, action, 0);
        break;
    }
}
