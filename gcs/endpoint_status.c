/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The status socket: life, and where its knowledge comes from. See endpoint_status.h.
 */
#include "gcs/endpoint_status.h"

#include "gcs/base/memory.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SNAPSHOT_NS  (50 * GCS_NS_PER_MS)
#define ATTEMPTS_MAX 4 /* at a snapshot whose size grows meanwhile */

/* ---- Snapshots -------------------------------------------------------------------------- */

static void take_members(struct gcs_status_snapshot *snapshot, struct gcs_status_group *row,
                         const struct gcs_group *group, uint64_t now)
{
    for (uint16_t rank = 0; rank < row->status.members; rank++) {
        size_t place = snapshot->members_count++;
        if (place >= snapshot->members_room)
            continue;
        if (gcs_core_member_status(group->core, now, rank, &snapshot->members[place]) == 0)
            row->members_count++;
    }
}

static void take_group(struct gcs_status_snapshot *snapshot, struct gcs_status_group *row,
                       const struct gcs_group *group, uint64_t now)
{
    const struct gcs_view *view = gcs_core_view(group->core);

    memcpy(row->name, group->name, sizeof(row->name));
    row->view[0] = '\0';
    if (view)
        gcs_view_id_format(view, row->view, sizeof(row->view));
    gcs_core_group_status(group->core, &row->status);
    row->members_first = snapshot->members_count;
    row->members_count = 0;
    take_members(snapshot, row, group, now);
}

/* The loop. Allocates nothing: what there is no room for is only counted. */
static int take_snapshot(struct gcs_endpoint *endpoint, struct gcs_command *command)
{
    struct gcs_status_snapshot *snapshot = command->snapshot;
    uint64_t now = gcs_clock_now();

    gcs_endpoint_count(endpoint, &snapshot->counters);
    snapshot->groups_count = snapshot->members_count = 0;
    for (const struct gcs_group *group = endpoint->groups; group; group = group->next) {
        if (!group->core)
            continue;
        size_t place = snapshot->groups_count++;
        if (place < snapshot->groups_room)
            take_group(snapshot, &snapshot->groups[place], group, now);
    }
    return 0;
}

static bool make_room(const struct gcs_allocator *allocator, void **rows, size_t *room,
                      size_t count, size_t size)
{
    if (count <= *room)
        return true;
    void *larger = gcs_allocate(allocator, count, size);
    if (!larger)
        return false;
    gcs_release(allocator, *rows);
    *rows = larger;
    *room = count;
    return true;
}

static bool fits(const struct gcs_status_snapshot *snapshot)
{
    return snapshot->groups_count <= snapshot->groups_room &&
           snapshot->members_count <= snapshot->members_room;
}

int gcs_status_refresh(struct gcs_status_server *server)
{
    struct gcs_status_snapshot *snapshot = &server->snapshot;
    uint64_t now = gcs_clock_wait();
    int error = 0;

    if (server->taken_at != 0 && now < server->taken_at + SNAPSHOT_NS)
        return 0;
    server->taken_at = 0;
    for (int attempt = 0; attempt < ATTEMPTS_MAX && error == 0; attempt++) {
        struct gcs_command command = {.run = take_snapshot, .snapshot = snapshot};
        error = gcs_command_call(server->endpoint, &command);
        if (error)
            return error;
        if (fits(snapshot)) {
            server->taken_at = now;
            return 0;
        }
        void *groups = snapshot->groups, *members = snapshot->members;
        if (!make_room(server->allocator, &groups, &snapshot->groups_room, snapshot->groups_count,
                       sizeof(*snapshot->groups)) ||
            !make_room(server->allocator, &members, &snapshot->members_room,
                       snapshot->members_count, sizeof(*snapshot->members)))
            error = GCS_ENOMEM;
        snapshot->groups = groups;
        snapshot->members = members;
    }
    return error ? error : GCS_EAGAIN;
}

/* ---- Life ------------------------------------------------------------------------------- */

int gcs_status_open(struct gcs_endpoint *endpoint, const char *path, uint32_t mode)
{
    struct gcs_status_server *server = gcs_allocate(endpoint->allocator, 1, sizeof(*server));

    if (!server)
        return gcs_fail(GCS_ENOMEM, "out of memory for the status socket");
    server->endpoint = endpoint;
    server->allocator = endpoint->allocator;
    server->listen_fd = server->stop_fd = -1;
    server->snapshot.address = endpoint->address;
    for (size_t i = 0; i < GCS_STATUS_CLIENTS; i++)
        server->clients[i].fd = -1;
    memcpy(server->path, path, strlen(path) + 1); /* its length was checked with the options */
    endpoint->status = server;
    server->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (server->stop_fd < 0)
        return gcs_fail_system("eventfd", errno);
    return gcs_status_listen(server, mode);
}

int gcs_status_start(struct gcs_endpoint *endpoint)
{
    struct gcs_status_server *server = endpoint->status;
    sigset_t all, before;

    if (!server)
        return 0;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&server->thread, NULL, gcs_status_serve, server);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error)
        return gcs_fail_system("starting the status thread", error);
    (void)pthread_setname_np(server->thread, "gcs-status");
    server->started = true;
    return 0;
}

void gcs_status_stop(struct gcs_endpoint *endpoint)
{
    struct gcs_status_server *server = endpoint->status;
    const uint64_t one = 1;

    if (!server || !server->started)
        return;
    ssize_t written = write(server->stop_fd, &one, sizeof(one));
    (void)written;
    (void)pthread_join(server->thread, NULL);
    server->started = false;
    gcs_status_unlink(server);
}

void gcs_status_close(struct gcs_endpoint *endpoint, bool forked)
{
    struct gcs_status_server *server = endpoint->status;

    if (!server)
        return;
    if (!forked)
        gcs_status_unlink(server);
    for (size_t i = 0; i < GCS_STATUS_CLIENTS; i++) {
        if (server->clients[i].fd >= 0)
            (void)close(server->clients[i].fd);
        gcs_text_free(&server->clients[i].reply);
    }
    if (server->listen_fd >= 0)
        (void)close(server->listen_fd);
    if (server->stop_fd >= 0)
        (void)close(server->stop_fd);
    gcs_release(server->allocator, server->snapshot.groups);
    gcs_release(server->allocator, server->snapshot.members);
    gcs_release(server->allocator, server);
    endpoint->status = NULL;
}
