/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The RDMA transport on real verbs, where the conformance suite does not look: what it costs, by
 * its counters; ends that do not read, break the rules, vanish or are fenced; calls that fail.
 * Needs a device: script/rdma-guest has some. Arguments are names of tests: only these.
 *
 * ctest-timeout: 300
 */
#include "gcs/wire/membership.h"
#include "transport/rdma.h"

#include "tests/unit/suite.h"

#include <ifaddrs.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ENDS = 5, PATIENCE_MS = 10000 };

static struct gcs_transport *ends[ENDS];
static unsigned ends_count;

/* ---- Calls that fail --------------------------------------------------------------------- */

static int posts_until_failure = -1, registrations_until_failure = -1;

static int failing_post(void *ctx, struct ibv_qp *qp, struct ibv_send_wr *wr)
{
    if (posts_until_failure >= 0 && posts_until_failure-- == 0)
        return EIO;
    return gcs_rdma_verbs_real.post_send(ctx, qp, wr);
}

static struct ibv_mr *failing_reg_mr(void *ctx, struct ibv_pd *pd, void *memory, size_t bytes)
{
    if (registrations_until_failure >= 0 && registrations_until_failure-- == 0) {
        errno = ENOMEM;
        return NULL;
    }
    return gcs_rdma_verbs_real.reg_mr(ctx, pd, memory, bytes);
}

static struct gcs_rdma_verbs failing;

/* ---- Ends ----------------------------------------------------------------------------------- */

static struct gcs_transport *try_open(unsigned device, const char *options, char *error,
                                      size_t size)
{
    const struct gcs_report report = {error, size};
    struct gcs_transport *t = NULL;
    struct gcs_url url;
    char text[200];

    snprintf(text, sizeof(text), "rdma://0.0.0.0:0?device=%u%s%s", device, options ? "&" : "",
             options ? options : "");
    ck_assert_int_eq(gcs_url_parse(&url, text, &report), 0);
    failing = gcs_rdma_verbs_real;
    failing.post_send = failing_post;
    failing.reg_mr = failing_reg_mr;
    (void)gcs_rdma_open_with(&failing, &url, &t, &report);
    gcs_url_free(&url);
    return t;
}

static struct gcs_transport *open_end(unsigned device, const char *options)
{
    char error[300] = "";
    struct gcs_transport *t = try_open(device, options, error, sizeof(error));

    ck_assert_msg(t != NULL, "%s", error);
    ck_assert_uint_lt(ends_count, ENDS);
    return ends[ends_count++] = t;
}

static void close_end(struct gcs_transport *t)
{
    for (unsigned i = 0; i < ends_count; i++)
        if (ends[i] == t)
            ends[i] = ends[--ends_count];
    t->ops->close(t);
}

static void close_all(void)
{
    while (ends_count > 0)
        close_end(ends[0]);
}

static const struct gcs_transport_counters *counters(const struct gcs_transport *t)
{
    return t->ops->counters(t);
}

static const struct gcs_address *address(const struct gcs_transport *t)
{
    return t->ops->address(t);
}

/* Takes everything in at t, while all the others do their work; how many packets there were. */
static size_t take(struct gcs_transport *t)
{
    struct gcs_transport_packet packets[64];
    size_t n = 0, got;

    for (unsigned i = 0; i < ends_count; i++)
        ends[i]->ops->receive(ends[i], NULL, 0);
    while ((got = t->ops->receive(t, packets, 64)) > 0) {
        for (size_t i = 0; i < got; i++)
            gcs_buffer_unref(packets[i].buffer);
        n += got;
    }
    return n;
}

static size_t take_until(struct gcs_transport *t, size_t wanted)
{
    size_t n = 0;

    for (int ms = 0; ms < PATIENCE_MS && n < wanted; ms++) {
        size_t got = take(t);
        n += got;
        if (got == 0)
            poll(NULL, 0, 1);
    }
    return n;
}

static bool told_of(struct gcs_transport *t, const struct gcs_address *peer)
{
    struct gcs_address who;

    for (int ms = 0; ms < PATIENCE_MS; ms++) {
        for (unsigned i = 0; i < ends_count; i++)
            (void)take(ends[i]);
        while (t->ops->unreachable(t, &who))
            if (gcs_udp_same(&who, peer))
                return true;
        poll(NULL, 0, 1);
    }
    return false;
}

static uint8_t bytes[60000];

static void send_to(struct gcs_transport *t, const struct gcs_address *to, size_t count,
                    size_t size, size_t packets)
{
    struct gcs_core_packet p[64];

    ck_assert_uint_le(packets, 64);
    for (size_t i = 0; i < packets; i++)
        p[i] = (struct gcs_core_packet){.data = bytes, .size = size, .to = to, .to_count = count};
    t->ops->send(t, p, packets);
}

static void connect_ends(struct gcs_transport *a, struct gcs_transport *b)
{
    send_to(a, address(b), 1, 16, 1);
    ck_assert_uint_eq(take_until(b, 1), 1);
    send_to(b, address(a), 1, 16, 1);
    ck_assert_uint_eq(take_until(a, 1), 1);
}

static struct gcs_rdma_link *link_to(struct gcs_transport *t, struct gcs_transport *peer)
{
    return gcs_rdma_link_find((struct gcs_rdma *)t, address(peer));
}

/* ---- What it costs -------------------------------------------------------------------------- */

/* One sender, receivers who answer each batch, as a group of so many members does. */
static void check_costs(unsigned members)
{
    enum { BATCHES = 50, BATCH = 32, SIZE = 8192 };
    struct gcs_transport *a = open_end(1, NULL), *others[ENDS - 1];
    struct gcs_transport_counters before[ENDS];
    struct gcs_address to[ENDS - 1];
    const unsigned n = members - 1;
    const uint64_t packets = (uint64_t)BATCHES * BATCH;

    for (unsigned i = 0; i < n; i++) {
        others[i] = open_end(2 + i, NULL);
        to[i] = *address(others[i]);
        connect_ends(a, others[i]);
    }
    for (unsigned i = 0; i < n; i++)
        before[i] = *counters(others[i]);
    before[n] = *counters(a);
    for (unsigned i = 0; i < BATCHES; i++) {
        send_to(a, to, n, SIZE, BATCH);
        for (unsigned k = 0; k < n; k++)
            ck_assert_uint_eq(take_until(others[k], BATCH), BATCH);
        for (unsigned k = 0; k < n; k++)
            send_to(others[k], address(a), 1, 100, 1);
        ck_assert_uint_eq(take_until(a, n), n);
    }
    const struct gcs_transport_counters *s = counters(a);
    uint64_t requests = s->work_requests - before[n].work_requests;
    ck_assert_uint_le(requests * 10, packets * n * 12);
    ck_assert_uint_le((s->doorbells - before[n].doorbells) * 10, packets * 2);
    ck_assert_uint_le((s->signalled - before[n].signalled) * 16, requests + 16 * n);
    ck_assert_uint_le((s->wire_bytes - before[n].wire_bytes) * 100, packets * n * SIZE * 105);
    ck_assert_uint_eq(s->copied, 0);
    for (unsigned i = 0; i < n; i++) {
        const struct gcs_transport_counters *r = counters(others[i]);
        ck_assert_uint_le((r->work_requests - before[i].work_requests) * 2, packets);
        ck_assert_uint_eq(r->copied, 0);
    }
    close_all();
}

START_TEST(work_requests_doorbells_completions_and_bytes_are_few_among_three)
{
    check_costs(3);
}
END_TEST

START_TEST(work_requests_doorbells_completions_and_bytes_are_few_among_five)
{
    check_costs(5);
}
END_TEST

/* ---- Ends that misbehave -------------------------------------------------------------------- */

START_TEST(a_peer_that_does_not_read_stops_at_its_ring_and_is_closed_at_the_bound)
{
    struct gcs_transport *a = open_end(1, "ring=512K&stage=512K&backlog=1M");
    struct gcs_transport *b = open_end(2, "ring=512K&stage=512K");
    struct gcs_transport *c = open_end(3, NULL);
    unsigned sent = 0;

    connect_ends(a, b);
    connect_ends(a, c);
    ends_count = 0; /* nobody works but who is told to */
    while (counters(a)->full_backlogs == 0 && sent < 200) {
        send_to(a, address(b), 1, 30000, 1);
        a->ops->receive(a, NULL, 0);
        sent++;
    }
    ck_assert_uint_le((uint64_t)sent * 30000, (2 << 20) + (256 << 10));
    ck_assert_uint_eq(counters(a)->full_backlogs, 1);
    ends[ends_count++] = a;
    ends[ends_count++] = b;
    ends[ends_count++] = c;
    ck_assert(told_of(a, address(b)));
    ck_assert(told_of(b, address(a)));
    /* the third one never noticed, and the second one comes back */
    send_to(a, address(c), 1, 1000, 1);
    ck_assert_uint_eq(take_until(c, 1), 1);
    (void)take(b);
    send_to(a, address(b), 1, 1000, 1);
    ck_assert_uint_ge(take_until(b, 1), 1);
    close_all();
}
END_TEST

static int times(const char *variable, int normal)
{
    const char *wanted = getenv(variable);
    return wanted ? atoi(wanted) : normal;
}

/* GCS_RDMA_RINGS: how often. What happens between devices that have too much to do is rare. */
START_TEST(nothing_of_a_full_ring_is_lost)
{
    enum { COUNT = 150 };

    for (int left = times("GCS_RDMA_RINGS", 1); left > 0; left--) {
        struct gcs_transport *a = open_end(1, "ring=512K&stage=512K");
        struct gcs_transport *b = open_end(2, "ring=512K&stage=512K");
        connect_ends(a, b);
        for (unsigned i = 0; i < COUNT; i++)
            send_to(a, address(b), 1, 20000, 1);
        ck_assert_uint_gt(counters(a)->backlogged, 0);
        size_t got = take_until(b, COUNT);
        const struct gcs_rdma_link *link = link_to(a, b);
        ck_assert_msg(got == COUNT,
                      "%zu of %d; %u left; posted %u, completed %u, granted %u, nudges %u", got,
                      COUNT, (unsigned)left, (unsigned)link->posted, (unsigned)link->completed,
                      (unsigned)link->granted, (unsigned)counters(a)->nudges);
        ck_assert_uint_eq(counters(a)->broken_links + counters(b)->broken_links, 0);
        ck_assert_uint_eq(counters(a)->send_errors, 0);
        close_all();
    }
}
END_TEST

/* Both have used whatever the other has posted receives for, before either has taken anything. */
START_TEST(two_ends_that_have_filled_each_others_receives_go_on)
{
    struct gcs_transport *pair[2] = {open_end(1, NULL), open_end(2, NULL)};

    connect_ends(pair[0], pair[1]);
    for (unsigned i = 0; i < 2; i++) {
        struct gcs_transport *t = pair[i], *peer = pair[!i];
        for (unsigned n = 0; n < 2 * GCS_RDMA_RECEIVES; n++)
            send_to(t, address(peer), 1, 100, 1);
        ck_assert_uint_gt(counters(t)->backlogged, 0);
        for (unsigned n = 0; n < GCS_RDMA_RECEIVES; n++)
            gcs_rdma_knock((struct gcs_rdma *)t, link_to(t, peer), false);
    }
    for (int ms = 0; ms < PATIENCE_MS &&
                     (link_to(pair[0], pair[1])->waiting || link_to(pair[1], pair[0])->waiting);
         ms++) {
        (void)take(pair[0]);
        (void)take(pair[1]);
        poll(NULL, 0, 1);
    }
    ck_assert_ptr_null(link_to(pair[0], pair[1])->waiting);
    ck_assert_ptr_null(link_to(pair[1], pair[0])->waiting);
    close_all();
}
END_TEST

/* A sender waits for room, and its receiver for nothing: what it gives back must wake it. */
START_TEST(who_gives_back_what_a_peer_waits_for_is_woken_to_tell_it)
{
    enum { MOST = 64 };
    struct gcs_transport *a = open_end(1, "ring=512K&stage=512K");
    struct gcs_transport *b = open_end(2, "ring=512K&stage=512K");
    struct gcs_transport_packet packets[MOST];
    size_t got = 0;

    connect_ends(a, b);
    for (int ms = 0; ms < PATIENCE_MS && got < 12; ms++) {
        if (ms == 0)
            send_to(a, address(b), 1, 20000, 12);
        a->ops->receive(a, NULL, 0);
        got += b->ops->receive(b, packets + got, MOST - got);
        poll(NULL, 0, 1);
    }
    ck_assert_uint_eq(got, 12);
    struct pollfd fd = {.fd = b->ops->fd(b), .events = POLLIN};
    for (int ms = 0; ms < PATIENCE_MS && poll(&fd, 1, 20) > 0; ms++)
        ck_assert_uint_eq(b->ops->receive(b, packets + got, MOST - got), 0);
    uint64_t knocks = counters(b)->knocks;
    for (size_t i = 0; i < got; i++)
        gcs_buffer_unref(packets[i].buffer);
    ck_assert_int_eq(poll(&fd, 1, 0), 1);
    b->ops->receive(b, NULL, 0);
    ck_assert_uint_gt(counters(b)->knocks, knocks);
    close_all();
}
END_TEST

START_TEST(a_bad_key_breaks_one_link_at_both_ends)
{
    struct gcs_transport *a = open_end(1, NULL), *b = open_end(2, NULL), *c = open_end(3, NULL);

    connect_ends(a, b);
    connect_ends(a, c);
    link_to(a, b)->remote_key += 0x1234;
    send_to(a, address(b), 1, 1000, 1);
    ck_assert(told_of(a, address(b)));
    ck_assert(told_of(b, address(a)));
    ck_assert_uint_ge(counters(a)->failed_requests, 1);
    send_to(a, address(c), 1, 1000, 1);
    ck_assert_uint_eq(take_until(c, 1), 1);
    ck_assert_uint_eq(counters(c)->broken_links, 0);
    send_to(a, address(b), 1, 1000, 1); /* connects again */
    ck_assert_uint_eq(take_until(b, 1), 1);
    close_all();
}
END_TEST

START_TEST(a_run_that_makes_no_sense_breaks_its_link)
{
    struct gcs_transport *a = open_end(1, NULL), *b = open_end(2, NULL);

    connect_ends(a, b);
    link_to(a, b)->serial += 7;
    send_to(a, address(b), 1, 1000, 1);
    ck_assert(told_of(b, address(a)));
    ck_assert(told_of(a, address(b)));
    ck_assert_uint_eq(counters(b)->receive_errors, 1);
    close_all();
}
END_TEST

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

/* The note says that in time; "": there is none any more. */
static bool notes(struct gcs_transport *t, const char *text)
{
    for (int ms = 0; ms < PATIENCE_MS; ms++) {
        const char *note = t->ops->note(t);
        if (text[0] ? strstr(note, text) != NULL : note[0] == '\0')
            return true;
        (void)take(t);
        poll(NULL, 0, 1);
    }
    return false;
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

/* A knock may be read when it was overwritten by one that runs in between do not know of. */
START_TEST(credit_never_goes_back)
{
    struct gcs_transport *a = open_end(1, NULL), *b = open_end(2, NULL);
    struct gcs_ring_preface early = {.returned = 1}, late = {.returned = 3};

    connect_ends(a, b);
    struct gcs_rdma_link *link = link_to(a, b);
    uint64_t last = link->credited;
    gcs_rdma_credit((struct gcs_rdma *)a, link, last + 3, &late);
    gcs_rdma_credit((struct gcs_rdma *)a, link, last + 2, &early);
    ck_assert_uint_eq(link->out.returned, 3);
    ck_assert_uint_eq(link->credited, last + 3);
    link->out.returned = 0; /* what b has really returned */
    close_all();
}
END_TEST

/* ---- Calls that fail ------------------------------------------------------------------------ */

START_TEST(the_nth_post_that_fails_costs_one_link_and_nothing_else)
{
    struct gcs_transport *a = open_end(1, NULL), *b = open_end(2, NULL);

    for (int n = 0; n < 6; n++) {
        connect_ends(a, b);
        posts_until_failure = n;
        for (int i = 0; i < 20 && posts_until_failure >= 0; i++) {
            send_to(a, address(b), 1, 1000, 1);
            (void)take(b);
        }
        ck_assert_int_eq(posts_until_failure, -1);
        (void)take_until(b, 0);
        struct gcs_address who;
        for (int ms = 0; ms < 200; ms++) { /* both have heard of it */
            (void)take(a);
            (void)take(b);
            while (a->ops->unreachable(a, &who) || b->ops->unreachable(b, &who))
                ;
            poll(NULL, 0, 1);
        }
    }
    ck_assert_uint_eq(counters(a)->refused_posts + counters(b)->refused_posts, 6);
    connect_ends(a, b);
    close_all();
}
END_TEST

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

/* Test programs run everything; named tests are for those that go on for long. */
static size_t choose(const TTest **chosen, const TTest *const *tests, size_t count, char **names)
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        for (char **name = names; *name; name++) {
            if (strcmp(tests[i]->name, *name) == 0)
                chosen[n++] = tests[i];
        }
    }
    return n;
}

int main(int argc, char **argv)
{
    const TTest *const tests[] = {
        work_requests_doorbells_completions_and_bytes_are_few_among_three,
        work_requests_doorbells_completions_and_bytes_are_few_among_five,
        a_peer_that_does_not_read_stops_at_its_ring_and_is_closed_at_the_bound,
        nothing_of_a_full_ring_is_lost,
        two_ends_that_have_filled_each_others_receives_go_on,
        who_gives_back_what_a_peer_waits_for_is_woken_to_tell_it,
        a_bad_key_breaks_one_link_at_both_ends,
        a_run_that_makes_no_sense_breaks_its_link,
        a_closed_port_refuses,
        a_killed_process_is_noticed,
        an_address_that_goes_is_told_and_may_come_back,
        another_address_that_comes_and_goes_erases_no_note,
        the_device_is_as_patient_as_it_is_told,
        a_former_member_is_fenced_and_may_come_back_as_a_stranger,
        what_a_former_member_writes_is_refused_by_the_device,
        credit_never_goes_back,
        the_nth_post_that_fails_costs_one_link_and_nothing_else,
        memory_that_cannot_be_registered_is_told,
        registered_memory_has_a_bound,
        bad_urls_are_refused_by_name,
        a_hello_is_read_as_written_and_nothing_else_is,
        opening_and_closing_leaves_nothing,
    };
    char error[300] = "";
    struct gcs_transport *t;

    if (gcs_transport_open("rdma://0.0.0.0:0", &t, error, sizeof(error)) != 0) {
        printf("skipped: %s\n", error);
        return 77;
    }
    t->ops->close(t);
    const TTest *chosen[SUITE_SIZE(tests)];
    size_t count = choose(chosen, tests, SUITE_SIZE(tests), argv + 1);
    if (argc > 1 && count != (size_t)(argc - 1)) {
        printf("no such test\n");
        return EXIT_FAILURE;
    }
    return argc > 1 ? suite_run("rdma", chosen, count)
                    : suite_run("rdma", tests, SUITE_SIZE(tests));
}
