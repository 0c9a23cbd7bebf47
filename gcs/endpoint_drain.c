/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages on their way from the loop to the core.
 *
 * What the core cannot take at the moment (its queue is full, there is no primary, there is no
 * memory) waits at the head of its group's list and is tried again when that has changed; so the
 * order of a thread's messages is kept, other groups are not held up, and no message that was
 * accepted is lost but with the membership, whose end GCS_EVENT_LEFT tells. Room that messages
 * leave behind is counted first and told to those who wait for it once per batch.
 */
#include "gcs/endpoint.h"

#include <assert.h>
#include <string.h>

/* Items taken in one round, and how long that may go on: then the network has its turn. */
#define DRAIN_MAX   1024
#define DRAIN_NS    2000000
#define DRAIN_CLOCK 32 /* items from one look at the clock to the next */

/* So much of a message is copied in one round. */
#define SLICE_BYTES ((size_t)1 << 20)
#define SLICED      1 /* not an error: there is more of it */

/* ---- Room ------------------------------------------------------------------------------- */

/* Counted first, told to the others once per batch. */
static void note_released(struct gcs_endpoint *endpoint, struct gcs_group *group, size_t bytes)
{
    group->released_bytes += bytes;
    if (!group->listed) {
        group->listed = true;
        group->released_next = endpoint->released;
        endpoint->released = group;
    }
}

static void tell_room(struct gcs_endpoint *endpoint, struct gcs_group *group)
{
    size_t bytes = group->released_bytes;

    group->released_bytes = 0;
    size_t used = atomic_fetch_sub(&group->used, bytes) - bytes;
    if (used > endpoint->submit_bytes / 2)
        return;
    if (atomic_load(&group->waiters) > 0)
        gcs_submit_notify(endpoint);
    if (!group->core_full && atomic_load(&group->want_writable) &&
        atomic_exchange(&group->want_writable, false))
        gcs_feed_owe_writable(endpoint, group);
}

static void tell_room_all(struct gcs_endpoint *endpoint)
{
    while (endpoint->released) {
        struct gcs_group *group = endpoint->released;
        endpoint->released = group->released_next;
        group->listed = false;
        tell_room(endpoint, group);
    }
}

/* ---- Handing over to the core ----------------------------------------------------------- */

/* The others are part of their group, or of their caller's stack. */
static bool is_allocated(const struct gcs_item *item)
{
    return item->kind == GCS_ITEM_MESSAGE || item->kind == GCS_ITEM_SEND ||
           item->kind == GCS_ITEM_NOTHING;
}

static void free_item(struct gcs_endpoint *endpoint, struct gcs_item *item)
{
    if (!is_allocated(item))
        return;
    note_released(endpoint, item->group, sizeof(*item) + item->size);
    gcs_item_free(endpoint, item);
}

/* A member that wants to leave waits for no view: neither its first one, nor a primary one. */
static bool gives_up(const struct gcs_group *group, int error)
{
    if (!(atomic_load_explicit(&group->state, memory_order_relaxed) & GCS_HANDLE_LEAVING))
        return false;
    return error == GCS_ENOPRIMARY || (error == GCS_EAGAIN && !gcs_core_view(group->core));
}

/*
 * A large message is copied a slice in each round, so that heartbeats, and what others send, go on
 * meanwhile: to write to memory for the first time takes the kernel a second for a gigabyte, or
 * several. SLICED until the last slice.
 */
static int give_slice(struct gcs_endpoint *endpoint, struct gcs_group *group,
                      const struct gcs_item *item)
{
    const uint8_t *bytes = (const uint8_t *)(item + 1);

    if (!group->slice_room) {
        int error = gcs_core_reserve(group->core, item->service, item->size, &group->slice_room);
        if (error == GCS_EALREADY) /* the application has the room, in its own loop */
            return gcs_core_multicast(group->core, endpoint->now, item->service, bytes, item->size);
        if (error)
            return error;
        group->sliced = 0;
    }
    size_t left = item->size - group->sliced;
    size_t slice = left < SLICE_BYTES ? left : SLICE_BYTES;
    memcpy(group->slice_room + group->sliced, bytes + group->sliced, slice);
    group->sliced += slice;
    endpoint->queue_copied += slice;
    if (slice < left)
        return SLICED;
    int error = gcs_core_commit(group->core, endpoint->now, item->size);
    if (error == 0)
        group->slice_room = NULL;
    return error;
}

static int give_to_core(struct gcs_endpoint *endpoint, struct gcs_group *group,
                        const struct gcs_item *item)
{
    const uint8_t *bytes = (const uint8_t *)(item + 1);
    size_t before = gcs_item_receiver_bytes(item->kind);
    struct gcs_member_id to;

    if (item->kind != GCS_ITEM_SEND && item->size > SLICE_BYTES)
        return give_slice(endpoint, group, item);
    if (item->kind != GCS_ITEM_SEND)
        return gcs_core_multicast(group->core, endpoint->now, item->service, bytes, item->size);
    memcpy(&to, bytes, before);
    return gcs_core_send(group->core, endpoint->now, &to, bytes + before, item->size - before);
}

/* Whether the core took the message, or it is lost with the membership, ours or its receiver's. */
static bool hand_message(struct gcs_endpoint *endpoint, struct gcs_group *group,
                         const struct gcs_item *item)
{
    if (atomic_load_explicit(&group->state, memory_order_relaxed) & GCS_HANDLE_LEFT)
        return true;
    int error = give_to_core(endpoint, group, item);
    if (gives_up(group, error))
        return true;
    switch (error) {
    case SLICED:
        group->block = GCS_BLOCK_SLICE;
        endpoint->again = endpoint->slices = true;
        return false;
    case 0:
        endpoint->again = true;
        return true;
    case GCS_ENOTMEMBER: /* an end that GCS_EVENT_LEFT or GCS_EVENT_VIEW tells came in between */
        return true;
    case GCS_EAGAIN:
        group->block = GCS_BLOCK_FULL;
        group->core_full = true;
        return false;
    case GCS_ENOPRIMARY:
        group->block = GCS_BLOCK_NOPRIMARY;
        return false;
    case GCS_ENOMEM:
        group->block = GCS_BLOCK_MEMORY;
        gcs_loop_starved(endpoint);
        return false;
    default:
        assert(!"the core refuses what gcs_multicast has checked");
        return true;
    }
}

static void hand_leave(struct gcs_endpoint *endpoint, struct gcs_group *group)
{
    if (atomic_load_explicit(&group->state, memory_order_relaxed) & GCS_HANDLE_LEFT)
        return;
    gcs_trace_leaving(endpoint->trace, endpoint->now, group, gcs_core_view(group->core));
    (void)gcs_core_leave(group->core, endpoint->now); /* GCS_EALREADY: it is ending anyway */
    endpoint->again = true;
}

static bool hand_over(struct gcs_endpoint *endpoint, struct gcs_item *item)
{
    struct gcs_group *group = item->group;

    switch (item->kind) {
    case GCS_ITEM_MESSAGE:
    case GCS_ITEM_SEND:
        if (!hand_message(endpoint, group, item))
            return false;
        endpoint->queue_copied += item->reserved ? 0 : item->size;
        break;
    case GCS_ITEM_LEAVE:
        hand_leave(endpoint, group);
        break;
    case GCS_ITEM_NOTHING:
    case GCS_ITEM_LOOK:
    case GCS_ITEM_FREE:
    case GCS_ITEM_COMMAND:
        break;
    }
    free_item(endpoint, item);
    return true;
}

static void hand_over_waiting(struct gcs_endpoint *endpoint, struct gcs_group *group)
{
    group->block = GCS_BLOCK_NONE;
    while (group->waiting) {
        struct gcs_item *next = group->waiting->next;
        if (!hand_over(endpoint, group->waiting))
            return;
        group->waiting = next;
    }
    group->waiting_end = &group->waiting;
}

static void append_waiting(struct gcs_group *group, struct gcs_item *item)
{
    item->next = NULL;
    *group->waiting_end = item;
    group->waiting_end = &item->next;
}

static void accept_item(struct gcs_endpoint *endpoint, struct gcs_item *item)
{
    struct gcs_group *group = item->group;

    if (item->kind == GCS_ITEM_COMMAND) {
        tell_room_all(endpoint); /* groups may be gone after this */
        gcs_command_run(endpoint, (struct gcs_command *)item);
    } else if (item->kind == GCS_ITEM_LOOK) {
        atomic_store(&group->look_queued, false);
        note_released(endpoint, group, 0);
    } else if (item->kind == GCS_ITEM_FREE) {
        tell_room_all(endpoint); /* the group may be gone after this */
        gcs_handle_set_freed(group);
    } else if (group->waiting) {
        append_waiting(group, item);
        if (item->kind == GCS_ITEM_LEAVE)
            hand_over_waiting(endpoint, group);
    } else if (!hand_over(endpoint, item)) {
        append_waiting(group, item);
    }
}

bool gcs_submit_drain(struct gcs_endpoint *endpoint)
{
    struct gcs_queue_node *node;
    int count = 0;

    while (count < DRAIN_MAX && (node = gcs_queue_pop(&endpoint->queue))) {
        accept_item(endpoint, (struct gcs_item *)node);
        count++;
        if (count % DRAIN_CLOCK == 0 && gcs_clock_now() >= endpoint->now + DRAIN_NS)
            break;
    }
    if (count == 0)
        return false;
    tell_room_all(endpoint);
    return true;
}

void gcs_submit_slices(struct gcs_endpoint *endpoint)
{
    endpoint->slices = false;
    for (struct gcs_group *group = endpoint->groups; group; group = group->next)
        if (group->block == GCS_BLOCK_SLICE)
            gcs_submit_retry(endpoint, group);
}

void gcs_submit_retry(struct gcs_endpoint *endpoint, struct gcs_group *group)
{
    hand_over_waiting(endpoint, group);
    note_released(endpoint, group, 0); /* what the core's fullness held back is told as well */
    tell_room_all(endpoint);
}

/* ---- The end ---------------------------------------------------------------------------- */

void gcs_submit_drop(struct gcs_endpoint *endpoint, struct gcs_group *group)
{
    while (group->waiting) {
        struct gcs_item *item = group->waiting;
        group->waiting = item->next;
        free_item(endpoint, item);
    }
    group->waiting_end = &group->waiting;
    group->block = GCS_BLOCK_NONE;
    group->slice_room = NULL;
    group->core_full = false;
    atomic_store(&group->want_writable, false);
    tell_room_all(endpoint);
    gcs_submit_notify(endpoint);
}

static void discard(struct gcs_endpoint *endpoint, struct gcs_item *item)
{
    if (is_allocated(item))
        gcs_item_free(endpoint, item);
}

void gcs_submit_discard(struct gcs_endpoint *endpoint, struct gcs_group *group)
{
    while (group->waiting) {
        struct gcs_item *item = group->waiting;
        group->waiting = item->next;
        discard(endpoint, item);
    }
}

void gcs_submit_clear(struct gcs_endpoint *endpoint, bool answer)
{
    struct gcs_queue_node *node;

    if (answer)
        gcs_command_refuse(endpoint);
    while ((node = gcs_queue_pop(&endpoint->queue))) {
        struct gcs_item *item = (struct gcs_item *)node;
        if (item->kind != GCS_ITEM_COMMAND)
            discard(endpoint, item);
        else if (answer)
            gcs_command_answer(endpoint, (struct gcs_command *)item, GCS_ECLOSED);
    }
}
