/* SPDX-License-Identifier: BSD-3-Clause */
/* Golden bytes of the value that a ballot decides: the body of INSTALL, too. */
#include "gcs/wire/membership.h"
#include "tests/golden/golden.h"

static const uint8_t body[] = {
    0x03,                                           /* epoch 3 */
    0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, /* lineage */
    0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11, /* proposer */
    0x28, 0x27, 0x26, 0x25, 0x24, 0x23, 0x22, 0x21, /* group time */
    0x01, 0x02,                                     /* order; joiners are given the state */
    0x80, 0x08,                                     /* window of 1024 packets */
    0x80, 0x80, 0x80, 0x08,                         /* messages of 16 MiB */
    0xac, 0x02,                                     /* regions of 300 */
    0x03, 0x02, 0x03,                               /* members, survivors, closing members */
    0x02, 'a',  '0',  0xa0, 0,    0,    0,    0,
    0,    0,    0,    0x64, 0x02, /* member 0, receives 100 */
    0x02, 'a',  '2',  0xa2, 0,    0,    0,    0,
    0,    0,    0,    0xac, 0x02, 0x06, /* member 1, receives 300, weight 3 */
    0x01, 'j',  0xff, 0,    0,    0,    0,    0,
    0,    0x80, 0x00, 0x03, /* the joiner has no state yet */
    0x05, 0x00,             /* rank 0: 5 packets, holder 0, comes along */
    0xac, 0x02, 0x12,       /* rank 1: 300, holder 2, crashed */
    0x00, 0x10,             /* rank 2: none, holder 2, comes along */
};

static struct gcs_member members[3] = {
    {{{2, {'a', '0'}}, 0xa0}, 100, 1, false, ""},
    {{{2, {'a', '2'}}, 0xa2}, 300, 3, false, ""},
    {{{1, {'j'}}, UINT64_C(0x80000000000000ff)}, 0, 1, true, ""},
};
static uint64_t cut[3] = {5, 300, 0};
static uint16_t holder[3] = {0, 2, 2};
static uint8_t reason[3] = {GCS_REASON_NONE, GCS_REASON_CRASHED, GCS_REASON_NONE};

static const struct gcs_proposal sample = {
    .epoch = 3,
    .lineage = UINT64_C(0x0102030405060708),
    .proposer = UINT64_C(0x1112131415161718),
    .members_count = 3,
    .survivors_count = 2,
    .members = members,
    .closing_count = 3,
    .cut = cut,
    .holder = holder,
    .reason = reason,
    .settings = {.order = 1,
                 .state = true,
                 .window_packets = 1024,
                 .message_bytes = 16 << 20,
                 .region_size = 300},
    .time = UINT64_C(0x2122232425262728),
};

/* The view that it ends. */
static const struct gcs_member before[3] = {
    {{{2, {'a', '0'}}, 0xa0}, 100, 1, false, ""},
    {{{2, {'a', '1'}}, 0xa1}, 200, 1, false, ""},
    {{{2, {'a', '2'}}, 0xa2}, 300, 3, false, ""},
};
static const struct gcs_view closing = {
    .lineage = UINT64_C(0x0102030405060708), .epoch = 2, .count = 3, .members = before};

static void check_read(const struct gcs_view *view)
{
    struct gcs_member members_read[3];
    uint64_t cut_read[3];
    uint16_t holder_read[3];
    uint8_t reason_read[3];
    struct gcs_proposal p;
    EXPECT(gcs_proposal_measure(body, sizeof(body), view, &p) == 0);
    EXPECT(p.members_count == 3 && p.closing_count == 3);
    p.members = members_read;
    p.cut = cut_read;
    p.holder = holder_read;
    p.reason = reason_read;
    EXPECT(gcs_proposal_read(body, sizeof(body), view, &p) == 0);
    EXPECT(p.epoch == sample.epoch && p.lineage == sample.lineage && p.proposer == sample.proposer);
    EXPECT(gcs_settings_equal(&p.settings, &sample.settings));
    EXPECT(p.survivors_count == 2 && p.time == sample.time);
    for (int i = 0; i < 3; i++) {
        EXPECT(gcs_member_id_equal(&p.members[i].id, &members[i].id));
        EXPECT(p.members[i].receive_bytes == members[i].receive_bytes);
        EXPECT(p.members[i].weight == members[i].weight);
        EXPECT(p.members[i].syncing == members[i].syncing);
        EXPECT(p.cut[i] == cut[i] && p.holder[i] == holder[i] && p.reason[i] == reason[i]);
    }
}

void golden_proposal(void)
{
    uint8_t bytes[256];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    gcs_proposal_write(&w, &sample);
    EXPECT_BYTES(bytes, gcs_writer_size(&w), body);
    EXPECT(gcs_writer_size(&w) <= gcs_proposal_bound(3, 3));
    check_read(&closing);
    check_read(NULL); /* as a joiner does */
}
