/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Out of memory. One short life of a group is lived again and again; each time
 * one member is refused another one of its allocations, or that one and all after
 * it. It must get an error, or be told that its membership has ended, or go on as
 * if nothing had happened; the others must go on, and nothing may be left behind.
 */
#include "tests/unit/cluster.h"
#include "tests/unit/suite.h"

/* ctest-timeout: 300 */

static struct cluster c;

struct need {
    unsigned node; /* who is refused memory */
    uint64_t nth;
    bool for_good;
    unsigned errors; /* that it was returned */
    unsigned leaver; /* has been asked to leave; CLUSTER_MAX: nobody yet */
};

/* ---- One life ---------------------------------------------------------------------------- */

/* The only error that memory can cause; others are the consequence of having lost the membership.
 */
static void note(struct need *need, unsigned i, int result)
{
    bool bad = i == need->node ? result < 0 && result != GCS_ENOMEM && result != GCS_ENOTMEMBER &&
                                     result != GCS_ENOPRIMARY && result != GCS_EALREADY
                               : result < 0;
    if (bad)
        ck_abort_msg("node %u: %s (node %u refused allocation %u)", i, gcs_strerror(result),
                     need->node, (unsigned)need->nth);
    need->errors += result < 0;
}

static unsigned wanted;

static bool is_settled(const struct cluster *cluster)
{
    unsigned members = 0;
    for (unsigned i = 0; i < cluster->count; i++)
        members += cluster->nodes[i].group != NULL;
    return cluster_is_view(cluster, members) && members <= wanted;
}

static void settle(unsigned members)
{
    wanted = members;
    cluster_until(&c, is_settled, 8000 * MILLISECONDS);
}

static void open_and_join(struct need *need, unsigned i)
{
    scarce_init(&c.nodes[i].memory);
    if (i == need->node)
        scarce_fail(&c.nodes[i].memory, need->nth, need->for_good);
    int result = cluster_open(&c, i);
    note(need, i, result);
    if (result < 0)
        return;
    note(need, i, cluster_join(&c, i));
    settle(i + 1);
}

static void talk(struct need *need, uint32_t messages)
{
    static const enum gcs_service services[] = {GCS_AGREED, GCS_SAFE, GCS_FIFO};
    for (uint32_t n = 0; n < messages; n++) {
        for (unsigned i = 0; i < c.count; i++) {
            struct cluster_node *node = &c.nodes[i];
            if (!node->primary || i == need->leaver)
                continue;
            note(need, i, cluster_say(&c, i, services[n % 3], n, n % 7 == 5 ? 5000 : 300));
            const struct gcs_view *view = gcs_core_view(node->group);
            note(need, i,
                 gcs_core_send(node->group, c.now, &view->members[n % view->count].id, "private",
                               7));
        }
        cluster_run(&c, CLUSTER_LATENCY / 2);
    }
    cluster_run(&c, 50 * MILLISECONDS);
}

static void live(struct need *need)
{
    cluster_init(&c);
    for (unsigned i = 0; i < 3; i++)
        open_and_join(need, i);
    talk(need, 12);
    if (c.nodes[2].group)
        note(need, 2, gcs_core_leave(c.nodes[2].group, c.now));
    need->leaver = 2;
    cluster_run(&c, 100 * MILLISECONDS);
    settle(2);
    talk(need, 6);
    cluster_run(&c, 1000 * MILLISECONDS);
}

/* Memory is there again: whoever is still a member must be of use again. */
static void recover(struct need *need)
{
    for (unsigned i = 0; i < 3; i++)
        c.nodes[i].memory.fail_at = 0;
    cluster_run(&c, 3000 * MILLISECONDS);
    settle(2);
    talk(need, 6);
    cluster_run(&c, 1000 * MILLISECONDS);
}

/* ---- What must hold afterwards -----------------------------------------------------------------
 */

static bool has(const struct cluster_node *node, const struct cluster_message *m, size_t from)
{
    for (size_t k = from; k < node->count; k++)
        if (node->messages[k].sender == m->sender && node->messages[k].number == m->number)
            return true;
    return false;
}

/* What both were told in a total order, they were told in the same order. */
static void check_order(const struct cluster_node *a, const struct cluster_node *b)
{
    size_t at = 0;
    for (size_t k = 0; k < a->count; k++) {
        const struct cluster_message *m = &a->messages[k];
        if (m->service == GCS_FIFO || !has(b, m, 0))
            continue;
        if (!has(b, m, at))
            ck_abort_msg("two orders");
        while (b->messages[at].sender != m->sender || b->messages[at].number != m->number)
            at++;
    }
}

static void check_outcome(const struct need *need)
{
    unsigned in = 0;
    size_t count = 0;
    for (unsigned i = 0; i < 3; i++)
        for (unsigned k = 0; k < 3; k++)
            check_order(&c.nodes[i], &c.nodes[k]);
    for (unsigned i = 0; i < 3; i++) {
        const struct cluster_node *node = &c.nodes[i];
        if (node->group && node->members == 0 && c.nodes[0].primary)
            ck_abort_msg("node %u waits for ever (node %u refused allocation %u)", i, need->node,
                         (unsigned)need->nth);
        in += node->primary;
    }
    for (unsigned i = 0; i < 3; i++) { /* the last words were heard by all who are left */
        const struct cluster_node *node = &c.nodes[i];
        if (!node->primary)
            continue;
        uint32_t last = node->count ? node->messages[node->count - 1].epoch : 0;
        if (node->members != in || last != node->epoch || (count > 0 && node->privates == 0))
            ck_abort_msg("node %u: %u members, %u are left; view %u, last heard in %u (node %u "
                         "refused allocation %u)",
                         i, node->members, in, node->epoch, last, need->node, (unsigned)need->nth);
        count = node->count;
    }
}

/* Returns false when the life takes less than nth allocations. */
static bool live_in_need(unsigned node, uint64_t nth, bool for_good)
{
    struct need need = {.node = node, .nth = nth, .for_good = for_good, .leaver = CLUSTER_MAX};
    live(&need);
    bool refused = c.nodes[node].memory.refused > 0;
    recover(&need);
    check_outcome(&need);
    cluster_stop(&c);
    return refused;
}

START_TEST(any_one_allocation_may_be_refused)
{
    for (unsigned node = 0; node < 3; node++) {
        uint64_t nth = 1;
        while (live_in_need(node, nth, false))
            nth++;
        ck_assert_uint_gt(nth, 50); /* a life that takes less would not test much */
    }
}
END_TEST

START_TEST(memory_may_run_out_at_any_time)
{
    for (unsigned node = 0; node < 3; node++) {
        uint64_t nth = 1;
        while (live_in_need(node, nth, true))
            nth += 3;
    }
}
END_TEST

/* ---- Joining with state, and coming back
 * ---------------------------------------------------------- */

enum { STATE_BYTES = 20000, AWAY = 2 };

static unsigned offered, released;
static uint64_t got;
static bool cut;

static int64_t read_state(void *ctx, uint64_t offset, void *data, size_t size)
{
    (void)ctx;
    uint64_t left = offset < STATE_BYTES ? STATE_BYTES - offset : 0;
    if (size > left)
        size = (size_t)left;
    memset(data, 7, size);
    return (int64_t)size;
}

static void release_state(void *ctx)
{
    (void)ctx;
    released++;
}

static void watch_state(struct cluster_node *node, const struct gcs_core_event *event)
{
    struct gcs_state_source source = {NULL, read_state, release_state, STATE_BYTES};
    if (event->type == GCS_EVENT_STATE_WANTED)
        offered += gcs_core_state_offer(node->group, event->sender, &source) == 0;
    if (event->type == GCS_EVENT_STATE)
        got = event->offset + event->payload_size;
    if (event->type == GCS_EVENT_STATE_END && event->error == 0 && event->total > 0)
        ck_assert_uint_eq(got, STATE_BYTES);
}

static enum cluster_fate part(void *ctx, const struct cluster_flight *flight)
{
    (void)ctx;
    return cut && (flight->from == AWAY || flight->to == AWAY) ? CLUSTER_LOSE : CLUSTER_PASS;
}

/* Afterwards everybody is in the view, or was told the end of its membership. */
static void expect_clear_outcome(const struct need *need)
{
    unsigned in = 0;
    for (unsigned i = 0; i < c.count; i++)
        in += c.nodes[i].group != NULL;
    for (unsigned i = 0; i < c.count; i++) {
        const struct cluster_node *node = &c.nodes[i];
        bool lost = !node->group && node->left == 1 &&
                    (node->error == GCS_ENOMEM || node->error == GCS_ESTATE);
        const struct gcs_view *view = node->group ? gcs_core_view(node->group) : NULL;
        bool joined =
            node->primary && node->members == in && view && !view->members[view->self].syncing;
        bool waits = node->group && !c.nodes[0].group; /* for the only one that had the state */
        if (!lost && !joined && !waits)
            ck_abort_msg("node %u: %u of %u members, left %u times, %s (node %u refused "
                         "allocation %u)",
                         i, node->members, in, node->left, gcs_strerror(node->error), need->node,
                         (unsigned)need->nth);
    }
}

/* Node 1 joins while there is talk. Returns whether anything was refused. */
static bool get_state_in_need(unsigned node, uint64_t nth, bool for_good)
{
    struct need need = {.node = node, .nth = nth, .leaver = CLUSTER_MAX};
    cluster_init(&c);
    c.group_config.state = true;
    c.group_config.state_queue_bytes = 8192;
    c.group_config.tie_breaker = true; /* so that the first can go on alone */
    c.watch = watch_state;
    offered = released = 0;
    got = 0;
    cluster_start(&c, 1);
    ck_assert_int_eq(cluster_open(&c, 1), 0);
    ck_assert_int_eq(cluster_join(&c, 1), 0);
    scarce_fail(&c.nodes[node].memory, nth, for_good);
    for (uint32_t n = 0; n < 12; n++) {
        if (c.nodes[0].primary)
            (void)cluster_say(&c, 0, n % 2 ? GCS_AGREED : GCS_FIFO, n, 900);
        const struct gcs_view *view = c.nodes[0].primary ? gcs_core_view(c.nodes[0].group) : NULL;
        if (view && view->count > 1)
            (void)gcs_core_send(c.nodes[0].group, c.now, &view->members[1].id, "private", 7);
        cluster_run(&c, CLUSTER_LATENCY);
    }
    cluster_run(&c, 500 * MILLISECONDS);
    bool refused = c.nodes[node].memory.refused > 0;
    scarce_fail(&c.nodes[node].memory, 0, false);
    cluster_run(&c, 5000 * MILLISECONDS);
    expect_clear_outcome(&need);
    cluster_stop(&c);
    ck_assert_uint_eq(released, offered);
    return refused;
}

START_TEST(a_state_may_come_without_memory)
{
    for (unsigned node = 0; node < 2; node++) {
        for (int for_good = 0; for_good < 2; for_good++) {
            uint64_t nth = 1;
            while (get_state_in_need(node, nth, for_good))
                nth++;
            ck_assert_uint_gt(nth, 10);
        }
    }
}
END_TEST

static bool come_back_in_need(uint64_t nth, bool for_good)
{
    struct need need = {.node = AWAY, .nth = nth, .leaver = CLUSTER_MAX};
    cluster_init(&c);
    c.group_config.state = true;
    c.group_config.rejoin = true;
    c.group_config.window_packets = 16;
    c.watch = watch_state;
    c.fate = part;
    offered = released = 0;
    cut = false;
    cluster_start(&c, 3);
    cut = true;
    for (uint32_t n = 0; n < 30; n++)
        (void)cluster_say(&c, AWAY, GCS_AGREED, n, 1100);
    cluster_run(&c, 4000 * MILLISECONDS);
    cut = false;
    scarce_fail(&c.nodes[AWAY].memory, nth, for_good);
    cluster_run(&c, 3000 * MILLISECONDS);
    bool refused = c.nodes[AWAY].memory.refused > 0;
    scarce_fail(&c.nodes[AWAY].memory, 0, false);
    cluster_run(&c, 3000 * MILLISECONDS);
    expect_clear_outcome(&need);
    cluster_stop(&c);
    ck_assert_uint_eq(released, offered);
    return refused;
}

START_TEST(who_comes_back_may_run_out_of_memory)
{
    for (int for_good = 0; for_good < 2; for_good++) {
        uint64_t nth = 1;
        while (come_back_in_need(nth, for_good))
            nth++;
        ck_assert_uint_gt(nth, 10);
    }
}
END_TEST

/* ---- The end is told, whatever happens
 * ------------------------------------------------------------ */

/* Memory runs out with so many messages on their way: the queue of events cannot grow. */
static void run_out_with(unsigned backlog)
{
    struct gcs_core_event event;
    unsigned delivered = 0, lefts = 0;
    cluster_init(&c);
    cluster_start(&c, 1);
    struct cluster_node *node = &c.nodes[0];
    ck_assert_int_eq(cluster_say(&c, 0, GCS_AGREED, 0, 1000), 0);
    cluster_run(&c, 10 * MILLISECONDS); /* window and orders have their memory */
    for (uint32_t n = 0; n < backlog; n++)
        ck_assert_int_eq(cluster_say(&c, 0, GCS_AGREED, n, 1000), 0);
    scarce_fail(&node->memory, 1, true);
    for (unsigned round = 0; round < 5; round++)
        gcs_core_advance(node->core, c.now);
    scarce_fail(&node->memory, 0, false);
    while (gcs_core_next_event(node->core, &event)) {
        delivered += event.type == GCS_EVENT_DELIVER;
        lefts += event.type == GCS_EVENT_LEFT;
        ck_assert(event.type != GCS_EVENT_LEFT || event.error == GCS_ENOMEM);
        gcs_core_consumed(node->core, &event);
        gcs_core_advance(node->core, c.now);
    }
    ck_assert_msg(lefts == (delivered < backlog), "%u of %u delivered, the end was told %u times",
                  delivered, backlog, lefts);
    node->group = NULL;
    cluster_stop(&c);
}

START_TEST(the_end_is_told_also_when_the_queue_is_full)
{
    for (unsigned backlog = 1; backlog < 200; backlog++)
        run_out_with(backlog);
}
END_TEST

START_TEST(a_join_that_fails_leaves_nothing)
{
    uint64_t nth = 0;
    int result = GCS_ENOMEM;
    cluster_init(&c);
    ck_assert_int_eq(cluster_open(&c, 0), 0);
    while (result < 0) {
        uint64_t live = c.nodes[0].memory.live;
        scarce_fail(&c.nodes[0].memory, ++nth, false);
        result = cluster_join(&c, 0);
        if (result < 0) {
            ck_assert_int_eq(result, GCS_ENOMEM);
            ck_assert_uint_le(c.nodes[0].memory.live, live + 1); /* the queue of events is kept */
        }
    }
    ck_assert_uint_gt(nth, 1);
    scarce_fail(&c.nodes[0].memory, 0, false);
    cluster_run(&c, 100 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[0].members, 1);
    cluster_stop(&c);
}
END_TEST

START_TEST(a_core_that_cannot_be_made_leaves_nothing)
{
    int result = GCS_ENOMEM;
    for (uint64_t nth = 1; result < 0; nth++) {
        cluster_init(&c);
        scarce_init(&c.nodes[0].memory);
        scarce_fail(&c.nodes[0].memory, nth, false);
        result = cluster_open(&c, 0);
        ck_assert(result == 0 || (result == GCS_ENOMEM && c.nodes[0].memory.live == 0));
        cluster_stop(&c);
    }
}
END_TEST

START_TEST(a_message_that_there_is_no_memory_for_is_refused)
{
    cluster_init(&c);
    cluster_start(&c, 2);
    for (uint32_t n = 0; n < 30; n++) {
        scarce_fail(&c.nodes[0].memory, 1, true);
        int result = cluster_say(&c, 0, GCS_AGREED, n, 20000);
        scarce_fail(&c.nodes[0].memory, 0, false);
        ck_assert(result == GCS_ENOMEM || n > 0); /* later there are buffers to use again */
        if (result != 0)
            result = cluster_say(&c, 0, GCS_AGREED, n, 20000);
        ck_assert_int_eq(result, 0);
        cluster_run(&c, 10 * MILLISECONDS);
    }
    ck_assert_uint_eq(c.nodes[1].count, 30);
    ck_assert_uint_eq(c.nodes[1].messages[29].number, 30);
    cluster_stop(&c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        any_one_allocation_may_be_refused,
        memory_may_run_out_at_any_time,
        a_state_may_come_without_memory,
        who_comes_back_may_run_out_of_memory,
        the_end_is_told_also_when_the_queue_is_full,
        a_join_that_fails_leaves_nothing,
        a_core_that_cannot_be_made_leaves_nothing,
        a_message_that_there_is_no_memory_for_is_refused,
    };
    return suite_run("core_memory", tests, SUITE_SIZE(tests));
}
