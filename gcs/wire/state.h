/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * State transfer: a new member gets the group's state from one that has it.
 *
 *     ASK    attempt, mark: the state must be at least as new as that
 *     OFFER  attempt, error (as a positive number) 1, then if 0: chunk bytes, total (0:
 *            not known), mark: the state is exactly as new as that
 *     PULL   attempt, upto, ranges: chunks below upto are wanted; of those that were
 *            sent already, the ones in the ranges once more
 *     CHUNK  attempt, index, flags 1, with FAILED: error 1 and no more, with LAST: total,
 *            digest 8; bytes
 *
 *     mark   epoch, total, ranks, per rank: causal, unordered, fifo
 *     ranges until the end: gap to the end of the one before (the first: to 0),
 *            length (both at least 1,
 *            but the first gap)
 *
 * Integers are varints unless said otherwise.
 */
#ifndef GCS_WIRE_STATE_H
#define GCS_WIRE_STATE_H

#include "gcs/wire/packet.h"
#include <gcs/types.h>

/* A place in the stream of deliveries, the same at all members: in the view of that epoch, after
 * so many packets in total order and so many of each sender in each of the other orders. */
struct gcs_mark {
    uint32_t epoch;
    uint16_t count; /* ranks */
    uint64_t total;
    uint64_t *each; /* per rank, the other orders; the holder's */
};

#define GCS_MARK_ORDERS 3

/* Room for every view's mark. */
#define GCS_MARK_EACH_MAX (GCS_MARK_ORDERS * GCS_MEMBERS_MAX)

/* The place of a sender's packets of that service; NULL: they are in total order. */
static inline uint64_t *gcs_mark_of(const struct gcs_mark *mark, uint16_t rank, uint8_t service)
{
    bool total = service == GCS_AGREED || service == GCS_SAFE;
    return total ? NULL : &mark->each[rank * GCS_MARK_ORDERS + service % GCS_MARK_ORDERS];
}

void gcs_mark_write(struct gcs_writer *w, const struct gcs_mark *mark);
/* each: room for GCS_MARK_EACH_MAX. */
void gcs_mark_read(struct gcs_reader *r, uint64_t *each, struct gcs_mark *mark);
size_t gcs_mark_bound(uint16_t count);
/* Nothing that came before the other mark came after this one. */
bool gcs_mark_reaches(const struct gcs_mark *mark, const struct gcs_mark *other);

struct gcs_state_ask {
    uint32_t attempt; /* counted by the member that asks, from 1 */
    struct gcs_mark mark;
};

void gcs_state_ask_write(struct gcs_writer *w, const struct gcs_state_ask *ask);
bool gcs_state_ask_read(const uint8_t *body, size_t size, uint64_t *each,
                        struct gcs_state_ask *ask);

struct gcs_state_offer {
    uint32_t attempt;
    int error;            /* 0: none */
    uint32_t chunk_bytes; /* of every chunk but the last */
    uint64_t total;       /* bytes of the whole state; 0: not known */
    struct gcs_mark mark;
};

/* Bytes before the mark at most, of both. */
#define GCS_OFFER_HEAD_MAX (5 + 1 + 5 + 10)

void gcs_state_offer_write(struct gcs_writer *w, const struct gcs_state_offer *offer);
bool gcs_state_offer_read(const uint8_t *body, size_t size, uint64_t *each,
                          struct gcs_state_offer *offer);

#define GCS_PULL_RANGES_MAX 16

struct gcs_state_pull {
    uint32_t attempt;
    uint64_t upto;
    uint16_t count;
    struct {
        uint64_t first, last;
    } again[GCS_PULL_RANGES_MAX]; /* ascending, apart, below upto */
};

#define GCS_PULL_BYTES_MAX (5 + 10 + GCS_PULL_RANGES_MAX * 20)
void gcs_state_pull_write(struct gcs_writer *w, const struct gcs_state_pull *pull);
bool gcs_state_pull_read(const uint8_t *body, size_t size, struct gcs_state_pull *pull);

enum gcs_chunk_flag {
    GCS_CHUNK_LAST = 1,
    GCS_CHUNK_FAILED = 2, /* there will be no more */
};

struct gcs_state_chunk {
    uint32_t attempt;
    uint64_t index;
    uint8_t flags;
    int error;       /* FAILED */
    uint64_t total;  /* LAST: bytes of the whole state */
    uint64_t digest; /* LAST: XXH64 of the whole state, seed 0 */
    const uint8_t *data;
    size_t size;
};

/* Bytes before the data at most. */
#define GCS_CHUNK_HEAD_MAX (5 + 10 + 1 + 10 + 8)
void gcs_state_chunk_write(struct gcs_writer *w, const struct gcs_state_chunk *chunk);
bool gcs_state_chunk_read(const uint8_t *body, size_t size, struct gcs_state_chunk *chunk);

#endif
