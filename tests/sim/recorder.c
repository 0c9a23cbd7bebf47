/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Turns what the cores trace into records for the checkers and, where asked
 * for, into trace lines; and keeps from it what the world itself must know:
 * who is in which view. Times are those of the network, not of the nodes'
 * clocks, so that a trace reads from top to bottom.
 */
#include "gcs/base/quorum.h"
#include "gcs/base/trace.h"
#include "gcs/wire/packet.h"
#include "tests/sim/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

uint32_t recorder_number(struct world *world, const struct gcs_member_id *id)
{
    char name[GCS_TRACE_MEMBER_MAX];

    gcs_trace_member(id, gcs_sim_address_format, name);
    return names_number(&world->result->log.members, name);
}

static uint32_t group_number(struct world *world, uint64_t lineage)
{
    char name[GCS_NAME_MAX + 18];

    snprintf(name, sizeof(name), "%s@%" PRIx64, GROUP_NAME, lineage);
    return names_number(&world->result->log.groups, name);
}

static void add_votes(struct list *lists, struct record *record, const struct gcs_view *view)
{
    record->votes = lists->count;
    record->votes_count = view->count;
    record->tie_breaker = view->tie_breaker;
    for (uint16_t i = 0; i < view->count; i++)
        list_add(lists, gcs_member_votes(&view->members[i]));
}

static void add_view(struct world *world, struct record *record,
                     const struct gcs_view_change *change)
{
    struct list *lists = &world->result->log.lists;

    record->primary = change->primary;
    record->safe_all = world->group_config.safe_quorum == GCS_SAFE_ALL;
    record->agreed_time = change->time;
    record->members = lists->count;
    record->members_count = change->view.count;
    for (uint16_t i = 0; i < change->view.count; i++)
        list_add(lists, recorder_number(world, &change->view.members[i].id));
    add_votes(lists, record, &change->view);
    record->survivors = lists->count;
    record->survivors_count = change->survivors_count;
    for (uint16_t i = 0; i < change->survivors_count; i++)
        list_add(lists, lists->items[record->members + change->survivors[i]]);
}

static enum record_type record_type(enum gcs_trace_type type)
{
    switch (type) {
    case GCS_TRACE_SEND:
        return RECORD_SEND;
    case GCS_TRACE_DELIVER:
        return RECORD_DELIVER;
    case GCS_TRACE_VIEW:
        return RECORD_VIEW;
    case GCS_TRACE_BLOCKED:
        return RECORD_BLOCKED;
    case GCS_TRACE_STABLE:
        return RECORD_STABLE;
    case GCS_TRACE_LEAVE:
        break;
    }
    return RECORD_LEAVE;
}

static enum record_service record_service(enum gcs_service service)
{
    switch (service) {
    case GCS_UNORDERED:
        return RECORD_UNORDERED;
    case GCS_FIFO:
        return RECORD_FIFO;
    case GCS_CAUSAL:
        return RECORD_CAUSAL;
    case GCS_AGREED:
        return RECORD_AGREED;
    case GCS_SAFE:
        break;
    }
    return RECORD_SAFE;
}

static void write_line(struct world *world, const struct gcs_trace_event *event)
{
    struct gcs_trace_event timed = *event;
    size_t length;

    if (!world->options.trace)
        return;
    timed.now = world->now;
    length = gcs_trace_format(&timed, gcs_sim_address_format, world->line, world->line_capacity);
    if (length > world->line_capacity) {
        free(world->line);
        world->line_capacity = 2 * length;
        world->line = memory_new(world->line_capacity, 1);
        gcs_trace_format(&timed, gcs_sim_address_format, world->line, world->line_capacity);
    }
    fwrite(world->line, 1, length, world->options.trace);
}

/* ---- What the world keeps -------------------------------------------------- */

struct known_view *recorder_find(struct world *world, uint32_t epoch, uint64_t proposer)
{
    for (size_t i = world->known_count; i > 0; i--) {
        if (world->known[i - 1].epoch == epoch && world->known[i - 1].proposer == proposer)
            return &world->known[i - 1];
    }
    return NULL;
}

const struct known_view *recorder_latest(const struct world *world)
{
    const struct known_view *latest = NULL;

    for (size_t i = 0; i < world->known_count; i++) {
        bool ours = world->lineage == 0 || world->known[i].lineage == world->lineage;

        if (ours && (!latest || world->known[i].epoch > latest->epoch))
            latest = &world->known[i];
    }
    return latest;
}

void recorder_settle(struct world *world, const struct node *node)
{
    const struct record *record = &world->result->log.records[node->view_record];

    world->lineage = node->lineage;
    world->latest_epoch = record->epoch;
    world->latest_coordinator = world->result->log.lists.items[record->members];
}

/* A group is founded once, unless its members look for it: then it is one in the end. */
static void check_lineage(struct world *world, uint64_t lineage)
{
    if (world->birth == GCS_LOOK && world->phase == PHASE_GROW)
        return;
    if (world->lineage == 0)
        world->lineage = lineage;
    else if (lineage != world->lineage)
        world_note(world, "primary-component", "the group is founded twice");
}

static void learn_view(struct world *world, uint64_t lineage, const struct record *record,
                       uint32_t index)
{
    uint32_t coordinator;

    if (record->members_count == 0 || recorder_find(world, record->epoch, record->proposer))
        return;
    world->known = memory_grow(world->known, world->known_count, &world->known_capacity,
                               sizeof(*world->known));
    world->known[world->known_count++] =
        (struct known_view){lineage, record->epoch, record->proposer, index, false, 0};
    world->result->stats.views++;
    if (record->epoch <= world->latest_epoch)
        return;
    coordinator = world->result->log.lists.items[record->members];
    world->result->stats.successions +=
        world->latest_epoch && coordinator != world->latest_coordinator;
    world->latest_epoch = record->epoch;
    world->latest_coordinator = coordinator;
}

static void learn(struct world *world, struct node *node, const struct record *record,
                  uint32_t index)
{
    struct known_view *view;
    bool first;

    switch (record->type) {
    case RECORD_VIEW:
        if (record->primary && node->epoch == 0) /* a new membership */
            node->traced = 0;
        node->traced = node->traced * 31 + 2 * record->epoch + record->primary;
        node->primary = record->primary;
        if (!record->primary)
            break;
        node->blocked = false;
        node->epoch = record->epoch;
        node->proposer = record->proposer;
        node->view_record = index;
        node->view_sent = node->view_delivered = node->own_missing = 0;
        check_lineage(world, node->lineage);
        learn_view(world, node->lineage, record, index);
        break;
    case RECORD_BLOCKED:
        node->blocked = true;
        view = recorder_find(world, node->epoch, node->proposer);
        first = view && !view->blocked;
        if (view)
            view->blocked = true;
        schedule_blocked(world, node, first);
        break;
    case RECORD_LEAVE: /* it may come back by itself */
        node->own_missing = 0;
        node->primary = node->joined = node->blocked = node->evicted = false;
        node->epoch = 0;
        node->view_sent = node->view_delivered = 0;
        node->synced = !world->group_config.state;
        node->transferred = !node->synced;
        break;
    case RECORD_SEND:
        node->view_sent++;
        node->own_missing++;
        workload_sent(world, node, record->hash);
        break;
    case RECORD_DELIVER:
        node->view_delivered++;
        node->own_missing -= record->sender == record->member && node->own_missing > 0;
        node->traced = node->traced * 31 + record->hash;
        break;
    default:
        break;
    }
}

void recorder_event(void *ctx, const struct gcs_trace_event *event)
{
    struct node *node = ctx;
    struct world *world = node->world;
    struct record record;

    memset(&record, 0, sizeof(record));
    record.type = record_type(event->type);
    record.time = world->now;
    record.member = recorder_number(world, event->self);
    record.group = group_number(world, event->lineage);
    record.epoch = event->epoch;
    record.proposer = event->proposer;
    if (event->type == GCS_TRACE_SEND || event->type == GCS_TRACE_DELIVER) {
        record.sender = recorder_number(world, event->sender);
        record.number = event->number;
        record.agreed_time = event->time;
        record.seed = event->seed;
        record.service = record_service(event->service);
        record.hash = gcs_trace_hash(event->message.data, event->message.size);
    } else if (event->type == GCS_TRACE_STABLE) {
        record.sender = recorder_number(world, event->sender);
        record.number = event->number;
    } else if (event->type == GCS_TRACE_VIEW) {
        add_view(world, &record, event->change);
    }
    node->id = *event->self;
    node->member = record.member;
    node->lineage = event->lineage;
    log_add(&world->result->log, &record);
    write_line(world, event);
    learn(world, node, &record, (uint32_t)(world->result->log.count - 1));
}

/* ---- What comes to whom: seen on the network, whatever the cores make of it -------- */

/* Who sent it; NONE: the packet is of no view that anybody has told of. */
static uint32_t sender_of(const struct world *world, const struct gcs_packet *packet)
{
    for (size_t i = world->known_count; i > 0; i--) {
        const struct known_view *view = &world->known[i - 1];
        const struct record *record = &world->result->log.records[view->record];

        if (view->lineage == packet->lineage && view->epoch == packet->epoch)
            return packet->rank < record->members_count
                       ? world->result->log.lists.items[record->members + packet->rank]
                       : NONE;
    }
    return NONE;
}

/* How many messages are whole with this packet, which was not here before. */
static uint32_t messages_in(struct world *world, uint64_t stream, const struct gcs_packet *packet)
{
    struct gcs_fragment piece;
    uint32_t got;

    if (!(packet->flags & GCS_PACKET_FRAGMENT)) {
        int64_t count = gcs_payload_count(packet->payload, packet->payload_size);

        return count > 0 ? (uint32_t)count : 0;
    }
    if (!gcs_fragment_read(packet->payload, packet->payload_size, &piece))
        return 0;
    got = map_get(&world->pieces, stream, packet->first);
    got = (got == MAP_NONE ? 0 : got) + (uint32_t)piece.size;
    map_set(&world->pieces, stream, packet->first, got);
    return got == piece.total;
}

void recorder_packet(struct world *world, const struct node *node, const uint8_t *data, size_t size)
{
    struct gcs_packet packet;
    struct hold hold;
    uint64_t stream;

    if (node->member == NONE ||
        gcs_packet_open(data, size, world->core_config.cluster, &packet) != GCS_PACKET_GOOD ||
        packet.number == 0 || packet.service == 0 || packet.flags & GCS_PACKET_PRIVATE)
        return;
    hold.member = node->member;
    hold.group = group_number(world, packet.lineage);
    hold.sender = sender_of(world, &packet);
    hold.number = packet.first;
    stream = ((uint64_t)packet.epoch << 32 | (uint64_t)packet.rank << 16 | node->member) ^
             packet.lineage;
    if (hold.sender == NONE || map_get(&world->seen, stream, packet.number) != MAP_NONE)
        return;
    map_set(&world->seen, stream, packet.number, 1);
    hold.count = messages_in(world, stream, &packet);
    if (hold.count > 0)
        log_add_hold(&world->result->log, &hold);
}

void recorder_note(struct world *world, struct node *node, enum record_type type)
{
    const char *name = type == RECORD_CRASH ? "crash" : "leaving";
    struct record record;
    char line[512];

    if (node->member == NONE)
        return; /* has never said anything */
    memset(&record, 0, sizeof(record));
    record.type = type;
    record.time = world->now;
    record.member = node->member;
    record.group = group_number(world, node->lineage);
    log_add(&world->result->log, &record);
    if (world->options.trace) {
        size_t length =
            gcs_trace_format_note(name, world->now, &node->id, GROUP_NAME, node->lineage,
                                  gcs_sim_address_format, line, sizeof(line));

        fwrite(line, 1, length < sizeof(line) ? length : sizeof(line), world->options.trace);
    }
}

bool recorder_blocked(const struct world *world)
{
    for (unsigned i = 0; i < world->options.members; i++) {
        if (world->nodes[i].core && world->nodes[i].blocked)
            return true;
    }
    return false;
}

struct node *recorder_node(const struct world *world, uint32_t member)
{
    for (unsigned i = 0; i < world->options.members; i++) {
        if (world->nodes[i].core && world->nodes[i].member == member)
            return &world->nodes[i];
    }
    return NULL;
}
