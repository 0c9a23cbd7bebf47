/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages to one member alone: in order, once, whole, whatever the network and
 * the views do; nobody else hears them; and their codec.
 */
#include "gcs/base/prng.h"
#include "gcs/wire/private.h"
#include "tests/unit/cluster.h"
#include "tests/unit/suite.h"

static struct cluster c;

static void start(unsigned count)
{
    cluster_init(&c);
    cluster_start(&c, count);
    for (unsigned i = 0; i < count; i++)
        c.nodes[i].keep_privates = true;
}

static struct gcs_member_id id_of(unsigned i)
{
    const struct gcs_view *view = gcs_core_view(c.nodes[i].group);
    return view->members[view->self].id;
}

/* Message n of node from to node to: says so. */
static int say(unsigned from, unsigned to, uint32_t n, size_t size)
{
    struct gcs_member_id id = id_of(to);
    uint32_t words[3] = {from, to, n};
    uint8_t *data = malloc(size);
    memset(data, (int)n, size);
    memcpy(data, words, sizeof(words));
    int result = gcs_core_send(c.nodes[from].group, c.now, &id, data, size);
    free(data);
    return result;
}

/* What node to has heard of node from alone is messages 0 .. count-1. */
static void check_heard(unsigned to, unsigned from, uint32_t count)
{
    uint64_t sender = id_of(from).incarnation;
    uint32_t next = 0;
    for (size_t k = 0; k < c.nodes[to].count; k++) {
        const struct cluster_message *m = &c.nodes[to].messages[k];
        uint32_t words[3];
        if (!m->alone || m->sender != sender)
            continue;
        memcpy(words, m->data, sizeof(words));
        bool good =
            words[0] == from && words[1] == to && words[2] == next && m->number == next + 1u;
        for (size_t b = sizeof(words); b < m->size; b++)
            good &= m->data[b] == (uint8_t)next;
        if (!good)
            ck_abort_msg("message %u of %u to %u is another one", next, from, to);
        next++;
    }
    ck_assert_uint_eq(next, count);
}

START_TEST(they_arrive_in_order_and_nobody_else_hears_them)
{
    start(3);
    for (uint32_t n = 0; n < 200; n++) {
        ck_assert_int_eq(say(0, 2, n, 12 + n), 0);
        ck_assert_int_eq(say(2, 0, n, n % 50 == 9 ? 20000 : 100), 0);
        cluster_run(&c, n % 3 * CLUSTER_LATENCY / 2);
    }
    cluster_run(&c, 500 * MILLISECONDS);
    check_heard(2, 0, 200);
    check_heard(0, 2, 200);
    ck_assert_uint_eq(c.nodes[1].count, 0);
    ck_assert_uint_eq(cluster_counters(&c, 0)->repairs_sent, 0);
    ck_assert_uint_eq(cluster_counters(&c, 1)->private_packets_sent, 0);
    cluster_stop(&c);
}
END_TEST

START_TEST(to_oneself)
{
    start(2);
    for (uint32_t n = 0; n < 300; n++)
        ck_assert_int_eq(say(1, 1, n, n == 5 ? 9000 : 400), 0);
    cluster_run(&c, 500 * MILLISECONDS);
    check_heard(1, 1, 300);
    ck_assert_uint_eq(c.nodes[0].count, 0);
    cluster_stop(&c);
}
END_TEST

START_TEST(they_stand_outside_of_multicast_order)
{
    start(3);
    for (uint32_t n = 0; n < 100; n++) {
        for (unsigned i = 0; i < 3; i++) {
            ck_assert_int_eq(cluster_say(&c, i, GCS_AGREED, n, 200), 0);
            ck_assert_int_eq(say(i, (i + 1) % 3, n, 200), 0);
        }
        cluster_run(&c, CLUSTER_LATENCY);
    }
    cluster_run(&c, 500 * MILLISECONDS);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(c.nodes[i].count, 400);
        check_heard((i + 1) % 3, i, 100);
    }
    cluster_stop(&c);
}
END_TEST

START_TEST(bad_ones_are_refused)
{
    start(2);
    struct gcs_member_id nobody = id_of(1), other = id_of(1);
    nobody.incarnation++;
    uint8_t data[1] = {0};
    struct gcs_core_group *group = c.nodes[0].group;
    ck_assert_int_eq(gcs_core_send(group, c.now, &nobody, data, 1), GCS_ENOTMEMBER);
    ck_assert_int_eq(gcs_core_send(group, c.now, &other, data, (256 << 20) + 1), GCS_EMSGSIZE);
    ck_assert_int_eq(gcs_core_send(group, c.now, &other, NULL, 0), 0);
    cluster_run(&c, 100 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[1].privates, 1);
    ck_assert_int_eq(gcs_core_leave(group, c.now), 0);
    ck_assert_int_eq(gcs_core_send(group, c.now, &other, "x", 1), GCS_ENOTMEMBER);
    cluster_stop(&c);
}
END_TEST

START_TEST(who_takes_nothing_gets_no_more_than_a_window)
{
    uint32_t n = 0;
    cluster_init(&c);
    c.group_config.queue_bytes = 50000;
    cluster_start(&c, 2);
    c.nodes[1].keep_privates = c.nodes[1].hold = true;
    for (unsigned round = 0; round < 20; round++) {
        while (say(0, 1, n, 1000) == 0)
            n++;
        cluster_run(&c, 100 * MILLISECONDS);
    }
    ck_assert_uint_ge(n, 64 + 40);
    ck_assert_uint_le(n, 64 + 55);
    ck_assert_int_eq(say(0, 1, n, 1000), GCS_EAGAIN);
    cluster_give_back(&c, 1);
    cluster_run(&c, 100 * MILLISECONDS);
    ck_assert_uint_gt(c.nodes[0].writable, 0);
    ck_assert_int_eq(say(0, 1, n++, 1000), 0);
    cluster_run(&c, 500 * MILLISECONDS);
    check_heard(1, 0, n);
    cluster_stop(&c);
}
END_TEST

static enum cluster_fate blow(void *ctx, const struct cluster_flight *flight)
{
    struct gcs_prng *prng = ctx;
    (void)flight;
    switch (gcs_prng_below(prng, 8)) {
    case 0:
        return CLUSTER_LOSE;
    case 1:
        return CLUSTER_DOUBLE;
    case 2:
        return CLUSTER_DELAY;
    default:
        return CLUSTER_PASS;
    }
}

START_TEST(bad_weather_changes_nothing)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct gcs_prng prng;
        gcs_prng_init(&prng, seed);
        start(3);
        c.fate = blow;
        c.fate_ctx = &prng;
        for (uint32_t n = 0; n < 60; n++) {
            for (unsigned i = 0; i < 3; i++)
                ck_assert_int_eq(say(i, (i + 1) % 3, n, n % 20 == 7 ? 5000 : 300), 0);
            cluster_run(&c, CLUSTER_LATENCY);
        }
        cluster_run(&c, 3000 * MILLISECONDS);
        for (unsigned i = 0; i < 3; i++)
            check_heard((i + 1) % 3, i, 60);
        cluster_stop(&c);
    }
}
END_TEST

START_TEST(views_change_and_the_stream_goes_on)
{
    start(3);
    uint32_t n = 0;
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < 100; i++, n++) {
            ck_assert_int_eq(say(0, 1, n, 700), 0);
            ck_assert_int_eq(say(1, 0, n, i == 50 ? 8000 : 700), 0);
            cluster_run(&c, CLUSTER_LATENCY / 2);
            if (i == 30 && c.nodes[2].group)
                ck_assert_int_eq(gcs_core_leave(c.nodes[2].group, c.now), 0);
            if (i == 80 && !c.nodes[2].group)
                ck_assert_int_eq(cluster_join(&c, 2), 0);
        }
        cluster_run(&c, 300 * MILLISECONDS);
    }
    ck_assert_uint_gt(c.nodes[0].epoch, 5);
    check_heard(0, 1, n);
    check_heard(1, 0, n);
    cluster_stop(&c);
}
END_TEST

/* The application still has some when it gives the end of the membership back. */
START_TEST(they_outlive_the_membership)
{
    start(2);
    struct cluster_node *node = &c.nodes[1];
    node->hold = true;
    for (uint32_t n = 0; n < 10; n++)
        ck_assert_int_eq(say(0, 1, n, n == 3 ? 9000 : 100), 0);
    cluster_run(&c, 10 * MILLISECONDS);
    ck_assert_uint_gt(node->held_count, 0);
    ck_assert_int_eq(gcs_core_leave(node->group, c.now), 0);
    cluster_run(&c, 3000 * MILLISECONDS);
    ck_assert_uint_eq(node->left, 1);
    for (size_t i = node->held_count; i > 0; i--) /* the last first */
        gcs_core_consumed(node->core, &node->held[i - 1]);
    node->held_count = 0;
    node->group = NULL;
    cluster_stop(&c);
}
END_TEST

/* ---- The frame ------------------------------------------------------------------------------- */

START_TEST(the_frame_has_one_spelling)
{
    static const uint64_t values[][2] = {{0, 0},     {1, 0},          {1, 1},
                                         {300, 127}, {UINT64_MAX, 0}, {UINT64_MAX, UINT64_MAX}};
    for (size_t i = 0; i < SUITE_SIZE(values); i++) {
        uint8_t bytes[GCS_PRIVATE_BYTES_MAX + 1] = {0};
        uint64_t held, taken;
        struct gcs_writer w = gcs_writer_over(bytes, GCS_PRIVATE_BYTES_MAX);
        gcs_private_write(&w, values[i][0], values[i][1]);
        size_t size = gcs_writer_size(&w);
        ck_assert(!w.bad && gcs_private_read(bytes, size, &held, &taken));
        ck_assert_uint_eq(held, values[i][0]);
        ck_assert_uint_eq(taken, values[i][1]);
        ck_assert(!gcs_private_read(bytes, size + 1, &held, &taken));
        for (size_t cut = 0; cut < size; cut++)
            ck_assert(!gcs_private_read(bytes, cut, &held, &taken));
    }
    uint64_t held, taken;
    ck_assert(gcs_private_read((const uint8_t[]){5, 5}, 2, &held, &taken));
    ck_assert(
        !gcs_private_read((const uint8_t[]){5, 6}, 2, &held, &taken)); /* took more than it had */
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        they_arrive_in_order_and_nobody_else_hears_them,
        to_oneself,
        they_stand_outside_of_multicast_order,
        bad_ones_are_refused,
        who_takes_nothing_gets_no_more_than_a_window,
        bad_weather_changes_nothing,
        views_change_and_the_stream_goes_on,
        they_outlive_the_membership,
        the_frame_has_one_spelling,
    };
    return suite_run("core_private", tests, SUITE_SIZE(tests));
}
