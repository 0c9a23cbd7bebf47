/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcs_open: transport, descriptors, core and loop, step by step. When a step fails nothing stays
 * behind, and the sentence names what was wrong.
 */
#include "gcs/endpoint.h"

#include "gcs/base/memory.h"
#include "gcs/base/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>

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

/* ---- Its parts -------------------------------------------------------------------------- */

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
    config.multicast = caps->multicast;
    config.reliable = caps->reliable && caps->ordered;
    config.heartbeat_ns = options->heartbeat_ms * GCS_NS_PER_MS;
    config.heartbeat_max_ns = options->heartbeat_max_ms * GCS_NS_PER_MS;
    config.suspect_ns = options->suspect_ms * GCS_NS_PER_MS;
    config.suspect_max_ns = options->suspect_max_ms * GCS_NS_PER_MS;
    config.probes = options->probes;
    memcpy(config.label, options->label, strlen(options->label)); /* which was checked */
    config.assembly_bytes = options->assembly_bytes;
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

/* ---- All of it -------------------------------------------------------------------------- */

/* What can be waited with and closed, and nothing else yet. */
static int begin(const struct gcs_endpoint_options *options, const struct gcs_allocator *allocator,
                 struct gcs_endpoint **out)
{
    struct gcs_endpoint *endpoint = gcs_allocate(allocator, 1, sizeof(*endpoint));

    if (!endpoint)
        return gcs_fail(GCS_ENOMEM, "out of memory for an endpoint");
    endpoint->allocator = allocator;
    endpoint->own_loop = options->flags & GCS_OWN_LOOP;
    endpoint->submit_bytes = options->submit_bytes;
    endpoint->assembly_bytes = options->assembly_bytes;
    endpoint->wake_fd = endpoint->ready_fd = endpoint->timer_fd = -1;
    endpoint->writable_end = &endpoint->writable;
    endpoint->armed = GCS_NEVER;
    endpoint->retry_at = GCS_NEVER;
    gcs_queue_init(&endpoint->queue);
    int error = open_waiting(endpoint);
    if (error) {
        gcs_release(allocator, endpoint);
        return error;
    }
    gcs_items_init(endpoint);
    *out = endpoint;
    return 0;
}

static int open_parts(struct gcs_endpoint *endpoint, const char *url,
                      const struct gcs_endpoint_options *options)
{
    int error = gcs_fork_mark_new(endpoint->allocator, &endpoint->fork_mark);

    if (!error)
        error = gcs_trace_open(endpoint->allocator, &endpoint->trace);
    if (!error && !endpoint->own_loop)
        error = gcs_feed_init(&endpoint->feed, endpoint->allocator, options->events);
    if (!error)
        error = open_transport(endpoint, url);
    if (!error)
        error = open_descriptors(endpoint);
    if (!error)
        error = open_core(endpoint, options);
    if (!error && options->status && *options->status)
        error = gcs_status_open(endpoint, options->status, options->status_mode);
    return error;
}

static int start(struct gcs_endpoint *endpoint)
{
    if (!endpoint->own_loop)
        return gcs_thread_start(endpoint);
    gcs_own_end(endpoint);
    return 0;
}

int gcs_endpoint_open(const char *url, const struct gcs_endpoint_options *options,
                      const struct gcs_allocator *allocator, struct gcs_endpoint **out)
{
    struct gcs_endpoint_options chosen;
    struct gcs_endpoint *endpoint = NULL;

    if (!out)
        return gcs_fail(GCS_EINVAL, "endpoint is NULL");
    if (!url)
        return gcs_fail(GCS_EADDRESS, "the URL is NULL");
    int error = gcs_options_read(options, &chosen);
    if (!error)
        error = begin(&chosen, allocator, &endpoint);
    if (error)
        return error;
    error = open_parts(endpoint, url, &chosen);
    if (!error)
        error = start(endpoint);
    if (error) {
        gcs_endpoint_destroy(endpoint);
        return error;
    }
    error = gcs_status_start(endpoint);
    if (error) { /* others may be inside: the loop runs */
        gcs_close(endpoint);
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
