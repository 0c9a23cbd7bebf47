/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IP multicast, when it is asked for and works: a second socket bound to the
 * group's address receives, the unicast socket sends, so that packets come
 * from the address that their sender is known by. The self-test sends an empty
 * datagram (which no receiver takes for a packet) to the group and waits for
 * it; without it the transport stays with unicast and says so.
 *
 * The system hands a sender its own multicast packets back. Switching that off
 * would keep them from other members on the same host too (and loopback ignores
 * the switch), so a socket filter drops them before they can wake anybody.
 */
#include "transport/udp.h"

#include <errno.h>
#include <linux/filter.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SELF_TEST_NS 100000000

static bool set(int fd, int level, int name, const void *value, socklen_t size)
{
    return setsockopt(fd, level, name, value, size) == 0;
}

static bool prepare_v4(struct gcs_udp *udp, const struct gcs_udp_interface *interface, int ttl)
{
    struct ip_mreqn request = {.imr_ifindex = (int)interface->index};
    const int on = 1;
    int fd = udp->unicast.fd;

    memcpy(&request.imr_address, interface->ip.bytes + 1, 4);
    if (!set(fd, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof(request)) ||
        !set(fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof(ttl)) ||
        !set(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &on, sizeof(on)))
        return false;
    memcpy(&request.imr_multiaddr, udp->group.bytes + 1, 4);
    return set(udp->multicast.fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof(request));
}

static bool prepare_v6(struct gcs_udp *udp, const struct gcs_udp_interface *interface, int ttl)
{
    struct ipv6_mreq request = {.ipv6mr_interface = interface->index};
    const int on = 1, index = (int)interface->index;
    int fd = udp->unicast.fd;

    if (!set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof(index)) ||
        !set(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &ttl, sizeof(ttl)) ||
        !set(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &on, sizeof(on)))
        return false;
    memcpy(&request.ipv6mr_multiaddr, udp->group.bytes + 1, 16);
    return set(udp->multicast.fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request, sizeof(request));
}

/* ---- Self-test -------------------------------------------------------------------------- */

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/*
 * Takes what has come to the group; true if our own datagram was among it. With a wildcard bind
 * the system chooses the source address: this is where we learn it.
 */
static bool heard_self(struct gcs_udp *udp)
{
    struct gcs_udp_interface own;
    union gcs_udp_sockaddr name;
    struct gcs_address from;
    uint8_t byte;

    for (;;) {
        socklen_t length = sizeof(name);
        ssize_t size = recvfrom(udp->multicast.fd, &byte, 1, MSG_DONTWAIT, &name.any, &length);
        if (size < 0 && errno != EINTR)
            return false;
        if (size == 0 && gcs_udp_from_sockaddr(&name.any, &from) &&
            gcs_udp_port(&from) == gcs_udp_port(&udp->source) &&
            gcs_udp_interface_by_ip(&from, &own)) {
            udp->source = from;
            return true;
        }
    }
}

static bool self_test(struct gcs_udp *udp)
{
    union gcs_udp_sockaddr name;
    socklen_t length = gcs_udp_to_sockaddr(&udp->group, udp->scope, &name);
    struct pollfd wait = {.fd = udp->multicast.fd, .events = POLLIN};
    int64_t left, end = now_ns() + SELF_TEST_NS;

    if (sendto(udp->unicast.fd, "", 0, MSG_DONTWAIT | MSG_NOSIGNAL, &name.any, length) < 0)
        return false;
    while ((left = end - now_ns()) > 0) {
        if (poll(&wait, 1, (int)(left / 1000000) + 1) > 0 && heard_self(udp))
            return true;
    }
    return false;
}

/* ---- Own packets -------------------------------------------------------------------------- */

static uint32_t load_be(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/*
 * Drops what comes from our own port and address. A filter of a UDP socket sees the UDP header
 * at 0 and the IP header at SKF_NET_OFF. If it cannot be attached, the receiver compares. The
 * system counts what a filter drops as overflow, so we count what we send and subtract.
 */
static void filter_own(struct gcs_udp *udp)
{
    struct sock_filter code[16];
    struct sock_fprog program = {.filter = code};
    const bool v6 = gcs_udp_family(&udp->source) == AF_INET6;
    const unsigned words = v6 ? 4 : 1;
    const int offset = (int)SKF_NET_OFF + (v6 ? 8 : 12);
    unsigned n = 0;

    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0);
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, gcs_udp_port(&udp->source),
                                             0, (uint8_t)(2 * words + 1));
    for (unsigned i = 0; i < words; i++) {
        code[n++] =
            (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offset + 4 * (int)i));
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                                 load_be(udp->source.bytes + 1 + 4 * i), 0,
                                                 (uint8_t)(2 * (words - 1 - i) + 1));
    }
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
    program.len = (unsigned short)n;
    udp->multicast.filtered =
        set(udp->multicast.fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

static void fall_back(struct gcs_udp *udp, const char *why)
{
    char group[GCS_ADDRESS_TEXT_MAX];

    gcs_address_format(&udp->group, group, sizeof(group));
    (void)snprintf(udp->note, sizeof(udp->note),
                   "multicast to %s does not work (%s): using unicast", group, why);
    gcs_udp_socket_close(&udp->multicast);
    udp->group.length = 0;
}

int gcs_udp_multicast_open(struct gcs_udp *udp, const struct gcs_udp_config *config,
                           const struct gcs_udp_interface *interface,
                           const struct gcs_report *report)
{
    struct gcs_udp_target target = {.ip = config->group};
    struct gcs_address bound;
    int error;

    udp->group = config->group;
    target.first = target.last = gcs_udp_port(&config->group);
    error = gcs_udp_socket_open(&udp->multicast, config, &target, udp->scope, true, &bound, report);
    if (error < 0)
        return error;
    if (!(config->family == AF_INET ? prepare_v4(udp, interface, (int)config->ttl)
                                    : prepare_v6(udp, interface, (int)config->ttl))) {
        char text[128];
        fall_back(udp, strerror_r(errno, text, sizeof(text)));
        return 0;
    }
    if (!self_test(udp)) {
        fall_back(udp, "nothing came back from it");
        return 0;
    }
    filter_own(udp);
    udp->caps.multicast = true;
    return 0;
}
