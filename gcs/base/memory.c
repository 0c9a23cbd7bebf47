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

void gcs_pool_init(struct gcs_pool *pool, const struct gcs_allocator *allocator, uint32_t large,
                   struct gcs_counters *counters)
{
    *pool = (struct gcs_pool){
        .allocator = allocator,
        .counters = counters,
        .large = large > GCS_POOL_SMALL ? large : GCS_POOL_SMALL,
        .spare_max = 64,
    };
}

static void drain(struct gcs_pool *pool, int class)
{
    while (pool->spare[class]) {
        struct gcs_buffer *buffer = pool->spare[class];
        pool->spare[class] = buffer->owner;
        gcs_release(pool->allocator, buffer);
    }
    pool->spare_count[class] = 0;
}

void gcs_pool_fini(struct gcs_pool *pool)
{
    assert(pool->outstanding == 0);
    drain(pool, 0);
    drain(pool, 1);
}

static int class_of(const struct gcs_pool *pool, size_t size)
{
    if (size <= GCS_POOL_SMALL)
        return 0;
    return size <= pool->large ? 1 : -1;
}

static void give_back(struct gcs_buffer *buffer)
{
    struct gcs_pool *pool = buffer->owner;
    int class = class_of(pool, buffer->size);
    pool->outstanding--;
    if (class < 0 || pool->spare_count[class] == pool->spare_max) {
        gcs_release(pool->allocator, buffer);
        return;
    }
    buffer->owner = pool->spare[class];
    pool->spare[class] = buffer;
    pool->spare_count[class]++;
}

static struct gcs_buffer *take(struct gcs_pool *pool, size_t size)
{
    int class = class_of(pool, size);
    if (class >= 0 && pool->spare[class]) {
        struct gcs_buffer *buffer = pool->spare[class];
        pool->spare[class] = buffer->owner;
        pool->spare_count[class]--;
        return buffer;
    }
    if (class >= 0)
        size = class == 0 ? GCS_POOL_SMALL : pool->large;
    if (size > UINT32_MAX)
        return NULL;
    struct gcs_buffer *buffer =
        pool->allocator->allocate(pool->allocator->ctx, sizeof(*buffer) + size);
    if (!buffer)
        return NULL;
    pool->counters->allocations++;
    buffer->data = (uint8_t *)(buffer + 1);
    buffer->size = (uint32_t)size;
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
