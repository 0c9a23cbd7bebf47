/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PIECE: part of a control frame that is longer than a packet. Pieces of one
 * frame share an id and come in order; if one is lost the frame is lost, and
 * whoever sent it sends it again.
 *
 *     type of the frame 1, id varint, size of the frame's body varint, offset varint, bytes
 */
#ifndef GCS_WIRE_PIECE_H
#define GCS_WIRE_PIECE_H

#include "gcs/wire/packet.h"

#define GCS_PIECE_HEAD_MAX (1 + 5 + 3 + 3)

struct gcs_piece {
    uint8_t type;
    uint32_t id;
    uint32_t total;
    uint32_t offset;
    const uint8_t *data;
    size_t size;
};

void gcs_piece_write(struct gcs_writer *w, const struct gcs_piece *piece);

/* False if malformed: empty, or not within a body of at most 65535 bytes. */
bool gcs_piece_read(const uint8_t *body, size_t size, struct gcs_piece *piece);

#endif
