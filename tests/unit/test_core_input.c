/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets that do not belong here, or make no sense: each is dropped, counted
 * where its fault belongs, and changes nothing.
 */
#include "gcs/wire/heartbeat.h"
#include "gcs/wire/membership.h"
#include "gcs/wire/nack.h"
#include "gcs/wire/runs.h"
#include "gcs/wire/status.h"
#include "tests/unit/cluster.h"
#include "tests/unit/mend.h"
#include "tests/unit/suite.h"

static struct cluster c;

/* A packet under construction, as if node 1 sent it to node 0. */
struct forged {
    struct gcs_packet header;
    uint8_t control[512];
    size_t control_size;
    uint8_t payload[512];
    size_t payload_size;
};

static uint64_t next_number; /* of node 1's packets */

static void setup(void)
{
    cluster_init(&c);
    cluster_start(&c, 2);
    for (uint32_t n = 0; n < 5; n++)
        ck_assert_int_eq(cluster_say(&c, 1, GCS_FIFO, n, 20), 0);
    cluster_run(&c, 1000 * MILLISECONDS);
    next_number = cluster_counters(&c, 1)->data_packets_sent + 1;
    c.nodes[1].down = true; /* from now on we speak in its name */
}

static struct forged forge(void)
{
    const struct gcs_view *view = gcs_core_view(c.nodes[0].group);
    return (struct forged){.header = {
                               .group = gcs_packet_group_tag(CLUSTER_TAG, CLUSTER_GROUP),
                               .lineage = view->lineage,
                               .epoch = view->epoch,
                               .rank = 1,
                           }};
}

static struct forged forge_data(uint64_t number, uint8_t service, const void *payload, size_t size)
{
    struct forged f = forge();
    f.header.number = number;
    f.header.service = service;
    f.header.first = 6;
    memcpy(f.payload, payload, size);
    f.payload_size = size;
    return f;
}

static size_t seal(struct forged *f, uint8_t *data, uint64_t cluster)
{
    size_t size = GCS_PACKET_HEADER + f->control_size + f->payload_size;
    f->header.control_size = f->control_size;
    memcpy(data + GCS_PACKET_HEADER, f->control, f->control_size);
    memcpy(data + GCS_PACKET_HEADER + f->control_size, f->payload, f->payload_size);
    gcs_packet_seal(data, size, &f->header, cluster);
    return size;
}

/* Nothing but the counter may have changed. */
static void expect_dropped(size_t counter, const struct gcs_counters *before, const char *name)
{
    uint64_t was, is;
    const struct gcs_counters *after = cluster_counters(&c, 0);
    memcpy(&was, (const char *)before + counter, sizeof(was));
    memcpy(&is, (const char *)after + counter, sizeof(is));
    ck_assert_msg(is == was + 1, "%s: %u", name, (unsigned)(is - was));
    ck_assert_uint_eq(after->messages_delivered, before->messages_delivered);
    ck_assert_uint_eq(after->views_installed, before->views_installed);
    uint64_t drops = 0;
#define DROPS(name, text)                   \
    if (strncmp(#name, "dropped_", 8) == 0) \
        drops += after->name - before->name;
    GCS_COUNTER_TABLE(DROPS)
#undef DROPS
    ck_assert_msg(drops <= 1, "%s: counted %u times", name, (unsigned)drops);
}

static void hand(const uint8_t *data, size_t size)
{
    struct gcs_address from = cluster_address(1);
    cluster_inject(&c, 0, &from, data, size);
    cluster_round(&c, 0);
}

static void check_bytes(const uint8_t *data, size_t size, size_t counter, const char *name)
{
    struct gcs_counters before = *cluster_counters(&c, 0);
    hand(data, size);
    expect_dropped(counter, &before, name);
}

static void check_forged(struct forged *f, size_t counter, const char *name)
{
    uint8_t data[2048];
    check_bytes(data, seal(f, data, CLUSTER_TAG), counter, name);
}

#define COUNTER(name)                offsetof(struct gcs_counters, name), #name
#define EXPECT_DROPPED(forged, name) check_forged(forged, COUNTER(name))

/* ---- From elsewhere ----------------------------------------------------------------------- */

START_TEST(other_clusters_groups_and_versions_are_foreign)
{
    uint8_t data[2048];
    setup();
    struct forged f = forge();
    f.header.group = gcs_packet_group_tag(CLUSTER_TAG, "another");
    EXPECT_DROPPED(&f, dropped_foreign);
    f.header.group = gcs_packet_group_tag(CLUSTER_TAG + 1, CLUSTER_GROUP);
    size_t size = seal(&f, data, CLUSTER_TAG + 1);
    check_bytes(data, size, COUNTER(dropped_foreign));
    f = forge();
    size = seal(&f, data, CLUSTER_TAG);
    data[3]++;
    mend(data, size, CLUSTER_TAG);
    check_bytes(data, size, COUNTER(dropped_version));
    memcpy(data, "HTTP", 4);
    check_bytes(data, size, COUNTER(dropped_version));
    check_bytes(data, size, COUNTER(dropped_version));
    ck_assert_int_eq(gcs_core_stranger(c.nodes[0].core, NULL), 0);
    cluster_stop(&c);
}
END_TEST

/* One packet may be damaged; if its version alone is, it is known to be. */
START_TEST(who_speaks_another_version_twice_is_a_stranger_and_is_answered)
{
    uint8_t data[2048];
    struct gcs_address from, expected = cluster_address(1);
    setup();
    struct forged f = forge();
    size_t size = seal(&f, data, CLUSTER_TAG);
    data[3] ^= 4;
    check_bytes(data, size, COUNTER(dropped_corrupt));
    check_bytes(data, size, COUNTER(dropped_corrupt));
    data[3] = 7;
    mend(data, size, CLUSTER_TAG);
    uint64_t sent = cluster_counters(&c, 0)->control_packets_sent;
    check_bytes(data, size, COUNTER(dropped_version));
    ck_assert_int_eq(gcs_core_stranger(c.nodes[0].core, &from), 0);
    ck_assert_uint_eq(cluster_counters(&c, 0)->control_packets_sent, sent);
    check_bytes(data, size, COUNTER(dropped_version));
    ck_assert_int_eq(gcs_core_stranger(c.nodes[0].core, &from), 7);
    ck_assert(gcs_address_equal(&from, &expected));
    ck_assert_uint_eq(cluster_counters(&c, 0)->control_packets_sent, sent + 1);
    check_bytes(data, size, COUNTER(dropped_version)); /* at once: not answered again */
    ck_assert_uint_eq(cluster_counters(&c, 0)->control_packets_sent, sent + 1);
    cluster_stop(&c);
}
END_TEST

START_TEST(short_and_damaged_packets_are_counted)
{
    uint8_t data[2048];
    setup();
    struct forged f = forge_data(next_number, GCS_FIFO, "\5hello", 6);
    size_t size = seal(&f, data, CLUSTER_TAG);
    for (size_t cut = 0; cut < size; cut++)
        check_bytes(data, cut,
                    cut < GCS_PACKET_HEADER ? offsetof(struct gcs_counters, dropped_short)
                                            : offsetof(struct gcs_counters, dropped_corrupt),
                    "cut short");
    for (size_t i = GCS_PACKET_HEADER; i < size; i++) {
        data[i] ^= 0x10;
        check_bytes(data, size, COUNTER(dropped_corrupt));
        data[i] ^= 0x10;
    }
    cluster_stop(&c);
}
END_TEST

START_TEST(packets_of_other_views_are_stale)
{
    setup();
    struct forged f = forge();
    f.header.epoch += 5;
    EXPECT_DROPPED(&f, dropped_stale);
    f.header.lineage++;
    EXPECT_DROPPED(&f, dropped_stale);
    f = forge();
    f.header.epoch = 0;
    EXPECT_DROPPED(&f, dropped_stale);
    f = forge();
    f.header.rank = 2; /* there is no such member */
    EXPECT_DROPPED(&f, dropped_stale);
    f.header.rank = GCS_RANK_NONE;
    EXPECT_DROPPED(&f, dropped_stale);
    cluster_stop(&c);
}
END_TEST

START_TEST(nobody_speaks_in_our_name)
{
    setup();
    struct forged f = forge_data(1, GCS_FIFO, "\5hello", 6);
    f.header.rank = 0;
    EXPECT_DROPPED(&f, dropped_malformed);
    cluster_stop(&c);
}
END_TEST

/* ---- Data ------------------------------------------------------------------------------------ */

START_TEST(a_forged_packet_that_is_good_is_delivered)
{
    uint8_t data[2048];
    setup();
    struct forged f = forge_data(next_number, GCS_FIFO, "\5hello", 6);
    hand(data, seal(&f, data, CLUSTER_TAG));
    ck_assert_uint_eq(c.nodes[0].count, 6);
    ck_assert_uint_eq(c.nodes[0].messages[5].size, 5);
    EXPECT_DROPPED(&f, dropped_duplicate);
    f = forge_data(1, GCS_FIFO, "\5hello", 6); /* released long ago */
    EXPECT_DROPPED(&f, dropped_duplicate);
    f = forge_data(next_number + c.group_config.window_packets + 1, GCS_FIFO, "\5hello", 6);
    EXPECT_DROPPED(&f, dropped_overrun);
    f = forge_data(UINT64_MAX, GCS_FIFO, "\5hello", 6);
    EXPECT_DROPPED(&f, dropped_overrun);
    cluster_stop(&c);
}
END_TEST

START_TEST(payload_that_makes_no_sense_is_malformed)
{
    setup();
    struct forged f = forge_data(next_number, GCS_FIFO, "\6hello", 6);
    EXPECT_DROPPED(&f, dropped_malformed); /* longer than it is */
    f = forge_data(next_number, GCS_FIFO, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 10);
    EXPECT_DROPPED(&f, dropped_malformed);
    static const uint8_t services[] = {6, 7, 255};
    for (size_t i = 0; i < sizeof(services); i++) {
        f = forge_data(next_number, services[i], "\5hello", 6);
        EXPECT_DROPPED(&f, dropped_malformed);
        f = forge_data(next_number, services[i], "", 0);
        EXPECT_DROPPED(&f, dropped_malformed);
    }
    f = forge_data(next_number, GCS_AGREED, "", 0); /* a service, but nothing that needs it */
    EXPECT_DROPPED(&f, dropped_malformed);
    f = forge_data(next_number, GCS_FIFO, "\5\0\0\0\5\0\0\0h", 9);
    f.header.flags = GCS_PACKET_FRAGMENT; /* behind its end */
    EXPECT_DROPPED(&f, dropped_malformed);
    f = forge_data(next_number, GCS_FIFO, "\5\0\0\0", 4);
    f.header.flags = GCS_PACKET_FRAGMENT;
    EXPECT_DROPPED(&f, dropped_malformed);
    f = forge_data(next_number, GCS_FIFO, "\5hello", 6);
    f.header.base = next_number;
    EXPECT_DROPPED(&f, dropped_malformed);
    cluster_stop(&c);
}
END_TEST

START_TEST(pieces_that_do_not_fit_are_dropped_and_the_stream_goes_on)
{
    setup();
    struct forged f = forge_data(next_number++, GCS_FIFO, "\5\0\0\0\2\0\0\0lo", 10);
    f.header.flags = GCS_PACKET_FRAGMENT; /* no beginning */
    EXPECT_DROPPED(&f, dropped_malformed);
    f = forge_data(next_number++, GCS_FIFO, "\xff\xff\xff\xff\0\0\0\0hello", 13);
    f.header.flags = GCS_PACKET_FRAGMENT; /* longer than any message here */
    EXPECT_DROPPED(&f, dropped_malformed);
    uint8_t data[2048];
    f = forge_data(next_number++, GCS_FIFO, "\5hello", 6);
    hand(data, seal(&f, data, CLUSTER_TAG));
    ck_assert_uint_eq(c.nodes[0].count, 6);
    cluster_stop(&c);
}
END_TEST

/* ---- Frames ------------------------------------------------------------------------------------
 */

/* A packet with one frame. */
static struct forged forge_frame(uint8_t type, const void *body, size_t size)
{
    struct forged f = forge();
    struct gcs_writer w = gcs_writer_over(f.control, sizeof(f.control));
    uint8_t *begin = gcs_frame_begin(&w, (enum gcs_frame_type)type);
    gcs_write_bytes(&w, body, size);
    ck_assert(gcs_frame_end(&w, begin));
    f.control_size = gcs_writer_size(&w);
    return f;
}

START_TEST(unknown_frames_are_counted_and_skipped)
{
    uint8_t data[2048];
    setup();
    for (unsigned type = 100; type < 256; type++) {
        struct gcs_counters before = *cluster_counters(&c, 0);
        struct forged f = forge_frame((uint8_t)type, "whatever", 8);
        f.header.number = next_number++; /* what follows is read */
        f.header.service = GCS_FIFO;
        memcpy(f.payload, "\5hello", 6);
        f.payload_size = 6;
        hand(data, seal(&f, data, CLUSTER_TAG));
        const struct gcs_counters *after = cluster_counters(&c, 0);
        ck_assert_uint_eq(after->frames_unknown, before.frames_unknown + 1);
        ck_assert_uint_eq(after->messages_delivered, before.messages_delivered + 1);
    }
    cluster_stop(&c);
}
END_TEST

START_TEST(frames_that_are_not_whole_are_malformed)
{
    setup();
    struct forged f = forge_frame(77, "whatever", 8);
    f.control_size--;
    EXPECT_DROPPED(&f, dropped_malformed);
    f.control_size = 3;
    EXPECT_DROPPED(&f, dropped_malformed);
    cluster_stop(&c);
}
END_TEST

static size_t write_status(uint8_t *body, uint16_t count, uint64_t held, uint64_t top)
{
    uint64_t vector[4] = {held, 0, 0, 0};
    uint8_t room[128];
    struct gcs_writer w = gcs_writer_over(room, sizeof(room));
    struct gcs_status status = {.top = top, .count = count, .held = vector, .done = vector};
    uint8_t *begin = gcs_status_begin(&w, &status);
    gcs_write_varint(&w, 0);
    ck_assert(gcs_frame_end(&w, begin));
    size_t size = gcs_writer_size(&w) - GCS_FRAME_HEADER;
    memcpy(body, room + GCS_FRAME_HEADER, size);
    return size;
}

START_TEST(status_that_cannot_be_is_malformed)
{
    uint8_t body[128];
    setup();
    struct forged f = forge_frame(GCS_FRAME_STATUS, body, write_status(body, 3, 0, 0));
    EXPECT_DROPPED(&f, dropped_malformed); /* of three members */
    f = forge_frame(GCS_FRAME_STATUS, body, write_status(body, 2, 1000, 0));
    EXPECT_DROPPED(&f, acks_forged); /* holds what we never sent */
    f = forge_frame(GCS_FRAME_STATUS, body, write_status(body, 2, 0, 0) - 1);
    EXPECT_DROPPED(&f, dropped_malformed); /* without the order's part */
    f = forge_frame(GCS_FRAME_STATUS, "", 0);
    EXPECT_DROPPED(&f, dropped_malformed);
    cluster_stop(&c);
}
END_TEST

START_TEST(membership_frames_of_rubbish_are_malformed)
{
    static const uint8_t types[] = {
        GCS_FRAME_NACK,    GCS_FRAME_WISH,    GCS_FRAME_POLL,    GCS_FRAME_VOTE,
        GCS_FRAME_PREPARE, GCS_FRAME_PROMISE, GCS_FRAME_PROPOSE, GCS_FRAME_ACCEPT,
        GCS_FRAME_INSTALL, GCS_FRAME_CONFIRM,
    };
    uint8_t rubbish[64];
    setup();
    memset(rubbish, 0xff, sizeof(rubbish));
    for (size_t i = 0; i < sizeof(types); i++) {
        struct forged f = forge_frame(types[i], rubbish, sizeof(rubbish));
        EXPECT_DROPPED(&f, dropped_malformed);
    }
    ck_assert(!c.nodes[0].blocked);
    cluster_stop(&c);
}
END_TEST

START_TEST(strangers_rubbish_is_malformed)
{
    static const uint8_t types[] = {GCS_FRAME_JOIN, GCS_FRAME_LOOK, GCS_FRAME_EXCLUDED};
    uint8_t rubbish[64];
    setup();
    memset(rubbish, 0xff, sizeof(rubbish));
    for (size_t i = 0; i < sizeof(types); i++) {
        struct forged f = forge_frame(types[i], rubbish, sizeof(rubbish));
        f.header.lineage = 0;
        f.header.epoch = 0;
        f.header.rank = GCS_RANK_NONE;
        EXPECT_DROPPED(&f, dropped_malformed);
    }
    struct forged f = forge_frame(GCS_FRAME_HEARTBEAT, rubbish, sizeof(rubbish));
    f.header.group = gcs_packet_group_tag(CLUSTER_TAG, "");
    EXPECT_DROPPED(&f, dropped_malformed);
    cluster_stop(&c);
}
END_TEST

START_TEST(order_from_who_does_not_order_is_malformed)
{
    uint8_t body[32];
    setup();
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    gcs_runs_begin(&w, 1, 1);
    gcs_runs_add(&w, 1, 1);
    struct forged f = forge_frame(GCS_FRAME_RUNS, body, gcs_writer_size(&w));
    f.header.number = next_number; /* runs count in numbered packets only */
    EXPECT_DROPPED(&f, dropped_malformed);
    cluster_stop(&c);
}
END_TEST

static size_t write_request(uint8_t *data, uint16_t rank, uint64_t first, uint64_t last)
{
    uint8_t body[64];
    struct gcs_nack nack = {.rank = rank, .count = 1, .ranges = {{first, last}}};
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    gcs_nack_write(&w, &nack);
    struct forged f = forge_frame(GCS_FRAME_NACK, body, gcs_writer_size(&w));
    return seal(&f, data, CLUSTER_TAG);
}

static uint64_t faults(void)
{
    struct gcs_member_status status;
    ck_assert_int_eq(gcs_core_member_status(c.nodes[0].group, c.now, 1, &status), 0);
    return status.faults;
}

/* A member that asks for everything, again and again, costs little, and soon nothing; it is known
 * who it is. Two members may ask 8 times in a millisecond, and 500 times that after a pause. */
START_TEST(requests_are_not_amplified)
{
    uint8_t data[2048];
    setup();
    for (uint32_t n = 0; n < 50; n++)
        ck_assert_int_eq(cluster_say(&c, 0, GCS_FIFO, n, 1000), 0);
    cluster_round(&c, 0);
    uint64_t sent = cluster_counters(&c, 0)->data_packets_sent;
    ck_assert_uint_eq(faults(), 0);
    size_t size = write_request(data, 0, 1, sent);
    for (unsigned i = 0; i < 5000; i++)
        hand(data, size);
    ck_assert_uint_eq(cluster_counters(&c, 0)->nacks_received, 5000);
    ck_assert_uint_gt(cluster_counters(&c, 0)->repairs_sent, 0);
    ck_assert_uint_le(cluster_counters(&c, 0)->repairs_sent, sent); /* once per hold-off */
    ck_assert_uint_eq(cluster_counters(&c, 0)->requests_refused, 5000 - 4000);
    ck_assert_uint_eq(faults(), 5000 - 4000);
    c.now += 2 * MILLISECONDS;
    size = write_request(data, 1, 1, UINT64_MAX); /* what we do not have */
    for (unsigned i = 0; i < 20; i++)
        hand(data, size);
    ck_assert_uint_le(cluster_counters(&c, 0)->repairs_sent, sent);
    ck_assert_uint_eq(cluster_counters(&c, 0)->requests_refused, 5000 - 4000 + 4);
    cluster_stop(&c);
}
END_TEST

START_TEST(requests_for_what_was_never_sent_are_held_against_a_member)
{
    uint8_t data[2048];
    setup();
    ck_assert_int_eq(cluster_say(&c, 0, GCS_FIFO, 5, 20), 0);
    cluster_round(&c, 0);
    hand(data, write_request(data, 0, 1, cluster_counters(&c, 0)->data_packets_sent + 1));
    ck_assert_uint_eq(cluster_counters(&c, 0)->nacks_forged, 1);
    ck_assert_uint_eq(cluster_counters(&c, 0)->repairs_sent, 0);
    ck_assert_uint_eq(faults(), 1);
    cluster_stop(&c);
}
END_TEST

/* What came first is kept, and who sent the other one is known. */
START_TEST(a_repair_that_differs_is_held_against_a_member)
{
    uint8_t data[2048];
    setup();
    c.nodes[0].hold = true; /* nothing is released */
    struct forged f = forge_data(next_number, GCS_FIFO, "\5hello", 6);
    hand(data, seal(&f, data, CLUSTER_TAG));
    EXPECT_DROPPED(&f, dropped_duplicate);
    ck_assert_uint_eq(cluster_counters(&c, 0)->packets_differing, 0);
    f.payload[5] = '!';
    EXPECT_DROPPED(&f, dropped_duplicate);
    f.payload[0] = 4;
    f.payload_size = 5; /* a shorter one */
    EXPECT_DROPPED(&f, dropped_duplicate);
    ck_assert_uint_eq(cluster_counters(&c, 0)->packets_differing, 2);
    ck_assert_uint_eq(faults(), 2);
    cluster_give_back(&c, 0);
    cluster_stop(&c);
}
END_TEST

START_TEST(acknowledgements_of_what_was_never_sent_are_held_against_a_member)
{
    uint8_t body[128];
    setup();
    struct forged f = forge_frame(GCS_FRAME_STATUS, body, write_status(body, 2, 1000, 0));
    EXPECT_DROPPED(&f, acks_forged);
    ck_assert_uint_eq(faults(), 1);
    cluster_stop(&c);
}
END_TEST

START_TEST(heartbeats_of_strangers_are_answered_if_they_ask)
{
    uint8_t body[GCS_HEARTBEAT_BYTES_MAX], data[2048];
    struct gcs_heartbeat beat = {.flags = GCS_HEARTBEAT_QUESTION, .process = 5, .stamp = 6};
    struct gcs_address stranger = cluster_address(4);
    setup();
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    gcs_heartbeat_write(&w, &beat);
    struct forged f = forge_frame(GCS_FRAME_HEARTBEAT, body, gcs_writer_size(&w));
    f.header =
        (struct gcs_packet){.group = gcs_packet_group_tag(CLUSTER_TAG, ""), .rank = GCS_RANK_NONE};
    size_t size = seal(&f, data, CLUSTER_TAG);
    uint64_t sent = cluster_counters(&c, 0)->control_packets_sent;
    cluster_inject(&c, 0, &stranger, data, size);
    cluster_round(&c, 0);
    ck_assert_uint_eq(cluster_counters(&c, 0)->control_packets_sent, sent + 1);
    cluster_stop(&c);
}
END_TEST

/* A repair goes to a whole region, and so may come to whoever sent the packet. */
START_TEST(an_own_packet_that_comes_back_is_a_duplicate)
{
    setup();
    ck_assert_int_eq(cluster_say(&c, 0, GCS_FIFO, 5, 20), 0);
    cluster_run(&c, 10 * MILLISECONDS);
    uint64_t sent = cluster_counters(&c, 0)->data_packets_sent;
    ck_assert_uint_gt(sent, 0);
    struct forged f = forge_data(sent, GCS_FIFO, "\3abc", 4);
    f.header.rank = 0;
    EXPECT_DROPPED(&f, dropped_duplicate);
    f.header.number = sent + 1; /* one that we have not sent */
    EXPECT_DROPPED(&f, dropped_malformed);
    cluster_stop(&c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        other_clusters_groups_and_versions_are_foreign,
        who_speaks_another_version_twice_is_a_stranger_and_is_answered,
        an_own_packet_that_comes_back_is_a_duplicate,
        short_and_damaged_packets_are_counted,
        packets_of_other_views_are_stale,
        nobody_speaks_in_our_name,
        a_forged_packet_that_is_good_is_delivered,
        payload_that_makes_no_sense_is_malformed,
        pieces_that_do_not_fit_are_dropped_and_the_stream_goes_on,
        unknown_frames_are_counted_and_skipped,
        frames_that_are_not_whole_are_malformed,
        status_that_cannot_be_is_malformed,
        membership_frames_of_rubbish_are_malformed,
        strangers_rubbish_is_malformed,
        order_from_who_does_not_order_is_malformed,
        requests_are_not_amplified,
        requests_for_what_was_never_sent_are_held_against_a_member,
        a_repair_that_differs_is_held_against_a_member,
        acknowledgements_of_what_was_never_sent_are_held_against_a_member,
        heartbeats_of_strangers_are_answered_if_they_ask,
    };
    return suite_run("core_input", tests, SUITE_SIZE(tests));
}
