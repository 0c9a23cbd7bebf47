/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The checks of test_founding can fail: each deliberate bug is found by random
 * lives. The machine is compiled once more here, with the bugs in it.
 * ctest-timeout: 240
 */
#define GCS_MUTANTS
#include "gcs/base/mutant.h"

enum gcs_mutant gcs_mutant;

#include "views/founding.c"

#include "tests/unit/founders.h"
#include "tests/unit/suite.h"

#define SEEDS 20000

static void expect_found(enum gcs_mutant mutant, const char *name)
{
    const char *violation = NULL;
    gcs_mutant = mutant;
    for (uint64_t seed = 1; seed <= SEEDS && !violation; seed++)
        violation = founders_random_run(seed);
    gcs_mutant = GCS_MUTANT_none;
    ck_assert_msg(violation != NULL, "%s was not found", name);
}

#define FOUNDING_MUTANTS(X)     \
    X(founding_minority)        \
    X(forget_promise)           \
    X(install_without_majority) \
    X(no_reproposal)

#define MUTANT_TEST(name)                       \
    START_TEST(name##_is_found)                 \
    {                                           \
        expect_found(GCS_MUTANT_##name, #name); \
    }                                           \
    END_TEST
FOUNDING_MUTANTS(MUTANT_TEST)

int main(void)
{
    const TTest *const tests[] = {
#define MUTANT_ENTRY(name) name##_is_found,
        FOUNDING_MUTANTS(MUTANT_ENTRY)};
    return suite_run("founding_mutants", tests, SUITE_SIZE(tests));
}
