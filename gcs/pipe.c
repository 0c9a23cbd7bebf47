/* SPDX-License-Identifier: BSD-3-Clause */
/* Making and freeing pipes: see pipe.h. */
#include "gcs/pipe.h"

struct gcs_pipe *gcs_pipe_new(struct gcs_pool *pool, uint32_t packet_bytes)
{
    struct gcs_pipe *pipe = gcs_allocate(pool->allocator, 1, sizeof(*pipe));
    if (!pipe)
        return NULL;
    gcs_packer_init(&pipe->packer, pool, packet_bytes);
    gcs_window_init(&pipe->out, pool->allocator, GCS_PIPE_PACKETS);
    gcs_window_init(&pipe->in, pool->allocator, GCS_PIPE_PACKETS);
    pipe->due = GCS_NEVER;
    return pipe;
}

void gcs_pipe_free(struct gcs_pipe *pipe)
{
    if (!pipe)
        return;
    const struct gcs_allocator *allocator = pipe->packer.pool->allocator;
    gcs_packer_fini(&pipe->packer);
    gcs_window_fini(&pipe->out);
    gcs_window_fini(&pipe->in);
    gcs_assembly_fini(&pipe->assembly);
    gcs_release(allocator, pipe);
}
