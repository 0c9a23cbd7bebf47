/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Congestion is told to those who can do something about it, and answered by all
 * alike; chance losses are measured for each member, and answered by nobody.
 */
#include "tests/unit/cluster.h"
#include "tests/unit/suite.h"

static struct cluster c;

static uint64_t room(unsigned i)
{
    struct gcs_group_status status;
    gcs_core_group_status(c.nodes[i].group, &status);
    return status.window_bytes_now;
}

START_TEST(an_overflow_makes_all_windows_smaller_for_a_while)
{
    cluster_init(&c);
    cluster_start(&c, 3);
    uint64_t before = room(0);
    for (uint64_t total = 1; total <= 5; total++) /* within a moment: one answer to all of them */
        gcs_core_overflowed(c.nodes[2].core, total);
    cluster_round(&c, 2);
    cluster_run(&c, 5 * MILLISECONDS);
    ck_assert_uint_eq(cluster_counters(&c, 2)->congestion_told, 1);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(cluster_counters(&c, i)->window_cuts, 1);
        ck_assert_uint_eq(cluster_counters(&c, i)->congestion_heard, i < 2);
        ck_assert_uint_lt(room(i), before);
    }
    cluster_run(&c, 3000 * MILLISECONDS);
    ck_assert_uint_eq(cluster_counters(&c, 2)->congestion_told, 1);
    ck_assert_uint_eq(room(0), before);
    cluster_stop(&c);
}
END_TEST

static enum cluster_fate lose_some_from_1_to_2(void *ctx, const struct cluster_flight *flight)
{
    uint64_t *numbered = ctx;
    if (flight->from != 1 || flight->to != 2 || flight->packet.number == 0)
        return CLUSTER_PASS;
    return ++*numbered % 20 == 0 ? CLUSTER_LOSE : CLUSTER_PASS;
}

static uint64_t loss(unsigned at, uint16_t rank)
{
    struct gcs_member_status status;
    ck_assert_int_eq(gcs_core_member_status(c.nodes[at].group, c.now, rank, &status), 0);
    return status.loss_ppm;
}

START_TEST(chance_losses_are_measured_and_cut_nothing)
{
    uint64_t numbered = 0;
    cluster_init(&c);
    cluster_start(&c, 3);
    c.fate = lose_some_from_1_to_2;
    c.fate_ctx = &numbered;
    for (uint32_t n = 0; n < 3000; n++) {
        ck_assert_int_eq(cluster_say(&c, 1, GCS_AGREED, n, 1000), 0);
        cluster_run(&c, CLUSTER_LATENCY);
    }
    ck_assert_uint_gt(loss(2, c.nodes[1].rank), 30000);
    ck_assert_uint_lt(loss(2, c.nodes[1].rank), 70000);
    ck_assert_uint_eq(loss(0, c.nodes[1].rank), 0);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(cluster_counters(&c, i)->window_cuts, 0);
        ck_assert_uint_eq(cluster_counters(&c, i)->congestion_told, 0);
    }
    cluster_stop(&c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_overflow_makes_all_windows_smaller_for_a_while,
        chance_losses_are_measured_and_cut_nothing,
    };
    return suite_run("core_congestion", tests, SUITE_SIZE(tests));
}
