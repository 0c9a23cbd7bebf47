/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What goes wrong when: a seeded list of episodes, each with a beginning and
 * an end, drawn before the safety phase. In a careful run (most are) at most a
 * minority of the nodes is away at once; in the others divisions and pauses
 * may take more, which costs liveness while it lasts. Processes die only where
 * the group could get well again without them, since nothing brings back what
 * they forget.
 */
#include "tests/sim/internal.h"

#include <stdlib.h>
#include <string.h>

/* What an action does: one fault, or several that belong together. */
enum kind {
    KIND_FAULT,
    KIND_LEAVE,      /* no fault: a graceful leave */
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
    unsigned node;  /* WORLD_MEMBERS_MAX: to be picked */
    unsigned peer;
    unsigned tries;
    uint64_t size; /* how bad, in the fault's own unit */
    uint64_t scope;
};

enum scope { SCOPE_ALL, SCOPE_NODE, SCOPE_LINK };

static uint64_t pick(struct world *world, const uint64_t *choices, size_t count)
{
    return choices[gcs_prng_below(&world->prng, count)];
}

#define PICK(world, ...)                                                                          \
    pick(world, (const uint64_t[]){__VA_ARGS__},                                                  \
         sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

/* ---- Planning --------------------------------------------------------------- */

static uint64_t pick_length(struct world *world, enum world_fault fault)
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

static uint64_t pick_size(struct world *world, enum world_fault fault)
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

static void plan_action(struct world *world, const struct action *action, uint64_t at)
{
    world->actions = memory_grow(world->actions, world->actions_count, &world->actions_capacity,
                                 sizeof(*world->actions));
    world->actions[world->actions_count] = *action;
    world_after(world, at, TIMER_ACTION, 0, world->actions_count++);
}

static void plan_fault(struct world *world, enum world_fault fault)
{
    struct action action = {.fault = fault, .node = WORLD_MEMBERS_MAX};
    uint64_t at = gcs_prng_below(&world->prng, world->safety_ns * 8 / 10);

    action.length = pick_length(world, fault);
    action.size = pick_size(world, fault);
    action.scope = PICK(world, SCOPE_ALL, SCOPE_ALL, SCOPE_NODE, SCOPE_LINK);
    plan_action(world, &action, at);
}

/* A member that leaves, and comes back a little later. */
static void plan_churn(struct world *world)
{
    struct action action = {.kind = KIND_LEAVE, .node = WORLD_MEMBERS_MAX};

    if (world->options.members < 3 || gcs_prng_below(&world->prng, 5) >= 2)
        return;
    for (uint64_t n = gcs_prng_between(&world->prng, 1, 2); n > 0; n--)
        plan_action(world, &action, gcs_prng_below(&world->prng, world->safety_ns * 8 / 10));
}

/*
 * Random times hardly ever meet what is over within a millisecond, and random losses hardly
 * ever leave a packet with one holder: so some of it is arranged.
 */
static void plan_ambushes(struct world *world)
{
    struct action action = {.kind = KIND_LAST_WORDS, .node = WORLD_MEMBERS_MAX};
    bool crash = world_has(world, WORLD_CRASH);
    bool bad_links = world_has(world, WORLD_CUT) || world_has(world, WORLD_LOSS);

    if ((crash || world_has(world, WORLD_CUT)) && gcs_prng_below(&world->prng, 2) == 0)
        world->hunts = 1 + (unsigned)gcs_prng_below(&world->prng, 5);
    if (bad_links && gcs_prng_below(&world->prng, 2) == 0)
        world->storms = 1 + (unsigned)gcs_prng_below(&world->prng, 3);
    if (world_has(world, WORLD_CUT) && gcs_prng_below(&world->prng, 3) == 0) {
        action.kind = KIND_HUB;
        action.length = gcs_prng_between(&world->prng, 800 * MS, 2000 * MS);
        plan_action(world, &action, gcs_prng_below(&world->prng, world->safety_ns / 2));
        action.kind = KIND_LAST_WORDS;
    }
    if (bad_links && gcs_prng_below(&world->prng, 4) == 0) {
        action.kind = KIND_STORM;
        plan_action(world, &action, gcs_prng_below(&world->prng, world->safety_ns / 2));
        action.kind = KIND_LAST_WORDS;
    }
    if (bad_links && gcs_prng_below(&world->prng, 2) == 0) {
        for (uint64_t n = gcs_prng_between(&world->prng, 1, 3); n > 0; n--)
            plan_action(world, &action, gcs_prng_below(&world->prng, world->safety_ns * 8 / 10));
    }
}

void schedule_plan(struct world *world)
{
    world->witness = world->options.members;
    world->careful = gcs_prng_below(&world->prng, 100) < 80;
    plan_ambushes(world);
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
        int32_t ppm = (int32_t)pick_size(world, WORLD_SKEW);

        node_set_rate(world, &world->nodes[i],
                      gcs_prng_below(&world->prng, 2) ? ppm : -ppm);
    }
}

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
            bool concerned = action->scope == SCOPE_ALL ||
                             (from == action->node &&
                              (action->scope == SCOPE_NODE || to == action->peer)) ||
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

/* ---- Who ------------------------------------------------------------------------ */

static bool is_away(const struct world *world, const struct node *node)
{
    return !node->core || !node_in_group(node) || node->leaving || node->cut_off ||
           node->paused_until > world->now + 100 * MS;
}

static unsigned away(const struct world *world)
{
    unsigned count = 0;

    for (unsigned i = 0; i < world->options.members; i++)
        count += is_away(world, &world->nodes[i]);
    return count;
}

/* Whether so many more may go away now. */
static bool may_go(const struct world *world, unsigned more)
{
    return !world->careful || 2 * (away(world) + more) < world->options.members;
}

/* A running node; the coordinator more often than the others. */
static struct node *pick_victim(struct world *world)
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

/* ---- Doing it --------------------------------------------------------------------- */

static void again_later(struct world *world, struct action *action, uint64_t delay)
{
    if (action->tries++ < 8)
        world_after(world, delay, TIMER_ACTION, 0, (uint64_t)(action - world->actions));
}

static void crash(struct world *world, struct action *action)
{
    struct node *node = action->node == WORLD_MEMBERS_MAX ? pick_victim(world)
                                                          : &world->nodes[action->node];
    struct known_view *view;

    if (!node || !node->core || !liveness_may_crash(world, node)) {
        again_later(world, action, 20 * MS);
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
        world_after(world, action->length, TIMER_ACTION, 0, (uint64_t)(action - world->actions));
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
    struct node *node = pick_victim(world);

    if (!node || (action->length > 100 * MS && !may_go(world, 1))) {
        again_later(world, action, 50 * MS);
        return;
    }
    world->result->stats.pauses++;
    node_pause(world, node, world->now + action->length);
}

static void slow(struct world *world, struct action *action)
{
    struct node *node = pick_victim(world);

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
    if (world->divided || !may_go(world, small)) {
        again_later(world, action, 50 * MS);
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
    world_after(world, action->length, TIMER_ACTION, 0, (uint64_t)(action - world->actions));
}

static void unite(struct world *world)
{
    world->divided = false;
    for (unsigned i = 0; i < world->options.members; i++) {
        world->nodes[i].cut_off = false;
        gcs_sim_side(world->sim, i, 0);
    }
}

static void leave(struct world *world, struct action *action)
{
    struct node *node = action->node < world->options.members
                            ? &world->nodes[action->node]
                            : &world->nodes[gcs_prng_below(&world->prng, world->options.members)];

    if (!node_in_group(node) || node->leaving || 2 * (away(world) + 1) >= world->options.members) {
        again_later(world, action, 50 * MS);
        return;
    }
    world->result->stats.leaves++;
    node_leave(world, node);
}

static void link_fault(struct world *world, struct action *action)
{
    uint64_t count = world->options.members;

    if (count < 2)
        return;
    action->node = (unsigned)gcs_prng_below(&world->prng, count);
    action->peer = (action->node + 1 + (unsigned)gcs_prng_below(&world->prng, count - 1)) %
                   (unsigned)count;
    if (action->fault == WORLD_CUT && !may_go(world, 1)) {
        again_later(world, action, 50 * MS);
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
    world_after(world, action->length, TIMER_ACTION, 0, (uint64_t)(action - world->actions));
}

/* One link of a storm: it passes nothing, or little, or late, or all is well. */
static void storm_link(struct world *world, struct gcs_sim_link *link, uint32_t share)
{
    bool cut = world_has(world, WORLD_CUT) && gcs_prng_below(&world->prng, 2);

    link->cut = false;
    link->loss_ppm = 0;
    link->delay_ns = 0;
    if (gcs_prng_chance(&world->prng, share)) {
        link->cut = cut;
        link->loss_ppm = cut || !world_has(world, WORLD_LOSS)
                             ? 0
                             : (uint32_t)PICK(world, 500000, 930000);
    } else if (world_has(world, WORLD_DELAY) && gcs_prng_below(&world->prng, 2)) {
        link->delay_ns = PICK(world, 2, 30, 150) * MS;
    }
}

/*
 * Some links pass little or nothing for a while; then others; then all are good again. In half
 * of them there is a hub that all can talk to while few can talk to each other.
 */
static void storm(struct world *world, struct action *action)
{
    unsigned count = world->options.members;
    unsigned hub = (unsigned)gcs_prng_below(&world->prng, 2 * count); /* or nobody */
    uint32_t share = (uint32_t)PICK(world, 200000, 500000, 700000);
    bool calm = action->begun && action->tries == 0;

    for (unsigned from = 0; from < count; from++) {
        for (unsigned to = 0; to < count; to++) {
            bool apart = hub < count && from != hub && to != hub;
            uint32_t bad = calm ? 0 : apart ? 900000 : hub < count ? 100000 : share;

            if (from != to)
                storm_link(world, gcs_sim_link(world->sim, from, to), bad);
            if (calm)
                gcs_sim_link(world->sim, from, to)->delay_ns = 0;
        }
    }
    if (calm)
        return;
    if (!action->begun) {
        world->result->stats.storms++;
        action->begun = true;
        action->tries = (unsigned)gcs_prng_between(&world->prng, 1, 5);
    }
    action->tries--;
    world_after(world, gcs_prng_between(&world->prng, MS, PICK(world, 20, 100, 400, 900) * MS),
                TIMER_ACTION, 0, (uint64_t)(action - world->actions));
}

/* All links to and from a node. */
static void isolate(struct world *world, unsigned node, bool cut)
{
    for (unsigned other = 0; other < world->options.members; other++) {
        if (other == node)
            continue;
        gcs_sim_link(world->sim, node, other)->cut = cut;
        gcs_sim_link(world->sim, other, node)->cut = cut;
    }
}

static void mute(struct world *world, struct action *action)
{
    bool begins = !action->begun;

    for (unsigned other = 0; other < world->options.members; other++) {
        if (other != action->node)
            gcs_sim_link(world->sim, action->node, other)->cut = begins;
    }
    if (!begins)
        return;
    world->result->stats.mutes++;
    action->begun = true;
    world_after(world, action->length, TIMER_ACTION, 0, (uint64_t)(action - world->actions));
}

/* So that its ballot goes on where another one has begun, of which it knows nothing. */
static void late(struct world *world, struct action *action)
{
    unsigned rival = (unsigned)gcs_prng_below(&world->prng, world->options.members);
    bool begins = !action->begun;

    for (unsigned other = 0; other < world->options.members; other++) {
        if (other == action->node)
            continue;
        gcs_sim_link(world->sim, action->node, other)->delay_ns = begins ? action->size : 0;
        gcs_sim_link(world->sim, other, action->node)->cut =
            begins && (other == rival || gcs_prng_below(&world->prng, 5) == 0);
    }
    if (!begins)
        return;
    world->result->stats.lates++;
    action->begun = true;
    world_after(world, action->length, TIMER_ACTION, 0, (uint64_t)(action - world->actions));
}

/*
 * Two who do not hear each other both think that they are next, and both find a majority through
 * the hub, which may hear them late: their ballots meet there when there is something to decide.
 */
static void hub(struct world *world, struct action *action)
{
    struct action leaver = {.kind = KIND_LEAVE, .node = WORLD_MEMBERS_MAX};
    unsigned count = world->options.members;
    bool begins = !action->begun;
    uint64_t length = action->length;
    uint64_t delay = world_has(world, WORLD_DELAY) ? PICK(world, 0, 20, 200) * MS : 0;

    if (begins) {
        action->begun = true;
        action->node = (unsigned)gcs_prng_below(&world->prng, count);
        world->result->stats.hubs++;
        world_after(world, length, TIMER_ACTION, 0, (uint64_t)(action - world->actions));
    }
    for (unsigned from = 0; from < count; from++) {
        for (unsigned to = 0; to < from; to++) {
            bool apart = begins && from != action->node && to != action->node &&
                         gcs_prng_below(&world->prng, 8) != 0;

            gcs_sim_link(world->sim, from, to)->cut = apart;
            gcs_sim_link(world->sim, to, from)->cut = apart;
        }
        gcs_sim_link(world->sim, from, action->node)->delay_ns = begins ? delay : 0;
    }
    if (!begins)
        return;
    if (gcs_prng_below(&world->prng, 4) != 0)
        leaver.node = action->node;
    plan_action(world, &leaver, gcs_prng_below(&world->prng, length)); /* action may move */
}

static void plan_gone(struct world *world, const struct node *node, uint64_t at)
{
    struct action gone = {.kind = KIND_GONE, .node = node->index};

    gone.length = gcs_prng_between(&world->prng, MS, PICK(world, 20, 1200) * MS);
    plan_action(world, &gone, at);
}

/*
 * Somebody is heard by few, multicasts, and dies or is cut off whole: what it sent has few
 * holders. Sometimes the coordinator is the only one to hear it, orders it, multicasts something
 * itself and goes the same way: then its messages depend on what nobody else has.
 */
static void last_words(struct world *world, struct action *action)
{
    struct node *node = pick_victim(world);
    struct node *coordinator = recorder_node(world, world->latest_coordinator);
    struct action echo = {.kind = KIND_ECHO};
    unsigned count = world->options.members, only = count;
    uint64_t listeners = gcs_prng_next(&world->prng);
    bool chain = gcs_prng_below(&world->prng, 2) == 0;
    uint64_t delay = gcs_prng_between(&world->prng, 200000, PICK(world, 600, 2000, 5000) * 1000);

    if (!node || count < 3 || !may_go(world, 1)) {
        again_later(world, action, 50 * MS);
        return;
    }
    world->result->stats.last_words++;
    chain = chain && coordinator && coordinator != node && may_go(world, 2);
    if (chain)
        only = coordinator->index;
    else if (gcs_prng_below(&world->prng, 2) == 0)
        only = world->witness = (node->index + 1 + (unsigned)gcs_prng_below(&world->prng, count - 1)) % count;
    for (unsigned i = 0; i < count; i++)
        gcs_sim_link(world->sim, node->index, i)->cut =
            i != node->index && (only < count ? i != only : listeners >> i % 64 & 1);
    workload_burst(world, node, 1 + (unsigned)gcs_prng_below(&world->prng, 10));
    if (chain) {
        echo.node = coordinator->index;
        plan_action(world, &echo, delay);
        plan_gone(world, coordinator, delay + gcs_prng_between(&world->prng, 50000, 3000000));
    }
    plan_gone(world, node, delay + gcs_prng_between(&world->prng, 0, 1000000));
}

static void gone(struct world *world, struct action *action)
{
    struct node *node = &world->nodes[action->node];
    struct action death = {.kind = KIND_FAULT, .fault = WORLD_CRASH, .node = action->node};

    action->begun = true;
    isolate(world, action->node, true);
    world_after(world, action->length, TIMER_ACTION, 0, (uint64_t)(action - world->actions));
    death.tries = 8; /* now or never */
    death.length = pick_length(world, WORLD_CRASH);
    if (world_has(world, WORLD_CRASH) && gcs_prng_below(&world->prng, 4) != 0 && node->core &&
        liveness_may_crash(world, node))
        plan_action(world, &death, 0); /* action may have moved now */
}

static void begin(struct world *world, struct action *action)
{
    switch (action->kind) {
    case KIND_LEAVE:
        leave(world, action);
        return;
    case KIND_STORM:
        storm(world, action);
        return;
    case KIND_LAST_WORDS:
        last_words(world, action);
        return;
    case KIND_ECHO:
        workload_burst(world, &world->nodes[action->node], 3);
        return;
    case KIND_GONE:
        gone(world, action);
        return;
    case KIND_MUTE:
        mute(world, action);
        return;
    case KIND_LATE:
        late(world, action);
        return;
    case KIND_HUB:
        hub(world, action);
        return;
    case KIND_FAULT:
        break;
    }
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

static void end(struct world *world, struct action *action)
{
    switch (action->kind) {
    case KIND_STORM:
        storm(world, action);
        return;
    case KIND_GONE:
        isolate(world, action->node, false);
        return;
    case KIND_MUTE:
        mute(world, action);
        return;
    case KIND_LATE:
        late(world, action);
        return;
    case KIND_HUB:
        hub(world, action);
        return;
    default:
        break;
    }
    switch (action->fault) {
    case WORLD_CRASH:
    case WORLD_RESTART:
        restart(world, action);
        break;
    case WORLD_PARTITION:
        unite(world);
        break;
    case WORLD_CUT:
        set_cut(world, action, false);
        break;
    default:
        set_links(world, action, 0);
        break;
    }
}

void schedule_act(struct world *world, uint32_t index)
{
    struct action *action = &world->actions[index];

    if (world->healed)
        return;
    if (action->begun)
        end(world, action);
    else
        begin(world, action);
}

/* Somebody dies during the flush: who began it, the coordinator, or anybody. */
static void hunt(struct world *world, struct node *node)
{
    struct action crash = {.fault = WORLD_CRASH, .tries = 8};
    struct node *coordinator = recorder_node(world, world->latest_coordinator);
    uint64_t choice = gcs_prng_below(&world->prng, 3);

    if (choice == 0 && coordinator)
        node = coordinator;
    else if (choice == 1)
        node = &world->nodes[gcs_prng_below(&world->prng, world->options.members)];
    crash.node = node->index;
    crash.length = pick_length(world, WORLD_CRASH);
    plan_action(world, &crash, gcs_prng_below(&world->prng, PICK(world, 100, 1000, 5000) * 1000));
}

/* The only one who heard somebody's last words dies, hopefully after having said so. */
static void hunt_witness(struct world *world)
{
    struct action crash = {.fault = WORLD_CRASH, .tries = 8};

    crash.node = world->witness;
    crash.length = pick_length(world, WORLD_CRASH);
    plan_action(world, &crash, gcs_prng_below(&world->prng, PICK(world, 500, 1000, 2000) * 1000));
    world->witness = world->options.members;
}

/*
 * Who began the ballot is not heard any more: before it asks, proposes, or tells the outcome. Or
 * it is heard so late that others have lost patience before its proposal arrives.
 */
static void silence(struct world *world, const struct node *node)
{
    struct action quiet = {.kind = KIND_MUTE, .node = node->index};
    uint64_t at = gcs_prng_below(&world->prng, PICK(world, 300, 800, 1500) * 1000);

    quiet.length = gcs_prng_between(&world->prng, 20 * MS, 1500 * MS);
    if (world_has(world, WORLD_DELAY) && gcs_prng_below(&world->prng, 2)) {
        quiet.kind = KIND_LATE;
        quiet.size = PICK(world, 300, 500) * MS;
        quiet.length = gcs_prng_between(&world->prng, 300 * MS, 900 * MS);
        at = gcs_prng_below(&world->prng, 300000);
    }
    plan_action(world, &quiet, at);
}

/* A flush takes a millisecond: what should meet it must be sent after it. */
void schedule_blocked(struct world *world, struct node *node, bool first)
{
    struct action bad = {.kind = KIND_STORM};
    bool crash = world_has(world, WORLD_CRASH), cut = world_has(world, WORLD_CUT);

    if (world->phase != PHASE_SAFETY)
        return;
    if (world->storms > 0 && gcs_prng_below(&world->prng, 4) == 0) {
        world->storms--;
        plan_action(world, &bad, gcs_prng_below(&world->prng, PICK(world, 1, 200, 1000) * 1000));
    }
    if (first && crash && world->witness < world->options.members) {
        hunt_witness(world);
        return;
    }
    if (world->hunts == 0 || gcs_prng_below(&world->prng, first ? 2 : 5) != 0)
        return;
    if (first && cut && (!crash || gcs_prng_below(&world->prng, 2))) {
        world->hunts--;
        silence(world, node);
    } else if (crash) {
        world->hunts--;
        hunt(world, node);
    }
}

void schedule_heal(struct world *world)
{
    world->healed = true;
    gcs_sim_heal(world->sim);
    unite(world);
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
