/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The back-off before a request: within its window, early for few of many, and the
 * more receivers the rarer early ones are, so that the number of requests until the
 * first is heard stays small.
 */
#include "gcs/base/prng.h"
#include "gcs/reliable/backoff.h"
#include "tests/unit/suite.h"

enum { WINDOW = 2000000, ROUNDS = 2000 };

START_TEST(nobody_else_no_waiting)
{
    ck_assert_uint_eq(gcs_backoff_ns(UINT64_MAX, WINDOW, 0), 0);
    ck_assert_uint_eq(gcs_backoff_ns(UINT64_MAX, WINDOW, 1), 0);
}
END_TEST

START_TEST(the_ends_of_the_window)
{
    ck_assert_uint_eq(gcs_backoff_ns(0, WINDOW, 16), 0);
    uint64_t last = gcs_backoff_ns(UINT64_MAX, WINDOW, 16);
    ck_assert_uint_le(last, WINDOW);
    ck_assert_uint_ge(last, WINDOW - WINDOW / 1000);
}
END_TEST

START_TEST(more_chance_never_comes_earlier)
{
    uint64_t before = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t wait = gcs_backoff_ns(i * (UINT64_MAX / 1000), WINDOW, 1000);
        ck_assert_uint_ge(wait, before);
        before = wait;
    }
}
END_TEST

/* y uniform on [1, e R], t = T ln(y) / ln(e R): half of all wait longer than where y is in the
 * middle, which for R = 16 is 0.825 T. */
START_TEST(the_middle_is_where_the_formula_says)
{
    uint64_t middle = gcs_backoff_ns(UINT64_MAX / 2, WINDOW, 16);
    ck_assert_uint_ge(middle, WINDOW / 1000 * 822);
    ck_assert_uint_le(middle, WINDOW / 1000 * 828);
}
END_TEST

/* All receivers lack the packet; who has not spoken when it hears the first keeps silent. */
static double requests(uint32_t receivers, uint64_t round_trip)
{
    struct gcs_prng prng;
    uint64_t spoken = 0;
    gcs_prng_init(&prng, receivers);
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t waits[1024], first = UINT64_MAX;
        for (uint32_t i = 0; i < receivers; i++) {
            waits[i] = gcs_backoff_ns(gcs_prng_next(&prng), WINDOW, receivers);
            first = waits[i] < first ? waits[i] : first;
        }
        for (uint32_t i = 0; i < receivers; i++)
            spoken += waits[i] <= first + round_trip / 2;
    }
    return (double)spoken / ROUNDS;
}

START_TEST(few_speak_of_many)
{
    ck_assert_double_le(requests(16, WINDOW / 4), 3.0);
    ck_assert_double_le(requests(1000, WINDOW / 4), 4.0);
    ck_assert_double_le(requests(16, WINDOW / 2), 5.0);
    ck_assert_double_ge(requests(1000, WINDOW / 4), 1.0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        nobody_else_no_waiting,
        the_ends_of_the_window,
        more_chance_never_comes_earlier,
        the_middle_is_where_the_formula_says,
        few_speak_of_many,
    };
    return suite_run("backoff", tests, SUITE_SIZE(tests));
}
