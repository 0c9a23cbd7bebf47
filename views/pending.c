/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who wants in. A member that is asked by a joiner passes the question on to the
 * candidate. Joiners are remembered in a table of fixed size, for a bounded time; only
 * one that answers a ballot's prepare can come in with it, so that a dead joiner costs one
 * wait and comes back no more.
 *
 * A ballot stops the group, so it is no way to find out whether a joiner hears us: the
 * candidate first asks for an echo, and who does not give it as soon as a ballot would need
 * its answer is no reason to begin one.
 */
#include "views/machine.h"

/* A joiner that has not been heard for so many waits for a ballot has gone elsewhere. */
#define JOINER_WAITS 20

static bool fresh(const struct gcs_agreement *m, const struct gcs_joiner *joiner, uint64_t now)
{
    return now < joiner->heard + JOINER_WAITS * m->config.ballot_ns;
}

static bool counts(const struct gcs_agreement *m, const struct gcs_joiner *joiner, uint64_t now)
{
    return fresh(m, joiner, now) && (joiner->hears || GCS_MUTANT(unheard_joiners));
}

bool gcs_pending_joiners(const struct gcs_agreement *m, uint64_t now)
{
    for (uint16_t i = 0; i < m->joiners_count; i++) {
        if (counts(m, &m->joiners[i], now))
            return true;
    }
    return false;
}

bool gcs_pending_answered(const struct gcs_agreement *m, uint64_t now)
{
    for (uint16_t i = 0; i < m->joiners_count; i++) {
        if (counts(m, &m->joiners[i], now) && !m->joiners[i].answered)
            return false;
    }
    return true;
}

static struct gcs_joiner *find_joiner(struct gcs_agreement *m, const struct gcs_address *address)
{
    for (uint16_t i = 0; i < m->joiners_count; i++) {
        if (gcs_address_equal(&m->joiners[i].member.id.address, address))
            return &m->joiners[i];
    }
    return NULL;
}

/* A free place, or that of somebody who has gone elsewhere; NULL: there is none. */
static struct gcs_joiner *place_joiner(struct gcs_agreement *m, uint64_t now)
{
    if (m->joiners_count < (GCS_MUTANT(joiners_singly) ? 1 : GCS_JOINERS_WAITING_MAX))
        return &m->joiners[m->joiners_count++];
    for (uint16_t i = 0; i < m->joiners_count; i++) {
        if (!fresh(m, &m->joiners[i], now))
            return &m->joiners[i];
    }
    return NULL;
}

/* The joiner's entry, made if need be; NULL: an old incarnation of it, or no room. */
static struct gcs_joiner *note_joiner(struct gcs_agreement *m, uint64_t now,
                                      const struct gcs_member *member, bool answers)
{
    struct gcs_joiner *joiner = find_joiner(m, &member->id.address);
    if (joiner && joiner->member.id.incarnation != member->id.incarnation) {
        if (joiner->answered && !answers)
            return NULL;
        *joiner = (struct gcs_joiner){.member = *member, .hears = joiner->hears};
    } else if (!joiner) {
        joiner = place_joiner(m, now);
        if (!joiner)
            return NULL;
        *joiner = (struct gcs_joiner){.member = *member};
    }
    joiner->heard = now;
    return joiner;
}

static bool is_member(const struct gcs_view *view, const struct gcs_member_id *id)
{
    for (uint16_t rank = 0; rank < view->count; rank++) {
        if (gcs_member_id_equal(&view->members[rank].id, id))
            return true;
    }
    return false;
}

/* It answered from the address of a member: that member is no more. */
static void replaces(struct gcs_agreement *m, const struct gcs_address *address)
{
    for (uint16_t rank = 0; rank < m->view->count; rank++) {
        if (rank != m->view->self && gcs_address_equal(&m->view->members[rank].id.address, address))
            m->seats[rank].gone = true;
    }
}

/*
 * A joiner at the address of a member that nobody misses. True: it has to wait. A late request of
 * an earlier membership is nobody's; a later membership of the same process ends the one that
 * there is; another process means that the member is dead, which the detector can find out.
 */
static bool at_members_address(struct gcs_agreement *m, const struct gcs_member_id *id)
{
    for (uint16_t rank = 0; rank < m->view->count; rank++) {
        const struct gcs_member_id *member = &m->view->members[rank].id;
        if (gcs_seat_missed(&m->seats[rank]) || !gcs_address_equal(&member->address, &id->address))
            continue;
        if (gcs_member_process(member) != gcs_member_process(id)) {
            if (m->config.env.doubt)
                m->config.env.doubt(m->config.env.ctx, rank);
            return true;
        }
        if (id->incarnation < member->incarnation || rank == m->view->self)
            return true;
        m->seats[rank].gone = true;
    }
    return false;
}

/* ---- Does it hear us? ------------------------------------------------------------------- */

/* The time in microseconds, never 0. */
static uint32_t stamp_at(uint64_t now)
{
    return (uint32_t)(now / 1000 % UINT32_MAX) + 1;
}

/* An invitation to no ballot, with the time in the place of a ballot's counter. */
static void ask_for_echo(struct gcs_agreement *m, uint64_t now, struct gcs_joiner *joiner)
{
    uint8_t body[16];
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    if (joiner->hears || now < joiner->ask_after || gcs_poll_place(m) > 0)
        return;
    joiner->ask_after = now + m->config.retry_ns / 2;
    gcs_prepare_write(&w, 0, (struct gcs_ballot){stamp_at(now), m->view->self});
    m->config.env.to_address(m->config.env.ctx, &joiner->member.id.address, GCS_FRAME_INVITE, body,
                             gcs_writer_size(&w));
}

static bool is_echo(const struct gcs_join_request *request)
{
    return request->epoch == 0 && request->ballot.counter > 0;
}

/* From somebody who hears us, soon enough to take part in a ballot. */
static bool is_timely(const struct gcs_agreement *m, uint64_t now,
                      const struct gcs_join_request *request)
{
    uint32_t age = stamp_at(now) - request->ballot.counter;
    return request->ballot.rank == m->view->self && age <= m->config.ballot_ns / 1000;
}

/* The first of them waits for company. */
static void note_hearing(struct gcs_agreement *m, uint64_t now, struct gcs_joiner *joiner)
{
    if (!gcs_pending_joiners(m, now))
        m->start_at = now + m->config.retry_ns;
    joiner->hears = true;
}

/* ---- Asking ----------------------------------------------------------------------------- */

static void pass_on(struct gcs_agreement *m, const struct gcs_join_request *request)
{
    struct gcs_writer w = gcs_agreement_writer(m);
    gcs_join_write(&w, request, &m->config.settings, NULL);
    uint16_t rank = m->frozen ? m->promised.rank : gcs_poll_candidate(m);
    gcs_agreement_send(m, rank, GCS_FRAME_JOIN, &w);
}

static void join(struct gcs_agreement *m, uint64_t now, const struct gcs_join_request *request)
{
    if (!m->decision && is_member(m->view, &request->member.id))
        return;
    if (!m->decision && at_members_address(m, &request->member.id))
        return;
    bool answers = m->phase == PHASE_PREPARING && request->epoch == m->view->epoch &&
                   gcs_ballot_compare(request->ballot, m->own) == 0;
    bool known = find_joiner(m, &request->member.id.address) != NULL;
    if (!known && !m->decision && m->config.env.admits &&
        !m->config.env.admits(m->config.env.ctx, &request->member.id.address))
        return;
    struct gcs_joiner *joiner = note_joiner(m, now, &request->member, answers);
    if (!joiner)
        return;
    if (m->decision) {
        gcs_settle_tell_joiner(m, now, joiner);
        return;
    }
    if (is_echo(request)) {
        if (!joiner->hears && is_timely(m, now, request))
            note_hearing(m, now, joiner);
    } else if (answers) {
        joiner->answered = true;
        replaces(m, &request->member.id.address);
    } else {
        ask_for_echo(m, now, joiner);
    }
    if (!answers && !known && m->phase == PHASE_PREPARING)
        gcs_ballot_ask_joiner(m, joiner);
    gcs_poll_consider(m, now);
}

void gcs_agreement_join(struct gcs_agreement *m, uint64_t now,
                        const struct gcs_join_request *request)
{
    join(m, now, request);
    if (!m->decision)
        pass_on(m, request);
}

int gcs_join_frame(struct gcs_agreement *m, uint64_t now, uint16_t from, const uint8_t *body,
                   size_t size)
{
    struct gcs_join_request request;
    struct gcs_settings settings;
    struct gcs_member_id rival;
    (void)from;
    if (!gcs_join_parse(body, size, &request, &settings, &rival) ||
        !gcs_settings_equal(&settings, &m->config.settings))
        return GCS_EMALFORMED;
    join(m, now, &request);
    return 0;
}
