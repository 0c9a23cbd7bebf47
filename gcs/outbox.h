/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets on their way out, until the caller of the core has handed them to the
 * network. Each holds references to its bytes and to the list of addresses that
 * it goes to, so neither a view change nor a release can pull them away.
 */
#ifndef GCS_OUTBOX_H
#define GCS_OUTBOX_H

#include "gcs/base/memory.h"

/* Addresses of everybody else in a view; shared by all packets that go there. */
struct gcs_route {
    const struct gcs_allocator *allocator;
    uint32_t refs;
    uint16_t count;
    bool each; /* to each address by itself, also where the network has multicast */
    struct gcs_address to[];
};

struct gcs_route *gcs_route_new(const struct gcs_allocator *allocator, uint16_t count);
void gcs_route_unref(struct gcs_route *route);

struct gcs_outgoing {
    struct gcs_route *route; /* NULL: to one address */
    struct gcs_address to;
    struct gcs_buffer *buffer;
    const uint8_t *data;
    size_t size;
};

struct gcs_outbox {
    const struct gcs_allocator *allocator;
    struct gcs_counters *counters;
    struct gcs_outgoing *entries;
    struct gcs_core_packet *packets; /* what the caller sees of them */
    size_t count, capacity;
    size_t urgent; /* the first so many of them */
};

void gcs_outbox_init(struct gcs_outbox *outbox, const struct gcs_allocator *allocator,
                     struct gcs_counters *counters);
void gcs_outbox_fini(struct gcs_outbox *outbox);

/* Adds a packet, taking a reference to the buffer. Out of memory: lost, as on a network. */
void gcs_outbox_multicast(struct gcs_outbox *outbox, struct gcs_route *route,
                          struct gcs_buffer *buffer, const uint8_t *data, size_t size);
void gcs_outbox_unicast(struct gcs_outbox *outbox, const struct gcs_address *to,
                        struct gcs_buffer *buffer, const uint8_t *data, size_t size);

/* The same, ahead of all that is not urgent: what is lost or late because of a lot of data before
 * it must not be a sign of life. */
void gcs_outbox_urgent(struct gcs_outbox *outbox, const struct gcs_address *to,
                       struct gcs_buffer *buffer, const uint8_t *data, size_t size);

const struct gcs_core_packet *gcs_outbox_packets(struct gcs_outbox *outbox, size_t *count);
void gcs_outbox_clear(struct gcs_outbox *outbox);

#endif
