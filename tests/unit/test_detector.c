/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The failure detector: who is silent is suspected, who answers is not, evidence
 * hastens and proves nothing, and an idle pair says no more than it must.
 */
#include "gcs/base/prng.h"
#include "tests/unit/suite.h"
#include "tests/unit/watchers.h"

/* ---- Peace ------------------------------------------------------------------------------ */

START_TEST(an_idle_pair_says_less_and_less)
{
    watchers_open_pair();
    watchers_run(400 * MS);
    for (int i = 0; i < 2; i++)
        ck_assert_uint_ge(net.nodes[i].spoken, 8);
    watchers_run(10000 * MS);
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(net.nodes[i].changes, 0);
        ck_assert_uint_ge(net.nodes[i].spoken, 65); /* at least every third of the timeout */
        ck_assert_uint_le(net.nodes[i].spoken, 80);
    }
    ck_assert_uint_eq(net.nodes[2].spoken, 0);
    watchers_close();
}
END_TEST

/* In twelve seconds of silence: one in 50 ms all the time, or in the end one in 100 ms. */
START_TEST(heartbeats_become_no_rarer_than_the_ceiling)
{
    static const struct {
        uint64_t ceiling, least, most;
    } cases[] = {{WATCHERS_HEARTBEAT, 238, 359}, {2 * WATCHERS_HEARTBEAT, 119, 199}};
    for (size_t i = 0; i < 2; i++) {
        watchers_heartbeat_max = cases[i].ceiling;
        watchers_open_pair();
        watchers_run(12000 * MS);
        ck_assert_uint_ge(net.nodes[0].spoken, cases[i].least);
        ck_assert_uint_le(net.nodes[0].spoken, cases[i].most);
        watchers_close();
    }
    watchers_heartbeat_max = 0;
}
END_TEST

START_TEST(traffic_takes_the_place_of_heartbeats)
{
    watchers_open_pair();
    for (int i = 0; i < 500; i++) {
        for (int from = 0; from < 2; from++) {
            gcs_detector_sent(net.nodes[from].detector, net.now, net.nodes[from].peers[1 - from],
                              true);
            gcs_detector_heard(net.nodes[from].detector, net.now, net.nodes[from].peers[1 - from]);
        }
        watchers_run(20 * MS);
    }
    /* The round-trip time is measured now and then. */
    ck_assert_uint_le(net.nodes[0].spoken, 16);
    ck_assert_uint_gt(gcs_peer_rtt(net.nodes[0].peers[1]), 0);
    ck_assert_uint_eq(net.nodes[0].changes, 0);
    watchers_close();
}
END_TEST

START_TEST(traffic_brings_heartbeats_back)
{
    watchers_open_pair();
    watchers_run(10000 * MS);
    watchers_traffic(0, 1); /* a single packet changes nothing */
    uint64_t spoken = net.nodes[0].spoken;
    watchers_run(1000 * MS);
    ck_assert_uint_le(net.nodes[0].spoken, spoken + 8);
    for (int i = 0; i < 2; i++)
        watchers_traffic(0, 1);
    spoken = net.nodes[0].spoken;
    watchers_run(400 * MS);
    ck_assert_uint_ge(net.nodes[0].spoken, spoken + 7);
    watchers_close();
}
END_TEST

START_TEST(multicast_packets_are_no_substitute)
{
    watchers_open_pair();
    uint64_t spoken = net.nodes[0].spoken;
    for (int i = 0; i < 200; i++) {
        gcs_detector_sent(net.nodes[0].detector, net.now, net.nodes[0].peers[1], false);
        watchers_run(10 * MS);
    }
    ck_assert_uint_ge(net.nodes[0].spoken, spoken + 38);
    watchers_close();
}
END_TEST

START_TEST(one_awakening_does_for_several)
{
    watchers_open_group(5);
    watchers_run(5000 * MS);
    for (int i = 1; i < 5; i++) { /* out of step */
        gcs_detector_sent(net.nodes[0].detector, net.now, net.nodes[0].peers[i], true);
        watchers_run(30 * MS);
    }
    watchers_run(1000 * MS);
    uint64_t wakeups = net.nodes[0].wakeups;
    watchers_run(10000 * MS);
    ck_assert_uint_le(net.nodes[0].wakeups, wakeups + 75); /* its timer's alone */
    watchers_close();
}
END_TEST

START_TEST(the_round_trip_time_is_measured)
{
    watchers_open_pair();
    net.delay = 3 * MS;
    ck_assert_uint_eq(gcs_peer_rtt(net.nodes[0].peers[1]), 0);
    watchers_run(20 * MS);
    ck_assert_uint_eq(gcs_peer_rtt(net.nodes[0].peers[1]), 6 * MS);
    net.delay = 1 * MS;
    watchers_run(120000 * MS);
    ck_assert_uint_lt(gcs_peer_rtt(net.nodes[0].peers[1]), 3 * MS);
    watchers_close();
}
END_TEST

START_TEST(nobody_watched_nothing_to_do)
{
    watchers_open();
    ck_assert_uint_eq(gcs_detector_deadline(net.nodes[0].detector), GCS_NEVER);
    watchers_watch(0, 1);
    watchers_watch(0, 1);
    ck_assert_uint_ne(gcs_detector_deadline(net.nodes[0].detector), GCS_NEVER);
    gcs_detector_unwatch(net.nodes[0].detector, net.nodes[0].peers[1]);
    ck_assert_ptr_nonnull(gcs_detector_find(net.nodes[0].detector, &net.nodes[1].address));
    gcs_detector_unwatch(net.nodes[0].detector, net.nodes[0].peers[1]);
    ck_assert_ptr_null(gcs_detector_find(net.nodes[0].detector, &net.nodes[1].address));
    ck_assert_uint_eq(gcs_detector_deadline(net.nodes[0].detector), GCS_NEVER);
    watchers_close();
}
END_TEST

START_TEST(a_strangers_question_is_answered)
{
    watchers_open_pair();
    uint8_t body[GCS_HEARTBEAT_BYTES_MAX];
    struct gcs_heartbeat question = {
        .flags = GCS_HEARTBEAT_QUESTION, .process = 77, .stamp = 12345};
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    gcs_heartbeat_write(&w, &question);
    uint64_t before = net.nodes[0].spoken;
    gcs_detector_frame(net.nodes[0].detector, net.now, &net.nodes[2].address, body,
                       gcs_writer_size(&w));
    ck_assert_uint_eq(net.nodes[0].spoken, before + 1);
    struct gcs_heartbeat answer;
    const struct watchers_message *message = &net.flight[net.flying - 1];
    ck_assert(gcs_heartbeat_read(message->body, message->size, &answer));
    ck_assert_uint_eq(answer.flags, GCS_HEARTBEAT_ANSWER);
    ck_assert_uint_eq(answer.echo, 12345);
    ck_assert_uint_eq(answer.process, 1000);
    ck_assert_ptr_null(gcs_detector_find(net.nodes[0].detector, &net.nodes[2].address));
    watchers_close();
}
END_TEST

/* ---- Silence ---------------------------------------------------------------------------- */

START_TEST(who_is_silent_is_suspected_and_taken_back)
{
    watchers_open_pair();
    watchers_run(1000 * MS);
    net.nodes[1].stopped = true;
    uint64_t stopped = net.now;
    watchers_run(450 * MS);
    ck_assert_uint_eq(net.nodes[0].changes, 0);
    watchers_run(200 * MS);
    ck_assert_uint_eq(net.nodes[0].changes, 1);
    ck_assert(net.nodes[0].suspected && !net.nodes[0].crashed);
    ck_assert_uint_le(net.nodes[0].changed_at, stopped + WATCHERS_FOUND);
    ck_assert_uint_eq(net.counters.suspicions, 1);
    net.nodes[1].stopped = false;
    watchers_run(100 * MS);
    ck_assert_uint_eq(net.nodes[0].changes, 2);
    ck_assert(!net.nodes[0].suspected);
    watchers_close();
}
END_TEST

START_TEST(a_stop_of_400_ms_is_no_death)
{
    watchers_open_pair();
    for (int i = 0; i < 20; i++) {
        watchers_run(777 * MS);
        net.nodes[1].stopped = true;
        watchers_run(400 * MS);
        net.nodes[1].stopped = false;
    }
    ck_assert_uint_eq(net.nodes[0].changes, 0);
    ck_assert_uint_eq(net.nodes[1].changes, 0);
    watchers_close();
}
END_TEST

START_TEST(one_that_does_not_hear_us_is_asked_before_it_is_suspected)
{
    watchers_open_pair();
    net.nodes[1].stopped = true;
    watchers_run(240 * MS);
    uint64_t spoken = net.nodes[0].spoken;
    watchers_run(240 * MS);
    ck_assert_uint_ge(net.nodes[0].spoken, spoken + 4);
    watchers_close();
}
END_TEST

START_TEST(most_questions_may_get_lost)
{
    watchers_open_pair();
    watchers_run(1000 * MS);
    net.cut[1][0] = true;
    watchers_run(370 * MS);
    net.cut[1][0] = false; /* a question or two before the end */
    watchers_run(1000 * MS);
    ck_assert_uint_eq(net.nodes[0].changes, 0);
    watchers_close();
}
END_TEST

START_TEST(a_pause_of_our_own_accuses_nobody)
{
    watchers_open_pair();
    for (int i = 0; i < 20; i++) {
        watchers_run(1000 * MS);
        net.nodes[0].stopped = true;
        watchers_run(5000 * MS);
        net.nodes[0].stopped = false;
        /* The first thing it does is to look at the time. */
        gcs_detector_tick(net.nodes[0].detector, net.now);
        ck_assert_uint_eq(net.nodes[0].changes, 0);
        watchers_run(1000 * MS);
        ck_assert_uint_eq(net.nodes[0].changes, 0);
    }
    watchers_close();
}
END_TEST

START_TEST(after_a_pause_the_dead_are_found_all_the_same)
{
    watchers_open_pair();
    watchers_run(1000 * MS);
    net.nodes[0].stopped = net.nodes[1].stopped = true;
    watchers_run(5000 * MS);
    net.nodes[0].stopped = false;
    uint64_t resumed = net.now;
    watchers_run(1000 * MS);
    ck_assert_uint_eq(net.nodes[0].changes, 1);
    ck_assert_uint_ge(net.nodes[0].changed_at, resumed + WATCHERS_SUSPECT / 2);
    ck_assert_uint_le(net.nodes[0].changed_at, resumed + WATCHERS_SUSPECT);
    watchers_close();
}
END_TEST

/* ---- Evidence --------------------------------------------------------------------------- */

START_TEST(evidence_hastens)
{
    watchers_open_pair();
    watchers_run(1000 * MS);
    net.nodes[1].stopped = true;
    uint64_t dead = net.now;
    gcs_detector_evidence(net.nodes[0].detector, net.now, net.nodes[0].peers[1]);
    watchers_run(100 * MS);
    ck_assert(net.nodes[0].suspected && net.nodes[0].crashed);
    ck_assert_uint_le(net.nodes[0].changed_at, dead + 70 * MS);
    watchers_close();
}
END_TEST

START_TEST(evidence_waits_for_slow_answers)
{
    watchers_open_pair();
    net.delay = 40 * MS;
    watchers_run(1000 * MS);
    for (int i = 0; i < 50; i++) {
        gcs_detector_evidence(net.nodes[0].detector, net.now, net.nodes[0].peers[1]);
        watchers_run(100 * MS);
    }
    ck_assert_uint_eq(net.nodes[0].changes, 0);
    watchers_close();
}
END_TEST

START_TEST(evidence_against_one_that_answers_is_nothing)
{
    watchers_open_pair();
    watchers_run(1000 * MS);
    uint64_t spoken = net.nodes[0].spoken;
    for (int i = 0; i < 1000; i++) { /* a storm of it */
        gcs_detector_evidence(net.nodes[0].detector, net.now, net.nodes[0].peers[1]);
        gcs_detector_evidence(net.nodes[0].detector, net.now, net.nodes[0].peers[1]);
        watchers_run(MS);
    }
    ck_assert_uint_eq(net.nodes[0].changes, 0);
    ck_assert_uint_le(net.nodes[0].spoken, spoken + 1100);
    watchers_close();
}
END_TEST

START_TEST(packets_outweigh_evidence)
{
    watchers_open_pair();
    watchers_run(1000 * MS);
    net.cut[1][0] = true; /* no answer gets through, but data does */
    gcs_detector_evidence(net.nodes[0].detector, net.now, net.nodes[0].peers[1]);
    for (int i = 0; i < 100; i++) {
        gcs_detector_heard(net.nodes[0].detector, net.now, net.nodes[0].peers[1]);
        watchers_run(3 * MS);
    }
    ck_assert_uint_eq(net.nodes[0].changes, 0);
    watchers_run(100 * MS); /* and then it stops */
    ck_assert(net.nodes[0].suspected && net.nodes[0].crashed);
    watchers_close();
}
END_TEST

START_TEST(evidence_after_suspicion_says_crashed)
{
    watchers_open_pair();
    watchers_run(1000 * MS);
    net.nodes[1].stopped = true;
    watchers_run(700 * MS);
    ck_assert(net.nodes[0].suspected && !net.nodes[0].crashed);
    gcs_detector_evidence(net.nodes[0].detector, net.now, net.nodes[0].peers[1]);
    watchers_run(100 * MS);
    ck_assert(net.nodes[0].suspected && net.nodes[0].crashed);
    ck_assert_uint_eq(net.counters.suspicions, 1);
    watchers_close();
}
END_TEST

START_TEST(evidence_before_a_pause_of_our_own_is_asked_again)
{
    watchers_open_pair();
    watchers_run(1000 * MS);
    gcs_detector_evidence(net.nodes[0].detector, net.now, net.nodes[0].peers[1]);
    net.nodes[0].stopped = true;
    watchers_run(1000 * MS);
    net.nodes[0].stopped = false;
    gcs_detector_tick(net.nodes[0].detector, net.now);
    ck_assert_uint_eq(net.nodes[0].changes, 0);
    watchers_run(1000 * MS);
    ck_assert_uint_eq(net.nodes[0].changes, 0);
    watchers_close();
}
END_TEST

/* ---- Other processes -------------------------------------------------------------------- */

START_TEST(a_new_process_at_the_address_means_that_the_old_one_is_dead)
{
    static const uint64_t incarnations[] = {5000, 3}; /* larger or smaller: it answers */
    for (int i = 0; i < 2; i++) {
        watchers_open_pair();
        watchers_run(1000 * MS);
        uint64_t restarted = net.now;
        watchers_open_node(1, incarnations[i]);
        watchers_watch(1, 0);
        watchers_run(300 * MS);
        ck_assert(net.nodes[0].suspected && net.nodes[0].crashed);
        ck_assert(gcs_peer_replaced(net.nodes[0].peers[1]));
        ck_assert_uint_le(net.nodes[0].changed_at, restarted + 150 * MS);
        uint64_t changes = net.nodes[0].changes;
        watchers_run(1000 * MS);
        ck_assert_uint_eq(net.nodes[0].changes, changes); /* its life is not the old one's */
        watchers_watch(0, 1);
        ck_assert(!gcs_peer_suspected(net.nodes[0].peers[1]));
        ck_assert(!gcs_peer_replaced(net.nodes[0].peers[1]));
        watchers_run(2000 * MS);
        ck_assert(!gcs_peer_suspected(net.nodes[0].peers[1]));
        watchers_close();
    }
}
END_TEST

START_TEST(a_late_heartbeat_of_an_old_process_changes_nothing)
{
    watchers_open_pair();
    uint8_t body[GCS_HEARTBEAT_BYTES_MAX];
    struct gcs_heartbeat old = {.process = 999};
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    gcs_heartbeat_write(&w, &old);
    watchers_run(1000 * MS);
    for (int i = 0; i < 10; i++) {
        gcs_detector_frame(net.nodes[0].detector, net.now, &net.nodes[1].address, body,
                           gcs_writer_size(&w));
        watchers_run(100 * MS);
    }
    ck_assert_uint_eq(net.nodes[0].changes, 0);
    watchers_close();
}
END_TEST

/* ---- Many ------------------------------------------------------------------------------- */

static uint64_t accusations;

static void count_accusation(void *ctx, struct gcs_peer *peer, bool suspected, bool crashed)
{
    struct gcs_detector **detector = ctx;
    (void)crashed;
    accusations += suspected;
    /* It may unwatch whom it hears of. */
    if (suspected)
        gcs_detector_unwatch(*detector, peer);
}

static uint64_t beats;

static void count_beat(void *ctx, const struct gcs_address *to, const uint8_t *body, size_t size)
{
    (void)ctx;
    (void)to;
    (void)body;
    (void)size;
    beats++;
}

START_TEST(hundreds_of_peers_in_random_order)
{
    enum { peers = 700 };
    struct scarce scarce;
    struct gcs_counters counters = {0};
    struct gcs_detector *detector = NULL;
    struct gcs_peer *watched[peers];
    struct gcs_prng prng;
    uint64_t now = 1000 * MS;
    scarce_init(&scarce);
    gcs_prng_init(&prng, 5);
    struct gcs_detector_config config = {
        .allocator = &scarce.allocator,
        .process = 1,
        .heartbeat_ns = WATCHERS_HEARTBEAT,
        .suspect_ns = WATCHERS_SUSPECT,
        .counters = &counters,
        .env = {.ctx = &detector, .heartbeat = count_beat, .suspect = count_accusation}};
    ck_assert_int_eq(gcs_detector_new(&config, &detector), 0);
    for (uint32_t i = 0; i < peers; i++) {
        struct gcs_address address = watchers_address(i);
        watched[i] = gcs_detector_watch(detector, now, &address);
        *gcs_peer_user(watched[i]) = &watched[i];
    }
    /* The first half is heard at random times, the second never. */
    for (int step = 0; step < 20000; step++) {
        uint64_t deadline = gcs_detector_deadline(detector);
        now = deadline < now + MS / 10 ? (deadline > now ? deadline : now) : now + MS / 10;
        gcs_detector_heard(detector, now, watched[gcs_prng_below(&prng, peers / 2)]);
        gcs_detector_tick(detector, now);
        ck_assert_uint_gt(gcs_detector_deadline(detector), now);
    }
    ck_assert_uint_eq(accusations, peers / 2);
    for (uint32_t i = 0; i < peers; i++) {
        struct gcs_address address = watchers_address(i);
        struct gcs_peer *peer = gcs_detector_find(detector, &address);
        ck_assert(i < peers / 2 ? peer == watched[i] : peer == NULL);
        if (peer) {
            ck_assert_ptr_eq(*gcs_peer_user(peer), &watched[i]);
            gcs_detector_unwatch(detector, peer);
        }
    }
    gcs_detector_free(detector);
    ck_assert_uint_eq(scarce.live, 0);
}
END_TEST

START_TEST(malformed_heartbeats_are_refused)
{
    watchers_open_pair();
    uint8_t body[] = {0, 0, 0, 0, 0, 0, 0, 0, 0}; /* process 0 */
    ck_assert_int_eq(gcs_detector_frame(net.nodes[0].detector, net.now, &net.nodes[1].address, body,
                                        sizeof(body)),
                     GCS_EMALFORMED);
    body[1] = 1;
    ck_assert_int_eq(
        gcs_detector_frame(net.nodes[0].detector, net.now, &net.nodes[1].address, body, 8),
        GCS_EMALFORMED);
    body[0] = GCS_HEARTBEAT_QUESTION;
    ck_assert_int_eq(gcs_detector_frame(net.nodes[0].detector, net.now, &net.nodes[1].address, body,
                                        sizeof(body)),
                     GCS_EMALFORMED);
    watchers_close();
}
END_TEST

START_TEST(a_watch_needs_its_memory)
{
    struct scarce scarce;
    struct gcs_counters counters = {0};
    scarce_init(&scarce);
    struct gcs_detector_config config = {.allocator = &scarce.allocator,
                                         .process = 1,
                                         .heartbeat_ns = WATCHERS_HEARTBEAT,
                                         .suspect_ns = WATCHERS_SUSPECT,
                                         .counters = &counters};
    for (uint64_t nth = 1; nth < 60; nth++) {
        struct gcs_detector *detector = NULL;
        scarce_fail(&scarce, nth, false);
        if (gcs_detector_new(&config, &detector) == 0) {
            uint32_t watched = 0;
            for (uint32_t i = 0; i < 40; i++) {
                struct gcs_address address = watchers_address(i);
                watched += gcs_detector_watch(detector, MS, &address) != NULL;
            }
            ck_assert_uint_ge(watched, 39);
        }
        gcs_detector_free(detector);
        ck_assert_uint_eq(scarce.live, 0);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_idle_pair_says_less_and_less,
        heartbeats_become_no_rarer_than_the_ceiling,
        traffic_brings_heartbeats_back,
        multicast_packets_are_no_substitute,
        one_awakening_does_for_several,
        traffic_takes_the_place_of_heartbeats,
        the_round_trip_time_is_measured,
        nobody_watched_nothing_to_do,
        a_strangers_question_is_answered,
        who_is_silent_is_suspected_and_taken_back,
        a_stop_of_400_ms_is_no_death,
        one_that_does_not_hear_us_is_asked_before_it_is_suspected,
        most_questions_may_get_lost,
        a_pause_of_our_own_accuses_nobody,
        after_a_pause_the_dead_are_found_all_the_same,
        evidence_hastens,
        evidence_waits_for_slow_answers,
        evidence_against_one_that_answers_is_nothing,
        packets_outweigh_evidence,
        evidence_after_suspicion_says_crashed,
        evidence_before_a_pause_of_our_own_is_asked_again,
        a_new_process_at_the_address_means_that_the_old_one_is_dead,
        a_late_heartbeat_of_an_old_process_changes_nothing,
        hundreds_of_peers_in_random_order,
        malformed_heartbeats_are_refused,
        a_watch_needs_its_memory,
    };
    return suite_run("detector", tests, SUITE_SIZE(tests));
}
