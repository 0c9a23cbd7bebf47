/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A simulated network in virtual time, for tests of programs that drive the
 * sans-I/O core themselves: any number of nodes in one process, one thread,
 * one seed. Packets take time, and get lost, doubled, late, out of order or
 * damaged as the state of their directed link says; nodes can be cut off one
 * way or split into sides.
 *
 * Guarantees: events come out in order of (time, order of insertion), and the
 * same seed and the same calls give the same events, byte for byte, on every
 * machine. A packet is never handed out twice in one buffer, and its buffer
 * is exactly as large as the packet, so that reading past its end is seen by
 * memory checkers. Without a fault nothing is lost and packets keep their order.
 *
 *     struct gcs_sim *sim = gcs_sim_new(&config);
 *     unsigned node = gcs_sim_add_node(sim);     for each member
 *     gcs_sim_send(sim, node, packets, count);   what gcs_core_packets returned
 *     gcs_sim_timer(sim, node, deadline, 0);
 *     while (gcs_sim_next(sim, &event)) ...      hand packets to the core of event.node
 */
#ifndef GCS_TRANSPORT_SIM_H
#define GCS_TRANSPORT_SIM_H

#include <gcs/core.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gcs_sim;

struct gcs_sim_config {
    size_t size; /* sizeof(struct gcs_sim_config) */
    uint64_t seed;
    uint64_t start_ns;     /* virtual time at the start */
    uint64_t latency_ns;   /* least time that a packet takes; default 50 us */
    uint64_t jitter_ns;    /* and up to so much more; default 150 us */
    uint32_t packet_bytes; /* larger packets are dropped and counted; default 65507 */
    unsigned nodes;        /* most nodes; default 64 */
};

/* What may go wrong from one node to another. All zero: nothing. */
struct gcs_sim_link {
    uint32_t loss_ppm;      /* parts in a million of packets that get lost */
    uint32_t duplicate_ppm; /* ... that arrive twice */
    uint32_t reorder_ppm;   /* ... that are overtaken by later ones */
    uint32_t corrupt_ppm;   /* ... that arrive with bytes changed or cut off */
    uint64_t delay_ns;      /* every packet takes up to so much longer */
    bool cut;               /* nothing passes */
};

enum gcs_sim_event_type {
    GCS_SIM_PACKET = 1,  /* a packet has arrived at node */
    GCS_SIM_UNREACHABLE, /* node learns that nobody listens at from */
    GCS_SIM_TIMER,       /* what gcs_sim_timer asked for */
};

/* For a packet the receiver owns one reference to buffer, which begins with the data. */
struct gcs_sim_event {
    enum gcs_sim_event_type type;
    uint64_t now;
    unsigned node;
    struct gcs_address from;   /* packet, unreachable */
    struct gcs_buffer *buffer; /* packet */
    const uint8_t *data;       /* packet */
    size_t size;               /* packet */
    uint64_t cookie;           /* timer */
};

/* X(name, what it counts) */
#define GCS_SIM_COUNTER_TABLE(X)                                          \
    X(sent, "packets sent, each copy of a fan-out counted")               \
    X(delivered, "packets that arrived")                                  \
    X(lost, "packets lost by chance")                                     \
    X(cut, "packets lost between nodes that are cut off from each other") \
    X(duplicated, "packets that arrived twice")                           \
    X(reordered, "packets held back so that others overtake them")        \
    X(corrupted, "packets that arrived damaged")                          \
    X(oversized, "packets larger than any link carries")                  \
    X(unheard, "packets to where nobody listens")                         \
    X(no_memory, "packets lost for lack of memory")

struct gcs_sim_counters {
#define GCS_SIM_COUNTER_FIELD(name, text) uint64_t name;
    GCS_SIM_COUNTER_TABLE(GCS_SIM_COUNTER_FIELD)
#undef GCS_SIM_COUNTER_FIELD
};

/* The defaults; sets size. */
void gcs_sim_config_init(struct gcs_sim_config *config);

/* NULL: no memory, or a configuration that makes no sense. */
struct gcs_sim *gcs_sim_new(const struct gcs_sim_config *config);

/* Drops what is in flight. Buffers that were handed out stay valid. */
void gcs_sim_free(struct gcs_sim *sim);

uint64_t gcs_sim_now(const struct gcs_sim *sim);
const struct gcs_sim_counters *gcs_sim_counters(const struct gcs_sim *sim);

/* Adds a node that listens. Its number counts from 0. GCS_ELIMIT. */
int gcs_sim_add_node(struct gcs_sim *sim);

/* The address of a node, and back: -1 if it is none of this network's. */
struct gcs_address gcs_sim_address(unsigned node);
int gcs_sim_node(const struct gcs_sim *sim, const struct gcs_address *address);

/* The text of such an address ("n3"): the same shape as gcs_address_format. */
void gcs_sim_address_format(const struct gcs_address *address, char *text, size_t size);

/*
 * Whether a process listens at the node. Where none does, packets are lost and their sender
 * hears so, as by ICMP port unreachable, at most once in 10 ms.
 */
void gcs_sim_listen(struct gcs_sim *sim, unsigned node, bool listens);

/* Sends packets in order, each to all of its addresses. */
void gcs_sim_send(struct gcs_sim *sim, unsigned node, const struct gcs_core_packet *packets,
                  size_t count);

/* Makes a GCS_SIM_TIMER event at the given time, or now if that is past. GCS_ENOMEM. */
int gcs_sim_timer(struct gcs_sim *sim, unsigned node, uint64_t at, uint64_t cookie);

/* Takes the earliest event and moves the time on to it. False: nothing will ever happen. */
bool gcs_sim_next(struct gcs_sim *sim, struct gcs_sim_event *event);

/* ---- Faults: they hold for packets sent from now on ------------------------------------- */

/* The state of the link between two nodes, to be read and changed. */
struct gcs_sim_link *gcs_sim_link(struct gcs_sim *sim, unsigned from, unsigned to);

/* Puts a node on a side; packets pass only between nodes of one side. All start on 0. */
void gcs_sim_side(struct gcs_sim *sim, unsigned node, unsigned side);

/* Undoes every fault and every division into sides. */
void gcs_sim_heal(struct gcs_sim *sim);

#ifdef __cplusplus
}
#endif

#endif
