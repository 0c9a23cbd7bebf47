/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A thread that tells of a callback that hangs: the thread that called it cannot, and others wait
 * for it. It looks twice in slow_ms, and holds no lock that anybody else wants.
 */
#ifndef GCS_REPLICA_WATCH_H
#define GCS_REPLICA_WATCH_H

#include "gcs/replica/replicator.h"

#include <pthread.h>
#include <sys/types.h>

struct gcs_replica_watch {
    const struct gcs_replicator *replicator; /* whose callbacks it watches, and tells of */
    pid_t owner;                             /* in a child after fork there is no such thread */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool stopping;
};

/* GCS_ENOMEM. */
int gcs_replica_watch_start(struct gcs_replica_watch *watch,
                            const struct gcs_replicator *replicator);
/* Waits for it: nothing is told of any more. */
void gcs_replica_watch_stop(struct gcs_replica_watch *watch);

#endif
