/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device: which one the address means, what is opened on it, and memory
 * that is registered with it. A device context of our own, beside rdma_cm's,
 * which all endpoints of a process share: so events and completions are ours
 * alone, and go with us.
 */
#include "transport/rdma.h"

#include <errno.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define CANDIDATES_MAX 64
#define LISTEN_BACKLOG 128

/* Few differ; beyond so many nothing new is told. */
#define NOTES_MAX 256

/* The one with that text, made if need be. NULL: no memory, or there are too many. */
static struct gcs_rdma_note *find_note(struct gcs_rdma *rdma, const char *text)
{
    struct gcs_rdma_note *note = rdma->notes;

    while (note && strcmp(note->text, text) != 0)
        note = note->next;
    if (note || rdma->notes_count == NOTES_MAX)
        return note;
    note = malloc(sizeof(*note));
    if (!note)
        return NULL;
    (void)snprintf(note->text, sizeof(note->text), "%s", text);
    note->next = rdma->notes;
    rdma->notes = note;
    rdma->notes_count++;
    return note;
}

void gcs_rdma_note(struct gcs_rdma *rdma, bool of_port, const char *format, ...)
{
    char text[sizeof(rdma->notes->text)];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    rdma->note_of_port = of_port;
    const struct gcs_rdma_note *note = find_note(rdma, text);
    if (note)
        atomic_store(&rdma->note, note->text);
}

void gcs_rdma_notes_free(struct gcs_rdma *rdma)
{
    while (rdma->notes) {
        struct gcs_rdma_note *note = rdma->notes;
        rdma->notes = note->next;
        free(note);
    }
}

/* ---- Which device --------------------------------------------------------------------------- */

/* An address of this machine that belongs to an RDMA device. */
struct candidate {
    char device[IBV_SYSFS_NAME_MAX];
    struct gcs_address ip;
};

/* The device that has the address, as rdma_cm sees it. */
static bool device_of(struct rdma_event_channel *events, const struct gcs_address *ip, char *name)
{
    union gcs_udp_sockaddr address;
    struct rdma_cm_id *id;
    bool found;

    if (gcs_udp_to_sockaddr(ip, 0, &address) == 0 ||
        rdma_create_id(events, &id, NULL, RDMA_PS_TCP) != 0)
        return false;
    found = rdma_bind_addr(id, &address.any) == 0 && id->verbs;
    if (found)
        (void)snprintf(name, IBV_SYSFS_NAME_MAX, "%s", ibv_get_device_name(id->verbs->device));
    rdma_destroy_id(id);
    return found;
}

static bool is_known(const struct candidate *candidates, size_t count, const char *device)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(candidates[i].device, device) == 0)
            return true;
    }
    return false;
}

/* One address of the family for each device that has any, in the order of the interfaces. */
static size_t find_candidates(struct gcs_rdma *rdma, struct candidate *candidates)
{
    struct ifaddrs *list, *entry;
    size_t count = 0;

    if (getifaddrs(&list) < 0)
        return 0;
    for (entry = list; entry && count < CANDIDATES_MAX; entry = entry->ifa_next) {
        struct candidate *c = &candidates[count];
        if (!entry->ifa_addr || entry->ifa_addr->sa_family != rdma->config.family ||
            !gcs_udp_from_sockaddr(entry->ifa_addr, &c->ip))
            continue;
        gcs_udp_set_port(&c->ip, 0);
        if (gcs_udp_is_loopback(&c->ip) || gcs_udp_is_link_local(&c->ip))
            continue;
        if (device_of(rdma->events, &c->ip, c->device) && !is_known(candidates, count, c->device))
            count++;
    }
    freeifaddrs(list);
    return count;
}

static void list_candidates(const struct candidate *candidates, size_t count, char *text,
                            size_t size)
{
    char ip[GCS_ADDRESS_TEXT_MAX];
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < count && used < size; i++) {
        gcs_udp_ip_format(&candidates[i].ip, ip, sizeof(ip));
        int more = snprintf(text + used, size - used, "%s%s (%s)", i ? ", " : "", ip,
                            candidates[i].device);
        used += more > 0 ? (size_t)more : 0;
    }
}

static int choose_candidate(struct gcs_rdma *rdma, const struct candidate *candidates, size_t count,
                            const char *list, const struct gcs_report *report)
{
    const char *wanted = rdma->config.device;
    uint64_t number = 0;
    size_t chosen = 0;

    if (gcs_text_number(wanted, strlen(wanted), UINT32_MAX, &number))
        chosen = (size_t)((number + count - 1) % count);
    else if (wanted[0])
        while (chosen < count && strcmp(candidates[chosen].device, wanted) != 0)
            chosen++;
    if (chosen == count)
        return gcs_report(report, GCS_EOPTION, "device=%s: there are %s", wanted, list);
    rdma->config.bind.ip = candidates[chosen].ip;
    if (!wanted[0] && count > 1)
        gcs_rdma_note(rdma, false, "uses %s of several devices: %s", candidates[chosen].device,
                      list);
    return 0;
}

static int choose_address(struct gcs_rdma *rdma, const struct gcs_report *report)
{
    struct candidate candidates[CANDIDATES_MAX];
    char list[200], ip[GCS_ADDRESS_TEXT_MAX], name[IBV_SYSFS_NAME_MAX];
    bool any = gcs_udp_is_any(&rdma->config.bind.ip);

    if (!any && device_of(rdma->events, &rdma->config.bind.ip, name))
        return 0;
    size_t count = find_candidates(rdma, candidates);
    list_candidates(candidates, count, list, sizeof(list));
    if (any && count > 0)
        return choose_candidate(rdma, candidates, count, list, report);
    gcs_udp_ip_format(&rdma->config.bind.ip, ip, sizeof(ip));
    if (count > 0)
        return gcs_report(report, GCS_EADDRESS, "%s is no address of an RDMA device; there are %s",
                          ip, list);
    return gcs_report(report, GCS_ETRANSPORT,
                      "no RDMA device of this machine has an IPv%s address; udp:// needs none",
                      rdma->config.family == AF_INET6 ? "6" : "4");
}

/* ---- What is opened ---------------------------------------------------------------------------
 */

static int open_events(struct gcs_rdma *rdma, const struct gcs_report *report)
{
    int devices = 0;
    struct ibv_device **list = ibv_get_device_list(&devices);

    if (list)
        ibv_free_device_list(list);
    if (devices > 0)
        rdma->events = rdma_create_event_channel();
    if (!rdma->events)
        return gcs_report(report, GCS_ETRANSPORT,
                          devices > 0 ? "rdma_cm is not there (module rdma_ucm, access to "
                                        "/dev/infiniband/rdma_cm); udp:// does without"
                                      : "this machine has no RDMA device; udp:// works without");
    return 0;
}

/* The first free port of the range. */
static int open_listener(struct gcs_rdma *rdma, const struct gcs_report *report)
{
    const struct gcs_udp_target *bind = &rdma->config.bind;
    struct gcs_address address = bind->ip;
    char text[GCS_ADDRESS_TEXT_MAX];
    int error = EADDRINUSE;

    for (uint32_t port = bind->first; port <= bind->last; port++) {
        union gcs_udp_sockaddr name;
        gcs_udp_set_port(&address, (uint16_t)port);
        gcs_udp_to_sockaddr(&address, 0, &name);
        if (rdma_create_id(rdma->events, &rdma->listener, NULL, RDMA_PS_TCP) != 0)
            return gcs_report_system(report, "rdma_create_id", errno);
        if (rdma_bind_addr(rdma->listener, &name.any) == 0 &&
            rdma_listen(rdma->listener, LISTEN_BACKLOG) == 0) {
            gcs_udp_set_port(&address, ntohs(rdma_get_src_port(rdma->listener)));
            rdma->address = address;
            return 0;
        }
        error = errno;
        rdma_destroy_id(rdma->listener);
        rdma->listener = NULL;
        if (error != EADDRINUSE)
            break;
    }
    gcs_address_format(&address, text, sizeof(text));
    return gcs_report(report, error == EADDRINUSE ? GCS_EADDRESS : GCS_ESYSTEM,
                      "listening on %s: %s", text, strerror(error));
}

static int open_context(struct gcs_rdma *rdma, const struct gcs_report *report)
{
    struct ibv_device *device = rdma->listener->verbs->device;
    struct ibv_port_attr port;

    rdma->port = rdma->listener->port_num;
    rdma->device = ibv_open_device(device);
    if (!rdma->device)
        return gcs_report(report, GCS_ESYSTEM,
                          "opening %s: %s (may this user use "
                          "/dev/infiniband/uverbs*?)",
                          ibv_get_device_name(device), strerror(errno));
    if (ibv_query_port(rdma->device, rdma->port, &port) != 0)
        return gcs_report_system(report, "ibv_query_port", errno);
    rdma->mtu = (uint8_t)port.active_mtu;
    if (port.state != IBV_PORT_ACTIVE)
        gcs_rdma_note(rdma, true, "port %u of %s is not active: %s", rdma->port,
                      ibv_get_device_name(device), ibv_port_state_str(port.state));
    return 0;
}

static int open_queues(struct gcs_rdma *rdma, const struct gcs_report *report)
{
    rdma->pd = ibv_alloc_pd(rdma->device);
    if (!rdma->pd)
        return gcs_report_system(report, "ibv_alloc_pd", errno);
    rdma->completions = ibv_create_comp_channel(rdma->device);
    if (!rdma->completions)
        return gcs_report_system(report, "ibv_create_comp_channel", errno);
    rdma->cq = ibv_create_cq(rdma->device, 4 * (GCS_RDMA_RECEIVES + GCS_RDMA_WRITES), NULL,
                             rdma->completions, 0);
    if (!rdma->cq)
        return gcs_report_system(report, "ibv_create_cq", errno);
    return 0;
}

int gcs_rdma_device_open(struct gcs_rdma *rdma, const struct gcs_report *report)
{
    int error = open_events(rdma, report);

    if (error == 0)
        error = choose_address(rdma, report);
    if (error == 0)
        error = open_listener(rdma, report);
    if (error == 0)
        error = open_context(rdma, report);
    if (error == 0)
        error = open_queues(rdma, report);
    return error;
}

bool gcs_rdma_device_has_address(const struct gcs_rdma *rdma)
{
    struct gcs_address ip = rdma->address;
    char name[IBV_SYSFS_NAME_MAX];

    gcs_udp_set_port(&ip, 0);
    return device_of(rdma->events, &ip, name) &&
           strcmp(name, ibv_get_device_name(rdma->device->device)) == 0;
}

void gcs_rdma_device_close(struct gcs_rdma *rdma)
{
    if (rdma->cq)
        ibv_destroy_cq(rdma->cq);
    if (rdma->completions)
        ibv_destroy_comp_channel(rdma->completions);
    if (rdma->pd)
        ibv_dealloc_pd(rdma->pd);
    if (rdma->device)
        ibv_close_device(rdma->device);
    if (rdma->listener)
        rdma_destroy_id(rdma->listener);
    if (rdma->events)
        rdma_destroy_event_channel(rdma->events);
}

/* ---- Registered memory
 * --------------------------------------------------------------------------- */

static int explain_refusal(size_t bytes, size_t before, int error, const struct gcs_report *report)
{
    struct rlimit limit;

    if (error == ENOMEM && getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
        limit.rlim_cur != RLIM_INFINITY)
        return gcs_report(report, GCS_ESYSTEM,
                          "cannot register %zu KiB beside %zu KiB: RLIMIT_MEMLOCK is %" PRIu64
                          " KiB; raise it (ulimit -l, LimitMEMLOCK= of systemd), or make ring= and "
                          "stage= smaller",
                          bytes >> 10, before >> 10, (uint64_t)limit.rlim_cur >> 10);
    return gcs_report(report, GCS_ESYSTEM, "cannot register %zu KiB beside %zu KiB: %s",
                      bytes >> 10, before >> 10, strerror(error));
}

struct ibv_mr *gcs_rdma_register(struct gcs_rdma *rdma, void *memory, size_t bytes,
                                 const struct gcs_report *report)
{
    struct ibv_mr *mr;

    if (rdma->registered + bytes > rdma->config.memory_bytes) {
        gcs_report(report, GCS_ELIMIT,
                   "cannot register %zu KiB beside %zu KiB: memory= allows %" PRIu64 " KiB",
                   bytes >> 10, rdma->registered >> 10, rdma->config.memory_bytes >> 10);
        return NULL;
    }
    mr = rdma->verbs->reg_mr(rdma->verbs->ctx, rdma->pd, memory, bytes);
    if (!mr) {
        explain_refusal(bytes, rdma->registered, errno, report);
        return NULL;
    }
    rdma->registered += bytes;
    return mr;
}

void gcs_rdma_unregister(struct gcs_rdma *rdma, struct ibv_mr *mr)
{
    if (!mr)
        return;
    rdma->registered -= mr->length;
    ibv_dereg_mr(mr);
}
