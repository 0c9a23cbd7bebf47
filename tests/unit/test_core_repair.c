/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loss, duplication and disorder: one short life of a group (founding, joining,
 * traffic of all services, leaving, a death) is lived again and again, each time
 * with another one of its packets lost, doubled or late; then with many of them.
 */
#include "gcs/base/prng.h"
#include "tests/unit/cluster.h"
#include "tests/unit/suite.h"

static struct cluster c;

/* ---- One life --------------------------------------------------------------------------- */

enum { EACH = 40 };

static bool one_is_in(const struct cluster *cluster)
{
    return cluster_is_view(cluster, 1);
}

static bool two_are_in(const struct cluster *cluster)
{
    return cluster_is_view(cluster, 2);
}

static bool three_are_in(const struct cluster *cluster)
{
    return cluster_is_view(cluster, 3);
}

static unsigned expected; /* messages at everybody */

static bool all_is_delivered(const struct cluster *cluster)
{
    for (unsigned i = 0; i < cluster->count; i++)
        if (cluster->nodes[i].group && !cluster->nodes[i].down &&
            cluster->nodes[i].count < expected)
            return false;
    return true;
}

static void found_and_join(void)
{
    static bool (*const in[])(const struct cluster *) = {one_is_in, two_are_in, three_are_in};
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(cluster_open(&c, i), 0);
        ck_assert_int_eq(cluster_join(&c, i), 0);
        ck_assert(cluster_until(&c, in[i], 10000 * MILLISECONDS));
    }
}

/* Everybody says EACH messages, and hears all. */
static void talk(unsigned from, unsigned to)
{
    static const enum gcs_service services[] = {GCS_AGREED, GCS_SAFE, GCS_AGREED, GCS_FIFO};
    for (uint32_t n = 0; n < EACH; n++)
        for (unsigned i = from; i <= to; i++) {
            size_t size = n == 11 ? 4000 : 500;
            ck_assert_int_eq(cluster_say(&c, i, services[n / 10], n, size), 0);
            cluster_run(&c, CLUSTER_LATENCY / 3);
        }
    expected += EACH * (to - from + 1);
    ck_assert(cluster_until(&c, all_is_delivered, 10000 * MILLISECONDS));
}

static bool second_is_out(const struct cluster *cluster)
{
    return cluster->nodes[1].left > 0;
}

static void live(void)
{
    expected = 0;
    found_and_join();
    for (unsigned i = 0; i < 3; i++) /* those who came late have not heard what was said before */
        ck_assert_uint_eq(c.nodes[i].count, 0);
    talk(0, 2);
    ck_assert_int_eq(gcs_core_leave(c.nodes[1].group, c.now), 0);
    ck_assert(cluster_until(&c, second_is_out, 15000 * MILLISECONDS));
    ck_assert_int_eq(c.nodes[1].error, 0);
    c.nodes[1].down = true;
    ck_assert(cluster_until(&c, two_are_in, 15000 * MILLISECONDS));
    for (uint32_t n = 0; n < EACH; n++) {
        ck_assert_int_eq(cluster_say(&c, 0, GCS_SAFE, n, 500), 0);
        ck_assert_int_eq(cluster_say(&c, 2, GCS_SAFE, n, 500), 0);
    }
    expected += 2 * EACH;
    ck_assert(cluster_until(&c, all_is_delivered, 10000 * MILLISECONDS));
}

/* What was told, without FIFO messages, is one sequence; nothing twice. */
static void check_life(void)
{
    for (unsigned i = 0; i < 3; i += 2) {
        struct cluster_node *node = &c.nodes[i];
        size_t total = 0;
        ck_assert_uint_eq(node->count, expected);
        for (size_t k = 0; k < node->count; k++) {
            struct cluster_message message = node->messages[k];
            if (message.service == GCS_FIFO)
                free(message.data);
            else
                node->messages[total++] = message;
        }
        node->count = total;
    }
    ck_assert(cluster_agrees(&c));
}

/* ---- One packet ----------------------------------------------------------------------------- */

struct victim {
    uint64_t serial;
    enum cluster_fate fate;
    bool met;
    bool numbered;
};

static enum cluster_fate strike(void *ctx, const struct cluster_flight *flight)
{
    struct victim *victim = ctx;
    if (flight->serial != victim->serial)
        return CLUSTER_PASS;
    victim->met = true;
    victim->numbered = flight->packet.number > 0;
    return victim->fate;
}

static void check_each_packet(enum cluster_fate fate, uint64_t step)
{
    struct victim victim = {.fate = fate, .met = true};
    unsigned numbered = 0;
    for (uint64_t serial = 0; victim.met; serial += step) {
        victim = (struct victim){.serial = serial, .fate = fate};
        cluster_init(&c);
        c.fate = strike;
        c.fate_ctx = &victim;
        live();
        check_life();
        numbered += victim.numbered;
        cluster_stop(&c);
    }
    ck_assert_uint_gt(numbered, 100 / step);
}

START_TEST(any_one_packet_may_be_lost)
{
    check_each_packet(CLUSTER_LOSE, 1);
}
END_TEST

START_TEST(any_one_packet_may_come_twice)
{
    check_each_packet(CLUSTER_DOUBLE, 3);
}
END_TEST

START_TEST(any_one_packet_may_come_late)
{
    check_each_packet(CLUSTER_DELAY, 3);
}
END_TEST

/* ---- What a repair costs -----------------------------------------------------------------------
 */

static enum cluster_fate lose_first_data(void *ctx, const struct cluster_flight *flight)
{
    bool *lost = ctx;
    if (*lost || flight->packet.payload_size == 0 || flight->to != 2)
        return CLUSTER_PASS;
    *lost = true;
    return CLUSTER_LOSE;
}

START_TEST(a_lost_packet_is_asked_for_once_and_repeated_once)
{
    bool lost = false;
    cluster_init(&c);
    cluster_start(&c, 3);
    c.fate = lose_first_data;
    c.fate_ctx = &lost;
    for (uint32_t n = 0; n < 30; n++) {
        ck_assert_int_eq(cluster_say(&c, 1, GCS_AGREED, n, 1000), 0);
        cluster_run(&c, CLUSTER_LATENCY);
    }
    cluster_run(&c, 20 * MILLISECONDS);
    ck_assert(lost);
    ck_assert_uint_eq(c.nodes[2].count, 30);
    ck_assert_uint_eq(cluster_counters(&c, 2)->nacks_sent, 1);
    ck_assert_uint_eq(cluster_counters(&c, 1)->nacks_received, 1);
    ck_assert_uint_eq(cluster_counters(&c, 1)->repairs_sent, 1);
    ck_assert_uint_eq(cluster_counters(&c, 2)->repairs_received, 1);
    ck_assert_uint_eq(cluster_counters(&c, 0)->repairs_sent, 0);
    cluster_stop(&c);
}
END_TEST

START_TEST(the_last_packet_of_all_is_missed_soon)
{
    bool lost = false;
    cluster_init(&c);
    cluster_start(&c, 3);
    c.fate = lose_first_data;
    c.fate_ctx = &lost;
    ck_assert_int_eq(cluster_say(&c, 1, GCS_FIFO, 0, 100), 0); /* nothing follows it */
    cluster_run(&c, 20 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[2].count, 1);
    cluster_stop(&c);
}
END_TEST

static enum cluster_fate lose_from_1_to_2(void *ctx, const struct cluster_flight *flight)
{
    (void)ctx;
    return flight->from == 1 && flight->to == 2 && flight->packet.number > 0 ? CLUSTER_LOSE
                                                                             : CLUSTER_PASS;
}

/* Whoever holds a packet can repeat it: here the sender's own repairs never arrive. */
START_TEST(others_repair_what_the_sender_cannot)
{
    cluster_init(&c);
    cluster_start(&c, 3);
    c.fate = lose_from_1_to_2;
    for (uint32_t n = 0; n < 20; n++) {
        ck_assert_int_eq(cluster_say(&c, 1, GCS_AGREED, n, 1000), 0);
        cluster_run(&c, CLUSTER_LATENCY);
    }
    cluster_run(&c, 400 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[2].count, 20);
    ck_assert_uint_gt(cluster_counters(&c, 0)->repairs_sent, 0);
    ck_assert(cluster_is_view(&c, 3));
    cluster_stop(&c);
}
END_TEST

static enum cluster_fate double_all(void *ctx, const struct cluster_flight *flight)
{
    uint64_t *numbered = ctx;
    numbered[flight->to] += flight->packet.number > 0;
    return CLUSTER_DOUBLE;
}

START_TEST(duplicates_are_counted_and_dropped)
{
    uint64_t numbered[3] = {0};
    cluster_init(&c);
    cluster_start(&c, 3);
    c.fate = double_all;
    c.fate_ctx = numbered;
    for (uint32_t n = 0; n < 300; n++) {
        ck_assert_int_eq(cluster_say(&c, n % 3, GCS_AGREED, n / 3, 400), 0);
        cluster_run(&c, CLUSTER_LATENCY / 2);
    }
    cluster_run(&c, 100 * MILLISECONDS);
    ck_assert(cluster_agrees(&c));
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(c.nodes[i].count, 300);
        ck_assert_uint_eq(cluster_counters(&c, i)->dropped_duplicate, numbered[i]);
        ck_assert_uint_eq(cluster_counters(&c, i)->repairs_sent, 0);
    }
    cluster_stop(&c);
}
END_TEST

/* ---- Many packets
 * --------------------------------------------------------------------------------- */

struct weather {
    struct gcs_prng prng;
    uint32_t lose, twice, late; /* parts in a million */
};

static enum cluster_fate blow(void *ctx, const struct cluster_flight *flight)
{
    struct weather *weather = ctx;
    (void)flight;
    if (gcs_prng_chance(&weather->prng, weather->lose))
        return CLUSTER_LOSE;
    if (gcs_prng_chance(&weather->prng, weather->twice))
        return CLUSTER_DOUBLE;
    return gcs_prng_chance(&weather->prng, weather->late) ? CLUSTER_DELAY : CLUSTER_PASS;
}

START_TEST(a_life_in_bad_weather)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct weather weather;
        gcs_prng_init(&weather.prng, seed);
        weather.lose = (uint32_t)gcs_prng_below(&weather.prng, 200000);
        weather.twice = (uint32_t)gcs_prng_below(&weather.prng, 300000);
        weather.late = (uint32_t)gcs_prng_below(&weather.prng, 300000);
        cluster_init(&c);
        c.config.suspect_ns = 3000 * MILLISECONDS; /* nobody is taken for dead */
        c.fate = blow;
        c.fate_ctx = &weather;
        live();
        check_life();
        cluster_stop(&c);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        any_one_packet_may_be_lost,
        any_one_packet_may_come_twice,
        any_one_packet_may_come_late,
        a_lost_packet_is_asked_for_once_and_repeated_once,
        the_last_packet_of_all_is_missed_soon,
        others_repair_what_the_sender_cannot,
        duplicates_are_counted_and_dropped,
        a_life_in_bad_weather,
    };
    return suite_run("core_repair", tests, SUITE_SIZE(tests));
}
