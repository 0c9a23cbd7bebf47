/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long what only confirms waits in a large flat view: longer with more
 * members, and longer where this member is woken late.
 */
#include "gcs/era.h"
#include "tests/unit/suite.h"

#define MS UINT64_C(1000000)

static struct gcs_era era_of(uint16_t count)
{
    struct gcs_era era = {.view = {.count = count}, .confirm_due = UINT64_MAX};
    gcs_era_calm(&era);
    ck_assert_uint_eq(era.rest_ns, era.calm_ns);
    return era;
}

/* A confirmation waits for its time, and this member comes so much later, some times. */
static void come(struct gcs_era *era, uint64_t late, unsigned times)
{
    uint64_t calm = era->calm_ns;
    for (unsigned i = 0; i < times; i++) {
        uint64_t due = (i + 1) * 1000 * MS;
        era->confirm_due = due;
        gcs_era_begin_round(era, due + late);
        ck_assert_uint_eq(era->confirm_due, UINT64_MAX);
        ck_assert_uint_eq(era->calm_ns, calm); /* others are waited for as before */
    }
}

START_TEST(small_views_do_not_wait)
{
    struct gcs_era era = era_of(16);
    ck_assert_uint_eq(era.calm_ns, 0);
    come(&era, 100 * MS, 10);
    ck_assert_uint_eq(era.rest_ns, 0);
}
END_TEST

START_TEST(words_to_all_are_about_as_many_in_any_view)
{
    for (uint16_t count = 24; count <= 512; count++) {
        struct gcs_era era = era_of(count);
        double a_second = (double)count * (count - 1) / ((double)era.calm_ns / 1e9);
        ck_assert(a_second < 125000 && a_second > 40000);
    }
}
END_TEST

START_TEST(who_is_late_rests_longer_up_to_a_bound)
{
    struct gcs_era era = era_of(64);
    uint64_t calm = era.calm_ns;
    come(&era, 0, 10);
    ck_assert_uint_eq(era.rest_ns, calm);
    come(&era, 5 * MS, 100);
    ck_assert_uint_ge(era.rest_ns, calm + 100 * MS);
    ck_assert_uint_le(era.rest_ns, calm + 160 * MS);
    come(&era, 1000 * MS, 100);
    ck_assert_uint_eq(era.rest_ns, 5 * calm);
}
END_TEST

START_TEST(and_no_longer_once_it_comes_in_time)
{
    struct gcs_era era = era_of(64);
    uint64_t calm = era.calm_ns;
    come(&era, 20 * MS, 100);
    come(&era, 0, 100);
    ck_assert_uint_le(era.rest_ns, calm + MS);
}
END_TEST

START_TEST(one_pause_does_not_count_for_long)
{
    struct gcs_era era = era_of(64);
    uint64_t calm = era.calm_ns;
    come(&era, 5000 * MS, 1);
    ck_assert_uint_le(era.rest_ns, 2 * calm);
    come(&era, 0, 10);
    ck_assert_uint_le(era.rest_ns, calm + calm / 2);
}
END_TEST

START_TEST(an_ordinary_awakening_is_in_time)
{
    for (uint16_t count = 17; count <= 64; count++) {
        struct gcs_era era = era_of(count);
        come(&era, MS / 5, 100);
        ck_assert_uint_eq(era.rest_ns, era.calm_ns);
    }
}
END_TEST

START_TEST(rounds_in_which_nothing_has_waited_tell_nothing)
{
    struct gcs_era era = era_of(64);
    for (uint64_t now = 1; now < 100; now++)
        gcs_era_begin_round(&era, now * 1000 * MS);
    era.confirm_due = 500 * MS;
    gcs_era_begin_round(&era, 499 * MS);
    ck_assert_uint_eq(era.rest_ns, era.calm_ns);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        small_views_do_not_wait,
        words_to_all_are_about_as_many_in_any_view,
        who_is_late_rests_longer_up_to_a_bound,
        and_no_longer_once_it_comes_in_time,
        one_pause_does_not_count_for_long,
        an_ordinary_awakening_is_in_time,
        rounds_in_which_nothing_has_waited_tell_nothing,
    };
    return suite_run("calm", tests, SUITE_SIZE(tests));
}
