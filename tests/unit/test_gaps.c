/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests for missing packets: patience first, then a request, then more and
 * more rarely until there is progress; each names exactly what is missing.
 */
#include "gcs/base/memory.h"
#include "gcs/base/prng.h"
#include "gcs/reliable/gaps.h"
#include "tests/unit/scarce.h"
#include "tests/unit/suite.h"

enum { CAPACITY = 256, GUARD = 500, RETRY = 4000, CEILING = 64000, START = 1000000 };

static const struct gcs_gaps_timing timing = {GUARD, RETRY, CEILING};

static struct scarce memory;
static struct gcs_counters counters;
static struct gcs_pool pool;
static struct gcs_window window;
static struct gcs_gaps gaps;
static struct gcs_nack nack;

static void setup(void)
{
    scarce_init(&memory);
    gcs_pool_init(&pool, &memory.allocator, 4096, &counters);
    gcs_window_init(&window, &memory.allocator, CAPACITY);
    gcs_gaps_init(&gaps);
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

static void update(uint64_t now)
{
    gcs_gaps_update(&gaps, &window, now, &timing);
}

static bool request(uint64_t now)
{
    return gcs_gaps_request(&gaps, &window, now, &timing, &nack);
}

START_TEST(nothing_missing_nothing_asked)
{
    setup();
    update(START);
    ck_assert_uint_eq(gaps.due, GCS_NEVER);
    ck_assert(!request(START));
    ck_assert(!request(GCS_NEVER));
    put(1);
    put(2);
    update(START);
    ck_assert_uint_eq(gaps.due, GCS_NEVER);
    ck_assert(!request(GCS_NEVER));
    teardown();
}
END_TEST

START_TEST(a_late_packet_gets_a_little_time)
{
    setup();
    put(2);
    update(START);
    ck_assert_uint_eq(gaps.due, START + GUARD);
    update(START + 100); /* looking again does not prolong it */
    ck_assert_uint_eq(gaps.due, START + GUARD);
    ck_assert(!request(START + GUARD - 1));
    put(1);
    update(START + GUARD - 1);
    ck_assert_uint_eq(gaps.due, GCS_NEVER);
    ck_assert(!request(START + GUARD));
    teardown();
}
END_TEST

START_TEST(what_is_missing_is_asked_for)
{
    setup();
    put(1);
    put(3);
    put(4);
    put(8);
    gcs_window_exists(&window, 10);
    update(START);
    ck_assert(request(START + GUARD));
    ck_assert_uint_eq(nack.count, 3);
    ck_assert_uint_eq(nack.ranges[0].first, 2);
    ck_assert_uint_eq(nack.ranges[0].last, 2);
    ck_assert_uint_eq(nack.ranges[1].first, 5);
    ck_assert_uint_eq(nack.ranges[1].last, 7);
    ck_assert_uint_eq(nack.ranges[2].first, 9);
    ck_assert_uint_eq(nack.ranges[2].last, 10);
    teardown();
}
END_TEST

START_TEST(a_window_without_memory_lacks_everything)
{
    setup();
    gcs_window_exists(&window, CAPACITY);
    update(START);
    ck_assert(request(START + GUARD));
    ck_assert_uint_eq(nack.count, 1);
    ck_assert_uint_eq(nack.ranges[0].first, 1);
    ck_assert_uint_eq(nack.ranges[0].last, CAPACITY);
    teardown();
}
END_TEST

START_TEST(requests_back_off_up_to_a_ceiling)
{
    static const uint64_t waits[] = {4000, 8000, 16000, 32000, 64000, 64000, 64000};
    setup();
    put(2);
    update(START);
    uint64_t now = START + GUARD;
    for (size_t i = 0; i < SUITE_SIZE(waits); i++) {
        ck_assert(request(now));
        ck_assert_uint_eq(gaps.attempt, i + 1);
        ck_assert_uint_eq(gaps.due, now + waits[i]);
        update(now + 1); /* no progress: no change */
        ck_assert_uint_eq(gaps.due, now + waits[i]);
        ck_assert(!request(gaps.due - 1));
        now = gaps.due;
    }
    for (unsigned i = 0; i < 100; i++, now = gaps.due) {
        ck_assert(request(now));
        ck_assert_uint_eq(gaps.due, now + CEILING);
    }
    teardown();
}
END_TEST

START_TEST(progress_makes_it_eager_again)
{
    setup();
    put(2);
    put(4);
    update(START);
    uint64_t now = START + GUARD;
    for (unsigned i = 0; i < 6; i++, now = gaps.due)
        ck_assert(request(now));
    now = gaps.due - CEILING + 10; /* shortly after the last request */
    put(1);
    update(now);
    ck_assert_uint_eq(gaps.attempt, 0);
    ck_assert_uint_eq(gaps.due, now + RETRY);
    ck_assert(request(now + RETRY));
    ck_assert_uint_eq(nack.ranges[0].first, 3);
    ck_assert_uint_eq(gaps.due, now + 2 * RETRY);
    teardown();
}
END_TEST

START_TEST(progress_never_puts_a_request_off)
{
    setup();
    put(2);
    put(4);
    update(START);
    put(1);
    update(START + GUARD - 1);
    ck_assert_uint_eq(gaps.due, START + GUARD);
    teardown();
}
END_TEST

START_TEST(a_new_gap_starts_anew)
{
    setup();
    put(2);
    update(START);
    ck_assert(request(START + GUARD));
    put(1);
    update(START + GUARD + 1);
    ck_assert_uint_eq(gaps.due, GCS_NEVER);
    put(4);
    update(START + 5000);
    ck_assert_uint_eq(gaps.attempt, 0);
    ck_assert_uint_eq(gaps.due, START + 5000 + GUARD);
    teardown();
}
END_TEST

START_TEST(the_number_of_ranges_is_capped)
{
    setup();
    for (uint64_t number = 2; number <= CAPACITY; number += 2)
        put(number);
    update(START);
    ck_assert(request(START + GUARD));
    ck_assert_uint_eq(nack.count, GCS_NACK_RANGES_MAX);
    for (uint16_t i = 0; i < nack.count; i++) {
        ck_assert_uint_eq(nack.ranges[i].first, 2u * i + 1);
        ck_assert_uint_eq(nack.ranges[i].last, 2u * i + 1);
    }
    teardown();
}
END_TEST

/* ---- Against a model -------------------------------------------------------------------- */

static bool named(uint64_t number)
{
    for (uint16_t i = 0; i < nack.count; i++)
        if (nack.ranges[i].first <= number && number <= nack.ranges[i].last)
            return true;
    return false;
}

/* What is asked for is what is missing; with all ranges in use the rest may be left out. */
static void check_request(void)
{
    uint64_t end = nack.count < GCS_NACK_RANGES_MAX ? window.top : nack.ranges[nack.count - 1].last;
    ck_assert_uint_gt(nack.count, 0);
    for (uint64_t number = 1; number <= CAPACITY; number++) {
        bool missing = number <= end && !gcs_window_get(&window, number);
        ck_assert_int_eq(named(number), missing);
    }
    for (uint16_t i = 1; i < nack.count; i++) /* ascending, apart */
        ck_assert_uint_gt(nack.ranges[i].first, nack.ranges[i - 1].last + 1);
}

START_TEST(any_pattern_of_loss_is_named_and_survives_the_wire)
{
    struct gcs_prng prng;
    gcs_prng_init(&prng, 7);
    for (unsigned run = 0; run < 300; run++) {
        setup();
        uint32_t loss = (uint32_t)gcs_prng_between(&prng, 20000, 980000);
        for (uint64_t number = 1; number <= CAPACITY; number++)
            if (!gcs_prng_chance(&prng, loss))
                put(number);
        gcs_window_exists(&window, gcs_prng_between(&prng, 1, CAPACITY));
        update(START);
        nack = (struct gcs_nack){.rank = 1};
        if (request(START + GUARD)) {
            check_request();
            uint8_t bytes[GCS_NACK_RANGES_MAX * 20 + 16];
            struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
            struct gcs_nack read;
            gcs_nack_write(&w, &nack);
            ck_assert(gcs_nack_read(bytes, gcs_writer_size(&w), 2, &read));
            ck_assert_mem_eq(read.ranges, nack.ranges, nack.count * sizeof(nack.ranges[0]));
        } else {
            ck_assert_uint_eq(window.contiguous, window.top);
        }
        teardown();
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        nothing_missing_nothing_asked,     a_late_packet_gets_a_little_time,
        what_is_missing_is_asked_for,      a_window_without_memory_lacks_everything,
        requests_back_off_up_to_a_ceiling, progress_makes_it_eager_again,
        progress_never_puts_a_request_off, a_new_gap_starts_anew,
        the_number_of_ranges_is_capped,    any_pattern_of_loss_is_named_and_survives_the_wire,
    };
    return suite_run("gaps", tests, SUITE_SIZE(tests));
}
