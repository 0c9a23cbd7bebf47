/* SPDX-License-Identifier: BSD-3-Clause */
/* The STATUS frame: vectors come back as they were; what makes no sense is refused. */
#include "gcs/base/prng.h"
#include "gcs/wire/status.h"
#include "tests/unit/suite.h"

enum { MEMBERS_MAX = 64, ROOM = 2048 };

struct vectors {
    uint64_t held[MEMBERS_MAX];
    uint64_t done[MEMBERS_MAX];
    uint64_t seen[MEMBERS_MAX];
};

/* Writes a frame with order_bytes bytes of 0x5a at its end; the body in bytes, its size returned.
 */
static size_t write_body(uint8_t *bytes, const struct gcs_status *status, size_t order_bytes)
{
    static uint8_t room[ROOM];
    struct gcs_writer w = gcs_writer_over(room, sizeof(room));
    struct gcs_frame frame;
    uint8_t *begin = gcs_status_begin(&w, status);
    ck_assert_ptr_nonnull(begin);
    memset(gcs_write_room(&w, order_bytes), 0x5a, order_bytes);
    ck_assert(gcs_frame_end(&w, begin));
    struct gcs_reader r = gcs_reader_over(room, gcs_writer_size(&w));
    ck_assert(gcs_frame_next(&r, &frame));
    ck_assert_uint_eq(frame.type, GCS_FRAME_STATUS);
    memcpy(bytes, frame.body, frame.size);
    return frame.size;
}

static void check_round_trip(const struct gcs_status *status, size_t order_bytes)
{
    uint8_t bytes[ROOM];
    struct vectors v;
    struct gcs_status read;
    struct gcs_reader order;
    const uint64_t *seen = status->flags & GCS_STATUS_SEEN ? status->seen : status->held;
    size_t size = write_body(bytes, status, order_bytes);
    ck_assert(gcs_status_read(bytes, size, status->count, &read, v.held, v.done, v.seen, &order));
    ck_assert_uint_eq(read.flags, status->flags);
    ck_assert_uint_eq(read.top, status->top);
    ck_assert_uint_eq(read.count, status->count);
    ck_assert_ptr_eq(read.held, v.held);
    ck_assert_ptr_eq(read.done, v.done);
    for (uint16_t rank = 0; rank < status->count; rank++) {
        ck_assert_uint_eq(v.held[rank], status->held[rank]);
        ck_assert_uint_eq(v.done[rank], status->done[rank]);
        ck_assert_uint_eq(v.seen[rank], seen[rank]);
    }
    ck_assert_uint_eq(gcs_reader_left(&order), order_bytes);
    ck_assert(order_bytes == 0 || gcs_read_u8(&order) == 0x5a);
}

START_TEST(vectors_come_back_as_they_were)
{
    struct gcs_prng prng;
    struct vectors v;
    gcs_prng_init(&prng, 3);
    for (unsigned run = 0; run < 2000; run++) {
        struct gcs_status status = {
            .flags = (uint8_t)gcs_prng_next(&prng),
            .top = gcs_prng_next(&prng) >> gcs_prng_below(&prng, 64),
            .count = (uint16_t)gcs_prng_between(&prng, 1, MEMBERS_MAX),
            .held = v.held,
            .done = v.done,
            .seen = v.seen,
        };
        for (uint16_t rank = 0; rank < status.count; rank++) {
            v.held[rank] = gcs_prng_next(&prng) >> gcs_prng_below(&prng, 64);
            v.done[rank] = gcs_prng_between(&prng, 0, v.held[rank]);
            v.seen[rank] = gcs_prng_between(&prng, v.held[rank], UINT64_MAX);
            if (!(status.flags & GCS_STATUS_SEEN))
                v.seen[rank] = v.held[rank];
        }
        check_round_trip(&status, (size_t)gcs_prng_below(&prng, 12));
    }
}
END_TEST

START_TEST(the_largest_and_smallest_values)
{
    static const uint64_t held[4] = {0, 1, UINT64_MAX, UINT64_MAX};
    static const uint64_t done[4] = {0, 0, 0, UINT64_MAX};
    static const uint64_t seen[4] = {0, UINT64_MAX, UINT64_MAX, UINT64_MAX};
    struct gcs_status status = {
        .flags = 255, .top = UINT64_MAX, .count = 4, .held = held, .done = done, .seen = seen};
    check_round_trip(&status, 0);
    status = (struct gcs_status){.count = 1, .held = held, .done = done};
    check_round_trip(&status, 10);
}
END_TEST

static const uint64_t three_held[3] = {1000, 7, 300};
static const uint64_t three_done[3] = {500, 7, 0};
static const struct gcs_status three = {
    .flags = GCS_STATUS_REPLY, .top = 5000, .count = 3, .held = three_held, .done = three_done};

START_TEST(a_body_cut_short_is_refused)
{
    uint8_t bytes[ROOM];
    struct vectors v;
    struct gcs_status read;
    struct gcs_reader order;
    size_t size = write_body(bytes, &three, 0);
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *exact = malloc(cut ? cut : 1);
        memcpy(exact, bytes, cut);
        ck_assert_msg(!gcs_status_read(exact, cut, 3, &read, v.held, v.done, v.seen, &order),
                      "at %zu", cut);
        free(exact);
    }
    ck_assert(gcs_status_read(bytes, size, 3, &read, v.held, v.done, v.seen, &order));
}
END_TEST

START_TEST(a_vector_of_another_view_size_is_refused)
{
    uint8_t bytes[ROOM];
    struct vectors v;
    struct gcs_status read;
    struct gcs_reader order;
    size_t size = write_body(bytes, &three, 8);
    for (uint16_t count = 0; count < MEMBERS_MAX; count++)
        ck_assert_int_eq(gcs_status_read(bytes, size, count, &read, v.held, v.done, v.seen, &order),
                         count == 3);
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_write_u8(&w, 0);
    gcs_write_varint(&w, 0);
    gcs_write_varint(&w, UINT64_C(0x10000)); /* 0 in sixteen bits */
    ck_assert(
        !gcs_status_read(bytes, gcs_writer_size(&w), 0, &read, v.held, v.done, v.seen, &order));
}
END_TEST

START_TEST(more_taken_than_held_is_refused)
{
    uint8_t bytes[32];
    struct vectors v;
    struct gcs_status read;
    struct gcs_reader order;
    for (uint64_t lag = 4; lag <= 6; lag++) {
        struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
        gcs_write_u8(&w, 0);
        gcs_write_varint(&w, 9);
        gcs_write_varint(&w, 1);
        gcs_write_varint(&w, 5);
        gcs_write_varint(&w, lag);
        ck_assert_int_eq(
            gcs_status_read(bytes, gcs_writer_size(&w), 1, &read, v.held, v.done, v.seen, &order),
            lag <= 5);
    }
}
END_TEST

START_TEST(more_seen_than_numbers_is_refused)
{
    uint8_t bytes[32];
    struct vectors v;
    struct gcs_status read;
    struct gcs_reader order;
    for (uint64_t ahead = UINT64_MAX - 6; ahead > 0; ahead++) {
        struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
        gcs_write_u8(&w, GCS_STATUS_SEEN);
        gcs_write_varint(&w, 9);
        gcs_write_varint(&w, 1);
        gcs_write_varint(&w, 5);
        gcs_write_varint(&w, 0);
        gcs_write_varint(&w, ahead);
        ck_assert_int_eq(
            gcs_status_read(bytes, gcs_writer_size(&w), 1, &read, v.held, v.done, v.seen, &order),
            ahead <= UINT64_MAX - 5);
    }
}
END_TEST

START_TEST(a_frame_without_room_leaves_no_trace)
{
    uint8_t bytes[64];
    for (size_t room = 0; room < sizeof(bytes); room++) {
        struct gcs_writer w = gcs_writer_over(bytes, room);
        uint8_t *begin = gcs_status_begin(&w, &three);
        bool ended = begin && gcs_frame_end(&w, begin);
        ck_assert(!w.bad);
        ck_assert_int_eq(begin != NULL, room >= GCS_FRAME_HEADER);
        ck_assert_uint_eq(gcs_writer_size(&w), ended ? GCS_FRAME_HEADER + 14 : 0);
        ck_assert_int_eq(ended, room >= GCS_FRAME_HEADER + 14);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        vectors_come_back_as_they_were,       the_largest_and_smallest_values,
        a_body_cut_short_is_refused,          a_vector_of_another_view_size_is_refused,
        more_taken_than_held_is_refused,      more_seen_than_numbers_is_refused,
        a_frame_without_room_leaves_no_trace,
    };
    return suite_run("status", tests, SUITE_SIZE(tests));
}
