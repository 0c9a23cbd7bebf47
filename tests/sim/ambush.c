/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Faults that are arranged. Random times hardly ever meet what is over within
 * a millisecond, and random losses hardly ever leave a packet with one holder
 * or let two ballots meet: so some of it is made to happen, within the faults
 * that the run has.
 */
#include "tests/sim/schedule.h"

void ambush_plan(struct world *world)
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
        schedule_add(world, &action, gcs_prng_below(&world->prng, world->safety_ns / 2));
        action.kind = KIND_LAST_WORDS;
    }
    if (bad_links && gcs_prng_below(&world->prng, 4) == 0) {
        action.kind = KIND_STORM;
        schedule_add(world, &action, gcs_prng_below(&world->prng, world->safety_ns / 2));
        action.kind = KIND_LAST_WORDS;
    }
    if (bad_links && gcs_prng_below(&world->prng, 2) == 0) {
        for (uint64_t n = gcs_prng_between(&world->prng, 1, 3); n > 0; n--)
            schedule_add(world, &action, gcs_prng_below(&world->prng, world->safety_ns * 8 / 10));
    }
}

/* ---- Bad links ------------------------------------------------------------------- */

/* One link of a storm: it passes nothing, or little, or late, or all is well. */
static void storm_link(struct world *world, struct gcs_sim_link *link, uint32_t share)
{
    bool cut = world_has(world, WORLD_CUT) && gcs_prng_below(&world->prng, 2);

    link->cut = false;
    link->loss_ppm = 0;
    link->delay_ns = 0;
    if (gcs_prng_chance(&world->prng, share)) {
        link->cut = cut;
        link->loss_ppm =
            cut || !world_has(world, WORLD_LOSS) ? 0 : (uint32_t)PICK(world, 500000, 930000);
    } else if (world_has(world, WORLD_DELAY) && gcs_prng_below(&world->prng, 2)) {
        link->delay_ns = PICK(world, 2, 30, 150) * MS;
    }
}

/*
 * Some links pass little or nothing for a while; then others; then all are good again. In half
 * of them there is a hub that all can talk to while few can talk to each other.
 */
void ambush_storm(struct world *world, struct action *action)
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
    schedule_again(world, action,
                   gcs_prng_between(&world->prng, MS, PICK(world, 20, 100, 400, 900) * MS));
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

void ambush_mute(struct world *world, struct action *action)
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
    schedule_again(world, action, action->length);
}

/* So that its ballot goes on where another one has begun, of which it knows nothing. */
void ambush_late(struct world *world, struct action *action)
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
    schedule_again(world, action, action->length);
}

/*
 * Two who do not hear each other both think that they are next, and both find a majority through
 * the hub, which may hear them late: their ballots meet there when there is something to decide.
 */
void ambush_hub(struct world *world, struct action *action)
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
        schedule_again(world, action, length);
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
    schedule_add(world, &leaver, gcs_prng_below(&world->prng, length)); /* action may move */
}

static void plan_gone(struct world *world, const struct node *node, uint64_t at)
{
    struct action gone = {.kind = KIND_GONE, .node = node->index};

    gone.length = gcs_prng_between(&world->prng, MS, PICK(world, 20, 1200) * MS);
    schedule_add(world, &gone, at);
}

/*
 * Somebody is heard by few, multicasts, and dies or is cut off whole: what it sent has few
 * holders. Sometimes the coordinator is the only one to hear it, orders it, multicasts something
 * itself and goes the same way: then its messages depend on what nobody else has.
 */
void ambush_last_words(struct world *world, struct action *action)
{
    struct node *node = schedule_victim(world);
    struct node *coordinator = recorder_node(world, world->latest_coordinator);
    struct action echo = {.kind = KIND_ECHO};
    unsigned count = world->options.members, only = count;
    uint64_t listeners = gcs_prng_next(&world->prng);
    bool chain = gcs_prng_below(&world->prng, 2) == 0;
    uint64_t delay = gcs_prng_between(&world->prng, 200000, PICK(world, 600, 2000, 5000) * 1000);

    if (!node || count < 3 || !schedule_may_go(world, 1)) {
        schedule_retry(world, action, 50 * MS);
        return;
    }
    world->result->stats.last_words++;
    chain = chain && coordinator && coordinator != node && schedule_may_go(world, 2);
    if (chain)
        only = coordinator->index;
    else if (gcs_prng_below(&world->prng, 2) == 0)
        only = world->witness =
            (node->index + 1 + (unsigned)gcs_prng_below(&world->prng, count - 1)) % count;
    for (unsigned i = 0; i < count; i++)
        gcs_sim_link(world->sim, node->index, i)->cut =
            i != node->index && (only < count ? i != only : listeners >> i % 64 & 1);
    workload_burst(world, node, 1 + (unsigned)gcs_prng_below(&world->prng, 10));
    if (chain) {
        echo.node = coordinator->index;
        schedule_add(world, &echo, delay);
        plan_gone(world, coordinator, delay + gcs_prng_between(&world->prng, 50000, 3000000));
    }
    plan_gone(world, node, delay + gcs_prng_between(&world->prng, 0, 1000000));
}

void ambush_echo(struct world *world, struct action *action)
{
    workload_burst(world, &world->nodes[action->node], 3);
}

void ambush_gone(struct world *world, struct action *action)
{
    struct node *node = &world->nodes[action->node];
    struct action death = {.kind = KIND_FAULT, .fault = WORLD_CRASH, .node = action->node};
    bool begins = !action->begun;

    isolate(world, action->node, begins);
    if (!begins)
        return;
    action->begun = true;
    schedule_again(world, action, action->length);
    death.tries = SCHEDULE_TRIES; /* now or never */
    death.length = schedule_length(world, WORLD_CRASH);
    if (world_has(world, WORLD_CRASH) && gcs_prng_below(&world->prng, 4) != 0 && node->core &&
        liveness_may_crash(world, node))
        schedule_add(world, &death, 0); /* action may have moved now */
}

/* ---- What meets a flush -------------------------------------------------------------- */

/* Somebody dies during the flush: who began it, the coordinator, or anybody. */
static void hunt(struct world *world, struct node *node)
{
    struct action crash = {.fault = WORLD_CRASH, .tries = SCHEDULE_TRIES};
    struct node *coordinator = recorder_node(world, world->latest_coordinator);
    uint64_t choice = gcs_prng_below(&world->prng, 3);

    if (choice == 0 && coordinator)
        node = coordinator;
    else if (choice == 1)
        node = &world->nodes[gcs_prng_below(&world->prng, world->options.members)];
    crash.node = node->index;
    crash.length = schedule_length(world, WORLD_CRASH);
    schedule_add(world, &crash, gcs_prng_below(&world->prng, PICK(world, 100, 1000, 5000) * 1000));
}

/* The only one who heard somebody's last words dies, hopefully after having said so. */
static void hunt_witness(struct world *world)
{
    struct action crash = {.fault = WORLD_CRASH, .tries = SCHEDULE_TRIES};

    crash.node = world->witness;
    crash.length = schedule_length(world, WORLD_CRASH);
    schedule_add(world, &crash, gcs_prng_below(&world->prng, PICK(world, 500, 1000, 2000) * 1000));
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
    schedule_add(world, &quiet, at);
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
        schedule_add(world, &bad, gcs_prng_below(&world->prng, PICK(world, 1, 200, 1000) * 1000));
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
