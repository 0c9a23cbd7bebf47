/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Network interfaces: which one an endpoint is on, what address others can
 * reach it at, and the largest packet that leaves in one piece. Nothing is
 * guessed: where two answers are possible, there is none.
 */
#include "transport/udp.h"

#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MTU_DEFAULT 1500

static bool usable(const struct ifaddrs *i, int family, struct gcs_address *ip)
{
    return i->ifa_addr && i->ifa_addr->sa_family == family && (i->ifa_flags & IFF_UP) &&
           gcs_udp_from_sockaddr(i->ifa_addr, ip);
}

static void describe(const struct ifaddrs *i, const struct gcs_address *ip,
                     struct gcs_udp_interface *out)
{
    memset(out, 0, sizeof(*out));
    (void)snprintf(out->name, sizeof(out->name), "%s", i->ifa_name);
    out->index = if_nametoindex(i->ifa_name);
    out->loopback = (i->ifa_flags & IFF_LOOPBACK) != 0;
    out->ip = *ip;
    gcs_udp_set_port(&out->ip, 0);
}

int gcs_udp_interface_by_text(int family, const char *text, struct gcs_udp_interface *out,
                              const struct gcs_report *report)
{
    struct ifaddrs *list;
    struct gcs_address ip, wanted;
    bool by_ip = gcs_udp_ip_parse(text, strlen(text), &wanted);
    bool found = false;

    if (getifaddrs(&list) < 0)
        return gcs_report(report, GCS_ESYSTEM, "the network interfaces cannot be listed");
    for (struct ifaddrs *i = list; i; i = i->ifa_next) {
        if (!usable(i, family, &ip) ||
            (by_ip ? !gcs_udp_same_ip(&ip, &wanted) : strcmp(i->ifa_name, text) != 0))
            continue;
        /* The first address, but a link-local one only if there is nothing better. */
        if (!found || gcs_udp_is_link_local(&out->ip))
            describe(i, &ip, out);
        found = true;
    }
    freeifaddrs(list);
    if (!found)
        return gcs_report(report, GCS_EOPTION,
                          "interface=%s: no interface that is up has that name or address (%s)",
                          text, gcs_udp_family_name(family));
    return 0;
}

bool gcs_udp_interface_by_ip(const struct gcs_address *wanted, struct gcs_udp_interface *out)
{
    struct ifaddrs *list;
    struct gcs_address ip;
    bool found = false;
    bool loopback = gcs_udp_is_loopback(wanted);

    if (getifaddrs(&list) < 0)
        return false;
    for (struct ifaddrs *i = list; i && !found; i = i->ifa_next) {
        if (!usable(i, gcs_udp_family(wanted), &ip))
            continue;
        /* All of 127.0.0.0/8 is the loopback interface's, although it has one address. */
        found = loopback ? gcs_udp_is_loopback(&ip) : gcs_udp_same_ip(&ip, wanted);
        if (found)
            describe(i, wanted, out);
    }
    freeifaddrs(list);
    return found;
}

int gcs_udp_interface_only(int family, struct gcs_udp_interface *out, const char *what,
                           const struct gcs_report *report)
{
    struct ifaddrs *list;
    struct gcs_address ip;
    char names[160] = "";
    size_t used = 0;
    unsigned count = 0;

    if (getifaddrs(&list) < 0)
        return gcs_report(report, GCS_ESYSTEM, "the network interfaces cannot be listed");
    for (struct ifaddrs *i = list; i; i = i->ifa_next) {
        if (!usable(i, family, &ip) || (i->ifa_flags & IFF_LOOPBACK) || gcs_udp_is_link_local(&ip))
            continue;
        if (count++ == 0)
            describe(i, &ip, out);
        char text[GCS_ADDRESS_TEXT_MAX];
        gcs_udp_ip_format(&ip, text, sizeof(text));
        if (used < sizeof(names))
            used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
                                     count > 1 ? ", " : "", text);
    }
    freeifaddrs(list);
    if (count == 1)
        return 0;
    return gcs_report(report, GCS_EADDRESS, "%s: this machine has %s %s address%s%s", what,
                      count ? "more than one" : "no", gcs_udp_family_name(family),
                      count ? ": " : " besides loopback", names);
}

/* ---- MTU ------------------------------------------------------------------------------------ */

static uint32_t interface_mtu(int fd, const char *name)
{
    struct ifreq request;

    memset(&request, 0, sizeof(request));
    (void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    if (ioctl(fd, SIOCGIFMTU, &request) < 0 || request.ifr_mtu <= 0)
        return MTU_DEFAULT;
    return (uint32_t)request.ifr_mtu;
}

/* The smallest of all that might carry our packets; index 0: any of them might. */
static uint32_t smallest_mtu(int fd, int family, uint32_t index)
{
    struct ifaddrs *list;
    struct gcs_address ip;
    char name[IF_NAMESIZE];
    uint32_t mtu, smallest = 0;

    if (index > 0)
        return if_indextoname(index, name) ? interface_mtu(fd, name) : MTU_DEFAULT;
    if (getifaddrs(&list) < 0)
        return MTU_DEFAULT;
    for (struct ifaddrs *i = list; i; i = i->ifa_next) {
        if (!usable(i, family, &ip) || (i->ifa_flags & IFF_LOOPBACK))
            continue;
        mtu = interface_mtu(fd, i->ifa_name);
        if (smallest == 0 || mtu < smallest)
            smallest = mtu;
    }
    freeifaddrs(list);
    return smallest ? smallest : MTU_DEFAULT;
}

uint32_t gcs_udp_interface_packet(int family, uint32_t index)
{
    const uint32_t headers = (family == AF_INET6 ? 40 : 20) + 8;
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    uint32_t mtu = fd < 0 ? MTU_DEFAULT : smallest_mtu(fd, family, index);

    if (fd >= 0)
        close(fd);
    if (mtu < GCS_UDP_PACKET_MIN + headers)
        return GCS_UDP_PACKET_MIN;
    return mtu - headers > GCS_UDP_PACKET_MAX ? GCS_UDP_PACKET_MAX : mtu - headers;
}
