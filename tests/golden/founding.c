/* SPDX-License-Identifier: BSD-3-Clause */
/* Golden bytes of FOUND, and of the value that is decided with it. */
#include "gcs/wire/founding.h"
#include "gcs/wire/time.h"
#include "tests/golden/golden.h"

#define BALLOT 0xac, 0x02, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11 /* 300, incarnation */
#define MEMBER 0x02, 'a', '0', 0xa0, 0, 0, 0, 0, 0, 0, 0, 0x64, 0x02

static const uint8_t value[] = {
    0x01,                                             /* epoch 1 */
    0x09,   0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, /* lineage, not found by looking */
    0xa0,   0,    0,    0,    0,    0,    0,    0,    /* proposer */
    0x00,   0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* group time */
    0x01,   0x00,                                     /* order, no flags */
    0x80,   0x08,                                     /* window of 1024 packets */
    0x80,   0x80, 0x80, 0x08,                         /* messages of 16 MiB */
    0x10,                                             /* regions of 16 */
    0x01,   0x00, 0x00,                               /* a member, no survivors, no closing view */
    MEMBER,
};

static const uint8_t prepare[] = {1, BALLOT, 5};
static const uint8_t promise[] = {2, BALLOT, 5, MEMBER, 0};
static const uint8_t promise_accepted[] = {2, BALLOT, 5, MEMBER, 1, 7, 0, 0, 0, 0, 0, 0, 0, 9, 9};
static const uint8_t refuse[] = {3, BALLOT, 5};
static const uint8_t propose[] = {4, BALLOT, 5, 9, 9};
static const uint8_t accept[] = {5, BALLOT, 5, MEMBER};
static const uint8_t some_value[] = {9, 9};

static struct gcs_member member = {
    .id = {{2, {'a', '0'}}, 0xa0}, .receive_bytes = 100, .weight = 1};

static void check_found(struct gcs_found found, const uint8_t *body, size_t size)
{
    uint8_t bytes[128];
    struct gcs_found read;
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    found.ballot = (struct gcs_found_ballot){300, UINT64_C(0x1122334455667788)};
    found.expect = 5;
    found.member = member;
    gcs_found_write(&w, &found);
    golden_bytes(bytes, gcs_writer_size(&w), body, size, __FILE__, __LINE__);
    EXPECT(gcs_found_read(body, size, &read));
    EXPECT(read.what == found.what && read.expect == 5 && read.value_size == found.value_size);
    EXPECT(gcs_found_ballot_compare(read.ballot, found.ballot) == 0);
    EXPECT(gcs_found_ballot_compare(read.accepted, found.accepted) == 0);
    EXPECT(!gcs_found_read(body, size - 1, &read) || found.value_size > 1);
}

static void check_value(void)
{
    uint8_t bytes[128];
    struct gcs_member read[1];
    struct gcs_proposal p = {
        .epoch = 1,
        .lineage = UINT64_C(0x0102030405060709),
        .proposer = 0xa0,
        .members_count = 1,
        .members = &member,
        .settings = {.order = 1,
                     .window_packets = 1024,
                     .message_bytes = 16 << 20,
                     .region_size = 16,
                     .expect = 5},
    };
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_proposal_write(&w, &p);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), value);
    EXPECT(!gcs_lineage_looked(p.lineage) && gcs_lineage_new(p.lineage) == p.lineage);
    uint64_t looked = gcs_lineage_of_looking(UINT64_MAX, GCS_GROUP_TIME_MAX);
    EXPECT(gcs_lineage_looked(looked) &&
           gcs_lineage_second(looked) == GCS_GROUP_TIME_MAX / 1000000000);
    EXPECT(gcs_proposal_measure(value, sizeof(value), NULL, &p) == 0);
    p.members = read;
    EXPECT(gcs_proposal_read(value, sizeof(value), NULL, &p) == 0);
    EXPECT(p.epoch == 1 && p.members_count == 1 && p.closing_count == 0);
    EXPECT(gcs_member_id_equal(&read[0].id, &member.id));
}

void golden_founding(void)
{
    struct gcs_found with_value = {.value = some_value, .value_size = sizeof(some_value)};
    struct gcs_found found = {.what = GCS_FOUND_PREPARE};
    check_found(found, prepare, sizeof(prepare));
    found.what = GCS_FOUND_PROMISE;
    check_found(found, promise, sizeof(promise));
    found.what = GCS_FOUND_REFUSE;
    check_found(found, refuse, sizeof(refuse));
    found.what = GCS_FOUND_ACCEPT;
    check_found(found, accept, sizeof(accept));
    with_value.what = GCS_FOUND_PROPOSE;
    check_found(with_value, propose, sizeof(propose));
    with_value.what = GCS_FOUND_PROMISE;
    with_value.accepted = (struct gcs_found_ballot){1, 7};
    check_found(with_value, promise_accepted, sizeof(promise_accepted));
    check_value();
}
