/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The links to peers: one for each address that packets went to or came from. They are found by
 * address, and by a number that every work request carries, so that a completion, good or bad, is
 * attributed to its peer even if the link has been replaced meanwhile.
 *
 * Members of our groups are told by peers(). A member that is none any more is fenced before the
 * next view is handed out: its queue pair goes into the error state, so that nothing of it reaches
 * our memory; or, while the last word to it is on its way, for up to a second, the queue pair
 * refuses to be written through. It may connect again, as a stranger.
 */
#include "transport/rdma.h"

#include <stdlib.h>
#include <string.h>

#define SLOT_BITS 10
#define SLOT_MASK ((1u << SLOT_BITS) - 1)

static uint32_t bucket_of(const struct gcs_address *peer)
{
    uint32_t hash = 2166136261u;

    for (unsigned i = 0; i < peer->length; i++)
        hash = (hash ^ peer->bytes[i]) * 16777619u;
    return (hash ^ hash >> 16) % GCS_RDMA_BUCKETS;
}

struct gcs_rdma_link *gcs_rdma_link_find(struct gcs_rdma *rdma, const struct gcs_address *peer)
{
    struct gcs_rdma_link *link = rdma->bucket[bucket_of(peer)];

    while (link && !gcs_udp_same(&link->peer, peer))
        link = link->next;
    return link;
}

static void renew_id(struct gcs_rdma *rdma, struct gcs_rdma_link *link, uint32_t slot)
{
    link->id = (++rdma->generation << SLOT_BITS | slot) & INT32_MAX;
}

static void forget(struct gcs_rdma *rdma, struct gcs_rdma_link *link)
{
    struct gcs_rdma_link **at = &rdma->bucket[bucket_of(&link->peer)];

    gcs_rdma_link_close(rdma, link);
    gcs_rdma_drop_backlog(rdma, link);
    while (*at != link)
        at = &(*at)->next;
    *at = link->next;
    rdma->slot[link->id & SLOT_MASK] = NULL;
    free(link);
}

/* A free slot, if need be that of a stranger that we have no connection with. */
static uint32_t find_slot(struct gcs_rdma *rdma)
{
    uint32_t slot = 0;

    while (slot < rdma->slots && rdma->slot[slot])
        slot++;
    if (slot < GCS_RDMA_LINKS) {
        rdma->slots = slot < rdma->slots ? rdma->slots : slot + 1;
        return slot;
    }
    for (slot = 0; slot < GCS_RDMA_LINKS; slot++) {
        struct gcs_rdma_link *link = rdma->slot[slot];
        if (link->state == GCS_RDMA_IDLE && !link->member && !link->dirty && !link->notice) {
            forget(rdma, link);
            return slot;
        }
    }
    return GCS_RDMA_LINKS;
}

struct gcs_rdma_link *gcs_rdma_link_get(struct gcs_rdma *rdma, const struct gcs_address *peer)
{
    struct gcs_rdma_link *link = gcs_rdma_link_find(rdma, peer);
    uint32_t slot;

    if (link)
        return link;
    if (gcs_udp_family(peer) != gcs_udp_family(&rdma->address) ||
        gcs_udp_same(peer, &rdma->address))
        return NULL;
    slot = find_slot(rdma);
    link = slot < GCS_RDMA_LINKS ? calloc(1, sizeof(*link)) : NULL;
    if (!link)
        return NULL;
    link->rdma = rdma;
    link->peer = *peer;
    link->waiting_end = &link->waiting;
    link->next = rdma->bucket[bucket_of(peer)];
    rdma->bucket[bucket_of(peer)] = link;
    rdma->slot[slot] = link;
    renew_id(rdma, link, slot);
    return link;
}

struct gcs_rdma_link *gcs_rdma_link_by_id(struct gcs_rdma *rdma, uint32_t id)
{
    struct gcs_rdma_link *link = rdma->slot[id & SLOT_MASK];
    return link && link->id == id ? link : NULL;
}

static void fence(struct gcs_rdma_link *link)
{
    struct ibv_qp_attr attr = {.qp_state = IBV_QPS_ERR};
    if (link->qp)
        (void)ibv_modify_qp(link->qp, &attr, IBV_QP_STATE);
}

void gcs_rdma_link_close(struct gcs_rdma *rdma, struct gcs_rdma_link *link)
{
    fence(link);
    rdma->closing -= link->state == GCS_RDMA_CLOSING;
    gcs_rdma_receive_forget(rdma, link);
    gcs_rdma_send_reset(rdma, link);
    if (link->qp)
        ibv_destroy_qp(link->qp);
    if (link->cm)
        rdma_destroy_id(link->cm); /* tells the peer, if it was connected */
    gcs_rdma_unregister(rdma, link->mr);
    gcs_ring_in_release(link->in);
    link->qp = NULL;
    link->cm = NULL;
    link->mr = NULL;
    link->in = NULL;
    link->state = GCS_RDMA_IDLE;
    link->parting = false;
    link->ending = 0;
    link->consumed = link->reposted = link->told_consumed = link->told_returned = 0;
    link->credited = link->moved = link->moved_at = 0;
    link->posted = link->completed = link->arrived = link->granted = link->serial = 0;
    link->lost |= link->told;
    link->told = false;
    renew_id(rdma, link, link->id & SLOT_MASK); /* completions of the old queue pair are nobody's */
}

void gcs_rdma_link_break(struct gcs_rdma *rdma, struct gcs_rdma_link *link)
{
    gcs_rdma_link_close(rdma, link);
    gcs_rdma_drop_backlog(rdma, link);
    rdma->counters.broken_links++;
    gcs_rdma_tell(rdma, link);
}

void gcs_rdma_links_free(struct gcs_rdma *rdma)
{
    for (uint32_t slot = 0; slot < rdma->slots; slot++) {
        if (rdma->slot[slot])
            forget(rdma, rdma->slot[slot]);
    }
}

/* The device refuses whatever the peer writes from now on. What we have sent is not touched by that
 * until the peer does write. */
static bool refuse_writes(struct gcs_rdma_link *link)
{
    struct ibv_qp_attr attr = {.qp_access_flags = IBV_ACCESS_LOCAL_WRITE};

    return ibv_modify_qp(link->qp, &attr, IBV_QP_ACCESS_FLAGS) == 0;
}

/* The last that was sent to a former member, the word that it is out, still leaves; what it writes
 * itself is refused from now on, and of what it has written before nothing is taken any more. */
static void part(struct gcs_rdma *rdma, struct gcs_rdma_link *link)
{
    bool unsent = link->waiting || link->arrived < link->posted;

    if (link->state == GCS_RDMA_UP && unsent && refuse_writes(link)) {
        link->parting = true;
        link->since = gcs_rdma_now();
    } else {
        gcs_rdma_link_close(rdma, link);
        gcs_rdma_drop_backlog(rdma, link);
    }
}

/* ---- Members ----------------------------------------------------------------------------------
 */

void gcs_rdma_peers(struct gcs_transport *transport, const struct gcs_address *peers, size_t count)
{
    struct gcs_rdma *rdma = (struct gcs_rdma *)transport;
    bool was[GCS_RDMA_LINKS] = {false};

    for (uint32_t slot = 0; slot < rdma->slots; slot++) {
        struct gcs_rdma_link *link = rdma->slot[slot];
        was[slot] = link && link->member;
        if (link)
            link->member = false;
    }
    for (size_t i = 0; i < count; i++) {
        struct gcs_rdma_link *link = gcs_rdma_link_get(rdma, &peers[i]);
        if (!link)
            continue;
        if (link->parting) { /* a queue pair that refuses writes goes on refusing them */
            gcs_rdma_link_close(rdma, link);
            gcs_rdma_drop_backlog(rdma, link);
        }
        link->member = true;
        if (link->state == GCS_RDMA_IDLE)
            gcs_rdma_connect(rdma, link);
    }
    for (uint32_t slot = 0; slot < rdma->slots; slot++) {
        struct gcs_rdma_link *link = rdma->slot[slot];
        if (link && was[slot] && !link->member) {
            rdma->counters.fenced_links += link->qp != NULL;
            part(rdma, link);
        }
    }
    gcs_rdma_update_wake(rdma);
}

/* ---- Notices ------------------------------------------------------------------------------------
 */

void gcs_rdma_tell(struct gcs_rdma *rdma, struct gcs_rdma_link *link)
{
    if (link->notice)
        return;
    link->notice = true;
    rdma->notices++;
    rdma->counters.unreachable++;
}

bool gcs_rdma_unreachable(struct gcs_transport *transport, struct gcs_address *peer)
{
    struct gcs_rdma *rdma = (struct gcs_rdma *)transport;

    for (uint32_t slot = 0; rdma->notices > 0 && slot < rdma->slots; slot++) {
        struct gcs_rdma_link *link = rdma->slot[slot];
        if (!link || !link->notice)
            continue;
        link->notice = false;
        rdma->notices--;
        *peer = link->peer;
        gcs_rdma_update_wake(rdma);
        return true;
    }
    return false;
}
