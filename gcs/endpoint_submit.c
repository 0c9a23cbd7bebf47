/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages on their way from application threads to the core.
 *
 * In the caller's own loop gcs_multicast goes straight into the core: no queue,
 * no copy beyond the core's own, no lock that anybody else holds. From any other
 * thread the message is copied into an item, which travels to the loop through a
 * wait-free queue. What is on its way is bounded per group: a message is accepted
 * as long as less than submit_bytes are, so a full group holds nobody up but itself,
 * a message larger than the bound can be sent, and the bound is exceeded by one
 * message at most. When there is no room the caller waits, or is told GCS_EAGAIN and
 * gets exactly one GCS_EVENT_WRITABLE once half of the room is free again.
 *
 * What the core cannot take at the moment (its queue is full, there is no primary,
 * there is no memory) waits at the head of its group's list and is tried again when
 * that has changed; so the order of a thread's messages is kept, and no message that was
 * accepted is lost but with the membership, whose end GCS_EVENT_LEFT tells.
 */
#include "gcs/endpoint.h"

#include "gcs/base/memory.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <time.h>

/* Items taken in one round: then the network has its turn. */
#define DRAIN_MAX 1024

/* One call of gcs_multicast or gcs_send. */
struct call {
    struct gcs_group *group;
    const struct gcs_member_id *to; /* NULL: the whole group */
    enum gcs_service service;
    const void *data;
    size_t size;
    int timeout_ms;
};

/* ---- Application threads: checks --------------------------------------------------- */

static int fail_state(const struct gcs_group *group, unsigned state)
{
    if (state & (GCS_HANDLE_LEAVING | GCS_HANDLE_LEFT))
        return gcs_fail(GCS_ENOTMEMBER, "group \"%s\": %s", group->name,
                        state & GCS_HANDLE_LEFT ? "the membership has ended"
                                                : "gcs_leave has been called");
    return gcs_fail(GCS_ENOPRIMARY, "group \"%s\": this member is cut off from the primary",
                    group->name);
}

static bool same_member(const struct gcs_member_id *a, const struct gcs_member_id *b)
{
    return a->incarnation == b->incarnation && a->address.length == b->address.length &&
           memcmp(a->address.bytes, b->address.bytes, a->address.length) == 0;
}

/* Whom the last view that was published does not have, the core would not know either. */
static int check_receiver(const struct call *call)
{
    const struct gcs_view *view = gcs_view_acquire(call->group);
    char text[GCS_MEMBER_TEXT_MAX];
    bool found = false;

    if (call->to->address.length > GCS_ADDRESS_MAX) {
        gcs_view_release(view);
        return gcs_fail(GCS_EINVAL, "to has an address of %u bytes", call->to->address.length);
    }
    for (uint16_t rank = 0; view && rank < view->count && !found; rank++)
        found = same_member(&view->members[rank].id, call->to);
    gcs_view_release(view);
    if (found)
        return 0;
    gcs_member_format(call->to, text, sizeof(text));
    return gcs_fail(GCS_ENOTMEMBER, "group \"%s\": %s is not in the view", call->group->name, text);
}

/* What the core would refuse as well; known here without asking it. */
static int check(const struct call *call)
{
    const struct gcs_group *group = call->group;
    enum gcs_service service = call->service;

    if (service != GCS_FIFO && service != GCS_AGREED && service != GCS_SAFE)
        return gcs_fail(GCS_EINVAL,
                        "service is %d: must be GCS_FIFO (%d), GCS_AGREED (%d) or GCS_SAFE (%d)",
                        (int)service, GCS_FIFO, GCS_AGREED, GCS_SAFE);
    if (call->size > group->message_bytes)
        return gcs_fail(GCS_EMSGSIZE,
                        "message of %zu bytes: group \"%s\" has a message_bytes of %u", call->size,
                        group->name, group->message_bytes);
    if (!call->data && call->size > 0)
        return gcs_fail(GCS_EINVAL, "data is NULL for a message of %zu bytes", call->size);
    unsigned state = atomic_load_explicit(&group->state, memory_order_relaxed);
    if (state != 0)
        return fail_state(group, state);
    return call->to ? check_receiver(call) : 0;
}

static int fail_full(const struct gcs_group *group)
{
    return gcs_fail(GCS_EAGAIN, "group \"%s\": there is no room at the moment", group->name);
}

/* ---- Application threads: room ------------------------------------------------------- */

static bool take_room(struct gcs_group *group, size_t bytes)
{
    size_t limit = group->endpoint->submit_bytes;
    size_t used = atomic_load(&group->used);

    do { /* the exchange reads used again if it fails */
        if (used >= limit)
            return false;
    } while (!atomic_compare_exchange_weak(&group->used, &used, used + bytes));
    return true;
}

/*
 * Promises a GCS_EVENT_WRITABLE, then looks once more: either the loop sees the promise when it
 * makes room, or this sees the room. If both happen the event is on its way already: it
 * would be one too many, so the room goes back (as an item, since only the loop gives room back).
 */
static int take_room_or_promise(struct gcs_group *group, struct gcs_item *item, size_t bytes)
{
    atomic_store(&group->want_writable, true);
    if (!take_room(group, bytes))
        return fail_full(group);
    if (atomic_exchange(&group->want_writable, false))
        return 0;
    item->kind = GCS_ITEM_NOTHING;
    return fail_full(group);
}

static int wait_changed(struct gcs_endpoint *endpoint, uint64_t deadline)
{
    if (deadline == GCS_NEVER)
        return pthread_cond_wait(&endpoint->changed, &endpoint->mutex);
    struct timespec time = {
        .tv_sec = (time_t)(deadline / GCS_NS_PER_S),
        .tv_nsec = (long)(deadline % GCS_NS_PER_S),
    };
    return pthread_cond_timedwait(&endpoint->changed, &endpoint->mutex, &time);
}

static int wait_for_room(struct gcs_group *group, size_t bytes, int timeout_ms)
{
    struct gcs_endpoint *endpoint = group->endpoint;
    uint64_t deadline = gcs_clock_deadline(timeout_ms);
    bool expired = false;
    int error = 0;

    (void)pthread_mutex_lock(&endpoint->mutex);
    atomic_fetch_add(&group->waiters, 1);
    for (;;) {
        unsigned state = atomic_load(&group->state);
        if (atomic_load(&endpoint->closing))
            error = gcs_fail(GCS_ECLOSED, "the endpoint is being closed");
        else if (state != 0)
            error = fail_state(group, state);
        else if (take_room(group, bytes))
            break;
        else if (expired)
            error = gcs_fail(GCS_ETIMEDOUT, "group \"%s\": no room came in %d ms", group->name,
                             timeout_ms);
        if (error)
            break;
        expired = wait_changed(endpoint, deadline) == ETIMEDOUT;
    }
    atomic_fetch_sub(&group->waiters, 1);
    (void)pthread_mutex_unlock(&endpoint->mutex);
    return error;
}

static int find_room(struct gcs_group *group, struct gcs_item *item, size_t bytes, int timeout_ms)
{
    if (take_room(group, bytes))
        return 0;
    /* Whoever takes the events makes the room, by taking them: it must not wait for itself. */
    if (timeout_ms == 0 ||
        gcs_endpoint_is_consumer(group->endpoint, group->endpoint->own_loop))
        return take_room_or_promise(group, item, bytes);
    return wait_for_room(group, bytes, timeout_ms);
}

/* ---- Application threads: gcs_multicast, gcs_send ----------------------------------------- */

/* The receiver, if there is one, lies before the data. */
static size_t receiver_bytes(enum gcs_item_kind kind)
{
    return kind == GCS_ITEM_SEND ? sizeof(struct gcs_member_id) : 0;
}

static struct gcs_item *new_item(const struct call *call)
{
    const struct gcs_allocator *allocator = call->group->endpoint->allocator;
    enum gcs_item_kind kind = call->to ? GCS_ITEM_SEND : GCS_ITEM_MESSAGE;
    size_t size = receiver_bytes(kind) + call->size;
    struct gcs_item *item = allocator->allocate(allocator->ctx, sizeof(*item) + size);

    if (!item)
        return NULL;
    item->group = call->group;
    item->kind = kind;
    item->service = call->service;
    item->size = size;
    return item;
}

static void fill_item(struct gcs_item *item, const struct call *call)
{
    uint8_t *bytes = (uint8_t *)(item + 1);
    size_t before = receiver_bytes(item->kind);

    if (call->to)
        memcpy(bytes, call->to, before);
    if (call->size > 0)
        memcpy(bytes + before, call->data, call->size);
}

static int send_queued(const struct call *call)
{
    struct gcs_endpoint *endpoint = call->group->endpoint;
    struct gcs_item *item = new_item(call);

    if (!item)
        return gcs_fail(GCS_ENOMEM, "out of memory for a message of %zu bytes", call->size);
    int error = find_room(call->group, item, sizeof(*item) + item->size, call->timeout_ms);
    if (error && item->kind != GCS_ITEM_NOTHING) {
        gcs_release(endpoint->allocator, item);
        return error;
    }
    if (!error)
        fill_item(item, call);
    gcs_queue_push(&endpoint->queue, &item->node);
    gcs_loop_wake(endpoint);
    return error;
}

/* The loop is this thread's own and at rest: straight into the core, sent by the next dispatch. */
static int send_direct(const struct call *call)
{
    struct gcs_group *group = call->group;
    struct gcs_endpoint *endpoint = group->endpoint;

    gcs_own_raise(endpoint);
    int error = call->to ? gcs_core_send(group->core, endpoint->now, call->to, call->data, call->size)
                         : gcs_core_multicast(group->core, endpoint->now, call->service,
                                              call->data, call->size);
    if (error == GCS_EAGAIN) {
        group->core_full = true;
        atomic_store(&group->want_writable, true);
        return fail_full(group);
    }
    if (error == GCS_ENOPRIMARY)
        return fail_state(group, GCS_HANDLE_NOPRIMARY);
    if (error)
        return gcs_fail(error, "group \"%s\": message of %zu bytes: %s", group->name, call->size,
                        gcs_strerror(error));
    return 0;
}

/*
 * Direct only if this thread is the loop (or nobody is yet), and nothing of the group waits in the
 * queue, where something of this thread's may be from the time when the loop was not its own.
 */
static bool may_go_directly(const struct gcs_group *group)
{
    return gcs_endpoint_is_consumer(group->endpoint, true) && atomic_load(&group->used) == 0;
}

static int send_own_loop(const struct call *call)
{
    struct gcs_endpoint *endpoint = call->group->endpoint;

    if (!may_go_directly(call->group))
        return send_queued(call);
    int error = gcs_endpoint_lock(endpoint);
    if (error)
        return error;
    bool direct = may_go_directly(call->group); /* now for certain */
    if (direct)
        error = check(call);
    if (direct && !error)
        error = send_direct(call);
    gcs_endpoint_unlock(endpoint);
    return direct ? error : send_queued(call);
}

static int send_message(const struct call *call)
{
    if (!call->group)
        return gcs_fail(GCS_EINVAL, "group is NULL");
    struct gcs_endpoint *endpoint = call->group->endpoint;
    int error = gcs_endpoint_enter(endpoint);
    if (error)
        return error;
    error = check(call);
    if (!error)
        error = endpoint->own_loop ? send_own_loop(call) : send_queued(call);
    gcs_endpoint_leave(endpoint);
    return error;
}

int gcs_multicast(struct gcs_group *group, enum gcs_service service, const void *data, size_t size,
                  int timeout_ms)
{
    return send_message(&(struct call){.group = group,
                                       .service = service,
                                       .data = data,
                                       .size = size,
                                       .timeout_ms = timeout_ms});
}

int gcs_send(struct gcs_group *group, const struct gcs_member_id *to, const void *data, size_t size,
             int timeout_ms)
{
    if (!to)
        return gcs_fail(GCS_EINVAL, "to is NULL");
    return send_message(&(struct call){.group = group,
                                       .to = to,
                                       .service = GCS_FIFO,
                                       .data = data,
                                       .size = size,
                                       .timeout_ms = timeout_ms});
}

/* ---- The loop: room ---------------------------------------------------------------------- */

void gcs_submit_notify(struct gcs_endpoint *endpoint)
{
    (void)pthread_mutex_lock(&endpoint->mutex);
    (void)pthread_cond_broadcast(&endpoint->changed);
    (void)pthread_mutex_unlock(&endpoint->mutex);
}

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

/* ---- The loop: handing over to the core ----------------------------------------------------- */

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
    gcs_release(endpoint->allocator, item);
}

/* A member that wants to leave waits for no view: neither its first one, nor a primary one. */
static bool gives_up(const struct gcs_group *group, int error)
{
    if (!(atomic_load_explicit(&group->state, memory_order_relaxed) & GCS_HANDLE_LEAVING))
        return false;
    return error == GCS_ENOPRIMARY || (error == GCS_EAGAIN && !gcs_core_view(group->core));
}

static int give_to_core(struct gcs_endpoint *endpoint, struct gcs_group *group,
                        const struct gcs_item *item)
{
    const uint8_t *bytes = (const uint8_t *)(item + 1);
    size_t before = receiver_bytes(item->kind);
    struct gcs_member_id to;

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
        break;
    case GCS_ITEM_LEAVE:
        hand_leave(endpoint, group);
        break;
    case GCS_ITEM_NOTHING:
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
        gcs_command_run(endpoint, (struct gcs_command *)item);
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
    }
    if (count == 0)
        return false;
    tell_room_all(endpoint);
    return true;
}

void gcs_submit_retry(struct gcs_endpoint *endpoint, struct gcs_group *group)
{
    hand_over_waiting(endpoint, group);
    note_released(endpoint, group, 0); /* what the core's fullness held back is told as well */
    tell_room_all(endpoint);
}

/* ---- The loop: the end ------------------------------------------------------------------------- */

void gcs_submit_drop(struct gcs_endpoint *endpoint, struct gcs_group *group)
{
    while (group->waiting) {
        struct gcs_item *item = group->waiting;
        group->waiting = item->next;
        free_item(endpoint, item);
    }
    group->waiting_end = &group->waiting;
    group->block = GCS_BLOCK_NONE;
    group->core_full = false;
    atomic_store(&group->want_writable, false);
    tell_room_all(endpoint);
    gcs_submit_notify(endpoint);
}

static void discard(struct gcs_endpoint *endpoint, struct gcs_item *item)
{
    if (is_allocated(item))
        gcs_release(endpoint->allocator, item);
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

    while ((node = gcs_queue_pop(&endpoint->queue))) {
        struct gcs_item *item = (struct gcs_item *)node;
        if (item->kind != GCS_ITEM_COMMAND)
            discard(endpoint, item);
        else if (answer)
            gcs_command_answer(endpoint, (struct gcs_command *)item, GCS_ECLOSED);
    }
}
