/* SPDX-License-Identifier: BSD-3-Clause */
/* Golden bytes of the frames of polls and ballots. */
#include "gcs/wire/membership.h"
#include "tests/golden/golden.h"

/* ---- POLL, VOTE ------------------------------------------------------------------- */

static const uint8_t poll_body[] = {
    0xac, 0x02, /* poll 300 */
    0x03,       /* suspects */
    0x03,       /* rank 1, crashed */
    0x08,       /* rank 4 */
    0xd1, 0x0f, /* rank 1000, crashed */
};
static const uint8_t vote_body[] = {
    0xac, 0x02, /* poll 300 */
    0x01,       /* frozen */
    0x05,       /* misses the first and the third */
};

static void check_poll(void)
{
    struct gcs_poll poll = {
        .number = 300, .count = 3, .rank = {1, 4, 1000}, .crashed = {true, false, true}};
    struct gcs_poll read;
    uint8_t bytes[64];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_poll_write(&w, &poll);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), poll_body);
    EXPECT(gcs_poll_read(poll_body, sizeof(poll_body), 1001, &read));
    EXPECT(read.number == 300 && read.count == 3);
    for (int i = 0; i < 3; i++)
        EXPECT(read.rank[i] == poll.rank[i] && read.crashed[i] == poll.crashed[i]);

    struct gcs_vote vote = {.number = 300, .flags = GCS_VOTE_FROZEN, .missed = 5}, vote_read;
    w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_vote_write(&w, &vote);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), vote_body);
    EXPECT(gcs_vote_read(vote_body, sizeof(vote_body), &vote_read));
    EXPECT(vote_read.number == 300 && vote_read.flags == GCS_VOTE_FROZEN && vote_read.missed == 5);
}

/* ---- PREPARE (INVITE has the same body), PROMISE ------------------------------------------ */

static const uint8_t prepare_body[] = {
    0x80, 0x01, /* epoch 128 */
    0x01, 0x03, /* ballot 1 of rank 3 */
};
static const uint8_t promise_plain[] = {
    0x01,             /* leaving */
    0x01, 0x03,       /* ballot */
    0xac, 0x02,       /* group time 300 */
    0x05, 0xac, 0x02, /* holds 5 of rank 0 and 300 of rank 1, */
    0x00, 0x01,       /* none of rank 2, 1 of rank 3 */
};
static const uint8_t promise_accepted[] = {
    0x02,                   /* has accepted */
    0x02, 0x00,             /* ballot 2 of rank 0 */
    0x00,                   /* group time 0 */
    0x05, 0x06, 0x07, 0x08, /* holds */
    0x01, 0x03,             /* accepted in ballot 1 of rank 3 */
    'v',  'a',  'l',        /* this */
};
static const uint8_t promise_refused[] = {
    0x04,             /* refused */
    0xac, 0x02, 0x02, /* for ballot 300 of rank 2 */
};

static void check_prepare(void)
{
    struct gcs_ballot ballot = {1, 3}, read;
    uint32_t epoch;
    uint8_t bytes[64];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_prepare_write(&w, 128, ballot);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), prepare_body);
    EXPECT(gcs_prepare_read(prepare_body, sizeof(prepare_body), &epoch, &read));
    EXPECT(epoch == 128 && gcs_ballot_compare(read, ballot) == 0);
}

static void check_promise(const struct gcs_promise *promise, const uint8_t *body, size_t size)
{
    struct gcs_promise read;
    uint64_t held[4];
    uint8_t bytes[64];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_promise_write(&w, promise, 4);
    golden_bytes(bytes, gcs_writer_size(&w), body, size, __FILE__, __LINE__);
    EXPECT(gcs_promise_read(body, size, 4, held, &read));
    EXPECT(read.flags == promise->flags && read.time == promise->time);
    EXPECT(gcs_ballot_compare(read.ballot, promise->ballot) == 0);
    EXPECT(gcs_ballot_compare(read.accepted, promise->accepted) == 0);
    EXPECT(read.value_size == promise->value_size);
    EXPECT(read.value_size == 0 || memcmp(read.value, promise->value, read.value_size) == 0);
    if (!(promise->flags & GCS_PROMISE_REFUSED))
        EXPECT(memcmp(held, promise->held, sizeof(held)) == 0);
}

static void check_promises(void)
{
    uint64_t held[4] = {5, 300, 0, 1}, held_too[4] = {5, 6, 7, 8};
    struct gcs_promise promise = {
        .flags = GCS_PROMISE_LEAVING, .ballot = {1, 3}, .time = 300, .held = held};
    check_promise(&promise, promise_plain, sizeof(promise_plain));
    promise = (struct gcs_promise){
        .flags = GCS_PROMISE_ACCEPTED,
        .ballot = {2, 0},
        .held = held_too,
        .accepted = {1, 3},
        .value = (const uint8_t *)"val",
        .value_size = 3,
    };
    check_promise(&promise, promise_accepted, sizeof(promise_accepted));
    promise = (struct gcs_promise){.flags = GCS_PROMISE_REFUSED, .ballot = {300, 2}};
    check_promise(&promise, promise_refused, sizeof(promise_refused));
}

/* ---- PROPOSE, ACCEPT, CONFIRM ---------------------------------------------------------- */

static const uint8_t propose_body[] = {
    0xac, 0x02, 0x02, /* ballot 300 of rank 2 */
    'v',  'a',  'l',
};
static const uint8_t accept_body[] = {0xac, 0x02, 0x02};
static const uint8_t confirm_body[] = {0x03};

static void check_propose(void)
{
    struct gcs_ballot ballot = {300, 2}, read;
    const uint8_t *value;
    size_t value_size;
    uint8_t bytes[64], flags;
    EXPECT(gcs_propose_read(propose_body, sizeof(propose_body), &read, &value, &value_size));
    EXPECT(gcs_ballot_compare(read, ballot) == 0);
    EXPECT(value_size == 3 && memcmp(value, "val", 3) == 0);

    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_ballot_write(&w, ballot);
    gcs_write_bytes(&w, "val", 3);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), propose_body);
    w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_accept_write(&w, ballot);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), accept_body);
    EXPECT(gcs_accept_read(accept_body, sizeof(accept_body), &read));
    EXPECT(gcs_ballot_compare(read, ballot) == 0);

    w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_confirm_write(&w, GCS_CONFIRM_ASK | GCS_CONFIRM_LACKING);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), confirm_body);
    EXPECT(gcs_confirm_read(confirm_body, sizeof(confirm_body), &flags) && flags == 3);
}

void golden_ballots(void)
{
    check_poll();
    check_prepare();
    check_promises();
    check_propose();
}
