/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * UDP addresses: between the bytes that members exchange (see udp.h), sockaddr
 * and text. One address has one spelling in bytes: IPv4-mapped IPv6 addresses
 * are refused, unused bytes are zero.
 */
#include "transport/udp.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

static size_t ip_size(const struct gcs_address *address)
{
    if (address->length == 1 + 4 + 2 && address->bytes[0] == 4)
        return 4;
    if (address->length == 1 + 16 + 2 && address->bytes[0] == 6)
        return 16;
    return 0;
}

static void make(struct gcs_address *address, uint8_t version, const void *ip, size_t size)
{
    memset(address, 0, sizeof(*address));
    address->length = (uint8_t)(1 + size + 2);
    address->bytes[0] = version;
    memcpy(address->bytes + 1, ip, size);
}

int gcs_udp_family(const struct gcs_address *address)
{
    switch (ip_size(address)) {
    case 4:
        return AF_INET;
    case 16:
        return AF_INET6;
    default:
        return AF_UNSPEC;
    }
}

const char *gcs_udp_family_name(int family)
{
    return family == AF_INET6 ? "IPv6" : "IPv4";
}

uint16_t gcs_udp_port(const struct gcs_address *address)
{
    const uint8_t *port = address->bytes + 1 + ip_size(address);
    return (uint16_t)(port[0] << 8 | port[1]);
}

void gcs_udp_set_port(struct gcs_address *address, uint16_t port)
{
    uint8_t *bytes = address->bytes + 1 + ip_size(address);
    bytes[0] = (uint8_t)(port >> 8);
    bytes[1] = (uint8_t)port;
}

bool gcs_udp_same(const struct gcs_address *a, const struct gcs_address *b)
{
    return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

bool gcs_udp_same_ip(const struct gcs_address *a, const struct gcs_address *b)
{
    return a->length == b->length && memcmp(a->bytes, b->bytes, 1 + ip_size(a)) == 0;
}

/* ---- Kinds ----------------------------------------------------------------------------- */

bool gcs_udp_is_any(const struct gcs_address *address)
{
    static const uint8_t zero[16];
    size_t size = ip_size(address);
    return size > 0 && memcmp(address->bytes + 1, zero, size) == 0;
}

bool gcs_udp_is_loopback(const struct gcs_address *address)
{
    if (ip_size(address) == 4)
        return address->bytes[1] == 127;
    return ip_size(address) == 16 &&
           memcmp(address->bytes + 1, &in6addr_loopback, sizeof(in6addr_loopback)) == 0;
}

bool gcs_udp_is_multicast(const struct gcs_address *address)
{
    if (ip_size(address) == 4)
        return address->bytes[1] >> 4 == 0xe;
    return ip_size(address) == 16 && address->bytes[1] == 0xff;
}

bool gcs_udp_is_link_local(const struct gcs_address *address)
{
    return ip_size(address) == 16 && address->bytes[1] == 0xfe && address->bytes[2] >> 6 == 2;
}

/* ---- sockaddr ---------------------------------------------------------------------------- */

socklen_t gcs_udp_to_sockaddr(const struct gcs_address *address, uint32_t scope,
                              union gcs_udp_sockaddr *out)
{
    memset(out, 0, sizeof(*out));
    switch (ip_size(address)) {
    case 4:
        out->v4.sin_family = AF_INET;
        memcpy(&out->v4.sin_addr, address->bytes + 1, 4);
        memcpy(&out->v4.sin_port, address->bytes + 5, 2);
        return sizeof(out->v4);
    case 16:
        out->v6.sin6_family = AF_INET6;
        memcpy(&out->v6.sin6_addr, address->bytes + 1, 16);
        memcpy(&out->v6.sin6_port, address->bytes + 17, 2);
        if (gcs_udp_is_link_local(address) || gcs_udp_is_multicast(address))
            out->v6.sin6_scope_id = scope;
        return sizeof(out->v6);
    default:
        return 0;
    }
}

bool gcs_udp_from_sockaddr(const struct sockaddr *in, struct gcs_address *address)
{
    union gcs_udp_sockaddr u;

    switch (in->sa_family) {
    case AF_INET:
        memcpy(&u.v4, in, sizeof(u.v4));
        make(address, 4, &u.v4.sin_addr, 4);
        memcpy(address->bytes + 5, &u.v4.sin_port, 2);
        return true;
    case AF_INET6:
        memcpy(&u.v6, in, sizeof(u.v6));
        make(address, 6, &u.v6.sin6_addr, 16);
        memcpy(address->bytes + 17, &u.v6.sin6_port, 2);
        return true;
    default:
        return false;
    }
}

/* ---- Text ---------------------------------------------------------------------------------- */

bool gcs_udp_ip_parse(const char *text, size_t length, struct gcs_address *address)
{
    char copy[INET6_ADDRSTRLEN];
    struct in_addr v4;
    struct in6_addr v6;

    if (length >= sizeof(copy))
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (strlen(copy) != length)
        return false;
    if (inet_pton(AF_INET, copy, &v4) == 1) {
        make(address, 4, &v4, 4);
        return true;
    }
    if (inet_pton(AF_INET6, copy, &v6) == 1 && !IN6_IS_ADDR_V4MAPPED(&v6)) {
        make(address, 6, &v6, 16);
        return true;
    }
    return false;
}

void gcs_udp_ip_format(const struct gcs_address *address, char *text, size_t size)
{
    char ip[INET6_ADDRSTRLEN] = "?";
    int family = gcs_udp_family(address);

    if (family != AF_UNSPEC)
        inet_ntop(family, address->bytes + 1, ip, sizeof(ip));
    (void)snprintf(text, size, "%s", ip);
}

static bool parse_port(const char *text, size_t length, uint16_t *port)
{
    uint64_t value;

    if ((length > 1 && text[0] == '0') || !gcs_text_number(text, length, 65535, &value))
        return false;
    *port = (uint16_t)value;
    return true;
}

bool gcs_udp_ports_parse(const char *text, size_t length, uint16_t *first, uint16_t *last)
{
    const char *dash = memchr(text, '-', length);

    if (!dash) {
        if (!parse_port(text, length, first))
            return false;
        *last = *first;
        return true;
    }
    return parse_port(text, (size_t)(dash - text), first) &&
           parse_port(dash + 1, length - (size_t)(dash - text) - 1, last) && *first > 0 &&
           *first <= *last;
}

/* ---- Hosts ------------------------------------------------------------------------------------
 */

/* What may be a name in the DNS or in /etc/hosts: not asking for anything else spares time. */
static bool is_name(const char *text)
{
    bool letter = false;

    for (const char *c = text; *c; c++) {
        bool alpha = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');
        letter |= alpha;
        if (!alpha && !(*c >= '0' && *c <= '9') && *c != '.' && *c != '-' && *c != '_')
            return false;
    }
    return letter && text[0] != '.' && text[0] != '-';
}

static bool look_up(const char *name, int family, struct gcs_address *ip)
{
    struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_DGRAM};
    struct addrinfo *list, *best = NULL;
    bool found;

    if (getaddrinfo(name, NULL, &hints, &list) != 0)
        return false;
    for (struct addrinfo *i = list; i; i = i->ai_next) {
        if (!best || (best->ai_family != AF_INET && i->ai_family == AF_INET))
            best = i;
    }
    found = best && gcs_udp_from_sockaddr(best->ai_addr, ip);
    freeaddrinfo(list);
    return found;
}

int gcs_udp_host_parse(const char *text, size_t length, int family, struct gcs_address *ip,
                       const char *option, const struct gcs_report *report)
{
    char name[256];

    if (gcs_udp_ip_parse(text, length, ip)) {
        if (family == AF_UNSPEC || family == gcs_udp_family(ip))
            return 0;
        return gcs_report(report, GCS_EADDRESS, "%s: %.*s is not %s, as the other addresses are",
                          option, (int)length, text, gcs_udp_family_name(family));
    }
    if (length == 0 || length >= sizeof(name))
        return gcs_report(report, GCS_EADDRESS, "%s: '%.*s' is no host", option,
                          (int)(length > 255 ? 255 : length), text);
    memcpy(name, text, length);
    name[length] = '\0';
    if (!is_name(name))
        return gcs_report(report, GCS_EADDRESS, "%s: '%s' is neither an IP address nor a name",
                          option, name);
    if (!look_up(name, family, ip))
        return gcs_report(report, GCS_EADDRESS, "%s: no %saddress is known for '%s'", option,
                          family == AF_UNSPEC ? ""
                          : family == AF_INET ? "IPv4 "
                                              : "IPv6 ",
                          name);
    return 0;
}

int gcs_udp_target_parse(const char *text, size_t length, int family, struct gcs_udp_target *target,
                         const char *option, const struct gcs_report *report)
{
    const char *host = text;
    const char *colon = memrchr(text, ':', length);
    size_t host_length = colon ? (size_t)(colon - text) : 0;
    size_t port_length = colon ? length - host_length - 1 : 0;

    if (!colon || host_length == 0 ||
        !gcs_udp_ports_parse(colon + 1, port_length, &target->first, &target->last))
        goto bad;
    if (host[0] == '[') {
        if (host_length < 3 || host[host_length - 1] != ']' || !memchr(host, ':', host_length))
            goto bad;
        host++;
        host_length -= 2;
    } else if (memchr(host, ':', host_length)) {
        goto bad;
    }
    return gcs_udp_host_parse(host, host_length, family, &target->ip, option, report);
bad:
    return gcs_report(report, GCS_EADDRESS,
                      "%s: '%.*s' is no host:port (IPv6: [host]:port; ports 0 to 65535)", option,
                      (int)(length > 255 ? 255 : length), text);
}
