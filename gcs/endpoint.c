/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who is inside of an endpoint: every call counts itself, so that gcs_shutdown knows when the last
 * one has left, and is refused once the endpoint closes or when it is made in a child after fork.
 * Who is the loop, where no thread is. And what can simply be asked.
 */
#include "gcs/endpoint.h"

#include <sched.h>

/* ---- Who is inside ---------------------------------------------------------------------- */

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
        atomic_store_explicit(&endpoint->consumer, (uintptr_t)pthread_self(), memory_order_relaxed);
}

/* ---- What can be asked ------------------------------------------------------------------ */

int gcs_fd(const struct gcs_endpoint *endpoint)
{
    if (endpoint->own_loop) /* that it is used changes nothing that the caller sees */
        gcs_own_use_fd((struct gcs_endpoint *)(uintptr_t)endpoint);
    return endpoint->ready_fd;
}

const char *gcs_endpoint_address(const struct gcs_endpoint *endpoint)
{
    return endpoint->address;
}

const char *gcs_endpoint_note(const struct gcs_endpoint *endpoint)
{
    const char *stranger = atomic_load(&endpoint->stranger);

    if (stranger)
        return stranger;
    return endpoint->transport->ops->note(
        endpoint->transport); /* its texts stay until it is closed */
}

void gcs_endpoint_count(const struct gcs_endpoint *endpoint, struct gcs_counters *counters)
{
    const struct gcs_transport_counters *network =
        endpoint->transport->ops->counters(endpoint->transport);

    *counters = *gcs_core_counters(endpoint->core);
    counters->bytes_copied += endpoint->queue_copied + network->bytes_copied;
    counters->send_calls = network->send_calls;
    counters->receive_calls = network->receive_calls;
    counters->datagrams_sent = network->datagrams_sent;
    counters->datagrams_received = network->datagrams_received;
    counters->datagrams_overflowed = network->overflows;
    counters->connections = network->connections;
    counters->failed_connections = network->failed_connections;
    counters->broken_links = network->broken_links;
    counters->fenced_links = network->fenced_links;
    counters->failed_requests = network->failed_requests;
    counters->refused_posts = network->refused_posts;
    counters->device_events = network->device_events;
    counters->packets_backlogged = network->backlogged;
    counters->full_backlogs = network->full_backlogs;
    counters->packets_copied = network->copied;
    counters->work_requests = network->work_requests;
    counters->knocks = network->knocks;
    counters->nudges = network->nudges;
    counters->doorbells = network->doorbells;
    counters->signalled = network->signalled;
    counters->wire_bytes = network->wire_bytes;
}

static int copy_counters(struct gcs_endpoint *endpoint, struct gcs_command *command)
{
    gcs_endpoint_count(endpoint, command->counters);
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
