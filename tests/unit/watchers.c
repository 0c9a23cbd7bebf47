/* SPDX-License-Identifier: BSD-3-Clause */
/* Failure detectors on a network in memory: see watchers.h. */
#include "tests/unit/watchers.h"

#include <check.h>

struct watchers_net net;
uint64_t watchers_heartbeat_max;

struct gcs_address watchers_address(uint32_t number)
{
    struct gcs_address address = {.length = 4};
    memcpy(address.bytes, &number, 4);
    return address;
}

static int node_at(const struct gcs_address *address)
{
    for (int i = 0; i < WATCHERS_NODES; i++) {
        if (memcmp(&net.nodes[i].address, address, sizeof(*address)) == 0)
            return i;
    }
    return -1;
}

static void heartbeat(void *ctx, const struct gcs_address *to, const uint8_t *body, size_t size)
{
    struct watchers_node *node = ctx;
    int from = (int)(node - net.nodes);
    int target = node_at(to);
    node->spoken++;
    if (target < 0 || node->stopped || net.cut[from][target])
        return;
    ck_assert_uint_lt(net.flying, WATCHERS_FLIGHT);
    struct watchers_message *message = &net.flight[net.flying++];
    *message = (struct watchers_message){
        .at = net.now + net.delay, .from = from, .to = target, .size = size};
    memcpy(message->body, body, size);
}

static void suspect(void *ctx, struct gcs_peer *peer, bool suspected, bool crashed)
{
    struct watchers_node *node = ctx;
    ck_assert(gcs_peer_suspected(peer) == suspected);
    node->changes++;
    node->changed_at = net.now;
    node->about = node_at(gcs_peer_address(peer));
    node->suspected = suspected;
    node->crashed = crashed;
}

void watchers_open_node(int index, uint64_t process)
{
    struct watchers_node *node = &net.nodes[index];
    struct gcs_detector_config config = {
        .allocator = &net.scarce.allocator,
        .process = process,
        .heartbeat_ns = WATCHERS_HEARTBEAT,
        .heartbeat_max_ns = watchers_heartbeat_max,
        .suspect_ns = WATCHERS_SUSPECT,
        .suspect_max_ns = WATCHERS_LONGEST,
        .helpers = 3,
        .counters = &net.counters,
        .env = {.ctx = node, .heartbeat = heartbeat, .suspect = suspect}};
    gcs_detector_free(node->detector);
    *node = (struct watchers_node){.address = watchers_address((uint32_t)index + 1)};
    ck_assert_int_eq(gcs_detector_new(&config, &node->detector), 0);
}

void watchers_watch(int who, int whom)
{
    struct watchers_node *node = &net.nodes[who];
    node->peers[whom] = gcs_detector_watch(node->detector, net.now, &net.nodes[whom].address);
    ck_assert_ptr_nonnull(node->peers[whom]);
}

void watchers_open(void)
{
    memset(&net, 0, sizeof(net));
    scarce_init(&net.scarce);
    net.now = 10000 * MS;
    net.delay = MS / 2;
    for (int i = 0; i < WATCHERS_NODES; i++)
        watchers_open_node(i, 1000u + (uint64_t)i);
}

void watchers_open_pair(void)
{
    watchers_open();
    watchers_watch(0, 1);
    watchers_watch(1, 0);
}

void watchers_open_group(int count)
{
    watchers_open();
    for (int who = 0; who < count; who++)
        for (int whom = 0; whom < count; whom++)
            if (who != whom)
                watchers_watch(who, whom);
}

void watchers_close(void)
{
    for (int i = 0; i < WATCHERS_NODES; i++)
        gcs_detector_free(net.nodes[i].detector);
    ck_assert_uint_eq(net.scarce.live, 0);
}

static void arrive(struct watchers_message message)
{
    struct watchers_node *node = &net.nodes[message.to];
    if (node->stopped)
        return;
    struct gcs_peer *peer = gcs_detector_find(node->detector, &net.nodes[message.from].address);
    if (peer)
        gcs_detector_heard(node->detector, net.now, peer);
    ck_assert_int_eq(gcs_detector_frame(node->detector, net.now, &net.nodes[message.from].address,
                                        message.body, message.size),
                     0);
}

static uint64_t next_time(uint64_t end)
{
    uint64_t at = end;
    for (size_t i = 0; i < net.flying; i++)
        at = net.flight[i].at < at ? net.flight[i].at : at;
    for (int i = 0; i < WATCHERS_NODES; i++) {
        uint64_t deadline = gcs_detector_deadline(net.nodes[i].detector);
        if (!net.nodes[i].stopped && deadline < at)
            at = deadline;
    }
    return at;
}

void watchers_run(uint64_t duration)
{
    uint64_t end = net.now + duration;
    while (net.now < end) {
        uint64_t at = next_time(end);
        net.now = at > net.now ? at : net.now;
        for (size_t i = 0; i < net.flying;) {
            if (net.flight[i].at <= net.now) {
                struct watchers_message message = net.flight[i];
                net.flight[i] = net.flight[--net.flying];
                arrive(message);
            } else {
                i++;
            }
        }
        for (int i = 0; i < WATCHERS_NODES; i++) {
            if (net.nodes[i].stopped || gcs_detector_deadline(net.nodes[i].detector) > net.now)
                continue;
            net.nodes[i].wakeups++;
            gcs_detector_tick(net.nodes[i].detector, net.now);
        }
    }
}

void watchers_traffic(int from, int to)
{
    struct watchers_node *speaker = &net.nodes[from], *hearer = &net.nodes[to];
    if (speaker->stopped)
        return;
    gcs_detector_sent(speaker->detector, net.now, speaker->peers[to], true);
    if (!hearer->stopped && !net.cut[from][to])
        gcs_detector_heard(hearer->detector, net.now, hearer->peers[from]);
}

void watchers_cut(int a, int b, bool cut)
{
    net.cut[a][b] = net.cut[b][a] = cut;
}

void watchers_refuse(int who, int whom)
{
    gcs_detector_evidence(net.nodes[who].detector, net.now, net.nodes[who].peers[whom]);
}
