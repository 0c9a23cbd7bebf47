/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * After the decision. Who decided tells everybody, in this view and the next;
 * whoever comes along fetches what it lacks of the cut, installs, and confirms to
 * those who come along and to the leavers, until all survivors are known to have
 * installed. Until then everybody keeps what the others may still have to fetch:
 * the survivors without limit, those who are out for a bounded time: be they
 * leavers, or excluded and cut off until now, they may be the only ones alive to
 * whom the decision has been told. Whoever speaks as if nothing were decided is
 * told; frames get lost, so it is the one who lacks something that asks again.
 */
#include "views/machine.h"

/* Waits for a ballot after which a leaver no longer tries to fetch, and after which who is out
 * serves nobody any more. */
#define FETCH_WAITS 4
#define SERVE_WAITS 20

static enum gcs_reason reason(const struct gcs_agreement *m, uint16_t rank)
{
    return (enum gcs_reason)m->decision->proposal.reason[rank];
}

/* Gone of its own accord, or sent: it took part to the end. */
static bool went(enum gcs_reason reason)
{
    return reason == GCS_REASON_LEFT || reason == GCS_REASON_EVICTED;
}

static bool group_ended(const struct gcs_agreement *m)
{
    return m->decision->proposal.survivors_count == 0;
}

/* Retirement waits for these: the survivors; at the end of the group, all who end it. */
static bool required(const struct gcs_agreement *m, uint16_t rank)
{
    return reason(m, rank) == GCS_REASON_NONE || (group_ended(m) && went(reason(m, rank)));
}

/* ---- Retirement ------------------------------------------------------------------------- */

static void retire(struct gcs_agreement *m)
{
    if (m->retired)
        return;
    m->retired = true;
    gcs_agreement_arm(m, TIMER_CONFIRM, GCS_NEVER);
    gcs_agreement_arm(m, TIMER_SERVE, GCS_NEVER);
    m->config.env.retired(m->config.env.ctx);
}

static void check_retired(struct gcs_agreement *m)
{
    if (!m->installed)
        return;
    for (uint16_t rank = 0; rank < m->view->count; rank++) {
        if (required(m, rank) && !m->seats[rank].confirmed)
            return;
    }
    retire(m);
}

void gcs_settle_served(struct gcs_agreement *m)
{
    retire(m);
}

/* ---- Installing ------------------------------------------------------------------------- */

static void confirm_to(struct gcs_agreement *m, uint16_t rank, uint8_t flags)
{
    uint8_t body[1];
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    gcs_confirm_write(&w, flags);
    gcs_agreement_send(m, rank, GCS_FRAME_CONFIRM, &w);
}

static void install(struct gcs_agreement *m, uint64_t now)
{
    enum gcs_reason own = reason(m, m->view->self);
    m->installed = true;
    m->seats[m->view->self].confirmed = true;
    gcs_agreement_arm(m, TIMER_FETCH, GCS_NEVER);
    m->config.env.install(m->config.env.ctx, &m->decision->proposal);
    if (GCS_MUTANT(drop_old_view_packets)) {
        retire(m);
        return;
    }
    bool out = own != GCS_REASON_NONE; /* whoever waits for it should not do so for long */
    for (uint16_t rank = 0; rank < m->view->count; rank++) {
        if (group_ended(m) || reason(m, rank) == GCS_REASON_NONE || went(reason(m, rank)))
            confirm_to(m, rank, out ? GCS_CONFIRM_ASK : 0);
    }
    m->confirm_gap = m->config.retry_ns;
    gcs_agreement_arm(m, TIMER_CONFIRM, now + m->confirm_gap);
    if (out)
        gcs_agreement_arm(m, TIMER_SERVE, now + SERVE_WAITS * m->config.ballot_ns);
    check_retired(m);
}

void gcs_settle_try(struct gcs_agreement *m, uint64_t now, bool fetch)
{
    if (!m->decision || m->installed)
        return;
    const struct gcs_proposal *p = &m->decision->proposal;
    enum gcs_reason own = reason(m, m->view->self);
    bool needs = own == GCS_REASON_NONE || (went(own) && now < m->give_up);
    if (!needs || gcs_agreement_covers(m, p->cut)) {
        install(m, now);
        return;
    }
    if (!fetch)
        return;
    m->config.counters->fetches += !m->settle_counted;
    m->settle_counted = true;
    gcs_agreement_arm(m, TIMER_FETCH, now + m->config.retry_ns);
    m->config.env.fetch(m->config.env.ctx, p->cut, p->holder);
}

/* ---- Telling ---------------------------------------------------------------------------- */

static void tell(struct gcs_agreement *m, uint64_t now, uint16_t rank)
{
    m->seats[rank].tell_after = now + m->config.retry_ns;
    if (rank != m->view->self)
        m->config.env.to_rank(m->config.env.ctx, rank, GCS_FRAME_INSTALL, m->decision->bytes,
                              m->decision->size);
}

static void tell_address(struct gcs_agreement *m, const struct gcs_address *to)
{
    m->config.env.to_address(m->config.env.ctx, to, GCS_FRAME_INSTALL, m->decision->bytes,
                             m->decision->size);
}

void gcs_settle_tell(struct gcs_agreement *m, uint64_t now, uint16_t rank)
{
    if (!m->seats[rank].confirmed && now >= m->seats[rank].tell_after)
        tell(m, now, rank);
}

void gcs_settle_tell_joiner(struct gcs_agreement *m, uint64_t now, struct gcs_joiner *joiner)
{
    const struct gcs_proposal *p = &m->decision->proposal;
    if (now < joiner->tell_after)
        return;
    for (uint16_t i = p->survivors_count; i < p->members_count; i++) {
        if (!gcs_member_id_equal(&p->members[i].id, &joiner->member.id))
            continue;
        joiner->tell_after = now + m->config.retry_ns;
        tell_address(m, &joiner->member.id.address);
        return;
    }
}

static void announce_decision(struct gcs_agreement *m, uint64_t now)
{
    const struct gcs_proposal *p = &m->decision->proposal;
    for (uint16_t rank = 0; rank < m->view->count; rank++)
        tell(m, now, rank);
    for (uint16_t i = p->survivors_count; i < p->members_count; i++)
        tell_address(m, &p->members[i].id.address);
}

void gcs_settle_decide(struct gcs_agreement *m, uint64_t now, struct gcs_value *value,
                       bool announce)
{
    m->decision = gcs_value_ref(value);
    for (int i = 0; i < TIMERS; i++)
        m->timer[i] = GCS_NEVER;
    gcs_ballot_give_up(m);
    gcs_poll_stop(m);
    gcs_value_drop(&m->want);
    m->give_up = now + FETCH_WAITS * m->config.ballot_ns;
    if (!m->frozen) {
        m->frozen = true;
        m->config.env.freeze(m->config.env.ctx);
    }
    if (announce)
        announce_decision(m, now);
    gcs_settle_try(m, now, true);
}

void gcs_settle_repeat(struct gcs_agreement *m, uint64_t now)
{
    check_retired(m);
    if (m->retired)
        return;
    for (uint16_t rank = 0; rank < m->view->count; rank++) {
        if (required(m, rank) && !m->seats[rank].confirmed)
            confirm_to(m, rank, GCS_CONFIRM_ASK);
    }
    m->confirm_gap = gcs_agreement_back_off(m, m->confirm_gap);
    gcs_agreement_arm(m, TIMER_CONFIRM, now + m->confirm_gap);
}

/* ---- Hearing ---------------------------------------------------------------------------- */

static int learn(struct gcs_agreement *m, uint64_t now, const uint8_t *body, size_t size)
{
    if (m->decision) {
        bool same = m->decision->size == size && memcmp(m->decision->bytes, body, size) == 0;
        return same ? 0 : GCS_EMALFORMED;
    }
    struct gcs_value *value;
    int error = gcs_value_read(m, body, size, &value);
    if (error)
        return error;
    gcs_settle_decide(m, now, value, false);
    gcs_value_drop(&value);
    return 0;
}

int gcs_install_frame(struct gcs_agreement *m, uint64_t now, uint16_t from, const uint8_t *body,
                      size_t size)
{
    struct gcs_proposal head;
    (void)from;
    int error = gcs_proposal_measure(body, size, NULL, &head);
    if (error || head.lineage != m->view->lineage)
        return GCS_EMALFORMED;
    /* The decision that made this view, for one who has heard it elsewhere meanwhile. */
    return head.epoch <= m->view->epoch ? 0 : learn(m, now, body, size);
}

int gcs_agreement_heard_ahead(struct gcs_agreement *m, uint64_t now, const uint8_t *body,
                              size_t size)
{
    struct gcs_proposal head;
    int error = gcs_proposal_measure(body, size, NULL, &head);
    if (error)
        return error;
    /* Most often it is about the view in whose packet it came. */
    bool ours = head.lineage == m->view->lineage && head.epoch - 1 == m->view->epoch;
    return ours ? learn(m, now, body, size) : 0;
}

void gcs_agreement_confirmed(struct gcs_agreement *m, uint64_t now, uint16_t rank)
{
    struct gcs_seat *seat = &m->seats[rank];
    bool news = !seat->confirmed;
    seat->confirmed = true;
    if (m->decision) {
        if (news)
            check_retired(m);
    } else if (now >= seat->tell_after) {
        seat->tell_after = now + m->config.retry_ns;
        confirm_to(m, rank, GCS_CONFIRM_LACKING);
    }
}

void gcs_agreement_confirmed_next(struct gcs_agreement *m, uint64_t now, uint16_t rank)
{
    if (!m->decision || rank >= m->decision->proposal.survivors_count)
        return;
    for (uint16_t closing = 0; closing < m->view->count; closing++) {
        if (reason(m, closing) == GCS_REASON_NONE && rank-- == 0) {
            gcs_agreement_confirmed(m, now, closing);
            return;
        }
    }
}

void gcs_agreement_behind(struct gcs_agreement *m, uint64_t now, const struct gcs_address *from)
{
    if (!m->came_from || now < m->behind_after)
        return;
    m->behind_after = now + m->config.retry_ns;
    m->config.env.to_address(m->config.env.ctx, from, GCS_FRAME_INSTALL, m->came_from->bytes,
                             m->came_from->size);
}

void gcs_agreement_late(struct gcs_agreement *m, uint64_t now, uint16_t rank)
{
    if (m->decision && rank < m->view->count)
        gcs_settle_tell(m, now, rank);
}

int gcs_confirm_frame(struct gcs_agreement *m, uint64_t now, uint16_t from, const uint8_t *body,
                      size_t size)
{
    uint8_t flags;
    if (!gcs_confirm_read(body, size, &flags))
        return GCS_EMALFORMED;
    if (flags & GCS_CONFIRM_LACKING) {
        if (m->decision)
            gcs_settle_tell(m, now, from);
        return 0;
    }
    gcs_agreement_confirmed(m, now, from);
    if (m->installed && (flags & GCS_CONFIRM_ASK))
        confirm_to(m, from, 0);
    return 0;
}
