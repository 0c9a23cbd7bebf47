/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the UDP transport does when the system refuses (transport/udp_send.c): a
 * system with shorter trains or none, packets that cannot be sent, addresses that
 * are none. Nothing but the packet concerned is lost, and it is counted.
 */
#include "transport/udp.h"

#include <check.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define MOST 256

static struct gcs_transport *a, *b;
static struct gcs_address to[4];
static uint8_t data[70000];
static struct gcs_core_packet packets[MOST];

static void setup(void)
{
    char text[256];

    ck_assert_int_eq(gcs_transport_open("udp://127.0.0.1:0", &a, text, sizeof(text)), 0);
    ck_assert_int_eq(gcs_transport_open("udp://127.0.0.1:0", &b, text, sizeof(text)), 0);
    to[0] = *b->ops->address(b);
    for (size_t i = 0; i < MOST; i++) {
        data[i] = (uint8_t)i;
        packets[i] =
            (struct gcs_core_packet){.data = data + i, .size = 100, .to = to, .to_count = 1};
    }
}

static void teardown(void)
{
    a->ops->close(a);
    b->ops->close(b);
}

/* Everything that is there, in rising order of its first byte; returns how many. */
static size_t take_all(void)
{
    struct pollfd wait = {.fd = b->ops->fd(b), .events = POLLIN};
    struct gcs_transport_packet got[64];
    size_t n, all = 0;
    int last = -1;

    while (poll(&wait, 1, 20) == 1) {
        n = b->ops->receive(b, got, 64);
        for (size_t i = 0; i < n; i++) {
            ck_assert_int_gt(got[i].data[0], last);
            last = got[i].data[0];
            gcs_buffer_unref(got[i].buffer);
        }
        all += n;
    }
    return all;
}

START_TEST(a_system_with_shorter_trains_gets_shorter_trains)
{
    struct gcs_udp *udp = (struct gcs_udp *)a;

    if (udp->sender.train_max == 1)
        return;                  /* a system without any */
    udp->sender.train_max = 250; /* more than any system takes */
    a->ops->send(a, packets, 250);
    ck_assert_uint_eq(udp->sender.train_max, 64);
    ck_assert_uint_eq(take_all(), 250);
    ck_assert_uint_eq(udp->counters.trains_sent, 0);
    a->ops->send(a, packets, 250);
    ck_assert_uint_eq(take_all(), 250);
    ck_assert_uint_eq(udp->counters.trains_sent, 4);
    ck_assert_uint_eq(udp->counters.datagrams_sent, 500);
    ck_assert_uint_eq(udp->counters.send_errors, 0);
}
END_TEST

START_TEST(a_system_without_trains_gets_packets)
{
    struct gcs_udp *udp = (struct gcs_udp *)a;
    int on = 1;

    /* Without checksums the system does not segment. */
    ck_assert_int_eq(setsockopt(udp->unicast.fd, SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on)), 0);
    a->ops->send(a, packets, 60);
    ck_assert_uint_eq(udp->sender.train_max, 1);
    ck_assert_uint_eq(take_all(), 60);
    a->ops->send(a, packets, 60);
    ck_assert_uint_eq(take_all(), 60);
    ck_assert_uint_eq(udp->counters.trains_sent, 0);
    ck_assert_uint_eq(udp->counters.datagrams_sent, 120);
    ck_assert_uint_eq(udp->counters.send_errors, 0);
}
END_TEST

START_TEST(a_packet_that_cannot_be_sent_is_lost_alone)
{
    packets[3].size = 65536;
    packets[7].size = 65536;
    a->ops->send(a, packets, 20);
    ck_assert_uint_eq(take_all(), 18);
    ck_assert_uint_eq(a->ops->counters(a)->send_errors, 2);
    ck_assert_uint_eq(a->ops->counters(a)->datagrams_sent, 18);
}
END_TEST

START_TEST(addresses_that_are_none_are_counted)
{
    to[1] = to[0];
    gcs_udp_set_port(&to[1], 0);
    gcs_address_parse("[::1]:7400", &to[2]);
    to[3] = (struct gcs_address){.length = 9, .bytes = {4}};
    for (size_t i = 0; i < 10; i++)
        packets[i].to_count = 4;
    a->ops->send(a, packets, 10);
    ck_assert_uint_eq(take_all(), 10);
    ck_assert_uint_eq(a->ops->counters(a)->send_errors, 30);
    ck_assert_uint_eq(a->ops->counters(a)->datagrams_sent, 10);
}
END_TEST

/* More messages and vectors than one system call takes. */
START_TEST(a_large_fan_out_is_cut_into_calls)
{
    static struct gcs_address many[150];

    for (size_t i = 0; i < 150; i++)
        many[i] = to[0];
    packets[0].to = packets[1].to = packets[2].to = many;
    packets[0].to_count = packets[1].to_count = packets[2].to_count = 150;
    packets[1].size = 101; /* no train */
    a->ops->send(a, packets, 3);
    ck_assert_uint_eq(a->ops->counters(a)->datagrams_sent, 450);
    ck_assert_uint_eq(a->ops->counters(a)->bytes_sent, 150 * 301);
    ck_assert_uint_le(a->ops->counters(a)->send_calls, 9);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("udp_send");
    TCase *tcase = tcase_create("udp_send");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_system_with_shorter_trains_gets_shorter_trains);
    tcase_add_test(tcase, a_system_without_trains_gets_packets);
    tcase_add_test(tcase, a_packet_that_cannot_be_sent_is_lost_alone);
    tcase_add_test(tcase, addresses_that_are_none_are_counted);
    tcase_add_test(tcase, a_large_fan_out_is_cut_into_calls);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
