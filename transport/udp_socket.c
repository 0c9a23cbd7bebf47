/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * UDP sockets: non-blocking, closed on exec, never fragmented by IP, with
 * buffers as large as the system allows, receive offload, a count of
 * overflows, and ICMP errors kept apart in the error queue.
 */
#include "transport/udp.h"

#include "gcs/base/mutant.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <unistd.h>

static bool set(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

/* The privileged option first: it is not held to the system-wide limit. */
static void set_buffer(int fd, int force, int plain, uint64_t bytes)
{
    int value = (int)bytes;

    if (!set(fd, SOL_SOCKET, force, value))
        set(fd, SOL_SOCKET, plain, value);
}

/* What the rest cannot do without. */
static bool set_required(int fd, int family)
{
    if (family == AF_INET)
        return set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
    return set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) &&
           set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO) &&
           set(fd, IPPROTO_IPV6, IPV6_DONTFRAG, 1);
}

/* What older systems may lack: slower or with less to count, but working. */
static void set_optional(int fd, int family)
{
    set(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
    set(fd, IPPROTO_UDP, UDP_GRO, 1);
    if (family == AF_INET) {
        set(fd, IPPROTO_IP, IP_RECVERR, 1);
        set(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
    } else {
        set(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
        set(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
    }
}

/* Binds to the first free port; 0 or errno. */
static int bind_first_free(int fd, const struct gcs_udp_target *target, uint32_t scope)
{
    struct gcs_address address = target->ip;
    union gcs_udp_sockaddr name;
    socklen_t length;

    for (uint32_t port = target->first; port <= target->last; port++) {
        gcs_udp_set_port(&address, (uint16_t)port);
        length = gcs_udp_to_sockaddr(&address, scope, &name);
        if (bind(fd, &name.any, length) == 0)
            return 0;
        if (errno != EADDRINUSE)
            break;
    }
    return errno;
}

static int report_bind(const struct gcs_udp_target *target, int error,
                       const struct gcs_report *report)
{
    char ip[GCS_ADDRESS_TEXT_MAX], what[GCS_ADDRESS_TEXT_MAX + 32];

    gcs_udp_ip_format(&target->ip, ip, sizeof(ip));
    if (target->first == target->last)
        (void)snprintf(what, sizeof(what), "%s port %u", ip, target->first);
    else
        (void)snprintf(what, sizeof(what), "%s ports %u-%u", ip, target->first, target->last);
    switch (error) {
    case EADDRINUSE:
        return gcs_report(report, GCS_EADDRESS, "%s: in use", what);
    case EADDRNOTAVAIL:
        return gcs_report(report, GCS_EADDRESS, "%s: no interface has that address", what);
    case EACCES:
        return gcs_report(report, GCS_EADDRESS, "%s: not permitted", what);
    default:
        return gcs_report_system(report, what, error);
    }
}

int gcs_udp_socket_open(struct gcs_udp_socket *s, const struct gcs_udp_config *config,
                        const struct gcs_udp_target *target, uint32_t scope, bool share,
                        struct gcs_address *bound, const struct gcs_report *report)
{
    union gcs_udp_sockaddr name;
    socklen_t length = sizeof(name);
    int error;
    int fd = socket(config->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return gcs_report_system(report, gcs_udp_family_name(config->family), errno);
    if (!set_required(fd, config->family)) {
        error = gcs_report_system(report, "socket options against fragmentation", errno);
        goto fail;
    }
    set_optional(fd, config->family);
    set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, config->receive_bytes);
    set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, config->send_bytes);
    if (share)
        set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    error = bind_first_free(fd, target, scope);
    if (error) {
        error = report_bind(target, error, report);
        goto fail;
    }
    if (getsockname(fd, &name.any, &length) < 0 || !gcs_udp_from_sockaddr(&name.any, bound)) {
        error = gcs_report_system(report, "getsockname", errno);
        goto fail;
    }
    *s = (struct gcs_udp_socket){.fd = fd};
    return 0;
fail:
    close(fd);
    return error;
}

void gcs_udp_socket_close(struct gcs_udp_socket *s)
{
    if (s->fd >= 0 && !GCS_MUTANT(keep_socket))
        close(s->fd);
    s->fd = -1;
}

uint32_t gcs_udp_socket_receive_bytes(const struct gcs_udp_socket *s)
{
    int value = 0;
    socklen_t length = sizeof(value);

    if (getsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &value, &length) < 0 || value < 0)
        return 0;
    return (uint32_t)value / 2; /* the kernel doubles for its own bookkeeping */
}
