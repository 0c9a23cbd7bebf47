/* SPDX-License-Identifier: BSD-3-Clause */
/* Leases: who may be sure of the primary, until when, and who has to wait. */
#include "gcs/wire/lease.h"
#include "tests/unit/cluster.h"
#include "tests/unit/suite.h"
#include "views/lease.h"

static struct cluster c;
static unsigned cut; /* node that hears nobody and is not heard */

static enum cluster_fate is_cut(void *ctx, const struct cluster_flight *flight)
{
    (void)ctx;
    return flight->from == cut || flight->to == cut ? CLUSTER_LOSE : CLUSTER_PASS;
}

static void start(unsigned count)
{
    cluster_init(&c);
    cluster_start(&c, count);
}

/* The lease of a node, asked for again and again for so long; its end, or 0. */
static uint64_t lease_within(unsigned i, uint64_t ns)
{
    uint64_t end = c.now + ns, until = 0;
    while (gcs_core_lease(c.nodes[i].group, c.now, &until) == GCS_EAGAIN && c.now < end) {
        until = 0;
        cluster_run(&c, MILLISECONDS / 10);
    }
    return until;
}

START_TEST(a_quorum_grants_within_a_round_trip)
{
    start(3);
    uint64_t asked = c.now;
    for (unsigned i = 0; i < 3; i++) {
        uint64_t until = lease_within(i, 2 * MILLISECONDS);
        ck_assert_uint_gt(until, asked);
        ck_assert_uint_le(until, c.now + GCS_LEASE_NS);
    }
    cluster_stop(&c);
}
END_TEST

START_TEST(it_is_renewed_as_long_as_it_is_used)
{
    uint64_t until;
    start(3);
    ck_assert_uint_gt(lease_within(1, 2 * MILLISECONDS), 0);
    for (unsigned i = 0; i < 100; i++) {
        cluster_run(&c, 10 * MILLISECONDS);
        ck_assert_int_eq(gcs_core_lease(c.nodes[1].group, c.now, &until), 0);
        ck_assert_uint_gt(until, c.now + 10 * MILLISECONDS);
    }
    cluster_run(&c, 1000 * MILLISECONDS);
    uint64_t before = cluster_counters(&c, 1)->control_packets_sent;
    ck_assert_int_eq(gcs_core_lease(c.nodes[1].group, c.now, &until),
                     GCS_EAGAIN); /* was not used */
    cluster_run(&c, MILLISECONDS);
    ck_assert_uint_gt(cluster_counters(&c, 1)->control_packets_sent, before);
    cluster_stop(&c);
}
END_TEST

START_TEST(who_is_cut_off_has_none_when_the_others_get_theirs)
{
    start(3);
    for (cut = 0; cut < 3; cut++) {
        unsigned other = (cut + 1) % 3;
        uint64_t begin = c.now, last = 0, until = 0;
        ck_assert_uint_gt(lease_within(cut, 200 * MILLISECONDS), 0);
        c.fate = is_cut;
        while (c.nodes[other].members == 3 && c.now < begin + 3000 * MILLISECONDS) {
            if (gcs_core_lease(c.nodes[cut].group, c.now, &until) == 0)
                last = until;
            cluster_run(&c, MILLISECONDS);
        }
        ck_assert_uint_eq(c.nodes[other].members, 2);
        uint64_t theirs = lease_within(other, 500 * MILLISECONDS);
        ck_assert_uint_gt(theirs, 0);
        ck_assert_uint_gt(last, begin);
        ck_assert_uint_ge(c.now, last);
        ck_assert_int_ne(gcs_core_lease(c.nodes[cut].group, c.now, &until), 0);
        cluster_stop(&c);
        if (cut < 2)
            start(3);
    }
}
END_TEST

START_TEST(after_an_exclusion_all_wait)
{
    uint64_t until;
    start(3);
    c.nodes[2].down = true;
    while (c.nodes[0].members == 3)
        cluster_run(&c, MILLISECONDS);
    uint64_t begin = c.now;
    ck_assert_int_eq(gcs_core_lease(c.nodes[0].group, c.now, &until), GCS_EAGAIN);
    ck_assert_uint_gt(lease_within(0, 500 * MILLISECONDS), 0);
    ck_assert_uint_ge(c.now, begin + GCS_LEASE_NS);
    cluster_stop(&c);
}
END_TEST

START_TEST(the_frame_has_one_spelling)
{
    uint8_t bytes[GCS_LEASE_BYTES_MAX + 1] = {0};
    static const uint64_t rounds[] = {0, 1, 127, 128, UINT64_MAX};
    for (size_t i = 0; i < 2 * SUITE_SIZE(rounds); i++) {
        struct gcs_writer w = gcs_writer_over(bytes, GCS_LEASE_BYTES_MAX);
        uint64_t round;
        bool grant;
        gcs_lease_write(&w, i % 2, rounds[i / 2]);
        size_t size = gcs_writer_size(&w);
        ck_assert(!w.bad && gcs_lease_read(bytes, size, &grant, &round));
        ck_assert(grant == (i % 2 == 1) && round == rounds[i / 2]);
        ck_assert(!gcs_lease_read(bytes, size + 1, &grant, &round));
        for (size_t short_of = 0; short_of < size; short_of++)
            ck_assert(!gcs_lease_read(bytes, short_of, &grant, &round));
    }
    ck_assert(!gcs_lease_read((const uint8_t[]){2, 5}, 2, &(bool){0}, &(uint64_t){0}));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_quorum_grants_within_a_round_trip,
        it_is_renewed_as_long_as_it_is_used,
        who_is_cut_off_has_none_when_the_others_get_theirs,
        after_an_exclusion_all_wait,
        the_frame_has_one_spelling,
    };
    return suite_run("core_lease", tests, SUITE_SIZE(tests));
}
