/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tests of the failure detector can fail: each deliberate bug accuses
 * somebody who lives. The detector is compiled once more here, with the bugs in
 * it; what the library's own objects define is not linked then.
 */
#define GCS_MUTANTS
#include "gcs/base/mutant.h"

enum gcs_mutant gcs_mutant;

#include "views/detector.c"
#include "views/patience.c"
#include "views/relay.c"

#include "tests/unit/suite.h"
#include "tests/unit/watchers.h"

/* A life with pauses and with a link that is refused; how often somebody was accused in it. */
static uint64_t accusations(enum gcs_mutant mutant)
{
    gcs_mutant = mutant;
    watchers_open_group(4);
    for (int i = 0; i < 5; i++) {
        watchers_run(1000 * MS);
        watchers_cut(0, 1, true);
        watchers_refuse(0, 1);
        watchers_run(100 * MS);
        watchers_cut(0, 1, false);
        watchers_run(1000 * MS);
        for (int node = 0; node < 4; node++)
            net.nodes[node].stopped = true;
        watchers_run(5000 * MS);
        for (int node = 0; node < 4; node++)
            net.nodes[node].stopped = false;
    }
    watchers_run(1000 * MS);
    gcs_mutant = GCS_MUTANT_none;
    uint64_t found = net.counters.suspicions;
    watchers_close();
    return found;
}

START_TEST(without_a_bug_nobody_is_accused)
{
    ck_assert_uint_eq(accusations(GCS_MUTANT_none), 0);
}
END_TEST

#define MUTANT_TEST(name, property, text)                     \
    START_TEST(name##_is_found)                               \
    {                                                         \
        ck_assert_uint_gt(accusations(GCS_MUTANT_##name), 0); \
    }                                                         \
    END_TEST
GCS_DETECTOR_MUTANT_TABLE(MUTANT_TEST)

int main(void)
{
    const TTest *const tests[] = {
#define MUTANT_ENTRY(name, property, text) name##_is_found,
        GCS_DETECTOR_MUTANT_TABLE(MUTANT_ENTRY) without_a_bug_nobody_is_accused,
    };
    return suite_run("detector_mutants", tests, SUITE_SIZE(tests));
}
