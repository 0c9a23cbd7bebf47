/* SPDX-License-Identifier: BSD-3-Clause */
/* The networks of the suite, all on loopback, and the helpers of conformance.h. */
#include "tests/conformance/conformance.h"

#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct network networks[] = {
    {"udp IPv4", "udp://127.0.0.1:0", .evidence = true, .batches = true},
    {"udp IPv6", "udp://[::1]:0", .ipv6 = true, .evidence = true, .batches = true},
    {"udp small packets", "udp://127.0.0.1:0?packet=1400", .evidence = true, .batches = true},
    {"udp multicast", "udp://239.255.%s?interface=lo", .multicast = true, .evidence = true,
     .batches = true},
    {"udp faults", "udp://127.0.0.1:0?faults=loss:0,duplicate:0,corrupt:0,reorder:0",
     .evidence = true, .batches = true},
    {"rdma IPv4", "rdma://0.0.0.0:0", .evidence = true, .connects = true, .devices = true},
    {"rdma IPv6", "rdma://[::]:0", .evidence = true, .connects = true, .devices = true},
    {"rdma small rings", "rdma://0.0.0.0:0?ring=512K&stage=512K", .evidence = true,
     .connects = true, .devices = true},
};
int networks_count = sizeof(networks) / sizeof(networks[0]);

/* Asked of the system, not of the transport under test. */
static bool has_ipv6(void)
{
    struct sockaddr_in6 name = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool good = fd >= 0 && bind(fd, (const struct sockaddr *)&name, sizeof(name)) == 0;

    if (fd >= 0)
        close(fd);
    return good;
}

/* Whether an endpoint can be opened; else why not. */
static bool has_device(const char *url, char *error, size_t size)
{
    struct gcs_transport *t;

    if (gcs_transport_open(url, &t, error, size) != 0)
        return false;
    t->ops->close(t);
    return true;
}

void networks_probe(void)
{
    char error[256];
    int kept = 0;

    for (int i = 0; i < networks_count; i++) {
        if (networks[i].ipv6 && !has_ipv6())
            printf("conformance: skipped: %s: this machine has no IPv6\n", networks[i].name);
        else if (networks[i].devices && !has_device(networks[i].url, error, sizeof(error)))
            printf("conformance: skipped: %s: %s\n", networks[i].name, error);
        else
            networks[kept++] = networks[i];
    }
    networks_count = kept;
}

/* ---- Endpoints -------------------------------------------------------------------------- */

#define OPEN_MAX 256

/* Of the networks that connect: all that are open in this process. */
static struct gcs_transport *opened[OPEN_MAX];
static int opened_count;
static unsigned next_device;

static void remember(struct gcs_transport *t)
{
    ck_assert_int_lt(opened_count, OPEN_MAX);
    opened[opened_count++] = t;
}

static bool forget(struct gcs_transport *t)
{
    for (int i = 0; i < opened_count; i++) {
        if (opened[i] == t) {
            opened[i] = opened[--opened_count];
            return true;
        }
    }
    return false;
}

struct gcs_transport *network_open(const struct network *network, const char *options)
{
    char group[32], url[256], error[256];
    struct gcs_transport *t = NULL;
    unsigned pid = (unsigned)getpid();
    int used, code;

    snprintf(group, sizeof(group), "%u.%u:%u", pid >> 8 & 0xff, pid & 0xff, 20000 + pid % 10000);
    const char *at = strstr(network->url, "%s");
    if (at)
        used = snprintf(url, sizeof(url), "%.*s%s%s", (int)(at - network->url), network->url, group,
                        at + 2);
    else
        used = snprintf(url, sizeof(url), "%s", network->url);
    if (network->devices)
        used += snprintf(url + used, sizeof(url) - (size_t)used, "%cdevice=%u",
                         strchr(url, '?') ? '&' : '?', next_device++);
    if (options)
        snprintf(url + used, sizeof(url) - (size_t)used, "%c%s", strchr(url, '?') ? '&' : '?',
                 options);
    code = gcs_transport_open(url, &t, error, sizeof(error));
    ck_assert_msg(code == 0, "%s: %d: %s", url, code, error);
    if (network->multicast)
        ck_assert_msg(t->ops->caps(t)->multicast, "%s: %s", url, t->ops->note(t));
    if (network->connects)
        remember(t);
    return t;
}

void network_close(struct gcs_transport *transport)
{
    (void)forget(transport);
    transport->ops->close(transport);
}

const struct gcs_transport_counters *counters_of(struct gcs_transport *t)
{
    return t->ops->counters(t);
}

const struct gcs_address *address_of(struct gcs_transport *t)
{
    return t->ops->address(t);
}

/* ---- Packets ---------------------------------------------------------------------------- */

void fill_pattern(uint8_t *data, size_t size, uint64_t seed)
{
    uint64_t state = seed * 0x9e3779b97f4a7c15U + 1;

    for (size_t i = 0; i < size; i++) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        data[i] = (uint8_t)(state >> 56);
    }
    if (size >= sizeof(seed))
        memcpy(data, &seed, sizeof(seed));
}

bool is_pattern(const uint8_t *data, size_t size, uint64_t seed)
{
    uint8_t *expected = malloc(size);
    bool same;

    ck_assert_ptr_nonnull(expected);
    fill_pattern(expected, size, seed);
    same = memcmp(data, expected, size) == 0;
    free(expected);
    return same;
}

uint64_t seed_of(const uint8_t *data)
{
    uint64_t seed;
    memcpy(&seed, data, sizeof(seed));
    return seed;
}

struct parcel parcel_make(size_t count, size_t size, uint64_t first, const struct gcs_address *to,
                          size_t to_count)
{
    struct parcel p = {malloc(count * size), calloc(count, sizeof(*p.packets)), count};

    ck_assert(p.bytes && p.packets);
    for (size_t i = 0; i < count; i++) {
        fill_pattern(p.bytes + i * size, size, first + i);
        p.packets[i] = (struct gcs_core_packet){
            .data = p.bytes + i * size, .size = size, .to = to, .to_count = to_count};
    }
    return p;
}

void parcel_free(struct parcel *parcel)
{
    free(parcel->bytes);
    free(parcel->packets);
}

void send_parcel(struct gcs_transport *t, const struct parcel *parcel)
{
    t->ops->send(t, parcel->packets, parcel->count);
}

size_t receive_some(struct gcs_transport *t, struct gcs_transport_packet *packets, size_t want,
                    size_t max)
{
    size_t n = 0, got;

    while (n < want) {
        got = t->ops->receive(t, packets + n, want - n < max ? want - n : max);
        n += got;
        if (got == 0 && !is_readable(t, 1000))
            break;
    }
    return n;
}

void release(struct gcs_transport_packet *packets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        gcs_buffer_unref(packets[i].buffer);
}

void settle(struct gcs_transport *t)
{
    struct gcs_transport_packet got;
    ck_assert_uint_eq(t->ops->receive(t, &got, 1), 0);
}

static bool is_ready(struct gcs_transport *t, int ms)
{
    struct pollfd p = {.fd = t->ops->fd(t), .events = POLLIN};
    return poll(&p, 1, ms) == 1 && (p.revents & POLLIN);
}

static void let_all_work(void)
{
    for (int i = 0; i < opened_count; i++)
        opened[i]->ops->receive(opened[i], NULL, 0);
}

/* Still readable although it has done its own work, again and again: an event that comes between
 * its working and our look is no packet, and connecting and closing bring fewer one after the
 * other. */
static bool has_something(struct gcs_transport *t)
{
    for (int i = 0; i < 8; i++) {
        let_all_work();
        if (!is_ready(t, 0))
            return false;
    }
    return true;
}

bool is_readable(struct gcs_transport *t, int ms)
{
    if (opened_count == 0)
        return is_ready(t, ms);
    if (ms >= 1000) /* to connect takes its time on an emulated machine */
        ms *= 10;
    while (!has_something(t)) {
        if (ms-- <= 0)
            return false;
        usleep(1000);
    }
    return true;
}

int open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;

    ck_assert_ptr_nonnull(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}
