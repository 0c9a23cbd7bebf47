/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loop of gcs-kv: one thread waits for clients and for the group, reads what has come from all
 * of them, lets the replica work once for all of it, and writes all replies. What a client may use
 * is bounded: one request of the longest size, replies up to a limit, beyond which it is cut off.
 */
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENTS = 256,
    READ_BYTES = 64 * 1024,
    LINGER_BYTES = 64 << 20,
    TICK_MS = 100,
    QUERY_TICK_MS = 50
};

static uint64_t now_ms(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/* ---- Clients ------------------------------------------------------------------------------ */

void client_mark(struct client *client)
{
    if (client->dirty)
        return;
    client->dirty = true;
    client->dirty_next = client->server->dirty;
    client->server->dirty = client;
}

void server_room(void *ctx)
{
    struct server *server = ctx;

    if (!server->out_of_room)
        return;
    server->out_of_room = false;
    for (struct client *client = server->clients; client; client = client->next)
        if (client->stalled)
            client_mark(client);
}

static void watch_for(struct client *client, uint32_t interest)
{
    struct epoll_event event = {.events = interest, .data.ptr = client};

    if (client->interest != interest && client->fd >= 0)
        (void)epoll_ctl(client->server->epoll, EPOLL_CTL_MOD, client->fd, &event);
    client->interest = interest;
}

static void disconnect(struct client *client)
{
    if (client->fd < 0)
        return;
    (void)close(client->fd);
    client->fd = -1;
    client->closing = true;
    client->server->clients_count--;
    client_mark(client);
}

/* What it has asked for and has not come back yet refers to it. */
static void free_if_idle(struct client *client)
{
    struct server *server = client->server;

    if (client->slots)
        return;
    *(client->previous ? &client->previous->next : &server->clients) = client->next;
    if (client->next)
        client->next->previous = client->previous;
    free(client->in);
    resp_free(&client->request);
    reply_free(&client->out);
    reply_free(&client->queue);
    reply_free(&client->watched);
    reply_free(&client->scratch);
    free(client);
}

static void greet(struct server *server, int fd, const struct sockaddr_in *from)
{
    struct client *client =
        server->clients_count < server->clients_max ? calloc(1, sizeof(*client)) : NULL;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    static const char full[] = "-ERR max number of clients reached\r\n";
    int one = 1;

    server->accepted++;
    if (!client || epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        if (send(fd, full, sizeof(full) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            server->cut_off++;
        (void)close(fd);
        free(client);
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    client->server = server;
    client->fd = fd;
    client->id = ++server->next_id;
    client->interest = EPOLLIN;
    client->request.limit = server->request_max;
    client->slots_end = &client->slots;
    (void)snprintf(client->address, sizeof(client->address), "%s:%d", inet_ntoa(from->sin_addr),
                   ntohs(from->sin_port));
    client->next = server->clients;
    if (client->next)
        client->next->previous = client;
    server->clients = client;
    server->clients_count++;
}

static void accept_all(struct server *server)
{
    struct sockaddr_in from;
    socklen_t size = sizeof(from);
    int fd;

    while ((fd = accept4(server->listener, (struct sockaddr *)&from, &size,
                         SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        greet(server, fd, &from);
        size = sizeof(from);
    }
}

/* ---- Reading and writing ------------------------------------------------------------------ */

static bool input_room(struct client *client)
{
    size_t capacity = client->in_capacity ? client->in_capacity : READ_BYTES;

    if (client->in_capacity - client->in_size >= READ_BYTES / 4)
        return true;
    while (capacity - client->in_size < READ_BYTES)
        capacity *= 2;
    char *in = realloc(client->in, capacity);
    if (!in)
        return false;
    client->in = in;
    client->in_capacity = capacity;
    return true;
}

/* A connection that is closed with bytes unread is reset, and its client may never see what was
 * written last. So these are taken and thrown away. */
static void ignore(struct client *client)
{
    char bytes[READ_BYTES];
    ssize_t got = recv(client->fd, bytes, sizeof(bytes), 0);

    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        disconnect(client);
    client->ignored += got > 0 ? (size_t)got : 0;
    if (client->ignored > LINGER_BYTES)
        disconnect(client);
}

static void read_from(struct client *client)
{
    if (client->fd >= 0 && client->lingering) {
        ignore(client);
        return;
    }
    if (client->fd < 0 || client->closing || client->stalled)
        return;
    if (!input_room(client)) {
        disconnect(client);
        return;
    }
    ssize_t got =
        recv(client->fd, client->in + client->in_size, client->in_capacity - client->in_size, 0);
    if (got > 0) {
        client->in_size += (size_t)got;
        client_process(client);
        client_mark(client);
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        disconnect(client);
    }
}

static void cut_off(struct client *client, const char *why)
{
    if (client->fd < 0)
        return;
    fprintf(stderr, "gcs-kv: client %s is cut off: %s\n", client->address, why);
    client->server->cut_off++;
    disconnect(client);
}

void client_write(struct client *client)
{
    size_t left = client->out.size - client->out_sent;

    if (client->fd < 0 || left == 0)
        return;
    ssize_t sent = send(client->fd, client->out.data + client->out_sent, left, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        disconnect(client);
        return;
    }
    client->out_sent += sent > 0 ? (size_t)sent : 0;
    if (client->out_sent == client->out.size) {
        client->out_sent = 0;
        if (client->out.capacity > READ_BYTES)
            reply_free(&client->out); /* one large reply is no reason to keep so much */
        reply_clear(&client->out);
    } else if (client->out_sent > client->out.size / 2) {
        client->out.size -= client->out_sent;
        memmove(client->out.data, client->out.data + client->out_sent, client->out.size);
        client->out_sent = 0;
    }
}

/* Whatever has happened to a client: writes, goes on with what was stalled, goes. */
static void tend(struct client *client)
{
    if (client->out.failed)
        cut_off(client, "out of memory");
    client_write(client);
    if (client->flooded)
        cut_off(client, "it does not read its replies");
    if (client->stalled && client->fd >= 0) {
        client_process(client);
        client_write(client);
    }
    size_t left = client->out.size - client->out_sent;
    if (client->closing && left == 0 && !client->slots) {
        if (client->lingering && client->fd >= 0)
            (void)shutdown(client->fd, SHUT_WR);
        else
            disconnect(client);
    }
    if (client->fd < 0) {
        if (!client->dirty) /* otherwise its turn comes once more */
            free_if_idle(client);
        return;
    }
    watch_for(client,
              (client->stalled || (client->closing && !client->lingering) ? 0 : (uint32_t)EPOLLIN) |
                  (left > 0 ? (uint32_t)EPOLLOUT : 0));
}

static void tend_all(struct server *server)
{
    struct client *client;

    while ((client = server->dirty)) {
        server->dirty = client->dirty_next;
        client->dirty = false;
        tend(client);
    }
}

/* ---- The loop ----------------------------------------------------------------------------- */

bool server_address(const char *text, struct sockaddr_in *address)
{
    const char *colon = strrchr(text, ':');
    const char *port = colon ? colon + 1 : text;
    char host[64] = "127.0.0.1";
    char *end;
    unsigned long number = strtoul(port, &end, 10);

    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)number)};
    if (colon)
        (void)snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
    if (*port >= '0' && *port <= '9' && !*end && number <= UINT16_MAX &&
        inet_pton(AF_INET, host, &address->sin_addr) == 1)
        return true;
    fprintf(stderr, "gcs-kv: --listen %s: neither PORT nor ADDRESS:PORT\n", text);
    return false;
}

static int open_listener(const struct sockaddr_in *address, uint16_t *port)
{
    struct sockaddr_in at = *address;
    socklen_t size = sizeof(at);
    char host[INET_ADDRSTRLEN] = "";
    int one = 1;

    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
        bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 511) < 0 ||
        getsockname(fd, (struct sockaddr *)&at, &size) < 0) {
        int error = errno;
        (void)inet_ntop(AF_INET, &address->sin_addr, host, sizeof(host));
        fprintf(stderr, "gcs-kv: --listen %s:%u: %s\n", host, ntohs(address->sin_port),
                strerror(error));
        if (fd >= 0)
            (void)close(fd);
        return -1;
    }
    *port = ntohs(at.sin_port);
    return fd;
}

int server_open(struct server *server, const struct sockaddr_in *address)
{
    struct epoll_event group = {.events = EPOLLIN, .data.ptr = &server->kv};
    struct epoll_event listener = {.events = EPOLLIN, .data.ptr = server};

    server->listener = open_listener(address, &server->port);
    if (server->listener < 0)
        return -1;
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (server->epoll < 0 ||
        epoll_ctl(server->epoll, EPOLL_CTL_ADD, gcs_fd(server->kv.endpoint), &group) < 0 ||
        epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->listener, &listener) < 0) {
        fprintf(stderr, "gcs-kv: epoll: %s\n", strerror(errno));
        return -1;
    }
    return 0;
}

static int wait_ms(const struct server *server, int again, uint64_t tick_at)
{
    uint64_t now = now_ms();
    int left = tick_at > now ? (int)(tick_at - now) : 0;

    (void)server;
    return again >= 0 && again < left ? again : left;
}

int server_run(struct server *server)
{
    struct epoll_event events[EVENTS];
    uint64_t tick_at = now_ms() + QUERY_TICK_MS, ticks = 0;
    int again = 0, result = 0;

    while (result >= 0 && !server->kv.left) {
        int count = epoll_wait(server->epoll, events, EVENTS, wait_ms(server, again, tick_at));
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == server)
                accept_all(server);
            else if (events[i].data.ptr != &server->kv) {
                struct client *client = events[i].data.ptr;
                if (client->stalled && (events[i].events & (EPOLLHUP | EPOLLERR)))
                    disconnect(client); /* nobody is there to be answered */
                else if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                    read_from(client);
                client_mark(client);
            }
        }
        result = kv_work(&server->kv, &again);
        tend_all(server);
        if (now_ms() >= tick_at) {
            tick_at = now_ms() + QUERY_TICK_MS;
            if (++ticks % (TICK_MS / QUERY_TICK_MS) == 0)
                kv_tick(&server->kv);
        }
        if (server->stop) {
            server->stop = false;
            (void)gcs_replica_leave(server->kv.replica);
        }
    }
    return result < 0 ? result : server->kv.why;
}

void server_close(struct server *server)
{
    for (struct client *client = server->clients, *next; client; client = next) {
        next = client->next;
        disconnect(client);
    }
    kv_close(&server->kv); /* completes what is under way */
    tend_all(server);
    slots_free(server);
    if (server->listener >= 0)
        (void)close(server->listener);
    if (server->epoll >= 0)
        (void)close(server->epoll);
}
