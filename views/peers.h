/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The watched peers of a failure detector: found by address in a hash table, and
 * kept in a heap by the time at which each is to be looked at again. That time is
 * a lower bound: hearing a peer only moves its true time further away, so it
 * touches no heap; whoever is looked at too early is put back.
 */
#ifndef GCS_VIEWS_PEERS_H
#define GCS_VIEWS_PEERS_H

#include "gcs/wire/membership.h"
#include <gcs/core.h>

/* Somebody who wants to know whether a peer answers us. */
struct gcs_ward {
    struct gcs_address asker;
    uint64_t stamp; /* its own, to be brought back */
    uint64_t since; /* 0: free */
};

#define GCS_WARDS_MAX 4

struct gcs_peer {
    struct gcs_address address;
    uint32_t watches;
    uint32_t place;        /* in the heap */
    uint64_t due;          /* nothing happens before this */
    struct gcs_peer *next; /* in the same bucket */
    void *user;

    uint64_t process;  /* its incarnation; 0: not known yet */
    uint64_t heard;    /* last sign of life */
    uint64_t sent;     /* our last one */
    uint64_t busy;     /* our last packet to it that is no heartbeat */
    uint64_t interval; /* silence of ours that a heartbeat ends; 0: not chosen yet */
    uint64_t asked;    /* our last question; 0: none yet */
    uint64_t answered; /* the last question of ours that it has answered; 0: none yet */
    uint64_t relayed;  /* our last question through others; 0: none yet */
    uint64_t vouched;  /* the last one of those that it has answered; 0: none yet */
    uint64_t rtt;      /* smoothed; 0: not known yet */
    uint64_t rtt_deviation;
    /* its silences, of every heartbeat's time the longest: see patience.c */
    uint64_t gap; /* smoothed */
    uint64_t gap_deviation;
    uint64_t gap_longest;
    uint64_t gap_since;

    bool suspected;
    bool crashed;            /* suspected with evidence */
    bool replaced;           /* by a newer process */
    bool broke;              /* its link has lost packets, on a network that otherwise loses none */
    bool closing;            /* its process said that it ends */
    bool evidence;           /* a question about life and death is open, ... */
    uint64_t asked_for_life; /* ... since then, ... */
    uint64_t answer_until;   /* ... until then */

    struct gcs_ward wards[GCS_WARDS_MAX];
};

struct gcs_peers {
    const struct gcs_allocator *allocator;
    struct gcs_peer **buckets;
    uint32_t buckets_count; /* a power of two, or 0 */
    struct gcs_peer **heap;
    uint32_t count;
    uint32_t room; /* in the heap */
};

struct gcs_peer *gcs_peers_find(const struct gcs_peers *peers, const struct gcs_address *address);
/* A new one, due at once; NULL: out of memory. */
struct gcs_peer *gcs_peers_add(struct gcs_peers *peers, const struct gcs_address *address);
void gcs_peers_remove(struct gcs_peers *peers, struct gcs_peer *peer);
void gcs_peers_set_due(struct gcs_peers *peers, struct gcs_peer *peer, uint64_t due);
/* All of them are due at that time, or were already. */
void gcs_peers_all_due(struct gcs_peers *peers, uint64_t due);
/* Who is due next; NULL: nobody is watched. */
struct gcs_peer *gcs_peers_first(const struct gcs_peers *peers);
void gcs_peers_fini(struct gcs_peers *peers);

#endif
