/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Questions through others, as in SWIM (Das, Gupta, Motivala, 2002): before a
 * silent peer is suspected, and when there is evidence against it, a few others
 * are asked to put the question too. An answer that one of them gets is a sign
 * that the peer lives and our link to it is bad.
 *
 * A peer asks for us only about somebody whom it watches itself, and says what it
 * has found only after an answer to a question that came after ours. One packet
 * leads to one, and there is a bound on them, so this amplifies nothing.
 */
#include "views/watch.h"

/* So many questions for others in so long. */
#define RELAY_NS  10000000u
#define RELAY_MAX 32u

/* ---- Asking through others -------------------------------------------------------------- */

static bool can_help(const struct gcs_detector *d, uint64_t now, const struct gcs_peer *helper,
                     const struct gcs_peer *peer)
{
    const struct gcs_detector_env *env = &d->config.env;
    return helper != peer && !helper->suspected && !helper->evidence &&
           now < gcs_patience_silent_since(d, helper) + gcs_patience_ask(d, helper) &&
           (!env->acquainted || env->acquainted(env->ctx, helper, peer));
}

void gcs_relay_ask(struct gcs_detector *d, uint64_t now, struct gcs_peer *peer)
{
    struct gcs_heartbeat ask = {.flags = GCS_HEARTBEAT_ASK,
                                .process = d->config.process,
                                .stamp = now,
                                .about = peer->address};
    uint32_t count = d->peers.count, left = d->config.helpers;
    if (count < 2 || left == 0 || GCS_MUTANT(no_indirect_probe))
        return;
    uint32_t first = (uint32_t)gcs_prng_below(&d->prng, count);
    peer->relayed = now;
    for (uint32_t i = 0; i < count && left > 0; i++) {
        struct gcs_peer *helper = d->peers.heap[(first + i) % count];
        if (!can_help(d, now, helper, peer))
            continue;
        helper->sent = now;
        gcs_watch_speak(d, &helper->address, &ask);
        left--;
    }
}

struct gcs_peer *gcs_relay_found(struct gcs_detector *d, uint64_t now,
                                 const struct gcs_heartbeat *heartbeat)
{
    struct gcs_peer *peer = gcs_peers_find(&d->peers, &heartbeat->about);
    if (!peer || heartbeat->echo > now || heartbeat->echo > peer->relayed)
        return NULL; /* no question of ours */
    return heartbeat->echo > peer->vouched ? peer : NULL;
}

/* ---- Asking for others ------------------------------------------------------------------ */

/* A free place, or that of whoever has waited longest. */
static struct gcs_ward *place_ward(struct gcs_peer *peer, const struct gcs_address *asker)
{
    struct gcs_ward *place = &peer->wards[0];
    for (int i = 0; i < GCS_WARDS_MAX; i++) {
        struct gcs_ward *ward = &peer->wards[i];
        if (ward->since > 0 && gcs_address_equal(&ward->asker, asker))
            return ward;
        if (ward->since < place->since)
            place = ward;
    }
    return place;
}

void gcs_relay_asked(struct gcs_detector *d, uint64_t now, const struct gcs_peer *asker,
                     const struct gcs_heartbeat *heartbeat)
{
    struct gcs_peer *peer = gcs_peers_find(&d->peers, &heartbeat->about);
    if (now >= d->relay_until) {
        d->relay_until = now + RELAY_NS;
        d->relay_left = RELAY_MAX;
    }
    if (!peer || peer == asker || d->relay_left == 0)
        return;
    d->relay_left--;
    *place_ward(peer, &asker->address) =
        (struct gcs_ward){.asker = asker->address, .stamp = heartbeat->stamp, .since = now};
    if (peer->asked != now)
        gcs_watch_beat(d, now, peer, true);
}

void gcs_relay_answered(struct gcs_detector *d, uint64_t now, struct gcs_peer *peer, uint64_t echo)
{
    for (int i = 0; i < GCS_WARDS_MAX; i++) {
        struct gcs_ward *ward = &peer->wards[i];
        if (ward->since == 0 || echo < ward->since)
            continue;
        struct gcs_heartbeat found = {.flags = GCS_HEARTBEAT_FOUND,
                                      .process = d->config.process,
                                      .echo = ward->stamp,
                                      .about = peer->address,
                                      .found = peer->process};
        if (now < ward->since + d->config.suspect_ns)
            gcs_watch_speak(d, &ward->asker, &found);
        ward->since = 0;
    }
}
