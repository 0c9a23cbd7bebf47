/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The failure detector: heartbeats where there is no other traffic, suspicion
 * after silence, questions before suspicion. Complete (whoever is dead is
 * suspected in the end) and as accurate as the timeout; what it says is an
 * opinion in the sense of Chandra and Toueg, "Unreliable Failure Detectors"
 * (JACM 43(2), 1996). Evidence only makes it ask: it is the missing answer that
 * counts, and any packet that keeps coming outweighs it. Awareness of pauses of
 * its own follows Lifeguard (Dadgar et al., 2018).
 */
#include "views/detector.h"

#include "gcs/base/memory.h"
#include "gcs/base/mutant.h"
#include "gcs/wire/heartbeat.h"
#include "views/peers.h"

#define MILLISECOND   UINT64_C(1000000)
#define ANSWER_MIN_NS (20 * MILLISECOND)

/* The round-trip time is measured about once in so many heartbeats. */
#define HEARTBEATS_PER_QUESTION 32

struct gcs_detector {
    struct gcs_detector_config config;
    struct gcs_peers peers;
    uint64_t last_call;
    uint64_t floor;   /* nobody counts as silent for longer than since then */
    uint64_t resumed; /* end of the last pause of our own */
};

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* ---- How long is too long --------------------------------------------------------------- */

/* Silence after which a peer is suspected. */
static uint64_t timeout_of(const struct gcs_detector *d, const struct gcs_peer *peer)
{
    (void)peer;
    return d->config.suspect_ns;
}

/* Silence after which it is asked. */
static uint64_t patience_of(const struct gcs_detector *d, const struct gcs_peer *peer)
{
    return timeout_of(d, peer) / 2;
}

/* From question to question while it is silent. */
static uint64_t question_gap(const struct gcs_detector *d, const struct gcs_peer *peer)
{
    return timeout_of(d, peer) / 8 + 1;
}

/* From the question that evidence provoked to the conclusion. */
static uint64_t answer_time(const struct gcs_detector *d, const struct gcs_peer *peer)
{
    uint64_t wait = later(4 * peer->rtt, ANSWER_MIN_NS);
    return wait < timeout_of(d, peer) ? wait : timeout_of(d, peer);
}

static uint64_t silent_since(const struct gcs_detector *d, const struct gcs_peer *peer)
{
    return later(peer->heard, d->floor);
}

/*
 * Called first thing by every input. After a pause of our own the silence of the
 * others proves nothing: what they sent may still lie in our buffers, so they
 * count as silent for half of the timeout at most.
 */
static void note_time(struct gcs_detector *d, uint64_t now)
{
    uint64_t gap = now - d->last_call;
    uint64_t half = d->config.suspect_ns / 2;
    d->last_call = now;
    if (gap <= later(half, 2 * d->config.heartbeat_ns) || d->peers.count == 0 ||
        GCS_MUTANT(forget_pause))
        return;
    d->resumed = now;
    d->floor = now > half ? now - half : 0;
}

/* ---- Speaking --------------------------------------------------------------------------- */

static void speak(struct gcs_detector *d, const struct gcs_address *to,
                  const struct gcs_heartbeat *heartbeat)
{
    uint8_t body[GCS_HEARTBEAT_BYTES_MAX];
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    gcs_heartbeat_write(&w, heartbeat);
    d->config.env.heartbeat(d->config.env.ctx, to, body, gcs_writer_size(&w));
}

static void beat(struct gcs_detector *d, uint64_t now, struct gcs_peer *peer, bool question)
{
    struct gcs_heartbeat heartbeat = {.process = d->config.process};
    peer->sent = now;
    if (question) {
        peer->asked = now;
        heartbeat.flags = GCS_HEARTBEAT_QUESTION;
        heartbeat.stamp = now;
    }
    speak(d, &peer->address, &heartbeat);
}

static void ask_for_life(struct gcs_detector *d, uint64_t now, struct gcs_peer *peer)
{
    peer->evidence = true;
    peer->asked_for_life = now;
    peer->answer_until = now + answer_time(d, peer);
    beat(d, now, peer, true);
}

/* ---- Opinion ---------------------------------------------------------------------------- */

/* Returns whether the opinion changed. */
static bool accuse(struct gcs_detector *d, struct gcs_peer *peer, bool crashed)
{
    if (peer->suspected && (peer->crashed || !crashed))
        return false;
    if (!peer->suspected)
        d->config.counters->suspicions++;
    peer->suspected = true;
    peer->crashed = crashed;
    return true;
}

/* The last thing that is done with a peer: its user may unwatch it. */
static void tell(struct gcs_detector *d, struct gcs_peer *peer)
{
    d->config.env.suspect(d->config.env.ctx, peer, peer->suspected, peer->crashed);
}

/* Time is up for the answer: crashed, unless we slept or it has been heard rather recently. */
static bool conclude(struct gcs_detector *d, uint64_t now, struct gcs_peer *peer)
{
    uint64_t half = (peer->answer_until - peer->asked_for_life) / 2;
    if (d->resumed > peer->asked_for_life || peer->heard + half > now) {
        ask_for_life(d, now, peer);
        return false;
    }
    peer->evidence = false;
    return accuse(d, peer, true);
}

/* ---- Time ------------------------------------------------------------------------------- */

static bool silent(const struct gcs_detector *d, const struct gcs_peer *peer, uint64_t now)
{
    return now >= silent_since(d, peer) + patience_of(d, peer);
}

static uint64_t next_question(const struct gcs_detector *d, const struct gcs_peer *peer)
{
    if (peer->asked == 0)
        return 0;
    uint64_t routine = peer->asked + HEARTBEATS_PER_QUESTION * d->config.heartbeat_ns;
    if (peer->suspected)
        return routine;
    uint64_t doubtful =
        later(silent_since(d, peer) + patience_of(d, peer), peer->asked + question_gap(d, peer));
    return doubtful < routine ? doubtful : routine;
}

static uint64_t next_due(const struct gcs_detector *d, const struct gcs_peer *peer)
{
    uint64_t due = peer->sent + d->config.heartbeat_ns;
    uint64_t question = next_question(d, peer);
    uint64_t accusation = silent_since(d, peer) + timeout_of(d, peer);
    if (question < due)
        due = question;
    if (peer->evidence && peer->answer_until < due)
        due = peer->answer_until;
    if (!peer->suspected && accusation < due)
        due = accusation;
    return due;
}

static void look_at(struct gcs_detector *d, uint64_t now, struct gcs_peer *peer)
{
    bool changed = false;
    if (peer->evidence && now >= peer->answer_until)
        changed |= conclude(d, now, peer);
    if (!peer->suspected && now >= silent_since(d, peer) + timeout_of(d, peer))
        changed |= accuse(d, peer, false);
    if (now >= next_question(d, peer))
        beat(d, now, peer, true);
    else if (now >= peer->sent + d->config.heartbeat_ns)
        beat(d, now, peer, peer->suspected || silent(d, peer, now));
    gcs_peers_set_due(&d->peers, peer, later(next_due(d, peer), now + 1));
    if (changed)
        tell(d, peer);
}

void gcs_detector_tick(struct gcs_detector *d, uint64_t now)
{
    note_time(d, now);
    struct gcs_peer *peer = gcs_peers_first(&d->peers);
    while (peer && peer->due <= now) {
        look_at(d, now, peer);
        peer = gcs_peers_first(&d->peers);
    }
}

uint64_t gcs_detector_deadline(const struct gcs_detector *d)
{
    const struct gcs_peer *peer = gcs_peers_first(&d->peers);
    return peer ? peer->due : GCS_NEVER;
}

/* ---- Traffic ---------------------------------------------------------------------------- */

void gcs_detector_heard(struct gcs_detector *d, uint64_t now, struct gcs_peer *peer)
{
    note_time(d, now);
    peer->heard = now;
    if (!peer->suspected || peer->replaced)
        return;
    peer->suspected = false;
    peer->crashed = false;
    peer->evidence = false;
    gcs_peers_set_due(&d->peers, peer, now);
    tell(d, peer);
}

void gcs_detector_sent(struct gcs_detector *d, uint64_t now, struct gcs_peer *peer)
{
    note_time(d, now);
    peer->sent = now;
}

void gcs_detector_evidence(struct gcs_detector *d, uint64_t now, struct gcs_peer *peer)
{
    note_time(d, now);
    if (peer->evidence || peer->crashed)
        return;
    ask_for_life(d, now, peer);
    gcs_peers_set_due(&d->peers, peer, later(next_due(d, peer), now + 1));
}

/* ---- Heartbeats ------------------------------------------------------------------------- */

static void measure(struct gcs_peer *peer, uint64_t now, uint64_t echo)
{
    if (echo > now || echo > peer->asked)
        return; /* no question of ours */
    uint64_t sample = later(now - echo, 1);
    peer->rtt = peer->rtt ? peer->rtt - peer->rtt / 8 + sample / 8 : sample;
}

/* A heartbeat of another process than the one watched. True: a newer one. */
static bool newer(struct gcs_detector *d, uint64_t now, struct gcs_peer *peer,
                  const struct gcs_heartbeat *heartbeat)
{
    if ((heartbeat->flags & GCS_HEARTBEAT_ANSWER) && heartbeat->echo == peer->asked)
        return true;
    /* Late, or of a newer process: whoever answers now is the one that lives. */
    if (now >= peer->asked + question_gap(d, peer))
        beat(d, now, peer, true);
    return false;
}

static void hear_peer(struct gcs_detector *d, uint64_t now, struct gcs_peer *peer,
                      const struct gcs_heartbeat *heartbeat)
{
    if (peer->process == 0)
        peer->process = heartbeat->process;
    if (peer->process != heartbeat->process) {
        if (!newer(d, now, peer, heartbeat))
            return;
        peer->process = heartbeat->process;
        peer->replaced = true;
        peer->evidence = false;
        peer->rtt = 0;
        if (accuse(d, peer, true))
            tell(d, peer);
        return;
    }
    if (heartbeat->flags & GCS_HEARTBEAT_ANSWER) {
        peer->evidence = false;
        measure(peer, now, heartbeat->echo);
    }
    gcs_detector_heard(d, now, peer);
}

int gcs_detector_frame(struct gcs_detector *d, uint64_t now, const struct gcs_address *from,
                       const uint8_t *body, size_t size)
{
    struct gcs_heartbeat heartbeat;
    note_time(d, now);
    if (!gcs_heartbeat_read(body, size, &heartbeat) || heartbeat.process == 0)
        return GCS_EMALFORMED;
    struct gcs_peer *peer = gcs_peers_find(&d->peers, from);
    if (heartbeat.flags & GCS_HEARTBEAT_QUESTION) {
        struct gcs_heartbeat answer = {
            .flags = GCS_HEARTBEAT_ANSWER, .process = d->config.process, .echo = heartbeat.stamp};
        if (peer)
            peer->sent = now;
        speak(d, from, &answer);
    }
    if (peer)
        hear_peer(d, now, peer, &heartbeat);
    return 0;
}

/* ---- Watching --------------------------------------------------------------------------- */

struct gcs_peer *gcs_detector_watch(struct gcs_detector *d, uint64_t now,
                                    const struct gcs_address *address)
{
    note_time(d, now);
    struct gcs_peer *peer = gcs_peers_find(&d->peers, address);
    if (!peer) {
        peer = gcs_peers_add(&d->peers, address);
        if (!peer)
            return NULL;
        peer->heard = now;
    }
    if (peer->replaced) {
        peer->replaced = false;
        peer->suspected = false;
        peer->crashed = false;
        peer->heard = now;
    }
    peer->watches++;
    return peer;
}

void gcs_detector_expect(struct gcs_detector *d, uint64_t now, struct gcs_peer *peer,
                         uint64_t process)
{
    note_time(d, now);
    if (peer->process == process)
        return;
    bool known = peer->process != 0;
    peer->process = process;
    if (!known)
        return;
    peer->replaced = false;
    peer->suspected = false;
    peer->crashed = false;
    peer->evidence = false;
    peer->rtt = 0;
    peer->heard = now;
    beat(d, now, peer, true); /* answers to older questions come from the process before */
    gcs_peers_set_due(&d->peers, peer, later(next_due(d, peer), now + 1));
    tell(d, peer);
}

void gcs_detector_unwatch(struct gcs_detector *d, struct gcs_peer *peer)
{
    if (--peer->watches == 0)
        gcs_peers_remove(&d->peers, peer);
}

struct gcs_peer *gcs_detector_find(struct gcs_detector *d, const struct gcs_address *address)
{
    return gcs_peers_find(&d->peers, address);
}

const struct gcs_address *gcs_peer_address(const struct gcs_peer *peer)
{
    return &peer->address;
}

bool gcs_peer_suspected(const struct gcs_peer *peer)
{
    return peer->suspected;
}

uint64_t gcs_peer_process(const struct gcs_peer *peer)
{
    return peer->process;
}

bool gcs_peer_replaced(const struct gcs_peer *peer)
{
    return peer->replaced;
}

void **gcs_peer_user(struct gcs_peer *peer)
{
    return &peer->user;
}

uint64_t gcs_peer_rtt(const struct gcs_peer *peer)
{
    return peer->rtt;
}

int gcs_detector_new(const struct gcs_detector_config *config, struct gcs_detector **detector)
{
    struct gcs_detector *d = gcs_allocate(config->allocator, 1, sizeof(*d));
    if (!d)
        return GCS_ENOMEM;
    d->config = *config;
    d->peers.allocator = config->allocator;
    *detector = d;
    return 0;
}

void gcs_detector_free(struct gcs_detector *d)
{
    if (!d)
        return;
    gcs_peers_fini(&d->peers);
    gcs_release(d->config.allocator, d);
}
