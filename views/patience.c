/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long is too long. Silence counts from the last sign of life, but for no
 * longer than since shortly before the end of the last pause of our own: what was
 * sent to us meanwhile may still lie in our buffers (Lifeguard, Dadgar et al.,
 * 2018). A peer that others have heard is given a second timeout: it is our link
 * that is bad, and a bad link gets time to mend, but not for ever.
 */
#include "views/watch.h"

#define MILLISECOND   UINT64_C(1000000)
#define ANSWER_MIN_NS (20 * MILLISECOND)

void gcs_patience_note_time(struct gcs_detector *d, uint64_t now)
{
    uint64_t gap = now - d->last_call;
    uint64_t half = d->config.suspect_ns / 2;
    d->last_call = now;
    if (gap <= gcs_later(half, 2 * d->config.heartbeat_ns) || d->peers.count == 0)
        return;
    if (GCS_MUTANT(accuse_after_pause))
        return;
    d->resumed = now;
    d->floor = now > half ? now - half : 0;
    gcs_peers_all_due(&d->peers, now);
}

uint64_t gcs_patience_silent_since(const struct gcs_detector *d, const struct gcs_peer *peer)
{
    return gcs_later(peer->heard, d->floor);
}

/* Silence after which a peer is suspected. */
static uint64_t timeout_of(const struct gcs_detector *d, const struct gcs_peer *peer)
{
    (void)peer;
    return d->config.suspect_ns;
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
    uint64_t wait = gcs_later(4 * peer->rtt, ANSWER_MIN_NS);
    return gcs_sooner(wait, timeout_of(d, peer));
}

void gcs_patience_measure(struct gcs_peer *peer, uint64_t sample)
{
    peer->rtt = peer->rtt ? peer->rtt - peer->rtt / 8 + sample / 8 : sample;
}
