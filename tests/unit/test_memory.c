/* SPDX-License-Identifier: BSD-3-Clause */
/* The caller's memory: zeroed, never more than can be said, and buffers used again. */
#include "gcs/base/memory.h"
#include "tests/unit/scarce.h"
#include "tests/unit/suite.h"

enum { LARGE = 9000 };

static struct scarce memory;
static struct gcs_counters counters;
static struct gcs_pool pool;

static void setup(void)
{
    scarce_init(&memory);
    counters = (struct gcs_counters){0};
    gcs_pool_init(&pool, &memory.allocator, LARGE, &counters);
}

static void teardown(void)
{
    gcs_pool_fini(&pool);
    ck_assert_uint_eq(memory.live, 0);
}

START_TEST(memory_is_zeroed)
{
    scarce_init(&memory);
    uint8_t *bytes = gcs_allocate(&memory.allocator, 10, 7);
    for (size_t i = 0; i < 70; i++)
        ck_assert_uint_eq(bytes[i], 0);
    gcs_release(&memory.allocator, bytes);
    gcs_release(&memory.allocator, NULL);
    ck_assert_uint_eq(memory.live, 0);
}
END_TEST

START_TEST(nothing_is_something)
{
    scarce_init(&memory);
    void *none = gcs_allocate(&memory.allocator, 0, 8),
         *empty = gcs_allocate(&memory.allocator, 8, 0);
    ck_assert_ptr_nonnull(none);
    ck_assert_ptr_nonnull(empty);
    gcs_release(&memory.allocator, none);
    gcs_release(&memory.allocator, empty);
}
END_TEST

START_TEST(a_size_that_wraps_is_refused)
{
    scarce_init(&memory);
    ck_assert_ptr_null(gcs_allocate(&memory.allocator, SIZE_MAX / 2, 3));
    ck_assert_ptr_null(gcs_allocate(&memory.allocator, 3, SIZE_MAX / 2));
    ck_assert_ptr_null(gcs_allocate(&memory.allocator, SIZE_MAX, SIZE_MAX));
    ck_assert_uint_eq(memory.asked, 0);
    scarce_fail(&memory, 1, false);
    ck_assert_ptr_null(gcs_allocate(&memory.allocator, 1, 1));
}
END_TEST

START_TEST(buffers_have_room_for_what_was_asked)
{
    static const size_t sizes[] = {0,     1,         GCS_POOL_SMALL, GCS_POOL_SMALL + 1,
                                   LARGE, LARGE + 1, 1 << 20};
    setup();
    for (size_t i = 0; i < SUITE_SIZE(sizes); i++) {
        struct gcs_buffer *buffer = gcs_pool_get(&pool, sizes[i]);
        ck_assert_uint_ge(buffer->size, sizes[i]);
        ck_assert_uint_eq(buffer->refs, 1);
        memset(buffer->data, 1, buffer->size);
        ck_assert_uint_eq(pool.outstanding, 1);
        gcs_buffer_unref(buffer);
        ck_assert_uint_eq(pool.outstanding, 0);
    }
    gcs_buffer_unref(NULL);
    teardown();
}
END_TEST

START_TEST(a_buffer_goes_with_its_last_reference)
{
    setup();
    struct gcs_buffer *buffer = gcs_pool_get(&pool, 10);
    ck_assert_ptr_eq(gcs_buffer_ref(buffer), buffer);
    gcs_buffer_unref(buffer);
    ck_assert_uint_eq(pool.outstanding, 1);
    gcs_buffer_unref(buffer);
    ck_assert_uint_eq(pool.outstanding, 0);
    teardown();
}
END_TEST

START_TEST(small_and_large_buffers_are_used_again)
{
    setup();
    for (unsigned i = 0; i < 100; i++) {
        struct gcs_buffer *small = gcs_pool_get(&pool, i);
        struct gcs_buffer *large = gcs_pool_get(&pool, GCS_POOL_SMALL + 1 + i);
        ck_assert_uint_eq(small->refs, 1);
        gcs_buffer_unref(small);
        gcs_buffer_unref(large);
    }
    ck_assert_uint_eq(memory.asked, 2);
    ck_assert_uint_eq(counters.allocations, 2);
    ck_assert_uint_eq(memory.live, 2);
    teardown();
}
END_TEST

START_TEST(huge_buffers_are_used_again_if_they_fit)
{
    setup();
    struct gcs_buffer *first = gcs_pool_get(&pool, 10 * LARGE);
    gcs_buffer_unref(first);
    ck_assert_ptr_eq(gcs_pool_get(&pool, 5 * LARGE), first);
    gcs_buffer_unref(first);
    ck_assert_uint_eq(counters.allocations, 1);
    gcs_buffer_unref(gcs_pool_get(&pool, 10 * LARGE + 1)); /* the old size makes way */
    ck_assert_uint_eq(counters.allocations, 2);
    ck_assert_uint_eq(memory.live, 1);
    gcs_buffer_unref(gcs_pool_get(&pool, 2 * LARGE)); /* far too large a buffer */
    ck_assert_uint_eq(counters.allocations, 3);
    ck_assert_uint_eq(memory.live, 1);
    gcs_buffer_unref(
        gcs_pool_get(&pool, GCS_POOL_HUGE_TIMES * pool.spare_max + 1)); /* beyond the bound */
    ck_assert_uint_eq(memory.live, 0);
    teardown();
}
END_TEST

START_TEST(the_right_one_of_several_huge_buffers_is_found)
{
    static const size_t sizes[] = {8 * LARGE, 40 * LARGE, 3 * LARGE};
    struct gcs_buffer *buffers[SUITE_SIZE(sizes)];
    setup();
    for (size_t i = 0; i < SUITE_SIZE(sizes); i++)
        buffers[i] = gcs_pool_get(&pool, sizes[i]);
    for (size_t i = 0; i < SUITE_SIZE(sizes); i++)
        gcs_buffer_unref(buffers[i]);
    for (size_t i = 0; i < SUITE_SIZE(sizes); i++)
        ck_assert_ptr_eq(gcs_pool_get(&pool, sizes[i]), buffers[i]);
    for (size_t i = 0; i < SUITE_SIZE(sizes); i++)
        gcs_buffer_unref(buffers[i]);
    ck_assert_uint_eq(memory.asked, SUITE_SIZE(sizes));
    teardown();
}
END_TEST

START_TEST(only_so_many_are_kept)
{
    struct gcs_buffer *buffers[40];
    setup();
    pool.spare_max = 7 * LARGE;
    for (size_t i = 0; i < SUITE_SIZE(buffers); i++)
        buffers[i] = gcs_pool_get(&pool, i % 2 ? LARGE : 1);
    for (size_t i = 0; i < SUITE_SIZE(buffers); i++)
        gcs_buffer_unref(buffers[i]);
    ck_assert_uint_eq(memory.live, 7 + 20); /* all of the small ones */
    teardown();
}
END_TEST

START_TEST(a_pool_of_small_packets_has_no_large_ones)
{
    scarce_init(&memory);
    gcs_pool_init(&pool, &memory.allocator, 1, &counters);
    gcs_buffer_unref(gcs_pool_get(&pool, GCS_POOL_SMALL));
    struct gcs_buffer *huge = gcs_pool_get(&pool, GCS_POOL_SMALL + 1);
    ck_assert_uint_eq(huge->size, GCS_POOL_SMALL + 1);
    gcs_buffer_unref(huge);
    ck_assert_uint_eq(memory.live, 2);
    teardown();
}
END_TEST

START_TEST(without_memory_there_is_no_buffer)
{
    setup();
    scarce_fail(&memory, 1, false);
    ck_assert_ptr_null(gcs_pool_get(&pool, 10));
    ck_assert_uint_eq(pool.outstanding, 0);
    ck_assert_uint_eq(counters.allocations, 0);
    gcs_buffer_unref(gcs_pool_get(&pool, 10));
    scarce_fail(&memory, 1, true);
    gcs_buffer_unref(gcs_pool_get(&pool, 10)); /* one is there */
    if (SIZE_MAX > UINT32_MAX)
        ck_assert_ptr_null(gcs_pool_get(&pool, (size_t)UINT32_MAX + 1));
    teardown();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        memory_is_zeroed,
        nothing_is_something,
        a_size_that_wraps_is_refused,
        buffers_have_room_for_what_was_asked,
        a_buffer_goes_with_its_last_reference,
        small_and_large_buffers_are_used_again,
        huge_buffers_are_used_again_if_they_fit,
        the_right_one_of_several_huge_buffers_is_found,
        only_so_many_are_kept,
        a_pool_of_small_packets_has_no_large_ones,
        without_memory_there_is_no_buffer,
    };
    return suite_run("memory", tests, SUITE_SIZE(tests));
}
