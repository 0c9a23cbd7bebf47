/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory for messages on their way to the loop. What one thread allocates and another frees makes
 * the heap's lock wander between processors, and the heap grow and shrink with every batch; a ring
 * that is used again and again stays in the cache.
 */
#include "gcs/endpoint.h"

#include "gcs/base/memory.h"

/* For AddressSanitizer what is not in use is closed, and something behind each message is. */
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define RED_ZONE   GCS_CACHE_LINE
#define RING_TIMES 3 /* a block may be so many times what it is counted for */
#else
#define ASAN_POISON_MEMORY_REGION(bytes, size)   ((void)(bytes), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(bytes, size) ((void)(bytes), (void)(size))
#define RED_ZONE                                 0
#define RING_TIMES                               2
#endif

/* The ring has room for what one group may have on its way, but not for more than that. */
#define ROOM_MAX (4u << 20)
/* A larger message is allocated by itself. */
#define PART_OF_RING 8

/* Blocks are whole cache lines, so what is left before the ring's end holds an item. */
_Static_assert(sizeof(struct gcs_item) <= GCS_CACHE_LINE, "an item fits into a cache line");

void gcs_items_init(struct gcs_endpoint *endpoint)
{
    struct gcs_item_ring *ring = &endpoint->items;
    uint32_t room = endpoint->submit_bytes < ROOM_MAX ? endpoint->submit_bytes : ROOM_MAX;

    ring->size = (size_t)RING_TIMES * room & ~(size_t)(GCS_CACHE_LINE - 1);
    (void)pthread_mutex_init(&ring->mutex, NULL); /* never fails with default attributes */
}

void gcs_items_fini(struct gcs_endpoint *endpoint, bool forked)
{
    struct gcs_item_ring *ring = &endpoint->items;

    if (ring->memory) {
        ASAN_UNPOISON_MEMORY_REGION(ring->memory, ring->size);
        gcs_release(endpoint->allocator, ring->memory);
    }
    if (!forked)
        (void)pthread_mutex_destroy(&ring->mutex);
}

/* ---- The ring --------------------------------------------------------------------------- */

static struct gcs_item *item_at(const struct gcs_item_ring *ring, size_t offset)
{
    return (struct gcs_item *)(ring->memory + offset);
}

/* From the oldest on, as far as they are done with. An empty ring begins anew: where it was
 * written last is in the cache. */
static void take_back(struct gcs_item_ring *ring)
{
    while (ring->used > 0) {
        struct gcs_item *oldest = item_at(ring, ring->first);
        if (!atomic_load_explicit(&oldest->done, memory_order_acquire))
            return;
        ring->used -= oldest->block;
        ring->first += oldest->block;
        if (ring->first == ring->size)
            ring->first = 0;
    }
    ring->first = 0;
}

static struct gcs_item *put(struct gcs_item_ring *ring, size_t offset, size_t block, bool done)
{
    struct gcs_item *item = item_at(ring, offset);

    ASAN_UNPOISON_MEMORY_REGION(item, sizeof(*item));
    item->block = (uint32_t)block;
    atomic_store_explicit(&item->done, done, memory_order_relaxed);
    ring->used += block;
    return item;
}

/* In one piece: what is left before the end is skipped if it is too short. */
static struct gcs_item *take(struct gcs_item_ring *ring, size_t block)
{
    size_t end = ring->first + ring->used;

    if (end < ring->size && ring->size - end < block) {
        size_t rest = ring->size - end;
        if (ring->first < block)
            return NULL;
        put(ring, end, rest, true);
        end += rest;
    }
    if (end >= ring->size)
        end -= ring->size;
    if (ring->size - ring->used < block)
        return NULL;
    return put(ring, end, block, false);
}

static struct gcs_item *take_block(struct gcs_endpoint *endpoint, size_t bytes)
{
    const struct gcs_allocator *allocator = endpoint->allocator;
    struct gcs_item_ring *ring = &endpoint->items;
    size_t block = (bytes + RED_ZONE + GCS_CACHE_LINE - 1) & ~(size_t)(GCS_CACHE_LINE - 1);
    struct gcs_item *item = NULL;

    if (block > ring->size / PART_OF_RING || pthread_mutex_trylock(&ring->mutex) != 0)
        return NULL;
    if (!ring->memory) {
        ring->memory = allocator->allocate(allocator->ctx, ring->size);
        ASAN_POISON_MEMORY_REGION(ring->memory, ring->memory ? ring->size : 0);
    }
    if (ring->memory) {
        take_back(ring);
        item = take(ring, block);
    }
    (void)pthread_mutex_unlock(&ring->mutex);
    if (item)
        ASAN_UNPOISON_MEMORY_REGION(item, bytes);
    return item;
}

/* ---- Items ------------------------------------------------------------------------------ */

struct gcs_item *gcs_item_new(struct gcs_endpoint *endpoint, size_t size, bool waits)
{
    const struct gcs_allocator *allocator = endpoint->allocator;
    struct gcs_item *item;

    if (size > SIZE_MAX / 2) /* with all that is added to it */
        return NULL;
    item = waits ? NULL : take_block(endpoint, sizeof(*item) + size);
    if (!item) {
        item = allocator->allocate(allocator->ctx, sizeof(*item) + size);
        if (!item)
            return NULL;
        item->block = 0;
    }
    item->size = size;
    return item;
}

void gcs_item_free(struct gcs_endpoint *endpoint, struct gcs_item *item)
{
    if (item->block == 0) {
        gcs_release(endpoint->allocator, item);
        return;
    }
    item->group = NULL; /* nobody's room any more, should it be committed once more */
    ASAN_POISON_MEMORY_REGION(item + 1, item->block - sizeof(*item));
    atomic_store_explicit(&item->done, true, memory_order_release);
}
