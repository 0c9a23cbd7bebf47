/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A ring of memory at a receiver that one sender writes packets into, one-sidedly: its layout and
 * both sides' books about it. Nothing here touches a network or a device.
 *
 * The ring has up to 64 segments. The sender fills one segment after the other, in any order that
 * it finds them free in, with runs. A run is a preface and some records, contiguous, and is told
 * to the receiver by 32 bits (gcs_ring_position) after all of its bytes are there:
 *
 *     preface   u64 serial number of the run, from 1
 *               u64 returned: the other direction's segments that have been given back
 *               u64 consumed: runs of the other direction that have been taken in
 *               u32 bytes of the run, preface included
 *               u32 records
 *     record    u32 bytes, u32 zero, the packet, up to 7 bytes so that the next is aligned
 *
 * All numbers are little-endian. A knock is a preface alone, in a line behind the ring's segments:
 * credit that no run was there to carry. The next knock may overwrite it while it is read, or
 * before, so its serial number is a check, and `records` the lowest 32 bits of how many runs and
 * knocks there have been with it: who reads a later knock than was told knows that runs in between
 * say less.
 *
 * A received packet stays where it is. Its segment is given back when the sender has gone on to
 * another one and nobody refers to a packet in it. So what is in use of a ring is what is not
 * released yet of its sender's packets, and credit for the ring is the sender's window. `returned`
 * has one bit for each segment, which changes each time that it is given back: any later word
 * replaces all earlier ones, none has to arrive.
 */
#ifndef GCS_TRANSPORT_RING_H
#define GCS_TRANSPORT_RING_H

#include <gcs/core.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GCS_RING_SEGMENTS_MIN = 4,
    GCS_RING_SEGMENTS_MAX = 64,
    GCS_RING_SEGMENT_MIN = 4096,
    GCS_RING_SEGMENT_MAX = 1 << 22,
    GCS_RING_PREFACE = 32,
    GCS_RING_RECORD = 8,
};

#define GCS_RING_KNOCK UINT32_MAX /* instead of a position: look at the line */

struct gcs_ring_shape {
    uint32_t segments;
    uint32_t segment_bytes; /* a multiple of 8 */
};

bool gcs_ring_shape_good(const struct gcs_ring_shape *shape);
size_t gcs_ring_bytes(const struct gcs_ring_shape *shape); /* of all segments */

/* Where a run begins, in 32 bits, none of which is GCS_RING_KNOCK. */
uint32_t gcs_ring_position(uint32_t segment, uint32_t offset);
uint32_t gcs_ring_position_segment(uint32_t position);
uint32_t gcs_ring_position_offset(uint32_t position);

struct gcs_ring_preface {
    uint64_t serial;
    uint64_t returned;
    uint64_t consumed;
    uint32_t bytes;
    uint32_t records;
};

void gcs_ring_preface_write(const struct gcs_ring_preface *preface, uint8_t *out);
void gcs_ring_preface_read(struct gcs_ring_preface *preface, const uint8_t *in);

/* Sets a knock's check; false: what was read is half of one knock and half of another, of which
 * will be told as well. */
void gcs_ring_knock_seal(struct gcs_ring_preface *knock);
bool gcs_ring_knock_good(const struct gcs_ring_preface *knock);
/* The number of a knock among all runs and knocks, when it is at least `from`. */
uint64_t gcs_ring_knock_number(const struct gcs_ring_preface *knock, uint64_t from);

/* What a packet of size bytes takes in a run. */
uint32_t gcs_ring_record_bytes(size_t size);
/* Writes one; out has room for that. */
void gcs_ring_record_write(uint8_t *out, const uint8_t *data, size_t size);

/* ---- The sender's books ------------------------------------------------------------------ */

struct gcs_ring_out {
    struct gcs_ring_shape shape;
    uint64_t taken;    /* one bit for each segment, which changes each time that we take it */
    uint64_t returned; /* as the receiver says: equal bits are free segments */
    uint32_t current;  /* segment that we write into; shape.segments: none yet */
    uint32_t at;       /* first free byte in it */
};

void gcs_ring_out_init(struct gcs_ring_out *out, const struct gcs_ring_shape *shape);

/* Room for a run with one record of so many bytes: in the current segment, or in a free one, which
 * is taken. False: there is none at the moment. */
bool gcs_ring_out_begin(struct gcs_ring_out *out, uint32_t record, uint32_t *position);

/* Room for one record more right behind the last; false: begin another run. */
bool gcs_ring_out_extend(struct gcs_ring_out *out, uint32_t record);

/* ---- The receiver's books, and its memory ------------------------------------------------- */

struct gcs_ring_in;

/* A ring with `behind` bytes of memory behind its segments, page-aligned. NULL: no memory. */
struct gcs_ring_in *gcs_ring_in_new(const struct gcs_ring_shape *shape, size_t behind);
/* The ring is freed when the last packet in it is. */
void gcs_ring_in_release(struct gcs_ring_in *in);

/* Whom to tell each time that a segment has been given back, until the ring is released. */
void gcs_ring_in_watch(struct gcs_ring_in *in, void (*returned)(void *ctx), void *ctx);

uint8_t *gcs_ring_in_memory(struct gcs_ring_in *in);

/* A run that was told; its records are taken one by one. */
struct gcs_ring_run {
    uint32_t segment;
    uint32_t at, end; /* offsets in the segment */
    uint32_t records; /* left */
};

static inline bool gcs_ring_run_ended(const struct gcs_ring_run *run)
{
    return run->at == run->end && run->records == 0;
}

/* Opens a run of so many bytes at a position. False: the sender has broken the rules, and nothing
 * of what it says can be relied on any more. */
bool gcs_ring_in_open(struct gcs_ring_in *in, uint32_t position, uint32_t bytes,
                      struct gcs_ring_run *run, struct gcs_ring_preface *preface);

/* The next record: 1, its bytes in data, whose buffer is gcs_ring_in_buffer's; 0: that was the
 * last; -1: as false above. */
int gcs_ring_in_next(struct gcs_ring_in *in, struct gcs_ring_run *run, const uint8_t **data,
                     size_t *size);

/* The buffer that the run's packets lie in. Whoever keeps one takes a reference. */
struct gcs_buffer *gcs_ring_in_buffer(struct gcs_ring_in *in, const struct gcs_ring_run *run);

/* Segments that the sender may take, as soon as it knows. */
uint32_t gcs_ring_in_free(const struct gcs_ring_in *in);
/* For the next preface in the other direction. */
uint64_t gcs_ring_in_returned(const struct gcs_ring_in *in);

#endif
