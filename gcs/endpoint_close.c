/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcs_shutdown: every call that another thread has begun or begins from now on returns
 * GCS_ECLOSED. gcs_close: nothing is freed while one of them is still inside, and no descriptor and
 * no byte stays. In the child after fork it frees what is safe to free and touches neither the
 * protocol nor the network.
 */
#include "gcs/endpoint.h"

#include "gcs/base/memory.h"

#include <sched.h>
#include <time.h>
#include <unistd.h>

#define CLOSE_POLL_NS 50000

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

/* What belongs to the loop. Whoever reads views has been waited for, or is not there (the child).
 */
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

/* Before the core goes: it may still be sending the core's packets. What it has received outlives
 * it. */
static void close_transport(struct gcs_endpoint *endpoint)
{
    if (endpoint->transport)
        endpoint->transport->ops->close(endpoint->transport);
}

static void close_descriptors(struct gcs_endpoint *endpoint, bool forked)
{
    gcs_status_close(endpoint, forked);
    close_fd(endpoint->ready_fd);
    close_fd(endpoint->timer_fd);
    close_fd(endpoint->wake_fd);
    gcs_trace_close(endpoint->trace);
}

void gcs_endpoint_destroy(struct gcs_endpoint *endpoint)
{
    close_transport(endpoint);
    destroy_loop(endpoint, false);
    close_descriptors(endpoint, false);
    (void)pthread_cond_destroy(&endpoint->changed);
    (void)pthread_mutex_destroy(&endpoint->mutex);
    gcs_items_fini(endpoint, false);
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
    close_transport(endpoint);
    if (!atomic_load(&endpoint->busy)) {
        destroy_loop(endpoint, true);
        gcs_items_fini(endpoint, true);
    }
    close_descriptors(endpoint, true);
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

void gcs_shutdown(struct gcs_endpoint *endpoint)
{
    if (!endpoint || gcs_fork_mark_child(endpoint->fork_mark) || atomic_load(&endpoint->closing))
        return;
    gcs_status_stop(endpoint);
    atomic_store(&endpoint->closing, true);
    if (endpoint->own_loop) {
        while (atomic_exchange_explicit(&endpoint->busy, true, memory_order_acquire))
            sched_yield();
    } else {
        gcs_thread_stop(endpoint);
    }
    wait_until_alone(endpoint);
    gcs_loop_goodbye(endpoint);
}

void gcs_close(struct gcs_endpoint *endpoint)
{
    if (!endpoint)
        return;
    if (gcs_fork_mark_child(endpoint->fork_mark)) {
        close_forked(endpoint);
        return;
    }
    gcs_shutdown(endpoint);
    gcs_view_wait_for_readers();
    gcs_endpoint_destroy(endpoint);
}
