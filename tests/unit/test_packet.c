/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets on the wire: integers have one spelling, a damaged byte is always
 * noticed, each fault has its own name, and no length in a packet leads out of it.
 */
#include "gcs/base/prng.h"
#include "gcs/wire/packet.h"
#include "tests/unit/mend.h"
#include "tests/unit/suite.h"

#include <gcs/types.h>

#define CLUSTER UINT64_C(0x1122334455667788)

/* ---- Integers ------------------------------------------------------------------ */

START_TEST(integers_are_little_endian)
{
    uint8_t bytes[15];
    static const uint8_t expected[15] = {1, 3, 2, 7, 6, 5, 4, 15, 14, 13, 12, 11, 10, 9, 8};
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_write_u8(&w, 1);
    gcs_write_u16(&w, 0x0203);
    gcs_write_u32(&w, 0x04050607);
    gcs_write_u64(&w, UINT64_C(0x08090a0b0c0d0e0f));
    ck_assert(!w.bad);
    ck_assert_mem_eq(bytes, expected, sizeof(bytes));
    struct gcs_reader r = gcs_reader_over(bytes, sizeof(bytes));
    ck_assert_uint_eq(gcs_read_u8(&r), 1);
    ck_assert_uint_eq(gcs_read_u16(&r), 0x0203);
    ck_assert_uint_eq(gcs_read_u32(&r), 0x04050607);
    ck_assert_uint_eq(gcs_read_u64(&r), UINT64_C(0x08090a0b0c0d0e0f));
    ck_assert(!r.bad);
    ck_assert_uint_eq(gcs_reader_left(&r), 0);
}
END_TEST

START_TEST(reader_at_its_end_turns_bad_and_stays_so)
{
    static const uint8_t bytes[3] = {1, 2, 3};
    struct gcs_reader r = gcs_reader_over(bytes, sizeof(bytes));
    ck_assert_uint_eq(gcs_read_u32(&r), 0);
    ck_assert(r.bad);
    ck_assert_uint_eq(gcs_read_u8(&r), 0);
    ck_assert_ptr_null(gcs_read_bytes(&r, 0));
    ck_assert_uint_eq(gcs_read_varint(&r), 0);
    ck_assert_uint_eq(gcs_reader_left(&r), 0);
}
END_TEST

START_TEST(writer_at_its_end_turns_bad_and_writes_nothing)
{
    uint8_t bytes[8];
    memset(bytes, 0xee, sizeof(bytes));
    struct gcs_writer w = gcs_writer_over(bytes, 3);
    gcs_write_u16(&w, 0);
    gcs_write_u32(&w, 0);
    ck_assert(w.bad);
    gcs_write_u8(&w, 0);
    gcs_write_bytes(&w, bytes, 1);
    ck_assert_ptr_null(gcs_write_room(&w, 0));
    ck_assert_uint_eq(gcs_writer_size(&w), 2);
    for (size_t i = 2; i < sizeof(bytes); i++)
        ck_assert_uint_eq(bytes[i], 0xee);
}
END_TEST

/* ---- Varints ------------------------------------------------------------------- */

/* Round trip; truncated anywhere it is bad; one byte too little room is bad. */
static void check_varint(uint64_t value, size_t length)
{
    uint8_t bytes[16];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_write_varint(&w, value);
    ck_assert_uint_eq(gcs_writer_size(&w), length);
    struct gcs_reader r = gcs_reader_over(bytes, length);
    ck_assert_uint_eq(gcs_read_varint(&r), value);
    ck_assert(!r.bad);
    ck_assert_uint_eq(gcs_reader_left(&r), 0);
    for (size_t cut = 0; cut < length; cut++) {
        r = gcs_reader_over(bytes, cut);
        ck_assert_uint_eq(gcs_read_varint(&r), 0);
        ck_assert(r.bad);
        uint8_t small[16];
        w = gcs_writer_over(small, cut);
        gcs_write_varint(&w, value);
        ck_assert(w.bad);
    }
}

START_TEST(varints_of_every_length)
{
    check_varint(0, 1);
    for (unsigned bits = 7; bits < 64; bits += 7) {
        check_varint((UINT64_C(1) << bits) - 1, bits / 7);
        check_varint(UINT64_C(1) << bits, bits / 7 + 1);
    }
    check_varint(UINT64_MAX - 1, 10);
    check_varint(UINT64_MAX, 10);
}
END_TEST

START_TEST(a_varint_has_one_spelling)
{
    static const struct {
        uint8_t bytes[12];
        size_t size;
    } bad[] = {
        {{0x80, 0x00}, 2},
        {{0x81, 0x00}, 2},
        {{0xff, 0x80, 0x00}, 3},
        {{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, 10},
        {{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02}, 10}, /* 2^64 */
        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, 10},
        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x81, 0x01}, 11},
        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80, 0x00}, 11},
    };
    for (size_t i = 0; i < SUITE_SIZE(bad); i++) {
        struct gcs_reader r = gcs_reader_over(bad[i].bytes, bad[i].size);
        ck_assert_uint_eq(gcs_read_varint(&r), 0);
        ck_assert_msg(r.bad, "spelling %zu was taken", i);
    }
}
END_TEST

/* Whatever bytes there are: if they are taken, writing the value gives the same bytes back. */
START_TEST(what_is_read_is_written_the_same)
{
    struct gcs_prng prng;
    gcs_prng_init(&prng, 1);
    unsigned taken = 0;
    for (unsigned i = 0; i < 200000; i++) {
        uint8_t in[11], out[11];
        size_t length = 1 + (size_t)gcs_prng_below(&prng, sizeof(in));
        for (size_t k = 0; k < length; k++)
            in[k] = (uint8_t)(gcs_prng_next(&prng) | (gcs_prng_chance(&prng, 800000) ? 0x80 : 0));
        struct gcs_reader r = gcs_reader_over(in, length);
        uint64_t value = gcs_read_varint(&r);
        if (r.bad)
            continue;
        struct gcs_writer w = gcs_writer_over(out, sizeof(out));
        gcs_write_varint(&w, value);
        ck_assert_uint_eq(gcs_writer_size(&w), (size_t)(r.at - in));
        ck_assert_mem_eq(in, out, gcs_writer_size(&w));
        taken++;
    }
    ck_assert_uint_gt(taken, 10000);
}
END_TEST

/* ---- Header --------------------------------------------------------------------- */

#define CONTROL 20
#define PAYLOAD 100
#define WHOLE   (GCS_PACKET_HEADER + CONTROL + PAYLOAD)

static const struct gcs_packet sample = {
    .flags = GCS_PACKET_FRAGMENT,
    .service = GCS_SAFE,
    .rank = 0xfffe,
    .epoch = UINT32_MAX,
    .group = UINT64_C(0xa1a2a3a4a5a6a7a8),
    .lineage = UINT64_C(0xb1b2b3b4b5b6b7b8),
    .number = UINT64_MAX,
    .base = UINT64_MAX - 1,
    .first = UINT64_C(0xc1c2c3c4c5c6c7c8),
    .control_size = CONTROL,
};

static void seal_sample(uint8_t data[WHOLE])
{
    for (size_t i = 0; i < WHOLE; i++)
        data[i] = (uint8_t)(i * 7 + 3);
    gcs_packet_seal(data, WHOLE, &sample, CLUSTER);
}

START_TEST(what_is_sealed_is_opened)
{
    uint8_t data[WHOLE];
    struct gcs_packet packet;
    seal_sample(data);
    ck_assert_int_eq(gcs_packet_open(data, WHOLE, CLUSTER, &packet), GCS_PACKET_GOOD);
    ck_assert_uint_eq(packet.flags, sample.flags);
    ck_assert_uint_eq(packet.service, sample.service);
    ck_assert_uint_eq(packet.rank, sample.rank);
    ck_assert_uint_eq(packet.epoch, sample.epoch);
    ck_assert_uint_eq(packet.group, sample.group);
    ck_assert_uint_eq(packet.lineage, sample.lineage);
    ck_assert_uint_eq(packet.number, sample.number);
    ck_assert_uint_eq(packet.base, sample.base);
    ck_assert_uint_eq(packet.first, sample.first);
    ck_assert_ptr_eq(packet.control, data + GCS_PACKET_HEADER);
    ck_assert_uint_eq(packet.control_size, CONTROL);
    ck_assert_ptr_eq(packet.payload, data + GCS_PACKET_HEADER + CONTROL);
    ck_assert_uint_eq(packet.payload_size, PAYLOAD);
    for (size_t i = GCS_PACKET_HEADER; i < WHOLE; i++)
        ck_assert_uint_eq(data[i], (uint8_t)(i * 7 + 3));
}
END_TEST

START_TEST(the_mended_checksum_is_the_sealed_one)
{
    uint8_t data[WHOLE], again[WHOLE];
    seal_sample(data);
    memcpy(again, data, WHOLE);
    memset(again + 8, 0, 8);
    mend(again, WHOLE, CLUSTER);
    ck_assert_mem_eq(data, again, WHOLE);
}
END_TEST

START_TEST(a_packet_cut_short_is_never_good)
{
    uint8_t data[WHOLE];
    struct gcs_packet packet;
    seal_sample(data);
    for (size_t size = 0; size < WHOLE; size++) {
        uint8_t *exact = malloc(size ? size : 1); /* memory checkers see its end */
        memcpy(exact, data, size);
        enum gcs_packet_fault fault = gcs_packet_open(exact, size, CLUSTER, &packet);
        ck_assert_int_eq(fault, size < GCS_PACKET_HEADER ? GCS_PACKET_SHORT : GCS_PACKET_CORRUPT);
        ck_assert_uint_eq(gcs_packet_peek_group(exact, size),
                          size < GCS_PACKET_HEADER ? 0 : sample.group);
        free(exact);
    }
}
END_TEST

START_TEST(every_changed_byte_is_noticed)
{
    uint8_t data[WHOLE];
    struct gcs_packet packet;
    seal_sample(data);
    for (size_t i = 0; i < WHOLE; i++) {
        for (unsigned change = 1; change < 256; change++) {
            data[i] ^= (uint8_t)change;
            enum gcs_packet_fault fault = gcs_packet_open(data, WHOLE, CLUSTER, &packet);
            ck_assert_msg(fault == GCS_PACKET_CORRUPT, "byte %zu changed by %#x: fault %d", i,
                          change, (int)fault);
            data[i] ^= (uint8_t)change;
        }
    }
}
END_TEST

START_TEST(a_packet_with_bytes_behind_it_is_noticed)
{
    uint8_t data[WHOLE + 3] = {0};
    struct gcs_packet packet;
    seal_sample(data);
    for (size_t more = 1; more <= 3; more++)
        ck_assert_int_eq(gcs_packet_open(data, WHOLE + more, CLUSTER, &packet), GCS_PACKET_CORRUPT);
}
END_TEST

START_TEST(another_cluster_or_major_version_is_refused)
{
    uint8_t data[WHOLE];
    struct gcs_packet packet;
    seal_sample(data);
    for (unsigned bit = 0; bit < 64; bit++)
        ck_assert_int_eq(gcs_packet_open(data, WHOLE, CLUSTER ^ (UINT64_C(1) << bit), &packet),
                         GCS_PACKET_CORRUPT);
    data[3]++;
    mend(data, WHOLE, CLUSTER);
    ck_assert_int_eq(gcs_packet_open(data, WHOLE, CLUSTER, &packet), GCS_PACKET_VERSION);
}
END_TEST

START_TEST(another_minor_version_is_read)
{
    uint8_t data[WHOLE];
    struct gcs_packet packet;
    seal_sample(data);
    data[4]++;
    mend(data, WHOLE, CLUSTER);
    ck_assert_int_eq(gcs_packet_open(data, WHOLE, CLUSTER, &packet), GCS_PACKET_GOOD);
    ck_assert_uint_eq(packet.number, sample.number);
}
END_TEST

static enum gcs_packet_fault fault_of(struct gcs_packet packet, size_t size)
{
    uint8_t data[WHOLE] = {0};
    struct gcs_packet read;
    gcs_packet_seal(data, size, &packet, CLUSTER);
    return gcs_packet_open(data, size, CLUSTER, &read);
}

START_TEST(headers_that_make_no_sense_are_malformed)
{
    struct gcs_packet p = sample;
    p.number = 5;
    p.base = 4;
    ck_assert_int_eq(fault_of(p, WHOLE), GCS_PACKET_GOOD);
    p.base = 5;
    ck_assert_int_eq(fault_of(p, WHOLE), GCS_PACKET_MALFORMED);
    p.base = 6;
    ck_assert_int_eq(fault_of(p, WHOLE), GCS_PACKET_MALFORMED);
    p.base = 0;
    p.service = 0; /* payload without a service */
    ck_assert_int_eq(fault_of(p, WHOLE), GCS_PACKET_MALFORMED);
    p.service = GCS_FIFO;
    p.number = 0; /* payload in a packet without a number */
    ck_assert_int_eq(fault_of(p, WHOLE), GCS_PACKET_MALFORMED);
    p.base = 77; /* unnumbered packets carry a base too */
    ck_assert_int_eq(fault_of(p, GCS_PACKET_HEADER + CONTROL), GCS_PACKET_GOOD);
}
END_TEST

START_TEST(control_frames_may_not_reach_beyond_the_packet)
{
    struct gcs_packet p = {.control_size = CONTROL};
    ck_assert_int_eq(fault_of(p, GCS_PACKET_HEADER + CONTROL), GCS_PACKET_GOOD);
    ck_assert_int_eq(fault_of(p, GCS_PACKET_HEADER + CONTROL - 1), GCS_PACKET_MALFORMED);
    ck_assert_int_eq(fault_of(p, GCS_PACKET_HEADER), GCS_PACKET_MALFORMED);
    p.control_size = GCS_PACKET_CONTROL_MAX;
    ck_assert_int_eq(fault_of(p, WHOLE), GCS_PACKET_MALFORMED);
    p.control_size = 0;
    ck_assert_int_eq(fault_of(p, GCS_PACKET_HEADER), GCS_PACKET_GOOD);
}
END_TEST

START_TEST(group_tags_tell_names_and_clusters_apart)
{
    uint64_t tag = gcs_packet_group_tag(CLUSTER, "demo");
    ck_assert_uint_ne(tag, 0);
    ck_assert_uint_eq(tag, gcs_packet_group_tag(CLUSTER, "demo"));
    ck_assert_uint_ne(tag, gcs_packet_group_tag(CLUSTER, "demp"));
    ck_assert_uint_ne(tag, gcs_packet_group_tag(CLUSTER, "dem"));
    ck_assert_uint_ne(tag, gcs_packet_group_tag(CLUSTER + 1, "demo"));
    ck_assert_uint_ne(gcs_packet_group_tag(CLUSTER, ""), 0);
}
END_TEST

/* ---- Frames ----------------------------------------------------------------------- */

/* Three frames: 3 bytes, none, 2 bytes. */
static size_t write_frames(uint8_t *bytes, size_t size)
{
    struct gcs_writer w = gcs_writer_over(bytes, size);
    uint8_t *begin = gcs_frame_begin(&w, GCS_FRAME_STATUS);
    gcs_write_bytes(&w, "abc", 3);
    ck_assert(gcs_frame_end(&w, begin));
    begin = gcs_frame_begin(&w, GCS_FRAME_WISH);
    ck_assert(gcs_frame_end(&w, begin));
    begin = gcs_frame_begin(&w, (enum gcs_frame_type)200);
    gcs_write_bytes(&w, "de", 2);
    ck_assert(gcs_frame_end(&w, begin));
    return gcs_writer_size(&w);
}

START_TEST(frames_come_back_one_by_one)
{
    uint8_t bytes[64];
    struct gcs_frame frame;
    size_t size = write_frames(bytes, sizeof(bytes));
    ck_assert_uint_eq(size, 3 * GCS_FRAME_HEADER + 5);
    struct gcs_reader r = gcs_reader_over(bytes, size);
    ck_assert(gcs_frame_next(&r, &frame));
    ck_assert_uint_eq(frame.type, GCS_FRAME_STATUS);
    ck_assert_uint_eq(frame.size, 3);
    ck_assert_mem_eq(frame.body, "abc", 3);
    ck_assert(gcs_frame_next(&r, &frame));
    ck_assert_uint_eq(frame.type, GCS_FRAME_WISH);
    ck_assert_uint_eq(frame.size, 0);
    ck_assert_ptr_nonnull(frame.body);
    ck_assert(gcs_frame_next(&r, &frame));
    ck_assert_uint_eq(frame.type, 200);
    ck_assert_mem_eq(frame.body, "de", 2);
    ck_assert(!gcs_frame_next(&r, &frame));
    ck_assert(!r.bad);
}
END_TEST

START_TEST(frames_cut_short_end_the_reading)
{
    static const size_t ends[] = {0, 7, 11, 17}; /* where frames end */
    uint8_t bytes[64];
    size_t size = write_frames(bytes, sizeof(bytes));
    for (size_t cut = 0; cut < size; cut++) {
        struct gcs_reader r = gcs_reader_over(bytes, cut);
        struct gcs_frame frame;
        size_t frames = 0, whole = 0;
        while (gcs_frame_next(&r, &frame))
            frames++;
        while (ends[whole + 1] <= cut)
            whole++;
        ck_assert_uint_eq(frames, whole);
        ck_assert_int_eq(r.bad, cut != ends[whole]);
        ck_assert(!gcs_frame_next(&r, &frame));
    }
}
END_TEST

START_TEST(a_frame_without_room_leaves_no_trace)
{
    uint8_t bytes[64], full[64];
    size_t size = write_frames(full, sizeof(full));
    for (size_t room = 0; room < size; room++) {
        struct gcs_writer w = gcs_writer_over(bytes, room);
        size_t before = 0;
        for (int i = 0; i < 2; i++) {
            before = gcs_writer_size(&w);
            uint8_t *begin = gcs_frame_begin(&w, GCS_FRAME_STATUS);
            ck_assert(!w.bad);
            ck_assert_int_eq(begin != NULL, room - before >= GCS_FRAME_HEADER);
            if (!begin)
                continue;
            gcs_write_bytes(&w, "abcdefg", 7);
            bool fits = room - before >= GCS_FRAME_HEADER + 7;
            ck_assert_int_eq(gcs_frame_end(&w, begin), fits);
            ck_assert(!w.bad);
            ck_assert_uint_eq(gcs_writer_size(&w), fits ? before + GCS_FRAME_HEADER + 7 : before);
        }
    }
}
END_TEST

START_TEST(a_frame_is_at_most_65535_bytes_long)
{
    size_t size = GCS_FRAME_HEADER + 65536;
    uint8_t *bytes = malloc(size);
    struct gcs_frame frame;
    for (unsigned more = 0; more <= 1; more++) {
        struct gcs_writer w = gcs_writer_over(bytes, size);
        uint8_t *begin = gcs_frame_begin(&w, GCS_FRAME_STATUS);
        memset(gcs_write_room(&w, 65535 + more), 9, 65535 + more);
        ck_assert_int_eq(gcs_frame_end(&w, begin), !more);
        ck_assert_uint_eq(gcs_writer_size(&w), more ? 0 : size - 1);
        if (more)
            continue;
        struct gcs_reader r = gcs_reader_over(bytes, gcs_writer_size(&w));
        ck_assert(gcs_frame_next(&r, &frame));
        ck_assert_uint_eq(frame.size, 65535);
    }
    free(bytes);
}
END_TEST

/* ---- Fragments --------------------------------------------------------------------- */

static bool fragment(uint32_t total, uint32_t offset, size_t size)
{
    uint8_t *payload = calloc(1, GCS_FRAGMENT_HEADER + size);
    struct gcs_fragment read;
    gcs_store_le(payload, total, 4);
    gcs_store_le(payload + 4, offset, 4);
    bool good = gcs_fragment_read(payload, GCS_FRAGMENT_HEADER + size, &read);
    if (good) {
        ck_assert_uint_eq(read.total, total);
        ck_assert_uint_eq(read.offset, offset);
        ck_assert_uint_eq(read.size, size);
        ck_assert_ptr_eq(read.data, payload + GCS_FRAGMENT_HEADER);
    }
    free(payload);
    return good;
}

START_TEST(fragments_lie_within_their_message)
{
    ck_assert(fragment(100, 0, 100));
    ck_assert(fragment(100, 0, 1));
    ck_assert(fragment(100, 99, 1));
    ck_assert(fragment(UINT32_MAX, UINT32_MAX - 1, 1));
    ck_assert(!fragment(100, 100, 1));
    ck_assert(!fragment(100, 99, 2));
    ck_assert(!fragment(100, 0, 101));
    ck_assert(!fragment(100, 101, 1));
    ck_assert(!fragment(100, UINT32_MAX, 1));
    ck_assert(!fragment(100, UINT32_MAX, 101)); /* their sum wraps */
    ck_assert(!fragment(0, 0, 1));
    ck_assert(fragment(100, 0, 0)); /* announces the message */
    ck_assert(!fragment(100, 1, 0));
    struct gcs_fragment read;
    uint8_t bytes[GCS_FRAGMENT_HEADER] = {100};
    for (size_t size = 0; size < sizeof(bytes); size++)
        ck_assert(!gcs_fragment_read(bytes, size, &read));
}
END_TEST

/* ---- Payload ------------------------------------------------------------------------ */

START_TEST(payload_that_is_not_well_formed_is_refused)
{
    static const uint8_t empty[1] = {0}, two[5] = {1, 'a', 2, 'b', 'c'};
    static const uint8_t long_spelling[3] = {0x81, 0x00, 'a'};
    uint8_t huge[10];
    struct gcs_writer w = gcs_writer_over(huge, sizeof(huge));
    ck_assert_int_eq(gcs_payload_count(two, 0), 0);
    ck_assert_int_eq(gcs_payload_count(empty, 1), 1);
    ck_assert_int_eq(gcs_payload_count(two, 1), -1);
    ck_assert_int_eq(gcs_payload_count(two, 2), 1);
    ck_assert_int_eq(gcs_payload_count(two, 3), -1);
    ck_assert_int_eq(gcs_payload_count(two, 4), -1);
    ck_assert_int_eq(gcs_payload_count(two, 5), 2);
    ck_assert_int_eq(gcs_payload_count(long_spelling, 3), -1);
    gcs_write_varint(&w, UINT64_MAX); /* as an offset it would lead backwards */
    ck_assert_int_eq(gcs_payload_count(huge, gcs_writer_size(&w)), -1);
    w = gcs_writer_over(huge, sizeof(huge));
    gcs_write_varint(&w, UINT32_MAX);
    ck_assert_int_eq(gcs_payload_count(huge, gcs_writer_size(&w)), -1);
}
END_TEST

enum { MESSAGES_MAX = 40, MESSAGE_MAX = 300 };

/* Writes count messages of the given sizes; message i consists of bytes i. */
static size_t write_messages(uint8_t *payload, size_t room, const size_t *sizes, size_t count)
{
    struct gcs_writer w = gcs_writer_over(payload, room);
    for (size_t i = 0; i < count; i++) {
        gcs_write_varint(&w, sizes[i]);
        memset(gcs_write_room(&w, sizes[i]), (int)i, sizes[i]);
    }
    ck_assert(!w.bad);
    return gcs_writer_size(&w);
}

START_TEST(packed_messages_come_back_as_they_were)
{
    static uint8_t payload[MESSAGES_MAX * (MESSAGE_MAX + 2)];
    struct gcs_prng prng;
    gcs_prng_init(&prng, 2);
    for (unsigned run = 0; run < 2000; run++) {
        size_t sizes[MESSAGES_MAX], count = (size_t)gcs_prng_below(&prng, MESSAGES_MAX);
        for (size_t i = 0; i < count; i++)
            sizes[i] = (size_t)gcs_prng_below(&prng, gcs_prng_below(&prng, MESSAGE_MAX));
        size_t size = write_messages(payload, sizeof(payload), sizes, count);
        ck_assert_int_eq(gcs_payload_count(payload, size), (int64_t)count);
        size_t offset = 0, length, read = 0;
        const uint8_t *data;
        while (gcs_payload_next(payload, size, &offset, &data, &length)) {
            ck_assert_uint_lt(read, count);
            ck_assert_uint_eq(length, sizes[read]);
            for (size_t k = 0; k < length; k++)
                ck_assert_uint_eq(data[k], read);
            read++;
        }
        ck_assert_uint_eq(read, count);
        ck_assert_uint_eq(offset, size);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        integers_are_little_endian,
        reader_at_its_end_turns_bad_and_stays_so,
        writer_at_its_end_turns_bad_and_writes_nothing,
        varints_of_every_length,
        a_varint_has_one_spelling,
        what_is_read_is_written_the_same,
        what_is_sealed_is_opened,
        the_mended_checksum_is_the_sealed_one,
        a_packet_cut_short_is_never_good,
        every_changed_byte_is_noticed,
        a_packet_with_bytes_behind_it_is_noticed,
        another_cluster_or_major_version_is_refused,
        another_minor_version_is_read,
        headers_that_make_no_sense_are_malformed,
        control_frames_may_not_reach_beyond_the_packet,
        group_tags_tell_names_and_clusters_apart,
        frames_come_back_one_by_one,
        frames_cut_short_end_the_reading,
        a_frame_without_room_leaves_no_trace,
        a_frame_is_at_most_65535_bytes_long,
        fragments_lie_within_their_message,
        payload_that_is_not_well_formed_is_refused,
        packed_messages_come_back_as_they_were,
    };
    return suite_run("packet", tests, SUITE_SIZE(tests));
}
