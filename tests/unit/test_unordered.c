/* SPDX-License-Identifier: BSD-3-Clause */
/* No order: a packet behind a gap is next once a quorum holds it and what is missing. */
#include "gcs/order/order.h"
#include "tests/unit/scarce.h"
#include "tests/unit/suite.h"
#include "tests/unit/voters.h"

enum { MEMBERS = 5 };

static struct scarce memory;
static struct voters voters;
static struct gcs_order_engine *engine;
static struct gcs_order_next next;

static void setup(void)
{
    scarce_init(&memory);
    struct gcs_order_config config = {.allocator = &memory.allocator,
                                      .view = voters_init(&voters, MEMBERS, 0)};
    engine = gcs_order_unordered.open(&config);
    ck_assert_ptr_nonnull(engine);
}

static void teardown(void)
{
    engine->ops->close(engine);
    ck_assert_uint_eq(memory.live, 0);
}

static void arrive(uint64_t number)
{
    ck_assert_int_eq(engine->ops->arrive(engine, 1, number, true, NULL, 0), 0);
}

static void early(uint64_t number)
{
    ck_assert_int_eq(engine->ops->arrive_early(engine, 1, number), 0);
}

/* A member acknowledges so many packets of rank 1. */
static void acknowledge(uint16_t rank, uint64_t number)
{
    uint64_t held[MEMBERS] = {0, number, 0, 0, 0};
    struct gcs_reader none = {0};
    ck_assert(engine->ops->read_ack(engine, rank, held, &none));
}

/* The next packet is that one of rank 1; it is taken. */
static void expect(uint64_t number)
{
    ck_assert(engine->ops->peek(engine, &next));
    ck_assert_uint_eq(next.rank, 1);
    ck_assert_uint_eq(next.number, number);
    engine->ops->pop(engine);
}

static bool none(void)
{
    return !engine->ops->peek(engine, &next);
}

START_TEST(without_gaps_it_is_as_fifo)
{
    setup();
    arrive(1);
    arrive(2);
    expect(1);
    expect(2);
    ck_assert(none());
    teardown();
}
END_TEST

START_TEST(behind_a_gap_a_quorum_is_needed)
{
    setup();
    arrive(1);
    expect(1);
    early(3);
    ck_assert(none());
    acknowledge(2, 3); /* with the sender two of five */
    ck_assert(none());
    acknowledge(3, 2); /* it lacks the packet itself */
    ck_assert(none());
    acknowledge(3, 3);
    expect(3);
    ck_assert(none());
    teardown();
}
END_TEST

START_TEST(nothing_comes_twice)
{
    setup();
    early(2);
    early(4);
    acknowledge(2, 9);
    acknowledge(3, 9);
    expect(2);
    expect(4);
    arrive(1); /* the gap is filled, and what came early is behind it */
    arrive(2);
    arrive(3);
    arrive(4);
    arrive(5);
    expect(1);
    expect(3);
    expect(5);
    ck_assert(none());
    teardown();
}
END_TEST

START_TEST(what_was_not_early_comes_when_the_gap_is_filled)
{
    setup();
    early(2);
    ck_assert(none());
    arrive(1);
    arrive(2);
    expect(1);
    expect(2);
    ck_assert(none());
    teardown();
}
END_TEST

START_TEST(the_end_brings_the_rest_of_the_cut)
{
    static const uint64_t cut[MEMBERS] = {0, 3, 0, 0, 0};
    static const bool survives[MEMBERS] = {true, false, true, true, true};
    setup();
    early(2);
    early(4);
    acknowledge(2, 2);
    acknowledge(3, 2);
    expect(2);
    arrive(1);
    arrive(2);
    arrive(3);
    engine->ops->finish(engine, cut, survives);
    expect(1);
    expect(3);
    ck_assert(none()); /* 4 is not in the cut */
    teardown();
}
END_TEST

START_TEST(what_comes_early_is_bounded)
{
    setup();
    for (uint64_t number = 2; number < 200; number++)
        early(number);
    acknowledge(2, 999);
    acknowledge(3, 999);
    unsigned count = 0;
    for (; !none(); count++)
        engine->ops->pop(engine);
    ck_assert_uint_eq(count, 64);
    for (uint64_t number = 1; number < 200; number++)
        arrive(number);
    for (; !none(); count++)
        engine->ops->pop(engine);
    ck_assert_uint_eq(count, 199);
    teardown();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        without_gaps_it_is_as_fifo,
        behind_a_gap_a_quorum_is_needed,
        nothing_comes_twice,
        what_was_not_early_comes_when_the_gap_is_filled,
        the_end_brings_the_rest_of_the_cut,
        what_comes_early_is_bounded,
    };
    return suite_run("unordered", tests, SUITE_SIZE(tests));
}
