/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One agreement machine, fed by hand: what it answers to each frame, that a
 * promise is never forgotten, and that frames with impossible contents are
 * refused and change nothing.
 */
#include "tests/unit/scarce.h"
#include "tests/unit/suite.h"
#include "views/agreement.h"

#define MEMBERS 4
#define SELF    2
#define MS      UINT64_C(1000000)
#define EPOCH   7
#define LINEAGE 99

struct sent {
    int rank; /* -1: to an address */
    uint8_t type;
    uint8_t body[600];
    size_t size;
};

struct bench {
    struct scarce scarce;
    struct gcs_counters counters;
    struct gcs_member members[MEMBERS];
    struct gcs_view view;
    struct gcs_agreement *machine;
    uint64_t now;
    uint64_t held[MEMBERS];
    struct sent sent[64];
    size_t sent_count;
    int frozen;
    int fetched;
    int installed;
    int retired;
    int doubted;
};

static void keep(struct bench *bench, int rank, uint8_t type, const uint8_t *body, size_t size)
{
    ck_assert_uint_lt(bench->sent_count, 64);
    ck_assert_uint_le(size, sizeof(bench->sent[0].body));
    struct sent *sent = &bench->sent[bench->sent_count++];
    *sent = (struct sent){.rank = rank, .type = type, .size = size};
    if (size > 0)
        memcpy(sent->body, body, size);
}

static void to_rank(void *ctx, uint16_t rank, uint8_t type, const uint8_t *body, size_t size)
{
    keep(ctx, rank, type, body, size);
}

static void to_address(void *ctx, const struct gcs_address *to, uint8_t type, const uint8_t *body,
                       size_t size)
{
    ck_assert_uint_gt(to->length, 0);
    keep(ctx, -1, type, body, size);
}

static void freeze(void *ctx)
{
    struct bench *bench = ctx;
    bench->frozen++;
}

static void holdings(void *ctx, uint64_t *held)
{
    struct bench *bench = ctx;
    memcpy(held, bench->held, sizeof(bench->held));
}

static void fetch(void *ctx, const uint64_t *cut, const uint16_t *holder)
{
    struct bench *bench = ctx;
    ck_assert_ptr_nonnull(cut);
    ck_assert_uint_lt(holder[0], MEMBERS);
    bench->fetched++;
}

static void doubt(void *ctx, uint16_t rank)
{
    struct bench *bench = ctx;
    ck_assert_uint_lt(rank, MEMBERS);
    bench->doubted++;
}

static void install(void *ctx, const struct gcs_proposal *value)
{
    struct bench *bench = ctx;
    ck_assert_uint_eq(value->epoch, EPOCH + 1);
    bench->installed++;
}

static void retired(void *ctx)
{
    struct bench *bench = ctx;
    bench->retired++;
}

static struct gcs_member member_of(uint8_t address, uint64_t incarnation)
{
    struct gcs_member member = {.receive_bytes = 5000, .weight = 1};
    member.id.address.length = 2;
    member.id.address.bytes[0] = 'm';
    member.id.address.bytes[1] = address;
    member.id.incarnation = incarnation;
    return member;
}

static void open_bench(struct bench *bench)
{
    memset(bench, 0, sizeof(*bench));
    scarce_init(&bench->scarce);
    for (uint8_t i = 0; i < MEMBERS; i++) {
        bench->members[i] = member_of(i, 100u + i);
        bench->held[i] = 10;
    }
    bench->now = 1000 * MS;
    bench->view = (struct gcs_view){.lineage = LINEAGE,
                                    .proposer = 100,
                                    .epoch = EPOCH,
                                    .count = MEMBERS,
                                    .self = SELF,
                                    .members = bench->members};
    struct gcs_agreement_config config = {
        .allocator = &bench->scarce.allocator,
        .view = &bench->view,
        .settings = {.order = 1, .window_packets = 100, .message_bytes = 1000},
        .retry_ns = 10 * MS,
        .ballot_ns = 60 * MS,
        .counters = &bench->counters,
        .env = {.ctx = bench,
                .to_rank = to_rank,
                .to_address = to_address,
                .freeze = freeze,
                .holdings = holdings,
                .fetch = fetch,
                .doubt = doubt,
                .install = install,
                .retired = retired},
    };
    ck_assert_int_eq(gcs_agreement_new(&config, &bench->machine), 0);
}

static void close_bench(struct bench *bench)
{
    gcs_agreement_free(bench->machine);
    ck_assert_uint_eq(bench->scarce.live, 0);
}

static int give(struct bench *bench, uint16_t from, uint8_t type, const uint8_t *body, size_t size)
{
    bench->sent_count = 0;
    return gcs_agreement_frame(bench->machine, bench->now, from, type, body, size);
}

static int give_prepare(struct bench *bench, uint16_t from, uint32_t counter, uint16_t rank)
{
    uint8_t body[32];
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    gcs_prepare_write(&w, EPOCH, (struct gcs_ballot){counter, rank});
    return give(bench, from, GCS_FRAME_PREPARE, body, gcs_writer_size(&w));
}

/* A proposal that is as it should be, with memory for it to be spoiled in. */
struct draft {
    struct gcs_proposal p;
    struct gcs_member members[MEMBERS + 4];
    uint64_t cut[MEMBERS];
    uint16_t holder[MEMBERS];
    uint8_t reason[MEMBERS];
};

static void draft_init(struct draft *draft, const struct bench *bench)
{
    memset(draft, 0, sizeof(*draft));
    draft->p = (struct gcs_proposal){
        .epoch = EPOCH + 1,
        .lineage = LINEAGE,
        .proposer = 100,
        .members_count = MEMBERS,
        .survivors_count = MEMBERS - 1,
        .members = draft->members,
        .closing_count = MEMBERS,
        .cut = draft->cut,
        .holder = draft->holder,
        .reason = draft->reason,
        .settings = {.order = 1, .window_packets = 100, .message_bytes = 1000}};
    memcpy(draft->members, bench->members, (MEMBERS - 1) * sizeof(draft->members[0]));
    draft->members[MEMBERS - 1] = member_of(50, 500);
    draft->reason[MEMBERS - 1] = GCS_REASON_CRASHED;
    for (uint16_t i = 0; i < MEMBERS; i++) {
        draft->cut[i] = 10;
        draft->holder[i] = 1;
    }
}

static int give_value(struct bench *bench, uint16_t from, uint8_t type, struct gcs_ballot ballot,
                      const struct gcs_proposal *p)
{
    uint8_t body[600];
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    if (type == GCS_FRAME_PROPOSE)
        gcs_ballot_write(&w, ballot);
    gcs_proposal_write(&w, p);
    ck_assert(!w.bad);
    return give(bench, from, type, body, gcs_writer_size(&w));
}

static int give_propose(struct bench *bench, uint16_t from, uint32_t counter,
                        const struct gcs_proposal *p)
{
    return give_value(bench, from, GCS_FRAME_PROPOSE, (struct gcs_ballot){counter, from}, p);
}

static int give_install(struct bench *bench, uint16_t from, const struct gcs_proposal *p)
{
    return give_value(bench, from, GCS_FRAME_INSTALL, (struct gcs_ballot){0, 0}, p);
}

static struct gcs_promise promise_in(const struct sent *sent, uint64_t held[MEMBERS])
{
    struct gcs_promise promise;
    ck_assert_uint_eq(sent->type, GCS_FRAME_PROMISE);
    ck_assert(gcs_promise_read(sent->body, sent->size, MEMBERS, held, &promise));
    return promise;
}

static void tick(struct bench *bench, uint64_t elapsed)
{
    bench->sent_count = 0;
    bench->now += elapsed;
    gcs_agreement_tick(bench->machine, bench->now);
}

static void suspect(struct bench *bench, uint16_t rank)
{
    gcs_agreement_suspect(bench->machine, bench->now, rank, true, false);
}

/* ---- Promises --------------------------------------------------------------------------- */

START_TEST(a_promise_freezes_once_and_reports_what_is_held_now)
{
    struct bench bench;
    uint64_t held[MEMBERS];
    open_bench(&bench);
    ck_assert_int_eq(give_prepare(&bench, 0, 1, 0), 0);
    ck_assert_int_eq(bench.frozen, 1);
    ck_assert(gcs_agreement_frozen(bench.machine));
    ck_assert_uint_eq(bench.sent_count, 1);
    ck_assert_int_eq(bench.sent[0].rank, 0);
    promise_in(&bench.sent[0], held);
    ck_assert_uint_eq(held[1], 10);
    bench.held[1] = 12;
    ck_assert_int_eq(give_prepare(&bench, 0, 1, 0), 0); /* it was lost, perhaps */
    promise_in(&bench.sent[0], held);
    ck_assert_uint_eq(held[1], 12);
    ck_assert_int_eq(bench.frozen, 1);
    close_bench(&bench);
}
END_TEST

START_TEST(a_promise_is_not_forgotten)
{
    struct bench bench;
    struct draft draft;
    uint64_t held[MEMBERS];
    open_bench(&bench);
    draft_init(&draft, &bench);
    ck_assert_int_eq(give_prepare(&bench, 0, 1, 0), 0);
    ck_assert_int_eq(give_prepare(&bench, 1, 2, 1), 0);
    ck_assert_uint_eq(promise_in(&bench.sent[0], held).ballot.counter, 2);

    ck_assert_int_eq(give_prepare(&bench, 0, 1, 0), 0);
    ck_assert_uint_eq(bench.sent_count, 1);
    struct gcs_promise refusal = promise_in(&bench.sent[0], held);
    ck_assert_uint_eq(refusal.flags, GCS_PROMISE_REFUSED);
    ck_assert_uint_eq(refusal.ballot.counter, 2);

    ck_assert_int_eq(give_propose(&bench, 0, 1, &draft.p), 0);
    ck_assert_uint_eq(bench.sent_count, 1);
    ck_assert_uint_eq(promise_in(&bench.sent[0], held).flags, GCS_PROMISE_REFUSED);

    ck_assert_int_eq(give_propose(&bench, 1, 2, &draft.p), 0);
    ck_assert_uint_eq(bench.sent[0].type, GCS_FRAME_ACCEPT);
    close_bench(&bench);
}
END_TEST

START_TEST(equal_counters_are_ordered_by_rank)
{
    struct bench bench;
    uint64_t held[MEMBERS];
    open_bench(&bench);
    ck_assert_int_eq(give_prepare(&bench, 1, 1, 1), 0);
    ck_assert_int_eq(give_prepare(&bench, 0, 1, 0), 0);
    ck_assert_uint_eq(promise_in(&bench.sent[0], held).flags, GCS_PROMISE_REFUSED);
    ck_assert_int_eq(give_prepare(&bench, 3, 1, 3), 0);
    ck_assert_uint_eq(promise_in(&bench.sent[0], held).flags, 0);
    close_bench(&bench);
}
END_TEST

START_TEST(who_is_next_takes_over_the_ballot_of_one_that_it_misses)
{
    struct bench bench;
    open_bench(&bench);
    suspect(&bench, 0);
    suspect(&bench, 1);
    ck_assert_int_eq(give_prepare(&bench, 1, 1, 1), 0);
    tick(&bench, MS); /* to see that it is missed, ... */
    tick(&bench, MS); /* ... and that it is time */
    ck_assert_uint_eq(bench.counters.ballots, 1);
    ck_assert_uint_eq(bench.sent[0].type, GCS_FRAME_PREPARE);
    close_bench(&bench);
}
END_TEST

START_TEST(a_later_ballot_is_taken_over_at_once_from_one_that_is_no_more)
{
    for (unsigned gone = 0; gone < 2; gone++) {
        struct bench bench;
        open_bench(&bench);
        suspect(&bench, 0);
        suspect(&bench, 1);
        if (gone)
            gcs_agreement_gone(bench.machine, bench.now, 1);
        ck_assert_int_eq(give_prepare(&bench, 1, 9, 1), 0);
        for (unsigned i = 0; i < 100; i++)
            tick(&bench, MS);
        ck_assert_uint_eq(bench.counters.ballots, gone);
        close_bench(&bench);
    }
}
END_TEST

START_TEST(rivals_that_miss_each_other_do_not_answer_ballot_with_ballot)
{
    struct bench bench;
    open_bench(&bench);
    for (uint16_t rank = 0; rank < MEMBERS; rank++)
        if (rank != SELF)
            suspect(&bench, rank);
    /* The other one answers at once, for three seconds. */
    ck_assert_int_eq(give_prepare(&bench, 3, 1, 3), 0);
    for (uint32_t i = 0, ballots = 0; i < 3000; i++) {
        tick(&bench, MS);
        if (bench.counters.ballots == ballots)
            continue;
        ballots++;
        ck_assert_int_eq(give_prepare(&bench, 3, 2 * ballots + 1, 3), 0);
    }
    ck_assert_uint_ge(bench.counters.ballots, 2);
    ck_assert_uint_le(bench.counters.ballots, 5);
    close_bench(&bench);
}
END_TEST

START_TEST(the_value_accepted_in_the_highest_ballot_is_reported)
{
    struct bench bench;
    struct draft draft;
    uint64_t held[MEMBERS];
    open_bench(&bench);
    draft_init(&draft, &bench);
    ck_assert_int_eq(give_propose(&bench, 0, 1, &draft.p), 0);
    draft.p.proposer = 101;
    ck_assert_int_eq(give_propose(&bench, 1, 4, &draft.p), 0);
    ck_assert_uint_eq(bench.sent[0].type, GCS_FRAME_ACCEPT);
    ck_assert_int_eq(give_prepare(&bench, 3, 9, 3), 0);
    struct gcs_promise promise = promise_in(&bench.sent[0], held);
    ck_assert_uint_eq(promise.flags, GCS_PROMISE_ACCEPTED);
    ck_assert_uint_eq(promise.accepted.counter, 4);
    ck_assert_uint_eq(promise.value[9], 101); /* epoch 1, lineage 8, proposer */
    close_bench(&bench);
}
END_TEST

START_TEST(a_leaver_says_so_in_its_promise)
{
    struct bench bench;
    uint64_t held[MEMBERS];
    open_bench(&bench);
    gcs_agreement_leave(bench.machine, bench.now);
    ck_assert_uint_eq(bench.sent_count, 3);
    ck_assert_uint_eq(bench.sent[0].type, GCS_FRAME_WISH);
    ck_assert_int_eq(give_prepare(&bench, 0, 1, 0), 0);
    ck_assert_uint_eq(promise_in(&bench.sent[0], held).flags, GCS_PROMISE_LEAVING);
    close_bench(&bench);
}
END_TEST

/* ---- Accepting -------------------------------------------------------------------------- */

START_TEST(what_is_accepted_is_held)
{
    struct bench bench;
    struct draft draft;
    open_bench(&bench);
    draft_init(&draft, &bench);
    draft.cut[0] = 12;
    ck_assert_int_eq(give_propose(&bench, 0, 1, &draft.p), 0);
    ck_assert_uint_eq(bench.sent_count, 0);
    ck_assert_int_eq(bench.fetched, 1);
    bench.held[0] = 11;
    gcs_agreement_held(bench.machine, bench.now);
    ck_assert_int_eq(give_propose(&bench, 0, 1, &draft.p), 0);
    ck_assert_uint_eq(bench.sent_count, 0);
    bench.now += 10 * MS;
    gcs_agreement_tick(bench.machine, bench.now);
    ck_assert_int_eq(bench.fetched, 2);
    bench.held[0] = 12;
    gcs_agreement_held(bench.machine, bench.now);
    ck_assert_uint_eq(bench.sent_count, 1);
    ck_assert_uint_eq(bench.sent[0].type, GCS_FRAME_ACCEPT);
    ck_assert_uint_eq(bench.counters.fetches, 1);
    ck_assert_int_eq(give_propose(&bench, 0, 1, &draft.p), 0); /* ACCEPT was lost, perhaps */
    ck_assert_uint_eq(bench.sent[0].type, GCS_FRAME_ACCEPT);
    close_bench(&bench);
}
END_TEST

START_TEST(a_higher_ballot_ends_the_fetching)
{
    struct bench bench;
    struct draft draft;
    uint64_t held[MEMBERS];
    open_bench(&bench);
    draft_init(&draft, &bench);
    draft.cut[0] = 12;
    ck_assert_int_eq(give_propose(&bench, 0, 1, &draft.p), 0);
    ck_assert_int_eq(give_prepare(&bench, 1, 2, 1), 0);
    ck_assert_uint_eq(promise_in(&bench.sent[0], held).flags, 0); /* nothing accepted */
    bench.held[0] = 12;
    bench.sent_count = 0;
    gcs_agreement_held(bench.machine, bench.now);
    ck_assert_uint_eq(bench.sent_count, 0);
    close_bench(&bench);
}
END_TEST

/* ---- The decision ----------------------------------------------------------------------- */

START_TEST(a_decision_is_installed_when_all_is_held)
{
    struct bench bench;
    struct draft draft;
    open_bench(&bench);
    draft_init(&draft, &bench);
    draft.cut[1] = 11;
    ck_assert_int_eq(give_install(&bench, 0, &draft.p), 0);
    ck_assert_int_eq(bench.frozen, 1);
    ck_assert_int_eq(bench.installed, 0);
    ck_assert_ptr_nonnull(gcs_agreement_decision(bench.machine));
    bench.held[1] = 11;
    gcs_agreement_held(bench.machine, bench.now);
    ck_assert_int_eq(bench.installed, 1);
    ck_assert_int_eq(bench.retired, 0);
    gcs_agreement_confirmed(bench.machine, bench.now, 0);
    gcs_agreement_confirmed_next(bench.machine, bench.now, 1);
    ck_assert_int_eq(bench.retired, 1);
    ck_assert_int_eq(give_install(&bench, 0, &draft.p), 0);
    draft.p.proposer++;
    ck_assert_int_eq(give_install(&bench, 0, &draft.p), GCS_EMALFORMED);
    ck_assert_int_eq(bench.installed, 1);
    close_bench(&bench);
}
END_TEST

START_TEST(who_asks_late_is_told_but_not_too_often)
{
    struct bench bench;
    struct draft draft;
    open_bench(&bench);
    draft_init(&draft, &bench);
    ck_assert_int_eq(give_install(&bench, 0, &draft.p), 0);
    ck_assert_int_eq(give_prepare(&bench, 1, 1, 1), 0);
    ck_assert_uint_eq(bench.sent_count, 1);
    ck_assert_uint_eq(bench.sent[0].type, GCS_FRAME_INSTALL);
    const uint8_t *body;
    size_t size;
    ck_assert_int_eq(gcs_agreement_install_body(bench.machine, &body, &size), 0);
    ck_assert_uint_eq(size, bench.sent[0].size);
    ck_assert_mem_eq(body, bench.sent[0].body, size);
    bench.sent_count = 0;
    gcs_agreement_late(bench.machine, bench.now, 1);
    ck_assert_uint_eq(bench.sent_count, 0);
    gcs_agreement_late(bench.machine, bench.now, 3);
    ck_assert_uint_eq(bench.sent_count, 1);
    bench.now += 10 * MS;
    ck_assert_int_eq(give_prepare(&bench, 1, 1, 1), 0);
    ck_assert_uint_eq(bench.sent_count, 1);
    close_bench(&bench);
}
END_TEST

START_TEST(a_confirmation_before_the_decision_is_a_reason_to_ask)
{
    struct bench bench;
    uint8_t flags = 0;
    open_bench(&bench);
    ck_assert_int_eq(give(&bench, 1, GCS_FRAME_CONFIRM, &flags, 1), 0);
    ck_assert_uint_eq(bench.sent_count, 1);
    ck_assert_uint_eq(bench.sent[0].type, GCS_FRAME_CONFIRM);
    ck_assert_uint_eq(bench.sent[0].body[0], GCS_CONFIRM_LACKING);
    close_bench(&bench);
}
END_TEST

START_TEST(a_decision_about_another_view_is_not_ours)
{
    struct bench bench;
    struct draft draft;
    uint8_t body[600];
    open_bench(&bench);
    draft_init(&draft, &bench);
    draft.p.epoch = EPOCH; /* the one that made this view */
    ck_assert_int_eq(give_install(&bench, 0, &draft.p), 0);
    draft.p.epoch = EPOCH + 2;
    ck_assert_int_eq(give_install(&bench, 0, &draft.p), GCS_EMALFORMED);
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    gcs_proposal_write(&w, &draft.p);
    ck_assert_int_eq(gcs_agreement_heard_ahead(bench.machine, bench.now, body, gcs_writer_size(&w)),
                     0);
    ck_assert_ptr_null(gcs_agreement_decision(bench.machine));
    draft.p.epoch = EPOCH + 1;
    w = gcs_writer_over(body, sizeof(body));
    gcs_proposal_write(&w, &draft.p);
    ck_assert_int_eq(gcs_agreement_heard_ahead(bench.machine, bench.now, body, gcs_writer_size(&w)),
                     0);
    ck_assert_int_eq(bench.installed, 1);
    close_bench(&bench);
}
END_TEST

START_TEST(one_that_is_out_does_not_fetch_and_serves_for_a_while)
{
    struct bench bench;
    struct draft draft;
    open_bench(&bench);
    draft_init(&draft, &bench);
    draft.reason[SELF] = GCS_REASON_UNREACHABLE;
    draft.reason[3] = GCS_REASON_NONE;
    draft.members[SELF] = bench.members[3];
    draft.cut[0] = 20;
    ck_assert_int_eq(give_install(&bench, 0, &draft.p), 0);
    ck_assert_int_eq(bench.installed, 1);
    ck_assert_int_eq(bench.fetched, 0);
    ck_assert_int_eq(bench.retired, 0);
    gcs_agreement_tick(bench.machine, bench.now + UINT64_C(10000000000));
    ck_assert_int_eq(bench.retired, 1);
    close_bench(&bench);
}
END_TEST

/* ---- Polls ------------------------------------------------------------------------------ */

START_TEST(a_vote_says_who_is_missed_and_evidence_is_looked_into)
{
    struct bench bench;
    struct gcs_poll poll = {.number = 5, .count = 2, .rank = {1, 3}, .crashed = {true, true}};
    struct gcs_vote vote;
    uint8_t body[64];
    open_bench(&bench);
    gcs_agreement_suspect(bench.machine, bench.now, 3, true, false);
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    gcs_poll_write(&w, &poll);
    ck_assert_int_eq(give(&bench, 0, GCS_FRAME_POLL, body, gcs_writer_size(&w)), 0);
    ck_assert(gcs_vote_read(bench.sent[0].body, bench.sent[0].size, &vote));
    ck_assert_uint_eq(vote.number, 5);
    ck_assert_uint_eq(vote.missed, 2);
    ck_assert_uint_eq(vote.flags, 0);
    ck_assert_int_eq(bench.doubted, 1);
    give_prepare(&bench, 0, 1, 0);
    ck_assert_int_eq(give(&bench, 0, GCS_FRAME_POLL, body, gcs_writer_size(&w)), 0);
    ck_assert(gcs_vote_read(bench.sent[0].body, bench.sent[0].size, &vote));
    ck_assert_uint_eq(vote.flags, GCS_VOTE_FROZEN);
    close_bench(&bench);
}
END_TEST

START_TEST(votes_count_when_they_answer_the_poll_of_today)
{
    struct bench bench;
    struct gcs_vote vote = {.number = 7, .missed = UINT64_MAX};
    uint8_t body[64];
    open_bench(&bench);
    gcs_agreement_suspect(bench.machine, bench.now, 0, true, true);
    gcs_agreement_suspect(bench.machine, bench.now, 1, true, true); /* 2 is the candidate */
    ck_assert_uint_eq(bench.counters.polls, 1);
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    gcs_vote_write(&w, &vote);
    ck_assert_int_eq(give(&bench, 3, GCS_FRAME_VOTE, body, gcs_writer_size(&w)), 0);
    ck_assert_int_eq(give(&bench, 1, GCS_FRAME_VOTE, body, gcs_writer_size(&w)), 0);
    ck_assert_uint_eq(bench.counters.ballots, 0);
    vote.number = 1;
    w = gcs_writer_over(body, sizeof(body));
    gcs_vote_write(&w, &vote);
    ck_assert_int_eq(give(&bench, 3, GCS_FRAME_VOTE, body, gcs_writer_size(&w)), 0);
    ck_assert_uint_eq(bench.counters.ballots, 0); /* two of four */
    ck_assert_int_eq(give(&bench, 1, GCS_FRAME_VOTE, body, gcs_writer_size(&w)), 0);
    ck_assert_uint_eq(bench.counters.ballots, 1);
    close_bench(&bench);
}
END_TEST

/* ---- What cannot be --------------------------------------------------------------------- */

START_TEST(impossible_ballots_are_refused)
{
    struct bench bench;
    open_bench(&bench);
    ck_assert_int_eq(give_prepare(&bench, 0, 1, 1), GCS_EMALFORMED); /* another's ballot */
    ck_assert_int_eq(give_prepare(&bench, 0, 0, 0), GCS_EMALFORMED); /* no ballot */
    ck_assert_int_eq(give_prepare(&bench, 0, UINT32_MAX, 0), GCS_EMALFORMED);
    ck_assert_int_eq(give_prepare(&bench, 0, 1, 700), GCS_EMALFORMED);
    ck_assert_int_eq(give_prepare(&bench, MEMBERS, 1, MEMBERS), GCS_EMALFORMED); /* outsider */
    ck_assert_int_eq(give_prepare(&bench, SELF, 1, SELF), GCS_EMALFORMED);
    uint8_t other_epoch[] = {EPOCH + 1, 1, 0};
    ck_assert_int_eq(give(&bench, 0, GCS_FRAME_PREPARE, other_epoch, 3), GCS_EMALFORMED);
    ck_assert_int_eq(give(&bench, 0, 99, other_epoch, 3), GCS_EMALFORMED);
    ck_assert_int_eq(bench.frozen, 0);
    ck_assert_uint_eq(bench.sent_count, 0);
    close_bench(&bench);
}
END_TEST

/* Each spoils a good proposal in one way. */
static void spoil(struct draft *draft, struct bench *bench, int how)
{
    switch (how) {
    case 0:
        draft->p.lineage++;
        break;
    case 1:
        draft->p.epoch++;
        break;
    case 2:
        draft->cut[SELF] = 11;
        break; /* more than we have sent */
    case 3:
        draft->cut[0] = 111;
        break; /* beyond the sender's window */
    case 4:
        draft->holder[0] = MEMBERS;
        break;
    case 5:
        draft->reason[0] = 7;
        break;
    case 6:
        draft->reason[0] = GCS_REASON_CRASHED;
        break; /* yet it is among the survivors */
    case 7:
        draft->reason[3] = GCS_REASON_NONE;
        break; /* and 3 is not */
    case 8:
        draft->members[0] = bench->members[1];
        draft->members[1] = bench->members[0];
        break;
    case 9:
        draft->members[0].id.incarnation++;
        break;
    case 10:
        draft->members[3].id.address = draft->members[0].id.address;
        break;
    case 11:
        draft->members[0].receive_bytes++;
        break;
    case 12:
        draft->p.survivors_count--;
        break;
    case 13:
        draft->p.closing_count--;
        break;
    case 14: /* more joiners than survivors allow */
        draft->members[4] = member_of(51, 501);
        draft->members[5] = member_of(52, 502);
        draft->p.members_count = 6;
        break;
    default:
        ck_abort();
        break;
    }
}

START_TEST(impossible_proposals_are_refused)
{
    for (int how = 0; how < 15; how++) {
        struct bench bench;
        struct draft draft;
        open_bench(&bench);
        draft_init(&draft, &bench);
        spoil(&draft, &bench, how);
        ck_assert_msg(give_propose(&bench, 0, 1, &draft.p) == GCS_EMALFORMED, "way %d", how);
        ck_assert_int_eq(bench.frozen, 0);
        ck_assert_int_eq(give_install(&bench, 0, &draft.p), GCS_EMALFORMED);
        ck_assert_int_eq(bench.frozen, 0);
        ck_assert_ptr_null(gcs_agreement_decision(bench.machine));
        draft_init(&draft, &bench);
        ck_assert_int_eq(give_propose(&bench, 0, 1, &draft.p), 0);
        close_bench(&bench);
    }
}
END_TEST

START_TEST(impossible_reports_are_refused)
{
    struct bench bench;
    uint64_t held[MEMBERS] = {10, 10, 11, 10};
    uint8_t body[64];
    open_bench(&bench);
    gcs_agreement_gone(bench.machine, bench.now, 0);
    gcs_agreement_gone(bench.machine, bench.now, 1);
    struct gcs_vote vote = {.number = 1, .flags = GCS_VOTE_FROZEN};
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    gcs_vote_write(&w, &vote);
    ck_assert_int_eq(give(&bench, 3, GCS_FRAME_VOTE, body, gcs_writer_size(&w)), 0);
    ck_assert_uint_eq(bench.counters.ballots, 1);
    struct gcs_promise promise = {.ballot = {1, SELF}, .held = held};
    for (int how = 0; how < 3; how++) {
        if (how == 1)
            held[SELF] = 10, held[0] = 111;
        if (how == 2)
            held[0] = 110;
        w = gcs_writer_over(body, sizeof(body));
        gcs_promise_write(&w, &promise, MEMBERS);
        ck_assert_int_eq(give(&bench, 3, GCS_FRAME_PROMISE, body, gcs_writer_size(&w)),
                         how < 2 ? GCS_EMALFORMED : 0);
    }
    close_bench(&bench);
}
END_TEST

START_TEST(a_machine_needs_its_memory)
{
    struct bench bench;
    open_bench(&bench);
    struct gcs_agreement_config config = {
        .allocator = &bench.scarce.allocator, .view = &bench.view, .counters = &bench.counters};
    struct gcs_agreement *machine = NULL;
    uint64_t live = bench.scarce.live;
    int result = GCS_ENOMEM;
    for (uint64_t nth = 1; result != 0; nth++) {
        scarce_fail(&bench.scarce, nth, false);
        result = gcs_agreement_new(&config, &machine);
        ck_assert(result == 0 || (result == GCS_ENOMEM && bench.scarce.live == live));
    }
    gcs_agreement_free(machine);
    close_bench(&bench);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_promise_freezes_once_and_reports_what_is_held_now,
        a_promise_is_not_forgotten,
        equal_counters_are_ordered_by_rank,
        who_is_next_takes_over_the_ballot_of_one_that_it_misses,
        a_later_ballot_is_taken_over_at_once_from_one_that_is_no_more,
        rivals_that_miss_each_other_do_not_answer_ballot_with_ballot,
        the_value_accepted_in_the_highest_ballot_is_reported,
        a_leaver_says_so_in_its_promise,
        what_is_accepted_is_held,
        a_higher_ballot_ends_the_fetching,
        a_decision_is_installed_when_all_is_held,
        who_asks_late_is_told_but_not_too_often,
        a_confirmation_before_the_decision_is_a_reason_to_ask,
        a_decision_about_another_view_is_not_ours,
        one_that_is_out_does_not_fetch_and_serves_for_a_while,
        a_vote_says_who_is_missed_and_evidence_is_looked_into,
        votes_count_when_they_answer_the_poll_of_today,
        impossible_ballots_are_refused,
        impossible_proposals_are_refused,
        impossible_reports_are_refused,
        a_machine_needs_its_memory,
    };
    return suite_run("agreement_frames", tests, SUITE_SIZE(tests));
}
