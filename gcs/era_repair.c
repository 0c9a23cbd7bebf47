/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Local recovery in a flat group: a member that lacks packets asks one other at
 * a time, the sender first, then anybody; whoever holds a packet repeats it byte
 * for byte. A packet is repeated for one member at most once per hold-off, so that no
 * flood of requests becomes a flood of repairs.
 *
 * Each missing number has a clock of its own (reliable/missing.h): one that gets lost
 * while others are on their way again does not wait for them. Where a reliable network
 * is trusted, or the cut of a view is fetched, one clock for a sender is enough
 * (reliable/gaps.h).
 */
#include "gcs/era.h"

#include "gcs/base/mutant.h"
#include "gcs/base/times.h"
#include "gcs/group.h"

#define GUARD_NS         500000u
#define RETRY_NS         4000000u
#define RETRY_MAX_NS     64000000u
#define RETRY_LEAST_NS   2000000u
#define RETRY_TRIPS      4u      /* round trips before a packet is asked for again */
#define SLACK_NS         200000u /* what is due so soon after is asked for at once as well */
#define HOLD_OFF_NS      1000000u
#define REPAIR_BYTES_MAX 262144u     /* in answer to one request */
#define TRUST_NS         1000000000u /* in a reliable network, before it is asked all the same */

/* ---- Reliable networks ------------------------------------------------------------------ */

static uint64_t refused(const struct gcs_counters *counters)
{
    return counters->dropped_memory + counters->dropped_overrun + counters->dropped_corrupt;
}

void gcs_era_note_drops(struct gcs_era *era)
{
    const struct gcs_counters *counters = &era->group->core->counters;
    era->refused = refused(counters);
    era->missed = counters->dropped_stale > era->group->astray;
    era->group->astray = counters->dropped_stale;
}

/*
 * Where the network loses nothing a gap closes by itself. But a link may have broken, this member
 * may have had no room, or dropped what came before it was in the view: then all that is missing
 * lies before the first packet that came from the sender itself.
 */
static bool may_be_lost(const struct gcs_era *era, const struct gcs_fellow *fellow)
{
    const struct gcs_core *core = era->group->core;
    if (!core->config.reliable || era->fetching || refused(&core->counters) > era->refused)
        return true;
    if (fellow->peer && gcs_peer_broke(fellow->peer))
        return true;
    return fellow->first == 0 ? era->missed : fellow->window.contiguous + 1 < fellow->first;
}

void gcs_era_link_broke(struct gcs_era *era, uint64_t now, const struct gcs_peer *peer)
{
    for (uint16_t rank = 0; rank < era->view.count; rank++) {
        struct gcs_fellow *fellow = &era->fellows[rank];
        if (fellow->peer == peer && fellow->gaps.due != GCS_NEVER)
            fellow->gaps.due = now;
    }
    era->gaps_changed = true;
}

/* ---- Asking ----------------------------------------------------------------------------- */

/* Whom to ask for packets of rank: who surely holds them, then everybody in turn. */
static uint16_t whom_to_ask(const struct gcs_era *era, uint16_t rank, uint32_t attempt)
{
    uint16_t first = era->fetching ? era->fellows[rank].holder : rank;
    for (uint16_t i = 0; i < era->view.count; i++) {
        uint16_t candidate = (uint16_t)((first + attempt / 2 + i) % era->view.count);
        const struct gcs_peer *peer = era->fellows[candidate].peer;
        if (peer && !gcs_peer_suspected(peer))
            return candidate;
    }
    return first;
}

static void request(struct gcs_era *era, uint16_t rank, const struct gcs_nack *nack,
                    uint32_t attempt)
{
    uint8_t body[GCS_NACK_RANGES_MAX * 20 + 16];
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    uint16_t target = whom_to_ask(era, rank, attempt);
    if (target == era->view.self)
        return;
    gcs_nack_write(&w, nack);
    gcs_era_send_frame(era, &era->members[target].id.address, GCS_FRAME_NACK, body,
                       gcs_writer_size(&w));
    era->group->core->counters.nacks_sent++;
}

bool gcs_era_asks_each(const struct gcs_era *era)
{
    return !era->fetching && (era->tree || !era->group->core->config.reliable);
}

/*
 * Others tell of a packet when they have it, and its way to us may be longer: where it goes to each
 * member by itself its sender may not even have come to us. The path to the sender tells how long
 * that is; in a large view they tell rarely, and so long it may take.
 */
static uint64_t guard_of(const struct gcs_era *era, const struct gcs_fellow *fellow)
{
    bool hearsay = fellow->window.top > fellow->came && fellow->peer;
    uint64_t guard = gcs_later(GUARD_NS, era->calm_ns);
    if (GCS_MUTANT(nack_at_once))
        return 0;
    return hearsay ? gcs_later(guard, gcs_sooner(gcs_peer_rtt(fellow->peer), RETRY_MAX_NS)) : guard;
}

static uint64_t retry_at_most(const struct gcs_era *era)
{
    return gcs_later(RETRY_MAX_NS, era->calm_ns);
}

/* A request or a repair may be lost too: the path to the sender tells how long is too long. */
static uint64_t retry_after(const struct gcs_era *era, const struct gcs_fellow *fellow)
{
    uint64_t trips = fellow->peer ? RETRY_TRIPS * gcs_peer_rtt(fellow->peer) : 0;
    uint64_t wait = gcs_later(RETRY_NS, trips);
    if (era->pace.trip > 0) /* what we send waits in queues, and so will the repair */
        wait = era->pace.trip + era->pace.trip / 4;
    return gcs_sooner(gcs_later(RETRY_LEAST_NS, wait), retry_at_most(era));
}

/* Returns when to look again. */
static uint64_t ask_each(struct gcs_era *era, uint64_t now, uint16_t rank)
{
    struct gcs_fellow *fellow = &era->fellows[rank];
    struct gcs_nack nack = {.rank = rank};
    uint32_t attempt;
    if (gcs_missing_is_new(&fellow->missing, &fellow->window) &&
        !gcs_missing_note(&fellow->missing, &fellow->window, now, guard_of(era, fellow)))
        return now + RETRY_NS; /* there was no memory for it */
    if (now < fellow->missing.due)
        return fellow->missing.due;
    const struct gcs_missing_timing timing = {SLACK_NS, retry_after(era, fellow),
                                              retry_at_most(era)};
    while (gcs_missing_ask(&fellow->missing, &fellow->window, now, &timing, &nack, &attempt))
        request(era, rank, &nack, attempt);
    return fellow->missing.due;
}

static uint64_t ask_for_gap(struct gcs_era *era, uint64_t now, uint16_t rank)
{
    struct gcs_fellow *fellow = &era->fellows[rank];
    const struct gcs_gaps_timing lossy = {guard_of(era, fellow), RETRY_NS, retry_at_most(era)};
    const struct gcs_gaps_timing trusted = {TRUST_NS, TRUST_NS, TRUST_NS};
    const struct gcs_gaps_timing *timing = may_be_lost(era, fellow) ? &lossy : &trusted;
    struct gcs_nack nack = {.rank = rank};
    gcs_gaps_update(&fellow->gaps, &fellow->window, now, timing);
    uint32_t attempt = fellow->gaps.attempt;
    if (gcs_gaps_request(&fellow->gaps, &fellow->window, now, timing, &nack))
        request(era, rank, &nack, attempt);
    return fellow->gaps.due;
}

void gcs_era_request_repairs(struct gcs_era *era, uint64_t now)
{
    if (era->tree)
        gcs_tree_repair(era, now);
    if (era->tree && !era->fetching) {
        gcs_tree_ask(era, now);
        return;
    }
    if (!era->gaps_changed && now < era->gaps_due)
        return;
    era->gaps_changed = false;
    era->gaps_due = GCS_NEVER;
    bool each = gcs_era_asks_each(era);
    for (uint16_t rank = 0; rank < era->view.count; rank++) {
        if (rank == era->view.self)
            continue;
        uint64_t due = each ? ask_each(era, now, rank) : ask_for_gap(era, now, rank);
        if (due < era->gaps_due)
            era->gaps_due = due;
    }
}

void gcs_era_fetch(struct gcs_era *era, uint64_t now, const uint64_t *cut, const uint16_t *holder)
{
    for (uint16_t rank = 0; rank < era->view.count; rank++) {
        struct gcs_fellow *fellow = &era->fellows[rank];
        if (fellow->window.contiguous >= cut[rank])
            continue;
        /* Its sender had room for cut[rank], so everybody had taken what lies a window before it.
         */
        if (cut[rank] > fellow->window.capacity)
            gcs_window_release(&fellow->window, cut[rank] - fellow->window.capacity);
        gcs_window_exists(&fellow->window, cut[rank]);
        if (!era->fetching || fellow->holder != holder[rank])
            fellow->gaps = (struct gcs_gaps){.due = now};
        fellow->holder = holder[rank];
        era->gaps_changed = true;
    }
    era->fetching = true;
}

/* ---- Answering -------------------------------------------------------------------------- */

/* Several may lack the same packet and each gets its own repair; of members that share a bit one
 * may have to ask again. */
static bool is_held_off(struct gcs_held *packet, uint64_t now, uint16_t asker)
{
    uint16_t bit = (uint16_t)(1u << asker % 16);
    if (packet->repaired_at == 0 || now >= packet->repaired_at + HOLD_OFF_NS) {
        packet->repaired_at = now;
        packet->askers = 0;
    }
    bool lately = packet->askers & bit;
    packet->askers |= bit;
    return lately;
}

void gcs_era_repair(struct gcs_era *era, uint64_t now, const struct gcs_address *to, uint16_t asker,
                    const struct gcs_nack *nack)
{
    struct gcs_core *core = era->group->core;
    const struct gcs_window *window = &era->fellows[nack->rank].window;
    size_t bytes = 0;
    if (GCS_MUTANT(skip_repair))
        return;
    for (uint16_t i = 0; i < nack->count; i++) {
        uint64_t first =
            nack->ranges[i].first > window->base ? nack->ranges[i].first : window->base + 1;
        uint64_t last = nack->ranges[i].last < window->top ? nack->ranges[i].last : window->top;
        for (uint64_t number = first; number <= last && bytes < REPAIR_BYTES_MAX; number++) {
            struct gcs_held *packet = gcs_window_get(window, number);
            if (!packet || is_held_off(packet, now, asker))
                continue;
            gcs_outbox_unicast(&core->outbox, to, packet->buffer, packet->data, packet->size);
            core->counters.repairs_sent++;
            bytes += packet->size;
        }
    }
}
