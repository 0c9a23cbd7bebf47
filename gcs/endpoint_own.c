/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The endpoint in the caller's loop (GCS_OWN_LOOP). gcs_fd is an epoll descriptor
 * over the transport's, the eventfd that other threads write, and a timerfd; so
 * it becomes readable for whatever gcs_dispatch has to do, timers included, and
 * never changes. The timerfd also stands for work that is known already (events
 * that gcs_next has not taken, messages that have not been sent): then it is set
 * to a time in the past. It is set only when it would otherwise fire too late, or
 * has fired, and not at all before the application has asked for the descriptor: who
 * waits in gcs_next, or goes by gcs_expiry, pays no system call for it.
 *
 * Outside of gcs_dispatch and gcs_next the loop counts as asleep: a submission of
 * another thread writes the eventfd.
 */
#include "gcs/endpoint.h"

#include <limits.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define AT_ONCE 1 /* an absolute time that has passed; 0 would disarm the timer */

static void set_timer(struct gcs_endpoint *endpoint, uint64_t due)
{
    struct itimerspec timer = {{0, 0}, {0, 0}};

    endpoint->armed = due;
    if (!atomic_load_explicit(&endpoint->fd_used, memory_order_relaxed))
        return;
    if (due != GCS_NEVER) {
        timer.it_value.tv_sec = (time_t)(due / GCS_NS_PER_S);
        timer.it_value.tv_nsec = (long)(due % GCS_NS_PER_S);
    }
    (void)timerfd_settime(endpoint->timer_fd, TFD_TIMER_ABSTIME, &timer, NULL);
}

void gcs_own_use_fd(struct gcs_endpoint *endpoint)
{
    if (atomic_load(&endpoint->fd_used) || gcs_endpoint_enter(endpoint) != 0)
        return;
    if (gcs_endpoint_lock(endpoint) == 0) {
        atomic_store(&endpoint->fd_used, true);
        set_timer(endpoint, endpoint->armed);
        gcs_endpoint_unlock(endpoint);
    }
    gcs_endpoint_leave(endpoint);
}

void gcs_own_arm(struct gcs_endpoint *endpoint, bool relax)
{
    uint64_t armed = endpoint->armed;
    uint64_t due = gcs_loop_deadline(endpoint);

    if (endpoint->again || endpoint->next_there || endpoint->writable || due == 0)
        due = AT_ONCE;
    if (due < armed || (relax && armed <= endpoint->now && due != armed))
        set_timer(endpoint, due);
}

void gcs_own_raise(struct gcs_endpoint *endpoint)
{
    if (endpoint->armed == AT_ONCE)
        return;
    gcs_loop_read_clock(endpoint);
    set_timer(endpoint, AT_ONCE);
}

void gcs_own_begin(struct gcs_endpoint *endpoint)
{
    gcs_endpoint_set_consumer(endpoint);
    atomic_store(&endpoint->sleeping, false);
    gcs_loop_clear_wake(endpoint);
}

void gcs_own_end(struct gcs_endpoint *endpoint)
{
    atomic_store(&endpoint->sleeping, true);
    if (!gcs_queue_empty(&endpoint->queue))
        endpoint->again = true;
    gcs_own_arm(endpoint, true);
}

int gcs_dispatch(struct gcs_endpoint *endpoint)
{
    if (!endpoint)
        return gcs_fail(GCS_EINVAL, "endpoint is NULL");
    if (!endpoint->own_loop)
        return gcs_fail(GCS_EINVAL, "gcs_dispatch needs GCS_OWN_LOOP: this endpoint has a thread");
    int error = gcs_endpoint_enter(endpoint);
    if (error)
        return error;
    error = gcs_endpoint_lock(endpoint);
    if (!error) {
        gcs_own_begin(endpoint);
        if (!gcs_loop_round(endpoint))
            gcs_view_reclaim(endpoint);
        if (!endpoint->next_there)
            endpoint->next_there = gcs_feed_take(endpoint, &endpoint->next_event);
        int there = endpoint->next_there;
        gcs_own_end(endpoint);
        gcs_endpoint_unlock(endpoint);
        error = there;
    }
    gcs_endpoint_leave(endpoint);
    return error;
}

static int ms_until(uint64_t due)
{
    if (due == GCS_NEVER)
        return GCS_FOREVER;
    uint64_t ms = (gcs_clock_left(due, gcs_clock_now()) + GCS_NS_PER_MS - 1) / GCS_NS_PER_MS;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* Asking changes the lock, not what the caller sees of the endpoint. On error 0: gcs_dispatch will
 * tell. */
int gcs_expiry(const struct gcs_endpoint *asked)
{
    struct gcs_endpoint *endpoint = (struct gcs_endpoint *)(uintptr_t)asked;

    if (!endpoint->own_loop)
        return GCS_FOREVER;
    if (gcs_endpoint_enter(endpoint) != 0)
        return 0;
    int ms = 0;
    if (gcs_endpoint_lock(endpoint) == 0) {
        ms = ms_until(endpoint->armed);
        gcs_endpoint_unlock(endpoint);
    }
    gcs_endpoint_leave(endpoint);
    return ms;
}
