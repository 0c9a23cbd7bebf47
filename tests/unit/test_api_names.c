/* SPDX-License-Identifier: BSD-3-Clause */
/* Texts: error codes, views, members, the version. Group names: what is refused, and how it is
 * called. */
#include "gcs/base/trace.h"
#include "gcs/endpoint.h"

#include "suite.h"

#include <string.h>

START_TEST(every_code_of_the_table_has_its_text)
{
#define CHECK_TEXT(name, code, text) \
    ck_assert_int_eq(name, code);    \
    ck_assert_str_eq(gcs_strerror(code), text);
    GCS_ERROR_TABLE(CHECK_TEXT)
#undef CHECK_TEXT
}
END_TEST

START_TEST(no_two_codes_are_the_same)
{
    int codes[64], count = 0;

#define COLLECT(name, code, text) codes[count++] = name;
    GCS_ERROR_TABLE(COLLECT)
#undef COLLECT
    for (int i = 0; i < count; i++) {
        ck_assert_int_lt(codes[i], 0);
        for (int k = 0; k < i; k++)
            ck_assert_int_ne(codes[i], codes[k]);
    }
}
END_TEST

START_TEST(what_is_no_error_has_a_text_too)
{
    ck_assert_str_eq(gcs_strerror(0), "success");
    ck_assert_str_eq(gcs_strerror(17), "success");
    ck_assert_str_eq(gcs_strerror(-12345), "unknown error");
}
END_TEST

START_TEST(good_names_are_accepted)
{
    char longest[GCS_NAME_MAX + 1];
    const char *const names[] = {"a", "Z9", "a.b-c_d", "0", "_", longest};

    memset(longest, 'x', GCS_NAME_MAX);
    longest[GCS_NAME_MAX] = '\0';
    for (size_t i = 0; i < SUITE_SIZE(names); i++)
        ck_assert_int_eq(gcs_name_check(names[i]), 0);
}
END_TEST

START_TEST(bad_names_are_refused_by_name)
{
    static const struct {
        const char *name, *named;
    } cases[] = {
        {NULL, "NULL"},
        {"", "empty"},
        {".a", "\".a\" starts with '.'"},
        {"-a", "starts with '-'"},
        {"a b", "0x20 at offset 1"},
        {"a/b", "\"a/b\""},
        {"gr\xc3\xbc"
         "n",
         "0xc3"},
        {"a\n", "0x0a"},
        {"0123456789012345678901234567890123456789012345678901234567890123", "longer than 63"},
    };

    for (size_t i = 0; i < SUITE_SIZE(cases); i++) {
        ck_assert_int_eq(gcs_name_check(cases[i].name), GCS_ENAME);
        ck_assert_msg(strstr(gcs_detail(), cases[i].named) != NULL, "%s: %s", cases[i].named,
                      gcs_detail());
    }
}
END_TEST

START_TEST(views_and_members_read_as_in_traces)
{
    struct gcs_view view = {.epoch = 4000000000u, .proposer = 0xfedcba9876543210u};
    struct gcs_member_id member = {.incarnation = 0x2a};
    char text[GCS_MEMBER_TEXT_MAX], name[GCS_TRACE_MEMBER_MAX];

    gcs_view_id_format(&view, text, sizeof(text));
    ck_assert_str_eq(text, "4000000000.fedcba9876543210");
    ck_assert_uint_lt(strlen(text), GCS_VIEW_ID_TEXT_MAX);
    ck_assert_int_eq(gcs_address_parse("127.0.0.1:7400", &member.address), 0);
    gcs_member_format(&member, text, sizeof(text));
    ck_assert_str_eq(text, "127.0.0.1:7400#2a");
    gcs_trace_member(&member, gcs_address_format, name);
    ck_assert_str_eq(text, name);
}
END_TEST

START_TEST(texts_are_cut_to_the_space_there_is)
{
    struct gcs_view view = {.epoch = 123456, .proposer = 1};
    struct gcs_member_id member = {.incarnation = 1};
    char text[5] = "????";

    gcs_view_id_format(&view, text, 4);
    ck_assert_str_eq(text, "123");
    gcs_member_format(&member, text, 4);
    ck_assert_uint_eq(strlen(text), 3);
    gcs_view_id_format(&view, text, 0);
    gcs_member_format(&member, text, 0);
}
END_TEST

START_TEST(the_version_is_the_build_s)
{
    ck_assert_str_eq(gcs_version(), GCS_VERSION);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_code_of_the_table_has_its_text, no_two_codes_are_the_same,
        what_is_no_error_has_a_text_too,      good_names_are_accepted,
        bad_names_are_refused_by_name,        views_and_members_read_as_in_traces,
        texts_are_cut_to_the_space_there_is,  the_version_is_the_build_s,
    };
    return suite_run("api_names", tests, SUITE_SIZE(tests));
}
