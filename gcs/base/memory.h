/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory of the core: everything is taken from the allocator that the caller
 * passed in, zeroed, and may be refused; buffers of packets come from a pool
 * that keeps what comes back for reuse, so that a running group allocates nothing:
 * small ones, ones for a largest packet, and larger ones for whole messages, each
 * up to a bound.
 */
#ifndef GCS_BASE_MEMORY_H
#define GCS_BASE_MEMORY_H

#include <gcs/core.h>

/* Zeroed memory for count things of size bytes; NULL if refused or too large to express. */
void *gcs_allocate(const struct gcs_allocator *allocator, size_t count, size_t size);
void gcs_release(const struct gcs_allocator *allocator, void *memory);

#define GCS_POOL_SMALL   2048u
#define GCS_POOL_CLASSES 3 /* small; large: a packet; huge: whatever is larger */

/* As many times the bytes of the other classes are kept of huge ones: a few long messages' worth,
 * since fresh memory costs as much as what is done with it. */
#define GCS_POOL_HUGE_TIMES 6u

struct gcs_pool {
    const struct gcs_allocator *allocator;
    struct gcs_counters *counters;
    uint32_t large;     /* bytes of a large buffer */
    uint32_t spare_max; /* bytes of free buffers kept of a class that is not huge */
    uint32_t spare_bytes[GCS_POOL_CLASSES];
    uint32_t outstanding; /* buffers in somebody's hands */
    struct gcs_buffer *spare[GCS_POOL_CLASSES];
};

void gcs_pool_init(struct gcs_pool *pool, const struct gcs_allocator *allocator, uint32_t large,
                   struct gcs_counters *counters);

/* Only when every buffer has come back. */
void gcs_pool_fini(struct gcs_pool *pool);

/* A buffer with room for size bytes and one reference; NULL if refused. Its contents are
 * whatever was there before. */
struct gcs_buffer *gcs_pool_get(struct gcs_pool *pool, size_t size);

/* memcpy for what messages are made of, so that it is counted; nothing for size 0. */
void gcs_pool_copy(struct gcs_pool *pool, void *to, const void *from, size_t size);

#endif
