/* SPDX-License-Identifier: BSD-3-Clause */
/* The NACK frame: ranges come back as they were; empty, overlapping or wrapping ones are refused.
 */
#include "gcs/base/prng.h"
#include "gcs/wire/nack.h"
#include "tests/unit/suite.h"

enum { ROOM = 1024 };

static size_t write_body(uint8_t bytes[ROOM], const struct gcs_nack *nack)
{
    struct gcs_writer w = gcs_writer_over(bytes, ROOM);
    gcs_nack_write(&w, nack);
    ck_assert(!w.bad);
    return gcs_writer_size(&w);
}

static void check_round_trip(const struct gcs_nack *nack, uint16_t members)
{
    uint8_t bytes[ROOM];
    struct gcs_nack read;
    size_t size = write_body(bytes, nack);
    ck_assert(gcs_nack_read(bytes, size, members, &read));
    ck_assert_uint_eq(read.rank, nack->rank);
    ck_assert_uint_eq(read.count, nack->count);
    for (uint16_t i = 0; i < nack->count; i++) {
        ck_assert_uint_eq(read.ranges[i].first, nack->ranges[i].first);
        ck_assert_uint_eq(read.ranges[i].last, nack->ranges[i].last);
    }
}

START_TEST(ranges_come_back_as_they_were)
{
    struct gcs_prng prng;
    gcs_prng_init(&prng, 4);
    for (unsigned run = 0; run < 5000; run++) {
        struct gcs_nack nack = {
            .rank = (uint16_t)gcs_prng_below(&prng, 1024),
            .count = (uint16_t)gcs_prng_between(&prng, 1, GCS_NACK_RANGES_MAX),
        };
        uint64_t end = 0;
        for (uint16_t i = 0; i < nack.count; i++) {
            nack.ranges[i].first =
                end + 1 + (gcs_prng_next(&prng) >> gcs_prng_between(&prng, 10, 63));
            end = nack.ranges[i].first + (gcs_prng_next(&prng) >> gcs_prng_between(&prng, 10, 63));
            nack.ranges[i].last = end;
        }
        check_round_trip(&nack, 1024);
    }
}
END_TEST

START_TEST(the_first_and_the_last_number)
{
    struct gcs_nack nack = {.rank = 1023, .count = 1, .ranges = {{1, UINT64_MAX}}};
    check_round_trip(&nack, 1024);
    nack = (struct gcs_nack){.count = 2, .ranges = {{1, 1}, {UINT64_MAX, UINT64_MAX}}};
    check_round_trip(&nack, 1);
    nack = (struct gcs_nack){.count = 2, .ranges = {{1, 4}, {5, 5}}}; /* they touch */
    check_round_trip(&nack, 1);
}
END_TEST

/* A body of varints. */
static bool reads(const uint64_t *values, size_t count, uint16_t members)
{
    uint8_t bytes[ROOM];
    struct gcs_nack read;
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    for (size_t i = 0; i < count; i++)
        gcs_write_varint(&w, values[i]);
    return gcs_nack_read(bytes, gcs_writer_size(&w), members, &read);
}

#define READS(members, ...)                                                                      \
    reads((const uint64_t[]){__VA_ARGS__}, sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t), \
          members)

START_TEST(what_makes_no_sense_is_refused)
{
    ck_assert(READS(3, 2, 1, 1, 1));
    ck_assert(!READS(3, 3, 1, 1, 1));          /* no such rank */
    ck_assert(!READS(3, 0x10000, 1, 1, 1));    /* nor this: 0 in sixteen bits */
    ck_assert(!READS(3, 0, 0));                /* no range */
    ck_assert(!READS(3, 0, 1, 0, 1));          /* number 0, or an overlap */
    ck_assert(!READS(3, 0, 1, 1, 0));          /* empty */
    ck_assert(!READS(3, 0, 2, 1, 1, 0, 1));    /* overlaps the one before */
    ck_assert(!READS(3, 0, 1, 1, 1, 7));       /* something behind it */
    ck_assert(!READS(3, 0, 2, 1, 1));          /* one missing */
    ck_assert(!READS(3, 0, 1, 2, UINT64_MAX)); /* wraps */
    ck_assert(READS(3, 0, 1, 1, UINT64_MAX));
    ck_assert(!READS(3, 0, 2, 1, UINT64_MAX, 1, 1));
    ck_assert(!READS(3, 0, 2, 5, 5, UINT64_MAX - 5, 1));
    ck_assert(READS(3, 0, 2, 5, 5, UINT64_MAX - 9, 1));
    ck_assert(!READS(3, 0, 2, 5, 5, UINT64_MAX - 9, 2));
}
END_TEST

START_TEST(more_ranges_than_fit_are_refused)
{
    uint64_t values[2 + 2 * (GCS_NACK_RANGES_MAX + 1)] = {0, GCS_NACK_RANGES_MAX};
    for (size_t i = 2; i < SUITE_SIZE(values); i++)
        values[i] = 2;
    ck_assert(reads(values, SUITE_SIZE(values) - 2, 1));
    values[1]++;
    ck_assert(!reads(values, SUITE_SIZE(values), 1));
}
END_TEST

START_TEST(a_body_cut_short_is_refused)
{
    struct gcs_nack nack = {
        .rank = 300, .count = 3, .ranges = {{5, 900}, {1000, 1000}, {70000, 70003}}};
    struct gcs_nack read;
    uint8_t bytes[ROOM];
    size_t size = write_body(bytes, &nack);
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *exact = malloc(cut ? cut : 1);
        memcpy(exact, bytes, cut);
        ck_assert_msg(!gcs_nack_read(exact, cut, 1024, &read), "at %zu", cut);
        free(exact);
    }
}
END_TEST

START_TEST(writing_without_room_is_bad)
{
    struct gcs_nack nack = {.rank = 3, .count = 2, .ranges = {{5, 900}, {1000, 1000}}};
    uint8_t bytes[ROOM];
    size_t size = write_body(bytes, &nack);
    for (size_t room = 0; room < size; room++) {
        struct gcs_writer w = gcs_writer_over(bytes, room);
        gcs_nack_write(&w, &nack);
        ck_assert(w.bad);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        ranges_come_back_as_they_were,  the_first_and_the_last_number,
        what_makes_no_sense_is_refused, more_ranges_than_fit_are_refused,
        a_body_cut_short_is_refused,    writing_without_room_is_bad,
    };
    return suite_run("nack", tests, SUITE_SIZE(tests));
}
