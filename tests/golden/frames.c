/* SPDX-License-Identifier: BSD-3-Clause */
/* Golden bytes of the frames of the data path, and of a heartbeat. */
#include "gcs/wire/heartbeat.h"
#include "gcs/wire/lease.h"
#include "gcs/wire/nack.h"
#include "gcs/wire/piece.h"
#include "gcs/wire/pressure.h"
#include "gcs/wire/private.h"
#include "gcs/wire/report.h"
#include "gcs/wire/room.h"
#include "gcs/wire/runs.h"
#include "gcs/wire/stamp.h"
#include "gcs/wire/status.h"
#include "gcs/wire/time.h"
#include "gcs/wire/vector.h"
#include "tests/golden/golden.h"

/* ---- Integers ------------------------------------------------------------------------ */

static const uint8_t varints[] = {
    0x00,                                                       /* 0 */
    0x01,                                                       /* 1 */
    0x7f,                                                       /* 127 */
    0x80, 0x01,                                                 /* 128 */
    0xac, 0x02,                                                 /* 300 */
    0xff, 0x7f,                                                 /* 16383 */
    0x80, 0x80, 0x01,                                           /* 16384 */
    0xff, 0xff, 0xff, 0xff, 0x0f,                               /* 2^32 - 1 */
    0x80, 0x80, 0x80, 0x80, 0x10,                               /* 2^32 */
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, /* 2^64 - 1 */
};

static void check_varints(void)
{
    static const uint64_t values[] = {
        0, 1, 127, 128, 300, 16383, 16384, UINT32_MAX, UINT64_C(1) << 32, UINT64_MAX};
    uint8_t bytes[sizeof(varints)];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    struct gcs_reader r = gcs_reader_over(varints, sizeof(varints));
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        gcs_write_varint(&w, values[i]);
        EXPECT(gcs_read_varint(&r) == values[i]);
    }
    EXPECT_BYTES(bytes, gcs_writer_size(&w), varints);
    EXPECT(!r.bad && gcs_reader_left(&r) == 0);
}

/* ---- STATUS --------------------------------------------------------------------------- */

static const uint8_t status_frame[] = {
    0x01, 0x00, 0x12, 0x00, /* type, zero, bytes of body */
    0x01,                   /* flags: reply */
    0xe8, 0x07,             /* top 1000 */
    0x04,                   /* members */
    0xe8, 0x07, 0x00,       /* rank 0 holds 1000, took all */
    0x00, 0x00,             /* rank 1: nothing */
    0xac, 0x02, 0xac, 0x02, /* rank 2: holds 300, took none */
    0x05, 0x03,             /* rank 3: holds 5, took 2 */
    0x39, 0x30, 0x00,       /* bytes of the order engine */
};

static void check_status(void)
{
    static const uint64_t held[4] = {1000, 0, 300, 5}, done[4] = {1000, 0, 0, 2};
    struct gcs_status status = {
        .flags = GCS_STATUS_REPLY, .top = 1000, .count = 4, .held = held, .done = done};
    uint8_t bytes[64];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    uint8_t *begin = gcs_status_begin(&w, &status);
    EXPECT(begin != NULL);
    gcs_write_u16(&w, 0x3039);
    gcs_write_u8(&w, 0);
    EXPECT(gcs_frame_end(&w, begin));
    EXPECT_BYTES(bytes, gcs_writer_size(&w), status_frame);

    uint64_t held_read[4], done_read[4], seen_read[4];
    struct gcs_reader r = gcs_reader_over(status_frame, sizeof(status_frame)), order;
    struct gcs_frame frame;
    EXPECT(gcs_frame_next(&r, &frame) && frame.type == GCS_FRAME_STATUS);
    EXPECT(gcs_status_read(frame.body, frame.size, 4, &status, held_read, done_read, seen_read,
                           &order));
    EXPECT(status.flags == GCS_STATUS_REPLY && status.top == 1000);
    EXPECT(memcmp(held, held_read, sizeof(held)) == 0);
    EXPECT(memcmp(done, done_read, sizeof(done)) == 0);
    EXPECT(memcmp(held, seen_read, sizeof(held)) == 0);
    EXPECT(gcs_read_u16(&order) == 0x3039 && gcs_reader_left(&order) == 1);
}

static const uint8_t status_seen_frame[] = {
    0x01, 0x00, 0x0a, 0x00, /* type, zero, bytes of body */
    0x02,                   /* flags: seen */
    0x07,                   /* top 7 */
    0x02,                   /* members */
    0x05, 0x03, 0x00,       /* rank 0 holds 5, took 2, nothing is missing */
    0x01, 0x00, 0xac, 0x02, /* rank 1: holds 1, took it, 301 has come */
};

static void check_status_seen(void)
{
    static const uint64_t held[2] = {5, 1}, done[2] = {2, 1}, seen[2] = {5, 301};
    struct gcs_status status = {
        .flags = GCS_STATUS_SEEN, .top = 7, .count = 2, .held = held, .done = done, .seen = seen};
    uint64_t held_read[2], done_read[2], seen_read[2];
    uint8_t bytes[64];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    uint8_t *begin = gcs_status_begin(&w, &status);
    EXPECT(begin != NULL && gcs_frame_end(&w, begin));
    EXPECT_BYTES(bytes, gcs_writer_size(&w), status_seen_frame);

    struct gcs_reader order;
    EXPECT(gcs_status_read(status_seen_frame + GCS_FRAME_HEADER,
                           sizeof(status_seen_frame) - GCS_FRAME_HEADER, 2, &status, held_read,
                           done_read, seen_read, &order));
    EXPECT(memcmp(seen, seen_read, sizeof(seen)) == 0);
    EXPECT(memcmp(held, held_read, sizeof(held)) == 0);
}

/* ---- TIME ---------------------------------------------------------------------------------- */

static const uint8_t time_frame[] = {
    0x07, 0x00, 0x08, 0x00, /* type, zero, bytes of body */
    0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11,
};

static void check_time(void)
{
    uint8_t bytes[sizeof(time_frame)];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_time_write(&w, UINT64_C(0x1112131415161718));
    EXPECT_BYTES(bytes, gcs_writer_size(&w), time_frame);
    EXPECT(gcs_time_find(time_frame, sizeof(time_frame)) == UINT64_C(0x1112131415161718));
    bytes[11] |= 0x80;
    EXPECT(gcs_time_find(bytes, sizeof(bytes)) == 0);
}

/* ---- REPORT --------------------------------------------------------------------------- */

static const uint8_t report_frame[] = {
    0x09, 0x00, 0x0f, 0x00, /* type, zero, bytes of body */
    0x02,                   /* flags: of a region */
    0xe8, 0x07,             /* top 1000 */
    0x02,                   /* steps: */
    0xac, 0x02, 0x03,       /* 3 votes hold up to 300 */
    0x0a, 0x02,             /* 2 more up to 290 */
    0x02,                   /* entries: */
    0x01, 0x05,             /* of rank 1 packets up to 5 */
    0x04, 0x80, 0x01,       /* of rank 6 up to 128 */
};

static void check_report(void)
{
    static const struct gcs_report_entry listed[2] = {{1, 5}, {6, 128}};
    struct gcs_report report = {
        .flags = GCS_REPORT_REGION, .top = 1000, .steps = 2, .step = {{300, 3}, {290, 5}}};
    uint8_t bytes[64];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    uint8_t *begin = gcs_frame_begin(&w, GCS_FRAME_REPORT);
    uint16_t next = 0, count;
    gcs_report_write(&w, &report);
    gcs_write_varint(&w, 2);
    gcs_report_write_entry(&w, &next, &listed[0]);
    gcs_report_write_entry(&w, &next, &listed[1]);
    EXPECT(gcs_frame_end(&w, begin));
    EXPECT_BYTES(bytes, gcs_writer_size(&w), report_frame);

    struct gcs_reader r = gcs_reader_over(report_frame, sizeof(report_frame)), entries;
    struct gcs_frame frame;
    struct gcs_report read;
    EXPECT(gcs_frame_next(&r, &frame) && frame.type == GCS_FRAME_REPORT);
    EXPECT(gcs_report_read(frame.body, frame.size, 7, &read, &entries, &count) && count == 2);
    EXPECT(read.flags == report.flags && read.top == 1000 && read.steps == 2);
    EXPECT(read.step[1].position == 290 && read.step[1].votes == 5);
    next = 0;
    for (uint16_t i = 0; i < 2; i++) {
        struct gcs_report_entry entry = gcs_report_read_entry(&entries, &next);
        EXPECT(entry.rank == listed[i].rank && entry.taken == listed[i].taken);
    }
}

/* ---- STAMP, VECTOR ------------------------------------------------------------------------ */

static const uint8_t stamp_frame[] = {
    0x0a, 0x00, 0x04, 0x00, /* type, zero, bytes of body */
    0xac, 0x02,             /* clock 300 */
    0x2c,                   /* delivered up to clock 256 */
    0x07,                   /* of rank 7 */
};
static const uint8_t vector_frame[] = {
    0x0b, 0x00, 0x05, 0x00, /* type, zero, bytes of body */
    0x03, 0x01,             /* rank 3: one more */
    0x00, 0xac, 0x02,       /* rank 0: 300 more */
};

static void check_stamp(void)
{
    struct gcs_stamp stamp = {300, 256, 7}, read;
    uint8_t bytes[64];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_stamp_write(&w, &stamp);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), stamp_frame);
    EXPECT(gcs_stamp_read(stamp_frame + GCS_FRAME_HEADER, 4, 8, &read));
    EXPECT(read.clock == 300 && read.delivered_clock == 256 && read.delivered_rank == 7);
    EXPECT(!gcs_stamp_read(stamp_frame + GCS_FRAME_HEADER, 4, 7, &read)); /* no such rank */
    EXPECT(!gcs_stamp_read(stamp_frame + GCS_FRAME_HEADER, 3, 8, &read));
}

static void check_vector(void)
{
    static const struct gcs_vector_change changes[] = {{3, 1}, {0, 300}};
    struct gcs_vector_change read;
    uint8_t bytes[64];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    uint8_t *begin = gcs_frame_begin(&w, GCS_FRAME_VECTOR);
    gcs_vector_write(&w, &changes[0]);
    gcs_vector_write(&w, &changes[1]);
    EXPECT(gcs_frame_end(&w, begin));
    EXPECT_BYTES(bytes, gcs_writer_size(&w), vector_frame);
    struct gcs_reader r =
        gcs_reader_over(vector_frame + GCS_FRAME_HEADER, sizeof(vector_frame) - GCS_FRAME_HEADER);
    for (int i = 0; i < 2; i++)
        EXPECT(gcs_vector_next(&r, &read) && read.rank == changes[i].rank &&
               read.growth == changes[i].growth);
    EXPECT(gcs_reader_left(&r) == 0 && !r.bad);
}

/* ---- NACK ------------------------------------------------------------------------------ */

static const uint8_t nack_body[] = {
    0x81, 0x01,             /* rank 129 */
    0x03,                   /* ranges */
    0x02, 0x01,             /* 2 */
    0x02, 0xac, 0x02,       /* 4 to 303 */
    0xd1, 0x86, 0x03, 0x02, /* 50304 and 50305 */
};

static void check_nack(void)
{
    struct gcs_nack nack = {.rank = 129, .count = 3, .ranges = {{2, 2}, {4, 303}, {50304, 50305}}};
    struct gcs_nack read;
    uint8_t bytes[64];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_nack_write(&w, &nack);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), nack_body);
    EXPECT(gcs_nack_read(nack_body, sizeof(nack_body), 130, &read));
    EXPECT(read.rank == 129 && read.count == 3);
    for (int i = 0; i < 3; i++)
        EXPECT(read.ranges[i].first == nack.ranges[i].first &&
               read.ranges[i].last == nack.ranges[i].last);
}

/* ---- RUNS ------------------------------------------------------------------------------- */

static const uint8_t runs_body[] = {
    0x88, 0x27,       /* first slot 5000 */
    0x03,             /* runs */
    0x02, 0x01,       /* the next one of rank 2 */
    0x00, 0xc8, 0x01, /* the next 200 of rank 0 */
    0xff, 0x07, 0x07, /* the next 7 of rank 1023 */
};

static void check_runs(void)
{
    static const struct gcs_run expected[3] = {{2, 1}, {0, 200}, {1023, 7}};
    uint8_t bytes[64];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_runs_begin(&w, 5000, 3);
    for (int i = 0; i < 3; i++)
        gcs_runs_add(&w, expected[i].rank, expected[i].count);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), runs_body);

    struct gcs_reader r = gcs_reader_over(runs_body, sizeof(runs_body));
    uint64_t first, runs;
    EXPECT(gcs_runs_read(&r, &first, &runs) && first == 5000 && runs == 3);
    for (int i = 0; i < 3; i++) {
        struct gcs_run run;
        EXPECT(gcs_runs_next(&r, 1024, &run));
        EXPECT(run.rank == expected[i].rank && run.count == expected[i].count);
    }
    EXPECT(gcs_reader_left(&r) == 0);
}

/* ---- PRIVATE ---------------------------------------------------------------------------- */

static const uint8_t private_body[] = {
    0xac, 0x02, /* holds 300 */
    0x05,       /* took 295 */
};

static void check_private(void)
{
    uint8_t bytes[GCS_PRIVATE_BYTES_MAX];
    uint64_t held, taken;
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_private_write(&w, 300, 295);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), private_body);
    EXPECT(gcs_private_read(private_body, sizeof(private_body), &held, &taken));
    EXPECT(held == 300 && taken == 295);
}

/* ---- PIECE ------------------------------------------------------------------------------ */

static const uint8_t piece_body[] = {
    0x19,                         /* of an INSTALL */
    0xff, 0xff, 0xff, 0xff, 0x0f, /* id 2^32 - 1 */
    0xff, 0xff, 0x03,             /* 65535 bytes in all */
    0xac, 0x02,                   /* from 300 on */
    'p',  'i',  'e',  'c',  'e',
};

static void check_piece(void)
{
    struct gcs_piece piece = {
        .type = GCS_FRAME_INSTALL,
        .id = UINT32_MAX,
        .total = UINT16_MAX,
        .offset = 300,
        .data = (const uint8_t *)"piece",
        .size = 5,
    };
    struct gcs_piece read;
    uint8_t bytes[GCS_PIECE_HEAD_MAX + 5];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_piece_write(&w, &piece);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), piece_body);
    EXPECT(gcs_piece_read(piece_body, sizeof(piece_body), &read));
    EXPECT(read.type == GCS_FRAME_INSTALL && read.id == UINT32_MAX);
    EXPECT(read.total == UINT16_MAX && read.offset == 300);
    EXPECT(read.size == 5 && memcmp(read.data, "piece", 5) == 0);
}

/* ---- LEASE -------------------------------------------------------------------------------- */

static const uint8_t lease_question[] = {0x00, 0x07};
static const uint8_t lease_grant[] = {0x01, 0xac, 0x02}; /* round 300 */

static void check_lease(void)
{
    uint8_t bytes[GCS_LEASE_BYTES_MAX];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    bool grant = true;
    uint64_t round = 0;
    gcs_lease_write(&w, false, 7);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), lease_question);
    EXPECT(gcs_lease_read(lease_question, sizeof(lease_question), &grant, &round));
    EXPECT(!grant && round == 7);
    w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_lease_write(&w, true, 300);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), lease_grant);
    EXPECT(gcs_lease_read(lease_grant, sizeof(lease_grant), &grant, &round));
    EXPECT(grant && round == 300);
}

/* ---- PRESSURE ----------------------------------------------------------------------------- */

static const uint8_t pressure_room[] = {0xac, 0x02, 0x00}; /* 300 dropped */
static const uint8_t pressure_loss[] = {0x00, 0xc8, 0x01}; /* a fifth is lost */

static void check_pressure(void)
{
    uint8_t bytes[GCS_PRESSURE_BYTES_MAX];
    struct gcs_pressure pressure = {.overflowed = 300}, read;
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_pressure_write(&w, &pressure);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), pressure_room);
    EXPECT(gcs_pressure_read(pressure_room, sizeof(pressure_room), &read));
    EXPECT(read.overflowed == 300 && read.loss == 0);
    pressure = (struct gcs_pressure){.loss = 200};
    w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_pressure_write(&w, &pressure);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), pressure_loss);
    EXPECT(gcs_pressure_read(pressure_loss, sizeof(pressure_loss), &read));
    EXPECT(read.overflowed == 0 && read.loss == 200);
}

/* ---- HEARTBEAT ---------------------------------------------------------------------------- */

static const uint8_t heartbeat_plain[] = {
    0x00, 0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, /* flags, process */
};
static const uint8_t heartbeat_both[] = {
    0x03, 0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, /* question and answer */
    0x80, 0x94, 0xeb, 0xdc, 0x03,                         /* stamp: 1,000,000,000 */
    0x2a,                                                 /* echo */
};
static const uint8_t heartbeat_ask[] = {
    0x04, 0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, /* ask */
    0x2a, 0x03, 'n',  'o',  0x02,                         /* stamp, address */
};
static const uint8_t heartbeat_found[] = {
    0x08, 0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, /* found */
    0x2a, 0x03, 'n',  'o',  0x02,                         /* echo, address */
    0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11,       /* its process */
};
static const uint8_t heartbeat_goodbye[] = {
    0x10, 0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01,
};

/* What is said about a third endpoint, and the last word. */
static void check_heartbeat_about(void)
{
    struct gcs_heartbeat beat = {.flags = GCS_HEARTBEAT_ASK,
                                 .process = UINT64_C(0x0102030405060708),
                                 .stamp = 42,
                                 .about = {3, {'n', 'o', 2}}},
                         read;
    uint8_t bytes[GCS_HEARTBEAT_BYTES_MAX];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_heartbeat_write(&w, &beat);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), heartbeat_ask);
    EXPECT(gcs_heartbeat_read(heartbeat_ask, sizeof(heartbeat_ask), &read));
    EXPECT(read.flags == beat.flags && read.stamp == 42 && read.about.length == 3);

    beat.flags = GCS_HEARTBEAT_FOUND;
    beat.echo = 42;
    beat.found = UINT64_C(0x1112131415161718);
    w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_heartbeat_write(&w, &beat);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), heartbeat_found);
    EXPECT(gcs_heartbeat_read(heartbeat_found, sizeof(heartbeat_found), &read));
    EXPECT(read.flags == beat.flags && read.echo == 42 && read.found == beat.found);
    EXPECT(memcmp(read.about.bytes, "no\2", 3) == 0);

    beat.flags = GCS_HEARTBEAT_GOODBYE;
    w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_heartbeat_write(&w, &beat);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), heartbeat_goodbye);
    EXPECT(gcs_heartbeat_read(heartbeat_goodbye, sizeof(heartbeat_goodbye), &read));
}

static void check_heartbeat(void)
{
    struct gcs_heartbeat beat = {.process = UINT64_C(0x0102030405060708)}, read;
    uint8_t bytes[GCS_HEARTBEAT_BYTES_MAX];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_heartbeat_write(&w, &beat);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), heartbeat_plain);
    EXPECT(gcs_heartbeat_read(heartbeat_plain, sizeof(heartbeat_plain), &read));
    EXPECT(read.flags == 0 && read.process == beat.process && read.stamp == 0 && read.echo == 0);

    beat.flags = GCS_HEARTBEAT_QUESTION | GCS_HEARTBEAT_ANSWER;
    beat.stamp = 1000000000;
    beat.echo = 42;
    w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_heartbeat_write(&w, &beat);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), heartbeat_both);
    EXPECT(gcs_heartbeat_read(heartbeat_both, sizeof(heartbeat_both), &read));
    EXPECT(read.flags == beat.flags && read.process == beat.process);
    EXPECT(read.stamp == beat.stamp && read.echo == beat.echo);
}

static const uint8_t room_wanted[] = {0x00, 0xac, 0x02}; /* for message 300 */
static const uint8_t room_there[] = {0x01, 0x01};

static void check_room(void)
{
    uint8_t bytes[GCS_ROOM_BYTES_MAX];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    enum gcs_room_kind kind;
    uint64_t number;
    gcs_room_write(&w, GCS_ROOM_WANTED, 300);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), room_wanted);
    EXPECT(gcs_room_read(room_wanted, sizeof(room_wanted), &kind, &number));
    EXPECT(kind == GCS_ROOM_WANTED && number == 300);
    w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_room_write(&w, GCS_ROOM_THERE, 1);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), room_there);
    EXPECT(gcs_room_read(room_there, sizeof(room_there), &kind, &number));
    EXPECT(kind == GCS_ROOM_THERE && number == 1);
}

void golden_frames(void)
{
    check_varints();
    check_status();
    check_status_seen();
    check_report();
    check_time();
    check_stamp();
    check_vector();
    check_nack();
    check_runs();
    check_private();
    check_piece();
    check_lease();
    check_pressure();
    check_room();
    check_heartbeat();
    check_heartbeat_about();
}
