/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A few cores in one process, driven by hand: time goes from event to event, a
 * network in memory carries their packets in order with a fixed latency, and a
 * test may look at each packet and lose, double or delay it. What each member was
 * told is kept. Each core has an allocator of its own that counts and can refuse.
 */
#ifndef GCS_TESTS_UNIT_CLUSTER_H
#define GCS_TESTS_UNIT_CLUSTER_H

#include "gcs/wire/packet.h"
#include "tests/unit/scarce.h"

#include <gcs/core.h>

enum { CLUSTER_MAX = 20 };

#define CLUSTER_TAG     UINT64_C(0x6c75636c75737465) /* the name of the cluster */
#define CLUSTER_GROUP   "unit"
#define CLUSTER_LATENCY UINT64_C(100000)
#define MILLISECONDS    UINT64_C(1000000)

/* A message as delivered. */
struct cluster_message {
    bool alone;      /* sent to this member alone */
    uint64_t sender; /* its incarnation */
    uint64_t number;
    enum gcs_service service;
    uint32_t epoch; /* of the view in which it was delivered */
    size_t size;
    uint8_t *data;
};

struct cluster_node {
    struct cluster *cluster;
    struct scarce memory;
    struct gcs_core *core;
    struct gcs_core_group *group; /* NULL once the membership has ended */
    bool down;                    /* the process is gone: hears and says nothing */
    bool hold;                    /* events are taken, but not given back */
    struct gcs_core_event *held;
    size_t held_count, held_capacity;
    /* what it was told */
    struct cluster_message *messages;
    size_t count, capacity;
    unsigned views, blocked, writable, left, privates; /* privates are no messages here ... */
    unsigned slow;      /* times that it was told that another one takes nothing */
    bool keep_privates; /* ... unless it is so wished */
    int error;          /* of the last left */
    int why;            /* it was cut off last */
    bool primary;       /* a member, and not cut off */
    uint32_t epoch;
    uint16_t members, rank;
    uint16_t joined_count, survivors_count, left_count;
    enum gcs_reason reasons[CLUSTER_MAX];
    void *user; /* the test's */
};

/* A packet on its way to one node. */
struct cluster_flight {
    struct cluster_flight *next;
    uint64_t at;
    unsigned from, to;
    struct gcs_buffer *buffer; /* exactly the packet */
    struct gcs_packet packet;  /* its header */
    uint64_t serial;           /* how many were sent before it, copies counted */
};

enum cluster_fate { CLUSTER_PASS, CLUSTER_LOSE, CLUSTER_DOUBLE, CLUSTER_DELAY };

struct cluster {
    unsigned count;
    uint64_t now;
    uint64_t serial;
    struct cluster_node nodes[CLUSTER_MAX];
    struct cluster_flight *first, *last;
    uint64_t buffers; /* that cores or the network refer to */
    struct gcs_core_config config;
    struct gcs_group_config group_config;
    /* decides what becomes of a packet; NULL: it passes */
    enum cluster_fate (*fate)(void *ctx, const struct cluster_flight *flight);
    void *fate_ctx;
    uint64_t delay; /* of delayed packets, beyond the latency */
    /* sees every event first; NULL: nobody */
    void (*watch)(struct cluster_node *node, const struct gcs_core_event *event);
    uint64_t rounds;
};

/* Nothing runs yet: change config and group_config, then start. */
void cluster_init(struct cluster *c);

/* Makes a core; GCS_ENOMEM. */
int cluster_open(struct cluster *c, unsigned i);
/* Joins or founds the group: node 0 creates it, the others ask all nodes before them. */
int cluster_join(struct cluster *c, unsigned i);
/* count nodes, all in one view with nothing left to do. Fails the test if that does not come. */
void cluster_start(struct cluster *c, unsigned count);
/* Frees everything; fails the test if anything is left. */
void cluster_stop(struct cluster *c);

/* Goes on for so long, or until nothing can happen any more. */
void cluster_run(struct cluster *c, uint64_t ns);
/* Goes on until it is so; false if it is not within so long. */
bool cluster_until(struct cluster *c, bool (*so)(const struct cluster *c), uint64_t ns);
/* One round of node i at the present time: advance, send, take events. */
void cluster_round(struct cluster *c, unsigned i);

int cluster_multicast(struct cluster *c, unsigned i, enum gcs_service service, const void *data,
                      size_t size);
/* A message that names its sender and number: what = size, at least 8 bytes. */
int cluster_say(struct cluster *c, unsigned i, enum gcs_service service, uint32_t n, size_t size);

/* Gives back what was held, and holds no more. */
void cluster_give_back(struct cluster *c, unsigned i);

/* Hands a packet of any bytes to node i, as if from that address. */
void cluster_inject(struct cluster *c, unsigned i, const struct gcs_address *from, const void *data,
                    size_t size);

/* Packets that the network has: each has a buffer. */
uint64_t cluster_in_flight(const struct cluster *c);

struct gcs_address cluster_address(unsigned i);
const struct gcs_counters *cluster_counters(const struct cluster *c, unsigned i);

/* All live nodes were told the same messages in the same order. */
bool cluster_agrees(const struct cluster *c);
/* Everybody that is up is a member of a view of so many, all of the same epoch. */
bool cluster_is_view(const struct cluster *c, unsigned members);

#endif
