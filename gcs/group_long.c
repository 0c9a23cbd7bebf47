/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory for long messages: a buffer each, counted from the moment that room for it was promised
 * until the application has given the message back, against assembly_bytes of the endpoint.
 * Beyond that one multicast and one private message of each group are let in nevertheless, so
 * that no group ever waits for another.
 */
#include "gcs/group.h"

struct reserved {
    struct gcs_buffer buffer;
    struct gcs_buffer *whole; /* our own message, as it is sent from; NULL: it is somebody else's */
    struct gcs_core_group *group;
    enum gcs_long_kind kind;
    uint32_t total;
};

static void give_back(struct gcs_buffer *buffer)
{
    struct reserved *reserved = (struct reserved *)buffer;
    struct gcs_core_group *group = reserved->group;
    struct gcs_core *core = group->core;
    core->assembling -= reserved->total;
    group->assembling[reserved->kind] -= reserved->total;
    core->dirty = true; /* somebody may wait for it */
    gcs_buffer_unref(reserved->whole);
    gcs_release(core->allocator, reserved);
    gcs_group_unref(group);
}

struct gcs_buffer *gcs_group_reserve(struct gcs_core_group *group, enum gcs_long_kind kind,
                                     uint32_t total, struct gcs_buffer *whole)
{
    struct gcs_core *core = group->core;
    uint64_t most = core->config.assembly_bytes;
    bool fits = core->assembling <= most && total <= most - core->assembling;
    if (!fits && group->assembling[kind] > 0)
        return NULL;
    size_t bytes = whole ? 0 : (size_t)total + GCS_MESSAGE_SIZE_MAX;
    struct reserved *reserved =
        core->allocator->allocate(core->allocator->ctx, sizeof(*reserved) + bytes);
    if (!reserved)
        return NULL;
    /* Not zeroed: memory that is only promised costs nothing until the message comes. */
    *reserved = (struct reserved){
        .buffer = {.data = (uint8_t *)(reserved + 1),
                   .size = bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX,
                   .refs = 1,
                   .destroy = give_back},
        .whole = whole ? gcs_buffer_ref(whole) : NULL,
        .group = group,
        .kind = kind,
        .total = total,
    };
    if (whole)
        reserved->buffer.data = whole->data + GCS_MESSAGE_SIZE_MAX - gcs_message_prefix(total);
    core->counters.allocations++;
    core->assembling += total;
    group->assembling[kind] += total;
    group->refs++;
    return &reserved->buffer;
}
