/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bounded reading and writing of wire bytes: little-endian integers and LEB128
 * varints, the same on every machine. A reader or writer that meets its end
 * turns bad and stays bad: it yields zeros, writes nothing, and the caller asks
 * once at the end. Nothing is ever read or written past the end.
 */
#ifndef GCS_WIRE_BYTES_H
#define GCS_WIRE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct gcs_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

struct gcs_writer {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    bool bad;
};

static inline struct gcs_reader gcs_reader_over(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    return (struct gcs_reader){bytes, bytes + size, false};
}

static inline struct gcs_writer gcs_writer_over(void *data, size_t size)
{
    uint8_t *bytes = data;
    return (struct gcs_writer){bytes, bytes, bytes + size, false};
}

static inline size_t gcs_reader_left(const struct gcs_reader *r)
{
    return r->bad ? 0 : (size_t)(r->end - r->at);
}

static inline size_t gcs_writer_size(const struct gcs_writer *w)
{
    return (size_t)(w->at - w->start);
}

static inline size_t gcs_writer_left(const struct gcs_writer *w)
{
    return w->bad ? 0 : (size_t)(w->end - w->at);
}

/* The next size bytes, NULL (and bad) if there are fewer. */
static inline const uint8_t *gcs_read_bytes(struct gcs_reader *r, size_t size)
{
    if (r->bad || (size_t)(r->end - r->at) < size) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *bytes = r->at;
    r->at += size;
    return bytes;
}

/* Room for size bytes, NULL (and bad) if there is less. */
static inline uint8_t *gcs_write_room(struct gcs_writer *w, size_t size)
{
    if (w->bad || (size_t)(w->end - w->at) < size) {
        w->bad = true;
        return NULL;
    }
    uint8_t *bytes = w->at;
    w->at += size;
    return bytes;
}

static inline uint64_t gcs_load_le(const uint8_t *bytes, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

static inline void gcs_store_le(uint8_t *bytes, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

static inline uint64_t gcs_read_le(struct gcs_reader *r, unsigned size)
{
    const uint8_t *bytes = gcs_read_bytes(r, size);
    return bytes ? gcs_load_le(bytes, size) : 0;
}

static inline uint8_t gcs_read_u8(struct gcs_reader *r)
{
    return (uint8_t)gcs_read_le(r, 1);
}
static inline uint16_t gcs_read_u16(struct gcs_reader *r)
{
    return (uint16_t)gcs_read_le(r, 2);
}
static inline uint32_t gcs_read_u32(struct gcs_reader *r)
{
    return (uint32_t)gcs_read_le(r, 4);
}
static inline uint64_t gcs_read_u64(struct gcs_reader *r)
{
    return gcs_read_le(r, 8);
}

static inline void gcs_write_le(struct gcs_writer *w, uint64_t value, unsigned size)
{
    uint8_t *bytes = gcs_write_room(w, size);
    if (bytes)
        gcs_store_le(bytes, value, size);
}

static inline void gcs_write_u8(struct gcs_writer *w, uint8_t v)
{
    gcs_write_le(w, v, 1);
}
static inline void gcs_write_u16(struct gcs_writer *w, uint16_t v)
{
    gcs_write_le(w, v, 2);
}
static inline void gcs_write_u32(struct gcs_writer *w, uint32_t v)
{
    gcs_write_le(w, v, 4);
}
static inline void gcs_write_u64(struct gcs_writer *w, uint64_t v)
{
    gcs_write_le(w, v, 8);
}

static inline void gcs_write_bytes(struct gcs_writer *w, const void *data, size_t size)
{
    uint8_t *bytes = gcs_write_room(w, size);
    if (bytes && size)
        memcpy(bytes, data, size);
}

/* LEB128, at most 10 bytes. An encoding longer than needed is bad: one value, one spelling. */
static inline uint64_t gcs_read_varint(struct gcs_reader *r)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = gcs_read_u8(r);
        if (r->bad)
            return 0;
        if ((shift == 63 && byte > 1) || (shift > 0 && byte == 0))
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    r->bad = true;
    return 0;
}

static inline void gcs_write_varint(struct gcs_writer *w, uint64_t value)
{
    while (value >= 0x80) {
        gcs_write_u8(w, (uint8_t)(value | 0x80));
        value >>= 7;
    }
    gcs_write_u8(w, (uint8_t)value);
}

#endif
