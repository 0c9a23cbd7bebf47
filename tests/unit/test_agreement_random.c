/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Seeded random runs of the agreement machine: loss, delay, cuts, crashes in the
 * middle of a ballot, false suspicion, joins, leaves, returns; then everything
 * heals, and the group must go on. GCS_SEED and GCS_RUNS in the environment
 * choose other runs. ctest-timeout: 300
 */
#include "tests/unit/arena.h"
#include "tests/unit/suite.h"

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

START_TEST(safety_under_faults_and_liveness_after_them)
{
    uint64_t seed = number_from("GCS_SEED", 1);
    uint64_t runs = number_from("GCS_RUNS", 1500);
    struct gcs_counters counters = {0};
    for (uint64_t i = 0; i < runs; i++) {
        const char *violation = arena_random_run(seed + i, &counters);
        ck_assert_msg(!violation, "%s", violation);
    }
    /* The rare paths were taken. */
    ck_assert_uint_ge(counters.polls, runs / 10);
    ck_assert_uint_ge(counters.ballots, runs);
    ck_assert_uint_ge(counters.reproposals, runs / 50);
    ck_assert_uint_ge(counters.fetches, runs / 10);
}
END_TEST

START_TEST(the_same_seed_is_the_same_run)
{
    struct gcs_counters first = {0};
    struct gcs_counters second = {0};
    for (uint64_t seed = 1; seed <= 20; seed++) {
        arena_random_run(seed, &first);
        arena_random_run(seed, &second);
    }
    ck_assert_mem_eq(&first, &second, sizeof(first));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        safety_under_faults_and_liveness_after_them,
        the_same_seed_is_the_same_run,
    };
    return suite_run("agreement_random", tests, SUITE_SIZE(tests));
}
