/* SPDX-License-Identifier: BSD-3-Clause */
/* The FIFO order: each sender's packets by number, nobody waits for anybody else. */
#include "gcs/base/prng.h"
#include "gcs/order/order.h"
#include "tests/unit/scarce.h"
#include "tests/unit/suite.h"
#include "tests/unit/voters.h"

enum { MEMBERS = 4 };

static struct scarce memory;
static struct voters voters;
static struct gcs_order_engine *engine;
static struct gcs_order_next next;

static void setup(void)
{
    scarce_init(&memory);
    struct gcs_order_config config = {.allocator = &memory.allocator,
                                      .view = voters_init(&voters, MEMBERS, 1)};
    engine = gcs_order_fifo.open(&config);
    ck_assert_ptr_nonnull(engine);
    ck_assert_ptr_eq(engine->ops, &gcs_order_fifo);
}

static void teardown(void)
{
    engine->ops->close(engine);
    ck_assert_uint_eq(memory.live, 0);
}

static void arrive(uint16_t rank, uint64_t number, bool member)
{
    ck_assert_int_eq(engine->ops->arrive(engine, rank, number, member, NULL, 0), 0);
}

static bool peek(void)
{
    return engine->ops->peek(engine, &next);
}

START_TEST(a_packet_is_next_as_soon_as_it_is_there)
{
    setup();
    ck_assert(!peek());
    arrive(2, 1, true);
    ck_assert(peek());
    ck_assert_uint_eq(next.rank, 2);
    ck_assert_uint_eq(next.number, 1);
    ck_assert(peek()); /* looking takes nothing away */
    ck_assert_uint_eq(next.number, 1);
    engine->ops->pop(engine);
    ck_assert(!peek());
    engine->ops->pop(engine); /* nothing to pop: no effect */
    arrive(2, 2, true);
    ck_assert(peek());
    ck_assert_uint_eq(next.number, 2);
    teardown();
}
END_TEST

START_TEST(packets_of_other_orders_are_passed_over_without_memory_of_them)
{
    setup();
    for (uint64_t number = 1; number <= 1000; number++)
        arrive(0, number, false);
    ck_assert(!peek());
    arrive(0, 1001, true);
    ck_assert(peek());
    ck_assert_uint_eq(next.number, 1001);
    teardown();
}
END_TEST

START_TEST(it_says_nothing_and_owes_nothing)
{
    uint8_t bytes[32];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    struct gcs_reader r = gcs_reader_over(bytes, 0);
    setup();
    arrive(0, 1, true);
    ck_assert(!engine->ops->pending(engine));
    engine->ops->announce(engine, 1, true, &w);
    engine->ops->write_ack(engine, &w);
    ck_assert_uint_eq(gcs_writer_size(&w), 0);
    ck_assert(engine->ops->read_ack(engine, 0, NULL, &r));
    ck_assert(!engine->ops->owes_ack(engine));
    ck_assert(engine->ops->safe(engine, 1));
    teardown();
}
END_TEST

/* Everything arrived comes, per sender in order; members of the order all of them, others perhaps.
 */
static void run_any(struct gcs_prng *prng, bool finish)
{
    uint64_t arrived[MEMBERS] = {0}, came[MEMBERS] = {0}, wanted = 0, wanted_came = 0;
    static bool member[MEMBERS][400];
    const bool survives[MEMBERS] = {true, false, true, false};
    while (arrived[0] + arrived[1] + arrived[2] + arrived[3] < 300) {
        uint16_t rank = (uint16_t)gcs_prng_below(prng, MEMBERS);
        uint64_t number = ++arrived[rank];
        member[rank][number] = gcs_prng_chance(prng, 600000);
        wanted += member[rank][number];
        arrive(rank, number, member[rank][number]);
        while (gcs_prng_chance(prng, 450000) && peek()) {
            ck_assert_uint_gt(next.number, came[next.rank]);
            for (uint64_t skipped = came[next.rank] + 1; skipped < next.number; skipped++)
                ck_assert(!member[next.rank][skipped]);
            came[next.rank] = next.number;
            wanted_came += member[next.rank][next.number];
            engine->ops->pop(engine);
        }
    }
    if (finish)
        engine->ops->finish(engine, arrived, survives);
    while (peek()) {
        ck_assert_uint_gt(next.number, came[next.rank]);
        ck_assert_uint_le(next.number, arrived[next.rank]);
        came[next.rank] = next.number;
        wanted_came += member[next.rank][next.number];
        engine->ops->pop(engine);
    }
    ck_assert_uint_eq(wanted_came, wanted);
}

START_TEST(any_arrival_comes_in_senders_order)
{
    struct gcs_prng prng;
    gcs_prng_init(&prng, 10);
    for (unsigned run = 0; run < 200; run++) {
        setup();
        run_any(&prng, run % 2);
        teardown();
    }
}
END_TEST

START_TEST(every_sender_has_its_turn)
{
    setup();
    for (uint64_t number = 1; number <= 50; number++)
        for (uint16_t rank = 0; rank < MEMBERS; rank++)
            arrive(rank, number, true);
    uint64_t came[MEMBERS] = {0};
    for (unsigned i = 0; i < 50 * MEMBERS; i++) {
        ck_assert(peek());
        came[next.rank]++;
        engine->ops->pop(engine);
    }
    for (uint16_t rank = 0; rank < MEMBERS; rank++)
        ck_assert_uint_eq(came[rank], 50);
    ck_assert(!peek());
    teardown();
}
END_TEST

START_TEST(after_a_promise_and_at_the_end_all_of_the_cut_comes)
{
    const uint64_t cut[MEMBERS] = {2, 1, 0, 1};
    const bool survives[MEMBERS] = {true, true, false, false};
    setup();
    arrive(0, 1, true);
    engine->ops->freeze(engine);
    arrive(0, 2, true);
    arrive(1, 1, true);
    arrive(3, 1, true); /* of a dead sender, but everybody holds it */
    engine->ops->finish(engine, cut, survives);
    unsigned came = 0;
    for (; peek(); came++)
        engine->ops->pop(engine);
    ck_assert_uint_eq(came, 4);
    teardown();
}
END_TEST

START_TEST(without_memory_there_is_no_engine)
{
    scarce_init(&memory);
    struct gcs_order_config config = {.allocator = &memory.allocator,
                                      .view = voters_init(&voters, MEMBERS, 0)};
    for (uint64_t nth = 1; nth <= 2; nth++) {
        scarce_fail(&memory, nth, false);
        ck_assert_ptr_null(gcs_order_fifo.open(&config));
        ck_assert_uint_eq(memory.live, 0);
    }
}
END_TEST

START_TEST(total_orders_are_found_by_number)
{
    ck_assert_ptr_eq(gcs_order_find(GCS_ORDER_SEQUENCER), &gcs_order_sequencer);
    ck_assert_ptr_null(gcs_order_find(0));
    ck_assert_ptr_null(gcs_order_find(255));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_packet_is_next_as_soon_as_it_is_there,
        packets_of_other_orders_are_passed_over_without_memory_of_them,
        it_says_nothing_and_owes_nothing,
        any_arrival_comes_in_senders_order,
        every_sender_has_its_turn,
        after_a_promise_and_at_the_end_all_of_the_cut_comes,
        without_memory_there_is_no_engine,
        total_orders_are_found_by_number,
    };
    return suite_run("fifo", tests, SUITE_SIZE(tests));
}
