/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The watch over callbacks. What it reads are the three atomics that are set around each callback;
 * since when says which one it is, and that it is still the same.
 */
#include "gcs/replica/watch.h"

#include "gcs/replica/clock.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* Of one callback: told of at slow_ms, and one more time when it has taken twice as long. */
struct patience {
    uint64_t since;
    uint64_t ms;
};

static void look(const struct gcs_replicator *replicator, struct patience *patience)
{
    const struct gcs_replica_config *config = &replicator->config;
    uint64_t since = replicator->callback_since;
    unsigned long long number = replicator->callback_number;
    const char *callback = replicator->callback;
    uint64_t ms = (gcs_replica_clock() - since) / NS_PER_MS;
    char text[128];
    struct gcs_replica_report report = {GCS_REPLICA_SLOW, 0, number, text};

    if (since != patience->since)
        *patience = (struct patience){since, config->slow_ms};
    if (!callback || since != replicator->callback_since || ms < patience->ms || !config->report)
        return;
    patience->ms = 2 * ms;
    (void)snprintf(text, sizeof(text), "%s has been at command %llu for %llu ms, and goes on",
                   callback, number, (unsigned long long)ms);
    config->report(config->ctx, &report);
}

/* False: it is to stop. */
static bool rest(struct gcs_replica_watch *watch)
{
    uint64_t pause = watch->replicator->config.slow_ms * NS_PER_MS / 2 + 10 * NS_PER_MS;
    struct timespec until = gcs_replica_time(gcs_replica_clock() + pause);

    (void)pthread_mutex_lock(&watch->mutex);
    if (!watch->stopping)
        (void)pthread_cond_timedwait(&watch->changed, &watch->mutex, &until);
    bool goes_on = !watch->stopping;
    (void)pthread_mutex_unlock(&watch->mutex);
    return goes_on;
}

static void *run(void *ctx)
{
    struct gcs_replica_watch *watch = ctx;
    struct patience patience = {0, 0};

    while (rest(watch))
        look(watch->replicator, &patience);
    return NULL;
}

static void destroy(struct gcs_replica_watch *watch)
{
    (void)pthread_cond_destroy(&watch->changed);
    (void)pthread_mutex_destroy(&watch->mutex);
}

int gcs_replica_watch_start(struct gcs_replica_watch *watch,
                            const struct gcs_replicator *replicator)
{
    pthread_condattr_t attributes;
    sigset_t all, before;

    *watch = (struct gcs_replica_watch){.replicator = replicator, .owner = getpid()};
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&watch->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)pthread_mutex_init(&watch->mutex, NULL);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&watch->thread, NULL, run, watch);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0)
        return 0;
    destroy(watch);
    return GCS_ENOMEM;
}

void gcs_replica_watch_stop(struct gcs_replica_watch *watch)
{
    if (watch->owner != getpid())
        return;
    (void)pthread_mutex_lock(&watch->mutex);
    watch->stopping = true;
    (void)pthread_cond_signal(&watch->changed);
    (void)pthread_mutex_unlock(&watch->mutex);
    (void)pthread_join(watch->thread, NULL);
    destroy(watch);
}
