/* SPDX-License-Identifier: BSD-3-Clause */
/* The RUNS frame: runs come back as they were; what makes no sense is refused. */
#include "gcs/base/prng.h"
#include "gcs/wire/runs.h"
#include "tests/unit/suite.h"

enum { RUNS_MAX = 50, ROOM = 1024, MEMBERS = 1024 };

static size_t write_body(uint8_t bytes[ROOM], uint64_t first, const struct gcs_run *runs,
                         size_t count)
{
    struct gcs_writer w = gcs_writer_over(bytes, ROOM);
    gcs_runs_begin(&w, first, count);
    for (size_t i = 0; i < count; i++)
        gcs_runs_add(&w, runs[i].rank, runs[i].count);
    ck_assert(!w.bad);
    return gcs_writer_size(&w);
}

/* All of a body: how many runs, -1 if malformed. */
static int read_body(const uint8_t *bytes, size_t size, uint16_t members, uint64_t *first,
                     struct gcs_run *runs)
{
    struct gcs_reader r = gcs_reader_over(bytes, size);
    uint64_t count;
    if (!gcs_runs_read(&r, first, &count) || count > RUNS_MAX)
        return -1;
    for (uint64_t i = 0; i < count; i++)
        if (!gcs_runs_next(&r, members, &runs[i]))
            return -1;
    return (int)count;
}

START_TEST(runs_come_back_as_they_were)
{
    struct gcs_prng prng;
    gcs_prng_init(&prng, 5);
    for (unsigned turn = 0; turn < 5000; turn++) {
        uint8_t bytes[ROOM];
        struct gcs_run runs[RUNS_MAX], read[RUNS_MAX];
        size_t count = (size_t)gcs_prng_below(&prng, RUNS_MAX + 1);
        uint64_t first = gcs_prng_next(&prng) | 1, read_first;
        for (size_t i = 0; i < count; i++)
            runs[i] = (struct gcs_run){(uint16_t)gcs_prng_below(&prng, MEMBERS),
                                       (gcs_prng_next(&prng) >> gcs_prng_below(&prng, 64)) | 1};
        size_t size = write_body(bytes, first, runs, count);
        ck_assert_int_eq(read_body(bytes, size, MEMBERS, &read_first, read), (int)count);
        ck_assert_uint_eq(read_first, first);
        for (size_t i = 0; i < count; i++) {
            ck_assert_uint_eq(read[i].rank, runs[i].rank);
            ck_assert_uint_eq(read[i].count, runs[i].count);
        }
    }
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
    uint8_t bytes[ROOM];
    struct gcs_run read[RUNS_MAX];
    uint64_t first;
    size_t size = write_body(bytes, 0, &(struct gcs_run){1, 1}, 1); /* there is no slot 0 */
    ck_assert_int_eq(read_body(bytes, size, 2, &first, read), -1);
    size = write_body(bytes, 1, &(struct gcs_run){2, 1}, 1); /* no such rank */
    ck_assert_int_eq(read_body(bytes, size, 2, &first, read), -1);
    ck_assert_int_eq(read_body(bytes, size, 3, &first, read), 1);
    size = write_body(bytes, 1, &(struct gcs_run){1, 0}, 1); /* empty */
    ck_assert_int_eq(read_body(bytes, size, 2, &first, read), -1);

    struct gcs_writer w = gcs_writer_over(bytes, ROOM);
    gcs_runs_begin(&w, 1, 1);
    gcs_write_varint(&w, 0x10000); /* 0 in sixteen bits */
    gcs_write_varint(&w, 1);
    ck_assert_int_eq(read_body(bytes, gcs_writer_size(&w), 2, &first, read), -1);
}
END_TEST

START_TEST(more_runs_than_bytes_are_refused_at_once)
{
    uint8_t bytes[ROOM];
    for (uint64_t claimed = 1; claimed <= 4; claimed++) {
        struct gcs_writer w = gcs_writer_over(bytes, ROOM);
        gcs_runs_begin(&w, 1, claimed);
        gcs_runs_add(&w, 0, 1);
        gcs_runs_add(&w, 1, 1);
        gcs_write_u8(&w, 0);
        struct gcs_reader r = gcs_reader_over(bytes, gcs_writer_size(&w));
        uint64_t first, runs;
        ck_assert_int_eq(gcs_runs_read(&r, &first, &runs), claimed <= 2);
    }
    struct gcs_writer w = gcs_writer_over(bytes, ROOM);
    gcs_runs_begin(&w, 1, UINT64_MAX);
    struct gcs_reader r = gcs_reader_over(bytes, gcs_writer_size(&w));
    uint64_t first, runs;
    ck_assert(!gcs_runs_read(&r, &first, &runs));
}
END_TEST

START_TEST(a_body_cut_short_is_refused)
{
    static const struct gcs_run runs[3] = {{0, 1}, {700, 70000}, {2, 300}};
    struct gcs_run read[RUNS_MAX];
    uint8_t bytes[ROOM];
    uint64_t first;
    size_t size = write_body(bytes, 123456, runs, 3);
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *exact = malloc(cut ? cut : 1);
        memcpy(exact, bytes, cut);
        ck_assert_msg(read_body(exact, cut, MEMBERS, &first, read) < 0, "at %zu", cut);
        free(exact);
    }
    ck_assert_int_eq(read_body(bytes, size, MEMBERS, &first, read), 3);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        runs_come_back_as_they_were,
        what_makes_no_sense_is_refused,
        more_runs_than_bytes_are_refused_at_once,
        a_body_cut_short_is_refused,
    };
    return suite_run("runs", tests, SUITE_SIZE(tests));
}
