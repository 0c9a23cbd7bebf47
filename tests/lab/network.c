/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which network, and the loopback one: addresses, and what the links' states mean
 * for the relay's ways.
 */
#include "tests/lab/network.h"

#include "tests/lab/devices.h"
#include "tests/lab/relay.h"
#include "tests/lab/spaces.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT_FIRST  10240 /* below the ports that systems give away by themselves */
#define PORT_LAST   32000
#define PORT_SPACES 7400
#define UDP_IP_MAX  48 /* bytes of headers: what an MTU leaves for a packet */

/* Those for which packets have to pass the relay, on loopback. */
#define NETWORK_FAULTS                                                                         \
    (1U << LAB_LOSS | 1U << LAB_CUT | 1U << LAB_PARTITION | 1U << LAB_DELAY | 1U << LAB_RATE | \
     1U << LAB_FLAP | 1U << LAB_MTU)

/* What can be done to a process whose network is a device. */
#define DEVICE_FAULTS                                                                      \
    (1U << LAB_KILL | 1U << LAB_STOP | 1U << LAB_LEAVE | 1U << LAB_SLOW | 1U << LAB_FLAP | \
     1U << LAB_CLOCK)

enum lab_network_kind lab_network_choose(enum lab_network_kind wanted, unsigned members, char *why,
                                         size_t size)
{
    why[0] = '\0';
    if (wanted == LAB_RDMA) {
        (void)lab_devices_possible(members, why, size);
        return LAB_RDMA;
    }
    if (wanted == LAB_LOOPBACK)
        return LAB_LOOPBACK;
    return lab_spaces_possible(why, size) ? LAB_NAMESPACES : LAB_LOOPBACK;
}

bool lab_network_offers(enum lab_network_kind kind, enum lab_fault fault)
{
    if (kind == LAB_RDMA)
        return DEVICE_FAULTS >> fault & 1;
    return kind == LAB_NAMESPACES || fault != LAB_ADDRESS;
}

/* ---- Loopback ----------------------------------------------------------------------- */

static socklen_t loopback(bool ipv6, unsigned port, struct sockaddr_storage *address)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
                              .sin6_port = htons((uint16_t)port),
                              .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_in v4 = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};

    memset(address, 0, sizeof(*address));
    if (ipv6)
        memcpy(address, &v6, sizeof(v6));
    else
        memcpy(address, &v4, sizeof(v4));
    return ipv6 ? sizeof(v6) : sizeof(v4);
}

/* A socket on that port; -1: it is taken. */
static int bind_port(bool ipv6, unsigned port)
{
    struct sockaddr_storage address;
    socklen_t size = loopback(ipv6, port, &address);
    int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int bytes = 8 << 20;

    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0) {
        if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) != 0)
            setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

/* A free port from *port on. */
static int next_port(bool ipv6, unsigned *port)
{
    for (unsigned tries = 0; tries < PORT_LAST - PORT_FIRST; tries++) {
        *port = *port < PORT_LAST ? *port + 1 : PORT_FIRST;
        int fd = bind_port(ipv6, *port);

        if (fd >= 0)
            return fd;
    }
    return -1;
}

static void format_loopback(const struct lab_network *network, unsigned port, char *text)
{
    snprintf(text, LAB_ADDRESS_TEXT, "%s:%u", network->ipv6 ? "[::1]" : "127.0.0.1", port);
}

/* From a place of this process's own: several labs may run at once. */
static bool open_loopback(struct lab_network *network, bool relayed, uint64_t seed)
{
    unsigned port = PORT_FIRST + (unsigned)getpid() * 131 % (PORT_LAST - PORT_FIRST);
    int probe = bind_port(network->ipv6, 0);

    network->ipv6 = network->ipv6 && probe >= 0;
    if (probe >= 0)
        close(probe);
    if (relayed && !(network->relay = lab_relay_open(seed)))
        return false;
    for (unsigned i = 0; i < network->members; i++) {
        struct sockaddr_storage inner;
        int fd = next_port(network->ipv6, &port);

        if (fd < 0)
            return false;
        close(fd); /* for the process, in a moment */
        format_loopback(network, port, network->binds[i]);
        memcpy(network->addresses[i], network->binds[i], LAB_ADDRESS_TEXT);
        if (!relayed)
            continue;
        socklen_t size = loopback(network->ipv6, port, &inner);
        fd = next_port(network->ipv6, &port);
        if (fd < 0)
            return false;
        format_loopback(network, port, network->addresses[i]);
        lab_relay_socket(network->relay, i, fd, (struct sockaddr *)&inner, size);
    }
    return true;
}

static uint32_t smaller_limit(uint32_t a, uint32_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static void set_ways_to(struct lab_network *network, unsigned to)
{
    for (unsigned from = 0; from < network->members; from++) {
        const struct lab_link *a = &network->links[from], *b = &network->links[to];
        uint32_t mtu = smaller_limit(a->mtu, b->mtu);
        const struct lab_way way = {
            .loss = b->loss,
            .delay_us = a->delay_us + b->delay_us,
            .jitter_us = a->jitter_us + b->jitter_us,
            .rate_kbit = smaller_limit(a->rate_kbit, b->rate_kbit),
            .bytes_max = mtu ? mtu - UDP_IP_MAX : 0,
            .cut = a->down || b->down || b->unheard >> from & 1,
        };

        if (from != to)
            lab_relay_set(network->relay, from, to, &way);
    }
}

/* ---- All --------------------------------------------------------------------------- */

static uint32_t planned_faults(const struct lab_options *options, const struct lab_plan *plan)
{
    uint32_t faults = options->faults;

    for (size_t i = 0; i < plan->count; i++)
        faults |= 1U << plan->actions[i].fault;
    return faults;
}

bool lab_network_open(struct lab_network *network, const struct lab_options *options,
                      const struct lab_plan *plan, const char *dir)
{
    memset(network, 0, sizeof(*network));
    network->kind = options->network;
    network->members = options->members;
    network->ipv6 = plan->shape.ipv6;
    if (network->kind == LAB_LOOPBACK) {
        if (open_loopback(network, planned_faults(options, plan) & NETWORK_FAULTS, options->seed))
            return true;
        snprintf(network->failure, sizeof(network->failure), "no free ports: %s", strerror(errno));
        return false;
    }
    network->multicast = network->kind == LAB_NAMESPACES && plan->shape.multicast;
    for (unsigned i = 0; i < network->members; i++) {
        snprintf(network->binds[i], LAB_ADDRESS_TEXT,
                 network->ipv6 ? "[fd77::%x]:%d" : "10.77.0.%u:%d", i + 1, PORT_SPACES);
        memcpy(network->addresses[i], network->binds[i], LAB_ADDRESS_TEXT);
    }
    if (network->kind == LAB_RDMA)
        return true;
    network->spaces = lab_spaces_open(network, plan->shape.mtu, dir);
    return network->spaces != NULL;
}

void lab_network_close(struct lab_network *network)
{
    if (network->kind == LAB_RDMA) { /* the devices outlive us: as they were */
        memset(network->links, 0, sizeof(network->links));
        lab_network_update(network);
    }
    lab_relay_close(network->relay);
    lab_spaces_close(network->spaces);
    network->relay = NULL;
    network->spaces = NULL;
}

void lab_network_update(struct lab_network *network)
{
    if (memcmp(network->links, network->applied, sizeof(network->links)) == 0)
        return;
    if (network->spaces)
        lab_spaces_update(network);
    if (network->kind == LAB_RDMA)
        lab_devices_update(network);
    for (unsigned i = 0; i < network->members && !network->spaces && network->relay; i++)
        set_ways_to(network, i);
    memcpy(network->applied, network->links, sizeof(network->links));
}

bool lab_network_enter(const struct lab_network *network, unsigned slot)
{
    return !network->spaces || lab_spaces_enter(network->spaces, slot);
}

size_t lab_network_url(const struct lab_network *network, unsigned slot, char *url, size_t size)
{
    size_t length =
        (size_t)snprintf(url, size, "%s://%s?seeds=", network->kind == LAB_RDMA ? "rdma" : "udp",
                         network->binds[slot]);

    for (unsigned i = 0; i < network->members && length < size; i++)
        length += (size_t)snprintf(url + length, size - length, "%s%s", i ? "," : "",
                                   network->addresses[i]);
    if (network->relay && !network->spaces && length < size)
        length += (size_t)snprintf(url + length, size - length, "&advertise=%s",
                                   network->addresses[slot]);
    if (network->multicast && length < size)
        length += (size_t)snprintf(url + length, size - length, "&interface=eth0&multicast=%s:%d",
                                   network->ipv6 ? "[ff15::77]" : "239.77.0.1", PORT_SPACES + 1);
    return length;
}
