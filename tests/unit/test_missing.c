/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The clocks of missing packets: each number is asked for when its own time has
 * come, several in one request, and more and more rarely; somebody else's request
 * sets it back.
 */
#include "gcs/base/memory.h"
#include "gcs/reliable/missing.h"
#include "tests/unit/scarce.h"
#include "tests/unit/suite.h"

enum { CAPACITY = 64, DELAY = 500, WAIT = 4000, CEILING = 20000, START = 1000000 };

static const struct gcs_missing_timing timing = {100, WAIT, CEILING};

static struct scarce memory;
static struct gcs_counters counters;
static struct gcs_pool pool;
static struct gcs_window window;
static struct gcs_missing missing;
static struct gcs_nack nack;
static uint32_t attempt;

static void setup(void)
{
    scarce_init(&memory);
    gcs_pool_init(&pool, &memory.allocator, 4096, &counters);
    gcs_window_init(&window, &memory.allocator, CAPACITY);
    gcs_missing_init(&missing);
}

static void teardown(void)
{
    gcs_window_fini(&window);
    gcs_pool_fini(&pool);
    ck_assert_uint_eq(memory.live, 0);
}

static void put(uint64_t number)
{
    struct gcs_buffer *buffer = gcs_pool_get(&pool, 1);
    struct gcs_held packet = {.buffer = buffer, .data = buffer->data, .size = 1};
    ck_assert_int_eq(gcs_window_put(&window, number, &packet), 0);
    gcs_buffer_unref(buffer);
}

static bool ask(uint64_t now)
{
    return gcs_missing_ask(&missing, &window, now, &timing, &nack, &attempt);
}

static void expect_range(uint16_t index, uint64_t first, uint64_t last)
{
    ck_assert_uint_gt(nack.count, index);
    ck_assert_uint_eq(nack.ranges[index].first, first);
    ck_assert_uint_eq(nack.ranges[index].last, last);
}

START_TEST(nothing_missing_nothing_asked)
{
    setup();
    put(1);
    ck_assert(!gcs_missing_is_new(&missing, &window));
    ck_assert(!ask(START));
    teardown();
}
END_TEST

START_TEST(ranges_go_into_one_request)
{
    setup();
    put(1);
    put(4);
    put(7);
    ck_assert(gcs_missing_is_new(&missing, &window));
    ck_assert(gcs_missing_note(&missing, &window, START, DELAY));
    ck_assert(!gcs_missing_is_new(&missing, &window));
    ck_assert_uint_eq(missing.due, START + DELAY);
    ck_assert(!ask(START + DELAY - 1));
    ck_assert(ask(START + DELAY));
    ck_assert_uint_eq(nack.count, 2);
    ck_assert_uint_eq(attempt, 0);
    expect_range(0, 2, 3);
    expect_range(1, 5, 6);
    ck_assert(!ask(START + DELAY));
    ck_assert_uint_eq(missing.due, START + DELAY + WAIT);
    teardown();
}
END_TEST

START_TEST(each_number_has_its_own_clock)
{
    setup();
    put(2);
    gcs_missing_note(&missing, &window, START, DELAY);
    put(4);
    gcs_missing_note(&missing, &window, START + 300, DELAY);
    ck_assert(ask(START + DELAY));
    ck_assert_uint_eq(nack.count, 1);
    expect_range(0, 1, 1);
    ck_assert(!ask(START + DELAY));
    ck_assert_uint_eq(missing.due, START + 300 + DELAY);
    ck_assert(ask(START + 300 + DELAY));
    expect_range(0, 3, 3);
    teardown();
}
END_TEST

START_TEST(what_is_due_soon_goes_along)
{
    setup();
    put(2);
    gcs_missing_note(&missing, &window, START, DELAY);
    put(4);
    gcs_missing_note(&missing, &window, START + 50, DELAY);
    ck_assert(ask(START + DELAY));
    ck_assert_uint_eq(nack.count, 2);
    teardown();
}
END_TEST

START_TEST(requests_become_rarer)
{
    uint64_t now = START + DELAY;
    setup();
    put(2);
    gcs_missing_note(&missing, &window, START, DELAY);
    for (uint32_t i = 0; i < 20; i++) {
        uint64_t wait = (uint64_t)WAIT << (i < 10 ? i : 10);
        ck_assert(ask(now));
        ck_assert_uint_eq(attempt, i);
        ck_assert(!ask(now));
        ck_assert_uint_eq(missing.due, now + (wait < CEILING ? wait : CEILING));
        now = missing.due;
    }
    teardown();
}
END_TEST

/* Numbers with different pasts go to different members. */
START_TEST(attempts_are_kept_apart)
{
    setup();
    put(2);
    gcs_missing_note(&missing, &window, START, DELAY);
    ck_assert(ask(START + DELAY));
    put(4);
    gcs_missing_note(&missing, &window, START + WAIT, DELAY);
    ck_assert(ask(START + DELAY + WAIT));
    ck_assert_uint_eq(attempt, 1);
    expect_range(0, 1, 1);
    ck_assert(ask(START + DELAY + WAIT));
    ck_assert_uint_eq(attempt, 0);
    expect_range(0, 3, 3);
    ck_assert(!ask(START + DELAY + WAIT));
    teardown();
}
END_TEST

START_TEST(what_has_come_is_not_asked_for)
{
    setup();
    put(4);
    gcs_missing_note(&missing, &window, START, DELAY);
    put(2);
    ck_assert(ask(START + DELAY));
    expect_range(0, 1, 1);
    expect_range(1, 3, 3);
    put(1);
    put(3);
    ck_assert(!ask(START + DELAY + WAIT));
    ck_assert_uint_eq(missing.due, GCS_NEVER);
    teardown();
}
END_TEST

START_TEST(another_request_holds_ours_back)
{
    struct gcs_range range = {2, 3};
    setup();
    put(5);
    gcs_missing_note(&missing, &window, START, DELAY);
    ck_assert_uint_eq(gcs_missing_hold_back(&missing, &window, &range, START + 9000), 2);
    ck_assert_uint_eq(gcs_missing_hold_back(&missing, &window, &range, START + 8000), 0);
    ck_assert(ask(START + DELAY));
    ck_assert_uint_eq(nack.count, 2);
    expect_range(0, 1, 1);
    expect_range(1, 4, 4);
    ck_assert(!ask(START + 4499));
    ck_assert(ask(START + 9000));
    ck_assert_uint_eq(attempt, 1);
    teardown();
}
END_TEST

START_TEST(what_nobody_noted_cannot_be_held_back)
{
    struct gcs_range range = {1, UINT64_MAX};
    setup();
    ck_assert_uint_eq(gcs_missing_hold_back(&missing, &window, &range, START), 0);
    put(3);
    gcs_missing_note(&missing, &window, START, DELAY);
    ck_assert_uint_eq(gcs_missing_hold_back(&missing, &window, &range, START + WAIT), 2);
    teardown();
}
END_TEST

START_TEST(more_ranges_than_fit_are_for_the_next_request)
{
    setup();
    for (uint64_t n = 2; n <= CAPACITY; n += 2)
        put(n);
    put(1);
    gcs_window_exists(&window, CAPACITY);
    gcs_missing_note(&missing, &window, START, DELAY);
    ck_assert(ask(START + DELAY));
    ck_assert_uint_eq(nack.count, CAPACITY / 2 - 1);
    ck_assert(!ask(START + DELAY));
    teardown();
}
END_TEST

START_TEST(no_memory_is_tried_again)
{
    setup();
    gcs_window_exists(&window, 3);
    scarce_fail(&memory, 1, false);
    ck_assert(!gcs_missing_note(&missing, &window, START, DELAY));
    ck_assert(gcs_missing_is_new(&missing, &window));
    ck_assert(gcs_missing_note(&missing, &window, START, DELAY));
    ck_assert(ask(START + DELAY));
    expect_range(0, 1, 3);
    teardown();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        nothing_missing_nothing_asked,
        ranges_go_into_one_request,
        each_number_has_its_own_clock,
        what_is_due_soon_goes_along,
        requests_become_rarer,
        attempts_are_kept_apart,
        what_has_come_is_not_asked_for,
        another_request_holds_ours_back,
        what_nobody_noted_cannot_be_held_back,
        more_ranges_than_fit_are_for_the_next_request,
        no_memory_is_tried_again,
    };
    return suite_run("missing", tests, SUITE_SIZE(tests));
}
