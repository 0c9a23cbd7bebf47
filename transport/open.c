/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opening a transport by its URL: which schemes there are, the interceptors
 * that any of them can be wrapped in, and the text of addresses.
 */
#include "transport/faults.h"
#if GCS_HAVE_RDMA
#include "transport/rdma.h"
#endif
#include "transport/transport.h"
#include "transport/udp.h"
#include "transport/url.h"

#include <stdio.h>
#include <string.h>

#if !GCS_HAVE_RDMA
static int gcs_rdma_open(struct gcs_url *url, struct gcs_transport **transport,
                         const struct gcs_report *report)
{
    (void)url;
    (void)transport;
    return gcs_report(report, GCS_ETRANSPORT,
                      "this libgcs was built without libibverbs and librdmacm, so there is no "
                      "rdma://; udp:// is there");
}
#endif

static const struct {
    const char *scheme;
    int (*open)(struct gcs_url *url, struct gcs_transport **transport,
                const struct gcs_report *report);
} schemes[] = {
    {"udp", gcs_udp_open},
    {"rdma", gcs_rdma_open},
};

static int open_scheme(struct gcs_url *url, struct gcs_transport **transport,
                       const struct gcs_report *report)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (strcmp(schemes[i].scheme, url->scheme) == 0)
            return schemes[i].open(url, transport, report);
    }
    return gcs_report(report, GCS_ETRANSPORT, "'%.40s://': there is no such transport",
                      url->scheme);
}

int gcs_transport_open(const char *url, struct gcs_transport **transport, char *error,
                       size_t error_size)
{
    const struct gcs_report report = {error, error_size};
    struct gcs_faults_config faults;
    struct gcs_url parts;
    int code;

    gcs_report(&report, 0, "%s", "");
    code = gcs_url_parse(&parts, url, &report);
    if (code < 0)
        return code;
    code = gcs_faults_parse(&faults, &parts, &report);
    if (code == 0)
        code = open_scheme(&parts, transport, &report);
    if (code == 0 && faults.enabled) {
        struct gcs_transport *inner = *transport;
        code = gcs_faults_wrap(&faults, inner, transport, &report);
        if (code < 0)
            inner->ops->close(inner);
    }
    gcs_url_free(&parts);
    return code;
}

void gcs_address_format(const struct gcs_address *address, char *text, size_t size)
{
    char ip[GCS_ADDRESS_TEXT_MAX];
    size_t used;

    switch (gcs_udp_family(address)) {
    case AF_INET:
        gcs_udp_ip_format(address, ip, sizeof(ip));
        (void)snprintf(text, size, "%s:%u", ip, gcs_udp_port(address));
        return;
    case AF_INET6:
        gcs_udp_ip_format(address, ip, sizeof(ip));
        (void)snprintf(text, size, "[%s]:%u", ip, gcs_udp_port(address));
        return;
    default:
        break;
    }
    /* Nothing that we know: its bytes, so that logs still tell one from another. */
    (void)snprintf(text, size, "%s", address->length == 0 ? "none" : "?");
    used = 1;
    for (unsigned i = 0; i < address->length && i < GCS_ADDRESS_MAX && used + 3 <= size; i++)
        used += (size_t)snprintf(text + used, size - used, "%02x", address->bytes[i]);
}

int gcs_address_parse(const char *text, struct gcs_address *address)
{
    struct gcs_address ip;
    const char *host = text;
    const char *colon = strrchr(text, ':');
    uint16_t first, last;
    size_t length;

    if (!colon || !gcs_udp_ports_parse(colon + 1, strlen(colon + 1), &first, &last) ||
        first != last || strchr(colon, '-'))
        return GCS_EADDRESS;
    length = (size_t)(colon - text);
    if (length >= 2 && host[0] == '[' && host[length - 1] == ']') {
        host++;
        length -= 2;
        if (!memchr(host, ':', length))
            return GCS_EADDRESS;
    } else if (memchr(host, ':', length)) {
        return GCS_EADDRESS;
    }
    if (!gcs_udp_ip_parse(host, length, &ip))
        return GCS_EADDRESS;
    gcs_udp_set_port(&ip, first);
    *address = ip;
    return 0;
}
