/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the work of one member grows with the group: large groups of real cores on
 * the simulated network, a steady load, and what each member had to send, hear and
 * keep for it. No checkers look on and no member ever fails; the worlds of world.h
 * do that. The view does not grow join by join: all members are handed the decision
 * that founds it.
 */
#ifndef TESTS_SIM_SCALE_H
#define TESTS_SIM_SCALE_H

#include "transport/sim.h"

#include <gcs/core.h>
#include <stdio.h>

enum scale_loss {
    SCALE_NO_LOSS,
    SCALE_EACH,  /* every member loses every hundredth packet, independently of the others */
    SCALE_ALL,   /* of fifty data packets one reaches nobody */
    SCALE_STUCK, /* nothing is lost, but one member's application takes nothing */
};

struct scale_options {
    uint64_t seed;
    unsigned members;
    unsigned region_size;
    unsigned packets; /* of data, all senders together */
    unsigned senders; /* the first is the root of the tree, the others are ordinary members */
    enum scale_loss loss;
    bool multicast; /* the network has it */
};

/* What came out, per experiment. */
struct scale_result {
    bool complete; /* everybody delivered everything; SCALE_STUCK: all others */
    unsigned regions, depth, fan_out;
    uint64_t data;  /* packets numbered */
    uint64_t lost;  /* SCALE_ALL: data packets; otherwise copies of them */
    uint64_t nacks; /* requests sent */
    uint64_t nacks_at_source;
    uint64_t repairs; /* packets that came as a repair */
    uint64_t repairs_near;
    uint64_t repair_sends; /* repairs sent to a whole region */
    uint64_t control_most; /* control packets that the busiest member received */
    uint64_t control_sum;
    uint64_t heartbeats;   /* received, all members together; left out of control */
    uint64_t copies_most;  /* copies of one data packet of its own that a sender sent */
    uint64_t copies_inner; /* ... that any member sent */
    double stable_ms;      /* from sending a packet to knowing that all have taken it, on average */
    uint64_t held_most;    /* bytes of packets that one member held at once ... */
    uint64_t held_bound;   /* ... and may hold, by the windows of the senders */
    uint64_t memory_most;  /* bytes that one member had allocated */
};

void scale_options_init(struct scale_options *options);
/* False: out of memory, or the group did not come to be. */
bool scale_run(const struct scale_options *options, struct scale_result *result);

#endif
