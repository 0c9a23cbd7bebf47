/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of the simulated network share: the heap with everything
 * that is going to happen, and the state of every directed link.
 */
#ifndef GCS_TRANSPORT_SIM_PRIVATE_H
#define GCS_TRANSPORT_SIM_PRIVATE_H

#include "gcs/base/prng.h"
#include "transport/sim.h"

#define GCS_SIM_NODES_MAX 4096

struct entry {
    struct gcs_sim_event event;
    uint64_t serial;
};

struct node {
    bool listens;
    unsigned side;
    uint64_t next_notice; /* not told before that nobody listens somewhere */
};

struct gcs_sim {
    struct gcs_sim_config config;
    struct gcs_sim_counters counters;
    struct gcs_prng prng;
    uint64_t now;
    uint64_t serial;
    struct entry *heap;
    size_t count;
    size_t capacity;
    struct node *nodes;
    unsigned nodes_count;
    struct gcs_sim_link *links; /* [from * config.nodes + to] */
    uint64_t *last;             /* likewise: when the last packet that keeps its place arrives */
};

/* Puts an event on the heap. GCS_ENOMEM. */
int gcs_sim_insert(struct gcs_sim *sim, const struct gcs_sim_event *event);

/* A buffer of its own, exactly as large as the data; NULL: no memory. */
struct gcs_buffer *gcs_sim_buffer(const uint8_t *data, size_t size);

/* One packet on its way from one node to another, with all that may go wrong. */
void gcs_sim_transmit(struct gcs_sim *sim, unsigned from, unsigned to, const uint8_t *data,
                      size_t size);

/* Neither cut nor on different sides. */
bool gcs_sim_passes(const struct gcs_sim *sim, unsigned from, unsigned to);

#endif
