/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `gcs doctor --listen`: the end that answers. One visitor at a time; another may come when that
 * one has been silent for a while.
 */
#include "gcs_probe.h"
#include "gcs_session.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define LISTEN_S 600
#define IDLE_NS  UINT64_C(10000000000)
#define NS_PER_S UINT64_C(1000000000)

struct listener {
    int fd, group_fd; /* group_fd: -1: no multicast here */
    uint16_t port;
    struct probe_address visitor;
    uint64_t cookie; /* 0: nobody has come yet */
    uint64_t heard;
    uint64_t burst; /* the one that is counted */
    uint32_t count;
    bool came[PROBE_COUNT_MAX];
};

static bool same(const struct probe_address *a, const struct probe_address *b)
{
    return a->length == b->length && memcmp(&a->storage, &b->storage, a->length) == 0;
}

static void welcome(struct listener *listener, const struct probe_address *from, uint64_t now)
{
    bool free = listener->cookie == 0 || now > listener->heard + IDLE_NS;

    if (free && !same(from, &listener->visitor)) {
        if (getrandom(&listener->cookie, sizeof(listener->cookie), 0) < 0 || listener->cookie == 0)
            return;
        listener->visitor = *from;
    }
    if (!same(from, &listener->visitor))
        return;
    struct probe reply = {.kind = PROBE_WELCOME, .cookie = listener->cookie, .a = now};
    (void)probe_send(listener->fd, from, &reply, PROBE_BYTES_MIN);
}

static void count(struct listener *listener, const struct probe *probe)
{
    if (probe->a != listener->burst) {
        listener->burst = probe->a;
        listener->count = 0;
        memset(listener->came, 0, sizeof(listener->came));
    }
    if (probe->b < PROBE_COUNT_MAX && !listener->came[probe->b]) {
        listener->came[probe->b] = true;
        listener->count++;
    }
}

static void send_burst(struct listener *listener, const struct probe *probe)
{
    struct probe_address group = probe_group_address((uint16_t)(listener->port + 1));
    size_t size = probe->c < PROBE_BYTES_MIN ? PROBE_BYTES_MIN : (size_t)probe->c;

    if (probe->b > PROBE_COUNT_MAX || size > PROBE_BYTES_MAX)
        return;
    (void)probe_burst(listener->fd, probe->kind == PROBE_SEND ? &listener->visitor : &group,
                      listener->cookie, probe->a, (uint32_t)probe->b, size);
}

static void answer(struct listener *listener, const struct probe_address *from,
                   const struct probe *probe)
{
    uint64_t now = probe_now();
    struct probe reply = {.cookie = listener->cookie, .a = probe->a};

    if (probe->kind == PROBE_HELLO)
        welcome(listener, from, now);
    if (listener->cookie == 0 || probe->cookie != listener->cookie ||
        !same(from, &listener->visitor))
        return;
    listener->heard = now;
    switch (probe->kind) {
    case PROBE_ECHO:
        reply.kind = PROBE_ECHOED;
        reply.b = now;
        (void)probe_send(listener->fd, from, &reply, PROBE_BYTES_MIN);
        break;
    case PROBE_BURST:
        count(listener, probe);
        break;
    case PROBE_COUNT:
        reply.kind = PROBE_COUNTED;
        reply.b = probe->a == listener->burst ? listener->count : 0;
        (void)probe_send(listener->fd, from, &reply, PROBE_BYTES_MIN);
        break;
    case PROBE_SEND:
    case PROBE_SEND_ALL:
        send_burst(listener, probe);
        break;
    case PROBE_GOODBYE:
        listener->cookie = 0;
        memset(&listener->visitor, 0, sizeof(listener->visitor));
        break;
    default:
        break;
    }
}

static void take_all(struct listener *listener, int fd)
{
    struct probe_address from;
    struct probe probe;
    size_t size;

    memset(&from, 0, sizeof(from));
    while (probe_receive(fd, &from, &probe, &size, 0)) {
        answer(listener, &from, &probe);
        memset(&from, 0, sizeof(from));
    }
}

int probe_listen(const struct tool_options *options)
{
    static struct listener listener;
    struct probe_address local;
    uint64_t end = probe_now() + (options->seconds ? options->seconds : LISTEN_S) * NS_PER_S;

    memset(&local, 0, sizeof(local));
    if (!probe_resolve(options, options->listen, &local))
        return TOOL_USAGE;
    listener.fd = probe_open(options, &local, local.storage.ss_family);
    if (listener.fd < 0)
        return TOOL_FAILED;
    listener.port = probe_port(&local);
    listener.group_fd = local.storage.ss_family == AF_INET
                            ? probe_open_group(&local, (uint16_t)(listener.port + 1))
                            : -1;
    printf("listening at %s for %u s; at the other host: gcs doctor %s\n", options->listen,
           options->seconds ? options->seconds : LISTEN_S, options->listen);
    if (fflush(stdout) != 0)
        return TOOL_FAILED;
    for (uint64_t now = probe_now(); now < end; now = probe_now()) {
        struct pollfd fds[2] = {{.fd = listener.fd, .events = POLLIN},
                                {.fd = listener.group_fd, .events = POLLIN}};
        poll(fds, 2, (int)((end - now) / 1000000) + 1);
        take_all(&listener, listener.fd);
        if (listener.group_fd >= 0)
            take_all(&listener, listener.group_fd);
    }
    close(listener.fd);
    if (listener.group_fd >= 0)
        close(listener.group_fd);
    return TOOL_OK;
}
