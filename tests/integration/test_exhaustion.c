/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the machine has not got enough of: descriptors, room in socket buffers, a
 * network that takes packets, an application that takes events. Each ends in
 * the state that gcs(7), "When resources run out", promises.
 */
/* ctest-labels: thread */
/* ctest-timeout: 180 */
#include "integration/readers.h"
#include "unit/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MEMBERS = 3, MESSAGES = 300, STALL_MS = 5000 };

/* ---- A system that does not send ------------------------------------------------------- */

static atomic_int refusal;       /* what sendmmsg fails with; 0: it does not */
static atomic_uint refused_port; /* of whose socket; 0: of all */
static atomic_uint refusals;

static unsigned port_of(int fd)
{
    struct sockaddr_in name;
    socklen_t size = sizeof(name);

    return getsockname(fd, (struct sockaddr *)&name, &size) == 0 ? ntohs(name.sin_port) : 0;
}

/* In place of the C library's, for the transport in this program. */
int sendmmsg(int fd, struct mmsghdr *headers, unsigned count, int flags)
{
    int error = atomic_load(&refusal);
    unsigned port = atomic_load(&refused_port);

    if (error && (port == 0 || port == port_of(fd))) {
        atomic_fetch_add(&refusals, 1);
        errno = error;
        return -1;
    }
    return (int)syscall(SYS_sendmmsg, fd, headers, count, flags);
}

static void refuse(int error, const struct gcs_endpoint *endpoint)
{
    const char *address = endpoint ? strrchr(gcs_endpoint_address(endpoint), ':') : NULL;

    atomic_store(&refused_port, address ? (unsigned)atoi(address + 1) : 0);
    atomic_store(&refusal, error);
}

static const int refusals_of_send[] = {ENOBUFS, EPERM, ENETDOWN, ENETUNREACH, EAGAIN, ENOMEM};

START_TEST(what_the_system_refuses_to_send_for_a_while_is_sent_again)
{
    const int error = refusals_of_send[_i];

    readers_open(MEMBERS, "", 5000, false);
    atomic_store(&refusals, 0);
    refuse(error, _i % 2 ? readers[0].endpoint : NULL);
    for (uint32_t i = 1; i <= MESSAGES; i++)
        crew_ok(readers_send(0, i, 100, GCS_FOREVER));
    readers_await(atomic_load(&refusals) > 3);
    refuse(0, NULL);
    readers_expect(MEMBERS, MESSAGES);
    ck_assert(readers_together(MEMBERS));
    readers_close(MEMBERS);
}
END_TEST

START_TEST(who_cannot_send_is_excluded_and_comes_back)
{
    readers_open(MEMBERS, "", 300, false);
    refuse(ENETDOWN, readers[2].endpoint);
    readers_await(atomic_load(&readers[0].members) == 2 && atomic_load(&readers[1].members) == 2);
    for (uint32_t i = 1; i <= MESSAGES; i++)
        crew_ok(readers_send(0, i, 100, GCS_FOREVER));
    readers_expect(2, MESSAGES);
    refuse(0, NULL);
    readers_await(atomic_load(&readers[2].merged) > 0 && readers_together(MEMBERS));
    readers_close(MEMBERS);
}
END_TEST

/* ---- Buffers --------------------------------------------------------------------------- */

START_TEST(the_smallest_socket_buffers_lose_nothing)
{
    readers_open(2, "&rcvbuf=4K&sndbuf=4K&packet=1400", 5000, false);
    for (uint32_t i = 1; i <= 2 * MESSAGES; i++) {
        crew_ok(readers_send(0, i, sizeof(struct numbered), GCS_FOREVER));
        crew_ok(readers_send(1, i, sizeof(struct numbered), GCS_FOREVER));
    }
    readers_expect(2, 4 * MESSAGES);
    readers_close(2);
}
END_TEST

/* ---- Descriptors ----------------------------------------------------------------------- */

enum { HOARD_MAX = 1024 };

struct hoard {
    struct rlimit before;
    int fds[HOARD_MAX];
    size_t count;
};

/* Leaves so many descriptors and no more. */
static void take_descriptors(struct hoard *hoard, size_t left)
{
    struct rlimit few;

    hoard->count = 0;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &hoard->before), 0);
    few = hoard->before;
    few.rlim_cur = few.rlim_cur < HOARD_MAX / 2 ? few.rlim_cur : HOARD_MAX / 2;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    for (int fd; (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;)
        hoard->fds[hoard->count++] = fd;
    ck_assert_int_eq(errno, EMFILE);
    for (; left > 0 && hoard->count > 0; left--)
        close(hoard->fds[--hoard->count]);
}

static void give_descriptors_back(struct hoard *hoard)
{
    while (hoard->count > 0)
        close(hoard->fds[--hoard->count]);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &hoard->before), 0);
}

static size_t count_free(void)
{
    int fds[16];
    size_t count = 0;

    while (count < 16 && (fds[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        count++;
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
    return count;
}

START_TEST(an_endpoint_that_gets_no_descriptors_is_refused_and_leaves_none_behind)
{
    struct hoard hoard;
    struct gcs_endpoint *endpoint = NULL;
    int error = GCS_ESYSTEM;

    for (size_t left = 0; left < 16 && error; left++) {
        take_descriptors(&hoard, left);
        error = gcs_open("udp://127.0.0.1:0", NULL, &endpoint);
        if (error) {
            ck_assert_int_eq(error, GCS_ESYSTEM);
            ck_assert_ptr_nonnull(strstr(gcs_detail(), strerror(EMFILE)));
            ck_assert_uint_eq(count_free(), left);
        } else {
            ck_assert_uint_ge(left, 1);
            gcs_close(endpoint);
        }
        give_descriptors_back(&hoard);
    }
    ck_assert_int_eq(error, 0);
}
END_TEST

START_TEST(a_running_endpoint_needs_no_more_descriptors)
{
    struct gcs_group_config config;
    struct gcs_group *another;
    struct hoard hoard;

    readers_open(MEMBERS, "", 5000, false);
    take_descriptors(&hoard, 0);
    for (uint32_t i = 1; i <= MESSAGES; i++)
        crew_ok(readers_send(1, i, sizeof(struct numbered), GCS_FOREVER));
    readers_expect(MEMBERS, MESSAGES);
    gcs_group_config_init(&config);
    config.bootstrap = GCS_CREATE;
    crew_ok(gcs_join(readers[0].endpoint, "another", &config, &another));
    readers_await(atomic_load(&readers[0].members) == 1); /* its first view */
    give_descriptors_back(&hoard);
    readers_close(MEMBERS);
}
END_TEST

/* ---- An application that takes nothing ------------------------------------------------- */

/* Multicasts without waiting as long as the stall lasts. Returns how many were taken. */
static uint32_t send_for_a_while(unsigned sender, bool *was_full)
{
    uint64_t end = crew_now_ms() + STALL_MS;
    uint32_t sent = 0;

    *was_full = false;
    while (crew_now_ms() < end) {
        int error = readers_send(sender, sent + 1, sizeof(struct numbered), 0);

        if (error == 0) {
            sent++;
            continue;
        }
        ck_assert_int_eq(error, GCS_EAGAIN);
        *was_full = true;
        crew_pause_ms(1);
    }
    return sent;
}

START_TEST(an_application_that_stalls_holds_senders_up_and_stays_a_member)
{
    unsigned views;
    uint32_t sent;
    bool was_full;

    readers_open(MEMBERS, "", 1000, false);
    views = atomic_load(&readers[0].views);
    atomic_store(&readers[2].stalled, true);
    sent = send_for_a_while(0, &was_full);
    ck_assert(was_full);
    atomic_store(&readers[2].stalled, false);
    readers_expect(MEMBERS, sent);
    ck_assert_uint_eq(atomic_load(&readers[0].views), views); /* nobody was excluded */
    readers_close(MEMBERS);
}
END_TEST

START_TEST(a_stalled_loop_of_ones_own_is_excluded_and_comes_back)
{
    uint32_t sent;
    bool was_full;

    readers_open(MEMBERS, "", 300, true);
    atomic_store(&readers[2].stalled, true);
    sent = send_for_a_while(0, &was_full);
    readers_await(atomic_load(&readers[0].members) == 2 && atomic_load(&readers[1].members) == 2);
    readers_expect(2, sent);
    atomic_store(&readers[2].stalled, false);
    readers_await(atomic_load(&readers[2].merged) > 0 && readers_together(MEMBERS));
    readers_close(MEMBERS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("exhaustion");
    TCase *tcase = tcase_create("exhaustion");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tcase, what_the_system_refuses_to_send_for_a_while_is_sent_again, 0,
                        (int)SUITE_SIZE(refusals_of_send));
    tcase_add_test(tcase, who_cannot_send_is_excluded_and_comes_back);
    tcase_add_test(tcase, the_smallest_socket_buffers_lose_nothing);
    tcase_add_test(tcase, an_endpoint_that_gets_no_descriptors_is_refused_and_leaves_none_behind);
    tcase_add_test(tcase, a_running_endpoint_needs_no_more_descriptors);
    tcase_add_test(tcase, an_application_that_stalls_holds_senders_up_and_stays_a_member);
    tcase_add_test(tcase, a_stalled_loop_of_ones_own_is_excluded_and_comes_back);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
