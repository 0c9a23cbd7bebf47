/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * State transfer through the core: who joins has exactly what the others have,
 * whatever the network, the donors and the load do; and it has no vote before.
 */
#include "gcs/base/trace.h"
#include "tests/unit/cluster.h"
#include "tests/unit/suite.h"

/* What an application makes of what it is told: a fold over the total order. */
struct app {
    uint64_t state;
    uint64_t snapshot; /* as it was when it was asked for */
    bool synced;
    unsigned begun, wanted, ended; /* of this member's transfer; of those that it gives */
    int end_error;
    uint64_t got, most, total; /* bytes */
    uint64_t first;            /* 8 bytes of the state that comes */
};

/* What the applications give. */
struct gift {
    uint64_t state;
    uint64_t size;
    uint64_t said;      /* total */
    uint64_t broken_at; /* an error from here on */
    unsigned *released;
};

static struct cluster c;
static struct app apps[CLUSTER_MAX];
static uint64_t gift_size, gift_said, gift_broken_at;
static bool refuse, mute;
static unsigned given, released;

static int64_t read_gift(void *ctx, uint64_t offset, void *data, size_t size)
{
    const struct gift *gift = ctx;
    size_t got = 0;
    if (offset + size > gift->broken_at)
        return -5;
    for (; got < size && offset + got < gift->size; got++) {
        uint64_t n = offset + got;
        ((uint8_t *)data)[got] = n < 8 ? (uint8_t)(gift->state >> 8 * n) : (uint8_t)(n * 7);
    }
    return (int64_t)got;
}

static void release_gift(void *ctx)
{
    released++;
    free(ctx);
}

static void give(struct cluster_node *node, const struct gcs_member_id *joiner)
{
    const struct app *app = node->user;
    struct gift *gift = malloc(sizeof(*gift));
    *gift = (struct gift){app->snapshot, gift_size, gift_said, gift_broken_at, NULL};
    struct gcs_state_source source = {gift, read_gift, release_gift, gift_said};
    if (gcs_core_state_offer(node->group, joiner, &source) == 0)
        given++;
    else
        free(gift);
}

static void take_piece(struct app *app, const struct gcs_core_event *event)
{
    if (event->offset == 0) {
        app->begun++;
        app->got = 0;
        app->first = 0;
    }
    ck_assert_uint_eq(event->offset, app->got);
    for (size_t i = 0; i < event->payload_size; i++, app->got++) {
        if (app->got < 8)
            app->first |= (uint64_t)event->payload[i] << 8 * app->got;
        else if (event->payload[i] != (uint8_t)(app->got * 7))
            ck_abort_msg("byte %u is another one", (unsigned)app->got);
    }
    app->total = event->total;
}

static void watch(struct cluster_node *node, const struct gcs_core_event *event)
{
    struct app *app = node->user;
    struct gcs_message message;
    size_t offset = 0;
    switch (event->type) {
    case GCS_EVENT_DELIVER:
        ck_assert(app->synced);
        while (gcs_core_event_message(event, &offset, &message))
            app->state = app->state * 31 + gcs_trace_hash(message.data, message.size);
        break;
    case GCS_EVENT_STATE_WANTED:
        app->wanted++;
        app->snapshot = app->state;
        if (refuse)
            ck_assert_int_eq(gcs_core_state_offer(node->group, event->sender, NULL), 0);
        else if (!mute)
            give(node, event->sender);
        break;
    case GCS_EVENT_STATE:
        take_piece(app, event);
        break;
    case GCS_EVENT_STATE_END:
        app->ended++;
        app->end_error = event->error;
        if (!app->synced) {
            ck_assert_uint_eq(event->total, app->got);
            app->state = app->first;
            app->synced = true;
        }
        break;
    default:
        break;
    }
}

static void setup(uint64_t size)
{
    cluster_init(&c);
    c.group_config.state = true;
    c.watch = watch;
    memset(apps, 0, sizeof(apps));
    for (unsigned i = 0; i < CLUSTER_MAX; i++)
        c.nodes[i].user = &apps[i];
    apps[0].synced = true;
    gift_size = size;
    gift_said = 0;
    gift_broken_at = UINT64_MAX;
    refuse = mute = false;
    given = released = 0;
}

static void join(unsigned i)
{
    ck_assert_int_eq(cluster_open(&c, i), 0);
    ck_assert_int_eq(cluster_join(&c, i), 0);
}

static void finish(void)
{
    cluster_stop(&c);
    ck_assert_uint_eq(released, given);
}

static const struct gcs_member *member(unsigned by, unsigned rank)
{
    return &gcs_core_view(c.nodes[by].group)->members[rank];
}

/* Everybody up says so many things, one after the other. */
static void talk(uint32_t count, uint64_t pause)
{
    for (uint32_t n = 0; n < count; n++) {
        for (unsigned i = 0; i < c.count; i++)
            if (c.nodes[i].group && !c.nodes[i].down && c.nodes[i].primary)
                (void)cluster_say(&c, i, n % 3 ? GCS_AGREED : GCS_SAFE, n, 20 + n * 37 % 700);
        cluster_run(&c, pause);
    }
}

static void expect_same(unsigned a, unsigned b)
{
    ck_assert(apps[a].synced && apps[b].synced);
    ck_assert_msg(apps[a].state == apps[b].state, "members %u and %u have different states", a, b);
}

/* ---- The good case ---------------------------------------------------------------------- */

START_TEST(who_joins_gets_the_state_and_then_a_vote)
{
    static const uint64_t sizes[] = {8, 9, 1000, 5000, 100000, 1 << 20};
    for (size_t i = 0; i < SUITE_SIZE(sizes); i++) {
        setup(sizes[i]);
        join(0);
        cluster_run(&c, 100 * MILLISECONDS);
        talk(20, MILLISECONDS);
        join(1);
        talk(50, MILLISECONDS);
        cluster_run(&c, 2000 * MILLISECONDS);
        expect_same(0, 1);
        ck_assert_uint_eq(apps[1].got, sizes[i]);
        ck_assert_uint_eq(apps[1].begun, 1);
        ck_assert_uint_eq(apps[0].wanted, 1);
        ck_assert_uint_eq(apps[0].ended, 1);
        ck_assert_int_eq(apps[0].end_error, 0);
        ck_assert(!member(0, 1)->syncing && !member(1, 1)->syncing);
        finish();
    }
}
END_TEST

/* Also where the application gives a file and is not asked for its bytes. */
START_TEST(both_sides_can_see_how_far_it_is)
{
    struct gcs_group_status joiner;
    struct gcs_member_status given_to;
    setup(1 << 20);
    gift_said = gift_size;
    c.group_config.state_queue_bytes = 1 << 20;
    join(0);
    cluster_run(&c, 100 * MILLISECONDS);
    join(1);
    c.nodes[1].hold = true; /* takes a window of it, and no more */
    talk(200, MILLISECONDS);
    gcs_core_group_status(c.nodes[1].group, &joiner);
    ck_assert_int_eq(gcs_core_member_status(c.nodes[0].group, c.now, 1, &given_to), 0);
    ck_assert_uint_eq(joiner.state_bytes, apps[1].got);
    ck_assert_uint_gt(joiner.state_bytes, 0);
    ck_assert_uint_lt(joiner.state_bytes, gift_size);
    ck_assert_uint_eq(joiner.state_bytes_max, gift_size);
    ck_assert_uint_gt(joiner.state_queue_bytes, 0);
    ck_assert_uint_eq(joiner.state_queue_bytes_max, 1 << 20);
    ck_assert_uint_ge(given_to.state_bytes, joiner.state_bytes);
    ck_assert_uint_lt(given_to.state_bytes, gift_size);
    ck_assert_uint_eq(given_to.state_bytes_max, gift_size);
    cluster_give_back(&c, 1);
    cluster_run(&c, 4000 * MILLISECONDS);
    expect_same(0, 1);
    gcs_core_group_status(c.nodes[1].group, &joiner);
    ck_assert_int_eq(gcs_core_member_status(c.nodes[0].group, c.now, 1, &given_to), 0);
    ck_assert_uint_eq(joiner.state_bytes + joiner.state_queue_bytes + given_to.state_bytes, 0);
    finish();
}
END_TEST

START_TEST(the_size_is_told_if_it_is_known)
{
    setup(50000);
    gift_said = 50000;
    join(0);
    cluster_run(&c, 100 * MILLISECONDS);
    join(1);
    cluster_run(&c, 2000 * MILLISECONDS);
    expect_same(0, 1);
    ck_assert_uint_eq(apps[1].total, 50000);
    finish();
}
END_TEST

START_TEST(until_it_has_the_state_it_has_no_vote)
{
    setup(1000);
    mute = true;
    join(0);
    cluster_run(&c, 100 * MILLISECONDS);
    join(1);
    join(2);
    cluster_run(&c, 500 * MILLISECONDS);
    ck_assert(member(0, 1)->syncing && member(0, 2)->syncing);
    c.nodes[1].down = c.nodes[2].down = true;
    cluster_run(&c, 3000 * MILLISECONDS);
    ck_assert(c.nodes[0].primary);
    ck_assert_uint_eq(c.nodes[0].members, 1);
    ck_assert_int_eq(apps[0].end_error, GCS_ENOTMEMBER);
    finish();
}
END_TEST

/* ---- Trouble ---------------------------------------------------------------------------- */

static enum cluster_fate bad_weather(void *ctx, const struct cluster_flight *flight)
{
    uint64_t *state = ctx;
    (void)flight;
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    switch (*state >> 60) {
    case 0:
    case 1:
        return CLUSTER_LOSE;
    case 2:
        return CLUSTER_DOUBLE;
    case 3:
        return CLUSTER_DELAY;
    default:
        return CLUSTER_PASS;
    }
}

START_TEST(bad_weather_changes_nothing)
{
    uint64_t state = 5;
    setup(200000);
    join(0);
    cluster_run(&c, 100 * MILLISECONDS);
    join(1);
    cluster_run(&c, 1000 * MILLISECONDS);
    c.fate = bad_weather;
    c.fate_ctx = &state;
    c.delay = 3 * MILLISECONDS;
    join(2);
    talk(300, MILLISECONDS);
    cluster_run(&c, 5000 * MILLISECONDS);
    c.fate = NULL;
    cluster_run(&c, 5000 * MILLISECONDS);
    expect_same(0, 1);
    expect_same(0, 2);
    finish();
}
END_TEST

START_TEST(another_donor_takes_over)
{
    setup(300000);
    join(0);
    cluster_run(&c, 100 * MILLISECONDS);
    join(1);
    cluster_run(&c, 1000 * MILLISECONDS);
    join(2);
    cluster_run(&c, 1000 * MILLISECONDS);
    talk(10, MILLISECONDS);
    mute = true; /* so that it takes long enough */
    join(3);
    talk(50, MILLISECONDS);
    ck_assert_uint_eq(apps[2].wanted, 1); /* the nearest */
    mute = false;
    c.nodes[2].down = true;
    talk(50, MILLISECONDS);
    cluster_run(&c, 4000 * MILLISECONDS);
    talk(10, MILLISECONDS);
    cluster_run(&c, 2000 * MILLISECONDS);
    ck_assert_uint_gt(apps[1].wanted, 0);
    expect_same(0, 1);
    expect_same(0, 3);
    finish();
}
END_TEST

START_TEST(too_much_meanwhile_and_it_begins_anew)
{
    setup(2 << 20);
    c.group_config.state_queue_bytes = 64 << 10;
    join(0);
    cluster_run(&c, 100 * MILLISECONDS);
    mute = true;
    join(1);
    talk(300, MILLISECONDS); /* more than the queue holds */
    ck_assert_uint_gt(cluster_counters(&c, 1)->transfers_begun, 1);
    ck_assert(!apps[1].synced);
    ck_assert_uint_eq(apps[0].wanted, 1); /* no second question before the answer to the first, */
    mute = false;
    give(&c.nodes[0], &member(0, 1)->id); /* which comes too late to be of use */
    cluster_run(&c, 5000 * MILLISECONDS);
    ck_assert_uint_gt(apps[0].wanted, 1);
    talk(10, MILLISECONDS);
    cluster_run(&c, 1000 * MILLISECONDS);
    expect_same(0, 1);
    finish();
}
END_TEST

/* With rests between its pieces the state would come later than there is room for what waits. Where
 * its size is known that is seen in time. */
START_TEST(a_state_that_would_come_too_late_makes_haste)
{
    for (int known = 0; known < 2; known++) {
        setup(1 << 20);
        gift_said = known ? gift_size : 0;
        c.group_config.state_queue_bytes = 12 << 10;
        join(0);
        cluster_run(&c, 100 * MILLISECONDS);
        join(1);
        talk(300, MILLISECONDS);
        cluster_run(&c, 2000 * MILLISECONDS);
        if (known)
            ck_assert_uint_eq(cluster_counters(&c, 1)->transfers_begun, 1);
        else
            ck_assert_uint_gt(cluster_counters(&c, 1)->transfers_begun, 1);
        expect_same(0, 1);
        finish();
    }
}
END_TEST

/* Messages to the joiner alone: not part of the state, kept for it, and by their sender's pipe. */
START_TEST(private_messages_wait_for_the_state)
{
    setup(1000);
    c.group_config.state_queue_bytes = 64 << 10;
    join(0);
    cluster_run(&c, 100 * MILLISECONDS);
    mute = true;
    join(1);
    cluster_run(&c, 500 * MILLISECONDS);
    static const uint8_t data[1000];
    for (unsigned n = 0; n < 500; n++)
        ck_assert_int_eq(
            gcs_core_send(c.nodes[0].group, c.now, &member(0, 1)->id, data, sizeof(data)), 0);
    talk(5, MILLISECONDS);
    cluster_run(&c, 500 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[1].privates, 0);
    ck_assert_uint_eq(cluster_counters(&c, 1)->transfers_begun, 1);
    ck_assert_uint_lt(cluster_counters(&c, 0)->private_packets_sent, 100); /* the pipe is full */
    mute = false;
    give(&c.nodes[0], &member(0, 1)->id);
    cluster_run(&c, 2000 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[1].privates, 500);
    expect_same(0, 1);
    finish();
}
END_TEST

START_TEST(private_messages_go_with_a_membership_that_ends)
{
    setup(1000);
    join(0);
    cluster_run(&c, 100 * MILLISECONDS);
    mute = true;
    join(1);
    cluster_run(&c, 500 * MILLISECONDS);
    ck_assert_int_eq(gcs_core_send(c.nodes[0].group, c.now, &member(0, 1)->id, "word", 5), 0);
    cluster_run(&c, 100 * MILLISECONDS);
    ck_assert_int_eq(gcs_core_leave(c.nodes[1].group, c.now), 0);
    cluster_run(&c, 1000 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[1].left, 1);
    ck_assert_uint_eq(c.nodes[1].privates, 0);
    finish(); /* nothing is left of it */
}
END_TEST

/* An application that takes its time: the pieces that it has do not become more by new attempts. */
START_TEST(a_slow_joiner_does_not_pile_up_pieces)
{
    unsigned pieces = 0;
    setup(2 << 20);
    c.group_config.state_queue_bytes = 64 << 10;
    join(0);
    cluster_run(&c, 100 * MILLISECONDS);
    join(1);
    c.nodes[1].hold = true;
    talk(600, MILLISECONDS);
    ck_assert_uint_gt(cluster_counters(&c, 1)->transfers_begun, 2);
    for (size_t i = 0; i < c.nodes[1].held_count; i++)
        pieces += c.nodes[1].held[i].type == GCS_EVENT_STATE;
    ck_assert_uint_gt(pieces, 0);
    ck_assert_uint_le(pieces, (256u << 10) / 1200);
    cluster_give_back(&c, 1);
    cluster_run(&c, 5000 * MILLISECONDS);
    expect_same(0, 1);
    finish();
}
END_TEST

/* Megabytes have waited at node 1 when it has the state, and it takes its time with them. */
static void fall_behind(void)
{
    setup(1000);
    c.group_config.window_packets = 16;
    join(0);
    cluster_run(&c, 100 * MILLISECONDS);
    mute = true;
    join(1);
    talk(8000, MILLISECONDS / 2);
    ck_assert_uint_eq(cluster_counters(&c, 1)->transfers_begun, 1);
    mute = false;
    c.nodes[1].hold = true;
    give(&c.nodes[0], &member(0, 1)->id);
    cluster_run(&c, 200 * MILLISECONDS);
    ck_assert(apps[1].synced);
    ck_assert_uint_lt(c.nodes[1].count, 6000); /* a portion, and no more */
}

START_TEST(who_catches_up_is_waited_for_by_nobody)
{
    fall_behind();
    uint64_t full = cluster_counters(&c, 0)->window_full;
    size_t count = c.nodes[0].count;
    talk(200, MILLISECONDS); /* more than a window */
    ck_assert_uint_ge(c.nodes[0].count, count + 200);
    ck_assert_uint_eq(cluster_counters(&c, 0)->window_full, full);
    cluster_give_back(&c, 1);
    cluster_run(&c, 2000 * MILLISECONDS);
    ck_assert(!member(0, 1)->syncing);
    ck_assert_uint_ge(c.nodes[1].count, 8000);
    expect_same(0, 1);
    talk(10, MILLISECONDS);
    cluster_run(&c, 100 * MILLISECONDS);
    expect_same(0, 1);
    finish();
}
END_TEST

START_TEST(what_waits_has_its_bound_also_then)
{
    fall_behind();
    for (unsigned n = 0; n < 100; n++)
        talk(1000, MILLISECONDS / 2);
    ck_assert_uint_gt(cluster_counters(&c, 0)->window_full, 0); /* now the others have to wait */
    cluster_give_back(&c, 1);
    cluster_run(&c, 5000 * MILLISECONDS);
    expect_same(0, 1);
    finish();
}
END_TEST

START_TEST(who_leaves_before_it_has_caught_up_is_told_everything_first)
{
    fall_behind();
    ck_assert_int_eq(gcs_core_leave(c.nodes[1].group, c.now), 0);
    cluster_run(&c, 2000 * MILLISECONDS);
    cluster_give_back(&c, 1);
    cluster_run(&c, 2000 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[1].left, 1);
    ck_assert_int_eq(c.nodes[1].error, 0);
    ck_assert_uint_eq(c.nodes[0].members, 1);
    expect_same(0, 1);
    finish();
}
END_TEST

START_TEST(an_empty_state_is_one_too)
{
    setup(0);
    join(0);
    cluster_run(&c, 100 * MILLISECONDS);
    join(1);
    cluster_run(&c, 1000 * MILLISECONDS);
    ck_assert(apps[1].synced);
    ck_assert_uint_eq(apps[1].begun, 1); /* it has a beginning */
    finish();
}
END_TEST

/* ---- Failure ---------------------------------------------------------------------------- */

static void expect_failure(void)
{
    join(0);
    cluster_run(&c, 100 * MILLISECONDS);
    join(1);
    talk(50, MILLISECONDS);
    cluster_run(&c, 3000 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[1].left, 1);
    ck_assert_int_eq(c.nodes[1].error, GCS_ESTATE);
    ck_assert_int_eq(apps[0].end_error, GCS_ESTATE);
    ck_assert_uint_eq(apps[0].ended, 1);
    ck_assert(c.nodes[0].primary); /* the group does not notice */
    ck_assert_uint_eq(c.nodes[0].members, 1);
    finish();
}

START_TEST(a_donor_that_has_none_to_give)
{
    setup(1000);
    refuse = true;
    expect_failure();
}
END_TEST

START_TEST(a_source_that_fails)
{
    setup(500000);
    gift_broken_at = 300000;
    expect_failure();
}
END_TEST

START_TEST(a_source_that_lies_about_its_length)
{
    static const uint64_t lies[] = {99999, 100001, 1, 1 << 30};
    for (size_t i = 0; i < SUITE_SIZE(lies); i++) {
        setup(100000);
        gift_said = lies[i];
        expect_failure();
    }
}
END_TEST

START_TEST(nobody_can_be_given_what_it_does_not_wait_for)
{
    struct gcs_state_source source = {.read = read_gift};
    setup(1000);
    join(0);
    cluster_run(&c, 100 * MILLISECONDS);
    join(1);
    cluster_run(&c, 2000 * MILLISECONDS);
    struct gcs_member_id id = member(0, 1)->id;
    ck_assert_int_eq(gcs_core_state_offer(c.nodes[0].group, &id, &source), GCS_ENOTMEMBER);
    source.read = NULL;
    ck_assert_int_eq(gcs_core_state_offer(c.nodes[0].group, &id, &source), GCS_EINVAL);
    finish();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        who_joins_gets_the_state_and_then_a_vote,
        both_sides_can_see_how_far_it_is,
        the_size_is_told_if_it_is_known,
        until_it_has_the_state_it_has_no_vote,
        bad_weather_changes_nothing,
        another_donor_takes_over,
        too_much_meanwhile_and_it_begins_anew,
        a_state_that_would_come_too_late_makes_haste,
        private_messages_wait_for_the_state,
        private_messages_go_with_a_membership_that_ends,
        a_slow_joiner_does_not_pile_up_pieces,
        who_catches_up_is_waited_for_by_nobody,
        what_waits_has_its_bound_also_then,
        who_leaves_before_it_has_caught_up_is_told_everything_first,
        an_empty_state_is_one_too,
        a_donor_that_has_none_to_give,
        a_source_that_fails,
        a_source_that_lies_about_its_length,
        nobody_can_be_given_what_it_does_not_wait_for,
    };
    return suite_run("core_state", tests, SUITE_SIZE(tests));
}
