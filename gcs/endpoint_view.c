/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The current view for readers in any thread: a copy that the loop publishes
 * and never changes. gcs_view_acquire reads the pointer and counts a reference
 * within an RCU read-side critical section; the loop replaces the pointer, waits
 * until every section that may have seen the old one has ended, and only then
 * gives up its own reference. So the count that a reader raises is never that
 * of freed memory, readers never wait and never make the loop wait for longer than
 * those few instructions take, and a snapshot lives as long as somebody holds it, also
 * beyond the group and the endpoint.
 *
 * The bulletproof flavour of liburcu, because with the others each thread that
 * reads would have to be registered, and the threads are the application's: it
 * may not know which of them will ask for a view. What that costs is a little
 * more in the reader (one pointer more to follow), and a mutex in a thread's very
 * first read, when the flavour registers it. A grace period is waited for in the
 * loop, shortly before it would sleep anyway (no helper thread, as call_rcu has);
 * an application that uses liburcu-bp itself must therefore not call the library
 * inside of a read-side critical section of its own.
 *
 * The pointer and the count are C11 atomics rather than liburcu's macros: the same
 * instructions, and ThreadSanitizer understands them.
 */
#include "gcs/endpoint.h"

#include "gcs/base/memory.h"

#include <stddef.h>
#include <string.h>
#include <urcu/urcu-bp.h>

/* Waiting for readers is put off until the loop is idle, but not for ever. */
#define RETIRED_MAX 8

struct gcs_snapshot {
    const struct gcs_allocator *allocator;
    atomic_uint references; /* the published pointer's own, and one per gcs_view_acquire */
    struct gcs_snapshot *retired_next;
    struct gcs_view view; /* members behind it */
    struct gcs_member members[];
};

static struct gcs_snapshot *copy_view(const struct gcs_allocator *allocator,
                                      const struct gcs_view *view)
{
    size_t members = view->count * sizeof(view->members[0]);
    struct gcs_snapshot *snapshot = gcs_allocate(allocator, 1, sizeof(*snapshot) + members);

    if (!snapshot)
        return NULL;
    snapshot->allocator = allocator;
    atomic_store_explicit(&snapshot->references, 1, memory_order_relaxed);
    snapshot->view = *view;
    snapshot->view.members = snapshot->members;
    memcpy(snapshot->members, view->members, members);
    return snapshot;
}

static void release(struct gcs_snapshot *snapshot)
{
    if (atomic_fetch_sub(&snapshot->references, 1) == 1)
        gcs_release(snapshot->allocator, snapshot);
}

/* ---- Readers ---------------------------------------------------------------------------- */

const struct gcs_view *gcs_view_acquire(const struct gcs_group *group)
{
    if (!group || gcs_fork_mark_child(group->endpoint->fork_mark))
        return NULL;
    urcu_bp_read_lock();
    struct gcs_snapshot *snapshot = atomic_load_explicit(
        &((struct gcs_group *)(uintptr_t)group)->snapshot, memory_order_acquire);
    if (snapshot)
        atomic_fetch_add(&snapshot->references, 1);
    urcu_bp_read_unlock();
    return snapshot ? &snapshot->view : NULL;
}

void gcs_view_release(const struct gcs_view *view)
{
    if (view)
        release((struct gcs_snapshot *)((uintptr_t)view - offsetof(struct gcs_snapshot, view)));
}

/* ---- The loop --------------------------------------------------------------------------- */

static void replace(struct gcs_group *group, struct gcs_snapshot *snapshot)
{
    struct gcs_endpoint *endpoint = group->endpoint;
    struct gcs_snapshot *old =
        atomic_exchange_explicit(&group->snapshot, snapshot, memory_order_acq_rel);

    if (old) {
        old->retired_next = endpoint->retired;
        endpoint->retired = old;
        if (++endpoint->retired_count >= RETIRED_MAX)
            gcs_view_reclaim(endpoint);
    }
}

/* Without memory the last view stays, which is old but consistent, until there is some. */
void gcs_view_publish(struct gcs_group *group, const struct gcs_view *view)
{
    struct gcs_snapshot *snapshot = view ? copy_view(group->endpoint->allocator, view) : NULL;

    group->snapshot_due = view && !snapshot;
    if (!group->snapshot_due)
        replace(group, snapshot);
    else
        gcs_loop_starved(group->endpoint);
}

void gcs_view_free_retired(struct gcs_endpoint *endpoint)
{
    while (endpoint->retired) {
        struct gcs_snapshot *snapshot = endpoint->retired;
        endpoint->retired = snapshot->retired_next;
        release(snapshot);
    }
    endpoint->retired_count = 0;
}

void gcs_view_wait_for_readers(void)
{
    urcu_bp_synchronize_rcu();
}

void gcs_view_reclaim(struct gcs_endpoint *endpoint)
{
    if (!endpoint->retired)
        return;
    gcs_view_wait_for_readers();
    gcs_view_free_retired(endpoint);
}

void gcs_view_withdraw(struct gcs_group *group)
{
    struct gcs_endpoint *endpoint = group->endpoint;
    struct gcs_snapshot *old = atomic_exchange(&group->snapshot, NULL);

    if (old) {
        old->retired_next = endpoint->retired;
        endpoint->retired = old;
    }
}

/* ---- The primary ------------------------------------------------------------------------ */

static int ask_for_lease(struct gcs_endpoint *endpoint, struct gcs_command *command)
{
    struct gcs_group *group = command->item.group;

    if (atomic_load(&group->state) & (GCS_HANDLE_LEAVING | GCS_HANDLE_LEFT))
        return GCS_ENOTMEMBER;
    gcs_loop_read_clock(endpoint);
    return gcs_core_lease(group->core, endpoint->now, command->until);
}

int gcs_primary(struct gcs_group *group, uint64_t *until, int timeout_ms)
{
    uint64_t end;

    if (!group)
        return gcs_fail(GCS_EINVAL, "group is NULL");
    struct gcs_command command = {
        .item = {.group = group},
        .run = ask_for_lease,
        .until = until ? until : &end,
        .patience = timeout_ms < 0 ? GCS_NEVER : (uint64_t)timeout_ms * GCS_NS_PER_MS,
    };
    int error = gcs_command_call(group->endpoint, &command);
    switch (error) {
    case GCS_EAGAIN:
        return gcs_fail(error, "group \"%s\": the others are being asked", group->name);
    case GCS_ETIMEDOUT:
        return gcs_fail(error, "group \"%s\": no quorum has answered in %d ms", group->name,
                        timeout_ms);
    case GCS_ENOPRIMARY:
        return gcs_fail(error, "group \"%s\": this member is cut off", group->name);
    case GCS_ENOTMEMBER:
        return gcs_fail(error, "group \"%s\": this endpoint is leaving or has left", group->name);
    default:
        return error;
    }
}

/* ---- The order -------------------------------------------------------------------------- */

static int ask_for_order(struct gcs_endpoint *endpoint, struct gcs_command *command)
{
    struct gcs_group *group = command->item.group;

    (void)endpoint;
    if (atomic_load(&group->state) & (GCS_HANDLE_LEAVING | GCS_HANDLE_LEFT))
        return GCS_ENOTMEMBER;
    return gcs_core_ordered(group->core, command->epoch, command->position);
}

int gcs_ordered(struct gcs_group *group, uint32_t *epoch, uint64_t *position)
{
    if (!group || !epoch || !position)
        return gcs_fail(GCS_EINVAL, "%s is NULL", !group ? "group" : !epoch ? "epoch" : "position");
    struct gcs_command command = {
        .item = {.group = group}, .run = ask_for_order, .epoch = epoch, .position = position};
    int error = gcs_command_call(group->endpoint, &command);
    if (error == GCS_EAGAIN)
        return gcs_fail(error, "group \"%s\": there is no view, or it is ending", group->name);
    if (error == GCS_ENOTMEMBER)
        return gcs_fail(error, "group \"%s\": this endpoint is leaving or has left", group->name);
    return error;
}
