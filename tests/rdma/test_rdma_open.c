/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opening an RDMA transport: what is refused, and that the sentence names the cause; that closing
 * leaves nothing.
 * Needs a device, but for what is said where there is none: script/rdma-guest has some. Arguments
 * are names of tests: only these.
 *
 * ctest-timeout: 300
 */
#include "tests/rdma/ends.h"

#include <linux/capability.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

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

/* CAP_IPC_LOCK, which root has, in force or not. Of an end that is open before, the kernel takes no
 * commands after. */
static void lock_without_limit(bool may)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2];

    ck_assert_int_eq((int)syscall(SYS_capget, &header, sets), 0);
    sets[0].effective &= ~(1u << CAP_IPC_LOCK);
    sets[0].effective |= may ? sets[0].permitted & 1u << CAP_IPC_LOCK : 0;
    ck_assert_int_eq((int)syscall(SYS_capset, &header, sets), 0);
}

static rlim_t limit_locked(rlim_t bytes)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = bytes;
    ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    return before;
}

START_TEST(a_limit_on_locked_memory_is_named_with_its_size_and_what_to_do)
{
    static const char stage[] = "cannot register 4096 KiB beside 0 KiB: RLIMIT_MEMLOCK is 2048 KiB";
    static const char ring[] = " beside 512 KiB: RLIMIT_MEMLOCK is 2048 KiB; raise it (ulimit -l";
    char error[300] = "";

    lock_without_limit(false);
    rlim_t before = limit_locked(2 << 20);
    ck_assert_ptr_null(try_open(1, NULL, error, sizeof(error)));
    ck_assert_msg(strstr(error, stage) != NULL, "%s", error);
    ck_assert_ptr_nonnull(strstr(error, "ulimit -l"));
    struct gcs_transport *a = open_end(1, "stage=512K"), *b = open_end(2, "stage=512K");
    send_to(a, address(b), 1, 100, 1);
    ck_assert(told_of(a, address(b)));
    ck_assert_msg(strstr(a->ops->note(a), ring) != NULL, "%s", a->ops->note(a));
    close_all();
    limit_locked(before);
    lock_without_limit(true);
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

static void expect_refusal(const char *url, int code, const char *sentence)
{
    struct gcs_transport *t;
    char error[300] = "";

    ck_assert_int_eq(gcs_transport_open(url, &t, error, sizeof(error)), code);
    ck_assert_msg(strstr(error, sentence) != NULL, "%s: %s", url, error);
}

/* Instead those are listed that are. */
START_TEST(an_address_of_no_device_is_refused_by_name)
{
    const struct gcs_transport *t = open_end(1, NULL);
    char ip[GCS_ADDRESS_TEXT_MAX], one_that_is[2 * GCS_ADDRESS_TEXT_MAX];

    gcs_udp_ip_format(address(t), ip, sizeof(ip));
    snprintf(one_that_is, sizeof(one_that_is), "; there are %s (%s)", ip,
             ibv_get_device_name(((const struct gcs_rdma *)t)->device->device));
    close_all();
    expect_refusal("rdma://10.99.0.1:0", GCS_EADDRESS, "10.99.0.1 is no address of an RDMA device");
    expect_refusal("rdma://10.99.0.1:0", GCS_EADDRESS, one_that_is);
    expect_refusal("rdma://127.0.0.1:0", GCS_EADDRESS, "127.0.0.1 is no address of an RDMA device");
    expect_refusal("rdma://[fd99::1]:0", GCS_EADDRESS, "fd99::1 is no address of an RDMA device");
}
END_TEST

START_TEST(a_device_that_is_missing_is_named_with_those_that_are_there)
{
    expect_refusal("rdma://0.0.0.0:0?device=mlx77", GCS_EOPTION, "device=mlx77: there are ");
    expect_refusal("rdma://[::]:0?device=mlx77", GCS_EOPTION, "device=mlx77: there are ");
}
END_TEST

/* Not with the others: where there is no device, these are skipped. */
START_TEST(a_machine_without_any_device_is_told_of_udp)
{
    static const char sentence[] = "this machine has no RDMA device; udp://";

    expect_refusal("rdma://0.0.0.0:0", GCS_ETRANSPORT, sentence);
    expect_refusal("rdma://10.77.0.1:7400", GCS_ETRANSPORT, sentence);
    expect_refusal("rdma://[::]:0?device=mlx77", GCS_ETRANSPORT, sentence);
}
END_TEST

START_TEST(bad_urls_are_refused_by_name)
{
    static const char *const urls[][2] = {
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

/* Only if GCS_RDMA_REMOVE says which: others may need it. What removes it waits for who uses it. */
START_TEST(a_device_that_is_removed_is_told_of)
{
    int device = times("GCS_RDMA_REMOVE", 0);
    char command[64], sentence[64];

    if (device == 0)
        return;
    struct gcs_transport *t = open_end((unsigned)device, NULL);
    const char *name = ibv_get_device_name(((const struct gcs_rdma *)t)->device->device);
    snprintf(sentence, sizeof(sentence), "%s is gone", name);
    snprintf(command, sizeof(command), "rdma link del %s >/dev/null 2>&1 &", name);
    ck_assert_int_eq(system(command), 0);
    ck_assert_msg(notes(t, sentence), "%s", t->ops->note(t));
    close_all();
}
END_TEST

static int count_devices(void)
{
    int count = 0;
    struct ibv_device **list = ibv_get_device_list(&count);

    if (list)
        ibv_free_device_list(list);
    return count;
}

int main(int argc, char **argv)
{
    const TTest *const tests[] = {
        memory_that_cannot_be_registered_is_told,
        a_limit_on_locked_memory_is_named_with_its_size_and_what_to_do,
        registered_memory_has_a_bound,
        an_address_of_no_device_is_refused_by_name,
        a_device_that_is_missing_is_named_with_those_that_are_there,
        bad_urls_are_refused_by_name,
        opening_and_closing_leaves_nothing,
        a_device_that_is_removed_is_told_of,
    };
    const TTest *const without[] = {a_machine_without_any_device_is_told_of_udp};

    if (count_devices() == 0 && suite_run("no device", without, 1) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    return run_tests(tests, SUITE_SIZE(tests), argc, argv);
}
