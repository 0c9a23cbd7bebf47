/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packets between the members: which are lost, late or repeated, and how fast
 * each host's wire takes them. What lies beyond, cuts and time, is the simulated
 * network of transport/sim.h.
 */
#include "tests/stories/stage/stage.h"

#include <stdlib.h>
#include <string.h>

#define RULES_MAX 16

struct rule {
    int kind;
    story_set from, to;
    unsigned copies;
    uint64_t hold_ns; /* of the last copy */
};

/* A packet to one member that leaves later. */
struct late {
    struct gcs_buffer *buffer; /* NULL: gone */
    const uint8_t *data;
    size_t size;
    unsigned from, to;
};

static struct {
    struct rule rules[RULES_MAX];
    unsigned rules_count;
    struct late *late;
    size_t late_count, late_capacity;
    uint64_t free_at[STORY_MEMBERS_MAX]; /* when a host's wire has carried all that it was given */
    int watch_kind;
    story_set watch_from, watch_seen;
} wire;

void wire_rule(int kind, story_set from, story_set to, unsigned copies, uint64_t hold_ns)
{
    if (wire.rules_count == RULES_MAX)
        stage_fail("too many rules");
    wire.rules[wire.rules_count++] = (struct rule){kind, from, to, copies, hold_ns};
}

void wire_heal(void)
{
    wire.rules_count = 0;
}

void wire_watch(int kind, story_set from)
{
    wire.watch_kind = kind;
    wire.watch_from = from;
    wire.watch_seen = 0;
}

unsigned wire_watched(void)
{
    unsigned count = 0;

    for (story_set left = wire.watch_seen; left; left &= left - 1)
        count++;
    return count;
}

void wire_clear(void)
{
    for (size_t i = 0; i < wire.late_count; i++)
        gcs_buffer_unref(wire.late[i].buffer);
    free(wire.late);
}

/* ---- Kinds ------------------------------------------------------------------------------ */

static bool has_frame(const struct gcs_packet *packet, int type)
{
    struct gcs_reader r = gcs_reader_over(packet->control, packet->control_size);
    struct gcs_frame frame;

    while (gcs_frame_next(&r, &frame)) {
        if (frame.type == type)
            return true;
    }
    return false;
}

static bool is_kind(const struct gcs_packet *packet, int kind)
{
    bool data = packet->number > 0 && !(packet->flags & GCS_PACKET_PRIVATE);

    switch (kind) {
    case ANYTHING:
        return true;
    case DATA:
        return data;
    case CONTROL:
        return !data;
    default:
        return has_frame(packet, kind);
    }
}

/* ---- Sending ---------------------------------------------------------------------------- */

static void leave_now(const struct late *late)
{
    struct gcs_address to = gcs_sim_address(late->to);
    struct gcs_core_packet packet = {
        .buffer = late->buffer,
        .data = late->data,
        .size = late->size,
        .to = &to,
        .to_count = 1,
    };

    gcs_sim_send(stage.sim, late->from, &packet, 1);
}

static void leave_at(const struct late *late, uint64_t at)
{
    if (at <= stage_now()) {
        leave_now(late);
        return;
    }
    wire.late = memory_grow(wire.late, wire.late_count, &wire.late_capacity, sizeof(*wire.late));
    wire.late[wire.late_count] = *late;
    gcs_buffer_ref(late->buffer);
    wire_release_at(wire.late_count++, at);
}

void wire_release(uint64_t number)
{
    struct late late = wire.late[number];

    wire.late[number].buffer = NULL;
    if (late.buffer)
        leave_now(&late);
    gcs_buffer_unref(late.buffer);
}

/* When this packet has passed its host's wire, all before it having done so. */
static uint64_t passes(unsigned host, size_t size)
{
    uint64_t *free_at = &wire.free_at[host];

    if (stage.wire_rate == 0)
        return stage_now();
    if (*free_at < stage_now())
        *free_at = stage_now();
    *free_at += size * MS / stage.wire_rate;
    return *free_at;
}

static void send_one(const struct late *packet, const struct gcs_packet *header)
{
    const struct rule *rule = NULL;
    uint64_t at = passes(packet->from, packet->size);

    for (unsigned i = 0; i < wire.rules_count && !rule; i++) {
        const struct rule *r = &wire.rules[i];

        if (r->from >> packet->from & 1 && r->to >> packet->to & 1 && is_kind(header, r->kind))
            rule = r;
    }
    if (!rule || rule->copies == 2)
        leave_at(packet, at);
    if (rule && rule->copies > 0)
        leave_at(packet, at + rule->hold_ns);
}

void wire_send(struct actor *actor, const struct gcs_core_packet *packets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct late packet = {packets[i].buffer, packets[i].data, packets[i].size, actor->index, 0};
        struct gcs_packet header;

        if (gcs_packet_open(packet.data, packet.size, CLUSTER, &header) != GCS_PACKET_GOOD)
            stage_fail("%u sends a packet that is none", actor->index);
        if (wire.watch_from >> actor->index & 1 && is_kind(&header, wire.watch_kind))
            wire.watch_seen |= 1U << actor->index;
        for (size_t k = 0; k < packets[i].to_count; k++) {
            packet.to = (unsigned)gcs_sim_node(stage.sim, &packets[i].to[k]);
            send_one(&packet, &header);
        }
    }
}
