/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * State transfer from one member (the donor) to a new one (the joiner), beside
 * the group's traffic: nobody else waits.
 *
 * The joiner drives. It asks for a state that is at least as new as a mark, and
 * is offered one with the mark at which it was taken; then it pulls chunks, so
 * many ahead as it has room for, and asks again for those that were lost. The
 * donor only answers, and reads its application's state as it goes, so that it
 * keeps nothing but a digest. While the group is at work the joiner pulls a little
 * at a time, and rests after that so many times as long as it took to come: so a
 * transfer has at most a tenth of whatever is scarce on its way, be it the
 * processors or the network. It rests only as long as the state is further on than
 * what waits for it; else it would be in vain. An attempt that has become of no use
 * (the donor died, too much was queued meanwhile) is followed by the next.
 */
#ifndef GCS_VIEWS_TRANSFER_H
#define GCS_VIEWS_TRANSFER_H

#include "gcs/base/memory.h"
#include "gcs/wire/state.h"
#include <gcs/core.h>

/* Chunks that are pulled ahead at most. */
#define GCS_PULL_AHEAD_MAX 1024
/* Chunks that may come after a missing one before it is taken for lost. */
#define GCS_CHUNK_REORDER 2
/* All that may wait for the state. */
#define GCS_WAITING_FULL 1024

typedef void gcs_transfer_send_fn(void *ctx, const struct gcs_member_id *to, uint8_t type,
                                  const uint8_t *body, size_t size);

/* ---- The donor's side: transfer_out.c --------------------------------------------------- */

struct gcs_transfer_out;

struct gcs_transfer_out_config {
    const struct gcs_allocator *allocator;
    struct gcs_counters *counters;
    struct gcs_member_id joiner;
    uint32_t attempt;
    const struct gcs_mark *mark; /* at which the application is asked for the state; copied */
    uint32_t chunk_bytes;
    void *ctx;
    gcs_transfer_send_fn *send;
};

int gcs_transfer_out_new(const struct gcs_transfer_out_config *config,
                         struct gcs_transfer_out **out);
/* Releases the application's state. */
void gcs_transfer_out_free(struct gcs_transfer_out *out);

/* The application hands out its state; GCS_EALREADY. */
int gcs_transfer_out_offer(struct gcs_transfer_out *out, const struct gcs_state_source *source);
/* It cannot; or the transfer failed otherwise. */
void gcs_transfer_out_refuse(struct gcs_transfer_out *out, int error);

const struct gcs_member_id *gcs_transfer_out_joiner(const struct gcs_transfer_out *out);
uint32_t gcs_transfer_out_attempt(const struct gcs_transfer_out *out);
/* Why it has failed; 0: it has not. */
int gcs_transfer_out_error(const struct gcs_transfer_out *out);

/* Bytes that have been sent of how many, 0: not known. */
void gcs_transfer_out_progress(const struct gcs_transfer_out *out, uint64_t *bytes,
                               uint64_t *total);

/* The application still owes its answer. */
bool gcs_transfer_out_waits(const struct gcs_transfer_out *out);

/* ASK, PULL. Of another attempt: ignored. GCS_EMALFORMED. */
void gcs_transfer_out_ask(struct gcs_transfer_out *out, const struct gcs_state_ask *ask);
int gcs_transfer_out_pull(struct gcs_transfer_out *out, const uint8_t *body, size_t size);

/* Sends what has been pulled, but about so many bytes at most. True: there is more to be sent. */
bool gcs_transfer_out_serve(struct gcs_transfer_out *out, size_t bytes);

/* ---- The joiner's side: transfer_in.c --------------------------------------------------- */

struct gcs_transfer_in;

struct gcs_transfer_in_env {
    void *ctx;
    gcs_transfer_send_fn *send;
    /* A count that grows while the group is at work. */
    uint64_t (*traffic)(void *ctx);
    /* How much waits for the state, of GCS_WAITING_FULL; beyond that the attempt is given up. */
    uint32_t (*waiting)(void *ctx);
    /* The state that comes is exactly as new as that. Once in every attempt, before its chunks. */
    void (*offered)(void *ctx, const struct gcs_mark *mark);
    /* The next piece of the state, to be followed by gcs_transfer_in_taken; a state of no bytes is
     * one piece too. total: 0, not known yet. False: out of memory. */
    bool (*chunk)(void *ctx, struct gcs_buffer *buffer, size_t size, uint64_t offset,
                  uint64_t total);
    void (*done)(void *ctx, uint64_t total);
    void (*failed)(void *ctx, int error);
};

struct gcs_transfer_in_config {
    const struct gcs_allocator *allocator;
    struct gcs_pool *pool; /* for the chunks on their way */
    struct gcs_counters *counters;
    uint32_t window_bytes; /* of chunks that are pulled and not taken */
    uint64_t retry_ns;
    struct gcs_transfer_in_env env;
};

int gcs_transfer_in_new(const struct gcs_transfer_in_config *config, struct gcs_transfer_in **in);
void gcs_transfer_in_free(struct gcs_transfer_in *in);

/*
 * A new attempt: everything from the one before is void. It begins once the application has given
 * back what it has of that, so that its pieces never take more than the window.
 */
void gcs_transfer_in_start(struct gcs_transfer_in *in, uint64_t now,
                           const struct gcs_member_id *donor, const struct gcs_mark *mark);
const struct gcs_member_id *gcs_transfer_in_donor(const struct gcs_transfer_in *in);

/* Bytes of this attempt that have been handed on, of how many, 0: not known. */
void gcs_transfer_in_progress(const struct gcs_transfer_in *in, uint64_t *bytes, uint64_t *total);

/* OFFER, CHUNK. GCS_EMALFORMED. */
int gcs_transfer_in_frame(struct gcs_transfer_in *in, uint64_t now,
                          const struct gcs_member_id *from, uint8_t type, const uint8_t *body,
                          size_t size);
/* The application has given back a piece, of this attempt or an earlier one: they come in order. */
void gcs_transfer_in_taken(struct gcs_transfer_in *in, uint64_t now);
void gcs_transfer_in_tick(struct gcs_transfer_in *in, uint64_t now);
uint64_t gcs_transfer_in_deadline(const struct gcs_transfer_in *in);

#endif
