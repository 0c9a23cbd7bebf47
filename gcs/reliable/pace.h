/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How many bytes a sender may have on their way: all that the receivers have room
 * for, as long as nothing speaks of congestion; less by a part with each sign of it,
 * and more again by so much in each second (additive increase, multiplicative
 * decrease: Chiu and Jain, Computer Networks 17(1), 1989). Senders that get the same
 * signs come to have the same window whatever they begin with. Growth goes by the
 * clock and not by round trips, so that a long path is no disadvantage; near a window
 * that was too much a moment ago it is slower, so that buffers seldom overflow.
 *
 * Signs are: a receiver's socket buffer has overflowed, a receiver has lost a large
 * part of what was sent, a packet has taken far longer than packets can. A packet
 * that is lost now and then is none: it is repaired. What was sent before a cut may
 * still bring signs, so one cut answers all signs of a short time.
 */
#ifndef GCS_RELIABLE_PACE_H
#define GCS_RELIABLE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define GCS_PACE_CUT_EVERY_NS  20000000u   /* at most one cut in so long, or in a round trip */
#define GCS_PACE_CUT_MOST_NS   1000000000u /* ... but of no longer one */
#define GCS_PACE_GROW_NS       1000000000u /* from nothing to everything */
#define GCS_PACE_CAREFUL       16u         /* times as slow near the window that was too much ... */
#define GCS_PACE_KNOWN_NS      1000000000u /* ... as long as that is not older */
#define GCS_PACE_LEAST_PART    16u         /* of everything is left however bad it is */
#define GCS_PACE_DELAY_NS      100000000u  /* a packet that takes less has not taken too long */
#define GCS_PACE_DELAY_TIMES   4u          /* nor one that takes less than so many quick ones */
#define GCS_PACE_DELAY_MOST_NS 1000000000u /* more is too long in any case */
#define GCS_PACE_MEMORY_NS     10000000000u /* how quick they were so long ago is forgotten */

struct gcs_pace {
    uint32_t window; /* bytes, now */
    uint32_t least, most;
    uint64_t grown_at;    /* the growth up to then is in window */
    uint32_t known;       /* a window that was too much, ... */
    uint64_t known_until; /* ... for so long */
    uint64_t deaf_until;  /* signs before that are answered already */
    uint64_t cuts;
    /* the time that a packet takes until all have seen it: one at a time is followed */
    uint64_t probe; /* its number; 0: none */
    uint64_t probe_at;
    uint64_t trip;     /* smoothed; 0: not known */
    uint64_t quickest; /* of the last times; 0: not known */
    uint64_t quickest_until;
};

void gcs_pace_init(struct gcs_pace *pace, uint64_t now, uint32_t most);

/* The window at this time. Cheap when nothing has happened. */
uint32_t gcs_pace_at(const struct gcs_pace *pace, uint64_t now);
uint32_t gcs_pace_window(struct gcs_pace *pace, uint64_t now);

/* A sign of congestion on paths that take so long there and back (0: not known); full: there was
 * no room for the window as it is, rather than for anything. True: it has made it smaller. */
bool gcs_pace_sign(struct gcs_pace *pace, uint64_t now, uint64_t round_trip_ns, bool full);

/* A packet is sent. */
static inline void gcs_pace_sent(struct gcs_pace *pace, uint64_t now, uint64_t number)
{
    if (pace->probe > 0)
        return;
    pace->probe = number;
    pace->probe_at = now;
}

/* All have seen the packets up to number, or will never; the last one is so far away, there and
 * back (0: not known). True: the one that was followed took too long, a sign; until another one
 * could come back the window does not grow. */
bool gcs_pace_seen(struct gcs_pace *pace, uint64_t now, uint64_t number, uint64_t round_trip_ns);

#endif
