/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sending. A packet is placed in the stage once; each of its links puts it into the run that it is
 * putting together, if it follows there, or begins another one. A run becomes a work request, the
 * link's work requests of one pass become a chain, the chain one doorbell. One work request in 16
 * is signalled, because the queue must be emptied; that a run has arrived its receiver tells as
 * well.
 *
 * What a link cannot take now (no connection, no free segment in the peer's ring, no receive posted
 * there, no room in the queue or in the stage) waits in its backlog, and everything after it. A
 * backlog beyond its bound breaks the link: a peer that takes so little is as good as dead.
 */
#include "transport/rdma.h"

#include <stdlib.h>
#include <string.h>

#define KNOCKS 2 /* receives that are kept for credit alone */

static void mark_dirty(struct gcs_rdma *rdma, struct gcs_rdma_link *link)
{
    if (link->dirty)
        return;
    link->dirty = true;
    rdma->dirty[rdma->dirty_count++] = link;
}

/* ---- Work requests ----------------------------------------------------------------------------
 */

static void post(struct gcs_rdma *rdma, struct gcs_rdma_link *link)
{
    if (link->chained == 0)
        return;
    rdma->counters.doorbells++;
    rdma->counters.work_requests += link->chained;
    link->chain[link->chained - 1].next = NULL;
    link->chained = 0;
    if (rdma->verbs->post_send(rdma->verbs->ctx, link->qp, link->chain) != 0) {
        rdma->counters.refused_posts++;
        gcs_rdma_link_break(rdma, link);
    }
}

static uint64_t send_id(const struct gcs_rdma_link *link)
{
    return (uint64_t)link->id << 32 | (uint32_t)link->posted;
}

/* The next work request of the chain, without its second piece. bytes: 0: a knock. */
static struct ibv_send_wr *add_request(struct gcs_rdma *rdma, struct gcs_rdma_link *link,
                                       struct gcs_ring_preface *preface, uint32_t segment,
                                       bool signalled)
{
    uint32_t index = link->posted % GCS_RDMA_WRITES;
    uint8_t *bytes = gcs_rdma_line(rdma, link) + GCS_RING_PREFACE * (1 + (size_t)index);

    preface->returned = link->told_returned = gcs_ring_in_returned(link->in);
    preface->consumed = link->told_consumed = link->reposted;
    if (link->chained == GCS_RDMA_CHAIN)
        post(rdma, link);
    if (!link->qp)
        return NULL;
    if (preface->bytes == 0)
        gcs_ring_knock_seal(preface);
    struct ibv_send_wr *wr = &link->chain[link->chained];
    struct ibv_sge *pieces = link->pieces[link->chained];
    gcs_ring_preface_write(preface, bytes);
    pieces[0] = (struct ibv_sge){
        .addr = (uintptr_t)bytes, .length = GCS_RING_PREFACE, .lkey = link->mr->lkey};
    link->staged[index] = (uint8_t)segment;
    link->posted++;
    signalled |= link->posted % GCS_RDMA_SIGNAL == 0 || rdma->stage.busy > rdma->stage.segments / 2;
    rdma->counters.signalled += signalled;
    *wr = (struct ibv_send_wr){
        .wr_id = send_id(link),
        .sg_list = pieces,
        .num_sge = 1,
        .opcode = IBV_WR_RDMA_WRITE_WITH_IMM,
        .send_flags = IBV_SEND_SOLICITED | (signalled ? IBV_SEND_SIGNALED : 0u),
    };
    wr->wr.rdma.rkey = link->remote_key;
    if (link->chained > 0)
        link->chain[link->chained - 1].next = wr;
    link->chained++;
    return wr;
}

static void set_length(struct gcs_rdma *rdma, const struct gcs_rdma_link *link,
                       struct ibv_send_wr *wr, uint32_t bytes)
{
    rdma->counters.wire_bytes += bytes;
    if (bytes <= link->inline_bytes)
        wr->send_flags |= IBV_SEND_INLINE;
}

/* The run is complete. */
static void close_run(struct gcs_rdma *rdma, struct gcs_rdma_link *link)
{
    struct gcs_rdma_run run = link->run;
    struct gcs_ring_preface preface = {
        .serial = link->serial, .bytes = GCS_RING_PREFACE + run.bytes, .records = run.records};
    struct ibv_send_wr *wr;

    if (run.bytes == 0)
        return;
    link->run.bytes = 0;
    wr = add_request(rdma, link, &preface, run.segment, false);
    if (!wr) {
        gcs_rdma_stage_unref(&rdma->stage, run.segment);
        return;
    }
    wr->sg_list[1] = (struct ibv_sge){
        .addr = (uintptr_t)run.start, .length = run.bytes, .lkey = rdma->stage.mr->lkey};
    wr->num_sge = 2;
    wr->imm_data = htonl(run.position);
    wr->wr.rdma.remote_addr =
        link->remote +
        (uint64_t)gcs_ring_position_segment(run.position) * link->out.shape.segment_bytes +
        gcs_ring_position_offset(run.position);
    set_length(rdma, link, wr, preface.bytes);
    rdma->counters.runs++;
}

static bool has_room(const struct gcs_rdma_link *link, uint32_t receives)
{
    uint64_t open = link->run.bytes > 0;
    return link->posted + open - link->completed < GCS_RDMA_WRITES &&
           link->posted + open - link->granted < receives;
}

/* Adds a record of the stage to the link's run, or begins one with it. */
static bool add_record(struct gcs_rdma *rdma, struct gcs_rdma_link *link, const uint8_t *record,
                       uint32_t bytes, uint32_t segment)
{
    struct gcs_rdma_run *run = &link->run;
    uint32_t position;

    if (run->bytes > 0 && run->segment == segment && run->start + run->bytes == record &&
        gcs_ring_out_extend(&link->out, bytes)) {
        run->bytes += bytes;
        run->records++;
        return true;
    }
    if (!has_room(link, link->receives - KNOCKS))
        return false;
    close_run(rdma, link);
    if (!link->qp || !gcs_ring_out_begin(&link->out, bytes, &position))
        return false;
    link->serial++;
    *run = (struct gcs_rdma_run){record, bytes, 1, segment, position};
    gcs_rdma_stage_ref(&rdma->stage, segment);
    mark_dirty(rdma, link);
    return true;
}

static void post_dirty(struct gcs_rdma *rdma)
{
    while (rdma->dirty_count > 0) {
        struct gcs_rdma_link *link = rdma->dirty[--rdma->dirty_count];
        link->dirty = false;
        if (link->qp)
            close_run(rdma, link);
        if (link->qp)
            post(rdma, link);
    }
}

void gcs_rdma_knock(struct gcs_rdma *rdma, struct gcs_rdma_link *link, bool signalled)
{
    struct gcs_ring_preface preface = {.bytes = 0};
    struct ibv_send_wr *wr;

    if (!has_room(link, link->receives))
        return;
    wr = add_request(rdma, link, &preface, GCS_RING_SEGMENTS_MAX, signalled);
    if (!wr)
        return;
    wr->imm_data = htonl(GCS_RING_KNOCK);
    wr->wr.rdma.remote_addr = link->remote + gcs_ring_bytes(&link->out.shape);
    set_length(rdma, link, wr, GCS_RING_PREFACE);
    rdma->counters.knocks++;
    mark_dirty(rdma, link);
    post_dirty(rdma);
}

/* ---- What has arrived
 * ------------------------------------------------------------------------------ */

/* Runs up to there are not read from the stage any more. */
static void arrive(struct gcs_rdma *rdma, struct gcs_rdma_link *link, uint64_t posted)
{
    for (; link->arrived < posted; link->arrived++) {
        uint32_t segment = link->staged[link->arrived % GCS_RDMA_WRITES];
        if (segment < GCS_RING_SEGMENTS_MAX)
            gcs_rdma_stage_unref(&rdma->stage, segment);
    }
}

void gcs_rdma_completed(struct gcs_rdma *rdma, struct gcs_rdma_link *link, uint64_t posted)
{
    if (posted <= link->completed || posted > link->posted)
        return;
    link->completed = posted;
    arrive(rdma, link, posted);
}

void gcs_rdma_credit(struct gcs_rdma *rdma, struct gcs_rdma_link *link, uint64_t consumed,
                     uint64_t returned)
{
    link->out.returned = returned;
    if (consumed <= link->granted || consumed > link->posted)
        return;
    link->granted = consumed;
    arrive(rdma, link, consumed);
}

void gcs_rdma_send_reset(struct gcs_rdma *rdma, struct gcs_rdma_link *link)
{
    link->lost |= link->arrived < link->posted || link->run.bytes > 0;
    arrive(rdma, link, link->posted);
    if (link->run.bytes > 0)
        gcs_rdma_stage_unref(&rdma->stage, link->run.segment);
    link->run.bytes = 0;
    link->chained = 0;
}

/* ---- Backlogs
 * ----------------------------------------------------------------------------------------- */

static void pop(struct gcs_rdma *rdma, struct gcs_rdma_link *link)
{
    struct gcs_rdma_waiting *w = link->waiting;

    link->waiting = w->next;
    link->waiting_bytes -= w->size + sizeof(*w);
    if (!link->waiting) {
        link->waiting_end = &link->waiting;
        rdma->backlogs--;
    }
    gcs_buffer_unref(w->buffer);
    free(w);
}

void gcs_rdma_drop_backlog(struct gcs_rdma *rdma, struct gcs_rdma_link *link)
{
    while (link->waiting) {
        rdma->counters.send_errors++;
        link->lost = true;
        pop(rdma, link);
    }
}

static void drop(struct gcs_rdma *rdma, struct gcs_rdma_link *link)
{
    rdma->counters.send_errors++;
    link->lost = true;
}

/* Keeps a packet: by its buffer if it has one. */
static void wait_in_line(struct gcs_rdma *rdma, struct gcs_rdma_link *link,
                         const struct gcs_core_packet *packet)
{
    size_t copied = packet->buffer ? 0 : packet->size;
    size_t bytes = packet->size + sizeof(struct gcs_rdma_waiting);
    bool full = link->waiting_bytes + bytes > rdma->config.backlog_bytes;
    struct gcs_rdma_waiting *w = full ? NULL : malloc(sizeof(*w) + copied);

    if (!w) {
        rdma->counters.full_backlogs += full;
        drop(rdma, link);
        if (link->state == GCS_RDMA_UP)
            gcs_rdma_link_break(rdma, link);
        return;
    }
    *w = (struct gcs_rdma_waiting){.data = packet->data, .size = packet->size};
    if (packet->buffer) {
        w->buffer = gcs_buffer_ref(packet->buffer);
    } else {
        memcpy(w + 1, packet->data, packet->size);
        rdma->counters.bytes_copied += packet->size;
        w->data = (const uint8_t *)(w + 1);
    }
    rdma->backlogs += !link->waiting;
    *link->waiting_end = w;
    link->waiting_end = &w->next;
    link->waiting_bytes += bytes;
    rdma->counters.backlogged++;
}

static void drain(struct gcs_rdma *rdma, struct gcs_rdma_link *link)
{
    while (link->waiting && link->state == GCS_RDMA_UP) {
        const struct gcs_rdma_waiting *w = link->waiting;
        uint32_t segment;
        const uint8_t *record;
        if (link->run.bytes == 0 && !has_room(link, link->receives - KNOCKS))
            return;
        record = gcs_rdma_stage_place(&rdma->stage, w->data, w->size, &segment);
        rdma->counters.bytes_copied += record ? w->size : 0;
        if (!record || !add_record(rdma, link, record, gcs_ring_record_bytes(w->size), segment))
            return;
        pop(rdma, link);
    }
}

void gcs_rdma_drain(struct gcs_rdma *rdma)
{
    for (uint32_t slot = 0; rdma->backlogs > 0 && slot < rdma->slots; slot++) {
        struct gcs_rdma_link *link = rdma->slot[slot];
        if (link && link->waiting && link->state == GCS_RDMA_UP)
            drain(rdma, link);
    }
    post_dirty(rdma);
}

/* ---- Packets
 * ----------------------------------------------------------------------------------------- */

static void send_to(struct gcs_rdma *rdma, const struct gcs_core_packet *packet,
                    const struct gcs_address *to, const uint8_t **record, uint32_t *segment)
{
    struct gcs_rdma_link *link = gcs_rdma_link_get(rdma, to);

    if (!link) {
        rdma->counters.send_errors++;
        return;
    }
    if (link->state == GCS_RDMA_IDLE || gcs_rdma_is_overdue(link))
        gcs_rdma_connect(rdma, link);
    if (link->state == GCS_RDMA_IDLE) {
        drop(rdma, link);
        return;
    }
    rdma->counters.datagrams_sent++;
    rdma->counters.bytes_sent += packet->size;
    if (link->state == GCS_RDMA_UP && !link->waiting) {
        if (!*record) {
            *record = gcs_rdma_stage_place(&rdma->stage, packet->data, packet->size, segment);
            rdma->counters.bytes_copied += *record ? packet->size : 0;
        }
        if (*record &&
            add_record(rdma, link, *record, gcs_ring_record_bytes(packet->size), *segment))
            return;
        if (link->state != GCS_RDMA_UP) { /* broke meanwhile */
            drop(rdma, link);
            return;
        }
    }
    wait_in_line(rdma, link, packet);
}

void gcs_rdma_send(struct gcs_transport *transport, const struct gcs_core_packet *packets,
                   size_t count)
{
    struct gcs_rdma *rdma = (struct gcs_rdma *)transport;

    gcs_rdma_drain(rdma);
    for (size_t i = 0; i < count; i++) {
        const uint8_t *record = NULL;
        uint32_t segment = 0;
        if (packets[i].size == 0 || packets[i].size > rdma->caps.packet_bytes) {
            rdma->counters.send_errors += packets[i].to_count;
            continue;
        }
        for (size_t to = 0; to < packets[i].to_count; to++)
            send_to(rdma, &packets[i], &packets[i].to[to], &record, &segment);
    }
    post_dirty(rdma);
    gcs_rdma_update_wake(rdma);
}
