/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Allocation through the caller's allocator, and the pool of packet buffers.
 * A buffer's bytes lie right behind its struct; free buffers are chained
 * through owner.
 */
#include "gcs/base/memory.h"

#include <assert.h>
#include <string.h>

void *gcs_allocate(const struct gcs_allocator *allocator, size_t count, size_t size)
{
    if (size > 0 && count > SIZE_MAX / size)
        return NULL;
    size_t bytes = count * size;
    void *memory = allocator->allocate(allocator->ctx, bytes ? bytes : 1);
    if (memory)
        memset(memory, 0, bytes);
    return memory;
}

void gcs_release(const struct gcs_allocator *allocator, void *memory)
{
    if (memory)
        allocator->release(allocator->ctx, memory);
}

/* Bytes of free buffers of one class, but for huge ones. */
#define SPARE_BYTES (4u << 20)

enum { SMALL, LARGE, HUGE };

void gcs_pool_init(struct gcs_pool *pool, const struct gcs_allocator *allocator, uint32_t large,
                   struct gcs_counters *counters)
{
    *pool = (struct gcs_pool){
        .allocator = allocator,
        .counters = counters,
        .large = large > GCS_POOL_SMALL ? large : GCS_POOL_SMALL,
        .spare_max = SPARE_BYTES,
    };
}

static int class_of(const struct gcs_pool *pool, size_t size)
{
    if (size <= GCS_POOL_SMALL)
        return SMALL;
    return size <= pool->large ? LARGE : HUGE;
}

/* Takes the free buffer behind before, or the first one. */
static struct gcs_buffer *unlink_spare(struct gcs_pool *pool, int class, struct gcs_buffer *before)
{
    struct gcs_buffer *buffer = before ? before->owner : pool->spare[class];
    if (before)
        before->owner = buffer->owner;
    else
        pool->spare[class] = buffer->owner;
    pool->spare_bytes[class] -= buffer->size;
    return buffer;
}

static void drop_spare(struct gcs_pool *pool, int class)
{
    gcs_release(pool->allocator, unlink_spare(pool, class, NULL));
}

void gcs_pool_fini(struct gcs_pool *pool)
{
    assert(pool->outstanding == 0);
    for (int class = SMALL; class <= HUGE; class ++)
        while (pool->spare[class])
            drop_spare(pool, class);
}

static uint32_t spare_max(const struct gcs_pool *pool, int class)
{
    return class == HUGE ? GCS_POOL_HUGE_TIMES * pool->spare_max : pool->spare_max;
}

static void give_back(struct gcs_buffer *buffer)
{
    struct gcs_pool *pool = buffer->owner;
    int class = class_of(pool, buffer->size);
    pool->outstanding--;
    if (buffer->size > spare_max(pool, class) - pool->spare_bytes[class]) {
        gcs_release(pool->allocator, buffer);
        return;
    }
    buffer->owner = pool->spare[class];
    pool->spare[class] = buffer;
    pool->spare_bytes[class] += buffer->size;
}

/* A free buffer with room for size bytes, and in the last class not far more; NULL: none is. */
static struct gcs_buffer *find_spare(struct gcs_pool *pool, int class, size_t size)
{
    struct gcs_buffer *before = NULL, *buffer = pool->spare[class];
    while (class == HUGE && buffer && (buffer->size < size || buffer->size / 2 > size)) {
        before = buffer;
        buffer = buffer->owner;
    }
    if (buffer)
        return unlink_spare(pool, class, before);
    if (pool->spare[class]) /* one of a size that is not asked for any more makes way */
        drop_spare(pool, class);
    return NULL;
}

static struct gcs_buffer *take(struct gcs_pool *pool, size_t size)
{
    int class = class_of(pool, size);
    struct gcs_buffer *buffer = find_spare(pool, class, size);
    if (buffer)
        return buffer;
    if (class != HUGE)
        size = class == SMALL ? GCS_POOL_SMALL : pool->large;
    if (size > SIZE_MAX - sizeof(*buffer))
        return NULL;
    buffer = pool->allocator->allocate(pool->allocator->ctx, sizeof(*buffer) + size);
    if (!buffer)
        return NULL;
    pool->counters->allocations++;
    buffer->data = (uint8_t *)(buffer + 1);
    buffer->size = size < UINT32_MAX ? (uint32_t)size : UINT32_MAX; /* the longest message's */
    buffer->destroy = give_back;
    return buffer;
}

struct gcs_buffer *gcs_pool_get(struct gcs_pool *pool, size_t size)
{
    struct gcs_buffer *buffer = take(pool, size);
    if (!buffer)
        return NULL;
    buffer->refs = 1;
    buffer->owner = pool;
    pool->outstanding++;
    return buffer;
}

void gcs_pool_copy(struct gcs_pool *pool, void *to, const void *from, size_t size)
{
    if (size > 0)
        memcpy(to, from, size);
    pool->counters->bytes_copied += size;
}
