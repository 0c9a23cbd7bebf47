/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Silence and death: a quiet transport neither blocks nor wakes anybody; a dead
 * peer is noticed, and costs the living nothing.
 */
#include "tests/conformance/conformance.h"

#include <time.h>

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

START_TEST(a_quiet_transport_returns_at_once_and_is_not_readable)
{
    struct gcs_transport *t = network_open(&networks[_i], NULL);
    struct gcs_transport_packet got;
    struct gcs_address peer;
    double start = seconds();

    for (int i = 0; i < 100; i++) {
        ck_assert_uint_eq(t->ops->receive(t, &got, 1), 0);
        ck_assert(!t->ops->unreachable(t, &peer));
        t->ops->send(t, NULL, 0);
    }
    ck_assert_msg(seconds() - start < 1, "took %f s", seconds() - start);
    ck_assert(!is_readable(t, 20));
    network_close(t);
}
END_TEST

START_TEST(the_descriptor_becomes_readable_when_a_packet_comes)
{
    struct gcs_transport *a = network_open(&networks[_i], NULL);
    struct gcs_transport *b = network_open(&networks[_i], NULL);
    struct parcel parcel = parcel_make(1, 10, 0, address_of(b), 1);
    struct gcs_transport_packet got;
    const int fd = b->ops->fd(b);

    for (int i = 0; i < 10; i++) {
        ck_assert(!is_readable(b, 0));
        send_parcel(a, &parcel);
        ck_assert(is_readable(b, 1000));
        ck_assert(is_readable(b, 1000)); /* level-triggered */
        ck_assert_uint_eq(receive_some(b, &got, 1, 1), 1);
        release(&got, 1);
        ck_assert_int_eq(b->ops->fd(b), fd);
    }
    parcel_free(&parcel);
    network_close(a);
    network_close(b);
}
END_TEST

START_TEST(a_closed_peer_is_noticed)
{
    struct gcs_transport *a = network_open(&networks[_i], NULL);
    struct gcs_transport *b = network_open(&networks[_i], NULL);
    struct gcs_address dead = *address_of(b), peer;
    struct parcel parcel = parcel_make(20, 100, 0, &dead, 1);

    if (!networks[_i].evidence)
        goto out;
    ck_assert(!a->ops->unreachable(a, &peer));
    settle(a);
    network_close(b);
    send_parcel(a, &parcel);
    ck_assert(is_readable(a, 1000));
    settle(a); /* what is readable is received first */
    ck_assert(a->ops->unreachable(a, &peer));
    ck_assert_mem_eq(&peer, &dead, sizeof(peer));
    ck_assert_uint_ge(counters_of(a)->unreachable, 1);
    while (a->ops->unreachable(a, &peer))
        ;
    ck_assert(!is_readable(a, 20));
    b = network_open(&networks[_i], NULL);
out:
    parcel_free(&parcel);
    network_close(a);
    network_close(b);
}
END_TEST

/* The living get everything, in order, whether or not anybody reads the notices. */
START_TEST(a_dead_peer_loses_only_its_own_packets)
{
    struct gcs_transport *a = network_open(&networks[_i], NULL);
    struct gcs_transport *dead = network_open(&networks[_i], NULL);
    struct gcs_transport *live = network_open(&networks[_i], NULL);
    struct gcs_address to[3] = {*address_of(dead), *address_of(live), *address_of(dead)};
    struct gcs_transport_packet got[100];

    network_close(dead);
    for (uint64_t round = 0; round < 10; round++) {
        struct parcel parcel = parcel_make(100, 100 + (round & 1) * 1000, round * 100, to, 3);
        for (size_t i = 0; i < 100; i += round % 3 + 1)
            parcel.packets[i].size -= 1 + i % 7; /* few trains or none */
        send_parcel(a, &parcel);
        ck_assert_uint_eq(receive_some(live, got, 100, 100), 100);
        for (size_t i = 0; i < 100; i++) {
            ck_assert_uint_eq(got[i].size, parcel.packets[i].size);
            ck_assert_uint_eq(seed_of(got[i].data), round * 100 + i);
        }
        release(got, 100);
        parcel_free(&parcel);
    }
    network_close(a);
    network_close(live);
}
END_TEST

/* Errors that wait in the sender's socket must not be taken for an end of its own packets. */
START_TEST(receiving_goes_on_after_a_peer_has_died)
{
    struct gcs_transport *a = network_open(&networks[_i], NULL);
    struct gcs_transport *dead = network_open(&networks[_i], NULL);
    struct gcs_transport *live = network_open(&networks[_i], NULL);
    struct gcs_address gone = *address_of(dead);
    struct parcel lost = parcel_make(1, 100, 0, &gone, 1);
    struct parcel parcel = parcel_make(1, 100, 5, address_of(a), 1);
    struct gcs_transport_packet got;

    network_close(dead);
    for (int i = 0; i < 50; i++) {
        send_parcel(a, &lost);
        send_parcel(live, &parcel);
        ck_assert_uint_eq(receive_some(a, &got, 1, 1), 1);
        ck_assert(is_pattern(got.data, got.size, 5));
        release(&got, 1);
    }
    ck_assert_uint_eq(counters_of(a)->receive_errors, 0);
    parcel_free(&lost);
    parcel_free(&parcel);
    network_close(a);
    network_close(live);
}
END_TEST

Suite *evidence_suite(void)
{
    Suite *suite = suite_create("evidence");
    TCase *tcase = tcase_create("evidence");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, a_quiet_transport_returns_at_once_and_is_not_readable, 0,
                        networks_count);
    tcase_add_loop_test(tcase, the_descriptor_becomes_readable_when_a_packet_comes, 0,
                        networks_count);
    tcase_add_loop_test(tcase, a_closed_peer_is_noticed, 0, networks_count);
    tcase_add_loop_test(tcase, a_dead_peer_loses_only_its_own_packets, 0, networks_count);
    tcase_add_loop_test(tcase, receiving_goes_on_after_a_peer_has_died, 0, networks_count);
    suite_add_tcase(suite, tcase);
    return suite;
}
