/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The protocol thread of an endpoint without GCS_OWN_LOOP. It takes no signal (all are
 * blocked before it starts, so that not even its first instruction can run a
 * handler of the application's), has a name, and ends in gcs_shutdown.
 */
#include "gcs/endpoint.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>

#define THREAD_NAME "gcs"

static void *run(void *arg)
{
    struct gcs_endpoint *endpoint = arg;

    /* The kernel may delay a thread's sleeps by 50 us to wake several at once; ours pace packets.
     */
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    while (gcs_endpoint_lock(endpoint) == 0) {
        if (gcs_loop_round(endpoint))
            gcs_endpoint_unlock(endpoint);
        else
            gcs_loop_idle(endpoint, GCS_NEVER);
    }
    return NULL;
}

int gcs_thread_start(struct gcs_endpoint *endpoint)
{
    sigset_t all, before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&endpoint->thread, NULL, run, endpoint);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error)
        return gcs_fail_system("starting the protocol thread", error);
    (void)pthread_setname_np(endpoint->thread, THREAD_NAME);
    endpoint->thread_started = true;
    return 0;
}

void gcs_thread_stop(struct gcs_endpoint *endpoint)
{
    if (!endpoint->thread_started)
        return;
    gcs_loop_wake(endpoint);
    (void)pthread_join(endpoint->thread, NULL);
    endpoint->thread_started = false;
}
