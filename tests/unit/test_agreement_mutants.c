/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The arena's checks can fail: each deliberate bug of the agreement machine is
 * found by random runs. The machine is compiled once more here, with the bugs in
 * it; what the library's own objects define is not linked then.
 * ctest-timeout: 300
 */
#define GCS_MUTANTS
#include "gcs/base/mutant.h"

enum gcs_mutant gcs_mutant;

#include "views/acceptor.c"
#include "views/agreement.c"
#include "views/ballot.c"
#include "views/links.c"
#include "views/pending.c"
#include "views/poll.c"
#include "views/settle.c"
#include "views/value.c"

#include "tests/unit/arena.h"
#include "tests/unit/suite.h"

#define SEEDS 5000

static void expect_found(enum gcs_mutant mutant, const char *name)
{
    gcs_mutant = mutant;
    const char *violation = NULL;
    for (uint64_t seed = 1; seed <= SEEDS && !violation; seed++)
        violation = arena_random_run(seed, NULL);
    gcs_mutant = GCS_MUTANT_none;
    ck_assert_msg(violation != NULL, "%s was not found", name);
}

/* The table of mutants has more than agreement's: these are. */
#define AGREEMENT_MUTANTS(X)    \
    X(forget_promise)           \
    X(cut_intersection)         \
    X(cut_longest)              \
    X(promise_minority)         \
    X(accept_without_fetch)     \
    X(install_without_majority) \
    X(no_reproposal)            \
    X(drop_old_view_packets)    \
    X(survivors_unpromised)

#define MUTANT_TEST(name)                       \
    START_TEST(name##_is_found)                 \
    {                                           \
        expect_found(GCS_MUTANT_##name, #name); \
    }                                           \
    END_TEST
AGREEMENT_MUTANTS(MUTANT_TEST)

START_TEST(without_a_bug_nothing_is_found)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        const char *violation = arena_random_run(seed, NULL);
        ck_assert_msg(!violation, "%s", violation);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
#define MUTANT_ENTRY(name) name##_is_found,
        AGREEMENT_MUTANTS(MUTANT_ENTRY) without_a_bug_nothing_is_found,
    };
    return suite_run("agreement_mutants", tests, SUITE_SIZE(tests));
}
