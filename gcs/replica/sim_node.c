/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One simulated process: the core as the endpoint drives it, a replicator on top, the user's state
 * machine in it. What comes during a pause waits, as in a socket's buffer.
 */
#include "gcs/replica/sim.h"

#include <stdlib.h>
#include <string.h>

enum { MESSAGES = 64, INBOX_MAX = 4096 };

#define CLOCK_BASE SIM_SECOND

/* ---- The port ----------------------------------------------------------------------------- */

static uint64_t local_now(const struct sim_node *node)
{
    return node->world->now + CLOCK_BASE;
}

static int port_multicast(void *ctx, enum gcs_service service, const void *data, size_t size)
{
    struct sim_node *node = ctx;

    return gcs_core_multicast(node->group, local_now(node), service, data, size);
}

static int port_send(void *ctx, const struct gcs_member_id *to, const void *data, size_t size)
{
    struct sim_node *node = ctx;

    return gcs_core_send(node->group, local_now(node), to, data, size);
}

static int port_state_offer(void *ctx, const struct gcs_member_id *joiner,
                            const struct gcs_state_source *source)
{
    struct sim_node *node = ctx;
    int error = gcs_core_state_offer(node->group, joiner, source);

    node->world->result->restores += error == 0;
    return error;
}

static int port_primary(void *ctx)
{
    struct sim_node *node = ctx;
    uint64_t until;

    return gcs_core_lease(node->group, local_now(node), &until);
}

static int port_ordered(void *ctx, uint32_t *epoch, uint64_t *position)
{
    return gcs_core_ordered(((struct sim_node *)ctx)->group, epoch, position);
}

static int port_leave(void *ctx)
{
    struct sim_node *node = ctx;

    return gcs_core_leave(node->group, local_now(node));
}

static uint64_t port_now(void *ctx)
{
    return local_now(ctx);
}

static void configure(const struct sim_node *node, struct gcs_group_config *config,
                      enum gcs_bootstrap bootstrap)
{
    gcs_group_config_init(config);
    config->bootstrap = bootstrap;
    config->order = node->world->options->order;
    config->state = true;
}

static int join(struct sim_node *node, enum gcs_bootstrap bootstrap)
{
    struct gcs_address seeds[SIM_NODES];
    struct gcs_group_config config;

    for (unsigned i = 0; i < node->world->options->replicas; i++)
        seeds[i] = gcs_sim_address(i);
    configure(node, &config, bootstrap);
    config.seeds = seeds;
    config.seeds_count = node->world->options->replicas;
    return gcs_core_join(node->core, local_now(node), "sim", &config, node, &node->group);
}

static int port_join(void *ctx, const struct gcs_address *seeds, size_t count)
{
    (void)seeds;
    (void)count;
    return join(ctx, GCS_JOIN);
}

/* ---- The state machine, as the replica sees it ---------------------------------------------- */

static int pass_snapshot(void *ctx, struct gcs_state_source *source)
{
    const struct sim_node *node = ctx;

    return node->app.snapshot(node->app.ctx, source);
}

static int pass_restore(void *ctx, enum gcs_replica_step step, const void *data, size_t size)
{
    struct sim_node *node = ctx;
    int error = node->app.restore(node->app.ctx, step, data, size);

    if (error)
        sim_fail(node->world, "restore failed at replica %u: %s", node->index, gcs_strerror(error));
    return error;
}

static int pass_query(void *ctx, const void *data, size_t size, uint64_t time,
                      struct gcs_replica_result *result)
{
    const struct sim_node *node = ctx;

    return node->app.query(node->app.ctx, data, size, time, result);
}

static uint64_t pass_digest(void *ctx)
{
    const struct sim_node *node = ctx;

    return node->app.digest(node->app.ctx);
}

static void on_report(void *ctx, const struct gcs_replica_report *report)
{
    struct sim_node *node = ctx;

    switch (report->news) {
    case GCS_REPLICA_READY:
        node->ready = true;
        break;
    case GCS_REPLICA_FAILED:
    case GCS_REPLICA_DIVERGED:
    case GCS_REPLICA_UNDECIDED:
    case GCS_REPLICA_REFUSED:
        sim_fail(node->world, "replica %u: %s", node->index, report->text);
        break;
    case GCS_REPLICA_LEFT:
        node->stopped = true;
        break;
    default:
        break;
    }
}

/* ---- Life --------------------------------------------------------------------------------- */

static void *allocate(void *ctx, size_t size)
{
    (void)ctx;
    return malloc(size);
}

static void release(void *ctx, void *memory)
{
    (void)ctx;
    free(memory);
}

static int open_replicator(struct sim_node *node)
{
    const struct gcs_replica_port port = {
        node,         port_multicast, port_send, port_state_offer, port_primary,
        port_ordered, port_leave,     port_join, port_now};
    struct gcs_replica_machine machine = {
        .size = sizeof(machine),
        .ctx = node,
        .apply = sim_check_apply,
        .snapshot = pass_snapshot,
        .restore = pass_restore,
        .query = node->app.query ? pass_query : NULL,
        .digest = node->app.digest ? pass_digest : NULL,
    };
    struct gcs_replica_config config = node->world->options->config;
    struct gcs_group_config group;

    configure(node, &group, GCS_JOIN);
    config.ctx = node;
    config.report = on_report;
    config.event = NULL;
    return gcs_replicator_init(&node->replicator, &port, &machine, &config, &group);
}

void sim_node_start(struct sim_node *node, enum gcs_bootstrap bootstrap)
{
    struct sim_world *world = node->world;
    struct gcs_core_config config;

    node->allocator = (struct gcs_allocator){NULL, allocate, release};
    node->app = (struct gcs_replica_machine){.size = sizeof(node->app)};
    node->ready = node->stopped = false;
    node->paused_until = 0;
    node->wake_at = GCS_NEVER;
    gcs_core_config_init(&config);
    config.allocator = &node->allocator;
    config.seed = gcs_prng_next(&world->prng);
    config.address = gcs_sim_address(node->index);
    int error = world->service->open(world->service->ctx, &node->app);
    if (error == 0)
        error = gcs_core_new(&config, &node->core);
    if (error == 0)
        error = open_replicator(node);
    if (error == 0)
        error = join(node, bootstrap);
    if (error) {
        sim_fail(world, "replica %u cannot start: %s", node->index, gcs_strerror(error));
        return;
    }
    gcs_sim_listen(world->sim, node->index, true);
    sim_node_run(node);
}

void sim_node_crash(struct sim_node *node)
{
    if (!node->core)
        return;
    gcs_sim_listen(node->world->sim, node->index, false);
    gcs_core_free(node->core);
    node->core = NULL;
    node->group = NULL;
    gcs_replicator_fini(&node->replicator, GCS_ECLOSED);
    node->world->service->close(node->world->service->ctx, &node->app);
    for (size_t i = 0; i < node->inbox_count; i++)
        gcs_buffer_unref(node->inbox[i].buffer);
    node->inbox_count = 0;
    node->ready = false;
}

/* ---- Events ------------------------------------------------------------------------------- */

static void give_messages(struct sim_node *node, const struct gcs_core_event *core,
                          struct gcs_event *event)
{
    struct gcs_message messages[MESSAGES];
    size_t offset = 0;
    uint64_t done = 0;

    do {
        event->count = 0;
        while (event->count < MESSAGES &&
               gcs_core_event_message(core, &offset, &messages[event->count]))
            event->count++;
        event->messages = messages;
        event->number = core->number + done;
        event->seed = core->seed + done * GCS_SEED_STEP;
        done = event->count == MESSAGES ? done + event->count : core->count;
        event->position = core->position - (core->position > 0 && done < core->count);
        gcs_replicator_event(&node->replicator, event);
    } while (done < core->count);
}

static void give(struct sim_node *node, const struct gcs_core_event *core)
{
    struct gcs_message piece = {core->payload, core->payload_size};
    struct gcs_event event = {
        .type = core->type,
        .error = core->error,
        .change = core->change,
        .sender = core->sender,
        .service = core->service,
        .time = core->time,
        .offset = core->offset,
        .total = core->total,
        .messages = &piece,
        .count = core->type == GCS_EVENT_STATE,
    };

    node->world->result->views += core->type == GCS_EVENT_VIEW;
    if (core->type == GCS_EVENT_DELIVER || core->type == GCS_EVENT_PRIVATE)
        give_messages(node, core, &event);
    else
        gcs_replicator_event(&node->replicator, &event);
}

static void transmit(struct sim_node *node)
{
    size_t count = 0;
    const struct gcs_core_packet *packets = gcs_core_packets(node->core, &count);

    if (count > 0) {
        gcs_sim_send(node->world->sim, node->index, packets, count);
        gcs_core_packets_sent(node->core);
    }
}

static void receive_all(struct sim_node *node)
{
    for (size_t i = 0; i < node->inbox_count; i++) {
        const struct gcs_sim_event *event = &node->inbox[i];
        if (event->type == GCS_SIM_PACKET)
            gcs_core_receive(node->core, local_now(node), &event->from, event->buffer, event->data,
                             event->size);
        else
            gcs_core_unreachable(node->core, local_now(node), &event->from);
        gcs_buffer_unref(event->buffer);
    }
    node->inbox_count = 0;
}

static void wake_at(struct sim_node *node, uint64_t at)
{
    if (at < node->world->now + SIM_MS / 10)
        at = node->world->now + SIM_MS / 10;
    if (at >= node->wake_at && node->wake_at > node->world->now)
        return;
    node->wake_at = at;
    sim_after(node->world, at - node->world->now, SIM_WAKE, node->index);
}

void sim_node_run(struct sim_node *node)
{
    struct sim_world *world = node->world;
    struct gcs_core_event event;
    bool any = true;

    if (!node->core || world->failed)
        return;
    if (world->now < node->paused_until) {
        wake_at(node, node->paused_until);
        return;
    }
    receive_all(node);
    while (any) { /* handling an event may have something sent, and that delivered here at once */
        any = false;
        gcs_core_advance(node->core, local_now(node));
        transmit(node);
        while (gcs_core_next_event(node->core, &event)) {
            if (event.type == GCS_EVENT_LEFT) { /* given back first: it may join again */
                gcs_core_consumed(node->core, &event);
                give(node, &event);
            } else {
                give(node, &event);
                gcs_core_consumed(node->core, &event);
            }
            any = true;
        }
    }
    uint64_t due = gcs_replicator_tick(&node->replicator);
    uint64_t deadline = gcs_core_deadline(node->core);
    deadline = due < deadline ? due : deadline;
    if (deadline != GCS_NEVER)
        wake_at(node, deadline < CLOCK_BASE ? 0 : deadline - CLOCK_BASE);
}

void sim_node_packet(struct sim_node *node, const struct gcs_sim_event *event)
{
    if (!node->core || node->inbox_count == INBOX_MAX) {
        gcs_buffer_unref(event->buffer);
        return;
    }
    if (node->inbox_count == node->inbox_capacity) {
        size_t capacity = node->inbox_capacity ? 2 * node->inbox_capacity : 64;
        struct gcs_sim_event *inbox = realloc(node->inbox, capacity * sizeof(*inbox));
        if (!inbox) {
            gcs_buffer_unref(event->buffer);
            return;
        }
        node->inbox = inbox;
        node->inbox_capacity = capacity;
    }
    node->inbox[node->inbox_count++] = *event;
    sim_node_run(node);
}
