/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receiving: the completion queue tells of runs; their packets are handed out where they lie, in
 * the peer's ring at this end. When little of the ring is free, packets are copied into a pool
 * instead, so that what is kept for long cannot stop what sets it free; a pool that is used up as
 * well loses packets, which the owner is told.
 *
 * A completion with an error names its link by the number in its work request; the link breaks, and
 * no other. When there is nothing, the queue is armed: the completion channel then makes the
 * descriptor readable. Connections and the device are looked after between bursts.
 */
#include "transport/rdma.h"

#include <string.h>
#include <sys/epoll.h>

#define RECEIVE_BIT   ((uint64_t)1 << 63)
#define COPY_BELOW    4  /* copied when less than one in so many segments is free */
#define TELL_RUNS     16 /* runs taken in without an answer, before credit is sent alone ... */
#define TELL_SEGMENTS 4  /* ... or one in so many segments */
#define PARTING_NS    1000000000u
#define LOOK_EVERY    64 /* calls, while packets keep coming */

/* ---- Receives -------------------------------------------------------------------------------- */

int gcs_rdma_post_receives(struct gcs_rdma *rdma, struct gcs_rdma_link *link, uint32_t count)
{
    struct ibv_recv_wr wr[GCS_RDMA_RECEIVES];

    for (uint32_t i = 0; i < count; i++)
        wr[i] = (struct ibv_recv_wr){
            .wr_id = RECEIVE_BIT | (uint64_t)link->id << 32,
            .next = i + 1 < count ? &wr[i + 1] : NULL,
        };
    rdma->counters.receives += count;
    return rdma->verbs->post_recv(rdma->verbs->ctx, link->qp, wr);
}

static unsigned count_bits(uint64_t bits)
{
    unsigned count = 0;

    for (; bits; bits &= bits - 1)
        count++;
    return count;
}

/* Whether the peer needs to know what it may send, and nothing else will tell it soon. */
static bool owes_credit(const struct gcs_rdma *rdma, const struct gcs_rdma_link *link)
{
    uint32_t segments = rdma->shape.segments;
    uint32_t untold = count_bits(gcs_ring_in_returned(link->in) ^ link->told_returned);
    uint32_t known = gcs_ring_in_free(link->in) - untold;

    return link->reposted - link->told_consumed >= TELL_RUNS ||
           untold >= segments / TELL_SEGMENTS || (untold > 0 && known < segments / TELL_SEGMENTS);
}

void gcs_rdma_returned(void *returned_to)
{
    struct gcs_rdma_link *link = returned_to;
    struct gcs_rdma *rdma = link->rdma;

    if (rdma->receiving || rdma->freed || !owes_credit(rdma, link))
        return;
    rdma->freed = true;
    gcs_rdma_update_wake(rdma);
}

static void serve(struct gcs_rdma *rdma, struct gcs_rdma_link *link)
{
    uint32_t taken = (uint32_t)(link->consumed - link->reposted);

    if (taken > 0 && gcs_rdma_post_receives(rdma, link, taken) != 0) {
        rdma->counters.refused_posts++;
        gcs_rdma_link_break(rdma, link);
        return;
    }
    link->reposted += taken;
    if (owes_credit(rdma, link))
        gcs_rdma_knock(rdma, link, false);
}

/* A former member: closed as soon as it has what was sent last, or after a while. */
static void see_off(struct gcs_rdma *rdma, struct gcs_rdma_link *link)
{
    if (link->arrived < link->posted || link->waiting) {
        if (link->ending != link->posted && !link->waiting) {
            gcs_rdma_knock(rdma, link, true);
            link->ending = link->posted;
        }
        if (gcs_rdma_now() < link->since + PARTING_NS)
            return;
    }
    gcs_rdma_link_close(rdma, link);
    gcs_rdma_drop_backlog(rdma, link);
}

static void serve_all(struct gcs_rdma *rdma)
{
    rdma->freed = false;
    for (uint32_t slot = 0; slot < rdma->slots; slot++) {
        struct gcs_rdma_link *link = rdma->slot[slot];
        if (link && link->state == GCS_RDMA_UP)
            serve(rdma, link);
        if (link && link->state == GCS_RDMA_UP && link->parting)
            see_off(rdma, link);
    }
    if (rdma->backlogs > 0)
        gcs_rdma_drain(rdma);
}

/* ---- Completions -------------------------------------------------------------------------------
 */

static void break_rules(struct gcs_rdma *rdma, struct gcs_rdma_link *link)
{
    rdma->counters.receive_errors++;
    gcs_rdma_link_break(rdma, link);
}

static void begin_run(struct gcs_rdma *rdma, struct gcs_rdma_link *link, const struct ibv_wc *wc)
{
    uint32_t position = ntohl(wc->imm_data);
    struct gcs_ring_preface preface;
    uint64_t number;

    if (link->state == GCS_RDMA_ACCEPTING)
        gcs_rdma_come_up(rdma, link);
    number = ++link->consumed;
    if (position == GCS_RING_KNOCK) {
        gcs_ring_preface_read(&preface, gcs_rdma_line(rdma, link));
        if (!gcs_ring_knock_good(&preface))
            return;
        number = gcs_ring_knock_number(&preface, number);
    } else if (gcs_ring_in_open(link->in, position, wc->byte_len, &rdma->run, &preface)) {
        rdma->source = link;
    } else {
        break_rules(rdma, link);
        return;
    }
    gcs_rdma_credit(rdma, link, number, &preface);
}

/* The count that a work request was, from its lowest 32 bits. */
static uint64_t widen(uint64_t last, uint32_t low)
{
    return last - (uint32_t)((uint32_t)last - low);
}

static void complete(struct gcs_rdma *rdma, const struct ibv_wc *wc)
{
    struct gcs_rdma_link *link =
        gcs_rdma_link_by_id(rdma, (uint32_t)((wc->wr_id & ~RECEIVE_BIT) >> 32));

    if (!link || !link->qp)
        return;
    if (wc->status != IBV_WC_SUCCESS) {
        rdma->counters.failed_requests++;
        gcs_rdma_link_break(rdma, link);
    } else if (wc->wr_id & RECEIVE_BIT) {
        begin_run(rdma, link, wc);
    } else {
        gcs_rdma_completed(rdma, link, widen(link->posted, (uint32_t)wc->wr_id));
    }
}

static bool poll(struct gcs_rdma *rdma)
{
    int count;

    rdma->counters.receive_calls++;
    count = rdma->verbs->poll_cq(rdma->verbs->ctx, rdma->cq, GCS_RDMA_POLL, rdma->wc);
    rdma->wc_next = 0;
    rdma->wc_count = count > 0 ? count : 0;
    return count > 0;
}

/* ---- Events
 * -------------------------------------------------------------------------------------- */

static void take_channel(struct gcs_rdma *rdma)
{
    struct ibv_cq *cq;
    void *ctx;

    while (ibv_get_cq_event(rdma->completions, &cq, &ctx) == 0) {
        ibv_ack_cq_events(cq, 1);
        rdma->armed = false;
    }
}

/* Peers that have closed, and whose last packets have been taken. */
static void finish_closing(struct gcs_rdma *rdma)
{
    for (uint32_t slot = 0; rdma->closing > 0 && slot < rdma->slots; slot++) {
        struct gcs_rdma_link *link = rdma->slot[slot];
        if (link && link->state == GCS_RDMA_CLOSING)
            gcs_rdma_link_break(rdma, link);
    }
}

/* What is left of its descriptors may show an error for ever, and would wake for ever. */
static void break_all(struct gcs_rdma *rdma)
{
    (void)epoll_ctl(rdma->wait_fd, EPOLL_CTL_DEL, rdma->completions->fd, NULL);
    (void)epoll_ctl(rdma->wait_fd, EPOLL_CTL_DEL, rdma->device->async_fd, NULL);
    for (uint32_t slot = 0; slot < rdma->slots; slot++) {
        struct gcs_rdma_link *link = rdma->slot[slot];
        if (link && link->state != GCS_RDMA_IDLE)
            gcs_rdma_link_break(rdma, link);
    }
}

static void look_for_events(struct gcs_rdma *rdma)
{
    struct epoll_event events[4];
    int count = epoll_wait(rdma->wait_fd, events, 4, 0);

    rdma->calls = 0;
    for (int i = 0; i < count; i++) {
        if (events[i].data.fd == rdma->events->fd) {
            while (gcs_rdma_take_event(rdma))
                ;
        } else if (events[i].data.fd == rdma->completions->fd) {
            take_channel(rdma);
        } else if (events[i].data.fd == rdma->device->async_fd) {
            while (gcs_rdma_take_device_event(rdma))
                ;
        }
    }
    if (rdma->gone)
        break_all(rdma);
}

/* Nothing is there. Arms the queue; false: something came in meanwhile. */
static bool settle(struct gcs_rdma *rdma)
{
    finish_closing(rdma);
    look_for_events(rdma);
    if (!rdma->armed && ibv_req_notify_cq(rdma->cq, 0) == 0)
        rdma->armed = true;
    return !poll(rdma);
}

/* ---- Packets
 * --------------------------------------------------------------------------------------- */

/* A reference to where the packet lies; or a copy. */
static struct gcs_buffer *keep(struct gcs_rdma *rdma, struct gcs_ring_in *in, const uint8_t **data,
                               size_t size)
{
    struct gcs_buffer *copy;

    if (gcs_ring_in_free(in) >= rdma->shape.segments / COPY_BELOW)
        return gcs_buffer_ref(gcs_ring_in_buffer(in, &rdma->run));
    copy = gcs_udp_pool_get(rdma->pool, size);
    if (!copy)
        return NULL;
    rdma->counters.copied++;
    rdma->counters.bytes_copied += size;
    memcpy(copy->data, *data, size);
    *data = copy->data;
    return copy;
}

/* The next packet of the run; false: it has ended, or its last was lost. */
static bool hand_out(struct gcs_rdma *rdma, struct gcs_transport_packet *packet)
{
    struct gcs_rdma_link *link = rdma->source;
    const uint8_t *data = NULL;
    size_t size = 0;
    int more = gcs_ring_in_next(link->in, &rdma->run, &data, &size);

    if (more <= 0)
        rdma->source = NULL;
    if (more < 0)
        break_rules(rdma, link);
    if (more <= 0)
        return false;
    if (link->parting) {
        if (gcs_ring_run_ended(&rdma->run))
            rdma->source = NULL;
        return false;
    }
    rdma->counters.datagrams_received++;
    rdma->counters.bytes_received += size;
    struct gcs_buffer *buffer = keep(rdma, link->in, &data, size);
    if (!buffer) {
        rdma->counters.pool_exhausted++;
        gcs_rdma_tell(rdma, link);
        return false;
    }
    if (gcs_ring_run_ended(&rdma->run))
        rdma->source = NULL;
    *packet = (struct gcs_transport_packet){link->peer, buffer, data, size};
    return true;
}

size_t gcs_rdma_receive(struct gcs_transport *transport, struct gcs_transport_packet *packets,
                        size_t max)
{
    struct gcs_rdma *rdma = (struct gcs_rdma *)transport;
    size_t n = 0;

    rdma->receiving = true;
    while (n < max || !rdma->source) {
        if (rdma->source)
            n += hand_out(rdma, &packets[n]);
        else if (rdma->wc_next < rdma->wc_count)
            complete(rdma, &rdma->wc[rdma->wc_next++]);
        else if (!poll(rdma) && settle(rdma))
            break;
        if (n == max && max > 0)
            break;
    }
    if (++rdma->calls >= LOOK_EVERY)
        look_for_events(rdma);
    serve_all(rdma);
    rdma->receiving = false;
    gcs_rdma_update_wake(rdma);
    return n;
}

void gcs_rdma_receive_forget(struct gcs_rdma *rdma, const struct gcs_rdma_link *link)
{
    if (rdma->source == link)
        rdma->source = NULL;
}
