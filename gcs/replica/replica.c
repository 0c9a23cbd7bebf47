/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A replica over an endpoint: the body of <gcs/replica.h>. It gives the layer's state machine
 * the endpoint's events and carries its calls to the group.
 *
 * One mutex guards the state machine; it is recursive, because callbacks may submit. A callback
 * that hangs has it, so who waits with a deadline waits elsewhere, at the gate. Whoever takes
 * events claims the loop first, so that gcs_replica_call can do the work itself when no other
 * thread does, and waits for that thread when one does.
 */
#include "gcs/replica/clock.h"
#include "gcs/replica/replicator.h"
#include "gcs/replica/watch.h"
#include "gcs/replica/words.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Events in one call of gcs_replica_dispatch: then the caller has its turn. */
enum { EVENTS_MAX = 1024 };

/* A replica that takes nothing holds up all others; unless the group's config says after how long,
 * it is evicted after so long. */
#define EVICT_SLOW_NS (60000 * NS_PER_MS)

/* A caller that cannot do the work looks again at the latest after so long. */
enum { LOOK_MS = 10 };

struct gcs_replica {
    struct gcs_replicator replicator;
    struct gcs_endpoint *endpoint;
    struct gcs_group *group;
    struct gcs_group_config group_config;
    struct gcs_address *seeds; /* the caller's, for joining again */
    char name[GCS_NAME_MAX + 1];
    bool own_loop;
    pthread_mutex_t mutex;
    pthread_mutex_t gate; /* guards what follows, and waiters; never held while anything else is */
    pthread_cond_t changed; /* an outcome, or the loop is free */
    bool looping;           /* somebody takes events */
    pthread_t looper;
    struct gcs_replica_status status; /* when it could be had last */
    struct gcs_replica_watch watch;
};

#if defined(__SANITIZE_THREAD__)
#define LOCK_CLOCK           CLOCK_REALTIME /* ThreadSanitizer does not see pthread_mutex_clocklock */
#define lock_by(mutex, time) pthread_mutex_timedlock(mutex, time)
#else
#define LOCK_CLOCK           CLOCK_MONOTONIC
#define lock_by(mutex, time) pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, time)
#endif

/* False: a callback has had the mutex until then. */
static bool lock_until(struct gcs_replica *replica, uint64_t deadline)
{
    if (deadline == GCS_NEVER)
        return pthread_mutex_lock(&replica->mutex) == 0;
    uint64_t now = gcs_replica_clock(), left = deadline > now ? deadline - now : 0;
    struct timespec time = gcs_replica_time(gcs_replica_clock_of(LOCK_CLOCK) + left);
    return lock_by(&replica->mutex, &time) == 0;
}

/* ---- The port --------------------------------------------------------------------------- */

static int port_multicast(void *ctx, enum gcs_service service, const void *data, size_t size)
{
    return gcs_multicast(((struct gcs_replica *)ctx)->group, service, data, size, 0);
}

static int port_send(void *ctx, const struct gcs_member_id *to, const void *data, size_t size)
{
    return gcs_send(((struct gcs_replica *)ctx)->group, to, data, size, 0);
}

static int port_state_offer(void *ctx, const struct gcs_member_id *joiner,
                            const struct gcs_state_source *source)
{
    return gcs_state_offer(((struct gcs_replica *)ctx)->group, joiner, source);
}

static int port_primary(void *ctx)
{
    return gcs_primary(((struct gcs_replica *)ctx)->group, NULL, 0);
}

static int port_ordered(void *ctx, uint32_t *epoch, uint64_t *position)
{
    return gcs_ordered(((struct gcs_replica *)ctx)->group, epoch, position);
}

static int port_leave(void *ctx)
{
    return gcs_leave(((struct gcs_replica *)ctx)->group);
}

static uint64_t port_now(void *ctx)
{
    (void)ctx;
    return gcs_replica_clock();
}

/* The seeds that it began with, and where the others were last. */
static int port_join(void *ctx, const struct gcs_address *seeds, size_t count)
{
    struct gcs_replica *replica = ctx;
    struct gcs_group_config config = replica->group_config;
    struct gcs_address *all = calloc(count + config.seeds_count + 1, sizeof(*all));

    if (!all)
        return GCS_ENOMEM;
    if (config.seeds_count > 0) { /* otherwise those of the URL, which know them too */
        memcpy(all, config.seeds, config.seeds_count * sizeof(*all));
        memcpy(all + config.seeds_count, seeds, count * sizeof(*all));
        config.seeds = all;
        config.seeds_count += count;
    }
    config.bootstrap = GCS_JOIN;
    gcs_group_free(replica->group);
    int error = gcs_join(replica->endpoint, replica->name, &config, &replica->group);
    if (error)
        replica->group = NULL;
    free(all);
    return error;
}

static const struct gcs_replica_port port = {
    .multicast = port_multicast,
    .send = port_send,
    .state_offer = port_state_offer,
    .primary = port_primary,
    .ordered = port_ordered,
    .leave = port_leave,
    .join = port_join,
    .now = port_now,
};

/* ---- Beginning and end ------------------------------------------------------------------ */

void gcs_replica_config_init(struct gcs_replica_config *config)
{
    *config = (struct gcs_replica_config){
        .size = sizeof(*config),
        .protocol = 1,
        .command_bytes = 1 << 20,
        .pending = 65536,
        .query_bytes = 16 << 20,
        .sessions = 65536,
        .session_results = 64,
        .session_bytes = 64 << 20,
        .session_ms = 600000,
        .digest_every = 1024,
        .slow_ms = 1000,
    };
}

static void init_locks(struct gcs_replica *replica)
{
    pthread_mutexattr_t mutex;
    pthread_condattr_t cond;

    (void)pthread_mutexattr_init(&mutex);
    (void)pthread_mutexattr_settype(&mutex, PTHREAD_MUTEX_RECURSIVE);
    (void)pthread_mutex_init(&replica->mutex, &mutex);
    (void)pthread_mutexattr_destroy(&mutex);
    (void)pthread_condattr_init(&cond);
    (void)pthread_condattr_setclock(&cond, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&replica->changed, &cond);
    (void)pthread_mutex_init(&replica->gate, NULL);
    (void)pthread_condattr_destroy(&cond);
}

static int copy_config(struct gcs_replica *replica, const struct gcs_group_config *config)
{
    size_t bytes;

    if (config && config->size != sizeof(*config))
        return gcs_replica_say(GCS_EINVAL, "the group's config has the size of another version");
    if (config)
        replica->group_config = *config;
    else
        gcs_group_config_init(&replica->group_config);
    replica->group_config.state = true;
    if (replica->group_config.evict_slow_ns == 0)
        replica->group_config.evict_slow_ns = EVICT_SLOW_NS;
    bytes = replica->group_config.seeds_count * sizeof(*replica->seeds);
    if (bytes == 0)
        return 0;
    replica->seeds = malloc(bytes);
    if (!replica->seeds)
        return gcs_replica_say(GCS_ENOMEM, "out of memory");
    memcpy(replica->seeds, replica->group_config.seeds, bytes);
    replica->group_config.seeds = replica->seeds;
    return 0;
}

static void destroy(struct gcs_replica *replica)
{
    (void)pthread_cond_destroy(&replica->changed);
    (void)pthread_mutex_destroy(&replica->gate);
    (void)pthread_mutex_destroy(&replica->mutex);
    free(replica->seeds);
    free(replica);
}

static int start(struct gcs_replica *replica, const char *name)
{
    int error = gcs_replica_watch_start(&replica->watch, &replica->replicator);

    if (error)
        return gcs_replica_say(error, "no thread can be made to watch over callbacks");
    error = gcs_join(replica->endpoint, name, &replica->group_config, &replica->group);
    if (error)
        gcs_replica_watch_stop(&replica->watch);
    return error;
}

int gcs_replica_open(struct gcs_endpoint *endpoint, const char *name,
                     const struct gcs_group_config *group_config,
                     const struct gcs_replica_machine *machine,
                     const struct gcs_replica_config *config, struct gcs_replica **opened)
{
    struct gcs_replica_config defaults;
    struct gcs_replica_port calls = port;
    struct gcs_replica *replica;

    if (!endpoint || !name || !machine || !opened)
        return gcs_replica_say(GCS_EINVAL, "endpoint, name, machine or replica is NULL");
    gcs_replica_config_init(&defaults);
    replica = calloc(1, sizeof(*replica));
    if (!replica)
        return gcs_replica_say(GCS_ENOMEM, "out of memory");
    init_locks(replica);
    replica->endpoint = endpoint;
    replica->own_loop = gcs_dispatch(endpoint) != GCS_EINVAL;
    strncpy(replica->name, name, GCS_NAME_MAX);
    calls.ctx = replica;
    int error = copy_config(replica, group_config);
    if (error == 0) {
        error = gcs_replicator_init(&replica->replicator, &calls, machine,
                                    config ? config : &defaults, &replica->group_config);
        if (error)
            (void)gcs_replica_say(
                error, error == GCS_EOPTION ? "a value in config is out of its range"
                       : error == GCS_EINVAL
                           ? "a callback is NULL, or a struct has the size of another version"
                           : "out of memory");
    }
    if (error == 0) {
        error = start(replica, name);
        if (error)
            gcs_replicator_fini(&replica->replicator, error);
    }
    if (error) {
        destroy(replica);
        return error;
    }
    *opened = replica;
    return 0;
}

int gcs_replica_leave(struct gcs_replica *replica)
{
    (void)pthread_mutex_lock(&replica->mutex);
    int error = gcs_replicator_leave(&replica->replicator);
    (void)pthread_mutex_unlock(&replica->mutex);
    return error == GCS_EALREADY ? gcs_replica_say(error, "the replica is leaving already") : error;
}

void gcs_replica_close(struct gcs_replica *replica)
{
    if (!replica)
        return;
    gcs_replica_watch_stop(&replica->watch);
    (void)pthread_mutex_lock(&replica->mutex);
    gcs_replicator_fini(&replica->replicator, GCS_ECLOSED);
    (void)pthread_mutex_unlock(&replica->mutex);
    destroy(replica);
}

struct gcs_group *gcs_replica_group(struct gcs_replica *replica)
{
    (void)pthread_mutex_lock(&replica->mutex);
    struct gcs_group *group = replica->group;
    (void)pthread_mutex_unlock(&replica->mutex);
    return group;
}

/* ---- The loop --------------------------------------------------------------------------- */

/* The gate is held. */
static bool take_loop(struct gcs_replica *replica)
{
    if (replica->looping)
        return false;
    replica->looping = true;
    replica->looper = pthread_self();
    return true;
}

static bool claim(struct gcs_replica *replica)
{
    (void)pthread_mutex_lock(&replica->gate);
    bool claimed = take_loop(replica);
    (void)pthread_mutex_unlock(&replica->gate);
    return claimed;
}

static void let_go(struct gcs_replica *replica)
{
    (void)pthread_mutex_lock(&replica->gate);
    replica->looping = false;
    (void)pthread_cond_broadcast(&replica->changed); /* somebody else may loop now */
    (void)pthread_mutex_unlock(&replica->gate);
}

/* Work that no event asks for; how long may be waited for the next one. */
static int tick(struct gcs_replica *replica, int timeout_ms)
{
    (void)pthread_mutex_lock(&replica->mutex);
    uint64_t due = gcs_replicator_tick(&replica->replicator);
    (void)pthread_mutex_unlock(&replica->mutex);
    if (due == GCS_NEVER)
        return timeout_ms;
    uint64_t now = gcs_replica_clock();
    int left = due <= now ? 0 : (int)((due - now) / NS_PER_MS) + 1;
    return timeout_ms < 0 || timeout_ms > left ? left : timeout_ms;
}

static void handle(struct gcs_replica *replica, const struct gcs_event *event)
{
    (void)pthread_mutex_lock(&replica->mutex);
    if (event->group == replica->group)
        gcs_replicator_event(&replica->replicator, event);
    else if (replica->replicator.config.event)
        replica->replicator.config.event(replica->replicator.config.ctx, event);
    (void)pthread_mutex_unlock(&replica->mutex);
}

/* Called by the thread that has claimed the loop. */
static int dispatch(struct gcs_replica *replica, int timeout_ms)
{
    struct gcs_event event;
    int count = 0;
    int got;

    timeout_ms = tick(replica, timeout_ms);
    if (replica->own_loop && (got = gcs_dispatch(replica->endpoint)) < 0)
        return got;
    while ((got = gcs_next(replica->endpoint, &event, count ? 0 : timeout_ms)) == 1) {
        handle(replica, &event);
        if (++count == EVENTS_MAX)
            break;
    }
    return got < 0 ? got : count;
}

int gcs_replica_dispatch(struct gcs_replica *replica, int timeout_ms)
{
    if (!replica)
        return gcs_replica_say(GCS_EINVAL, "the replica is NULL");
    if (!claim(replica))
        return gcs_replica_say(GCS_EALREADY, "another thread is taking the replica's events");
    int count = dispatch(replica, timeout_ms);
    let_go(replica);
    return count;
}

/* ---- Calls ------------------------------------------------------------------------------ */

int gcs_replica_submit(struct gcs_replica *replica, const struct gcs_replica_request *request,
                       gcs_replica_done *done, void *ctx)
{
    if (!replica || !request)
        return gcs_replica_say(GCS_EINVAL, "the replica or the request is NULL");
    (void)pthread_mutex_lock(&replica->mutex);
    int error = gcs_replicator_submit(&replica->replicator, request, done, ctx);
    (void)pthread_mutex_unlock(&replica->mutex);
    return gcs_replica_say_refused(error, &replica->replicator.config, request->size);
}

int gcs_replica_session(struct gcs_replica *replica, gcs_replica_done *done, void *ctx)
{
    if (!replica)
        return gcs_replica_say(GCS_EINVAL, "the replica is NULL");
    (void)pthread_mutex_lock(&replica->mutex);
    int error = gcs_replicator_session(&replica->replicator, done, ctx);
    (void)pthread_mutex_unlock(&replica->mutex);
    return gcs_replica_say_refused(error, &replica->replicator.config, 0);
}

int gcs_replica_query(struct gcs_replica *replica, enum gcs_replica_read read, uint64_t after,
                      const void *data, size_t size, gcs_replica_done *done, void *ctx)
{
    if (!replica)
        return gcs_replica_say(GCS_EINVAL, "the replica is NULL");
    (void)pthread_mutex_lock(&replica->mutex);
    int error = gcs_replicator_query(&replica->replicator, read, after, data, size, done, ctx);
    (void)pthread_mutex_unlock(&replica->mutex);
    return gcs_replica_say_refused(error, &replica->replicator.config, size);
}

/* If the mutex can be had until then. */
static void note_status(struct gcs_replica *replica, uint64_t deadline)
{
    struct gcs_replica_status status;

    if (!lock_until(replica, deadline))
        return;
    gcs_replicator_status(&replica->replicator, &status);
    (void)pthread_mutex_unlock(&replica->mutex);
    (void)pthread_mutex_lock(&replica->gate);
    replica->status = status;
    (void)pthread_mutex_unlock(&replica->gate);
}

void gcs_replica_status_get(struct gcs_replica *replica, struct gcs_replica_status *status)
{
    uint64_t since = replica->replicator.callback_since;
    const char *callback = replica->replicator.callback;
    uint64_t number =
        callback && strcmp(callback, "apply") == 0 ? replica->replicator.callback_number : 0;

    /* A callback that hangs has the mutex: then there is only what was known before. */
    note_status(replica, gcs_replica_clock() + LOOK_MS * NS_PER_MS);
    (void)pthread_mutex_lock(&replica->gate);
    *status = replica->status;
    (void)pthread_mutex_unlock(&replica->gate);
    status->applying = number;
    status->applying_ms = number ? (gcs_replica_clock() - since) / NS_PER_MS : 0;
}

/* ---- Waiting ---------------------------------------------------------------------------- */

/* Belongs to the call until it gives up, then to the outcome, which may come late. */
struct waiter {
    struct gcs_replica *replica;
    struct gcs_replica_outcome *outcome;
    void *buffer;
    size_t size;
    bool done, given_up;
};

static void take_outcome(struct waiter *waiter, const struct gcs_replica_outcome *outcome)
{
    *waiter->outcome = *outcome;
    waiter->outcome->data = waiter->buffer;
    if (outcome->size > waiter->size)
        waiter->outcome->error = GCS_EMSGSIZE;
    else if (outcome->size > 0)
        memcpy(waiter->buffer, outcome->data, outcome->size);
    waiter->done = true;
}

static void on_outcome(void *ctx, const struct gcs_replica_outcome *outcome)
{
    struct waiter *waiter = ctx;
    struct gcs_replica *replica = waiter->replica;

    (void)pthread_mutex_lock(&replica->gate);
    bool late = waiter->given_up;
    if (!late)
        take_outcome(waiter, outcome);
    (void)pthread_cond_broadcast(&replica->changed);
    (void)pthread_mutex_unlock(&replica->gate);
    if (late)
        free(waiter);
}

/* Submits it, unless a callback holds all up until then: GCS_EAGAIN. */
static int submit_until(struct gcs_replica *replica, const struct gcs_replica_request *request,
                        struct waiter *waiter, uint64_t deadline)
{
    if (!lock_until(replica, deadline))
        return GCS_EAGAIN;
    int error = gcs_replicator_submit(&replica->replicator, request, on_outcome, waiter);
    (void)pthread_mutex_unlock(&replica->mutex);
    return error;
}

/* Something happens, or LOOK_MS pass; true: the outcome is there. */
static bool wait_a_little(struct gcs_replica *replica, const struct waiter *waiter, uint64_t left)
{
    int ms = left / NS_PER_MS >= LOOK_MS ? LOOK_MS : (int)(left / NS_PER_MS) + 1;
    uint64_t deadline = gcs_replica_clock() + (uint64_t)ms * NS_PER_MS;
    struct timespec until = gcs_replica_time(deadline);

    (void)pthread_mutex_lock(&replica->gate);
    bool mine = !waiter->done && take_loop(replica);
    if (!waiter->done && !mine)
        (void)pthread_cond_timedwait(&replica->changed, &replica->gate, &until);
    bool done = waiter->done;
    (void)pthread_mutex_unlock(&replica->gate);
    if (!mine)
        return done;
    int got = 0;
    /* A query that hangs in another thread has the mutex, and not the loop. */
    if (lock_until(replica, deadline)) {
        (void)pthread_mutex_unlock(&replica->mutex);
        got = dispatch(replica, ms);
    }
    let_go(replica);
    if (got < 0) { /* the endpoint is being closed: nothing will come any more */
        struct timespec pause = {.tv_nsec = (long)NS_PER_MS};
        (void)nanosleep(&pause, NULL);
    }
    return false; /* looked at next time */
}

/* 0: the outcome is there; otherwise it is not, and nobody waits for it any more. */
static int wait_for(struct gcs_replica *replica, const struct gcs_replica_request *request,
                    struct waiter *waiter, uint64_t deadline)
{
    int error = GCS_EAGAIN;

    for (uint64_t now = gcs_replica_clock();; now = gcs_replica_clock()) {
        if (error == GCS_EAGAIN)
            error = submit_until(replica, request, waiter, deadline);
        if (error != 0 && error != GCS_EAGAIN)
            break;
        if (wait_a_little(replica, waiter, now < deadline ? deadline - now : 0))
            return 0;
        if (now >= deadline)
            break;
    }
    if (error != 0) { /* not submitted */
        free(waiter);
        return error;
    }
    (void)pthread_mutex_lock(&replica->gate);
    bool done = waiter->done;
    waiter->given_up = true;
    (void)pthread_mutex_unlock(&replica->gate);
    return done ? 0 : GCS_ETIMEDOUT;
}

static bool calls_itself(struct gcs_replica *replica)
{
    (void)pthread_mutex_lock(&replica->gate);
    bool itself = replica->looping && pthread_equal(replica->looper, pthread_self());
    (void)pthread_mutex_unlock(&replica->gate);
    return itself;
}

int gcs_replica_call(struct gcs_replica *replica, const struct gcs_replica_request *request,
                     void *buffer, size_t size, struct gcs_replica_outcome *outcome, int timeout_ms)
{
    uint64_t deadline =
        timeout_ms < 0 ? GCS_NEVER : gcs_replica_clock() + (uint64_t)timeout_ms * NS_PER_MS;

    if (!replica || !request || !outcome || (!buffer && size > 0))
        return gcs_replica_say(GCS_EINVAL,
                               "replica, request or outcome is NULL, or a buffer of some size");
    *outcome = (struct gcs_replica_outcome){0};
    if (calls_itself(replica))
        return gcs_replica_say(GCS_EINVAL, "called from a callback: it would wait for itself");
    struct waiter *waiter = malloc(sizeof(*waiter));
    if (!waiter)
        return gcs_replica_say(GCS_ENOMEM, "out of memory");
    *waiter = (struct waiter){replica, outcome, buffer, size, false, false};
    int error = wait_for(replica, request, waiter, deadline);
    if (error == 0) {
        free(waiter);
        return gcs_replica_say_outcome(outcome, size);
    }
    return error == GCS_ETIMEDOUT
               ? gcs_replica_say(error, "no outcome in that time: it is not known")
               : gcs_replica_say_refused(error, &replica->replicator.config, request->size);
}
