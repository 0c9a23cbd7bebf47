/* SPDX-License-Identifier: BSD-3-Clause */
/* A member of the group that is measured: see member.h. */
#include "member.h"

#include "clock.h"
#include "netns.h"
#include "remote.h"

#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>

#define GROUP_NAME "gcs-bench"

/* Longest wait without a look at what the parent wants. */
#define LOOK_NS (5 * BENCH_NS_PER_MS)

/* Before a message is due, waiting by yielding: a sleep may end this much too late. */
#define YIELD_NS (50 * BENCH_NS_PER_US)

void bench_member_break(struct bench_member *member, const char *format, ...)
{
    va_list arguments;

    if (member->broken)
        return;
    member->broken = true;
    if (format) { /* else it is there already */
        va_start(arguments, format);
        vsnprintf(member->seat->error, sizeof(member->seat->error), format, arguments);
        va_end(arguments);
    }
    atomic_store(&member->seat->state, BENCH_BROKEN);
}

static bool is_over(const struct bench_member *member)
{
    return member->broken || atomic_load_explicit(&member->world->quit, memory_order_relaxed);
}

/* ---- Work and waiting -------------------------------------------------------------------- */

static void take_events(struct bench_member *member, int timeout_ms)
{
    struct gcs_event event;
    int result;

    while (!member->broken && (result = gcs_next(member->endpoint, &event, timeout_ms)) != 0) {
        if (result < 0)
            bench_member_break(member, "gcs_next: %s", gcs_detail());
        else
            bench_member_event(member, &event);
        timeout_ms = 0;
    }
}

static void dispatch(struct bench_member *member)
{
    int result = member->options->library_loop ? 0 : gcs_dispatch(member->endpoint);

    if (result < 0)
        bench_member_break(member, "gcs_dispatch: %s", gcs_detail());
    else
        take_events(member, 0);
}

/* Until a message is due, exactly; sooner if the protocol has work. */
static void wait_exactly(struct bench_member *member, uint64_t ns)
{
    struct pollfd fd = {.fd = gcs_fd(member->endpoint), .events = POLLIN};
    struct timespec time = bench_timespec(ns > YIELD_NS ? ns - YIELD_NS : 0);

    if (ns > YIELD_NS)
        (void)ppoll(&fd, 1, &time, NULL);
    else
        (void)sched_yield();
    dispatch(member);
}

static void note_time(struct bench_member *member);

/* Who is measured while nothing is to be done shall not be woken for a look. */
static int look_ms(const struct bench_member *member)
{
    uint64_t end = atomic_load_explicit(&member->world->end, memory_order_relaxed);

    if (member->load.pace != BENCH_SILENT || !member->begun || member->ended ||
        end < member->now + LOOK_NS)
        return (int)(LOOK_NS / BENCH_NS_PER_MS);
    return (int)((end - member->now) / BENCH_NS_PER_MS);
}

/* Sends what is due by then, lets the protocol work, waits if there is nothing to do. */
static void step(struct bench_member *member, bool sending)
{
    uint64_t due = sending ? bench_load_due(&member->load) : GCS_NEVER;

    member->now = bench_now();
    note_time(member);
    bench_remote_step(member);
    if (due <= member->now) {
        int result = bench_load_send(&member->load, member->now);
        if (result < 0)
            bench_member_break(member, "gcs_multicast: %s", gcs_detail());
        else
            dispatch(member);
        if (member->load.pace == BENCH_BY_RATE && bench_load_due(&member->load) > member->now)
            (void)sched_yield(); /* in time: whoever has more to do shall run */
    } else if (due - member->now >= LOOK_NS) {
        take_events(member, look_ms(member));
    } else if (member->load.pace == BENCH_BY_RATE) {
        wait_exactly(member, due - member->now);
    } else {
        take_events(member, 1);
    }
}

/* ---- Joining -------------------------------------------------------------------------------- */

static bool open_endpoint(struct bench_member *member)
{
    const struct bench_options *options = member->options;
    struct gcs_endpoint_options endpoint;
    char url[1024];

    if (options->netns && !bench_netns_enter(options->netns, member->index, member->seat->error,
                                             sizeof(member->seat->error))) {
        bench_member_break(member, NULL);
        return false;
    }
    gcs_endpoint_options_init(&endpoint);
    endpoint.flags = options->library_loop ? 0 : GCS_OWN_LOOP;
    if (options->heartbeat_ms)
        endpoint.heartbeat_ms = options->heartbeat_ms;
    if (options->suspect_ms)
        endpoint.suspect_ms = options->suspect_ms;
    if (!bench_expand(options->url, member->index, url, sizeof(url)) ||
        gcs_open(url, &endpoint, &member->endpoint) < 0) {
        bench_member_break(member, "gcs_open: %s", gcs_detail());
        return false;
    }
    return true;
}

static bool join_group(struct bench_member *member)
{
    const struct bench_options *options = member->options;
    const struct bench_seat *founder = &member->world->seats[0];
    struct gcs_group_config config;

    gcs_group_config_init(&config);
    bool guest = member->remote && member->remote->guest;
    config.bootstrap = member->index == 0 && !guest ? GCS_CREATE : GCS_JOIN;
    config.order = options->order;
    config.state = member->plan->state;
    if (options->state_queue_bytes)
        config.state_queue_bytes = options->state_queue_bytes;
    if (options->window_bytes)
        config.window_bytes = options->window_bytes;
    if (options->queue_bytes)
        config.queue_bytes = options->queue_bytes;
    if (member->index > 0) {
        config.seeds = &founder->id.address;
        config.seeds_count = 1;
    }
    if (gcs_join(member->endpoint, GROUP_NAME, &config, &member->group) < 0) {
        bench_member_break(member, "gcs_join: %s", gcs_detail());
        return false;
    }
    return true;
}

/* Until the founder can be reached. */
static void wait_for_founder(const struct bench_member *member)
{
    while (!is_over(member) && atomic_load(&member->world->seats[0].state) < BENCH_SEATED)
        (void)poll(NULL, 0, 1);
}

/* The others are at work: until it is time to join them. Nobody needs the id of one who does not
 * send. */
static void wait_to_join(const struct bench_member *member)
{
    struct bench_world *world = member->world;
    uint64_t begin;

    atomic_store(&member->seat->state, BENCH_READY);
    while (!is_over(member) && ((begin = atomic_load(&world->begin)) == 0 || bench_now() < begin))
        (void)poll(NULL, 0, 1);
    atomic_store(&world->disturbed, bench_now());
}

/* ---- The phases of a run ----------------------------------------------------------------------
 */

static void take_mark(const struct bench_member *member, struct bench_mark *mark)
{
    bench_mark_process(mark);
    mark->messages = member->check.messages;
    mark->bytes = member->check.bytes;
    (void)gcs_counters_get(member->endpoint, &mark->counters);
}

/* Whether the time that counts has begun or ended. */
static void note_time(struct bench_member *member)
{
    uint64_t begin = atomic_load_explicit(&member->world->begin, memory_order_relaxed);
    uint64_t end = atomic_load_explicit(&member->world->end, memory_order_relaxed);

    if (!member->begun && begin != 0 && member->now >= begin) {
        member->begun = true;
        member->last_delivery = member->now;
        member->seat->rss_begin_kib = bench_peak_rss_kib();
        take_mark(member, &member->seat->begin);
    }
    if (member->begun && !member->ended && end != 0 && member->now >= end) {
        if (member->now - member->last_delivery > member->seat->gap_ns)
            member->seat->gap_ns = member->now - member->last_delivery;
        member->ended = true;
        take_mark(member, &member->seat->end);
    }
}

static void work(struct bench_member *member)
{
    struct bench_world *world = member->world;
    uint64_t start = 0;

    while (!is_over(member) && (start = atomic_load(&world->start)) == 0)
        step(member, false);
    if (is_over(member))
        return;
    if (!bench_load_init(&member->load, member->options, member->plan->pace, member->index,
                         member->group, start, atomic_load(&world->begin)))
        bench_member_break(member, "out of memory");
    while (!is_over(member) && !member->ended)
        step(member, bench_is_sender(member->options, member->index));
    member->seat->sent = member->load.sent;
    if (bench_is_sender(member->options, member->index))
        member->seat->unsent = bench_load_unsent(&member->load, atomic_load(&world->end));
    bench_load_fini(&member->load);
}

static void finish(struct bench_member *member)
{
    struct bench_seat *seat = member->seat;

    atomic_store(&seat->state, BENCH_STOPPED);
    while (!is_over(member) && !bench_member_is_complete(member))
        step(member, false);
    if (is_over(member))
        return;
    bench_check_end(&member->check);
    seat->messages = member->check.messages;
    seat->digest = member->check.digest;
    seat->view_digest = member->check.view_digest;
    seat->rss_kib = bench_peak_rss_kib();
    atomic_store(&seat->state, BENCH_DONE);
    while (!is_over(member))
        step(member, false);
}

void bench_member_guest_run(struct bench_member *member)
{
    if (!open_endpoint(member))
        return;
    if (join_group(member)) {
        while (!is_over(member) && !member->remote->set_up)
            step(member, false);
        if (!is_over(member)) {
            bench_check_init(&member->check, member->options->size, false);
            work(member);
        }
        if (!is_over(member))
            finish(member);
        if (member->broken && member->remote->set_up) { /* whoever is waiting shall know */
            bench_remote_step(member);
            dispatch(member);
        }
    }
    gcs_close(member->endpoint);
}

void bench_member_run(const struct bench_options *options, struct bench_world *world,
                      unsigned index, void *extra)
{
    const unsigned first = options->members - options->joiners;
    struct bench_remote remote = {.guest = false};
    struct bench_member member = {
        .options = options,
        .plan = extra,
        .world = world,
        .seat = &world->seats[index],
        .index = index,
    };

    if (index == 0 && options->elsewhere > 0)
        member.remote = &remote;
    bench_check_init(&member.check, options->size, index >= first);
    if (index > 0)
        wait_for_founder(&member);
    if (!open_endpoint(&member))
        return;
    if (index >= first && member.plan->state &&
        !bench_member_take_memory(options->state_queue_bytes))
        bench_member_break(&member, "out of memory");
    if (index >= first)
        wait_to_join(&member);
    if (join_group(&member))
        work(&member);
    if (!is_over(&member))
        finish(&member);
    gcs_close(member.endpoint);
}
