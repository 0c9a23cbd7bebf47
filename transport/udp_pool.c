/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive buffers: a few sizes, so that a small packet that is kept for long
 * does not hold a large buffer; free ones are used again, last in first out,
 * because their bytes are still in the cache. The pool grows on demand and
 * never beyond its bound. The last eighth of the bound is for small packets
 * only: acknowledgements are small, and they are what sets the rest free.
 *
 * Buffers may outlive their owner's interest in the pool: the pool goes with
 * the last of them.
 */
#include "transport/udp.h"

#include <stdlib.h>

static const uint32_t class_bytes[] = {512, 2048, 8192, 16384, GCS_UDP_SLOT_BYTES};
#define CLASSES     (sizeof(class_bytes) / sizeof(class_bytes[0]))
#define SMALL_BYTES 2048

struct pool_buffer {
    struct gcs_buffer base;   /* first: what holders see */
    struct pool_buffer *next; /* free */
    unsigned class;
    _Alignas(64) uint8_t data[];
};

struct gcs_udp_pool {
    size_t bound;
    size_t held; /* bytes of all buffers, out or free */
    size_t out;  /* buffers that somebody has */
    bool released;
    struct pool_buffer *free[CLASSES];
};

static void drop_free(struct gcs_udp_pool *pool, unsigned class)
{
    struct pool_buffer *b = pool->free[class];

    pool->free[class] = b->next;
    pool->held -= class_bytes[class];
    free(b);
}

static void drop_all_free(struct gcs_udp_pool *pool)
{
    for (unsigned class = 0; class < CLASSES; class ++) {
        while (pool->free[class])
            drop_free(pool, class);
    }
}

static void take_back(struct gcs_buffer *buffer)
{
    struct pool_buffer *b = (struct pool_buffer *)buffer;
    struct gcs_udp_pool *pool = buffer->owner;

    b->next = pool->free[b->class];
    pool->free[b->class] = b;
    pool->out--;
    if (pool->released && pool->out == 0) {
        drop_all_free(pool);
        free(pool);
    }
}

struct gcs_udp_pool *gcs_udp_pool_new(size_t bound)
{
    struct gcs_udp_pool *pool = calloc(1, sizeof(*pool));

    if (pool)
        pool->bound = bound;
    return pool;
}

void gcs_udp_pool_release(struct gcs_udp_pool *pool)
{
    drop_all_free(pool);
    pool->released = true;
    if (pool->out == 0)
        free(pool);
}

/* Makes room for size bytes more below limit, at the cost of free buffers of other sizes. */
static bool make_room(struct gcs_udp_pool *pool, size_t size, size_t limit)
{
    for (unsigned class = CLASSES; class -- > 0;) {
        while (pool->held + size > limit && pool->free[class])
            drop_free(pool, class);
    }
    return pool->held + size <= limit;
}

struct gcs_buffer *gcs_udp_pool_get(struct gcs_udp_pool *pool, size_t size)
{
    size_t limit = size <= SMALL_BYTES ? pool->bound : pool->bound - pool->bound / 8;
    struct pool_buffer *b;
    unsigned class = 0;

    while (class < CLASSES && class_bytes[class] < size)
        class ++;
    if (class == CLASSES)
        return NULL;
    b = pool->free[class];
    if (b) {
        pool->free[class] = b->next;
    } else {
        if (!make_room(pool, class_bytes[class], limit))
            return NULL;
        b = aligned_alloc(64, sizeof(*b) + class_bytes[class]);
        if (!b)
            return NULL;
        pool->held += class_bytes[class];
        b->class = class;
        b->base = (struct gcs_buffer){
            .data = b->data,
            .size = class_bytes[class],
            .destroy = take_back,
            .owner = pool,
        };
    }
    pool->out++;
    b->base.refs = 1;
    return &b->base;
}
