/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Combined acknowledgements: a minimum over all children, none of which may be
 * missing; stairs of votes that never promise more than is true; old and repeated
 * reports change nothing.
 */
#include "gcs/base/prng.h"
#include "gcs/reliable/combine.h"
#include "tests/unit/scarce.h"
#include "tests/unit/suite.h"

enum { CHILDREN = 4, SELF = 1, SENDERS = 3 };

static struct scarce memory;
static struct gcs_combine combine;

static void setup(void)
{
    scarce_init(&memory);
    ck_assert(gcs_combine_init(&combine, &memory.allocator, CHILDREN, SELF, SENDERS));
}

static void teardown(void)
{
    gcs_combine_fini(&combine);
    ck_assert_uint_eq(memory.live, 0);
}

START_TEST(the_least_of_all_children)
{
    setup();
    ck_assert_uint_eq(gcs_combine_least(&combine, 2, 100), 0);
    ck_assert(gcs_combine_taken(&combine, 0, 2, 70));
    ck_assert(gcs_combine_taken(&combine, 2, 2, 60));
    ck_assert_uint_eq(gcs_combine_least(&combine, 2, 100), 0); /* one was never heard */
    ck_assert(gcs_combine_taken(&combine, 3, 2, 80));
    ck_assert_uint_eq(gcs_combine_least(&combine, 2, 100), 60);
    ck_assert_uint_eq(gcs_combine_least(&combine, 2, 50), 50);
    ck_assert_uint_eq(gcs_combine_least(&combine, 1, 50), 0);
    teardown();
}
END_TEST

START_TEST(numbers_only_grow)
{
    setup();
    for (uint16_t child = 0; child < CHILDREN; child++)
        gcs_combine_taken(&combine, child, 0, 9);
    gcs_combine_taken(&combine, 2, 0, 3);
    ck_assert_uint_eq(gcs_combine_least(&combine, 0, 20), 9);
    teardown();
}
END_TEST

START_TEST(votes_at_a_position)
{
    struct gcs_step own = {50, 1};
    static const struct gcs_step region[2] = {{90, 2}, {40, 5}};
    static const struct gcs_step alone[1] = {{70, 1}};
    setup();
    gcs_combine_stair(&combine, 3, region, 2);
    gcs_combine_stair(&combine, 0, alone, 1);
    ck_assert_uint_eq(gcs_combine_reach(&combine, own, 1), 90);
    ck_assert_uint_eq(gcs_combine_reach(&combine, own, 2), 90);
    ck_assert_uint_eq(gcs_combine_reach(&combine, own, 3), 70);
    ck_assert_uint_eq(gcs_combine_reach(&combine, own, 4), 50);
    ck_assert_uint_eq(gcs_combine_reach(&combine, own, 7), 40);
    ck_assert_uint_eq(gcs_combine_reach(&combine, own, 8), 0);
    teardown();
}
END_TEST

START_TEST(a_late_report_takes_nothing_back)
{
    struct gcs_step own = {0, 0};
    static const struct gcs_step newer[2] = {{90, 2}, {80, 3}};
    static const struct gcs_step older[2] = {{60, 3}, {20, 4}};
    setup();
    gcs_combine_stair(&combine, 3, newer, 2);
    gcs_combine_stair(&combine, 3, older, 2);
    ck_assert_uint_eq(gcs_combine_reach(&combine, own, 3), 80);
    ck_assert_uint_eq(gcs_combine_reach(&combine, own, 4), 20);
    gcs_combine_stair(&combine, 3, newer, 0);
    ck_assert_uint_eq(gcs_combine_reach(&combine, own, 3), 80);
    teardown();
}
END_TEST

/* Whatever was dropped to fit, nobody is counted above where it is. */
START_TEST(merging_never_promises_too_much)
{
    struct gcs_prng prng;
    gcs_prng_init(&prng, 4);
    for (unsigned round = 0; round < 2000; round++) {
        uint64_t at[CHILDREN * GCS_REPORT_STEPS_MAX];
        uint32_t voters = 0;
        setup();
        for (uint16_t child = 0; child < CHILDREN; child++) {
            struct gcs_step steps[GCS_REPORT_STEPS_MAX];
            uint64_t position = 10000;
            uint16_t count = (uint16_t)gcs_prng_below(&prng, GCS_REPORT_STEPS_MAX + 1);
            for (uint16_t i = 0; i < count; i++) {
                position -= 1 + gcs_prng_below(&prng, 1000);
                steps[i] = (struct gcs_step){position, i + 1u};
                if (child != SELF)
                    at[voters++] = position;
            }
            gcs_combine_stair(&combine, child, steps, count);
        }
        struct gcs_stair merged;
        struct gcs_step own = {1 + gcs_prng_below(&prng, 10000), 1};
        at[voters++] = own.position;
        gcs_combine_merge(&combine, own, &merged);
        ck_assert_uint_gt(merged.count, 0);
        ck_assert_uint_eq(merged.step[merged.count - 1].votes, voters); /* all are in it */
        for (uint16_t i = 0; i < merged.count; i++) {
            uint32_t truly = 0;
            for (uint32_t v = 0; v < voters; v++)
                truly += at[v] >= merged.step[i].position;
            ck_assert_uint_le(merged.step[i].votes, truly);
            if (i > 0)
                ck_assert_uint_lt(merged.step[i].position, merged.step[i - 1].position);
        }
        teardown();
    }
}
END_TEST

START_TEST(memory_that_is_refused)
{
    for (uint64_t nth = 1; nth <= 3; nth++) {
        scarce_init(&memory);
        scarce_fail(&memory, nth, true);
        ck_assert(!gcs_combine_init(&combine, &memory.allocator, CHILDREN, SELF, SENDERS));
        gcs_combine_fini(&combine);
        ck_assert_uint_eq(memory.live, 0);
    }
    setup();
    scarce_fail(&memory, 1, false);
    ck_assert(!gcs_combine_taken(&combine, 0, 0, 5));
    ck_assert(gcs_combine_taken(&combine, 0, 0, 5));
    teardown();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_least_of_all_children,
        numbers_only_grow,
        votes_at_a_position,
        a_late_report_takes_nothing_back,
        merging_never_promises_too_much,
        memory_that_is_refused,
    };
    return suite_run("combine", tests, SUITE_SIZE(tests));
}
