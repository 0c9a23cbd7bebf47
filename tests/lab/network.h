/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the processes are connected by, and what is done to it. Three networks
 * with one interface:
 *
 *   namespaces  (spaces.c) each process is in a network namespace of its own, behind a
 *               veth pair and a bridge. Loss, cuts and partitions are nftables rules on the
 *               bridge, rates a token bucket (tbf), flaps, MTUs and addresses what
 *               ip(8) does to interfaces; delay is a relay (relay.h) that takes
 *               the bridge port's place, since the kernels that this runs on often have
 *               no netem. Needs root, ip, tc and nft.
 *   loopback    all processes are on 127.0.0.1 or ::1. If the network is to suffer, each
 *               tells the others the address of a relay in its place, which does it all.
 *   rdma        (devices.c) each process has an RDMA device of script/rdma-guest. Links go down;
 *               nothing else is done to them.
 *
 * A caller writes into links what each link shall be like, and calls
 * lab_network_update. Guarantees that nothing of it outlives gcs-lab, however
 * that ends: namespaces have no names, and go with their processes.
 */
#ifndef TESTS_LAB_NETWORK_H
#define TESTS_LAB_NETWORK_H

#include "tests/lab/plan.h"

#define LAB_ADDRESS_TEXT 64

/* One slot's link, both ways where nothing else is said. */
struct lab_link {
    uint64_t unheard;   /* set of slots of which nothing arrives here */
    uint32_t loss;      /* millionths, of what arrives here */
    uint32_t delay_us;  /* each way ... */
    uint32_t jitter_us; /* ... and up to so much more, by chance */
    uint32_t rate_kbit; /* per second; 0: no limit */
    uint32_t mtu;       /* 0: as usual */
    bool down;
    bool addressless; /* namespaces only */
};

struct lab_relay;
struct lab_spaces;

struct lab_network {
    enum lab_network_kind kind; /* not LAB_AUTO */
    unsigned members;
    bool ipv6;
    bool multicast;
    struct lab_link links[LAB_MEMBERS_MAX];            /* as they shall be */
    struct lab_link applied[LAB_MEMBERS_MAX];          /* as they are */
    char addresses[LAB_MEMBERS_MAX][LAB_ADDRESS_TEXT]; /* what others send to */
    char binds[LAB_MEMBERS_MAX][LAB_ADDRESS_TEXT];     /* what a process binds */
    struct lab_relay *relay;                           /* or NULL */
    struct lab_spaces *spaces;                         /* or NULL */
    char failure[200];                                 /* what could not be done; "": nothing */
};

/* What AUTO is on this machine; why: what stands in the way of namespaces or of devices, or "". */
enum lab_network_kind lab_network_choose(enum lab_network_kind wanted, unsigned members, char *why,
                                         size_t size);

/* Whether that fault can be had there. */
bool lab_network_offers(enum lab_network_kind kind, enum lab_fault fault);

/* options->network is not LAB_AUTO. dir: where what tools say is kept. False: see failure. */
bool lab_network_open(struct lab_network *network, const struct lab_options *options,
                      const struct lab_plan *plan, const char *dir);
void lab_network_close(struct lab_network *network);

/* Makes the links what they shall be. What cannot be done is in failure. */
void lab_network_update(struct lab_network *network);

/* In a child, between fork and exec: its place in the network. */
bool lab_network_enter(const struct lab_network *network, unsigned slot);

/* The URL of that slot's process, as far as the network decides. Returns its length. */
size_t lab_network_url(const struct lab_network *network, unsigned slot, char *url, size_t size);

#endif
