/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opening and closing an endpoint. gcs_open leaves nothing behind when it fails.
 * gcs_close guarantees that every call that another thread has begun returns
 * GCS_ECLOSED, that nothing is freed while one of them is still inside, and that
 * no descriptor or byte stays. In the child after fork it frees what is safe to
 * free and touches neither the protocol nor the network.
 */
#include "gcs/endpoint.h"

#include "gcs/base/memory.h"
#include "gcs/base/trace.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define CLOSE_POLL_NS 50000

static void *heap_allocate(void *ctx, size_t size)
{
    (void)ctx;
    return malloc(size);
}

static void heap_release(void *ctx, void *memory)
{
    (void)ctx;
    free(memory);
}

static const struct gcs_allocator heap = {.allocate = heap_allocate, .release = heap_release};

/* ---- Who is inside ---------------------------------------------------------------- */

int gcs_endpoint_enter(struct gcs_endpoint *endpoint)
{
    if (gcs_fork_mark_child(endpoint->fork_mark))
        return gcs_fail(GCS_EFORKED, "the endpoint belongs to the parent process");
    atomic_fetch_add(&endpoint->inside, 1);
    if (atomic_load(&endpoint->closing)) {
        gcs_endpoint_leave(endpoint);
        return gcs_fail(GCS_ECLOSED, "the endpoint is being closed");
    }
    return 0;
}

/* The endpoint may be gone as soon as the count has gone down. */
void gcs_endpoint_leave(struct gcs_endpoint *endpoint)
{
    atomic_fetch_sub(&endpoint->inside, 1);
}

/*
 * The loop changes hands for a round or a call into the core: too short to sleep for.
 */
int gcs_endpoint_lock(struct gcs_endpoint *endpoint)
{
    while (atomic_exchange_explicit(&endpoint->busy, true, memory_order_acquire)) {
        if (atomic_load(&endpoint->closing))
            return gcs_fail(GCS_ECLOSED, "the endpoint is being closed");
        sched_yield();
    }
    if (atomic_load(&endpoint->closing)) {
        gcs_endpoint_unlock(endpoint);
        return gcs_fail(GCS_ECLOSED, "the endpoint is being closed");
    }
    return 0;
}

void gcs_endpoint_unlock(struct gcs_endpoint *endpoint)
{
    atomic_store_explicit(&endpoint->busy, false, memory_order_release);
}

bool gcs_endpoint_is_consumer(const struct gcs_endpoint *endpoint, bool or_nobody)
{
    uintptr_t consumer = atomic_load_explicit(&endpoint->consumer, memory_order_relaxed);
    return consumer == (uintptr_t)pthread_self() || (or_nobody && consumer == 0);
}

void gcs_endpoint_set_consumer(struct gcs_endpoint *endpoint)
{
    if (!gcs_endpoint_is_consumer(endpoint, false))
        atomic_store_explicit(&endpoint->consumer, (uintptr_t)pthread_self(),
                              memory_order_relaxed);
}

/* ---- Open --------------------------------------------------------------------------- */

static int open_transport(struct gcs_endpoint *endpoint, const char *url)
{
    char sentence[400] = "";
    int error = gcs_transport_open(url, &endpoint->transport, sentence, sizeof(sentence));

    if (error)
        return gcs_fail(error, "%s", sentence);
    gcs_address_format(endpoint->transport->ops->address(endpoint->transport), endpoint->address,
                       sizeof(endpoint->address));
    return 0;
}

static int watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

/* The caller's loop waits on one descriptor for three. */
static int open_own_loop(struct gcs_endpoint *endpoint)
{
    struct gcs_transport *transport = endpoint->transport;

    endpoint->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (endpoint->timer_fd < 0)
        return gcs_fail_system("timerfd_create", errno);
    endpoint->ready_fd = epoll_create1(EPOLL_CLOEXEC);
    if (endpoint->ready_fd < 0)
        return gcs_fail_system("epoll_create1", errno);
    if (watch(endpoint->ready_fd, endpoint->timer_fd) < 0 ||
        watch(endpoint->ready_fd, endpoint->wake_fd) < 0 ||
        watch(endpoint->ready_fd, transport->ops->fd(transport)) < 0)
        return gcs_fail_system("epoll_ctl", errno);
    return 0;
}

static int open_descriptors(struct gcs_endpoint *endpoint)
{
    endpoint->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (endpoint->wake_fd < 0)
        return gcs_fail_system("eventfd", errno);
    if (endpoint->own_loop)
        return open_own_loop(endpoint);
    endpoint->ready_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (endpoint->ready_fd < 0)
        return gcs_fail_system("eventfd", errno);
    return 0;
}

/* Waiting with a deadline must not jump when somebody sets the clock. */
static int open_waiting(struct gcs_endpoint *endpoint)
{
    pthread_condattr_t attributes;

    if (pthread_condattr_init(&attributes) != 0)
        return gcs_fail(GCS_ENOMEM, "out of memory for a condition variable");
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    int error = pthread_cond_init(&endpoint->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    if (error)
        return gcs_fail(GCS_ENOMEM, "out of memory for a condition variable");
    (void)pthread_mutex_init(&endpoint->mutex, NULL); /* never fails with default attributes */
    return 0;
}

/*
 * The seed decides the identities of this endpoint and its members, which must never have been
 * used before: not by this host before a restart, not by its clone. So it is drawn from the
 * system's generator and from no clock, which may have been set back.
 */
static int draw_seed(uint64_t *seed)
{
    for (;;) {
        ssize_t got = getrandom(seed, sizeof(*seed), 0);
        if (got == (ssize_t)sizeof(*seed))
            return 0;
        if (got < 0 && errno != EINTR)
            return gcs_fail_system("getrandom", errno);
    }
}

static int open_core(struct gcs_endpoint *endpoint, const struct gcs_endpoint_options *options)
{
    struct gcs_transport *transport = endpoint->transport;
    const struct gcs_transport_caps *caps = transport->ops->caps(transport);
    struct gcs_core_config config;

    gcs_core_config_init(&config);
    int error = draw_seed(&config.seed);
    if (error)
        return error;
    config.allocator = endpoint->allocator;
    config.cluster = gcs_trace_hash(options->cluster, strlen(options->cluster));
    config.address = *transport->ops->address(transport);
    config.packet_bytes = caps->packet_bytes;
    config.receive_bytes = caps->receive_bytes;
    config.heartbeat_ns = options->heartbeat_ms * GCS_NS_PER_MS;
    config.suspect_ns = options->suspect_ms * GCS_NS_PER_MS;
    if (endpoint->trace) {
        config.trace_ctx = endpoint->trace;
        config.trace = gcs_trace_write;
    }
    error = gcs_core_new(&config, &endpoint->core);
    if (error)
        return gcs_fail(error,
                        "the core refuses its configuration: %s: heartbeat_ms %u, suspect_ms %u, "
                        "packets of %u bytes, receive buffer of %u bytes",
                        gcs_strerror(error), options->heartbeat_ms, options->suspect_ms,
                        caps->packet_bytes, caps->receive_bytes);
    return 0;
}

static void destroy(struct gcs_endpoint *endpoint);

int gcs_endpoint_open(const char *url, const struct gcs_endpoint_options *options,
                      const struct gcs_allocator *allocator, struct gcs_endpoint **out)
{
    struct gcs_endpoint_options chosen;

    if (!out)
        return gcs_fail(GCS_EINVAL, "endpoint is NULL");
    if (!url)
        return gcs_fail(GCS_EADDRESS, "the URL is NULL");
    int error = gcs_options_read(options, &chosen);
    if (error)
        return error;
    struct gcs_endpoint *endpoint = gcs_allocate(allocator, 1, sizeof(*endpoint));
    if (!endpoint)
        return gcs_fail(GCS_ENOMEM, "out of memory for an endpoint");
    endpoint->allocator = allocator;
    endpoint->own_loop = chosen.flags & GCS_OWN_LOOP;
    endpoint->submit_bytes = chosen.submit_bytes;
    endpoint->wake_fd = endpoint->ready_fd = endpoint->timer_fd = -1;
    endpoint->writable_end = &endpoint->writable;
    endpoint->armed = GCS_NEVER;
    endpoint->retry_at = GCS_NEVER;
    gcs_queue_init(&endpoint->queue);
    error = open_waiting(endpoint);
    if (error) {
        gcs_release(allocator, endpoint);
        return error;
    }
    error = gcs_fork_mark_new(allocator, &endpoint->fork_mark);
    if (!error)
        error = gcs_trace_open(allocator, &endpoint->trace);
    if (!error && !endpoint->own_loop)
        error = gcs_feed_init(&endpoint->feed, allocator, chosen.events);
    if (!error)
        error = open_transport(endpoint, url);
    if (!error)
        error = open_descriptors(endpoint);
    if (!error)
        error = open_core(endpoint, &chosen);
    if (!error && endpoint->own_loop)
        gcs_own_end(endpoint);
    else if (!error)
        error = gcs_thread_start(endpoint);
    if (error) {
        destroy(endpoint);
        return error;
    }
    *out = endpoint;
    return 0;
}

int gcs_open(const char *url, const struct gcs_endpoint_options *options,
             struct gcs_endpoint **endpoint)
{
    return gcs_endpoint_open(url, options, &heap, endpoint);
}

/* ---- Close ------------------------------------------------------------------------------ */

static void give_back_events(struct gcs_endpoint *endpoint)
{
    struct gcs_feed *feed = &endpoint->feed;

    if (endpoint->own_loop) {
        if (endpoint->held.event)
            gcs_feed_give_back(endpoint, &endpoint->held_event);
        if (endpoint->next_there)
            gcs_feed_give_back(endpoint, &endpoint->next_event);
        return;
    }
    for (; feed->returned != feed->filled; feed->returned++)
        gcs_feed_give_back(endpoint, &feed->slots[feed->returned & (feed->capacity - 1)]);
}

static void close_fd(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

/* What belongs to the loop. Whoever reads views has been waited for, or is not there (the child). */
static void destroy_loop(struct gcs_endpoint *endpoint, bool forked)
{
    if (endpoint->core) {
        gcs_submit_clear(endpoint, !forked);
        give_back_events(endpoint);
        gcs_core_free(endpoint->core);
    }
    for (struct gcs_group *group = endpoint->groups; group;) {
        struct gcs_group *next = group->next;
        gcs_handle_destroy(group);
        group = next;
    }
    gcs_view_free_retired(endpoint);
    gcs_feed_fini(&endpoint->feed, endpoint->allocator);
}

static void close_descriptors(struct gcs_endpoint *endpoint)
{
    if (endpoint->transport)
        endpoint->transport->ops->close(endpoint->transport);
    close_fd(endpoint->ready_fd);
    close_fd(endpoint->timer_fd);
    close_fd(endpoint->wake_fd);
    gcs_trace_close(endpoint->trace);
}

/* Nobody else is inside any more. */
static void destroy(struct gcs_endpoint *endpoint)
{
    destroy_loop(endpoint, false);
    close_descriptors(endpoint);
    (void)pthread_cond_destroy(&endpoint->changed);
    (void)pthread_mutex_destroy(&endpoint->mutex);
    gcs_fork_mark_free(endpoint->fork_mark);
    gcs_release(endpoint->allocator, endpoint);
}

/*
 * The child has a copy of the memory as it was at the moment of the fork, which another thread may
 * have been changing. If the loop was at rest all of it is consistent; if not, what belongs to the
 * loop is left alone: lost memory in a child is harmless, a half-linked list is not. Mutex and
 * condition may be held by threads that the child does not have, and are not touched.
 */
static void close_forked(struct gcs_endpoint *endpoint)
{
    if (!atomic_load(&endpoint->busy))
        destroy_loop(endpoint, true);
    close_descriptors(endpoint);
    gcs_fork_mark_free(endpoint->fork_mark);
    gcs_release(endpoint->allocator, endpoint);
}

/* Sends everybody out. A condition variable would be touched by the last one after the count went
 * down, when it may be gone already: so this polls, at a time when nobody is in a hurry. */
static void wait_until_alone(struct gcs_endpoint *endpoint)
{
    struct timespec pause = {.tv_nsec = CLOSE_POLL_NS};

    for (;;) {
        gcs_submit_clear(endpoint, true);
        gcs_submit_notify(endpoint);
        if (endpoint->own_loop)
            atomic_store(&endpoint->sleeping, true);
        gcs_loop_wake(endpoint);
        if (!endpoint->own_loop)
            gcs_feed_raise(endpoint);
        if (atomic_load(&endpoint->inside) == 0)
            return;
        (void)nanosleep(&pause, NULL);
    }
}

void gcs_close(struct gcs_endpoint *endpoint)
{
    if (!endpoint)
        return;
    if (gcs_fork_mark_child(endpoint->fork_mark)) {
        close_forked(endpoint);
        return;
    }
    atomic_store(&endpoint->closing, true);
    if (endpoint->own_loop) {
        while (atomic_exchange_explicit(&endpoint->busy, true, memory_order_acquire))
            sched_yield();
    } else {
        gcs_thread_stop(endpoint);
    }
    wait_until_alone(endpoint);
    gcs_view_wait_for_readers();
    destroy(endpoint);
}

/* ---- What can be asked -------------------------------------------------------------------- */

int gcs_fd(const struct gcs_endpoint *endpoint)
{
    return endpoint->ready_fd;
}

const char *gcs_endpoint_address(const struct gcs_endpoint *endpoint)
{
    return endpoint->address;
}

static int copy_counters(struct gcs_endpoint *endpoint, struct gcs_command *command)
{
    *command->counters = *gcs_core_counters(endpoint->core);
    return 0;
}

int gcs_counters_get(const struct gcs_endpoint *endpoint, struct gcs_counters *counters)
{
    struct gcs_command command = {.run = copy_counters, .counters = counters};

    if (!endpoint || !counters)
        return gcs_fail(GCS_EINVAL, "%s is NULL", endpoint ? "counters" : "endpoint");
    /* Asking changes the queue and the lock, not what the caller sees of the endpoint. */
    return gcs_command_call((struct gcs_endpoint *)(uintptr_t)endpoint, &command);
}
