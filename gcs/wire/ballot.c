/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Codec of the frames of polls and ballots: POLL, VOTE, PREPARE, PROMISE,
 * PROPOSE, ACCEPT, CONFIRM, WISH. See membership.h for the layout. Only the
 * proposal inside PROMISE, PROPOSE and INSTALL is read elsewhere: proposal.c.
 */
#include "gcs/wire/membership.h"
#include "gcs/wire/time.h"

/* A ballot that somebody has really started. */
static struct gcs_ballot started_read(struct gcs_reader *r)
{
    struct gcs_ballot ballot = gcs_ballot_read(r);
    if (ballot.counter == 0)
        r->bad = true;
    return ballot;
}

/* ---- POLL, VOTE ------------------------------------------------------------------------- */

void gcs_poll_write(struct gcs_writer *w, const struct gcs_poll *poll)
{
    gcs_write_varint(w, poll->number);
    gcs_write_varint(w, poll->count);
    for (uint16_t i = 0; i < poll->count; i++)
        gcs_write_varint(w, (uint64_t)poll->rank[i] * 2 + poll->crashed[i]);
}

bool gcs_poll_read(const uint8_t *body, size_t size, uint16_t members, struct gcs_poll *poll)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    poll->number = gcs_read_varint32(&r);
    uint64_t count = gcs_read_varint(&r);
    if (r.bad || count == 0 || count > GCS_POLL_MAX)
        return false;
    poll->count = (uint16_t)count;
    for (uint16_t i = 0; i < poll->count; i++) {
        uint64_t suspect = gcs_read_varint(&r);
        if (r.bad || suspect / 2 >= members)
            return false;
        poll->rank[i] = (uint16_t)(suspect / 2);
        poll->crashed[i] = suspect % 2;
        if (i > 0 && poll->rank[i] <= poll->rank[i - 1])
            return false;
    }
    return gcs_reader_ends(&r);
}

void gcs_vote_write(struct gcs_writer *w, const struct gcs_vote *vote)
{
    gcs_write_varint(w, vote->number);
    gcs_write_u8(w, vote->flags);
    gcs_write_varint(w, vote->missed);
}

bool gcs_vote_read(const uint8_t *body, size_t size, struct gcs_vote *vote)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    vote->number = gcs_read_varint32(&r);
    vote->flags = gcs_read_u8(&r);
    vote->missed = gcs_read_varint(&r);
    return gcs_reader_ends(&r);
}

/* ---- PREPARE, PROMISE ------------------------------------------------------------------- */

void gcs_prepare_write(struct gcs_writer *w, uint32_t epoch, struct gcs_ballot ballot)
{
    gcs_write_varint(w, epoch);
    gcs_ballot_write(w, ballot);
}

bool gcs_prepare_read(const uint8_t *body, size_t size, uint32_t *epoch, struct gcs_ballot *ballot)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    *epoch = gcs_read_varint32(&r);
    *ballot = started_read(&r);
    return gcs_reader_ends(&r);
}

void gcs_promise_write(struct gcs_writer *w, const struct gcs_promise *promise, uint16_t members)
{
    gcs_write_u8(w, promise->flags);
    gcs_ballot_write(w, promise->ballot);
    if (promise->flags & GCS_PROMISE_REFUSED)
        return;
    gcs_write_varint(w, promise->time);
    for (uint16_t rank = 0; rank < members; rank++)
        gcs_write_varint(w, promise->held[rank]);
    if (promise->flags & GCS_PROMISE_ACCEPTED) {
        gcs_ballot_write(w, promise->accepted);
        gcs_write_bytes(w, promise->value, promise->value_size);
    }
}

bool gcs_promise_read(const uint8_t *body, size_t size, uint16_t members, uint64_t *held,
                      struct gcs_promise *promise)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    *promise = (struct gcs_promise){.flags = gcs_read_u8(&r), .held = held};
    promise->ballot = started_read(&r);
    if (promise->flags & GCS_PROMISE_REFUSED)
        return gcs_reader_ends(&r) && promise->flags == GCS_PROMISE_REFUSED;
    promise->time = gcs_read_varint(&r);
    if (promise->time > GCS_GROUP_TIME_MAX)
        return false;
    for (uint16_t rank = 0; rank < members; rank++)
        held[rank] = gcs_read_varint(&r);
    if (promise->flags & GCS_PROMISE_ACCEPTED) {
        promise->accepted = started_read(&r);
        promise->value_size = gcs_reader_left(&r);
        promise->value = gcs_read_bytes(&r, promise->value_size);
        if (promise->accepted.rank >= members)
            return false;
    }
    return gcs_reader_ends(&r);
}

/* ---- PROPOSE, ACCEPT, CONFIRM, WISH ----------------------------------------------------- */

bool gcs_propose_read(const uint8_t *body, size_t size, struct gcs_ballot *ballot,
                      const uint8_t **value, size_t *value_size)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    *ballot = started_read(&r);
    *value_size = gcs_reader_left(&r);
    *value = gcs_read_bytes(&r, *value_size);
    return !r.bad;
}

void gcs_accept_write(struct gcs_writer *w, struct gcs_ballot ballot)
{
    gcs_ballot_write(w, ballot);
}

bool gcs_accept_read(const uint8_t *body, size_t size, struct gcs_ballot *ballot)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    *ballot = started_read(&r);
    return gcs_reader_ends(&r);
}

void gcs_confirm_write(struct gcs_writer *w, uint8_t flags)
{
    gcs_write_u8(w, flags);
}

bool gcs_confirm_read(const uint8_t *body, size_t size, uint8_t *flags)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    *flags = gcs_read_u8(&r);
    return gcs_reader_ends(&r);
}

void gcs_wish_write(struct gcs_writer *w, const struct gcs_wish *wish)
{
    uint8_t missing = wish->missing_count > 0 ? GCS_WISH_MISSING : 0;
    gcs_write_u8(w, (uint8_t)((wish->flags & ~GCS_WISH_MISSING) | missing));
    if (missing)
        gcs_write_varint(w, wish->missing_count);
    for (uint16_t i = 0; i < wish->missing_count; i++)
        gcs_write_varint(w, wish->missing[i]);
    for (uint16_t i = 0; i < wish->evict_count; i++)
        gcs_write_varint(w, wish->evict[i]);
}

static bool read_missing(struct gcs_reader *r, uint16_t members, struct gcs_wish *wish)
{
    uint64_t count = gcs_read_varint(r);
    if (count == 0 || count > GCS_WISH_MISSING_MAX)
        return false;
    for (; wish->missing_count < count; wish->missing_count++) {
        uint64_t rank = gcs_read_varint(r);
        if (rank >= members)
            return false;
        wish->missing[wish->missing_count] = (uint16_t)rank;
    }
    return !r->bad;
}

bool gcs_wish_read(const uint8_t *body, size_t size, uint16_t members, struct gcs_wish *wish)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    *wish = (struct gcs_wish){.flags = gcs_read_u8(&r)};
    if ((wish->flags & GCS_WISH_MISSING) && !read_missing(&r, members, wish))
        return false;
    while (!r.bad && gcs_reader_left(&r) > 0) {
        uint64_t rank = gcs_read_varint(&r);
        if (rank >= members || wish->evict_count == GCS_WISH_EVICT_MAX)
            return false;
        wish->evict[wish->evict_count++] = (uint16_t)rank;
    }
    return !r.bad;
}
