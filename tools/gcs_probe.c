/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Datagrams of `gcs doctor`: see gcs_probe.h.
 */
#include "gcs_probe.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAGIC       UINT64_C(0x67637364303100) /* "gcsd01" and the kind */
#define BURST_STEP  8                          /* packets, and then ... */
#define BURST_PAUSE 500000                     /* ... so many ns */
#define BUFFER      (8 << 20)

uint64_t probe_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- Addresses -------------------------------------------------------------------------- */

static bool is_port(const char *text)
{
    char *end;
    unsigned long port = strtoul(text, &end, 10);

    return *text >= '0' && *text <= '9' && *end == '\0' && port <= UINT16_MAX;
}

bool probe_resolve(const struct tool_options *options, const char *text,
                   struct probe_address *address)
{
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *found;
    char host[256];
    const char *colon = strrchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : 0;

    if (!colon || length == 0 || length >= sizeof(host) || !is_port(colon + 1)) {
        tool_complain(options, "'%s' is not an address and a port", text);
        return false;
    }
    if (text[0] == '[' && text[length - 1] == ']') {
        text++;
        length -= 2;
    }
    memcpy(host, text, length);
    host[length] = '\0';
    int error = getaddrinfo(host, colon + 1, &hints, &found);
    if (error) {
        tool_complain(options, "%s: %s", host, gai_strerror(error));
        return false;
    }
    memcpy(&address->storage, found->ai_addr, found->ai_addrlen);
    address->length = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

uint16_t probe_port(const struct probe_address *address)
{
    if (address->storage.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&address->storage)->sin6_port);
    return ntohs(((const struct sockaddr_in *)&address->storage)->sin_port);
}

struct probe_address probe_group_address(uint16_t port)
{
    struct probe_address group = {.length = sizeof(struct sockaddr_in)};
    struct sockaddr_in *in = (struct sockaddr_in *)&group.storage;

    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    (void)inet_pton(AF_INET, PROBE_GROUP, &in->sin_addr);
    return group;
}

/* ---- Sockets ---------------------------------------------------------------------------- */

static void keep_whole(int fd, int family)
{
    int probe = IP_PMTUDISC_PROBE;

    if (family == AF_INET)
        (void)setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &probe, sizeof(probe));
    probe = IPV6_PMTUDISC_PROBE;
    if (family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &probe, sizeof(probe));
}

int probe_open(const struct tool_options *options, const struct probe_address *local, int family)
{
    int bytes = BUFFER;
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        tool_complain(options, "socket: %s", strerror(errno));
        return -1;
    }
    keep_whole(fd, family);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    if (local && bind(fd, (const struct sockaddr *)&local->storage, local->length) != 0) {
        tool_complain(options, "%s: %s", options->listen, strerror(errno));
        close(fd);
        return -1;
    }
    return fd;
}

int probe_open_group(const struct probe_address *local, uint16_t port)
{
    struct probe_address group = probe_group_address(port);
    const struct sockaddr_in *interface = (const struct sockaddr_in *)&local->storage;
    struct ip_mreqn request = {
        .imr_multiaddr = ((const struct sockaddr_in *)&group.storage)->sin_addr,
        .imr_address = interface->sin_addr,
    };
    int one = 1;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
        bind(fd, (const struct sockaddr *)&group.storage, group.length) == 0 &&
        setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof(request)) == 0)
        return fd;
    int error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return -1;
}

/* ---- Probes ----------------------------------------------------------------------------- */

bool probe_send(int fd, const struct probe_address *to, const struct probe *probe, size_t size)
{
    static uint8_t bytes[PROBE_BYTES_MAX]; /* zeros behind the words */
    const uint64_t words[5] = {htobe64(MAGIC | (uint64_t)probe->kind), htobe64(probe->cookie),
                               htobe64(probe->a), htobe64(probe->b), htobe64(probe->c)};

    memcpy(bytes, words, sizeof(words));
    return sendto(fd, bytes, size, 0, (const struct sockaddr *)&to->storage, to->length) ==
           (ssize_t)size;
}

uint32_t probe_burst(int fd, const struct probe_address *to, uint64_t cookie, uint64_t number,
                     uint32_t count, size_t size)
{
    struct timespec pause = {.tv_nsec = BURST_PAUSE};
    uint32_t sent = 0;

    for (uint32_t i = 0; i < count; i++) {
        struct probe probe = {.kind = PROBE_BURST, .cookie = cookie, .a = number, .b = i};
        sent += probe_send(fd, to, &probe, size);
        if (i % BURST_STEP == BURST_STEP - 1)
            nanosleep(&pause, NULL);
    }
    return sent;
}

static bool parse(const uint8_t *bytes, size_t size, struct probe *probe)
{
    uint64_t words[5];

    if (size < sizeof(words))
        return false;
    memcpy(words, bytes, sizeof(words));
    uint64_t first = be64toh(words[0]);
    *probe = (struct probe){.kind = (enum probe_kind)(first & 0xff),
                            .cookie = be64toh(words[1]),
                            .a = be64toh(words[2]),
                            .b = be64toh(words[3]),
                            .c = be64toh(words[4])};
    return (first & ~UINT64_C(0xff)) == MAGIC && probe->kind >= PROBE_HELLO &&
           probe->kind <= PROBE_GOODBYE;
}

bool probe_receive(int fd, struct probe_address *from, struct probe *probe, size_t *size,
                   uint64_t until)
{
    static uint8_t bytes[PROBE_BYTES_MAX];

    for (;;) {
        from->length = sizeof(from->storage);
        ssize_t got =
            recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from->storage, &from->length);
        if (got >= 0 && parse(bytes, (size_t)got, probe)) {
            *size = (size_t)got;
            return true;
        }
        uint64_t now = probe_now();
        if (now >= until)
            return false;
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (got < 0)
            poll(&wait, 1, (int)((until - now) / 1000000) + 1);
    }
}
