/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From messages to packets: small ones are packed, large ones cut, their order
 * and numbers never change, and without memory nothing changes at all.
 */
#include "gcs/assembly.h"
#include "gcs/base/prng.h"
#include "gcs/packer.h"
#include "tests/unit/scarce.h"
#include "tests/unit/suite.h"

#include <gcs/types.h>

enum { PACKET = 1400, ROOM = 100000 };

static struct scarce memory;
static struct gcs_counters counters;
static struct gcs_pool pool;
static struct gcs_packer packer;
static struct gcs_packing packing;
static uint8_t text[ROOM];

static void setup(uint32_t packet_bytes)
{
    scarce_init(&memory);
    gcs_pool_init(&pool, &memory.allocator, 4096, &counters);
    pool.spare_max = 0; /* every buffer is an allocation */
    gcs_packer_init(&packer, &pool, packet_bytes);
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)(i * 31 + i / 251);
}

static void teardown(void)
{
    gcs_packer_fini(&packer);
    gcs_pool_fini(&pool);
    ck_assert_uint_eq(memory.live, 0);
}

static int add(uint8_t service, size_t size)
{
    return gcs_packer_add(&packer, service, text, size);
}

/* Takes the next packet's payload, to be given back. */
static const uint8_t *take(void)
{
    uint32_t expected = gcs_packer_next_size(&packer);
    if (gcs_packer_take(&packer, &packing) != 0)
        ck_abort_msg("nothing to take");
    ck_assert_uint_eq(packing.size, expected);
    ck_assert_uint_le(packing.size, packer.payload_max);
    ck_assert_uint_le(packer.headroom + packing.size, packing.buffer->size);
    return packing.buffer->data + packer.headroom;
}

static void give_back(void)
{
    gcs_buffer_unref(packing.buffer);
    packing.buffer = NULL;
}

/* Takes a packet of packed messages and checks what is in it. */
static void expect_pack(uint8_t service, uint64_t first, const size_t *sizes, uint32_t count)
{
    const uint8_t *payload = take(), *data;
    size_t offset = 0, size, i = 0;
    ck_assert_uint_eq(packing.service, service);
    ck_assert_uint_eq(packing.first, first);
    ck_assert_uint_eq(packing.count, count);
    ck_assert_uint_eq(packing.flags, 0);
    ck_assert_uint_eq(packing.whole_size, 0);
    ck_assert_int_eq(gcs_payload_count(payload, packing.size), count);
    for (; gcs_payload_next(payload, packing.size, &offset, &data, &size); i++) {
        ck_assert_uint_eq(size, sizes[i]);
        ck_assert(size == 0 || memcmp(data, text, size) == 0);
    }
    give_back();
}

#define EXPECT_PACK(service, first, ...)                       \
    expect_pack(service, first, (const size_t[]){__VA_ARGS__}, \
                sizeof((size_t[]){__VA_ARGS__}) / sizeof(size_t))

/* Takes fragments until the message of size bytes is whole; how many there were. */
static unsigned expect_message(uint64_t first, uint32_t size)
{
    unsigned pieces = 0;
    uint32_t offset = 0;
    do {
        struct gcs_fragment piece;
        const uint8_t *payload = take();
        ck_assert_uint_eq(packing.flags, GCS_PACKET_FRAGMENT);
        ck_assert_uint_eq(packing.first, first);
        ck_assert(gcs_fragment_read(payload, packing.size, &piece));
        ck_assert_uint_eq(piece.total, size);
        ck_assert_uint_eq(piece.offset, offset);
        ck_assert_mem_eq(piece.data, text + offset, piece.size);
        offset += (uint32_t)piece.size;
        ck_assert_uint_eq(packing.count, offset == size);
        ck_assert_uint_eq(packing.whole_size, offset == size ? size : 0);
        give_back();
        pieces++;
    } while (offset < size);
    ck_assert_mem_eq(gcs_packer_whole(&packer), text, size);
    return pieces;
}

START_TEST(nothing_in_nothing_out)
{
    setup(PACKET);
    ck_assert(gcs_packer_empty(&packer));
    ck_assert(!gcs_packer_open(&packer));
    ck_assert_uint_eq(gcs_packer_next_size(&packer), 0);
    ck_assert_int_eq(gcs_packer_take(&packer, &packing), GCS_EAGAIN);
    gcs_packer_rewind(&packer);
    ck_assert_uint_eq(packer.next, 1);
    ck_assert_uint_eq(memory.asked, 0);
    teardown();
}
END_TEST

START_TEST(payload_fits_behind_the_header_for_every_packet_size)
{
    static const uint32_t sizes[] = {512, 1200, 1400, 8191, 8192, 9000, 60000, 65000};
    for (size_t i = 0; i < SUITE_SIZE(sizes); i++) {
        setup(sizes[i]);
        ck_assert_uint_gt(packer.headroom, GCS_PACKET_HEADER);
        ck_assert_uint_eq(packer.headroom + packer.payload_max, sizes[i]);
        teardown();
    }
}
END_TEST

START_TEST(small_messages_travel_together)
{
    setup(PACKET);
    ck_assert_int_eq(add(GCS_AGREED, 10), 0);
    ck_assert_int_eq(add(GCS_AGREED, 0), 0);
    ck_assert_int_eq(add(GCS_AGREED, 200), 0);
    ck_assert_uint_eq(packer.next, 4);
    ck_assert_uint_eq(gcs_packer_next_size(&packer), 1 + 10 + 1 + 2 + 200);
    EXPECT_PACK(GCS_AGREED, 1, 10, 0, 200);
    ck_assert(gcs_packer_empty(&packer));
    add(GCS_AGREED, 5);
    EXPECT_PACK(GCS_AGREED, 4, 5);
    teardown();
}
END_TEST

START_TEST(an_empty_message_is_a_message)
{
    setup(PACKET);
    ck_assert_int_eq(gcs_packer_add(&packer, GCS_FIFO, NULL, 0), 0);
    ck_assert(!gcs_packer_empty(&packer));
    EXPECT_PACK(GCS_FIFO, 1, 0);
    teardown();
}
END_TEST

START_TEST(a_packet_has_one_service)
{
    setup(PACKET);
    add(GCS_AGREED, 1);
    add(GCS_SAFE, 2);
    add(GCS_SAFE, 3);
    add(GCS_FIFO, 4);
    add(GCS_AGREED, 5);
    EXPECT_PACK(GCS_AGREED, 1, 1);
    EXPECT_PACK(GCS_SAFE, 2, 2, 3);
    EXPECT_PACK(GCS_FIFO, 4, 4);
    EXPECT_PACK(GCS_AGREED, 5, 5);
    teardown();
}
END_TEST

START_TEST(a_packet_is_filled_to_the_last_byte)
{
    setup(PACKET);
    size_t rest = packer.payload_max - 101 - 2;
    add(GCS_AGREED, 100);
    add(GCS_AGREED, rest); /* exactly full */
    add(GCS_AGREED, 0);
    EXPECT_PACK(GCS_AGREED, 1, 100, rest);
    EXPECT_PACK(GCS_AGREED, 3, 0);
    add(GCS_AGREED, 100);
    add(GCS_AGREED, rest + 1); /* one byte too many */
    EXPECT_PACK(GCS_AGREED, 4, 100);
    EXPECT_PACK(GCS_AGREED, 5, rest + 1);
    teardown();
}
END_TEST

START_TEST(only_what_does_not_fit_is_cut)
{
    setup(PACKET);
    uint32_t most = packer.payload_max - 2; /* its size takes two bytes */
    add(GCS_SAFE, most);
    add(GCS_SAFE, most + 1);
    add(GCS_SAFE, 7);
    EXPECT_PACK(GCS_SAFE, 1, most);
    ck_assert_uint_eq(expect_message(2, most + 1), 2); /* a fragment's header takes eight */
    EXPECT_PACK(GCS_SAFE, 3, 7);
    teardown();
}
END_TEST

START_TEST(a_cut_message_has_no_more_pieces_than_needed)
{
    setup(PACKET);
    uint32_t piece = packer.payload_max - GCS_FRAGMENT_HEADER;
    for (unsigned pieces = 2; pieces <= 5; pieces++) {
        uint64_t first = packer.next;
        add(GCS_AGREED, pieces * piece - 1);
        add(GCS_AGREED, pieces * piece);
        add(GCS_AGREED, pieces * piece + 1);
        ck_assert_uint_eq(expect_message(first, pieces * piece - 1), pieces);
        ck_assert_uint_eq(expect_message(first + 1, pieces * piece), pieces);
        ck_assert_uint_eq(expect_message(first + 2, pieces * piece + 1), pieces + 1);
    }
    ck_assert(gcs_packer_empty(&packer));
    teardown();
}
END_TEST

START_TEST(small_messages_do_not_overtake_a_large_one)
{
    setup(PACKET);
    add(GCS_FIFO, 1);
    add(GCS_FIFO, 5000);
    add(GCS_FIFO, 2);
    EXPECT_PACK(GCS_FIFO, 1, 1);
    expect_message(2, 5000);
    EXPECT_PACK(GCS_FIFO, 3, 2);
    teardown();
}
END_TEST

START_TEST(packets_with_room_are_open)
{
    setup(PACKET);
    uint32_t three_quarters = packer.payload_max - packer.payload_max / 4;
    add(GCS_FIFO, 0);
    ck_assert(gcs_packer_open(&packer));
    add(GCS_FIFO, three_quarters - 1 - 2 - 1);
    ck_assert(gcs_packer_open(&packer));
    add(GCS_FIFO, 0);
    ck_assert(!gcs_packer_open(&packer)); /* full enough */
    take();
    give_back();
    add(GCS_FIFO, 0);
    add(GCS_SAFE, 0);
    ck_assert(!gcs_packer_open(&packer)); /* closed by the one behind it */
    take();
    give_back();
    ck_assert(gcs_packer_open(&packer));
    take();
    give_back();
    add(GCS_SAFE, 5000);
    ck_assert(!gcs_packer_open(&packer)); /* large messages do not wait */
    expect_message(4 + 2, 5000);
    add(GCS_SAFE, 1);
    ck_assert(gcs_packer_open(&packer));
    teardown();
}
END_TEST

START_TEST(the_queue_is_measured)
{
    setup(PACKET);
    ck_assert_uint_eq(packer.bytes, 0);
    add(GCS_FIFO, 100);
    uint64_t small = packer.bytes;
    ck_assert_uint_ge(small, 100);
    add(GCS_FIFO, 0);
    ck_assert_uint_gt(packer.bytes, small); /* endless empty messages are not for free */
    add(GCS_FIFO, 5000);
    ck_assert_uint_ge(packer.bytes, small + 5000);
    take();
    give_back();
    expect_message(3, 5000);
    ck_assert_int_eq(gcs_packer_take(&packer, &packing), GCS_EAGAIN);
    ck_assert_uint_eq(packer.bytes, 0);
    teardown();
}
END_TEST

/* ---- Rewinding --------------------------------------------------------------------------- */

START_TEST(a_message_begun_begins_again)
{
    setup(PACKET);
    add(GCS_SAFE, 4000);
    add(GCS_SAFE, 1);
    for (unsigned taken = 0; taken < 3; taken++) {
        for (unsigned i = 0; i < taken; i++) {
            take();
            ck_assert_uint_eq(packing.count, 0);
            give_back();
        }
        gcs_packer_rewind(&packer);
    }
    ck_assert_uint_eq(expect_message(1, 4000), 4);
    EXPECT_PACK(GCS_SAFE, 2, 1);
    teardown();
}
END_TEST

START_TEST(what_was_sent_does_not_change)
{
    setup(PACKET);
    add(GCS_SAFE, 4000);
    take();
    struct gcs_packing before = packing;
    memset(before.buffer->data, 1, packer.headroom); /* as the header that it was sent with */
    gcs_packer_rewind(&packer);
    take();
    ck_assert_ptr_ne(packing.buffer, before.buffer);
    memset(packing.buffer->data, 2, packer.headroom);
    ck_assert_uint_eq(before.buffer->data[0], 1);
    ck_assert_mem_eq(packing.buffer->data + packer.headroom, before.buffer->data + packer.headroom,
                     before.size);
    gcs_buffer_unref(before.buffer);
    give_back();
    teardown();
}
END_TEST

START_TEST(a_message_taken_whole_stays_taken)
{
    setup(PACKET);
    add(GCS_SAFE, 4000);
    add(GCS_SAFE, 5000);
    expect_message(1, 4000);
    gcs_packer_rewind(&packer);
    ck_assert_uint_eq(packer.bytes, 5016);
    expect_message(2, 5000);
    gcs_packer_rewind(&packer);
    ck_assert(gcs_packer_empty(&packer));
    ck_assert_uint_eq(packer.bytes, 0);
    add(GCS_SAFE, 1);
    gcs_packer_rewind(&packer);
    EXPECT_PACK(GCS_SAFE, 3, 1);
    teardown();
}
END_TEST

START_TEST(what_is_left_is_freed)
{
    setup(PACKET);
    add(GCS_SAFE, 10);
    add(GCS_SAFE, 9000);
    add(GCS_SAFE, 10);
    take();
    give_back();
    take(); /* in the middle of the large one */
    give_back();
    teardown();
    setup(PACKET);
    add(GCS_SAFE, 9000);
    expect_message(1, 9000); /* finished, not dropped yet */
    teardown();
}
END_TEST

/* ---- Room that is filled by somebody else ---------------------------------------------------- */

/* Reserves, writes, and commits less or as much. */
static void write_into_room(uint8_t service, size_t reserved, size_t size)
{
    uint8_t *data;
    ck_assert_int_eq(gcs_packer_reserve(&packer, service, reserved, &data), 0);
    memcpy(data, text, size);
    ck_assert_int_eq(gcs_packer_commit(&packer, size), 0);
}

START_TEST(a_message_may_be_written_where_it_is_sent_from)
{
    setup(PACKET);
    write_into_room(GCS_AGREED, 10, 10); /* a packet of its own */
    write_into_room(GCS_AGREED, 20, 20); /* behind it */
    add(GCS_AGREED, 30);
    write_into_room(GCS_AGREED, 300, 100); /* less, with a shorter size before it */
    write_into_room(GCS_AGREED, 300, 0);
    write_into_room(GCS_SAFE, 200, 130);
    write_into_room(GCS_SAFE, 5000, 4000); /* to be cut */
    write_into_room(GCS_SAFE, 5000, 50);   /* as it turns out, not */
    EXPECT_PACK(GCS_AGREED, 1, 10, 20, 30, 100, 0);
    EXPECT_PACK(GCS_SAFE, 6, 130);
    ck_assert_uint_eq(expect_message(7, 4000), 4);
    EXPECT_PACK(GCS_SAFE, 8, 50);
    ck_assert(gcs_packer_empty(&packer));
    ck_assert_uint_eq(packer.bytes, 0);
    teardown();
}
END_TEST

START_TEST(messages_that_come_meanwhile_go_before)
{
    uint8_t *data;
    for (unsigned before = 0; before < 2; before++) { /* alone in its packet, or behind another */
        setup(PACKET);
        if (before)
            add(GCS_AGREED, 5);
        ck_assert_int_eq(gcs_packer_reserve(&packer, GCS_AGREED, 40, &data), 0);
        add(GCS_AGREED, 30);
        add(GCS_AGREED, 20);
        memcpy(data, text, 40);
        ck_assert_int_eq(gcs_packer_commit(&packer, 40), 0);
        if (before) {
            EXPECT_PACK(GCS_AGREED, 1, 5);
            EXPECT_PACK(GCS_AGREED, 2, 30, 20, 40);
        } else {
            EXPECT_PACK(GCS_AGREED, 1, 30, 20);
            EXPECT_PACK(GCS_AGREED, 3, 40);
        }
        teardown();
    }
}
END_TEST

START_TEST(packets_that_go_meanwhile_go_without)
{
    uint8_t *data;
    setup(PACKET);
    add(GCS_AGREED, 5);
    ck_assert_int_eq(gcs_packer_reserve(&packer, GCS_AGREED, 40, &data), 0);
    EXPECT_PACK(GCS_AGREED, 1, 5);
    ck_assert(gcs_packer_empty(&packer));
    memcpy(data, text, 40);
    ck_assert_int_eq(gcs_packer_commit(&packer, 40), 0);
    EXPECT_PACK(GCS_AGREED, 2, 40);
    teardown();
}
END_TEST

START_TEST(room_may_be_given_back)
{
    uint8_t *data;
    static const size_t sizes[] = {10, 5000};
    setup(PACKET);
    for (size_t i = 0; i < SUITE_SIZE(sizes); i++) {
        ck_assert_int_eq(gcs_packer_reserve(&packer, GCS_AGREED, sizes[i], &data), 0);
        gcs_packer_cancel(&packer);
        ck_assert(gcs_packer_empty(&packer));
        scarce_fail(&memory, 1, false);
        ck_assert_int_eq(gcs_packer_reserve(&packer, GCS_AGREED, sizes[i], &data), GCS_ENOMEM);
        scarce_fail(&memory, 0, false);
    }
    add(GCS_AGREED, 5);
    ck_assert_int_eq(gcs_packer_reserve(&packer, GCS_AGREED, 10, &data), 0);
    gcs_packer_cancel(&packer);
    EXPECT_PACK(GCS_AGREED, 1, 5);
    ck_assert_int_eq(gcs_packer_reserve(&packer, GCS_AGREED, 10, &data), 0);
    teardown(); /* with what is reserved */
}
END_TEST

/* ---- Out of memory ------------------------------------------------------------------------ */

/* Fails the first, second, ... allocation of one add; each time nothing may have changed. */
static void add_in_need(uint8_t service, size_t size)
{
    for (uint64_t nth = 1;; nth++) {
        uint64_t bytes = packer.bytes, next = packer.next;
        uint32_t next_size = gcs_packer_next_size(&packer);
        scarce_fail(&memory, nth, false);
        int result = add(service, size);
        scarce_fail(&memory, 0, false);
        if (result == 0)
            return;
        ck_assert_int_eq(result, GCS_ENOMEM);
        ck_assert_uint_eq(packer.bytes, bytes);
        ck_assert_uint_eq(packer.next, next);
        ck_assert_uint_eq(gcs_packer_next_size(&packer), next_size);
    }
}

START_TEST(without_memory_nothing_is_added)
{
    setup(9000);
    add_in_need(GCS_FIFO, 100);  /* a new pack in a small buffer */
    add_in_need(GCS_FIFO, 1500); /* which has to be exchanged for a large one */
    add_in_need(GCS_FIFO, 3000);
    add_in_need(GCS_SAFE, 50);
    add_in_need(GCS_SAFE, 30000);
    add_in_need(GCS_SAFE, 1);
    EXPECT_PACK(GCS_FIFO, 1, 100, 1500, 3000);
    EXPECT_PACK(GCS_SAFE, 4, 50);
    expect_message(5, 30000);
    EXPECT_PACK(GCS_SAFE, 6, 1);
    teardown();
}
END_TEST

START_TEST(without_memory_no_piece_is_taken)
{
    setup(PACKET);
    add(GCS_FIFO, 5000);
    take();
    give_back();
    gcs_packer_rewind(&packer);
    uint32_t size = gcs_packer_next_size(&packer);
    for (unsigned i = 0; i < 3; i++) {
        scarce_fail(&memory, 1, false);
        ck_assert_int_eq(gcs_packer_take(&packer, &packing), GCS_ENOMEM);
        ck_assert_uint_eq(gcs_packer_next_size(&packer), size);
    }
    scarce_fail(&memory, 0, false);
    expect_message(1, 5000);
    teardown();
}
END_TEST

/* ---- Any sequence --------------------------------------------------------------------------- */

/* Messages that were added, by number. */
enum { MESSAGES = 600 };
static struct {
    uint8_t service;
    uint32_t size;
} added[MESSAGES + 1];
static uint64_t come_out;
static struct gcs_assembly assembly;

static void check_message(const uint8_t *data, size_t size)
{
    come_out++;
    ck_assert_uint_eq(size, added[come_out].size);
    ck_assert_uint_eq(packing.service, added[come_out].service);
    ck_assert(size == 0 || memcmp(data, text, size) == 0);
}

static void check_packet(void)
{
    const uint8_t *payload = packing.buffer->data + packer.headroom, *data;
    size_t offset = 0, length;
    struct gcs_buffer *whole;
    struct gcs_fragment piece;
    size_t size = packing.size;
    ck_assert_uint_eq(packing.first, come_out + 1);
    uint64_t before = come_out;
    if (packing.flags & GCS_PACKET_FRAGMENT) {
        ck_assert(gcs_fragment_read(payload, size, &piece));
        int result = gcs_assembly_add(&assembly, &pool, &piece, ROOM, &whole, &size);
        ck_assert_int_ge(result, 0);
        if (result == 1) {
            ck_assert(gcs_payload_next(whole->data, size, &offset, &data, &length));
            check_message(data, length);
            gcs_buffer_unref(whole);
        }
    } else {
        while (gcs_payload_next(payload, size, &offset, &data, &length))
            check_message(data, length);
    }
    ck_assert_uint_eq(packing.count, come_out - before);
}

static void take_any(struct gcs_prng *prng)
{
    if (gcs_prng_chance(prng, 300000))
        scarce_fail(&memory, 1, false);
    int result = gcs_packer_take(&packer, &packing);
    scarce_fail(&memory, 0, false);
    if (result != 0)
        return;
    check_packet();
    give_back();
}

static void add_any(struct gcs_prng *prng)
{
    static const uint8_t services[] = {GCS_FIFO, GCS_AGREED, GCS_SAFE};
    uint32_t size = (uint32_t)gcs_prng_below(prng, gcs_prng_chance(prng, 200000) ? 8000 : 600);
    uint8_t service = services[gcs_prng_below(prng, gcs_prng_chance(prng, 300000) ? 3 : 1)];
    if (gcs_prng_chance(prng, 200000))
        scarce_fail(&memory, gcs_prng_between(prng, 1, 2), false);
    uint64_t number = packer.next;
    int result = add(service, size);
    scarce_fail(&memory, 0, false);
    if (result == 0) {
        added[number].service = service;
        added[number].size = size;
    }
    ck_assert_uint_eq(packer.next, number + (result == 0));
}

START_TEST(any_sequence_of_messages_comes_out_as_it_went_in)
{
    struct gcs_prng prng;
    gcs_prng_init(&prng, 8);
    for (unsigned run = 0; run < 50; run++) {
        setup(run % 2 ? PACKET : 512);
        assembly = (struct gcs_assembly){.buffer = NULL};
        come_out = 0;
        while (packer.next <= MESSAGES) {
            if (gcs_prng_chance(&prng, 400000))
                add_any(&prng);
            else
                take_any(&prng);
            if (!assembly.buffer || gcs_prng_chance(&prng, 50000)) {
                gcs_packer_rewind(&packer); /* in the middle of a message it begins again */
                gcs_assembly_fini(&assembly);
            }
        }
        while (!gcs_packer_empty(&packer))
            take_any(&prng);
        ck_assert_uint_eq(come_out, MESSAGES);
        teardown();
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        nothing_in_nothing_out,
        payload_fits_behind_the_header_for_every_packet_size,
        small_messages_travel_together,
        an_empty_message_is_a_message,
        a_packet_has_one_service,
        a_packet_is_filled_to_the_last_byte,
        only_what_does_not_fit_is_cut,
        a_cut_message_has_no_more_pieces_than_needed,
        small_messages_do_not_overtake_a_large_one,
        packets_with_room_are_open,
        the_queue_is_measured,
        a_message_begun_begins_again,
        what_was_sent_does_not_change,
        a_message_taken_whole_stays_taken,
        what_is_left_is_freed,
        a_message_may_be_written_where_it_is_sent_from,
        messages_that_come_meanwhile_go_before,
        packets_that_go_meanwhile_go_without,
        room_may_be_given_back,
        without_memory_nothing_is_added,
        without_memory_no_piece_is_taken,
        any_sequence_of_messages_comes_out_as_it_went_in,
    };
    return suite_run("packer", tests, SUITE_SIZE(tests));
}
