/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs of a replicated service in virtual time: see <gcs/replica_sim.h>. A run begins with a group
 * that forms; while clients work, one fault after another comes and goes; at the end everything
 * works again, and whatever is under way must come to its end.
 */
#include "gcs/replica/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Faults come while clients work, for so long at most; then all get well within this. */
#define FAULTS_NS  (300 * SIM_SECOND)
#define HEALING_NS (60 * SIM_SECOND)

enum { FAULTS_ALL = 15, OPERATIONS_MAX = 1000000 };

void sim_fail(struct sim_world *world, const char *format, ...)
{
    char *text = world->result->text;
    size_t room = sizeof(world->result->text);
    va_list args;

    if (world->failed)
        return; /* the first one counts */
    world->failed = true;
    world->result->seed = world->seed;
    int size = snprintf(text, room, "seed %llu, at %llu ms: ", (unsigned long long)world->seed,
                        (unsigned long long)(world->now / SIM_MS));
    va_start(args, format);
    (void)vsnprintf(text + size, room - (size_t)size, format, args);
    va_end(args);
}

void *sim_allocate(struct sim_world *world, size_t size)
{
    void *memory = calloc(1, size);

    if (!memory) {
        world->no_memory = true;
        sim_fail(world, "out of memory");
    }
    return memory;
}

void sim_after(struct sim_world *world, uint64_t delay, unsigned kind, unsigned index)
{
    if (gcs_sim_timer(world->sim, index < world->options->replicas ? index : 0, world->now + delay,
                      (uint64_t)kind << 32 | index) != 0) {
        world->no_memory = true;
        sim_fail(world, "out of memory");
    }
}

/* ---- Faults ------------------------------------------------------------------------------- */

static uint64_t between(struct sim_world *world, uint64_t low_ms, uint64_t high_ms)
{
    return gcs_prng_between(&world->prng, low_ms, high_ms) * SIM_MS;
}

/* It works, in a view of all in which everybody votes. */
static bool is_ready(const struct sim_world *world, const struct sim_node *node)
{
    const struct gcs_replicator *replicator = &node->replicator;

    if (!node->core || !node->ready || !replicator->primary ||
        replicator->phase != GCS_REPLICA_WORKING ||
        replicator->members_count != world->options->replicas)
        return false;
    for (uint16_t rank = 0; rank < replicator->members_count; rank++)
        if (replicator->members[rank].syncing)
            return false;
    return true;
}

/* All of them in the same view: one that was away may not know yet that it is not in the others'.
 */
static bool all_ready(const struct sim_world *world)
{
    for (unsigned i = 0; i < world->options->replicas; i++)
        if (!is_ready(world, &world->nodes[i]) ||
            world->nodes[i].replicator.epoch != world->nodes[0].replicator.epoch)
            return false;
    return true;
}

static void spoil_links(struct sim_world *world)
{
    unsigned nodes = world->options->replicas;

    for (unsigned from = 0; from < nodes; from++)
        for (unsigned to = 0; to < nodes; to++) {
            struct gcs_sim_link *link = gcs_sim_link(world->sim, from, to);
            link->loss_ppm = (uint32_t)gcs_prng_below(&world->prng, 200000);
            link->duplicate_ppm = (uint32_t)gcs_prng_below(&world->prng, 50000);
            link->reorder_ppm = (uint32_t)gcs_prng_below(&world->prng, 50000);
            link->delay_ns = gcs_prng_below(&world->prng, 3 * SIM_MS);
        }
}

static void begin_fault(struct sim_world *world)
{
    unsigned kinds[4], count = 0;

    for (unsigned kind = GCS_REPLICA_SIM_LOSS; kind <= GCS_REPLICA_SIM_PARTITION; kind *= 2)
        if (world->options->faults & kind)
            kinds[count++] = kind;
    /* Who is away must be a minority, or nobody would get well. */
    if (count == 0 || world->options->replicas < 3 || !all_ready(world))
        return;
    world->fault = kinds[gcs_prng_below(&world->prng, count)];
    world->away = (int)gcs_prng_below(&world->prng, world->options->replicas);
    struct sim_node *node = &world->nodes[world->away];
    world->away_until = world->now + between(world, 50, 3000);
    switch (world->fault) {
    case GCS_REPLICA_SIM_CRASH:
        world->result->crashes++;
        sim_node_crash(node);
        break;
    case GCS_REPLICA_SIM_PAUSE:
        world->result->pauses++;
        node->paused_until = world->away_until;
        break;
    case GCS_REPLICA_SIM_PARTITION:
        world->result->partitions++;
        gcs_sim_side(world->sim, node->index, 1);
        break;
    default:
        spoil_links(world);
    }
}

static void end_fault(struct sim_world *world)
{
    struct sim_node *node = &world->nodes[world->away];

    world->away = -1;
    gcs_sim_heal(world->sim);
    node->paused_until = 0;
    if (node->core)
        sim_node_run(node);
    else
        sim_node_start(node, GCS_JOIN);
}

static void step_faults(struct sim_world *world)
{
    if (world->away >= 0 && (world->now >= world->away_until || world->healed))
        end_fault(world);
    if (world->away < 0 && !world->healed && world->now >= world->next_fault) {
        begin_fault(world);
        world->next_fault = world->now + between(world, 100, 1500);
    }
    if (!world->healed &&
        (world->now >= FAULTS_NS || world->operations_count == world->options->operations)) {
        world->healed = true;
        world->heal_at = world->now;
    }
    sim_after(world, 10 * SIM_MS, SIM_FAULT, 0);
}

/* ---- The loop ----------------------------------------------------------------------------- */

static void on_timer(struct sim_world *world, uint64_t cookie)
{
    unsigned index = (unsigned)(cookie & UINT32_MAX);

    switch (cookie >> 32) {
    case SIM_WAKE:
        sim_node_run(&world->nodes[index]);
        break;
    case SIM_CLIENT:
        sim_client_step(&world->clients[index]);
        break;
    default:
        step_faults(world);
    }
}

static bool is_well(const struct sim_world *world)
{
    return world->healed && world->away < 0 && all_ready(world) && sim_clients_done(world);
}

static void loop(struct sim_world *world)
{
    struct gcs_sim_event event;

    while (!world->failed && !is_well(world) && gcs_sim_next(world->sim, &event)) {
        world->now = event.now;
        if (event.type == GCS_SIM_TIMER)
            on_timer(world, event.cookie);
        else
            sim_node_packet(&world->nodes[event.node], &event);
        if (world->healed && world->now > world->heal_at + HEALING_NS)
            sim_fail(world, "not well within %llu s after the last fault: %s",
                     (unsigned long long)(HEALING_NS / SIM_SECOND),
                     all_ready(world) ? "clients wait" : "a replica is not ready");
    }
}

/* All have applied the same at the end. */
static void check_ends(struct sim_world *world)
{
    for (unsigned i = 0; i < world->options->replicas && !world->failed; i++)
        if (world->nodes[i].replicator.number < world->known)
            sim_fail(world, "lost: replica %u ends at command %llu, a client has seen %llu", i,
                     (unsigned long long)world->nodes[i].replicator.number,
                     (unsigned long long)world->known);
}

static void settle(struct sim_world *world)
{
    struct gcs_sim_event event;
    uint64_t until = world->now + SIM_SECOND; /* what is on its way arrives */

    while (!world->failed && world->now < until && gcs_sim_next(world->sim, &event)) {
        world->now = event.now;
        if (event.type != GCS_SIM_TIMER)
            sim_node_packet(&world->nodes[event.node], &event);
        else if (event.cookie >> 32 == SIM_WAKE)
            sim_node_run(&world->nodes[event.cookie & UINT32_MAX]);
    }
}

static void begin(struct sim_world *world)
{
    struct gcs_sim_config config;

    gcs_sim_config_init(&config);
    config.seed = gcs_prng_next(&world->prng);
    config.nodes = SIM_NODES;
    world->sim = gcs_sim_new(&config);
    world->operations = calloc(world->options->operations, sizeof(*world->operations));
    if (!world->sim || !world->operations) {
        world->no_memory = true;
        sim_fail(world, "out of memory");
        return;
    }
    for (unsigned i = 0; i < world->options->replicas; i++) {
        world->nodes[i].world = world;
        world->nodes[i].index = i;
        (void)gcs_sim_add_node(world->sim);
    }
    for (unsigned i = 0; i < world->options->replicas && !world->failed; i++)
        sim_node_start(&world->nodes[i], i == 0 ? GCS_CREATE : GCS_JOIN);
    for (unsigned i = 0; i < world->options->clients; i++) {
        world->clients[i] =
            (struct sim_client){.world = world, .index = i, .node = i % world->options->replicas};
        sim_after(world, gcs_prng_below(&world->prng, 200 * SIM_MS), SIM_CLIENT, i);
    }
    world->next_fault = between(world, 300, 1500);
    sim_after(world, 10 * SIM_MS, SIM_FAULT, 0);
}

static void end(struct sim_world *world)
{
    for (unsigned i = 0; i < world->options->replicas; i++) {
        sim_node_crash(&world->nodes[i]);
        free(world->nodes[i].inbox);
    }
    if (world->sim)
        gcs_sim_free(world->sim);
    sim_check_free(world);
}

static int run(const struct gcs_replica_sim_service *service,
               const struct gcs_replica_sim_options *options, struct gcs_replica_sim_result *result,
               uint64_t seed)
{
    struct sim_world *world = calloc(1, sizeof(*world));

    if (!world)
        return GCS_ENOMEM;
    world->service = service;
    world->options = options;
    world->result = result;
    world->seed = seed;
    world->away = -1;
    gcs_prng_init(&world->prng, seed);
    begin(world);
    loop(world);
    if (!world->failed)
        settle(world);
    if (!world->failed)
        check_ends(world);
    if (!world->failed)
        sim_check_history(world);
    bool failed = world->failed, no_memory = world->no_memory;
    end(world);
    free(world);
    return no_memory ? GCS_ENOMEM : failed ? GCS_ESTATE : 0;
}

/* ---- The call ----------------------------------------------------------------------------- */

void gcs_replica_sim_options_init(struct gcs_replica_sim_options *options)
{
    *options = (struct gcs_replica_sim_options){
        .size = sizeof(*options),
        .seed = 1,
        .runs = 20,
        .replicas = 3,
        .clients = 4,
        .operations = 400,
        .faults = FAULTS_ALL,
        .order = GCS_ORDER_SEQUENCER,
        .sessions = true,
    };
    options->config = (struct gcs_replica_config){
        .size = sizeof(options->config),
        .protocol = 1,
        .command_bytes = 1 << 20,
        .pending = 65536,
        .query_bytes = 16 << 20,
        .sessions = 65536,
        .session_results = 64,
        .session_bytes = 64 << 20,
        .session_ms = 600000,
        .digest_every = 64,
        .slow_ms = 1000,
    };
}

int gcs_replica_sim(const struct gcs_replica_sim_service *service,
                    const struct gcs_replica_sim_options *options,
                    struct gcs_replica_sim_result *result)
{
    int error = 0;

    if (result) /* its text may be shown whatever comes of this */
        *result = (struct gcs_replica_sim_result){0};
    if (!service || !options || !result || service->size != sizeof(*service) ||
        options->size != sizeof(*options) || !service->open || !service->close || !service->command)
        return GCS_EINVAL;
    if (options->replicas == 0 || options->replicas > SIM_NODES || options->clients == 0 ||
        options->clients > SIM_CLIENTS || options->operations == 0 ||
        options->operations > OPERATIONS_MAX || options->faults > FAULTS_ALL)
        return GCS_EOPTION;
    for (unsigned i = 0; i < options->runs && error == 0; i++) {
        error = run(service, options, result, options->seed + i);
        result->runs++;
    }
    return error;
}
