/* SPDX-License-Identifier: BSD-3-Clause */
/* Sockets of the floor, set up like those of the UDP transport: see floor.h. */
#include "floor.h"

#include "clock.h"
#include "netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_BYTES (8 << 20)

/* Kernels take no datagram beyond 65507 bytes; libgcs uses at most so many on loopback. */
#define PACKET_MAX 60000

void bench_floor_break(struct bench_seat *seat, const char *what, int error)
{
    snprintf(seat->error, sizeof(seat->error), "floor: %.300s%s%s", what, error ? ": " : "",
             error ? strerror(error) : "");
    atomic_store(&seat->state, BENCH_BROKEN);
}

/* The host of "udp://host:port?options", with or without brackets; the port does not matter. */
static bool parse_host(const char *url, union bench_sockaddr *address, socklen_t *size)
{
    const char *host = url + strlen("udp://");
    bool bracketed = host[0] == '[';
    char text[128];

    host += bracketed;
    size_t length = strcspn(host, bracketed ? "]" : ":");
    snprintf(text, sizeof(text), "%.*s", (int)length, host);
    memset(address, 0, sizeof(*address));
    *size = bracketed ? sizeof(address->v6) : sizeof(address->v4);
    address->any.sa_family = bracketed ? AF_INET6 : AF_INET;
    return inet_pton(address->any.sa_family, text,
                     bracketed ? (void *)&address->v6.sin6_addr : &address->v4.sin_addr) == 1;
}

static void set_buffer(int fd, int option, int forced)
{
    int bytes = BUFFER_BYTES;

    if (setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof(bytes)) < 0)
        (void)setsockopt(fd, SOL_SOCKET, option, &bytes, sizeof(bytes));
}

static bool bind_socket(struct bench_floor_socket *s, union bench_sockaddr *address,
                        struct bench_floor_seat *seat)
{
    socklen_t size = s->address_size;
    int granted = 0;
    socklen_t granted_size = sizeof(granted);

    set_buffer(s->fd, SO_RCVBUF, SO_RCVBUFFORCE);
    set_buffer(s->fd, SO_SNDBUF, SO_SNDBUFFORCE);
    if (bind(s->fd, &address->any, size) < 0 || getsockname(s->fd, &address->any, &size) < 0 ||
        getsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &granted, &granted_size) < 0)
        return false;
    seat->address = *address;
    seat->buffer_bytes = (uint64_t)granted;
    return true;
}

bool bench_floor_open(struct bench_floor_socket *s, const struct bench_options *options,
                      struct bench_world *world, unsigned index, struct bench_floor *floor)
{
    struct bench_seat *seat = &world->seats[index];
    union bench_sockaddr address;
    char url[1024];

    memset(&floor->seats[index], 0, sizeof(floor->seats[index])); /* of the run before */
    s->fd = -1;
    if (options->netns &&
        !bench_netns_enter(options->netns, index, seat->error, sizeof(seat->error))) {
        atomic_store(&seat->state, BENCH_BROKEN);
        return false;
    }
    if (!bench_expand(options->url, index, url, sizeof(url)) ||
        !parse_host(url, &address, &s->address_size)) {
        bench_floor_break(seat, "needs an IP address in the URL", 0);
        return false;
    }
    s->fd = socket(address.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd < 0 || !bind_socket(s, &address, &floor->seats[index])) {
        bench_floor_break(seat, url, errno);
        return false;
    }
    return true;
}

size_t bench_floor_packet(const struct bench_floor_socket *s, const struct bench_options *options,
                          const union bench_sockaddr *to)
{
    const bool v6 = to->any.sa_family == AF_INET6;
    const int headers = v6 ? 40 + 8 : 20 + 8;
    int mtu = 0;
    socklen_t size = sizeof(mtu);
    int probe;

    if (options->packet)
        return options->packet;
    probe = socket(to->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (probe >= 0) {
        if (connect(probe, &to->any, s->address_size) < 0 ||
            getsockopt(probe, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU : IP_MTU, &mtu, &size) <
                0)
            mtu = 0;
        (void)close(probe);
    }
    if (mtu <= headers)
        return 1200; /* every path carries that */
    return mtu - headers < PACKET_MAX ? (size_t)(mtu - headers) : PACKET_MAX;
}

bool bench_floor_assemble(struct bench_world *world, unsigned index)
{
    atomic_store(&world->seats[index].state, BENCH_READY);
    while (!atomic_load(&world->quit)) {
        uint64_t start = atomic_load(&world->start);
        if (start != 0 && bench_now() >= start)
            return true;
        (void)poll(NULL, 0, 1);
    }
    return false;
}

void bench_floor_disband(struct bench_world *world, unsigned index)
{
    if (atomic_load(&world->seats[index].state) == BENCH_BROKEN)
        return;
    atomic_store(&world->seats[index].state, BENCH_DONE);
    while (!atomic_load(&world->quit))
        (void)poll(NULL, 0, 1);
}
