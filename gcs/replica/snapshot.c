/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state on its way from one replica to another: the layer's own part (how far it goes, under
 * which terms, the sessions), then the application's bytes as its snapshot gives them.
 *
 *   8 bytes "GCSREPL1", u64 size of this part, terms, u64 number, u64 time, sessions
 *
 * The new replica looks at the terms before anything else, so that a state of another protocol
 * never reaches its application.
 */
#include "gcs/replica/replicator.h"

#include <stdlib.h>
#include <string.h>

static const char magic[8] = "GCSREPL1";

enum { FIXED = 16, TERMS = 24, HEADER_LEAST = FIXED + TERMS + 16 + 8, HEADER_FIRST = 4096 };

/* ---- Giving ----------------------------------------------------------------------------- */

struct copy {
    struct gcs_state_source app;
    uint64_t header_size;
    uint8_t header[];
};

static int64_t read_copy(void *ctx, uint64_t offset, void *data, size_t size)
{
    const struct copy *copy = ctx;

    if (offset >= copy->header_size)
        return copy->app.read(copy->app.ctx, offset - copy->header_size, data, size);
    if (size > copy->header_size - offset)
        size = (size_t)(copy->header_size - offset);
    memcpy(data, copy->header + offset, size);
    return (int64_t)size;
}

static void release_copy(void *ctx)
{
    struct copy *copy = ctx;

    if (copy->app.release)
        copy->app.release(copy->app.ctx);
    free(copy);
}

static struct copy *make_copy(struct gcs_replicator *replicator)
{
    size_t size = HEADER_LEAST - 8 + gcs_sessions_size(&replicator->sessions);
    struct copy *copy = malloc(sizeof(*copy) + size);

    if (!copy)
        return NULL;
    memset(&copy->app, 0, sizeof(copy->app));
    copy->header_size = size;
    memcpy(copy->header, magic, sizeof(magic));
    uint8_t *out = gcs_replica_put(copy->header + sizeof(magic), size, 8);
    out = gcs_replica_put_terms(out, &replicator->group_terms);
    out = gcs_replica_put(out, replicator->number - GCS_REPLICA_MUTANT(snapshot_late), 8);
    out = gcs_replica_put(out, replicator->time, 8);
    (void)gcs_sessions_write(&replicator->sessions, out);
    return copy;
}

void gcs_replicator_give(struct gcs_replicator *replicator, const struct gcs_event *event)
{
    const struct gcs_replica_port *port = &replicator->port;
    struct gcs_state_source source = {.read = read_copy, .release = release_copy};
    struct copy *copy = gcs_replicator_has_state(replicator) ? make_copy(replicator) : NULL;
    bool outermost = gcs_replicator_calls(replicator, "snapshot", replicator->number);
    int error =
        copy ? replicator->machine.snapshot(replicator->machine.ctx, &copy->app) : GCS_ENOMEM;

    gcs_replicator_called(replicator, outermost);
    if (error == 0) {
        source.ctx = copy;
        source.total = copy->app.total > 0 ? copy->header_size + copy->app.total : 0;
        if (port->state_offer(port->ctx, event->sender, &source) != 0)
            release_copy(copy); /* it is gone again */
        return;
    }
    free(copy);
    (void)port->state_offer(port->ctx, event->sender, NULL);
    gcs_replicator_report(replicator, GCS_REPLICA_FAILED, error, replicator->number,
                          "snapshot failed at command %llu: %s",
                          (unsigned long long)replicator->number, gcs_strerror(error));
}

/* ---- Taking ----------------------------------------------------------------------------- */

void gcs_replicator_drop_incoming(struct gcs_replicator *replicator)
{
    free(replicator->incoming.header);
    replicator->incoming = (struct gcs_replica_incoming){0};
}

/* What the sessions may come to, and a little. */
static uint64_t header_limit(const struct gcs_replicator *replicator)
{
    const struct gcs_replica_terms *terms = &replicator->terms;

    return HEADER_LEAST + (uint64_t)terms->session_bytes +
           (uint64_t)terms->sessions * (28 + (uint64_t)terms->session_results * 12);
}

static int restore(struct gcs_replicator *replicator, enum gcs_replica_step step, const void *data,
                   size_t size)
{
    bool outermost = gcs_replicator_calls(replicator, "restore", replicator->number);
    int error = replicator->machine.restore(replicator->machine.ctx, step, data, size);

    gcs_replicator_called(replicator, outermost);
    return error;
}

static int read_header(struct gcs_replicator *replicator)
{
    struct gcs_replica_incoming *incoming = &replicator->incoming;
    struct gcs_replica_bytes bytes = {incoming->header + FIXED,
                                      incoming->header + incoming->header_size, false};
    struct gcs_replica_terms terms;

    gcs_replica_get_terms(&bytes, &terms);
    if (terms.protocol != 0 && !gcs_replica_terms_equal(&terms, &replicator->terms)) {
        gcs_replicator_turn_away(replicator, &terms);
        return GCS_EREFUSED;
    }
    uint64_t number = gcs_replica_get(&bytes, 8);
    uint64_t time = gcs_replica_get(&bytes, 8);
    int error = gcs_sessions_read(&replicator->sessions, &bytes);
    if (error == 0 && (bytes.bad || bytes.at != bytes.end))
        error = GCS_EMALFORMED;
    if (error)
        return error;
    replicator->group_terms = terms;
    replicator->number = number;
    replicator->time = time;
    return restore(replicator, GCS_REPLICA_BEGIN, NULL, 0);
}

/* The layer's part has come as far as its size can be read. */
static int read_size(struct gcs_replicator *replicator)
{
    struct gcs_replica_incoming *incoming = &replicator->incoming;
    struct gcs_replica_bytes bytes = {incoming->header + sizeof(magic), incoming->header + FIXED,
                                      false};

    if (memcmp(incoming->header, magic, sizeof(magic)) != 0)
        return GCS_EMALFORMED;
    incoming->header_size = gcs_replica_get(&bytes, 8);
    if (incoming->header_size < HEADER_LEAST || incoming->header_size > header_limit(replicator))
        return GCS_EMALFORMED;
    return 0;
}

/* Takes bytes of the layer's part; *taken: how many. */
static int take_header(struct gcs_replicator *replicator, const uint8_t *data, size_t size,
                       size_t *taken)
{
    struct gcs_replica_incoming *incoming = &replicator->incoming;
    uint64_t wanted = (incoming->header_size ? incoming->header_size : FIXED) - incoming->offset;

    *taken = size < wanted ? size : (size_t)wanted;
    if (incoming->offset + *taken > incoming->header_capacity) {
        uint64_t capacity = 2 * (incoming->offset + *taken) + HEADER_FIRST;
        uint8_t *header = realloc(incoming->header, capacity);
        if (!header)
            return GCS_ENOMEM;
        incoming->header = header;
        incoming->header_capacity = capacity;
    }
    memcpy(incoming->header + incoming->offset, data, *taken);
    incoming->offset += *taken;
    if (incoming->header_size == 0)
        return incoming->offset == FIXED ? read_size(replicator) : 0;
    return incoming->offset == incoming->header_size ? read_header(replicator) : 0;
}

static bool in_header(const struct gcs_replica_incoming *incoming)
{
    return incoming->header_size == 0 || incoming->offset < incoming->header_size;
}

int gcs_replicator_take(struct gcs_replicator *replicator, const struct gcs_event *event)
{
    struct gcs_replica_incoming *incoming = &replicator->incoming;
    const uint8_t *data = event->messages[0].data;
    size_t size = event->messages[0].size;

    if (event->offset == 0) {
        gcs_replicator_drop_incoming(replicator);
        incoming->begun = true;
    }
    if (!incoming->begun || event->offset != incoming->offset)
        return GCS_EMALFORMED;
    while (size > 0 && in_header(incoming)) {
        size_t taken;
        int error = take_header(replicator, data, size, &taken);
        if (error)
            return error;
        data += taken;
        size -= taken;
    }
    incoming->offset += size;
    return size == 0 ? 0 : restore(replicator, GCS_REPLICA_PIECE, data, size);
}

int gcs_replicator_taken(struct gcs_replicator *replicator)
{
    bool whole = !in_header(&replicator->incoming);

    gcs_replicator_drop_incoming(replicator);
    return whole ? restore(replicator, GCS_REPLICA_END, NULL, 0) : GCS_EMALFORMED;
}
