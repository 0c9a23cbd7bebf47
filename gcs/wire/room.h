/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ROOM: about memory for a long message, number by its sender's count. Its sender asks whether
 * there is room for it, those that have some say so, by themselves and when they are asked.
 *
 *     0: is there room, 1: there is (1), number varint
 */
#ifndef GCS_WIRE_ROOM_H
#define GCS_WIRE_ROOM_H

#include "gcs/wire/packet.h"

#define GCS_ROOM_BYTES_MAX 11

enum gcs_room_kind { GCS_ROOM_WANTED, GCS_ROOM_THERE };

static inline void gcs_room_write(struct gcs_writer *w, enum gcs_room_kind kind, uint64_t number)
{
    gcs_write_u8(w, (uint8_t)kind);
    gcs_write_varint(w, number);
}

/* False: malformed. */
static inline bool gcs_room_read(const uint8_t *body, size_t size, enum gcs_room_kind *kind,
                                 uint64_t *number)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    uint8_t byte = gcs_read_u8(&r);
    *number = gcs_read_varint(&r);
    *kind = byte == GCS_ROOM_THERE ? GCS_ROOM_THERE : GCS_ROOM_WANTED;
    return !r.bad && r.at == r.end && byte <= GCS_ROOM_THERE && *number > 0;
}

#endif
