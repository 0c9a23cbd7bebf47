/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An order of one's own: what order.h asks for is all that a group needs. The toy goes round
 * the table: the first packet of each member by rank, then the second of each, and so on.
 * Whoever is behind somebody's message sends packets with nothing in them to catch up.
 */
#include "gcs/base/memory.h"
#include "gcs/group.h"
#include "gcs/order/silent.h"
#include "tests/unit/cluster.h"
#include "tests/unit/suite.h"

enum { TOY = 77 };

struct toy {
    struct gcs_order_engine engine;
    const struct gcs_allocator *allocator;
    uint16_t members, self;
    bool finished, hole;
    uint64_t arrived[CLUSTER_MAX];
    uint64_t cuts[CLUSTER_MAX];
    bool alive[CLUSTER_MAX];
    uint64_t wanted; /* somebody's message has this number */
    uint64_t number; /* next */
    uint16_t rank;
};

static struct gcs_order_engine *toy_open(const struct gcs_order_config *config);

static void toy_close(struct gcs_order_engine *engine)
{
    gcs_release(((struct toy *)engine)->allocator, engine);
}

static int toy_arrive(struct gcs_order_engine *engine, uint16_t rank, uint64_t number, bool member,
                      const uint8_t *info, size_t size)
{
    struct toy *toy = (struct toy *)engine;
    ck_assert(!info && size == 0);
    toy->arrived[rank] = number;
    if (member && number > toy->wanted)
        toy->wanted = number;
    return 0;
}

static bool toy_pending(const struct gcs_order_engine *engine)
{
    const struct toy *toy = (const struct toy *)engine;
    return !toy->finished && toy->arrived[toy->self] < toy->wanted;
}

static void step(struct toy *toy)
{
    if (++toy->rank < toy->members)
        return;
    toy->rank = 0;
    toy->number++;
}

/* In the end: over what is not in the cut, and what may depend on it. */
static void skip(struct toy *toy)
{
    uint64_t last = 0;
    for (uint16_t rank = 0; rank < toy->members; rank++)
        last = toy->cuts[rank] > last ? toy->cuts[rank] : last;
    for (; toy->number <= last; step(toy)) {
        bool there = toy->number <= toy->cuts[toy->rank];
        toy->hole |= !there && !toy->alive[toy->rank];
        if (there && (toy->alive[toy->rank] || !toy->hole))
            return;
    }
}

static bool toy_peek(const struct gcs_order_engine *engine, struct gcs_order_next *next)
{
    const struct toy *toy = (const struct toy *)engine;
    *next = (struct gcs_order_next){toy->rank, toy->number, toy->number * toy->members + toy->rank};
    return toy->number <= toy->arrived[toy->rank];
}

static void toy_pop(struct gcs_order_engine *engine)
{
    struct toy *toy = (struct toy *)engine;
    step(toy);
    if (toy->finished)
        skip(toy);
}

static uint64_t toy_known(const struct gcs_order_engine *engine)
{
    const struct toy *toy = (const struct toy *)engine;
    return (toy->wanted + 1) * toy->members;
}

static void toy_finish(struct gcs_order_engine *engine, const uint64_t *cut, const bool *survives)
{
    struct toy *toy = (struct toy *)engine;
    memcpy(toy->cuts, cut, toy->members * sizeof(*cut));
    memcpy(toy->alive, survives, toy->members * sizeof(*survives));
    toy->finished = true;
    skip(toy);
}

static bool toy_safe(const struct gcs_order_engine *engine, uint64_t position)
{
    (void)position;
    return ((const struct toy *)engine)->finished; /* it knows no better: at the end of the view */
}

static const struct gcs_order_ops toy_ops = {
    .name = "toy",
    .open = toy_open,
    .close = toy_close,
    .arrive = toy_arrive,
    .pending = toy_pending,
    .crowded = gcs_order_never,
    .announce = gcs_order_announce_nothing,
    .write_ack = gcs_order_write_no_ack,
    .read_ack = gcs_order_read_no_ack,
    .owes_ack = gcs_order_never,
    .peek = toy_peek,
    .pop = toy_pop,
    .known = toy_known,
    .safe = toy_safe,
    .freeze = gcs_order_freeze_nothing,
    .finish = toy_finish,
};

static struct gcs_order_engine *toy_open(const struct gcs_order_config *config)
{
    struct toy *toy = gcs_allocate(config->allocator, 1, sizeof(*toy));
    if (!toy)
        return NULL;
    toy->engine.ops = &toy_ops;
    toy->allocator = config->allocator;
    toy->members = config->view->count;
    toy->self = config->view->self;
    toy->number = 1;
    return &toy->engine;
}

static const struct gcs_order_ops *find(unsigned order)
{
    return order == TOY ? &toy_ops : NULL;
}

/* ---- The group -------------------------------------------------------------------------- */

static struct cluster c;
static unsigned wanted;

static bool all_there(const struct cluster *cluster)
{
    return cluster_is_view(cluster, wanted);
}

static void start(unsigned count)
{
    cluster_init(&c);
    c.group_config.order = (enum gcs_order)TOY;
    for (wanted = 1; wanted <= count; wanted++) {
        ck_assert_int_eq(cluster_open(&c, wanted - 1), 0);
        c.nodes[wanted - 1].core->find_order = find;
        ck_assert_int_eq(cluster_join(&c, wanted - 1), 0);
        ck_assert(cluster_until(&c, all_there, 2000 * MILLISECONDS));
    }
    cluster_run(&c, 2000 * MILLISECONDS);
}

START_TEST(a_group_runs_on_an_order_that_is_registered)
{
    enum { EACH = 50 };
    start(3);
    for (uint32_t n = 0; n < EACH; n++) {
        for (unsigned i = 0; i < 3; i++)
            ck_assert_int_eq(cluster_say(&c, i, GCS_AGREED, n, 8 + n * 11), 0);
        cluster_run(&c, CLUSTER_LATENCY * (n % 3));
    }
    ck_assert_int_eq(cluster_say(&c, 2, GCS_AGREED, EACH, 8), 0); /* the others catch up */
    cluster_run(&c, 200 * MILLISECONDS);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(c.nodes[i].count, 3 * EACH + 1);
    ck_assert(cluster_agrees(&c));
    cluster_stop(&c);
}
END_TEST

START_TEST(and_its_closing_order_is_that_of_the_view_change)
{
    start(3);
    ck_assert_int_eq(cluster_say(&c, 0, GCS_SAFE, 0, 8), 0); /* waits for the end of the view */
    ck_assert_int_eq(cluster_say(&c, 1, GCS_AGREED, 0, 8), 0);
    cluster_run(&c, 50 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[0].count, 0);
    ck_assert_int_eq(cluster_open(&c, 3), 0);
    c.nodes[3].core->find_order = find;
    ck_assert_int_eq(cluster_join(&c, 3), 0);
    wanted = 4;
    ck_assert(cluster_until(&c, all_there, 2000 * MILLISECONDS));
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(c.nodes[i].count, 2);
    cluster_stop(&c);
}
END_TEST

START_TEST(an_order_that_nobody_knows_is_refused)
{
    cluster_init(&c);
    c.group_config.order = (enum gcs_order)TOY;
    ck_assert_int_eq(cluster_open(&c, 0), 0);
    ck_assert_int_eq(cluster_join(&c, 0), GCS_EOPTION);
    cluster_stop(&c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_group_runs_on_an_order_that_is_registered,
        and_its_closing_order_is_that_of_the_view_change,
        an_order_that_nobody_knows_is_refused,
    };
    return suite_run("toy order", tests, SUITE_SIZE(tests));
}
