/* SPDX-License-Identifier: BSD-3-Clause */
/* Golden bytes of the frames around joining and leaving. */
#include "gcs/wire/membership.h"
#include "tests/golden/golden.h"

#include <gcs/error.h>

static const struct gcs_join_request request = {
    .member =
        {
            .id = {{6, {127, 0, 0, 1, 0x1c, 0xe8}}, UINT64_C(0x1122334455667788)},
            .receive_bytes = 1 << 20,
            .weight = 2,
        },
    .epoch = 7,
    .ballot = {300, 2},
};
static const struct gcs_settings settings = {
    .order = 1,
    .tie_breaker = true,
    .window_packets = 1024,
    .message_bytes = 16 << 20,
    .region_size = 16,
    .expect = 5,
};

#define REQUEST                                                                      \
    0x06, 127, 0, 0, 1, 0x1c, 0xe8,                     /* address */                \
        0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, /* incarnation */            \
        0x80, 0x80, 0x40,                               /* receives 1 MiB */         \
        0x04,                                           /* weight 2, in sync */      \
        0x07,                                           /* epoch */                  \
        0xac, 0x02, 0x02,                               /* ballot 300 of rank 2 */   \
        0x01, 0x01,                                     /* order, tie breaker */     \
        0x80, 0x08,                                     /* window of 1024 packets */ \
        0x80, 0x80, 0x80, 0x08,                         /* messages of 16 MiB */     \
        0x10,                                           /* regions of 16 */          \
        0x05                                            /* expects 5 */

static const uint8_t join_alone[] = {REQUEST, 0x00, 0, 0, 0, 0, 0, 0, 0, 0};
static const uint8_t join_rival[] = {REQUEST, 0x02, 0xaa, 0xbb, 1, 0, 0, 0, 0, 0, 0, 0x80};

static bool same_request(const struct gcs_join_request *a, const struct gcs_settings *s)
{
    return gcs_member_id_equal(&a->member.id, &request.member.id) &&
           a->member.receive_bytes == request.member.receive_bytes && a->epoch == request.epoch &&
           a->member.weight == request.member.weight && !a->member.syncing &&
           gcs_ballot_compare(a->ballot, request.ballot) == 0 && gcs_settings_equal(s, &settings) &&
           s->expect == settings.expect;
}

static void check_join(const struct gcs_member_id *rival, const uint8_t *body, size_t size)
{
    struct gcs_join_request read;
    struct gcs_settings read_settings;
    struct gcs_member_id read_rival;
    uint8_t bytes[GCS_JOIN_BYTES_MAX];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_join_write(&w, &request, &settings, rival);
    golden_bytes(bytes, gcs_writer_size(&w), body, size, __FILE__, __LINE__);
    EXPECT(gcs_join_parse(body, size, &read, &read_settings, &read_rival));
    EXPECT(same_request(&read, &read_settings));
    EXPECT(rival ? gcs_member_id_equal(&read_rival, rival) : read_rival.address.length == 0);
}

/* JOIN and LOOK have the same body. */
static void check_joins(void)
{
    static const struct gcs_member_id rival = {{2, {0xaa, 0xbb}}, UINT64_C(0x8000000000000001)};
    check_join(NULL, join_alone, sizeof(join_alone));
    check_join(&rival, join_rival, sizeof(join_rival));
}

/* A member that says where it is. */
static void check_label(void)
{
    static const struct gcs_member in = {
        .id = {{2, {0xaa, 0xbb}}, 1}, .receive_bytes = 1, .weight = 2, .label = "ams/r12/h3"};
    static const uint8_t body[] = {
        0x02, 0xaa, 0xbb, 1,   0,   0,   0,   0,   0,   0,   0, /* id */
        0x01,                                                   /* receives 1 byte */
        0x84,                                                   /* weight 2, in sync, a label */
        10,   'a',  'm',  's', '/', 'r', '1', '2', '/', 'h', '3',
    };
    uint8_t bytes[GCS_MEMBER_BYTES_MAX + GCS_LABEL_BYTES_MAX];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    struct gcs_reader r = gcs_reader_over(body, sizeof(body));
    struct gcs_member out;
    gcs_member_write(&w, &in);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), body);
    gcs_member_read(&r, &out);
    EXPECT(gcs_reader_ends(&r) && out.weight == 2 && strcmp(out.label, in.label) == 0);
}

static const uint8_t refusal_body[] = {
    13,   2,    /* refused by the group, for its window */
    0x80, 0x08, /* the group has 1024 */
    0x80, 0x10, /* the joiner has 2048 */
};
static const uint8_t excluded_body[] = {0xff, 0xff, 0xff, 0xff, 0x0f}; /* epoch 2^32 - 1 */

static const uint8_t gone_body[] = {
    0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, /* lineage */
    0x80, 0x01,                                     /* epoch 128 */
};

static void check_gone(void)
{
    uint8_t bytes[GCS_GONE_BYTES_MAX];
    uint64_t lineage;
    uint32_t epoch;
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_gone_write(&w, UINT64_C(0x0102030405060708), 128);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), gone_body);
    EXPECT(gcs_gone_read(gone_body, sizeof(gone_body), &lineage, &epoch));
    EXPECT(lineage == UINT64_C(0x0102030405060708) && epoch == 128);
}

static const uint8_t kin_body[] = {1, 0xac, 0x02}; /* primary, 300 members */

static void check_kin(void)
{
    struct gcs_kin kin = {.primary = true, .members = 300}, read;
    uint8_t bytes[GCS_KIN_BYTES_MAX];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_kin_write(&w, &kin);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), kin_body);
    EXPECT(gcs_kin_read(kin_body, sizeof(kin_body), &read));
    EXPECT(read.primary && read.members == 300);
    EXPECT(!gcs_kin_read(kin_body, sizeof(kin_body) - 1, &read));
}

static void check_refusals(void)
{
    struct gcs_refusal refusal = {GCS_EREFUSED, GCS_REFUSED_WINDOW_PACKETS, 1024, 2048}, read;
    uint8_t bytes[GCS_REFUSAL_BYTES_MAX];
    uint32_t epoch;
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_refusal_write(&w, &refusal);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), refusal_body);
    EXPECT(gcs_refusal_read(refusal_body, sizeof(refusal_body), &read));
    EXPECT(read.error == GCS_EREFUSED && read.what == GCS_REFUSED_WINDOW_PACKETS);
    EXPECT(read.group == 1024 && read.joiner == 2048);

    w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_excluded_write(&w, UINT32_MAX);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), excluded_body);
    EXPECT(gcs_excluded_read(excluded_body, sizeof(excluded_body), &epoch) && epoch == UINT32_MAX);
}

static const uint8_t wish_body[] = {
    3,          /* to leave; to vote */
    0x01,       /* without rank 1 */
    0xac, 0x02, /* and 300 */
};

static const uint8_t wish_missing_body[] = {
    0x04, 0x02, 0x01, 0xac, 0x02, /* does not hear 1 and 300 */
    0x07,                         /* evict 7 */
};

static void check_wish_missing(void)
{
    struct gcs_wish wish = {
        .evict_count = 1, .evict = {7}, .missing_count = 2, .missing = {1, 300}};
    struct gcs_wish read;
    uint8_t bytes[64];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_wish_write(&w, &wish);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), wish_missing_body);
    EXPECT(gcs_wish_read(wish_missing_body, sizeof(wish_missing_body), 301, &read));
    EXPECT(read.missing_count == 2 && read.missing[1] == 300 && read.evict[0] == 7);
}

static void check_wish(void)
{
    struct gcs_wish wish = {.flags = GCS_WISH_LEAVE | GCS_WISH_READY,
                            .evict_count = 2,
                            .evict = {1, 300}},
                    read;
    uint8_t bytes[16];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_wish_write(&w, &wish);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), wish_body);
    EXPECT(gcs_wish_read(wish_body, sizeof(wish_body), 301, &read));
    EXPECT(read.flags == 3 && read.evict_count == 2 && read.evict[0] == 1 && read.evict[1] == 300);
    EXPECT(!gcs_wish_read(wish_body, sizeof(wish_body), 300, &read));
}

void golden_joining(void)
{
    check_joins();
    check_label();
    check_refusals();
    check_gone();
    check_kin();
    check_wish();
    check_wish_missing();
}
