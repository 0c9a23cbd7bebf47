/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Founding by number: a majority of those expected founds the group, fewer never
 * do, and there is never a second one, whatever is lost, late, divided or dead.
 * ctest-timeout: 240
 */
#include "gcs/wire/founding.h"
#include "tests/unit/founders.h"
#include "tests/unit/suite.h"

#define MS   FOUNDERS_MS
#define LOOK (500 * MS)

#define SEEDS 10000

START_TEST(one_that_expects_itself_founds_at_once)
{
    founders_open(1);
    founders_start(0, 1, LOOK);
    founders_run(MS);
    ck_assert_int_eq(founders_members(), 1);
    ck_assert_uint_eq(founders.nodes[0].members_count, 1);
    founders_close();
}
END_TEST

START_TEST(all_that_are_expected_found_at_once)
{
    founders_open(1);
    for (int i = 0; i < 5; i++)
        founders_start(i, 5, LOOK);
    founders_run(60 * MS);
    ck_assert_int_eq(founders_members(), 5);
    ck_assert_uint_eq(founders.nodes[0].members_count, 5);
    founders_close();
}
END_TEST

START_TEST(exactly_a_majority_founds)
{
    for (int expect = 2; expect <= 7; expect++) {
        founders_open((uint64_t)expect);
        for (int i = 0; i < expect / 2; i++)
            founders_start(i, (uint32_t)expect, LOOK);
        founders_run(60000 * MS);
        ck_assert_int_eq(founders_members(), 0);
        founders_start(expect / 2, (uint32_t)expect, LOOK);
        founders_run(400 * MS);
        ck_assert_int_eq(founders_members(), expect / 2 + 1);
        founders_close();
    }
}
END_TEST

START_TEST(of_two_halves_none_founds)
{
    founders_open(3);
    founders.apart = 0x3; /* 0 and 1, 2 and 3 */
    for (int i = 0; i < 4; i++)
        founders_start(i, 4, LOOK);
    founders_run(30000 * MS);
    ck_assert_int_eq(founders_members(), 0);
    founders.apart = 0;
    founders_run(1000 * MS);
    ck_assert_int_eq(founders_members(), 4);
    founders_close();
}
END_TEST

START_TEST(the_larger_part_founds_and_the_smaller_never)
{
    founders_open(4);
    founders.apart = 0x3;
    for (int i = 0; i < 5; i++)
        founders_start(i, 5, LOOK);
    founders_run(10000 * MS);
    ck_assert_int_eq(founders_members(), 3);
    ck_assert(!founders.nodes[0].member && !founders.nodes[1].member);
    founders.apart = 0; /* they would join now */
    founders_run(10000 * MS);
    ck_assert_int_eq(founders_members(), 3);
    ck_assert_ptr_null(founders.violation);
    founders_close();
}
END_TEST

START_TEST(when_the_first_dies_another_takes_over)
{
    for (uint64_t at = 1; at <= 60; at++) {
        founders_open(at);
        founders.nodes[2].self.id.incarnation = UINT64_C(1) << 24; /* comes first */
        for (int i = 0; i < 5; i++)
            founders_start(i, 5, LOOK);
        founders_run(at * MS / 5);
        bool was_member = founders.nodes[2].member;
        founders_crash(2);
        founders_run(5000 * MS);
        ck_assert_ptr_null(founders.violation);
        ck_assert_int_eq(founders_members(), was_member ? 5 : 4);
        founders_close();
    }
}
END_TEST

START_TEST(the_first_hears_nobody_and_others_go_on)
{
    founders_open(5);
    for (int i = 0; i < 3; i++)
        founders_start(i, 3, LOOK);
    founders_run(2 * MS); /* they know each other by name */
    int first = 0;
    for (int i = 1; i < 3; i++)
        if (founders.nodes[i].self.id.incarnation < founders.nodes[first].self.id.incarnation)
            first = i;
    founders.apart = 1U << first;
    founders_run(5000 * MS);
    ck_assert_int_eq(founders_members(), 2);
    founders_close();
}
END_TEST

START_TEST(another_number_is_refused_and_both_are_named)
{
    founders_open(6);
    founders_start(0, 7, LOOK);
    founders_start(1, 7, LOOK);
    founders_start(2, 5, LOOK);
    founders_run(2000 * MS);
    ck_assert_int_eq(founders.nodes[2].error, GCS_EREFUSED);
    ck_assert_str_eq(founders.nodes[2].why, "expect: the group has 7, this member 5");
    ck_assert_int_eq(founders.nodes[0].error, 0);
    ck_assert_int_eq(founders.nodes[1].error, 0);
    founders_close();
}
END_TEST

START_TEST(malformed_ballots_change_nothing)
{
    static const uint8_t bodies[][12] = {
        {0},
        {1, 0},                                              /* no ballot */
        {1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0},                   /* expects nobody */
        {6, 1, 0, 0, 0, 0, 0, 0, 0, 0, 3},                   /* no such thing */
        {1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 3, 9},                /* more than there is */
        {4, 1, 0, 0, 0, 0, 0, 0, 0, 0, 3, 1},                /* no value */
        {1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0, 0, 0, 0}, /* counter */
    };
    founders_open(7);
    founders_start(0, 3, LOOK);
    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        struct gcs_address from = founders.nodes[1].self.id.address;
        ck_assert_int_eq(gcs_bootstrap_frame(founders.nodes[0].machine, founders.now, &from,
                                             GCS_FRAME_FOUND, bodies[i],
                                             i == 2 ? 11 : sizeof(bodies[i])),
                         GCS_EMALFORMED);
    }
    founders_close();
}
END_TEST

START_TEST(never_two_groups)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        const char *violation = founders_random_run(seed);
        ck_assert_msg(!violation, "seed %u: %s", (unsigned)seed, violation);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        one_that_expects_itself_founds_at_once,
        all_that_are_expected_found_at_once,
        exactly_a_majority_founds,
        of_two_halves_none_founds,
        the_larger_part_founds_and_the_smaller_never,
        when_the_first_dies_another_takes_over,
        the_first_hears_nobody_and_others_go_on,
        another_number_is_refused_and_both_are_named,
        malformed_ballots_change_nothing,
        never_two_groups,
    };
    return suite_run("founding", tests, SUITE_SIZE(tests));
}
