/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clients of the status socket. One says what it wants in a line, "json" or "metrics", gets
 * the text, and is hung up on. A few at a time, each for a second at most, so many a second: what
 * any of them does or fails to do can delay the others, and nobody else.
 */
#include "gcs/endpoint_status.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENT_NS GCS_NS_PER_S
#define ACCEPT_NS (5 * GCS_NS_PER_MS) /* from one to the next */
#define NICENESS  10

/* ---- One client ------------------------------------------------------------------------- */

static void hang_up(struct gcs_status_client *client)
{
    (void)close(client->fd);
    gcs_text_free(&client->reply);
    *client = (struct gcs_status_client){.fd = -1};
}

static void answer(struct gcs_status_server *server, struct gcs_status_client *client)
{
    struct gcs_text *reply = &client->reply;

    reply->allocator = server->allocator;
    client->answered = true;
    bool json = strcmp(client->request, "json") == 0;
    if (!json && strcmp(client->request, "metrics") != 0) {
        gcs_text_add(reply, "error: unknown request: json or metrics?\n");
        return;
    }
    int error = gcs_status_refresh(server);
    if (error)
        gcs_text_add(reply, "error: %s\n", gcs_strerror(error));
    else if (json)
        gcs_status_write_json(reply, &server->snapshot);
    else
        gcs_status_write_metrics(reply, &server->snapshot);
}

/* False: it has hung up, or says what is no line. */
static bool listen_to(struct gcs_status_server *server, struct gcs_status_client *client)
{
    size_t room = sizeof(client->request) - client->received;
    ssize_t got = recv(client->fd, client->request + client->received, room, 0);

    if (got <= 0)
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    client->received += (size_t)got;
    char *end = memchr(client->request, '\n', client->received);
    if (!end)
        return client->received < sizeof(client->request);
    *end = '\0';
    answer(server, client);
    return !client->reply.failed;
}

/* False: done, or it does not want to hear any more. */
static bool speak_to(struct gcs_status_client *client)
{
    const struct gcs_text *reply = &client->reply;
    ssize_t sent =
        send(client->fd, reply->data + client->sent, reply->size - client->sent, MSG_NOSIGNAL);

    if (sent < 0)
        return errno == EAGAIN || errno == EINTR;
    client->sent += (size_t)sent;
    return client->sent < reply->size;
}

static void serve_client(struct gcs_status_server *server, struct gcs_status_client *client)
{
    bool stays = client->answered || listen_to(server, client);

    if (stays && client->answered)
        stays = speak_to(client);
    if (!stays)
        hang_up(client);
}

/* ---- All of them ------------------------------------------------------------------------ */

static struct gcs_status_client *free_client(struct gcs_status_server *server)
{
    for (size_t i = 0; i < GCS_STATUS_CLIENTS; i++)
        if (server->clients[i].fd < 0)
            return &server->clients[i];
    return NULL;
}

static void let_in(struct gcs_status_server *server, uint64_t now)
{
    struct gcs_status_client *client = free_client(server);
    int fd = accept4(server->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    server->accept_at = now + ACCEPT_NS; /* also after an error, which may last */
    if (fd < 0)
        return;
    client->fd = fd;
    client->deadline = now + CLIENT_NS;
}

/* What to wait for, and for how many ms. */
static int prepare(struct gcs_status_server *server, struct pollfd *fds, uint64_t now)
{
    uint64_t until = GCS_NEVER;

    fds[0] = (struct pollfd){.fd = server->stop_fd, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = -1, .events = POLLIN};
    if (free_client(server)) {
        if (now >= server->accept_at)
            fds[1].fd = server->listen_fd;
        else
            until = server->accept_at;
    }
    for (size_t i = 0; i < GCS_STATUS_CLIENTS; i++) {
        const struct gcs_status_client *client = &server->clients[i];
        fds[2 + i] =
            (struct pollfd){.fd = client->fd, .events = client->answered ? POLLOUT : POLLIN};
        if (client->fd >= 0 && client->deadline < until)
            until = client->deadline;
    }
    return until == GCS_NEVER ? -1 : (int)(gcs_clock_left(until, now) / GCS_NS_PER_MS) + 1;
}

static void look_after(struct gcs_status_server *server, const struct pollfd *fds)
{
    uint64_t now = gcs_clock_wait();

    for (size_t i = 0; i < GCS_STATUS_CLIENTS; i++) {
        struct gcs_status_client *client = &server->clients[i];
        if (client->fd < 0)
            continue;
        if (now >= client->deadline)
            hang_up(client);
        else if (fds[2 + i].revents)
            serve_client(server, client);
    }
    if (fds[1].revents)
        let_in(server, now);
}

void *gcs_status_serve(void *arg)
{
    struct gcs_status_server *server = arg;
    struct pollfd fds[2 + GCS_STATUS_CLIENTS];

    (void)setpriority(PRIO_PROCESS, 0, NICENESS); /* of this thread alone, on Linux */
    for (;;) {
        int timeout = prepare(server, fds, gcs_clock_wait());
        int count = poll(fds, sizeof(fds) / sizeof(fds[0]), timeout);
        if (count > 0 && fds[0].revents)
            return NULL;
        if (count >= 0)
            look_after(server, fds);
    }
}
