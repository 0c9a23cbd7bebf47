/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * UDP addresses in text, bytes and URLs: one spelling each, and every URL that
 * cannot work is refused before anything is opened, by the name of what is wrong.
 */
#include "transport/udp.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const round_trips[] = {
    "127.0.0.1:7400", "0.0.0.0:1",    "255.255.255.255:65535",        "[::1]:7400",
    "[::]:9",         "[fe80::1]:80", "[2001:db8::ff00:42:8329]:443", "[ff15::7]:7400",
    "127.0.0.1:0",
};

START_TEST(text_and_bytes_are_two_forms_of_one_address)
{
    struct gcs_address a, b;
    char text[GCS_ADDRESS_TEXT_MAX];

    ck_assert_int_eq(gcs_address_parse(round_trips[_i], &a), 0);
    gcs_address_format(&a, text, sizeof(text));
    ck_assert_str_eq(text, round_trips[_i]);
    ck_assert_int_eq(gcs_address_parse(text, &b), 0);
    ck_assert_mem_eq(&a, &b, sizeof(a));

    union gcs_udp_sockaddr name;
    ck_assert_uint_gt(gcs_udp_to_sockaddr(&a, 3, &name), 0);
    ck_assert(gcs_udp_from_sockaddr(&name.any, &b));
    ck_assert_mem_eq(&a, &b, sizeof(a));
}
END_TEST

START_TEST(the_bytes_are_family_ip_and_port)
{
    const uint8_t v4[] = {4, 127, 0, 0, 1, 0x1c, 0xe8};
    const uint8_t v6[] = {6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x1c, 0xe8};
    struct gcs_address a;

    ck_assert_int_eq(gcs_address_parse("127.0.0.1:7400", &a), 0);
    ck_assert_uint_eq(a.length, sizeof(v4));
    ck_assert_mem_eq(a.bytes, v4, sizeof(v4));
    ck_assert_int_eq(gcs_address_parse("[::1]:7400", &a), 0);
    ck_assert_uint_eq(a.length, sizeof(v6));
    ck_assert_mem_eq(a.bytes, v6, sizeof(v6));
}
END_TEST

static const char *const bad_addresses[] = {
    "",
    ":",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:x",
    ":7400",
    "127.0.0:1",
    "127.0.0.256:1",
    "127.0.0.01:1",
    "127.0.0.1:65536",
    "127.0.0.1:-1",
    "127.0.0.1:01",
    "127.0.0.1:1-2",
    "127.0.0.1:7-7",
    "127.0.0.1:1 ",
    " 127.0.0.1:1",
    "::1:7400",
    "[::1]",
    "[::1]7400",
    "[::1:7400",
    "::1]:7400",
    "[]:7400",
    "[127.0.0.1]:7400",
    "[::g]:1",
    "[::ffff:1.2.3.4]:1",
    "[fe80::1%lo]:1",
    "localhost:1",
    "127.0.0.1:99999999999999999999",
};

START_TEST(bad_addresses_are_refused)
{
    struct gcs_address a;

    memset(&a, 0xaa, sizeof(a));
    ck_assert_msg(gcs_address_parse(bad_addresses[_i], &a) == GCS_EADDRESS, "'%s'",
                  bad_addresses[_i]);
    ck_assert_uint_eq(a.length, 0xaa); /* nothing changed */
}
END_TEST

START_TEST(any_bytes_can_be_formatted)
{
    struct gcs_address a = {.length = 0};
    char text[GCS_ADDRESS_TEXT_MAX];

    gcs_address_format(&a, text, sizeof(text));
    ck_assert_str_eq(text, "none");
    for (unsigned length = 1; length <= 255; length++) {
        a.length = (uint8_t)length;
        memset(a.bytes, (int)length, sizeof(a.bytes));
        memset(text, 'x', sizeof(text));
        gcs_address_format(&a, text, sizeof(text));
        ck_assert_uint_lt(strnlen(text, sizeof(text)), sizeof(text));
        gcs_address_format(&a, text, 5);
        ck_assert_uint_lt(strnlen(text, 5), 5);
    }
}
END_TEST

START_TEST(kinds_are_told_apart)
{
    static const struct {
        const char *ip;
        bool any, loopback, multicast, link_local;
    } kinds[] = {
        {"0.0.0.0", true, false, false, false},     {"127.0.0.1", false, true, false, false},
        {"127.255.0.1", false, true, false, false}, {"10.0.0.1", false, false, false, false},
        {"224.0.0.1", false, false, true, false},   {"239.255.255.255", false, false, true, false},
        {"240.0.0.1", false, false, false, false},  {"::", true, false, false, false},
        {"::1", false, true, false, false},         {"ff02::1", false, false, true, false},
        {"fe80::1", false, false, false, true},     {"febf::1", false, false, false, true},
        {"fec0::1", false, false, false, false},
    };
    struct gcs_address a;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        ck_assert(gcs_udp_ip_parse(kinds[i].ip, strlen(kinds[i].ip), &a));
        ck_assert_int_eq(gcs_udp_is_any(&a), kinds[i].any);
        ck_assert_int_eq(gcs_udp_is_loopback(&a), kinds[i].loopback);
        ck_assert_int_eq(gcs_udp_is_multicast(&a), kinds[i].multicast);
        ck_assert_int_eq(gcs_udp_is_link_local(&a), kinds[i].link_local);
    }
}
END_TEST

START_TEST(a_scope_is_given_to_addresses_that_need_one)
{
    struct gcs_address a;
    union gcs_udp_sockaddr name;

    gcs_address_parse("[fe80::1]:1", &a);
    gcs_udp_to_sockaddr(&a, 7, &name);
    ck_assert_uint_eq(name.v6.sin6_scope_id, 7);
    gcs_address_parse("[ff02::1]:1", &a);
    gcs_udp_to_sockaddr(&a, 7, &name);
    ck_assert_uint_eq(name.v6.sin6_scope_id, 7);
    gcs_address_parse("[2001:db8::1]:1", &a);
    gcs_udp_to_sockaddr(&a, 7, &name);
    ck_assert_uint_eq(name.v6.sin6_scope_id, 0);
}
END_TEST

/* ---- URLs -------------------------------------------------------------------------------- */

static const struct {
    const char *url;
    int code;
    const char *names;
} bad_urls[] = {
    {"tcp://127.0.0.1:1", GCS_ETRANSPORT, "'tcp://'"},
    {"udp://127.0.0.1:x", GCS_EADDRESS, "'x'"},
    {"udp://127.0.0.1:65536", GCS_EADDRESS, "'65536'"},
    {"udp://127.0.0.1:07400", GCS_EADDRESS, "'07400'"},
    {"udp://127.0.0.1:80-70", GCS_EADDRESS, "'80-70'"},
    {"udp://127.0.0.1:0-70", GCS_EADDRESS, "'0-70'"},
    {"udp://127.0.0.1:1-", GCS_EADDRESS, "'1-'"},
    {"udp://127.0.0.1:1-2-3", GCS_EADDRESS, "'1-2-3'"},
    {"udp://127.0.0.1:1-65535", GCS_EADDRESS, "'1-65535' is a range"},
    {"udp://127.0.0.256:1", GCS_EADDRESS, "'127.0.0.256'"},
    {"udp://a_b!c:1", GCS_EADDRESS, "'a_b!c'"},
    {"udp://-host:1", GCS_EADDRESS, "'-host'"},
    {"udp://[127.0.0.1]:1", GCS_EADDRESS, "127.0.0.1 is not IPv6"},
    {"udp://[::ffff:1.2.3.4]:1", GCS_EADDRESS, "'::ffff:1.2.3.4'"},
    {"udp://[fe80::1%nowhere0]:1", GCS_EADDRESS, "'fe80::1%nowhere0'"},
    {"udp://[::1%lo]:1", GCS_EADDRESS, "'::1%lo'"},
    {"udp://203.0.113.77:0", GCS_EADDRESS, "203.0.113.77 port 0: no interface"},
    {"udp://239.1.2.3:0", GCS_EADDRESS, "'0': a multicast group needs one port"},
    {"udp://239.1.2.3:1-2", GCS_EADDRESS, "'1-2': a multicast group needs one port"},
    {"udp://127.0.0.1:0?seeds=127.0.0.1", GCS_EADDRESS, "seeds: '127.0.0.1'"},
    {"udp://127.0.0.1:0?seeds=127.0.0.1:1,,127.0.0.1:2", GCS_EADDRESS, "seeds: ''"},
    {"udp://127.0.0.1:0?seeds=127.0.0.1:0", GCS_EADDRESS, "'127.0.0.1:0'"},
    {"udp://127.0.0.1:0?seeds=127.0.0.1:99999", GCS_EADDRESS, "'127.0.0.1:99999'"},
    {"udp://127.0.0.1:0?seeds=0.0.0.0:7", GCS_EADDRESS, "'0.0.0.0:7'"},
    {"udp://127.0.0.1:0?seeds=[::1]:7", GCS_EADDRESS, "::1 is not IPv4"},
    {"udp://[::1]:0?seeds=127.0.0.1:7", GCS_EADDRESS, "127.0.0.1 is not IPv6"},
    {"udp://[::1]:0?seeds=::1:7", GCS_EADDRESS, "'::1:7'"},
    {"udp://127.0.0.1:0?seeds=127.0.0.1:1-2000", GCS_EOPTION, "'127.0.0.1:1-2000'"},
    {"udp://127.0.0.1:0?advertise=0.0.0.0", GCS_EADDRESS, "advertise=0.0.0.0"},
    {"udp://127.0.0.1:0?advertise=239.1.1.1:5", GCS_EADDRESS, "advertise=239.1.1.1:5"},
    {"udp://127.0.0.1:0?advertise=10.0.0.1:5-6", GCS_EADDRESS, "advertise=10.0.0.1:5-6"},
    {"udp://127.0.0.1:0?advertise=10.0.0.1:x", GCS_EADDRESS, "'10.0.0.1:x'"},
    {"udp://127.0.0.1:0?advertise=[::1]:5", GCS_EADDRESS, "::1 is not IPv4"},
    {"udp://127.0.0.1:0?multicast=10.0.0.1:5", GCS_EADDRESS, "multicast=10.0.0.1:5"},
    {"udp://127.0.0.1:0?multicast=239.1.1.1:0", GCS_EADDRESS, "multicast=239.1.1.1:0"},
    {"udp://127.0.0.1:0?multicast=239.1.1.1", GCS_EADDRESS, "multicast: '239.1.1.1'"},
    {"udp://239.1.1.1:5?multicast=239.1.1.1:5", GCS_EOPTION, "multicast=239.1.1.1:5"},
    {"udp://239.1.1.1:5?interface=nowhere0", GCS_EOPTION, "interface=nowhere0"},
    {"udp://239.1.1.1:5?advertise=203.0.113.77", GCS_EADDRESS, "interface="},
    {"udp://0.0.0.0:0?interface=nowhere0", GCS_EOPTION, "interface=nowhere0"},
    {"udp://127.0.0.1:0?interface=203.0.113.77", GCS_EOPTION, "interface=203.0.113.77"},
    {"udp://127.0.0.1:0?packet=511", GCS_EOPTION, "packet=511"},
    {"udp://127.0.0.1:0?packet=65001", GCS_EOPTION, "packet=65001"},
    {"udp://127.0.0.1:0?packet=1400B", GCS_EOPTION, "packet=1400B"},
    {"udp://127.0.0.1:0?rcvbuf=1", GCS_EOPTION, "rcvbuf=1"},
    {"udp://127.0.0.1:0?sndbuf=2G", GCS_EOPTION, "sndbuf=2G"},
    {"udp://127.0.0.1:0?pool=1M", GCS_EOPTION, "pool=1M"},
    {"udp://127.0.0.1:0?ttl=256", GCS_EOPTION, "ttl=256"},
    {"udp://127.0.0.1:0?nonsense=1", GCS_EOPTION, "nonsense=1"},
    {"udp://127.0.0.1:0?seed=1", GCS_EOPTION, "seed=1"},
    {"udp://127.0.0.1:0?faults=loss", GCS_EOPTION, "'loss'"},
    {"udp://127.0.0.1:0?faults=loss:1.5", GCS_EOPTION, "'loss:1.5'"},
    {"udp://127.0.0.1:0?faults=los:0.5", GCS_EOPTION, "'los:0.5'"},
    {"udp://127.0.0.1:0?faults=loss:0.5,", GCS_EOPTION, "''"},
    {"udp://127.0.0.1:0?faults=hold:99999", GCS_EOPTION, "'hold:99999'"},
    {"udp://127.0.0.1:0?faults=loss:0.5&seed=x", GCS_EOPTION, "seed=x"},
};

START_TEST(urls_that_cannot_work_are_refused_by_name)
{
    struct gcs_transport *t = NULL;
    char text[256];
    int code = gcs_transport_open(bad_urls[_i].url, &t, text, sizeof(text));

    ck_assert_msg(code == bad_urls[_i].code, "'%s': %d '%s'", bad_urls[_i].url, code, text);
    ck_assert_msg(strstr(text, bad_urls[_i].names), "'%s': '%s' lacks '%s'", bad_urls[_i].url, text,
                  bad_urls[_i].names);
    ck_assert_ptr_null(t);
}
END_TEST

static struct gcs_transport *open_url(const char *url)
{
    struct gcs_transport *t;
    char text[256];

    ck_assert_msg(gcs_transport_open(url, &t, text, sizeof(text)) == 0, "%s: %s", url, text);
    return t;
}

static uint16_t port_of(struct gcs_transport *t)
{
    return gcs_udp_port(t->ops->address(t));
}

START_TEST(a_port_that_is_in_use_is_named)
{
    struct gcs_transport *a = open_url("udp://127.0.0.1:0"), *b = NULL;
    char url[64], text[256], expected[64];

    snprintf(url, sizeof(url), "udp://127.0.0.1:%u", port_of(a));
    ck_assert_int_eq(gcs_transport_open(url, &b, text, sizeof(text)), GCS_EADDRESS);
    snprintf(expected, sizeof(expected), "127.0.0.1 port %u: in use", port_of(a));
    ck_assert_str_eq(text, expected);
    snprintf(url, sizeof(url), "udp://127.0.0.1:%u-%u", port_of(a), port_of(a));
    ck_assert_int_eq(gcs_transport_open(url, &b, text, sizeof(text)), GCS_EADDRESS);
    a->ops->close(a);
}
END_TEST

/* On an address that no other process uses at the same time. */
START_TEST(a_range_takes_the_first_free_port_and_looks_at_the_others)
{
    struct gcs_transport *t[4];
    const struct gcs_address *seeds;
    unsigned pid = (unsigned)getpid();
    char url[96], text[256];
    size_t count;

    snprintf(url, sizeof(url), "udp://127.77.%u.%u:7400-7402?seeds=127.0.0.1:9,127.0.0.1:8-9",
             pid >> 8 & 0xff, pid & 0xff);
    for (unsigned i = 0; i < 3; i++) {
        t[i] = open_url(url);
        ck_assert_uint_eq(port_of(t[i]), 7400 + i);
        seeds = t[i]->ops->seeds(t[i], &count);
        ck_assert_uint_eq(count, 4); /* 8, 9 and the range without our own, none twice */
        for (size_t k = 0; k < count; k++) {
            ck_assert(!gcs_udp_same(&seeds[k], t[i]->ops->address(t[i])));
            ck_assert_int_eq(gcs_udp_same_ip(&seeds[k], t[i]->ops->address(t[i])), k >= 2);
        }
    }
    ck_assert_int_eq(gcs_transport_open(url, &t[3], text, sizeof(text)), GCS_EADDRESS);
    ck_assert_msg(strstr(text, "ports 7400-7402: in use"), "%s", text);
    t[1]->ops->close(t[1]);
    t[1] = open_url(url);
    ck_assert_uint_eq(port_of(t[1]), 7401);
    for (unsigned i = 0; i < 3; i++)
        t[i]->ops->close(t[i]);
}
END_TEST

START_TEST(what_is_advertised_is_the_address)
{
    struct gcs_transport *t = open_url("udp://0.0.0.0:0?advertise=203.0.113.7:99");
    char text[GCS_ADDRESS_TEXT_MAX];

    gcs_address_format(t->ops->address(t), text, sizeof(text));
    ck_assert_str_eq(text, "203.0.113.7:99");
    t->ops->close(t);

    t = open_url("udp://127.0.0.1:0?advertise=203.0.113.7");
    gcs_address_format(t->ops->address(t), text, sizeof(text));
    ck_assert_int_eq(strncmp(text, "203.0.113.7:", 12), 0);
    ck_assert_uint_ne(port_of(t), 0);
    t->ops->close(t);

    t = open_url("udp://0.0.0.0:0?interface=lo");
    gcs_address_format(t->ops->address(t), text, sizeof(text));
    ck_assert_int_eq(strncmp(text, "127.0.0.1:", 10), 0);
    t->ops->close(t);
}
END_TEST

START_TEST(options_set_what_they_say)
{
    struct gcs_transport *t = open_url("udp://127.0.0.1:0?packet=2K&rcvbuf=64K&sndbuf=64K");

    ck_assert_uint_eq(t->ops->caps(t)->packet_bytes, 2048);
    ck_assert_uint_eq(t->ops->caps(t)->receive_bytes, 65536);
    t->ops->close(t);
    t = open_url("udp://127.0.0.1:0");
    ck_assert_uint_eq(t->ops->caps(t)->packet_bytes, 60000);
    t->ops->close(t);
}
END_TEST

/* Linux routes no IPv6 multicast over loopback unless it is told to. */
START_TEST(multicast_that_does_not_work_falls_back_and_says_so)
{
    struct gcs_address loopback;
    struct gcs_udp_interface lo;
    struct gcs_transport *t;
    size_t count;

    gcs_address_parse("[::1]:1", &loopback);
    if (!gcs_udp_interface_by_ip(&loopback, &lo))
        return; /* a machine without IPv6 */
    t = open_url("udp://[ff15::6763:73]:7499?interface=lo");
    if (!t->ops->caps(t)->multicast) {
        ck_assert_msg(strstr(t->ops->note(t), "multicast to [ff15::6763:73]:7499 does not work"),
                      "%s", t->ops->note(t));
        t->ops->seeds(t, &count);
        ck_assert_uint_eq(count, 0);
    }
    t->ops->close(t);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("udp_address");
    TCase *tcase = tcase_create("udp_address");
    SRunner *runner = srunner_create(suite);
    int failed;

#define COUNT(table) (int)(sizeof(table) / sizeof(table[0]))
    tcase_add_loop_test(tcase, text_and_bytes_are_two_forms_of_one_address, 0, COUNT(round_trips));
    tcase_add_test(tcase, the_bytes_are_family_ip_and_port);
    tcase_add_loop_test(tcase, bad_addresses_are_refused, 0, COUNT(bad_addresses));
    tcase_add_test(tcase, any_bytes_can_be_formatted);
    tcase_add_test(tcase, kinds_are_told_apart);
    tcase_add_test(tcase, a_scope_is_given_to_addresses_that_need_one);
    tcase_add_loop_test(tcase, urls_that_cannot_work_are_refused_by_name, 0, COUNT(bad_urls));
    tcase_add_test(tcase, a_port_that_is_in_use_is_named);
    tcase_add_test(tcase, a_range_takes_the_first_free_port_and_looks_at_the_others);
    tcase_add_test(tcase, what_is_advertised_is_the_address);
    tcase_add_test(tcase, options_set_what_they_say);
    tcase_add_test(tcase, multicast_that_does_not_work_falls_back_and_says_so);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
