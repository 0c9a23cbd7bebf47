/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stories of the agreement machine, from top to bottom: who dies where, and what
 * becomes of the view. The arena checks on every run that no two decisions
 * differ, that whoever installs holds the cut, and that nothing safe is lost.
 */
#include "tests/unit/arena.h"
#include "tests/unit/suite.h"

#define MASK(n)    ((1u << (n)) - 1)
#define SECONDS(n) ((n)*1000 * ARENA_MS)

static struct arena *open_arena(int processes, int members)
{
    return arena_new(1, processes, members);
}

static void close_arena(struct arena *arena)
{
    ck_assert_msg(!arena->violation, "%s", arena->detail);
    ck_assert_uint_eq(arena->malformed, 0);
    arena_free(arena);
}

static void expect_settled(struct arena *arena, uint64_t within)
{
    ck_assert_msg(arena_until(arena, arena_settled, within), "not settled: %s", arena->detail);
}

static bool somebody_frozen(struct arena *arena)
{
    for (int i = 0; i < arena->processes_count; i++) {
        if (arena->processes[i].state == ARENA_MEMBER && arena->processes[i].now->frozen)
            return true;
    }
    return false;
}

static const struct gcs_proposal *decision_of(const struct arena *arena, int process)
{
    return gcs_agreement_decision(arena->processes[process].before->machine);
}

/* ---- Without trouble -------------------------------------------------------------------- */

START_TEST(nothing_happens_in_a_healthy_view)
{
    struct arena *arena = open_arena(5, 5);
    for (int i = 0; i < 50; i++) {
        arena_multicast(arena, i % 5, -1);
        arena_run(arena, 20 * ARENA_MS);
    }
    ck_assert_uint_eq(arena_epoch(arena), 1);
    for (int type = GCS_FRAME_JOIN; type <= GCS_FRAME_LOOK; type++)
        ck_assert_uint_eq(arena->frames[type], 0);
    ck_assert_uint_eq(gcs_agreement_deadline(arena->processes[0].now->machine), GCS_NEVER);
    close_arena(arena);
}
END_TEST

START_TEST(a_joiner_comes_into_the_next_view)
{
    struct arena *arena = open_arena(4, 3);
    arena_join(arena, 3);
    expect_settled(arena, 200 * ARENA_MS);
    ck_assert_uint_eq(arena_epoch(arena), 2);
    ck_assert_uint_eq(arena_view(arena, 3), MASK(4));
    ck_assert_uint_eq(arena->counters.polls, 0);
    ck_assert_uint_eq(arena->counters.ballots, 1);
    close_arena(arena);
}
END_TEST

START_TEST(a_lone_member_takes_in_one_after_the_other_then_several)
{
    struct arena *arena = open_arena(8, 1);
    for (int i = 1; i < 8; i++)
        arena_join(arena, i);
    expect_settled(arena, SECONDS(1));
    ck_assert_uint_eq(arena_view(arena, 0), MASK(8));
    /* 1, 2, 3, 5, 8: fewer joiners than survivors, where there are any to spare. */
    ck_assert_uint_eq(arena_epoch(arena), 5);
    close_arena(arena);
}
END_TEST

START_TEST(a_leaver_leaves)
{
    struct arena *arena = open_arena(4, 4);
    arena_multicast(arena, 2, -1);
    arena_leave(arena, 2);
    expect_settled(arena, 200 * ARENA_MS);
    ck_assert_uint_eq(arena_view(arena, 0), 1u | 2u | 8u);
    ck_assert_int_eq(decision_of(arena, 0)->reason[2], GCS_REASON_LEFT);
    ck_assert_uint_eq(arena->counters.polls, 0);
    arena_run(arena, 50 * ARENA_MS);
    ck_assert(arena->processes[2].now->retired);
    close_arena(arena);
}
END_TEST

START_TEST(the_coordinator_leaves)
{
    struct arena *arena = open_arena(3, 3);
    arena_leave(arena, 0);
    expect_settled(arena, 200 * ARENA_MS);
    ck_assert_uint_eq(arena_view(arena, 1), 2u | 4u);
    close_arena(arena);
}
END_TEST

static bool all_out(struct arena *arena)
{
    for (int i = 0; i < arena->processes_count; i++) {
        const struct arena_process *p = &arena->processes[i];
        if (p->state != ARENA_OUT || !p->now->retired)
            return false;
    }
    return true;
}

START_TEST(when_everybody_leaves_the_group_ends)
{
    for (int members = 1; members <= 5; members++) {
        struct arena *arena = open_arena(members, members);
        for (int i = 0; i < members; i++)
            arena_leave(arena, i);
        ck_assert(arena_until(arena, all_out, SECONDS(2)));
        close_arena(arena);
    }
}
END_TEST

START_TEST(who_is_missed_for_a_moment_has_the_group_when_all_others_leave)
{
    struct arena *arena = open_arena(4, 4);
    for (int i = 1; i < 4; i++) {
        arena_suspect(arena, i, 0, 100 * ARENA_MS);
        arena_leave(arena, i);
    }
    expect_settled(arena, SECONDS(2));
    ck_assert_int_eq(arena->processes[0].state, ARENA_MEMBER);
    ck_assert_uint_eq(arena_view(arena, 0), 1);
    close_arena(arena);
}
END_TEST

/* ---- Deaths ----------------------------------------------------------------------------- */

START_TEST(a_dead_member_is_left_behind)
{
    struct arena *arena = open_arena(5, 5);
    arena_crash(arena, 4);
    expect_settled(arena, 300 * ARENA_MS);
    ck_assert_uint_eq(arena_epoch(arena), 2);
    ck_assert_uint_eq(arena_view(arena, 0), MASK(4));
    ck_assert_int_eq(decision_of(arena, 3)->reason[4], GCS_REASON_CRASHED);
    ck_assert_uint_eq(arena->counters.ballots, 1);
    close_arena(arena);
}
END_TEST

START_TEST(without_evidence_it_is_unreachable)
{
    struct arena *arena = open_arena(3, 3);
    arena->crashed_with_evidence = false;
    arena_crash(arena, 0);
    expect_settled(arena, 500 * ARENA_MS);
    ck_assert_int_eq(decision_of(arena, 1)->reason[0], GCS_REASON_UNREACHABLE);
    close_arena(arena);
}
END_TEST

START_TEST(a_minority_stays_where_it_is)
{
    struct arena *arena = open_arena(2, 2);
    arena_crash(arena, 1);
    arena_run(arena, SECONDS(3));
    ck_assert_uint_eq(arena_epoch(arena), 1);
    ck_assert(!arena->processes[0].now->frozen); /* a poll freezes nobody */
    ck_assert(arena_stuck(arena));
    close_arena(arena);
}
END_TEST

/* Kills who sends a frame of that type; so many of them get out before. */
struct killer {
    uint8_t type;
    int victim; /* -1: whoever it is */
    int spared;
    int killed; /* the process; -1: not yet */
};

static bool kill_sender(struct arena *arena, const struct arena_message *message)
{
    struct killer *killer = arena->script;
    if (message->kind != ARENA_FRAME || message->type != killer->type || killer->killed >= 0 ||
        (killer->victim >= 0 && killer->victim != message->from))
        return false;
    if (killer->spared-- > 0)
        return false;
    killer->killed = message->from;
    arena_crash(arena, message->from);
    return true;
}

static const uint8_t ballot_frames[] = {GCS_FRAME_PREPARE, GCS_FRAME_PROMISE, GCS_FRAME_PROPOSE,
                                        GCS_FRAME_ACCEPT,  GCS_FRAME_INSTALL, GCS_FRAME_CONFIRM};

/* Five members, one of them dead: another may die at any step, and the three left go on. */
START_TEST(a_death_at_any_step_of_the_ballot)
{
    for (size_t i = 0; i < sizeof(ballot_frames); i++) {
        for (int spared = 0; spared < 4; spared++) {
            struct killer killer = {ballot_frames[i], -1, spared, -1};
            struct arena *arena = open_arena(5, 5);
            for (int p = 0; p < 5; p++)
                arena_multicast(arena, p, (p + 1) % 5);
            arena->drop = kill_sender;
            arena->script = &killer;
            arena_crash(arena, 4);
            expect_settled(arena, SECONDS(5));
            ck_assert(killer.killed >= 0 || spared == 3); /* three promise to the fourth */
            uint32_t left = killer.killed < 0 ? MASK(4) : MASK(4) & ~(1u << killer.killed);
            for (int p = 0; p < 4; p++)
                ck_assert_uint_eq(arena_view(arena, p), left >> p & 1 ? left : 0);
            close_arena(arena);
        }
    }
}
END_TEST

START_TEST(a_proposal_that_one_member_accepted_is_proposed_again)
{
    /* Process 0 dies when its PROPOSE has reached process 1 only. */
    struct killer killer = {GCS_FRAME_PROPOSE, 0, 1, -1};
    struct arena *arena = open_arena(4, 4);
    arena->drop = kill_sender;
    arena->script = &killer;
    arena_suspect(arena, 0, 3, 200 * ARENA_MS);
    arena_suspect(arena, 1, 3, 200 * ARENA_MS);
    arena_suspect(arena, 2, 3, 200 * ARENA_MS);
    ck_assert(arena_until(arena, somebody_frozen, SECONDS(1)));
    expect_settled(arena, SECONDS(3));
    ck_assert_int_eq(killer.killed, 0);
    ck_assert_uint_ge(arena->counters.reproposals, 1);
    /* Unchanged: the view that 0 proposed still has 0, and the next one has not. */
    ck_assert_uint_eq(arena_epoch(arena), 3);
    ck_assert_uint_eq(arena->decisions[1].proposer, arena->processes[0].self.id.incarnation);
    ck_assert_uint_eq(arena_view(arena, 1), 2u | 4u);
    close_arena(arena);
}
END_TEST

/* ---- Two accepted values ---------------------------------------------------------------- */

/*
 * Five members. Process 0 proposes to itself alone in ballot 1; process 1 decides
 * another value in ballot 2 with 2 and 3, and dies before telling. The next ballot
 * hears of both values: only that of the higher ballot may be proposed.
 */
static bool two_values(struct arena *arena, const struct arena_message *message)
{
    const int *phase = arena->script;
    if (message->kind != ARENA_FRAME)
        return false;
    bool zero = message->from == 0 || message->to == 0;
    if (*phase == 1) /* nobody hears what 0 proposes */
        return message->from == 0 && message->type == GCS_FRAME_PROPOSE;
    if (*phase == 2) /* 0 and 4 are cut off; 1 decides, and is not heard */
        return zero || message->from == 4 || message->to == 4 ||
               message->type == GCS_FRAME_INSTALL || message->type == GCS_FRAME_CONFIRM;
    return false;
}

static bool zero_proposed(struct arena *arena)
{
    return arena->frames[GCS_FRAME_PROPOSE] > 0;
}

static bool one_decided(struct arena *arena)
{
    return arena->processes[1].before != NULL;
}

START_TEST(the_highest_accepted_value_is_proposed_again)
{
    int phase = 1;
    struct arena *arena = open_arena(5, 5);
    arena->drop = two_values;
    arena->script = &phase;
    arena_multicast(arena, 0, 4);
    arena_leave(arena, 3);
    ck_assert(arena_until(arena, zero_proposed, SECONDS(1)));
    phase = 2;
    arena_suspect(arena, 1, 0, SECONDS(2));
    arena_suspect(arena, 1, 4, SECONDS(2));
    ck_assert(arena_until(arena, one_decided, SECONDS(1)));
    ck_assert_uint_eq(decision_of(arena, 1)->proposer, arena->processes[1].self.id.incarnation);
    ck_assert_uint_eq(arena->counters.reproposals, 0);
    arena_crash(arena, 1);
    phase = 3;
    expect_settled(arena, SECONDS(5));
    ck_assert_uint_ge(arena->counters.reproposals, 1);
    for (int p = 0; p < 5; p++)
        ck_assert(p == 1 || arena->processes[p].state != ARENA_MEMBER ||
                  arena->processes[p].now->view.epoch >= 3);
    close_arena(arena);
}
END_TEST

/* ---- Suspicion -------------------------------------------------------------------------- */

START_TEST(one_bad_link_freezes_nobody)
{
    struct arena *arena = open_arena(5, 5);
    /* Long enough to be complained about, not long enough for something to come of it. */
    arena_suspect(arena, 0, 2, SECONDS(1) / 10);
    arena_suspect(arena, 2, 0, SECONDS(1) / 10);
    arena_run(arena, SECONDS(2));
    ck_assert_uint_eq(arena_epoch(arena), 1);
    ck_assert_uint_ge(arena->counters.polls, 1);
    ck_assert_uint_eq(arena->counters.ballots, 0);
    for (int p = 0; p < 5; p++)
        ck_assert(!arena->processes[p].now->frozen);
    close_arena(arena);
}
END_TEST

START_TEST(a_link_that_stays_bad_parts_the_junior_and_nobody_else)
{
    struct arena *arena = open_arena(5, 5);
    arena_suspect(arena, 1, 3, SECONDS(10));
    arena_suspect(arena, 3, 1, SECONDS(10));
    arena_run(arena, SECONDS(1));
    ck_assert_uint_eq(arena_view(arena, 0), MASK(5) & ~8u);
    ck_assert_uint_eq(arena_epoch(arena), 2);
    close_arena(arena);
}
END_TEST

START_TEST(a_bad_link_does_not_keep_a_joiner_out_for_ever)
{
    struct arena *arena = open_arena(6, 5);
    arena->cut[0][2] = arena->cut[2][0] = true;
    arena_suspect(arena, 0, 2, SECONDS(10));
    arena_suspect(arena, 2, 0, SECONDS(10));
    arena_join(arena, 5);
    arena_run(arena, SECONDS(1));
    ck_assert_uint_eq(arena_view(arena, 5), MASK(6) & ~4u);
    close_arena(arena);
}
END_TEST

START_TEST(suspicion_that_is_taken_back_ends_the_poll)
{
    struct arena *arena = open_arena(3, 3);
    arena_suspect(arena, 0, 1, 50 * ARENA_MS);
    ck_assert_uint_ne(gcs_agreement_deadline(arena->processes[0].now->machine), GCS_NEVER);
    arena_run(arena, 200 * ARENA_MS);
    ck_assert_uint_eq(gcs_agreement_deadline(arena->processes[0].now->machine), GCS_NEVER);
    close_arena(arena);
}
END_TEST

START_TEST(a_frozen_view_ends_even_if_everybody_lives)
{
    /* A majority misses 4 for a moment; it promises all the same and comes along. */
    struct arena *arena = open_arena(5, 5);
    arena->delay_min = arena->delay_max = 20 * ARENA_MS;
    for (int p = 0; p < 3; p++)
        arena_suspect(arena, p, 4, 45 * ARENA_MS);
    ck_assert(arena_until(arena, somebody_frozen, SECONDS(1)));
    expect_settled(arena, SECONDS(1));
    ck_assert_uint_ge(arena_epoch(arena), 2);
    ck_assert_uint_eq(arena_view(arena, 4), MASK(5));
    close_arena(arena);
}
END_TEST

static void silence(struct arena *arena, int process, bool silent)
{
    for (int p = 0; p < arena->processes_count; p++)
        arena->cut[p][process] = arena->cut[process][p] = silent;
}

START_TEST(who_is_silent_but_not_suspected_is_waited_for)
{
    struct arena *arena = open_arena(5, 4);
    arena->promise_ns = 500 * ARENA_MS;
    arena_join(arena, 4); /* the machines of the next view wait so long */
    expect_settled(arena, SECONDS(1));
    silence(arena, 3, true);
    arena_leave(arena, 2);
    arena_run(arena, 400 * ARENA_MS);
    ck_assert_uint_eq(arena_epoch(arena), 2);
    silence(arena, 3, false);
    expect_settled(arena, 200 * ARENA_MS);
    ck_assert_uint_eq(arena_view(arena, 3), MASK(5) & ~4u);
    close_arena(arena);
}
END_TEST

START_TEST(who_stays_silent_is_waited_for_so_long)
{
    struct arena *arena = open_arena(5, 4);
    arena->promise_ns = 500 * ARENA_MS;
    arena_join(arena, 4);
    expect_settled(arena, SECONDS(1));
    silence(arena, 3, true);
    arena_leave(arena, 2);
    arena_run(arena, 600 * ARENA_MS);
    ck_assert_uint_eq(arena_epoch(arena), 3);
    ck_assert_uint_eq(arena_view(arena, 0), MASK(5) & ~(4u | 8u));
    close_arena(arena);
}
END_TEST

START_TEST(competing_ballots_converge)
{
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct arena *arena = arena_new(seed, 7, 7);
        arena->delay_max = 30 * ARENA_MS;
        /* Each is the candidate in its own eyes, and each has a majority of voters. */
        for (int p = 1; p < 4; p++) {
            for (int q = 0; q < p; q++)
                arena_suspect(arena, p, q, 400 * ARENA_MS);
        }
        for (int p = 4; p < 7; p++) {
            for (int q = 0; q < 3; q++)
                arena_suspect(arena, p, q, 400 * ARENA_MS);
        }
        arena_suspect(arena, 0, 1, 400 * ARENA_MS);
        arena_run(arena, 450 * ARENA_MS);
        ck_assert_uint_ge(arena->counters.ballots, 1);
        for (int p = 0; p < 7; p++)
            arena->processes[p].rejoins = true;
        expect_settled(arena, SECONDS(5));
        close_arena(arena);
    }
}
END_TEST

/* ---- Fetching, leaving, joining in bad times -------------------------------------------- */

static bool no_status(struct arena *arena, const struct arena_message *message)
{
    (void)arena;
    return message->kind == ARENA_STATUS;
}

START_TEST(a_cut_is_fetched_before_it_is_accepted)
{
    struct arena *arena = open_arena(5, 5);
    arena->drop = no_status; /* only reports tell who holds what */
    for (int i = 0; i < 10; i++)
        arena_multicast(arena, 4, 3);
    arena_crash(arena, 4);
    expect_settled(arena, SECONDS(1));
    ck_assert_uint_eq(decision_of(arena, 0)->cut[4], 10);
    ck_assert_uint_eq(decision_of(arena, 0)->holder[4], 3);
    ck_assert_uint_eq(arena->counters.fetches, 3);
    close_arena(arena);
}
END_TEST

/*
 * Four members, 3 leaves. 0 decides with the acceptances of 2 and 3, while 1 has
 * not got 3's last packets: it can have them from nobody but the leaver.
 */
static bool starve_one(struct arena *arena, const struct arena_message *message)
{
    (void)arena;
    return message->kind == ARENA_DATA && message->to == 1 && message->from != 3;
}

static bool zero_installed(struct arena *arena)
{
    return arena->processes[0].before != NULL;
}

START_TEST(a_leaver_serves_until_the_survivors_have_installed)
{
    struct arena *arena = open_arena(4, 4);
    arena->drop = starve_one;
    arena->cut[3][1] = true;
    for (int i = 0; i < 5; i++)
        arena_multicast(arena, 3, -1);
    arena_leave(arena, 3);
    ck_assert(arena_until(arena, zero_installed, SECONDS(1)));
    arena_run(arena, 200 * ARENA_MS);
    ck_assert_int_eq(arena->processes[3].state, ARENA_OUT);
    ck_assert(!arena->processes[3].now->retired);
    ck_assert(!arena->processes[0].before->retired);
    ck_assert_uint_eq(arena->processes[1].now->view.epoch, 1);
    arena->cut[3][1] = false;
    arena_run(arena, 500 * ARENA_MS);
    ck_assert_uint_eq(arena->processes[1].now->view.epoch, 2);
    ck_assert_uint_eq(decision_of(arena, 1)->cut[3], 5);
    ck_assert(arena->processes[3].now->retired);
    ck_assert(arena->processes[0].before->retired);
    close_arena(arena);
}
END_TEST

START_TEST(a_leaver_serves_for_a_bounded_time)
{
    struct arena *arena = open_arena(3, 3);
    arena_leave(arena, 2);
    ck_assert(arena_until(arena, zero_installed, SECONDS(1)));
    memset(arena->cut, 1, sizeof(arena->cut));
    arena_run(arena, SECONDS(3));
    ck_assert_int_eq(arena->processes[2].state, ARENA_OUT);
    ck_assert(arena->processes[2].now->retired);
    close_arena(arena);
}
END_TEST

START_TEST(a_crash_and_a_leave_at_once_block_nobody)
{
    struct arena *arena = open_arena(3, 3);
    arena_crash(arena, 2);
    arena_leave(arena, 1);
    expect_settled(arena, SECONDS(2));
    ck_assert_uint_eq(arena_view(arena, 0), 1);
    /* 0 alone is no majority of {0, 2}: 1 came along once more. */
    ck_assert_uint_eq(arena_epoch(arena), 3);
    close_arena(arena);
}
END_TEST

START_TEST(a_joiner_that_dies_before_it_answers_costs_one_view)
{
    /* A JOIN to each seed and the echo get out, the answer to PREPARE does not. */
    struct killer killer = {GCS_FRAME_JOIN, 3, 4, -1};
    struct arena *arena = open_arena(4, 3);
    arena->drop = kill_sender;
    arena->script = &killer;
    arena_join(arena, 3);
    arena_run(arena, SECONDS(5));
    ck_assert_int_eq(killer.killed, 3);
    ck_assert_uint_eq(arena_epoch(arena), 2);
    ck_assert_uint_eq(arena_view(arena, 0), MASK(3));
    ck_assert(arena_settled(arena));
    close_arena(arena);
}
END_TEST

START_TEST(a_joiner_that_dies_at_once_costs_nothing)
{
    struct killer killer = {GCS_FRAME_JOIN, 3, 3, -1};
    struct arena *arena = open_arena(4, 3);
    arena->drop = kill_sender;
    arena->script = &killer;
    arena_join(arena, 3);
    arena_run(arena, SECONDS(5));
    ck_assert_int_eq(killer.killed, 3);
    ck_assert_uint_eq(arena_epoch(arena), 1);
    close_arena(arena);
}
END_TEST

START_TEST(a_joiner_that_hears_nobody_costs_nothing)
{
    struct arena *arena = open_arena(4, 3);
    for (int p = 0; p < 3; p++)
        arena->cut[p][3] = true;
    arena_join(arena, 3);
    arena_run(arena, SECONDS(5));
    ck_assert_uint_eq(arena_epoch(arena), 1);
    memset(arena->cut, 0, sizeof(arena->cut));
    expect_settled(arena, SECONDS(2));
    ck_assert_uint_eq(arena_view(arena, 3), MASK(4));
    ck_assert_uint_eq(arena_epoch(arena), 2);
    close_arena(arena);
}
END_TEST

static bool answered(struct arena *arena)
{
    return arena->frames[GCS_FRAME_PROPOSE] > 0;
}

START_TEST(a_joiner_that_dies_afterwards_is_removed)
{
    struct arena *arena = open_arena(4, 3);
    arena_join(arena, 3);
    ck_assert(arena_until(arena, answered, SECONDS(1)));
    arena_crash(arena, 3);
    expect_settled(arena, SECONDS(1));
    ck_assert_uint_eq(arena_epoch(arena), 3);
    ck_assert_uint_eq(arena_view(arena, 0), MASK(3));
    close_arena(arena);
}
END_TEST

START_TEST(a_process_that_comes_back_at_once_is_a_new_member)
{
    struct arena *arena = open_arena(4, 4);
    arena_crash(arena, 1);
    arena_join(arena, 1);
    expect_settled(arena, SECONDS(2));
    ck_assert_uint_eq(arena_view(arena, 0), MASK(4));
    ck_assert_uint_eq(arena->processes[0].now->members[3].id.address.bytes[0], 1);
    close_arena(arena);
}
END_TEST

/* Of the decision's hearers only the joiner lives: it tells the survivor. */
static bool only_the_joiner_hears(struct arena *arena, const struct arena_message *message)
{
    (void)arena;
    return message->kind == ARENA_FRAME && message->from != 3 && message->to != 3 &&
           (message->type == GCS_FRAME_INSTALL || message->type == GCS_FRAME_CONFIRM);
}

static bool joiner_is_in(struct arena *arena)
{
    return arena->processes[3].state == ARENA_MEMBER;
}

START_TEST(a_joiner_tells_the_survivors)
{
    struct arena *arena = open_arena(4, 3);
    arena->drop = only_the_joiner_hears;
    arena_join(arena, 3);
    ck_assert(arena_until(arena, joiner_is_in, SECONDS(1)));
    arena_crash(arena, 0);
    ck_assert_uint_eq(arena->processes[1].now->view.epoch, 1);
    ck_assert_uint_eq(arena->processes[2].now->view.epoch, 1);
    arena->cut[1][2] = arena->cut[2][1] = true; /* no ballot can help */
    arena_run(arena, SECONDS(1));
    ck_assert_uint_eq(arena->processes[1].now->view.epoch, 2);
    ck_assert_uint_eq(arena->processes[2].now->view.epoch, 2);
    arena_heal(arena);
    expect_settled(arena, SECONDS(5));
    close_arena(arena);
}
END_TEST

START_TEST(one_that_was_cut_off_hears_that_it_is_out)
{
    struct arena *arena = open_arena(5, 5);
    for (int p = 0; p < 4; p++) {
        arena->cut[p][4] = arena->cut[4][p] = true;
        arena_suspect(arena, p, 4, SECONDS(1));
        arena_suspect(arena, 4, p, SECONDS(1));
    }
    arena_run(arena, SECONDS(1));
    ck_assert_uint_eq(arena_view(arena, 0), MASK(4));
    ck_assert(!arena->processes[4].now->frozen); /* its poll found no majority */
    arena_heal(arena);
    arena_run(arena, SECONDS(1));
    ck_assert_int_eq(arena->processes[4].state, ARENA_OUT);
    close_arena(arena);
}
END_TEST

START_TEST(memory_that_runs_out_only_delays)
{
    for (uint64_t nth = 1; nth <= 60; nth++) {
        struct arena *arena = open_arena(6, 5);
        arena->fail_at = nth;
        arena_multicast(arena, 4, 3);
        arena_crash(arena, 0);
        arena_join(arena, 5);
        expect_settled(arena, SECONDS(5));
        ck_assert_uint_eq(arena_view(arena, 1), MASK(6) & ~1u);
        close_arena(arena);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        nothing_happens_in_a_healthy_view,
        a_joiner_comes_into_the_next_view,
        a_lone_member_takes_in_one_after_the_other_then_several,
        a_leaver_leaves,
        the_coordinator_leaves,
        when_everybody_leaves_the_group_ends,
        who_is_missed_for_a_moment_has_the_group_when_all_others_leave,
        a_dead_member_is_left_behind,
        without_evidence_it_is_unreachable,
        a_minority_stays_where_it_is,
        a_death_at_any_step_of_the_ballot,
        a_proposal_that_one_member_accepted_is_proposed_again,
        the_highest_accepted_value_is_proposed_again,
        one_bad_link_freezes_nobody,
        a_link_that_stays_bad_parts_the_junior_and_nobody_else,
        a_bad_link_does_not_keep_a_joiner_out_for_ever,
        suspicion_that_is_taken_back_ends_the_poll,
        a_frozen_view_ends_even_if_everybody_lives,
        who_is_silent_but_not_suspected_is_waited_for,
        who_stays_silent_is_waited_for_so_long,
        competing_ballots_converge,
        a_cut_is_fetched_before_it_is_accepted,
        a_leaver_serves_until_the_survivors_have_installed,
        a_leaver_serves_for_a_bounded_time,
        a_crash_and_a_leave_at_once_block_nobody,
        a_joiner_that_dies_before_it_answers_costs_one_view,
        a_joiner_that_dies_at_once_costs_nothing,
        a_joiner_that_hears_nobody_costs_nothing,
        a_joiner_that_dies_afterwards_is_removed,
        a_process_that_comes_back_at_once_is_a_new_member,
        a_joiner_tells_the_survivors,
        one_that_was_cut_off_hears_that_it_is_out,
        memory_that_runs_out_only_delays,
    };
    return suite_run("agreement", tests, SUITE_SIZE(tests));
}
