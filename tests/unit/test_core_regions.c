/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Five members in three regions, {0, 1}, {2, 3} and {4}: losses are repaired by
 * neighbours, beyond the region only if nobody there has the packet, and around a
 * coordinator that is silent; floods of requests and requests for nothing change
 * nothing; and a group that has delivered everything is quiet.
 */
#include "gcs/wire/nack.h"
#include "gcs/wire/report.h"
#include "tests/unit/cluster.h"
#include "tests/unit/suite.h"

enum { NODES = 5, EACH = 20, SIZE = 900 };

static struct cluster c;
static unsigned expected;

/* What is to get lost, and what was seen. */
static struct {
    uint64_t number; /* of packets of node 0, once each ... */
    unsigned lost;   /* ... on their way to these: a bit for each */
    bool mute;       /* node 2 asks for nothing and repeats nothing */
    unsigned seeks_of_two;
    unsigned reports;
    bool blocked; /* reports that tell what is stable get lost */
} plot;

static bool all_is_delivered(const struct cluster *cluster)
{
    for (unsigned i = 0; i < cluster->count; i++)
        if (!cluster->nodes[i].hold && cluster->nodes[i].count < expected)
            return false;
    return true;
}

static uint8_t frame_of(const struct gcs_packet *packet)
{
    return packet->number == 0 && packet->control_size > 0 ? packet->control[0] : 0;
}

static enum cluster_fate fate(void *ctx, const struct cluster_flight *flight)
{
    uint8_t frame = frame_of(&flight->packet);
    (void)ctx;
    plot.reports += frame == GCS_FRAME_REPORT;
    if (frame == GCS_FRAME_SEEK && flight->from == 2)
        plot.seeks_of_two++;
    if (plot.mute && flight->from == 2 && (frame == GCS_FRAME_SEEK || flight->packet.rank != 2))
        return CLUSTER_LOSE;
    if (plot.blocked && frame == GCS_FRAME_REPORT &&
        (flight->packet.control[GCS_FRAME_HEADER] & GCS_REPORT_STABLE))
        return CLUSTER_LOSE;
    if (flight->from != 0 || flight->packet.rank != 0 || plot.number == 0 ||
        flight->packet.number != plot.number || !(plot.lost >> flight->to & 1))
        return CLUSTER_PASS;
    plot.lost &= ~(1u << flight->to);
    return CLUSTER_LOSE;
}

static void start(void)
{
    memset(&plot, 0, sizeof(plot));
    cluster_init(&c);
    c.group_config.region_size = 2;
    c.fate = fate;
    cluster_start(&c, NODES);
    cluster_run(&c, 500 * MILLISECONDS);
    expected = 0;
}

static void talk(unsigned from, enum gcs_service service)
{
    for (uint32_t n = 0; n < EACH; n++) {
        ck_assert_int_eq(cluster_say(&c, from, service, n, SIZE), 0);
        cluster_run(&c, CLUSTER_LATENCY / 2);
    }
    expected += EACH;
    ck_assert(cluster_until(&c, all_is_delivered, 10000 * MILLISECONDS));
}

static void stop(void)
{
    ck_assert(cluster_agrees(&c));
    cluster_stop(&c);
}

START_TEST(a_neighbour_repairs)
{
    start();
    plot.number = 5;
    plot.lost = 1 << 3;
    talk(0, GCS_AGREED);
    ck_assert_uint_eq(plot.lost, 0);
    ck_assert_uint_eq(cluster_counters(&c, 0)->nacks_received, 0);
    ck_assert_uint_eq(cluster_counters(&c, 3)->nacks_sent, 1);
    ck_assert_uint_eq(cluster_counters(&c, 3)->repairs_near, 1);
    ck_assert_uint_eq(cluster_counters(&c, 2)->repairs_sent, 1);
    stop();
}
END_TEST

START_TEST(what_the_region_lacks_comes_from_the_next_one)
{
    start();
    plot.number = 5;
    plot.lost = 1 << 2 | 1 << 3;
    talk(0, GCS_AGREED);
    ck_assert_uint_eq(plot.lost, 0);
    ck_assert_uint_eq(cluster_counters(&c, 0)->nacks_to_source, 1); /* of the coordinator */
    ck_assert_uint_eq(cluster_counters(&c, 0)->repairs_sent, 1);
    ck_assert_uint_eq(cluster_counters(&c, 2)->repairs_sent, 1); /* it passes the answer on */
    ck_assert_uint_eq(cluster_counters(&c, 3)->repairs_near, 1);
    stop();
}
END_TEST

START_TEST(all_have_lost_it)
{
    start();
    plot.number = 5;
    plot.lost = 0x1e;
    talk(0, GCS_AGREED);
    ck_assert_uint_eq(plot.lost, 0);
    ck_assert_uint_le(cluster_counters(&c, 0)->nacks_to_source, 3);
    stop();
}
END_TEST

START_TEST(a_silent_coordinator_is_bypassed)
{
    start();
    plot.number = 5;
    plot.lost = 1 << 2 | 1 << 3;
    plot.mute = true;
    talk(0, GCS_AGREED);
    ck_assert_uint_gt(plot.seeks_of_two, 0);
    ck_assert_uint_eq(cluster_counters(&c, 3)->repairs_received, 1);
    ck_assert_uint_eq(cluster_counters(&c, 3)->repairs_near, 0);
    stop();
}
END_TEST

START_TEST(every_service_reaches_everybody)
{
    start();
    for (unsigned i = 0; i < NODES; i++) {
        talk(i, GCS_SAFE);
        talk(i, GCS_AGREED);
    }
    stop();
}
END_TEST

/* What is stable was told once and got lost: who asks again is told again. */
START_TEST(a_lost_word_from_the_root_is_made_good)
{
    start();
    plot.blocked = true;
    for (uint32_t n = 0; n < EACH; n++)
        ck_assert_int_eq(cluster_say(&c, 3, GCS_SAFE, n, SIZE), 0);
    cluster_run(&c, 100 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[3].count, 0);
    plot.blocked = false;
    expected = EACH;
    ck_assert(cluster_until(&c, all_is_delivered, 2000 * MILLISECONDS));
    stop();
}
END_TEST

/* An observer, alone in its region or not, has no votes to report, and is told nevertheless. */
START_TEST(an_observer_is_told_again_as_well)
{
    static const uint8_t weights[NODES] = {1, 0, 1, 0, 0};
    memset(&plot, 0, sizeof(plot));
    cluster_init(&c);
    c.group_config.region_size = 2;
    c.fate = fate;
    for (unsigned i = 0; i < NODES; i++) {
        c.group_config.weight = weights[i];
        ck_assert_int_eq(cluster_open(&c, i), 0);
        ck_assert_int_eq(cluster_join(&c, i), 0);
        cluster_run(&c, 500 * MILLISECONDS);
    }
    ck_assert(cluster_is_view(&c, NODES));
    plot.blocked = true;
    for (uint32_t n = 0; n < EACH; n++)
        ck_assert_int_eq(cluster_say(&c, 0, GCS_SAFE, n, SIZE), 0);
    cluster_run(&c, 100 * MILLISECONDS);
    ck_assert_uint_eq(c.nodes[0].count, EACH); /* the root knows, and has told once */
    ck_assert_uint_eq(c.nodes[1].count + c.nodes[3].count + c.nodes[4].count, 0);
    plot.blocked = false;
    expected = EACH;
    ck_assert(cluster_until(&c, all_is_delivered, 2000 * MILLISECONDS));
    stop();
}
END_TEST

START_TEST(a_quiet_group_is_quiet)
{
    start();
    talk(0, GCS_SAFE);
    cluster_run(&c, 2000 * MILLISECONDS);
    plot.reports = 0;
    cluster_run(&c, 10000 * MILLISECONDS);
    ck_assert_uint_le(plot.reports, 10 * NODES); /* one word in a second, to find who is excluded */
    stop();
}
END_TEST

/* ---- Bad input ------------------------------------------------------------------------------ */

static void inject_seek(unsigned from, unsigned to, const struct gcs_nack *nack)
{
    const struct gcs_view *view = gcs_core_view(c.nodes[to].group);
    struct gcs_address address = cluster_address(from);
    uint8_t data[256];
    struct gcs_writer w =
        gcs_writer_over(data + GCS_PACKET_HEADER, sizeof(data) - GCS_PACKET_HEADER);
    uint8_t *begin = gcs_frame_begin(&w, GCS_FRAME_SEEK);
    gcs_nack_write(&w, nack);
    ck_assert(gcs_frame_end(&w, begin));
    struct gcs_packet packet = {
        .group = gcs_packet_group_tag(CLUSTER_TAG, CLUSTER_GROUP),
        .lineage = view->lineage,
        .epoch = view->epoch,
        .rank = (uint16_t)from,
        .control_size = gcs_writer_size(&w),
    };
    size_t size = GCS_PACKET_HEADER + packet.control_size;
    gcs_packet_seal(data, size, &packet, CLUSTER_TAG);
    cluster_inject(&c, to, &address, data, size);
}

START_TEST(requests_for_what_was_never_sent)
{
    struct gcs_nack nack = {.rank = 0, .count = 1, .ranges = {{1000000, 1000010}}};
    start();
    talk(0, GCS_AGREED);
    for (unsigned i = 0; i < 100; i++)
        inject_seek(1, 0, &nack);
    cluster_run(&c, 10 * MILLISECONDS);
    ck_assert_uint_eq(cluster_counters(&c, 0)->nacks_forged, 100);
    ck_assert_uint_eq(cluster_counters(&c, 0)->repairs_sent, 0);
    stop();
}
END_TEST

/* Of another member nobody knows what it has sent: what is not held is not asked for either. */
START_TEST(a_request_is_no_proof_that_there_is_something)
{
    struct gcs_nack nack = {.rank = 4, .count = 1, .ranges = {{1, 50}}};
    start();
    for (unsigned i = 0; i < 100; i++)
        inject_seek(1, 0, &nack);
    cluster_run(&c, 100 * MILLISECONDS);
    ck_assert_uint_eq(cluster_counters(&c, 0)->nacks_sent, 0);
    ck_assert_uint_eq(cluster_counters(&c, 0)->repairs_sent, 0);
    stop();
}
END_TEST

START_TEST(a_flood_of_requests_is_no_flood_of_repairs)
{
    struct gcs_nack nack = {.rank = 0, .count = 1, .ranges = {{1, 1}}};
    start();
    c.nodes[4].hold = true; /* nothing is stable: all is kept */
    talk(0, GCS_AGREED);
    nack.ranges[0].last = nack.ranges[0].first =
        nack.ranges[0].first + 2; /* one of those that are kept */
    for (unsigned i = 0; i < 1000; i++)
        inject_seek(1, 0, &nack);
    cluster_round(&c, 0);
    ck_assert_uint_eq(cluster_counters(&c, 0)->nacks_received, 1000);
    ck_assert_uint_eq(cluster_counters(&c, 0)->repairs_sent, 1);
    cluster_give_back(&c, 4);
    stop();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_neighbour_repairs,
        what_the_region_lacks_comes_from_the_next_one,
        all_have_lost_it,
        a_silent_coordinator_is_bypassed,
        every_service_reaches_everybody,
        a_lost_word_from_the_root_is_made_good,
        an_observer_is_told_again_as_well,
        a_quiet_group_is_quiet,
        requests_for_what_was_never_sent,
        a_request_is_no_proof_that_there_is_something,
        a_flood_of_requests_is_no_flood_of_repairs,
    };
    return suite_run("regions of a core", tests, SUITE_SIZE(tests));
}
