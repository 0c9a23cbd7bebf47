/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The acceptor's side of a ballot. Its three guarantees: a promise is never
 * forgotten (no lower ballot is answered with a promise or an acceptance); the
 * first promise freezes, for good; and what is accepted is held, all of it, so
 * that an accepted cut can be had from every acceptor. It reports all that it
 * holds at the time of the report, and the value accepted in the highest ballot.
 */
#include "views/machine.h"

/* No honest group counts so far in one view in years: such a counter would shut all others out. */
#define COUNTER_STEP_MAX (1u << 20)

bool gcs_ballot_plausible(const struct gcs_agreement *m, struct gcs_ballot ballot)
{
    return ballot.counter > 0 && ballot.rank < m->view->count &&
           (ballot.counter <= m->seen || ballot.counter - m->seen <= COUNTER_STEP_MAX);
}

/* ---- Promising -------------------------------------------------------------------------- */

void gcs_acceptor_promise(struct gcs_agreement *m, uint64_t now, struct gcs_ballot ballot)
{
    bool news = gcs_ballot_compare(ballot, m->promised) != 0;
    m->promised = ballot;
    if (ballot.counter > m->seen)
        m->seen = ballot.counter;
    if (!m->frozen) {
        m->frozen = true;
        gcs_ballot_freeze(m, now);
        gcs_poll_stop(m);
        m->config.env.freeze(m->config.env.ctx);
    }
    if (!news)
        return;
    gcs_value_drop(&m->want);
    gcs_agreement_arm(m, TIMER_FETCH, GCS_NEVER);
    if (gcs_ballot_compare(ballot, m->own) != 0)
        gcs_ballot_give_up(m);
    gcs_ballot_be_patient(m, now);
}

static void refuse(struct gcs_agreement *m, uint16_t to)
{
    struct gcs_promise refusal = {.flags = GCS_PROMISE_REFUSED, .ballot = m->promised};
    struct gcs_writer w = gcs_agreement_writer(m);
    gcs_promise_write(&w, &refusal, 0);
    gcs_agreement_send(m, to, GCS_FRAME_PROMISE, &w);
}

static void report(struct gcs_agreement *m, uint16_t to)
{
    gcs_agreement_holdings(m);
    struct gcs_promise promise = {
        .ballot = m->promised, .time = gcs_agreement_time(m), .held = m->held};
    if (m->wish.flags & GCS_WISH_LEAVE)
        promise.flags |= GCS_PROMISE_LEAVING;
    if (m->seats[m->view->self].departing)
        promise.flags |= GCS_PROMISE_DEPARTING;
    if (m->wish.flags & GCS_WISH_READY)
        promise.flags |= GCS_PROMISE_READY;
    if (m->accepted) {
        promise.flags |= GCS_PROMISE_ACCEPTED;
        promise.accepted = m->accepted_in;
        promise.value = m->accepted->bytes;
        promise.value_size = m->accepted->size;
    }
    struct gcs_writer w = gcs_agreement_writer(m);
    gcs_promise_write(&w, &promise, m->view->count);
    gcs_agreement_send(m, to, GCS_FRAME_PROMISE, &w);
}

static bool outdated(const struct gcs_agreement *m, struct gcs_ballot ballot)
{
    return gcs_ballot_compare(ballot, m->promised) < 0 && !GCS_MUTANT(forget_promise);
}

int gcs_prepare_frame(struct gcs_agreement *m, uint64_t now, uint16_t from, const uint8_t *body,
                      size_t size)
{
    uint32_t epoch;
    struct gcs_ballot ballot;
    if (!gcs_prepare_read(body, size, &epoch, &ballot) || epoch != m->view->epoch ||
        ballot.rank != from || !gcs_ballot_plausible(m, ballot))
        return GCS_EMALFORMED;
    if (m->decision) {
        gcs_settle_tell(m, now, from);
        return 0;
    }
    if (outdated(m, ballot)) {
        refuse(m, from);
        return 0;
    }
    gcs_acceptor_promise(m, now, ballot);
    report(m, from);
    return 0;
}

/* ---- Accepting -------------------------------------------------------------------------- */

static void say_accepted(struct gcs_agreement *m, uint64_t now)
{
    if (m->promised.rank == m->view->self) {
        gcs_ballot_accepted(m, now, m->view->self);
        return;
    }
    struct gcs_writer w = gcs_agreement_writer(m);
    gcs_accept_write(&w, m->promised);
    gcs_agreement_send(m, m->promised.rank, GCS_FRAME_ACCEPT, &w);
}

void gcs_acceptor_try(struct gcs_agreement *m, uint64_t now, bool fetch)
{
    if (!m->want || m->decision)
        return;
    const struct gcs_proposal *p = &m->want->proposal;
    if (!gcs_agreement_covers(m, p->cut) && !GCS_MUTANT(accept_without_fetch)) {
        if (!fetch)
            return;
        m->config.counters->fetches += !m->want_counted;
        m->want_counted = true;
        gcs_agreement_arm(m, TIMER_FETCH, now + m->config.retry_ns);
        m->config.env.fetch(m->config.env.ctx, p->cut, p->holder);
        return;
    }
    gcs_agreement_arm(m, TIMER_FETCH, GCS_NEVER);
    gcs_value_drop(&m->accepted);
    m->accepted = m->want;
    m->accepted_in = m->promised;
    m->want = NULL;
    say_accepted(m, now);
}

void gcs_acceptor_want(struct gcs_agreement *m, uint64_t now, struct gcs_value *value)
{
    gcs_value_drop(&m->want);
    m->want = value;
    m->want_counted = false;
    gcs_acceptor_try(m, now, true);
}

int gcs_propose_frame(struct gcs_agreement *m, uint64_t now, uint16_t from, const uint8_t *body,
                      size_t size)
{
    struct gcs_ballot ballot;
    const uint8_t *bytes;
    size_t bytes_size;
    if (!gcs_propose_read(body, size, &ballot, &bytes, &bytes_size) || ballot.rank != from ||
        !gcs_ballot_plausible(m, ballot))
        return GCS_EMALFORMED;
    if (m->decision) {
        gcs_settle_tell(m, now, from);
        return 0;
    }
    if (outdated(m, ballot)) {
        refuse(m, from);
        return 0;
    }
    bool repeated = gcs_ballot_compare(ballot, m->promised) == 0;
    if (repeated && m->accepted && gcs_ballot_compare(ballot, m->accepted_in) == 0) {
        say_accepted(m, now);
        return 0;
    }
    if (repeated && m->want)
        return 0;
    struct gcs_value *value;
    int error = gcs_value_read(m, bytes, bytes_size, &value);
    if (error)
        return error;
    gcs_acceptor_promise(m, now, ballot);
    gcs_ballot_be_patient(m, now);
    gcs_acceptor_want(m, now, value);
    return 0;
}
