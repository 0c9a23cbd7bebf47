/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rings of packets, without any device: what the sender's books allow, the receiver's books accept,
 * whatever is kept for however long; and no bytes make the receiver read beyond a run.
 */
#include "transport/ring.h"

#include "gcs/base/prng.h"
#include "tests/unit/suite.h"

#include <string.h>

static const struct gcs_ring_shape shape = {8, 4096};

/* Both ends of one ring, joined by memory that is written as a device would. */
struct pair {
    struct gcs_ring_out out;
    struct gcs_ring_in *in;
    uint64_t serial;
};

static void open_pair(struct pair *p)
{
    gcs_ring_out_init(&p->out, &shape);
    p->in = gcs_ring_in_new(&shape, 64);
    p->serial = 0;
    ck_assert_ptr_nonnull(p->in);
}

/* A run of one packet, all of whose bytes are `what`; false: there is no room. */
static bool write_run(struct pair *p, size_t size, uint8_t what, struct gcs_ring_run *run)
{
    uint8_t packet[4096];
    uint32_t record = gcs_ring_record_bytes(size), position;
    struct gcs_ring_preface preface;

    if (!gcs_ring_out_begin(&p->out, record, &position))
        return false;
    memset(packet, what, size);
    preface = (struct gcs_ring_preface){
        .serial = ++p->serial, .bytes = GCS_RING_PREFACE + record, .records = 1};
    uint8_t *at = gcs_ring_in_memory(p->in) +
                  (size_t)gcs_ring_position_segment(position) * shape.segment_bytes +
                  gcs_ring_position_offset(position);
    gcs_ring_preface_write(&preface, at);
    gcs_ring_record_write(at + GCS_RING_PREFACE, packet, size);
    ck_assert(gcs_ring_in_open(p->in, position, preface.bytes, run, &preface));
    return true;
}

static struct gcs_buffer *read_run(struct pair *p, struct gcs_ring_run *run, size_t size,
                                   const uint8_t **data)
{
    size_t got;
    struct gcs_buffer *buffer = gcs_ring_in_buffer(p->in, run);

    ck_assert_int_eq(gcs_ring_in_next(p->in, run, data, &got), 1);
    ck_assert_uint_eq(got, size);
    ck_assert(*data >= buffer->data && *data + size <= buffer->data + buffer->size);
    ck_assert(gcs_ring_run_ended(run));
    return gcs_buffer_ref(buffer);
}

START_TEST(what_is_written_is_read)
{
    struct pair p;
    struct gcs_ring_run run;
    const uint8_t *data;

    open_pair(&p);
    for (unsigned n = 0; n < 1000; n++) {
        size_t size = 1 + n * 37 % 3000;
        p.out.returned = gcs_ring_in_returned(p.in);
        ck_assert(write_run(&p, size, (uint8_t)n, &run));
        struct gcs_buffer *buffer = read_run(&p, &run, size, &data);
        ck_assert_uint_eq(data[0], n & 0xff);
        ck_assert_uint_eq(data[size - 1], n & 0xff);
        gcs_buffer_unref(buffer);
    }
    ck_assert_uint_ge(gcs_ring_in_free(p.in), shape.segments - 1);
    gcs_ring_in_release(p.in);
}
END_TEST

START_TEST(what_is_kept_is_not_overwritten_and_the_rest_goes_on)
{
    struct pair p;
    struct gcs_ring_run run;
    const uint8_t *kept_data, *data;

    open_pair(&p);
    ck_assert(write_run(&p, 100, 0xee, &run));
    struct gcs_buffer *kept = read_run(&p, &run, 100, &kept_data);
    for (unsigned n = 0; n < 200; n++) {
        p.out.returned = gcs_ring_in_returned(p.in);
        ck_assert(write_run(&p, 2000, (uint8_t)n, &run));
        gcs_buffer_unref(read_run(&p, &run, 2000, &data));
    }
    for (unsigned i = 0; i < 100; i++)
        ck_assert_uint_eq(kept_data[i], 0xee);
    gcs_buffer_unref(kept);
    gcs_ring_in_release(p.in);
}
END_TEST

START_TEST(a_full_ring_stops_its_sender_until_something_is_returned)
{
    struct pair p;
    struct gcs_ring_run run;
    struct gcs_buffer *kept[8];
    const uint8_t *data;
    uint32_t fourth = 0;
    unsigned n = 0;

    open_pair(&p);
    while (n < 8 && write_run(&p, 3000, (uint8_t)n, &run)) {
        fourth = n == 3 ? run.segment : fourth;
        kept[n++] = read_run(&p, &run, 3000, &data);
    }
    ck_assert_uint_eq(n, 8);
    ck_assert(!write_run(&p, 3000, 0, &run));
    gcs_buffer_unref(kept[3]); /* not the oldest */
    ck_assert(!write_run(&p, 3000, 0, &run));
    p.out.returned = gcs_ring_in_returned(p.in);
    ck_assert(write_run(&p, 3000, 9, &run));
    ck_assert_uint_eq(run.segment, fourth);
    kept[3] = read_run(&p, &run, 3000, &data);
    for (unsigned i = 0; i < 8; i++)
        gcs_buffer_unref(kept[i]);
    gcs_ring_in_release(p.in);
}
END_TEST

START_TEST(packets_outlive_the_ring)
{
    struct pair p;
    struct gcs_ring_run run;
    const uint8_t *data;

    open_pair(&p);
    ck_assert(write_run(&p, 500, 0x55, &run));
    struct gcs_buffer *kept = read_run(&p, &run, 500, &data);
    gcs_ring_in_release(p.in);
    ck_assert_uint_eq(data[0], 0x55);
    ck_assert_uint_eq(data[499], 0x55);
    gcs_buffer_unref(kept);
}
END_TEST

/* Any later word replaces all earlier ones. */
START_TEST(credit_may_be_late_or_lost)
{
    struct pair p;
    struct gcs_ring_run run;
    struct gcs_prng prng;
    const uint8_t *data;
    unsigned written = 0;

    open_pair(&p);
    gcs_prng_init(&prng, 7);
    for (unsigned n = 0; n < 5000; n++) {
        if (gcs_prng_below(&prng, 3) == 0)
            p.out.returned = gcs_ring_in_returned(p.in);
        if (!write_run(&p, 1 + gcs_prng_below(&prng, 3500), (uint8_t)n, &run))
            continue;
        written++;
        gcs_buffer_unref(gcs_buffer_ref(gcs_ring_in_buffer(p.in, &run)));
        size_t size;
        ck_assert_int_eq(gcs_ring_in_next(p.in, &run, &data, &size), 1);
        ck_assert_int_eq(gcs_ring_in_next(p.in, &run, &data, &size), 0);
    }
    ck_assert_uint_gt(written, 3000);
    gcs_ring_in_release(p.in);
}
END_TEST

START_TEST(broken_rules_are_found_out)
{
    static const struct {
        uint32_t segment, offset, bytes;
    } runs[] = {
        {8, 0, 64}, {0, 8, 64}, {0, 0, 24}, {0, 0, 4104}, {0, 0, 65}, {200, 0, 64}, {0, 4096, 64},
    };
    struct gcs_ring_preface preface = {.serial = 1, .bytes = 64, .records = 1};
    struct gcs_ring_run run;

    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        struct gcs_ring_in *in = gcs_ring_in_new(&shape, 0);
        memset(gcs_ring_in_memory(in), 0, gcs_ring_bytes(&shape));
        gcs_ring_preface_write(&preface, gcs_ring_in_memory(in));
        ck_assert_msg(!gcs_ring_in_open(in, gcs_ring_position(runs[i].segment, runs[i].offset),
                                        runs[i].bytes, &run, &(struct gcs_ring_preface){0}),
                      "run %zu", i);
        gcs_ring_in_release(in);
    }
    for (uint64_t serial = 0; serial < 3; serial += 2) { /* not the next one */
        struct gcs_ring_in *in = gcs_ring_in_new(&shape, 0);
        preface.serial = serial;
        gcs_ring_preface_write(&preface, gcs_ring_in_memory(in));
        ck_assert(!gcs_ring_in_open(in, 0, 64, &run, &(struct gcs_ring_preface){0}));
        gcs_ring_in_release(in);
    }
}
END_TEST

START_TEST(a_record_ends_within_its_run)
{
    static const uint32_t sizes[] = {0, 25, 24 + 1, 4096, UINT32_MAX, UINT32_MAX - 7};
    struct gcs_ring_preface preface = {.serial = 1, .bytes = 64, .records = 1};
    struct gcs_ring_run run;
    const uint8_t *data;
    size_t size;

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct gcs_ring_in *in = gcs_ring_in_new(&shape, 0);
        uint8_t *memory = gcs_ring_in_memory(in);
        gcs_ring_preface_write(&preface, memory);
        for (unsigned b = 0; b < 4; b++)
            memory[GCS_RING_PREFACE + b] = (uint8_t)(sizes[i] >> (8 * b));
        ck_assert(gcs_ring_in_open(in, 0, 64, &run, &preface));
        ck_assert_int_eq(gcs_ring_in_next(in, &run, &data, &size), -1);
        gcs_ring_in_release(in);
    }
}
END_TEST

START_TEST(half_a_knock_is_none)
{
    struct gcs_ring_preface a = {.returned = 0x00ff00ff, .consumed = 255};
    struct gcs_ring_preface b = {.returned = 0x00ff01ff, .consumed = 256};

    gcs_ring_knock_seal(&a);
    gcs_ring_knock_seal(&b);
    ck_assert(gcs_ring_knock_good(&a));
    ck_assert(gcs_ring_knock_good(&b));
    a.consumed = b.consumed;
    ck_assert(!gcs_ring_knock_good(&a));
}
END_TEST

START_TEST(a_knock_tells_which_one_it_is)
{
    struct gcs_ring_preface knock = {.records = 7};

    ck_assert_uint_eq(gcs_ring_knock_number(&knock, 5), 7);
    ck_assert_uint_eq(gcs_ring_knock_number(&knock, 7), 7);
    ck_assert_uint_eq(gcs_ring_knock_number(&knock, 0xfffffffe), 0x100000007);
    gcs_ring_knock_seal(&knock);
    ck_assert(gcs_ring_knock_good(&knock));
    knock.records++;
    ck_assert(!gcs_ring_knock_good(&knock));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_is_written_is_read,
        what_is_kept_is_not_overwritten_and_the_rest_goes_on,
        a_full_ring_stops_its_sender_until_something_is_returned,
        packets_outlive_the_ring,
        credit_may_be_late_or_lost,
        broken_rules_are_found_out,
        a_record_ends_within_its_run,
        half_a_knock_is_none,
        a_knock_tells_which_one_it_is,
    };
    return suite_run("ring", tests, SUITE_SIZE(tests));
}
