/* SPDX-License-Identifier: BSD-3-Clause */
/* Flow and congestion control in simulated time: see flow.h. */
#include "tests/sim/flow.h"

#include "transport/sim.h"

#include <gcs/core.h>
#include <stdlib.h>
#include <string.h>

#define MS           UINT64_C(1000000)
#define GROUP        "flow"
#define MESSAGE      1000
#define COST_NS      20000 /* of a packet that is taken in or sent */
#define SLOW_COST_NS 400000
#define BATCH        64
#define ROOM         (4u << 20) /* of a socket buffer */
#define ROOM_TIGHT   (256u << 10)
#define FORM_NS      (5000 * MS)
#define WARM_NS      (500 * MS)
#define LATE_NS      (1000 * MS) /* after the others */
#define SLOW_NS      (5000 * MS)
#define RUN_NS       (2000 * MS)
#define STEP_NS      (50 * MS) /* in which the rate is looked at */
#define BURST_NS     (300 * MS)
#define BURST_PPM    300000
#define AFTER_NS     (3000 * MS)

struct waiting {
    struct gcs_sim_event event;
    uint64_t came_at;
};

struct node {
    struct flow *flow;
    unsigned index;
    struct gcs_core *core;
    struct gcs_core_group *group;
    uint64_t wake_at, generation;
    uint64_t busy_until;
    uint64_t cost;
    struct waiting *inbox; /* the socket buffer, a ring */
    size_t first, count, capacity;
    uint64_t bytes, overflows;
    uint64_t came, overflowed;        /* since forget */
    uint64_t waited, taken;           /* nanoseconds, packets */
    uint64_t delivered[FLOW_MEMBERS]; /* messages, per sender's rank */
    uint16_t members;
    bool sends;
};

struct flow {
    struct gcs_sim *sim;
    struct node nodes[FLOW_MEMBERS];
    uint64_t now;
    uint64_t room;
    bool failed;
};

/* ---- One member -------------------------------------------------------------------------- */

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

static const struct gcs_allocator allocator = {NULL, allocate, release};

static bool start(struct flow *flow, unsigned index, uint64_t seed)
{
    struct node *n = &flow->nodes[index];
    struct gcs_address first = gcs_sim_address(0);
    struct gcs_core_config config;
    struct gcs_group_config group;

    *n = (struct node){.flow = flow, .index = index, .wake_at = GCS_NEVER, .cost = COST_NS};
    gcs_core_config_init(&config);
    config.allocator = &allocator;
    config.seed = seed * FLOW_MEMBERS + index + 1;
    config.address = gcs_sim_address(index);
    config.multicast = true;
    config.receive_bytes = ROOM;
    gcs_group_config_init(&group);
    group.bootstrap = index == 0 ? GCS_CREATE : GCS_JOIN;
    group.seeds = &first;
    group.seeds_count = index == 0 ? 0 : 1;
    if (gcs_sim_add_node(flow->sim) < 0 || gcs_core_new(&config, &n->core) < 0)
        return false;
    return gcs_core_join(n->core, flow->now, GROUP, &group, n, &n->group) == 0;
}

static void wake_at(struct node *n, uint64_t at)
{
    if (at < n->busy_until)
        at = n->busy_until;
    if (at < n->flow->now)
        at = n->flow->now;
    if (at >= n->wake_at)
        return;
    n->wake_at = at;
    n->generation++;
    if (gcs_sim_timer(n->flow->sim, n->index, at, n->generation) < 0)
        n->flow->failed = true;
}

/* Into the socket buffer, or past it. */
static void arrive(struct node *n, const struct gcs_sim_event *event)
{
    n->came++;
    if (n->bytes + event->size > n->flow->room) {
        n->overflows++;
        n->overflowed++;
        gcs_buffer_unref(event->buffer);
        return;
    }
    if (n->count == n->capacity) {
        size_t capacity = n->capacity ? 2 * n->capacity : 64;
        struct waiting *inbox = calloc(capacity, sizeof(*inbox));
        if (!inbox) {
            n->flow->failed = true;
            gcs_buffer_unref(event->buffer);
            return;
        }
        for (size_t i = 0; i < n->count; i++)
            inbox[i] = n->inbox[(n->first + i) % n->capacity];
        free(n->inbox);
        n->inbox = inbox;
        n->capacity = capacity;
        n->first = 0;
    }
    n->inbox[(n->first + n->count++) % n->capacity] = (struct waiting){*event, n->flow->now};
    n->bytes += event->size;
}

static void receive(struct node *n)
{
    unsigned taken = 0;

    for (; n->count > 0 && taken < BATCH; taken++) {
        struct waiting *w = &n->inbox[n->first];
        n->first = (n->first + 1) % n->capacity;
        n->count--;
        n->bytes -= w->event.size;
        n->waited += n->flow->now - w->came_at;
        gcs_core_receive(n->core, n->flow->now, &w->event.from, w->event.buffer, w->event.data,
                         w->event.size);
        gcs_buffer_unref(w->event.buffer);
    }
    n->taken += taken;
    n->busy_until = n->flow->now + taken * n->cost;
    gcs_core_overflowed(n->core, n->overflows);
}

static void take(struct node *n)
{
    struct gcs_core_event event;

    while (gcs_core_next_event(n->core, &event)) {
        if (event.type == GCS_EVENT_VIEW)
            n->members = event.change->view.count;
        if (event.type == GCS_EVENT_DELIVER && event.rank < FLOW_MEMBERS)
            n->delivered[event.rank] += event.count;
        gcs_core_consumed(n->core, &event);
    }
}

static void say(struct node *n)
{
    static const uint8_t message[MESSAGE];
    int result = 0;

    while (n->sends && result == 0)
        result = gcs_core_multicast(n->group, n->flow->now, GCS_AGREED, message, sizeof(message));
    if (result < 0 && result != GCS_EAGAIN)
        n->flow->failed = true;
}

static void wake(struct node *n)
{
    size_t count;

    n->wake_at = GCS_NEVER;
    receive(n);
    say(n);
    gcs_core_advance(n->core, n->flow->now);
    const struct gcs_core_packet *packets = gcs_core_packets(n->core, &count);
    gcs_sim_send(n->flow->sim, n->index, packets, count);
    n->busy_until = (n->busy_until > n->flow->now ? n->busy_until : n->flow->now) + count * COST_NS;
    gcs_core_packets_sent(n->core);
    take(n);
    uint64_t deadline = gcs_core_deadline(n->core);
    wake_at(n, n->count > 0 ? n->flow->now : deadline);
}

/* ---- Time passes ------------------------------------------------------------------------- */

static bool all_are_in(const struct flow *flow)
{
    for (unsigned i = 0; i < FLOW_MEMBERS; i++)
        if (flow->nodes[i].members != FLOW_MEMBERS)
            return false;
    return true;
}

static void run(struct flow *flow, uint64_t until, bool forming)
{
    struct gcs_sim_event event;

    (void)gcs_sim_timer(flow->sim, 0, until, 0); /* so that there is an end */
    while (!flow->failed && gcs_sim_next(flow->sim, &event)) {
        struct node *n = &flow->nodes[event.node];

        flow->now = event.now;
        if (event.type == GCS_SIM_PACKET) {
            arrive(n, &event);
            wake_at(n, flow->now);
        } else if (event.type == GCS_SIM_TIMER && event.cookie == n->generation) {
            wake(n);
        }
        if (flow->now >= until || (forming && all_are_in(flow)))
            return;
    }
}

static bool form(struct flow *flow, uint64_t seed)
{
    for (unsigned i = 0; i < FLOW_MEMBERS; i++) {
        if (!start(flow, i, seed))
            return false;
        wake_at(&flow->nodes[i], flow->now);
    }
    run(flow, flow->now + FORM_NS, true);
    return !flow->failed && all_are_in(flow);
}

static void set_loss(struct flow *flow, uint32_t ppm)
{
    for (unsigned i = 0; i < FLOW_MEMBERS * FLOW_MEMBERS; i++)
        gcs_sim_link(flow->sim, i / FLOW_MEMBERS, i % FLOW_MEMBERS)->loss_ppm = ppm;
}

static void send_from(struct flow *flow, unsigned first, unsigned last)
{
    for (unsigned i = first; i <= last; i++) {
        flow->nodes[i].sends = true;
        wake_at(&flow->nodes[i], flow->now);
    }
}

/* ---- What is seen ------------------------------------------------------------------------ */

static uint64_t sum(const struct node *n)
{
    uint64_t all = 0;

    for (unsigned i = 0; i < FLOW_MEMBERS; i++)
        all += n->delivered[i];
    return all;
}

static void forget(struct flow *flow)
{
    for (unsigned i = 0; i < FLOW_MEMBERS; i++) {
        struct node *n = &flow->nodes[i];
        memset(n->delivered, 0, sizeof(n->delivered));
        n->waited = n->taken = n->came = n->overflowed = 0;
    }
}

/* Messages per second at the slowest member since forget. */
static double rate(const struct flow *flow, uint64_t ns)
{
    uint64_t least = UINT64_MAX;

    for (unsigned i = 0; i < FLOW_MEMBERS; i++)
        if (sum(&flow->nodes[i]) < least)
            least = sum(&flow->nodes[i]);
    return (double)least * 1e9 / (double)ns;
}

static double jain(const struct node *n)
{
    double all = 0, squares = 0;

    for (unsigned i = 0; i < FLOW_MEMBERS; i++) {
        double x = (double)n->delivered[i];
        all += x;
        squares += x * x;
    }
    return squares > 0 ? all * all / (FLOW_MEMBERS * squares) : 0;
}

static double queue_ms(const struct flow *flow)
{
    double most = 0;

    for (unsigned i = 0; i < FLOW_MEMBERS; i++) {
        const struct node *n = &flow->nodes[i];
        double each = n->taken ? (double)n->waited / (double)n->taken / (double)MS : 0;
        most = each > most ? each : most;
    }
    return most;
}

static void conclude(struct flow *flow, uint64_t ns, struct flow_result *result)
{
    uint64_t repairs = 0, came = 0, dropped = 0, lately = 0;

    for (unsigned i = 0; i < FLOW_MEMBERS; i++) {
        const struct gcs_counters *counters = gcs_core_counters(flow->nodes[i].core);
        repairs += counters->repairs_sent;
        result->cuts += counters->window_cuts;
        came += flow->nodes[i].came;
        dropped += flow->nodes[i].overflows;
        lately += flow->nodes[i].overflowed;
    }
    uint64_t lost = gcs_sim_counters(flow->sim)->lost + dropped;
    result->rate = rate(flow, ns);
    result->jain = jain(&flow->nodes[0]);
    result->overflow = came ? (double)lately / (double)came : 0;
    result->repeated = lost ? (double)repairs / (double)lost : 0;
    result->queue_ms = queue_ms(flow);
}

/* ---- The cases --------------------------------------------------------------------------- */

static void burst(struct flow *flow, struct flow_result *result)
{
    forget(flow);
    run(flow, flow->now + RUN_NS, false);
    double before = rate(flow, RUN_NS);
    set_loss(flow, BURST_PPM);
    run(flow, flow->now + BURST_NS, false);
    set_loss(flow, 0);
    uint64_t end = flow->now;
    result->recovered_ms = (double)AFTER_NS / (double)MS;
    while (flow->now < end + AFTER_NS) {
        forget(flow);
        run(flow, flow->now + STEP_NS, false);
        if (rate(flow, STEP_NS) >= 0.9 * before) {
            result->recovered_ms = (double)(flow->now - end) / (double)MS;
            break;
        }
    }
}

static void drive(struct flow *flow, enum flow_case which, struct flow_result *result)
{
    bool tight = which == FLOW_TIGHT;

    flow->room = tight ? ROOM_TIGHT : ROOM;
    if (which == FLOW_SLOW) {
        flow->room = UINT32_MAX;
        flow->nodes[FLOW_MEMBERS - 1].cost = SLOW_COST_NS;
    }
    set_loss(flow, which == FLOW_LOSS_1 ? 10000 : which == FLOW_LOSS_5 ? 50000 : 0);
    send_from(flow, 0, FLOW_MEMBERS - (tight ? 2 : 1));
    run(flow, flow->now + (tight ? LATE_NS : WARM_NS), false);
    send_from(flow, FLOW_MEMBERS - 1, FLOW_MEMBERS - 1);
    if (tight || which == FLOW_SLOW)
        run(flow, flow->now + (tight ? 2 * LATE_NS : SLOW_NS), false);
    if (which == FLOW_BURST)
        burst(flow, result);
    forget(flow);
    run(flow, flow->now + RUN_NS, false);
    conclude(flow, RUN_NS, result);
}

static void end(struct flow *flow)
{
    for (unsigned i = 0; i < FLOW_MEMBERS; i++) {
        struct node *n = &flow->nodes[i];
        for (size_t k = 0; k < n->count; k++)
            gcs_buffer_unref(n->inbox[(n->first + k) % n->capacity].event.buffer);
        gcs_core_free(n->core);
        free(n->inbox);
    }
    gcs_sim_free(flow->sim);
}

bool flow_run(uint64_t seed, enum flow_case which, struct flow_result *result)
{
    struct flow flow = {.now = 1000 * MS, .room = ROOM};
    struct gcs_sim_config config;

    memset(result, 0, sizeof(*result));
    gcs_sim_config_init(&config);
    config.seed = seed;
    config.start_ns = flow.now;
    flow.sim = gcs_sim_new(&config);
    flow.failed = !flow.sim || !form(&flow, seed);
    if (!flow.failed)
        drive(&flow, which, result);
    end(&flow);
    return !flow.failed;
}
