/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A large view as a tree of regions: what one member keeps for it in an era.
 * Requests and repairs stay within a region as long as somebody there holds the
 * packet (tree_repair.c); acknowledgements are combined on their way to the root,
 * which tells everybody what is stable (tree_report.c). In a small view there is
 * no tree, and all of this does not exist.
 */
#ifndef GCS_TREE_H
#define GCS_TREE_H

#include "gcs/base/rankset.h"
#include "gcs/outbox.h"
#include "gcs/reliable/combine.h"
#include "gcs/reliable/plans.h"
#include "gcs/reliable/regions.h"
#include "gcs/wire/nack.h"

struct gcs_era;
struct gcs_frame;

#define GCS_TREE_WANTS_MAX 32

/* Another region asked for packets that we lacked as well. */
struct gcs_want {
    uint64_t until; /* 0: free */
    uint64_t first, last;
    uint16_t rank; /* whose packets */
    uint16_t from; /* who asked */
};

struct gcs_tree {
    struct gcs_regions regions;
    uint16_t region;        /* our own */
    uint16_t place;         /* ours in it */
    struct gcs_route *near; /* the others in it */
    bool overlay;           /* the network has no multicast: data goes down the tree */
    uint64_t rtt_ns;        /* of the slowest of them, as last looked at */
    uint64_t rtt_due;

    struct gcs_rankset lacking; /* whose packets may be missing: to be looked at */
    struct gcs_plans plans;
    struct gcs_want wants[GCS_TREE_WANTS_MAX];
    uint16_t wants_count;

    /* children: the places of our region, ours unused, then the regions below it */
    struct gcs_combine combine;
    uint64_t *stable; /* per sender: everybody has taken */
    uint64_t *told;   /* ... as we last told others */
    uint64_t safe;    /* a quorum holds the total order up to here */
    uint64_t safe_told;
    bool report_owed;
    uint64_t report_due;
    bool stable_owed;   /* what has become stable is to be passed on */
    uint64_t again_due; /* to report once more what is not stable yet */
    uint32_t agains;
    uint64_t top_due; /* to say up to where we have sent */
    uint32_t tops;
    bool greeted;
    uint64_t unheard_due; /* to ask those who were not heard in this view */
};

/* The tree of the era's view, if it is to have one. False: out of memory. */
bool gcs_tree_open(struct gcs_era *era, uint64_t now);
void gcs_tree_close(struct gcs_era *era);
uint64_t gcs_tree_deadline(const struct gcs_era *era);

/* Who acts for a region: its first member that is not suspected here. */
uint16_t gcs_tree_acting(const struct gcs_era *era, uint16_t region);
bool gcs_tree_is_near(const struct gcs_era *era, const struct gcs_address *address);
/* How long a packet and an answer take in our region. */
uint64_t gcs_tree_rtt(struct gcs_era *era, uint64_t now);
/* A packet with one control frame to all of a route. */
void gcs_tree_send(struct gcs_era *era, struct gcs_route *route, uint8_t type, const uint8_t *body,
                   size_t size);

/* ---- requests and repairs: tree_repair.c ------------------------------------------------- */

/* Asks for what is missing. */
void gcs_tree_ask(struct gcs_era *era, uint64_t now);
/* Repairs what is due. */
void gcs_tree_repair(struct gcs_era *era, uint64_t now);
void gcs_tree_hear_seek(struct gcs_era *era, uint64_t now, uint16_t from,
                        const struct gcs_nack *nack);
/* A packet was kept that had been asked for so many times; or it was held already. */
void gcs_tree_kept(struct gcs_era *era, uint64_t now, const struct gcs_address *from, uint16_t rank,
                   uint64_t number, uint32_t attempts);
void gcs_tree_heard_again(struct gcs_era *era, uint64_t now, const struct gcs_address *from,
                          uint16_t rank, uint64_t number);

/* ---- data down the tree: tree_spread.c --------------------------------------------------- */

/* Multicasts a packet of our own. */
void gcs_tree_multicast(struct gcs_era *era, struct gcs_buffer *buffer, const uint8_t *data,
                        size_t size);
/* Passes on one of another member that has come for the first time, asked for so many times. */
void gcs_tree_spread(struct gcs_era *era, const struct gcs_address *from, uint16_t rank,
                     uint64_t number, uint32_t attempts);
/* Passing on a packet of rank brings it to that member anyway. */
bool gcs_tree_spreads_to(const struct gcs_era *era, uint16_t rank, uint16_t to);
/* A frame from the root to everybody, as far as it is our part. */
void gcs_tree_send_down(struct gcs_era *era, uint8_t type, const uint8_t *body, size_t size);

/* ---- acknowledgements: tree_report.c ----------------------------------------------------- */

void gcs_tree_acknowledge(struct gcs_era *era, uint64_t now);
/* False: malformed. */
bool gcs_tree_hear_report(struct gcs_era *era, uint64_t now, const struct gcs_address *from,
                          uint16_t rank, const struct gcs_frame *frame);
/* Up to where we have sent, and nothing else; NULL: to everybody. */
void gcs_tree_hello(struct gcs_era *era, const struct gcs_address *to, uint8_t flags);
/* A numbered packet of ours went out. */
void gcs_tree_sent(struct gcs_era *era, uint64_t now);

#endif
