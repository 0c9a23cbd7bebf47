/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connections of the RDMA transport: ends that are not there or vanish, addresses that go and come,
 * how patient a device is, members that are fenced, what both ends tell each other.
 * Needs a device: script/rdma-guest has some. Arguments are names of tests: only these.
 *
 * ctest-timeout: 300
 */
#include "gcs/wire/membership.h"
#include "tests/rdma/ends.h"

#include <ifaddrs.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Ends that go ---------------------------------------------------------------------------- */

START_TEST(a_closed_port_refuses)
{
    struct gcs_transport *a = open_end(1, NULL), *b = open_end(2, NULL);
    struct gcs_address gone = *address(b);

    close_end(b);
    send_to(a, &gone, 1, 100, 1);
    ck_assert(told_of(a, &gone));
    ck_assert_uint_eq(counters(a)->failed_connections, 1);
    close_all();
}
END_TEST

/* kill -9 of a process with open queue pairs. */
START_TEST(a_killed_process_is_noticed)
{
    struct gcs_transport *a = open_end(1, NULL);
    struct gcs_address victim;
    int pipes[2];

    ck_assert_int_eq(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        struct gcs_address to = *address(a);
        ends_count = 0;
        struct gcs_transport *b = open_end(2, NULL);
        send_to(b, &to, 1, 100, 1);
        if (write(pipes[1], address(b), sizeof(victim)) != (ssize_t)sizeof(victim))
            _exit(1);
        for (;;) {
            take(b);
            poll(NULL, 0, 1);
        }
    }
    ck_assert_int_eq(read(pipes[0], &victim, sizeof(victim)), (ssize_t)sizeof(victim));
    ck_assert_uint_eq(take_until(a, 1), 1);
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert(told_of(a, &victim));
    close_all();
}
END_TEST

/* ---- Addresses, patience ------------------------------------------------------------------------
 */

/* The interface of an address, and the address as ip(8) takes it. */
static void find_interface(const struct gcs_address *ip, char *name, size_t size, char *text)
{
    struct gcs_address own;
    struct ifaddrs *list, *entry;

    ck_assert_int_eq(getifaddrs(&list), 0);
    for (entry = list; entry; entry = entry->ifa_next) {
        if (!entry->ifa_addr || !gcs_udp_from_sockaddr(entry->ifa_addr, &own))
            continue;
        gcs_udp_set_port(&own, gcs_udp_port(ip));
        if (gcs_address_equal(&own, ip))
            break;
    }
    ck_assert_ptr_nonnull(entry);
    snprintf(name, size, "%s", entry->ifa_name);
    freeifaddrs(list);
    gcs_udp_ip_format(ip, text, GCS_ADDRESS_TEXT_MAX);
}

static void change_address(const char *what, const char *ip, const char *interface)
{
    char command[200];

    snprintf(command, sizeof(command), "ip addr %s %s/24 dev %s", what, ip, interface);
    ck_assert_msg(system(command) == 0, "%s", command);
}

START_TEST(another_address_that_comes_and_goes_erases_no_note)
{
    char interface[64], ip[GCS_ADDRESS_TEXT_MAX];
    struct gcs_transport *t = open_end(1, NULL);
    uint64_t events = counters(t)->device_events;

    gcs_rdma_note((struct gcs_rdma *)t, false, "of something else");
    find_interface(address(t), interface, sizeof(interface), ip);
    change_address("add", "10.97.0.1", interface);
    change_address("del", "10.97.0.1", interface);
    for (int ms = 0; ms < PATIENCE_MS && counters(t)->device_events == events; ms += take(t) == 0)
        poll(NULL, 0, 1);
    ck_assert_uint_gt(counters(t)->device_events, events);
    ck_assert_str_eq(t->ops->note(t), "of something else");
    close_all();
}
END_TEST

START_TEST(an_address_that_goes_is_told_and_may_come_back)
{
    char interface[64], ip[GCS_ADDRESS_TEXT_MAX];
    struct gcs_transport *a = open_end(1, NULL), *b = open_end(2, NULL);

    connect_ends(a, b);
    find_interface(address(a), interface, sizeof(interface), ip);
    change_address("del", ip, interface);
    bool told = notes(a, "is no longer an address of");
    change_address("add", ip, interface);
    ck_assert(told);
    ck_assert_msg(notes(a, ""), "%s", a->ops->note(a));
    size_t got = 0;
    for (int tries = 0; tries < 100 && got == 0; tries++) { /* the link may have broken meanwhile */
        send_to(b, address(a), 1, 100, 1);
        for (int ms = 0; ms < 100 && (got = take(a)) == 0; ms++)
            poll(NULL, 0, 1);
    }
    ck_assert_uint_ge(got, 1);
    close_all();
}
END_TEST

/* 4.096 us * 2^n, seven times, is the most that fits into so many milliseconds. */
START_TEST(the_device_is_as_patient_as_it_is_told)
{
    static const struct {
        const char *options;
        uint8_t timeout;
    } cases[] = {{NULL, 14}, {"patience=10", 8}, {"patience=10000", 18}, {"patience=60000", 20}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ibv_qp_attr attr;
        struct ibv_qp_init_attr init;
        struct gcs_transport *a = open_end(1, cases[i].options), *b = open_end(2, NULL);
        connect_ends(a, b);
        ck_assert_int_eq(ibv_query_qp(link_to(a, b)->qp, &attr, IBV_QP_TIMEOUT, &init), 0);
        ck_assert_uint_eq(attr.timeout, cases[i].timeout);
        ck_assert_int_eq(ibv_query_qp(link_to(b, a)->qp, &attr, IBV_QP_TIMEOUT, &init), 0);
        ck_assert_uint_eq(attr.timeout, 14);
        close_all();
    }
}
END_TEST

/* ---- Former members ------------------------------------------------------------------------- */

START_TEST(a_former_member_is_fenced_and_may_come_back_as_a_stranger)
{
    struct gcs_transport *a = open_end(1, NULL), *b = open_end(2, NULL), *c = open_end(3, NULL);
    struct gcs_address all[3] = {*address(a), *address(b), *address(c)};
    struct gcs_address rest[2] = {*address(a), *address(c)};

    a->ops->peers(a, all, 3);
    connect_ends(a, b);
    connect_ends(a, c);
    struct ibv_qp *kept = link_to(a, c)->qp;
    a->ops->peers(a, rest, 2);
    ck_assert_uint_eq(counters(a)->fenced_links, 1);
    for (int ms = 0; ms < PATIENCE_MS && link_to(a, b)->qp; ms++) { /* its last word has arrived */
        (void)take(a);
        poll(NULL, 0, 1);
    }
    ck_assert_ptr_null(link_to(a, b)->qp);
    ck_assert_ptr_eq(link_to(a, c)->qp, kept); /* those who stay keep theirs */
    ck_assert(told_of(b, address(a)));
    send_to(b, address(a), 1, 100, 1);
    ck_assert_uint_eq(take_until(a, 1), 1);
    close_all();
}
END_TEST

/* While the last word to it is on its way. */
START_TEST(what_a_former_member_writes_is_refused_by_the_device)
{
    struct gcs_transport *a = open_end(1, NULL), *b = open_end(2, NULL), *c = open_end(3, NULL);
    struct gcs_address all[3] = {*address(a), *address(b), *address(c)};
    struct gcs_address rest[2] = {*address(a), *address(c)};
    const struct gcs_transport_counters *at_a = counters(a);

    a->ops->peers(a, all, 3);
    connect_ends(a, b);
    connect_ends(a, c);
    ends_count = 0; /* a does nothing until it is told to */
    send_to(a, address(b), 1, 100, 1);
    a->ops->peers(a, rest, 2);
    ck_assert(link_to(a, b)->parting);
    uint64_t received = at_a->datagrams_received;
    send_to(b, address(a), 1, 100, 1);
    for (int ms = 0; ms < PATIENCE_MS && counters(b)->failed_requests == 0; ms++) {
        (void)take(b);
        poll(NULL, 0, 1);
    }
    ck_assert_uint_ge(counters(b)->failed_requests, 1);
    for (int ms = 0; ms < PATIENCE_MS && link_to(a, b)->qp; ms++) {
        (void)take(a);
        poll(NULL, 0, 1);
    }
    ck_assert_ptr_null(link_to(a, b)->qp);
    ck_assert_uint_eq(at_a->datagrams_received, received);
    ends[ends_count++] = a;
    ends[ends_count++] = b;
    ends[ends_count++] = c;
    close_all();
}
END_TEST

/* ---- What connecting ends tell each other ---------------------------------------------------- */

START_TEST(a_hello_is_read_as_written_and_nothing_else_is)
{
    const struct gcs_rdma_hello hello = {.port = 7400,
                                         .lost = true,
                                         .mtu = IBV_MTU_4096,
                                         .receives = 64,
                                         .shape = {32, 65536},
                                         .address = 0x123456789abcdef0,
                                         .key = 77};
    struct gcs_rdma_hello back;
    uint8_t text[GCS_RDMA_HELLO];

    gcs_rdma_hello_write(&hello, text);
    ck_assert(gcs_rdma_hello_read(&back, text, sizeof(text)));
    ck_assert_int_eq(back.port, 7400);
    ck_assert(back.lost);
    ck_assert_uint_eq(back.address, hello.address);
    ck_assert_uint_eq(back.shape.segment_bytes, 65536);
    for (size_t size = 0; size < sizeof(text); size++)
        ck_assert(!gcs_rdma_hello_read(&back, text, size));
    for (unsigned at = 0; at < 5; at++) { /* magic and version */
        text[at] ^= 1;
        ck_assert(!gcs_rdma_hello_read(&back, text, sizeof(text)));
        text[at] ^= 1;
    }
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {
        a_closed_port_refuses,
        a_killed_process_is_noticed,
        another_address_that_comes_and_goes_erases_no_note,
        an_address_that_goes_is_told_and_may_come_back,
        the_device_is_as_patient_as_it_is_told,
        a_former_member_is_fenced_and_may_come_back_as_a_stranger,
        what_a_former_member_writes_is_refused_by_the_device,
        a_hello_is_read_as_written_and_nothing_else_is,
    };
    return run_tests(tests, SUITE_SIZE(tests), argc, argv);
}
