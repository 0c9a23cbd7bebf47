/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From fragments to a message: pieces in order make it whole; any other piece
 * drops what there was; nothing larger than agreed is ever allocated.
 */
#include "gcs/assembly.h"
#include "tests/unit/scarce.h"
#include "tests/unit/suite.h"

enum { LIMIT = 100000 };

static struct scarce memory;
static struct gcs_counters counters;
static struct gcs_pool pool;
static struct gcs_assembly assembly;
static struct gcs_buffer *whole;
static size_t whole_size;
static uint8_t text[LIMIT];

static void setup(void)
{
    scarce_init(&memory);
    gcs_pool_init(&pool, &memory.allocator, 4096, &counters);
    pool.spare_max = 0;
    assembly = (struct gcs_assembly){.buffer = NULL};
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)(i * 13 + i / 257);
}

static void teardown(void)
{
    gcs_assembly_fini(&assembly);
    ck_assert_uint_eq(pool.outstanding, 0);
    gcs_pool_fini(&pool);
    ck_assert_uint_eq(memory.live, 0);
}

static int add(uint32_t total, uint32_t offset, size_t size)
{
    struct gcs_fragment fragment = {total, offset, text + offset, size};
    return gcs_assembly_add(&assembly, &pool, &fragment, LIMIT, &whole, &whole_size);
}

static void expect_whole(uint32_t size)
{
    size_t offset = 0, length;
    const uint8_t *data;
    ck_assert_int_eq(gcs_payload_count(whole->data, whole_size), 1);
    ck_assert(gcs_payload_next(whole->data, whole_size, &offset, &data, &length));
    ck_assert_uint_eq(length, size);
    ck_assert_mem_eq(data, text, size);
    ck_assert_ptr_null(assembly.buffer);
    gcs_buffer_unref(whole);
}

START_TEST(pieces_make_a_message)
{
    static const uint32_t totals[] = {1, 2, 127, 128, 5000, 16383, 16384, LIMIT};
    setup();
    for (size_t i = 0; i < SUITE_SIZE(totals); i++) {
        for (uint32_t piece = 1; piece <= totals[i]; piece = piece * 3 + totals[i] / 7) {
            for (uint32_t at = 0; at < totals[i]; at += piece) {
                uint32_t size = totals[i] - at < piece ? totals[i] - at : piece;
                ck_assert_int_eq(add(totals[i], at, size), at + size == totals[i]);
            }
            expect_whole(totals[i]);
        }
    }
    teardown();
}
END_TEST

/* A buffer that was chosen before, empty, or with the message in it already. */
START_TEST(pieces_go_where_they_are_told_to)
{
    setup();
    for (unsigned there = 0; there < 2; there++) {
        struct gcs_buffer *buffer = gcs_pool_get(&pool, 5000 + GCS_MESSAGE_SIZE_MAX);
        struct gcs_writer w = gcs_writer_over(buffer->data, GCS_MESSAGE_SIZE_MAX);
        memset(buffer->data, 0, buffer->size);
        if (there) {
            gcs_write_varint(&w, 5000);
            memcpy(w.at, text, 5000);
        }
        ck_assert_int_eq(add(3000, 0, 1000), 0); /* makes way */
        gcs_assembly_use(&assembly, buffer, 5000, there);
        ck_assert_int_eq(add(5000, 0, 3000), 0);
        ck_assert_ptr_eq(assembly.buffer, buffer);
        ck_assert_int_eq(add(5000, 3000, 2000), 1);
        ck_assert_ptr_eq(whole, buffer);
        expect_whole(5000);
        ck_assert_int_eq(add(700, 0, 700), 1); /* the next one has a buffer of its own */
        expect_whole(700);
        gcs_assembly_use(&assembly, gcs_pool_get(&pool, 800 + GCS_MESSAGE_SIZE_MAX), 800, false);
        ck_assert_int_eq(add(900, 0, 100), GCS_EMALFORMED); /* another one than was meant */
    }
    teardown();
}
END_TEST

START_TEST(a_piece_that_does_not_go_on_drops_what_there_was)
{
    static const struct {
        uint32_t total, offset, size;
    } wrong[] = {
        {1000, 100, 100}, /* again */
        {1000, 300, 100}, /* one left out */
        {1000, 199, 100}, /* overlaps */
        {1001, 200, 100}, /* of another message */
        {999, 200, 100},
    };
    setup();
    for (size_t i = 0; i < SUITE_SIZE(wrong); i++) {
        ck_assert_int_eq(add(1000, 0, 100), 0);
        ck_assert_int_eq(add(1000, 100, 100), 0);
        ck_assert_int_eq(add(wrong[i].total, wrong[i].offset, wrong[i].size), GCS_EMALFORMED);
        ck_assert_ptr_null(assembly.buffer);
        ck_assert_uint_eq(pool.outstanding, 0);
        ck_assert_int_eq(add(1000, 200, 100), GCS_EMALFORMED); /* too late */
    }
    ck_assert_int_eq(add(50, 10, 10), GCS_EMALFORMED); /* without a beginning */
    ck_assert_int_eq(add(50, 0, 50), 1);
    expect_whole(50);
    teardown();
}
END_TEST

START_TEST(a_beginning_begins_anew)
{
    setup();
    ck_assert_int_eq(add(1000, 0, 500), 0);
    ck_assert_int_eq(add(2000, 0, 500), 0);
    ck_assert_uint_eq(pool.outstanding, 1);
    ck_assert_int_eq(add(2000, 500, 1500), 1);
    expect_whole(2000);
    teardown();
}
END_TEST

START_TEST(longer_than_agreed_costs_no_memory)
{
    setup();
    ck_assert_int_eq(add(1000, 0, 500), 0);
    scarce_fail(&memory, 0, false);
    ck_assert_int_eq(add(LIMIT + 1, 0, 500), GCS_EMALFORMED);
    ck_assert_int_eq(add(UINT32_MAX, 0, 500), GCS_EMALFORMED);
    ck_assert_uint_eq(memory.asked, 0);
    ck_assert_ptr_null(assembly.buffer);
    ck_assert_int_eq(add(LIMIT + 1, 500, 500), GCS_EMALFORMED);
    teardown();
}
END_TEST

START_TEST(without_memory_there_is_nothing)
{
    setup();
    ck_assert_int_eq(add(1000, 0, 500), 0);
    scarce_fail(&memory, 1, false);
    ck_assert_int_eq(add(2000, 0, 500), GCS_ENOMEM);
    ck_assert_ptr_null(assembly.buffer);
    ck_assert_int_eq(add(2000, 500, 500), GCS_EMALFORMED);
    ck_assert_int_eq(add(2000, 0, 2000), 1);
    expect_whole(2000);
    teardown();
}
END_TEST

START_TEST(what_is_left_is_freed)
{
    setup();
    gcs_assembly_fini(&assembly); /* nothing there */
    ck_assert_int_eq(add(1000, 0, 500), 0);
    gcs_assembly_fini(&assembly);
    gcs_assembly_fini(&assembly);
    teardown();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        pieces_make_a_message,
        pieces_go_where_they_are_told_to,
        a_piece_that_does_not_go_on_drops_what_there_was,
        a_beginning_begins_anew,
        longer_than_agreed_costs_no_memory,
        without_memory_there_is_nothing,
        what_is_left_is_freed,
    };
    return suite_run("assembly", tests, SUITE_SIZE(tests));
}
