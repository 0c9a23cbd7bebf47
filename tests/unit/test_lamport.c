/* SPDX-License-Identifier: BSD-3-Clause */
/* Total order by clocks: when a packet is next, who confirms it, when it is safe, and the end. */
#include "gcs/order/order.h"
#include "gcs/wire/stamp.h"
#include "tests/unit/scarce.h"
#include "tests/unit/suite.h"
#include "tests/unit/voters.h"

enum { MEMBERS = 3, SELF = 1 };

static struct scarce memory;
static struct voters voters;
static struct gcs_order_engine *engine;
static struct gcs_order_next next;
static uint64_t numbers[MEMBERS]; /* packets so far */

static void setup(void)
{
    scarce_init(&memory);
    memset(numbers, 0, sizeof(numbers));
    struct gcs_order_config config = {.allocator = &memory.allocator,
                                      .view = voters_init(&voters, MEMBERS, SELF)};
    engine = gcs_order_lamport.open(&config);
    ck_assert_ptr_nonnull(engine);
}

static void teardown(void)
{
    engine->ops->close(engine);
    ck_assert_uint_eq(memory.live, 0);
}

static int arrive(uint16_t rank, bool member, struct gcs_stamp stamp)
{
    uint8_t bytes[64];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_stamp_write(&w, &stamp);
    return engine->ops->arrive(engine, rank, ++numbers[rank], member, bytes + GCS_FRAME_HEADER,
                               gcs_writer_size(&w) - GCS_FRAME_HEADER);
}

static void message(uint16_t rank, uint64_t clock)
{
    ck_assert_int_eq(arrive(rank, true, (struct gcs_stamp){.clock = clock}), 0);
}

static void null(uint16_t rank, uint64_t clock)
{
    ck_assert_int_eq(arrive(rank, false, (struct gcs_stamp){.clock = clock}), 0);
}

/* What this member would send now is sent, and arrives here. False: it has nothing to say. */
static bool send(bool member, struct gcs_stamp *stamp)
{
    uint8_t bytes[64];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    engine->ops->announce(engine, numbers[SELF] + 1, member, &w);
    if (gcs_writer_size(&w) == 0)
        return false;
    size_t size = gcs_writer_size(&w) - GCS_FRAME_HEADER;
    ck_assert(gcs_stamp_read(bytes + GCS_FRAME_HEADER, size, MEMBERS, stamp));
    ck_assert_int_eq(
        engine->ops->arrive(engine, SELF, ++numbers[SELF], member, bytes + GCS_FRAME_HEADER, size),
        0);
    return true;
}

static bool takes(uint16_t rank, uint64_t number)
{
    if (!engine->ops->peek(engine, &next) || next.rank != rank || next.number != number)
        return false;
    engine->ops->pop(engine);
    return true;
}

static bool none(void)
{
    return !engine->ops->peek(engine, &next);
}

static void acknowledge(uint16_t rank, uint64_t of0, uint64_t of1, uint64_t of2)
{
    uint64_t held[MEMBERS] = {of0, of1, of2};
    struct gcs_reader empty = {0};
    ck_assert(engine->ops->read_ack(engine, rank, held, &empty));
}

START_TEST(a_packet_is_next_when_all_are_heard_beyond_it)
{
    setup();
    message(0, 5);
    ck_assert(none());
    null(2, 4); /* its next one may have clock 5 as well, but comes behind by rank */
    ck_assert(takes(0, 1));
    message(2, 9);
    ck_assert(none());
    null(0, 8);
    ck_assert(none()); /* the next of rank 0 may have clock 9 and the lower rank */
    null(0, 9);
    ck_assert(takes(2, 2));
    ck_assert(none());
    teardown();
}
END_TEST

START_TEST(clocks_count_then_ranks)
{
    setup();
    message(2, 3);
    message(0, 4);
    message(2, 4);
    null(0, 9);
    null(2, 9);
    ck_assert(takes(2, 1));
    ck_assert(takes(0, 1));
    ck_assert(takes(2, 2));
    ck_assert(none());
    teardown();
}
END_TEST

START_TEST(one_null_confirms_a_burst)
{
    struct gcs_stamp stamp;
    setup();
    ck_assert(!engine->ops->pending(engine));
    for (uint64_t clock = 1; clock <= 20; clock++)
        message(0, clock);
    ck_assert(engine->ops->pending(engine));
    ck_assert(send(false, &stamp));
    ck_assert_uint_eq(stamp.clock, 21);
    ck_assert(!engine->ops->pending(engine));
    ck_assert(!send(false, &stamp)); /* and no more */
    null(0, 30);
    null(2, 31); /* nulls need no confirmation */
    ck_assert(!engine->ops->pending(engine));
    teardown();
}
END_TEST

START_TEST(who_sends_needs_no_nulls)
{
    struct gcs_stamp stamp;
    setup();
    for (int round = 0; round < 50; round++) {
        message(0, 2 * (uint64_t)round + 1);
        ck_assert(send(true, &stamp));
        ck_assert(!engine->ops->pending(engine));
    }
    teardown();
}
END_TEST

START_TEST(two_hops_make_it_safe)
{
    struct gcs_stamp stamp;
    setup();
    message(0, 2);
    acknowledge(0, 1, 0, 0); /* rides in the packet; own packets are held anyway */
    ck_assert(send(false, &stamp));
    null(2, 3);
    ck_assert(engine->ops->peek(engine, &next));
    ck_assert(engine->ops->safe(engine, next.position)); /* the sender and this member */
    teardown();
}
END_TEST

START_TEST(safe_needs_all_before_it_at_one_quorum)
{
    struct gcs_stamp stamp;
    setup();
    message(2, 1);
    message(0, 2);
    ck_assert(send(false, &stamp));
    null(0, 3);
    null(2, 4);
    acknowledge(0, 2, 0, 0); /* it lacks what comes before */
    ck_assert(takes(2, 1));
    ck_assert(engine->ops->peek(engine, &next));
    ck_assert(!engine->ops->safe(engine, next.position));
    acknowledge(2, 0, 0, 2); /* it lacks the packet */
    ck_assert(!engine->ops->safe(engine, next.position));
    acknowledge(0, 2, 0, 1);
    ck_assert(engine->ops->safe(engine, next.position));
    teardown();
}
END_TEST

START_TEST(the_end_is_by_clocks_and_drops_what_may_depend_on_what_is_lost)
{
    static const uint64_t cut[MEMBERS] = {2, 0, 1};
    static const bool survives[MEMBERS] = {false, true, false};
    setup();
    message(2, 3);
    message(0, 1); /* knows nothing */
    /* Its sender had delivered up to clock 4 of rank 2, which may be lost. */
    ck_assert_int_eq(arrive(0, true, (struct gcs_stamp){6, 4, 2}), 0);
    engine->ops->finish(engine, cut, survives);
    ck_assert(takes(0, 1));
    ck_assert(takes(2, 1));
    ck_assert(none());
    teardown();
}
END_TEST

START_TEST(survivors_packets_always_stay)
{
    static const uint64_t cut[MEMBERS] = {1, 0, 1};
    static const bool survives[MEMBERS] = {true, true, false};
    setup();
    message(2, 3);
    ck_assert_int_eq(arrive(0, true, (struct gcs_stamp){9, 8, 2}), 0);
    engine->ops->finish(engine, cut, survives);
    ck_assert(takes(2, 1));
    ck_assert(takes(0, 1));
    teardown();
}
END_TEST

START_TEST(senseless_stamps_are_worth_the_same_everywhere)
{
    setup();
    message(0, 7);
    ck_assert_int_eq(engine->ops->arrive(engine, 0, ++numbers[0], true, NULL, 0), GCS_EMALFORMED);
    ck_assert_int_eq(arrive(0, true, (struct gcs_stamp){.clock = 8}),
                     GCS_EMALFORMED); /* as before */
    null(2, 20);
    ck_assert(takes(0, 1));
    ck_assert_uint_eq(next.position >> 16, 7);
    ck_assert(takes(0, 2));
    ck_assert_uint_eq(next.position >> 16, 8);
    ck_assert(takes(0, 3));
    ck_assert_uint_eq(next.position >> 16, 9);
    teardown();
}
END_TEST

START_TEST(many_packets_take_no_more_memory_than_are_unacknowledged)
{
    setup();
    for (uint64_t clock = 1; clock <= 20000; clock++) {
        message(0, 2 * clock);
        null(2, 2 * clock + 1);
        ck_assert(takes(0, clock));
        acknowledge(0, clock, 0, clock);
        acknowledge(2, clock, 0, clock);
    }
    ck_assert_uint_lt(memory.live, 16);
    teardown();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_packet_is_next_when_all_are_heard_beyond_it,
        clocks_count_then_ranks,
        one_null_confirms_a_burst,
        who_sends_needs_no_nulls,
        two_hops_make_it_safe,
        safe_needs_all_before_it_at_one_quorum,
        the_end_is_by_clocks_and_drops_what_may_depend_on_what_is_lost,
        survivors_packets_always_stay,
        senseless_stamps_are_worth_the_same_everywhere,
        many_packets_take_no_more_memory_than_are_unacknowledged,
    };
    return suite_run("lamport", tests, SUITE_SIZE(tests));
}
