/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The generator gives the published sequences, stays in its bounds, and is
 * even enough for tests to rely on.
 */
#include "gcs/base/prng.h"

#include <check.h>
#include <stdlib.h>

START_TEST(splitmix64_gives_its_published_sequence)
{
    static const uint64_t expected[] = {6457827717110365317U, 3203168211198807973U,
                                        9817491932198370423U, 4593380528125082431U,
                                        16408922859458223821U};
    uint64_t seed = 1234567;

    for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
        ck_assert_uint_eq(gcs_prng_split(&seed), expected[i]);
}
END_TEST

START_TEST(xoshiro256starstar_gives_its_published_sequence)
{
    static const uint64_t expected[] = {11520U, 0U, 1509978240U, 1215971899390074240U,
                                        1216172134540287360U};
    struct gcs_prng prng = {{1, 2, 3, 4}};

    for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
        ck_assert_uint_eq(gcs_prng_next(&prng), expected[i]);
}
END_TEST

START_TEST(equal_seeds_give_equal_sequences)
{
    struct gcs_prng a, b, c;
    unsigned equal = 0;

    gcs_prng_init(&a, 42);
    gcs_prng_init(&b, 42);
    gcs_prng_init(&c, 43);
    for (int i = 0; i < 1000; i++) {
        uint64_t x = gcs_prng_next(&a);

        ck_assert_uint_eq(x, gcs_prng_next(&b));
        equal += x == gcs_prng_next(&c);
    }
    ck_assert_uint_eq(equal, 0);
}
END_TEST

START_TEST(bounds_hold_and_are_reached)
{
    struct gcs_prng prng;
    unsigned seen[7] = {0};

    gcs_prng_init(&prng, 1);
    ck_assert_uint_eq(gcs_prng_below(&prng, 0), 0);
    ck_assert_uint_eq(gcs_prng_below(&prng, 1), 0);
    for (int i = 0; i < 70000; i++) {
        uint64_t x = gcs_prng_between(&prng, 10, 16);

        ck_assert_uint_ge(x, 10);
        ck_assert_uint_le(x, 16);
        seen[x - 10]++;
    }
    for (int i = 0; i < 7; i++) {
        ck_assert_uint_gt(seen[i], 9500);
        ck_assert_uint_lt(seen[i], 10500);
    }
    ck_assert_uint_eq(gcs_prng_between(&prng, 5, 5), 5);
    gcs_prng_between(&prng, 0, UINT64_MAX);
    for (int i = 0; i < 100; i++)
        ck_assert_uint_lt(gcs_prng_below(&prng, (UINT64_MAX / 3) * 2), (UINT64_MAX / 3) * 2);
}
END_TEST

START_TEST(chances_come_as_often_as_they_should)
{
    struct gcs_prng prng;
    unsigned hits = 0;

    gcs_prng_init(&prng, 2);
    for (int i = 0; i < 100000; i++) {
        hits += gcs_prng_chance(&prng, 250000);
        ck_assert(!gcs_prng_chance(&prng, 0));
        ck_assert(gcs_prng_chance(&prng, 1000000));
    }
    ck_assert_uint_gt(hits, 24000);
    ck_assert_uint_lt(hits, 26000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("prng");
    TCase *tcase = tcase_create("prng");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, splitmix64_gives_its_published_sequence);
    tcase_add_test(tcase, xoshiro256starstar_gives_its_published_sequence);
    tcase_add_test(tcase, equal_seeds_give_equal_sequences);
    tcase_add_test(tcase, bounds_hold_and_are_reached);
    tcase_add_test(tcase, chances_come_as_often_as_they_should);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
