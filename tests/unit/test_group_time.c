/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Group time follows the coordinator's wall clock, at no more than twice and no less than
 * half of the rate of the monotonic clock, and never goes back, whatever the clocks show.
 */
#include "gcs/base/prng.h"
#include "gcs/group_time.h"
#include "gcs/wire/time.h"
#include "tests/unit/suite.h"

static struct gcs_group_time clock_;

static uint64_t steer(uint64_t now, uint64_t wall)
{
    return gcs_group_time_propose(&clock_, now, true, wall);
}

static uint64_t follow(uint64_t now)
{
    return gcs_group_time_propose(&clock_, now, false, 0);
}

START_TEST(the_wall_clock_is_approached_and_never_jumped_to)
{
    gcs_group_time_begin(&clock_, 1000, 500000, true);
    ck_assert_uint_eq(steer(1000, 500000), 500000);
    ck_assert_uint_eq(steer(1100, 500110), 500110);
    ck_assert_uint_eq(steer(1200, 900000), 500310); /* twice as fast */
    ck_assert_uint_eq(steer(1300, 0), 500360);      /* half as fast */
    ck_assert_uint_eq(steer(1300, 900000), 500360); /* no time has passed */
    ck_assert_uint_eq(steer(1400, 500400), 500410);
    ck_assert_uint_eq(steer(1420, 500430), 500430); /* there again */
}
END_TEST

START_TEST(the_others_go_on_from_the_coordinators_word)
{
    gcs_group_time_begin(&clock_, 1000, 500000, true);
    ck_assert_uint_eq(follow(1010), 500010);
    gcs_group_time_hear(&clock_, 1100, 500150, true);
    ck_assert_uint_eq(follow(1110), 500160);
    gcs_group_time_hear(&clock_, 1200, 500140, true); /* a repaired packet: old */
    ck_assert_uint_eq(follow(1210), 500260);
    gcs_group_time_hear(&clock_, 1300, 600000, false); /* not the coordinator's */
    ck_assert_uint_eq(follow(1310), 500360);
    ck_assert_uint_eq(gcs_group_time_report(&clock_, 1310), 600000); /* but it may be delivered */
}
END_TEST

START_TEST(deliveries_never_go_back)
{
    gcs_group_time_begin(&clock_, 1000, 500000, true);
    ck_assert_uint_eq(gcs_group_time_deliver(&clock_, 400000), 500000);
    ck_assert_uint_eq(gcs_group_time_deliver(&clock_, 500020), 500020);
    ck_assert_uint_eq(gcs_group_time_deliver(&clock_, 500010), 500020);
    ck_assert_uint_eq(gcs_group_time_deliver(&clock_, 0), 500020); /* none proposed */
    gcs_group_time_begin(&clock_, 1100, 500050, false);
    ck_assert_uint_eq(clock_.agreed, 500050);
    gcs_group_time_begin(&clock_, 2000, 300, true); /* another membership */
    ck_assert_uint_eq(clock_.agreed, 300);
}
END_TEST

START_TEST(a_view_begins_late_enough_and_goes_on_from_there)
{
    gcs_group_time_begin(&clock_, 1000, 500000, true);
    gcs_group_time_begin(&clock_, 1100, 700000, false);
    ck_assert_uint_eq(follow(1100), 700000);
    gcs_group_time_begin(&clock_, 1200, 700010, false); /* here it was later already */
    ck_assert_uint_eq(follow(1200), 700100);
    ck_assert_uint_eq(gcs_group_time_report(&clock_, 1300), 700200);
}
END_TEST

START_TEST(impossible_clocks_are_tolerated)
{
    ck_assert_uint_eq(gcs_group_time_wall(5, INT64_MIN), 0);
    ck_assert_uint_eq(gcs_group_time_wall(5, -6), 0);
    ck_assert_uint_eq(gcs_group_time_wall(5, -3), 2);
    ck_assert_uint_eq(gcs_group_time_wall(5, INT64_MAX), GCS_GROUP_TIME_MAX);
    ck_assert_uint_eq(gcs_group_time_wall(UINT64_MAX, INT64_MAX), GCS_GROUP_TIME_MAX);
    gcs_group_time_begin(&clock_, 0, GCS_GROUP_TIME_MAX - 10, true);
    ck_assert_uint_eq(steer(100, UINT64_MAX), GCS_GROUP_TIME_MAX);
    ck_assert_uint_eq(follow(UINT64_MAX), GCS_GROUP_TIME_MAX);
    ck_assert_uint_eq(follow(0), GCS_GROUP_TIME_MAX); /* the caller's clock has gone back */
}
END_TEST

START_TEST(any_wall_clock_gives_a_sane_rate)
{
    struct gcs_prng prng;
    uint64_t now = 1, time = UINT64_C(1) << 60;
    gcs_prng_init(&prng, 7);
    gcs_group_time_begin(&clock_, now, time, true);
    for (int i = 0; i < 100000; i++) {
        uint64_t step = gcs_prng_below(&prng, 1000000);
        uint64_t next = steer(now + step, gcs_prng_next(&prng) >> gcs_prng_below(&prng, 8));
        ck_assert_uint_ge(next, time + step / 2);
        ck_assert_uint_le(next, time + 2 * step);
        now += step;
        time = next;
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_wall_clock_is_approached_and_never_jumped_to,
        the_others_go_on_from_the_coordinators_word,
        deliveries_never_go_back,
        a_view_begins_late_enough_and_goes_on_from_there,
        impossible_clocks_are_tolerated,
        any_wall_clock_gives_a_sane_rate,
    };
    return suite_run("group time", tests, SUITE_SIZE(tests));
}
