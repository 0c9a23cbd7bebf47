/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The failure detector: heartbeats where there is no other traffic, suspicion
 * after silence, questions before suspicion. Complete (whoever is dead is
 * suspected in the end) and as accurate as the timeout; what it says is an
 * opinion in the sense of Chandra and Toueg, "Unreliable Failure Detectors"
 * (JACM 43(2), 1996). Evidence only makes it ask: it is the missing answer that
 * counts, and any packet that keeps coming outweighs it.
 */
#include "gcs/base/memory.h"
#include "views/watch.h"

/* The round-trip time is measured about once in so many heartbeats. */
#define HEARTBEATS_PER_QUESTION 32

/* Nothing but heartbeats for so many of them, and they become rarer. */
#define HEARTBEATS_UNTIL_IDLE 8

/* ---- Speaking --------------------------------------------------------------------------- */

void gcs_watch_speak(struct gcs_detector *d, const struct gcs_address *to,
                     const struct gcs_heartbeat *heartbeat)
{
    uint8_t body[GCS_HEARTBEAT_BYTES_MAX];
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    gcs_heartbeat_write(&w, heartbeat);
    d->config.env.heartbeat(d->config.env.ctx, to, body, gcs_writer_size(&w));
}

void gcs_watch_beat(struct gcs_detector *d, uint64_t now, struct gcs_peer *peer, bool question)
{
    struct gcs_heartbeat heartbeat = {.process = d->config.process};
    peer->sent = now;
    if (question) {
        peer->asked = now;
        heartbeat.flags = GCS_HEARTBEAT_QUESTION;
        heartbeat.stamp = now;
    }
    gcs_watch_speak(d, &peer->address, &heartbeat);
}

static void ask_for_life(struct gcs_detector *d, uint64_t now, struct gcs_peer *peer)
{
    peer->evidence = true;
    peer->asked_for_life = now;
    peer->answer_until = now + gcs_patience_answer(d, peer);
    gcs_watch_beat(d, now, peer, true);
    gcs_relay_ask(d, now, peer);
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
    return now >= gcs_patience_silent_since(d, peer) + gcs_patience_ask(d, peer);
}

/* A question about life and death is put twice, as one of them may be lost. */
static uint64_t second_question(const struct gcs_peer *peer)
{
    if (!peer->evidence || peer->asked != peer->asked_for_life)
        return GCS_NEVER;
    return peer->asked_for_life + (peer->answer_until - peer->asked_for_life) / 2;
}

static uint64_t next_question(const struct gcs_detector *d, const struct gcs_peer *peer)
{
    if (peer->asked == 0 || peer->asked < d->resumed)
        return 0;
    uint64_t routine = peer->asked + HEARTBEATS_PER_QUESTION * peer->interval;
    if (peer->suspected)
        return routine;
    if (peer->answered < d->resumed) { /* is it there still, after our pause? */
        uint64_t wait = gcs_later(d->config.heartbeat_ns / 2, gcs_patience_answer(d, peer));
        return gcs_sooner(peer->asked + wait, second_question(peer));
    }
    uint64_t doubtful = gcs_later(gcs_patience_silent_since(d, peer) + gcs_patience_ask(d, peer),
                                  peer->asked + gcs_patience_question_gap(d, peer));
    return gcs_sooner(gcs_sooner(doubtful, routine), second_question(peer));
}

static uint64_t next_due(const struct gcs_detector *d, const struct gcs_peer *peer)
{
    uint64_t due = peer->sent + peer->interval;
    uint64_t question = next_question(d, peer);
    uint64_t accusation = gcs_patience_ends(d, peer);
    uint64_t absence = gcs_patience_present(d, peer);
    if (question < due)
        due = question;
    if (peer->evidence && peer->answer_until < due)
        due = peer->answer_until;
    if (!peer->suspected && accusation < due)
        due = accusation;
    if (!peer->suspected && absence < due && absence > d->last_call)
        due = absence; /* nothing happens here then, but its user may look */
    return due;
}

static void question(struct gcs_detector *d, uint64_t now, struct gcs_peer *peer)
{
    bool doubtful = !peer->suspected && (peer->evidence || silent(d, peer, now));
    gcs_watch_beat(d, now, peer, true);
    if (!doubtful)
        return;
    gcs_relay_ask(d, now, peer);
    gcs_patience_note_silence(d, now);
}

/*
 * Where there is nothing else to say heartbeats become rarer, up to a third of the time after which
 * silence is suspicious: two may be lost, and there are questions after that.
 */
static void plain_beat(struct gcs_detector *d, uint64_t now, struct gcs_peer *peer)
{
    gcs_watch_beat(d, now, peer, false);
    peer->interval = gcs_later(peer->interval, gcs_patience_beat(d)); /* others were added */
    if (now - peer->busy >= HEARTBEATS_UNTIL_IDLE * d->config.heartbeat_ns)
        peer->interval = gcs_sooner(peer->interval + peer->interval / 4, gcs_patience_rest(d));
}

/* Its heartbeat is due before long: one awakening does for several. False: not yet. */
static bool beat_early(struct gcs_detector *d, uint64_t now, struct gcs_peer *peer)
{
    if (now + gcs_patience_early(d, peer) < peer->sent + peer->interval || peer->suspected)
        return false;
    plain_beat(d, now, peer);
    gcs_peers_set_due(&d->peers, peer, gcs_later(next_due(d, peer), now + 1));
    return true;
}

static void look_at(struct gcs_detector *d, uint64_t now, struct gcs_peer *peer)
{
    bool changed = false, due = now >= peer->sent + peer->interval;
    if (peer->evidence && now >= peer->answer_until)
        changed |= conclude(d, now, peer);
    if (!peer->suspected && now >= gcs_patience_ends(d, peer))
        changed |= accuse(d, peer, false);
    if (now >= next_question(d, peer) || (due && (peer->suspected || silent(d, peer, now))))
        question(d, now, peer);
    else if (due)
        plain_beat(d, now, peer);
    gcs_peers_set_due(&d->peers, peer, gcs_later(next_due(d, peer), now + 1));
    if (changed)
        tell(d, peer);
}

void gcs_detector_look(struct gcs_detector *d, uint64_t now)
{
    gcs_patience_note_time(d, now);
}

void gcs_detector_tick(struct gcs_detector *d, uint64_t now)
{
    gcs_patience_note_time(d, now);
    gcs_patience_note_tick(d, now);
    struct gcs_peer *peer = gcs_peers_first(&d->peers);
    bool awake = false;
    while (peer && (peer->due <= now || (awake && beat_early(d, now, peer)))) {
        if (peer->due <= now) {
            awake = true;
            look_at(d, now, peer);
        }
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
    gcs_patience_note_time(d, now);
    gcs_patience_note_life(d, now, peer);
    if (!peer->suspected || peer->replaced)
        return;
    peer->suspected = false;
    peer->crashed = false;
    peer->evidence = false;
    gcs_peers_set_due(&d->peers, peer, now);
    tell(d, peer);
}

void gcs_detector_sent(struct gcs_detector *d, uint64_t now, struct gcs_peer *peer, bool alone)
{
    gcs_patience_note_time(d, now);
    bool dense = now - peer->busy < d->config.heartbeat_ns;
    peer->busy = now;
    if (alone)
        peer->sent = now;
    uint64_t beat = gcs_patience_beat(d);
    if (!dense || peer->interval <= beat)
        return;
    peer->interval = beat;
    gcs_peers_set_due(&d->peers, peer, gcs_sooner(peer->due, next_due(d, peer)));
}

void gcs_detector_evidence(struct gcs_detector *d, uint64_t now, struct gcs_peer *peer)
{
    gcs_patience_note_time(d, now);
    peer->broke = true;
    if (peer->evidence || peer->crashed)
        return;
    ask_for_life(d, now, peer);
    gcs_peers_set_due(&d->peers, peer, gcs_later(next_due(d, peer), now + 1));
}

/* ---- Heartbeats ------------------------------------------------------------------------- */

/* An answer to a question of ours. */
static void hear_answer(struct gcs_detector *d, uint64_t now, struct gcs_peer *peer, uint64_t echo)
{
    peer->evidence = false;
    if (echo > now || echo > peer->asked)
        return;
    peer->answered = gcs_later(peer->answered, echo);
    gcs_patience_measure(peer, gcs_later(now - echo, 1));
    gcs_relay_answered(d, now, peer, echo);
}

/* Whoever was watched is dead: another process lives at its address. Last, as tell(). */
static void replace(struct gcs_detector *d, struct gcs_peer *peer, uint64_t process)
{
    peer->process = process;
    peer->replaced = true;
    peer->evidence = false;
    peer->rtt = 0;
    if (accuse(d, peer, true))
        tell(d, peer);
}

/* A heartbeat of another process than the one watched. True: a newer one. */
static bool newer(struct gcs_detector *d, uint64_t now, struct gcs_peer *peer,
                  const struct gcs_heartbeat *heartbeat)
{
    uint64_t asked = peer->evidence ? peer->asked_for_life : peer->asked;
    if ((heartbeat->flags & GCS_HEARTBEAT_ANSWER) && heartbeat->echo >= asked &&
        heartbeat->echo <= peer->asked)
        return true;
    /* Late, or of a newer process: whoever answers now is the one that lives. */
    if (!peer->evidence && now >= peer->asked + gcs_patience_question_gap(d, peer)) {
        ask_for_life(d, now, peer);
        gcs_peers_set_due(&d->peers, peer, gcs_later(next_due(d, peer), now + 1));
    }
    return false;
}

/* Others hear it: our link to it is bad, or was. */
static void hear_of(struct gcs_detector *d, uint64_t now, const struct gcs_heartbeat *heartbeat)
{
    struct gcs_peer *peer = gcs_relay_found(d, now, heartbeat);
    if (!peer)
        return;
    if (peer->process != 0 && peer->process != heartbeat->found) {
        if (peer->evidence && heartbeat->echo >= peer->asked_for_life)
            replace(d, peer, heartbeat->found);
        return;
    }
    peer->vouched = heartbeat->echo;
    if (heartbeat->echo >= peer->asked_for_life)
        peer->evidence = false;
    if (!peer->crashed || peer->replaced || heartbeat->echo < peer->asked_for_life)
        return;
    peer->crashed = false;
    tell(d, peer);
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
        gcs_relay_answered(d, now, peer, heartbeat->echo);
        replace(d, peer, heartbeat->process);
        return;
    }
    if (heartbeat->flags & GCS_HEARTBEAT_ANSWER)
        hear_answer(d, now, peer, heartbeat->echo);
    if (heartbeat->flags & GCS_HEARTBEAT_ASK)
        gcs_relay_asked(d, now, peer, heartbeat);
    if (heartbeat->flags & GCS_HEARTBEAT_GOODBYE) {
        peer->closing = true;
        gcs_detector_evidence(d, now, peer);
    } else {
        gcs_detector_heard(d, now, peer);
    }
    if (heartbeat->flags & GCS_HEARTBEAT_FOUND)
        hear_of(d, now, heartbeat);
}

int gcs_detector_frame(struct gcs_detector *d, uint64_t now, const struct gcs_address *from,
                       const uint8_t *body, size_t size)
{
    struct gcs_heartbeat heartbeat;
    gcs_patience_note_time(d, now);
    if (!gcs_heartbeat_read(body, size, &heartbeat) || heartbeat.process == 0)
        return GCS_EMALFORMED;
    struct gcs_peer *peer = gcs_peers_find(&d->peers, from);
    if (heartbeat.flags & GCS_HEARTBEAT_QUESTION) {
        struct gcs_heartbeat answer = {
            .flags = GCS_HEARTBEAT_ANSWER, .process = d->config.process, .echo = heartbeat.stamp};
        if (peer)
            peer->sent = now;
        gcs_watch_speak(d, from, &answer);
    }
    if (peer)
        hear_peer(d, now, peer, &heartbeat);
    return 0;
}

void gcs_detector_goodbye(struct gcs_detector *d, uint64_t now)
{
    struct gcs_heartbeat goodbye = {.flags = GCS_HEARTBEAT_GOODBYE, .process = d->config.process};
    gcs_patience_note_time(d, now);
    for (uint32_t i = 0; i < d->peers.count; i++)
        gcs_watch_speak(d, &d->peers.heap[i]->address, &goodbye);
}

/* ---- Watching --------------------------------------------------------------------------- */

struct gcs_peer *gcs_detector_watch(struct gcs_detector *d, uint64_t now,
                                    const struct gcs_address *address)
{
    gcs_patience_note_time(d, now);
    struct gcs_peer *peer = gcs_peers_find(&d->peers, address);
    if (!peer) {
        peer = gcs_peers_add(&d->peers, address);
        if (!peer)
            return NULL;
        gcs_patience_begin(d, now, peer);
    }
    if (peer->replaced) {
        peer->replaced = peer->closing = false;
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
    gcs_patience_note_time(d, now);
    if (peer->process == process)
        return;
    bool known = peer->process != 0;
    peer->process = process;
    peer->closing = false;
    if (!known)
        return;
    peer->replaced = false;
    peer->suspected = false;
    peer->crashed = false;
    peer->evidence = false;
    peer->rtt = 0;
    peer->heard = now;
    gcs_watch_beat(d, now, peer,
                   true); /* answers to older questions come from the process before */
    gcs_peers_set_due(&d->peers, peer, gcs_later(next_due(d, peer), now + 1));
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

bool gcs_peer_absent(const struct gcs_detector *d, const struct gcs_peer *peer, uint64_t now)
{
    return peer->suspected || now >= gcs_patience_present(d, peer);
}

bool gcs_peer_crashed(const struct gcs_peer *peer)
{
    return peer->crashed;
}

uint64_t gcs_peer_process(const struct gcs_peer *peer)
{
    return peer->process;
}

bool gcs_peer_broke(const struct gcs_peer *peer)
{
    return peer->broke;
}

bool gcs_peer_closing(const struct gcs_peer *peer)
{
    return peer->closing;
}

bool gcs_peer_replaced(const struct gcs_peer *peer)
{
    return peer->replaced;
}

void **gcs_peer_user(struct gcs_peer *peer)
{
    return &peer->user;
}

uint64_t gcs_peer_answered(const struct gcs_peer *peer)
{
    return peer->answered;
}

uint64_t gcs_detector_resumed(const struct gcs_detector *d)
{
    return d->resumed;
}

uint64_t gcs_peer_heard(const struct gcs_peer *peer)
{
    return peer->heard;
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
    if (d->config.suspect_max_ns < d->config.suspect_ns)
        d->config.suspect_max_ns = d->config.suspect_ns;
    if (d->config.heartbeat_max_ns == 0)
        d->config.heartbeat_max_ns = d->config.suspect_ns / 3;
    gcs_prng_init(&d->prng, config->process);
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
