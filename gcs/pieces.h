/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Control frames that are longer than a packet, put together again from their
 * pieces: a few at a time, of bounded size, the oldest given up for a newer one.
 */
#ifndef GCS_PIECES_H
#define GCS_PIECES_H

#include "gcs/base/memory.h"
#include "gcs/wire/piece.h"

#define GCS_PIECES_MAX 8u

struct gcs_puzzle {
    struct gcs_address from;
    uint32_t id;
    uint32_t filled;
    uint64_t touched;          /* by the last piece, in pieces received */
    struct gcs_buffer *buffer; /* the frame with its header; NULL: a free place */
};

struct gcs_pieces {
    struct gcs_puzzle puzzles[GCS_PIECES_MAX];
    uint64_t clock;
};

void gcs_pieces_fini(struct gcs_pieces *pieces);

/*
 * Adds a piece. If it was the last: a buffer (the caller's reference) that begins with the whole
 * frame, whose body has piece->total bytes; else NULL.
 */
struct gcs_buffer *gcs_pieces_add(struct gcs_pieces *pieces, struct gcs_pool *pool,
                                  const struct gcs_address *from, const struct gcs_piece *piece);

#endif
