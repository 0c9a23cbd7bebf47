/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a transport is to the endpoint: a way to send packets to addresses and
 * to take packets in, without blocking, with one descriptor to wait on. It
 * knows nothing of groups, views or frames. tests/conformance holds every
 * transport to this page.
 *
 * A transport belongs to one thread at a time.
 */
#ifndef GCS_TRANSPORT_H
#define GCS_TRANSPORT_H

#include <gcs/core.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gcs_transport;

/* What the layers above may ask about a transport, instead of which one it is. */
struct gcs_transport_caps {
    bool multicast;         /* one send reaches a whole group */
    bool reliable;          /* packets between living peers do not get lost */
    bool ordered;           /* nor overtake each other */
    uint32_t packet_bytes;  /* largest packet */
    uint32_t receive_bytes; /* what is buffered before packets are lost */
};

/* A received packet: data lies in buffer, of which the caller owns one reference. */
struct gcs_transport_packet {
    struct gcs_address from;
    struct gcs_buffer *buffer;
    const uint8_t *data;
    size_t size;
};

/* X(name, what it counts) */
#define GCS_TRANSPORT_COUNTER_TABLE(X)                                                     \
    X(send_calls, "system calls that send")                                                \
    X(receive_calls, "system calls that receive")                                          \
    X(datagrams_sent, "datagrams sent, each copy of a fan-out counted")                    \
    X(datagrams_received, "datagrams received")                                            \
    X(bytes_sent, "bytes sent, each copy counted")                                         \
    X(bytes_received, "bytes received")                                                    \
    X(bytes_copied, "bytes of packets copied within the process")                          \
    X(trains_sent, "system calls that sent several datagrams by segmentation offload")     \
    X(send_errors, "datagrams that the system refused to send")                            \
    X(receive_errors, "receive calls that failed")                                         \
    X(overflows, "datagrams that the system dropped because a socket buffer was full")     \
    X(truncated, "datagrams larger than any packet, dropped")                              \
    X(pool_exhausted, "datagrams dropped because the pool of receive buffers was used up") \
    X(unreachable, "notices that nobody listens at an address")                            \
    X(faults, "datagrams that a faults= option lost, doubled, damaged or held back")       \
    X(work_requests, "RDMA: work requests posted: runs of packets, and knocks")            \
    X(runs, "RDMA: runs of packets written into others' rings, one write each")            \
    X(knocks, "RDMA: writes that carry nothing but credit")                                \
    X(doorbells, "RDMA: chains of work requests posted")                                   \
    X(signalled, "RDMA: work requests whose completion was asked for")                     \
    X(receives, "RDMA: receives posted, for the immediate data that tells of a run")       \
    X(wire_bytes, "RDMA: bytes written, everything of ours counted")                       \
    X(backlogged, "RDMA: packets that waited for a connection or for credit")              \
    X(full_backlogs, "RDMA: packets that a full backlog refused")                          \
    X(copied, "RDMA: packets copied out of a ring that had little room left")              \
    X(connections, "RDMA: connections made")                                               \
    X(failed_connections, "RDMA: connections that could not be made")                      \
    X(broken_links, "RDMA: connections that broke, or that the peer closed")               \
    X(fenced_links, "RDMA: connections closed because the peer is no member any more")     \
    X(failed_requests, "RDMA: completions with an error")                                  \
    X(refused_posts, "RDMA: posts that the device refused")                                \
    X(device_events, "RDMA: events of the device: ports, addresses, failure")

struct gcs_transport_counters {
#define GCS_TRANSPORT_COUNTER_FIELD(name, text) uint64_t name;
    GCS_TRANSPORT_COUNTER_TABLE(GCS_TRANSPORT_COUNTER_FIELD)
#undef GCS_TRANSPORT_COUNTER_FIELD
};

/* No slot is ever NULL. */
struct gcs_transport_ops {
    const char *scheme; /* "udp" */

    /* Also called in a child after fork(), at any moment of the parent's work: frees and closes the
     * child's copies and leaves alone what parent and child share. */
    void (*close)(struct gcs_transport *transport);

    const struct gcs_transport_caps *(*caps)(const struct gcs_transport *transport);

    /* Where others reach us. */
    const struct gcs_address *(*address)(const struct gcs_transport *transport);

    /* Addresses where members may be found at the start; *count of them. */
    const struct gcs_address *(*seeds)(const struct gcs_transport *transport, size_t *count);

    /* One descriptor, the same for life, readable (level-triggered) when receive() or
     * unreachable() has something. */
    int (*fd)(const struct gcs_transport *transport);

    /*
     * Takes up to max packets in. Returns how many; fewer than max: nothing more is there at the
     * moment. Never blocks. Connections are made and kept in here as well, also with max == 0: it
     * is called when the descriptor is readable.
     */
    size_t (*receive)(struct gcs_transport *transport, struct gcs_transport_packet *packets,
                      size_t max);

    /*
     * Sends packets in order, each to all of its addresses. What the system refuses is counted
     * and lost, as a network would. Never blocks. May keep references to the packets' buffers until
     * close(), which comes before their owner goes.
     */
    void (*send)(struct gcs_transport *transport, const struct gcs_core_packet *packets,
                 size_t count);

    /* Takes one notice that nobody listens at an address, or, of a reliable transport, that packets
     * to or from there may have been lost, of those that receive() or send() came across; false:
     * there is none. */
    bool (*unreachable)(struct gcs_transport *transport, struct gcs_address *peer);

    /* All members of the groups that the owner is in, before a view is handed out. A transport with
     * connections has one with each of them, and takes nothing more through that of a former one.
     */
    void (*peers)(struct gcs_transport *transport, const struct gcs_address *peers, size_t count);

    const struct gcs_transport_counters *(*counters)(const struct gcs_transport *transport);

    /* What the transport has to do without although it was asked for, as a sentence; "": nothing.
     */
    const char *(*note)(const struct gcs_transport *transport);
};

/* The first member of every transport. */
struct gcs_transport {
    const struct gcs_transport_ops *ops;
};

/*
 * Opens the transport that the URL names, such as
 * "udp://127.0.0.1:7400?seeds=127.0.0.1:7401,127.0.0.1:7402". On failure returns a negative
 * code and writes into error (of error_size bytes) a sentence that names the bad value.
 */
int gcs_transport_open(const char *url, struct gcs_transport **transport, char *error,
                       size_t error_size);

/* Text of an address ("127.0.0.1:7400", "[::1]:7400") and back. Formatting always
 * terminates the text; parsing returns 0 or GCS_EADDRESS. */
#define GCS_ADDRESS_TEXT_MAX 80
void gcs_address_format(const struct gcs_address *address, char *text, size_t size);
int gcs_address_parse(const char *text, struct gcs_address *address);

#endif
