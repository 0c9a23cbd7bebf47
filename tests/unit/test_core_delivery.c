/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Multicasting and delivering without faults: every service keeps its promise,
 * small messages share packets, a running group allocates nothing, says little
 * beside its data, forgets everything when it comes to rest, and holds back
 * whoever outruns the slowest.
 */
#include "gcs/group.h"
#include "tests/unit/cluster.h"
#include "tests/unit/suite.h"

static struct cluster c;

static void start(unsigned count)
{
    cluster_init(&c);
    cluster_start(&c, count);
}

static uint64_t incarnation(unsigned i)
{
    return gcs_core_view(c.nodes[i].group)->members[c.nodes[i].rank].id.incarnation;
}

/* A message is what its sender said n-th. */
static bool is_what_was_said(const struct cluster_message *m, unsigned from, uint32_t n)
{
    uint32_t said[2];
    memcpy(said, m->data, sizeof(said));
    bool good = said[0] == from && said[1] == n && m->number == n + 1u;
    for (size_t b = sizeof(said); b < m->size; b++)
        good &= m->data[b] == (uint8_t)(n + from);
    return good;
}

/* Each sender's messages at node i are those that it said, in order, whole. */
static void check_streams(unsigned i, unsigned senders, uint32_t each)
{
    const struct cluster_node *node = &c.nodes[i];
    for (unsigned from = 0; from < senders; from++) {
        uint64_t sender = incarnation(from);
        uint32_t next = 0;
        for (size_t k = 0; k < node->count; k++)
            if (node->messages[k].sender == sender &&
                !is_what_was_said(&node->messages[k], from, next++))
                ck_abort_msg("node %u: message %u of %u is another one", i, next, from);
        ck_assert_uint_eq(next, each);
    }
}

/* ---- The services --------------------------------------------------------------------------- */

static void check_service(enum gcs_service service, unsigned members)
{
    enum { EACH = 200 };
    start(members);
    for (uint32_t n = 0; n < EACH; n++) {
        for (unsigned i = 0; i < members; i++)
            ck_assert_int_eq(cluster_say(&c, i, service, n, 8 + (n * 37 + i) % 700), 0);
        cluster_run(&c, CLUSTER_LATENCY * (n % 4) / 2);
    }
    cluster_run(&c, 200 * MILLISECONDS);
    for (unsigned i = 0; i < members; i++) {
        ck_assert_uint_eq(c.nodes[i].count, EACH * members);
        check_streams(i, members, EACH);
        ck_assert_uint_eq(cluster_counters(&c, i)->messages_delivered, EACH * members);
        ck_assert_uint_eq(cluster_counters(&c, i)->messages_sent, EACH);
        ck_assert_uint_eq(cluster_counters(&c, i)->nacks_sent, 0);
        ck_assert_uint_eq(cluster_counters(&c, i)->dropped_malformed, 0);
        ck_assert_uint_eq(cluster_counters(&c, i)->dropped_duplicate, 0);
    }
    if (service != GCS_FIFO)
        ck_assert(cluster_agrees(&c));
    cluster_stop(&c);
}

START_TEST(fifo_keeps_each_senders_order)
{
    check_service(GCS_FIFO, 3);
}
END_TEST

START_TEST(agreed_is_one_order_for_all)
{
    check_service(GCS_AGREED, 2);
    check_service(GCS_AGREED, 3);
    check_service(GCS_AGREED, 5);
}
END_TEST

START_TEST(safe_is_one_order_for_all)
{
    check_service(GCS_SAFE, 2);
    check_service(GCS_SAFE, 3);
    check_service(GCS_SAFE, 5);
}
END_TEST

START_TEST(a_group_of_one_delivers_to_itself_at_once)
{
    static const enum gcs_service services[] = {GCS_FIFO, GCS_AGREED, GCS_SAFE};
    start(1);
    for (size_t i = 0; i < SUITE_SIZE(services); i++) {
        ck_assert_int_eq(cluster_say(&c, 0, services[i], 1, 50), 0);
        cluster_round(&c, 0);
        ck_assert_uint_eq(c.nodes[0].count, i + 1);
        ck_assert_int_eq(c.nodes[0].messages[i].service, services[i]);
    }
    cluster_stop(&c);
}
END_TEST

/* Agreed and safe messages share one order, whatever their sizes. */
START_TEST(services_mix)
{
    static const enum gcs_service services[] = {GCS_FIFO, GCS_AGREED, GCS_SAFE};
    struct gcs_prng prng;
    size_t total[3];
    gcs_prng_init(&prng, 11);
    start(3);
    for (uint32_t n = 0; n < 900; n++) {
        size_t size =
            gcs_prng_chance(&prng, 20000) ? 30000 : 8 + (size_t)gcs_prng_below(&prng, 500);
        ck_assert_int_eq(cluster_say(&c, n % 3, services[gcs_prng_below(&prng, 3)], n / 3, size),
                         0);
        if (gcs_prng_chance(&prng, 300000))
            cluster_run(&c, gcs_prng_below(&prng, 3 * CLUSTER_LATENCY));
    }
    cluster_run(&c, 500 * MILLISECONDS);
    for (unsigned i = 0; i < 3; i++) { /* without the FIFO ones the order is one */
        struct cluster_node *node = &c.nodes[i];
        ck_assert_uint_eq(node->count, 900);
        total[i] = 0;
        for (size_t k = 0; k < node->count; k++) {
            struct cluster_message message = node->messages[k];
            if (message.service == GCS_FIFO)
                free(message.data);
            else
                node->messages[total[i]++] = message;
        }
        node->count = total[i];
    }
    ck_assert(cluster_agrees(&c));
    cluster_stop(&c);
}
END_TEST

START_TEST(safe_waits_for_a_quorum)
{
    start(3);
    c.nodes[1].down = c.nodes[2].down = true;
    ck_assert_int_eq(cluster_say(&c, 0, GCS_AGREED, 0, 20), 0);
    ck_assert_int_eq(cluster_say(&c, 0, GCS_SAFE, 1, 20), 0);
    ck_assert_int_eq(cluster_say(&c, 0, GCS_AGREED, 2, 20), 0);
    cluster_run(&c, 100 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[0].count, 1); /* and agreed ones behind it wait, too */
    c.nodes[1].down = false;
    cluster_run(&c, 100 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[0].count, 3);
    ck_assert_uint_eq(c.nodes[1].count, 3);
    cluster_stop(&c);
}
END_TEST

START_TEST(messages_of_any_size)
{
    static const size_t sizes[] = {8,    100,  1190, 1200, 1205,  1206,  1207,   1208,
                                   1209, 1210, 1300, 2400, 16384, 65536, 300000, 2000000};
    for (unsigned large = 0; large < 2; large++) {
        cluster_init(&c);
        c.config.packet_bytes = large ? 60000 : 1400;
        c.group_config.queue_bytes = 4 << 20;
        cluster_start(&c, 2);
        for (uint32_t n = 0; n < SUITE_SIZE(sizes); n++)
            ck_assert_int_eq(cluster_say(&c, n % 2, GCS_AGREED, n / 2, sizes[n]), 0);
        cluster_run(&c, 1000 * MILLISECONDS);
        check_streams(0, 2, SUITE_SIZE(sizes) / 2);
        ck_assert(cluster_agrees(&c));
        cluster_stop(&c);
    }
}
END_TEST

START_TEST(what_is_said_before_the_first_view_goes_out_in_it)
{
    cluster_init(&c);
    ck_assert_int_eq(cluster_open(&c, 0), 0);
    ck_assert_int_eq(cluster_join(&c, 0), 0);
    ck_assert_int_eq(cluster_open(&c, 1), 0);
    ck_assert_int_eq(cluster_join(&c, 1), 0);
    for (uint32_t n = 0; n < 50; n++)
        ck_assert_int_eq(cluster_say(&c, 1, GCS_SAFE, n, 700), 0);
    cluster_run(&c, 1000 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[0].count, 50);
    ck_assert_uint_eq(c.nodes[0].messages[0].epoch, 2);
    ck_assert(cluster_agrees(&c));
    cluster_stop(&c);
}
END_TEST

/* A message is delivered in one view to all, also when views change all the time. */
START_TEST(views_change_under_load)
{
    start(2);
    uint32_t n = 0;
    for (unsigned round = 0; round < 5; round++) {
        if (c.nodes[2].core)
            ck_assert_int_eq(gcs_core_leave(c.nodes[2].group, c.now), 0);
        else
            ck_assert_int_eq(cluster_open(&c, 2), 0);
        for (unsigned i = 0; i < 400; i++, n++) {
            ck_assert_int_eq(cluster_say(&c, n % 2, GCS_AGREED, n / 2, i % 50 ? 300 : 20000), 0);
            cluster_run(&c, CLUSTER_LATENCY);
        }
        cluster_run(&c, 500 * MILLISECONDS);
        if (!c.nodes[2].group)
            ck_assert_int_eq(cluster_join(&c, 2), 0);
    }
    cluster_run(&c, 500 * MILLISECONDS);
    c.nodes[2].down = true;
    ck_assert(cluster_agrees(&c));
    check_streams(0, 2, n / 2);
    cluster_stop(&c);
}
END_TEST

/* ---- Costs
 * ---------------------------------------------------------------------------------------- */

START_TEST(small_messages_share_packets)
{
    enum { MESSAGES = 1000, SIZE = 32 };
    start(3);
    uint64_t data = cluster_counters(&c, 1)->data_packets_sent;
    for (uint32_t n = 0; n < MESSAGES; n++)
        ck_assert_int_eq(cluster_say(&c, 1, GCS_AGREED, n, SIZE), 0);
    cluster_run(&c, 100 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[2].count, MESSAGES);
    uint64_t least = MESSAGES * (SIZE + 1) / (c.config.packet_bytes - 192) + 1;
    data = cluster_counters(&c, 1)->data_packets_sent - data;
    ck_assert_uint_ge(data, least);
    ck_assert_uint_le(data, least + 2); /* the last one is not full */
    cluster_stop(&c);
}
END_TEST

START_TEST(control_packets_are_few)
{
    enum { MESSAGES = 5000 };
    start(3);
    struct gcs_counters before[3];
    for (unsigned i = 0; i < 3; i++)
        before[i] = *cluster_counters(&c, i);
    for (uint32_t n = 0; n < MESSAGES; n++) {
        ck_assert_int_eq(cluster_say(&c, n % 3, GCS_AGREED, n / 3, 700), 0);
        if (n % 10 == 0)
            cluster_run(&c, CLUSTER_LATENCY / 4);
    }
    cluster_run(&c, 100 * MILLISECONDS);
    uint64_t data = 0, control = 0;
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(c.nodes[i].count, MESSAGES);
        data += cluster_counters(&c, i)->data_packets_sent - before[i].data_packets_sent;
        control += cluster_counters(&c, i)->control_packets_sent - before[i].control_packets_sent;
    }
    ck_assert_uint_le(data, MESSAGES + MESSAGES / 2);
    ck_assert_uint_le(control, data / 5);
    cluster_stop(&c);
}
END_TEST

static void start_by_clocks(uint64_t before[3])
{
    cluster_init(&c);
    c.group_config.order = GCS_ORDER_LAMPORT;
    cluster_start(&c, 3);
    for (unsigned i = 0; i < 3; i++)
        before[i] = cluster_counters(&c, i)->data_packets_sent;
}

static uint64_t numbered_by(unsigned i, const uint64_t before[3])
{
    return cluster_counters(&c, i)->data_packets_sent - before[i];
}

/* By clocks, and one of three only listens: a null for a burst, however many packets that has. */
START_TEST(who_listens_sends_a_null_for_each_burst)
{
    enum { BURSTS = 20, EACH = 40 };
    uint64_t before[3];
    start_by_clocks(before);
    for (uint32_t burst = 0; burst < BURSTS; burst++) {
        for (uint32_t n = 0; n < EACH; n++)
            ck_assert_int_eq(cluster_say(&c, 0, GCS_AGREED, burst * EACH + n, 1000), 0);
        cluster_run(&c, 50 * MILLISECONDS);
    }
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(c.nodes[i].count, BURSTS * EACH);
    ck_assert_uint_ge(numbered_by(0, before), BURSTS * EACH / 2); /* packets, not one for all */
    for (unsigned i = 1; i < 3; i++)
        ck_assert_uint_eq(numbered_by(i, before), BURSTS);
    cluster_stop(&c);
}
END_TEST

START_TEST(who_sends_as_the_others_do_sends_no_nulls)
{
    enum { EACH = 300 };
    uint64_t before[3];
    start_by_clocks(before);
    for (uint32_t n = 0; n < EACH; n++) {
        for (unsigned i = 0; i < 3; i++)
            ck_assert_int_eq(cluster_say(&c, i, GCS_AGREED, n, 1000), 0);
        cluster_run(&c, 2 * CLUSTER_LATENCY);
    }
    cluster_run(&c, 50 * MILLISECONDS);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(c.nodes[i].count, 3 * EACH);
        ck_assert_uint_eq(numbered_by(i, before), EACH); /* a message in each */
    }
    cluster_stop(&c);
}
END_TEST

/* In a large view what only confirms keeps to a pace. But small windows need many acknowledgements,
 * and those must not go in its place. */
START_TEST(in_a_large_view_acknowledgements_do_not_put_off_confirmations)
{
    enum { MEMBERS = 20, MESSAGES = 200 };
    cluster_init(&c);
    c.config.receive_bytes = 65536;
    c.group_config.order = GCS_ORDER_LAMPORT;
    cluster_start(&c, MEMBERS);
    for (uint32_t n = 0; n < MESSAGES; n++) {
        ck_assert_int_eq(cluster_say(&c, 0, GCS_AGREED, n, 1000), 0);
        cluster_run(&c, MILLISECONDS);
        ck_assert_uint_ge(c.nodes[MEMBERS - 1].count + 10, n);
    }
    cluster_stop(&c);
}
END_TEST

static void check_steady(enum gcs_service service, size_t size)
{
    enum { WARM_UP = 300, MESSAGES = 3000 };
    uint64_t asked[3];
    start(3);
    for (uint32_t n = 0; n < MESSAGES; n++) {
        for (unsigned i = 0; i < 3; i++)
            ck_assert_int_eq(cluster_say(&c, i, service, n, size), 0);
        cluster_run(&c, CLUSTER_LATENCY);
        if (n == WARM_UP)
            for (unsigned i = 0; i < 3; i++)
                asked[i] = c.nodes[i].memory.asked;
    }
    for (unsigned i = 0; i < 3; i++)
        ck_assert_msg(c.nodes[i].memory.asked == asked[i], "service %d, %u bytes: %u allocations",
                      (int)service, (unsigned)size, (unsigned)(c.nodes[i].memory.asked - asked[i]));
    cluster_stop(&c);
}

START_TEST(a_running_group_allocates_nothing)
{
    check_steady(GCS_FIFO, 40);
    check_steady(GCS_AGREED, 40);
    check_steady(GCS_SAFE, 40);
    check_steady(GCS_AGREED, 1150);
}
END_TEST

START_TEST(at_rest_nothing_is_kept)
{
    start(3);
    for (uint32_t n = 0; n < 600; n++)
        ck_assert_int_eq(cluster_say(&c, n % 3, n % 2 ? GCS_AGREED : GCS_FIFO, n / 3, 600), 0);
    cluster_run(&c, 1000 * MILLISECONDS);
    for (unsigned i = 0; i < 3; i++) {
        const struct gcs_era *era = c.nodes[i].group->era;
        ck_assert_uint_eq(c.nodes[i].count, 600);
        for (uint16_t rank = 0; rank < 3; rank++) {
            ck_assert_uint_eq(era->fellows[rank].window.bytes, 0);
            ck_assert_uint_eq(era->fellows[rank].window.base, era->fellows[rank].window.top);
        }
        ck_assert_uint_eq(era->base, era->sent);
        ck_assert_uint_eq(c.nodes[i].core->pool.outstanding, 0);
    }
    ck_assert_uint_eq(c.buffers, cluster_in_flight(&c)); /* of the network's either */
    cluster_stop(&c);
}
END_TEST

/* ---- Who outruns the slowest
 * ------------------------------------------------------------------------- */

START_TEST(a_full_queue_says_so_and_says_when_it_is_not)
{
    cluster_init(&c);
    c.group_config.queue_bytes = 20000;
    cluster_start(&c, 2);
    uint32_t n = 0;
    int result;
    while ((result = cluster_say(&c, 0, GCS_AGREED, n, 1000)) == 0)
        ck_assert_uint_lt(++n, 21);
    ck_assert_int_eq(result, GCS_EAGAIN);
    ck_assert_uint_ge(n, 18);
    ck_assert_int_eq(cluster_say(&c, 0, GCS_AGREED, n, 1000), GCS_EAGAIN);
    ck_assert_uint_eq(c.nodes[0].writable, 0);
    cluster_run(&c, 100 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[0].writable, 1);
    ck_assert_int_eq(cluster_say(&c, 0, GCS_AGREED, n, 1000), 0);
    cluster_run(&c, 100 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[0].writable, 1); /* once for each time that somebody was refused */
    check_streams(1, 1, n + 1);
    cluster_stop(&c);
}
END_TEST

START_TEST(one_message_goes_into_any_queue)
{
    cluster_init(&c);
    c.group_config.queue_bytes = 4096;
    cluster_start(&c, 2);
    ck_assert_int_eq(cluster_say(&c, 0, GCS_AGREED, 0, 100000), 0);
    ck_assert_int_eq(cluster_say(&c, 0, GCS_AGREED, 1, 8), GCS_EAGAIN);
    cluster_run(&c, 100 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[1].count, 1);
    ck_assert_uint_eq(c.nodes[0].writable, 1);
    cluster_stop(&c);
}
END_TEST

/* Says as much as is taken; what is then held at most. */
static void say_all_you_can(unsigned i, uint32_t *n)
{
    while (cluster_say(&c, i, GCS_AGREED, *n, 1000) == 0)
        ++*n;
}

START_TEST(an_application_that_takes_nothing_stops_the_group)
{
    cluster_init(&c);
    c.group_config.window_bytes = 50000;
    c.group_config.queue_bytes = 50000;
    cluster_start(&c, 3);
    c.nodes[2].hold = true;
    uint32_t n = 0;
    uint64_t live = 0;
    for (unsigned round = 0; round < 40; round++) {
        say_all_you_can(0, &n);
        cluster_run(&c, 20 * MILLISECONDS);
        if (round == 10)
            live = c.nodes[0].memory.live + c.nodes[2].memory.live + c.buffers;
    }
    ck_assert_uint_ge(n, 90); /* a window and a queue full of them */
    ck_assert_uint_le(n, 110);
    ck_assert_uint_gt(cluster_counters(&c, 0)->window_full, 0);
    ck_assert_uint_le(c.nodes[0].memory.live + c.nodes[2].memory.live + c.buffers, live + 20);
    cluster_give_back(&c, 2);
    cluster_run(&c, 100 * MILLISECONDS);
    ck_assert_uint_gt(c.nodes[0].writable, 0);
    say_all_you_can(0, &n);
    cluster_run(&c, 1000 * MILLISECONDS);
    check_streams(2, 1, n);
    ck_assert(cluster_is_view(&c, 3)); /* slow is not dead */
    cluster_stop(&c);
}
END_TEST

START_TEST(small_windows_are_enough_to_go_on)
{
    cluster_init(&c);
    c.group_config.window_packets = 16;
    c.group_config.window_bytes = 4096;
    cluster_start(&c, 3);
    for (uint32_t n = 0; n < 300; n++)
        for (unsigned i = 0; i < 3; i++)
            ck_assert_int_eq(cluster_say(&c, i, n % 2 ? GCS_SAFE : GCS_AGREED, n, 900), 0);
    cluster_run(&c, 10000 * MILLISECONDS);
    for (unsigned i = 0; i < 3; i++)
        check_streams(i, 3, 300);
    ck_assert(cluster_agrees(&c));
    ck_assert_uint_gt(cluster_counters(&c, 1)->window_full, 0);
    ck_assert_uint_eq(cluster_counters(&c, 1)->dropped_overrun, 0);
    cluster_stop(&c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        fifo_keeps_each_senders_order,
        agreed_is_one_order_for_all,
        safe_is_one_order_for_all,
        a_group_of_one_delivers_to_itself_at_once,
        services_mix,
        safe_waits_for_a_quorum,
        messages_of_any_size,
        what_is_said_before_the_first_view_goes_out_in_it,
        views_change_under_load,
        small_messages_share_packets,
        control_packets_are_few,
        who_listens_sends_a_null_for_each_burst,
        who_sends_as_the_others_do_sends_no_nulls,
        in_a_large_view_acknowledgements_do_not_put_off_confirmations,
        a_running_group_allocates_nothing,
        at_rest_nothing_is_kept,
        a_full_queue_says_so_and_says_when_it_is_not,
        one_message_goes_into_any_queue,
        an_application_that_takes_nothing_stops_the_group,
        small_windows_are_enough_to_go_on,
    };
    return suite_run("core_delivery", tests, SUITE_SIZE(tests));
}
