/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The RDMA transport on real verbs, where the conformance suite does not look: what it costs, by
 * its counters; ends that do not read or break the rules; posts that fail.
 * Needs a device: script/rdma-guest has some. Arguments are names of tests: only these.
 *
 * ctest-timeout: 300
 */
#include "tests/rdma/ends.h"

#include <poll.h>

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
        credit_never_goes_back,
        the_nth_post_that_fails_costs_one_link_and_nothing_else,
    };
    return run_tests(tests, SUITE_SIZE(tests), argc, argv);
}
