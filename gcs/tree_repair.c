/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Local recovery in a tree of regions. Who lacks a packet asks its own region,
 * after a random time in which it may hear somebody else ask; whoever holds the
 * packet repeats it for the region, one at once and the others only if nobody did.
 * If the region does not have it, the one that acts for it asks the next region on
 * the way to the packet's sender, and repeats the answer. A coordinator that is
 * silent is bypassed by its backups, and in the end everybody asks anybody.
 */
#include "gcs/base/mutant.h"
#include "gcs/group.h"
#include "gcs/reliable/backoff.h"

#define GUARD_NS      500000u
#define WAIT_MAX_NS   256000000u
#define WINDOW_NEAR   2u /* times the round trip: the window of random times in a region ... */
#define WINDOW_FAR    4u /* ... and among those who ask another one */
#define WAIT_ACTING   4u /* round trips until whoever acts for the region asks again ... */
#define WAIT_OTHERS   8u /* ... and everybody else */
#define HOLD_OFF      2u /* round trips in which a packet is not repeated once more */
#define SEVERAL       0xffff
#define REPAIR_MAX    256u /* packets planned in answer to one request */
#define BYPASS_AFTER  2u   /* attempts in the region, and one for each senior member */
#define BYPASS_MOST   5u
#define ANYBODY_AFTER 7u

static uint64_t draw(struct gcs_era *era, uint64_t window_ns, uint32_t receivers)
{
    if (GCS_MUTANT(no_suppression))
        return 0;
    return gcs_backoff_ns(gcs_prng_next(&era->group->core->prng), window_ns, receivers);
}

static uint16_t near_count(const struct gcs_era *era)
{
    return (uint16_t)(era->tree->near->count + 1);
}

/* ---- Asking ----------------------------------------------------------------------------- */

static bool is_up(const struct gcs_era *era, uint16_t rank)
{
    const struct gcs_peer *peer = era->fellows[rank].peer;
    return peer && !gcs_peer_suspected(peer);
}

static uint16_t anybody(const struct gcs_era *era, uint16_t rank, uint32_t attempt)
{
    for (uint16_t i = 0; i < era->view.count; i++) {
        uint16_t candidate = (uint16_t)((rank + attempt / 2 + i) % era->view.count);
        if (is_up(era, candidate))
            return candidate;
    }
    return rank;
}

/* Beyond the own region: who acts for the next one on the way, then the sender itself, then
 * anybody. */
static uint16_t whom_far(const struct gcs_era *era, uint16_t rank, uint32_t attempt)
{
    const struct gcs_tree *tree = era->tree;
    uint16_t home = tree->regions.region_of[rank];
    if (home == tree->region || attempt % 4 == 3)
        return is_up(era, rank) && attempt < ANYBODY_AFTER ? rank : anybody(era, rank, attempt);
    if (attempt >= ANYBODY_AFTER)
        return anybody(era, rank, attempt);
    return gcs_tree_acting(era, gcs_region_towards(&tree->regions, tree->region, home));
}

/* Whether it is our part to ask beyond the region. */
static bool asks_far(const struct gcs_era *era, uint32_t attempt)
{
    uint32_t patience = BYPASS_AFTER + era->tree->place;
    if (near_count(era) == 1 || GCS_MUTANT(no_local_repair))
        return true;
    if (attempt > 0 && gcs_tree_acting(era, era->tree->region) == era->view.self)
        return true;
    return attempt >= (patience < BYPASS_MOST ? patience : BYPASS_MOST);
}

static void seek(struct gcs_era *era, const struct gcs_nack *nack, uint32_t attempt)
{
    uint8_t body[GCS_NACK_RANGES_MAX * 20 + 16];
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    gcs_nack_write(&w, nack);
    if (!asks_far(era, attempt)) {
        gcs_tree_send(era, era->tree->near, GCS_FRAME_SEEK, body, gcs_writer_size(&w));
    } else {
        uint16_t target =
            GCS_MUTANT(no_local_repair) ? nack->rank : whom_far(era, nack->rank, attempt);
        if (target == era->view.self)
            return;
        gcs_era_send_frame(era, &era->members[target].id.address, GCS_FRAME_SEEK, body,
                           gcs_writer_size(&w));
    }
    era->group->core->counters.nacks_sent++;
}

static void ask(struct gcs_era *era, uint64_t now, uint16_t rank)
{
    struct gcs_fellow *fellow = &era->fellows[rank];
    uint64_t rtt = gcs_tree_rtt(era, now);
    struct gcs_nack nack = {.rank = rank};
    uint32_t attempt;
    if (gcs_missing_is_new(&fellow->missing, &fellow->window))
        gcs_missing_note(&fellow->missing, &fellow->window, now,
                         GUARD_NS + draw(era, WINDOW_NEAR * rtt, near_count(era)));
    if (now < fellow->missing.due)
        return;
    bool acting = gcs_tree_acting(era, era->tree->region) == era->view.self;
    struct gcs_missing_timing timing = {
        .slack_ns = rtt,
        .wait_ns = acting
                       ? WAIT_ACTING * rtt + draw(era, WINDOW_FAR * rtt, era->tree->regions.fan_out)
                       : WAIT_OTHERS * rtt + draw(era, WINDOW_NEAR * rtt, near_count(era)),
        .ceiling_ns = WAIT_MAX_NS,
    };
    while (gcs_missing_ask(&fellow->missing, &fellow->window, now, &timing, &nack, &attempt))
        seek(era, &nack, attempt);
}

void gcs_tree_ask(struct gcs_era *era, uint64_t now)
{
    if (!era->gaps_changed && now < era->gaps_due)
        return;
    era->gaps_changed = false;
    era->gaps_due = GCS_NEVER;
    struct gcs_rankset *lacking = &era->tree->lacking;
    for (uint16_t rank = gcs_rankset_next(lacking, 0); rank < era->view.count;
         rank = gcs_rankset_next(lacking, (uint16_t)(rank + 1))) {
        const struct gcs_fellow *fellow = &era->fellows[rank];
        if (rank != era->view.self)
            ask(era, now, rank);
        if (rank == era->view.self || fellow->window.contiguous >= fellow->window.top)
            gcs_rankset_remove(lacking, rank);
        else if (fellow->missing.due < era->gaps_due)
            era->gaps_due = fellow->missing.due;
    }
}

/* ---- Repairing -------------------------------------------------------------------------- */

static void carry_out(struct gcs_era *era, const struct gcs_plan *plan)
{
    struct gcs_core *core = era->group->core;
    struct gcs_route *near = era->tree->near;
    const struct gcs_held *packet = gcs_window_get(&era->fellows[plan->rank].window, plan->number);
    if (!packet || GCS_MUTANT(skip_repair))
        return;
    core->counters.repairs_sent++;
    if (plan->scope == era->tree->region)
        gcs_outbox_multicast(&core->outbox, near, packet->buffer, packet->data, packet->size);
    else if (plan->scope == GCS_REGION_NONE)
        gcs_outbox_multicast(&core->outbox, era->others, packet->buffer, packet->data,
                             packet->size);
    else
        gcs_outbox_unicast(&core->outbox, &era->members[plan->to].id.address, packet->buffer,
                           packet->data, packet->size);
}

void gcs_tree_repair(struct gcs_era *era, uint64_t now)
{
    struct gcs_plan plan;
    while (gcs_plans_next(&era->tree->plans, now, &plan))
        carry_out(era, &plan);
}

/* When it is our turn to repeat a packet for our region: its sender's at once, otherwise that of
 * one of us in turn; who asked lacks it. */
static uint64_t turn(struct gcs_era *era, uint64_t now, uint16_t from, uint16_t rank,
                     uint64_t number)
{
    const struct gcs_tree *tree = era->tree;
    uint16_t size = near_count(era), chosen = rank;
    uint64_t rtt = gcs_tree_rtt(era, now);
    if (tree->regions.region_of[rank] != tree->region) {
        chosen = gcs_region_member(&tree->regions, tree->region, (uint16_t)(number % size));
        if (chosen == from)
            chosen =
                gcs_region_member(&tree->regions, tree->region, (uint16_t)((number + 1) % size));
    }
    if (chosen == era->view.self)
        return now;
    return now + rtt + draw(era, WINDOW_NEAR * rtt, size);
}

/*
 * A packet of our own that two members ask for was most likely lost on its way to many: one
 * multicast serves them all. GCS_REGION_NONE: for everybody.
 */
static uint16_t scope_of(struct gcs_era *era, uint64_t now, uint16_t from, struct gcs_held *packet)
{
    uint16_t region = era->tree->regions.region_of[from];
    uint64_t until = packet->repaired_at + WAIT_OTHERS * gcs_tree_rtt(era, now);
    bool lately = packet->asked_by > 0 && now < until;
    if (!era->group->core->config.multicast)
        return region;
    if (lately && packet->asked_by != from + 1) {
        packet->asked_by = SEVERAL;
        return GCS_REGION_NONE;
    }
    packet->asked_by = (uint16_t)(from + 1);
    packet->repaired_at = now;
    return region;
}

static void plan_repair(struct gcs_era *era, uint64_t now, uint16_t from, uint16_t rank,
                        uint64_t number)
{
    struct gcs_tree *tree = era->tree;
    struct gcs_held *packet = gcs_window_get(&era->fellows[rank].window, number);
    uint16_t scope =
        rank == era->view.self ? scope_of(era, now, from, packet) : tree->regions.region_of[from];
    uint64_t due = scope == tree->region ? turn(era, now, from, rank, number) : now;
    struct gcs_plan plan = {
        .number = number,
        .due = due,
        .until = due + HOLD_OFF * gcs_tree_rtt(era, now),
        .rank = rank,
        .scope = scope,
        .to = from,
    };
    gcs_plans_add(&tree->plans, now, &plan);
}

static void remember(struct gcs_tree *tree, uint64_t now, uint64_t until, uint16_t from,
                     uint16_t rank, const struct gcs_range *range)
{
    struct gcs_want *place = &tree->wants[0];
    for (uint16_t i = 0; i < GCS_TREE_WANTS_MAX && place->until > now; i++)
        if (tree->wants[i].until < place->until)
            place = &tree->wants[i];
    *place = (struct gcs_want){until, range->first, range->last, rank, from};
    tree->wants_count = GCS_TREE_WANTS_MAX;
}

void gcs_tree_hear_seek(struct gcs_era *era, uint64_t now, uint16_t from,
                        const struct gcs_nack *nack)
{
    struct gcs_tree *tree = era->tree;
    struct gcs_fellow *fellow = &era->fellows[nack->rank];
    struct gcs_counters *counters = &era->group->core->counters;
    bool near = tree->regions.region_of[from] == tree->region;
    uint64_t rtt = gcs_tree_rtt(era, now), until = now + WAIT_OTHERS * rtt;
    uint32_t planned = 0;
    counters->nacks_to_source += nack->rank == era->view.self;
    if (near)
        until = now +
                (gcs_tree_acting(era, tree->region) == era->view.self ? WAIT_ACTING : WAIT_OTHERS) *
                    rtt;
    for (uint16_t i = 0; i < nack->count; i++) {
        struct gcs_range range = nack->ranges[i];
        if (range.first <= fellow->window.base)
            range.first = fellow->window.base + 1;
        if (range.last > fellow->window.top)
            range.last = fellow->window.top;
        bool all = true;
        for (uint64_t n = range.first; n <= range.last && planned < REPAIR_MAX; n++) {
            bool held = gcs_window_get(&fellow->window, n) != NULL;
            all &= held;
            if (held)
                plan_repair(era, now, from, nack->rank, n);
            planned += held;
        }
        if (near && !GCS_MUTANT(no_suppression))
            counters->nacks_suppressed +=
                gcs_missing_hold_back(&fellow->missing, &fellow->window, &range,
                                      until + draw(era, WINDOW_NEAR * rtt, near_count(era)));
        else if (!near && !all)
            remember(tree, now, until, from, nack->rank, &range);
    }
}

/* ---- Packets that come ------------------------------------------------------------------ */

static void pass_on(struct gcs_era *era, uint64_t now, uint16_t to, uint16_t rank, uint64_t number)
{
    uint16_t scope = era->tree->regions.region_of[to];
    struct gcs_plan plan = {number, now, now + HOLD_OFF * gcs_tree_rtt(era, now), rank, scope, to};
    gcs_plans_add(&era->tree->plans, now, &plan);
}

void gcs_tree_kept(struct gcs_era *era, uint64_t now, const struct gcs_address *from, uint16_t rank,
                   uint64_t number, uint32_t attempts)
{
    struct gcs_tree *tree = era->tree;
    bool near = attempts > 0 && gcs_tree_is_near(era, from);
    era->group->core->counters.repairs_near += near;
    if (attempts > 1 && !near && asks_far(era, attempts - 1))
        pass_on(era, now, era->view.self, rank, number);
    bool any = false;
    for (uint16_t i = 0; i < tree->wants_count; i++) {
        const struct gcs_want *want = &tree->wants[i];
        if (want->until <= now)
            continue;
        any = true;
        if (want->rank == rank && number >= want->first && number <= want->last &&
            !gcs_tree_spreads_to(era, rank, want->from))
            pass_on(era, now, want->from, rank, number);
    }
    if (!any)
        tree->wants_count = 0;
}

void gcs_tree_heard_again(struct gcs_era *era, uint64_t now, const struct gcs_address *from,
                          uint16_t rank, uint64_t number)
{
    struct gcs_tree *tree = era->tree;
    if (!gcs_tree_is_near(era, from))
        return;
    if (gcs_plans_drop(&tree->plans, now, rank, number, tree->region,
                       now + HOLD_OFF * gcs_tree_rtt(era, now)))
        era->group->core->counters.repairs_suppressed++;
}
