/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receiving: recvmmsg into a vector of slots, each large enough for a train
 * that the system has coalesced (UDP_GRO). A large datagram or train keeps the
 * slot's buffer, shared by its packets, and the slot gets a new one; a small
 * one is copied out, which costs less than what it would hold captive. What
 * does not fit into the caller's array stays for the next call, and keeps the
 * transport's descriptor readable.
 *
 * The vector starts small and grows when it comes back full, so that an idle
 * endpoint has touched next to no memory.
 */
#include "transport/udp.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

#define COPY_BYTES     16384 /* up to here copying is cheaper than a slot held for long */
#define PENDING_ERRORS 32    /* ICMP errors to step over in one call; there may be more */

/* ---- Slots ---------------------------------------------------------------------------- */

static bool add_slot(struct gcs_udp_receiver *r)
{
    struct gcs_udp_receive_slot *slot = &r->slot[r->slots];

    slot->buffer = gcs_udp_pool_get(r->pool, GCS_UDP_SLOT_BYTES);
    if (!slot->buffer)
        return false;
    slot->vector.iov_base = slot->buffer->data;
    slot->vector.iov_len = GCS_UDP_SLOT_BYTES;
    r->headers[r->slots].msg_hdr.msg_iov = &slot->vector;
    r->headers[r->slots].msg_hdr.msg_iovlen = 1;
    r->slots++;
    return true;
}

static void grow(struct gcs_udp_receiver *r)
{
    unsigned target = 2 * r->slots < GCS_UDP_SLOTS_MAX ? 2 * r->slots : GCS_UDP_SLOTS_MAX;

    while (r->slots < target && add_slot(r))
        ;
}

/* A buffer with what slot holds, to be given away. NULL: the pool is used up; the slot stays. */
static struct gcs_buffer *claim(struct gcs_udp_receiver *r, struct gcs_udp_receive_slot *slot,
                                size_t size)
{
    struct gcs_buffer *fresh;
    struct gcs_buffer *full = slot->buffer;

    if (size <= COPY_BYTES) {
        fresh = gcs_udp_pool_get(r->pool, size);
        if (fresh)
            memcpy(fresh->data, full->data, size);
        return fresh;
    }
    fresh = gcs_udp_pool_get(r->pool, GCS_UDP_SLOT_BYTES);
    if (!fresh)
        return NULL;
    slot->buffer = fresh;
    slot->vector.iov_base = fresh->data;
    return full;
}

/* ---- System calls ------------------------------------------------------------------------ */

/* An error that an earlier packet of ours met: it is in the error queue too, and says nothing
 * about this call. */
static bool is_pending_error(int error)
{
    switch (error) {
    case EAGAIN:
    case EBADF:
    case EFAULT:
    case EINVAL:
    case ENOMEM:
    case ENOTSOCK:
        return false;
    default:
        return true;
    }
}

/* recvmmsg without blocking; 0: nothing there. */
static unsigned take(struct gcs_udp *udp, struct gcs_udp_socket *s, unsigned want)
{
    struct gcs_udp_receiver *r = &udp->receiver;
    int n;

    for (unsigned i = 0; i < want; i++) {
        struct msghdr *h = &r->headers[i].msg_hdr;
        h->msg_name = &r->slot[i].from;
        h->msg_namelen = sizeof(r->slot[i].from);
        h->msg_control = r->slot[i].control;
        h->msg_controllen = sizeof(r->slot[i].control);
        h->msg_flags = 0;
    }
    for (unsigned tries = 0; tries < PENDING_ERRORS; tries++) {
        udp->counters.receive_calls++;
        n = recvmmsg(s->fd, r->headers, want, MSG_DONTWAIT, NULL);
        if (n >= 0)
            return (unsigned)n;
        if (!is_pending_error(errno)) {
            udp->counters.receive_errors += errno != EAGAIN;
            return 0;
        }
        udp->evidence = true;
    }
    return 0;
}

/*
 * Fills the slots from one of the sockets that are not known to be drained; false: all are. A
 * vector that comes back short says that its socket was empty.
 */
static bool fill(struct gcs_udp *udp, size_t want, bool drained[2])
{
    struct gcs_udp_receiver *r = &udp->receiver;
    struct gcs_udp_socket *sockets[2] = {&udp->unicast, &udp->multicast};

    r->next = 0;
    for (unsigned i = 0; i < 2; i++) {
        unsigned which = r->turn++ & 1;
        if (drained[which])
            continue;
        unsigned asked = want < r->slots ? (unsigned)want : r->slots;
        r->filled = take(udp, sockets[which], asked);
        r->source = sockets[which];
        drained[which] = r->filled < asked;
        if (r->filled == r->slots)
            grow(r);
        if (r->filled > 0)
            return true;
    }
    r->filled = 0;
    return false;
}

/* ---- Datagrams and trains ------------------------------------------------------------------- */

/* The system's count of drops includes our own multicasts, perhaps with a delay. */
static void count_overflows(struct gcs_udp *udp, struct gcs_udp_socket *s, uint32_t drops)
{
    int32_t more = (int32_t)(drops - s->own - s->overflows);

    if (more > 0) {
        udp->counters.overflows += (uint32_t)more;
        s->overflows += (uint32_t)more;
    }
}

/* What the system says beside the bytes: the segment size of a train (0: none), overflows. */
static size_t read_control(struct gcs_udp *udp, struct msghdr *h)
{
    size_t segment = 0;
    uint32_t drops;
    int size;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
        if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
            memcpy(&size, CMSG_DATA(c), sizeof(size));
            segment = size > 0 ? (size_t)size : 0;
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
            memcpy(&drops, CMSG_DATA(c), sizeof(drops));
            count_overflows(udp, udp->receiver.source, drops);
        }
    }
    return segment;
}

/* Looks at the next slot; true if its packets can now be handed out. */
static bool begin(struct gcs_udp *udp)
{
    struct gcs_udp_receiver *r = &udp->receiver;
    struct gcs_udp_receive_slot *slot = &r->slot[r->next];
    struct mmsghdr *h = &r->headers[r->next++];
    size_t size = h->msg_len;
    size_t segment = read_control(udp, &h->msg_hdr);
    uint64_t datagrams;

    if (segment == 0 || segment > size)
        segment = size;
    datagrams = size ? (size + segment - 1) / segment : 1;
    if (!gcs_udp_from_sockaddr(&slot->from.any, &r->from))
        return false;
    /* Where the filter on the multicast socket could not be attached. */
    if (r->source == &udp->multicast && gcs_udp_same(&r->from, &udp->source))
        return false;
    udp->counters.datagrams_received += datagrams;
    udp->counters.bytes_received += size;
    if (h->msg_hdr.msg_flags & MSG_TRUNC) {
        udp->counters.truncated += datagrams;
        return false;
    }
    if (size == 0) /* a self-test, ours or somebody else's: not a packet */
        return false;
    r->train = claim(r, slot, size);
    udp->counters.bytes_copied += r->train && size <= COPY_BYTES ? size : 0;
    if (!r->train) {
        udp->counters.pool_exhausted += datagrams;
        return false;
    }
    r->at = 0;
    r->end = size;
    r->segment = segment;
    return true;
}

/* Hands out packets of the train; the train itself holds one reference until its end. */
static size_t hand_out(struct gcs_udp_receiver *r, struct gcs_transport_packet *packets, size_t max)
{
    size_t n = 0;

    while (n < max && r->at < r->end) {
        size_t left = r->end - r->at;
        packets[n++] = (struct gcs_transport_packet){
            .from = r->from,
            .buffer = gcs_buffer_ref(r->train),
            .data = r->train->data + r->at,
            .size = left < r->segment ? left : r->segment,
        };
        r->at += r->segment;
    }
    if (r->at >= r->end) {
        gcs_buffer_unref(r->train);
        r->train = NULL;
    }
    return n;
}

size_t gcs_udp_receive(struct gcs_transport *transport, struct gcs_transport_packet *packets,
                       size_t max)
{
    struct gcs_udp *udp = (struct gcs_udp *)transport;
    struct gcs_udp_receiver *r = &udp->receiver;
    bool drained[2] = {false, udp->multicast.fd < 0};
    size_t n = 0;

    while (n < max) {
        if (r->train)
            n += hand_out(r, packets + n, max - n);
        else if (r->next < r->filled)
            begin(udp);
        else if (!fill(udp, max - n, drained))
            break;
    }
    gcs_udp_update_wake(udp);
    return n;
}

bool gcs_udp_receiver_waiting(const struct gcs_udp *udp)
{
    return udp->receiver.train || udp->receiver.next < udp->receiver.filled;
}

int gcs_udp_receiver_init(struct gcs_udp *udp, size_t pool_bytes)
{
    struct gcs_udp_receiver *r = &udp->receiver;

    r->pool = gcs_udp_pool_new(pool_bytes);
    if (!r->pool)
        return GCS_ENOMEM;
    while (r->slots < GCS_UDP_SLOTS_MIN) {
        if (!add_slot(r))
            return GCS_ENOMEM;
    }
    return 0;
}

void gcs_udp_receiver_fini(struct gcs_udp *udp)
{
    struct gcs_udp_receiver *r = &udp->receiver;

    if (!r->pool)
        return;
    gcs_buffer_unref(r->train);
    while (r->slots > 0)
        gcs_buffer_unref(r->slot[--r->slots].buffer);
    gcs_udp_pool_release(r->pool);
    r->pool = NULL;
}
