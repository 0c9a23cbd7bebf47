/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sending: many packets to many addresses with few system calls. Consecutive
 * packets of one size to the same addresses travel as a train: one message that
 * the system cuts into datagrams (UDP_SEGMENT), the last of which may be
 * shorter. Trains and single packets collect in a vector for sendmmsg; for each
 * address the order of the packets is kept.
 *
 * What the system refuses is counted and lost. An ICMP error that an earlier
 * packet met is reported by whatever call comes next: that call is made again,
 * so that a dead peer costs the living nothing. A system that cannot segment is
 * found out by its first refusal, and gets single packets from then on.
 */
#include "transport/udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

#define TRAIN_BYTES    65000
#define TRAIN_MAX      128 /* segments that a recent system takes ... */
#define TRAIN_MAX_OLD  64  /* ... and an older one */
#define PENDING_ERRORS 4   /* of earlier packets, to step over for one message */

void gcs_udp_sender_init(struct gcs_udp *udp)
{
    struct gcs_udp_sender *s = &udp->sender;
    int off = 0;

    for (unsigned i = 0; i < GCS_UDP_MESSAGES; i++)
        s->headers[i].msg_hdr.msg_name = &s->to[i];
    s->train_max = setsockopt(udp->unicast.fd, IPPROTO_UDP, UDP_SEGMENT, &off, sizeof(off)) == 0
                       ? TRAIN_MAX
                       : 1;
}

/* ---- Handing messages to the system ----------------------------------------------------- */

static bool is_to_group(const struct msghdr *h)
{
    const union gcs_udp_sockaddr *to = h->msg_name;

    if (to->any.sa_family == AF_INET6)
        return to->v6.sin6_addr.s6_addr[0] == 0xff;
    return ntohl(to->v4.sin_addr.s_addr) >> 28 == 0xe;
}

static void account(struct gcs_udp *udp, const struct mmsghdr *h)
{
    size_t datagrams = h->msg_hdr.msg_iovlen;

    if (udp->multicast.filtered)
        udp->multicast.own += is_to_group(&h->msg_hdr);

    udp->counters.datagrams_sent += datagrams;
    udp->counters.bytes_sent += h->msg_len;
    udp->counters.trains_sent += datagrams > 1;
}

/* Whether an error may belong to an earlier packet; then the error queue says which. */
static bool may_be_pending(struct gcs_udp *udp, int error)
{
    switch (error) {
    case EAGAIN:
    case ENOBUFS:
    case ENOMEM:
    case EBADF:
    case EFAULT:
    case EINVAL:
    case EPERM:
        return false;
    default:
        udp->evidence = true;
        return true;
    }
}

/* The packets of a train that the system would not take, one by one. */
static void send_apart(struct gcs_udp *udp, const struct msghdr *train)
{
    for (size_t i = 0; i < train->msg_iovlen; i++) {
        struct mmsghdr h = {.msg_hdr = {
                                .msg_name = train->msg_name,
                                .msg_namelen = train->msg_namelen,
                                .msg_iov = &train->msg_iov[i],
                                .msg_iovlen = 1,
                            }};
        unsigned tries = 0;
        int n;
        do {
            udp->counters.send_calls++;
            n = sendmmsg(udp->unicast.fd, &h, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        } while (n < 0 && may_be_pending(udp, errno) && ++tries < PENDING_ERRORS);
        if (n == 1)
            account(udp, &h);
        else
            udp->counters.send_errors++;
    }
}

/* The system refused a train: perhaps it takes shorter ones, perhaps none. */
static bool is_train_refused(struct gcs_udp *udp, const struct msghdr *h, int error)
{
    if (h->msg_iovlen == 1 || (error != EINVAL && error != EIO))
        return false;
    if (h->msg_iovlen > TRAIN_MAX_OLD)
        udp->sender.train_max = TRAIN_MAX_OLD;
    else
        udp->sender.train_max = 1;
    return true;
}

static void flush(struct gcs_udp *udp)
{
    struct gcs_udp_sender *s = &udp->sender;
    unsigned done = 0, tries = 0;

    while (done < s->messages) {
        udp->counters.send_calls++;
        int n = sendmmsg(udp->unicast.fd, s->headers + done, s->messages - done,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0) {
            if (done + (unsigned)n < s->messages) /* it does not tell what the next one met */
                udp->evidence = true;
            for (unsigned end = done + (unsigned)n; done < end; done++)
                account(udp, &s->headers[done]);
            tries = 0;
            continue;
        }
        const struct msghdr *refused = &s->headers[done].msg_hdr;
        if (is_train_refused(udp, refused, errno))
            send_apart(udp, refused);
        else if (may_be_pending(udp, errno) && ++tries < PENDING_ERRORS)
            continue;
        else
            udp->counters.send_errors += refused->msg_iovlen;
        done++;
        tries = 0;
    }
    s->messages = 0;
    s->vectors = 0;
}

/* ---- Collecting messages ------------------------------------------------------------------- */

static bool same_destination(const struct gcs_core_packet *a, const struct gcs_core_packet *b)
{
    if (a->to_count != b->to_count || a->multicast != b->multicast)
        return false;
    if (a->to == b->to)
        return true;
    for (size_t i = 0; i < a->to_count; i++) {
        if (!gcs_udp_same(&a->to[i], &b->to[i]))
            return false;
    }
    return true;
}

/* How many of the packets can go as one train, at least 1. Even two large ones save time. */
static size_t train_length(const struct gcs_udp *udp, const struct gcs_core_packet *packets,
                           size_t count)
{
    const size_t size = packets[0].size;
    size_t bytes = size, n = 1;

    if (size == 0)
        return 1;
    if (count > udp->sender.train_max)
        count = udp->sender.train_max;
    while (n < count && packets[n - 1].size == size && packets[n].size <= size &&
           packets[n].size > 0 && bytes + packets[n].size <= TRAIN_BYTES &&
           same_destination(&packets[0], &packets[n]))
        bytes += packets[n++].size;
    return n;
}

static struct iovec *add_vectors(struct gcs_udp_sender *s, const struct gcs_core_packet *packets,
                                 size_t count)
{
    struct iovec *first = &s->vector[s->vectors];

    for (size_t i = 0; i < count; i++) {
        /* sendmmsg does not write through iov_base, but its type does not say so. */
        // NOLINTNEXTLINE(performance-no-int-to-ptr)
        s->vector[s->vectors].iov_base = (void *)(uintptr_t)packets[i].data;
        s->vector[s->vectors++].iov_len = packets[i].size;
    }
    return first;
}

static void set_segment(struct gcs_udp_sender *s, unsigned message, size_t size)
{
    struct msghdr *h = &s->headers[message].msg_hdr;
    uint16_t segment = (uint16_t)size;

    h->msg_control = s->control[message].bytes;
    h->msg_controllen = sizeof(s->control[message].bytes);
    struct cmsghdr *c = CMSG_FIRSTHDR(h);
    c->cmsg_level = IPPROTO_UDP;
    c->cmsg_type = UDP_SEGMENT;
    c->cmsg_len = CMSG_LEN(sizeof(segment));
    memcpy(CMSG_DATA(c), &segment, sizeof(segment));
}

static void queue_train(struct gcs_udp *udp, const struct gcs_core_packet *packets, size_t count)
{
    struct gcs_udp_sender *s = &udp->sender;
    const bool multicast = packets->multicast && udp->caps.multicast && packets->to_count > 1;
    const struct gcs_address *to = multicast ? &udp->group : packets->to;
    const size_t to_count = multicast ? 1 : packets->to_count;
    struct iovec *vectors = NULL;

    if (s->vectors + count > GCS_UDP_VECTORS)
        flush(udp);
    for (size_t i = 0; i < to_count; i++) {
        if (s->messages == GCS_UDP_MESSAGES) {
            flush(udp);
            vectors = NULL;
        }
        struct msghdr *h = &s->headers[s->messages].msg_hdr;
        h->msg_namelen = gcs_udp_to_sockaddr(&to[i], udp->scope, &s->to[s->messages]);
        if (h->msg_namelen == 0 ||
            s->to[s->messages].any.sa_family != gcs_udp_family(&udp->address)) {
            udp->counters.send_errors += count;
            continue;
        }
        if (!vectors)
            vectors = add_vectors(s, packets, count);
        h->msg_iov = vectors;
        h->msg_iovlen = count;
        h->msg_control = NULL;
        h->msg_controllen = 0;
        if (count > 1)
            set_segment(s, s->messages, packets->size);
        s->messages++;
    }
}

void gcs_udp_send(struct gcs_transport *transport, const struct gcs_core_packet *packets,
                  size_t count)
{
    struct gcs_udp *udp = (struct gcs_udp *)transport;

    for (size_t i = 0; i < count;) {
        size_t n = train_length(udp, packets + i, count - i);
        queue_train(udp, packets + i, n);
        i += n;
    }
    flush(udp);
}
