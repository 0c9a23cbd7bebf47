/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The window under congestion: it shrinks by a part with each sign and grows by the
 * clock, never beyond its bounds; equal senders come to be equal; what takes far
 * longer than packets can is a sign, and what takes its time is none.
 */
#include "gcs/base/prng.h"
#include "gcs/reliable/loss.h"
#include "gcs/reliable/pace.h"
#include "tests/unit/suite.h"

enum { MOST = 1 << 20, MS = 1000000 };

static const uint64_t start = UINT64_C(5000) * MS;
static struct gcs_pace pace;

static void setup(void)
{
    gcs_pace_init(&pace, start, MOST);
}

START_TEST(without_a_sign_all_may_be_on_its_way)
{
    setup();
    ck_assert_uint_eq(gcs_pace_window(&pace, start), MOST);
    ck_assert_uint_eq(gcs_pace_window(&pace, start + UINT64_C(100000) * MS), MOST);
    ck_assert_uint_eq(pace.cuts, 0);
}
END_TEST

START_TEST(a_sign_takes_a_part)
{
    setup();
    ck_assert(gcs_pace_sign(&pace, start, 0, false));
    ck_assert_uint_eq(gcs_pace_window(&pace, start), MOST / 4 * 3);
    ck_assert_uint_eq(pace.cuts, 1);
}
END_TEST

START_TEST(one_cut_answers_all_signs_of_a_short_time)
{
    setup();
    ck_assert(gcs_pace_sign(&pace, start, 0, false));
    for (unsigned i = 1; i < 20; i++)
        ck_assert(!gcs_pace_sign(&pace, start + i * MS, 0, false));
    ck_assert(gcs_pace_sign(&pace, start + 20 * MS, 0, false));
    ck_assert_uint_eq(pace.cuts, 2);
}
END_TEST

START_TEST(on_a_long_path_that_time_is_a_round_trip)
{
    setup();
    ck_assert(gcs_pace_sign(&pace, start, 200 * MS, false));
    ck_assert(!gcs_pace_sign(&pace, start + 199 * MS, 200 * MS, false));
    ck_assert(gcs_pace_sign(&pace, start + 200 * MS, UINT64_C(1000000) * MS, false));
    ck_assert(gcs_pace_sign(&pace, start + 1200 * MS, 200 * MS,
                            false)); /* but never more than a second */
}
END_TEST

START_TEST(however_bad_it_is_something_is_left)
{
    setup();
    uint64_t now = start;
    for (unsigned i = 0; i < 1000; i++, now += 20 * MS)
        ck_assert(gcs_pace_sign(&pace, now, 0, false));
    ck_assert_uint_ge(gcs_pace_window(&pace, now), MOST / GCS_PACE_LEAST_PART);
    ck_assert_uint_lt(gcs_pace_window(&pace, now), MOST / 8);
}
END_TEST

START_TEST(it_grows_by_the_clock_however_often_one_looks)
{
    setup();
    struct gcs_pace often;
    for (unsigned i = 0; i < 100; i++)
        (void)gcs_pace_sign(&pace, start + i * 20 * MS, 0, false);
    uint64_t now = start + 2000 * MS;
    often = pace;
    for (uint64_t ns = 0; ns < 100 * MS; ns += 700) /* less than a byte each time */
        (void)gcs_pace_window(&often, now + ns);
    uint32_t once = gcs_pace_window(&pace, now + 100 * MS);
    ck_assert_uint_ge(gcs_pace_window(&often, now + 100 * MS), once - once / 100);
    ck_assert_uint_le(gcs_pace_window(&often, now + 100 * MS), once);
    ck_assert_uint_eq(gcs_pace_window(&pace, now + 1000 * MS), MOST);
}
END_TEST

/* What receivers say reaches all senders alike. */
START_TEST(equal_senders_come_to_be_equal)
{
    setup();
    struct gcs_pace late;
    uint64_t now = start;
    gcs_pace_init(&late, start, MOST);
    for (unsigned i = 0; i < 100; i++, now += 20 * MS) /* only one was there */
        (void)gcs_pace_sign(&pace, now, 0, false);
    ck_assert_uint_gt(late.window, 8 * pace.window);
    for (unsigned i = 0; i < 40; i++, now += 100 * MS) {
        (void)gcs_pace_sign(&pace, now, 0, false);
        (void)gcs_pace_sign(&late, now, 0, false);
    }
    ck_assert_uint_le(late.window, pace.window + pace.window / 100);
    ck_assert_uint_lt(late.window, MOST / 2);
}
END_TEST

/* ---- Delay ------------------------------------------------------------------------------- */

static bool takes(uint64_t *now, uint64_t number, uint64_t ns)
{
    gcs_pace_sent(&pace, *now, number);
    gcs_pace_sent(&pace, *now, number + 1); /* that is not followed */
    ck_assert(!gcs_pace_seen(&pace, *now + ns, number - 1, 0));
    *now += ns;
    return gcs_pace_seen(&pace, *now, number, 0);
}

START_TEST(what_takes_far_longer_than_packets_can_is_a_sign)
{
    setup();
    uint64_t now = start;
    ck_assert(!takes(&now, 1, 1 * MS));
    ck_assert(!takes(&now, 3, 90 * MS)); /* ninety times as long, and yet not long */
    ck_assert(takes(&now, 5, 101 * MS));
    ck_assert(!takes(&now, 7, 2 * MS));
}
END_TEST

START_TEST(a_long_path_is_no_sign)
{
    setup();
    uint64_t now = start;
    for (uint64_t n = 1; n < 200; n += 2)
        ck_assert(!takes(&now, n, (300 + n) * MS));
}
END_TEST

START_TEST(while_packets_take_too_long_it_does_not_grow)
{
    setup();
    uint64_t now = start;
    ck_assert(!takes(&now, 1, 1 * MS));
    ck_assert(takes(&now, 3, 190 * MS));
    ck_assert(gcs_pace_sign(&pace, now, 0, true));
    ck_assert(takes(&now, 5, 180 * MS));
    ck_assert_uint_eq(gcs_pace_window(&pace, now), MOST / 4 * 3);
    ck_assert(gcs_pace_sign(&pace, now, 0, true));
    ck_assert_uint_eq(gcs_pace_window(&pace, now + 170 * MS), MOST / 16 * 9);
    ck_assert_uint_gt(gcs_pace_window(&pace, now + 200 * MS), MOST / 16 * 9);
}
END_TEST

START_TEST(what_takes_far_too_long_costs_a_part_more)
{
    setup();
    uint64_t now = start;
    gcs_pace_sent(&pace, now, 1); /* that was in a queue already, as the path tells */
    ck_assert(gcs_pace_seen(&pace, now + 900 * MS, 1, 2 * MS));
    ck_assert_uint_eq(gcs_pace_window(&pace, now + 900 * MS), MOST / 4 * 3);
    ck_assert(gcs_pace_sign(&pace, now + 900 * MS, 0, true));
    ck_assert_uint_eq(gcs_pace_window(&pace, now + 900 * MS), MOST / 16 * 9);
}
END_TEST

START_TEST(it_is_known_how_long_packets_take)
{
    setup();
    uint64_t now = start;
    ck_assert_uint_eq(pace.trip, 0);
    (void)takes(&now, 1, 8 * MS);
    ck_assert_uint_eq(pace.trip, 8 * MS);
    for (uint64_t n = 3; n < 300; n += 2)
        (void)takes(&now, n, 16 * MS);
    ck_assert_uint_gt(pace.trip, 15 * MS);
    ck_assert_uint_le(pace.trip, 16 * MS);
}
END_TEST

START_TEST(near_what_was_too_much_it_grows_slowly)
{
    struct gcs_pace quick;
    setup();
    ck_assert(gcs_pace_sign(&pace, start, 0, true));
    quick = pace;
    quick.known_until = 0;
    uint64_t now = start + 125 * MS; /* quickly up to seven eighths */
    ck_assert_uint_ge(gcs_pace_window(&pace, now), MOST / 8 * 7 - 2);
    ck_assert_uint_ge(gcs_pace_window(&quick, now), MOST / 8 * 7 - 2);
    now += 100 * MS;
    ck_assert_uint_lt(gcs_pace_window(&pace, now), MOST / 8 * 7 + MOST / 128);
    ck_assert_uint_gt(gcs_pace_window(&quick, now), MOST / 8 * 7 + MOST / 16);
    ck_assert_uint_eq(gcs_pace_window(&pace, start + 2000 * MS), MOST); /* it is long ago */
}
END_TEST

/* ---- Loss -------------------------------------------------------------------------------- */

START_TEST(loss_is_measured)
{
    struct gcs_loss loss = {0};
    struct gcs_prng prng;
    gcs_prng_init(&prng, 7);
    for (unsigned i = 0; i < 100000; i++)
        gcs_loss_count(&loss, gcs_prng_next(&prng) % 100 < 5);
    ck_assert_uint_gt(loss.ppm, 20000);
    ck_assert_uint_lt(loss.ppm, 90000);
    for (unsigned i = 0; i < 100 * GCS_LOSS_SAMPLE; i++)
        gcs_loss_count(&loss, false);
    ck_assert_uint_lt(loss.ppm, 10);
}
END_TEST

START_TEST(one_burst_is_no_lossy_path)
{
    struct gcs_loss loss = {0};
    for (unsigned i = 0; i < 100 * GCS_LOSS_SAMPLE; i++)
        gcs_loss_count(&loss, i < 64);
    ck_assert_uint_lt(loss.ppm, 10);
    for (unsigned i = 0; i < 10 * GCS_LOSS_SAMPLE; i++)
        gcs_loss_count(&loss, true);
    ck_assert_uint_gt(loss.ppm, 900000);
    ck_assert_uint_le(loss.ppm, GCS_LOSS_MILLION);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        without_a_sign_all_may_be_on_its_way,
        a_sign_takes_a_part,
        one_cut_answers_all_signs_of_a_short_time,
        on_a_long_path_that_time_is_a_round_trip,
        however_bad_it_is_something_is_left,
        it_grows_by_the_clock_however_often_one_looks,
        equal_senders_come_to_be_equal,
        what_takes_far_longer_than_packets_can_is_a_sign,
        a_long_path_is_no_sign,
        while_packets_take_too_long_it_does_not_grow,
        what_takes_far_too_long_costs_a_part_more,
        it_is_known_how_long_packets_take,
        near_what_was_too_much_it_grows_slowly,
        loss_is_measured,
        one_burst_is_no_lossy_path,
    };
    return suite_run("pace", tests, SUITE_SIZE(tests));
}
