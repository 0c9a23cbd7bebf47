/* SPDX-License-Identifier: BSD-3-Clause */
/* The ring of ring.h: bytes, the sender's books, the receiver's books. */
#include "transport/ring.h"

#include <stdlib.h>
#include <string.h>

#define SEGMENT_SHIFT 24
#define OFFSET_UNIT   8
#define PAGE          4096

/* ---- Bytes -------------------------------------------------------------------------------- */

static void put(uint8_t *out, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get(const uint8_t *in, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)in[i] << (8 * i);
    return value;
}

bool gcs_ring_shape_good(const struct gcs_ring_shape *shape)
{
    return shape->segments >= GCS_RING_SEGMENTS_MIN && shape->segments <= GCS_RING_SEGMENTS_MAX &&
           shape->segment_bytes >= GCS_RING_SEGMENT_MIN &&
           shape->segment_bytes <= GCS_RING_SEGMENT_MAX && shape->segment_bytes % OFFSET_UNIT == 0;
}

size_t gcs_ring_bytes(const struct gcs_ring_shape *shape)
{
    return (size_t)shape->segments * shape->segment_bytes;
}

uint32_t gcs_ring_position(uint32_t segment, uint32_t offset)
{
    return segment << SEGMENT_SHIFT | offset / OFFSET_UNIT;
}

uint32_t gcs_ring_position_segment(uint32_t position)
{
    return position >> SEGMENT_SHIFT;
}

uint32_t gcs_ring_position_offset(uint32_t position)
{
    return (position & ((1u << SEGMENT_SHIFT) - 1)) * OFFSET_UNIT;
}

void gcs_ring_preface_write(const struct gcs_ring_preface *preface, uint8_t *out)
{
    put(out, preface->serial, 8);
    put(out + 8, preface->returned, 8);
    put(out + 16, preface->consumed, 8);
    put(out + 24, preface->bytes, 4);
    put(out + 28, preface->records, 4);
}

void gcs_ring_preface_read(struct gcs_ring_preface *preface, const uint8_t *in)
{
    preface->serial = get(in, 8);
    preface->returned = get(in + 8, 8);
    preface->consumed = get(in + 16, 8);
    preface->bytes = (uint32_t)get(in + 24, 4);
    preface->records = (uint32_t)get(in + 28, 4);
}

static uint64_t check_of(const struct gcs_ring_preface *knock)
{
    uint64_t sum = (knock->returned * 0x9e3779b97f4a7c15u + knock->consumed) * 0x94d049bb133111ebu +
                   knock->records;
    return (sum ^ sum >> 29) * 0xbf58476d1ce4e5b9u;
}

void gcs_ring_knock_seal(struct gcs_ring_preface *knock)
{
    knock->serial = check_of(knock);
}

bool gcs_ring_knock_good(const struct gcs_ring_preface *knock)
{
    return knock->serial == check_of(knock);
}

uint64_t gcs_ring_knock_number(const struct gcs_ring_preface *knock, uint64_t from)
{
    return from + (uint32_t)(knock->records - (uint32_t)from);
}

static uint32_t padding(size_t size)
{
    return (uint32_t)(-size & (OFFSET_UNIT - 1));
}

uint32_t gcs_ring_record_bytes(size_t size)
{
    return GCS_RING_RECORD + (uint32_t)size + padding(size);
}

void gcs_ring_record_write(uint8_t *out, const uint8_t *data, size_t size)
{
    put(out, size, 4);
    put(out + 4, 0, 4);
    memcpy(out + GCS_RING_RECORD, data, size);
    memset(out + GCS_RING_RECORD + size, 0, padding(size));
}

/* ---- The sender's books -------------------------------------------------------------------- */

void gcs_ring_out_init(struct gcs_ring_out *out, const struct gcs_ring_shape *shape)
{
    *out = (struct gcs_ring_out){.shape = *shape, .current = shape->segments};
}

static bool fits(const struct gcs_ring_out *out, uint32_t bytes)
{
    return out->current < out->shape.segments && bytes <= out->shape.segment_bytes - out->at;
}

/* The next free segment after the current one. */
static bool take_segment(struct gcs_ring_out *out)
{
    for (uint32_t i = 1; i <= out->shape.segments; i++) {
        uint32_t segment = (out->current + i) % out->shape.segments;
        uint64_t bit = (uint64_t)1 << segment;
        if ((out->taken ^ out->returned) & bit)
            continue;
        out->taken ^= bit;
        out->current = segment;
        out->at = 0;
        return true;
    }
    return false;
}

bool gcs_ring_out_begin(struct gcs_ring_out *out, uint32_t record, uint32_t *position)
{
    uint32_t bytes = GCS_RING_PREFACE + record;

    if (bytes > out->shape.segment_bytes || (!fits(out, bytes) && !take_segment(out)))
        return false;
    *position = gcs_ring_position(out->current, out->at);
    out->at += bytes;
    return true;
}

bool gcs_ring_out_extend(struct gcs_ring_out *out, uint32_t record)
{
    if (!fits(out, record))
        return false;
    out->at += record;
    return true;
}

/* ---- The receiver's books -------------------------------------------------------------------- */

/* A segment's buffer has one reference while the sender writes into it, and one for each packet
 * that somebody keeps. */
struct gcs_ring_in {
    struct gcs_ring_shape shape;
    uint8_t *memory;
    uint64_t returned;
    uint64_t serial;  /* of the last run */
    uint32_t current; /* shape.segments: none yet */
    uint32_t at;      /* where the next run begins, unless the sender goes on to another segment */
    uint32_t used;    /* segments that the sender has taken */
    bool released;
    void (*watcher)(void *ctx); /* or NULL */
    void *watcher_ctx;
    struct gcs_buffer segment[GCS_RING_SEGMENTS_MAX];
};

static void free_ring(struct gcs_ring_in *in)
{
    free(in->memory);
    free(in);
}

static void give_back(struct gcs_buffer *buffer)
{
    struct gcs_ring_in *in = buffer->owner;

    in->returned ^= (uint64_t)1 << (buffer - in->segment);
    in->used--;
    if (in->watcher)
        in->watcher(in->watcher_ctx);
    if (in->released && in->used == 0)
        free_ring(in);
}

struct gcs_ring_in *gcs_ring_in_new(const struct gcs_ring_shape *shape, size_t behind)
{
    size_t bytes = gcs_ring_bytes(shape) + behind;
    struct gcs_ring_in *in = calloc(1, sizeof(*in));

    if (!in)
        return NULL;
    bytes = (bytes + PAGE - 1) / PAGE * PAGE;
    in->memory = aligned_alloc(PAGE, bytes);
    if (!in->memory) {
        free(in);
        return NULL;
    }
    in->shape = *shape;
    in->current = shape->segments;
    for (uint32_t i = 0; i < shape->segments; i++) {
        in->segment[i] = (struct gcs_buffer){
            .data = in->memory + (size_t)i * shape->segment_bytes,
            .size = shape->segment_bytes,
            .destroy = give_back,
            .owner = in,
        };
    }
    return in;
}

void gcs_ring_in_release(struct gcs_ring_in *in)
{
    if (!in)
        return;
    in->watcher = NULL;
    if (in->current < in->shape.segments)
        gcs_buffer_unref(&in->segment[in->current]);
    in->current = in->shape.segments;
    in->released = true;
    if (in->used == 0)
        free_ring(in);
}

void gcs_ring_in_watch(struct gcs_ring_in *in, void (*returned)(void *ctx), void *ctx)
{
    in->watcher = returned;
    in->watcher_ctx = ctx;
}

uint8_t *gcs_ring_in_memory(struct gcs_ring_in *in)
{
    return in->memory;
}

/* The sender has gone on to another segment: it must be a free one. */
static bool enter_segment(struct gcs_ring_in *in, uint32_t segment)
{
    if (in->segment[segment].refs > 0)
        return false;
    if (in->current < in->shape.segments)
        gcs_buffer_unref(&in->segment[in->current]);
    in->current = segment;
    in->at = 0;
    in->used++;
    in->segment[segment].refs = 1;
    return true;
}

bool gcs_ring_in_open(struct gcs_ring_in *in, uint32_t position, uint32_t bytes,
                      struct gcs_ring_run *run, struct gcs_ring_preface *preface)
{
    uint32_t segment = gcs_ring_position_segment(position);
    uint32_t offset = gcs_ring_position_offset(position);

    if (segment >= in->shape.segments || (segment != in->current && !enter_segment(in, segment)))
        return false;
    if (offset != in->at || bytes < GCS_RING_PREFACE || bytes % OFFSET_UNIT != 0 ||
        bytes > in->shape.segment_bytes - offset)
        return false;
    gcs_ring_preface_read(preface, in->segment[segment].data + offset);
    if (preface->serial != in->serial + 1 || preface->bytes != bytes)
        return false;
    in->serial++;
    in->at += bytes;
    *run = (struct gcs_ring_run){
        .segment = segment,
        .at = offset + GCS_RING_PREFACE,
        .end = offset + bytes,
        .records = preface->records,
    };
    return true;
}

int gcs_ring_in_next(struct gcs_ring_in *in, struct gcs_ring_run *run, const uint8_t **data,
                     size_t *size)
{
    const uint8_t *record = in->segment[run->segment].data + run->at;
    uint32_t left = run->end - run->at;

    if (left == 0)
        return run->records == 0 ? 0 : -1;
    if (left < GCS_RING_RECORD || run->records == 0)
        return -1;
    uint32_t bytes = (uint32_t)get(record, 4); /* read once: the sender could still change it */
    if (bytes == 0 || bytes > left - GCS_RING_RECORD || gcs_ring_record_bytes(bytes) > left)
        return -1;
    *data = record + GCS_RING_RECORD;
    *size = bytes;
    run->at += gcs_ring_record_bytes(bytes);
    run->records--;
    return 1;
}

struct gcs_buffer *gcs_ring_in_buffer(struct gcs_ring_in *in, const struct gcs_ring_run *run)
{
    return &in->segment[run->segment];
}

uint32_t gcs_ring_in_free(const struct gcs_ring_in *in)
{
    return in->shape.segments - in->used;
}

uint64_t gcs_ring_in_returned(const struct gcs_ring_in *in)
{
    return in->returned;
}
