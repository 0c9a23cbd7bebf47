/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The window of one sender's packets: what is held once is held, nothing outside
 * of the window is kept, marks only grow and keep their order, and each buffer is
 * referred to exactly as long as its packet is held.
 */
#include "gcs/base/memory.h"
#include "gcs/base/prng.h"
#include "gcs/reliable/window.h"
#include "tests/unit/scarce.h"
#include "tests/unit/suite.h"

enum { CAPACITY = 16 };

static struct scarce memory;
static struct gcs_counters counters;
static struct gcs_pool pool;
static struct gcs_window window;

static void open_window(uint32_t capacity)
{
    scarce_init(&memory);
    gcs_pool_init(&pool, &memory.allocator, 4096, &counters);
    pool.spare_max = 0; /* so that whatever is used too late is seen */
    gcs_window_init(&window, &memory.allocator, capacity);
}

/* After this nothing may be left. */
static void close_window(void)
{
    gcs_window_fini(&window);
    ck_assert_uint_eq(pool.outstanding, 0);
    gcs_pool_fini(&pool);
    ck_assert_uint_eq(memory.live, 0);
}

/* Keeps packet number with size bytes; only the window refers to it then. */
static int put(uint64_t number, uint32_t size)
{
    struct gcs_buffer *buffer = gcs_pool_get(&pool, GCS_PACKET_HEADER);
    struct gcs_held packet = {
        .buffer = buffer, .data = buffer->data, .size = size, .first = number};
    int result = gcs_window_put(&window, number, &packet);
    ck_assert_uint_eq(buffer->refs, result == 0 ? 2 : 1);
    gcs_buffer_unref(buffer);
    return result;
}

START_TEST(it_grows_with_what_is_on_its_way)
{
    open_window(1024);
    ck_assert_uint_eq(window.size, 0);
    for (uint64_t n = 1; n <= 1000; n++) {
        ck_assert_int_eq(put(n, 10), 0);
        gcs_window_done(&window, n);
        gcs_window_release(&window, n > 10 ? n - 10 : 0);
    }
    ck_assert_uint_eq(window.size, 16);
    ck_assert(gcs_window_reserve(&window, 1030));
    gcs_window_missing(&window, 1030)->attempts = 3;
    ck_assert_int_eq(put(990 + 1024, 10), 0); /* as far as its capacity, with a gap before it */
    ck_assert_uint_eq(window.size, 1024);
    for (uint64_t n = 991; n <= 1000; n++)
        ck_assert_uint_eq(gcs_window_get(&window, n)->first, n);
    ck_assert_ptr_null(gcs_window_get(&window, 1001));
    ck_assert_uint_eq(gcs_window_missing(&window, 1030)->attempts, 3);
    ck_assert_int_eq(put(990 + 1025, 10), GCS_ELIMIT);
    close_window();
}
END_TEST

START_TEST(packets_are_found_by_their_number)
{
    open_window(CAPACITY);
    ck_assert_ptr_null(gcs_window_get(&window, 1));
    ck_assert_int_eq(put(1, 10), 0);
    ck_assert_int_eq(put(3, 30), 0);
    ck_assert_uint_eq(gcs_window_get(&window, 1)->first, 1);
    ck_assert_ptr_null(gcs_window_get(&window, 2));
    ck_assert_uint_eq(gcs_window_get(&window, 3)->first, 3);
    ck_assert_ptr_null(gcs_window_get(&window, 0));
    ck_assert_ptr_null(gcs_window_get(&window, 4));
    ck_assert_ptr_null(gcs_window_get(&window, 1 + CAPACITY)); /* the same slot */
    ck_assert_ptr_null(gcs_window_get(&window, UINT64_MAX));
    ck_assert_uint_eq(window.contiguous, 1);
    ck_assert_uint_eq(window.top, 3);
    ck_assert_uint_eq(window.bytes, 40);
    close_window();
}
END_TEST

START_TEST(a_gap_that_closes_moves_the_mark_beyond_what_waited)
{
    open_window(CAPACITY);
    for (uint64_t number = 2; number <= 5; number++)
        ck_assert_int_eq(put(number, 1), 0);
    ck_assert_uint_eq(window.contiguous, 0);
    ck_assert_int_eq(put(1, 1), 0);
    ck_assert_uint_eq(window.contiguous, 5);
    close_window();
}
END_TEST

START_TEST(what_is_there_or_was_there_is_not_kept_again)
{
    open_window(CAPACITY);
    ck_assert_int_eq(put(0, 1), GCS_EALREADY); /* there is no packet 0 */
    ck_assert_int_eq(put(1, 1), 0);
    ck_assert_int_eq(put(1, 1), GCS_EALREADY);
    gcs_window_done(&window, 1);
    ck_assert_int_eq(put(1, 1), GCS_EALREADY);
    ck_assert(gcs_window_release(&window, 1));
    ck_assert_ptr_null(gcs_window_get(&window, 1));
    ck_assert_int_eq(put(1, 1), GCS_EALREADY);
    ck_assert_uint_eq(window.bytes, 0);
    close_window();
}
END_TEST

START_TEST(nothing_beyond_the_window_is_kept)
{
    open_window(CAPACITY);
    ck_assert_int_eq(put(CAPACITY + 1, 1), GCS_ELIMIT);
    ck_assert_int_eq(put(UINT64_MAX, 1), GCS_ELIMIT);
    ck_assert_uint_eq(window.top, 0);
    ck_assert_int_eq(put(CAPACITY, 1), 0);
    ck_assert_int_eq(put(1, 1), 0);
    gcs_window_done(&window, 1);
    ck_assert(gcs_window_release(&window, 1));
    ck_assert_int_eq(put(CAPACITY + 1, 1), 0);
    ck_assert_int_eq(put(CAPACITY + 2, 1), GCS_ELIMIT);
    close_window();
}
END_TEST

START_TEST(a_window_of_one)
{
    open_window(1);
    for (uint64_t number = 1; number <= 3; number++) {
        ck_assert_int_eq(put(number + 1, 1), GCS_ELIMIT);
        ck_assert_int_eq(put(number, 1), 0);
        gcs_window_done(&window, number);
        ck_assert(gcs_window_release(&window, number));
    }
    close_window();
}
END_TEST

START_TEST(only_what_the_application_has_taken_is_released)
{
    open_window(CAPACITY);
    for (uint64_t number = 1; number <= 4; number++)
        put(number, 100);
    ck_assert(!gcs_window_release(&window, 4));
    gcs_window_done(&window, 2); /* taken out of order: 1 is still in use */
    ck_assert_uint_eq(window.done, 0);
    ck_assert(!gcs_window_release(&window, 2));
    gcs_window_done(&window, 1);
    ck_assert_uint_eq(window.done, 2);
    ck_assert(gcs_window_release(&window, 4));
    ck_assert_uint_eq(window.base, 2);
    ck_assert_uint_eq(window.bytes, 200);
    ck_assert(!gcs_window_release(&window, 2)); /* nothing new */
    ck_assert(!gcs_window_release(&window, 0));
    ck_assert_ptr_nonnull(gcs_window_get(&window, 3));
    close_window();
}
END_TEST

START_TEST(taking_what_is_not_held_changes_nothing)
{
    open_window(CAPACITY);
    gcs_window_done(&window, 1);
    put(1, 1);
    gcs_window_done(&window, 0);
    gcs_window_done(&window, 2);
    gcs_window_done(&window, 1 + CAPACITY);
    ck_assert_uint_eq(window.done, 0);
    gcs_window_done(&window, 1);
    gcs_window_done(&window, 1);
    ck_assert_uint_eq(window.done, 1);
    gcs_window_release(&window, 1);
    gcs_window_done(&window, 1);
    ck_assert_uint_eq(window.done, 1);
    close_window();
}
END_TEST

START_TEST(others_tell_how_far_a_sender_has_come)
{
    open_window(CAPACITY);
    gcs_window_exists(&window, 5);
    ck_assert_uint_eq(window.top, 5);
    ck_assert_ptr_null(gcs_window_get(&window, 5)); /* no memory yet */
    gcs_window_exists(&window, 3);
    ck_assert_uint_eq(window.top, 5);
    gcs_window_exists(&window, CAPACITY + 1); /* what the window has room for, to begin with */
    ck_assert_uint_eq(window.top, CAPACITY);
    gcs_window_exists(&window, UINT64_MAX);
    ck_assert_uint_eq(window.top, CAPACITY);
    close_window();
}
END_TEST

START_TEST(without_memory_nothing_changes)
{
    open_window(CAPACITY);
    struct gcs_buffer *buffer = gcs_pool_get(&pool, 1);
    struct gcs_held packet = {.buffer = buffer, .data = buffer->data, .size = 1};
    scarce_fail(&memory, 1, false);
    ck_assert_int_eq(gcs_window_put(&window, 2, &packet), GCS_ENOMEM);
    ck_assert_uint_eq(window.top, 0);
    ck_assert_uint_eq(window.bytes, 0);
    ck_assert_uint_eq(buffer->refs, 1);
    ck_assert_int_eq(gcs_window_put(&window, 2, &packet), 0);
    gcs_buffer_unref(buffer);
    close_window();
}
END_TEST

START_TEST(a_window_allocates_once)
{
    open_window(CAPACITY);
    for (uint64_t number = 1; number <= 10 * CAPACITY; number++) {
        put(number, 1);
        if (number == 1)
            scarce_fail(&memory, 0, false); /* count from here */
        gcs_window_done(&window, number);
        gcs_window_release(&window, number);
    }
    ck_assert_uint_eq(memory.asked, 10 * CAPACITY - 1); /* the buffers' */
    close_window();
}
END_TEST

/* ---- Against a model ------------------------------------------------------------------- */

enum { NUMBERS = 4000 };

/* The same, without a ring: what has been put and taken, by number. */
static struct {
    bool held[NUMBERS], taken[NUMBERS];
    uint64_t base, top, bytes;
} model;

static uint32_t size_of(uint64_t number)
{
    return (uint32_t)(number % 97 + 1);
}

static void model_put(uint64_t number)
{
    int expected = 0;
    if (number <= model.base || model.held[number])
        expected = GCS_EALREADY;
    else if (number > model.base + CAPACITY)
        expected = GCS_ELIMIT;
    ck_assert_int_eq(put(number, size_of(number)), expected);
    if (expected != 0)
        return;
    model.held[number] = true;
    model.bytes += size_of(number);
    if (number > model.top)
        model.top = number;
}

static uint64_t model_mark(const bool *is)
{
    uint64_t mark = model.base;
    while (is[mark + 1])
        mark++;
    return mark;
}

static void model_release(uint64_t number)
{
    uint64_t done = model_mark(model.taken), before = model.base;
    while (model.base < number && model.base < done)
        model.bytes -= size_of(++model.base);
    ck_assert_int_eq(gcs_window_release(&window, number), model.base > before);
}

static void check_against_model(void)
{
    uint64_t held = 0;
    ck_assert_uint_eq(window.base, model.base);
    ck_assert_uint_eq(window.done, model_mark(model.taken));
    ck_assert_uint_eq(window.contiguous, model_mark(model.held));
    ck_assert_uint_eq(window.top, model.top);
    ck_assert_uint_eq(window.bytes, model.bytes);
    uint64_t first = model.base > CAPACITY ? model.base - CAPACITY : 0;
    for (uint64_t number = first; number < model.base + 3 * CAPACITY; number++) {
        const struct gcs_held *packet = gcs_window_get(&window, number);
        bool right = (packet != NULL) == (number > model.base && model.held[number]);
        if (packet)
            right = right && packet->first == number && packet->buffer->refs == 1 &&
                    packet->done == model.taken[number];
        held += packet != NULL;
        if (!right) /* Check notes each assertion that it passes, which is slow */
            ck_abort_msg("packet %llu is not as it should be", (unsigned long long)number);
    }
    ck_assert_uint_eq(pool.outstanding, held);
}

START_TEST(any_sequence_of_calls)
{
    struct gcs_prng prng;
    gcs_prng_init(&prng, 6);
    for (unsigned run = 0; run < 5; run++) {
        open_window(CAPACITY);
        memset(&model, 0, sizeof(model));
        while (model.base < NUMBERS / 40) {
            uint64_t number = model.base + gcs_prng_below(&prng, CAPACITY + 4);
            uint64_t what = gcs_prng_below(&prng, 10);
            if (what < 5) {
                model_put(number);
            } else if (what < 8) {
                gcs_window_done(&window, number);
                model.taken[number] |= number > model.base && model.held[number];
            } else if (what < 9) {
                model_release(number);
            } else {
                gcs_window_exists(&window, number);
                uint64_t within = number < model.base + CAPACITY ? number : model.base + CAPACITY;
                if (within > model.top)
                    model.top = within;
            }
            check_against_model();
        }
        close_window();
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        it_grows_with_what_is_on_its_way,
        packets_are_found_by_their_number,
        a_gap_that_closes_moves_the_mark_beyond_what_waited,
        what_is_there_or_was_there_is_not_kept_again,
        nothing_beyond_the_window_is_kept,
        a_window_of_one,
        only_what_the_application_has_taken_is_released,
        taking_what_is_not_held_changes_nothing,
        others_tell_how_far_a_sender_has_come,
        without_memory_nothing_changes,
        a_window_allocates_once,
        any_sequence_of_calls,
    };
    return suite_run("window", tests, SUITE_SIZE(tests));
}
