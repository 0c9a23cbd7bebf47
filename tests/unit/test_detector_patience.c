/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long is too long: never shorter than what was configured, longer where signs
 * of life come unevenly, and where it is we who are slow or deaf; never longer
 * than the maximum. A stop of 400 ms is no death at any moment.
 */
#include "gcs/wire/membership.h"
#include "tests/unit/suite.h"
#include "tests/unit/watchers.h"

/* How long a death takes to be found by node 0, from now on. */
static uint64_t time_to_find(int dead)
{
    uint64_t died = net.now, changes = net.nodes[0].changes;
    net.nodes[dead].stopped = true;
    while (net.nodes[0].changes == changes && net.now < died + 2 * WATCHERS_LONGEST)
        watchers_run(5 * MS);
    ck_assert_uint_gt(net.nodes[0].changes, changes);
    return net.nodes[0].changed_at - died;
}

START_TEST(a_stop_of_400_ms_is_no_death_whenever_it_begins)
{
    for (uint64_t phase = 0; phase < 200; phase += 7) {
        watchers_open_pair();
        for (int i = 0; i < 3; i++) {
            watchers_run(200 * MS + 900 * MS * (uint64_t)i + phase * MS);
            net.nodes[1].stopped = true;
            watchers_run(400 * MS);
            net.nodes[1].stopped = false;
        }
        ck_assert_uint_eq(net.nodes[0].changes, 0);
        watchers_close();
    }
}
END_TEST

/* ---- Many peers ------------------------------------------------------------------------- */

enum { MANY = 63, FEW = 8 };

/* Of one detector with that many peers, which all are heard and answer. */
static struct {
    struct gcs_detector *detector;
    uint64_t now, spoken;
    uint64_t last[MANY], longest; /* since we spoke to it; the longest silence of ours */
} crowd;

static void crowd_speak(void *ctx, const struct gcs_address *to, const uint8_t *body, size_t size)
{
    struct gcs_heartbeat heartbeat;
    unsigned i = 0;
    (void)ctx;
    ck_assert(gcs_heartbeat_read(body, size, &heartbeat));
    while (i < MANY - 1) {
        struct gcs_address address = watchers_address(i + 1);
        if (gcs_address_equal(&address, to))
            break;
        i++;
    }
    if (crowd.now - crowd.last[i] > crowd.longest)
        crowd.longest = crowd.now - crowd.last[i];
    crowd.last[i] = crowd.now;
    crowd.spoken++;
}

static void crowd_suspect(void *ctx, struct gcs_peer *peer, bool suspected, bool crashed)
{
    (void)ctx;
    (void)peer;
    (void)crashed;
    ck_assert(!suspected);
}

static void crowd_run(struct gcs_peer **peers, unsigned count, bool busy, uint64_t ns)
{
    for (uint64_t end = crowd.now + ns; crowd.now < end; crowd.now += MS) {
        for (unsigned i = 0; i < count; i++)
            if (crowd.now / MS % 40 == i % 40)
                gcs_detector_heard(crowd.detector, crowd.now, peers[i]);
        for (unsigned i = 0; i < count && busy;
             i++) /* by multicast, beside which heartbeats go on */
            gcs_detector_sent(crowd.detector, crowd.now, peers[i], false);
        gcs_detector_tick(crowd.detector, crowd.now);
    }
}

/* Heartbeats to each peer in ten seconds. */
static uint64_t beats(unsigned count, bool busy)
{
    struct gcs_detector_config config = {
        .process = 1,
        .heartbeat_ns = WATCHERS_HEARTBEAT,
        .suspect_ns = WATCHERS_SUSPECT,
        .suspect_max_ns = WATCHERS_LONGEST,
        .counters = &net.counters,
        .env = {.heartbeat = crowd_speak, .suspect = crowd_suspect}};
    struct gcs_peer *peers[MANY];
    watchers_open();
    config.allocator = &net.scarce.allocator;
    memset(&crowd, 0, sizeof(crowd));
    crowd.now = 10000 * MS;
    ck_assert_int_eq(gcs_detector_new(&config, &crowd.detector), 0);
    for (unsigned i = 0; i < count; i++) {
        struct gcs_address address = watchers_address(i + 1);
        peers[i] = gcs_detector_watch(crowd.detector, crowd.now, &address);
        ck_assert_ptr_nonnull(peers[i]);
    }
    crowd_run(peers, count, busy, 5000 * MS);
    crowd.longest = crowd.spoken = 0;
    crowd_run(peers, count, busy, 10000 * MS);
    gcs_detector_free(crowd.detector);
    watchers_close();
    return crowd.spoken / count;
}

START_TEST(many_peers_are_spoken_to_more_rarely_each)
{
    uint64_t few = beats(FEW, true);
    ck_assert_uint_le(crowd.longest, WATCHERS_HEARTBEAT + MS);
    uint64_t many = beats(MANY, true);
    ck_assert_uint_le(crowd.longest, WATCHERS_SUSPECT / 3 + MS);
    ck_assert_uint_le(3 * many, few + 3 * 6); /* and some questions */
    few = beats(FEW, false);
    ck_assert_uint_le(crowd.longest, WATCHERS_SUSPECT / 3 + MS);
    many = beats(MANY, false);
    ck_assert_uint_le(crowd.longest, WATCHERS_LONGEST / 3 + MS);
    ck_assert_uint_le(2 * many, few + 2 * 6);
}
END_TEST

START_TEST(after_steady_traffic_it_is_what_was_configured)
{
    watchers_open_pair();
    for (int i = 0; i < 5000; i++) {
        watchers_traffic(1, 0);
        watchers_run(MS);
    }
    uint64_t took = time_to_find(1);
    ck_assert_uint_ge(took, WATCHERS_SUSPECT - 2 * MS);
    ck_assert_uint_le(took, WATCHERS_SUSPECT + 10 * MS);
    watchers_close();
}
END_TEST

/* Node 1 is heard only every so often. */
static void live_unevenly(uint64_t gap, int times)
{
    for (int i = 0; i < times; i++) {
        net.cut[1][0] = true;
        watchers_run(gap);
        net.cut[1][0] = false;
        watchers_run(180 * MS);
    }
}

START_TEST(a_path_with_long_gaps_gets_more_time)
{
    watchers_open_pair();
    watchers_run(1000 * MS);
    live_unevenly(350 * MS, 20);
    ck_assert_uint_eq(net.nodes[0].changes, 0);
    live_unevenly(700 * MS, 20); /* longer than it would be given without */
    ck_assert_uint_eq(net.nodes[0].changes, 0);
    uint64_t took = time_to_find(1);
    ck_assert_uint_le(took, WATCHERS_LONGEST);
    watchers_close();
}
END_TEST

START_TEST(long_gaps_are_forgotten)
{
    watchers_open_pair();
    watchers_run(1000 * MS);
    live_unevenly(350 * MS, 20);
    watchers_run(10000 * MS);
    ck_assert_uint_le(time_to_find(1), WATCHERS_FOUND);
    watchers_close();
}
END_TEST

START_TEST(who_is_late_itself_is_patient_for_a_while)
{
    watchers_open_pair();
    watchers_run(1000 * MS);
    for (int i = 0; i < 5; i++) { /* too short for a pause, too long for a timer */
        net.nodes[0].stopped = true;
        watchers_run(230 * MS);
        net.nodes[0].stopped = false;
        watchers_run(20 * MS);
    }
    uint64_t strained = time_to_find(1);
    ck_assert_uint_gt(strained, WATCHERS_SUSPECT + 200 * MS);
    ck_assert_uint_le(strained, WATCHERS_LONGEST);
    net.nodes[1].stopped = false;
    watchers_run(10000 * MS);
    ck_assert_uint_le(time_to_find(1), WATCHERS_FOUND);
    watchers_close();
}
END_TEST

START_TEST(if_most_are_silent_it_may_be_us)
{
    watchers_open_group(5);
    watchers_run(1000 * MS);
    uint64_t cut = net.now;
    for (int i = 1; i < 5; i++)
        watchers_cut(0, i, true);
    watchers_run(WATCHERS_FOUND);
    ck_assert_uint_eq(net.nodes[0].changes, 0);
    /* It accuses nobody, but it does not count on them either. */
    ck_assert(gcs_peer_absent(net.nodes[0].detector, net.nodes[0].peers[1], net.now));
    ck_assert_uint_le(gcs_detector_deadline(net.nodes[0].detector), cut + WATCHERS_LONGEST);
    watchers_run(WATCHERS_LONGEST);
    ck_assert_uint_eq(net.nodes[0].changes, 4);
    ck_assert_uint_le(net.nodes[0].changed_at, cut + WATCHERS_LONGEST + WATCHERS_HEARTBEAT);
    for (int i = 1; i < 5; i++) { /* the others miss one of four, and are as quick as ever */
        ck_assert_uint_eq(net.nodes[i].changes, 1);
        ck_assert_uint_le(net.nodes[i].changed_at, cut + WATCHERS_FOUND);
    }
    watchers_close();
}
END_TEST

START_TEST(presence_ends_at_a_deadline)
{
    watchers_open_pair();
    watchers_run(1000 * MS);
    net.nodes[1].stopped = true;
    while (!gcs_peer_absent(net.nodes[0].detector, net.nodes[0].peers[1], net.now)) {
        uint64_t deadline = gcs_detector_deadline(net.nodes[0].detector);
        ck_assert(!gcs_peer_absent(net.nodes[0].detector, net.nodes[0].peers[1], deadline - 1));
        watchers_run(deadline > net.now ? deadline - net.now : 1);
    }
    watchers_close();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        many_peers_are_spoken_to_more_rarely_each,
        a_stop_of_400_ms_is_no_death_whenever_it_begins,
        after_steady_traffic_it_is_what_was_configured,
        a_path_with_long_gaps_gets_more_time,
        long_gaps_are_forgotten,
        who_is_late_itself_is_patient_for_a_while,
        if_most_are_silent_it_may_be_us,
        presence_ends_at_a_deadline,
    };
    return suite_run("detector_patience", tests, SUITE_SIZE(tests));
}
