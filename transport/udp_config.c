/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The URL of a UDP transport, as far as it can be judged without touching the
 * network: options, ranges, addresses that do not go together. Nothing is
 * opened; names are looked up.
 */
#include "transport/udp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB ((uint64_t)1 << 20)

static int parse_numbers(struct gcs_udp_config *config, struct gcs_url *url,
                         const struct gcs_report *report)
{
    int error;

    config->receive_bytes = 8 * MIB;
    config->send_bytes = 8 * MIB;
    config->pool_bytes = 64 * MIB;
    config->ttl = 1;
    error = gcs_url_bytes(url, "packet", GCS_UDP_PACKET_MIN, GCS_UDP_PACKET_MAX, &config->packet,
                          report);
    if (error == 0)
        error = gcs_url_bytes(url, "rcvbuf", 4096, 1024 * MIB, &config->receive_bytes, report);
    if (error == 0)
        error = gcs_url_bytes(url, "sndbuf", 4096, 1024 * MIB, &config->send_bytes, report);
    if (error == 0)
        error = gcs_url_bytes(url, "pool", 4 * MIB, 65536 * MIB, &config->pool_bytes, report);
    if (error == 0)
        error = gcs_url_number(url, "ttl", 0, 255, &config->ttl, report);
    return error;
}

/* Host and port: where to bind, or a multicast group. */
static int parse_host(struct gcs_udp_config *config, struct gcs_url *url,
                      const struct gcs_report *report)
{
    struct gcs_udp_target *bind = &config->bind;
    const char *zone = strchr(url->host, '%');
    size_t length = zone ? (size_t)(zone - url->host) : strlen(url->host);
    int error;

    error = gcs_udp_bind_parse(url, length, bind, report);
    if (error < 0)
        return error;
    config->family = gcs_udp_family(&bind->ip);
    if (zone) {
        if (!gcs_udp_is_link_local(&bind->ip) || strlen(zone + 1) >= sizeof(config->zone) ||
            if_nametoindex(zone + 1) == 0)
            return gcs_report(report, GCS_EADDRESS,
                              "'%s': behind %% belongs the interface of a link-local address",
                              url->host);
        (void)snprintf(config->zone, sizeof(config->zone), "%s", zone + 1);
    }
    if (!gcs_udp_is_multicast(&bind->ip))
        return 0;
    if (bind->first == 0 || bind->first != bind->last)
        return gcs_report(report, GCS_EADDRESS, "'%s': a multicast group needs one port",
                          url->port);
    config->group = bind->ip;
    gcs_udp_set_port(&config->group, bind->first);
    memset(bind, 0, sizeof(*bind));
    return 0;
}

static int parse_group(struct gcs_udp_config *config, struct gcs_url *url,
                       const struct gcs_report *report)
{
    const char *text = gcs_url_option(url, "multicast");
    struct gcs_udp_target target;
    int error;

    if (!text)
        return 0;
    if (config->group.length > 0)
        return gcs_report(report, GCS_EOPTION, "multicast=%s: the address is a group already",
                          text);
    error = gcs_udp_target_parse(text, strlen(text), config->family, &target, "multicast", report);
    if (error < 0)
        return error;
    if (!gcs_udp_is_multicast(&target.ip) || target.first == 0 || target.first != target.last)
        return gcs_report(report, GCS_EADDRESS,
                          "multicast=%s: expected a multicast group and a port", text);
    config->group = target.ip;
    gcs_udp_set_port(&config->group, target.first);
    return 0;
}

static int parse_interface(struct gcs_udp_config *config, struct gcs_url *url,
                           const struct gcs_report *report)
{
    const char *text = gcs_url_option(url, "interface");

    if (text && strlen(text) >= sizeof(config->interface))
        return gcs_report(report, GCS_EOPTION, "interface=%s: too long", text);
    if (text)
        (void)snprintf(config->interface, sizeof(config->interface), "%s", text);
    return 0;
}

/* "host:port", or a host alone: the port is then the one that the socket gets. */
static int parse_advertise(struct gcs_udp_config *config, struct gcs_url *url,
                           const struct gcs_report *report)
{
    const char *text = gcs_url_option(url, "advertise");
    struct gcs_udp_target target = {.first = 0};
    struct gcs_address *ip = &config->advertise;
    size_t length = text ? strlen(text) : 0;
    int error;

    if (!text)
        return 0;
    if (gcs_udp_ip_parse(text, length, &target.ip) || !strchr(text, ':'))
        error = gcs_udp_host_parse(text, length, config->family, &target.ip, "advertise", report);
    else
        error = gcs_udp_target_parse(text, length, config->family, &target, "advertise", report);
    if (error < 0)
        return error;
    if (gcs_udp_is_any(&target.ip) || gcs_udp_is_multicast(&target.ip) ||
        target.first != target.last)
        return gcs_report(report, GCS_EADDRESS, "advertise=%s: nobody can send to that", text);
    *ip = target.ip;
    gcs_udp_set_port(ip, target.first);
    return 0;
}

static int parse_seeds(struct gcs_udp_config *config, struct gcs_url *url,
                       const struct gcs_report *report)
{
    return gcs_udp_seeds_parse(url, config->family, &config->seeds, &config->seeds_count, report);
}

int gcs_udp_config_parse(struct gcs_udp_config *config, struct gcs_url *url,
                         const struct gcs_report *report)
{
    static int (*const steps[])(struct gcs_udp_config *, struct gcs_url *,
                                const struct gcs_report *) = {
        parse_numbers, parse_host, parse_group, parse_interface, parse_advertise, parse_seeds,
    };
    int error = 0;

    memset(config, 0, sizeof(*config));
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && error == 0; i++)
        error = steps[i](config, url, report);
    if (error == 0)
        error = gcs_url_check_unknown(url, report);
    if (error < 0)
        gcs_udp_config_free(config);
    return error;
}

void gcs_udp_config_free(struct gcs_udp_config *config)
{
    free(config->seeds);
    config->seeds = NULL;
}
