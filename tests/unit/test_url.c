/* SPDX-License-Identifier: BSD-3-Clause */
/* transport/url.h: what is taken apart how, and that every refusal names the bad value. */
#include "transport/url.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char text[256];
static const struct gcs_report report = {text, sizeof(text)};

START_TEST(a_url_is_taken_apart)
{
    struct gcs_url url;

    ck_assert_int_eq(
        gcs_url_parse(&url, "udp://127.0.0.1:7400-7431?seeds=a:1,b:2&packet=4K", &report), 0);
    ck_assert_str_eq(url.scheme, "udp");
    ck_assert_str_eq(url.host, "127.0.0.1");
    ck_assert_str_eq(url.port, "7400-7431");
    ck_assert(!url.bracketed);
    ck_assert_uint_eq(url.count, 2);
    ck_assert_str_eq(gcs_url_option(&url, "seeds"), "a:1,b:2");
    ck_assert_str_eq(gcs_url_option(&url, "packet"), "4K");
    ck_assert_ptr_null(gcs_url_option(&url, "pack"));
    gcs_url_free(&url);
}
END_TEST

START_TEST(brackets_hold_an_ipv6_host)
{
    struct gcs_url url;

    ck_assert_int_eq(gcs_url_parse(&url, "udp://[fe80::1%eth0]:0", &report), 0);
    ck_assert_str_eq(url.host, "fe80::1%eth0");
    ck_assert_str_eq(url.port, "0");
    ck_assert(url.bracketed);
    ck_assert_uint_eq(url.count, 0);
    gcs_url_free(&url);
}
END_TEST

static const struct {
    const char *url;
    int code;
    const char *names; /* what the sentence must contain */
} bad[] = {
    {"", GCS_EADDRESS, "''"},
    {"udp", GCS_EADDRESS, "'udp'"},
    {"://h:1", GCS_EADDRESS, "'://h:1'"},
    {"UDP://h:1", GCS_EADDRESS, "'UDP://h:1'"},
    {"u_p://h:1", GCS_EADDRESS, "'u_p://h:1'"},
    {"1udp://h:1", GCS_EADDRESS, "'1udp://h:1'"},
    {"udp:/h:1", GCS_EADDRESS, "'udp:/h:1'"},
    {"udp://", GCS_EADDRESS, "port is missing"},
    {"udp://h", GCS_EADDRESS, "'h': the port is missing"},
    {"udp://h:", GCS_EADDRESS, "'h:': the port is missing"},
    {"udp://:1", GCS_EADDRESS, "':1': the host is missing"},
    {"udp://::1:7400", GCS_EADDRESS, "'::1:7400': an IPv6 address needs brackets"},
    {"udp://[::1:7400", GCS_EADDRESS, "'[::1:7400': '[' without ']'"},
    {"udp://[]:7400", GCS_EADDRESS, "'[]:7400': the host is missing"},
    {"udp://[::1]", GCS_EADDRESS, "'[::1]': expected [host]:port"},
    {"udp://[::1]7400", GCS_EADDRESS, "'[::1]7400': expected [host]:port"},
    {"udp://[::1]:", GCS_EADDRESS, "'[::1]:': expected [host]:port"},
    {"udp://h:1/path", GCS_EADDRESS, "'/' at 9"},
    {"udp://user@h:1", GCS_EADDRESS, "'@' at 10"},
    {"udp://h:1#x", GCS_EADDRESS, "'#' at 9"},
    {"udp://h :1", GCS_EADDRESS, "byte 0x20 at 7"},
    {"udp://h:1\n", GCS_EADDRESS, "byte 0x0a at 9"},
    {"udp://h\xc3\xa4:1", GCS_EADDRESS, "byte 0xc3 at 7"},
    {"udp://h:1?", GCS_EOPTION, "option ''"},
    {"udp://h:1?a", GCS_EOPTION, "option 'a'"},
    {"udp://h:1?a=", GCS_EOPTION, "option 'a='"},
    {"udp://h:1?=b", GCS_EOPTION, "option '=b'"},
    {"udp://h:1?a=1&", GCS_EOPTION, "option ''"},
    {"udp://h:1?a=1&&b=2", GCS_EOPTION, "option ''"},
    {"udp://h:1?a=1&a=2", GCS_EOPTION, "'a' is given twice"},
};

START_TEST(bad_urls_are_refused_by_name)
{
    struct gcs_url url;

    ck_assert_int_eq(gcs_url_parse(&url, bad[_i].url, &report), bad[_i].code);
    ck_assert_msg(strstr(text, bad[_i].names), "'%s': '%s' lacks '%s'", bad[_i].url, text,
                  bad[_i].names);
    ck_assert_ptr_null(url.text);
}
END_TEST

START_TEST(too_many_options_and_too_long_urls_are_refused)
{
    struct gcs_url url;
    char *long_url = malloc(GCS_URL_LENGTH_MAX + 2);
    int used = sprintf(long_url, "udp://h:1?");

    for (int i = 0; i <= GCS_URL_OPTIONS_MAX; i++)
        used += sprintf(long_url + used, "%sk%d=1", i ? "&" : "", i);
    ck_assert_int_eq(gcs_url_parse(&url, long_url, &report), GCS_EOPTION);
    ck_assert_msg(strstr(text, "'k32' is one too many"), "%s", text);

    memset(long_url, 'x', GCS_URL_LENGTH_MAX + 1);
    memcpy(long_url, "udp://h:1?k=", 12);
    long_url[GCS_URL_LENGTH_MAX] = '\0';
    ck_assert_int_eq(gcs_url_parse(&url, long_url, &report), 0);
    gcs_url_free(&url);
    long_url[GCS_URL_LENGTH_MAX] = 'x';
    long_url[GCS_URL_LENGTH_MAX + 1] = '\0';
    ck_assert_int_eq(gcs_url_parse(&url, long_url, &report), GCS_EADDRESS);
    ck_assert_msg(strstr(text, "is longer than 65535 bytes"), "%s", text);
    free(long_url);
}
END_TEST

START_TEST(an_option_that_nobody_asks_for_is_refused)
{
    struct gcs_url url;

    ck_assert_int_eq(gcs_url_parse(&url, "udp://h:1?packet=1&pakcet=2", &report), 0);
    gcs_url_option(&url, "packet");
    ck_assert_int_eq(gcs_url_check_unknown(&url, &report), GCS_EOPTION);
    ck_assert_str_eq(text, "pakcet=2: udp:// knows no such option");
    gcs_url_option(&url, "pakcet");
    ck_assert_int_eq(gcs_url_check_unknown(&url, &report), 0);
    gcs_url_free(&url);
}
END_TEST

static const struct {
    const char *text;
    bool good;
    uint64_t value;
} sizes[] = {
    {"0", true, 0},
    {"1", true, 1},
    {"4K", true, 4096},
    {"4M", true, 4 << 20},
    {"2G", true, (uint64_t)2 << 30},
    {"18446744073709551615", true, UINT64_MAX},
    {"18446744073709551616", false, 0},
    {"18446744073709551615G", false, 0},
    {"17179869183G", true, (uint64_t)17179869183U << 30},
    {"17179869184G", false, 0},
    {"", false, 0},
    {"K", false, 0},
    {"4k", false, 0},
    {"4KB", false, 0},
    {"4 K", false, 0},
    {"+4", false, 0},
    {"-4", false, 0},
    {"0x10", false, 0},
    {"1.5M", false, 0},
    {"4KK", false, 0},
};

START_TEST(sizes_have_units)
{
    uint64_t value = 77;

    ck_assert_int_eq(gcs_text_bytes(sizes[_i].text, strlen(sizes[_i].text), UINT64_MAX, &value),
                     sizes[_i].good);
    if (sizes[_i].good)
        ck_assert_uint_eq(value, sizes[_i].value);
}
END_TEST

static const struct {
    const char *text;
    bool good;
    uint32_t value;
} chances[] = {
    {"0", true, 0},
    {"1", true, 1000000},
    {"0.5", true, 500000},
    {"0.01", true, 10000},
    {"0.000001", true, 1},
    {"1.0", true, 1000000},
    {"0.123456", true, 123456},
    {"1.000001", false, 0},
    {"0.0000001", false, 0},
    {"2", false, 0},
    {".5", false, 0},
    {"0.", false, 0},
    {"", false, 0},
    {"1e-3", false, 0},
    {"-0.1", false, 0},
    {"0,1", false, 0},
    {"01", false, 0},
};

START_TEST(chances_are_fractions)
{
    uint32_t value = 77;

    ck_assert_int_eq(gcs_text_chance(chances[_i].text, strlen(chances[_i].text), &value),
                     chances[_i].good);
    if (chances[_i].good)
        ck_assert_uint_eq(value, chances[_i].value);
}
END_TEST

START_TEST(numbers_out_of_range_are_refused_by_name)
{
    struct gcs_url url;
    uint64_t value = 5;

    ck_assert_int_eq(gcs_url_parse(&url, "udp://h:1?a=300&b=4K&c=x", &report), 0);
    ck_assert_int_eq(gcs_url_number(&url, "a", 0, 255, &value, &report), GCS_EOPTION);
    ck_assert_str_eq(text, "a=300: expected a number from 0 to 255");
    ck_assert_int_eq(gcs_url_bytes(&url, "b", 8192, 16384, &value, &report), GCS_EOPTION);
    ck_assert_str_eq(text, "b=4K: expected a number from 8192 to 16384");
    ck_assert_int_eq(gcs_url_number(&url, "b", 0, 16384, &value, &report), GCS_EOPTION);
    ck_assert_int_eq(gcs_url_number(&url, "c", 0, 16384, &value, &report), GCS_EOPTION);
    ck_assert_int_eq(gcs_url_number(&url, "d", 0, 1, &value, &report), 0);
    ck_assert_uint_eq(value, 5);
    ck_assert_int_eq(gcs_url_bytes(&url, "b", 4096, 4096, &value, &report), 0);
    ck_assert_uint_eq(value, 4096);
    gcs_url_free(&url);
}
END_TEST

START_TEST(lists_are_split_at_commas)
{
    const char *list = "a,,bc";
    size_t length;

    ck_assert_ptr_nonnull(gcs_text_item(&list, &length));
    ck_assert_uint_eq(length, 1);
    ck_assert_ptr_nonnull(gcs_text_item(&list, &length));
    ck_assert_uint_eq(length, 0);
    ck_assert_str_eq(gcs_text_item(&list, &length), "bc");
    ck_assert_uint_eq(length, 2);
    ck_assert_ptr_null(gcs_text_item(&list, &length));
}
END_TEST

START_TEST(a_report_without_room_only_passes_the_code_on)
{
    const struct gcs_report none = {NULL, 0};
    char small[4] = "xyz";
    const struct gcs_report little = {small, sizeof(small)};

    ck_assert_int_eq(gcs_report(&none, GCS_EINVAL, "%s", "text"), GCS_EINVAL);
    ck_assert_int_eq(gcs_report(&little, GCS_EINVAL, "%s", "text"), GCS_EINVAL);
    ck_assert_str_eq(small, "tex");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("url");
    TCase *tcase = tcase_create("url");
    SRunner *runner = srunner_create(suite);
    int failed;

#define COUNT(table) (int)(sizeof(table) / sizeof(table[0]))
    tcase_add_test(tcase, a_url_is_taken_apart);
    tcase_add_test(tcase, brackets_hold_an_ipv6_host);
    tcase_add_loop_test(tcase, bad_urls_are_refused_by_name, 0, COUNT(bad));
    tcase_add_test(tcase, too_many_options_and_too_long_urls_are_refused);
    tcase_add_test(tcase, an_option_that_nobody_asks_for_is_refused);
    tcase_add_loop_test(tcase, sizes_have_units, 0, COUNT(sizes));
    tcase_add_loop_test(tcase, chances_are_fractions, 0, COUNT(chances));
    tcase_add_test(tcase, numbers_out_of_range_are_refused_by_name);
    tcase_add_test(tcase, lists_are_split_at_commas);
    tcase_add_test(tcase, a_report_without_room_only_passes_the_code_on);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
