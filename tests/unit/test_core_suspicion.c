/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the failure detector means for a group: who says goodbye is gone at once,
 * what is known of a dead member is known in the next view too, and who was paused
 * does nothing before it has heard from a quorum again.
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
    ck_assert_int_eq(c.nodes[0].reasons[0], GCS_REASON_SHUTDOWN);
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

/* ---- A pause of one's own --------------------------------------------------------------- */

/* Stops node 2 for so long, as SIGSTOP does. */
static void pause_node_2(uint64_t ns)
{
    c.nodes[2].down = true;
    cluster_run(&c, ns);
    c.nodes[2].down = false;
}

static enum cluster_fate nothing_to_or_from_2(void *ctx, const struct cluster_flight *flight)
{
    (void)ctx;
    return flight->from == 2 || flight->to == 2 ? CLUSTER_LOSE : CLUSTER_PASS;
}

START_TEST(a_pause_of_400_ms_changes_nothing)
{
    cluster_init(&c);
    cluster_start(&c, 3);
    for (uint32_t n = 0; n < 10; n++) {
        pause_node_2(400 * MILLISECONDS);
        ck_assert_int_eq(cluster_say(&c, 2, GCS_SAFE, n, 100), 0);
        cluster_run(&c, 300 * MILLISECONDS);
        ck_assert_uint_eq(c.nodes[0].count, n + 1);
    }
    ck_assert_uint_eq(c.nodes[2].blocked, 0);
    ck_assert_uint_eq(c.nodes[2].epoch, 3);
    ck_assert(cluster_agrees(&c));
    cluster_stop(&c);
}
END_TEST

START_TEST(after_a_pause_nothing_is_sent_before_a_quorum_was_heard)
{
    cluster_init(&c);
    cluster_start(&c, 3);
    pause_node_2(300 * MILLISECONDS);
    c.fate = nothing_to_or_from_2;
    uint64_t sent = cluster_counters(&c, 2)->data_packets_sent;
    ck_assert_int_eq(cluster_say(&c, 2, GCS_FIFO, 1, 100), 0);
    cluster_run(&c, 100 * MILLISECONDS);
    ck_assert_uint_eq(cluster_counters(&c, 2)->data_packets_sent, sent);
    ck_assert_uint_eq(c.nodes[2].count, 0);
    c.fate = NULL;
    cluster_run(&c, 300 * MILLISECONDS);
    ck_assert_uint_eq(cluster_counters(&c, 2)->data_packets_sent, sent + 1);
    ck_assert_uint_eq(c.nodes[2].count, 1);
    ck_assert(cluster_agrees(&c));
    cluster_stop(&c);
}
END_TEST

/* What was on its way during the pause comes after it; what is said since is lost. */
static enum cluster_fate late_until(void *ctx, const struct cluster_flight *flight)
{
    const uint64_t *resumed = ctx;
    if (flight->from == 2 || flight->to != 2)
        return flight->from == 2 ? CLUSTER_LOSE : CLUSTER_PASS;
    return c.now < *resumed ? CLUSTER_DELAY : CLUSTER_LOSE;
}

START_TEST(what_was_said_during_the_pause_confirms_nothing)
{
    cluster_init(&c);
    cluster_start(&c, 3);
    uint64_t resumed = c.now + 400 * MILLISECONDS;
    c.delay = 450 * MILLISECONDS;
    c.fate = late_until;
    c.fate_ctx = &resumed;
    for (uint32_t n = 0; n < 4; n++) {
        ck_assert_int_eq(cluster_say(&c, 0, GCS_FIFO, n, 100), 0);
        pause_node_2(100 * MILLISECONDS);
        c.nodes[2].down = true;
    }
    c.nodes[2].down = false;
    ck_assert_int_eq(cluster_say(&c, 2, GCS_FIFO, 1, 100), 0);
    uint64_t sent = cluster_counters(&c, 2)->data_packets_sent;
    cluster_run(&c, 1500 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[2].count, 0);
    ck_assert_uint_eq(cluster_counters(&c, 2)->data_packets_sent, sent);
    ck_assert_uint_eq(c.nodes[2].blocked, 1);
    cluster_stop(&c);
}
END_TEST

START_TEST(who_was_voted_out_during_a_pause_hears_of_it_before_it_acts)
{
    cluster_init(&c);
    cluster_start(&c, 3);
    pause_node_2(3000 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[0].members, 2);
    uint64_t sent = cluster_counters(&c, 2)->data_packets_sent;
    ck_assert_int_eq(cluster_say(&c, 2, GCS_FIFO, 1, 100), 0);
    cluster_run(&c, 5 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[2].left, 1);
    ck_assert_int_eq(c.nodes[2].error, GCS_ENOTMEMBER);
    ck_assert_uint_eq(cluster_counters(&c, 2)->data_packets_sent, sent);
    ck_assert_uint_eq(c.nodes[2].count, 0);
    cluster_stop(&c);
}
END_TEST

/* ---- Heartbeats ------------------------------------------------------------------------- */

START_TEST(an_idle_member_wakes_up_rarely)
{
    cluster_init(&c);
    cluster_start(&c, 3);
    cluster_run(&c, 5000 * MILLISECONDS);
    uint64_t rounds = c.rounds;
    cluster_run(&c, 10000 * MILLISECONDS);
    ck_assert_uint_le(c.rounds - rounds, 3 * 10 * 20); /* 20 a second each */
    cluster_stop(&c);
}
END_TEST

/* A small link out of each node, 10 Mbit/s, with a queue of 256 KiB before it: what does not fit is
 * lost. */
#define LINK_NS_PER_BYTE 800u
#define LINK_QUEUE_NS    (256u * 1024 * LINK_NS_PER_BYTE)

static enum cluster_fate small_links(void *ctx, const struct cluster_flight *flight)
{
    static const uint64_t overhead = 28; /* IP and UDP */
    uint64_t *free_at = ctx, *mine = &free_at[flight->from];
    uint64_t size = GCS_PACKET_HEADER + flight->packet.control_size + flight->packet.payload_size;
    if (*mine < c.now)
        *mine = c.now;
    if (*mine - c.now > LINK_QUEUE_NS)
        return CLUSTER_LOSE;
    *mine += (size + overhead) * LINK_NS_PER_BYTE;
    c.delay = *mine - c.now;
    return CLUSTER_DELAY;
}

START_TEST(large_messages_over_small_links_starve_no_heartbeat)
{
    static const size_t large = 2u << 20;
    uint64_t free_at[CLUSTER_MAX] = {0};
    cluster_init(&c);
    cluster_start(&c, 3);
    c.fate = small_links;
    c.fate_ctx = free_at;
    for (uint32_t n = 0; n < 400; n++) {
        for (unsigned i = 0; i < 3; i++) {
            int result = cluster_say(&c, i, GCS_AGREED, n, large);
            ck_assert(result == 0 || result == GCS_EAGAIN);
        }
        cluster_run(&c, 50 * MILLISECONDS);
    }
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_gt(c.nodes[i].count, 0);
        ck_assert_uint_eq(cluster_counters(&c, i)->suspicions, 0);
        ck_assert_uint_eq(c.nodes[i].epoch, 3);
        ck_assert_uint_eq(c.nodes[i].blocked, 0);
    }
    cluster_stop(&c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_idle_group_hears_at_once_that_a_process_ends,
        who_is_known_to_be_dead_before_a_view_has_crashed_in_it,
        an_idle_member_wakes_up_rarely,
        large_messages_over_small_links_starve_no_heartbeat,
        a_pause_of_400_ms_changes_nothing,
        after_a_pause_nothing_is_sent_before_a_quorum_was_heard,
        what_was_said_during_the_pause_confirms_nothing,
        who_was_voted_out_during_a_pause_hears_of_it_before_it_acts,
    };
    return suite_run("core_suspicion", tests, SUITE_SIZE(tests));
}
