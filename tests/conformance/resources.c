/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Resources: what a transport reports about itself is true, system calls are
 * shared by many packets, descriptors are closed in the end and on exec.
 */
#include "tests/conformance/conformance.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

START_TEST(counters_count)
{
    struct gcs_transport *a = network_open(&networks[_i], NULL);
    struct gcs_transport *b = network_open(&networks[_i], NULL);
    struct gcs_transport *c = network_open(&networks[_i], NULL);
    struct gcs_address to[2] = {*address_of(b), *address_of(c)};
    struct parcel parcel = parcel_make(128, 1000, 0, to, 2);
    struct gcs_transport_packet got[128];

    send_parcel(a, &parcel);
    ck_assert_uint_eq(counters_of(a)->datagrams_sent, 256);
    ck_assert_uint_eq(counters_of(a)->bytes_sent, 256 * 1000);
    ck_assert_uint_eq(counters_of(a)->send_errors, 0);
    ck_assert_uint_eq(receive_some(b, got, 128, 128), 128);
    release(got, 128);
    ck_assert_uint_eq(counters_of(b)->datagrams_received, 128);
    ck_assert_uint_eq(counters_of(b)->bytes_received, 128 * 1000);
    ck_assert_uint_eq(counters_of(b)->overflows, 0);
    ck_assert_uint_eq(counters_of(b)->truncated, 0);
    ck_assert_uint_eq(counters_of(b)->faults, 0);
    parcel_free(&parcel);
    network_close(a);
    network_close(b);
    network_close(c);
}
END_TEST

START_TEST(many_packets_share_a_system_call)
{
    struct gcs_transport *a = network_open(&networks[_i], NULL);
    struct gcs_transport *b = network_open(&networks[_i], NULL);
    struct gcs_transport *c = network_open(&networks[_i], NULL);
    struct gcs_address to[2] = {*address_of(b), *address_of(c)};
    struct parcel parcel = parcel_make(128, 1000, 0, to, 2);
    struct gcs_transport_packet got[128];
    uint64_t calls = counters_of(b)->receive_calls;

    if (networks[_i].batches) {
        send_parcel(a, &parcel);
        /* 256 datagrams: sendmmsg alone takes 4 calls, segmentation offload fewer. */
        ck_assert_uint_le(counters_of(a)->send_calls, 6);
        if (counters_of(a)->trains_sent > 0)
            ck_assert_uint_le(counters_of(a)->send_calls, 2);
        ck_assert_uint_eq(receive_some(b, got, 128, 128), 128);
        release(got, 128);
        ck_assert_uint_le(counters_of(b)->receive_calls - calls, 20);
    }
    parcel_free(&parcel);
    network_close(a);
    network_close(b);
    network_close(c);
}
END_TEST

START_TEST(overflows_are_counted)
{
    struct gcs_transport *a = network_open(&networks[_i], NULL);
    struct gcs_transport *b =
        network_open(&networks[_i], networks[_i].devices ? NULL : "rcvbuf=8192");
    struct gcs_transport_packet got[64];
    uint64_t arrived = 0;
    size_t n;

    if (a->ops->caps(a)->reliable)
        goto out;
    for (int i = 0; i < 3; i++) { /* the system tells with the packet that follows the loss */
        struct parcel parcel = parcel_make(200, 1200, 0, address_of(b), 1);
        for (size_t k = 0; k < parcel.count; k += 2)
            parcel.packets[k].size--;
        send_parcel(a, &parcel);
        while ((n = b->ops->receive(b, got, 64)) > 0) {
            arrived += n;
            release(got, n);
        }
        parcel_free(&parcel);
    }
    ck_assert_uint_lt(arrived, 600);
    ck_assert_uint_gt(counters_of(b)->overflows, 0);
    ck_assert_uint_le(counters_of(b)->overflows, 600 - arrived);
out:
    network_close(a);
    network_close(b);
}
END_TEST

/* Nor are they mistaken for losses where a filter drops them. */
START_TEST(own_packets_do_not_count_as_received)
{
    struct gcs_transport *a = network_open(&networks[_i], NULL);
    struct gcs_transport *b = network_open(&networks[_i], NULL);
    struct gcs_transport *c = network_open(&networks[_i], NULL);
    struct gcs_address to[2] = {*address_of(b), *address_of(c)};
    struct gcs_address back[2] = {*address_of(a), *address_of(c)};
    struct gcs_transport_packet got[50];
    struct parcel out = parcel_make(50, 1000, 0, to, 2);
    struct parcel in = parcel_make(1, 1000, 99, back, 2);

    settle(a);
    for (size_t i = 0; i < 50; i++)
        out.packets[i].multicast = true;
    in.packets[0].multicast = true;
    for (int i = 0; i < 5; i++) {
        send_parcel(a, &out);
        send_parcel(b, &in);
        ck_assert_uint_eq(receive_some(a, got, 1, 50), 1);
        release(got, 1);
        ck_assert_uint_eq(receive_some(b, got, 50, 50), 50);
        release(got, 50);
    }
    ck_assert_uint_ge(counters_of(a)->datagrams_received, 5);
    ck_assert_uint_le(counters_of(a)->datagrams_received, 7); /* others' self-tests */
    ck_assert_uint_eq(counters_of(a)->overflows, 0);
    ck_assert_uint_eq(counters_of(b)->overflows, 0);
    parcel_free(&out);
    parcel_free(&in);
    network_close(a);
    network_close(b);
    network_close(c);
}
END_TEST

START_TEST(capabilities_are_sensible)
{
    struct gcs_transport *t = network_open(&networks[_i], NULL);
    const struct gcs_transport_caps *caps = t->ops->caps(t);
    char text[GCS_ADDRESS_TEXT_MAX];
    struct gcs_address back;

    ck_assert_uint_ge(caps->packet_bytes, 1400);
    ck_assert_uint_ge(caps->receive_bytes, 64 * 1024);
    ck_assert_int_eq(caps->multicast, networks[_i].multicast);
    ck_assert_str_eq(t->ops->note(t), "");
    ck_assert_int_eq(caps->reliable, networks[_i].connects);
    ck_assert(t->ops->scheme[0] &&
              strncmp(networks[_i].url, t->ops->scheme, strlen(t->ops->scheme)) == 0);
    gcs_address_format(address_of(t), text, sizeof(text));
    ck_assert_int_eq(gcs_address_parse(text, &back), 0);
    ck_assert_mem_eq(&back, address_of(t), sizeof(back));
    network_close(t);
}
END_TEST

START_TEST(opening_and_closing_leaks_no_descriptor)
{
    int before;

    for (int i = 0; i < 5; i++) /* what a library opens once for the process */
        network_close(network_open(&networks[_i], NULL));
    before = open_descriptors();
    for (int i = 0; i < 200; i++)
        network_close(network_open(&networks[_i], NULL));
    ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

START_TEST(descriptors_close_on_exec)
{
    int before[1024], flags;
    struct gcs_transport *t;

    for (int fd = 0; fd < 1024; fd++)
        before[fd] = fcntl(fd, F_GETFD);
    t = network_open(&networks[_i], NULL);
    for (int fd = 0; fd < 1024; fd++) {
        flags = fcntl(fd, F_GETFD);
        if (flags >= 0 && before[fd] < 0)
            ck_assert_msg(flags & FD_CLOEXEC, "descriptor %d", fd);
    }
    network_close(t);
}
END_TEST

Suite *resources_suite(void)
{
    Suite *suite = suite_create("resources");
    TCase *tcase = tcase_create("resources");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, counters_count, 0, networks_count);
    tcase_add_loop_test(tcase, many_packets_share_a_system_call, 0, networks_count);
    tcase_add_loop_test(tcase, overflows_are_counted, 0, networks_count);
    tcase_add_loop_test(tcase, own_packets_do_not_count_as_received, 0, networks_count);
    tcase_add_loop_test(tcase, capabilities_are_sensible, 0, networks_count);
    tcase_add_loop_test(tcase, opening_and_closing_leaks_no_descriptor, 0, networks_count);
    tcase_add_loop_test(tcase, descriptors_close_on_exec, 0, networks_count);
    suite_add_tcase(suite, tcase);
    return suite;
}
