/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long is too long. Silence counts from the last sign of life, but for no
 * longer than since shortly before the end of the last pause of our own: what was
 * sent to us meanwhile may still lie in our buffers (Lifeguard, Dadgar et al.,
 * 2018).
 *
 * suspect_ns is what the user relies on: shorter it never gets. It is lengthened,
 * up to suspect_max_ns, by three things:
 *   - By how much later than a heartbeat is due this peer's signs of life come: mean and four
 *     mean deviations of its silences, as RFC 6298 does with round-trip times. So the clock of
 *     suspect_ns starts when a sign of life is overdue, be it because the group is idle or
 *     because the path has jitter.
 *   - By our own health, as in Lifeguard: timers that fire late, and silence of most peers
 *     at the same time, say that it is we who do not hear.
 *   - By the word of others who hear the peer: it is our link to it that is bad, and a bad
 *     link gets time to mend, but not for ever.
 */
#include "views/watch.h"

#define MILLISECOND   UINT64_C(1000000)
#define ANSWER_MIN_NS (20 * MILLISECOND)

/* The most strain, which doubles every time; one sign of it is forgotten after each suspect_ns. */
#define STRAIN_MAX 4u

/* So many peers are watched at the rate of heartbeat_ns. */
#define PEERS_FEW 16u

/* ---- Heartbeats ------------------------------------------------------------------------- */

/* Where all watch all heartbeats grow with the square of the number of members. So beyond some they
 * become rarer as peers become more, as far as most, which leaves three before the timeout. */
static uint64_t rarer(const struct gcs_detector *d, uint64_t ns, uint64_t most)
{
    uint64_t peers = d->peers.count > PEERS_FEW ? d->peers.count : PEERS_FEW;
    return gcs_sooner(ns * peers / PEERS_FEW, most);
}

uint64_t gcs_patience_beat(const struct gcs_detector *d)
{
    return rarer(d, d->config.heartbeat_ns, d->config.suspect_ns / 3);
}

uint64_t gcs_patience_rest(const struct gcs_detector *d)
{
    return rarer(d, d->config.heartbeat_max_ns, d->config.suspect_max_ns / 3);
}

/* With many peers one of them is due at nearly any time. */
uint64_t gcs_patience_early(const struct gcs_detector *d, const struct gcs_peer *peer)
{
    return peer->interval / (d->peers.count > PEERS_FEW ? 8 : 2);
}

/* ---- Ourselves -------------------------------------------------------------------------- */

void gcs_patience_note_time(struct gcs_detector *d, uint64_t now)
{
    uint64_t gap = now - d->last_call;
    uint64_t half = d->config.suspect_ns / 2;
    d->last_call = now;
    if (gap <= gcs_later(half, 2 * d->config.heartbeat_ns) || d->peers.count == 0)
        return;
    if (GCS_MUTANT(accuse_after_pause) || GCS_MUTANT(forget_pause))
        return;
    d->resumed = now;
    d->floor = now > half ? now - half : 0;
    gcs_peers_all_due(&d->peers, now);
}

static uint32_t strain_of(const struct gcs_detector *d)
{
    uint64_t forgotten = (d->last_call - d->strained) / d->config.suspect_ns;
    return forgotten < d->strain ? d->strain - (uint32_t)forgotten : 0;
}

static void note_strain(struct gcs_detector *d, uint64_t now)
{
    uint32_t strain = strain_of(d);
    d->strain = strain < STRAIN_MAX ? strain + 1 : strain;
    d->strained = now;
}

void gcs_patience_note_tick(struct gcs_detector *d, uint64_t now)
{
    const struct gcs_peer *first = gcs_peers_first(&d->peers);
    if (first && first->due > 0 && now > first->due + d->config.heartbeat_ns)
        note_strain(d, now);
}

void gcs_patience_note_silence(struct gcs_detector *d, uint64_t now)
{
    uint32_t silent = 0, watched = 0;
    if (now < d->strained + d->config.suspect_ns / 8)
        return;
    for (uint32_t i = 0; i < d->peers.count; i++) {
        const struct gcs_peer *peer = d->peers.heap[i];
        watched += !peer->suspected;
        silent += !peer->suspected &&
                  now >= gcs_patience_silent_since(d, peer) + gcs_patience_ask(d, peer);
    }
    if (silent > 1 && 2 * silent > watched)
        note_strain(d, now);
}

/* ---- A peer's silences ------------------------------------------------------------------ */

static void smooth(uint64_t *mean, uint64_t *deviation, uint64_t sample)
{
    uint64_t error = sample > *mean ? sample - *mean : *mean - sample;
    *deviation = *deviation - *deviation / 4 + error / 4;
    *mean = *mean - *mean / 8 + sample / 8;
}

void gcs_patience_begin(const struct gcs_detector *d, uint64_t now, struct gcs_peer *peer)
{
    peer->heard = peer->busy = peer->gap_since = now;
    peer->interval = peer->gap = gcs_patience_beat(d);
}

void gcs_patience_note_life(const struct gcs_detector *d, uint64_t now, struct gcs_peer *peer)
{
    peer->gap_longest = gcs_later(peer->gap_longest, now - peer->heard);
    if (peer->heard < d->resumed) { /* we were deaf, it was not silent */
        peer->gap_longest = 0;
        peer->gap_since = now;
    }
    peer->heard = now;
    if (now - peer->gap_since < d->config.heartbeat_ns)
        return;
    smooth(&peer->gap, &peer->gap_deviation,
           gcs_sooner(peer->gap_longest, d->config.suspect_max_ns));
    peer->gap_longest = 0;
    peer->gap_since = now;
}

uint64_t gcs_patience_silent_since(const struct gcs_detector *d, const struct gcs_peer *peer)
{
    return gcs_later(peer->heard, d->floor);
}

/* ---- Timeouts --------------------------------------------------------------------------- */

/* Silence that says that something is wrong, be it here or there. */
static uint64_t overdue(const struct gcs_detector *d, const struct gcs_peer *peer)
{
    uint64_t expected = peer->gap + 4 * peer->gap_deviation;
    uint64_t slack = expected > d->config.heartbeat_ns ? expected - d->config.heartbeat_ns : 0;
    return gcs_sooner(d->config.suspect_ns + slack, d->config.suspect_max_ns);
}

/* Silence after which a peer is suspected. */
static uint64_t timeout_of(const struct gcs_detector *d, const struct gcs_peer *peer)
{
    uint64_t strained = overdue(d, peer) * (STRAIN_MAX + strain_of(d)) / STRAIN_MAX;
    return gcs_sooner(strained, d->config.suspect_max_ns);
}

uint64_t gcs_patience_present(const struct gcs_detector *d, const struct gcs_peer *peer)
{
    return gcs_patience_silent_since(d, peer) + overdue(d, peer);
}

uint64_t gcs_patience_ask(const struct gcs_detector *d, const struct gcs_peer *peer)
{
    return timeout_of(d, peer) / 2;
}

uint64_t gcs_patience_question_gap(const struct gcs_detector *d, const struct gcs_peer *peer)
{
    return timeout_of(d, peer) / 8 + 1;
}

uint64_t gcs_patience_ends(const struct gcs_detector *d, const struct gcs_peer *peer)
{
    uint64_t since = gcs_patience_silent_since(d, peer);
    uint64_t vouched = gcs_sooner(gcs_later(peer->vouched, since) + timeout_of(d, peer),
                                  since + d->config.suspect_max_ns);
    return gcs_later(since + timeout_of(d, peer), vouched);
}

/* Twice the way there and back, because the question may go through another. */
uint64_t gcs_patience_answer(const struct gcs_detector *d, const struct gcs_peer *peer)
{
    uint64_t wait = gcs_later(4 * peer->rtt, 2 * peer->rtt + 4 * peer->rtt_deviation);
    wait = gcs_later(wait, ANSWER_MIN_NS) * (STRAIN_MAX + strain_of(d)) / STRAIN_MAX;
    return gcs_sooner(wait, timeout_of(d, peer));
}

void gcs_patience_measure(struct gcs_peer *peer, uint64_t sample)
{
    if (peer->rtt > 0) {
        smooth(&peer->rtt, &peer->rtt_deviation, sample);
        return;
    }
    peer->rtt = sample;
    peer->rtt_deviation = sample / 2;
}
