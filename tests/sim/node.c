/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One process of the world: its core, its clock, the packets that wait for it
 * and the application above it. Guarantees that a core sees only what a real
 * one would: time of its own clock, packets while it is scheduled, and
 * nothing of the other nodes.
 */
#include "tests/sim/internal.h"

#include <stdlib.h>
#include <string.h>

/* A round of the loop takes so long; what arrives meanwhile is taken together. */
#define ROUND_LEAST_NS 1000
#define ROUND_MOST_NS  20000

/* ---- Clock ------------------------------------------------------------------ */

static uint64_t local_time(const struct node *node, uint64_t global)
{
    uint64_t passed = global - node->base_global;

    return node->base_local + passed + (uint64_t)((int64_t)passed * node->rate_ppm / 1000000);
}

uint64_t node_global_time(const struct node *node, uint64_t local)
{
    uint64_t passed = local <= node->base_local ? 0 : local - node->base_local;
    uint64_t global;

    if (local == GCS_NEVER || passed > UINT64_MAX / 2000000)
        return GCS_NEVER;
    global = node->base_global + passed * 1000000 / (uint64_t)(1000000 + node->rate_ppm);
    while (local_time(node, global) < local)
        global++;
    return global;
}

void node_set_rate(struct world *world, struct node *node, int32_t ppm)
{
    node->base_local = local_time(node, world->now);
    node->base_global = world->now;
    node->rate_ppm = ppm;
}

/* ---- Memory: counted, so that leaks are seen at once -------------------------- */

static void *allocate(void *ctx, size_t size)
{
    struct node *node = ctx;
    void *memory = malloc(size);

    node->allocated += memory != NULL;
    return memory;
}

static void release(void *ctx, void *memory)
{
    struct node *node = ctx;

    node->allocated -= memory != NULL;
    free(memory);
}

/* ---- Life --------------------------------------------------------------------- */

void node_init(struct world *world, struct node *node, unsigned index)
{
    memset(node, 0, sizeof(*node));
    node->world = world;
    node->index = index;
    node->address = gcs_sim_address(index);
    node->base_global = world->now;
    node->base_local = 1 + gcs_prng_below(&world->prng, 1000 * SECOND);
    node->wake_at = GCS_NEVER;
    node->member = node->view_record = NONE;
    node->bootstrap = GCS_JOIN;
    gcs_prng_init(&node->prng, gcs_prng_next(&world->prng));
}

bool node_in_group(const struct node *node)
{
    return node->core && node->group && node->joined && node->primary && !node->ended;
}

static void forget_membership(struct node *node)
{
    node->group = NULL;
    node->member = node->view_record = NONE;
    node->lineage = node->proposer = 0;
    node->epoch = 0;
    node->primary = node->joined = node->blocked = node->leaving = node->evicted = node->full =
        node->ended = false;
    node->view_sent = node->view_delivered = node->own_missing = 0;
    node->traced = node->handed_out = 0;
    node->state = (struct node_state){0};
    node->synced = node->transferred = false;
    node->got = 0;
}

void node_join(struct world *world, struct node *node)
{
    struct gcs_group_config config = world->group_config;
    int error;

    if (!node->core || node->group)
        return;
    config.bootstrap = node->bootstrap;
    config.expect = world->options.members;
    config.seeds = world->seeds;
    config.seeds_count = world->options.members;
    if (world->weighted)
        config.weight = (uint8_t)gcs_prng_between(&node->prng, node->bootstrap != GCS_JOIN, 3);
    node->bootstrap = GCS_JOIN; /* whoever comes again joins */
    error = gcs_core_join(node->core, local_time(node, world->now), GROUP_NAME, &config, node,
                          &node->group);
    if (error)
        world_fail(world, "liveness", "gcs_core_join: %s", gcs_strerror(error));
    node_wake_at(world, node, world->now);
}

void node_start(struct world *world, struct node *node)
{
    static const struct gcs_allocator counting = {NULL, allocate, release};
    struct gcs_core_config config = world->core_config;
    struct gcs_allocator *allocator = memory_new(1, sizeof(*allocator));
    int error;

    *allocator = counting;
    allocator->ctx = node;
    config.allocator = allocator;
    config.seed = gcs_prng_next(&node->prng);
    config.address = node->address;
    places_label(world, node->index, config.label, sizeof(config.label));
    config.trace_ctx = node;
    config.trace = recorder_event;
    free(node->allocator);
    node->allocator = allocator;
    error = gcs_core_new(&config, &node->core);
    if (error) {
        node->core = NULL;
        world_fail(world, "liveness", "gcs_core_new: %s", gcs_strerror(error));
        return;
    }
    gcs_sim_listen(world->sim, node->index, true);
    node->wanted = node->started = true;
    node->busy_until = world->now;
    node_join(world, node);
    workload_burst(world, node, 1); /* waits for the first view */
}

/* All nodes keep to the protocol, so nobody may have found that another one did not. */
static void check_conduct(struct world *world, const struct node *node,
                          const struct gcs_counters *counters)
{
    if (counters->nacks_forged + counters->acks_forged + counters->requests_refused +
            counters->packets_differing >
        0)
        world_note(
            world, "delivery-integrity",
            "n%u takes others for forgers: %llu requests, %llu acknowledgements, %llu refused, "
            "%llu packets differ",
            node->index, (unsigned long long)counters->nacks_forged,
            (unsigned long long)counters->acks_forged,
            (unsigned long long)counters->requests_refused,
            (unsigned long long)counters->packets_differing);
}

/* Takes the process away, without a word to anybody. */
static void destroy(struct world *world, struct node *node)
{
    struct gcs_core *core = node->core;

    if (!core)
        return;
    for (size_t i = 0; i < node->held_count; i++)
        gcs_core_consumed(core, &node->held[i].event);
    for (size_t i = 0; i < node->inbox_count; i++)
        gcs_buffer_unref(node->inbox[i].buffer);
    check_conduct(world, node, gcs_core_counters(core));
    world_counters_add(&world->result->counters, gcs_core_counters(core));
    node->held_count = node->inbox_count = node->inbox_bytes = 0;
    node->core = NULL;
    gcs_core_free(core);
    if (node->allocated != 0)
        world_note(world, "memory", "n%u leaves %zu pieces of memory behind", node->index,
                   node->allocated);
    node->allocated = 0;
    node->wake_at = GCS_NEVER;
    node->generation++;
}

void node_crash(struct world *world, struct node *node)
{
    if (!node->core)
        return;
    recorder_note(world, node, RECORD_CRASH);
    gcs_sim_listen(world->sim, node->index, false);
    destroy(world, node);
    workload_forget(world, node);
    forget_membership(node);
    node->wanted = false;
    node->paused_until = node->slow_until = 0;
}

void node_free(struct world *world, struct node *node)
{
    destroy(world, node);
    free(node->inbox);
    free(node->held);
    free(node->allocator);
    list_clear(&node->pending);
    list_clear(&node->accepted);
}

void node_leave(struct world *world, struct node *node)
{
    if (!node->core || !node->group || node->leaving || node->ended)
        return;
    recorder_note(world, node, RECORD_LEAVING);
    node->leaving = true;
    node->wanted = false;
    if (gcs_core_leave(node->group, local_time(node, world->now)))
        world_fail(world, "liveness", "gcs_core_leave fails at n%u", node->index);
    node_wake_at(world, node, world->now);
}

void node_evict(struct world *world, struct node *node, struct node *other)
{
    const struct gcs_view *view = gcs_core_view(node->group);

    for (uint16_t rank = 0; rank < view->count; rank++) {
        const struct gcs_member_id *id = &view->members[rank].id;

        if (recorder_number(world, id) != other->member ||
            gcs_core_evict(node->group, local_time(node, world->now), id) != 0)
            continue;
        recorder_note(world, other, RECORD_LEAVING);
        other->evicted = true;
        other->evicted_by = node->member;
        other->evicted_in = node->epoch;
        world->result->stats.evictions++;
        node_wake_at(world, node, world->now);
    }
}

void node_pause(struct world *world, struct node *node, uint64_t until)
{
    if (until > node->paused_until)
        node->paused_until = until;
    (void)world;
}

/* ---- Being scheduled ------------------------------------------------------------ */

void node_wake_at(struct world *world, struct node *node, uint64_t at)
{
    if (!node->core || at == GCS_NEVER)
        return;
    if (at < node->busy_until)
        at = node->busy_until;
    if (at < node->paused_until)
        at = node->paused_until;
    if (at < world->now)
        at = world->now;
    if (at >= node->wake_at)
        return;
    node->wake_at = at;
    node->generation++;
    world_after(world, at - world->now, TIMER_WAKE, node->index, node->generation);
}

void node_input(struct world *world, struct node *node, const struct gcs_sim_event *event)
{
    size_t room = world->core_config.receive_bytes;

    if (!node->core || node->inbox_bytes + event->size > room) {
        gcs_buffer_unref(event->buffer); /* as a full socket buffer does */
        return;
    }
    node->inbox =
        memory_grow(node->inbox, node->inbox_count, &node->inbox_capacity, sizeof(*node->inbox));
    node->inbox[node->inbox_count++] = *event;
    node->inbox_bytes += event->size;
    node_wake_at(world, node, world->now);
}

static void receive_all(struct world *world, struct node *node, uint64_t now)
{
    for (size_t i = 0; i < node->inbox_count; i++) {
        struct gcs_sim_event *event = &node->inbox[i];

        if (event->type == GCS_SIM_PACKET) {
            recorder_packet(world, node, event->data, event->size);
            gcs_core_receive(node->core, now, &event->from, event->buffer, event->data,
                             event->size);
        } else {
            gcs_core_unreachable(node->core, now, &event->from);
        }
        gcs_buffer_unref(event->buffer);
    }
    node->inbox_count = node->inbox_bytes = 0;
}

static void transmit(struct world *world, struct node *node)
{
    size_t count = 0;
    const struct gcs_core_packet *packets = gcs_core_packets(node->core, &count);

    if (count == 0)
        return;
    gcs_sim_send(world->sim, node->index, packets, count);
    gcs_core_packets_sent(node->core);
}

/* ---- The application -------------------------------------------------------------- */

/* The membership is gone, as asked for or not; a new one begins a little later. */
static void on_left(struct world *world, struct node *node, int error)
{
    bool asked = node->leaving;

    workload_forget(world, node);
    forget_membership(node);
    if (error == 0 && !asked)
        world_fail(world, "liveness", "n%u has left, but nobody asked it to", node->index);
    if (error == GCS_ELINEAGE)
        node->bootstrap = GCS_LOOK;
    if (error != 0) {
        world->result->stats.excluded++;
        node->was_excluded = true;
    }
    node->wanted = true;
    world_after(world, MS + gcs_prng_below(&node->prng, 50 * MS), TIMER_JOIN, node->index, 0);
}

static void on_view(struct world *world, struct node *node, const struct gcs_view_change *change)
{
    bool new_membership = change->primary && change->view.self >= change->survivors_count;

    if (new_membership) /* of one that ended while it got the state less was handed out than traced
                         */
        node->handed_out = 0;
    node->handed_out = node->handed_out * 31 + 2 * change->view.epoch + change->primary;
    if (!change->primary) {
        world->result->stats.primary_lost++;
        return;
    }
    places_check(world, node, &change->view);
    if (new_membership) {
        node->synced = !change->view.members[change->view.self].syncing;
        node->transferred = !node->synced;
    }
    if (change->merged)
        world->result->stats.excluded++;
    if (change->merged || (!node->joined && node->was_excluded))
        world->result->stats.returns++;
    if (!node->joined && world->phase == PHASE_SAFETY)
        world->result->stats.late_joins++;
    node->joined = true;
    node->was_excluded = false;
}

static void on_event(struct world *world, struct node *node, const struct gcs_core_event *event)
{
    switch (event->type) {
    case GCS_EVENT_DELIVER:
        workload_delivered(world, event);
        state_delivered(node, event);
        break;
    case GCS_EVENT_VIEW:
        on_view(world, node, event->change);
        break;
    case GCS_EVENT_SLOW:
        world->result->stats.slow_told++;
        break;
    case GCS_EVENT_WRITABLE:
        node->full = false;
        break;
    case GCS_EVENT_PRIVATE:
        private_delivered(world, event);
        break;
    case GCS_EVENT_LEFT:
        node->ended = true;
        break;
    case GCS_EVENT_STATE_WANTED:
        state_wanted(world, node, event);
        break;
    case GCS_EVENT_STATE:
        state_piece(world, node, event);
        break;
    case GCS_EVENT_STATE_END:
        state_complete(world, node, event);
        break;
    case GCS_EVENT_STABLE:
        break;
    }
}

/* Events are held for as long as the application is slow, and given back in order. */
static void take_events(struct world *world, struct node *node)
{
    struct held *held;
    uint64_t late = world->now < node->slow_until ? node->slow_ns : 0;

    for (;;) {
        node->held =
            memory_grow(node->held, node->held_count, &node->held_capacity, sizeof(*node->held));
        held = &node->held[node->held_count];
        if (!gcs_core_next_event(node->core, &held->event))
            break;
        held->due = world->now + (late ? gcs_prng_below(&node->prng, late) : 0);
        if (node->held_count > 0 && held->due < held[-1].due)
            held->due = held[-1].due;
        node->held_count++;
        on_event(world, node, &held->event);
    }
    if (node->traced != node->handed_out && !node->transferred)
        world_note(world, "delivery-integrity",
                   "n%u: what the application was given is not what the trace says", node->index);
}

/* Gives back what is due. True: something was. */
static bool give_back(struct world *world, struct node *node)
{
    size_t count = 0;
    int left = 1;

    while (count < node->held_count && node->held[count].due <= world->now) {
        if (node->held[count].event.type == GCS_EVENT_LEFT)
            left = node->held[count].event.error;
        gcs_core_consumed(node->core, &node->held[count].event);
        count++;
    }
    if (count == 0)
        return false;
    node->held_count -= count;
    memmove(node->held, node->held + count, node->held_count * sizeof(*node->held));
    if (left <= 0)
        on_left(world, node, left);
    return true;
}

/* Wall clocks are wrong, each in its own way, and are set again and again. */
static int64_t wall_offset(const struct world *world, const struct node *node)
{
    static const int64_t wrong[] = {INT64_MAX, INT64_MIN, -(INT64_C(1) << 40), INT64_C(1) << 40};
    uint64_t draw = world->options.seed ^ (uint64_t)node->index << 32 ^ world->now / 300000000;
    uint64_t random = gcs_prng_split(&draw);

    if (random % 8 < 4)
        return wrong[random % 4];
    return (INT64_C(1) << 60) + (int64_t)(random % 2000000) - 1000000;
}

void node_wake(struct world *world, struct node *node, uint64_t generation)
{
    uint64_t now;
    bool again;

    if (!node->core || generation != node->generation)
        return;
    node->wake_at = GCS_NEVER;
    if (world->now < node->paused_until) {
        node_wake_at(world, node, node->paused_until);
        return;
    }
    now = node->local_now = local_time(node, world->now);
    gcs_core_wall_clock(node->core, wall_offset(world, node));
    receive_all(world, node, now);
    workload_multicast(world, node);
    private_send(world, node);
    gcs_core_advance(node->core, now);
    transmit(world, node);
    take_events(world, node);
    lease_claim(world, node);
    again = give_back(world, node);
    node->busy_until = world->now + gcs_prng_between(&node->prng, ROUND_LEAST_NS, ROUND_MOST_NS);
    if (again || (node->pending.count > 0 && !node->full && node->group))
        node_wake_at(world, node, world->now);
    if (node->held_count > 0)
        node_wake_at(world, node, node->held[0].due);
    node_wake_at(world, node, node_global_time(node, gcs_core_deadline(node->core)));
}
