/* SPDX-License-Identifier: BSD-3-Clause */
/* Golden bytes of the frames of state transfer. */
#include "gcs/wire/state.h"
#include "tests/golden/golden.h"

#include <gcs/error.h>
#include <string.h>

static uint64_t each[9] = {0, 0, 0, 0, 1, 128, 2, 3, UINT64_MAX};

#define MARK                                                                                    \
    0xac, 0x02,                                                 /* epoch 300 */                 \
        0x80, 0x80, 0x80, 0x80, 0x10,                           /* 2^32 in total order */       \
        0x03,                                                   /* three ranks */               \
        0x00, 0x00, 0x00,                                       /* nothing of rank 0 */         \
        0x00, 0x01, 0x80, 0x01,                                 /* rank 1: 0, 1, 128 */         \
        0x02, 0x03,                                             /* rank 2: causal, unordered */ \
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1 /* all that there can be */

static const struct gcs_mark mark = {
    .epoch = 300, .count = 3, .total = UINT64_C(1) << 32, .each = each};

static const uint8_t ask_body[] = {0x07, MARK};
static const uint8_t offer_body[] = {0x07,                   /* attempt */
                                     0x00,                   /* no error */
                                     0xe8, 0x0a,             /* chunks of 1384 bytes */
                                     0x80, 0x80, 0x80, 0x02, /* 4 MiB in all */
                                     MARK};
static const uint8_t offer_failed_body[] = {0x07, 0x15};

static bool same_mark(const struct gcs_mark *m)
{
    return m->epoch == mark.epoch && m->count == mark.count && m->total == mark.total &&
           memcmp(m->each, each, sizeof(each)) == 0;
}

static void check_ask(void)
{
    struct gcs_state_ask ask = {7, mark}, read;
    uint64_t room[GCS_MARK_EACH_MAX];
    uint8_t bytes[64];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_state_ask_write(&w, &ask);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), ask_body);
    EXPECT(gcs_state_ask_read(ask_body, sizeof(ask_body), room, &read));
    EXPECT(read.attempt == 7 && same_mark(&read.mark));
}

static void check_offer(void)
{
    struct gcs_state_offer offer = {
        .attempt = 7, .chunk_bytes = 1384, .total = 4 << 20, .mark = mark};
    struct gcs_state_offer read;
    uint64_t room[GCS_MARK_EACH_MAX];
    uint8_t bytes[64];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_state_offer_write(&w, &offer);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), offer_body);
    EXPECT(gcs_state_offer_read(offer_body, sizeof(offer_body), room, &read));
    EXPECT(read.attempt == 7 && read.error == 0 && read.chunk_bytes == 1384);
    EXPECT(read.total == 4 << 20 && same_mark(&read.mark));

    offer.error = -0x15;
    w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_state_offer_write(&w, &offer);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), offer_failed_body);
    EXPECT(gcs_state_offer_read(offer_failed_body, sizeof(offer_failed_body), room, &read));
    EXPECT(read.attempt == 7 && read.error == -0x15);
}

static const uint8_t pull_body[] = {
    0x01,       /* attempt */
    0xac, 0x02, /* chunks below 300 */
    0x0a, 0x01, /* 10 once more */
    0x01, 0x64, /* and 12 to 111 */
};

static void check_pull(void)
{
    struct gcs_state_pull pull = {1, 300, 2, {{10, 10}, {12, 111}}}, read;
    uint8_t bytes[GCS_PULL_BYTES_MAX];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_state_pull_write(&w, &pull);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), pull_body);
    EXPECT(gcs_state_pull_read(pull_body, sizeof(pull_body), &read));
    EXPECT(read.attempt == 1 && read.upto == 300 && read.count == 2);
    EXPECT(read.again[0].first == 10 && read.again[0].last == 10);
    EXPECT(read.again[1].first == 12 && read.again[1].last == 111);
}

static const uint8_t chunk_body[] = {0x02, 0x80, 0x01, 0x00, 'a', 'b', 'c'};
static const uint8_t last_body[] = {0x02,       /* attempt */
                                    0x81, 0x01, /* chunk 129 */
                                    0x01,       /* the last */
                                    0x83, 0x08, /* 1027 bytes in all */
                                    0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, /* digest */
                                    'x',  'y',  'z'};
static const uint8_t failed_body[] = {0x02, 0x00, 0x02, 0x15};

static void check_chunk(struct gcs_state_chunk chunk, const uint8_t *body, size_t size)
{
    struct gcs_state_chunk read;
    uint8_t bytes[GCS_CHUNK_HEAD_MAX + 8];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_state_chunk_write(&w, &chunk);
    golden_bytes(bytes, gcs_writer_size(&w), body, size, __FILE__, __LINE__);
    EXPECT(gcs_state_chunk_read(body, size, &read));
    EXPECT(read.attempt == chunk.attempt && read.index == chunk.index);
    EXPECT(read.flags == chunk.flags && read.error == chunk.error);
    EXPECT(read.total == chunk.total && read.digest == chunk.digest && read.size == chunk.size);
    EXPECT(chunk.size == 0 || memcmp(read.data, chunk.data, chunk.size) == 0);
}

static void check_chunks(void)
{
    check_chunk(
        (struct gcs_state_chunk){
            .attempt = 2, .index = 128, .data = (const uint8_t *)"abc", .size = 3},
        chunk_body, sizeof(chunk_body));
    check_chunk((struct gcs_state_chunk){.attempt = 2,
                                         .index = 129,
                                         .flags = GCS_CHUNK_LAST,
                                         .total = 1027,
                                         .digest = UINT64_C(0x0102030405060708),
                                         .data = (const uint8_t *)"xyz",
                                         .size = 3},
                last_body, sizeof(last_body));
    check_chunk((struct gcs_state_chunk){.attempt = 2, .flags = GCS_CHUNK_FAILED, .error = -0x15},
                failed_body, sizeof(failed_body));
}

void golden_state(void)
{
    check_ask();
    check_offer();
    check_pull();
    check_chunks();
}
