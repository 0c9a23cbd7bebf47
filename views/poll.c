/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When a ballot is due. The candidate, who is the senior member that it does not
 * itself suspect, first asks the others whether they miss the suspects too, and
 * starts a ballot when a quorum of the view misses one of them: so one bad link
 * freezes nobody. Nobody is asked when somebody wants in or out and nobody is
 * suspected, nor once a member has promised: then the view ends in any case.
 *
 * If the majority denies the suspicion while somebody wants in or out, the
 * ballot begins all the same after a while, and who cannot reach the candidate
 * stays behind: a bad link must not keep a group closed for ever.
 */
#include "views/machine.h"

/* So many waits for a ballot, and a denied suspicion no longer holds up who wants in or out. */
#define DENIED_WAITS 4

bool gcs_seat_missed(const struct gcs_seat *seat)
{
    return seat->suspected || seat->gone || seat->parted;
}

uint16_t gcs_poll_place(const struct gcs_agreement *m)
{
    uint16_t place = 0;
    for (uint16_t rank = 0; rank < m->view->self; rank++)
        place = (uint16_t)(place + !gcs_seat_missed(&m->seats[rank]));
    return place;
}

uint16_t gcs_poll_candidate(const struct gcs_agreement *m)
{
    uint16_t rank = 0;
    while (rank < m->view->self && gcs_seat_missed(&m->seats[rank]))
        rank++;
    return rank;
}

/* ---- Asking ----------------------------------------------------------------------------- */

static void list_suspects(const struct gcs_agreement *m, struct gcs_poll *poll)
{
    *poll = (struct gcs_poll){.number = m->poll.number};
    for (uint16_t rank = 0; rank < m->view->count && poll->count < GCS_POLL_MAX; rank++) {
        const struct gcs_seat *seat = &m->seats[rank];
        if (!gcs_seat_missed(seat) || rank == m->view->self)
            continue;
        poll->crashed[poll->count] = seat->crashed || seat->gone;
        poll->rank[poll->count++] = rank;
    }
}

static bool same_suspects(const struct gcs_poll *a, const struct gcs_poll *b)
{
    return a->count == b->count && memcmp(a->rank, b->rank, a->count * sizeof(a->rank[0])) == 0 &&
           memcmp(a->crashed, b->crashed, a->count * sizeof(a->crashed[0])) == 0;
}

static uint64_t all_suspects(const struct gcs_poll *poll)
{
    return poll->count < 64 ? (UINT64_C(1) << poll->count) - 1 : UINT64_MAX;
}

static void ask(struct gcs_agreement *m)
{
    struct gcs_writer w = gcs_agreement_writer(m);
    gcs_poll_write(&w, &m->poll);
    for (uint16_t rank = 0; rank < m->view->count; rank++) {
        const struct gcs_seat *seat = &m->seats[rank];
        bool convinced = seat->voted && seat->missed == all_suspects(&m->poll);
        if (!gcs_seat_missed(seat) && !convinced)
            gcs_agreement_send(m, rank, GCS_FRAME_POLL, &w);
    }
}

static void begin(struct gcs_agreement *m, uint64_t now, const struct gcs_poll *suspects)
{
    m->poll = *suspects;
    m->poll.number++;
    m->poll_frozen = false;
    m->poll_since = now;
    m->poll_gap = m->config.retry_ns;
    m->config.counters->polls++;
    for (uint16_t rank = 0; rank < m->view->count; rank++) {
        m->seats[rank].voted = rank == m->view->self;
        m->seats[rank].missed = 0;
    }
    gcs_agreement_arm(m, TIMER_POLL, now + m->poll_gap);
    ask(m);
}

void gcs_poll_stop(struct gcs_agreement *m)
{
    m->poll.count = 0;
    gcs_agreement_arm(m, TIMER_POLL, GCS_NEVER);
    gcs_agreement_arm(m, TIMER_START, GCS_NEVER);
}

void gcs_poll_repeat(struct gcs_agreement *m, uint64_t now)
{
    if (m->poll.count == 0)
        return;
    m->poll_gap = gcs_agreement_back_off(m, m->poll_gap);
    gcs_agreement_arm(m, TIMER_POLL, now + m->poll_gap);
    ask(m);
}

/* ---- Counting --------------------------------------------------------------------------- */

/* A quorum of the view, with this member, misses one and the same suspect. */
static bool confirmed(const struct gcs_agreement *m)
{
    for (uint16_t i = 0; i < m->poll.count; i++) {
        struct gcs_tally tally = {0};
        for (uint16_t rank = 0; rank < m->view->count; rank++)
            gcs_tally_add(&tally, &m->view->members[rank],
                          rank == m->view->self || (m->seats[rank].missed >> i & 1));
        if (gcs_tally_quorum(&tally, m->view->tie_breaker) || GCS_MUTANT(poll_minority))
            return true;
    }
    return false;
}

static bool has_voted(const struct gcs_seat *seat)
{
    return seat->voted;
}

/* A quorum has answered for long, somebody wants in or out, and the suspects remain. */
static bool overdue(const struct gcs_agreement *m, uint64_t now)
{
    if (now < m->poll_since + DENIED_WAITS * m->config.ballot_ns)
        return false;
    return gcs_agreement_quorum(m, has_voted) &&
           (gcs_wish_pending(m) || gcs_pending_joiners(m, now));
}

void gcs_poll_consider(struct gcs_agreement *m, uint64_t now)
{
    if (m->decision)
        return;
    gcs_links_judge_again(m, now);
    if (m->frozen) {
        gcs_ballot_hurry(m, now);
        gcs_ballot_propose(m, now);
        return;
    }
    struct gcs_poll suspects;
    list_suspects(m, &suspects);
    bool wishes = gcs_wish_pending(m);
    bool joiners = gcs_pending_joiners(m, now);
    if (gcs_poll_place(m) > 0 || (suspects.count == 0 && !wishes && !joiners)) {
        gcs_poll_stop(m);
    } else if (suspects.count > 0) {
        if (!same_suspects(&suspects, &m->poll))
            begin(m, now, &suspects);
        if (m->poll_frozen || confirmed(m) || overdue(m, now))
            gcs_ballot_start(m, now);
    } else if (wishes || now >= m->start_at) {
        gcs_ballot_start(m, now);
    } else {
        gcs_poll_stop(m);
        gcs_agreement_arm(m, TIMER_START, m->start_at);
    }
}

/* ---- Frames ----------------------------------------------------------------------------- */

int gcs_poll_frame(struct gcs_agreement *m, uint64_t now, uint16_t from, const uint8_t *body,
                   size_t size)
{
    struct gcs_poll poll;
    if (!gcs_poll_read(body, size, m->view->count, &poll))
        return GCS_EMALFORMED;
    if (m->decision) {
        gcs_settle_tell(m, now, from);
        return 0;
    }
    struct gcs_vote vote = {.number = poll.number};
    if (m->frozen)
        vote.flags |= GCS_VOTE_FROZEN;
    for (uint16_t i = 0; i < poll.count; i++) {
        if (poll.rank[i] == m->view->self)
            continue;
        if (gcs_seat_missed(&m->seats[poll.rank[i]]))
            vote.missed |= UINT64_C(1) << i;
        else if (poll.crashed[i] && m->config.env.doubt)
            m->config.env.doubt(m->config.env.ctx, poll.rank[i]);
    }
    struct gcs_writer w = gcs_agreement_writer(m);
    gcs_vote_write(&w, &vote);
    gcs_agreement_send(m, from, GCS_FRAME_VOTE, &w);
    return 0;
}

int gcs_vote_frame(struct gcs_agreement *m, uint64_t now, uint16_t from, const uint8_t *body,
                   size_t size)
{
    struct gcs_vote vote;
    if (!gcs_vote_read(body, size, &vote))
        return GCS_EMALFORMED;
    if (m->decision) {
        gcs_settle_tell(m, now, from);
        return 0;
    }
    if (m->frozen || m->poll.count == 0 || vote.number != m->poll.number)
        return 0;
    m->seats[from].voted = true;
    m->seats[from].missed = vote.missed & all_suspects(&m->poll);
    m->poll_frozen |= (vote.flags & GCS_VOTE_FROZEN) != 0;
    gcs_poll_consider(m, now);
    return 0;
}
