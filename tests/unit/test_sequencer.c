/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sequencer's order in single steps: runs give slots, acknowledgements speak
 * of slots, and the closing order is a function of the cut.
 */
#include "gcs/order/order.h"
#include "gcs/wire/runs.h"
#include "tests/unit/scarce.h"
#include "tests/unit/suite.h"
#include "tests/unit/voters.h"

enum { ROOM = 2048 };

static struct scarce memory;

static struct gcs_order_engine *open_engine(uint16_t members, uint16_t self)
{
    static struct voters voters[8]; /* several engines are open at once */
    static unsigned next;
    struct gcs_order_config config = {
        .allocator = &memory.allocator,
        .view = voters_init(&voters[next++ % 8], members, self),
    };
    struct gcs_order_engine *engine = gcs_order_sequencer.open(&config);
    ck_assert_ptr_nonnull(engine);
    return engine;
}

static void close_engine(struct gcs_order_engine *engine)
{
    engine->ops->close(engine);
    ck_assert_uint_eq(memory.live, 0);
}

/* A packet without order information arrives. */
static void arrive(struct gcs_order_engine *engine, uint16_t rank, uint64_t number, bool member)
{
    ck_assert_int_eq(engine->ops->arrive(engine, rank, number, member, NULL, 0), 0);
}

/* Runs as pairs of rank and count. */
struct runs {
    uint64_t first_slot;
    size_t count;
    struct gcs_run runs[10];
};

/* Packet number of rank arrives and carries runs. */
static int arrive_runs(struct gcs_order_engine *engine, uint16_t rank, uint64_t number, bool member,
                       const struct runs *runs)
{
    uint8_t body[ROOM];
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    gcs_runs_begin(&w, runs->first_slot, runs->count);
    for (size_t i = 0; i < runs->count; i++)
        gcs_runs_add(&w, runs->runs[i].rank, runs->runs[i].count);
    return engine->ops->arrive(engine, rank, number, member, body, gcs_writer_size(&w));
}

/* The next packet is this one; goes on to the one after. */
static void expect(struct gcs_order_engine *engine, uint16_t rank, uint64_t number)
{
    struct gcs_order_next next;
    ck_assert(engine->ops->peek(engine, &next));
    ck_assert_msg(next.rank == rank && next.number == number,
                  "next is packet %u of %u, not packet %u of %u", (unsigned)next.number, next.rank,
                  (unsigned)number, rank);
    engine->ops->pop(engine);
}

static void expect_none(struct gcs_order_engine *engine)
{
    struct gcs_order_next next;
    ck_assert(!engine->ops->peek(engine, &next));
}

static uint64_t position(struct gcs_order_engine *engine)
{
    struct gcs_order_next next;
    ck_assert(engine->ops->peek(engine, &next));
    return next.position;
}

/* The engine's acknowledgement. */
static uint64_t ack_of(struct gcs_order_engine *engine)
{
    uint8_t bytes[16];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    engine->ops->write_ack(engine, &w);
    struct gcs_reader r = gcs_reader_over(bytes, gcs_writer_size(&w));
    uint64_t ack = gcs_read_varint(&r);
    ck_assert(!r.bad && gcs_reader_left(&r) == 0);
    return ack;
}

static void hear_ack(struct gcs_order_engine *engine, uint16_t rank, uint64_t slot)
{
    uint8_t bytes[16];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_write_varint(&w, slot);
    struct gcs_reader r = gcs_reader_over(bytes, gcs_writer_size(&w));
    ck_assert(engine->ops->read_ack(engine, rank, NULL, &r));
}

/* ---- Runs give slots ------------------------------------------------------------------ */

START_TEST(a_run_orders_what_is_there)
{
    scarce_init(&memory);
    struct gcs_order_engine *engine = open_engine(3, 1);
    arrive(engine, 1, 1, true);
    arrive(engine, 1, 2, true);
    arrive(engine, 2, 1, true);
    expect_none(engine);
    struct runs runs = {1, 3, {{2, 1}, {1, 2}, {0, 1}}};
    ck_assert_int_eq(arrive_runs(engine, 0, 1, true, &runs), 0);
    for (uint64_t slot = 1; slot <= 4; slot++) {
        static const struct gcs_run order[] = {{2, 1}, {1, 1}, {1, 2}, {0, 1}};
        ck_assert_uint_eq(position(engine), slot);
        expect(engine, order[slot - 1].rank, order[slot - 1].count);
    }
    expect_none(engine);
    close_engine(engine);
}
END_TEST

START_TEST(a_slot_waits_for_its_packet)
{
    scarce_init(&memory);
    struct gcs_order_engine *engine = open_engine(3, 1);
    struct runs runs = {1, 3, {{2, 2}, {1, 1}, {0, 1}}};
    arrive(engine, 1, 1, true);
    ck_assert_int_eq(arrive_runs(engine, 0, 1, true, &runs), 0);
    expect_none(engine);
    arrive(engine, 2, 1, true);
    expect(engine, 2, 1);
    expect_none(engine); /* what comes later is there, but not what comes next */
    arrive(engine, 2, 2, true);
    expect(engine, 2, 2);
    expect(engine, 1, 1);
    expect(engine, 0, 1);
    close_engine(engine);
}
END_TEST

START_TEST(more_runs_than_the_first_memory_holds)
{
    scarce_init(&memory);
    struct gcs_order_engine *engine = open_engine(2, 1);
    enum { RUNS = 5000 };
    for (uint64_t i = 1; i <= 3; i++) { /* so that the ring does not begin at its beginning */
        struct runs one = {2 * i - 1, 2, {{1, 1}, {0, 1}}};
        arrive(engine, 1, i, true);
        ck_assert_int_eq(arrive_runs(engine, 0, i, true, &one), 0);
        expect(engine, 1, i);
        expect(engine, 0, i);
    }
    for (uint64_t i = 4; i <= RUNS; i++) {
        struct runs one = {2 * i - 1, 2, {{1, 1}, {0, 1}}};
        ck_assert_int_eq(arrive_runs(engine, 0, i, true, &one), 0);
    }
    expect_none(engine);
    for (uint64_t i = 4; i <= RUNS; i++)
        arrive(engine, 1, i, true);
    for (uint64_t i = 4; i <= RUNS; i++) {
        ck_assert_uint_eq(position(engine), 2 * i - 1);
        expect(engine, 1, i);
        expect(engine, 0, i);
    }
    ck_assert_uint_eq(ack_of(engine), 2 * RUNS);
    close_engine(engine);
}
END_TEST

START_TEST(steady_delivery_allocates_nothing)
{
    scarce_init(&memory);
    struct gcs_order_engine *engine = open_engine(2, 1);
    scarce_fail(&memory, 1, true);
    for (uint64_t i = 1; i <= 2000; i++) {
        struct runs one = {2 * i - 1, 2, {{1, 1}, {0, 1}}};
        arrive(engine, 1, i, true);
        ck_assert_int_eq(arrive_runs(engine, 0, i, true, &one), 0);
        expect(engine, 1, i);
        expect(engine, 0, i);
    }
    ck_assert_uint_eq(memory.asked, 0);
    close_engine(engine);
}
END_TEST

/* ---- Runs that make no sense ------------------------------------------------------------- */

/* An engine with one packet of each member and slots for none. */
static struct gcs_order_engine *engine_with_packets(void)
{
    scarce_init(&memory);
    struct gcs_order_engine *engine = open_engine(3, 1);
    arrive(engine, 1, 1, true);
    arrive(engine, 2, 1, true);
    return engine;
}

/* Nothing has been ordered: slot 1 is still to be given. */
static void expect_untouched(struct gcs_order_engine *engine, uint64_t next_number)
{
    struct runs good = {1, 2, {{2, 1}, {1, 1}}};
    expect_none(engine);
    ck_assert_uint_eq(ack_of(engine), 0);
    ck_assert_int_eq(arrive_runs(engine, 0, next_number, false, &good), 0);
    expect(engine, 2, 1);
    expect(engine, 1, 1);
    expect_none(engine);
    close_engine(engine);
}

START_TEST(only_the_sequencer_gives_slots)
{
    struct gcs_order_engine *engine = engine_with_packets();
    struct runs runs = {1, 1, {{1, 1}}};
    ck_assert_int_eq(arrive_runs(engine, 2, 2, true, &runs), GCS_EMALFORMED);
    expect_untouched(engine, 1);
}
END_TEST

START_TEST(slots_are_given_one_after_the_other)
{
    struct gcs_order_engine *engine = engine_with_packets();
    struct runs late = {2, 1, {{1, 1}}}, never = {0, 1, {{1, 1}}};
    ck_assert_int_eq(arrive_runs(engine, 0, 1, false, &late), GCS_EMALFORMED);
    ck_assert_int_eq(arrive_runs(engine, 0, 2, false, &never), GCS_EMALFORMED);
    struct runs good = {1, 1, {{1, 1}}}, again = {1, 1, {{2, 1}}};
    ck_assert_int_eq(arrive_runs(engine, 0, 3, false, &good), 0);
    ck_assert_int_eq(arrive_runs(engine, 0, 4, false, &again), GCS_EMALFORMED);
    expect(engine, 1, 1);
    expect_none(engine);
    close_engine(engine);
}
END_TEST

START_TEST(runs_that_make_no_sense_are_ignored_altogether)
{
    static const struct runs bad[] = {
        {1, 1, {{3, 1}}},         /* no such rank */
        {1, 2, {{1, 1}, {3, 1}}}, /* a good run before it does not count either */
        {1, 1, {{1, 0}}},         /* empty */
        {1, 2, {{2, 1}, {1, 0}}},
        {1, 1, {{1, (uint64_t)UINT32_MAX + 1}}}, /* more than anybody sends */
        {1, 2, {{2, 1}, {1, UINT64_MAX}}},
    };
    for (size_t i = 0; i < SUITE_SIZE(bad); i++) {
        struct gcs_order_engine *engine = engine_with_packets();
        ck_assert_int_eq(arrive_runs(engine, 0, 1, false, &bad[i]), GCS_EMALFORMED);
        expect_untouched(engine, 2);
    }
}
END_TEST

START_TEST(runs_cut_short_are_ignored_altogether)
{
    uint8_t body[ROOM];
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    gcs_runs_begin(&w, 1, 3);
    gcs_runs_add(&w, 2, 1);
    gcs_runs_add(&w, 1, 1);
    gcs_runs_add(&w, 0, 300);
    for (size_t cut = 0; cut < gcs_writer_size(&w); cut++) {
        struct gcs_order_engine *engine = engine_with_packets();
        ck_assert_int_eq(engine->ops->arrive(engine, 0, 1, false, body, cut), GCS_EMALFORMED);
        expect_untouched(engine, 2);
    }
}
END_TEST

/* ---- The sequencer's part ------------------------------------------------------------------- */

/* What rank 0 announces in packet number; the body's size, 0: nothing. Changes nothing. */
static size_t announce(struct gcs_order_engine *engine, uint64_t number, bool member, uint8_t *body,
                       size_t room)
{
    uint8_t control[ROOM];
    struct gcs_writer w = gcs_writer_over(control, room);
    struct gcs_frame frame;
    engine->ops->announce(engine, number, member, &w);
    ck_assert(!w.bad);
    struct gcs_reader r = gcs_reader_over(control, gcs_writer_size(&w));
    if (gcs_writer_size(&w) == 0)
        return 0;
    ck_assert(gcs_frame_next(&r, &frame));
    ck_assert_uint_eq(frame.type, GCS_FRAME_RUNS);
    ck_assert_uint_eq(gcs_reader_left(&r), 0);
    memcpy(body, frame.body, frame.size);
    return frame.size;
}

/* Rank 0 sends a packet: announces, and has it. */
static size_t send_packet(struct gcs_order_engine *engine, uint64_t number, bool member,
                          uint8_t *body)
{
    size_t size = announce(engine, number, member, body, ROOM);
    ck_assert_int_eq(engine->ops->arrive(engine, 0, number, member, size ? body : NULL, size), 0);
    return size;
}

static void expect_runs(const uint8_t *body, size_t size, const struct runs *expected)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    uint64_t first, count;
    ck_assert(gcs_runs_read(&r, &first, &count));
    ck_assert_uint_eq(first, expected->first_slot);
    ck_assert_uint_eq(count, expected->count);
    for (uint64_t i = 0; i < count; i++) {
        struct gcs_run run;
        ck_assert(gcs_runs_next(&r, 1024, &run));
        ck_assert_uint_eq(run.rank, expected->runs[i].rank);
        ck_assert_uint_eq(run.count, expected->runs[i].count);
    }
    ck_assert_uint_eq(gcs_reader_left(&r), 0);
}

START_TEST(the_sequencer_orders_what_it_holds)
{
    uint8_t body[ROOM], again[ROOM];
    scarce_init(&memory);
    struct gcs_order_engine *engine = open_engine(3, 0);
    ck_assert(!engine->ops->pending(engine));
    ck_assert_uint_eq(announce(engine, 1, false, body, ROOM), 0);
    arrive(engine, 1, 1, true);
    arrive(engine, 1, 2, true);
    ck_assert(engine->ops->pending(engine));
    expect_none(engine);
    size_t size = announce(engine, 1, true, again, ROOM); /* only said, not sent */
    ck_assert_uint_eq(send_packet(engine, 1, true, body), size);
    ck_assert_mem_eq(body, again, size);
    expect_runs(body, size, &(struct runs){1, 2, {{0, 1}, {1, 2}}});
    ck_assert(!engine->ops->pending(engine));
    expect(engine, 0, 1);
    expect(engine, 1, 1);
    expect(engine, 1, 2);
    ck_assert_uint_eq(send_packet(engine, 2, false, body), 0);
    arrive(engine, 2, 1, true);
    size = send_packet(engine, 3, false, body); /* carries order alone */
    expect_runs(body, size, &(struct runs){4, 1, {{2, 1}}});
    expect(engine, 2, 1);
    expect_none(engine);
    close_engine(engine);
}
END_TEST

START_TEST(packets_that_take_no_part_get_slots_when_one_behind_them_does)
{
    uint8_t body[ROOM];
    scarce_init(&memory);
    struct gcs_order_engine *engine = open_engine(2, 0);
    arrive(engine, 1, 1, false);
    arrive(engine, 1, 2, false);
    ck_assert(!engine->ops->pending(engine));
    ck_assert_uint_eq(send_packet(engine, 1, false, body), 0);
    arrive(engine, 1, 3, true);
    arrive(engine, 1, 4, false);
    size_t size = send_packet(engine, 2, true, body); /* own packet 1 took no part */
    expect_runs(body, size, &(struct runs){1, 2, {{0, 2}, {1, 3}}});
    expect(engine, 0, 1);
    expect(engine, 0, 2);
    expect(engine, 1, 1);
    expect(engine, 1, 2);
    expect(engine, 1, 3);
    expect_none(engine);
    close_engine(engine);
}
END_TEST

START_TEST(only_rank_0_orders)
{
    uint8_t body[ROOM];
    scarce_init(&memory);
    struct gcs_order_engine *engine = open_engine(2, 1);
    arrive(engine, 0, 1, true);
    ck_assert(!engine->ops->pending(engine));
    ck_assert_uint_eq(announce(engine, 1, true, body, ROOM), 0);
    close_engine(engine);
}
END_TEST

START_TEST(a_group_of_one_orders_itself)
{
    uint8_t body[ROOM];
    scarce_init(&memory);
    struct gcs_order_engine *engine = open_engine(1, 0);
    for (uint64_t number = 1; number <= 10; number++) {
        ck_assert_uint_gt(send_packet(engine, number, true, body), 0);
        ck_assert(engine->ops->safe(engine, position(engine)));
        expect(engine, 0, number);
    }
    close_engine(engine);
}
END_TEST

START_TEST(without_any_room_nothing_is_announced)
{
    uint8_t body[ROOM];
    scarce_init(&memory);
    struct gcs_order_engine *engine = open_engine(2, 0);
    arrive(engine, 1, 1, true);
    for (size_t room = 0; room < GCS_FRAME_HEADER + 4; room++)
        ck_assert_uint_eq(announce(engine, 1, false, body, room), 0);
    ck_assert(engine->ops->pending(engine));
    ck_assert_uint_eq(announce(engine, 1, false, body, GCS_FRAME_HEADER + 4), 4);
    close_engine(engine);
}
END_TEST

/* As many senders as a group can have, and a packet's usual room for control frames. */
START_TEST(what_does_not_fit_at_once_is_announced_bit_by_bit)
{
    enum { MEMBERS = 1000, SMALL = 128 };
    uint8_t body[ROOM];
    uint64_t number = 0, came = 0;
    struct gcs_order_next next;
    scarce_init(&memory);
    struct gcs_order_engine *engine = open_engine(MEMBERS, 0);
    for (uint16_t rank = 1; rank < MEMBERS; rank++)
        arrive(engine, rank, 1, true);
    while (engine->ops->pending(engine)) {
        size_t size = announce(engine, ++number, false, body, SMALL);
        ck_assert_msg(size > 0, "order waits for ever");
        ck_assert_int_eq(engine->ops->arrive(engine, 0, number, false, body, size), 0);
    }
    for (; engine->ops->peek(engine, &next); came++)
        engine->ops->pop(engine);
    ck_assert_uint_eq(came, MEMBERS - 1);
    ck_assert_uint_le(number, MEMBERS / 10);
    close_engine(engine);
}
END_TEST

/* ---- Acknowledgements -------------------------------------------------------------------------
 */

START_TEST(an_acknowledgement_speaks_of_packets_and_their_order)
{
    scarce_init(&memory);
    struct gcs_order_engine *engine = open_engine(3, 1);
    arrive(engine, 2, 1, true);
    arrive(engine, 2, 2, true);
    ck_assert_uint_eq(ack_of(engine), 0); /* data without its order does not count */
    struct runs runs = {1, 3, {{2, 4}, {1, 1}, {0, 1}}};
    ck_assert_int_eq(arrive_runs(engine, 0, 1, true, &runs), 0);
    ck_assert_uint_eq(ack_of(engine), 2); /* nor order without its data */
    arrive(engine, 2, 3, true);
    ck_assert_uint_eq(ack_of(engine), 3);
    arrive(engine, 1, 1, true);
    ck_assert_uint_eq(ack_of(engine), 3);
    arrive(engine, 2, 4, true);
    ck_assert_uint_eq(ack_of(engine), 6);
    close_engine(engine);
}
END_TEST

START_TEST(an_acknowledgement_is_owed_until_it_is_written)
{
    scarce_init(&memory);
    struct gcs_order_engine *engine = open_engine(2, 1);
    ck_assert(!engine->ops->owes_ack(engine));
    arrive(engine, 1, 1, true);
    ck_assert(!engine->ops->owes_ack(engine));
    ck_assert_int_eq(arrive_runs(engine, 0, 1, true, &(struct runs){1, 2, {{1, 1}, {0, 1}}}), 0);
    ck_assert(engine->ops->owes_ack(engine));
    expect(engine, 1, 1); /* delivered or not */
    ck_assert(engine->ops->owes_ack(engine));
    ck_assert_uint_eq(ack_of(engine), 2);
    ck_assert(!engine->ops->owes_ack(engine));
    close_engine(engine);
}
END_TEST

START_TEST(with_three_members_safe_is_ready_when_the_run_arrives)
{
    scarce_init(&memory);
    struct gcs_order_engine *engine = open_engine(3, 1);
    arrive(engine, 2, 1, true);
    struct runs runs = {1, 2, {{2, 1}, {1, 1}}};
    ck_assert_int_eq(arrive_runs(engine, 0, 1, false, &runs), 0);
    ck_assert(engine->ops->safe(engine, 1));  /* the sequencer holds it, and we do */
    ck_assert(!engine->ops->safe(engine, 2)); /* this we do not hold */
    hear_ack(engine, 2, 2);
    ck_assert(engine->ops->safe(engine, 2)); /* but two others do */
    close_engine(engine);
}
END_TEST

START_TEST(safe_needs_a_quorum)
{
    uint8_t body[ROOM];
    scarce_init(&memory);
    struct gcs_order_engine *engine = open_engine(5, 0);
    arrive(engine, 3, 1, true);
    ck_assert_uint_gt(send_packet(engine, 1, true, body), 0);
    ck_assert(!engine->ops->safe(engine, 1));
    hear_ack(engine, 4, 1);
    ck_assert(!engine->ops->safe(engine, 1));
    hear_ack(engine, 4, 1); /* twice the same does not count twice */
    ck_assert(!engine->ops->safe(engine, 1));
    hear_ack(engine, 1, 2);
    ck_assert(engine->ops->safe(engine, 1));
    ck_assert(!engine->ops->safe(engine, 2));
    hear_ack(engine, 1, 0); /* overtaken on the way */
    ck_assert(engine->ops->safe(engine, 1));
    hear_ack(engine, 4, 2);
    ck_assert(engine->ops->safe(engine, 2));
    close_engine(engine);
}
END_TEST

START_TEST(an_acknowledgement_cut_short_is_refused)
{
    static const uint8_t bytes[3] = {0x85, 0x86, 0x07};
    scarce_init(&memory);
    struct gcs_order_engine *engine = open_engine(1, 0);
    for (size_t cut = 0; cut <= sizeof(bytes); cut++) {
        struct gcs_reader r = gcs_reader_over(bytes, cut);
        ck_assert_int_eq(engine->ops->read_ack(engine, 0, NULL, &r), cut == sizeof(bytes));
    }
    close_engine(engine);
}
END_TEST

START_TEST(who_has_promised_acknowledges_no_more)
{
    scarce_init(&memory);
    struct gcs_order_engine *engine = open_engine(3, 1);
    arrive(engine, 2, 1, true);
    ck_assert_int_eq(arrive_runs(engine, 0, 1, false, &(struct runs){1, 1, {{2, 1}}}), 0);
    ck_assert_uint_eq(ack_of(engine), 1);
    engine->ops->freeze(engine);
    arrive(engine, 2, 2, true);
    ck_assert_int_eq(arrive_runs(engine, 0, 2, false, &(struct runs){2, 1, {{2, 1}}}), 0);
    ck_assert_uint_eq(ack_of(engine), 1);
    ck_assert(!engine->ops->owes_ack(engine));
    hear_ack(engine, 2, 2);
    ck_assert(!engine->ops->safe(engine, 2)); /* neither we nor the sequencer count */
    close_engine(engine);
}
END_TEST

START_TEST(a_sequencer_that_has_promised_orders_no_more)
{
    scarce_init(&memory);
    struct gcs_order_engine *engine = open_engine(2, 0);
    arrive(engine, 1, 1, true);
    ck_assert(engine->ops->pending(engine));
    engine->ops->freeze(engine);
    ck_assert(!engine->ops->pending(engine));
    arrive(engine, 1, 2, true);
    ck_assert(!engine->ops->pending(engine));
    close_engine(engine);
}
END_TEST

/* ---- The closing order --------------------------------------------------------------------------
 */

/*
 * Five members; 0 (the sequencer) and 2 die. The order was
 *
 *     slot   1    2    3    4    5    6    7    8    9    10
 *            1.1  2.1  3.1  4.1  2.2  1.2  0.1  3.2  1.3  4.2
 *
 * and no survivor holds 2.2: that is the hole. 4.2 is lost too; 1.4, 1.5, 3.3 have no slot.
 */
static struct gcs_order_engine *story(uint16_t self, unsigned delivered, bool reverse)
{
    static const uint64_t cut[5] = {1, 5, 1, 3, 1};
    static const bool survives[5] = {false, true, false, true, true};
    static const struct runs runs = {
        1, 10, {{1, 1}, {2, 1}, {3, 1}, {4, 1}, {2, 1}, {1, 1}, {0, 1}, {3, 1}, {1, 1}, {4, 1}}};
    struct gcs_order_engine *engine = open_engine(5, self);
    for (uint16_t i = 0; i < 5; i++) {
        uint16_t rank = reverse ? (uint16_t)(4 - i) : i;
        if (rank == 0)
            ck_assert_int_eq(arrive_runs(engine, 0, 1, true, &runs), 0);
        for (uint64_t number = 1; rank > 0 && number <= cut[rank]; number++)
            arrive(engine, rank, number, true);
    }
    for (unsigned i = 0; i < delivered; i++)
        expect(engine, runs.runs[i].rank, 1);
    engine->ops->freeze(engine);
    engine->ops->finish(engine, cut, survives);
    for (unsigned i = delivered; i < 4; i++)
        expect(engine, runs.runs[i].rank, 1);
    return engine;
}

START_TEST(the_closing_order_goes_around_the_hole)
{
    scarce_init(&memory);
    for (unsigned delivered = 0; delivered <= 4; delivered++) { /* the same for all */
        struct gcs_order_engine *engine =
            story((uint16_t)(delivered % 2 ? 1 : 3), delivered, delivered % 3 == 0);
        expect(engine, 1, 2); /* 2.2 is lost */
        expect(engine, 3, 2); /* 0.1 is held, but may depend on what is lost */
        expect(engine, 1, 3);
        expect(engine, 1, 4); /* what has no slot, by rank and number */
        expect(engine, 1, 5);
        expect(engine, 3, 3);
        expect_none(engine);
        ck_assert(engine->ops->safe(engine, 0));
        ck_assert(engine->ops->safe(engine, UINT64_MAX)); /* the cut is held by all who are left */
        ck_assert(!engine->ops->pending(engine));
        close_engine(engine);
    }
}
END_TEST

START_TEST(without_a_hole_dead_senders_packets_are_kept)
{
    static const uint64_t cut[3] = {1, 2, 3};
    static const bool survives[3] = {false, true, false};
    scarce_init(&memory);
    struct gcs_order_engine *engine = open_engine(3, 1);
    arrive(engine, 1, 1, true);
    arrive(engine, 1, 2, true);
    for (uint64_t number = 1; number <= 3; number++)
        arrive(engine, 2, number, true);
    ck_assert_int_eq(
        arrive_runs(engine, 0, 1, true, &(struct runs){1, 3, {{2, 2}, {1, 1}, {0, 1}}}), 0);
    engine->ops->finish(engine, cut, survives);
    expect(engine, 2, 1);
    expect(engine, 2, 2);
    expect(engine, 1, 1);
    expect(engine, 0, 1);
    expect(engine, 1, 2); /* 2.3 has no slot and nobody who vouches for it */
    expect_none(engine);
    close_engine(engine);
}
END_TEST

START_TEST(behind_the_hole_slots_come_before_the_rest)
{
    static const uint64_t cut[3] = {1, 2, 1};
    static const bool survives[3] = {true, true, true};
    scarce_init(&memory);
    struct gcs_order_engine *engine = open_engine(3, 1);
    arrive(engine, 1, 1, true);
    arrive(engine, 1, 2, true);
    arrive(engine, 2, 1, true);
    /* 2.2 has a slot but is gone; so has 0.1, behind it. */
    ck_assert_int_eq(
        arrive_runs(engine, 0, 1, true, &(struct runs){1, 3, {{2, 2}, {1, 1}, {0, 1}}}), 0);
    expect(engine, 2, 1);
    expect_none(engine);
    engine->ops->finish(engine, cut, survives);
    expect(engine, 1, 1);
    expect(engine, 0, 1);
    expect(engine, 1, 2);
    expect_none(engine);
    close_engine(engine);
}
END_TEST

START_TEST(runs_that_come_with_the_cut_still_count)
{
    static const uint64_t cut[3] = {2, 1, 1};
    static const bool survives[3] = {false, true, true};
    scarce_init(&memory);
    struct gcs_order_engine *engine = open_engine(3, 2);
    ck_assert_int_eq(arrive_runs(engine, 0, 1, true, &(struct runs){1, 1, {{0, 1}}}), 0);
    expect(engine, 0, 1);
    engine->ops->freeze(engine);
    arrive(engine, 1, 1, true); /* fetched */
    arrive(engine, 2, 1, true);
    ck_assert_int_eq(arrive_runs(engine, 0, 2, false, &(struct runs){2, 2, {{2, 1}, {1, 1}}}), 0);
    engine->ops->finish(engine, cut, survives);
    expect(engine, 2, 1);
    expect(engine, 1, 1);
    expect_none(engine);
    close_engine(engine);
}
END_TEST

/* Whoever says such things is broken or hostile; it must not keep us busy. */
START_TEST(runs_of_packets_that_nobody_ever_sees_are_passed_over_at_once)
{
    static const uint64_t cut[3] = {1, 1, 0};
    static const bool survives[3] = {false, true, true};
    struct runs runs = {1, 10, {{1, UINT32_MAX}, {2, UINT32_MAX}}};
    for (size_t i = 2; i < runs.count; i++)
        runs.runs[i] = runs.runs[i % 2];
    scarce_init(&memory);
    struct gcs_order_engine *engine = open_engine(3, 2);
    arrive(engine, 1, 1, true);
    ck_assert_int_eq(arrive_runs(engine, 0, 1, true, &runs), 0);
    engine->ops->finish(engine, cut, survives);
    expect(engine, 1, 1);
    expect_none(engine);
    close_engine(engine);
}
END_TEST

START_TEST(an_empty_view_closes_empty)
{
    static const uint64_t cut[2] = {0, 0};
    static const bool survives[2] = {true, false};
    scarce_init(&memory);
    struct gcs_order_engine *engine = open_engine(2, 0);
    engine->ops->finish(engine, cut, survives);
    expect_none(engine);
    close_engine(engine);
}
END_TEST

/* ---- Out of memory
 * -------------------------------------------------------------------------------- */

START_TEST(without_memory_there_is_no_engine)
{
    scarce_init(&memory);
    struct voters voters;
    struct gcs_order_config config = {.allocator = &memory.allocator,
                                      .view = voters_init(&voters, 3, 0)};
    struct gcs_order_engine *engine = NULL;
    for (uint64_t nth = 1; !engine; nth++) {
        ck_assert_uint_eq(memory.live, 0);
        scarce_fail(&memory, nth, false);
        engine = gcs_order_sequencer.open(&config);
        ck_assert_int_eq(engine == NULL, memory.refused > 0);
    }
    close_engine(engine);
}
END_TEST

START_TEST(without_memory_for_runs_it_says_so)
{
    scarce_init(&memory);
    struct gcs_order_engine *engine = open_engine(2, 1);
    int result = 0;
    scarce_fail(&memory, 1, true);
    for (uint64_t i = 1; result == 0; i++) {
        ck_assert_uint_lt(i, 100000);
        result = arrive_runs(engine, 0, i, true, &(struct runs){2 * i - 1, 2, {{1, 1}, {0, 1}}});
    }
    ck_assert_int_eq(result, GCS_ENOMEM);
    close_engine(engine);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_run_orders_what_is_there,
        a_slot_waits_for_its_packet,
        more_runs_than_the_first_memory_holds,
        steady_delivery_allocates_nothing,
        only_the_sequencer_gives_slots,
        slots_are_given_one_after_the_other,
        runs_that_make_no_sense_are_ignored_altogether,
        runs_cut_short_are_ignored_altogether,
        the_sequencer_orders_what_it_holds,
        packets_that_take_no_part_get_slots_when_one_behind_them_does,
        only_rank_0_orders,
        a_group_of_one_orders_itself,
        without_any_room_nothing_is_announced,
        what_does_not_fit_at_once_is_announced_bit_by_bit,
        an_acknowledgement_speaks_of_packets_and_their_order,
        an_acknowledgement_is_owed_until_it_is_written,
        with_three_members_safe_is_ready_when_the_run_arrives,
        safe_needs_a_quorum,
        an_acknowledgement_cut_short_is_refused,
        who_has_promised_acknowledges_no_more,
        a_sequencer_that_has_promised_orders_no_more,
        the_closing_order_goes_around_the_hole,
        without_a_hole_dead_senders_packets_are_kept,
        behind_the_hole_slots_come_before_the_rest,
        runs_that_come_with_the_cut_still_count,
        runs_of_packets_that_nobody_ever_sees_are_passed_over_at_once,
        an_empty_view_closes_empty,
        without_memory_there_is_no_engine,
        without_memory_for_runs_it_says_so,
    };
    return suite_run("sequencer", tests, SUITE_SIZE(tests));
}
