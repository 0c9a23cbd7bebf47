/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Evidence that nobody listens: the ICMP errors that our packets met, read from
 * the socket's error queue. Only "port unreachable" and "host unreachable" count,
 * and one notice per peer stands for any number of errors that came together.
 *
 * Whatever goes into that queue also makes the next call fail that sends or receives:
 * nobody looks before that has happened.
 */
#include "transport/udp.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <string.h>

#define QUEUE_READS 256 /* per call: the queue may be refilled as fast as it is read */

static bool counts(const struct sock_extended_err *e)
{
    return (e->ee_origin == SO_EE_ORIGIN_ICMP || e->ee_origin == SO_EE_ORIGIN_ICMP6) &&
           (e->ee_errno == ECONNREFUSED || e->ee_errno == EHOSTUNREACH);
}

static void remember(struct gcs_udp *udp, const struct gcs_address *peer)
{
    for (unsigned i = 0; i < udp->notices_count; i++) {
        if (gcs_udp_same(&udp->notices[i], peer))
            return;
    }
    if (udp->notices_count == GCS_UDP_NOTICES)
        return;
    udp->notices[udp->notices_count++] = *peer;
    udp->counters.unreachable++;
}

/* Reads one error; false: there is none. The name of the message is where our packet went. */
static bool read_error(struct gcs_udp *udp)
{
    union gcs_udp_sockaddr to;
    struct gcs_address peer;
    struct sock_extended_err e;
    _Alignas(struct cmsghdr) uint8_t control[256];
    uint8_t byte;
    struct iovec vector = {.iov_base = &byte, .iov_len = 1};
    struct msghdr h = {
        .msg_name = &to,
        .msg_namelen = sizeof(to),
        .msg_iov = &vector,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof(control),
    };

    if (recvmsg(udp->unicast.fd, &h, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
        return errno == EINTR;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&h); c; c = CMSG_NXTHDR(&h, c)) {
        if (!(c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) &&
            !(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
            continue;
        memcpy(&e, CMSG_DATA(c), sizeof(e));
        if (counts(&e) && h.msg_namelen > 0 && gcs_udp_from_sockaddr(&to.any, &peer))
            remember(udp, &peer);
    }
    return true;
}

/*
 * The error that the socket would report at the next call has been read from the queue; clearing
 * it stops the descriptor from being readable for nothing.
 */
static void clear_pending(struct gcs_udp *udp)
{
    int error;
    socklen_t size = sizeof(error);
    getsockopt(udp->unicast.fd, SOL_SOCKET, SO_ERROR, &error, &size);
}

bool gcs_udp_unreachable(struct gcs_transport *transport, struct gcs_address *peer)
{
    struct gcs_udp *udp = (struct gcs_udp *)transport;
    unsigned reads = 0;
    bool found;

    if (udp->notices_count == 0 && udp->evidence) {
        udp->evidence = false;
        while (reads < QUEUE_READS && read_error(udp))
            reads++;
        if (reads > 0)
            clear_pending(udp);
    }
    found = udp->notices_count > 0;
    if (found)
        *peer = udp->notices[--udp->notices_count];
    gcs_udp_update_wake(udp);
    return found;
}
