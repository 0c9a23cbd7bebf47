/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bad links. A group needs its members to hear each other: acknowledgements that
 * never come close its windows. A suspicion that others do not share, so that no
 * poll confirms it, is borne for a while; then who has it complains to everybody, and
 * who does not hear a quorum complains of itself. Other complaints are waited for;
 * then the fewest members that leave no bad link count as missed: again and again the
 * one with the most bad links, among equals the junior. From there on it is as with
 * any suspicion. Nothing comes of it unless a quorum remains.
 */
#include "views/machine.h"

#include "gcs/base/quorum.h"

/* ---- Judging ---------------------------------------------------------------------------- */

static bool is_there(const struct gcs_seat *seat)
{
    return !seat->parted && !seat->gone && !seat->leaving && !seat->evicted;
}

/* How many bad links each member has to those that would stay. */
static void count_links(const struct gcs_agreement *m, uint64_t *links)
{
    memset(links, 0, m->view->count * sizeof(*links));
    for (uint16_t rank = 0; rank < m->view->count; rank++) {
        const struct gcs_seat *seat = &m->seats[rank];
        for (uint16_t i = 0; is_there(seat) && i < seat->missing_count; i++) {
            if (!is_there(&m->seats[seat->missing[i]]))
                continue;
            links[rank]++;
            links[seat->missing[i]]++;
        }
    }
}

static bool stays(const struct gcs_seat *seat)
{
    return !gcs_seat_missed(seat);
}

static void judge(struct gcs_agreement *m)
{
    uint16_t count = m->view->count, worst;
    for (uint16_t rank = 0; rank < count; rank++)
        m->seats[rank].parted = false;
    do {
        worst = 0;
        count_links(m, m->report);
        for (uint16_t rank = 1; rank < count; rank++)
            if (m->report[rank] >= m->report[worst])
                worst = rank;
        m->seats[worst].parted |= m->report[worst] > 0;
    } while (m->report[worst] > 0);
    bool enough = gcs_agreement_quorum(m, stays);
    m->seats[m->view->self].parted = false; /* the others miss it, not it itself */
    if (enough)
        return;
    for (uint16_t rank = 0; rank < count; rank++)
        m->seats[rank].parted = false;
}

void gcs_links_judge_again(struct gcs_agreement *m, uint64_t now)
{
    if (m->judge_at > 0 && now >= m->judge_at)
        judge(m);
}

/* ---- Complaining ------------------------------------------------------------------------ */

static bool present(const struct gcs_seat *seat)
{
    return !seat->suspected && !seat->gone;
}

/* When the suspicion has been borne for long enough. */
static uint64_t borne_until(const struct gcs_agreement *m, const struct gcs_seat *seat)
{
    return seat->suspected && !seat->gone ? seat->suspected_at + m->config.promise_ns : GCS_NEVER;
}

static bool same_ranks(const struct gcs_wish *a, const struct gcs_wish *b)
{
    return a->missing_count == b->missing_count &&
           memcmp(a->missing, b->missing, a->missing_count * sizeof(a->missing[0])) == 0;
}

void gcs_links_look(struct gcs_agreement *m, uint64_t now)
{
    struct gcs_wish wish = m->wish;
    uint64_t next = GCS_NEVER;
    wish.missing_count = 0;
    for (uint16_t rank = 0; rank < m->view->count; rank++) {
        uint64_t until = borne_until(m, &m->seats[rank]);
        if (until > now && until < next)
            next = until;
        if (until <= now && rank != m->view->self && wish.missing_count < GCS_WISH_MISSING_MAX)
            wish.missing[wish.missing_count++] = rank;
    }
    if (wish.missing_count > 0 && !gcs_agreement_quorum(m, present)) {
        wish.missing_count = 1;
        wish.missing[0] = m->view->self;
    }
    if (m->judge_at > now && m->judge_at < next)
        next = m->judge_at;
    gcs_agreement_arm(m, TIMER_LINKS, next);
    if (m->decision || m->frozen || same_ranks(&wish, &m->wish))
        return;
    m->wish = wish;
    gcs_wish_say(m, now);
}

static bool complains(const struct gcs_seat *seat)
{
    return seat->missing_count > 0;
}

void gcs_links_judge(struct gcs_agreement *m, uint64_t now)
{
    bool any = false;
    for (uint16_t rank = 0; rank < m->view->count; rank++)
        any |= complains(&m->seats[rank]);
    if (any && m->judge_at == 0)
        m->judge_at = now + m->config.promise_ns;
    if (m->judge_at == 0 || m->decision)
        return;
    if (now >= m->judge_at)
        judge(m);
    else if (m->judge_at < m->timer[TIMER_LINKS])
        gcs_agreement_arm(m, TIMER_LINKS, m->judge_at);
    if (!any)
        m->judge_at = 0;
}

void gcs_links_forget(struct gcs_agreement *m, uint64_t now, uint16_t rank)
{
    m->seats[rank].missing_count = 0;
    gcs_links_judge(m, now);
}
