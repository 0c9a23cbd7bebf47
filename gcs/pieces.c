/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames from pieces: see pieces.h. */
#include "gcs/pieces.h"

static void drop(struct gcs_puzzle *puzzle)
{
    gcs_buffer_unref(puzzle->buffer);
    puzzle->buffer = NULL;
}

void gcs_pieces_fini(struct gcs_pieces *pieces)
{
    for (unsigned i = 0; i < GCS_PIECES_MAX; i++)
        drop(&pieces->puzzles[i]);
}

static bool same_source(const struct gcs_puzzle *puzzle, const struct gcs_address *from)
{
    return puzzle->buffer && puzzle->from.length == from->length &&
           memcmp(puzzle->from.bytes, from->bytes, from->length) == 0;
}

/* A source sends its pieces in order, so it needs one place; a new frame takes it over. */
static struct gcs_puzzle *place_for(struct gcs_pieces *pieces, const struct gcs_address *from)
{
    struct gcs_puzzle *oldest = &pieces->puzzles[0];
    for (unsigned i = 0; i < GCS_PIECES_MAX; i++) {
        struct gcs_puzzle *puzzle = &pieces->puzzles[i];
        if (same_source(puzzle, from))
            return puzzle;
        if (!puzzle->buffer || (oldest->buffer && puzzle->touched < oldest->touched))
            oldest = puzzle;
    }
    return oldest;
}

static bool begin(struct gcs_puzzle *puzzle, struct gcs_pool *pool, const struct gcs_address *from,
                  const struct gcs_piece *piece)
{
    drop(puzzle);
    puzzle->buffer = gcs_pool_get(pool, GCS_FRAME_HEADER + piece->total);
    if (!puzzle->buffer)
        return false;
    puzzle->from = *from;
    puzzle->id = piece->id;
    puzzle->filled = 0;
    puzzle->buffer->data[0] = piece->type;
    puzzle->buffer->data[1] = 0;
    gcs_store_le(puzzle->buffer->data + 2, piece->total, 2);
    return true;
}

struct gcs_buffer *gcs_pieces_add(struct gcs_pieces *pieces, struct gcs_pool *pool,
                                  const struct gcs_address *from, const struct gcs_piece *piece)
{
    struct gcs_puzzle *puzzle = place_for(pieces, from);
    if (piece->offset == 0 && !begin(puzzle, pool, from, piece))
        return NULL;
    if (!same_source(puzzle, from) || puzzle->id != piece->id || puzzle->filled != piece->offset ||
        gcs_load_le(puzzle->buffer->data + 2, 2) != piece->total)
        return NULL;
    memcpy(puzzle->buffer->data + GCS_FRAME_HEADER + piece->offset, piece->data, piece->size);
    puzzle->filled += (uint32_t)piece->size;
    puzzle->touched = ++pieces->clock;
    if (puzzle->filled < piece->total)
        return NULL;
    struct gcs_buffer *whole = puzzle->buffer;
    puzzle->buffer = NULL;
    return whole;
}
