/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Delivery: what is sent arrives, once, byte for byte, from the right address,
 * in order where nothing reorders (as on loopback), at everybody it was sent to
 * and nobody else.
 */
#include "tests/conformance/conformance.h"

#include <string.h>

#define RECEIVERS 3

struct party {
    struct gcs_transport *sender;
    struct gcs_transport *receiver[RECEIVERS];
    struct gcs_address to[RECEIVERS];
};

static struct party gather(int network)
{
    struct party p = {.sender = network_open(&networks[network], NULL)};

    for (int i = 0; i < RECEIVERS; i++) {
        p.receiver[i] = network_open(&networks[network], NULL);
        p.to[i] = *address_of(p.receiver[i]);
    }
    return p;
}

static void part(struct party *p)
{
    network_close(p->sender);
    for (int i = 0; i < RECEIVERS; i++)
        network_close(p->receiver[i]);
}

/* Everything of the parcel, in order, and nothing else. */
static void expect(struct party *p, struct gcs_transport *receiver, const struct parcel *parcel)
{
    struct gcs_transport_packet got[256];

    ck_assert_uint_le(parcel->count, 256);
    ck_assert_uint_eq(receive_some(receiver, got, parcel->count, 256), parcel->count);
    for (size_t i = 0; i < parcel->count; i++) {
        ck_assert_uint_eq(got[i].size, parcel->packets[i].size);
        ck_assert_msg(memcmp(got[i].data, parcel->packets[i].data, got[i].size) == 0,
                      "packet %zu of %zu bytes differs", i, got[i].size);
        ck_assert_mem_eq(&got[i].from, address_of(p->sender), sizeof(struct gcs_address));
        ck_assert(got[i].data >= got[i].buffer->data &&
                  got[i].data + got[i].size <= got[i].buffer->data + got[i].buffer->size);
    }
    release(got, parcel->count);
    ck_assert_uint_eq(receiver->ops->receive(receiver, got, 256), 0);
}

START_TEST(a_packet_reaches_all_that_it_is_sent_to)
{
    struct party p = gather(_i);
    struct parcel parcel = parcel_make(1, 100, 1, p.to, RECEIVERS);

    send_parcel(p.sender, &parcel);
    for (int i = 0; i < RECEIVERS; i++)
        expect(&p, p.receiver[i], &parcel);
    parcel_free(&parcel);
    part(&p);
}
END_TEST

START_TEST(a_packet_reaches_nobody_else)
{
    struct party p = gather(_i);
    struct parcel parcel = parcel_make(3, 100, 1, &p.to[1], 1);
    struct gcs_transport_packet got;

    send_parcel(p.sender, &parcel);
    expect(&p, p.receiver[1], &parcel);
    ck_assert_uint_eq(p.receiver[0]->ops->receive(p.receiver[0], &got, 1), 0);
    ck_assert_uint_eq(p.receiver[2]->ops->receive(p.receiver[2], &got, 1), 0);
    ck_assert_uint_eq(p.sender->ops->receive(p.sender, &got, 1), 0);
    parcel_free(&parcel);
    part(&p);
}
END_TEST

START_TEST(packets_of_every_size_arrive_unchanged)
{
    struct party p = gather(_i);
    const size_t most = p.sender->ops->caps(p.sender)->packet_bytes;
    const size_t sizes[] = {1,     2,     3,     7,     64,    511,   512,      513,      1023,
                            1400,  1472,  2047,  2048,  2049,  4096,  8192,     8193,     16383,
                            16384, 16385, 30000, 32500, 32501, 59999, most / 2, most - 1, most};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        if (sizes[i] > most)
            continue;
        struct parcel parcel = parcel_make(2, sizes[i], i, p.to, RECEIVERS);
        send_parcel(p.sender, &parcel);
        for (int r = 0; r < RECEIVERS; r++)
            expect(&p, p.receiver[r], &parcel);
        parcel_free(&parcel);
    }
    ck_assert_uint_eq(counters_of(p.sender)->send_errors, 0);
    part(&p);
}
END_TEST

START_TEST(trains_arrive_as_single_packets_in_order)
{
    struct party p = gather(_i);
    struct parcel parcel = parcel_make(200, 1400, 7, p.to, RECEIVERS);

    parcel.packets[199].size = 333; /* the last may be shorter */
    send_parcel(p.sender, &parcel);
    for (int i = 0; i < RECEIVERS; i++)
        expect(&p, p.receiver[i], &parcel);
    parcel_free(&parcel);
    part(&p);
}
END_TEST

START_TEST(sizes_that_make_no_train_stay_in_order)
{
    struct party p = gather(_i);
    const size_t sizes[] = {1400, 1400, 200, 1400, 1400, 1, 1, 1, 2, 1400, 900, 900, 901, 900};
    struct parcel parcel = parcel_make(sizeof(sizes) / sizeof(sizes[0]), 1400, 3, p.to, RECEIVERS);

    for (size_t i = 0; i < parcel.count; i++)
        parcel.packets[i].size = sizes[i];
    send_parcel(p.sender, &parcel);
    for (int i = 0; i < RECEIVERS; i++)
        expect(&p, p.receiver[i], &parcel);
    parcel_free(&parcel);
    part(&p);
}
END_TEST

START_TEST(destinations_may_change_from_packet_to_packet)
{
    struct party p = gather(_i);
    struct parcel parcel = parcel_make(90, 1000, 0, NULL, 0);
    struct gcs_transport_packet got[30];

    for (size_t i = 0; i < parcel.count; i++) {
        parcel.packets[i].to = &p.to[i % RECEIVERS];
        parcel.packets[i].to_count = 1;
    }
    send_parcel(p.sender, &parcel);
    for (size_t r = 0; r < RECEIVERS; r++) {
        ck_assert_uint_eq(receive_some(p.receiver[r], got, 30, 30), 30);
        for (size_t i = 0; i < 30; i++)
            ck_assert(is_pattern(got[i].data, got[i].size, i * RECEIVERS + r));
        release(got, 30);
    }
    parcel_free(&parcel);
    part(&p);
}
END_TEST

START_TEST(many_packets_arrive_when_they_are_taken_in_time)
{
    struct party p = gather(_i);

    for (uint64_t round = 0; round < 100; round++) {
        struct parcel parcel = parcel_make(50, 1 + round * 13, round * 50, p.to, RECEIVERS);
        send_parcel(p.sender, &parcel);
        for (int i = 0; i < RECEIVERS; i++)
            expect(&p, p.receiver[i], &parcel);
        parcel_free(&parcel);
    }
    part(&p);
}
END_TEST

/* Native or not: everybody once, the sender not at all. */
START_TEST(multicast_reaches_everybody_else_once)
{
    struct party p = gather(_i);
    struct parcel parcel = parcel_make(64, 1200, 1, p.to, RECEIVERS);
    struct gcs_transport_packet got;

    for (size_t i = 0; i < parcel.count; i++)
        parcel.packets[i].multicast = true;
    settle(p.sender);
    send_parcel(p.sender, &parcel);
    for (int i = 0; i < RECEIVERS; i++)
        expect(&p, p.receiver[i], &parcel);
    ck_assert(!is_readable(p.sender, 20));
    ck_assert_uint_eq(p.sender->ops->receive(p.sender, &got, 1), 0);
    ck_assert_uint_eq(counters_of(p.sender)->datagrams_sent,
                      networks[_i].multicast ? 64 : 64 * RECEIVERS);
    parcel_free(&parcel);
    part(&p);
}
END_TEST

/* Discovery: what multicasts can be found through its seeds. */
START_TEST(a_multicast_group_is_a_seed)
{
    struct party p = gather(_i);
    size_t count;
    const struct gcs_address *seeds = p.sender->ops->seeds(p.sender, &count);
    struct parcel parcel = parcel_make(1, 50, 1, seeds, count);

    ck_assert_uint_eq(count, networks[_i].multicast ? 1 : 0);
    send_parcel(p.sender, &parcel);
    for (int i = 0; i < RECEIVERS && count > 0; i++)
        expect(&p, p.receiver[i], &parcel);
    parcel_free(&parcel);
    part(&p);
}
END_TEST

START_TEST(an_answer_goes_to_where_a_packet_came_from)
{
    struct party p = gather(_i);
    struct parcel parcel = parcel_make(1, 100, 1, p.to, 1);
    struct gcs_transport_packet got;

    send_parcel(p.sender, &parcel);
    ck_assert_uint_eq(receive_some(p.receiver[0], &got, 1, 1), 1);
    parcel.packets[0].to = &got.from;
    send_parcel(p.receiver[0], &parcel);
    release(&got, 1);
    ck_assert_uint_eq(receive_some(p.sender, &got, 1, 1), 1);
    ck_assert_mem_eq(&got.from, &p.to[0], sizeof(got.from));
    release(&got, 1);
    parcel_free(&parcel);
    part(&p);
}
END_TEST

Suite *delivery_suite(void)
{
    Suite *suite = suite_create("delivery");
    TCase *tcase = tcase_create("delivery");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, a_packet_reaches_all_that_it_is_sent_to, 0, networks_count);
    tcase_add_loop_test(tcase, a_packet_reaches_nobody_else, 0, networks_count);
    tcase_add_loop_test(tcase, packets_of_every_size_arrive_unchanged, 0, networks_count);
    tcase_add_loop_test(tcase, trains_arrive_as_single_packets_in_order, 0, networks_count);
    tcase_add_loop_test(tcase, sizes_that_make_no_train_stay_in_order, 0, networks_count);
    tcase_add_loop_test(tcase, destinations_may_change_from_packet_to_packet, 0, networks_count);
    tcase_add_loop_test(tcase, many_packets_arrive_when_they_are_taken_in_time, 0, networks_count);
    tcase_add_loop_test(tcase, multicast_reaches_everybody_else_once, 0, networks_count);
    tcase_add_loop_test(tcase, a_multicast_group_is_a_seed, 0, networks_count);
    tcase_add_loop_test(tcase, an_answer_goes_to_where_a_packet_came_from, 0, networks_count);
    suite_add_tcase(suite, tcase);
    return suite;
}
