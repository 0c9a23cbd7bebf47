/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The proposer's side of a ballot: prepare, gather promises, propose, gather
 * acceptances. A value is proposed only with promises from a quorum of the
 * closing view and after a bounded wait for everybody who is not missed; if a
 * promiser reports an accepted value, the one from the highest ballot is proposed
 * again unchanged (Paxos' second phase). Whoever is frozen and sees no decision
 * in time starts a higher ballot, later the farther down the line it stands and
 * the more ballots there were, so that rivals give each other room.
 */
#include "views/machine.h"

/* Gap in retry_ns at which prepare is repeated while members are waited for: one that wakes up must
 * hear of the ballot in time. */
#define AWAITED_GAP 4

/* In promise_ns: how long those who are missed are waited for by whoever would end the group. */
#define ENDING_PATIENCE 8

/* ---- Starting --------------------------------------------------------------------------- */

static void send_prepare(struct gcs_agreement *m)
{
    struct gcs_writer w = gcs_agreement_writer(m);
    gcs_prepare_write(&w, m->view->epoch, m->own);
    for (uint16_t rank = 0; rank < m->view->count; rank++) {
        if (!m->seats[rank].promised)
            gcs_agreement_send(m, rank, GCS_FRAME_PREPARE, &w);
    }
    for (uint16_t i = 0; i < m->joiners_count; i++) {
        if (!m->joiners[i].answered)
            gcs_ballot_ask_joiner(m, &m->joiners[i]);
    }
}

void gcs_ballot_ask_joiner(struct gcs_agreement *m, const struct gcs_joiner *joiner)
{
    uint8_t body[16];
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    gcs_prepare_write(&w, m->view->epoch, m->own);
    m->config.env.to_address(m->config.env.ctx, &joiner->member.id.address, GCS_FRAME_INVITE, body,
                             gcs_writer_size(&w));
}

/* The more ballots there were, the more room rivals give each other. */
static uint64_t with_room(const struct gcs_agreement *m, uint64_t wait)
{
    unsigned shift = m->seen <= 1 ? 0 : m->seen < 6 ? m->seen - 1 : 5;
    return wait << shift;
}

/* Who stands farther down the line waits longer; at its head so many halves of ballot_ns. */
static uint64_t in_line(const struct gcs_agreement *m, uint64_t least)
{
    uint64_t place = gcs_poll_place(m);
    return m->config.ballot_ns / 2 * (least + (place < 32 ? place : 32));
}

void gcs_ballot_freeze(struct gcs_agreement *m, uint64_t now)
{
    m->ends_at = now + ENDING_PATIENCE * m->config.promise_ns;
}

void gcs_ballot_be_patient(struct gcs_agreement *m, uint64_t now)
{
    uint64_t wait = m->config.promise_ns + in_line(m, 4);
    gcs_agreement_arm(m, TIMER_PATIENCE, now + with_room(m, wait));
}

/* The first ballot is taken over at once, and that of one who is no more. A later one is not: its
 * owner may live, and miss who misses it. */
void gcs_ballot_hurry(struct gcs_agreement *m, uint64_t now)
{
    const struct gcs_seat *owner = &m->seats[m->promised.rank];
    if (!gcs_seat_missed(owner))
        return;
    bool at_once = m->seen <= 1 || owner->gone;
    uint64_t at = now + (at_once ? in_line(m, 0) : with_room(m, in_line(m, 4)));
    if (at < m->timer[TIMER_PATIENCE])
        gcs_agreement_arm(m, TIMER_PATIENCE, at);
}

static void forget_reports(struct gcs_agreement *m)
{
    gcs_value_drop(&m->reports.value);
    m->reports.accepted = (struct gcs_ballot){0, 0};
    m->reports.any = false;
    m->reports.weight = 0;
    m->reports.time = 0;
    for (uint16_t rank = 0; rank < m->view->count; rank++) {
        m->reports.cut[rank] = 0;
        m->reports.holder[rank] = rank;
        m->seats[rank].promised = false;
        m->seats[rank].accepted = false;
    }
    for (uint16_t i = 0; i < m->joiners_count; i++)
        m->joiners[i].answered = false;
}

void gcs_ballot_give_up(struct gcs_agreement *m)
{
    m->phase = PHASE_NONE;
    gcs_value_drop(&m->value);
    gcs_agreement_arm(m, TIMER_SEND, GCS_NEVER);
    gcs_agreement_arm(m, TIMER_WAIT, GCS_NEVER);
}

static void merge(struct gcs_agreement *m, uint16_t from, const uint64_t *held);

void gcs_ballot_start(struct gcs_agreement *m, uint64_t now)
{
    gcs_ballot_give_up(m);
    forget_reports(m);
    m->own = (struct gcs_ballot){m->seen + 1, m->view->self};
    m->phase = PHASE_PREPARING;
    m->config.counters->ballots++;
    gcs_acceptor_promise(m, now, m->own);

    gcs_agreement_holdings(m);
    m->seats[m->view->self].promised = true;
    if (m->accepted) {
        m->reports.accepted = m->accepted_in;
        m->reports.value = gcs_value_ref(m->accepted);
    }
    merge(m, m->view->self, m->held);
    m->reports.time = gcs_agreement_time(m);

    m->joiners_until = now + m->config.ballot_ns;
    m->promises_until = now + m->config.promise_ns;
    m->send_gap = m->config.retry_ns;
    gcs_agreement_arm(m, TIMER_WAIT, m->joiners_until);
    gcs_agreement_arm(m, TIMER_SEND, now + m->send_gap);
    send_prepare(m);
    gcs_ballot_propose(m, now);
}

/* The owner of the ballot may be waiting for those without whom the group would end. */
static bool owner_waits(const struct gcs_agreement *m, uint64_t now)
{
    bool proposed = m->want || gcs_ballot_compare(m->accepted_in, m->promised) == 0;
    return m->promised.rank != m->view->self && !gcs_seat_missed(&m->seats[m->promised.rank]) &&
           !proposed && gcs_value_may_end(m) && now < m->ends_at;
}

void gcs_ballot_impatient(struct gcs_agreement *m, uint64_t now)
{
    if (m->decision)
        return;
    /* Own ballot in the lead and short of promises: a higher one would be no better. */
    bool waits = m->phase == PHASE_PREPARING && m->seen == m->own.counter;
    if (waits || owner_waits(m, now))
        gcs_ballot_be_patient(m, now);
    else
        gcs_ballot_start(m, now);
}

/* ---- Promises --------------------------------------------------------------------------- */

static void merge_wrongly(struct gcs_reports *r, uint16_t count, const uint64_t *held)
{
    uint64_t weight = 0;
    for (uint16_t rank = 0; rank < count; rank++)
        weight += held[rank];
    for (uint16_t rank = 0; rank < count; rank++) {
        if (!r->any || (GCS_MUTANT(cut_intersection) && held[rank] < r->cut[rank]) ||
            (GCS_MUTANT(cut_longest) && weight > r->weight))
            r->cut[rank] = held[rank];
    }
    if (weight > r->weight)
        r->weight = weight;
}

/* The union. A sender is the best holder of its own packets: its queue is empty now. */
static void merge(struct gcs_agreement *m, uint16_t from, const uint64_t *held)
{
    struct gcs_reports *r = &m->reports;
    if (GCS_MUTANT(cut_intersection) || GCS_MUTANT(cut_longest)) {
        merge_wrongly(r, m->view->count, held);
        r->any = true;
        return;
    }
    for (uint16_t rank = 0; rank < m->view->count; rank++) {
        if (held[rank] > r->cut[rank] || !r->any || (held[rank] == r->cut[rank] && rank == from)) {
            r->cut[rank] = held[rank];
            r->holder[rank] = from;
        }
    }
    r->any = true;
}

/* Keeps the accepted value of the highest ballot. */
static int merge_accepted(struct gcs_agreement *m, const struct gcs_promise *promise)
{
    if (gcs_ballot_compare(promise->accepted, m->reports.accepted) <= 0)
        return 0;
    if (gcs_ballot_compare(promise->accepted, m->own) >= 0)
        return GCS_EMALFORMED;
    struct gcs_value *value;
    int error = gcs_value_read(m, promise->value, promise->value_size, &value);
    if (error)
        return error;
    gcs_value_drop(&m->reports.value);
    m->reports.value = value;
    m->reports.accepted = promise->accepted;
    return 0;
}

int gcs_promise_frame(struct gcs_agreement *m, uint64_t now, uint16_t from, const uint8_t *body,
                      size_t size)
{
    struct gcs_promise promise;
    if (!gcs_promise_read(body, size, m->view->count, m->report, &promise) ||
        !gcs_ballot_plausible(m, promise.ballot))
        return GCS_EMALFORMED;
    if (m->decision) {
        gcs_settle_tell(m, now, from);
        return 0;
    }
    if (promise.flags & GCS_PROMISE_REFUSED) {
        if (promise.ballot.counter > m->seen)
            m->seen = promise.ballot.counter;
        return 0;
    }
    if (gcs_ballot_compare(promise.ballot, m->own) != 0 || m->phase != PHASE_PREPARING)
        return 0;
    if (gcs_agreement_impossible(m, m->report))
        return GCS_EMALFORMED;
    int error = promise.flags & GCS_PROMISE_ACCEPTED ? merge_accepted(m, &promise) : 0;
    if (error)
        return error;
    m->seats[from].promised = true;
    m->seats[from].leaving |= (promise.flags & GCS_PROMISE_LEAVING) != 0;
    m->seats[from].departing |= (promise.flags & GCS_PROMISE_DEPARTING) != 0;
    m->seats[from].ready |= (promise.flags & GCS_PROMISE_READY) != 0;
    merge(m, from, m->report);
    if (promise.time > m->reports.time)
        m->reports.time = promise.time;
    gcs_ballot_propose(m, now);
    return 0;
}

/* ---- Proposing -------------------------------------------------------------------------- */

static bool has_promised(const struct gcs_seat *seat)
{
    return seat->promised;
}

/* A quorum less one vote is enough for the mutant. */
static bool promised_by_too_few(const struct gcs_agreement *m)
{
    struct gcs_tally tally = {0};
    for (uint16_t rank = 0; rank < m->view->count; rank++)
        gcs_tally_add(&tally, &m->view->members[rank], m->seats[rank].promised);
    return 2 * (tally.in + 1) > tally.all;
}

/* All voters that have promised go, or will: were the others dead, the group would end. */
static bool would_end(const struct gcs_agreement *m)
{
    for (uint16_t rank = 0; rank < m->view->count; rank++) {
        const struct gcs_seat *seat = &m->seats[rank];
        bool goes = gcs_seat_goes(seat) || seat->departing;
        if (m->view->members[rank].weight > 0 && seat->promised && !goes)
            return false;
    }
    return true;
}

/* Until when this one's promise is awaited, in a ballot after which there would be no group: longer
 * if there might be one with it. */
static uint64_t end_awaits_until(const struct gcs_agreement *m, uint16_t rank)
{
    const struct gcs_seat *seat = &m->seats[rank];
    bool could_stay = m->view->members[rank].weight > 0 && !gcs_seat_goes(seat);
    if (seat->gone)
        return 0;
    if (seat->crashed || !could_stay || m->reports.value || m->ends_at < m->promises_until)
        return m->promises_until;
    return m->ends_at;
}

/*
 * Until when promises are awaited: from everybody who may be expected to answer. Before a group
 * ends those who are missed are, too, and longer unless they seem to be dead: whoever leaves with
 * most of the votes would else end it for all who are cut off for a while.
 */
static uint64_t awaits_until(const struct gcs_agreement *m)
{
    uint64_t until = 0;
    bool ends = would_end(m);
    for (uint16_t rank = 0; rank < m->view->count; rank++) {
        const struct gcs_seat *seat = &m->seats[rank];
        uint64_t own = 0;
        if (ends && !seat->promised)
            own = end_awaits_until(m, rank);
        else if (!seat->promised && !gcs_seat_missed(seat))
            own = m->promises_until;
        until = own > until ? own : until;
    }
    return until;
}

static bool ready(struct gcs_agreement *m, uint64_t now)
{
    bool enough = gcs_agreement_quorum(m, has_promised) ||
                  (GCS_MUTANT(promise_minority) && promised_by_too_few(m));
    if (!enough || now < awaits_until(m))
        return false;
    return now >= m->joiners_until || gcs_pending_answered(m, now);
}

static void send_propose(struct gcs_agreement *m)
{
    struct gcs_writer w = gcs_agreement_writer(m);
    gcs_ballot_write(&w, m->own);
    gcs_write_bytes(&w, m->value->bytes, m->value->size);
    for (uint16_t rank = 0; rank < m->view->count; rank++) {
        if (!m->seats[rank].accepted)
            gcs_agreement_send(m, rank, GCS_FRAME_PROPOSE, &w);
    }
}

void gcs_ballot_propose(struct gcs_agreement *m, uint64_t now)
{
    if (m->phase != PHASE_PREPARING)
        return;
    if (!ready(m, now)) {
        uint64_t until = awaits_until(m);
        if (now >= m->joiners_until && now < until)
            gcs_agreement_arm(m, TIMER_WAIT, until);
        return;
    }
    if (m->reports.value && !GCS_MUTANT(no_reproposal)) {
        m->value = gcs_value_ref(m->reports.value);
        m->config.counters->reproposals++;
    } else {
        m->value = gcs_value_make(m);
    }
    if (!m->value) {
        gcs_agreement_arm(m, TIMER_WAIT, now + m->config.retry_ns);
        return;
    }
    for (uint16_t i = 0; i < m->joiners_count && m->config.env.unanswered; i++)
        if (!m->joiners[i].answered)
            m->config.env.unanswered(m->config.env.ctx, &m->joiners[i].member.id.address);
    m->phase = PHASE_PROPOSING;
    m->send_gap = m->config.retry_ns;
    gcs_agreement_arm(m, TIMER_WAIT, GCS_NEVER);
    gcs_agreement_arm(m, TIMER_SEND, now + m->send_gap);
    gcs_ballot_be_patient(m, now);
    send_propose(m);
    gcs_acceptor_want(m, now, gcs_value_ref(m->value));
}

void gcs_ballot_repeat(struct gcs_agreement *m, uint64_t now)
{
    if (m->decision || m->phase == PHASE_NONE)
        return;
    if (m->phase == PHASE_PREPARING)
        send_prepare(m);
    else
        send_propose(m);
    uint64_t most = AWAITED_GAP * m->config.retry_ns;
    bool awaits = m->phase == PHASE_PREPARING && (now < m->promises_until || now < awaits_until(m));
    m->send_gap = gcs_agreement_back_off(m, m->send_gap);
    if (awaits && m->send_gap > most)
        m->send_gap = most;
    gcs_agreement_arm(m, TIMER_SEND, now + m->send_gap);
}

/* ---- Acceptances ------------------------------------------------------------------------ */

static bool has_accepted(const struct gcs_seat *seat)
{
    return seat->accepted;
}

/* A quorum of the closing view, and one of those of it who come along. */
static bool decided(const struct gcs_agreement *m)
{
    const struct gcs_proposal *p = &m->value->proposal;
    struct gcs_tally survivors = {0};
    for (uint16_t rank = 0, next = 0; rank < m->view->count; rank++)
        if (p->reason[rank] == GCS_REASON_NONE)
            gcs_tally_add(&survivors, &p->members[next++], m->seats[rank].accepted);
    if (GCS_MUTANT(install_without_majority))
        return true;
    return gcs_agreement_quorum(m, has_accepted) &&
           (p->survivors_count == 0 || gcs_tally_quorum(&survivors, m->view->tie_breaker));
}

void gcs_ballot_accepted(struct gcs_agreement *m, uint64_t now, uint16_t from)
{
    if (m->phase != PHASE_PROPOSING || m->decision)
        return;
    m->seats[from].accepted = true;
    if (decided(m))
        gcs_settle_decide(m, now, m->value, true);
}

int gcs_accept_frame(struct gcs_agreement *m, uint64_t now, uint16_t from, const uint8_t *body,
                     size_t size)
{
    struct gcs_ballot ballot;
    if (!gcs_accept_read(body, size, &ballot) || !gcs_ballot_plausible(m, ballot))
        return GCS_EMALFORMED;
    if (m->decision)
        gcs_settle_tell(m, now, from);
    else if (gcs_ballot_compare(ballot, m->own) == 0)
        gcs_ballot_accepted(m, now, from);
    return 0;
}
