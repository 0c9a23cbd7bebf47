/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Events of the group that is measured. Views other than those that a run is
 * about make it a wrong run: a member that was suspected by mistake would make
 * the figures those of a smaller group.
 */
#include "member.h"

#include "clock.h"
#include "remote.h"

/* ---- Deliveries ------------------------------------------------------------------------ */

bool bench_same_member(const struct gcs_member_id *a, const struct gcs_member_id *b)
{
    return a->incarnation == b->incarnation && a->address.length == b->address.length &&
           memcmp(a->address.bytes, b->address.bytes, a->address.length) == 0;
}

/* The seat of whoever sent it; BENCH_NOBODY: a stranger. */
static unsigned find_sender(const struct bench_member *member, const struct gcs_member_id *id)
{
    struct bench_world *world = member->world;

    for (unsigned i = 0; i < world->count; i++) {
        if (atomic_load_explicit(&world->seats[i].state, memory_order_acquire) >= BENCH_SEATED &&
            bench_same_member(&world->seats[i].id, id))
            return i;
    }
    return BENCH_NOBODY;
}

static void record_latency(const struct bench_member *member, const struct gcs_event *event)
{
    uint64_t begin = atomic_load_explicit(&member->world->begin, memory_order_relaxed);
    uint64_t end = atomic_load_explicit(&member->world->end, memory_order_relaxed);
    uint64_t before = begin - bench_seconds(member->options->warmup) / 2; /* warm by then */
    uint64_t state = atomic_load_explicit(&member->world->state_begin, memory_order_relaxed);
    uint64_t state_end = atomic_load_explicit(&member->world->state_end, memory_order_relaxed);

    for (size_t i = 0; i < event->count; i++) {
        const uint8_t *data = event->messages[i].data;
        uint64_t due = bench_load64(data + BENCH_STAMP_BYTES);
        if (begin != 0 && due >= begin && (end == 0 || due < end))
            bench_histogram_add(&member->seat->latency, member->now - due);
        else if (begin != 0 && due < begin && due >= before)
            bench_histogram_add(&member->seat->latency_before, member->now - due);
        if (state != 0 && due >= state && (state_end == 0 || due < state_end))
            bench_histogram_add(&member->seat->latency_state, member->now - due);
    }
}

static void note_gap(struct bench_member *member)
{
    if (member->begun && !member->ended &&
        member->now - member->last_delivery > member->seat->gap_ns)
        member->seat->gap_ns = member->now - member->last_delivery;
    member->last_delivery = member->now;
}

static void note_timeline(struct bench_member *member, size_t messages)
{
    uint64_t start = atomic_load_explicit(&member->world->start, memory_order_relaxed);
    uint64_t ms = (member->now - start) / BENCH_NS_PER_MS;

    if (start != 0 && ms < BENCH_TIMELINE_MS)
        member->seat->timeline[ms] += (uint32_t)messages;
}

static bool is_measured(const struct bench_member *member)
{
    const struct bench_options *options = member->options;
    unsigned joiners = member->plan->state ? options->joiners : 0;

    /* Clocks of several machines say nothing about each other: of one's own messages only. */
    if (options->elsewhere > 0 && member->last_sender != member->index)
        return false;
    return member->plan->record_latency &&
           member->index < options->members - options->listeners - joiners;
}

static void take_delivery(struct bench_member *member, const struct gcs_event *event)
{
    struct bench_seat *seat = member->seat;
    unsigned sender = member->last_sender;

    /* The address of an id is good for one event only; what it points to is compared. */
    if (!member->last_id || !bench_same_member(event->sender, member->last_id)) {
        sender = find_sender(member, event->sender);
        if (sender == BENCH_NOBODY) {
            bench_member_break(member, "delivered a message of a stranger");
            return;
        }
        member->last_sender = sender;
        member->last_id = &member->world->seats[sender].id;
    }
    if (!bench_check_deliver(&member->check, sender, event, seat->error, sizeof(seat->error))) {
        bench_member_break(member, NULL);
        return;
    }
    member->now = bench_now();
    note_gap(member);
    note_timeline(member, event->count);
    if (is_measured(member)) /* not what waited for the state: it is old */
        record_latency(member, event);
    if (sender == member->index)
        member->load.outstanding = false;
}

/* ---- Views -------------------------------------------------------------------------------- */

static void take_seat(struct bench_member *member, const struct gcs_view *view)
{
    if (atomic_load(&member->seat->state) < BENCH_SEATED) {
        member->seat->id = view->members[view->self].id;
        atomic_store(&member->seat->state, BENCH_SEATED);
    }
}

/* Members of the view that the run waits for; 0: none but that of the start. */
static unsigned expected_members(const struct bench_member *member)
{
    unsigned count = member->options->members;

    if (member->plan->crash && atomic_load(&member->world->victim) != BENCH_NOBODY)
        return count - 1;
    if (member->plan->join && atomic_load(&member->world->disturbed) != 0)
        return count;
    return 0;
}

/* Nobody still waits for the state. */
static bool all_vote(const struct gcs_view *view)
{
    uint16_t rank = 0;

    while (rank < view->count && !view->members[rank].syncing)
        rank++;
    return rank == view->count;
}

/* Somebody was, is, or will be paused, and the group is not to notice. */
static bool pausing(const struct bench_member *member)
{
    return member->plan->crash && member->options->fault == BENCH_PAUSE_A_WHILE &&
           atomic_load(&member->seat->state) >= BENCH_READY;
}

static void take_view(struct bench_member *member, const struct gcs_view_change *change)
{
    const unsigned first = member->options->members - member->options->joiners;
    const unsigned count = change->view.count;

    bench_check_view(&member->check);
    take_seat(member, &change->view);
    member->seat->views += atomic_load(&member->seat->state) >= BENCH_READY;
    if (pausing(member)) {
        bench_member_break(member, "a view came of a pause of %u ms", member->options->pause_ms);
    } else if (!change->primary) {
        bench_member_break(member, "cut off from the primary, in a view of %u members", count);
    } else if (count == expected_members(member)) {
        if (atomic_load(&member->seat->view_at) == 0 && all_vote(&change->view))
            atomic_store(&member->seat->view_at, bench_now());
    } else if (atomic_load(&member->seat->state) < BENCH_READY) {
        if (count == first && all_vote(&change->view))
            atomic_store(&member->seat->state, BENCH_READY);
    } else if (count != first) {
        bench_member_break(member, "a view of %u members came where none was expected", count);
    }
}

void bench_member_event(struct bench_member *member, const struct gcs_event *event)
{
    switch (event->type) {
    case GCS_EVENT_DELIVER:
        take_delivery(member, event);
        break;
    case GCS_EVENT_VIEW:
        if (!bench_remote_take_view(member, &event->change->view))
            take_view(member, event->change);
        break;
    case GCS_EVENT_PRIVATE:
        bench_remote_take(member, event);
        break;
    case GCS_EVENT_STATE_WANTED:
    case GCS_EVENT_STATE:
    case GCS_EVENT_STATE_END:
    case GCS_EVENT_STABLE:
    case GCS_EVENT_SLOW:
        bench_member_state(member, event);
        break;
    case GCS_EVENT_WRITABLE:
        member->load.blocked = false;
        break;
    case GCS_EVENT_LEFT:
        if (event->error != GCS_EREFUSED && bench_remote_take_view(member, NULL))
            break;
        bench_member_break(member, "the group has ended this membership: %s",
                           gcs_strerror(event->error));
        break;
    }
}

/* ---- The end -------------------------------------------------------------------------------- */

bool bench_member_is_complete(const struct bench_member *member)
{
    struct bench_world *world = member->world;

    for (unsigned i = 0; i < world->count; i++) {
        struct bench_seat *seat = &world->seats[i];
        if (i == atomic_load(&world->victim) || !bench_is_sender(member->options, i))
            continue;
        if (atomic_load(&seat->state) < BENCH_STOPPED || member->check.next[i] != seat->sent + 1)
            return false;
    }
    return true;
}
