/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * On a network that loses nothing between living peers nothing is asked for: what is missing is on
 * its way. Until the network tells that a link has lost something, or a member has dropped packets
 * of a view that it was not in yet.
 */
#include "tests/unit/cluster.h"
#include "tests/unit/suite.h"

static struct cluster c;

static void start(unsigned members)
{
    cluster_init(&c);
    c.config.reliable = true;
    cluster_start(&c, members);
}

static uint64_t nacks(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < c.count; i++)
        sum += cluster_counters(&c, i)->nacks_sent;
    return sum;
}

static size_t wanted;

static bool all_have_it(const struct cluster *cluster)
{
    for (unsigned i = 0; i < cluster->count; i++)
        if (cluster->nodes[i].count < wanted)
            return false;
    return true;
}

/* Loses the first numbered packet from 0 to 2. */
static enum cluster_fate lose_one(void *ctx, const struct cluster_flight *flight)
{
    bool *done = ctx;
    if (*done || flight->from != 0 || flight->to != 2 || flight->packet.number == 0)
        return CLUSTER_PASS;
    *done = true;
    return CLUSTER_LOSE;
}

/* Each numbered packet from 0 to 2 comes long after its words in others' packets. */
static enum cluster_fate be_slow(void *ctx, const struct cluster_flight *flight)
{
    (void)ctx;
    return flight->from == 0 && flight->to == 2 ? CLUSTER_DELAY : CLUSTER_PASS;
}

START_TEST(what_is_on_its_way_is_not_asked_for)
{
    wanted = 0;
    start(3);
    uint64_t before = nacks();
    c.fate = be_slow;
    c.delay = 20 * MILLISECONDS;
    for (uint32_t n = 0; n < 20; n++) {
        for (unsigned i = 0; i < 3; i++)
            ck_assert_int_eq(cluster_say(&c, i, GCS_AGREED, n, 100), 0);
        wanted += 3;
        ck_assert(cluster_until(&c, all_have_it, 1000 * MILLISECONDS));
    }
    ck_assert_uint_eq(nacks(), before);
    ck_assert(cluster_agrees(&c));
    cluster_stop(&c);
}
END_TEST

START_TEST(nothing_is_asked_for_until_a_link_has_broken)
{
    bool lost = false;
    struct gcs_address zero = cluster_address(0);
    wanted = 0;
    start(3);
    uint64_t before = nacks();
    c.fate = lose_one;
    c.fate_ctx = &lost;
    for (uint32_t n = 0; n < 3; n++)
        ck_assert_int_eq(cluster_say(&c, 0, GCS_FIFO, n, 100), 0);
    wanted = 3;
    ck_assert(!cluster_until(&c, all_have_it, 500 * MILLISECONDS));
    ck_assert(lost);
    ck_assert_uint_eq(nacks(), before);
    gcs_core_unreachable(c.nodes[2].core, c.now, &zero);
    ck_assert(cluster_until(&c, all_have_it, 20 * MILLISECONDS));
    ck_assert_uint_gt(nacks(), before);
    cluster_stop(&c);
}
END_TEST

/* A network that promised too much: slower, but nobody waits for ever. */
START_TEST(a_loss_that_nobody_noticed_is_mended_as_well)
{
    bool lost = false;
    wanted = 0;
    start(3);
    c.fate = lose_one;
    c.fate_ctx = &lost;
    for (uint32_t n = 0; n < 3; n++)
        ck_assert_int_eq(cluster_say(&c, 0, GCS_AGREED, n, 100), 0);
    wanted = 3;
    ck_assert(cluster_until(&c, all_have_it, 3000 * MILLISECONDS));
    ck_assert(lost);
    cluster_stop(&c);
}
END_TEST

/* Packets of a view reach a member that is not in it yet, and are dropped. */
START_TEST(what_came_too_early_is_asked_for)
{
    cluster_init(&c);
    c.config.reliable = true;
    cluster_start(&c, 2);
    ck_assert_int_eq(cluster_open(&c, 2), 0);
    ck_assert_int_eq(cluster_join(&c, 2), 0);
    for (uint32_t n = 0; !cluster_is_view(&c, 3); n++) {
        ck_assert_uint_lt(n, 10000);
        (void)cluster_say(&c, n % 2, GCS_AGREED, n, 300);
        cluster_run(&c, MILLISECONDS / 10);
    }
    wanted = c.nodes[2].count + 6;
    for (uint32_t n = 0; n < 6; n++)
        ck_assert_int_eq(cluster_say(&c, n % 3, GCS_AGREED, n, 300), 0);
    ck_assert(cluster_until(&c, all_have_it, 100 * MILLISECONDS));
    cluster_stop(&c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_is_on_its_way_is_not_asked_for,
        nothing_is_asked_for_until_a_link_has_broken,
        a_loss_that_nobody_noticed_is_mended_as_well,
        what_came_too_early_is_asked_for,
    };
    return suite_run("core_reliable", tests, SUITE_SIZE(tests));
}
