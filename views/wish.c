/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What members want the next view to be like: to leave, to have their vote (they
 * have got the group's state), somebody else evicted. Who wants something tells
 * everybody, and the candidate again and again, until the view has ended; what a
 * member has once said holds for the rest of the view.
 */
#include "views/machine.h"

/* It is said at least so often, and for so many promise_ns, that there is nothing to wish any more:
 * for longer than a link may be down unnoticed, since a complaint costs somebody its membership. */
#define WITHDRAWALS      4u
#define WITHDRAWAL_TIMES 4u

/* ---- What has been wished --------------------------------------------------------------- */

bool gcs_seat_goes(const struct gcs_seat *seat)
{
    return seat->leaving || seat->evicted;
}

/*
 * Whether the others can go on without those who go: one of them votes, or is waited for by nobody
 * to vote. While the only ones left still get the group's state, the last who has it stays.
 */
static bool may_go(const struct gcs_agreement *m)
{
    bool will_vote = false;
    for (uint16_t rank = 0; rank < m->view->count; rank++) {
        const struct gcs_member *member = &m->view->members[rank];
        const struct gcs_seat *seat = &m->seats[rank];
        if (gcs_seat_goes(seat) || gcs_seat_missed(seat))
            continue;
        if (gcs_member_votes(member) > 0)
            return true;
        will_vote |= member->weight > 0;
    }
    return !will_vote;
}

static bool new_voter(const struct gcs_agreement *m, uint16_t rank)
{
    return m->seats[rank].ready && m->view->members[rank].syncing;
}

bool gcs_wish_pending(const struct gcs_agreement *m)
{
    bool somebody_goes = false;
    for (uint16_t rank = 0; rank < m->view->count; rank++) {
        if (new_voter(m, rank) && !gcs_seat_missed(&m->seats[rank]))
            return true;
        somebody_goes |= gcs_seat_goes(&m->seats[rank]);
    }
    return somebody_goes && may_go(m);
}

static void apply(struct gcs_agreement *m, uint64_t now, uint16_t from, const struct gcs_wish *wish)
{
    m->seats[from].leaving |= (wish->flags & GCS_WISH_LEAVE) != 0;
    m->seats[from].ready |= (wish->flags & GCS_WISH_READY) != 0;
    for (uint16_t i = 0; i < wish->evict_count; i++)
        m->seats[wish->evict[i]].evicted = true;
    m->seats[from].missing_count = wish->missing_count;
    memcpy(m->seats[from].missing, wish->missing, sizeof(wish->missing));
    gcs_links_judge(m, now);
}

/* ---- Telling ---------------------------------------------------------------------------- */

void gcs_wish_repeat(struct gcs_agreement *m, uint64_t now)
{
    bool nothing = m->wish.flags == 0 && m->wish.evict_count == 0 && m->wish.missing_count == 0;
    bool said = m->wishes_sent >= WITHDRAWALS &&
                now >= m->wished_at + WITHDRAWAL_TIMES * m->config.promise_ns;
    if (m->decision || (nothing && said))
        return;
    struct gcs_writer w = gcs_agreement_writer(m);
    gcs_wish_write(&w, &m->wish);
    bool everybody = m->wishes_sent++ % 4 == 0 || nothing;
    uint16_t candidate = gcs_poll_candidate(m);
    for (uint16_t rank = 0; rank < m->view->count; rank++) {
        if (everybody || rank == candidate)
            gcs_agreement_send(m, rank, GCS_FRAME_WISH, &w);
    }
    m->wish_gap = m->wish_gap ? gcs_agreement_back_off(m, m->wish_gap) : m->config.retry_ns;
    gcs_agreement_arm(m, TIMER_WISH, now + m->wish_gap);
}

void gcs_wish_say(struct gcs_agreement *m, uint64_t now)
{
    apply(m, now, m->view->self, &m->wish);
    m->wish_gap = 0;
    m->wishes_sent = 0;
    m->wished_at = now;
    gcs_wish_repeat(m, now);
    gcs_poll_consider(m, now);
}

static void want(struct gcs_agreement *m, uint64_t now, uint8_t flag)
{
    if ((m->wish.flags & flag) || m->decision)
        return;
    m->wish.flags |= flag;
    gcs_wish_say(m, now);
}

void gcs_agreement_leave(struct gcs_agreement *m, uint64_t now)
{
    want(m, now, GCS_WISH_LEAVE);
}

void gcs_agreement_depart(struct gcs_agreement *m)
{
    m->seats[m->view->self].departing = true;
}

void gcs_agreement_ready(struct gcs_agreement *m, uint64_t now)
{
    want(m, now, GCS_WISH_READY);
}

void gcs_agreement_evict(struct gcs_agreement *m, uint64_t now, uint16_t rank)
{
    if (m->decision || m->seats[rank].evicted || m->wish.evict_count == GCS_WISH_EVICT_MAX)
        return;
    m->wish.evict[m->wish.evict_count++] = rank;
    gcs_wish_say(m, now);
}

int gcs_wish_frame(struct gcs_agreement *m, uint64_t now, uint16_t from, const uint8_t *body,
                   size_t size)
{
    struct gcs_wish wish;
    if (!gcs_wish_read(body, size, m->view->count, &wish))
        return GCS_EMALFORMED;
    if (m->decision) {
        gcs_settle_tell(m, now, from);
        return 0;
    }
    apply(m, now, from, &wish);
    gcs_poll_consider(m, now);
    return 0;
}
