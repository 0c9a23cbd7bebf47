/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Excluded, and back by itself: what the application is told, what of its messages
 * goes out, what is refused meanwhile, and how a membership ends in between.
 */
#include "gcs/wire/membership.h"
#include "tests/unit/cluster.h"
#include "tests/unit/suite.h"

enum { AWAY = 2 };

/* What the one that is cut off is told. */
struct told {
    unsigned blocked, merged, views_after;
    bool state_wanted;
    uint64_t unknown_from;
    uint64_t own; /* of its messages that were delivered to it */
};

static struct cluster c;
static struct told told;
static bool cut;      /* nothing reaches node AWAY or comes from it */
static bool no_joins; /* what it says as nobody's member is lost */

static enum cluster_fate network(void *ctx, const struct cluster_flight *flight)
{
    (void)ctx;
    if (cut && (flight->from == AWAY || flight->to == AWAY))
        return CLUSTER_LOSE;
    if (no_joins && flight->from == AWAY && flight->packet.lineage == 0)
        return CLUSTER_LOSE;
    return CLUSTER_PASS;
}

static void watch(struct cluster_node *node, const struct gcs_core_event *event)
{
    if (node != &c.nodes[AWAY])
        return;
    if (event->type == GCS_EVENT_DELIVER &&
        event->sender->incarnation ==
            gcs_core_view(node->group)->members[gcs_core_view(node->group)->self].id.incarnation)
        told.own += event->count;
    if (event->type != GCS_EVENT_VIEW)
        return;
    told.blocked += !event->change->primary;
    if (event->change->merged) {
        ck_assert(event->change->primary);
        ck_assert_uint_gt(told.blocked, 0);
        told.merged++;
        told.unknown_from = event->change->unknown_from;
    } else if (told.merged > 0 && event->change->primary) {
        told.views_after++;
        ck_assert_uint_eq(event->change->unknown_from, 0);
    }
}

static void setup(void)
{
    cluster_init(&c);
    c.group_config.rejoin = true;
    c.group_config.window_packets = 16;
    c.fate = network;
    c.watch = watch;
    told = (struct told){0};
    cut = no_joins = false;
    cluster_start(&c, 3);
}

/* Cut off until the others have gone on without it. */
static void exclude(void)
{
    cut = true;
    cluster_run(&c, 4000 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[0].members, 2);
    ck_assert(!c.nodes[AWAY].primary);
    ck_assert_uint_eq(told.blocked, 1);
    ck_assert_int_eq(c.nodes[AWAY].why, GCS_ENOPRIMARY);
}

static void heal(void)
{
    cut = false;
    cluster_run(&c, 4000 * MILLISECONDS);
}

static void expect_back(void)
{
    ck_assert_uint_eq(told.merged, 1);
    ck_assert_uint_eq(c.nodes[AWAY].left, 0);
    ck_assert(cluster_is_view(&c, 3));
    ck_assert(c.nodes[AWAY].primary);
}

/* ---- Back ------------------------------------------------------------------------------- */

START_TEST(who_was_excluded_comes_back_by_itself)
{
    setup();
    uint64_t before = gcs_core_view(c.nodes[AWAY].group)->members[AWAY].id.incarnation;
    exclude();
    heal();
    expect_back();
    ck_assert_uint_eq(told.unknown_from, 0); /* everything of ours had arrived */
    ck_assert_uint_eq(cluster_counters(&c, AWAY)->exclusions, 1);
    const struct gcs_view *view = gcs_core_view(c.nodes[AWAY].group);
    ck_assert_uint_ne(view->members[view->self].id.incarnation, before);
    size_t count = c.nodes[0].count;
    for (unsigned i = 0; i < 3; i++)
        ck_assert_int_eq(cluster_say(&c, i, GCS_SAFE, i, 100), 0);
    cluster_run(&c, 100 * MILLISECONDS);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_ge(c.nodes[i].count, 3);
    ck_assert_uint_eq(c.nodes[0].count, count + 3);
    cluster_stop(&c);
}
END_TEST

START_TEST(it_may_happen_again_and_again)
{
    setup();
    for (unsigned n = 1; n <= 5; n++) {
        told = (struct told){0};
        exclude();
        heal();
        expect_back();
        ck_assert_uint_eq(cluster_counters(&c, AWAY)->exclusions, n);
    }
    cluster_stop(&c);
}
END_TEST

/* The numbers in the messages of that sender, in the order in which node 0 was told them. */
static unsigned heard_from(uint64_t incarnation, uint32_t *numbers, unsigned most)
{
    const struct cluster_node *node = &c.nodes[0];
    unsigned count = 0;
    for (size_t k = 0; k < node->count; k++) {
        const struct cluster_message *m = &node->messages[k];
        if (m->sender != incarnation)
            continue;
        ck_assert_uint_eq(m->number, count + 1);
        ck_assert_uint_lt(count, most);
        memcpy(&numbers[count++], m->data + 4, 4);
    }
    return count;
}

/* Sent before the exclusion: unknown from there on. Not sent yet: goes out under new numbers. */
START_TEST(what_was_sent_is_unknown_and_what_was_not_is_sent)
{
    uint32_t numbers[64];
    setup();
    uint64_t before = gcs_core_view(c.nodes[AWAY].group)->members[AWAY].id.incarnation;
    for (uint32_t n = 1; n <= 5; n++)
        ck_assert_int_eq(cluster_say(&c, AWAY, GCS_AGREED, n, 1100), 0);
    cluster_run(&c, 1000 * MILLISECONDS);
    cut = true;
    for (uint32_t n = 6; n <= 40; n++)
        ck_assert_int_eq(cluster_say(&c, AWAY, GCS_AGREED, n, 1100), 0);
    exclude();
    heal();
    expect_back();
    ck_assert_uint_eq(told.unknown_from, 6);
    ck_assert_uint_eq(heard_from(before, numbers, 64), 5);
    const struct gcs_view *view = gcs_core_view(c.nodes[AWAY].group);
    unsigned count = heard_from(view->members[view->self].id.incarnation, numbers, 64);
    ck_assert_uint_ge(count, 20);
    ck_assert_uint_lt(count, 35);
    for (unsigned i = 0; i < count; i++)
        ck_assert_uint_eq(numbers[i], 40 - count + 1 + i);
    ck_assert_uint_eq(told.own, 5 + count);
    cluster_stop(&c);
}
END_TEST

START_TEST(a_message_that_was_half_sent_is_sent_again_and_not_unknown)
{
    static uint8_t large[60000];
    setup();
    ck_assert_int_eq(cluster_multicast(&c, AWAY, GCS_AGREED, large, sizeof(large)), 0);
    for (int i = 0; i < 1000 && cluster_counters(&c, AWAY)->data_packets_sent <= 10; i++)
        cluster_run(&c, MILLISECONDS / 10);
    exclude();
    ck_assert_uint_gt(cluster_counters(&c, AWAY)->data_packets_sent, 10);
    ck_assert_uint_eq(c.nodes[0].count, 0);
    heal();
    expect_back();
    ck_assert_uint_eq(told.unknown_from, 0);
    ck_assert_uint_eq(c.nodes[0].count, 1);
    ck_assert_uint_eq(c.nodes[0].messages[0].size, sizeof(large));
    ck_assert_uint_eq(c.nodes[0].messages[0].number, 1);
    cluster_stop(&c);
}
END_TEST

/* ---- Meanwhile -------------------------------------------------------------------------- */

START_TEST(nothing_is_accepted_meanwhile)
{
    setup();
    struct gcs_member_id other = gcs_core_view(c.nodes[AWAY].group)->members[0].id;
    exclude();
    ck_assert_int_eq(cluster_say(&c, AWAY, GCS_AGREED, 1, 20), GCS_ENOPRIMARY);
    no_joins = true;
    heal(); /* it knows that it is out, and nobody lets it in */
    ck_assert_uint_eq(cluster_counters(&c, AWAY)->exclusions, 1);
    ck_assert_ptr_null(gcs_core_view(c.nodes[AWAY].group));
    ck_assert_int_eq(cluster_say(&c, AWAY, GCS_AGREED, 1, 20), GCS_ENOPRIMARY);
    ck_assert_int_eq(gcs_core_send(c.nodes[AWAY].group, c.now, &other, "x", 1), GCS_ENOPRIMARY);
    no_joins = false;
    cluster_run(&c, 4000 * MILLISECONDS);
    expect_back();
    ck_assert_int_eq(cluster_say(&c, AWAY, GCS_AGREED, 1, 20), 0);
    cluster_stop(&c);
}
END_TEST

START_TEST(who_leaves_on_the_way_back_has_left_at_once)
{
    setup();
    exclude();
    no_joins = true;
    heal();
    ck_assert_int_eq(gcs_core_leave(c.nodes[AWAY].group, c.now), 0);
    cluster_round(&c, AWAY);
    ck_assert_uint_eq(c.nodes[AWAY].left, 1);
    ck_assert_int_eq(c.nodes[AWAY].error, 0);
    no_joins = false;
    cluster_run(&c, 4000 * MILLISECONDS);
    ck_assert_uint_eq(told.merged, 0);
    ck_assert(cluster_is_view(&c, 2));
    cluster_stop(&c);
}
END_TEST

/* The word that it is out has come, and it has not been acted on. */
static void hear_excluded(void)
{
    const struct gcs_view *view = gcs_core_view(c.nodes[AWAY].group);
    struct gcs_address from = cluster_address(0);
    uint8_t data[GCS_PACKET_HEADER + 32];
    struct gcs_packet packet = {.group = gcs_packet_group_tag(CLUSTER_TAG, CLUSTER_GROUP),
                                .lineage = view->lineage,
                                .epoch = view->epoch + 1};
    struct gcs_writer w = gcs_writer_over(data + GCS_PACKET_HEADER, 32);
    uint8_t *begin = gcs_frame_begin(&w, GCS_FRAME_EXCLUDED);
    gcs_excluded_write(&w, view->epoch + 1);
    gcs_frame_end(&w, begin);
    packet.control_size = gcs_writer_size(&w);
    gcs_packet_seal(data, GCS_PACKET_HEADER + packet.control_size, &packet, CLUSTER_TAG);
    cluster_inject(&c, AWAY, &from, data, GCS_PACKET_HEADER + packet.control_size);
}

START_TEST(a_leave_in_the_moment_of_the_exclusion_is_not_lost)
{
    setup();
    hear_excluded();
    ck_assert_int_eq(cluster_say(&c, AWAY, GCS_AGREED, 1, 20), GCS_ENOPRIMARY);
    ck_assert_int_eq(gcs_core_leave(c.nodes[AWAY].group, c.now), 0);
    ck_assert_int_eq(gcs_core_leave(c.nodes[AWAY].group, c.now), GCS_EALREADY);
    cluster_run(&c, 4000 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[AWAY].left, 1);
    ck_assert_uint_eq(told.merged, 0);
    ck_assert(cluster_is_view(&c, 2));
    cluster_stop(&c);
}
END_TEST

START_TEST(the_loss_is_told_also_to_who_did_not_notice)
{
    setup();
    hear_excluded(); /* it was in the primary, as far as it knew */
    cluster_run(&c, 4000 * MILLISECONDS);
    ck_assert_uint_eq(told.blocked, 1);
    ck_assert_int_eq(c.nodes[AWAY].why, GCS_ENOTMEMBER);
    expect_back();
    cluster_stop(&c);
}
END_TEST

/* ---- For good --------------------------------------------------------------------------- */

START_TEST(who_was_evicted_stays_out)
{
    setup();
    struct gcs_member_id id = gcs_core_view(c.nodes[0].group)->members[AWAY].id;
    ck_assert_int_eq(gcs_core_evict(c.nodes[0].group, c.now, &id), 0);
    cluster_run(&c, 4000 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[AWAY].left, 1);
    ck_assert_int_eq(c.nodes[AWAY].error, GCS_EEVICTED);
    ck_assert_uint_eq(told.merged, 0);
    ck_assert(cluster_is_view(&c, 2));
    cluster_stop(&c);
}
END_TEST

START_TEST(who_does_not_wish_to_come_back_does_not)
{
    setup();
    cluster_stop(&c);
    cluster_init(&c);
    c.fate = network;
    c.watch = watch;
    cluster_start(&c, 3);
    exclude();
    heal();
    ck_assert_uint_eq(c.nodes[AWAY].left, 1);
    ck_assert_int_eq(c.nodes[AWAY].error, GCS_ENOTMEMBER);
    ck_assert(cluster_is_view(&c, 2));
    cluster_stop(&c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        who_was_excluded_comes_back_by_itself,
        it_may_happen_again_and_again,
        what_was_sent_is_unknown_and_what_was_not_is_sent,
        a_message_that_was_half_sent_is_sent_again_and_not_unknown,
        nothing_is_accepted_meanwhile,
        who_leaves_on_the_way_back_has_left_at_once,
        a_leave_in_the_moment_of_the_exclusion_is_not_lost,
        the_loss_is_told_also_to_who_did_not_notice,
        who_was_evicted_stays_out,
        who_does_not_wish_to_come_back_does_not,
    };
    return suite_run("core_rejoin", tests, SUITE_SIZE(tests));
}
