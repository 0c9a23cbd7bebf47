/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Values: the next view and the cut. A value is made once, by the proposer of a
 * ballot in which no accepted value was reported, and from then on it is bytes
 * that nobody changes: it is accepted, reported, proposed again and installed as
 * it stands. What a new value may say is this file's guarantee: those who come
 * along are promisers, whose reports are all in the cut, less who leaves; joiners
 * answered this ballot's prepare and do not outnumber them; the cut is the union
 * of the reports, and somebody who promised holds each part of it.
 */
#include "views/machine.h"

/* One piece of memory: the value, its arrays, room for its bytes. */
static struct gcs_value *value_new(const struct gcs_allocator *allocator, uint16_t members,
                                   uint16_t closing, size_t bytes)
{
    size_t size = sizeof(struct gcs_value) + members * sizeof(struct gcs_member) +
                  closing * (sizeof(uint64_t) + sizeof(uint16_t) + sizeof(uint8_t)) + bytes;
    struct gcs_value *value = gcs_allocate(allocator, 1, size);
    if (!value)
        return NULL;
    struct gcs_proposal *p = &value->proposal;
    value->refs = 1;
    value->allocator = allocator;
    p->members_count = members;
    p->closing_count = closing;
    p->members = (struct gcs_member *)(value + 1);
    p->cut = (uint64_t *)(p->members + members);
    p->holder = (uint16_t *)(p->cut + closing);
    p->reason = (uint8_t *)(p->holder + closing);
    value->bytes = p->reason + closing;
    return value;
}

static uint8_t *value_bytes(struct gcs_value *value)
{
    return value->proposal.reason + value->proposal.closing_count;
}

struct gcs_value *gcs_value_ref(struct gcs_value *value)
{
    value->refs++;
    return value;
}

void gcs_value_drop(struct gcs_value **value)
{
    struct gcs_value *dropped = *value;
    *value = NULL;
    if (dropped && --dropped->refs == 0)
        gcs_release(dropped->allocator, dropped);
}

/* Writes the bytes of a value that is complete. */
static void encode(struct gcs_value *value, size_t bound)
{
    struct gcs_writer w = gcs_writer_over(value_bytes(value), bound);
    gcs_proposal_write(&w, &value->proposal);
    value->size = gcs_writer_size(&w);
}

struct gcs_value *gcs_value_copy(const struct gcs_allocator *allocator,
                                 const struct gcs_proposal *proposal)
{
    size_t bound = gcs_proposal_bound(proposal->members_count, proposal->closing_count);
    struct gcs_value *value =
        value_new(allocator, proposal->members_count, proposal->closing_count, bound);
    if (!value)
        return NULL;
    struct gcs_proposal arrays = value->proposal;
    struct gcs_proposal *p = &value->proposal;
    *p = *proposal;
    p->members = arrays.members;
    p->cut = arrays.cut;
    p->holder = arrays.holder;
    p->reason = arrays.reason;
    memcpy(p->members, proposal->members, p->members_count * sizeof(*p->members));
    memcpy(p->cut, proposal->cut, p->closing_count * sizeof(*p->cut));
    memcpy(p->holder, proposal->holder, p->closing_count * sizeof(*p->holder));
    memcpy(p->reason, proposal->reason, p->closing_count * sizeof(*p->reason));
    encode(value, bound);
    return value;
}

/* ---- Reading ---------------------------------------------------------------------------- */

int gcs_value_decode(const struct gcs_allocator *allocator, const struct gcs_view *closing,
                     const uint8_t *body, size_t size, struct gcs_value **value)
{
    struct gcs_proposal head;
    int error = gcs_proposal_measure(body, size, closing, &head);
    if (error)
        return error;
    struct gcs_value *read = value_new(allocator, head.members_count, head.closing_count, size);
    if (!read)
        return GCS_ENOMEM;
    error = gcs_proposal_read(body, size, closing, &read->proposal);
    if (error) {
        gcs_value_drop(&read);
        return error;
    }
    memcpy(value_bytes(read), body, size);
    read->size = size;
    *value = read;
    return 0;
}

int gcs_value_read(struct gcs_agreement *m, const uint8_t *body, size_t size,
                   struct gcs_value **value)
{
    int error = gcs_value_decode(m->config.allocator, m->view, body, size, value);
    if (error == 0 && gcs_agreement_impossible(m, (*value)->proposal.cut)) {
        gcs_value_drop(value);
        return GCS_EMALFORMED;
    }
    return error;
}

/* ---- Making ----------------------------------------------------------------------------- */

static bool survives(const struct gcs_agreement *m, const struct gcs_seat *seat)
{
    bool goes = m->going == GOING_ALL || (m->going == GOING_LEAVERS && gcs_seat_goes(seat));
    if (GCS_MUTANT(survivors_unpromised))
        return !goes;
    bool parts = m->going == GOING_LEAVERS && seat->parted;
    return seat->promised && !goes && !parts && !seat->gone;
}

static uint8_t reason_of(const struct gcs_agreement *m, const struct gcs_seat *seat)
{
    if (survives(m, seat))
        return GCS_REASON_NONE;
    if (seat->evicted)
        return GCS_REASON_EVICTED;
    if (seat->leaving || (m->going == GOING_ALL && seat->promised))
        return GCS_REASON_LEFT;
    if (seat->closing && seat->crashed)
        return GCS_REASON_SHUTDOWN;
    return seat->crashed || seat->gone ? GCS_REASON_CRASHED : GCS_REASON_UNREACHABLE;
}

bool gcs_value_may_end(const struct gcs_agreement *m)
{
    for (uint16_t rank = 0; rank < m->view->count; rank++) {
        const struct gcs_seat *seat = &m->seats[rank];
        if (m->view->members[rank].weight > 0 && !gcs_seat_goes(seat) && !gcs_seat_missed(seat))
            return false;
    }
    return true;
}

/* The survivors' votes among those of the members that do not go of their own accord. */
static struct gcs_tally survivors_votes(const struct gcs_agreement *m)
{
    struct gcs_tally tally = {0};
    for (uint16_t rank = 0; rank < m->view->count; rank++) {
        const struct gcs_seat *seat = &m->seats[rank];
        if (m->going == GOING_NOBODY || !gcs_seat_goes(seat))
            gcs_tally_add(&tally, &m->view->members[rank], survives(m, seat));
    }
    return tally;
}

/*
 * Consecutive views share a quorum of the earlier one's members less those who go. Where others
 * are missing so that this would not hold, those who would go and promised come along once more
 * and leave the next view, which has lost the missing ones. False: too few even so.
 */
static bool choose_survivors(struct gcs_agreement *m)
{
    m->going = GOING_LEAVERS;
    struct gcs_tally votes = survivors_votes(m);
    if (gcs_tally_quorum(&votes, m->view->tie_breaker))
        return true;
    if (votes.in == 0 && gcs_value_may_end(m)) {
        m->going = GOING_ALL;
        return true;
    }
    if (GCS_MUTANT(promise_minority))
        return true;
    m->going = GOING_NOBODY;
    votes = survivors_votes(m);
    return gcs_tally_quorum(&votes, m->view->tie_breaker);
}

static uint16_t survivors_of(const struct gcs_agreement *m)
{
    uint16_t survivors = 0;
    for (uint16_t rank = 0; rank < m->view->count; rank++)
        survivors = (uint16_t)(survivors + survives(m, &m->seats[rank]));
    return survivors;
}

static bool address_survives(const struct gcs_agreement *m, const struct gcs_address *address)
{
    for (uint16_t rank = 0; rank < m->view->count; rank++) {
        if (survives(m, &m->seats[rank]) &&
            gcs_address_equal(&m->view->members[rank].id.address, address))
            return true;
    }
    return false;
}

static size_t survivors_bytes(const struct gcs_agreement *m)
{
    size_t bytes = 0;
    for (uint16_t rank = 0; rank < m->view->count; rank++)
        if (survives(m, &m->seats[rank]))
            bytes += gcs_member_bytes(&m->view->members[rank]);
    return bytes;
}

/* The joiners that come in with so many survivors; into, if it is not NULL. */
static uint16_t take_joiners(const struct gcs_agreement *m, uint16_t survivors,
                             struct gcs_member *into)
{
    uint16_t taken = 0, most = gcs_joiners_max(survivors);
    size_t bytes = survivors_bytes(m);
    for (uint16_t i = 0; i < m->joiners_count && taken < most; i++) {
        const struct gcs_joiner *joiner = &m->joiners[i];
        size_t more = gcs_member_bytes(&joiner->member);
        if ((!joiner->answered && !GCS_MUTANT(dead_joiners)) ||
            address_survives(m, &joiner->member.id.address) ||
            !gcs_proposal_has_room((uint16_t)(survivors + taken + 1), bytes + more, m->view->count))
            continue;
        bytes += more;
        if (into) {
            into[taken] = joiner->member;
            into[taken].syncing = m->config.settings.state;
        }
        taken++;
    }
    return taken;
}

static void fill(struct gcs_agreement *m, struct gcs_proposal *p, uint16_t survivors)
{
    uint16_t next = 0;
    p->epoch = m->view->epoch + 1;
    p->lineage = m->view->lineage;
    p->proposer = m->view->members[m->view->self].id.incarnation;
    p->time = m->reports.time;
    p->settings = m->config.settings;
    p->survivors_count = survivors;
    for (uint16_t rank = 0; rank < m->view->count; rank++) {
        p->cut[rank] = m->reports.cut[rank];
        p->holder[rank] = m->reports.holder[rank];
        p->reason[rank] = reason_of(m, &m->seats[rank]);
        if (p->reason[rank] != GCS_REASON_NONE)
            continue;
        p->members[next] = m->view->members[rank];
        p->members[next++].syncing &= !m->seats[rank].ready;
    }
    take_joiners(m, survivors, p->members + survivors);
}

struct gcs_value *gcs_value_make(struct gcs_agreement *m)
{
    if (!choose_survivors(m))
        return NULL;
    uint16_t survivors = survivors_of(m);
    uint16_t members = (uint16_t)(survivors + take_joiners(m, survivors, NULL));

    size_t bound = gcs_proposal_bound(members, m->view->count);
    struct gcs_value *value = value_new(m->config.allocator, members, m->view->count, bound);
    if (!value)
        return NULL;
    fill(m, &value->proposal, survivors);
    encode(value, bound);
    return value;
}
