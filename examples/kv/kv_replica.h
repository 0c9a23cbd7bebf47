/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The replicated store: everything between the server and libgcs. Requests (request.h) go in,
 * replies come out, at this replica as at any other.
 */
#ifndef KV_REPLICA_H
#define KV_REPLICA_H

#include "store.h"

#include <gcs/replica.h>

struct kv_options {
    const char *url, *group;
    const char *status; /* the path of a socket for gcs status; NULL: none */
    enum gcs_bootstrap bootstrap;
    uint32_t expect;
    uint32_t session_ms;
    uint32_t request_bytes; /* longest request */
    uint32_t protocol;
    void *ctx;
    void (*room)(void *ctx); /* what was refused for lack of room is worth trying again */
};

struct kv {
    struct gcs_endpoint *endpoint;
    struct gcs_replica *replica;
    struct store store;
    struct reply reply;    /* of the latest command or query */
    struct reply incoming; /* a state on its way */
    struct reply tick;
    bool ticking; /* a tick is on its way */
    bool left;
    int why; /* left: the error, 0: as asked for */
    void *ctx;
    void (*room)(void *ctx);
};

/* 0, or an error that has been said on stderr. */
int kv_open(struct kv *kv, const struct kv_options *options);
void kv_close(struct kv *kv);

/* done gets the reply as the client is to see it, or an error. */
int kv_write(struct kv *kv, const struct reply *request, uint64_t session, uint64_t serial,
             gcs_replica_done *done, void *ctx);
int kv_read(struct kv *kv, enum gcs_replica_read read, uint64_t after, const struct reply *request,
            gcs_replica_done *done, void *ctx);
int kv_session(struct kv *kv, gcs_replica_done *done, void *ctx);

/* Does what there is to do, without waiting; when to come again at the latest, in ms. */
int kv_work(struct kv *kv, int *again_ms);
/* Ten times a second: lets keys expire although nobody writes. */
void kv_tick(struct kv *kv);

#endif
