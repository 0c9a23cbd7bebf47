/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The run itself: grow, load and hurt, heal, get well, ask once more, be
 * quiet. Guarantees that every phase ends within a bounded virtual time, and
 * that a run that takes too many steps is reported rather than going on for
 * ever.
 */
#include "tests/sim/schedule.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define GROW_NS        (30 * SECOND)
#define LIVENESS_NS    (30 * SECOND)
#define QUIET_NS       (200 * MS)
#define TICK_NS        (5 * MS)
#define STEPS_MAX      20000000U /* and more for each pair of members, who send heartbeats: */
#define STEPS_MAX_PAIR 4000U

static void __attribute__((format(printf, 3, 0)))
report(struct world *world, const char *property, const char *format, va_list arguments)
{
    uint32_t last = world->result->log.count ? (uint32_t)world->result->log.count - 1 : 0;
    char text[256];

    vsnprintf(text, sizeof(text), format, arguments);
    verdict_add(&world->result->verdict, property, 0, last, "%s", text);
}

void world_note(struct world *world, const char *property, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    report(world, property, format, arguments);
    va_end(arguments);
}

void world_fail(struct world *world, const char *property, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    report(world, property, format, arguments);
    va_end(arguments);
    world->phase = PHASE_DONE;
}

bool world_failed(const struct world *world)
{
    return world->result->verdict.count > 0;
}

bool world_has(const struct world *world, enum world_fault fault)
{
    return world->options.faults >> fault & 1;
}

void world_after(struct world *world, uint64_t delay, enum timer kind, unsigned node,
                 uint64_t value)
{
    if (gcs_sim_timer(world->sim, node, world->now + delay, TIMER_COOKIE(kind, value)))
        world_fail(world, "memory", "out of memory");
}

/* ---- Building it -------------------------------------------------------------- */

static void choose_sizes(struct world *world)
{
    static const uint32_t packets[] = {1200, 1452, 1452, 8952};
    static const uint32_t windows[] = {16, 64, 256};
    struct gcs_core_config *core = &world->core_config;
    struct gcs_group_config *group = &world->group_config;

    gcs_core_config_init(core);
    gcs_group_config_init(group);
    world->packet_bytes = packets[gcs_prng_below(&world->prng, 4)];
    core->packet_bytes = world->packet_bytes;
    core->receive_bytes = 1U << gcs_prng_between(&world->prng, 18, 22);
    core->cluster = 7;
    group->order = world->options.order;
    group->window_packets = windows[gcs_prng_below(&world->prng, 3)];
    if (gcs_prng_below(&world->prng, 2) == 0)
        group->queue_bytes = 1U << gcs_prng_between(&world->prng, 16, 19);
    group->message_bytes = 1U << 16;
    if (world->options.seed % 2 == 1)
        group->slow_ns = 30 * MS;
    core->multicast = world->options.region_size > 0 && world->options.seed % 4 == 0;
    if (world->options.region_size > 0)
        group->region_size = world->options.region_size;
    /* Mostly one vote each, as the default is. */
    world->weighted = gcs_prng_below(&world->prng, 5) == 0;
    group->state = gcs_prng_below(&world->prng, 2) == 0;
    if (gcs_prng_below(&world->prng, 2) == 0)
        group->state_queue_bytes = 1U << gcs_prng_between(&world->prng, 13, 18);
    world->leases = gcs_prng_below(&world->prng, 2) == 0;
    group->rejoin = gcs_prng_below(&world->prng, 2) == 0;
    group->tie_breaker = gcs_prng_below(&world->prng, 5) == 0;
    /* Beside the draws, so that all else about a seed stays as it was. */
    uint64_t draw = world->options.seed * 3 + 1;
    uint64_t random = gcs_prng_split(&draw);
    group->safe_quorum = random % 4 == 0 ? GCS_SAFE_ALL : GCS_SAFE_MAJORITY;
    group->rotate = random / 4 % 3 == 0;
    group->stable = random / 12 % 2 == 0;
    world->sites = random / 24 % 4 == 0 ? 1 + (unsigned)(random / 96 % 3) : 0;
    world->longs = random / 1152 % 8 == 0;
    if (world->longs) { /* several times a window, and memory for one of the longest or a few */
        group->message_bytes = 4 * group->window_packets << 10;
        core->assembly_bytes = group->message_bytes + random / 9216 % 2 * 2 * group->message_bytes;
    }
}

static void build(struct world *world, const struct world_options *options,
                  struct world_result *result)
{
    struct gcs_sim_config config;

    memset(world, 0, sizeof(*world));
    memset(result, 0, sizeof(*result));
    log_init(&result->log);
    world->options = *options;
    world->result = result;
    world->now = SECOND;
    world->latest_coordinator = NONE;
    gcs_prng_init(&world->prng, options->seed);
    choose_sizes(world);
    gcs_sim_config_init(&config);
    config.seed = gcs_prng_next(&world->prng);
    config.start_ns = world->now;
    config.nodes = options->members;
    world->sim = gcs_sim_new(&config);
    world->nodes = memory_new(options->members, sizeof(*world->nodes));
    world->seeds = memory_new(options->members, sizeof(*world->seeds));
    world->scratch = memory_new(world->group_config.message_bytes, 1);
    world->line_capacity = 1024;
    world->line = memory_new(world->line_capacity, 1);
    world->safety_ns = gcs_prng_between(&world->prng, 2, 5) * SECOND;
    for (unsigned i = 0; i < options->members; i++) {
        node_init(world, &world->nodes[i], i);
        world->seeds[i] = world->nodes[i].address;
        gcs_sim_add_node(world->sim);
        gcs_sim_listen(world->sim, i, false);
    }
}

static void tear_down(struct world *world)
{
    for (unsigned i = 0; i < world->options.members; i++)
        node_free(world, &world->nodes[i]);
    world->result->network = *gcs_sim_counters(world->sim);
    gcs_sim_free(world->sim);
    map_clear(&world->planned_by_hash);
    private_free(world);
    map_clear(&world->seen);
    map_clear(&world->pieces);
    free(world->planned);
    free(world->actions);
    free(world->known);
    free(world->nodes);
    free(world->seeds);
    free(world->scratch);
    free(world->line);
}

/* ---- Phases ---------------------------------------------------------------------- */

static void enter(struct world *world, enum phase phase, uint64_t length)
{
    world->phase = phase;
    world->phase_ends = world->now + length;
}

/* The network in which a group is founded together: two sides at first, and links that lose. */
static void darken(struct world *world, struct gcs_prng *prng)
{
    unsigned count = world->options.members;
    uint32_t loss = (uint32_t)gcs_prng_below(prng, 300000);

    for (unsigned i = 0; i < count && world_has(world, WORLD_PARTITION); i++)
        gcs_sim_side(world->sim, i, (unsigned)gcs_prng_below(prng, 2));
    for (unsigned i = 0; i < count * count && world_has(world, WORLD_LOSS); i++)
        gcs_sim_link(world->sim, i / count, i % count)->loss_ppm = loss;
    for (unsigned i = 0; i < count && count > 1 && world_has(world, WORLD_CUT); i++)
        gcs_sim_link(world->sim, i, (unsigned)gcs_prng_below(prng, count))->cut = true;
    world->dark = true;
    world_after(world, gcs_prng_below(prng, 3 * SECOND), TIMER_DAWN, 0, 0);
}

static void dawn(struct world *world)
{
    world->dark = false;
    fault_unite(world);
    gcs_sim_heal(world->sim);
}

/* How the group is founded is no matter of the world's dice, so that the others fall as ever. */
static void choose_birth(struct world *world)
{
    struct gcs_prng prng;

    gcs_prng_init(&prng, world->options.seed ^ UINT64_C(0x6269727468));
    switch (gcs_prng_below(&prng, 10)) {
    case 0:
    case 1:
        world->birth = GCS_EXPECT;
        break;
    case 2:
        world->birth = GCS_LOOK;
        break;
    default:
        world->birth = GCS_CREATE;
    }
    for (unsigned i = 0; i < world->options.members; i++)
        world->nodes[i].bootstrap = world->birth == GCS_CREATE && i > 0 ? GCS_JOIN : world->birth;
    world->result->stats.expected += world->birth == GCS_EXPECT;
    world->result->stats.looked += world->birth == GCS_LOOK;
    if (world->birth != GCS_CREATE)
        darken(world, &prng);
}

/* The founder at once, most others soon after, sometimes one only under load. */
static void start_all(struct world *world)
{
    unsigned late = world->options.members > 3 && gcs_prng_below(&world->prng, 3) == 0;

    enter(world, PHASE_GROW, GROW_NS);
    choose_birth(world);
    for (unsigned i = 0; i < world->options.members - late; i++) {
        uint64_t at = i == 0 ? 0 : gcs_prng_below(&world->prng, 50 * MS);

        world_after(world, at, TIMER_JOIN, i, 0);
    }
    world_after(world, TICK_NS, TIMER_TICK, 0, 0);
}

/* Every node that has been started has arrived, and all in one view. */
static bool has_grown(struct world *world)
{
    const struct node *model = NULL;
    unsigned started = 0;

    for (unsigned i = 0; i < world->options.members; i++) {
        const struct node *node = &world->nodes[i];

        if (!node->core)
            continue;
        if (!model)
            model = node;
        if (world->dark || !node_in_group(node) || node->lineage != model->lineage ||
            node->epoch != model->epoch)
            return false;
        started++;
    }
    if (!model || world->now <= SECOND + 60 * MS ||
        world->result->log.records[model->view_record].members_count != started)
        return false;
    recorder_settle(world, model);
    return true;
}

static void begin_safety(struct world *world)
{
    enter(world, PHASE_SAFETY, world->safety_ns);
    schedule_plan(world);
    workload_plan(world);
    private_plan(world);
    for (unsigned i = 0; i < world->options.members; i++) {
        if (world->birth == GCS_LOOK)
            world->nodes[i].bootstrap = GCS_JOIN; /* there is one lineage, and that is to stay so */
        if (!world->nodes[i].core)
            world_after(world, gcs_prng_below(&world->prng, world->safety_ns / 2), TIMER_JOIN, i,
                        0);
    }
}

static void fail_liveness(struct world *world, const char *what, const char *why)
{
    world_fail(world, world->apart ? "state" : "liveness", "%s: %s", what, why);
}

static void tick(struct world *world)
{
    char why[160] = "";
    bool over = world->now >= world->phase_ends;
    bool well = world->phase >= PHASE_LIVENESS && liveness_is_well(world, why, sizeof(why));

    switch (world->phase) {
    case PHASE_GROW:
        if (has_grown(world))
            begin_safety(world);
        else if (over)
            fail_liveness(world, "the group does not grow", "not everybody got in");
        break;
    case PHASE_SAFETY:
        if (over) {
            schedule_heal(world);
            enter(world, PHASE_LIVENESS, LIVENESS_NS);
        }
        break;
    case PHASE_LIVENESS:
    case PHASE_PROBE:
        if (well && world->phase == PHASE_LIVENESS) {
            workload_probe(world);
            world->phase = PHASE_PROBE; /* within the same time */
        } else if (well) {
            enter(world, PHASE_QUIET, QUIET_NS);
        } else if (over) {
            fail_liveness(world, "does not get well", why);
        }
        break;
    case PHASE_QUIET:
        if (!well)
            fail_liveness(world, "did not stay well", why);
        else if (over)
            world->phase = PHASE_DONE;
        break;
    case PHASE_DONE:
        return;
    }
    world_after(world, TICK_NS, TIMER_TICK, 0, 0);
}

/* ---- The loop ----------------------------------------------------------------------- */

static void on_join(struct world *world, struct node *node)
{
    if (!node->core && !node->started) {
        node_start(world, node);
    } else if (node->core && !node->group) {
        node->wanted = true;
        node_join(world, node);
    }
}

static void on_timer(struct world *world, const struct gcs_sim_event *event)
{
    struct node *node = &world->nodes[event->node];
    uint64_t value = event->cookie & 0xffffffffffffffU;

    switch ((enum timer)(event->cookie >> 56)) {
    case TIMER_WAKE:
        node_wake(world, node, value);
        break;
    case TIMER_SUBMIT:
        workload_submit(world, (uint32_t)value);
        break;
    case TIMER_ACTION:
        schedule_act(world, (uint32_t)value);
        break;
    case TIMER_TICK:
        tick(world);
        break;
    case TIMER_JOIN:
        on_join(world, node);
        break;
    case TIMER_DAWN:
        dawn(world);
        break;
    case TIMER_PRIVATE:
        node->private_count = node->group ? value : 0;
        node_wake_at(world, node, world->now);
        break;
    }
}

static void loop(struct world *world)
{
    struct gcs_sim_event event;
    uint64_t members = world->options.members, steps = 0;
    uint64_t steps_max = STEPS_MAX + STEPS_MAX_PAIR * members * members;

    while (world->phase != PHASE_DONE && gcs_sim_next(world->sim, &event)) {
        world->now = event.now;
        if (event.type == GCS_SIM_TIMER)
            on_timer(world, &event);
        else
            node_input(world, &world->nodes[event.node], &event);
        if (++steps == steps_max)
            fail_liveness(world, "too many steps", "somebody runs in circles");
    }
}

/* What the checkers find comes first: being stuck is often only its consequence. */
static void judge(struct world *world)
{
    struct verdict *verdict = &world->result->verdict;
    struct verdict found;
    bool complete = !world_failed(world);

    workload_finish(world);
    world->result->stats.records += world->result->log.count;
    world->result->stats.virtual_ms += (world->now - SECOND) / MS;
    world->result->stats.runs++;
    check_all(&world->result->log, complete, &found);
    for (size_t i = 0; i < verdict->count; i++) {
        const struct violation *violation = &verdict->violations[i];

        verdict_add(&found, violation->property, violation->first, violation->record, "%s",
                    violation->text);
    }
    verdict_clear(verdict);
    *verdict = found;
}

void world_run(const struct world_options *options, struct world_result *result)
{
    struct world world;

    build(&world, options, result);
    start_all(&world);
    loop(&world);
    judge(&world);
    tear_down(&world);
}

void world_result_clear(struct world_result *result)
{
    verdict_clear(&result->verdict);
    log_clear(&result->log);
}

void world_explain(const struct world_result *result, FILE *out)
{
    const struct verdict *verdict = &result->verdict;
    uint32_t window[40];
    char text[512];
    size_t count, shown;

    for (size_t i = 0; i < verdict->count; i++)
        fprintf(out, "%s: %s\n", verdict->violations[i].property, verdict->violations[i].text);
    if (verdict->count == 0)
        return;
    count = violation_window(&result->log, &verdict->violations[0], window,
                             sizeof(window) / sizeof(*window));
    shown = count < sizeof(window) / sizeof(*window) ? count : sizeof(window) / sizeof(*window);
    fprintf(out, "the last %zu of %zu events that have to do with the first one:\n", shown, count);
    for (size_t i = 0; i < shown; i++) {
        log_describe(&result->log, &result->log.records[window[i]], text, sizeof(text));
        fprintf(out, "%s\n", text);
    }
}
