/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Assembly of fragments: see assembly.h. The buffer begins with the varint of
 * the message's size, so that a whole message is a payload like any other.
 */
#include "gcs/assembly.h"

void gcs_assembly_fini(struct gcs_assembly *assembly)
{
    gcs_buffer_unref(assembly->buffer);
    *assembly = (struct gcs_assembly){.buffer = NULL};
}

void gcs_assembly_use(struct gcs_assembly *assembly, struct gcs_buffer *buffer, uint32_t total,
                      bool there)
{
    uint8_t prefix[GCS_MESSAGE_SIZE_MAX];
    struct gcs_writer w = gcs_writer_over(prefix, sizeof(prefix));
    gcs_write_varint(&w, total);
    if (!there)
        memcpy(buffer->data, prefix, gcs_writer_size(&w));
    gcs_buffer_unref(assembly->buffer);
    *assembly = (struct gcs_assembly){
        .buffer = buffer,
        .prefix = (uint32_t)gcs_writer_size(&w),
        .total = total,
        .there = there,
        .given = true,
    };
}

static int begin(struct gcs_assembly *assembly, struct gcs_pool *pool, uint32_t total,
                 uint32_t message_bytes)
{
    gcs_assembly_fini(assembly);
    if (total > message_bytes)
        return GCS_EMALFORMED;
    struct gcs_buffer *buffer = gcs_pool_get(pool, (size_t)total + GCS_MESSAGE_SIZE_MAX);
    if (!buffer)
        return GCS_ENOMEM;
    gcs_assembly_use(assembly, buffer, total, false);
    return 0;
}

int gcs_assembly_add(struct gcs_assembly *assembly, struct gcs_pool *pool,
                     const struct gcs_fragment *fragment, uint32_t message_bytes,
                     struct gcs_buffer **buffer, size_t *size)
{
    if (fragment->offset == 0 && !assembly->given) {
        int result = begin(assembly, pool, fragment->total, message_bytes);
        if (result < 0)
            return result;
    }
    assembly->given = false;
    if (!assembly->buffer || fragment->total != assembly->total ||
        fragment->offset != assembly->filled) {
        gcs_assembly_fini(assembly);
        return GCS_EMALFORMED;
    }
    if (!assembly->there)
        gcs_pool_copy(pool, assembly->buffer->data + assembly->prefix + (size_t)assembly->filled,
                      fragment->data, fragment->size);
    assembly->filled += (uint32_t)fragment->size;
    if (assembly->filled < assembly->total)
        return 0;
    *buffer = assembly->buffer;
    *size = (size_t)assembly->prefix + assembly->total;
    *assembly = (struct gcs_assembly){.buffer = NULL};
    return 1;
}
