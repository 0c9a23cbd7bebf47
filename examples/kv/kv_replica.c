/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a program becomes a replicated service: all of gcs-kv that knows libgcs is in this file. Copy
 * it to start one of your own.
 *
 * 1. The program's state changes only in apply(), as a function of the command, its time and its
 *    seed (store.c and the commands see no clock and no other random number).
 * 2. snapshot() gives a copy of the state, restore() takes one: how a new replica gets it.
 * 3. Clients' writes are submitted as commands; their replies are sent when done() is called: then
 * a quorum has them. Clients' reads are queries.
 *
 * The rest is waiting in one loop for clients and for the group: GCS_OWN_LOOP, gcs_fd, kv_work.
 */
#include "kv_replica.h"

#include "request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The state machine ---------------------------------------------------------------------- */

/* Of one command, or transaction: the same at all replicas. A few bytes may ask for a lot, and a
 * replica that has no memory for it starts over; so would all of them. */
#define REPLY_MAX ((size_t)128 << 20)

static int apply(void *ctx, const struct gcs_replica_command *command,
                 struct gcs_replica_result *result)
{
    struct kv *kv = ctx;

    kv->store.now = command->time;
    kv->store.number = command->number;
    reply_clear(&kv->reply);
    store_expire(&kv->store);
    request_run(&kv->store, command->data, command->size, true, command->seed, &kv->reply);
    if (kv->store.failed || kv->reply.failed)
        return GCS_ENOMEM; /* this replica does not know its state any more, and starts over */
    for (size_t i = 0; i < kv->reply.size; i++) /* FNV-1a: what clients were told */
        kv->store.chain = (kv->store.chain ^ (uint8_t)kv->reply.data[i]) * 1099511628211U;
    result->data = kv->reply.data;
    result->size = kv->reply.size;
    return 0;
}

static int query(void *ctx, const void *data, size_t size, uint64_t time,
                 struct gcs_replica_result *result)
{
    struct kv *kv = ctx;

    kv->store.now = time; /* what has expired since the last command is not seen */
    reply_clear(&kv->reply);
    request_run(&kv->store, data, size, false, kv->store.number, &kv->reply);
    if (kv->reply.failed)
        return GCS_ENOMEM;
    result->data = kv->reply.data;
    result->size = kv->reply.size;
    return 0;
}

/* Replies tell states apart sooner or later, and how many keys there are. */
static uint64_t digest(void *ctx)
{
    const struct kv *kv = ctx;

    return kv->store.chain + store_count(&kv->store);
}

/* The copy is read by the endpoint while commands go on, and freed when it is not needed any more.
 */
static int64_t read_copy(void *ctx, uint64_t offset, void *data, size_t size)
{
    const struct reply *copy = ctx;

    if (offset >= copy->size)
        return 0;
    if (size > copy->size - offset)
        size = (size_t)(copy->size - offset);
    memcpy(data, copy->data + offset, size);
    return (int64_t)size;
}

static void free_copy(void *ctx)
{
    reply_free(ctx);
    free(ctx);
}

static int snapshot(void *ctx, struct gcs_state_source *source)
{
    const struct kv *kv = ctx;
    struct reply *copy = calloc(1, sizeof(*copy));

    if (copy)
        store_dump(&kv->store, copy);
    if (!copy || copy->failed) {
        if (copy)
            free_copy(copy);
        return GCS_ENOMEM;
    }
    *source = (struct gcs_state_source){copy, read_copy, free_copy, copy->size};
    return 0;
}

static int restore(void *ctx, enum gcs_replica_step step, const void *data, size_t size)
{
    struct kv *kv = ctx;
    bool good = true;

    if (step == GCS_REPLICA_BEGIN)
        reply_clear(&kv->incoming);
    if (step == GCS_REPLICA_PIECE)
        reply_bytes(&kv->incoming, data, size);
    if (step == GCS_REPLICA_END) {
        good = store_load(&kv->store, kv->incoming.data, kv->incoming.size);
        reply_free(&kv->incoming);
    }
    return kv->incoming.failed ? GCS_ENOMEM : good ? 0 : GCS_EMALFORMED;
}

/* ---- News ----------------------------------------------------------------------------------- */

static void report(void *ctx, const struct gcs_replica_report *report)
{
    struct kv *kv = ctx;

    if (report->news != GCS_REPLICA_WRITABLE)
        fprintf(stderr, "gcs-kv: %s\n", report->text);
    if (report->news == GCS_REPLICA_WRITABLE || report->news == GCS_REPLICA_READY)
        kv->room(kv->ctx);
    if (report->news == GCS_REPLICA_LEFT) {
        kv->left = true;
        kv->why = report->error;
    }
}

/* ---- Beginning and end ---------------------------------------------------------------------- */

int kv_open(struct kv *kv, const struct kv_options *options)
{
    struct gcs_endpoint_options endpoint;
    struct gcs_group_config group;
    struct gcs_replica_config config;
    struct gcs_replica_machine machine = {
        .size = sizeof(machine),
        .ctx = kv,
        .apply = apply,
        .snapshot = snapshot,
        .restore = restore,
        .query = query,
        .digest = digest,
    };

    *kv = (struct kv){.ctx = options->ctx, .room = options->room};
    kv->reply.limit = REPLY_MAX;
    gcs_endpoint_options_init(&endpoint);
    endpoint.flags = GCS_OWN_LOOP;
    endpoint.status = options->status;
    int error = gcs_open(options->url, &endpoint, &kv->endpoint);
    if (error) {
        fprintf(stderr, "gcs-kv: %s\n", gcs_detail());
        return error;
    }
    if (gcs_endpoint_note(kv->endpoint)[0])
        fprintf(stderr, "gcs-kv: %s\n", gcs_endpoint_note(kv->endpoint));
    gcs_group_config_init(&group);
    group.bootstrap = options->bootstrap;
    group.expect = options->expect;
    gcs_replica_config_init(&config);
    config.protocol = options->protocol;
    config.command_bytes = options->request_bytes;
    config.session_ms = options->session_ms;
    config.ctx = kv;
    config.report = report;
    error = gcs_replica_open(kv->endpoint, options->group, &group, &machine, &config, &kv->replica);
    if (error) {
        fprintf(stderr, "gcs-kv: %s: %s\n", options->group,
                gcs_detail()[0] ? gcs_detail() : gcs_strerror(error));
        gcs_close(kv->endpoint);
    }
    return error;
}

void kv_close(struct kv *kv)
{
    gcs_replica_close(kv->replica);
    gcs_close(kv->endpoint);
    store_clear(&kv->store);
    reply_free(&kv->reply);
    reply_free(&kv->incoming);
    reply_free(&kv->tick);
}

/* ---- Requests ------------------------------------------------------------------------------- */

int kv_write(struct kv *kv, const struct reply *request, uint64_t session, uint64_t serial,
             gcs_replica_done *done, void *ctx)
{
    struct gcs_replica_request command = {request->data, request->size, session, serial};

    return request->failed ? GCS_ENOMEM : gcs_replica_submit(kv->replica, &command, done, ctx);
}

int kv_read(struct kv *kv, enum gcs_replica_read read, uint64_t after, const struct reply *request,
            gcs_replica_done *done, void *ctx)
{
    return request->failed ? GCS_ENOMEM
                           : gcs_replica_query(kv->replica, read, after, request->data,
                                               request->size, done, ctx);
}

int kv_session(struct kv *kv, gcs_replica_done *done, void *ctx)
{
    return gcs_replica_session(kv->replica, done, ctx);
}

/* ---- The loop ------------------------------------------------------------------------------- */

int kv_work(struct kv *kv, int *again_ms)
{
    int done = gcs_replica_dispatch(kv->replica, 0);

    *again_ms = gcs_expiry(kv->endpoint);
    return done;
}

static void ticked(void *ctx, const struct gcs_replica_outcome *outcome)
{
    (void)outcome;
    ((struct kv *)ctx)->ticking = false;
}

/* Time stands still while there are no commands; one replica, the senior, sees that it does not
 * while some key is to expire. */
void kv_tick(struct kv *kv)
{
    const struct gcs_view *view = gcs_view_acquire(gcs_replica_group(kv->replica));
    bool senior = view && view->self == 0;

    gcs_view_release(view);
    if (!senior || kv->store.heap_count == 0 || kv->ticking)
        return;
    request_begin(&kv->tick, REQUEST_TICK);
    kv->ticking = true;
    if (kv_write(kv, &kv->tick, 0, 0, ticked, kv) != 0)
        kv->ticking = false;
}
