/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an ordering is to the group. An engine lives as long as one view. It is
 * told of every packet as soon as the packet and all before it from the same
 * sender are held, and says which packet comes next. It never sees a packet's
 * bytes, only its place (rank, number), whether it takes part in this order, and
 * the order information that it carries.
 *
 * An engine may send information of its own: frames inside numbered packets, and
 * bytes at the end of STATUS. Each ordering is one file; nothing outside of its
 * file and the table in order.c knows it. What an order has no use for is in silent.h.
 */
#ifndef GCS_ORDER_ORDER_H
#define GCS_ORDER_ORDER_H

#include "gcs/base/quorum.h"
#include "gcs/wire/packet.h"
#include <gcs/core.h>

struct gcs_order_engine;

struct gcs_order_config {
    const struct gcs_allocator *allocator;
    const struct gcs_view *view; /* outlives the engine */
    uint32_t room; /* bytes that a packet has for the frames of all engines at least */
    bool safe_all; /* safe: held by all voters, not by a quorum */
    bool rotate;   /* who has a special role is another member in each view */
};

/* A packet and the position in the order at which it stands. */
struct gcs_order_next {
    uint16_t rank;
    uint64_t number;
    uint64_t position;
};

struct gcs_order_ops {
    const char *name;
    uint8_t frame; /* type of its frame in numbered packets; 0: it has none */
    bool confirms; /* what is pending only confirms what others have sent: it can wait a while, and
                      what comes later confirms all before it */

    /* NULL: out of memory. */
    struct gcs_order_engine *(*open)(const struct gcs_order_config *config);
    void (*close)(struct gcs_order_engine *engine);

    /*
     * Packet number of rank is held, and all before it. member: it takes part in this order.
     * info[0..size) is the body of the order frame that it carries, NULL if none; of a packet that
     * takes part it stays where it is until it has been popped. GCS_EMALFORMED: the information
     * made no sense and was ignored; GCS_ENOMEM: the engine is of no use any more.
     */
    int (*arrive)(struct gcs_order_engine *engine, uint16_t rank, uint64_t number, bool member,
                  const uint8_t *info, size_t size);

    /* A packet that takes part is held, and something before it is not: arrive() will tell of it
     * once more. NULL: such packets are of no interest. GCS_ENOMEM. */
    int (*arrive_early)(struct gcs_order_engine *engine, uint16_t rank, uint64_t number);

    /* Order information waits to be sent in a numbered packet of this member. */
    bool (*pending)(const struct gcs_order_engine *engine);

    /* What the next packet that takes part has to say does not fit into one: packets without a
     * payload go first, as long as this holds. */
    bool (*crowded)(const struct gcs_order_engine *engine);

    /* Writes the order frame for this member's packet number, which takes part if member. Writes
     * nothing if there is nothing to say or no room. */
    void (*announce)(struct gcs_order_engine *engine, uint64_t number, bool member,
                     struct gcs_writer *w);

    /* This member's acknowledgement at the end of STATUS; reading it returns false if malformed.
     * held: per rank, the packets that the sender of the STATUS acknowledges beside. */
    void (*write_ack)(struct gcs_order_engine *engine, struct gcs_writer *w);
    bool (*read_ack)(struct gcs_order_engine *engine, uint16_t rank, const uint64_t *held,
                     struct gcs_reader *r);

    /* The acknowledgement has grown since write_ack last wrote it. */
    bool (*owes_ack)(const struct gcs_order_engine *engine);

    /*
     * The acknowledgement as one number, for trees of regions: a position up to which all is held,
     * its order as well. NULL where one number cannot say so: then the view stays flat. And what
     * the tree has found: a quorum holds all up to position.
     */
    uint64_t (*held)(struct gcs_order_engine *engine);
    void (*held_by_quorum)(struct gcs_order_engine *engine, uint64_t position);

    /* The next packet of the order, if it is known and held. pop() goes on to the one after. A
     * position may name a packet that takes no part: it is passed over. */
    bool (*peek)(const struct gcs_order_engine *engine, struct gcs_order_next *next);
    void (*pop)(struct gcs_order_engine *engine);

    /* A position that lies behind nothing that this member has acknowledged or given a position to:
     * what is safe is held by a quorum, so the highest of what a quorum knows covers it. */
    uint64_t (*known)(const struct gcs_order_engine *engine);

    /* A quorum, or all voters, hold everything up to position and its order. Positions grow. */
    bool (*safe)(const struct gcs_order_engine *engine, uint64_t position);

    /* From now on the acknowledgement stays as it is. */
    void (*freeze)(struct gcs_order_engine *engine);

    /*
     * The view ends: everything up to cut has arrived and nothing else will. From now on peek()
     * gives the closing order, the same at every member with this cut: a function of the packets
     * in it. survives[rank]: comes along.
     */
    void (*finish)(struct gcs_order_engine *engine, const uint64_t *cut, const bool *survives);
};

/* Every engine begins with this. */
struct gcs_order_engine {
    const struct gcs_order_ops *ops;
};

/* They are enough to make what they hold safe. */
static inline bool gcs_order_enough(const struct gcs_order_config *config,
                                    const struct gcs_tally *holders)
{
    if (config->safe_all && !GCS_MUTANT(safe_without_all))
        return holders->in == holders->all;
    return gcs_tally_quorum(holders, config->view->tie_breaker);
}

extern const struct gcs_order_ops gcs_order_unordered;
extern const struct gcs_order_ops gcs_order_fifo;
extern const struct gcs_order_ops gcs_order_causal;
extern const struct gcs_order_ops gcs_order_sequencer;
extern const struct gcs_order_ops gcs_order_lamport;

/* The engine of a total order; NULL: there is none of that number. */
const struct gcs_order_ops *gcs_order_find(unsigned order);

#endif
