/* SPDX-License-Identifier: BSD-3-Clause */
/* The REPORT frame: it comes back as it was, and what makes no sense is refused. */
#include "gcs/wire/report.h"
#include "tests/unit/suite.h"

enum { ROOM = 256, MEMBERS = 1000 };

static const struct gcs_report sample = {
    .flags = GCS_REPORT_REGION,
    .top = 70000,
    .steps = 2,
    .step = {{1000, 3}, {990, 16}},
};
static const struct gcs_report_entry listed[] = {{0, 5}, {1, UINT64_MAX}, {700, 300}, {999, 1}};

static size_t write(uint8_t *bytes, size_t room, const struct gcs_report *report, size_t entries)
{
    struct gcs_writer w = gcs_writer_over(bytes, room);
    uint16_t next = 0;
    gcs_report_write(&w, report);
    gcs_write_varint(&w, entries);
    for (size_t i = 0; i < entries; i++)
        gcs_report_write_entry(&w, &next, &listed[i]);
    return w.bad ? 0 : gcs_writer_size(&w);
}

static bool read(const uint8_t *bytes, size_t size, uint16_t members)
{
    struct gcs_report report;
    struct gcs_reader entries;
    uint16_t count;
    return gcs_report_read(bytes, size, members, &report, &entries, &count);
}

START_TEST(comes_back_as_it_was)
{
    struct gcs_report report;
    struct gcs_reader entries;
    uint16_t count, next = 0;
    uint8_t bytes[ROOM];
    size_t size = write(bytes, ROOM, &sample, 4);
    ck_assert(gcs_report_read(bytes, size, MEMBERS, &report, &entries, &count));
    ck_assert_uint_eq(report.flags, sample.flags);
    ck_assert_uint_eq(report.top, sample.top);
    ck_assert_uint_eq(report.steps, 2);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_uint_eq(report.step[i].position, sample.step[i].position);
        ck_assert_uint_eq(report.step[i].votes, sample.step[i].votes);
    }
    ck_assert_uint_eq(count, 4);
    for (size_t i = 0; i < 4; i++) {
        struct gcs_report_entry entry = gcs_report_read_entry(&entries, &next);
        ck_assert_uint_eq(entry.rank, listed[i].rank);
        ck_assert_uint_eq(entry.taken, listed[i].taken);
    }
    ck_assert_uint_eq(gcs_reader_left(&entries), 0);
}
END_TEST

START_TEST(a_rank_of_nobody_is_refused)
{
    uint8_t bytes[ROOM];
    size_t size = write(bytes, ROOM, &sample, 4);
    ck_assert(read(bytes, size, MEMBERS));
    ck_assert(!read(bytes, size, MEMBERS - 1));
    ck_assert(!read(bytes, size, 3));
}
END_TEST

START_TEST(cut_short_or_too_long_is_refused)
{
    uint8_t bytes[ROOM];
    size_t size = write(bytes, ROOM, &sample, 4);
    for (size_t cut = 0; cut < size; cut++)
        ck_assert(!read(bytes, cut, MEMBERS));
    bytes[size] = 0;
    ck_assert(!read(bytes, size + 1, MEMBERS));
}
END_TEST

START_TEST(stairs_go_down)
{
    static const struct gcs_report rising = {.steps = 2, .step = {{10, 3}, {11, 4}}};
    static const struct gcs_report level = {.steps = 2, .step = {{10, 3}, {10, 4}}};
    static const struct gcs_report fewer = {.steps = 2, .step = {{10, 3}, {9, 3}}};
    uint8_t bytes[ROOM];
    ck_assert(!read(bytes, write(bytes, ROOM, &rising, 0), MEMBERS));
    ck_assert(!read(bytes, write(bytes, ROOM, &level, 0), MEMBERS));
    ck_assert(!read(bytes, write(bytes, ROOM, &fewer, 0), MEMBERS));
}
END_TEST

START_TEST(more_steps_than_there_may_be_are_refused)
{
    uint8_t bytes[ROOM] = {0, 0, GCS_REPORT_STEPS_MAX + 1};
    struct gcs_writer w = gcs_writer_over(bytes + 3, ROOM - 3);
    for (unsigned i = 0; i <= GCS_REPORT_STEPS_MAX; i++) {
        gcs_write_varint(&w, i == 0 ? 100 : 1);
        gcs_write_varint(&w, 1);
    }
    gcs_write_varint(&w, 0);
    ck_assert(!read(bytes, 3 + gcs_writer_size(&w), MEMBERS));
}
END_TEST

START_TEST(more_votes_than_can_be_counted_are_refused)
{
    static const uint8_t most[] = {0xff, 0xff, 0xff, 0xff, 0x0f}; /* UINT32_MAX */
    static const uint8_t beyond[] = {0x80, 0x80, 0x80, 0x80, 0x10};
    for (unsigned steps = 1; steps <= 2; steps++) {
        uint8_t bytes[ROOM] = {0, 0, (uint8_t)steps, 10};
        memcpy(bytes + 4, most, sizeof(most));
        memcpy(bytes + 4 + sizeof(most), (uint8_t[]){1, 1}, 2 * (steps - 1));
        size_t size = 4 + sizeof(most) + 2 * (steps - 1) + 1;
        ck_assert(read(bytes, size, MEMBERS) == (steps == 1));
    }
    uint8_t bytes[ROOM] = {0, 0, 1, 10};
    memcpy(bytes + 4, beyond, sizeof(beyond));
    ck_assert(!read(bytes, 4 + sizeof(beyond) + 1, MEMBERS));
}
END_TEST

START_TEST(without_room_it_is_bad)
{
    uint8_t bytes[ROOM];
    size_t size = write(bytes, ROOM, &sample, 4);
    for (size_t room = 0; room < size; room++)
        ck_assert_uint_eq(write(bytes, room, &sample, 4), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        comes_back_as_it_was,
        a_rank_of_nobody_is_refused,
        cut_short_or_too_long_is_refused,
        stairs_go_down,
        more_steps_than_there_may_be_are_refused,
        more_votes_than_can_be_counted_are_refused,
        without_room_it_is_bad,
    };
    return suite_run("report", tests, SUITE_SIZE(tests));
}
