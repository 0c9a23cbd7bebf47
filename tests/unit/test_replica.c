/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Replicas: who submits gets results after delivery, in sessions once; queries wait for what they
 * are to see.
 */
#include "replica_play.h"

/* ---- Commands --------------------------------------------------------------------------- */

START_TEST(a_result_comes_with_the_delivery_and_not_before)
{
    struct noted noted;

    ck_assert_int_eq(submit(1, "a", 0, 0, &noted), 0);
    ck_assert_uint_eq(noted.calls, 0);
    ck_assert_int_eq(entries[log_count - 1].service, GCS_SAFE);
    players[1].held = true;
    deliver_all();
    ck_assert_uint_eq(noted.calls, 0);
    players[1].held = false;
    deliver_all();
    ck_assert_uint_eq(noted.calls, 1);
    ck_assert_str_eq(noted.data, "1:a");
    ck_assert_uint_eq(noted.number, 1);
    for (unsigned i = 0; i < REPLICAS; i++) {
        ck_assert_uint_eq(players[i].sum, players[0].sum);
        ck_assert_uint_eq(players[i].last_time, group_time);
        ck_assert_uint_ne(players[i].last_seed, 0);
        ck_assert_uint_eq(players[i].last_seed, players[0].last_seed);
    }
}
END_TEST

START_TEST(a_replica_takes_no_command_before_it_knows_the_terms)
{
    struct noted noted;

    gcs_replicator_fini(&players[2].replicator, GCS_ECLOSED);
    open_player(2, 7, &options);
    ck_assert_int_eq(submit(2, "a", 0, 0, &noted), GCS_EAGAIN);
    view_epoch++;
    give_view(2, true, true, false);
    ck_assert_int_eq(submit(2, "a", 0, 0, &noted), GCS_EAGAIN);
    come_back(2, 0);
    ck_assert_int_eq(submit(2, "a", 0, 0, &noted), GCS_EAGAIN);
    deliver_all();
    ck_assert(heard(&players[2], GCS_REPLICA_READY));
    ck_assert_int_eq(submit(2, "a", 0, 0, &noted), 0);
    deliver_all();
    ck_assert_uint_eq(noted.calls, 1);
}
END_TEST

START_TEST(limits_are_kept)
{
    struct noted noted, more;

    players[0].replicator.config.command_bytes = 3;
    ck_assert_int_eq(submit(0, "abcd", 0, 0, &noted), GCS_EMSGSIZE);
    ck_assert_int_eq(submit(0, "abc", 0, 5, &noted), GCS_EINVAL);
    players[0].replicator.config.pending = 1;
    ck_assert_int_eq(submit(0, "abc", 0, 0, &noted), 0);
    ck_assert_int_eq(submit(0, "abc", 0, 0, &more), GCS_EAGAIN);
    deliver_all();
    ck_assert(heard(&players[0], GCS_REPLICA_WRITABLE));
    ck_assert_uint_eq(noted.calls, 1);
    ck_assert_uint_eq(more.calls, 0);
    full = true;
    ck_assert_int_eq(submit(0, "abc", 0, 0, &more), GCS_EAGAIN);
    full = false;
    give_event(0, (struct gcs_event){.type = GCS_EVENT_WRITABLE});
    ck_assert(heard(&players[0], GCS_REPLICA_WRITABLE));
}
END_TEST

START_TEST(thousands_may_be_pending)
{
    static struct noted noted[1000];

    for (unsigned i = 0; i < 1000; i++)
        ck_assert_int_eq(submit(i % 3, "x", 0, 0, &noted[i]), 0);
    deliver_all();
    for (unsigned i = 0; i < 1000; i++)
        ck_assert_uint_eq(noted[i].number, i + 1);
}
END_TEST

START_TEST(what_is_no_message_of_a_replica_is_passed_over)
{
    uint8_t hello[GCS_REPLICA_SMALL];
    struct gcs_replica_message message = {.kind = GCS_REPLICA_COMMAND, .submission = 1};
    size_t size = gcs_replica_write(hello, &message);

    do_multicast(&players[0], GCS_SAFE, "nonsense", 8);
    do_multicast(&players[0], GCS_AGREED, hello, size); /* not stable when delivered */
    do_multicast(&players[0], GCS_SAFE, hello, size - 1);
    deliver_all();
    for (unsigned i = 0; i < REPLICAS; i++) {
        ck_assert_uint_eq(players[i].replicator.foreign, 3);
        ck_assert_uint_eq(players[i].applied, 0);
    }
}
END_TEST

/* ---- Sessions --------------------------------------------------------------------------- */

START_TEST(a_retry_through_another_replica_gets_the_first_result)
{
    struct noted first, second;
    uint64_t session = open_session(0);

    ck_assert_int_eq(submit(0, "a", session, 1, &first), 0);
    ck_assert_int_eq(submit(2, "a", session, 1, &second), 0);
    deliver_all();
    ck_assert_str_eq(first.data, "1:a");
    ck_assert_str_eq(second.data, "1:a");
    ck_assert(!first.repeated && second.repeated);
    for (unsigned i = 0; i < REPLICAS; i++)
        ck_assert_uint_eq(players[i].applied, 1);
}
END_TEST

START_TEST(serials_follow_each_other)
{
    struct noted noted;
    uint64_t session = open_session(0);

    ck_assert_int_eq(submit(0, "a", session, 2, &noted), 0);
    deliver_all();
    ck_assert_int_eq(noted.error, GCS_ESERIAL);
    for (unsigned i = 1; i <= 70; i++)
        ck_assert_int_eq(submit(i % 3, "a", session, i, &noted), 0);
    deliver_all();
    ck_assert_int_eq(noted.error, 0);
    ck_assert_int_eq(submit(1, "a", session, 7, &noted), 0); /* 64 are kept */
    deliver_all();
    ck_assert_str_eq(noted.data, "7:a");
    ck_assert_int_eq(submit(1, "a", session, 6, &noted), 0);
    deliver_all();
    ck_assert_int_eq(noted.error, GCS_ESERIAL);
    ck_assert_uint_eq(players[0].applied, 70);
}
END_TEST

START_TEST(an_expired_session_is_an_error_and_never_a_new_one)
{
    struct noted noted;
    uint64_t session = open_session(0);

    ck_assert_int_eq(submit(0, "a", session, 1, &noted), 0);
    deliver_all();
    group_time += (options.session_ms + 1) * MS;
    for (uint64_t serial = 1; serial < 3; serial++) {
        ck_assert_int_eq(submit(1, "a", session, serial, &noted), 0);
        deliver_all();
        ck_assert_int_eq(noted.error, GCS_ESESSION);
    }
    ck_assert_uint_eq(players[0].applied, 1);
    ck_assert_uint_eq(players[2].replicator.sessions.count, 0);
}
END_TEST

START_TEST(sessions_and_what_they_keep_are_bounded)
{
    struct noted noted;
    uint64_t one, two;

    teardown();
    gcs_replica_config_init(&options);
    options.sessions = 2;
    options.session_bytes = 4; /* one result */
    view_epoch++;
    for (unsigned i = 0; i < REPLICAS; i++)
        open_player(i, 7, &options);
    for (unsigned i = 0; i < REPLICAS; i++)
        give_view(i, true, false, false);
    deliver_all();
    one = open_session(0);
    two = open_session(1);
    memset(&noted, 0, sizeof(noted));
    ck_assert_int_eq(gcs_replicator_session(&players[0].replicator, note, &noted), 0);
    deliver_all();
    ck_assert_int_eq(noted.error, GCS_ELIMIT);
    ck_assert_int_eq(submit(0, "a", one, 1, &noted), 0);
    ck_assert_int_eq(submit(0, "a", two, 1, &noted), 0);
    ck_assert_int_eq(submit(0, "a", two, 1, &noted), 0);
    deliver_all();
    ck_assert(noted.repeated);
    ck_assert_int_eq(submit(0, "a", one, 1, &noted), 0); /* the older one's made room */
    deliver_all();
    ck_assert_int_eq(noted.error, GCS_ESERIAL);
    ck_assert_uint_le(players[1].replicator.sessions.bytes, 4);
}
END_TEST

/* ---- Queries ---------------------------------------------------------------------------- */

START_TEST(a_linearizable_query_waits_for_what_others_have_seen)
{
    struct noted written, asked;

    players[2].held = true;
    ck_assert_int_eq(submit(0, "a", 0, 0, &written), 0);
    deliver_all();
    ck_assert_uint_eq(written.calls, 1);
    players[2].held = false;
    ck_assert_int_eq(ask(2, GCS_REPLICA_LINEARIZABLE, 0, &asked), 0);
    ck_assert_uint_eq(private_count, 2);
    pass_privates();                   /* questions */
    pass_privates();                   /* answers */
    ck_assert_uint_eq(asked.calls, 0); /* it knows the index, and lacks the command */
    deliver(2);
    ck_assert_uint_eq(asked.calls, 1);
    ck_assert_str_eq(asked.data, "seen 1");
    ck_assert_uint_eq(asked.number, 1);
}
END_TEST

START_TEST(a_query_does_not_use_answers_to_an_earlier_question)
{
    struct noted first, second, written;

    ck_assert_int_eq(ask(2, GCS_REPLICA_LINEARIZABLE, 0, &first), 0);
    pass_privates(); /* the answers are on their way */
    players[2].held = true;
    ck_assert_int_eq(submit(0, "a", 0, 0, &written), 0);
    deliver_all();
    players[2].held = false;
    ck_assert_int_eq(ask(2, GCS_REPLICA_LINEARIZABLE, 0, &second), 0);
    players[2].replicator.port.ordered = do_ordered;
    pass_privates();
    ck_assert_str_eq(first.data, "seen 0");
    ck_assert_uint_eq(second.calls, 0);
    pass_privates();
    pass_privates();
    ck_assert_uint_eq(second.calls, 0);
    deliver(2);
    ck_assert_str_eq(second.data, "seen 1");
}
END_TEST

START_TEST(the_sequencer_with_a_lease_asks_nobody)
{
    struct noted asked;

    leased = true;
    ck_assert_int_eq(ask(0, GCS_REPLICA_LINEARIZABLE, 0, &asked), 0);
    ck_assert_uint_eq(private_count, 0);
    ck_assert_str_eq(asked.data, "seen 0");
    ck_assert_int_eq(ask(1, GCS_REPLICA_LINEARIZABLE, 0, &asked), 0);
    players[2].held = true; /* its answer alone is enough */
    pass_privates();
    pass_privates();
    ck_assert_str_eq(asked.data, "seen 0");
}
END_TEST

START_TEST(a_question_is_put_again_after_a_view_and_after_a_while)
{
    struct noted asked;

    ck_assert_int_eq(ask(1, GCS_REPLICA_LINEARIZABLE, 0, &asked), 0);
    private_count = 0; /* lost */
    view_epoch++;
    for (unsigned i = 0; i < REPLICAS; i++)
        give_view(i, true, false, false);
    ck_assert_uint_eq(private_count, 2);
    private_count = 0; /* lost again */
    ck_assert_uint_eq(gcs_replicator_tick(&players[1].replicator), now_ns + 50 * MS);
    now_ns += 50 * MS;
    (void)gcs_replicator_tick(&players[1].replicator);
    ck_assert_uint_eq(private_count, 2);
    for (unsigned i = 0; i < REPLICAS; i++)
        players[i].replicator.position = log_count;
    pass_privates();
    pass_privates();
    ck_assert_str_eq(asked.data, "seen 0");
}
END_TEST

START_TEST(a_query_fails_when_the_primary_is_lost)
{
    struct noted asked;

    ck_assert_int_eq(ask(1, GCS_REPLICA_LINEARIZABLE, 0, &asked), 0);
    give_view(1, false, false, false);
    ck_assert_int_eq(asked.error, GCS_ENOPRIMARY);
}
END_TEST

START_TEST(reading_ones_own_writes_waits_for_their_number)
{
    struct noted written, asked;

    players[2].held = true;
    ck_assert_int_eq(submit(0, "a", 0, 0, &written), 0);
    deliver_all();
    ck_assert_int_eq(ask(2, GCS_REPLICA_AFTER, written.number, &asked), 0);
    ck_assert_uint_eq(asked.calls, 0);
    players[2].held = false;
    deliver_all();
    ck_assert_str_eq(asked.data, "seen 1");
    ck_assert_int_eq(ask(2, GCS_REPLICA_AFTER, written.number, &asked), 0);
    ck_assert_str_eq(asked.data, "seen 1");
}
END_TEST

START_TEST(queries_that_were_answered_leave_room)
{
    struct noted first, second;

    players[2].replicator.config.query_bytes = 100; /* one */
    ck_assert_int_eq(ask(2, GCS_REPLICA_LINEARIZABLE, 0, &first), 0);
    ck_assert_int_eq(ask(2, GCS_REPLICA_LINEARIZABLE, 0, &second), GCS_EAGAIN);
    ck_assert(!heard(&players[2], GCS_REPLICA_WRITABLE));
    pass_privates();
    pass_privates();
    ck_assert_uint_eq(first.calls, 1);
    ck_assert(heard(&players[2], GCS_REPLICA_WRITABLE));
    ck_assert_int_eq(ask(2, GCS_REPLICA_LINEARIZABLE, 0, &second), 0);
    pass_privates();
    pass_privates();
    ck_assert_uint_eq(second.calls, 1);
}
END_TEST

START_TEST(bad_queries_are_refused)
{
    struct noted asked = {0};
    struct gcs_replicator *replicator = &players[0].replicator;

    ck_assert_int_eq(
        gcs_replicator_query(replicator, (enum gcs_replica_read)3, 0, "q", 1, note, &asked),
        GCS_EINVAL);
    ck_assert_int_eq(
        gcs_replicator_query(replicator, GCS_REPLICA_SEQUENTIAL, 0, "", 0, note, &asked), 0);
    ck_assert_int_eq(asked.error, GCS_EINVAL); /* the application's */
    replicator->config.query_bytes = 8;
    ck_assert_int_eq(ask(0, GCS_REPLICA_LINEARIZABLE, 0, &asked), GCS_EAGAIN);
    replicator->machine.query = NULL;
    ck_assert_int_eq(ask(0, GCS_REPLICA_SEQUENTIAL, 0, &asked), GCS_EINVAL);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_result_comes_with_the_delivery_and_not_before,
        a_replica_takes_no_command_before_it_knows_the_terms,
        limits_are_kept,
        thousands_may_be_pending,
        what_is_no_message_of_a_replica_is_passed_over,
        a_retry_through_another_replica_gets_the_first_result,
        serials_follow_each_other,
        an_expired_session_is_an_error_and_never_a_new_one,
        sessions_and_what_they_keep_are_bounded,
        a_linearizable_query_waits_for_what_others_have_seen,
        a_query_does_not_use_answers_to_an_earlier_question,
        the_sequencer_with_a_lease_asks_nobody,
        a_question_is_put_again_after_a_view_and_after_a_while,
        a_query_fails_when_the_primary_is_lost,
        reading_ones_own_writes_waits_for_their_number,
        queries_that_were_answered_leave_room,
        bad_queries_are_refused,
    };
    Suite *suite = suite_create("replica");
    TCase *tcase = tcase_create("replica");

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
