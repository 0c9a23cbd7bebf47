/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcs_next: the next event to the application, which owns what the event points
 * to until its next call. A delivery is a whole packet; its messages are listed in
 * an array that is part of the endpoint and used again, so that handing out events
 * takes no memory and cannot fail.
 *
 * Without GCS_OWN_LOOP events come out of the ring. gcs_fd is readable as long as there
 * are any: the loop raises it after adding events, and only gcs_next lowers it, when
 * it finds the ring empty; then it looks once more, and raises it itself if something came
 * in between. In a stream of events nobody calls the kernel for it.
 *
 * With GCS_OWN_LOOP gcs_next takes events from the core, and while it waits it is
 * the loop.
 */
#include "gcs/endpoint.h"

#include <assert.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Looking so many times before sleeping catches what is just being delivered. */
#define LOOKS 16

/* The loop learns at the latest after so many events that they are done with. */
#define ANNOUNCE_MAX 64

/* ---- Filling in struct gcs_event -------------------------------------------------------- */

static void fill_messages(struct gcs_held *held, struct gcs_event *event)
{
    const struct gcs_core_event *core = held->event;
    size_t count = 0;

    while (count < GCS_EVENT_MESSAGES &&
           gcs_core_event_message(core, &held->offset, &held->messages[count]))
        count++;
    event->sender = core->sender;
    event->service = core->service;
    event->number = core->number + held->delivered;
    event->messages = held->messages;
    event->count = count;
    event->time = core->time;
    event->seed = core->seed + held->delivered * GCS_SEED_STEP; /* as if all were one event */
    /* Fewer than announced would be a bug of the core's: then these are all. */
    held->delivered = count == GCS_EVENT_MESSAGES ? held->delivered + count : core->count;
    /* The packet is delivered with the last of its messages. */
    if (core->position > 0)
        event->position = core->position - (held->delivered < core->count);
}

static bool has_messages(const struct gcs_core_event *core)
{
    return core->type == GCS_EVENT_DELIVER || core->type == GCS_EVENT_PRIVATE;
}

/* A piece of the state is the event's one message. */
static void fill_state(struct gcs_held *held, struct gcs_event *event)
{
    const struct gcs_core_event *core = held->event;

    held->messages[0] = (struct gcs_message){core->payload, core->payload_size};
    event->sender = core->sender;
    event->offset = core->offset;
    event->total = core->total;
    event->messages = held->messages;
    event->count = core->type == GCS_EVENT_STATE;
}

static void fill_stable(const struct gcs_core_event *core, struct gcs_event *event)
{
    event->sender = core->sender;
    event->number = core->number;
}

static void fill_slow(const struct gcs_core_event *core, struct gcs_event *event)
{
    event->sender = core->sender;
    event->waited_ms = core->waited_ms;
}

static void fill(struct gcs_held *held, struct gcs_event *event)
{
    const struct gcs_core_event *core = held->event;

    *event = (struct gcs_event){
        .type = core->type,
        .group = core->user,
        .error = core->error,
        .change = core->change,
    };
    if (has_messages(core))
        fill_messages(held, event);
    else if (core->type == GCS_EVENT_STABLE)
        fill_stable(core, event);
    else if (core->type == GCS_EVENT_SLOW)
        fill_slow(core, event);
    else if (core->type >= GCS_EVENT_STATE_WANTED)
        fill_state(held, event);
}

static void hold(struct gcs_held *held, struct gcs_core_event *core)
{
    held->event = core;
    held->offset = 0;
    held->delivered = 0;
}

/* A packet with more messages than one event lists is not done with yet. */
static bool has_more(const struct gcs_held *held)
{
    return held->event && has_messages(held->event) && held->delivered < held->event->count;
}

/* ---- From the ring ---------------------------------------------------------------------- */

static void announce(struct gcs_endpoint *endpoint, uint32_t after)
{
    struct gcs_feed *feed = &endpoint->feed;
    uint32_t consumed = atomic_load_explicit(&feed->consumed, memory_order_relaxed);

    if (consumed - feed->announced >= after) {
        feed->announced = consumed;
        gcs_loop_wake(endpoint);
    }
}

static void let_go(struct gcs_endpoint *endpoint)
{
    struct gcs_feed *feed = &endpoint->feed;
    uint32_t often = feed->capacity / 4;

    if (atomic_load_explicit(&feed->consumed, memory_order_relaxed) == feed->taken)
        return;
    endpoint->held.event = NULL;
    atomic_store(&feed->consumed, feed->taken);
    announce(endpoint, often < 1 ? 1 : often > ANNOUNCE_MAX ? ANNOUNCE_MAX : often);
}

static bool pop(struct gcs_endpoint *endpoint, struct gcs_event *event)
{
    struct gcs_feed *feed = &endpoint->feed;

    if (feed->taken == atomic_load(&feed->produced))
        return false;
    hold(&endpoint->held, &feed->slots[feed->taken & (feed->capacity - 1)]);
    feed->taken++;
    fill(&endpoint->held, event);
    /* Nothing in this event points into the core: the group may be joined again at once. */
    if (event->type == GCS_EVENT_LEFT)
        let_go(endpoint);
    return true;
}

/* The ring is empty: the descriptor shall say so, and not hide what comes in meanwhile. */
static void lower(struct gcs_endpoint *endpoint)
{
    struct gcs_feed *feed = &endpoint->feed;
    uint64_t count;

    /* Read even if not raised: whoever raised it may have been late to write. */
    ssize_t got = read(endpoint->ready_fd, &count, sizeof(count));
    (void)got;
    atomic_store(&feed->raised, false);
    if (feed->taken != atomic_load(&feed->produced) || atomic_load(&endpoint->closing))
        gcs_feed_raise(endpoint);
}

static void wait_readable(int fd, uint64_t ns)
{
    struct pollfd pollfd = {.fd = fd, .events = POLLIN};
    struct timespec time = {
        .tv_sec = (time_t)(ns / GCS_NS_PER_S),
        .tv_nsec = (long)(ns % GCS_NS_PER_S),
    };

    (void)ppoll(&pollfd, 1, ns == GCS_NEVER ? NULL : &time, NULL);
}

static int next_from_ring(struct gcs_endpoint *endpoint, struct gcs_event *event, int timeout_ms)
{
    uint64_t deadline = 0;
    int looks = 0;

    gcs_endpoint_set_consumer(endpoint);
    let_go(endpoint);
    for (;;) {
        if (atomic_load(&endpoint->closing))
            return gcs_fail(GCS_ECLOSED, "the endpoint is being closed");
        if (pop(endpoint, event))
            return 1;
        if (looks == 0) {
            announce(endpoint, 1);
            deadline = timeout_ms == 0 ? 0 : gcs_clock_deadline(timeout_ms);
        }
        if (timeout_ms != 0 && looks++ < LOOKS) {
            sched_yield();
            continue;
        }
        lower(endpoint);
        uint64_t left = deadline == 0 ? 0 : gcs_clock_left(deadline, gcs_clock_wait());
        if (left == 0)
            return pop(endpoint, event);
        wait_readable(endpoint->ready_fd, left);
    }
}

/* ---- From the core, in the caller's own loop -------------------------------------------- */

static void let_go_own(struct gcs_endpoint *endpoint)
{
    struct gcs_held *held = &endpoint->held;

    if (held->event) {
        held->event = NULL;
        gcs_feed_give_back(endpoint, &endpoint->held_event);
    }
}

static bool take_own(struct gcs_endpoint *endpoint, struct gcs_event *event)
{
    struct gcs_held *held = &endpoint->held;

    if (endpoint->next_there)
        endpoint->held_event = endpoint->next_event;
    else if (!gcs_feed_take(endpoint, &endpoint->held_event))
        return false;
    endpoint->next_there = false;
    hold(held, &endpoint->held_event);
    fill(held, event);
    if (event->type == GCS_EVENT_LEFT)
        let_go_own(endpoint);
    return true;
}

/* Does the work and waits until there is an event. Called and left with the lock, but for an
 * error. */
static int wait_own(struct gcs_endpoint *endpoint, struct gcs_event *event, int timeout_ms)
{
    uint64_t deadline = gcs_clock_deadline(timeout_ms);

    for (;;) {
        gcs_own_begin(endpoint);
        bool busy = gcs_loop_round(endpoint);
        if (take_own(endpoint, event))
            return 1;
        uint64_t left = gcs_clock_left(deadline, gcs_clock_wait());
        if (left == 0)
            return 0;
        if (busy || endpoint->again)
            continue;
        gcs_loop_idle(endpoint, left);
        int error = gcs_endpoint_lock(endpoint);
        if (error)
            return error;
    }
}

static int next_own(struct gcs_endpoint *endpoint, struct gcs_event *event, int timeout_ms)
{
    int result = gcs_endpoint_lock(endpoint);

    if (result)
        return result;
    gcs_endpoint_set_consumer(endpoint);
    if (has_more(&endpoint->held)) {
        fill(&endpoint->held, event);
        gcs_endpoint_unlock(endpoint);
        return 1;
    }
    let_go_own(endpoint);
    if (take_own(endpoint, event)) {
        gcs_own_arm(endpoint, false);
        gcs_endpoint_unlock(endpoint);
        return 1;
    }
    if (timeout_ms != 0)
        result = wait_own(endpoint, event, timeout_ms);
    if (result >= 0) {
        gcs_own_end(endpoint);
        gcs_endpoint_unlock(endpoint);
    }
    return result;
}

/* ---- gcs_next --------------------------------------------------------------------------- */

int gcs_next(struct gcs_endpoint *endpoint, struct gcs_event *event, int timeout_ms)
{
    if (!endpoint || !event)
        return gcs_fail(GCS_EINVAL, "%s is NULL", endpoint ? "event" : "endpoint");
    int result = gcs_endpoint_enter(endpoint);
    if (result)
        return result;
    if (endpoint->own_loop) {
        result = next_own(endpoint, event, timeout_ms);
    } else if (has_more(&endpoint->held)) {
        fill(&endpoint->held, event);
        result = 1;
    } else {
        result = next_from_ring(endpoint, event, timeout_ms);
    }
    gcs_endpoint_leave(endpoint);
    return result;
}
