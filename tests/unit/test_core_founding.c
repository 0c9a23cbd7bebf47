/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whole cores that found a group by number: its first view, those who come too
 * late for it, and members who do not hear at first that they are members.
 */
#include "tests/unit/cluster.h"
#include "tests/unit/suite.h"

static struct cluster c;

static void open_cluster(uint32_t expect)
{
    cluster_init(&c);
    c.group_config.bootstrap = GCS_EXPECT;
    c.group_config.expect = expect;
}

static void begin(unsigned i)
{
    ck_assert_int_eq(cluster_open(&c, i), 0);
    ck_assert_int_eq(cluster_join(&c, i), 0);
}

START_TEST(three_found_with_one_view)
{
    open_cluster(3);
    for (unsigned i = 0; i < 3; i++)
        begin(i);
    cluster_run(&c, 1000 * MILLISECONDS);
    ck_assert(cluster_is_view(&c, 3));
    for (unsigned i = 0; i < 3; i++) {
        const struct gcs_view *view = gcs_core_view(c.nodes[i].group);
        ck_assert_uint_eq(c.nodes[i].epoch, 1);
        ck_assert_uint_eq(c.nodes[i].joined_count, 3);
        ck_assert_uint_eq(view->lineage & 3, 1);
        for (uint16_t rank = 0; rank < 3; rank++)
            ck_assert(!view->members[rank].syncing && view->members[rank].weight == 1);
        ck_assert_int_eq(cluster_say(&c, i, GCS_SAFE, 1, 20), 0);
    }
    cluster_run(&c, 1000 * MILLISECONDS);
    ck_assert(cluster_agrees(&c));
    ck_assert_uint_eq(c.nodes[0].count, 3);
    cluster_stop(&c);
}
END_TEST

START_TEST(who_comes_later_joins)
{
    open_cluster(5);
    begin(0);
    begin(1);
    cluster_run(&c, 5000 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[0].views + c.nodes[1].views, 0);
    begin(2);
    cluster_run(&c, 1000 * MILLISECONDS);
    ck_assert(cluster_is_view(&c, 3));
    begin(3);
    begin(4);
    cluster_run(&c, 1000 * MILLISECONDS);
    ck_assert(cluster_is_view(&c, 5));
    cluster_stop(&c);
}
END_TEST

static bool has_frame(const struct gcs_packet *packet, uint8_t type)
{
    struct gcs_reader r = gcs_reader_over(packet->control, packet->control_size);
    struct gcs_frame frame;
    while (gcs_frame_next(&r, &frame))
        if (frame.type == type)
            return true;
    return false;
}

static enum cluster_fate lose_decisions(void *ctx, const struct cluster_flight *flight)
{
    unsigned *left = ctx;
    if (*left == 0 || !has_frame(&flight->packet, GCS_FRAME_INSTALL))
        return CLUSTER_PASS;
    --*left;
    return CLUSTER_LOSE;
}

START_TEST(who_does_not_hear_the_decision_asks)
{
    for (unsigned lost = 1; lost < 12; lost++) {
        unsigned left = lost;
        open_cluster(3);
        c.fate = lose_decisions;
        c.fate_ctx = &left;
        for (unsigned i = 0; i < 3; i++)
            begin(i);
        cluster_run(&c, 2000 * MILLISECONDS);
        ck_assert(cluster_is_view(&c, 3));
        ck_assert_uint_eq(c.nodes[0].epoch, 1);
        cluster_stop(&c);
    }
}
END_TEST

static enum cluster_fate lose_all_decisions_to_2(void *ctx, const struct cluster_flight *flight)
{
    (void)ctx;
    bool lost = flight->to == 2 && has_frame(&flight->packet, GCS_FRAME_INSTALL);
    return lost ? CLUSTER_LOSE : CLUSTER_PASS;
}

static const struct gcs_member_id *id_of(unsigned node, unsigned seen_by)
{
    const struct gcs_view *view = gcs_core_view(c.nodes[seen_by].group);
    struct gcs_address address = cluster_address(node);
    for (uint16_t rank = 0; rank < view->count; rank++)
        if (memcmp(&view->members[rank].id.address, &address, sizeof(address)) == 0)
            return &view->members[rank].id;
    ck_abort_msg("node %u is no member", node);
    return NULL;
}

/* It was a member without knowing, and the view has ended without it: it comes as somebody else. */
START_TEST(who_was_a_member_without_knowing_joins_as_another)
{
    open_cluster(3);
    c.fate = lose_all_decisions_to_2;
    for (unsigned i = 0; i < 3; i++)
        begin(i);
    cluster_run(&c, 300 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[0].members, 3);
    ck_assert_uint_eq(c.nodes[2].views, 0);
    uint64_t before = id_of(2, 0)->incarnation;
    ck_assert_int_eq(gcs_core_evict(c.nodes[0].group, c.now, id_of(2, 0)), 0);
    cluster_run(&c, 1000 * MILLISECONDS);
    ck_assert_uint_ge(c.nodes[0].epoch, 2);
    c.fate = NULL;
    cluster_run(&c, 3000 * MILLISECONDS);
    ck_assert(cluster_is_view(&c, 3));
    ck_assert_uint_gt(id_of(2, 0)->incarnation, before);
    cluster_stop(&c);
}
END_TEST

START_TEST(another_number_is_refused_by_the_group)
{
    open_cluster(3);
    for (unsigned i = 0; i < 3; i++)
        begin(i);
    cluster_run(&c, 500 * MILLISECONDS);
    c.group_config.expect = 5;
    begin(3);
    cluster_run(&c, 1000 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[3].left, 1);
    ck_assert_int_eq(c.nodes[3].error, GCS_EREFUSED);
    ck_assert_uint_eq(c.nodes[0].members, 3);
    cluster_stop(&c);
}
END_TEST

START_TEST(a_number_is_needed_and_has_bounds)
{
    static const uint32_t bad[] = {0, GCS_MEMBERS_MAX + 1};
    for (unsigned i = 0; i < 2; i++) {
        open_cluster(bad[i]);
        ck_assert_int_eq(cluster_open(&c, 0), 0);
        ck_assert_int_eq(cluster_join(&c, 0), GCS_EOPTION);
        cluster_stop(&c);
    }
}
END_TEST

/* Each allocation fails in its turn: the call says so, or the membership ends with the reason. */
START_TEST(memory_that_is_out_is_told)
{
    for (uint64_t nth = 1; nth < 60; nth++) {
        open_cluster(3);
        for (unsigned i = 0; i < 3; i++)
            ck_assert_int_eq(cluster_open(&c, i), 0);
        scarce_fail(&c.nodes[0].memory, nth, false);
        int result = cluster_join(&c, 0);
        ck_assert(result == 0 || result == GCS_ENOMEM);
        for (unsigned i = 1; i < 3; i++)
            ck_assert_int_eq(cluster_join(&c, i), 0);
        cluster_run(&c, 3000 * MILLISECONDS);
        ck_assert_uint_eq(c.nodes[1].views > 0, 1);
        ck_assert(result != 0 || c.nodes[0].views > 0 || c.nodes[0].error == GCS_ENOMEM);
        cluster_stop(&c);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        three_found_with_one_view,
        who_comes_later_joins,
        who_does_not_hear_the_decision_asks,
        who_was_a_member_without_knowing_joins_as_another,
        another_number_is_refused_by_the_group,
        a_number_is_needed_and_has_bounds,
        memory_that_is_out_is_told,
    };
    return suite_run("core_founding", tests, SUITE_SIZE(tests));
}
