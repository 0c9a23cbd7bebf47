/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Questions through others: what they hear keeps somebody whom we do not hear
 * from being taken for crashed, and gives it time, but not for ever. Nobody can
 * be made to ask more than a little, nor about strangers.
 */
#include "tests/unit/suite.h"
#include "tests/unit/watchers.h"

/* ---- Asking through others -------------------------------------------------------------- */

START_TEST(evidence_against_one_that_others_hear_is_nothing)
{
    watchers_open_group(4);
    watchers_run(1000 * MS);
    watchers_cut(0, 1, true);
    for (int i = 0; i < 4; i++) {
        watchers_refuse(0, 1);
        watchers_run(100 * MS);
        ck_assert_uint_eq(net.nodes[0].changes, 0);
    }
    watchers_close();
}
END_TEST

START_TEST(evidence_against_the_dead_is_as_quick_with_helpers)
{
    watchers_open_group(4);
    watchers_run(1000 * MS);
    net.nodes[1].stopped = true;
    uint64_t dead = net.now;
    watchers_refuse(0, 1);
    watchers_run(100 * MS);
    ck_assert(net.nodes[0].suspected && net.nodes[0].crashed);
    ck_assert_uint_le(net.nodes[0].changed_at, dead + 50 * MS);
    watchers_close();
}
END_TEST

START_TEST(a_lost_question_does_not_kill)
{
    watchers_open_pair();
    watchers_run(1000 * MS);
    for (int i = 0; i < 20; i++) {
        net.cut[0][1] = true;
        watchers_refuse(0, 1);
        watchers_run(5 * MS);
        net.cut[0][1] = false;
        watchers_run(200 * MS);
    }
    ck_assert_uint_eq(net.nodes[0].changes, 0);
    watchers_close();
}
END_TEST

START_TEST(a_bad_link_gets_a_second_timeout_and_no_more)
{
    watchers_open_group(4);
    watchers_run(1000 * MS);
    watchers_cut(0, 1, true);
    uint64_t cut = net.now;
    watchers_run(WATCHERS_SUSPECT + 200 * MS);
    ck_assert_uint_eq(net.nodes[0].changes, 0);
    watchers_run(WATCHERS_LONGEST);
    ck_assert_uint_eq(net.nodes[0].changes, 1);
    ck_assert(net.nodes[0].suspected && !net.nodes[0].crashed);
    ck_assert_uint_le(net.nodes[0].changed_at, cut + WATCHERS_LONGEST + WATCHERS_HEARTBEAT);
    ck_assert_uint_eq(net.nodes[2].changes, 0);
    watchers_close();
}
END_TEST

START_TEST(a_link_that_mends_in_time_was_never_bad)
{
    watchers_open_group(3);
    watchers_run(1000 * MS);
    for (int i = 0; i < 10; i++) {
        watchers_cut(0, 1, true);
        watchers_run(800 * MS);
        watchers_cut(0, 1, false);
        watchers_run(3000 * MS);
    }
    ck_assert_uint_eq(net.nodes[0].changes, 0);
    ck_assert_uint_eq(net.nodes[1].changes, 0);
    watchers_close();
}
END_TEST

START_TEST(whom_nobody_hears_is_suspected_in_time)
{
    watchers_open_group(5);
    watchers_run(1000 * MS);
    net.nodes[4].stopped = true;
    uint64_t dead = net.now;
    watchers_run(WATCHERS_LONGEST);
    for (int i = 0; i < 4; i++) {
        ck_assert_uint_eq(net.nodes[i].changes, 1);
        ck_assert_uint_le(net.nodes[i].changed_at, dead + WATCHERS_FOUND);
    }
    watchers_close();
}
END_TEST

START_TEST(who_says_goodbye_is_missed_at_once)
{
    watchers_open_group(3);
    watchers_run(1000 * MS);
    uint64_t closed = net.now;
    gcs_detector_goodbye(net.nodes[1].detector, net.now);
    net.nodes[1].stopped = true;
    watchers_run(100 * MS);
    for (int i = 0; i < 3; i += 2) {
        ck_assert(net.nodes[i].suspected && net.nodes[i].crashed);
        ck_assert_uint_le(net.nodes[i].changed_at, closed + 50 * MS);
    }
    watchers_close();
}
END_TEST

START_TEST(a_goodbye_of_one_that_answers_is_nothing)
{
    watchers_open_group(3);
    watchers_run(1000 * MS);
    gcs_detector_goodbye(net.nodes[1].detector, net.now);
    watchers_run(1000 * MS);
    ck_assert_uint_eq(net.nodes[0].changes, 0);
    watchers_close();
}
END_TEST

START_TEST(others_tell_of_a_new_process_too)
{
    watchers_open_group(3);
    watchers_run(1000 * MS);
    watchers_cut(0, 1, true);
    watchers_open_node(1, 5000);
    watchers_watch(1, 2);
    watchers_refuse(0, 1);
    watchers_run(15 * MS);
    ck_assert(gcs_peer_replaced(net.nodes[0].peers[1]));
    ck_assert(net.nodes[0].suspected && net.nodes[0].crashed);
    watchers_close();
}
END_TEST

/* ---- Asking for others ------------------------------------------------------------------ */

static void hand(int to, int from, const struct gcs_heartbeat *heartbeat)
{
    uint8_t body[GCS_HEARTBEAT_BYTES_MAX];
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    gcs_heartbeat_write(&w, heartbeat);
    ck_assert_int_eq(gcs_detector_frame(net.nodes[to].detector, net.now, &net.nodes[from].address,
                                        body, gcs_writer_size(&w)),
                     0);
}

static struct gcs_heartbeat ask_about(int from, int about)
{
    return (struct gcs_heartbeat){.flags = GCS_HEARTBEAT_ASK,
                                  .process = 1000u + (uint64_t)from,
                                  .stamp = 77,
                                  .about = net.nodes[about].address};
}

START_TEST(nobody_asks_for_strangers_nor_about_them)
{
    watchers_open_group(3);
    watchers_run(1000 * MS);
    static const struct {
        int from, about;
    } wishes[] = {{3, 1}, {1, 3}, {1, 1}, {1, 0}, {3, 4}};
    for (size_t i = 0; i < SUITE_SIZE(wishes); i++) {
        struct gcs_heartbeat ask = ask_about(wishes[i].from, wishes[i].about);
        uint64_t before = net.nodes[0].spoken;
        hand(0, wishes[i].from, &ask);
        ck_assert_uint_eq(net.nodes[0].spoken, before);
    }
    watchers_close();
}
END_TEST

START_TEST(a_flood_of_wishes_has_a_bound)
{
    watchers_open_group(3);
    watchers_run(1000 * MS);
    net.nodes[1].stopped = net.nodes[2].stopped = true;
    struct gcs_heartbeat ask = ask_about(1, 2);
    uint64_t before = net.nodes[0].spoken;
    for (int i = 0; i < 10000; i++) {
        net.now += 1000;
        ask.stamp++;
        hand(0, 1, &ask);
    }
    ck_assert_uint_le(net.nodes[0].spoken, before + 40);
    watchers_close();
}
END_TEST

START_TEST(every_asker_is_told_once)
{
    watchers_open_group(5);
    watchers_run(1020 * MS); /* between two heartbeats */
    uint64_t before = net.nodes[0].spoken;
    for (int from = 1; from < 4; from++) {
        struct gcs_heartbeat ask = ask_about(from, 4);
        hand(0, from, &ask);
        hand(0, from, &ask);
    }
    watchers_run(5 * MS);
    ck_assert_uint_eq(net.nodes[0].spoken, before + 1 + 3); /* a question, three reports */
    watchers_close();
}
END_TEST

START_TEST(reports_that_nobody_asked_for_change_nothing)
{
    watchers_open_group(3);
    watchers_run(1000 * MS);
    net.nodes[2].stopped = true;
    uint64_t dead = net.now;
    struct gcs_heartbeat found = {.flags = GCS_HEARTBEAT_FOUND,
                                  .process = 1001,
                                  .about = net.nodes[2].address,
                                  .found = 1002};
    while (net.now < dead + WATCHERS_LONGEST) {
        watchers_run(20 * MS);
        found.echo = net.now + 1000 * MS;
        hand(0, 1, &found);
        found.echo = UINT64_MAX;
        hand(0, 1, &found);
        hand(0, 3, &found);
    }
    ck_assert_uint_eq(net.nodes[0].changes, 1);
    ck_assert_uint_le(net.nodes[0].changed_at, dead + WATCHERS_FOUND);
    found.echo = 0;
    hand(0, 1, &found);
    ck_assert(net.nodes[0].suspected);
    watchers_close();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        evidence_against_one_that_others_hear_is_nothing,
        evidence_against_the_dead_is_as_quick_with_helpers,
        a_lost_question_does_not_kill,
        a_bad_link_gets_a_second_timeout_and_no_more,
        a_link_that_mends_in_time_was_never_bad,
        whom_nobody_hears_is_suspected_in_time,
        who_says_goodbye_is_missed_at_once,
        a_goodbye_of_one_that_answers_is_nothing,
        others_tell_of_a_new_process_too,
        nobody_asks_for_strangers_nor_about_them,
        a_flood_of_wishes_has_a_bound,
        every_asker_is_told_once,
        reports_that_nobody_asked_for_change_nothing,
    };
    return suite_run("detector_relay", tests, SUITE_SIZE(tests));
}
