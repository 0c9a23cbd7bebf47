/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The UDP transport: opening it step by step (where are we, sockets, who may be
 * out there, multicast, the descriptor to wait on), closing it, its operations.
 * It works without privileges, configuration or multicast on any machine; what
 * it was asked for and could not get, its note says.
 */
#include "transport/udp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ---- Where we are --------------------------------------------------------------------- */

/* A wildcard or a multicast group names no interface: find the one that is meant. */
static int choose_interface(struct gcs_udp_config *config, struct gcs_udp_interface *out,
                            const struct gcs_report *report)
{
    const struct gcs_address *named = config->group.length ? &config->group : &config->bind.ip;
    char text[GCS_ADDRESS_TEXT_MAX], what[GCS_ADDRESS_TEXT_MAX + 64];

    if (config->interface[0])
        return gcs_udp_interface_by_text(config->family, config->interface, out, report);
    if (config->advertise.length > 0) {
        if (gcs_udp_interface_by_ip(&config->advertise, out))
            gcs_udp_set_port(&out->ip, 0);
        return 0; /* else: translated on the way; any interface may be the one */
    }
    gcs_udp_ip_format(named, text, sizeof(text));
    (void)snprintf(what, sizeof(what), "%s needs %s", text,
                   config->group.length ? "interface=" : "advertise= or interface=");
    return gcs_udp_interface_only(config->family, out, what, report);
}

static int find_interface(struct gcs_udp_config *config, struct gcs_udp_interface *out,
                          const struct gcs_report *report)
{
    struct gcs_udp_interface given;
    struct gcs_address *ip = &config->bind.ip;
    int error;

    memset(out, 0, sizeof(*out));
    if (ip->length == 0 || gcs_udp_is_any(ip)) {
        error = choose_interface(config, out, report);
        if (error == 0 && ip->length == 0)
            *ip = out->ip;
        if (error == 0 && ip->length == 0)
            return gcs_report(report, GCS_EADDRESS,
                              "advertise=: not an address of this machine; "
                              "say interface=");
        return error;
    }
    gcs_udp_interface_by_ip(ip, out);
    if (config->zone[0]) {
        (void)snprintf(out->name, sizeof(out->name), "%s", config->zone);
        out->index = if_nametoindex(config->zone);
    }
    if (!config->interface[0])
        return 0;
    error = gcs_udp_interface_by_text(config->family, config->interface, &given, report);
    if (error == 0 && given.index != out->index)
        return gcs_report(report, GCS_EOPTION, "interface=%s: not the interface of the address",
                          config->interface);
    return error;
}

static int choose_packet_bytes(struct gcs_udp *udp, const struct gcs_udp_config *config,
                               const struct gcs_udp_interface *interface,
                               const struct gcs_report *report)
{
    uint32_t most = gcs_udp_interface_packet(config->family, interface->index);

    if (config->packet > most)
        return gcs_report(
            report, GCS_EOPTION, "packet=%u: %s carries at most %u bytes in one piece",
            (unsigned)config->packet, interface->index ? interface->name : "the network", most);
    if (config->packet > 0)
        udp->caps.packet_bytes = (uint32_t)config->packet;
    else if (interface->loopback && most > GCS_UDP_PACKET_LOOPBACK)
        udp->caps.packet_bytes = GCS_UDP_PACKET_LOOPBACK;
    else
        udp->caps.packet_bytes = most;
    return 0;
}

/* What others send to, and what they see our packets come from. */
static void choose_address(struct gcs_udp *udp, const struct gcs_udp_config *config,
                           const struct gcs_udp_interface *interface,
                           const struct gcs_address *bound)
{
    uint16_t port = gcs_udp_port(bound);

    udp->source = *bound;
    if (gcs_udp_is_any(bound) && interface->index > 0) {
        udp->source = interface->ip;
        gcs_udp_set_port(&udp->source, port);
    }
    udp->address = udp->source;
    if (config->advertise.length > 0) {
        udp->address = config->advertise;
        if (gcs_udp_port(&udp->address) == 0)
            gcs_udp_set_port(&udp->address, port);
    }
}

/* ---- Who may be out there ---------------------------------------------------------------- */

static void add_seed(struct gcs_udp *udp, const struct gcs_address *seed)
{
    if (gcs_udp_same(seed, &udp->address) || gcs_udp_same(seed, &udp->source))
        return;
    for (size_t i = 0; i < udp->seeds_count; i++) {
        if (gcs_udp_same(seed, &udp->seeds[i]))
            return;
    }
    udp->seeds[udp->seeds_count++] = *seed;
}

static void add_range(struct gcs_udp *udp, const struct gcs_address *ip, uint32_t first,
                      uint32_t last)
{
    struct gcs_address seed = *ip;

    for (uint32_t port = first; port <= last; port++) {
        gcs_udp_set_port(&seed, (uint16_t)port);
        add_seed(udp, &seed);
    }
}

/* The multicast group, the seeds that were given, the other ports of our own range. */
static int collect_seeds(struct gcs_udp *udp, const struct gcs_udp_config *config)
{
    const struct gcs_udp_target *bind = &config->bind;
    size_t most = 1 + (size_t)(bind->last - bind->first) + 1;

    for (size_t i = 0; i < config->seeds_count; i++)
        most += (size_t)(config->seeds[i].last - config->seeds[i].first) + 1;
    udp->seeds = calloc(most, sizeof(*udp->seeds));
    if (!udp->seeds)
        return GCS_ENOMEM;
    if (udp->group.length > 0)
        add_seed(udp, &udp->group);
    for (size_t i = 0; i < config->seeds_count; i++)
        add_range(udp, &config->seeds[i].ip, config->seeds[i].first, config->seeds[i].last);
    if (bind->last > bind->first)
        add_range(udp, &udp->address, bind->first, bind->last);
    return 0;
}

/* ---- The descriptor to wait on -------------------------------------------------------------- */

static bool watch(struct gcs_udp *udp, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    return fd < 0 || epoll_ctl(udp->wait_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static int open_wait(struct gcs_udp *udp, const struct gcs_report *report)
{
    udp->wait_fd = epoll_create1(EPOLL_CLOEXEC);
    udp->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (udp->wait_fd < 0 || udp->wake_fd < 0 || !watch(udp, udp->wake_fd) ||
        !watch(udp, udp->unicast.fd) || !watch(udp, udp->multicast.fd))
        return gcs_report_system(report, "epoll", errno);
    return 0;
}

void gcs_udp_update_wake(struct gcs_udp *udp)
{
    bool wanted = gcs_udp_receiver_waiting(udp) || udp->notices_count > 0;
    uint64_t one = 1;
    ssize_t done;

    if (wanted == udp->awake)
        return;
    done = wanted ? write(udp->wake_fd, &one, sizeof(one)) : read(udp->wake_fd, &one, sizeof(one));
    if (done == sizeof(one))
        udp->awake = wanted;
}

/* ---- Operations --------------------------------------------------------------------------------
 */

static void close_udp(struct gcs_transport *transport)
{
    struct gcs_udp *udp = (struct gcs_udp *)transport;

    gcs_udp_receiver_fini(udp);
    gcs_udp_socket_close(&udp->unicast);
    gcs_udp_socket_close(&udp->multicast);
    if (udp->wait_fd >= 0)
        close(udp->wait_fd);
    if (udp->wake_fd >= 0)
        close(udp->wake_fd);
    free(udp->seeds);
    free(udp);
}

static const struct gcs_transport_caps *get_caps(const struct gcs_transport *transport)
{
    return &((const struct gcs_udp *)transport)->caps;
}

static const struct gcs_address *get_address(const struct gcs_transport *transport)
{
    return &((const struct gcs_udp *)transport)->address;
}

static const struct gcs_address *get_seeds(const struct gcs_transport *transport, size_t *count)
{
    const struct gcs_udp *udp = (const struct gcs_udp *)transport;

    *count = udp->seeds_count;
    return udp->seeds;
}

static int get_fd(const struct gcs_transport *transport)
{
    return ((const struct gcs_udp *)transport)->wait_fd;
}

/* Nothing to do: there are no connections. */
static void set_peers(struct gcs_transport *transport, const struct gcs_address *peers,
                      size_t count)
{
    (void)transport;
    (void)peers;
    (void)count;
}

static const struct gcs_transport_counters *get_counters(const struct gcs_transport *transport)
{
    return &((const struct gcs_udp *)transport)->counters;
}

static const char *get_note(const struct gcs_transport *transport)
{
    return ((const struct gcs_udp *)transport)->note;
}

static const struct gcs_transport_ops udp_ops = {
    .scheme = "udp",
    .close = close_udp,
    .caps = get_caps,
    .address = get_address,
    .seeds = get_seeds,
    .fd = get_fd,
    .receive = gcs_udp_receive,
    .send = gcs_udp_send,
    .unreachable = gcs_udp_unreachable,
    .peers = set_peers,
    .counters = get_counters,
    .note = get_note,
};

/* ---- Opening ------------------------------------------------------------------------------------
 */

static int open_parts(struct gcs_udp *udp, struct gcs_udp_config *config,
                      const struct gcs_report *report)
{
    struct gcs_udp_interface interface;
    struct gcs_address bound;
    int error;

    error = find_interface(config, &interface, report);
    if (error < 0)
        return error;
    error = choose_packet_bytes(udp, config, &interface, report);
    if (error < 0)
        return error;
    udp->scope = interface.index;
    error = gcs_udp_socket_open(&udp->unicast, config, &config->bind, udp->scope, false, &bound,
                                report);
    if (error < 0)
        return error;
    udp->caps.receive_bytes = gcs_udp_socket_receive_bytes(&udp->unicast);
    choose_address(udp, config, &interface, &bound);
    gcs_udp_sender_init(udp);
    if (config->group.length > 0) {
        error = gcs_udp_multicast_open(udp, config, &interface, report);
        if (error < 0)
            return error;
    }
    if (collect_seeds(udp, config) < 0 || gcs_udp_receiver_init(udp, config->pool_bytes) < 0)
        return gcs_report(report, GCS_ENOMEM, "out of memory");
    return open_wait(udp, report);
}

int gcs_udp_open(struct gcs_url *url, struct gcs_transport **transport,
                 const struct gcs_report *report)
{
    struct gcs_udp_config config;
    struct gcs_udp *udp;
    int error;

    error = gcs_udp_config_parse(&config, url, report);
    if (error < 0)
        return error;
    udp = calloc(1, sizeof(*udp));
    if (!udp) {
        error = gcs_report(report, GCS_ENOMEM, "out of memory");
        goto out;
    }
    udp->base.ops = &udp_ops;
    udp->unicast.fd = udp->multicast.fd = udp->wait_fd = udp->wake_fd = -1;
    error = open_parts(udp, &config, report);
    if (error < 0)
        close_udp(&udp->base);
    else
        *transport = &udp->base;
out:
    gcs_udp_config_free(&config);
    return error;
}
