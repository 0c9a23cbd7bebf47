/* SPDX-License-Identifier: BSD-3-Clause */
/* Labels: which are good, what is wrong with the others and where, and how they begin. */
#include "gcs/base/label.h"
#include "tests/unit/suite.h"

#include <string.h>

#define LONGEST "0123456789012345678901234567890123456789012345678901234567890ab"

static const struct {
    const char *label;
    enum gcs_label_fault fault;
    size_t at;
} cases[] = {
    {"", GCS_LABEL_GOOD, 0},
    {"ams", GCS_LABEL_GOOD, 0},
    {"ams/r12", GCS_LABEL_GOOD, 0},
    {"ams/r12/h3", GCS_LABEL_GOOD, 0},
    {"A.b_c-9/-/.", GCS_LABEL_GOOD, 0},
    {LONGEST, GCS_LABEL_GOOD, 0},
    {LONGEST "c", GCS_LABEL_LONG, 0},
    {"/", GCS_LABEL_EMPTY, 0},
    {"/ams", GCS_LABEL_EMPTY, 0},
    {"ams//h3", GCS_LABEL_EMPTY, 4},
    {"ams/r12/", GCS_LABEL_EMPTY, 8},
    {"ams/r 2", GCS_LABEL_BYTE, 5},
    {"am\as", GCS_LABEL_BYTE, 2},
    {"am\"s", GCS_LABEL_BYTE, 2},
    {"\xc3\xa9/r1", GCS_LABEL_BYTE, 0},
    {"a/b/c/d", GCS_LABEL_DEEP, 5},
};

START_TEST(what_is_wrong_is_said)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        size_t at;
        enum gcs_label_fault fault = gcs_label_check(cases[i].label, strlen(cases[i].label), &at);
        ck_assert_msg(fault == cases[i].fault, "%s: %d", cases[i].label, fault);
        if (fault != GCS_LABEL_GOOD)
            ck_assert_uint_eq(at, cases[i].at);
    }
}
END_TEST

START_TEST(a_zero_is_no_end)
{
    size_t at;
    ck_assert_int_eq(gcs_label_check("a\0b", 3, &at), GCS_LABEL_BYTE);
    ck_assert_uint_eq(at, 1);
}
END_TEST

START_TEST(prefixes_are_parts)
{
    ck_assert_uint_eq(gcs_label_prefix("ams/r12/h3", 1), 3);
    ck_assert_uint_eq(gcs_label_prefix("ams/r12/h3", 2), 7);
    ck_assert_uint_eq(gcs_label_prefix("ams/r12/h3", 3), 10);
    ck_assert_uint_eq(gcs_label_prefix("ams", 2), 3);
    ck_assert_uint_eq(gcs_label_prefix("", 1), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {what_is_wrong_is_said, a_zero_is_no_end, prefixes_are_parts};
    return suite_run("label", tests, SUITE_SIZE(tests));
}
