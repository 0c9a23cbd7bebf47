/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The decoders of all membership frames and of HEARTBEAT. The first byte chooses
 * the frame; the rest is its body. What can be read is written again and must be
 * the same bytes: every message has one spelling.
 */
#include "gcs/wire/founding.h"
#include "gcs/wire/heartbeat.h"
#include "gcs/wire/membership.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MEMBERS 5
#define ROOM    65536

static uint8_t again[ROOM];

static struct gcs_writer writer(void)
{
    return gcs_writer_over(again, sizeof(again));
}

static void same(const struct gcs_writer *w, const uint8_t *body, size_t size)
{
    assert(!w->bad && gcs_writer_size(w) == size && memcmp(again, body, size) == 0);
}

static void fuzz_join(const uint8_t *body, size_t size)
{
    struct gcs_join_request request;
    struct gcs_settings settings;
    struct gcs_member_id rival;
    struct gcs_writer w = writer();
    if (!gcs_join_parse(body, size, &request, &settings, &rival))
        return;
    gcs_join_write(&w, &request, &settings, &rival);
    same(&w, body, size);
}

static void fuzz_refuse(const uint8_t *body, size_t size)
{
    struct gcs_refusal refusal;
    struct gcs_writer w = writer();
    if (!gcs_refusal_read(body, size, &refusal))
        return;
    gcs_refusal_write(&w, &refusal);
    same(&w, body, size);
}

static void fuzz_poll(const uint8_t *body, size_t size)
{
    struct gcs_poll poll;
    struct gcs_writer w = writer();
    if (!gcs_poll_read(body, size, MEMBERS, &poll))
        return;
    assert(poll.count > 0 && poll.count <= MEMBERS);
    gcs_poll_write(&w, &poll);
    same(&w, body, size);
}

static void fuzz_vote(const uint8_t *body, size_t size)
{
    struct gcs_vote vote;
    struct gcs_writer w = writer();
    if (!gcs_vote_read(body, size, &vote))
        return;
    gcs_vote_write(&w, &vote);
    same(&w, body, size);
}

static void fuzz_prepare(const uint8_t *body, size_t size)
{
    uint32_t epoch;
    struct gcs_ballot ballot;
    struct gcs_writer w = writer();
    if (!gcs_prepare_read(body, size, &epoch, &ballot))
        return;
    assert(ballot.counter > 0 && ballot.rank < GCS_MEMBERS_MAX);
    gcs_prepare_write(&w, epoch, ballot);
    same(&w, body, size);
}

static void fuzz_promise(const uint8_t *body, size_t size)
{
    uint64_t held[MEMBERS];
    struct gcs_promise promise;
    struct gcs_writer w = writer();
    if (!gcs_promise_read(body, size, MEMBERS, held, &promise))
        return;
    gcs_promise_write(&w, &promise, MEMBERS);
    same(&w, body, size);
}

/* A reader without the closing view, as a joiner is. */
static void fuzz_proposal(const uint8_t *body, size_t size)
{
    struct gcs_proposal p;
    struct gcs_writer w = writer();
    if (gcs_proposal_measure(body, size, NULL, &p))
        return;
    assert(p.members_count <= GCS_MEMBERS_MAX && p.closing_count <= GCS_MEMBERS_MAX);
    p.members = calloc(p.members_count + 1u, sizeof(*p.members));
    p.cut = calloc(p.closing_count + 1u, sizeof(*p.cut));
    p.holder = calloc(p.closing_count + 1u, sizeof(*p.holder));
    p.reason = calloc(p.closing_count + 1u, sizeof(*p.reason));
    if (gcs_proposal_read(body, size, NULL, &p) == 0) {
        gcs_proposal_write(&w, &p);
        same(&w, body, size);
    }
    free(p.reason);
    free(p.holder);
    free(p.cut);
    free(p.members);
}

static void fuzz_propose(const uint8_t *body, size_t size)
{
    struct gcs_ballot ballot;
    const uint8_t *value;
    size_t value_size;
    if (gcs_propose_read(body, size, &ballot, &value, &value_size))
        fuzz_proposal(value, value_size);
}

static void fuzz_accept(const uint8_t *body, size_t size)
{
    struct gcs_ballot ballot;
    struct gcs_writer w = writer();
    if (!gcs_accept_read(body, size, &ballot))
        return;
    gcs_accept_write(&w, ballot);
    same(&w, body, size);
}

static void fuzz_confirm(const uint8_t *body, size_t size)
{
    uint8_t flags;
    struct gcs_writer w = writer();
    if (!gcs_confirm_read(body, size, &flags))
        return;
    gcs_confirm_write(&w, flags);
    same(&w, body, size);
}

static void fuzz_wish(const uint8_t *body, size_t size)
{
    struct gcs_wish wish;
    struct gcs_writer w = writer();
    if (!gcs_wish_read(body, size, MEMBERS, &wish))
        return;
    for (uint16_t i = 0; i < wish.evict_count; i++)
        assert(wish.evict[i] < MEMBERS);
    gcs_wish_write(&w, &wish);
    same(&w, body, size);
}

static void fuzz_excluded(const uint8_t *body, size_t size)
{
    uint32_t epoch;
    struct gcs_writer w = writer();
    if (!gcs_excluded_read(body, size, &epoch))
        return;
    gcs_excluded_write(&w, epoch);
    same(&w, body, size);
}

static void fuzz_heartbeat(const uint8_t *body, size_t size)
{
    struct gcs_heartbeat heartbeat;
    struct gcs_writer w = writer();
    if (!gcs_heartbeat_read(body, size, &heartbeat))
        return;
    gcs_heartbeat_write(&w, &heartbeat);
    same(&w, body, size);
}

static void fuzz_found(const uint8_t *body, size_t size)
{
    struct gcs_found found;
    struct gcs_writer w = writer();
    if (!gcs_found_read(body, size, &found))
        return;
    gcs_found_write(&w, &found);
    same(&w, body, size);
    if (found.value)
        fuzz_proposal(found.value, found.value_size);
}

static void fuzz_kin(const uint8_t *body, size_t size)
{
    struct gcs_kin kin;
    struct gcs_writer w = writer();
    if (!gcs_kin_read(body, size, &kin))
        return;
    gcs_kin_write(&w, &kin);
    same(&w, body, size);
}

static void (*const decoders[])(const uint8_t *body, size_t size) = {
    fuzz_join,    fuzz_refuse,   fuzz_poll,      fuzz_vote,   fuzz_prepare,
    fuzz_promise, fuzz_proposal, fuzz_propose,   fuzz_accept, fuzz_confirm,
    fuzz_wish,    fuzz_excluded, fuzz_heartbeat, fuzz_found,  fuzz_kin,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0)
        decoders[data[0] % (sizeof(decoders) / sizeof(decoders[0]))](data + 1, size - 1);
    return 0;
}
