/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Control frames in pieces: put together whatever their number, lost with any
 * piece, never confused with those of another source, and bounded.
 */
#include "gcs/pieces.h"

#include "tests/unit/suite.h"

#include <stdlib.h>

static void *take(void *ctx, size_t size)
{
    (void)ctx;
    return malloc(size);
}

static void give(void *ctx, void *memory)
{
    (void)ctx;
    free(memory);
}

static const struct gcs_allocator allocator = {NULL, take, give};
static struct gcs_counters counters;
static struct gcs_pool pool;
static struct gcs_pieces pieces;
static const uint8_t body[] = "0123456789abcdefghij";

static void begin(void)
{
    gcs_pool_init(&pool, &allocator, 4096, &counters);
    pieces = (struct gcs_pieces){.clock = 0};
}

static void end(void)
{
    gcs_pieces_fini(&pieces);
    gcs_pool_fini(&pool);
}

static struct gcs_address source(uint8_t number)
{
    return (struct gcs_address){.length = 1, .bytes = {number}};
}

static struct gcs_buffer *add(uint8_t from, uint32_t id, uint32_t offset, uint32_t size)
{
    struct gcs_address address = source(from);
    struct gcs_piece piece = {GCS_FRAME_INSTALL, id, 20, offset, body + offset, size};
    return gcs_pieces_add(&pieces, &pool, &address, &piece);
}

static void check_whole(struct gcs_buffer *whole)
{
    ck_assert_ptr_nonnull(whole);
    ck_assert_uint_eq(whole->data[0], GCS_FRAME_INSTALL);
    ck_assert_uint_eq(gcs_load_le(whole->data + 2, 2), 20);
    ck_assert_mem_eq(whole->data + GCS_FRAME_HEADER, body, 20);
    gcs_buffer_unref(whole);
}

START_TEST(pieces_in_order_make_the_frame)
{
    begin();
    ck_assert_ptr_null(add(1, 7, 0, 6));
    ck_assert_ptr_null(add(1, 7, 6, 6));
    check_whole(add(1, 7, 12, 8));
    end();
}
END_TEST

START_TEST(sources_do_not_mix)
{
    begin();
    ck_assert_ptr_null(add(1, 7, 0, 10));
    ck_assert_ptr_null(add(2, 7, 0, 12));
    check_whole(add(1, 7, 10, 10));
    check_whole(add(2, 7, 12, 8));
    end();
}
END_TEST

START_TEST(a_lost_piece_loses_the_frame)
{
    begin();
    ck_assert_ptr_null(add(1, 7, 0, 6));
    ck_assert_ptr_null(add(1, 7, 12, 8));
    ck_assert_ptr_null(add(1, 8, 6, 14)); /* of another frame */
    ck_assert_ptr_null(add(1, 9, 0, 10)); /* the frame comes again under a new id */
    check_whole(add(1, 9, 10, 10));
    end();
}
END_TEST

START_TEST(a_middle_without_a_beginning_is_nothing)
{
    begin();
    ck_assert_ptr_null(add(1, 7, 6, 14));
    ck_assert_uint_eq(pool.outstanding, 0);
    end();
}
END_TEST

START_TEST(no_more_than_a_few_are_open)
{
    begin();
    for (uint8_t from = 1; from <= 3 * GCS_PIECES_MAX; from++)
        ck_assert_ptr_null(add(from, 1, 0, 10));
    ck_assert_uint_eq(pool.outstanding, GCS_PIECES_MAX);
    check_whole(add(3 * GCS_PIECES_MAX, 1, 10, 10)); /* the newest survived */
    ck_assert_ptr_null(add(1, 1, 10, 10));
    end();
}
END_TEST

START_TEST(codec_refuses_what_makes_no_sense)
{
    uint8_t bytes[64];
    struct gcs_piece piece = {GCS_FRAME_INSTALL, 300, 20, 5, body, 15}, read;
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_piece_write(&w, &piece);
    ck_assert(gcs_piece_read(bytes, gcs_writer_size(&w), &read));
    ck_assert_uint_eq(read.type, GCS_FRAME_INSTALL);
    ck_assert_uint_eq(read.id, 300);
    ck_assert_uint_eq(read.offset, 5);
    ck_assert_mem_eq(read.data, body, read.size);
    for (size_t size = 0; size < gcs_writer_size(&w) - 14; size++)
        ck_assert(!gcs_piece_read(bytes, size, &read)); /* no byte of the body is left */
    piece.offset = 6;
    w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_piece_write(&w, &piece);
    ck_assert(!gcs_piece_read(bytes, gcs_writer_size(&w), &read)); /* beyond the end */
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        pieces_in_order_make_the_frame, sources_do_not_mix,
        a_lost_piece_loses_the_frame,   a_middle_without_a_beginning_is_nothing,
        no_more_than_a_few_are_open,    codec_refuses_what_makes_no_sense,
    };
    return suite_run("pieces", tests, SUITE_SIZE(tests));
}
