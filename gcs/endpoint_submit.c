/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages on their way from application threads to the loop.
 *
 * In the caller's own loop gcs_multicast goes straight into the core: no queue,
 * no copy beyond the core's own, no lock that anybody else holds. From any other
 * thread the message is copied into an item, which travels to the loop through a
 * wait-free queue. What is on its way is bounded per group: a message is accepted
 * as long as less than submit_bytes are, so a full group holds nobody up but itself,
 * a message larger than the bound can be sent, and the bound is exceeded by one
 * message at most. When there is no room the caller waits, or is told GCS_EAGAIN and
 * gets exactly one GCS_EVENT_WRITABLE once half of the room is free again.
 */
#include "gcs/endpoint.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* One call of gcs_multicast, gcs_send or gcs_reserve. */
struct call {
    struct gcs_group *group;
    const struct gcs_member_id *to; /* NULL: the whole group */
    enum gcs_service service;
    const void *data;
    void **room; /* the message is to be written there by the caller; NULL: it is at data */
    size_t size;
    int timeout_ms;
};

/* ---- Checks ----------------------------------------------------------------------------- */

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

    if (service < GCS_UNORDERED || service > GCS_SAFE)
        return gcs_fail(GCS_EINVAL, "service is %d: must be one of enum gcs_service, %d to %d",
                        (int)service, GCS_UNORDERED, GCS_SAFE);
    if (call->size > group->message_bytes)
        return gcs_fail(GCS_EMSGSIZE,
                        "message of %zu bytes: group \"%s\" has a message_bytes of %u", call->size,
                        group->name, group->message_bytes);
    if (!call->data && !call->room && call->size > 0)
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

/* ---- Room ------------------------------------------------------------------------------- */

static void push(struct gcs_endpoint *endpoint, struct gcs_item *item)
{
    gcs_queue_push(&endpoint->queue, &item->node);
    gcs_loop_wake(endpoint);
}

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

static bool is_full(const struct gcs_group *group)
{
    return atomic_load(&group->used) >= group->endpoint->submit_bytes;
}

/*
 * Promises a GCS_EVENT_WRITABLE, then looks once more: if the group is still full the loop sees the
 * promise when it makes room. If not, it may have made room for the last time before: it has to
 * look again. The promise is not taken back, because it may be another thread's as well by now.
 */
static int promise_writable(struct gcs_group *group)
{
    atomic_store(&group->want_writable, true);
    if (!is_full(group) && !atomic_exchange(&group->look_queued, true))
        push(group->endpoint, &group->look_item);
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

/* Whoever takes the events makes the room, by taking them: it must not wait for itself. */
static bool may_wait(const struct call *call)
{
    const struct gcs_endpoint *endpoint = call->group->endpoint;

    return call->timeout_ms != 0 && !gcs_endpoint_is_consumer(endpoint, endpoint->own_loop);
}

static int find_room(const struct call *call, size_t bytes)
{
    if (take_room(call->group, bytes))
        return 0;
    return may_wait(call) ? wait_for_room(call->group, bytes, call->timeout_ms)
                          : promise_writable(call->group);
}

void gcs_submit_notify(struct gcs_endpoint *endpoint)
{
    (void)pthread_mutex_lock(&endpoint->mutex);
    (void)pthread_cond_broadcast(&endpoint->changed);
    (void)pthread_mutex_unlock(&endpoint->mutex);
}

/* ---- gcs_multicast, gcs_send ------------------------------------------------------------ */

static struct gcs_item *new_item(const struct call *call)
{
    enum gcs_item_kind kind = call->to ? GCS_ITEM_SEND : GCS_ITEM_MESSAGE;
    size_t size = gcs_item_receiver_bytes(kind) + call->size;
    struct gcs_endpoint *endpoint = call->group->endpoint;
    struct gcs_item *item = gcs_item_new(endpoint, size, is_full(call->group));

    if (!item)
        return NULL;
    item->group = call->group;
    item->kind = kind;
    item->service = call->service;
    return item;
}

static void fill_item(struct gcs_item *item, const struct call *call)
{
    uint8_t *bytes = (uint8_t *)(item + 1);
    size_t before = gcs_item_receiver_bytes(item->kind);

    if (call->to)
        memcpy(bytes, call->to, before);
    if (call->size > 0)
        memcpy(bytes + before, call->data, call->size);
}

static int send_queued(const struct call *call)
{
    struct gcs_endpoint *endpoint = call->group->endpoint;

    if (is_full(call->group) && !may_wait(call))
        return promise_writable(call->group);
    struct gcs_item *item = new_item(call);
    if (!item)
        return gcs_fail(GCS_ENOMEM, "out of memory for a message of %zu bytes", call->size);
    int error = find_room(call, sizeof(*item) + item->size);
    if (error) {
        gcs_item_free(endpoint, item);
        return error;
    }
    item->reserved = call->room;
    if (call->room) {
        *call->room = item + 1;
        return 0;
    }
    fill_item(item, call);
    push(endpoint, item);
    return 0;
}

static int give_to_core(const struct call *call)
{
    struct gcs_group *group = call->group;
    uint64_t now = group->endpoint->now;
    uint8_t *data = NULL;

    if (call->to)
        return gcs_core_send(group->core, now, call->to, call->data, call->size);
    if (!call->room)
        return gcs_core_multicast(group->core, now, call->service, call->data, call->size);
    int error = gcs_core_reserve(group->core, call->service, call->size, &data);
    if (error == 0)
        *call->room = group->room = data;
    return error;
}

/* The loop is this thread's own and at rest: straight into the core, sent by the next dispatch. */
static int send_direct(const struct call *call)
{
    struct gcs_group *group = call->group;
    struct gcs_endpoint *endpoint = group->endpoint;

    gcs_own_raise(endpoint);
    int error = give_to_core(call);
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
    return send_message(&(struct call){
        .group = group, .service = service, .data = data, .size = size, .timeout_ms = timeout_ms});
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

/* ---- gcs_reserve, gcs_commit --------------------------------------------------------------- */

int gcs_reserve(struct gcs_group *group, enum gcs_service service, size_t size, void **data,
                int timeout_ms)
{
    if (!data)
        return gcs_fail(GCS_EINVAL, "data is NULL");
    return send_message(&(struct call){
        .group = group, .service = service, .room = data, .size = size, .timeout_ms = timeout_ms});
}

static int fail_room(size_t size)
{
    return gcs_fail(GCS_EINVAL, "size is %zu: more than was reserved, or nothing was", size);
}

/* What was reserved in the core. The membership may have ended, and its core with it. */
static int commit_direct(struct gcs_group *group, size_t size)
{
    struct gcs_endpoint *endpoint = group->endpoint;
    unsigned state = atomic_load_explicit(&group->state, memory_order_relaxed);

    if (state & GCS_HANDLE_LEFT) {
        group->room = NULL;
        return fail_state(group, state);
    }
    gcs_own_raise(endpoint);
    int error = gcs_core_commit(group->core, endpoint->now, size);
    if (error == 0)
        group->room = NULL;
    else if (error == GCS_EINVAL)
        return fail_room(size);
    return error ? gcs_fail(error, "group \"%s\": message of %zu bytes: %s", group->name, size,
                            gcs_strerror(error))
                 : 0;
}

/* What was reserved in an item: it goes its way, if only to give the room back. */
static int commit_item(struct gcs_group *group, struct gcs_item *item, size_t size)
{
    if (item->group != group || item->kind != GCS_ITEM_MESSAGE ||
        (size > item->size && size != GCS_NOTHING))
        return fail_room(size);
    unsigned state = atomic_load_explicit(&group->state, memory_order_relaxed);
    bool left = size != GCS_NOTHING && (state & GCS_HANDLE_LEFT);
    if (left || size == GCS_NOTHING) {
        item->kind = GCS_ITEM_NOTHING;
    } else {
        atomic_fetch_sub(&group->used, item->size - size);
        item->size = size;
    }
    push(group->endpoint, item);
    return left ? fail_state(group, state) : 0;
}

int gcs_commit(struct gcs_group *group, void *data, size_t size)
{
    if (!group || !data)
        return gcs_fail(GCS_EINVAL, "%s is NULL", group ? "data" : "group");
    struct gcs_endpoint *endpoint = group->endpoint;
    int error = gcs_endpoint_enter(endpoint);
    if (error)
        return error;
    bool direct = false;
    if (endpoint->own_loop && (error = gcs_endpoint_lock(endpoint)) == 0) {
        direct = group->room == data;
        if (direct)
            error = commit_direct(group, size);
        gcs_endpoint_unlock(endpoint);
    }
    if (!direct && error == 0)
        error = commit_item(group, (struct gcs_item *)data - 1, size);
    gcs_endpoint_leave(endpoint);
    return error;
}
