/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where to bind and whom to look for, in the URLs of all transports that use
 * addresses of the Internet. Nothing is opened; names are looked up.
 */
#include "transport/udp.h"

#include <stdlib.h>
#include <string.h>

int gcs_udp_bind_parse(const struct gcs_url *url, size_t length, struct gcs_udp_target *bind,
                       const struct gcs_report *report)
{
    if (!gcs_udp_ports_parse(url->port, strlen(url->port), &bind->first, &bind->last))
        return gcs_report(report, GCS_EADDRESS, "'%s' is no port (0 to 65535) nor a range of ports",
                          url->port);
    if (bind->last - bind->first >= GCS_UDP_SEEDS_MAX)
        return gcs_report(report, GCS_EADDRESS, "'%s' is a range of more than %d ports", url->port,
                          GCS_UDP_SEEDS_MAX);
    return gcs_udp_host_parse(url->host, length, url->bracketed ? AF_INET6 : AF_UNSPEC, &bind->ip,
                              "address", report);
}

struct seeds {
    struct gcs_udp_target *list;
    size_t count, addresses; /* a range of ports is as many addresses */
};

static int parse_seed(struct seeds *seeds, int family, const char *item, size_t length,
                      const struct gcs_report *report)
{
    struct gcs_udp_target *seed = &seeds->list[seeds->count];
    int error = gcs_udp_target_parse(item, length, family, seed, "seeds", report);

    if (error < 0)
        return error;
    if (seed->first == 0 || gcs_udp_is_any(&seed->ip) || gcs_udp_is_multicast(&seed->ip))
        return gcs_report(report, GCS_EADDRESS, "seeds: nobody can be reached at '%.*s'",
                          (int)length, item);
    seeds->addresses += (size_t)(seed->last - seed->first) + 1;
    if (seeds->addresses > GCS_UDP_SEEDS_MAX)
        return gcs_report(report, GCS_EOPTION, "seeds: more than %d addresses at '%.*s'",
                          GCS_UDP_SEEDS_MAX, (int)length, item);
    seeds->count++;
    return 0;
}

int gcs_udp_seeds_parse(struct gcs_url *url, int family, struct gcs_udp_target **list,
                        size_t *count, const struct gcs_report *report)
{
    const char *text = gcs_url_option(url, "seeds");
    struct seeds seeds = {0};
    size_t items = 1, length;
    const char *item;
    int error = 0;

    *list = NULL;
    *count = 0;
    if (!text)
        return 0;
    for (const char *c = text; *c; c++)
        items += *c == ',';
    seeds.list = calloc(items, sizeof(*seeds.list));
    if (!seeds.list)
        return gcs_report(report, GCS_ENOMEM, "out of memory");
    while (error == 0 && (item = gcs_text_item(&text, &length)))
        error = parse_seed(&seeds, family, item, length, report);
    *list = seeds.list;
    *count = seeds.count;
    return error;
}
