/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What every transport must do, as tests over a table of networks: each test is
 * run once per row. A network opens endpoints that can reach each other on this
 * machine. To hold a new transport to the suite, add a row in networks.c.
 */
#ifndef GCS_TESTS_CONFORMANCE_H
#define GCS_TESTS_CONFORMANCE_H

#include "transport/transport.h"

#include <check.h>

struct network {
    const char *name;
    const char *url; /* may hold one %s: the group's address, different in each process */
    bool multicast;  /* native multicast must work */
    bool ipv6;       /* needs a machine with IPv6 */
    bool evidence;   /* a closed peer is noticed */
    bool batches;    /* many packets per system call */
    bool connects;   /* its endpoints have work of their own, which all of them are given */
    bool devices;    /* needs RDMA devices, of which the endpoints take one after the other */
};

extern struct network networks[];
extern int networks_count;

/* Takes out, and names, the networks that this machine does not have. */
void networks_probe(void);

/* Opens an endpoint; options such as "pool=4M" are added to the URL; NULL: none. */
struct gcs_transport *network_open(const struct network *network, const char *options);
void network_close(struct gcs_transport *transport);

const struct gcs_transport_counters *counters_of(struct gcs_transport *t);
const struct gcs_address *address_of(struct gcs_transport *t);

/* A packet's bytes are a function of its seed: its first bytes tell it, if there are eight. */
void fill_pattern(uint8_t *data, size_t size, uint64_t seed);
bool is_pattern(const uint8_t *data, size_t size, uint64_t seed);
uint64_t seed_of(const uint8_t *data);

/* count packets of size bytes each, with seeds first, first + 1, ... to the addresses. */
struct parcel {
    uint8_t *bytes;
    struct gcs_core_packet *packets;
    size_t count;
};
struct parcel parcel_make(size_t count, size_t size, uint64_t first, const struct gcs_address *to,
                          size_t to_count);
void parcel_free(struct parcel *parcel);
void send_parcel(struct gcs_transport *t, const struct parcel *parcel);

/* Receives want packets, at most max at a time, or gives up after a second without any. */
size_t receive_some(struct gcs_transport *t, struct gcs_transport_packet *packets, size_t want,
                    size_t max);
void release(struct gcs_transport_packet *packets, size_t count);

/* Takes in what others' opening may have left there, which is no packet. */
void settle(struct gcs_transport *t);

/* Whether the descriptor is readable within ms, because there is something for us. */
bool is_readable(struct gcs_transport *t, int ms);

/* How many descriptors this process has open. */
int open_descriptors(void);

Suite *delivery_suite(void);
Suite *buffers_suite(void);
Suite *evidence_suite(void);
Suite *resources_suite(void);

#endif
