/* SPDX-License-Identifier: BSD-3-Clause */
/* The faults= interceptor: each fault happens, about as often as asked for, the same for the same
 * seed, and only to received packets. */
#include "transport/transport.h"
#include "transport/udp.h"

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PACKETS 2000
#define SIZE    64

struct outcome {
    unsigned arrived, distinct, damaged, overtaken;
    uint64_t faults;
    uint64_t order; /* depends on which packets arrived in which order */
};

static bool is_readable(struct gcs_transport *t, int ms)
{
    struct pollfd p = {.fd = t->ops->fd(t), .events = POLLIN};
    return poll(&p, 1, ms) == 1;
}

static struct gcs_transport *open_url(const char *url)
{
    struct gcs_transport *t;
    char text[256];

    ck_assert_msg(gcs_transport_open(url, &t, text, sizeof(text)) == 0, "%s: %s", url, text);
    return t;
}

static void take(struct gcs_transport *t, struct outcome *o, bool seen[PACKETS], uint32_t *highest)
{
    struct gcs_transport_packet got[32];
    size_t n;

    while ((n = t->ops->receive(t, got, 32)) > 0) {
        for (size_t i = 0; i < n; i++) {
            uint32_t number, copy;
            memcpy(&number, got[i].data, sizeof(number));
            memcpy(&copy, got[i].data + SIZE - sizeof(copy), sizeof(copy));
            bool whole = number == copy && number < PACKETS;
            for (size_t k = sizeof(number); k < SIZE - sizeof(copy); k++)
                whole &= got[i].data[k] == 0;
            o->arrived++;
            o->order = o->order * 6364136223846793005U + number + 1;
            o->damaged += !whole;
            if (whole) {
                o->distinct += !seen[number];
                o->overtaken += !seen[number] && number < *highest;
                seen[number] = true;
                if (number > *highest)
                    *highest = number;
            }
            gcs_buffer_unref(got[i].buffer);
        }
    }
}

/* PACKETS numbered packets through a transport with these faults. */
static struct outcome suffer(const char *url)
{
    struct gcs_transport *a = open_url("udp://127.0.0.1:0");
    struct gcs_transport *b = open_url(url);
    struct outcome o = {0};
    bool seen[PACKETS] = {false};
    uint32_t highest = 0;

    for (uint32_t i = 0; i < PACKETS; i++) {
        uint8_t data[SIZE] = {0};
        memcpy(data, &i, sizeof(i));
        memcpy(data + SIZE - sizeof(i), &i, sizeof(i));
        struct gcs_core_packet p = {
            .data = data, .size = SIZE, .to = b->ops->address(b), .to_count = 1};
        a->ops->send(a, &p, 1);
        if (i % 50 == 49)
            take(b, &o, seen, &highest);
    }
    while (is_readable(b, 30)) /* longer than packets are held back */
        take(b, &o, seen, &highest);
    o.faults = b->ops->counters(b)->faults;
    a->ops->close(a);
    b->ops->close(b);
    return o;
}

START_TEST(without_chances_nothing_happens)
{
    struct outcome o = suffer("udp://127.0.0.1:0?faults=loss:0");

    ck_assert_uint_eq(o.arrived, PACKETS);
    ck_assert_uint_eq(o.distinct, PACKETS);
    ck_assert_uint_eq(o.faults, 0);
}
END_TEST

START_TEST(packets_get_lost)
{
    struct outcome o = suffer("udp://127.0.0.1:0?faults=loss:0.2");

    ck_assert_uint_eq(o.arrived, o.distinct);
    ck_assert_uint_eq(o.arrived + o.faults, PACKETS);
    ck_assert_uint_ge(o.faults, PACKETS / 10);
    ck_assert_uint_le(o.faults, PACKETS * 3 / 10);
}
END_TEST

START_TEST(all_can_get_lost)
{
    struct outcome o = suffer("udp://127.0.0.1:0?faults=loss:1");

    ck_assert_uint_eq(o.arrived, 0);
    ck_assert_uint_eq(o.faults, PACKETS);
}
END_TEST

START_TEST(packets_come_twice)
{
    struct outcome o = suffer("udp://127.0.0.1:0?faults=duplicate:0.2");

    ck_assert_uint_eq(o.distinct, PACKETS);
    ck_assert_uint_eq(o.arrived, PACKETS + o.faults);
    ck_assert_uint_ge(o.faults, PACKETS / 10);
}
END_TEST

START_TEST(packets_get_damaged)
{
    struct outcome o = suffer("udp://127.0.0.1:0?faults=corrupt:0.2");

    ck_assert_uint_eq(o.arrived, PACKETS);
    ck_assert_uint_eq(o.damaged, o.faults);
    ck_assert_uint_ge(o.faults, PACKETS / 10);
}
END_TEST

START_TEST(packets_overtake_each_other_and_none_is_left_behind)
{
    struct outcome o = suffer("udp://127.0.0.1:0?faults=reorder:0.2,hold:10");

    ck_assert_uint_eq(o.distinct, PACKETS);
    ck_assert_uint_eq(o.arrived, PACKETS);
    ck_assert_uint_ge(o.overtaken, PACKETS / 20);
}
END_TEST

/* The address is part of the seed, so that it must be the same too: one that no other process
 * uses at the same time. */
START_TEST(a_seed_decides_everything)
{
    unsigned pid = (unsigned)getpid();
    char url[128];
    struct outcome a, b, c;

    snprintf(url, sizeof(url), "udp://127.77.%u.%u:7400?faults=loss:0.5&seed=7", pid >> 8 & 0xff,
             pid & 0xff);
    a = suffer(url);
    b = suffer(url);
    url[strlen(url) - 1] = '8';
    c = suffer(url);
    ck_assert_uint_eq(a.order, b.order);
    ck_assert_uint_ne(a.order, c.order);
}
END_TEST

START_TEST(what_is_held_back_is_freed_with_the_transport)
{
    struct gcs_transport *a = open_url("udp://127.0.0.1:0");
    struct gcs_transport *b = open_url("udp://127.0.0.1:0?faults=reorder:1,hold:10000");
    struct gcs_transport_packet got;
    uint8_t data[SIZE] = {0};
    struct gcs_core_packet p = {
        .data = data, .size = SIZE, .to = b->ops->address(b), .to_count = 1};

    for (int i = 0; i < 20; i++)
        a->ops->send(a, &p, 1);
    if (b->ops->receive(b, &got, 1) == 1)
        gcs_buffer_unref(got.buffer);
    a->ops->close(a);
    b->ops->close(b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("faults");
    TCase *tcase = tcase_create("faults");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, without_chances_nothing_happens);
    tcase_add_test(tcase, packets_get_lost);
    tcase_add_test(tcase, all_can_get_lost);
    tcase_add_test(tcase, packets_come_twice);
    tcase_add_test(tcase, packets_get_damaged);
    tcase_add_test(tcase, packets_overtake_each_other_and_none_is_left_behind);
    tcase_add_test(tcase, a_seed_decides_everything);
    tcase_add_test(tcase, what_is_held_back_is_freed_with_the_transport);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
