/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The interceptor of faults.h. Everything happens on the receiving side, so
 * that each member of a group suffers on its own. What is held back lies in a
 * small array with the time at which it is due; a timer makes the descriptor
 * readable then.
 */
#include "transport/faults.h"

#include "gcs/base/prng.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define HELD_MAX        256
#define HOLD_DEFAULT_MS 5
#define HOLD_MAX_MS     10000

struct held {
    struct gcs_transport_packet packet;
    uint64_t due;
};

struct faults {
    struct gcs_transport base;
    struct gcs_transport *inner;
    struct gcs_transport_ops ops; /* with the wrapped transport's scheme */
    struct gcs_faults_config config;
    struct gcs_transport_caps caps;
    struct gcs_transport_counters counters;
    struct gcs_transport_counters *sum; /* counters: brought up to date when asked for */
    uint64_t faults;
    struct gcs_prng prng;
    int wait_fd;
    int timer_fd;
    uint64_t armed; /* what the timer is set to, GCS_NEVER: nothing */
    size_t held_count;
    struct held held[HELD_MAX];
};

/* ---- Options ------------------------------------------------------------------------------ */

static int parse_fault(struct gcs_faults_config *config, const char *item, size_t length,
                       const struct gcs_report *report)
{
    const struct {
        const char *name;
        uint32_t *chance;
    } chances[] = {
        {"loss", &config->loss},
        {"duplicate", &config->duplicate},
        {"corrupt", &config->corrupt},
        {"reorder", &config->reorder},
    };
    const char *colon = memchr(item, ':', length);
    size_t name = colon ? (size_t)(colon - item) : length;
    size_t value = colon ? length - name - 1 : 0;
    uint64_t hold;

    for (size_t i = 0; i < sizeof(chances) / sizeof(chances[0]); i++) {
        if (strlen(chances[i].name) != name || memcmp(chances[i].name, item, name) != 0)
            continue;
        if (colon && gcs_text_chance(colon + 1, value, chances[i].chance))
            return 0;
        return gcs_report(report, GCS_EOPTION, "faults: '%.*s': expected a chance from 0 to 1",
                          (int)length, item);
    }
    if (name == 4 && memcmp(item, "hold", 4) == 0) {
        if (colon && gcs_text_number(colon + 1, value, HOLD_MAX_MS, &hold)) {
            config->hold_ms = (uint32_t)hold;
            return 0;
        }
        return gcs_report(report, GCS_EOPTION, "faults: '%.*s': expected 0 to %d milliseconds",
                          (int)length, item, HOLD_MAX_MS);
    }
    return gcs_report(report, GCS_EOPTION, "faults: '%.*s': no such fault", (int)length, item);
}

int gcs_faults_parse(struct gcs_faults_config *config, struct gcs_url *url,
                     const struct gcs_report *report)
{
    const char *list = gcs_url_option(url, "faults");
    const char *item;
    size_t length;
    int error;

    memset(config, 0, sizeof(*config));
    config->hold_ms = HOLD_DEFAULT_MS;
    config->seed = 1;
    config->enabled = list != NULL;
    if (!list)
        return 0; /* then nobody knows seed= */
    error = gcs_url_number(url, "seed", 0, UINT64_MAX, &config->seed, report);
    while (error == 0 && (item = gcs_text_item(&list, &length)))
        error = parse_fault(config, item, length, report);
    return error;
}

/* ---- Holding back ---------------------------------------------------------------------------- */

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

/* Sets the timer to the first packet that is due. */
static void arm(struct faults *f)
{
    struct itimerspec timer = {{0, 0}, {0, 0}};
    uint64_t first = GCS_NEVER;

    for (size_t i = 0; i < f->held_count; i++) {
        if (f->held[i].due < first)
            first = f->held[i].due;
    }
    if (first == f->armed)
        return;
    if (first != GCS_NEVER) {
        timer.it_value.tv_sec = (time_t)(first / 1000000000U);
        timer.it_value.tv_nsec = (long)(first % 1000000000U);
    }
    if (timerfd_settime(f->timer_fd, TFD_TIMER_ABSTIME, &timer, NULL) == 0)
        f->armed = first;
}

/* False: there is no room, and the packet stays with the caller. */
static bool hold(struct faults *f, const struct gcs_transport_packet *packet, uint64_t due)
{
    if (f->held_count == HELD_MAX)
        return false;
    f->held[f->held_count++] = (struct held){*packet, due};
    return true;
}

static size_t take_due(struct faults *f, struct gcs_transport_packet *packets, size_t max,
                       uint64_t now)
{
    size_t n = 0;

    for (size_t i = 0; i < f->held_count && n < max;) {
        if (f->held[i].due > now) {
            i++;
            continue;
        }
        packets[n++] = f->held[i].packet;
        f->held[i] = f->held[--f->held_count];
    }
    return n;
}

/* ---- Faults ------------------------------------------------------------------------------------
 */

static void corrupt(struct faults *f, const struct gcs_transport_packet *packet)
{
    size_t at =
        (size_t)(packet->data - packet->buffer->data) + gcs_prng_below(&f->prng, packet->size);

    packet->buffer->data[at] ^= (uint8_t)(1U << gcs_prng_below(&f->prng, 8));
}

/* Does to one packet what chance wants; false: it does not come through now. */
static bool suffer(struct faults *f, struct gcs_transport_packet *packet, uint64_t now)
{
    const struct gcs_faults_config *c = &f->config;

    if (gcs_prng_chance(&f->prng, c->loss)) {
        f->faults++;
        gcs_buffer_unref(packet->buffer);
        return false;
    }
    if (gcs_prng_chance(&f->prng, c->corrupt)) {
        f->faults++;
        corrupt(f, packet);
    }
    if (gcs_prng_chance(&f->prng, c->duplicate) && hold(f, packet, now)) {
        f->faults++;
        gcs_buffer_ref(packet->buffer);
    }
    if (gcs_prng_chance(&f->prng, c->reorder)) {
        uint64_t due = now + gcs_prng_below(&f->prng, (uint64_t)c->hold_ms * 1000000 + 1);
        if (hold(f, packet, due)) {
            f->faults++;
            return false;
        }
    }
    return true;
}

static size_t receive(struct gcs_transport *transport, struct gcs_transport_packet *packets,
                      size_t max)
{
    struct faults *f = (struct faults *)transport;
    uint64_t now = now_ns();
    size_t got, n = take_due(f, packets, max, now);

    while (n < max) {
        got = f->inner->ops->receive(f->inner, packets + n, max - n);
        if (got == 0)
            break;
        for (size_t end = n + got, i = n; i < end; i++) {
            struct gcs_transport_packet packet = packets[i];
            if (suffer(f, &packet, now))
                packets[n++] = packet;
        }
    }
    arm(f);
    return n;
}

/* ---- All the rest is the wrapped transport's
 * ------------------------------------------------------ */

static struct gcs_transport *inner_of(const struct gcs_transport *transport)
{
    return ((const struct faults *)transport)->inner;
}

static const struct gcs_transport_caps *get_caps(const struct gcs_transport *transport)
{
    return &((const struct faults *)transport)->caps;
}

static const struct gcs_address *get_address(const struct gcs_transport *transport)
{
    return inner_of(transport)->ops->address(inner_of(transport));
}

static const struct gcs_address *get_seeds(const struct gcs_transport *transport, size_t *count)
{
    return inner_of(transport)->ops->seeds(inner_of(transport), count);
}

static int get_fd(const struct gcs_transport *transport)
{
    return ((const struct faults *)transport)->wait_fd;
}

static void send_packets(struct gcs_transport *transport, const struct gcs_core_packet *packets,
                         size_t count)
{
    inner_of(transport)->ops->send(inner_of(transport), packets, count);
}

static bool unreachable(struct gcs_transport *transport, struct gcs_address *peer)
{
    return inner_of(transport)->ops->unreachable(inner_of(transport), peer);
}

static void set_peers(struct gcs_transport *transport, const struct gcs_address *peers,
                      size_t count)
{
    inner_of(transport)->ops->peers(inner_of(transport), peers, count);
}

static const struct gcs_transport_counters *get_counters(const struct gcs_transport *transport)
{
    const struct faults *f = (const struct faults *)transport;

    *f->sum = *f->inner->ops->counters(f->inner);
    f->sum->faults += f->faults;
    return f->sum;
}

static const char *get_note(const struct gcs_transport *transport)
{
    return inner_of(transport)->ops->note(inner_of(transport));
}

static void close_shell(struct faults *f)
{
    for (size_t i = 0; i < f->held_count; i++)
        gcs_buffer_unref(f->held[i].packet.buffer);
    if (f->wait_fd >= 0)
        close(f->wait_fd);
    if (f->timer_fd >= 0)
        close(f->timer_fd);
    free(f);
}

static void close_faults(struct gcs_transport *transport)
{
    struct gcs_transport *inner = inner_of(transport);

    close_shell((struct faults *)transport);
    inner->ops->close(inner);
}

static uint64_t seed_for(uint64_t seed, const struct gcs_address *address)
{
    for (unsigned i = 0; i < address->length; i++) {
        seed ^= address->bytes[i];
        seed = gcs_prng_split(&seed);
    }
    return seed;
}

int gcs_faults_wrap(const struct gcs_faults_config *config, struct gcs_transport *inner,
                    struct gcs_transport **transport, const struct gcs_report *report)
{
    struct epoll_event event = {.events = EPOLLIN};
    struct faults *f = calloc(1, sizeof(*f));
    int error;

    if (!f)
        return gcs_report(report, GCS_ENOMEM, "out of memory");
    f->inner = inner;
    f->config = *config;
    f->caps = *inner->ops->caps(inner);
    f->caps.reliable &= config->loss == 0 && config->corrupt == 0;
    f->caps.ordered &= config->reorder == 0;
    f->armed = GCS_NEVER;
    f->sum = &f->counters;
    f->ops = (struct gcs_transport_ops){
        .scheme = inner->ops->scheme,
        .close = close_faults,
        .caps = get_caps,
        .address = get_address,
        .seeds = get_seeds,
        .fd = get_fd,
        .receive = receive,
        .send = send_packets,
        .unreachable = unreachable,
        .peers = set_peers,
        .counters = get_counters,
        .note = get_note,
    };
    f->base.ops = &f->ops;
    gcs_prng_init(&f->prng, seed_for(config->seed, inner->ops->address(inner)));
    f->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    f->wait_fd = epoll_create1(EPOLL_CLOEXEC);
    if (f->timer_fd < 0 || f->wait_fd < 0 ||
        epoll_ctl(f->wait_fd, EPOLL_CTL_ADD, f->timer_fd, &event) < 0 ||
        epoll_ctl(f->wait_fd, EPOLL_CTL_ADD, inner->ops->fd(inner), &event) < 0) {
        error = gcs_report_system(report, "faults", errno);
        close_shell(f);
        return error;
    }
    *transport = &f->base;
    return 0;
}
