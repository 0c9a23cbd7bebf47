/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The only one who has heard what was decided. Whoever decided dies, and of all it has told
 * the news reaches one member: that it is out itself. The others need it to go on.
 */
#include "gcs/wire/membership.h"
#include "tests/unit/cluster.h"
#include "tests/unit/suite.h"

enum { AWAY = 3, COUNT = 4 };

static struct cluster c;
static bool cut;       /* nothing reaches node AWAY or comes from it */
static bool gone;      /* node 0 has decided, and is dead */
static bool told_away; /* its word to node AWAY goes through, late */

static bool has_frame(const struct gcs_packet *packet, uint8_t type)
{
    struct gcs_reader r = gcs_reader_over(packet->control, packet->control_size);
    struct gcs_frame frame;
    while (gcs_frame_next(&r, &frame))
        if (frame.type == type)
            return true;
    return false;
}

static enum cluster_fate network(void *ctx, const struct cluster_flight *flight)
{
    (void)ctx;
    if (cut && flight->from == 0 && has_frame(&flight->packet, GCS_FRAME_INSTALL)) {
        bool first = flight->to == AWAY && !told_away;
        gone = true;
        told_away |= first;
        return first ? CLUSTER_DELAY : CLUSTER_LOSE;
    }
    if (cut && (flight->from == AWAY || flight->to == AWAY))
        return CLUSTER_LOSE;
    return CLUSTER_PASS;
}

static bool has_decided(const struct cluster *cluster)
{
    (void)cluster;
    return gone;
}

static bool has_heard(const struct cluster *cluster)
{
    return cluster_counters(cluster, AWAY)->exclusions == 1;
}

/* Node 0 has had its view without node AWAY decided, told nobody else, and died. */
static void lose_who_decided(bool rejoin)
{
    cut = gone = told_away = false;
    cluster_init(&c);
    c.group_config.rejoin = rejoin;
    c.delay = 500 * MILLISECONDS;
    cluster_start(&c, COUNT);
    c.fate = network;
    cut = true;
    ck_assert(cluster_until(&c, has_decided, 4000 * MILLISECONDS));
    c.nodes[0].down = true;
    ck_assert_uint_eq(c.nodes[1].members, COUNT);
    ck_assert_uint_eq(c.nodes[2].members, COUNT);
    ck_assert(cluster_until(&c, has_heard, 2 * c.delay));
    cut = false;
}

START_TEST(who_is_out_for_good_tells_first_what_it_alone_knows)
{
    lose_who_decided(false);
    cluster_run(&c, 6000 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[AWAY].left, 1);
    ck_assert_int_eq(c.nodes[AWAY].error, GCS_ENOTMEMBER);
    ck_assert_uint_eq(c.nodes[AWAY].blocked, 1);
    ck_assert_uint_eq(c.nodes[1].members, 2);
    ck_assert_uint_eq(c.nodes[2].members, 2);
    ck_assert(c.nodes[1].primary && c.nodes[2].primary);
    cluster_stop(&c);
}
END_TEST

START_TEST(who_comes_back_takes_along_what_it_alone_knows)
{
    lose_who_decided(true);
    cluster_run(&c, 6000 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[AWAY].left, 0);
    ck_assert(cluster_is_view(&c, 3));
    cluster_stop(&c);
}
END_TEST

/* ---- Out in good order, while the others have gone on ------------------------------------- */

static bool is_serving; /* what others say to node AWAY is lost but that it is excluded */

static enum cluster_fate deaf(void *ctx, const struct cluster_flight *flight)
{
    (void)ctx;
    bool told = has_frame(&flight->packet, GCS_FRAME_EXCLUDED);
    if (flight->to == AWAY && has_frame(&flight->packet, GCS_FRAME_INSTALL))
        is_serving = true;
    else if (is_serving && flight->to == AWAY && !told)
        return CLUSTER_LOSE;
    return CLUSTER_PASS;
}

/* Node AWAY goes, and hears nothing more than that the others have had one more view since. */
static void go(bool evicted)
{
    is_serving = false;
    cluster_init(&c);
    c.group_config.rejoin = true;
    cluster_start(&c, COUNT);
    c.fate = deaf;
    struct gcs_member_id id = gcs_core_view(c.nodes[0].group)->members[AWAY].id;
    int error = evicted ? gcs_core_evict(c.nodes[0].group, c.now, &id)
                        : gcs_core_leave(c.nodes[AWAY].group, c.now);
    ck_assert_int_eq(error, 0);
    cluster_run(&c, 5 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[0].members, 3);
    ck_assert_uint_eq(c.nodes[AWAY].left, 0);
    ck_assert_int_eq(gcs_core_leave(c.nodes[2].group, c.now), 0);
    cluster_run(&c, 500 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[0].members, 2);
    ck_assert_uint_eq(c.nodes[AWAY].left, 1);
}

START_TEST(who_has_left_has_left_also_if_it_hears_that_it_is_out)
{
    go(false);
    ck_assert_int_eq(c.nodes[AWAY].error, 0);
    cluster_stop(&c);
}
END_TEST

START_TEST(who_was_evicted_does_not_come_back_because_it_hears_that_it_is_out)
{
    go(true);
    ck_assert_int_eq(c.nodes[AWAY].error, GCS_EEVICTED);
    cluster_run(&c, 3000 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[0].members, 2);
    cluster_stop(&c);
}
END_TEST

static void two_leave(void)
{
    ck_assert_int_eq(gcs_core_leave(c.nodes[0].group, c.now), 0);
    ck_assert_int_eq(gcs_core_leave(c.nodes[1].group, c.now), 0);
}

static void expect_two_have_left(void)
{
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_uint_eq(c.nodes[i].left, 1);
        ck_assert_int_eq(c.nodes[i].error, 0);
    }
}

/* Two are left of three, and both go: nobody waits for the dead one to hear of that. */
START_TEST(the_last_ones_do_not_wait_for_the_dead)
{
    cluster_init(&c);
    cluster_start(&c, 3);
    c.nodes[2].down = true;
    struct gcs_address dead = cluster_address(2);
    gcs_core_unreachable(c.nodes[0].core, c.now, &dead);
    gcs_core_unreachable(c.nodes[1].core, c.now, &dead);
    two_leave();
    cluster_run(&c, 900 * MILLISECONDS);
    expect_two_have_left();
    cluster_stop(&c);
}
END_TEST

/* The third one goes on with the group, and has founded no other. */
static void expect_third_goes_on(uint64_t lineage)
{
    const struct gcs_view *view = gcs_core_view(c.nodes[2].group);
    ck_assert_ptr_nonnull(view);
    ck_assert_uint_eq(view->count, 1);
    ck_assert_uint_eq(view->lineage, lineage);
    ck_assert_uint_eq(c.nodes[2].left, 0);
}

static bool is_cut;

static enum cluster_fate cut_off(void *ctx, const struct cluster_flight *flight)
{
    (void)ctx;
    return is_cut && (flight->from == 2 || flight->to == 2) ? CLUSTER_LOSE : CLUSTER_PASS;
}

/* The same, but the third one lives: once it hears of that the group is its own. */
START_TEST(the_last_ones_wait_for_who_is_cut_off)
{
    is_cut = true;
    cluster_init(&c);
    cluster_start(&c, 3);
    uint64_t lineage = gcs_core_view(c.nodes[2].group)->lineage;
    c.fate = cut_off;
    two_leave();
    cluster_run(&c, 2000 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[0].left + c.nodes[1].left, 0);
    is_cut = false;
    cluster_run(&c, 1000 * MILLISECONDS);
    expect_two_have_left();
    expect_third_goes_on(lineage);
    cluster_stop(&c);
}
END_TEST

/* But not for ever. */
START_TEST(the_last_ones_do_not_wait_for_long)
{
    is_cut = true;
    cluster_init(&c);
    cluster_start(&c, 3);
    c.fate = cut_off;
    two_leave();
    cluster_run(&c, 6000 * MILLISECONDS);
    expect_two_have_left();
    cluster_stop(&c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        who_is_out_for_good_tells_first_what_it_alone_knows,
        who_comes_back_takes_along_what_it_alone_knows,
        who_has_left_has_left_also_if_it_hears_that_it_is_out,
        who_was_evicted_does_not_come_back_because_it_hears_that_it_is_out,
        the_last_ones_do_not_wait_for_the_dead,
        the_last_ones_wait_for_who_is_cut_off,
        the_last_ones_do_not_wait_for_long,
    };
    return suite_run("core_decision", tests, SUITE_SIZE(tests));
}
