/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The life of a core's memberships: founding, joining, leaving, a member that is
 * gone, refusals with an error that changes nothing, and rest: a group with
 * nothing to do sends heartbeats and nothing else.
 */
#include "tests/unit/cluster.h"
#include "tests/unit/suite.h"

static struct cluster c;

static void start(unsigned count)
{
    cluster_init(&c);
    cluster_start(&c, count);
}

static bool view_of_two(const struct cluster *cluster)
{
    return cluster_is_view(cluster, 2);
}

static bool view_of_three(const struct cluster *cluster)
{
    return cluster_is_view(cluster, 3);
}

static bool second_has_left(const struct cluster *cluster)
{
    return cluster->nodes[1].left > 0;
}

/* ---- Founding and joining ----------------------------------------------------------------- */

START_TEST(who_creates_is_a_group_of_one)
{
    start(1);
    ck_assert_uint_eq(c.nodes[0].views, 1);
    ck_assert_uint_eq(c.nodes[0].epoch, 1);
    ck_assert_uint_eq(c.nodes[0].members, 1);
    const struct gcs_view *view = gcs_core_view(c.nodes[0].group);
    ck_assert_uint_eq(view->count, 1);
    ck_assert_uint_eq(view->self, 0);
    ck_assert_uint_ne(view->lineage, 0);
    cluster_stop(&c);
}
END_TEST

START_TEST(joiners_come_in_one_after_the_other)
{
    start(CLUSTER_MAX);
    for (unsigned i = 0; i < CLUSTER_MAX; i++) {
        ck_assert_uint_eq(c.nodes[i].members, CLUSTER_MAX);
        ck_assert_uint_eq(c.nodes[i].epoch, CLUSTER_MAX);
        ck_assert_uint_eq(c.nodes[i].rank, i); /* seniority */
        ck_assert_uint_eq(c.nodes[i].views, CLUSTER_MAX - i);
    }
    ck_assert_uint_eq(c.nodes[0].joined_count, 1);
    ck_assert_uint_eq(c.nodes[0].survivors_count, CLUSTER_MAX - 1);
    ck_assert_uint_eq(c.nodes[CLUSTER_MAX - 1].survivors_count, 0); /* its first view */
    cluster_stop(&c);
}
END_TEST

START_TEST(several_joiners_at_once)
{
    start(1);
    for (unsigned i = 1; i < 3; i++) {
        ck_assert_int_eq(cluster_open(&c, i), 0);
        ck_assert_int_eq(cluster_join(&c, i), 0);
    }
    ck_assert(cluster_until(&c, view_of_three, 5000 * MILLISECONDS));
    cluster_stop(&c);
}
END_TEST

START_TEST(a_joiner_whose_seeds_are_silent_waits)
{
    cluster_init(&c);
    ck_assert_int_eq(cluster_open(&c, 0), 0);
    ck_assert_int_eq(cluster_open(&c, 1), 0);
    ck_assert_int_eq(cluster_join(&c, 1), 0);
    cluster_run(&c, 3000 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[1].views, 0);
    ck_assert_ptr_null(gcs_core_view(c.nodes[1].group));
    ck_assert_int_eq(cluster_join(&c, 0), 0); /* at last */
    ck_assert(cluster_until(&c, view_of_two, 3000 * MILLISECONDS));
    cluster_stop(&c);
}
END_TEST

START_TEST(with_other_settings_a_joiner_is_refused)
{
    start(1);
    ck_assert_int_eq(cluster_open(&c, 1), 0);
    c.group_config.window_packets *= 2;
    ck_assert_int_eq(cluster_join(&c, 1), 0);
    ck_assert(cluster_until(&c, second_has_left, 2000 * MILLISECONDS));
    ck_assert_int_eq(c.nodes[1].error, GCS_EREFUSED);
    ck_assert_uint_eq(c.nodes[1].views, 0);
    ck_assert_uint_eq(c.nodes[0].members, 1);
    cluster_stop(&c);
}
END_TEST

/* ---- Leaving ------------------------------------------------------------------------------- */

START_TEST(a_leaver_leaves_and_the_others_go_on)
{
    start(3);
    ck_assert_int_eq(gcs_core_leave(c.nodes[1].group, c.now), 0);
    ck_assert_int_eq(gcs_core_leave(c.nodes[1].group, c.now), GCS_EALREADY);
    ck_assert_int_eq(cluster_say(&c, 1, GCS_AGREED, 1, 10), GCS_ENOTMEMBER);
    ck_assert(cluster_until(&c, second_has_left, 2000 * MILLISECONDS));
    ck_assert_int_eq(c.nodes[1].error, 0);
    ck_assert(cluster_until(&c, view_of_two, 2000 * MILLISECONDS));
    ck_assert_uint_eq(c.nodes[0].left_count, 1);
    ck_assert_int_eq(c.nodes[0].reasons[0], GCS_REASON_LEFT);
    ck_assert_int_eq(cluster_say(&c, 2, GCS_SAFE, 1, 10), 0);
    cluster_run(&c, 100 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[0].count, 1);
    cluster_stop(&c);
}
END_TEST

START_TEST(what_was_multicast_before_leaving_comes_first)
{
    start(2);
    for (uint32_t n = 0; n < 500; n++)
        ck_assert_int_eq(cluster_say(&c, 1, n % 2 ? GCS_AGREED : GCS_SAFE, n, 300), 0);
    ck_assert_int_eq(gcs_core_leave(c.nodes[1].group, c.now), 0);
    ck_assert(cluster_until(&c, second_has_left, 5000 * MILLISECONDS));
    ck_assert_uint_eq(c.nodes[0].count, 500);
    ck_assert_uint_eq(c.nodes[1].count, 500);
    cluster_stop(&c);
}
END_TEST

START_TEST(the_last_one_leaves_too)
{
    start(2);
    ck_assert_int_eq(gcs_core_leave(c.nodes[0].group, c.now), 0);
    ck_assert_int_eq(gcs_core_leave(c.nodes[1].group, c.now), 0);
    cluster_run(&c, 3000 * MILLISECONDS);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_uint_eq(c.nodes[i].left, 1);
        ck_assert_int_eq(c.nodes[i].error, 0);
    }
    cluster_stop(&c);
}
END_TEST

START_TEST(a_joiner_may_leave_before_it_is_in)
{
    cluster_init(&c);
    ck_assert_int_eq(cluster_open(&c, 0), 0);
    ck_assert_int_eq(cluster_open(&c, 1), 0);
    ck_assert_int_eq(cluster_join(&c, 1), 0);
    cluster_run(&c, 100 * MILLISECONDS);
    ck_assert_int_eq(cluster_say(&c, 1, GCS_AGREED, 1, 10), 0); /* waits for the first view */
    ck_assert_int_eq(gcs_core_leave(c.nodes[1].group, c.now), 0);
    ck_assert(cluster_until(&c, second_has_left, 100 * MILLISECONDS));
    ck_assert_int_eq(c.nodes[1].error, 0);
    cluster_stop(&c);
}
END_TEST

START_TEST(who_has_left_may_join_again)
{
    start(2);
    uint64_t before = gcs_core_view(c.nodes[1].group)->members[1].id.incarnation;
    for (unsigned round = 1; round <= 3; round++) {
        ck_assert_int_eq(gcs_core_leave(c.nodes[1].group, c.now), 0);
        ck_assert(cluster_until(&c, second_has_left, 2000 * MILLISECONDS));
        c.nodes[1].left = 0;
        ck_assert_int_eq(cluster_join(&c, 1), 0);
        ck_assert(cluster_until(&c, view_of_two, 3000 * MILLISECONDS));
        uint64_t now = gcs_core_view(c.nodes[1].group)->members[1].id.incarnation;
        ck_assert_uint_ne(now, before);
        before = now;
    }
    cluster_stop(&c);
}
END_TEST

START_TEST(freeing_a_core_that_is_a_member_leaves_nothing)
{
    start(3);
    for (uint32_t n = 0; n < 300; n++)
        ck_assert_int_eq(cluster_say(&c, n % 3, GCS_SAFE, n, n == 77 ? 20000 : 200), 0);
    cluster_run(&c, CLUSTER_LATENCY * 3 / 2); /* in the middle of everything */
    cluster_stop(&c);
}
END_TEST

START_TEST(events_may_be_given_back_in_any_order)
{
    start(2);
    c.nodes[1].hold = true;
    for (uint32_t n = 0; n < 50; n++)
        ck_assert_int_eq(cluster_say(&c, n % 2, GCS_AGREED, n, n == 7 ? 20000 : 900), 0);
    cluster_run(&c, 100 * MILLISECONDS);
    c.nodes[0].down = true; /* a view change, too, and the end */
    cluster_run(&c, 3000 * MILLISECONDS);
    struct cluster_node *node = &c.nodes[1];
    ck_assert_uint_gt(node->held_count, 10);
    for (size_t i = node->held_count / 2; i > 0; i--) {
        struct gcs_core_event event = node->held[node->held_count - i];
        node->held[node->held_count - i] = node->held[i - 1];
        node->held[i - 1] = event;
    }
    cluster_give_back(&c, 1);
    cluster_run(&c, 100 * MILLISECONDS);
    cluster_stop(&c);
}
END_TEST

/* Deliveries that the application still has when it gives the end of the membership back. */
START_TEST(deliveries_outlive_the_membership)
{
    start(1);
    struct cluster_node *node = &c.nodes[0];
    node->hold = true;
    for (uint32_t n = 0; n < 5; n++)
        ck_assert_int_eq(cluster_say(&c, 0, GCS_AGREED, n, 100), 0);
    cluster_round(&c, 0);
    ck_assert_uint_gt(node->held_count, 0);
    size_t deliveries = node->held_count;
    for (size_t i = 0; i < deliveries; i++) /* the own messages are taken: nothing holds it here */
        ck_assert_int_eq(node->held[i].type, GCS_EVENT_DELIVER);
    scarce_fail(&node->memory, 1, true);
    for (uint32_t n = 0; n < 200 && node->left == 0; n++) {
        cluster_say(&c, 0, GCS_SAFE, n, 60000);
        cluster_round(&c, 0);
    }
    scarce_fail(&node->memory, 0, false);
    gcs_core_leave(node->group, c.now);
    cluster_run(&c, 1000 * MILLISECONDS);
    for (size_t i = node->held_count; i > 0; i--) /* the last first */
        gcs_core_consumed(node->core, &node->held[i - 1]);
    node->held_count = 0;
    cluster_stop(&c);
}
END_TEST

/* ---- A member is gone ------------------------------------------------------------------------ */

START_TEST(a_member_that_is_silent_is_left_behind)
{
    start(3);
    for (uint32_t n = 0; n < 100; n++)
        ck_assert_int_eq(cluster_say(&c, n % 3, GCS_SAFE, n, 100), 0);
    cluster_run(&c, CLUSTER_LATENCY * 3);
    c.nodes[0].down = true;
    ck_assert(cluster_until(&c, view_of_two, 5000 * MILLISECONDS));
    ck_assert(cluster_agrees(&c));
    ck_assert_uint_eq(c.nodes[1].rank, 0);
    ck_assert_uint_eq(c.nodes[1].left_count, 1);
    ck_assert_int_eq(c.nodes[1].reasons[0], GCS_REASON_UNREACHABLE);
    for (uint32_t n = 0; n < 100; n++)
        ck_assert_int_eq(cluster_say(&c, 1 + n % 2, GCS_SAFE, n, 100), 0);
    size_t before = c.nodes[1].count;
    cluster_run(&c, 500 * MILLISECONDS);
    ck_assert(cluster_agrees(&c));
    ck_assert_uint_ge(c.nodes[1].count, before + 100);
    cluster_stop(&c);
}
END_TEST

START_TEST(evidence_hastens_it)
{
    uint64_t took[2];
    for (int evidence = 0; evidence < 2; evidence++) {
        start(3);
        c.nodes[2].down = true;
        struct gcs_address gone = cluster_address(2);
        uint64_t before = c.now;
        for (unsigned i = 0; i < 2 && evidence; i++)
            gcs_core_unreachable(c.nodes[i].core, c.now, &gone);
        ck_assert(cluster_until(&c, view_of_two, 5000 * MILLISECONDS));
        took[evidence] = c.now - before;
        ck_assert_int_eq(c.nodes[0].reasons[0],
                         evidence ? GCS_REASON_CRASHED : GCS_REASON_UNREACHABLE);
        cluster_stop(&c);
    }
    ck_assert_uint_lt(took[1], took[0] / 2);
}
END_TEST

START_TEST(evidence_against_the_living_is_nothing)
{
    start(3);
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < 3; i++) {
            struct gcs_address other = cluster_address((i + 1) % 3);
            gcs_core_unreachable(c.nodes[i].core, c.now, &other);
        }
        cluster_run(&c, 100 * MILLISECONDS);
    }
    struct gcs_address stranger = cluster_address(77);
    gcs_core_unreachable(c.nodes[0].core, c.now, &stranger);
    cluster_run(&c, 1000 * MILLISECONDS);
    ck_assert(cluster_is_view(&c, 3));
    ck_assert_uint_eq(c.nodes[0].epoch, 3);
    cluster_stop(&c);
}
END_TEST

START_TEST(a_minority_is_told_and_refuses_to_multicast)
{
    start(3);
    c.nodes[0].down = c.nodes[1].down = true;
    cluster_run(&c, 3000 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[2].blocked, 1);
    ck_assert_uint_eq(c.nodes[2].views, 1);
    ck_assert_uint_eq(c.nodes[2].left, 0);
    ck_assert_int_eq(cluster_say(&c, 2, GCS_FIFO, 1, 10), GCS_ENOPRIMARY);
    cluster_stop(&c);
}
END_TEST

/* ---- What is refused ------------------------------------------------------------------------- */

START_TEST(bad_configurations_are_refused)
{
    struct scarce memory;
    struct gcs_core_config good, bad;
    struct gcs_core *core = NULL;
    scarce_init(&memory);
    gcs_core_config_init(&good);
    good.allocator = &memory.allocator;
    good.address = cluster_address(0);
#define REFUSED(field, value) \
    bad = good;               \
    bad.field = value;        \
    ck_assert_int_eq(gcs_core_new(&bad, &core), GCS_EINVAL)
    REFUSED(size, 0);
    REFUSED(size, good.size + 8);
    REFUSED(allocator, NULL);
    REFUSED(address.length, 0);
    REFUSED(address.length, GCS_ADDRESS_MAX + 1);
    REFUSED(packet_bytes, 511);
    REFUSED(assembly_bytes, 0);
    REFUSED(packet_bytes, 65001);
    REFUSED(heartbeat_ns, 0);
    REFUSED(suspect_ns, good.heartbeat_ns);
    REFUSED(suspect_max_ns, good.suspect_ns - 1);
    REFUSED(probes, 65);
#undef REFUSED
    ck_assert_ptr_null(core);
    ck_assert_uint_eq(memory.asked, 0);
    gcs_core_free(NULL);
}
END_TEST

START_TEST(bad_names_and_options_are_refused)
{
    static const char *const names[] = {
        "",    ".x",
        "-x",  "a b",
        "a/b", "\xc3\xa4",
        "a\n", "0123456789012345678901234567890123456789012345678901234567890123"};
    struct gcs_group_config config;
    struct gcs_core_group *group;
    cluster_init(&c);
    ck_assert_int_eq(cluster_open(&c, 0), 0);
    struct gcs_core *core = c.nodes[0].core;
    uint64_t live = c.nodes[0].memory.live;
    gcs_group_config_init(&config);
    for (size_t i = 0; i < SUITE_SIZE(names); i++)
        ck_assert_int_eq(gcs_core_join(core, c.now, names[i], &config, NULL, &group), GCS_ENAME);
    ck_assert_int_eq(gcs_core_join(core, c.now, NULL, &config, NULL, &group), GCS_ENAME);
#define REFUSED(field, value)       \
    gcs_group_config_init(&config); \
    config.field = value;           \
    ck_assert_int_eq(gcs_core_join(core, c.now, "x", &config, NULL, &group), GCS_EOPTION)
    REFUSED(size, 1);
    REFUSED(bootstrap, (enum gcs_bootstrap)0);
    REFUSED(bootstrap, (enum gcs_bootstrap)4);
    REFUSED(order, (enum gcs_order)77);
    REFUSED(window_packets, 8);
    REFUSED(window_packets, 1000);
    REFUSED(window_packets, 1 << 17);
    REFUSED(window_bytes, 1);
    REFUSED(queue_bytes, 1);
    REFUSED(message_bytes, 0);
    REFUSED(message_bytes, (1u << 30) + 1); /* longer than there is memory for */
    REFUSED(seeds_count, 1);
#undef REFUSED
    ck_assert_uint_eq(c.nodes[0].memory.live, live);
    cluster_stop(&c);
}
END_TEST

START_TEST(a_name_of_any_length_up_to_the_limit)
{
    static const char longest[] = "0123456789012345678901234567890123456789.-_ABCxyz01234567890123";
    struct gcs_group_config config;
    struct gcs_core_group *group;
    cluster_init(&c);
    ck_assert_int_eq(cluster_open(&c, 0), 0);
    gcs_group_config_init(&config);
    config.bootstrap = GCS_CREATE;
    ck_assert_uint_eq(strlen(longest), GCS_NAME_MAX);
    struct gcs_core *core = c.nodes[0].core;
    ck_assert_int_eq(gcs_core_join(core, c.now, longest, &config, &c.nodes[0], &group), 0);
    ck_assert_int_eq(gcs_core_join(core, c.now, "a", &config, &c.nodes[0], &group), 0);
    ck_assert_int_eq(gcs_core_join(core, c.now, "a", &config, &c.nodes[0], &group), GCS_EALREADY);
    cluster_run(&c, 100 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[0].views, 2);
    cluster_stop(&c);
}
END_TEST

START_TEST(bad_messages_are_refused)
{
    cluster_init(&c);
    c.group_config.message_bytes = 5000;
    cluster_start(&c, 1);
    uint8_t *data = calloc(1, 5001);
    ck_assert_int_eq(cluster_multicast(&c, 0, GCS_AGREED, data, 5001), GCS_EMSGSIZE);
    ck_assert_int_eq(cluster_multicast(&c, 0, (enum gcs_service)0, data, 1), GCS_EINVAL);
    ck_assert_int_eq(cluster_multicast(&c, 0, (enum gcs_service)99, data, 1), GCS_EINVAL);
    cluster_run(&c, 100 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[0].count, 0);
    ck_assert_int_eq(cluster_multicast(&c, 0, GCS_AGREED, data, 5000), 0);
    ck_assert_int_eq(cluster_multicast(&c, 0, GCS_AGREED, NULL, 0), 0);
    cluster_run(&c, 100 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[0].count, 2);
    ck_assert_uint_eq(c.nodes[0].messages[0].number, 1); /* what was refused has no number */
    free(data);
    cluster_stop(&c);
}
END_TEST

/* ---- Rest
 * ---------------------------------------------------------------------------------------- */

static unsigned others_than_heartbeats;

static enum cluster_fate watch(void *ctx, const struct cluster_flight *flight)
{
    struct gcs_reader r = gcs_reader_over(flight->packet.control, flight->packet.control_size);
    struct gcs_frame frame;
    bool beat = gcs_frame_next(&r, &frame) && frame.type == GCS_FRAME_HEARTBEAT &&
                gcs_reader_left(&r) == 0 && flight->packet.payload_size == 0;
    (void)ctx;
    others_than_heartbeats += !beat;
    return CLUSTER_PASS;
}

START_TEST(an_idle_group_sends_little_but_heartbeats)
{
    start(3);
    for (uint32_t n = 0; n < 300; n++)
        ck_assert_int_eq(cluster_say(&c, n % 3, GCS_AGREED, n, 100), 0);
    cluster_run(&c, 1000 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[2].count, 300);
    others_than_heartbeats = 0;
    c.fate = watch;
    uint64_t sent = c.serial, rounds = c.rounds;
    cluster_run(&c, 10000 * MILLISECONDS);
    ck_assert_uint_gt(c.serial, sent);
    /* Every heartbeat_ns between any two, each answered at most; a word now and then. */
    uint64_t beats = 10000 * MILLISECONDS / c.config.heartbeat_ns;
    ck_assert_uint_le(c.serial - sent, 3 * 2 * 2 * (beats + 2));
    ck_assert_uint_le(others_than_heartbeats, 3 * 10);
    ck_assert_uint_le(c.rounds - rounds, 3 * 2 * 3 * (beats + 2));
    cluster_stop(&c);
}
END_TEST

START_TEST(a_group_of_one_at_rest_is_silent_and_needs_no_timer)
{
    start(1);
    cluster_say(&c, 0, GCS_SAFE, 1, 100);
    cluster_run(&c, 100 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[0].count, 1);
    ck_assert_uint_eq(gcs_core_deadline(c.nodes[0].core), GCS_NEVER);
    ck_assert_uint_eq(c.serial, 0);
    cluster_stop(&c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        who_creates_is_a_group_of_one,
        joiners_come_in_one_after_the_other,
        several_joiners_at_once,
        a_joiner_whose_seeds_are_silent_waits,
        with_other_settings_a_joiner_is_refused,
        a_leaver_leaves_and_the_others_go_on,
        what_was_multicast_before_leaving_comes_first,
        the_last_one_leaves_too,
        a_joiner_may_leave_before_it_is_in,
        who_has_left_may_join_again,
        freeing_a_core_that_is_a_member_leaves_nothing,
        events_may_be_given_back_in_any_order,
        deliveries_outlive_the_membership,
        a_member_that_is_silent_is_left_behind,
        evidence_hastens_it,
        evidence_against_the_living_is_nothing,
        a_minority_is_told_and_refuses_to_multicast,
        bad_configurations_are_refused,
        bad_names_and_options_are_refused,
        a_name_of_any_length_up_to_the_limit,
        bad_messages_are_refused,
        an_idle_group_sends_little_but_heartbeats,
        a_group_of_one_at_rest_is_silent_and_needs_no_timer,
    };
    return suite_run("core", tests, SUITE_SIZE(tests));
}
