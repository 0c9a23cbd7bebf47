/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The failure detector of one endpoint: which peers have been silent for too
 * long. Peers are addresses with a process incarnation; groups refer to them.
 * Any packet from a peer is a sign of life; heartbeats fill the silence.
 * Suspicion is an opinion: it can be wrong and is taken back on the next sign
 * of life. Evidence of death (ICMP port unreachable, a newer process at the same
 * address, a goodbye) makes the detector ask at once and hastens suspicion; it proves
 * nothing.
 *
 * Before it suspects, the detector asks: directly, and through a few others. What
 * others hear keeps a peer from being taken for crashed, and gives a silent one
 * more time; whom nothing but others hear in the long run is suspected all the
 * same, because a group needs its members to hear each other.
 *
 * After a pause of its own (two calls farther apart than half of the suspicion
 * timeout) the detector accuses nobody until the peers have had time to be heard,
 * and asks all of them at once.
 */
#ifndef GCS_VIEWS_DETECTOR_H
#define GCS_VIEWS_DETECTOR_H

#include <gcs/core.h>

struct gcs_detector;
struct gcs_peer; /* one watched address */

struct gcs_detector_env {
    void *ctx;
    /* Sends a heartbeat frame (GCS_FRAME_HEARTBEAT) to a peer. Unreliable. Must not call back. */
    void (*heartbeat)(void *ctx, const struct gcs_address *to, const uint8_t *body, size_t size);
    /* The opinion about a peer changed. crashed: there was evidence. Called last, so that it may
     * watch and unwatch. */
    void (*suspect)(void *ctx, struct gcs_peer *peer, bool suspected, bool crashed);
    /* Whether a peer watches another, as far as is known; it is asked about it only then. NULL:
     * all watch all. */
    bool (*acquainted)(void *ctx, const struct gcs_peer *helper, const struct gcs_peer *peer);
};

struct gcs_detector_config {
    const struct gcs_allocator *allocator;
    uint64_t process;      /* this process's incarnation */
    uint64_t heartbeat_ns; /* longest silence of ours towards a watched peer while there is traffic;
                              grows while there is none, ... */
    uint64_t heartbeat_max_ns; /* ... up to this; 0: to a third of suspect_ns */
    uint64_t suspect_ns;       /* silence after which a peer is suspected, ... */
    uint64_t suspect_max_ns;   /* ... and after which it is in any case */
    uint32_t helpers;          /* so many others are asked about a peer; 0: none */
    struct gcs_counters *counters;
    struct gcs_detector_env env;
};

int gcs_detector_new(const struct gcs_detector_config *config, struct gcs_detector **detector);
void gcs_detector_free(struct gcs_detector *detector);

/* Watches a peer from now on, as if it had just been heard; counted: each watch needs its
 * unwatch. A replaced peer is trusted again from here on, as the new process. NULL: out of
 * memory. */
struct gcs_peer *gcs_detector_watch(struct gcs_detector *detector, uint64_t now,
                                    const struct gcs_address *address);
/* It is known from elsewhere (a view) that this process is the one at the peer's address now. */
void gcs_detector_expect(struct gcs_detector *detector, uint64_t now, struct gcs_peer *peer,
                         uint64_t process);
void gcs_detector_unwatch(struct gcs_detector *detector, struct gcs_peer *peer);
struct gcs_peer *gcs_detector_find(struct gcs_detector *detector,
                                   const struct gcs_address *address);
const struct gcs_address *gcs_peer_address(const struct gcs_peer *peer);
/* The incarnation of the process at the peer's address as far as known; 0: not known yet. */
uint64_t gcs_peer_process(const struct gcs_peer *peer);
bool gcs_peer_suspected(const struct gcs_peer *peer);
/* Suspected, or silent for so long that it would be but for doubts about ourselves and for what
 * others say: whoever needs to hear it itself must not count on it. The deadline comes in time. */
bool gcs_peer_absent(const struct gcs_detector *detector, const struct gcs_peer *peer,
                     uint64_t now);
/* Suspected, and there was evidence. */
bool gcs_peer_crashed(const struct gcs_peer *peer);
/* Its process has said that it ends. */
bool gcs_peer_closing(const struct gcs_peer *peer);

/* A newer process than the one watched has been heard at this address: whoever was there before
 * is dead for good. */
bool gcs_peer_replaced(const struct gcs_peer *peer);

/* Whether evidence about it has ever come: a reliable network has lost packets to or from it. */
bool gcs_peer_broke(const struct gcs_peer *peer);

/* The user of a watched peer; NULL at first. (The core links its groups' members here.) */
void **gcs_peer_user(struct gcs_peer *peer);

/* Its last sign of life, or when watching it began. */
uint64_t gcs_peer_heard(const struct gcs_peer *peer);

/* Smoothed round-trip time in ns from heartbeats that were answered; 0: not known yet. */
uint64_t gcs_peer_rtt(const struct gcs_peer *peer);

/* A good packet came from peer / one that is no heartbeat was sent to it (both cheap; called for
 * every packet). alone: to this address, so that its refusal would be noticed; where one packet
 * goes to a multicast address heartbeats to each peer go on beside it. */
void gcs_detector_heard(struct gcs_detector *detector, uint64_t now, struct gcs_peer *peer);
void gcs_detector_sent(struct gcs_detector *detector, uint64_t now, struct gcs_peer *peer,
                       bool alone);

/* The body of a heartbeat frame from an address, watched or not (a stranger's question is
 * answered, nothing else). 0 or GCS_EMALFORMED. */
int gcs_detector_frame(struct gcs_detector *detector, uint64_t now, const struct gcs_address *from,
                       const uint8_t *body, size_t size);

/* Evidence that nobody is there, such as a refused packet. */
void gcs_detector_evidence(struct gcs_detector *detector, uint64_t now, struct gcs_peer *peer);

/* This process closes: tells everybody who is watched. */
void gcs_detector_goodbye(struct gcs_detector *detector, uint64_t now);

/* The end of the last pause of our own; 0: there was none. */
uint64_t gcs_detector_resumed(const struct gcs_detector *detector);
/* When the last question was put that the peer has answered; 0: none yet. */
uint64_t gcs_peer_answered(const struct gcs_peer *peer);

/* Looks at the time: before anything is done that a pause of our own would matter for. Cheap. */
void gcs_detector_look(struct gcs_detector *detector, uint64_t now);

void gcs_detector_tick(struct gcs_detector *detector, uint64_t now);
uint64_t gcs_detector_deadline(const struct gcs_detector *detector);

#endif
