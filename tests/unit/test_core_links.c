/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bad links: two members that do not hear each other, while others hear both. The
 * group settles in bounded time on members that all hear each other, and then rests;
 * one that comes back and is lost again and again is let in more and more rarely.
 */
#include "tests/unit/cluster.h"
#include "tests/unit/suite.h"

static struct cluster c;
static bool cut[CLUSTER_MAX][CLUSTER_MAX];

static enum cluster_fate links(void *ctx, const struct cluster_flight *flight)
{
    (void)ctx;
    return cut[flight->from][flight->to] ? CLUSTER_LOSE : CLUSTER_PASS;
}

static void cut_link(unsigned a, unsigned b, bool bad)
{
    cut[a][b] = cut[b][a] = bad;
}

/* Everybody speaks; who was excluded comes back at once. */
static void live(uint64_t ns)
{
    static uint32_t n;
    for (uint64_t end = c.now + ns; c.now < end;) {
        for (unsigned i = 0; i < c.count; i++) {
            if (!c.nodes[i].group)
                cluster_join(&c, i);
            else
                cluster_say(&c, i, GCS_AGREED, n, 100);
        }
        n++;
        cluster_run(&c, 20 * MILLISECONDS);
    }
}

/* Starts a group whose members are all busy. */
static void start(unsigned count)
{
    memset(cut, 0, sizeof(cut));
    cluster_init(&c);
    cluster_start(&c, count);
    c.fate = links;
    live(1000 * MILLISECONDS);
}

/* Who is in the group, by the view of node 0, is in touch with everybody. */
static void expect_progress(void)
{
    size_t before = c.nodes[0].count;
    live(1000 * MILLISECONDS);
    ck_assert(c.nodes[0].primary);
    ck_assert_uint_ge(c.nodes[0].count, before + (size_t)40 * c.nodes[0].members);
}

static const struct {
    unsigned members, a, b;
    bool both;
} bad_links[] = {
    {3, 0, 2, true},  {3, 0, 1, true},  {3, 1, 2, true}, {3, 0, 2, false}, {3, 2, 0, false},
    {3, 1, 2, false}, {3, 2, 1, false}, {5, 0, 4, true}, {5, 1, 3, true},  {5, 3, 1, false},
};

START_TEST(a_group_settles_without_a_bad_link_and_rests)
{
    for (size_t i = 0; i < SUITE_SIZE(bad_links); i++) {
        unsigned members = bad_links[i].members;
        start(members);
        cut[bad_links[i].a][bad_links[i].b] = true;
        cut[bad_links[i].b][bad_links[i].a] = bad_links[i].both;
        live(3000 * MILLISECONDS); /* suspicion, bearing it, waiting for others, a ballot */
        ck_assert_uint_gt(c.nodes[0].epoch, members);
        live(20000 * MILLISECONDS);
        unsigned views = c.nodes[0].views;
        live(30000 * MILLISECONDS);
        ck_assert_uint_le(c.nodes[0].views, views + 2 * 4); /* in and out again, ever more rarely */
        ck_assert_uint_ge(c.nodes[0].members, members - 1);
        expect_progress();
        cluster_stop(&c);
    }
}
END_TEST

START_TEST(who_has_the_most_bad_links_goes)
{
    start(5);
    cut_link(1, 3, true);
    cut_link(1, 4, true);
    live(3000 * MILLISECONDS);
    ck_assert_uint_ge(c.nodes[1].left, 1);
    ck_assert_uint_eq(c.nodes[3].left + c.nodes[4].left, 0);
    cluster_stop(&c);
}
END_TEST

START_TEST(a_link_that_mends_lets_everybody_in_again)
{
    start(3);
    cut_link(0, 2, true);
    live(5000 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[0].members, 2);
    cut_link(0, 2, false);
    live(20000 * MILLISECONDS); /* at most the longest hold */
    ck_assert_uint_eq(c.nodes[0].members, 3);
    unsigned views = c.nodes[0].views;
    live(10000 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[0].views, views);
    cluster_stop(&c);
}
END_TEST

START_TEST(who_hears_no_quorum_complains_of_nobody)
{
    start(5);
    for (unsigned i = 1; i < 5; i++) /* node 0 is deaf, and speaks */
        cut[i][0] = true;
    live(4000 * MILLISECONDS);
    for (unsigned i = 1; i < 5; i++) {
        ck_assert_uint_eq(c.nodes[i].left, 0);
        ck_assert_uint_eq(c.nodes[i].members, 4);
    }
    cluster_stop(&c);
}
END_TEST

/* Everybody hears it, so that nobody misses it, and it acknowledges nothing. */
START_TEST(who_is_deaf_does_not_stop_the_group)
{
    for (unsigned deaf = 1; deaf < 4; deaf++) {
        start(4);
        for (unsigned i = 0; i < 4; i++)
            cut[i][deaf] = i != deaf;
        live(4000 * MILLISECONDS);
        ck_assert_uint_eq(c.nodes[0].members, 3);
        ck_assert(!c.nodes[deaf].primary);
        expect_progress();
        cluster_stop(&c);
    }
}
END_TEST

START_TEST(a_flapping_link_costs_ever_fewer_views)
{
    start(3);
    unsigned views[2] = {0, 0};
    for (int half = 0; half < 2; half++) {
        unsigned before = c.nodes[0].views;
        for (int i = 0; i < 10; i++) {
            for (unsigned k = 0; k < 2; k++)
                cut_link(k, 2, true);
            live(1500 * MILLISECONDS);
            for (unsigned k = 0; k < 2; k++)
                cut_link(k, 2, false);
            live(1500 * MILLISECONDS);
        }
        views[half] = c.nodes[0].views - before;
    }
    ck_assert_uint_gt(views[0], 4);
    ck_assert_uint_le(views[1], 6);
    cluster_stop(&c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_group_settles_without_a_bad_link_and_rests, who_has_the_most_bad_links_goes,
        a_link_that_mends_lets_everybody_in_again,    who_hears_no_quorum_complains_of_nobody,
        who_is_deaf_does_not_stop_the_group,          a_flapping_link_costs_ever_fewer_views,
    };
    return suite_run("core_links", tests, SUITE_SIZE(tests));
}
