/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The outside of the agreement machine: making it, handing inputs to the parts
 * that they are for, and time. What the machine guarantees is Paxos (Lamport,
 * "The Part-Time Parliament", 1998): no two members ever learn of different
 * decisions, whatever is lost, late, repeated or dead; and virtual synchrony's
 * part of it: whoever accepts a cut holds it. See agreement.h and machine.h.
 */
#include "views/machine.h"

#include <assert.h>

/* ---- Making and freeing ----------------------------------------------------------------- */

/* The largest frame that this machine can have to write. */
static size_t scratch_bytes(uint16_t count)
{
    uint32_t members = (uint32_t)count + gcs_joiners_max(count);
    uint16_t most = members > GCS_MEMBERS_MAX ? GCS_MEMBERS_MAX : (uint16_t)members;
    size_t size = 64 + (size_t)count * 10 + gcs_proposal_bound(most, count);
    size_t frame = GCS_PACKET_CONTROL_MAX - GCS_FRAME_HEADER;
    return size < frame ? size : frame;
}

int gcs_agreement_new(const struct gcs_agreement_config *config, struct gcs_agreement **machine)
{
    const struct gcs_allocator *allocator = config->allocator;
    uint16_t count = config->view->count;
    assert(count > 0 && count <= GCS_MEMBERS_MAX && config->view->self < count);

    struct gcs_agreement *m = gcs_allocate(allocator, 1, sizeof(*m));
    if (!m)
        return GCS_ENOMEM;
    m->config = *config;
    m->view = config->view;
    if (m->config.promise_ns == 0)
        m->config.promise_ns = config->ballot_ns;
    m->scratch_size = scratch_bytes(count);
    m->seats = gcs_allocate(allocator, count, sizeof(*m->seats));
    m->reports.cut = gcs_allocate(allocator, count, sizeof(*m->reports.cut));
    m->reports.holder = gcs_allocate(allocator, count, sizeof(*m->reports.holder));
    m->joiners = gcs_allocate(allocator, GCS_JOINERS_WAITING_MAX, sizeof(*m->joiners));
    m->held = gcs_allocate(allocator, count, sizeof(*m->held));
    m->report = gcs_allocate(allocator, count, sizeof(*m->report));
    m->scratch = gcs_allocate(allocator, 1, m->scratch_size);
    if (config->came_from)
        m->came_from = gcs_value_copy(allocator, config->came_from);
    for (int i = 0; i < TIMERS; i++)
        m->timer[i] = GCS_NEVER;
    if ((config->came_from && !m->came_from) || !m->seats || !m->reports.cut ||
        !m->reports.holder || !m->joiners || !m->held || !m->report || !m->scratch) {
        gcs_agreement_free(m);
        return GCS_ENOMEM;
    }
    *machine = m;
    return 0;
}

void gcs_agreement_free(struct gcs_agreement *m)
{
    if (!m)
        return;
    const struct gcs_allocator *allocator = m->config.allocator;
    gcs_value_drop(&m->want);
    gcs_value_drop(&m->accepted);
    gcs_value_drop(&m->reports.value);
    gcs_value_drop(&m->value);
    gcs_value_drop(&m->decision);
    gcs_value_drop(&m->came_from);
    gcs_release(allocator, m->scratch);
    gcs_release(allocator, m->report);
    gcs_release(allocator, m->held);
    gcs_release(allocator, m->joiners);
    gcs_release(allocator, m->reports.holder);
    gcs_release(allocator, m->reports.cut);
    gcs_release(allocator, m->seats);
    gcs_release(allocator, m);
}

/* ---- What the parts share --------------------------------------------------------------- */

struct gcs_writer gcs_agreement_writer(struct gcs_agreement *m)
{
    return gcs_writer_over(m->scratch, m->scratch_size);
}

void gcs_agreement_send(struct gcs_agreement *m, uint16_t rank, uint8_t type,
                        const struct gcs_writer *w)
{
    if (!w->bad && rank != m->view->self)
        m->config.env.to_rank(m->config.env.ctx, rank, type, w->start, gcs_writer_size(w));
}

void gcs_agreement_holdings(struct gcs_agreement *m)
{
    m->config.env.holdings(m->config.env.ctx, m->held);
}

uint64_t gcs_agreement_time(const struct gcs_agreement *m)
{
    return m->config.env.time ? m->config.env.time(m->config.env.ctx) : 0;
}

bool gcs_agreement_covers(struct gcs_agreement *m, const uint64_t *cut)
{
    gcs_agreement_holdings(m);
    for (uint16_t rank = 0; rank < m->view->count; rank++) {
        if (m->held[rank] < cut[rank])
            return false;
    }
    return true;
}

bool gcs_agreement_impossible(struct gcs_agreement *m, const uint64_t *held)
{
    uint64_t window = m->config.settings.window_packets;
    gcs_agreement_holdings(m);
    for (uint16_t rank = 0; rank < m->view->count; rank++) {
        if (held[rank] <= m->held[rank])
            continue;
        if (rank == m->view->self || (window > 0 && held[rank] - m->held[rank] > window))
            return true;
    }
    return false;
}

bool gcs_agreement_quorum(const struct gcs_agreement *m, bool (*holds)(const struct gcs_seat *))
{
    struct gcs_tally tally = {0};
    for (uint16_t rank = 0; rank < m->view->count; rank++)
        gcs_tally_add(&tally, &m->view->members[rank], holds(&m->seats[rank]));
    return gcs_tally_quorum(&tally, m->view->tie_breaker);
}

void gcs_agreement_arm(struct gcs_agreement *m, enum gcs_agreement_timer timer, uint64_t at)
{
    m->timer[timer] = at;
}

uint64_t gcs_agreement_back_off(const struct gcs_agreement *m, uint64_t gap)
{
    uint64_t most = 32 * m->config.retry_ns;
    return gap * 2 < most ? gap * 2 : most;
}

/* ---- Inputs ----------------------------------------------------------------------------- */

int gcs_agreement_frame(struct gcs_agreement *m, uint64_t now, uint16_t from, uint8_t type,
                        const uint8_t *body, size_t size)
{
    if (from >= m->view->count || from == m->view->self)
        return GCS_EMALFORMED;
    switch (type) {
    case GCS_FRAME_JOIN:
        return gcs_join_frame(m, now, from, body, size);
    case GCS_FRAME_WISH:
        return gcs_wish_frame(m, now, from, body, size);
    case GCS_FRAME_POLL:
        return gcs_poll_frame(m, now, from, body, size);
    case GCS_FRAME_VOTE:
        return gcs_vote_frame(m, now, from, body, size);
    case GCS_FRAME_PREPARE:
        return gcs_prepare_frame(m, now, from, body, size);
    case GCS_FRAME_PROMISE:
        return gcs_promise_frame(m, now, from, body, size);
    case GCS_FRAME_PROPOSE:
        return gcs_propose_frame(m, now, from, body, size);
    case GCS_FRAME_ACCEPT:
        return gcs_accept_frame(m, now, from, body, size);
    case GCS_FRAME_INSTALL:
        return gcs_install_frame(m, now, from, body, size);
    case GCS_FRAME_CONFIRM:
        return gcs_confirm_frame(m, now, from, body, size);
    default:
        return GCS_EMALFORMED;
    }
}

void gcs_agreement_suspect(struct gcs_agreement *m, uint64_t now, uint16_t rank, bool suspected,
                           bool crashed)
{
    struct gcs_seat *seat = &m->seats[rank];
    if (suspected && !seat->suspected)
        seat->suspected_at = now;
    seat->suspected = suspected;
    seat->crashed = suspected && crashed;
    if (suspected)
        gcs_links_forget(m, now, rank);
    gcs_links_look(m, now);
    gcs_poll_consider(m, now);
}

void gcs_agreement_closing(struct gcs_agreement *m, uint16_t rank)
{
    m->seats[rank].closing = true;
}

void gcs_agreement_gone(struct gcs_agreement *m, uint64_t now, uint16_t rank)
{
    m->seats[rank].gone = true;
    gcs_poll_consider(m, now);
}

void gcs_agreement_renew(struct gcs_agreement *m, uint64_t now)
{
    if (!m->frozen && !m->decision)
        gcs_ballot_start(m, now);
}

void gcs_agreement_held(struct gcs_agreement *m, uint64_t now)
{
    if (m->decision && !m->installed)
        gcs_settle_try(m, now, false);
    else if (m->want)
        gcs_acceptor_try(m, now, false);
}

/* ---- Time ------------------------------------------------------------------------------- */

static void fire(struct gcs_agreement *m, uint64_t now, enum gcs_agreement_timer timer)
{
    switch (timer) {
    case TIMER_START: /* gcs_poll_consider looks at the time itself */
        break;
    case TIMER_POLL:
        gcs_poll_repeat(m, now);
        break;
    case TIMER_SEND:
        gcs_ballot_repeat(m, now);
        break;
    case TIMER_WAIT:
        gcs_ballot_propose(m, now);
        break;
    case TIMER_PATIENCE:
        gcs_ballot_impatient(m, now);
        break;
    case TIMER_FETCH:
        if (m->decision)
            gcs_settle_try(m, now, true);
        else
            gcs_acceptor_try(m, now, true);
        break;
    case TIMER_LINKS:
        gcs_links_look(m, now);
        break;
    case TIMER_WISH:
        gcs_wish_repeat(m, now);
        break;
    case TIMER_CONFIRM:
        gcs_settle_repeat(m, now);
        break;
    case TIMER_SERVE:
        gcs_settle_served(m);
        break;
    case TIMERS:
        break;
    }
}

void gcs_agreement_tick(struct gcs_agreement *m, uint64_t now)
{
    for (int i = 0; i < TIMERS; i++) {
        if (m->timer[i] > now)
            continue;
        m->timer[i] = GCS_NEVER;
        fire(m, now, (enum gcs_agreement_timer)i);
    }
    gcs_poll_consider(m, now);
}

uint64_t gcs_agreement_deadline(const struct gcs_agreement *m)
{
    uint64_t deadline = GCS_NEVER;
    for (int i = 0; i < TIMERS; i++) {
        if (m->timer[i] < deadline)
            deadline = m->timer[i];
    }
    return deadline;
}

/* ---- Getters ---------------------------------------------------------------------------- */

bool gcs_agreement_frozen(const struct gcs_agreement *m)
{
    return m->frozen;
}

bool gcs_agreement_is_gone(const struct gcs_agreement *m, uint16_t rank)
{
    return m->seats[rank].gone;
}

const struct gcs_proposal *gcs_agreement_decision(const struct gcs_agreement *m)
{
    return m->decision ? &m->decision->proposal : NULL;
}

int gcs_agreement_install_body(const struct gcs_agreement *m, const uint8_t **body, size_t *size)
{
    if (!m->decision)
        return GCS_EAGAIN;
    *body = m->decision->bytes;
    *size = m->decision->size;
    return 0;
}
