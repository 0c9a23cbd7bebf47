/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Joining and leaving groups, and the life of a group's handle. The handle is the
 * application's from gcs_join to gcs_group_free, and the loop's until the core has
 * forgotten the group and the application has freed the handle, whichever comes later.
 * Freeing travels through the queue, behind every message that was multicast
 * before it, so that nothing in there points to freed memory. Leaving and freeing need no
 * memory and cannot fail for want of it.
 */
#include "gcs/endpoint.h"

#include "gcs/base/memory.h"

#include <inttypes.h>
#include <string.h>

/* ---- Join ------------------------------------------------------------------------------- */

static void link_group(struct gcs_endpoint *endpoint, struct gcs_group *group)
{
    group->next = endpoint->groups;
    group->link = &endpoint->groups;
    if (group->next)
        group->next->link = &group->next;
    endpoint->groups = group;
}

static void unlink_group(struct gcs_group *group)
{
    *group->link = group->next;
    if (group->next)
        group->next->link = group->link;
}

static int run_join(struct gcs_endpoint *endpoint, struct gcs_command *command)
{
    struct gcs_group *group = command->item.group;

    gcs_loop_read_clock(endpoint);
    if (!endpoint->own_loop) /* who has just taken GCS_EVENT_LEFT may join again at once */
        (void)gcs_feed_return(endpoint);
    int error = gcs_core_join(endpoint->core, endpoint->now, group->name, command->config, group,
                              &group->core);
    if (!error)
        link_group(endpoint, group);
    endpoint->again = true;
    return error;
}

static struct gcs_group *new_group(struct gcs_endpoint *endpoint, const char *name,
                                   const struct gcs_group_config *config)
{
    struct gcs_group *group = gcs_allocate(endpoint->allocator, 1, sizeof(*group));

    if (!group)
        return NULL;
    group->endpoint = endpoint;
    memcpy(group->name, name, strlen(name) + 1);
    group->message_bytes = config->message_bytes;
    group->waiting_end = &group->waiting;
    group->leave_item.group = group->free_item.group = group->look_item.group = group;
    group->leave_item.kind = GCS_ITEM_LEAVE;
    group->free_item.kind = GCS_ITEM_FREE;
    group->look_item.kind = GCS_ITEM_LOOK;
    return group;
}

static int fail_join(int error, const char *name, const struct gcs_group_config *config)
{
    switch (error) {
    case GCS_EALREADY:
        return gcs_fail(error, "group \"%s\": this endpoint is in it already", name);
    case GCS_ENOMEM:
        return gcs_fail(error, "out of memory for group \"%s\"", name);
    case GCS_EOPTION:
        return gcs_fail(error,
                        "group \"%s\": a value is out of range: window_packets %" PRIu32
                        ", window_bytes %" PRIu32 ", queue_bytes %" PRIu32
                        ", message_bytes %" PRIu32 ", look_ns %" PRIu64,
                        name, config->window_packets, config->window_bytes, config->queue_bytes,
                        config->message_bytes, config->look_ns);
    case GCS_ECLOSED:
    case GCS_EFORKED:
        return error; /* has its sentence */
    default:
        return gcs_fail(error, "group \"%s\": %s", name, gcs_strerror(error));
    }
}

/* The longest message has to fit into what there is for long ones. */
static int check_assembly(const struct gcs_endpoint *endpoint,
                          const struct gcs_group_config *config)
{
    if (config->message_bytes <= endpoint->assembly_bytes)
        return 0;
    return gcs_fail(GCS_EOPTION,
                    "message_bytes is %" PRIu32 ": must be at most the endpoint's assembly_bytes, "
                    "which is %" PRIu64,
                    config->message_bytes, endpoint->assembly_bytes);
}

static int join(struct gcs_endpoint *endpoint, const char *name, struct gcs_group_config *config,
                struct gcs_group **out)
{
    struct gcs_transport *transport = endpoint->transport;

    if (config->seeds_count == 0)
        config->seeds = transport->ops->seeds(transport, &config->seeds_count);
    struct gcs_group *group = new_group(endpoint, name, config);
    if (!group)
        return fail_join(GCS_ENOMEM, name, config);
    struct gcs_command command = {.item = {.group = group}, .run = run_join, .config = config};
    int error = gcs_command_call(endpoint, &command);
    if (error) {
        gcs_release(endpoint->allocator, group);
        return fail_join(error, name, config);
    }
    *out = group;
    return 0;
}

int gcs_join(struct gcs_endpoint *endpoint, const char *name, const struct gcs_group_config *config,
             struct gcs_group **group)
{
    struct gcs_group_config chosen;

    if (!endpoint || !group)
        return gcs_fail(GCS_EINVAL, "%s is NULL", endpoint ? "group" : "endpoint");
    int error = gcs_endpoint_enter(endpoint);
    if (error)
        return error;
    error = gcs_name_check(name);
    if (!error)
        error = gcs_group_config_read(config, &chosen);
    if (!error)
        error = check_assembly(endpoint, &chosen);
    if (!error)
        error = join(endpoint, name, &chosen, group);
    gcs_endpoint_leave(endpoint);
    return error;
}

/* ---- Leave ------------------------------------------------------------------------------ */

int gcs_leave(struct gcs_group *group)
{
    if (!group)
        return gcs_fail(GCS_EINVAL, "group is NULL");
    struct gcs_endpoint *endpoint = group->endpoint;
    int error = gcs_endpoint_enter(endpoint);
    if (error)
        return error;
    unsigned before = atomic_fetch_or(&group->state, GCS_HANDLE_LEAVING);
    if (before & (GCS_HANDLE_LEAVING | GCS_HANDLE_LEFT)) {
        error = gcs_fail(GCS_EALREADY, "group \"%s\": %s", group->name,
                         before & GCS_HANDLE_LEFT ? "the membership has ended already"
                                                  : "gcs_leave has been called already");
    } else {
        gcs_queue_push(&endpoint->queue, &group->leave_item.node);
        gcs_loop_wake(endpoint);
        if (atomic_load(&group->waiters) > 0)
            gcs_submit_notify(endpoint);
    }
    gcs_endpoint_leave(endpoint);
    return error;
}

/* ---- Evict ------------------------------------------------------------------------------ */

static int run_evict(struct gcs_endpoint *endpoint, struct gcs_command *command)
{
    struct gcs_group *group = command->item.group;

    if (atomic_load(&group->state) & (GCS_HANDLE_LEAVING | GCS_HANDLE_LEFT))
        return GCS_ENOTMEMBER;
    gcs_loop_read_clock(endpoint);
    endpoint->again = true;
    return gcs_core_evict(group->core, endpoint->now, command->member);
}

int gcs_evict(struct gcs_group *group, const struct gcs_member_id *member)
{
    char text[GCS_MEMBER_TEXT_MAX];

    if (!group || !member)
        return gcs_fail(GCS_EINVAL, "%s is NULL", group ? "member" : "group");
    struct gcs_command command = {.item = {.group = group}, .run = run_evict, .member = member};
    int error = gcs_command_call(group->endpoint, &command);
    if (error == 0 || error == GCS_ECLOSED || error == GCS_EFORKED)
        return error;
    gcs_member_format(member, text, sizeof(text));
    return gcs_fail(error, "group \"%s\": member %s: %s", group->name, text,
                    error == GCS_EINVAL ? "that is this endpoint: gcs_leave is for it"
                                        : gcs_strerror(error));
}

/* ---- The handle ------------------------------------------------------------------------- */

void gcs_group_free(struct gcs_group *group)
{
    if (!group)
        return;
    struct gcs_endpoint *endpoint = group->endpoint;
    if (gcs_endpoint_enter(endpoint) != 0)
        return; /* gcs_close frees it */
    gcs_queue_push(&endpoint->queue, &group->free_item.node);
    gcs_loop_wake(endpoint);
    gcs_endpoint_leave(endpoint);
}

void gcs_handle_destroy(struct gcs_group *group)
{
    struct gcs_endpoint *endpoint = group->endpoint;

    gcs_submit_discard(endpoint, group);
    gcs_view_withdraw(group);
    unlink_group(group);
    gcs_release(endpoint->allocator, group);
}

void gcs_handle_set_freed(struct gcs_group *group)
{
    group->freed = true;
    if (group->gone)
        gcs_handle_destroy(group);
}

void gcs_handle_set_gone(struct gcs_group *group)
{
    group->gone = true;
    group->core = NULL;
    group->endpoint->group_gone = true;
    if (group->freed)
        gcs_handle_destroy(group);
}

void gcs_group_set_user(struct gcs_group *group, void *user)
{
    atomic_store_explicit(&group->user, user, memory_order_release);
}

void *gcs_group_user(const struct gcs_group *group)
{
    return atomic_load_explicit(&((struct gcs_group *)(uintptr_t)group)->user,
                                memory_order_acquire);
}

const char *gcs_group_name(const struct gcs_group *group)
{
    return group->name;
}
