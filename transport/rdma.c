/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The RDMA transport: opening it step by step, closing it, its operations, the
 * descriptor to wait on. rdma.h tells how it works.
 */
#include "transport/rdma.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define LINGER_NS  500000000u /* for what was sent last */
#define RINGS_TOLD 16 /* senders share what a member says that it buffers; here each has a ring */

uint64_t gcs_rdma_now(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* ---- The descriptor to wait on -------------------------------------------------------------- */

static bool watch(struct gcs_rdma *rdma, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    int flags = fcntl(fd, F_GETFL);

    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
           fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
           epoll_ctl(rdma->wait_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static int open_wait(struct gcs_rdma *rdma, const struct gcs_report *report)
{
    rdma->wait_fd = epoll_create1(EPOLL_CLOEXEC);
    rdma->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (rdma->wait_fd < 0 || rdma->wake_fd < 0 || !watch(rdma, rdma->wake_fd) ||
        !watch(rdma, rdma->events->fd) || !watch(rdma, rdma->completions->fd) ||
        !watch(rdma, rdma->device->async_fd))
        return gcs_report_system(report, "epoll", errno);
    if (ibv_req_notify_cq(rdma->cq, 0) != 0)
        return gcs_report_system(report, "ibv_req_notify_cq", errno);
    rdma->armed = true;
    return 0;
}

void gcs_rdma_update_wake(struct gcs_rdma *rdma)
{
    bool wanted = rdma->source || rdma->wc_next < rdma->wc_count || rdma->notices > 0 ||
                  rdma->closing > 0 || rdma->freed;
    uint64_t one = 1;
    ssize_t done;

    if (wanted == rdma->awake)
        return;
    done =
        wanted ? write(rdma->wake_fd, &one, sizeof(one)) : read(rdma->wake_fd, &one, sizeof(one));
    if (done == sizeof(one))
        rdma->awake = wanted;
}

/* ---- Operations ---------------------------------------------------------------------------------
 */

static bool has_unsent(const struct gcs_rdma_link *link)
{
    if (!link || link->state == GCS_RDMA_IDLE)
        return false;
    return link->waiting || (link->state == GCS_RDMA_UP && link->arrived < link->posted);
}

/* Asks each link for a sign that its last request has arrived. */
static void ask_for_ends(struct gcs_rdma *rdma)
{
    for (uint32_t slot = 0; slot < rdma->slots; slot++) {
        struct gcs_rdma_link *link = rdma->slot[slot];
        if (!has_unsent(link) || link->waiting || link->ending == link->posted)
            continue;
        gcs_rdma_knock(rdma, link, true);
        link->ending = link->posted;
    }
}

/* What was sent last, the word that we go, leaves before the queue pairs do, also to those with
 * whom we are still being connected. */
static void linger(struct gcs_rdma *rdma)
{
    uint64_t until = gcs_rdma_now() + LINGER_NS;
    bool unsent = true;

    while (unsent && gcs_rdma_now() < until) {
        gcs_rdma_drain(rdma);
        ask_for_ends(rdma);
        (void)gcs_rdma_receive(&rdma->base, NULL, 0);
        if (rdma->source) /* nobody takes it any more */
            gcs_rdma_receive_forget(rdma, rdma->source);
        unsent = false;
        for (uint32_t slot = 0; slot < rdma->slots; slot++)
            unsent |= has_unsent(rdma->slot[slot]);
        sched_yield();
    }
}

/* A child after fork() closes its copies; all that lives in the device belongs to the parent. */
static void close_copies(struct gcs_rdma *rdma)
{
    close(rdma->events->fd);
    close(rdma->completions->fd);
    close(rdma->device->async_fd);
    close(rdma->device->cmd_fd);
    for (uint32_t slot = 0; slot < rdma->slots; slot++) {
        struct gcs_rdma_link *link = rdma->slot[slot];
        if (link)
            gcs_ring_in_release(link->in);
        free(link);
    }
    free(rdma->stage.memory);
}

static void close_rdma(struct gcs_transport *transport)
{
    struct gcs_rdma *rdma = (struct gcs_rdma *)transport;
    bool opened = rdma->stage.mr; /* all of the device, that is */

    if (rdma->owner != getpid()) {
        close_copies(rdma);
    } else {
        if (opened && !rdma->gone)
            linger(rdma);
        gcs_rdma_links_free(rdma);
        gcs_rdma_stage_close(rdma);
        gcs_rdma_device_close(rdma);
    }
    if (rdma->pool)
        gcs_udp_pool_release(rdma->pool);
    if (rdma->wait_fd >= 0)
        close(rdma->wait_fd);
    if (rdma->wake_fd >= 0)
        close(rdma->wake_fd);
    gcs_rdma_config_free(&rdma->config);
    gcs_rdma_notes_free(rdma);
    free(rdma->seeds);
    free(rdma);
}

static const struct gcs_transport_caps *get_caps(const struct gcs_transport *transport)
{
    return &((const struct gcs_rdma *)transport)->caps;
}

static const struct gcs_address *get_address(const struct gcs_transport *transport)
{
    return &((const struct gcs_rdma *)transport)->address;
}

static const struct gcs_address *get_seeds(const struct gcs_transport *transport, size_t *count)
{
    const struct gcs_rdma *rdma = (const struct gcs_rdma *)transport;

    *count = rdma->seeds_count;
    return rdma->seeds;
}

static int get_fd(const struct gcs_transport *transport)
{
    return ((const struct gcs_rdma *)transport)->wait_fd;
}

static const struct gcs_transport_counters *get_counters(const struct gcs_transport *transport)
{
    return &((const struct gcs_rdma *)transport)->counters;
}

static const char *get_note(const struct gcs_transport *transport)
{
    const char *note = atomic_load(&((const struct gcs_rdma *)transport)->note);
    return note ? note : "";
}

static const struct gcs_transport_ops rdma_ops = {
    .scheme = "rdma",
    .close = close_rdma,
    .caps = get_caps,
    .address = get_address,
    .seeds = get_seeds,
    .fd = get_fd,
    .receive = gcs_rdma_receive,
    .send = gcs_rdma_send,
    .unreachable = gcs_rdma_unreachable,
    .peers = gcs_rdma_peers,
    .counters = get_counters,
    .note = get_note,
};

/* ---- Opening ------------------------------------------------------------------------------------
 */

static void add_range(struct gcs_rdma *rdma, const struct gcs_address *ip, uint32_t first,
                      uint32_t last)
{
    struct gcs_address seed = *ip;

    for (uint32_t port = first; port <= last; port++) {
        gcs_udp_set_port(&seed, (uint16_t)port);
        if (!gcs_udp_same(&seed, &rdma->address))
            rdma->seeds[rdma->seeds_count++] = seed;
    }
}

/* The seeds that were given, the other ports of our own range. */
static int collect_seeds(struct gcs_rdma *rdma)
{
    const struct gcs_rdma_config *config = &rdma->config;
    const struct gcs_udp_target *bind = &config->bind;
    size_t most = 1 + (size_t)(bind->last - bind->first) + 1;

    for (size_t i = 0; i < config->seeds_count; i++)
        most += (size_t)(config->seeds[i].last - config->seeds[i].first) + 1;
    rdma->seeds = calloc(most, sizeof(*rdma->seeds));
    if (!rdma->seeds)
        return GCS_ENOMEM;
    for (size_t i = 0; i < config->seeds_count; i++)
        add_range(rdma, &config->seeds[i].ip, config->seeds[i].first, config->seeds[i].last);
    if (bind->last > bind->first)
        add_range(rdma, &rdma->address, bind->first, bind->last);
    return 0;
}

static void set_caps(struct gcs_rdma *rdma)
{
    uint64_t buffered = rdma->config.ring_bytes * RINGS_TOLD;

    rdma->caps = (struct gcs_transport_caps){
        .reliable = true,
        .ordered = true,
        .packet_bytes = (uint32_t)rdma->config.packet,
        .receive_bytes = buffered < UINT32_MAX ? (uint32_t)buffered : UINT32_MAX,
    };
}

static int open_parts(struct gcs_rdma *rdma, const struct gcs_report *report)
{
    int error;

    rdma->shape = rdma->config.ring;
    set_caps(rdma);
    error = gcs_rdma_device_open(rdma, report);
    if (error == 0)
        error = open_wait(rdma, report);
    if (error == 0)
        error = gcs_rdma_stage_open(rdma, report);
    if (error < 0)
        return error;
    rdma->pool = gcs_udp_pool_new(rdma->config.pool_bytes);
    if (!rdma->pool || collect_seeds(rdma) < 0)
        return gcs_report(report, GCS_ENOMEM, "out of memory");
    return 0;
}

int gcs_rdma_open_with(const struct gcs_rdma_verbs *verbs, struct gcs_url *url,
                       struct gcs_transport **transport, const struct gcs_report *report)
{
    struct gcs_rdma_config config;
    struct gcs_rdma *rdma;
    int error;

    error = gcs_rdma_config_parse(&config, url, report);
    if (error < 0)
        return error;
    rdma = calloc(1, sizeof(*rdma));
    if (!rdma) {
        gcs_rdma_config_free(&config);
        return gcs_report(report, GCS_ENOMEM, "out of memory");
    }
    rdma->base.ops = &rdma_ops;
    rdma->verbs = verbs;
    rdma->config = config;
    rdma->owner = getpid();
    rdma->wait_fd = rdma->wake_fd = -1;
    error = open_parts(rdma, report);
    if (error < 0)
        close_rdma(&rdma->base);
    else
        *transport = &rdma->base;
    return error;
}

int gcs_rdma_open(struct gcs_url *url, struct gcs_transport **transport,
                  const struct gcs_report *report)
{
    (void)ibv_fork_init(); /* else the parent of a fork() would lose what is registered */
    return gcs_rdma_open_with(&gcs_rdma_verbs_real, url, transport, report);
}
