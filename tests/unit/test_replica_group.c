/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Replicas whose group changes: states travel; who is cut off waits; whoever has another protocol
 * or another state goes; callbacks that fail or hang are told of.
 */
#include "replica_play.h"

/* ---- Views and states ------------------------------------------------------------------- */

START_TEST(the_state_and_the_sessions_go_to_who_comes_back)
{
    struct noted noted;
    uint64_t session = open_session(0);

    ck_assert_int_eq(submit(0, "a", session, 1, &noted), 0);
    deliver_all();
    gcs_replicator_fini(&players[2].replicator, GCS_ECLOSED);
    open_player(2, 7, &options);
    view_epoch++;
    give_view(2, true, true, false);
    come_back(2, 1);
    deliver_all();
    ck_assert_uint_eq(players[2].sum, players[0].sum);
    ck_assert_uint_eq(players[2].replicator.number, 1);
    ck_assert_int_eq(submit(2, "a", session, 1, &noted), 0);
    deliver_all();
    ck_assert(noted.repeated);
    ck_assert_str_eq(noted.data, "1:a");
}
END_TEST

START_TEST(a_state_that_makes_no_sense_is_refused)
{
    static const char *const bad[] = {"GCSREPL2________",
                                      "GCSREPL1\xff\xff\xff\xff\xff\xff\xff\xff",
                                      "GCSREPL1\x01\0\0\0\0\0\0\0"};

    for (size_t i = 0; i < 3; i++) {
        struct gcs_message message = {bad[i], 16};
        gcs_replicator_fini(&players[2].replicator, GCS_ECLOSED);
        open_player(2, 7, &options);
        give_view(2, true, true, false);
        give_event(2,
                   (struct gcs_event){.type = GCS_EVENT_STATE, .messages = &message, .count = 1});
        ck_assert(heard(&players[2], GCS_REPLICA_FAILED));
        ck_assert(players[2].left);
        give_event(2, (struct gcs_event){.type = GCS_EVENT_LEFT});
        ck_assert(players[2].joined);
    }
}
END_TEST

START_TEST(a_replica_that_is_cut_off_holds_replies_until_the_next_view)
{
    struct noted pending, refused, asked;

    ck_assert_int_eq(submit(0, "a", 0, 0, &pending), 0);
    give_view(0, false, false, false);
    ck_assert(heard(&players[0], GCS_REPLICA_CUT_OFF));
    ck_assert_uint_eq(pending.calls, 0);
    ck_assert_int_eq(submit(0, "b", 0, 0, &refused), GCS_ENOPRIMARY);
    ck_assert_int_eq(ask(0, GCS_REPLICA_LINEARIZABLE, 0, &asked), GCS_ENOPRIMARY);
    ck_assert_int_eq(ask(0, GCS_REPLICA_SEQUENTIAL, 0, &asked), 0);
    ck_assert_str_eq(asked.data, "seen 0");
    view_epoch++;
    give_view(0, true, false, false);
    ck_assert(heard(&players[0], GCS_REPLICA_READY));
    deliver_all();
    ck_assert_str_eq(pending.data, "1:a");
}
END_TEST

START_TEST(a_replica_that_was_excluded_does_not_know_what_became_of_commands)
{
    struct noted noted, fresh;

    ck_assert_int_eq(submit(0, "a", 0, 0, &noted), 0);
    players[0].held = true;
    deliver_all(); /* the others have it */
    view_epoch++;
    ids[0].incarnation = 100;
    give_view(0, true, true, true);
    ck_assert_uint_eq(noted.calls, 1);
    ck_assert_int_eq(noted.error, GCS_EUNKNOWN);
    come_back(0, 1);
    players[0].held = false;
    deliver_all();
    ck_assert_uint_eq(players[0].sum, players[1].sum);
    ck_assert_int_eq(submit(0, "b", 0, 0, &fresh), 0);
    deliver_all();
    ck_assert_str_eq(fresh.data, "2:b");
    ck_assert_uint_eq(noted.calls, 1);
}
END_TEST

START_TEST(another_protocol_version_is_refused_by_its_greeting)
{
    teardown();
    view_epoch++;
    for (unsigned i = 0; i < REPLICAS; i++)
        open_player(i, i == 1 ? 8 : 7, &options);
    for (unsigned i = 0; i < REPLICAS; i++)
        give_view(i, true, false, false);
    deliver_all();
    ck_assert(heard(&players[0], GCS_REPLICA_READY));
    ck_assert(heard(&players[1], GCS_REPLICA_REFUSED));
    ck_assert_ptr_nonnull(strstr(players[1].text, "protocol version 8, the group has 7"));
    ck_assert(players[1].left);
    give_event(1, (struct gcs_event){.type = GCS_EVENT_LEFT});
    ck_assert(heard(&players[1], GCS_REPLICA_LEFT));
    ck_assert(!players[1].joined);
}
END_TEST

START_TEST(another_protocol_version_is_refused_before_it_sees_the_state)
{
    gcs_replicator_fini(&players[2].replicator, GCS_ECLOSED);
    open_player(2, 9, &options);
    view_epoch++;
    give_view(2, true, true, false);
    came = 99;
    come_back(2, 0);
    ck_assert_uint_eq(came, 99);
    ck_assert(heard(&players[2], GCS_REPLICA_REFUSED));
    ck_assert_ptr_nonnull(strstr(players[2].text, "protocol version 9, the group has 7"));
}
END_TEST

START_TEST(options_that_must_be_alike_are_compared_too)
{
    gcs_replicator_fini(&players[2].replicator, GCS_ECLOSED);
    options.session_ms = 5;
    open_player(2, 7, &options);
    view_epoch++;
    give_view(2, true, true, false);
    come_back(2, 0);
    ck_assert_ptr_nonnull(strstr(players[2].text, "session_ms 5, the group has 600000"));
}
END_TEST

/* ---- What goes wrong -------------------------------------------------------------------- */

START_TEST(a_replica_with_another_state_finds_out_and_starts_over)
{
    struct noted noted;

    players[1].lies = true;
    for (unsigned i = 0; i < 4; i++)
        ck_assert_int_eq(submit(0, "a", 0, 0, &noted), 0);
    deliver_all();
    ck_assert(heard(&players[1], GCS_REPLICA_DIVERGED));
    ck_assert_uint_eq(players[1].report_number, 4);
    ck_assert_ptr_nonnull(strstr(players[1].text, "after command 4 "));
    ck_assert(players[1].left && !players[0].left && !players[2].left);
    give_event(1, (struct gcs_event){.type = GCS_EVENT_LEFT});
    ck_assert(players[1].joined);
    players[1].lies = false;
    view_epoch++;
    give_view(1, true, true, false);
    come_back(1, 0);
    deliver_all();
    ck_assert(heard(&players[1], GCS_REPLICA_READY));
    ck_assert_uint_eq(players[1].sum, players[0].sum);
}
END_TEST

START_TEST(states_that_all_differ_are_only_reported)
{
    struct noted noted;

    for (unsigned i = 0; i < 4; i++)
        ck_assert_int_eq(submit(0, "a", 0, 0, &noted), 0);
    players[1].sum = 77;
    players[2].sum = 88;
    deliver_all();
    for (unsigned i = 0; i < REPLICAS; i++) {
        ck_assert(heard(&players[i], GCS_REPLICA_UNDECIDED));
        ck_assert(!players[i].left);
    }
}
END_TEST

START_TEST(a_callback_that_fails_stops_its_replica_and_names_the_command)
{
    struct noted noted, mine;

    ck_assert_int_eq(submit(0, "a", 0, 0, &noted), 0);
    ck_assert_int_eq(submit(0, "b", 0, 0, &noted), 0);
    ck_assert_int_eq(submit(2, "c", 0, 0, &mine), 0);
    deliver(0);
    players[2].apply_error = GCS_ENOMEM;
    deliver_all();
    ck_assert(heard(&players[2], GCS_REPLICA_FAILED));
    ck_assert_ptr_nonnull(strstr(players[2].text, "apply failed at command 1: out of memory"));
    ck_assert_int_eq(mine.error, GCS_EUNKNOWN);
    ck_assert(players[2].left);
    ck_assert_str_eq(noted.data, "2:b");
}
END_TEST

START_TEST(a_callback_that_takes_long_is_reported)
{
    struct noted noted;

    players[1].apply_ms = 1500;
    ck_assert_int_eq(submit(0, "a", 0, 0, &noted), 0);
    deliver_all();
    ck_assert(heard(&players[1], GCS_REPLICA_SLOW));
    ck_assert_str_eq(players[1].text, "apply took 1500 ms for command 1");
}
END_TEST

START_TEST(a_replica_that_others_wait_for_is_told_of)
{
    give_event(0, (struct gcs_event){.type = GCS_EVENT_SLOW, .sender = &ids[2], .waited_ms = 5000});
    ck_assert(heard(&players[0], GCS_REPLICA_HELD_UP));
    ck_assert_ptr_nonnull(strstr(players[0].text, "has taken nothing for 5000 ms"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_state_and_the_sessions_go_to_who_comes_back,
        a_state_that_makes_no_sense_is_refused,
        a_replica_that_is_cut_off_holds_replies_until_the_next_view,
        a_replica_that_was_excluded_does_not_know_what_became_of_commands,
        another_protocol_version_is_refused_by_its_greeting,
        another_protocol_version_is_refused_before_it_sees_the_state,
        options_that_must_be_alike_are_compared_too,
        a_replica_with_another_state_finds_out_and_starts_over,
        states_that_all_differ_are_only_reported,
        a_callback_that_fails_stops_its_replica_and_names_the_command,
        a_callback_that_takes_long_is_reported,
        a_replica_that_others_wait_for_is_told_of,
    };
    Suite *suite = suite_create("replica_group");
    TCase *tcase = tcase_create("replica_group");

    tcase_add_checked_fixture(tcase, setup, teardown);
    for (size_t i = 0; i < SUITE_SIZE(tests); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
