/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The core: one endpoint's groups behind one interface of inputs and outputs.
 * Received packets are checked here, once, and handed to the group they are for;
 * those that belong to no group are heartbeats between endpoints.
 */
#include "gcs/backlog.h"
#include "gcs/group.h"

#include "gcs/base/label.h"
#include "gcs/base/mutant.h"
#include "views/detector.h"

#define TELL_GONE_NS    10000000u
#define TELL_GONE_MAX   16u
#define POOL_PACKET_MIN 4096u
#define PROBES_MAX      64u

/* ---- Configuration ---------------------------------------------------------------------- */

void gcs_core_config_init(struct gcs_core_config *config)
{
    *config = (struct gcs_core_config){
        .size = sizeof(*config),
        .packet_bytes = 1400,
        .receive_bytes = 1 << 20,
        .heartbeat_ns = 50000000,
        .suspect_ns = 500000000,
        .probes = 3,
        .assembly_bytes = UINT64_C(1) << 30,
    };
}

static bool label_is_good(const struct gcs_core_config *config)
{
    size_t at;
    return gcs_label_check(config->label, gcs_label_size(config->label), &at) == GCS_LABEL_GOOD;
}

static bool config_is_good(const struct gcs_core_config *config)
{
    return config->size == sizeof(*config) && config->allocator && config->allocator->allocate &&
           config->allocator->release && config->address.length > 0 &&
           config->address.length <= GCS_ADDRESS_MAX && config->packet_bytes >= 512 &&
           config->packet_bytes <= 65000 && config->heartbeat_ns > 0 &&
           config->suspect_ns >= 3 * config->heartbeat_ns &&
           (config->heartbeat_max_ns == 0 ||
            (config->heartbeat_max_ns >= config->heartbeat_ns &&
             config->heartbeat_max_ns <= config->suspect_ns / 3)) &&
           (config->suspect_max_ns == 0 || config->suspect_max_ns >= config->suspect_ns) &&
           config->probes <= PROBES_MAX && config->assembly_bytes > 0 && label_is_good(config);
}

/* ---- What the detector asks of us ------------------------------------------------------- */

static void send_heartbeat(void *ctx, const struct gcs_address *to, const uint8_t *body,
                           size_t size)
{
    struct gcs_core *core = ctx;
    struct gcs_envelope envelope = {.group = core->endpoint_tag, .rank = GCS_RANK_NONE};
    gcs_core_send_frame(core, &envelope, to, GCS_FRAME_HEARTBEAT, body, size);
}

static void suspect(void *ctx, struct gcs_peer *peer, bool suspected, bool crashed)
{
    struct gcs_core *core = ctx;
    for (struct gcs_core_group *group = core->groups; group; group = group->next)
        gcs_group_suspect(group, core->now, peer, suspected, crashed);
}

static bool holds(const struct gcs_era *era, const struct gcs_peer *peer)
{
    for (uint16_t rank = 0; rank < era->view.count; rank++)
        if (era->fellows[rank].peer == peer)
            return true;
    return false;
}

/* Members of one view watch each other. */
static bool acquainted(void *ctx, const struct gcs_peer *helper, const struct gcs_peer *peer)
{
    const struct gcs_core *core = ctx;
    for (const struct gcs_core_group *group = core->groups; group; group = group->next)
        if (group->era && group->era->fellows && holds(group->era, helper) &&
            holds(group->era, peer))
            return true;
    return false;
}

/* ---- Life ------------------------------------------------------------------------------- */

static int open_detector(struct gcs_core *core)
{
    struct gcs_detector_config config = {
        .allocator = core->allocator,
        .process = core->process,
        .heartbeat_ns = core->config.heartbeat_ns,
        .heartbeat_max_ns = core->config.heartbeat_max_ns,
        .suspect_ns = core->config.suspect_ns,
        .suspect_max_ns =
            core->config.suspect_max_ns ? core->config.suspect_max_ns : 2 * core->config.suspect_ns,
        .helpers = core->config.probes,
        .counters = &core->counters,
        .env = {core, send_heartbeat, suspect, acquainted},
    };
    return gcs_detector_new(&config, &core->detector);
}

int gcs_core_new(const struct gcs_core_config *config, struct gcs_core **created)
{
    if (!config_is_good(config))
        return GCS_EINVAL;
    struct gcs_core *core = gcs_allocate(config->allocator, 1, sizeof(*core));
    if (!core)
        return GCS_ENOMEM;
    core->config = *config;
    core->allocator = config->allocator;
    core->find_order = gcs_order_find;
    core->endpoint_tag = gcs_packet_group_tag(config->cluster, "");
    gcs_prng_init(&core->prng, config->seed);
    core->process = gcs_prng_next(&core->prng) & ~GCS_MEMBERSHIP_MASK;
    gcs_pool_init(&core->pool, core->allocator,
                  config->packet_bytes > POOL_PACKET_MIN ? config->packet_bytes : POOL_PACKET_MIN,
                  &core->counters);
    gcs_outbox_init(&core->outbox, core->allocator, &core->counters);
    gcs_events_init(&core->events, core->allocator);
    if (open_detector(core) < 0) {
        gcs_release(core->allocator, core);
        return GCS_ENOMEM;
    }
    *created = core;
    return 0;
}

void gcs_core_free(struct gcs_core *core)
{
    struct gcs_core_event event;
    if (!core)
        return;
    while (gcs_core_next_event(core, &event))
        gcs_core_consumed(core, &event);
    while (core->groups)
        gcs_group_destroy(core->groups);
    gcs_pieces_fini(&core->pieces);
    gcs_outbox_fini(&core->outbox);
    gcs_events_fini(&core->events);
    gcs_detector_free(core->detector);
    gcs_pool_fini(&core->pool);
    gcs_release(core->allocator, core);
}

/* ---- Inputs ----------------------------------------------------------------------------- */

static void count_fault(struct gcs_counters *counters, enum gcs_packet_fault fault)
{
    switch (fault) {
    case GCS_PACKET_GOOD:
        break;
    case GCS_PACKET_SHORT:
        counters->dropped_short++;
        break;
    case GCS_PACKET_VERSION:
        counters->dropped_version++;
        break;
    case GCS_PACKET_CORRUPT:
        counters->dropped_corrupt++;
        break;
    case GCS_PACKET_MALFORMED:
        counters->dropped_malformed++;
        break;
    }
}

static void receive_heartbeat(struct gcs_core *core, const struct gcs_address *from,
                              const struct gcs_packet *packet)
{
    struct gcs_reader r = gcs_reader_over(packet->control, packet->control_size);
    struct gcs_frame frame;
    while (gcs_frame_next(&r, &frame)) {
        if (frame.type != GCS_FRAME_HEARTBEAT)
            core->counters.frames_unknown++;
        else if (gcs_detector_frame(core->detector, core->now, from, frame.body, frame.size) < 0)
            core->counters.dropped_malformed++;
    }
}

static bool is_piece(const struct gcs_packet *packet)
{
    return packet->control_size > GCS_FRAME_HEADER && packet->control[0] == GCS_FRAME_PIECE;
}

/* The last piece makes a packet of the whole frame, with the header of its own. */
static void receive_piece(struct gcs_core *core, struct gcs_core_group *group,
                          const struct gcs_address *from, const struct gcs_packet *packet)
{
    struct gcs_reader r = gcs_reader_over(packet->control, packet->control_size);
    struct gcs_frame frame;
    struct gcs_piece piece;
    if (packet->number > 0 || !gcs_frame_next(&r, &frame) ||
        !gcs_piece_read(frame.body, frame.size, &piece) || piece.type == GCS_FRAME_PIECE) {
        core->counters.dropped_malformed++;
        return;
    }
    struct gcs_buffer *whole = gcs_pieces_add(&core->pieces, &core->pool, from, &piece);
    if (!whole)
        return;
    struct gcs_packet mended = *packet;
    mended.control = mended.payload = whole->data;
    mended.control_size = GCS_FRAME_HEADER + piece.total;
    gcs_group_receive(group, core->now, from, whole, whole->data, mended.control_size, &mended);
    gcs_buffer_unref(whole);
}

/*
 * Somebody speaks to a member that is not here: it ended without saying so (out of memory, say),
 * and the others would wait for it as long as this process answers heartbeats.
 */
static void tell_gone(struct gcs_core *core, uint64_t now, const struct gcs_address *from,
                      const struct gcs_packet *packet)
{
    struct gcs_envelope envelope = {.group = packet->group, .rank = GCS_RANK_NONE};
    uint8_t body[GCS_GONE_BYTES_MAX];
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    if (now >= core->gone_until) {
        core->gone_until = now + TELL_GONE_NS;
        core->gone_left = TELL_GONE_MAX;
    }
    if (packet->lineage == 0 || core->gone_left == 0)
        return;
    core->gone_left--;
    gcs_gone_write(&w, packet->lineage, packet->epoch);
    gcs_core_send_frame(core, &envelope, from, GCS_FRAME_GONE, body, gcs_writer_size(&w));
}

void gcs_core_receive(struct gcs_core *core, uint64_t now, const struct gcs_address *from,
                      struct gcs_buffer *buffer, const uint8_t *data, size_t size)
{
    struct gcs_packet packet;
    core->now = now;
    core->dirty = true;
    gcs_detector_look(core->detector, now);
    core->counters.packets_received++;
    core->counters.bytes_received += size;
    uint64_t tag = gcs_packet_peek_group(data, size);
    struct gcs_core_group *group = gcs_group_find(core, tag);
    bool known = group || tag == core->endpoint_tag;
    enum gcs_packet_fault fault = gcs_packet_open(data, size, core->config.cluster, &packet);
    if (fault != GCS_PACKET_GOOD && (known || fault != GCS_PACKET_CORRUPT)) {
        count_fault(&core->counters, fault);
        if (fault == GCS_PACKET_VERSION)
            gcs_core_meet_stranger(core, now, from, data, size);
        return;
    }
    if (!known) { /* another cluster's checksum is never right */
        core->counters.dropped_foreign++;
        if (fault == GCS_PACKET_GOOD)
            tell_gone(core, now, from, &packet);
        return;
    }
    struct gcs_peer *peer = gcs_detector_find(core->detector, from);
    if (peer && !(GCS_MUTANT(deaf_to_data) && group))
        gcs_detector_heard(core->detector, now, peer);
    if (group && is_piece(&packet))
        receive_piece(core, group, from, &packet);
    else if (group)
        gcs_group_receive(group, now, from, buffer, data, size, &packet);
    else
        receive_heartbeat(core, from, &packet);
}

void gcs_core_unreachable(struct gcs_core *core, uint64_t now, const struct gcs_address *address)
{
    struct gcs_peer *peer = gcs_detector_find(core->detector, address);
    core->now = now;
    core->dirty = true;
    if (!peer)
        return;
    gcs_detector_evidence(core->detector, now, peer);
    if (!core->config.reliable)
        return;
    for (struct gcs_core_group *group = core->groups; group; group = group->next) {
        if (group->era)
            gcs_era_link_broke(group->era, now, peer);
    }
}

void gcs_core_overflowed(struct gcs_core *core, uint64_t total)
{
    core->dirty |= total != core->overflowed;
    core->overflowed = total;
}

void gcs_core_goodbye(struct gcs_core *core, uint64_t now)
{
    core->now = now;
    gcs_detector_goodbye(core->detector, now);
}

void gcs_core_wall_clock(struct gcs_core *core, int64_t offset)
{
    core->wall_offset = offset;
}

/* Packets that went out since the last round are signs of life for their receivers. The urgent ones
 * are heartbeats, of which the detector knows. */
static void note_sent(struct gcs_core *core, uint64_t now)
{
    for (size_t i = core->outbox.urgent; i < core->outbox.count; i++) {
        const struct gcs_outgoing *packet = &core->outbox.entries[i];
        bool alone = !packet->route || packet->route->each || !core->config.multicast;
        uint16_t count = packet->route ? packet->route->count : 1;
        for (uint16_t k = 0; k < count; k++) {
            const struct gcs_address *to = packet->route ? &packet->route->to[k] : &packet->to;
            struct gcs_peer *peer = gcs_detector_find(core->detector, to);
            if (peer)
                gcs_detector_sent(core->detector, now, peer, alone);
        }
    }
}

void gcs_core_advance(struct gcs_core *core, uint64_t now)
{
    core->now = now;
    core->dirty = false;
    gcs_detector_look(core->detector, now);
    for (struct gcs_core_group *group = core->groups; group; group = group->next)
        gcs_group_advance(group, now);
    note_sent(core, now);
    gcs_detector_tick(core->detector, now);
}

/* ---- Outputs ---------------------------------------------------------------------------- */

const struct gcs_core_packet *gcs_core_packets(struct gcs_core *core, size_t *count)
{
    return gcs_outbox_packets(&core->outbox, count);
}

void gcs_core_packets_sent(struct gcs_core *core)
{
    gcs_outbox_clear(&core->outbox);
}

bool gcs_core_next_event(struct gcs_core *core, struct gcs_core_event *event)
{
    return gcs_events_pop(&core->events, event);
}

void gcs_core_consumed(struct gcs_core *core, const struct gcs_core_event *event)
{
    struct gcs_era *era = event->token;
    if (event->type == GCS_EVENT_DELIVER && event->packet == 0) { /* it has waited for the state */
        if (event->group->era)
            event->group->era->taken_at = core->now;
        gcs_state_waited_for(event);
        return;
    }
    if (era)
        era->taken_at = core->now;
    switch (event->type) {
    case GCS_EVENT_DELIVER:
        if (era->fellows) {
            gcs_era_taken(era, event->rank, event->packet);
            core->dirty = true;
        }
        gcs_buffer_unref(event->buffer);
        gcs_era_unref(era);
        break;
    case GCS_EVENT_PRIVATE:
        if (event->group->era && gcs_group_is_ours(event->group, era)) {
            gcs_era_private_taken(event->group->era, event->sender, event->packet);
            core->dirty = true;
        }
        gcs_buffer_unref(event->buffer);
        gcs_era_unref(era);
        gcs_group_unref(event->group);
        break;
    case GCS_EVENT_VIEW:
        gcs_view_change_unref(event->change);
        break;
    case GCS_EVENT_STABLE:
        gcs_era_unref(era);
        break;
    case GCS_EVENT_STATE_WANTED:
    case GCS_EVENT_STATE:
    case GCS_EVENT_STATE_END:
        gcs_state_consumed(event->group, event);
        gcs_buffer_unref(event->buffer);
        gcs_era_unref(era);
        gcs_group_unref(event->group);
        core->dirty = true;
        break;
    case GCS_EVENT_LEFT:
        gcs_group_unref(event->group);
        break;
    case GCS_EVENT_SLOW:
        gcs_era_unref(era);
        break;
    case GCS_EVENT_WRITABLE:
        break;
    }
}

bool gcs_core_event_message(const struct gcs_core_event *event, size_t *offset,
                            struct gcs_message *message)
{
    const uint8_t *data;
    if (!gcs_payload_next(event->payload, event->payload_size, offset, &data, &message->size))
        return false;
    message->data = data;
    return true;
}

uint64_t gcs_core_deadline(const struct gcs_core *core)
{
    uint64_t deadline = gcs_detector_deadline(core->detector);
    if (core->dirty)
        return 0;
    for (const struct gcs_core_group *group = core->groups; group; group = group->next) {
        uint64_t due = gcs_group_deadline(group);
        if (due < deadline)
            deadline = due;
    }
    return deadline;
}

const struct gcs_counters *gcs_core_counters(const struct gcs_core *core)
{
    return &core->counters;
}
