/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A member whose application takes nothing: the others are told who and for how
 * long, wait for it without limit and without growing, or evict it if so configured.
 */
#include "tests/unit/cluster.h"
#include "tests/unit/suite.h"

enum { SIZE = 1000, SLOW = 500, WINDOW = 64 << 10 };

static struct cluster c;
static uint64_t waited;
static unsigned named; /* the node that the last event named */

static void watch(struct cluster_node *node, const struct gcs_core_event *event)
{
    (void)node;
    if (event->type != GCS_EVENT_SLOW)
        return;
    ck_assert_uint_ge(event->waited_ms, SLOW);
    waited = event->waited_ms;
    for (unsigned i = 0; i < c.count; i++) {
        struct gcs_address address = cluster_address(i);
        if (memcmp(&event->sender->address, &address, sizeof(address)) == 0)
            named = i;
    }
}

static void start(uint64_t evict_ms)
{
    cluster_init(&c);
    c.group_config.slow_ns = SLOW * MILLISECONDS;
    c.group_config.evict_slow_ns = evict_ms * MILLISECONDS;
    c.group_config.window_bytes = WINDOW;
    c.group_config.queue_bytes = WINDOW;
    c.watch = watch;
    waited = 0;
    named = CLUSTER_MAX;
    cluster_start(&c, 3);
}

/* Both that are well say as much as they may. */
static void talk(void)
{
    for (unsigned round = 0; round < 1000; round++) {
        (void)cluster_say(&c, 0, GCS_AGREED, round, SIZE);
        (void)cluster_say(&c, 1, GCS_AGREED, round, SIZE);
        cluster_run(&c, MILLISECONDS / 10);
    }
}

START_TEST(the_others_are_told_who_it_is)
{
    start(0);
    c.nodes[2].hold = true;
    talk();
    cluster_run(&c, 3000 * MILLISECONDS);
    ck_assert_uint_eq(named, 2);
    ck_assert_uint_ge(waited, 2000);
    ck_assert_uint_ge(c.nodes[0].slow, 2);
    ck_assert_uint_le(c.nodes[0].slow, 4);
    ck_assert_uint_eq(c.nodes[1].slow, c.nodes[0].slow);
    ck_assert_uint_eq(c.nodes[2].slow, 0);
    ck_assert_uint_eq(c.nodes[0].members, 3); /* and wait for it */
    cluster_give_back(&c, 2);
    cluster_run(&c, 1000 * MILLISECONDS);
    unsigned told = c.nodes[0].slow;
    cluster_run(&c, 3000 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[0].slow, told);
    ck_assert(cluster_agrees(&c));
    cluster_stop(&c);
}
END_TEST

START_TEST(nobodys_memory_grows)
{
    start(0);
    c.nodes[2].hold = true;
    talk();
    uint64_t live[3];
    for (unsigned i = 0; i < 3; i++)
        live[i] = c.nodes[i].memory.live;
    talk();
    talk();
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_le(c.nodes[i].memory.live, live[i] + 8);
    ck_assert_uint_gt(cluster_counters(&c, 0)->window_full, 0);
    cluster_give_back(&c, 2);
    cluster_stop(&c);
}
END_TEST

static bool two_are_left(const struct cluster *cluster)
{
    return cluster->nodes[0].members == 2 && cluster->nodes[1].members == 2;
}

START_TEST(it_is_evicted_after_its_time)
{
    start(1500);
    c.nodes[2].hold = true;
    talk();
    cluster_run(&c, 1200 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[0].members, 3);
    ck_assert(cluster_until(&c, two_are_left, 5000 * MILLISECONDS));
    ck_assert_uint_eq(c.nodes[0].left_count, 1);
    ck_assert_int_eq(c.nodes[0].reasons[0], GCS_REASON_EVICTED);
    cluster_give_back(&c, 2);
    cluster_run(&c, 1000 * MILLISECONDS);
    cluster_stop(&c);
}
END_TEST

START_TEST(who_has_nothing_to_do_is_not_slow)
{
    start(1500);
    talk();
    cluster_run(&c, 10000 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[0].slow + c.nodes[1].slow + c.nodes[2].slow, 0);
    ck_assert_uint_eq(c.nodes[0].members, 3);
    cluster_stop(&c);
}
END_TEST

START_TEST(patience_without_end_says_nothing)
{
    start(0);
    cluster_stop(&c);
    cluster_init(&c);
    c.group_config.slow_ns = 0;
    cluster_start(&c, 3);
    c.nodes[2].hold = true;
    talk();
    cluster_run(&c, 20000 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[0].slow + c.nodes[1].slow, 0);
    cluster_give_back(&c, 2);
    cluster_stop(&c);
}
END_TEST

/* Half-empty packets wait for company while enough of them are on their way: but not until the
 * application takes those, which it may only do when all have come. */
START_TEST(who_takes_nothing_is_heard_nevertheless)
{
    start(0);
    c.nodes[2].hold = true;
    for (unsigned round = 0; round < 20; round++) {
        ck_assert_int_eq(cluster_say(&c, 2, GCS_FIFO, round, 4), 0);
        cluster_run(&c, MILLISECONDS);
    }
    cluster_run(&c, 100 * MILLISECONDS);
    ck_assert_uint_eq(cluster_counters(&c, 0)->messages_delivered, 20);
    cluster_give_back(&c, 2);
    cluster_stop(&c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_others_are_told_who_it_is,     nobodys_memory_grows,
        it_is_evicted_after_its_time,      who_has_nothing_to_do_is_not_slow,
        patience_without_end_says_nothing, who_takes_nothing_is_heard_nevertheless,
    };
    return suite_run("slow members", tests, SUITE_SIZE(tests));
}
