/* SPDX-License-Identifier: BSD-3-Clause */
/* The frames of state transfer: they come back as they were; what makes no sense is refused. */
#include "gcs/base/prng.h"
#include "gcs/wire/state.h"
#include "tests/unit/suite.h"

enum { ROOM = 64 + GCS_MARK_EACH_MAX * 10 };

static uint8_t bytes[ROOM];
static uint64_t room[GCS_MARK_EACH_MAX];

static struct gcs_writer writer(void)
{
    return gcs_writer_over(bytes, sizeof(bytes));
}

static uint64_t any(struct gcs_prng *prng)
{
    return gcs_prng_next(prng) >> gcs_prng_below(prng, 64);
}

static struct gcs_mark any_mark(struct gcs_prng *prng, uint64_t *fifo)
{
    struct gcs_mark mark = {
        .epoch = (uint32_t)any(prng) | 1,
        .count = (uint16_t)(1 + gcs_prng_below(prng, 12)),
        .total = any(prng),
        .each = fifo,
    };
    for (uint32_t rank = 0; rank < mark.count * GCS_MARK_ORDERS; rank++)
        fifo[rank] = any(prng);
    return mark;
}

static void expect_mark(const struct gcs_mark *a, const struct gcs_mark *b)
{
    ck_assert_uint_eq(a->epoch, b->epoch);
    ck_assert_uint_eq(a->count, b->count);
    ck_assert_uint_eq(a->total, b->total);
    ck_assert_mem_eq(a->each, b->each, a->count * GCS_MARK_ORDERS * sizeof(*a->each));
}

START_TEST(questions_and_offers_come_back)
{
    struct gcs_prng prng;
    uint64_t fifo[12 * GCS_MARK_ORDERS];
    gcs_prng_init(&prng, 1);
    for (int i = 0; i < 2000; i++) {
        struct gcs_state_ask ask = {(uint32_t)any(&prng) | 1, any_mark(&prng, fifo)}, asked;
        struct gcs_state_offer offer = {.attempt = ask.attempt,
                                        .chunk_bytes = 1 + (uint32_t)gcs_prng_below(&prng, 65535),
                                        .total = any(&prng),
                                        .mark = ask.mark};
        struct gcs_state_offer offered;
        struct gcs_writer w = writer();
        gcs_state_ask_write(&w, &ask);
        ck_assert(gcs_state_ask_read(bytes, gcs_writer_size(&w), room, &asked));
        ck_assert_uint_eq(asked.attempt, ask.attempt);
        expect_mark(&asked.mark, &ask.mark);
        w = writer();
        gcs_state_offer_write(&w, &offer);
        ck_assert_uint_le(gcs_writer_size(&w),
                          GCS_OFFER_HEAD_MAX + gcs_mark_bound(offer.mark.count));
        ck_assert(gcs_state_offer_read(bytes, gcs_writer_size(&w), room, &offered));
        ck_assert_uint_eq(offered.chunk_bytes, offer.chunk_bytes);
        ck_assert_uint_eq(offered.total, offer.total);
        expect_mark(&offered.mark, &offer.mark);
        for (size_t cut = 0; cut < gcs_writer_size(&w); cut++)
            ck_assert(!gcs_state_offer_read(bytes, cut, room, &offered));
    }
}
END_TEST

START_TEST(the_largest_view_has_a_mark)
{
    static uint64_t fifo[GCS_MARK_EACH_MAX];
    struct gcs_state_ask ask = {1, {UINT32_MAX, GCS_MEMBERS_MAX, UINT64_MAX, fifo}}, asked;
    for (int rank = 0; rank < GCS_MARK_EACH_MAX; rank++)
        fifo[rank] = UINT64_MAX - (uint64_t)rank;
    struct gcs_writer w = writer();
    gcs_state_ask_write(&w, &ask);
    ck_assert(!w.bad);
    ck_assert_uint_le(gcs_writer_size(&w), 5 + gcs_mark_bound(GCS_MEMBERS_MAX));
    ck_assert(gcs_state_ask_read(bytes, gcs_writer_size(&w), room, &asked));
    expect_mark(&asked.mark, &ask.mark);
    ask.mark.count++;
    w = writer();
    gcs_write_varint(&w, 1);
    gcs_write_varint(&w, 1);
    gcs_write_varint(&w, 1);
    gcs_write_varint(&w, GCS_MEMBERS_MAX + 1);
    for (int rank = 0; rank <= GCS_MARK_EACH_MAX; rank++)
        gcs_write_varint(&w, 1);
    ck_assert(!gcs_state_ask_read(bytes, gcs_writer_size(&w), room, &asked));
}
END_TEST

static bool reads_ask(const uint8_t *body, size_t size)
{
    struct gcs_state_ask ask;
    return gcs_state_ask_read(body, size, room, &ask);
}

START_TEST(senseless_questions_are_refused)
{
    ck_assert(reads_ask((const uint8_t[]){1, 1, 0, 1, 0, 0, 0}, 7));
    ck_assert(!reads_ask((const uint8_t[]){0, 1, 0, 1, 0, 0, 0}, 7));    /* no attempt */
    ck_assert(!reads_ask((const uint8_t[]){1, 0, 0, 1, 0, 0, 0}, 7));    /* no view */
    ck_assert(!reads_ask((const uint8_t[]){1, 1, 0, 0}, 4));             /* nobody in it */
    ck_assert(!reads_ask((const uint8_t[]){1, 1, 0, 1}, 4));             /* too short */
    ck_assert(!reads_ask((const uint8_t[]){1, 1, 0, 1, 0, 0, 0, 0}, 8)); /* too long */
    ck_assert(!reads_ask(NULL, 0));
    static const uint8_t late[] = {0x80, 0x80, 0x80, 0x80, 0x10, 1, 0, 1, 0, 0, 0};
    ck_assert(!reads_ask(late, sizeof(late))); /* attempt 2^32 */
}
END_TEST

static bool reads_offer(const uint8_t *body, size_t size)
{
    struct gcs_state_offer offer;
    return gcs_state_offer_read(body, size, room, &offer);
}

START_TEST(senseless_offers_are_refused)
{
    ck_assert(reads_offer((const uint8_t[]){1, 0, 9, 0, 1, 0, 1, 0, 0, 0}, 10));
    ck_assert(!reads_offer((const uint8_t[]){1, 0, 0, 0, 1, 0, 1, 0, 0, 0}, 10)); /* empty chunks */
    ck_assert(reads_offer((const uint8_t[]){1, 7}, 2));
    ck_assert(!reads_offer((const uint8_t[]){1, 7, 0}, 3));
    static const uint8_t huge[] = {1, 0, 0x80, 0x80, 0x04, 0, 1, 0, 1, 0, 0, 0};
    ck_assert(!reads_offer(huge, sizeof(huge))); /* chunks of 64 KiB fit no packet */
}
END_TEST

/* ---- PULL ------------------------------------------------------------------------------- */

START_TEST(pulls_come_back)
{
    struct gcs_prng prng;
    gcs_prng_init(&prng, 2);
    for (int i = 0; i < 5000; i++) {
        struct gcs_state_pull pull = {.attempt = 9}, read;
        uint64_t at = any(&prng) >> 1;
        unsigned count = (unsigned)gcs_prng_below(&prng, GCS_PULL_RANGES_MAX + 1);
        for (unsigned k = 0; k < count; k++) {
            pull.again[k].first = at;
            pull.again[k].last = at + gcs_prng_below(&prng, 300);
            at = pull.again[k].last + 2 + gcs_prng_below(&prng, 300);
        }
        pull.count = (uint16_t)count;
        pull.upto = at;
        struct gcs_writer w = writer();
        gcs_state_pull_write(&w, &pull);
        ck_assert_uint_le(gcs_writer_size(&w), GCS_PULL_BYTES_MAX);
        ck_assert(gcs_state_pull_read(bytes, gcs_writer_size(&w), &read));
        ck_assert(read.attempt == 9 && read.upto == at && read.count == count);
        ck_assert_mem_eq(read.again, pull.again, count * sizeof(read.again[0]));
    }
}
END_TEST

static bool reads_pull(const uint8_t *body, size_t size)
{
    struct gcs_state_pull pull;
    return gcs_state_pull_read(body, size, &pull);
}

START_TEST(senseless_pulls_are_refused)
{
    uint8_t many[2 + 2 * (GCS_PULL_RANGES_MAX + 1)] = {1, 120};
    ck_assert(reads_pull((const uint8_t[]){1, 5, 0, 5}, 4));
    ck_assert(!reads_pull((const uint8_t[]){1, 5, 0, 6}, 4));       /* beyond upto */
    ck_assert(!reads_pull((const uint8_t[]){1, 5, 5, 1}, 4));       /* all of it */
    ck_assert(!reads_pull((const uint8_t[]){1, 5, 1, 0}, 4));       /* nothing */
    ck_assert(!reads_pull((const uint8_t[]){1, 5, 1}, 3));          /* cut off */
    ck_assert(!reads_pull((const uint8_t[]){1, 5, 0, 1, 0, 1}, 6)); /* two that are one */
    for (size_t i = 2; i < sizeof(many); i++)
        many[i] = 1;
    ck_assert(reads_pull(many, sizeof(many) - 2));
    ck_assert(!reads_pull(many, sizeof(many))); /* one too many */
    static const uint8_t wraps[] = {1,    5,    2,    0xff, 0xff, 0xff, 0xff,
                                    0xff, 0xff, 0xff, 0xff, 0xff, 1};
    ck_assert(!reads_pull(wraps, sizeof(wraps)));
}
END_TEST

/* ---- CHUNK ------------------------------------------------------------------------------ */

static bool reads_chunk(const uint8_t *body, size_t size)
{
    struct gcs_state_chunk chunk;
    return gcs_state_chunk_read(body, size, &chunk);
}

START_TEST(senseless_chunks_are_refused)
{
    ck_assert(reads_chunk((const uint8_t[]){1, 0, 0}, 3));
    ck_assert(reads_chunk((const uint8_t[]){1, 0, 0, 'a'}, 4));
    ck_assert(!reads_chunk((const uint8_t[]){1, 0}, 2));
    ck_assert(!reads_chunk((const uint8_t[]){0, 0, 0}, 3));
    ck_assert(!reads_chunk((const uint8_t[]){1, 0, 3, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 13));
    ck_assert(!reads_chunk((const uint8_t[]){1, 0, 4}, 3));
    ck_assert(!reads_chunk((const uint8_t[]){1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}, 11));
    ck_assert(reads_chunk((const uint8_t[]){1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 12));
    ck_assert(reads_chunk((const uint8_t[]){1, 0, 2, 9}, 4));
    ck_assert(!reads_chunk((const uint8_t[]){1, 0, 2, 0}, 4));      /* failed for no reason */
    ck_assert(!reads_chunk((const uint8_t[]){1, 0, 2, 9, 'a'}, 5)); /* and yet something */
}
END_TEST

/* ---- Marks ------------------------------------------------------------------------------ */

START_TEST(marks_are_compared_place_by_place)
{
    struct gcs_mark a = {5, 2, 10, (uint64_t[]){3, 4, 5, 6, 7, 8}};
    struct gcs_mark b = {5, 2, 10, (uint64_t[]){3, 4, 5, 6, 7, 8}};
    ck_assert(gcs_mark_reaches(&a, &b) && gcs_mark_reaches(&b, &a));
    b.total = 11;
    ck_assert(!gcs_mark_reaches(&a, &b) && gcs_mark_reaches(&b, &a));
    b.each[0] = 2;
    ck_assert(!gcs_mark_reaches(&a, &b) && !gcs_mark_reaches(&b, &a));
    b.epoch = 6; /* a later view: everything of the one before is covered */
    ck_assert(!gcs_mark_reaches(&a, &b) && gcs_mark_reaches(&b, &a));
    b = (struct gcs_mark){5, 1, 99, (uint64_t[]){99, 99, 99}}; /* not of the same view */
    ck_assert(!gcs_mark_reaches(&a, &b) && !gcs_mark_reaches(&b, &a));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        questions_and_offers_come_back,
        the_largest_view_has_a_mark,
        senseless_questions_are_refused,
        senseless_offers_are_refused,
        pulls_come_back,
        senseless_pulls_are_refused,
        senseless_chunks_are_refused,
        marks_are_compared_place_by_place,
    };
    return suite_run("state_wire", tests, SUITE_SIZE(tests));
}
