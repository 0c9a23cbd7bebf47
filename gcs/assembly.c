/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Assembly of fragments: see assembly.h. The buffer begins with the varint of
 * the message's size, so that a whole message is a payload like any other.
 */
#include "gcs/assembly.h"

#define PREFIX_MAX 5u

void gcs_assembly_fini(struct gcs_assembly *assembly)
{
    gcs_buffer_unref(assembly->buffer);
    *assembly = (struct gcs_assembly){.buffer = NULL};
}

static int begin(struct gcs_assembly *assembly, struct gcs_pool *pool, uint32_t total,
                 uint32_t message_bytes)
{
    if (total > message_bytes)
        return GCS_EMALFORMED;
    assembly->buffer = gcs_pool_get(pool, (size_t)total + PREFIX_MAX);
    if (!assembly->buffer)
        return GCS_ENOMEM;
    struct gcs_writer w = gcs_writer_over(assembly->buffer->data, PREFIX_MAX);
    gcs_write_varint(&w, total);
    assembly->prefix = (uint32_t)gcs_writer_size(&w);
    assembly->total = total;
    assembly->filled = 0;
    return 0;
}

int gcs_assembly_add(struct gcs_assembly *assembly, struct gcs_pool *pool,
                     const struct gcs_fragment *fragment, uint32_t message_bytes,
                     struct gcs_buffer **buffer, uint32_t *size)
{
    if (fragment->offset == 0) {
        gcs_assembly_fini(assembly);
        int result = begin(assembly, pool, fragment->total, message_bytes);
        if (result < 0)
            return result;
    }
    if (!assembly->buffer || fragment->total != assembly->total ||
        fragment->offset != assembly->filled) {
        gcs_assembly_fini(assembly);
        return GCS_EMALFORMED;
    }
    gcs_pool_copy(pool, assembly->buffer->data + assembly->prefix + assembly->filled,
                  fragment->data, fragment->size);
    assembly->filled += (uint32_t)fragment->size;
    if (assembly->filled < assembly->total)
        return 0;
    *buffer = assembly->buffer;
    *size = assembly->prefix + assembly->total;
    *assembly = (struct gcs_assembly){.buffer = NULL};
    return 1;
}
