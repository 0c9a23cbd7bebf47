/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Votes: who may go on without whom, with weights, observers and the tie breaker;
 * and members that are sent away.
 */
#include "gcs/base/quorum.h"
#include "tests/unit/cluster.h"
#include "tests/unit/suite.h"

static struct cluster c;

/* Starts nodes with these weights; node 0 founds the group. */
static void start(unsigned count, const uint8_t *weights, bool tie_breaker)
{
    cluster_init(&c);
    c.group_config.tie_breaker = tie_breaker;
    for (unsigned i = 0; i < count; i++) {
        c.group_config.weight = weights[i];
        c.group_config.bootstrap = i == 0 ? GCS_CREATE : GCS_JOIN;
        ck_assert_int_eq(cluster_open(&c, i), 0);
        ck_assert_int_eq(cluster_join(&c, i), 0);
        cluster_run(&c, 500 * MILLISECONDS);
        ck_assert(cluster_is_view(&c, i + 1));
    }
    cluster_run(&c, 1000 * MILLISECONDS);
}

/* Without a word. */
static void kill(unsigned i)
{
    c.nodes[i].down = true;
}

static bool goes_on(unsigned i, unsigned members)
{
    return c.nodes[i].primary && c.nodes[i].members == members;
}

static struct gcs_member_id id_of(unsigned i)
{
    const struct gcs_view *view = gcs_core_view(c.nodes[i].group);
    return view->members[view->self].id;
}

/* ---- Counting --------------------------------------------------------------------------- */

START_TEST(any_two_quorums_have_a_member_in_common)
{
    static const uint8_t weights[][5] = {
        {1, 1, 1, 1, 1}, {1, 1, 1, 1, 0}, {2, 1, 1, 0, 0}, {3, 2, 1, 1, 1}, {0, 1, 1, 63, 0}};
    for (size_t w = 0; w < SUITE_SIZE(weights); w++) {
        for (unsigned pair = 0; pair < 32 * 32 * 2; pair++) {
            struct gcs_tally a = {0}, b = {0};
            unsigned in_a = pair & 31, in_b = pair >> 5 & 31;
            bool tie_breaker = pair >> 10;
            for (unsigned i = 0; i < 5; i++) {
                struct gcs_member member = {.weight = weights[w][i]};
                gcs_tally_add(&a, &member, in_a >> i & 1);
                gcs_tally_add(&b, &member, in_b >> i & 1);
            }
            if (gcs_tally_quorum(&a, tie_breaker) && gcs_tally_quorum(&b, tie_breaker))
                ck_assert_msg(in_a & in_b, "weights %zu: %x and %x", w, in_a, in_b);
            ck_assert(!gcs_tally_quorum(&a, tie_breaker) || in_a != 0);
        }
    }
}
END_TEST

START_TEST(who_has_no_state_has_no_vote)
{
    struct gcs_member member = {.weight = 5, .syncing = true};
    struct gcs_tally tally = {0};
    ck_assert_uint_eq(gcs_member_votes(&member), 0);
    gcs_tally_add(&tally, &member, true);
    ck_assert(!gcs_tally_quorum(&tally, true));
}
END_TEST

/* ---- Two members ------------------------------------------------------------------------ */

START_TEST(of_two_neither_goes_on_alone)
{
    for (unsigned dead = 0; dead < 2; dead++) {
        start(2, (const uint8_t[]){1, 1}, false);
        kill(dead);
        cluster_run(&c, 3000 * MILLISECONDS);
        ck_assert(!c.nodes[1 - dead].primary);
        ck_assert_uint_eq(c.nodes[1 - dead].members, 2);
        cluster_stop(&c);
    }
}
END_TEST

START_TEST(of_two_the_senior_goes_on_if_ties_are_broken)
{
    start(2, (const uint8_t[]){1, 1}, true);
    kill(1);
    cluster_run(&c, 3000 * MILLISECONDS);
    ck_assert(goes_on(0, 1));
    ck_assert_int_eq(cluster_say(&c, 0, GCS_SAFE, 1, 100), 0);
    cluster_run(&c, 100 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[0].count, 1);
    cluster_stop(&c);

    start(2, (const uint8_t[]){1, 1}, true);
    kill(0);
    cluster_run(&c, 3000 * MILLISECONDS);
    ck_assert(!c.nodes[1].primary);
    cluster_stop(&c);
}
END_TEST

/* ---- Weights ---------------------------------------------------------------------------- */

START_TEST(a_member_with_most_of_the_votes_goes_on_alone)
{
    start(3, (const uint8_t[]){1, 3, 1}, false);
    kill(0);
    kill(2);
    cluster_run(&c, 3000 * MILLISECONDS);
    ck_assert(goes_on(1, 1));
    cluster_stop(&c);
}
END_TEST

START_TEST(without_it_all_others_wait)
{
    start(4, (const uint8_t[]){1, 3, 1, 1}, false);
    kill(1);
    cluster_run(&c, 3000 * MILLISECONDS);
    ck_assert(!c.nodes[0].primary && !c.nodes[2].primary && !c.nodes[3].primary);
    cluster_stop(&c);
}
END_TEST

START_TEST(nobody_waits_for_observers)
{
    start(4, (const uint8_t[]){1, 0, 0, 0}, false);
    ck_assert_int_eq(cluster_say(&c, 2, GCS_SAFE, 1, 100), 0); /* they speak, and hear */
    cluster_run(&c, 100 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[3].count, 1);
    for (unsigned i = 1; i < 4; i++)
        kill(i);
    cluster_run(&c, 3000 * MILLISECONDS);
    ck_assert(goes_on(0, 1));
    cluster_stop(&c);
}
END_TEST

START_TEST(when_all_voters_leave_the_group_ends)
{
    start(3, (const uint8_t[]){1, 1, 0}, false);
    ck_assert_int_eq(gcs_core_leave(c.nodes[0].group, c.now), 0);
    ck_assert_int_eq(gcs_core_leave(c.nodes[1].group, c.now), 0);
    cluster_run(&c, 3000 * MILLISECONDS);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(c.nodes[i].left, 1);
    ck_assert_int_eq(c.nodes[0].error, 0);
    ck_assert_int_eq(c.nodes[2].error, GCS_ENOTMEMBER);
    cluster_stop(&c);
}
END_TEST

START_TEST(weights_have_a_range)
{
    struct cluster_node *node = &c.nodes[0];
    cluster_init(&c);
    ck_assert_int_eq(cluster_open(&c, 0), 0);
    c.group_config.weight = GCS_WEIGHT_MAX + 1;
    ck_assert_int_eq(cluster_join(&c, 0), GCS_EOPTION);
    c.group_config.weight = 0; /* an observer founds nothing */
    ck_assert_int_eq(cluster_join(&c, 0), GCS_EOPTION);
    node->group = NULL;
    cluster_stop(&c);
}
END_TEST

/* ---- Evicting --------------------------------------------------------------------------- */

START_TEST(who_is_evicted_goes_and_is_told_why)
{
    static const uint8_t weights[] = {1, 1, 1};
    for (unsigned by = 0; by < 3; by++) {
        for (unsigned who = 0; who < 3; who++) {
            if (by == who)
                continue;
            start(3, weights, false);
            for (uint32_t n = 0; n < 20; n++)
                ck_assert_int_eq(cluster_say(&c, n % 3, GCS_AGREED, n, 50), 0);
            cluster_run(&c, 10 * MILLISECONDS);
            struct gcs_member_id id = id_of(who);
            ck_assert_int_eq(gcs_core_evict(c.nodes[by].group, c.now, &id), 0);
            ck_assert_int_eq(gcs_core_evict(c.nodes[by].group, c.now, &id), GCS_EALREADY);
            cluster_run(&c, 1500 * MILLISECONDS);
            ck_assert_uint_eq(c.nodes[who].left, 1);
            ck_assert_int_eq(c.nodes[who].error, GCS_EEVICTED);
            ck_assert(goes_on(by, 2));
            ck_assert_int_eq(c.nodes[by].reasons[0], GCS_REASON_EVICTED);
            ck_assert_uint_eq(c.nodes[by].count, 20);
            cluster_stop(&c);
        }
    }
}
END_TEST

START_TEST(the_dead_can_be_evicted_before_they_are_missed)
{
    start(3, (const uint8_t[]){1, 1, 1}, false);
    struct gcs_member_id id = id_of(2);
    kill(2);
    ck_assert_int_eq(gcs_core_evict(c.nodes[1].group, c.now, &id), 0);
    cluster_run(&c, 2000 * MILLISECONDS);
    ck_assert(goes_on(0, 2) && goes_on(1, 2));
    ck_assert_int_eq(c.nodes[0].reasons[0], GCS_REASON_EVICTED);
    cluster_stop(&c);
}
END_TEST

START_TEST(only_others_in_the_view_can_be_evicted)
{
    start(2, (const uint8_t[]){1, 1}, false);
    struct gcs_member_id self = id_of(0), nobody = id_of(1);
    nobody.incarnation++;
    ck_assert_int_eq(gcs_core_evict(c.nodes[0].group, c.now, &self), GCS_EINVAL);
    ck_assert_int_eq(gcs_core_evict(c.nodes[0].group, c.now, &nobody), GCS_ENOTMEMBER);
    cluster_run(&c, 1000 * MILLISECONDS);
    ck_assert(cluster_is_view(&c, 2));
    cluster_stop(&c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        any_two_quorums_have_a_member_in_common,
        who_has_no_state_has_no_vote,
        of_two_neither_goes_on_alone,
        of_two_the_senior_goes_on_if_ties_are_broken,
        a_member_with_most_of_the_votes_goes_on_alone,
        without_it_all_others_wait,
        nobody_waits_for_observers,
        when_all_voters_leave_the_group_ends,
        weights_have_a_range,
        who_is_evicted_goes_and_is_told_why,
        the_dead_can_be_evicted_before_they_are_missed,
        only_others_in_the_view_can_be_evicted,
    };
    return suite_run("core_votes", tests, SUITE_SIZE(tests));
}
