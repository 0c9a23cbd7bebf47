/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two that looked around without hearing each other have each founded the group.
 * When they do hear each other one lineage gives way, within a bounded time, and
 * its members come back in the other; a lineage that was created stays.
 */
#include "gcs/wire/membership.h"
#include "tests/unit/cluster.h"
#include "tests/unit/suite.h"

static struct cluster c;
static unsigned apart; /* set of nodes that do not hear the others */

static enum cluster_fate divide(void *ctx, const struct cluster_flight *flight)
{
    (void)ctx;
    return (apart >> flight->from & 1) == (apart >> flight->to & 1) ? CLUSTER_PASS : CLUSTER_LOSE;
}

static void open_divided(unsigned set)
{
    cluster_init(&c);
    apart = set;
    c.fate = divide;
}

static void join(unsigned i, enum gcs_bootstrap bootstrap)
{
    struct gcs_group_config config = c.group_config;
    struct gcs_address seeds[CLUSTER_MAX];
    for (unsigned k = 0; k < CLUSTER_MAX; k++)
        seeds[k] = cluster_address(k);
    config.bootstrap = bootstrap;
    config.seeds = seeds;
    config.seeds_count = CLUSTER_MAX;
    ck_assert_int_eq(gcs_core_join(c.nodes[i].core, c.now, CLUSTER_GROUP, &config, &c.nodes[i],
                                   &c.nodes[i].group),
                     0);
}

static void begin(unsigned i, enum gcs_bootstrap bootstrap)
{
    ck_assert_int_eq(cluster_open(&c, i), 0);
    join(i, bootstrap);
}

static uint64_t lineage(unsigned i)
{
    const struct gcs_view *view = c.nodes[i].group ? gcs_core_view(c.nodes[i].group) : NULL;
    return view ? view->lineage : 0;
}

/* Whose membership has ended looks again, as an application would. */
static void live(uint64_t ns, unsigned count)
{
    for (uint64_t end = c.now + ns; c.now < end;) {
        cluster_run(&c, 10 * MILLISECONDS);
        for (unsigned i = 0; i < count; i++)
            if (!c.nodes[i].group)
                join(i, GCS_LOOK);
    }
}

START_TEST(the_smaller_half_gives_way)
{
    open_divided(0x3);
    for (unsigned i = 0; i < 5; i++)
        begin(i, GCS_LOOK);
    live(2000 * MILLISECONDS, 5);
    uint64_t larger = lineage(4);
    ck_assert_uint_ne(lineage(0), larger);
    ck_assert_uint_eq(larger & 3, 2);
    ck_assert_uint_eq(c.nodes[0].members, 2);
    ck_assert_uint_eq(c.nodes[4].members, 3);
    apart = 0;
    live(10000 * MILLISECONDS, 5);
    ck_assert(cluster_is_view(&c, 5));
    for (unsigned i = 0; i < 5; i++) {
        ck_assert_uint_eq(lineage(i), larger);
        ck_assert_uint_eq(c.nodes[i].left, i < 2);
        ck_assert_int_eq(c.nodes[i].error, i < 2 ? GCS_ELINEAGE : 0);
    }
    ck_assert_uint_eq(cluster_counters(&c, 0)->lineages_met, 1);
    cluster_stop(&c);
}
END_TEST

/* Whoever was there first stays, also alone against many. */
START_TEST(the_younger_gives_way)
{
    open_divided(0x1);
    begin(0, GCS_LOOK);
    live(3000 * MILLISECONDS, 1);
    for (unsigned i = 1; i < 4; i++)
        begin(i, GCS_LOOK);
    live(2000 * MILLISECONDS, 4);
    uint64_t older = lineage(0);
    ck_assert_uint_lt(gcs_lineage_second(older), gcs_lineage_second(lineage(1)));
    ck_assert_uint_eq(c.nodes[1].members, 3);
    apart = 0;
    live(10000 * MILLISECONDS, 4);
    ck_assert(cluster_is_view(&c, 4));
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_uint_eq(lineage(i), older);
        ck_assert_int_eq(c.nodes[i].error, i > 0 ? GCS_ELINEAGE : 0);
    }
    cluster_stop(&c);
}
END_TEST

START_TEST(of_equal_halves_the_smaller_lineage_stays)
{
    open_divided(0x3);
    for (unsigned i = 0; i < 4; i++)
        begin(i, GCS_LOOK);
    live(2000 * MILLISECONDS, 4);
    uint64_t smaller = lineage(0) < lineage(2) ? lineage(0) : lineage(2);
    apart = 0;
    live(10000 * MILLISECONDS, 4);
    ck_assert(cluster_is_view(&c, 4));
    for (unsigned i = 0; i < 4; i++)
        ck_assert_uint_eq(lineage(i), smaller);
    cluster_stop(&c);
}
END_TEST

START_TEST(looking_gives_way_to_creating)
{
    open_divided(0x1);
    begin(0, GCS_CREATE);
    for (unsigned i = 1; i < 4; i++)
        begin(i, GCS_LOOK);
    live(2000 * MILLISECONDS, 4);
    uint64_t created = lineage(0);
    ck_assert_uint_eq(created & 3, 1);
    apart = 0;
    live(15000 * MILLISECONDS, 4);
    ck_assert(cluster_is_view(&c, 4));
    for (unsigned i = 0; i < 4; i++)
        ck_assert_uint_eq(lineage(i), created);
    ck_assert_uint_eq(c.nodes[0].left, 0);
    cluster_stop(&c);
}
END_TEST

/* Both were created: neither gives way, and that there are two is counted where it shows. */
START_TEST(created_groups_stay)
{
    open_divided(0x1);
    begin(0, GCS_CREATE);
    begin(1, GCS_CREATE);
    cluster_run(&c, 500 * MILLISECONDS);
    apart = 0;
    struct gcs_packet packet = {.group = gcs_packet_group_tag(CLUSTER_TAG, CLUSTER_GROUP),
                                .lineage = lineage(1),
                                .epoch = 1,
                                .control_size = GCS_FRAME_HEADER + 2};
    uint8_t data[GCS_PACKET_HEADER + GCS_FRAME_HEADER + 2] = {0};
    struct gcs_writer w = gcs_writer_over(data + GCS_PACKET_HEADER, GCS_FRAME_HEADER + 2);
    uint8_t *frame = gcs_frame_begin(&w, GCS_FRAME_KIN);
    gcs_write_u8(&w, 1);
    gcs_write_u8(&w, 9);
    gcs_frame_end(&w, frame);
    gcs_packet_seal(data, sizeof(data), &packet, CLUSTER_TAG);
    struct gcs_address from = cluster_address(1);
    for (int i = 0; i < 3; i++) {
        cluster_inject(&c, 0, &from, data, sizeof(data));
        cluster_run(&c, 1000 * MILLISECONDS);
    }
    ck_assert_uint_eq(cluster_counters(&c, 0)->lineages_met, 1);
    ck_assert_uint_eq(c.nodes[0].left, 0);
    cluster_stop(&c);
}
END_TEST

/* One is cut off from the primary when it meets another group that can go on. */
START_TEST(who_is_cut_off_gives_way_to_who_is_not)
{
    open_divided(0x4);
    for (unsigned i = 0; i < 3; i++)
        begin(i, GCS_LOOK);
    live(2000 * MILLISECONDS, 3);
    ck_assert_uint_eq(c.nodes[0].members, 2);
    ck_assert_uint_eq(c.nodes[2].members, 1);
    c.nodes[0].down = true; /* of two members one is left, and has no quorum */
    live(2000 * MILLISECONDS, 3);
    ck_assert(!c.nodes[1].primary);
    apart = 0;
    live(10000 * MILLISECONDS, 3);
    ck_assert(cluster_is_view(&c, 2));
    ck_assert_int_eq(c.nodes[1].error, GCS_ELINEAGE);
    cluster_stop(&c);
}
END_TEST

/* With rejoin, members come back by themselves: cut off first, then in the other lineage. */
START_TEST(members_come_back_by_themselves)
{
    open_divided(0x3);
    c.group_config.rejoin = true;
    for (unsigned i = 0; i < 5; i++)
        begin(i, GCS_LOOK);
    live(2000 * MILLISECONDS, 5);
    uint64_t larger = lineage(4);
    ck_assert_int_eq(cluster_say(&c, 0, GCS_SAFE, 1, 10), 0);
    live(100 * MILLISECONDS, 5);
    apart = 0;
    live(10000 * MILLISECONDS, 5);
    ck_assert(cluster_is_view(&c, 5));
    for (unsigned i = 0; i < 5; i++) {
        ck_assert_uint_eq(lineage(i), larger);
        ck_assert_uint_eq(c.nodes[i].left, 0);
        ck_assert_uint_eq(c.nodes[i].blocked, i < 2);
        ck_assert_int_eq(c.nodes[i].why, i < 2 ? GCS_ELINEAGE : 0);
        ck_assert_uint_eq(cluster_counters(&c, i)->lineages_left, i < 2);
    }
    cluster_stop(&c);
}
END_TEST

/* Alone and at rest it asks its seeds about once a second, and no more. */
START_TEST(looking_on_is_slow)
{
    open_divided(0);
    begin(0, GCS_LOOK);
    cluster_run(&c, 1000 * MILLISECONDS);
    uint64_t before = cluster_counters(&c, 0)->control_packets_sent;
    cluster_run(&c, 20000 * MILLISECONDS);
    uint64_t sent = cluster_counters(&c, 0)->control_packets_sent - before;
    ck_assert_uint_ge(sent, (CLUSTER_MAX - 1) * 15);
    ck_assert_uint_le(sent, (CLUSTER_MAX - 1) * 20);
    cluster_stop(&c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_smaller_half_gives_way,
        the_younger_gives_way,
        of_equal_halves_the_smaller_lineage_stays,
        looking_gives_way_to_creating,
        created_groups_stay,
        who_is_cut_off_gives_way_to_who_is_not,
        members_come_back_by_themselves,
        looking_on_is_slow,
    };
    return suite_run("core_lineage", tests, SUITE_SIZE(tests));
}
