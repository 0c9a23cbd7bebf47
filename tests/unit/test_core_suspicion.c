/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the failure detector means for a group: who says goodbye is gone at once,
 * what is known of a dead member is known in the next view too.
 */
#include "tests/unit/cluster.h"
#include "tests/unit/suite.h"

static struct cluster c;

static bool two_are_left(const struct cluster *cluster)
{
    return cluster_is_view(cluster, 2);
}

/* ---- Goodbye ---------------------------------------------------------------------------- */

START_TEST(an_idle_group_hears_at_once_that_a_process_ends)
{
    cluster_init(&c);
    cluster_start(&c, 3);
    gcs_core_goodbye(c.nodes[1].core, c.now);
    cluster_round(&c, 1);
    c.nodes[1].down = true;
    uint64_t closed = c.now;
    ck_assert(cluster_until(&c, two_are_left, 1000 * MILLISECONDS));
    ck_assert_uint_le(c.now, closed + 60 * MILLISECONDS);
    ck_assert_int_eq(c.nodes[0].reasons[0], GCS_REASON_CRASHED);
    cluster_stop(&c);
}
END_TEST

/* ---- Reasons ---------------------------------------------------------------------------- */

/* Node 3 dies as soon as the next view is proposed, and everybody has evidence of it; the view
 * that it is in comes late. */
static enum cluster_fate dies_while_a_view_is_made(void *ctx, const struct cluster_flight *flight)
{
    struct gcs_reader r = gcs_reader_over(flight->packet.control, flight->packet.control_size);
    struct gcs_frame frame;
    (void)ctx;
    while (gcs_frame_next(&r, &frame)) {
        if (frame.type == GCS_FRAME_PROPOSE && flight->to == 3)
            c.nodes[3].down = true;
        if (frame.type == GCS_FRAME_ACCEPT)
            return CLUSTER_DELAY;
    }
    return CLUSTER_PASS;
}

static bool is_dying(const struct cluster *cluster)
{
    return cluster->nodes[3].down;
}

static bool is_gone(const struct cluster *cluster)
{
    return cluster->nodes[0].left_count == 1;
}

START_TEST(who_is_known_to_be_dead_before_a_view_has_crashed_in_it)
{
    struct gcs_address dead = cluster_address(3);
    cluster_init(&c);
    cluster_start(&c, 4);
    c.delay = 60 * MILLISECONDS;
    c.fate = dies_while_a_view_is_made;
    ck_assert_int_eq(cluster_open(&c, 4), 0);
    ck_assert_int_eq(cluster_join(&c, 4), 0);
    ck_assert(cluster_until(&c, is_dying, 1000 * MILLISECONDS));
    for (unsigned i = 0; i < 3; i++)
        gcs_core_unreachable(c.nodes[i].core, c.now, &dead);
    ck_assert(cluster_until(&c, is_gone, 2000 * MILLISECONDS));
    ck_assert_uint_eq(c.nodes[0].members, 4);
    ck_assert_int_eq(c.nodes[0].reasons[0], GCS_REASON_CRASHED);
    cluster_stop(&c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_idle_group_hears_at_once_that_a_process_ends,
        who_is_known_to_be_dead_before_a_view_has_crashed_in_it,
    };
    return suite_run("core_suspicion", tests, SUITE_SIZE(tests));
}
