/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The status socket of an endpoint, for the files that make it:
 *
 *   endpoint_status.c         what is known now, asked of the loop; starting and stopping
 *   endpoint_status_serve.c   clients: bounded in number, size, time and rate
 *   endpoint_status_socket.c  the socket's name and permissions
 *   endpoint_status_text.c    a snapshot as JSON, and as metrics
 *
 * A thread of its own serves it, with lower priority. All that the protocol's thread has to do
 * with it is to fill in a snapshot, SNAPSHOT_NS apart at the least, whatever clients do.
 */
#ifndef GCS_ENDPOINT_STATUS_H
#define GCS_ENDPOINT_STATUS_H

#include "gcs/endpoint.h"

#include <sys/stat.h>
#include <sys/un.h>

#define GCS_STATUS_CLIENTS 8
#define GCS_STATUS_REQUEST 32 /* longest request, newline included */

/* ---- Snapshots -------------------------------------------------------------------------- */

struct gcs_status_group {
    char name[GCS_NAME_MAX + 1];
    char view[GCS_VIEW_ID_TEXT_MAX];
    size_t members_first, members_count; /* in the snapshot's members */
    struct gcs_group_status status;
};

struct gcs_status_snapshot {
    const char *address;
    struct gcs_counters counters;
    struct gcs_status_group *groups;
    struct gcs_member_status *members;
    size_t groups_count, groups_room; /* count may be above room: then that much is needed */
    size_t members_count, members_room;
};

/* ---- Text ------------------------------------------------------------------------------- */

struct gcs_text {
    const struct gcs_allocator *allocator;
    char *data;
    size_t size, room;
    bool failed; /* out of memory: what follows is left out */
};

void gcs_text_free(struct gcs_text *text);
__attribute__((format(printf, 2, 3))) void gcs_text_add(struct gcs_text *text, const char *format,
                                                        ...);

void gcs_status_write_json(struct gcs_text *text, const struct gcs_status_snapshot *snapshot);
void gcs_status_write_metrics(struct gcs_text *text, const struct gcs_status_snapshot *snapshot);

/* ---- The server ------------------------------------------------------------------------- */

struct gcs_status_client {
    int fd; /* -1: free */
    uint64_t deadline;
    char request[GCS_STATUS_REQUEST];
    size_t received;
    struct gcs_text reply;
    size_t sent;
    bool answered;
};

struct gcs_status_server {
    struct gcs_endpoint *endpoint;
    const struct gcs_allocator *allocator;
    int listen_fd, stop_fd;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    struct stat made; /* whose file the path is */
    pthread_t thread;
    bool started;

    /* its thread */
    uint64_t accept_at;
    uint64_t taken_at; /* the snapshot; 0: none yet */
    struct gcs_status_snapshot snapshot;
    struct gcs_status_client clients[GCS_STATUS_CLIENTS];
};

/* Listens at server->path; nobody else than mode allows can ever connect. GCS_ESYSTEM. */
int gcs_status_listen(struct gcs_status_server *server, uint32_t mode);
/* Takes the path away if it is still this server's. */
void gcs_status_unlink(const struct gcs_status_server *server);

/* Asks the loop, unless what is there is young enough. GCS_ECLOSED, GCS_ENOMEM. */
int gcs_status_refresh(struct gcs_status_server *server);

/* The thread's function. */
void *gcs_status_serve(void *server);

#endif
