/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The simulated network keeps its page: order and latency without faults,
 * each fault when it is asked for, the same events from the same seed, and
 * nothing left behind.
 */
#include "transport/sim.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define NODES 4

static struct gcs_sim *sim;

static struct gcs_sim *make(uint64_t seed)
{
    struct gcs_sim_config config;
    struct gcs_sim *made;

    gcs_sim_config_init(&config);
    config.seed = seed;
    config.start_ns = 1000;
    config.nodes = NODES;
    config.packet_bytes = 1000;
    made = gcs_sim_new(&config);
    ck_assert_ptr_nonnull(made);
    for (int i = 0; i < NODES; i++)
        ck_assert_int_eq(gcs_sim_add_node(made), i);
    return made;
}

static void setup(void)
{
    sim = make(7);
}

static void teardown(void)
{
    gcs_sim_free(sim);
}

/* Sends a number from one node to some others. */
static void send_to(struct gcs_sim *to, unsigned node, uint32_t number, unsigned first,
                    unsigned last)
{
    struct gcs_address addresses[NODES];
    struct gcs_core_packet packet;

    memset(&packet, 0, sizeof(packet));
    for (unsigned i = first; i <= last; i++)
        addresses[packet.to_count++] = gcs_sim_address(i);
    packet.to = addresses;
    packet.data = (const uint8_t *)&number;
    packet.size = sizeof(number);
    gcs_sim_send(to, node, &packet, 1);
}

static uint32_t number_of(const struct gcs_sim_event *event)
{
    uint32_t number = 0;

    memcpy(&number, event->data, event->size < sizeof(number) ? event->size : sizeof(number));
    return number;
}

/* How many packets come out until nothing is in flight. */
static unsigned drain(void)
{
    struct gcs_sim_event event;
    unsigned count = 0;

    while (gcs_sim_next(sim, &event)) {
        count += event.type == GCS_SIM_PACKET;
        gcs_buffer_unref(event.buffer);
    }
    return count;
}

START_TEST(packets_come_whole_in_order_and_in_time)
{
    struct gcs_sim_event event;
    uint64_t last = 0;

    for (uint32_t i = 0; i < 500; i++)
        send_to(sim, 0, i, 1, 1);
    for (uint32_t i = 0; i < 500; i++) {
        ck_assert(gcs_sim_next(sim, &event));
        ck_assert_int_eq(event.type, GCS_SIM_PACKET);
        ck_assert_uint_eq(event.node, 1);
        ck_assert_int_eq(gcs_sim_node(sim, &event.from), 0);
        ck_assert_uint_eq(event.size, 4);
        ck_assert_uint_eq(number_of(&event), i);
        ck_assert_uint_ge(event.now, 1000 + 50000);
        ck_assert_uint_le(event.now, 1000 + 200000);
        ck_assert_uint_ge(event.now, last);
        ck_assert_uint_eq(event.now, gcs_sim_now(sim));
        last = event.now;
        gcs_buffer_unref(event.buffer);
    }
    ck_assert(!gcs_sim_next(sim, &event));
}
END_TEST

START_TEST(a_packet_goes_to_all_its_addresses_in_buffers_of_their_own)
{
    struct gcs_sim_event events[3];

    send_to(sim, 0, 9, 1, 3);
    for (int i = 0; i < 3; i++)
        ck_assert(gcs_sim_next(sim, &events[i]));
    ck_assert_ptr_ne(events[0].buffer, events[1].buffer);
    ck_assert_ptr_ne(events[1].buffer, events[2].buffer);
    ck_assert_uint_eq(events[0].node + events[1].node + events[2].node, 1 + 2 + 3);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(events[i].buffer->refs, 1);
        gcs_buffer_unref(events[i].buffer);
    }
}
END_TEST

START_TEST(timers_and_packets_share_one_order)
{
    struct gcs_sim_event event;

    ck_assert_int_eq(gcs_sim_timer(sim, 2, 500000, 22), 0);
    ck_assert_int_eq(gcs_sim_timer(sim, 1, 10, 11), 0); /* past: now */
    ck_assert_int_eq(gcs_sim_timer(sim, 3, 500000, 33), 0);
    ck_assert_int_eq(gcs_sim_timer(sim, 3, GCS_NEVER, 99), 0);
    send_to(sim, 0, 1, 1, 1);
    ck_assert(gcs_sim_next(sim, &event));
    ck_assert_uint_eq(event.cookie, 11);
    ck_assert_uint_eq(event.now, 1000);
    ck_assert(gcs_sim_next(sim, &event));
    ck_assert_int_eq(event.type, GCS_SIM_PACKET);
    gcs_buffer_unref(event.buffer);
    ck_assert(gcs_sim_next(sim, &event));
    ck_assert_uint_eq(event.cookie, 22);
    ck_assert(gcs_sim_next(sim, &event));
    ck_assert_uint_eq(event.cookie, 33);
    ck_assert(!gcs_sim_next(sim, &event));
}
END_TEST

START_TEST(loss_takes_its_share)
{
    gcs_sim_link(sim, 0, 1)->loss_ppm = 300000;
    for (uint32_t i = 0; i < 10000; i++) {
        send_to(sim, 0, i, 1, 1);
        send_to(sim, 1, i, 0, 0);
    }
    ck_assert_uint_eq(drain(), 20000 - gcs_sim_counters(sim)->lost);
    ck_assert_uint_gt(gcs_sim_counters(sim)->lost, 2800);
    ck_assert_uint_lt(gcs_sim_counters(sim)->lost, 3200);
}
END_TEST

START_TEST(duplicates_come_twice)
{
    gcs_sim_link(sim, 0, 1)->duplicate_ppm = 1000000;
    for (uint32_t i = 0; i < 100; i++)
        send_to(sim, 0, i, 1, 1);
    ck_assert_uint_eq(drain(), 200);
}
END_TEST

START_TEST(reordered_packets_are_overtaken)
{
    struct gcs_sim_event event;
    uint32_t highest = 0, late = 0;

    gcs_sim_link(sim, 0, 1)->reorder_ppm = 200000;
    for (uint32_t i = 0; i < 1000; i++)
        send_to(sim, 0, i, 1, 1);
    while (gcs_sim_next(sim, &event)) {
        late += number_of(&event) < highest;
        highest = number_of(&event) > highest ? number_of(&event) : highest;
        gcs_buffer_unref(event.buffer);
    }
    ck_assert_uint_gt(late, 100);
    ck_assert_uint_eq(gcs_sim_counters(sim)->delivered, 1000);
}
END_TEST

START_TEST(delayed_packets_take_longer_but_keep_their_order)
{
    struct gcs_sim_event event;
    uint32_t expected = 0;

    gcs_sim_link(sim, 0, 1)->delay_ns = 50000000;
    for (uint32_t i = 0; i < 1000; i++)
        send_to(sim, 0, i, 1, 1);
    while (gcs_sim_next(sim, &event)) {
        ck_assert_uint_eq(number_of(&event), expected++);
        gcs_buffer_unref(event.buffer);
    }
    ck_assert_uint_gt(gcs_sim_now(sim), 40000000);
}
END_TEST

START_TEST(corrupt_packets_differ)
{
    struct gcs_sim_event event;
    unsigned shorter = 0, damaged = 0;

    gcs_sim_link(sim, 0, 1)->corrupt_ppm = 1000000;
    for (uint32_t i = 0; i < 1000; i++)
        send_to(sim, 0, 0x5a5a5a5a, 1, 1);
    while (gcs_sim_next(sim, &event)) {
        shorter += event.size < 4;
        damaged += event.size == 4 && number_of(&event) != 0x5a5a5a5a;
        gcs_buffer_unref(event.buffer);
    }
    ck_assert_uint_gt(shorter, 50);
    ck_assert_uint_gt(damaged, 800); /* two flips may cancel out */
    ck_assert_uint_eq(gcs_sim_counters(sim)->corrupted, 1000);
}
END_TEST

START_TEST(cuts_are_one_way_and_sides_are_apart)
{
    gcs_sim_link(sim, 0, 1)->cut = true;
    send_to(sim, 0, 1, 1, 2);
    send_to(sim, 1, 1, 0, 0);
    ck_assert_uint_eq(drain(), 2);
    gcs_sim_heal(sim);
    gcs_sim_side(sim, 2, 1);
    gcs_sim_side(sim, 3, 1);
    send_to(sim, 0, 1, 1, 3);
    send_to(sim, 2, 1, 3, 3);
    ck_assert_uint_eq(drain(), 2);
    gcs_sim_heal(sim);
    send_to(sim, 0, 1, 1, 3);
    ck_assert_uint_eq(drain(), 3);
}
END_TEST

START_TEST(what_is_under_way_when_a_cut_comes_still_arrives)
{
    send_to(sim, 0, 1, 1, 1);
    gcs_sim_side(sim, 1, 1);
    ck_assert_uint_eq(drain(), 1);
}
END_TEST

START_TEST(nobody_there_is_told_to_the_sender_but_not_too_often)
{
    struct gcs_sim_event event;

    gcs_sim_listen(sim, 1, false);
    for (uint32_t i = 0; i < 10; i++)
        send_to(sim, 0, i, 1, 1);
    ck_assert(gcs_sim_next(sim, &event));
    ck_assert_int_eq(event.type, GCS_SIM_UNREACHABLE);
    ck_assert_uint_eq(event.node, 0);
    ck_assert_int_eq(gcs_sim_node(sim, &event.from), 1);
    ck_assert_ptr_null(event.buffer);
    ck_assert(!gcs_sim_next(sim, &event));
    ck_assert_uint_eq(gcs_sim_counters(sim)->unheard, 10);
    gcs_sim_timer(sim, 0, gcs_sim_now(sim) + 20000000, 0);
    ck_assert(gcs_sim_next(sim, &event));
    send_to(sim, 0, 1, 1, 1);
    ck_assert(gcs_sim_next(sim, &event));
    ck_assert_int_eq(event.type, GCS_SIM_UNREACHABLE);
}
END_TEST

START_TEST(large_packets_and_strangers_are_dropped)
{
    static const uint8_t large[1001];
    struct gcs_address addresses[2] = {gcs_sim_address(1), {3, {1, 2, 3}}};
    struct gcs_core_packet packets[2];

    memset(packets, 0, sizeof(packets));
    packets[0].data = packets[1].data = large;
    packets[0].size = 1001;
    packets[1].size = 1000;
    packets[0].to = packets[1].to = addresses;
    packets[0].to_count = 1;
    packets[1].to_count = 2;
    gcs_sim_send(sim, 0, packets, 2);
    ck_assert_uint_eq(drain(), 1);
    ck_assert_uint_eq(gcs_sim_counters(sim)->oversized, 1);
    ck_assert_uint_eq(gcs_sim_counters(sim)->unheard, 1);
}
END_TEST

static uint64_t fingerprint(uint64_t seed)
{
    struct gcs_sim *other = make(seed);
    struct gcs_sim_event event;
    uint64_t print = 0;

    for (unsigned i = 0; i < NODES; i++) {
        for (unsigned j = 0; j < NODES; j++)
            *gcs_sim_link(other, i, j) =
                (struct gcs_sim_link){100000, 100000, 100000, 100000, 1000000, false};
    }
    for (uint32_t i = 0; i < 300; i++)
        send_to(other, i % NODES, i, 0, NODES - 1);
    while (gcs_sim_next(other, &event)) {
        print = print * 31 + event.now + event.node + number_of(&event) + event.size;
        gcs_buffer_unref(event.buffer);
    }
    gcs_sim_free(other);
    return print;
}

START_TEST(equal_seeds_give_equal_events)
{
    ck_assert_uint_eq(fingerprint(5), fingerprint(5));
    ck_assert_uint_ne(fingerprint(5), fingerprint(6));
}
END_TEST

START_TEST(what_is_in_flight_goes_with_the_network)
{
    struct gcs_sim *other = make(1);
    struct gcs_sim_event event;

    for (uint32_t i = 0; i < 100; i++)
        send_to(other, 0, i, 1, 3);
    ck_assert(gcs_sim_next(other, &event));
    gcs_sim_free(other);
    ck_assert_uint_eq(event.data[0], 0); /* what was handed out stays */
    gcs_buffer_unref(event.buffer);
}
END_TEST

START_TEST(addresses_have_texts)
{
    struct gcs_address address = gcs_sim_address(3000), stranger = {2, {1, 2}};
    char text[16];

    gcs_sim_address_format(&address, text, sizeof(text));
    ck_assert_str_eq(text, "n3000");
    gcs_sim_address_format(&address, text, 3);
    ck_assert_str_eq(text, "n3");
    gcs_sim_address_format(&stranger, text, sizeof(text));
    ck_assert_str_eq(text, "?");
    ck_assert_int_eq(gcs_sim_node(sim, &address), -1);
    ck_assert_int_eq(gcs_sim_add_node(sim), GCS_ELIMIT);
}
END_TEST

START_TEST(a_configuration_without_sense_is_refused)
{
    struct gcs_sim_config config;

    gcs_sim_config_init(&config);
    config.nodes = 0;
    ck_assert_ptr_null(gcs_sim_new(&config));
    gcs_sim_config_init(&config);
    config.size--;
    ck_assert_ptr_null(gcs_sim_new(&config));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simnet");
    TCase *tcase = tcase_create("simnet");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, packets_come_whole_in_order_and_in_time);
    tcase_add_test(tcase, a_packet_goes_to_all_its_addresses_in_buffers_of_their_own);
    tcase_add_test(tcase, timers_and_packets_share_one_order);
    tcase_add_test(tcase, loss_takes_its_share);
    tcase_add_test(tcase, duplicates_come_twice);
    tcase_add_test(tcase, reordered_packets_are_overtaken);
    tcase_add_test(tcase, delayed_packets_take_longer_but_keep_their_order);
    tcase_add_test(tcase, corrupt_packets_differ);
    tcase_add_test(tcase, cuts_are_one_way_and_sides_are_apart);
    tcase_add_test(tcase, what_is_under_way_when_a_cut_comes_still_arrives);
    tcase_add_test(tcase, nobody_there_is_told_to_the_sender_but_not_too_often);
    tcase_add_test(tcase, large_packets_and_strangers_are_dropped);
    tcase_add_test(tcase, equal_seeds_give_equal_events);
    tcase_add_test(tcase, what_is_in_flight_goes_with_the_network);
    tcase_add_test(tcase, addresses_have_texts);
    tcase_add_test(tcase, a_configuration_without_sense_is_refused);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
