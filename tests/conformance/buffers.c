/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Received buffers: what is kept stays unchanged, through further receives and
 * through the close; what is not taken yet waits, and the descriptor says so;
 * memory is bounded.
 */
#include "tests/conformance/conformance.h"

#define KEPT 400

START_TEST(kept_packets_stay_unchanged_through_further_receives)
{
    struct gcs_transport *a = network_open(&networks[_i], NULL);
    struct gcs_transport *b = network_open(&networks[_i], NULL);
    struct gcs_transport_packet kept[KEPT], more[20];
    const size_t sizes[] = {20, 1400, 500, 1000};
    size_t n = 0;

    for (uint64_t round = 0; n < KEPT; round++) {
        struct parcel parcel = parcel_make(20, sizes[round % 4], round * 20, address_of(b), 1);
        send_parcel(a, &parcel);
        ck_assert_uint_eq(receive_some(b, kept + n, 20, 20), 20);
        n += 20;
        send_parcel(a, &parcel); /* again, to be released at once */
        ck_assert_uint_eq(receive_some(b, more, 20, 20), 20);
        release(more, 20);
        parcel_free(&parcel);
    }
    for (size_t i = 0; i < KEPT; i++)
        ck_assert_msg(is_pattern(kept[i].data, kept[i].size, i), "packet %zu has changed", i);
    release(kept, KEPT);
    network_close(a);
    network_close(b);
}
END_TEST

START_TEST(kept_packets_outlive_the_transport)
{
    struct gcs_transport *a = network_open(&networks[_i], NULL);
    struct gcs_transport *b = network_open(&networks[_i], NULL);
    struct parcel parcel = parcel_make(50, 1400, 0, address_of(b), 1);
    struct gcs_transport_packet kept[50];

    send_parcel(a, &parcel);
    ck_assert_uint_eq(receive_some(b, kept, 50, 50), 50);
    network_close(b);
    network_close(a);
    for (size_t i = 0; i < 50; i++)
        ck_assert(is_pattern(kept[i].data, kept[i].size, i));
    release(kept, 50);
    parcel_free(&parcel);
}
END_TEST

START_TEST(packets_that_nobody_takes_are_freed_with_the_transport)
{
    struct gcs_transport *a = network_open(&networks[_i], NULL);
    struct gcs_transport *b = network_open(&networks[_i], NULL);
    struct parcel parcel = parcel_make(50, 1400, 0, address_of(b), 1);
    struct gcs_transport_packet got;

    send_parcel(a, &parcel);
    ck_assert_uint_eq(receive_some(b, &got, 1, 1), 1); /* the rest of its train is inside now */
    release(&got, 1);
    network_close(b);
    network_close(a);
    parcel_free(&parcel);
}
END_TEST

START_TEST(the_descriptor_stays_readable_until_all_is_taken)
{
    struct gcs_transport *a = network_open(&networks[_i], NULL);
    struct gcs_transport *b = network_open(&networks[_i], NULL);
    struct parcel parcel = parcel_make(100, 1400, 0, address_of(b), 1);
    struct gcs_transport_packet got;

    send_parcel(a, &parcel);
    for (size_t i = 0; i < 100; i++) {
        ck_assert_msg(is_readable(b, 1000), "after %zu packets", i);
        ck_assert_uint_eq(b->ops->receive(b, &got, 1), 1);
        ck_assert(is_pattern(got.data, got.size, i));
        release(&got, 1);
    }
    ck_assert(!is_readable(b, 20));
    ck_assert_uint_eq(b->ops->receive(b, &got, 1), 0);
    parcel_free(&parcel);
    network_close(a);
    network_close(b);
}
END_TEST

/* 4 MiB of pool (and as much of a ring) and a receiver that gives nothing back: large packets are
 * dropped in the end, small ones still come in, and all is well again once something is given
 * back. */
START_TEST(an_exhausted_pool_drops_and_recovers)
{
    enum { MOST = 8192 };
    static struct gcs_transport_packet kept[MOST];
    struct gcs_transport *a = network_open(&networks[_i], NULL);
    struct gcs_transport *b = network_open(&networks[_i], "pool=4M");
    const size_t large = a->ops->caps(a)->packet_bytes;
    struct parcel small = parcel_make(1, 100, 0, address_of(b), 1);
    struct gcs_transport_packet got;
    size_t n = 0, bytes = 0;

    for (uint64_t round = 0; counters_of(b)->pool_exhausted == 0; round++) {
        struct parcel parcel = parcel_make(5, large, round * 5, address_of(b), 1);
        ck_assert_uint_lt(n + 5, MOST);
        send_parcel(a, &parcel);
        ck_assert(is_readable(b, 1000) || counters_of(b)->pool_exhausted > 0);
        n += b->ops->receive(b, kept + n, 5);
        parcel_free(&parcel);
    }
    for (size_t i = 0; i < n; i++)
        bytes += kept[i].size;
    ck_assert_uint_le(bytes, networks[_i].devices ? 8 << 20 : 4 << 20);
    ck_assert_uint_ge(bytes, 1 << 20);
    while (b->ops->receive(b, &got, 1) == 1)
        release(&got, 1);
    send_parcel(a, &small);
    ck_assert_uint_eq(receive_some(b, &got, 1, 1), 1);
    ck_assert(is_pattern(got.data, got.size, 0));
    release(&got, 1);

    release(kept, n);
    struct parcel again = parcel_make(1, large, 99, address_of(b), 1);
    send_parcel(a, &again);
    ck_assert_uint_eq(receive_some(b, &got, 1, 1), 1);
    ck_assert(is_pattern(got.data, got.size, 99));
    release(&got, 1);
    parcel_free(&again);
    parcel_free(&small);
    network_close(a);
    network_close(b);
}
END_TEST

Suite *buffers_suite(void)
{
    Suite *suite = suite_create("buffers");
    TCase *tcase = tcase_create("buffers");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, kept_packets_stay_unchanged_through_further_receives, 0,
                        networks_count);
    tcase_add_loop_test(tcase, kept_packets_outlive_the_transport, 0, networks_count);
    tcase_add_loop_test(tcase, packets_that_nobody_takes_are_freed_with_the_transport, 0,
                        networks_count);
    tcase_add_loop_test(tcase, the_descriptor_stays_readable_until_all_is_taken, 0, networks_count);
    tcase_add_loop_test(tcase, an_exhausted_pool_drops_and_recovers, 0, networks_count);
    suite_add_tcase(suite, tcase);
    return suite;
}
