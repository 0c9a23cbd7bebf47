/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opening an RDMA transport: what is refused, and that the sentence names the cause; that closing
 * leaves nothing.
 * Needs a device: script/rdma-guest has some. Arguments are names of tests: only these.
 *
 * ctest-timeout: 300
 */
#include "tests/rdma/ends.h"

#include <poll.h>
#include <string.h>

/* ---- Memory --------------------------------------------------------------------------------- */

START_TEST(memory_that_cannot_be_registered_is_told)
{
    char error[300] = "";

    registrations_until_failure = 0; /* the stage */
    ck_assert_ptr_null(try_open(1, NULL, error, sizeof(error)));
    ck_assert_msg(strstr(error, "cannot register 4096 KiB") != NULL, "%s", error);
    struct gcs_transport *a = open_end(1, NULL), *b = open_end(2, NULL);
    registrations_until_failure = 0; /* the ring */
    send_to(a, address(b), 1, 100, 1);
    ck_assert(told_of(a, address(b)));
    ck_assert_msg(strstr(a->ops->note(a), "cannot register") != NULL, "%s", a->ops->note(a));
    poll(NULL, 0, 50);
    connect_ends(b, a); /* and it works when there is memory again */
    close_all();
}
END_TEST

START_TEST(registered_memory_has_a_bound)
{
    char error[300] = "";

    ck_assert_ptr_null(try_open(1, "memory=4M", error, sizeof(error)));
    ck_assert_msg(strstr(error, "memory=") != NULL, "%s", error);
    struct gcs_transport *a = open_end(1, "memory=7M"); /* the stage and one ring */
    struct gcs_transport *b = open_end(2, NULL), *c = open_end(3, NULL);
    connect_ends(a, b);
    send_to(a, address(c), 1, 100, 1);
    ck_assert(told_of(a, address(c)));
    ck_assert_msg(strstr(a->ops->note(a), "memory=") != NULL, "%s", a->ops->note(a));
    close_all();
}
END_TEST

/* ---- Addresses, devices, options ------------------------------------------------------------ */

START_TEST(bad_urls_are_refused_by_name)
{
    static const char *const urls[][2] = {
        {"rdma://10.99.0.1:0", "is no address of an RDMA device; there are"},
        {"rdma://0.0.0.0:0?device=mlx77", "mlx77"},
        {"rdma://0.0.0.0:0?ring=1", "ring=1"},
        {"rdma://0.0.0.0:0?patience=9", "patience=9"},
        {"rdma://0.0.0.0:0?ring=512K&packet=65000", "packet=65000"},
        {"rdma://0.0.0.0:0?wings=2", "wings"},
        {"rdma://239.1.2.3:7400", "needs the address of a device"},
    };

    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct gcs_transport *t;
        char error[300] = "";
        ck_assert_int_lt(gcs_transport_open(urls[i][0], &t, error, sizeof(error)), 0);
        ck_assert_msg(strstr(error, urls[i][1]) != NULL, "%s: %s", urls[i][0], error);
    }
}
END_TEST

/* A thousand times; GCS_RDMA_OPENS says otherwise. Leaks are the sanitizer's to find. */
START_TEST(opening_and_closing_leaves_nothing)
{
    int wanted = times("GCS_RDMA_OPENS", 1000);

    for (int i = 0; i < wanted; i++) {
        struct gcs_transport *a = open_end(1 + (unsigned)i % 5, NULL);
        if (i % 50 == 0) {
            struct gcs_transport *b = open_end(2, NULL);
            connect_ends(a, b);
        }
        close_all();
    }
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {
        memory_that_cannot_be_registered_is_told,
        registered_memory_has_a_bound,
        bad_urls_are_refused_by_name,
        opening_and_closing_leaves_nothing,
    };
    return run_tests(tests, SUITE_SIZE(tests), argc, argv);
}
