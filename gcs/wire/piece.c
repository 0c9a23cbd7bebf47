/* SPDX-License-Identifier: BSD-3-Clause */
/* Codec of the PIECE frame: see piece.h. */
#include "gcs/wire/piece.h"

void gcs_piece_write(struct gcs_writer *w, const struct gcs_piece *piece)
{
    gcs_write_u8(w, piece->type);
    gcs_write_varint(w, piece->id);
    gcs_write_varint(w, piece->total);
    gcs_write_varint(w, piece->offset);
    gcs_write_bytes(w, piece->data, piece->size);
}

bool gcs_piece_read(const uint8_t *body, size_t size, struct gcs_piece *piece)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    piece->type = gcs_read_u8(&r);
    uint64_t id = gcs_read_varint(&r);
    uint64_t total = gcs_read_varint(&r);
    uint64_t offset = gcs_read_varint(&r);
    piece->size = gcs_reader_left(&r);
    piece->data = gcs_read_bytes(&r, piece->size);
    if (r.bad || piece->size == 0 || id > UINT32_MAX || total > UINT16_MAX || offset >= total ||
        piece->size > total - offset)
        return false;
    piece->id = (uint32_t)id;
    piece->total = (uint32_t)total;
    piece->offset = (uint32_t)offset;
    return true;
}
