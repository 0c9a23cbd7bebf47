/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory for long messages: a buffer each, from the pool, so that a sender of many finds memory
 * that is warm; counted from the moment that room for it was promised until the application has
 * given the message back, against assembly_bytes of the endpoint. Beyond that one multicast and one
 * private message of each group are let in nevertheless, so that no group ever waits for another.
 */
#include "gcs/group.h"

struct reserved {
    struct gcs_buffer buffer;
    struct gcs_buffer *whole; /* the bytes: our own message, as it is sent from, or the pool's */
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
                                     uint32_t total, struct gcs_buffer *own)
{
    struct gcs_core *core = group->core;
    uint64_t most = core->config.assembly_bytes;
    bool fits = core->assembling <= most && total <= most - core->assembling;
    if (!fits && group->assembling[kind] > 0)
        return NULL;
    struct reserved *reserved = gcs_allocate(core->allocator, 1, sizeof(*reserved));
    if (!reserved)
        return NULL;
    reserved->whole =
        own ? gcs_buffer_ref(own) : gcs_pool_get(&core->pool, (size_t)total + GCS_MESSAGE_SIZE_MAX);
    if (!reserved->whole) {
        gcs_release(core->allocator, reserved);
        return NULL;
    }
    size_t before = own ? GCS_MESSAGE_SIZE_MAX - gcs_message_prefix(total) : 0;
    reserved->buffer = (struct gcs_buffer){
        .data = reserved->whole->data + before,
        .size = reserved->whole->size - (uint32_t)before,
        .refs = 1,
        .destroy = give_back,
    };
    reserved->group = group;
    reserved->kind = kind;
    reserved->total = total;
    core->counters.allocations++;
    core->assembling += total;
    group->assembling[kind] += total;
    group->refs++;
    return &reserved->buffer;
}
