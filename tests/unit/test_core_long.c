/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Long messages, for which memory is asked before they are sent: within the bound at every member,
 * whoever sends at once; beside the messages of others; whole or not at all when the view changes
 * in the middle.
 */
/* ctest-timeout: 240 */
#include "tests/unit/cluster.h"
#include "tests/unit/suite.h"

#include <gcs/status.h>

enum { LONG = 5 << 20, LONGER = 32 << 20, HUGE_LONG = 64 << 20, SMALL = 200 };

static struct cluster c;
static uint64_t most_assembled; /* of all nodes, as events came */
static unsigned small_before;   /* small messages that came to node 2 before a long one */
static bool long_came;

static uint64_t assembled(unsigned i)
{
    struct gcs_group_status status;
    gcs_core_group_status(c.nodes[i].group, &status);
    return status.assembly_bytes;
}

static void watch(struct cluster_node *node, const struct gcs_core_event *event)
{
    for (unsigned i = 0; i < c.count; i++)
        if (c.nodes[i].group && !c.nodes[i].down && assembled(i) > most_assembled)
            most_assembled = assembled(i);
    if (event->type != GCS_EVENT_DELIVER || node != &c.nodes[2])
        return;
    long_came |= event->payload_size > LONG / 2;
    small_before += long_came ? 0 : event->count;
}

static void start(unsigned members, uint64_t assembly_bytes)
{
    cluster_init(&c);
    c.config.packet_bytes = 9000;
    c.config.assembly_bytes = assembly_bytes;
    c.group_config.message_bytes = HUGE_LONG;
    c.group_config.queue_bytes = 128 << 20;
    if (c.group_config.message_bytes > assembly_bytes)
        c.group_config.message_bytes = (uint32_t)assembly_bytes;
    c.watch = watch;
    most_assembled = small_before = 0;
    long_came = false;
    cluster_start(&c, members);
}

static void expect_all(unsigned messages)
{
    for (unsigned i = 0; i < c.count; i++) {
        if (c.nodes[i].down)
            continue;
        ck_assert_uint_eq(c.nodes[i].count, messages);
        ck_assert_uint_eq(assembled(i), 0);
        ck_assert_uint_eq(cluster_counters(&c, i)->dropped_malformed, 0);
    }
    ck_assert(cluster_agrees(&c));
}

static const enum gcs_service services[] = {GCS_UNORDERED, GCS_FIFO, GCS_CAUSAL, GCS_AGREED,
                                            GCS_SAFE};

START_TEST(a_long_message_of_any_service_arrives)
{
    for (unsigned order = GCS_ORDER_SEQUENCER; order <= GCS_ORDER_LAMPORT; order++) {
        cluster_init(&c);
        c.group_config.order = order;
        c.group_config.queue_bytes = 16 << 20;
        cluster_start(&c, 3);
        for (uint32_t i = 0; i < SUITE_SIZE(services); i++)
            ck_assert_int_eq(cluster_say(&c, 1, services[i], i, LONG / 4 + i), 0);
        cluster_run(&c, 2000 * MILLISECONDS);
        for (unsigned i = 0; i < 3; i++)
            ck_assert_uint_eq(c.nodes[i].count, SUITE_SIZE(services));
        ck_assert_uint_eq(cluster_counters(&c, 1)->long_messages, SUITE_SIZE(services));
        cluster_stop(&c);
    }
}
END_TEST

/* One in 200 us of node 1's, while node 0's 32 MiB are under way; nobody is suspected meanwhile. */
START_TEST(small_messages_of_others_go_on_beside)
{
    unsigned said = 0;
    start(3, UINT64_C(1) << 30);
    ck_assert_int_eq(cluster_say(&c, 0, GCS_AGREED, 0, LONGER), 0);
    while (!long_came && said < 10000) {
        ck_assert_int_eq(cluster_say(&c, 1, said % 2 ? GCS_AGREED : GCS_SAFE, said, SMALL), 0);
        said++;
        cluster_run(&c, 2 * CLUSTER_LATENCY);
    }
    ck_assert(long_came);
    ck_assert_uint_ge(said, 30);                      /* it took its time, ... */
    ck_assert_uint_ge(small_before, said - said / 4); /* ... in which most of them came */
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(cluster_counters(&c, i)->suspicions, 0);
    cluster_run(&c, 1000 * MILLISECONDS);
    expect_all(said + 1);
    cluster_stop(&c);
}
END_TEST

static unsigned asked_when_it_came; /* long messages that were announced when the first one came */

static void watch_first(struct cluster_node *node, const struct gcs_core_event *event)
{
    if (event->type == GCS_EVENT_DELIVER && node == &c.nodes[1] && event->number == 1)
        asked_when_it_came = (unsigned)cluster_counters(&c, 0)->long_messages;
}

/* The answer to the announcement of the next one comes while the one before is sent. */
START_TEST(a_row_of_them_does_not_wait_for_each_answer)
{
    start(3, UINT64_C(1) << 30);
    c.watch = watch_first;
    asked_when_it_came = 0;
    for (uint32_t n = 0; n < 4; n++) {
        ck_assert_int_eq(cluster_say(&c, 0, services[n], n, LONG), 0);
        ck_assert_int_eq(cluster_say(&c, 0, GCS_FIFO, n, SMALL), 0);
    }
    cluster_run(&c, 10000 * MILLISECONDS);
    ck_assert_uint_ge(asked_when_it_came, 2);
    ck_assert_uint_le(asked_when_it_came, 3); /* one comes, one goes, and one waits, but no more */
    ck_assert_uint_eq(cluster_counters(&c, 0)->long_messages, 4);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(c.nodes[i].count, 8);
    cluster_stop(&c);
}
END_TEST

/* One that is alone sends to itself as fast as it likes, and nevertheless lets others have their
 * turn. */
START_TEST(a_member_alone_does_not_send_all_of_it_in_one_round)
{
    start(1, UINT64_C(1) << 30);
    uint64_t rounds = c.rounds;
    ck_assert_int_eq(cluster_say(&c, 0, GCS_AGREED, 0, HUGE_LONG), 0);
    cluster_run(&c, MILLISECONDS);
    ck_assert_uint_ge(c.rounds, rounds + 4);
    expect_all(1);
    cluster_stop(&c);
}
END_TEST

/* Everybody at once, in orders that do not agree with each other, and memory for one only. */
START_TEST(senders_wait_for_memory_and_all_get_through)
{
    enum { EACH = 4, MEMBERS = 4 };
    start(MEMBERS, LONG);
    for (uint32_t n = 0; n < EACH; n++)
        for (unsigned i = 0; i < MEMBERS; i++)
            ck_assert_int_eq(
                cluster_say(&c, i, services[(n + i) % 5], n, LONG / 2 + (LONG / 9) * n), 0);
    cluster_run(&c, 20000 * MILLISECONDS);
    ck_assert_uint_le(most_assembled, LONG);
    uint64_t waits = 0;
    for (unsigned i = 0; i < MEMBERS; i++) {
        ck_assert_uint_eq(c.nodes[i].count, EACH * MEMBERS);
        ck_assert_uint_eq(assembled(i), 0);
        waits += cluster_counters(&c, i)->long_waits;
    }
    ck_assert_uint_gt(waits, 0);
    cluster_stop(&c);
}
END_TEST

/* The application of one member keeps what it got: no more comes, and nobody's memory grows. */
START_TEST(what_the_application_has_counts)
{
    start(3, 2 * LONG);
    c.nodes[2].hold = true;
    for (uint32_t n = 0; n < 6; n++)
        (void)cluster_say(&c, n % 2, GCS_AGREED, n, LONG / 2 + LONG / 4);
    cluster_run(&c, 5000 * MILLISECONDS);
    ck_assert_uint_le(most_assembled, 2 * LONG);
    ck_assert_uint_eq(c.nodes[2].count, 2);
    ck_assert_uint_gt(cluster_counters(&c, 2)->long_waits, 0);
    cluster_give_back(&c, 2);
    cluster_run(&c, 5000 * MILLISECONDS);
    expect_all(6);
    ck_assert_uint_le(most_assembled, 2 * LONG);
    cluster_stop(&c);
}
END_TEST

/* ---- The view changes in the middle ------------------------------------------------------------
 */

static unsigned last_packets; /* how many packets of the sender get through before it dies */

static enum cluster_fate only_some(void *ctx, const struct cluster_flight *flight)
{
    (void)ctx;
    if (flight->from != 0 || flight->packet.number == 0)
        return CLUSTER_PASS;
    if (last_packets == 0)
        c.nodes[0].down = true;
    last_packets -= last_packets > 0;
    return c.nodes[0].down ? CLUSTER_LOSE : CLUSTER_PASS;
}

static bool two_are_left(const struct cluster *cluster)
{
    return cluster->nodes[1].members == 2 && cluster->nodes[2].members == 2;
}

START_TEST(pieces_of_a_dead_sender_are_let_go_of)
{
    start(3, LONG);
    last_packets = 300;
    c.fate = only_some;
    ck_assert_int_eq(cluster_say(&c, 0, GCS_FIFO, 0, LONG), 0);
    ck_assert(cluster_until(&c, two_are_left, 5000 * MILLISECONDS));
    ck_assert(c.nodes[0].down);
    ck_assert_uint_eq(most_assembled, LONG);
    expect_all(0);
    ck_assert_int_eq(cluster_say(&c, 1, GCS_FIFO, 0, LONG), 0);
    cluster_run(&c, 1000 * MILLISECONDS);
    expect_all(1);
    cluster_stop(&c);
}
END_TEST

static bool four_are_in(const struct cluster *cluster)
{
    return cluster_is_view(cluster, 4);
}

/* Another member joins: what was begun is sent whole in its view, under the same number, once. */
START_TEST(a_message_that_was_begun_is_sent_whole_in_the_next_view)
{
    start(3, UINT64_C(1) << 30);
    c.count = 4;
    ck_assert_int_eq(cluster_open(&c, 3), 0);
    ck_assert_int_eq(cluster_say(&c, 0, GCS_AGREED, 0, SMALL), 0);
    ck_assert_int_eq(cluster_say(&c, 0, GCS_AGREED, 1, LONGER), 0);
    ck_assert_int_eq(cluster_say(&c, 0, GCS_AGREED, 2, SMALL), 0);
    cluster_run(&c, 2 * MILLISECONDS);
    ck_assert_uint_eq(assembled(1), LONGER);
    uint32_t epoch = c.nodes[1].epoch;
    ck_assert_int_eq(cluster_join(&c, 3), 0);
    ck_assert(cluster_until(&c, four_are_in, 5000 * MILLISECONDS));
    ck_assert_uint_eq(c.nodes[1].count, 1);
    cluster_run(&c, 5000 * MILLISECONDS);
    for (unsigned i = 0; i < 4; i++) {
        const struct cluster_node *node = &c.nodes[i];
        const struct cluster_message *whole = &node->messages[i == 3 ? 0 : 1];
        ck_assert_uint_eq(node->count, i == 3 ? 2 : 3);
        ck_assert_uint_eq(whole->number, 2);
        ck_assert_uint_eq(whole->size, LONGER);
        ck_assert_uint_gt(whole->epoch, epoch);
        ck_assert_uint_eq(assembled(i), 0);
    }
    cluster_stop(&c);
}
END_TEST

/* ---- Messages to one member
 * ---------------------------------------------------------------------- */

START_TEST(a_long_message_to_one_member_waits_for_memory_too)
{
    start(3, LONG);
    c.nodes[2].hold = true;
    c.nodes[2].keep_privates = true;
    struct gcs_member_id to = gcs_core_view(c.nodes[0].group)->members[c.nodes[2].rank].id;
    uint8_t *data = calloc(1, LONG);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(gcs_core_send(c.nodes[i].group, c.now, &to, data, LONG - i), 0);
        cluster_round(&c, i);
    }
    cluster_run(&c, 2000 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[2].count, 1);
    ck_assert_uint_le(most_assembled, LONG);
    cluster_give_back(&c, 2);
    cluster_run(&c, 2000 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[2].count, 2);
    ck_assert_uint_le(most_assembled, LONG);
    ck_assert_uint_eq(assembled(2), 0);
    free(data);
    cluster_stop(&c);
}
END_TEST

/* Without memory for it a member does not promise any, and its membership goes on. */
START_TEST(a_member_without_memory_makes_the_sender_wait)
{
    start(3, UINT64_C(1) << 30);
    c.nodes[2].memory.most = LONG / 2;
    ck_assert_int_eq(cluster_say(&c, 0, GCS_AGREED, 0, LONG), 0);
    ck_assert_int_eq(cluster_say(&c, 1, GCS_AGREED, 1, SMALL), 0);
    cluster_run(&c, 2000 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[2].count, 1);
    ck_assert_uint_eq(c.nodes[0].members, 3);
    c.nodes[2].memory.most = 0;
    cluster_run(&c, 2000 * MILLISECONDS);
    expect_all(2);
    cluster_stop(&c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_long_message_of_any_service_arrives,
        small_messages_of_others_go_on_beside,
        a_row_of_them_does_not_wait_for_each_answer,
        a_member_alone_does_not_send_all_of_it_in_one_round,
        senders_wait_for_memory_and_all_get_through,
        what_the_application_has_counts,
        pieces_of_a_dead_sender_are_let_go_of,
        a_message_that_was_begun_is_sent_whole_in_the_next_view,
        a_long_message_to_one_member_waits_for_memory_too,
        a_member_without_memory_makes_the_sender_wait,
    };
    return suite_run("long messages", tests, SUITE_SIZE(tests));
}
