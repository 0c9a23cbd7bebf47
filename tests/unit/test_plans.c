/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Planned repairs: carried out when due, once per hold-off, and not at all when
 * somebody else was faster.
 */
#include "gcs/reliable/plans.h"
#include "tests/unit/scarce.h"
#include "tests/unit/suite.h"

enum { START = 1000, HOLD_OFF = 100 };

static struct scarce memory;
static struct gcs_plans plans;

static void setup(void)
{
    scarce_init(&memory);
    gcs_plans_init(&plans, &memory.allocator);
}

static void teardown(void)
{
    gcs_plans_fini(&plans);
    ck_assert_uint_eq(memory.live, 0);
}

static bool add(uint64_t now, uint16_t rank, uint64_t number, uint16_t scope, uint64_t due)
{
    struct gcs_plan plan = {number, due, due + HOLD_OFF, rank, scope, 0};
    return gcs_plans_add(&plans, now, &plan);
}

static uint64_t next(uint64_t now)
{
    struct gcs_plan plan;
    return gcs_plans_next(&plans, now, &plan) ? plan.number : 0;
}

START_TEST(carried_out_in_order_of_time)
{
    setup();
    ck_assert_uint_eq(next(START), 0);
    ck_assert(add(START, 1, 7, 0, START + 30));
    ck_assert(add(START, 1, 8, 0, START + 10));
    ck_assert(add(START, 2, 9, 0, START + 20));
    ck_assert_uint_eq(plans.due, START + 10);
    ck_assert_uint_eq(next(START + 9), 0);
    ck_assert_uint_eq(next(START + 30), 8);
    ck_assert_uint_eq(next(START + 30), 9);
    ck_assert_uint_eq(next(START + 30), 7);
    ck_assert_uint_eq(next(START + 30), 0);
    ck_assert_uint_eq(plans.due, GCS_NEVER);
    teardown();
}
END_TEST

START_TEST(one_repair_in_one_hold_off)
{
    setup();
    ck_assert(add(START, 1, 7, 0, START));
    for (unsigned i = 0; i < 100; i++)
        ck_assert(!add(START, 1, 7, 0, START));
    ck_assert_uint_eq(next(START), 7);
    ck_assert(!add(START + HOLD_OFF - 1, 1, 7, 0, START + HOLD_OFF));
    ck_assert(add(START + HOLD_OFF, 1, 7, 0, START + HOLD_OFF));
    teardown();
}
END_TEST

START_TEST(regions_have_hold_offs_of_their_own)
{
    setup();
    ck_assert(add(START, 1, 7, 0, START));
    ck_assert(add(START, 1, 7, 1, START));
    teardown();
}
END_TEST

START_TEST(who_is_slower_drops_its_plan)
{
    setup();
    ck_assert(add(START, 1, 7, 0, START + 50));
    ck_assert(gcs_plans_drop(&plans, START + 20, 1, 7, 0, START + 120));
    ck_assert(!gcs_plans_drop(&plans, START + 20, 1, 7, 0, START + 120));
    ck_assert_uint_eq(next(START + 60), 0);
    ck_assert(!add(START + 60, 1, 7, 0, START + 60));
    ck_assert(add(START + 120, 1, 7, 0, START + 120));
    teardown();
}
END_TEST

/* A request that comes after somebody's repair, in its hold-off, was made before it. */
START_TEST(a_repair_that_was_seen_counts)
{
    setup();
    ck_assert(add(START, 9, 1, 0, START));
    ck_assert(!gcs_plans_drop(&plans, START, 1, 7, 0, START + HOLD_OFF));
    ck_assert(!add(START + 1, 1, 7, 0, START + 1));
    ck_assert(add(START + HOLD_OFF, 1, 7, 0, START + HOLD_OFF));
    teardown();
}
END_TEST

START_TEST(the_table_stays_as_large_as_it_is)
{
    uint64_t planned = 0;
    setup();
    for (uint64_t n = 1; n <= 100000; n++)
        planned += add(START, 3, n, 0, START + 1);
    ck_assert_uint_gt(planned, GCS_PLANS_MAX / 2);
    ck_assert_uint_le(planned, GCS_PLANS_MAX);
    ck_assert_uint_eq(memory.live, 1);
    for (; next(START + 1) > 0; planned--)
        ck_assert_uint_gt(planned, 0);
    ck_assert_uint_eq(planned, 0);
    teardown();
}
END_TEST

START_TEST(no_memory_no_plan)
{
    setup();
    scarce_fail(&memory, 1, false);
    ck_assert(!add(START, 1, 7, 0, START));
    ck_assert(!gcs_plans_drop(&plans, START, 1, 7, 0, START));
    ck_assert_uint_eq(next(START), 0);
    ck_assert(add(START, 1, 7, 0, START));
    teardown();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        carried_out_in_order_of_time,
        one_repair_in_one_hold_off,
        regions_have_hold_offs_of_their_own,
        who_is_slower_drops_its_plan,
        a_repair_that_was_seen_counts,
        the_table_stays_as_large_as_it_is,
        no_memory_no_plan,
    };
    return suite_run("plans", tests, SUITE_SIZE(tests));
}
