/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Full load: three processes multicast as fast as they can, and take what they
 * get. Their resident memory is looked at every second, and must have reached its
 * peak in the first half of the time. Nothing is traced.
 */
#include "tests/limits/limits.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MEMBERS = 3, MESSAGE = 200 };

#define SLACK_KIB 512 /* and a fiftieth */
#define FORM_MS   20000

struct shared {
    char address[128];                     /* of the first */
    atomic_uint_fast32_t members[MEMBERS]; /* of the view that each is in */
    atomic_uint_fast64_t delivered[MEMBERS];
    atomic_uint_fast32_t views[MEMBERS];
    atomic_bool founded;
};

/* ---- A member ----------------------------------------------------------------------- */

struct member {
    struct shared *shared;
    struct gcs_group *group;
    unsigned number;
};

static void *multicast(void *context)
{
    const struct member *member = context;
    static const enum gcs_service services[] = {GCS_AGREED, GCS_AGREED, GCS_SAFE, GCS_FIFO};
    char text[MESSAGE];

    memset(text, 'x', sizeof(text));
    while (atomic_load(&member->shared->members[member->number]) < MEMBERS)
        usleep(1000);
    for (unsigned i = 0;; i++)
        limits_must(gcs_multicast(member->group, services[i % 4], text, sizeof(text), GCS_FOREVER),
                    "gcs_multicast");
    return NULL;
}

static void take(struct shared *shared, unsigned number, const struct gcs_event *event)
{
    if (event->type == GCS_EVENT_DELIVER) {
        atomic_fetch_add(&shared->delivered[number], event->count);
    } else if (event->type == GCS_EVENT_VIEW) {
        atomic_store(&shared->members[number], event->change->view.count);
        atomic_fetch_add(&shared->views[number], 1);
    } else if (event->type == GCS_EVENT_LEFT) {
        limits_must(event->error, "membership");
    }
}

static void be_member(struct shared *shared, unsigned number)
{
    struct gcs_endpoint *endpoint;
    struct member member = {.shared = shared, .number = number};
    struct gcs_event event;
    pthread_t thread;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    endpoint = limits_open(number > 0 ? shared->address : NULL);
    member.group = limits_join(endpoint, "limits", number == 0 ? GCS_CREATE : GCS_JOIN);
    if (number == 0) {
        snprintf(shared->address, sizeof(shared->address), "%s", gcs_endpoint_address(endpoint));
        atomic_store(&shared->founded, true);
    }
    if (pthread_create(&thread, NULL, multicast, &member) != 0)
        abort();
    for (;;) {
        if (limits_must(gcs_next(endpoint, &event, -1), "gcs_next") > 0)
            take(shared, number, &event);
    }
}

/* ---- The watcher -------------------------------------------------------------------- */

struct watch {
    pid_t pids[MEMBERS];
    long early_kib, late_kib; /* peaks of the first and of the second half */
    int early_fds, late_fds;
};

static void look(struct watch *watch, bool late)
{
    for (unsigned i = 0; i < MEMBERS; i++) {
        long rss = usage_rss_kib(watch->pids[i]);
        int fds = usage_descriptors(watch->pids[i]);
        long *peak = late ? &watch->late_kib : &watch->early_kib;
        int *most = late ? &watch->late_fds : &watch->early_fds;

        *peak = rss > *peak ? rss : *peak;
        *most = fds > *most ? fds : *most;
    }
}

static bool all_live(const struct watch *watch)
{
    for (unsigned i = 0; i < MEMBERS; i++) {
        if (waitpid(watch->pids[i], NULL, WNOHANG) != 0)
            return false;
    }
    return true;
}

static bool start(struct watch *watch, struct shared *shared)
{
    uint64_t limit = usage_now_ms() + FORM_MS;

    fflush(NULL);
    for (unsigned i = 0; i < MEMBERS; i++) {
        watch->pids[i] = fork();
        if (watch->pids[i] == 0)
            be_member(shared, i);
        while (!atomic_load(&shared->founded) && usage_now_ms() < limit)
            usleep(1000);
    }
    while (usage_now_ms() < limit) {
        bool all = true;

        for (unsigned i = 0; i < MEMBERS; i++)
            all = all && atomic_load(&shared->members[i]) == MEMBERS;
        if (all)
            return true;
        usleep(1000);
    }
    return false;
}

static void stop(const struct watch *watch)
{
    for (unsigned i = 0; i < MEMBERS; i++) {
        if (watch->pids[i] > 0)
            kill(watch->pids[i], SIGKILL);
    }
    for (unsigned i = 0; i < MEMBERS; i++)
        waitpid(watch->pids[i], NULL, 0);
}

bool limit_load(const struct limits_options *options)
{
    struct shared *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct watch watch = {.early_kib = 0};
    uint64_t messages = 0, views = 0;
    bool good;

    if (shared == MAP_FAILED)
        abort();
    good = start(&watch, shared);
    for (unsigned i = 0; i < options->seconds && good; i++) {
        sleep(1);
        look(&watch, i >= options->seconds / 2);
        good = all_live(&watch);
    }
    for (unsigned i = 0; i < MEMBERS; i++) {
        messages += atomic_load(&shared->delivered[i]);
        views += atomic_load(&shared->views[i]);
    }
    stop(&watch);
    munmap(shared, sizeof(*shared));
    good = good && messages > 0 && watch.late_fds <= watch.early_fds &&
           watch.late_kib <= watch.early_kib + watch.early_kib / 50 + SLACK_KIB;
    return limits_say(
        options, "load", good,
        "%u s at full load, %d members, %.0f messages/s of %d bytes at each; "
        "peak resident %ld KiB in the first half and %ld KiB in the second, %d and %d "
        "descriptors, %llu views",
        options->seconds, MEMBERS, (double)messages / MEMBERS / options->seconds, MESSAGE,
        watch.early_kib, watch.late_kib, watch.early_fds, watch.late_fds,
        (unsigned long long)views);
}
