/* SPDX-License-Identifier: BSD-3-Clause */
/* Golden bytes of the packet: header, checksum, group tags. */
#include "gcs/wire/packet.h"
#include "tests/golden/golden.h"

#include <gcs/types.h>

#define CLUSTER UINT64_C(0x0123456789abcdef)

static const uint8_t numbered[] = {
    'g',  'c',  's',  0x01,                               /* magic, major version */
    0x00,                                                 /* minor version */
    0x01,                                                 /* flags: fragment */
    0x03, 0x00,                                           /* bytes of control frames */
    0x55, 0x88, 0xf4, 0x4d, 0x57, 0x24, 0x41, 0x5a,       /* checksum */
    0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11,       /* group */
    0x28, 0x27, 0x26, 0x25, 0x24, 0x23, 0x22, 0x21,       /* lineage */
    0x34, 0x33, 0x32, 0x31,                               /* epoch */
    0x42, 0x41,                                           /* rank */
    0x05,                                                 /* service: safe */
    0x00, 0x58, 0x57, 0x56, 0x55, 0x54, 0x53, 0x52, 0x51, /* number */
    0x68, 0x67, 0x66, 0x65, 0x64, 0x63, 0x62, 0x41,       /* base */
    0x78, 0x77, 0x76, 0x75, 0x74, 0x73, 0x72, 0x71,       /* first */
    'c',  'o',  'n',                                      /* control */
    'p',  'a',  'y',  'l',  'o',  'a',  'd',              /* payload */
};

static const uint8_t control_only[] = {
    'g',  'c',  's',  0x01, 0x00, 0x00, 0x04, 0x00, /**/
    0x76, 0x8a, 0x7c, 0xc7, 0x7d, 0xa9, 0xe5, 0xa2, /* checksum */
    0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* group */
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* lineage: nobody's member */
    0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0x00, 0x00, /* epoch, rank: none, no service */
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* not numbered */
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /**/
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /**/
    0x12, 0x00, 0x00, 0x00,                         /* a frame: LEAVE */
};

static void check_numbered(void)
{
    uint8_t data[sizeof(numbered)];
    struct gcs_packet packet = {
        .flags = GCS_PACKET_FRAGMENT,
        .service = GCS_SAFE,
        .rank = 0x4142,
        .epoch = 0x31323334,
        .group = UINT64_C(0x1112131415161718),
        .lineage = UINT64_C(0x2122232425262728),
        .number = UINT64_C(0x5152535455565758),
        .base = UINT64_C(0x4162636465666768),
        .first = UINT64_C(0x7172737475767778),
        .control_size = 3,
    };
    struct gcs_packet read;
    memcpy(data + GCS_PACKET_HEADER, "conpayload", 10);
    gcs_packet_seal(data, sizeof(data), &packet, CLUSTER);
    EXPECT_BYTES(data, sizeof(data), numbered);
    EXPECT(gcs_packet_open(numbered, sizeof(numbered), CLUSTER, &read) == GCS_PACKET_GOOD);
    EXPECT(read.flags == packet.flags && read.service == packet.service);
    EXPECT(read.rank == packet.rank && read.epoch == packet.epoch);
    EXPECT(read.group == packet.group && read.lineage == packet.lineage);
    EXPECT(read.number == packet.number && read.base == packet.base);
    EXPECT(read.first == packet.first);
    EXPECT(read.control_size == 3 && memcmp(read.control, "con", 3) == 0);
    EXPECT(read.payload_size == 7 && memcmp(read.payload, "payload", 7) == 0);
    EXPECT(gcs_packet_peek_group(numbered, sizeof(numbered)) == packet.group);
}

static void check_control_only(void)
{
    uint8_t data[sizeof(control_only)];
    struct gcs_packet packet = {.group = 1, .rank = GCS_RANK_NONE, .control_size = 4};
    struct gcs_packet read;
    struct gcs_frame frame;
    memcpy(data + GCS_PACKET_HEADER, control_only + GCS_PACKET_HEADER, 4);
    gcs_packet_seal(data, sizeof(data), &packet, 0);
    EXPECT_BYTES(data, sizeof(data), control_only);
    EXPECT(gcs_packet_open(control_only, sizeof(control_only), 0, &read) == GCS_PACKET_GOOD);
    EXPECT(read.rank == GCS_RANK_NONE && read.number == 0 && read.payload_size == 0);
    struct gcs_reader r = gcs_reader_over(read.control, read.control_size);
    EXPECT(gcs_frame_next(&r, &frame) && frame.type == GCS_FRAME_WISH && frame.size == 0);
}

/* The checksum of a packet of each kind of length that the hash treats in its own way. */
static void check_long(void)
{
    static const struct {
        size_t size;
        uint8_t sum[8];
    } sums[] = {
        {GCS_PACKET_HEADER, {0xc3, 0xb5, 0xab, 0xd6, 0x80, 0xac, 0x4d, 0x77}},
        {GCS_PACKET_HEADER + 100, {0x7b, 0x42, 0xf2, 0x6e, 0x8c, 0x1d, 0x75, 0x10}},
        {GCS_PACKET_HEADER + 190, {0xfd, 0xc9, 0xae, 0x79, 0x30, 0x61, 0xa2, 0x63}},
        {GCS_PACKET_HEADER + 1336, {0x3f, 0x7d, 0x35, 0xdb, 0x55, 0x48, 0xe7, 0x30}},
    };
    static uint8_t data[GCS_PACKET_HEADER + 1336];
    struct gcs_packet packet = {.service = GCS_FIFO, .number = 1}, read;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 11);
    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
        gcs_packet_seal(data, sums[i].size, &packet, CLUSTER);
        EXPECT_BYTES(data + 8, 8, sums[i].sum);
        EXPECT(gcs_packet_open(data, sums[i].size, CLUSTER, &read) == GCS_PACKET_GOOD);
    }
}

static void check_tags(void)
{
    EXPECT(gcs_packet_group_tag(CLUSTER, "demo") == UINT64_C(0x332b0e8e79a9367f));
    EXPECT(gcs_packet_group_tag(0, "demo") == UINT64_C(0x07f72fb3af456330));
    EXPECT(gcs_packet_group_tag(CLUSTER, "") == UINT64_C(0xcc1ca35a1b089c5c));
    EXPECT(gcs_packet_group_tag(
               0, "a-name-of-sixty-three-bytes____________________________________") ==
           UINT64_C(0x061e1407e8aa3ce3));
}

/* Numbers that travel. */
static void check_numbers(void)
{
    EXPECT(GCS_PACKET_FRAGMENT == 1 && GCS_PACKET_PRIVATE == 2);
    EXPECT(GCS_FIFO == 2 && GCS_AGREED == 4 && GCS_SAFE == 5);
    EXPECT(GCS_FRAME_STATUS == 1 && GCS_FRAME_RUNS == 2 && GCS_FRAME_NACK == 3);
    EXPECT(GCS_FRAME_HEARTBEAT == 4 && GCS_FRAME_PRIVATE == 5 && GCS_FRAME_PIECE == 6);
    EXPECT(GCS_FRAME_JOIN == 16 && GCS_FRAME_REFUSE == 17 && GCS_FRAME_WISH == 18);
    EXPECT(GCS_FRAME_POLL == 19 && GCS_FRAME_VOTE == 20 && GCS_FRAME_PREPARE == 21);
    EXPECT(GCS_FRAME_PROMISE == 22 && GCS_FRAME_PROPOSE == 23 && GCS_FRAME_ACCEPT == 24);
    EXPECT(GCS_FRAME_INSTALL == 25 && GCS_FRAME_CONFIRM == 26 && GCS_FRAME_EXCLUDED == 27);
    EXPECT(GCS_FRAME_LOOK == 28 && GCS_FRAME_INVITE == 29 && GCS_FRAME_GONE == 30);
    EXPECT(GCS_REASON_NONE == 0 && GCS_REASON_LEFT == 1);
    EXPECT(GCS_REASON_CRASHED == 2 && GCS_REASON_UNREACHABLE == 3);
    EXPECT(GCS_REASON_EVICTED == 4);
}

void golden_packet(void)
{
    check_numbers();
    check_numbered();
    check_control_only();
    check_long();
    check_tags();
}
