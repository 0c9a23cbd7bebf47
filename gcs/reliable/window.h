/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packets of one sender in one view, own or received: a ring between what is
 * released and what may be sent. It grows with what is really on its way: in a large
 * view most members have little to say, and every member keeps a window for each.
 *
 *     base <= done <= ... <= contiguous <= top
 *
 * Packets up to base are released everywhere; up to done the application has
 * taken them here; up to contiguous all are held; top is the highest number that
 * anybody is known to hold. Nothing outside of (base, base + capacity] is kept.
 */
#ifndef GCS_RELIABLE_WINDOW_H
#define GCS_RELIABLE_WINDOW_H

#include "gcs/wire/packet.h"
#include <gcs/core.h>

struct gcs_held {
    struct gcs_buffer *buffer; /* NULL: not held */
    const uint8_t *data;
    uint32_t size;
    union {
        uint32_t count;    /* messages in the payload */
        uint32_t attempts; /* not held: how often it was asked for, see missing.h */
    };
    uint64_t first; /* number of the first one */
    union {
        uint64_t repaired_at; /* when it was last sent again */
        uint64_t ask_at;      /* not held: when to ask for it, see missing.h */
    };
    uint64_t time; /* proposed by the sender: wire/time.h; 0: none */
    uint16_t control_size;
    uint8_t service;
    uint8_t flags;
    bool done; /* the application has taken it */
    union {
        uint16_t asked_by; /* own packet, where there is a tree: the rank that asked for it last,
                              and one more; 0: nobody */
        uint16_t askers;   /* where there is none: a bit for each who has asked since repaired_at */
    };
};

struct gcs_window {
    const struct gcs_allocator *allocator;
    struct gcs_held *slots; /* a ring of size, which grows as far as capacity */
    uint32_t size;          /* a power of two; 0: there was no packet yet */
    uint32_t capacity;      /* a power of two */
    uint64_t base;
    uint64_t done;
    uint64_t contiguous;
    uint64_t top;
    uint64_t bytes; /* held */
};

void gcs_window_init(struct gcs_window *window, const struct gcs_allocator *allocator,
                     uint32_t capacity);
void gcs_window_fini(struct gcs_window *window);

/*
 * Keeps packet number, taking a reference to its buffer. 0; GCS_EALREADY: held or released
 * before; GCS_ELIMIT: beyond the window; GCS_ENOMEM.
 */
int gcs_window_put(struct gcs_window *window, uint64_t number, const struct gcs_held *packet);

/* The packet, NULL if it is not held (any more). It stays where it is until another is kept, or
 * places are reserved. */
struct gcs_held *gcs_window_get(const struct gcs_window *window, uint64_t number);

/* The place of a packet that is not held yet; NULL if it is, or has none. */
struct gcs_held *gcs_window_missing(const struct gcs_window *window, uint64_t number);

/* There are places for all packets up to number, which is within the capacity. False: out of
 * memory. */
bool gcs_window_reserve(struct gcs_window *window, uint64_t number);

/* The application has taken the packet. */
void gcs_window_done(struct gcs_window *window, uint64_t number);

/* Frees everything up to number, at most up to done. True if that was anything. */
bool gcs_window_release(struct gcs_window *window, uint64_t number);

/* Somebody holds number: there is no use in waiting for a higher one to learn of a gap. What lies
 * beyond the window comes within it once the packets before have told of a higher base. */
static inline void gcs_window_exists(struct gcs_window *window, uint64_t number)
{
    uint64_t last = window->base + window->capacity;
    if (number > last)
        number = last;
    if (number > window->top)
        window->top = number;
}

static inline const uint8_t *gcs_held_payload(const struct gcs_held *packet)
{
    return packet->data + GCS_PACKET_HEADER + packet->control_size;
}

static inline size_t gcs_held_payload_size(const struct gcs_held *packet)
{
    return packet->size - GCS_PACKET_HEADER - packet->control_size;
}

#endif
