/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of the failure detector: what its files share. detector.c is the
 * outside, opinions and time; patience.c says how long is too long; relay.c puts
 * questions through others, and for others.
 */
#ifndef GCS_VIEWS_WATCH_H
#define GCS_VIEWS_WATCH_H

#include "gcs/base/mutant.h"
#include "gcs/base/prng.h"
#include "gcs/wire/heartbeat.h"
#include "views/detector.h"
#include "views/peers.h"

struct gcs_detector {
    struct gcs_detector_config config;
    struct gcs_peers peers;
    struct gcs_prng prng;
    uint64_t last_call;
    uint64_t floor;       /* nobody counts as silent for longer than since then */
    uint64_t resumed;     /* end of the last pause of our own; 0: there was none */
    uint64_t relay_until; /* till then at most so many more questions for others */
    uint32_t relay_left;
    uint32_t strain;   /* signs that we ourselves are slow or badly connected, ... */
    uint64_t strained; /* ... the last one at that time */
};

static inline uint64_t gcs_later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static inline uint64_t gcs_sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- detector.c ------------------------------------------------------------------------- */

void gcs_watch_speak(struct gcs_detector *d, const struct gcs_address *to,
                     const struct gcs_heartbeat *heartbeat);
/* A heartbeat to a watched peer, a question if so wished. */
void gcs_watch_beat(struct gcs_detector *d, uint64_t now, struct gcs_peer *peer, bool question);

/* ---- patience.c: how long is too long --------------------------------------------------- */

/* Called first thing by every input: notices pauses of our own. */
void gcs_patience_note_time(struct gcs_detector *d, uint64_t now);
/* Our timer was called: too late? */
void gcs_patience_note_tick(struct gcs_detector *d, uint64_t now);
/* Between heartbeats while there is other traffic, and at most while there is none. */
uint64_t gcs_patience_beat(const struct gcs_detector *d);
uint64_t gcs_patience_rest(const struct gcs_detector *d);
/* How long before it is due the heartbeat to a peer may go along with others'. */
uint64_t gcs_patience_early(const struct gcs_detector *d, const struct gcs_peer *peer);
/* A peer does not answer: is it the only one? */
void gcs_patience_note_silence(struct gcs_detector *d, uint64_t now);
void gcs_patience_begin(const struct gcs_detector *d, uint64_t now, struct gcs_peer *peer);
/* A sign of life. */
void gcs_patience_note_life(const struct gcs_detector *d, uint64_t now, struct gcs_peer *peer);
uint64_t gcs_patience_silent_since(const struct gcs_detector *d, const struct gcs_peer *peer);
/* Silence after which a peer is asked, and from question to question while it is silent. */
uint64_t gcs_patience_ask(const struct gcs_detector *d, const struct gcs_peer *peer);
uint64_t gcs_patience_question_gap(const struct gcs_detector *d, const struct gcs_peer *peer);
/* When a peer that stays silent is no longer counted as present, although it is not suspected. */
uint64_t gcs_patience_present(const struct gcs_detector *d, const struct gcs_peer *peer);
/* When a peer that stays silent is suspected. */
uint64_t gcs_patience_ends(const struct gcs_detector *d, const struct gcs_peer *peer);
/* From the question that evidence provoked to the conclusion. */
uint64_t gcs_patience_answer(const struct gcs_detector *d, const struct gcs_peer *peer);
void gcs_patience_measure(struct gcs_peer *peer, uint64_t sample);

/* ---- relay.c: questions through others -------------------------------------------------- */

/* Has a few others ask a peer. */
void gcs_relay_ask(struct gcs_detector *d, uint64_t now, struct gcs_peer *peer);
/* Another asks us to. */
void gcs_relay_asked(struct gcs_detector *d, uint64_t now, const struct gcs_peer *asker,
                     const struct gcs_heartbeat *heartbeat);
/* A peer has answered a question of ours: whoever waits for that is told. */
void gcs_relay_answered(struct gcs_detector *d, uint64_t now, struct gcs_peer *peer, uint64_t echo);
/* Somebody tells of an answer. The peer that it is about, if it is news of it; else NULL. */
struct gcs_peer *gcs_relay_found(struct gcs_detector *d, uint64_t now,
                                 const struct gcs_heartbeat *heartbeat);

#endif
