/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A whole core among hostile neighbours. It founds a group, or founds one and
 * lets a neighbour in, or joins one that a neighbour coordinates, or expects two
 * neighbours to found one with; then it gets
 * packets with any contents whose header and checksum are right, between time,
 * multicasts, deliveries given back, and now and then an honest answer to its
 * ballots. It must not crash, leak, grow without bound, or send what is no packet.
 *
 * Input: a byte for the scenario, then steps: a byte says which, arguments follow.
 */
#include "gcs/wire/membership.h"
#include "gcs/wire/status.h"
#include "tests/unit/mend.h"

#include <assert.h>
#include <gcs/core.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CLUSTER   UINT64_C(0x0123456789abcdef)
#define MS        UINT64_C(1000000)
#define LIVE_MAX  (32u << 20)
#define HELD_MAX  64
#define BODY_MAX  1024u
#define STEPS_MAX 400u

struct neighbour {
    struct gcs_core *core;
    struct gcs_core_group *group;
    struct gcs_core_event held[HELD_MAX]; /* taken, not given back */
    size_t held_count;
    uint64_t now;
    uint64_t number; /* of our next packet in this view */
    /* the last words of its ballot that it said to us */
    uint32_t epoch;
    struct gcs_ballot ballot;
    struct gcs_member_id self; /* what it calls itself when it asks to be let in */
    uint8_t value[BODY_MAX];
    size_t value_size;
};

/* ---- Memory --------------------------------------------------------------------------------- */

static size_t live; /* bytes */

static void *take(void *ctx, size_t size)
{
    (void)ctx;
    size_t *memory = malloc(sizeof(max_align_t) + size);
    if (!memory)
        return NULL;
    *memory = size;
    live += size;
    assert(live < LIVE_MAX);
    return (uint8_t *)memory + sizeof(max_align_t);
}

static void give(void *ctx, void *memory)
{
    (void)ctx;
    if (!memory)
        return;
    size_t *start = (size_t *)(void *)((uint8_t *)memory - sizeof(max_align_t));
    live -= *start;
    free(start);
}

static const struct gcs_allocator allocator = {NULL, take, give};

static void destroy_buffer(struct gcs_buffer *buffer)
{
    give(NULL, buffer->data);
    give(NULL, buffer);
}

/* ---- The wire -----------------------------------------------------------------------------------
 */

static struct gcs_address address(uint8_t n)
{
    return (struct gcs_address){2, {'a', n}};
}

/* Hands over exactly these bytes. */
static void hand(struct neighbour *b, uint8_t from, const uint8_t *data, size_t size)
{
    struct gcs_address address_of = address(from);
    struct gcs_buffer *buffer = take(NULL, sizeof(*buffer));
    *buffer = (struct gcs_buffer){.data = take(NULL, size ? size : 1),
                                  .size = (uint32_t)size,
                                  .refs = 1,
                                  .destroy = destroy_buffer};
    if (size)
        memcpy(buffer->data, data, size);
    gcs_core_receive(b->core, b->now, &address_of, buffer, buffer->data, size);
    gcs_buffer_unref(buffer);
}

/* A header of its group; of its view as that member, unless rank is none. */
static struct gcs_packet header(const struct neighbour *b, uint16_t rank)
{
    struct gcs_packet packet = {.group = gcs_packet_group_tag(CLUSTER, "fuzz"), .rank = rank};
    const struct gcs_view *view = b->group ? gcs_core_view(b->group) : NULL;
    if (view && rank != GCS_RANK_NONE) {
        packet.lineage = view->lineage;
        packet.epoch = view->epoch;
    }
    return packet;
}

static void hand_packet(struct neighbour *b, uint8_t from, struct gcs_packet *packet,
                        const uint8_t *control, const uint8_t *payload)
{
    uint8_t data[GCS_PACKET_HEADER + 3 * BODY_MAX];
    size_t size = GCS_PACKET_HEADER + packet->control_size + packet->payload_size;
    assert(size <= sizeof(data));
    memcpy(data + GCS_PACKET_HEADER, control, packet->control_size);
    if (packet->payload_size)
        memcpy(data + GCS_PACKET_HEADER + packet->control_size, payload, packet->payload_size);
    gcs_packet_seal(data, size, packet, CLUSTER);
    hand(b, from, data, size);
}

static void hand_frame(struct neighbour *b, uint8_t from, struct gcs_packet packet, uint8_t type,
                       const uint8_t *body, size_t size)
{
    uint8_t control[GCS_FRAME_HEADER + 2 * BODY_MAX];
    struct gcs_writer w = gcs_writer_over(control, sizeof(control));
    uint8_t *begin = gcs_frame_begin(&w, (enum gcs_frame_type)type);
    gcs_write_bytes(&w, body, size);
    if (!gcs_frame_end(&w, begin))
        return;
    packet.control_size = gcs_writer_size(&w);
    hand_packet(b, from, &packet, control, NULL);
}

/* What it says to us: remembered for honest answers. */
static void listen(struct neighbour *b, const struct gcs_frame *frame)
{
    struct gcs_join_request request;
    struct gcs_settings settings;
    struct gcs_member_id rival;
    const uint8_t *value;
    size_t size;
    if (frame->type == GCS_FRAME_INVITE || frame->type == GCS_FRAME_PREPARE) {
        bool good = gcs_prepare_read(frame->body, frame->size, &b->epoch, &b->ballot);
        assert(good);
    } else if (frame->type == GCS_FRAME_JOIN || frame->type == GCS_FRAME_LOOK) {
        if (gcs_join_parse(frame->body, frame->size, &request, &settings, &rival))
            b->self = request.member.id;
    } else if (frame->type == GCS_FRAME_PROPOSE && frame->size <= BODY_MAX) {
        if (!gcs_propose_read(frame->body, frame->size, &b->ballot, &value, &size))
            return;
        memcpy(b->value, value, size);
        b->value_size = size;
    }
}

/* What goes out is a packet, whoever it is for. */
static void look_at_packets(struct neighbour *b)
{
    size_t count;
    const struct gcs_core_packet *packets = gcs_core_packets(b->core, &count);
    for (size_t i = 0; i < count; i++) {
        struct gcs_packet packet;
        struct gcs_frame frame;
        enum gcs_packet_fault fault =
            gcs_packet_open(packets[i].data, packets[i].size, CLUSTER, &packet);
        assert(fault == GCS_PACKET_GOOD && packets[i].to_count > 0);
        struct gcs_reader r = gcs_reader_over(packet.control, packet.control_size);
        while (gcs_frame_next(&r, &frame))
            listen(b, &frame);
        assert(!r.bad);
    }
    gcs_core_packets_sent(b->core);
}

/* ---- The application
 * ----------------------------------------------------------------------------- */

static void give_back_one(struct neighbour *b, size_t which)
{
    struct gcs_core_event event = b->held[which];
    b->held_count--;
    memmove(b->held + which, b->held + which + 1, (b->held_count - which) * sizeof(event));
    if (event.type == GCS_EVENT_LEFT)
        b->group = NULL;
    gcs_core_consumed(b->core, &event);
}

/* In order, or the last first. */
static void give_back(struct neighbour *b, size_t count, bool last)
{
    for (; count > 0 && b->held_count > 0; count--)
        give_back_one(b, last ? b->held_count - 1 : 0);
}

static void look_at_event(const struct gcs_core_event *event)
{
    struct gcs_message message;
    size_t offset = 0;
    uint32_t count = 0;
    if (event->type != GCS_EVENT_DELIVER && event->type != GCS_EVENT_PRIVATE)
        return;
    for (; gcs_core_event_message(event, &offset, &message); count++)
        assert(message.size <= event->payload_size);
    assert(count == event->count && count > 0);
}

static void take_events(struct neighbour *b)
{
    struct gcs_core_event event;
    while (gcs_core_next_event(b->core, &event)) {
        look_at_event(&event);
        if (b->held_count == HELD_MAX)
            give_back(b, HELD_MAX / 2, false);
        b->held[b->held_count++] = event;
    }
}

static void advance(struct neighbour *b, uint64_t ns)
{
    b->now += ns;
    for (unsigned spins = 0; gcs_core_deadline(b->core) <= b->now; spins++) {
        assert(spins < 1000);
        gcs_core_advance(b->core, b->now);
        look_at_packets(b);
        take_events(b);
    }
}

/* ---- Steps
 * -------------------------------------------------------------------------------------------- */

static const uint8_t *some(struct gcs_reader *r, size_t *size)
{
    *size = gcs_read_u8(r);
    if (*size & 0x80)
        *size = (*size & 0x7f) * 8;
    if (*size > gcs_reader_left(r))
        *size = gcs_reader_left(r);
    return gcs_read_bytes(r, *size);
}

/* Any bytes as a packet of the right version, of the right group if so wished. */
static void step_bytes(struct neighbour *b, struct gcs_reader *r)
{
    uint8_t data[BODY_MAX];
    size_t size;
    const uint8_t *bytes = some(r, &size);
    if (!bytes || size < GCS_PACKET_HEADER || size > sizeof(data))
        return;
    memcpy(data, bytes, size);
    memcpy(data, "gcs\1", 4);
    if (data[4] & 1)
        mend_store(data + 16, gcs_packet_group_tag(CLUSTER, "fuzz"), 8);
    mend(data, size, CLUSTER);
    hand(b, data[4] >> 6, data, size);
}

static void step_frame(struct neighbour *b, struct gcs_reader *r)
{
    uint8_t how = gcs_read_u8(r), type = gcs_read_u8(r);
    size_t size;
    const uint8_t *body = some(r, &size);
    struct gcs_packet packet = header(b, how & 0x80 ? GCS_RANK_NONE : how & 3);
    packet.base = how & 0x40 ? b->number - 1 : 0;
    packet.epoch += how >> 2 & 1;
    packet.epoch -= how >> 3 & 1;
    if (type == GCS_FRAME_HEARTBEAT)
        packet.group = gcs_packet_group_tag(CLUSTER, "");
    if (body)
        hand_frame(b, how >> 4 & 3, packet, type, body, size);
}

/* A numbered packet: any control frames, any payload. */
static void step_data(struct neighbour *b, struct gcs_reader *r)
{
    uint8_t how = gcs_read_u8(r);
    struct gcs_packet packet = header(b, how & 3);
    packet.service = how >> 2 & 7;
    packet.flags = how >> 5 & 3;
    packet.number = how & 0x80 ? gcs_read_u8(r) : b->number++;
    packet.first = packet.number;
    const uint8_t *control = some(r, &packet.control_size);
    const uint8_t *payload = some(r, &packet.payload_size);
    if (packet.payload_size == 0 || packet.number == 0)
        packet.service = 0;
    if (packet.number == 0)
        packet.payload_size = 0;
    if (control && payload)
        hand_packet(b, how & 3, &packet, control, payload);
}

static void step_status(struct neighbour *b, struct gcs_reader *r)
{
    uint8_t how = gcs_read_u8(r), body[BODY_MAX];
    const struct gcs_view *view = b->group ? gcs_core_view(b->group) : NULL;
    uint64_t held[8] = {0};
    if (!view || view->count > 8)
        return;
    for (uint16_t i = 0; i < view->count; i++)
        held[i] = gcs_read_u8(r);
    struct gcs_status status = {how & 1, how >> 1, view->count, held, held, held};
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    uint8_t *begin = gcs_status_begin(&w, &status);
    gcs_write_varint(&w, gcs_read_u8(r));
    if (begin && gcs_frame_end(&w, begin))
        hand_frame(b, 1, header(b, how >> 7), GCS_FRAME_STATUS, body + GCS_FRAME_HEADER,
                   gcs_writer_size(&w) - GCS_FRAME_HEADER);
}

/* What an honest member says to its ballot: come in, promise, accept. */
static void answer(struct neighbour *b, uint8_t how)
{
    static const struct gcs_settings settings = {
        .order = GCS_ORDER_SEQUENCER, .window_packets = 16, .message_bytes = 65536};
    struct gcs_join_request request = {
        .member = {.id = {address(1), 77}, .receive_bytes = 1 << 16, .weight = 1}};
    const struct gcs_view *view = b->group ? gcs_core_view(b->group) : NULL;
    uint8_t body[BODY_MAX + 64];
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    uint64_t held[8] = {how >> 4, how >> 5, how >> 6};
    struct gcs_promise promise = {.flags = how >> 2 & 1, .ballot = b->ballot, .held = held};
    struct gcs_packet packet = header(b, 1);
    switch (how & 3) {
    case 0: /* to join, or (answering a ballot) to be alive */
        packet = header(b, GCS_RANK_NONE);
        request.epoch = b->epoch;
        request.ballot = b->ballot;
        gcs_join_write(&w, &request, &settings, NULL);
        hand_frame(b, 1, packet, GCS_FRAME_JOIN, body, gcs_writer_size(&w));
        break;
    case 1:
        if (!view || view->count > 8)
            break;
        gcs_promise_write(&w, &promise, view->count);
        hand_frame(b, 1, packet, GCS_FRAME_PROMISE, body, gcs_writer_size(&w));
        break;
    case 2:
        gcs_accept_write(&w, b->ballot);
        hand_frame(b, 1, packet, GCS_FRAME_ACCEPT, body, gcs_writer_size(&w));
        break;
    default: /* its own value, decided or proposed in our name */
        gcs_ballot_write(&w, b->ballot);
        gcs_write_bytes(&w, b->value, b->value_size);
        hand_frame(b, 1, packet, how & 4 ? GCS_FRAME_PROPOSE : GCS_FRAME_INSTALL,
                   how & 4 ? body : b->value, how & 4 ? gcs_writer_size(&w) : b->value_size);
        break;
    }
}

static void multicast(struct neighbour *b, struct gcs_reader *r)
{
    static const uint8_t text[8192];
    uint8_t how = gcs_read_u8(r);
    size_t size = (size_t)gcs_read_u8(r) * (how & 0x80 ? 32 : 1);
    const struct gcs_view *view = b->group ? gcs_core_view(b->group) : NULL;
    if (!b->group)
        return;
    if (how & 0x40 && view)
        (void)gcs_core_send(b->group, b->now, &view->members[how % view->count].id, text, size);
    else
        (void)gcs_core_multicast(b->group, b->now, (enum gcs_service)(how & 7), text, size);
}

static void step(struct neighbour *b, struct gcs_reader *r)
{
    struct gcs_address somebody;
    uint8_t op = gcs_read_u8(r);
    switch (op & 15) {
    case 0:
    case 1:
        advance(b, (uint64_t)(op >> 4) * (op & 1 ? 50 * MS : MS / 2));
        break;
    case 2:
        give_back(b, op >> 4 & 7, op & 0x80);
        break;
    case 3:
        step_bytes(b, r);
        break;
    case 4:
    case 5:
        step_frame(b, r);
        break;
    case 6:
    case 7:
        step_data(b, r);
        break;
    case 8:
        step_status(b, r);
        break;
    case 9:
        answer(b, gcs_read_u8(r));
        break;
    case 10:
    case 11:
        multicast(b, r);
        break;
    case 12:
        somebody = address(op >> 4);
        gcs_core_unreachable(b->core, b->now, &somebody);
        break;
    case 13:
        if (b->group && op == 0xdd)
            (void)gcs_core_leave(b->group, b->now);
        break;
    default:
        b->number = op & 16 ? 1 : b->number + (op >> 5);
        break;
    }
    if (op & 1)
        advance(b, 0);
}

/* ---- Scenarios
 * --------------------------------------------------------------------------------------------- */

/* A neighbour asks to be let in, and is. */
static void let_in(struct neighbour *b)
{
    answer(b, 0);
    for (unsigned i = 0; i < 20 && gcs_core_view(b->group)->count == 1; i++) {
        advance(b, 10 * MS);
        if (b->ballot.counter > 0) /* asked for an echo first, then for the ballot's answer */
            answer(b, 0);
    }
    assert(gcs_core_view(b->group)->count == 2);
}

/* A neighbour founded the group, and lets it in as the second or third member. */
static void be_let_in(struct neighbour *b, uint16_t survivors)
{
    struct gcs_member members[3] = {
        {.id = {address(1), 77}, .receive_bytes = 1 << 16, .weight = 1},
        {.id = {address(2), 78}, .receive_bytes = 1 << 16, .weight = 1}};
    uint64_t cut[2] = {0};
    uint16_t holder[2] = {0};
    uint8_t reason[2] = {GCS_REASON_NONE, GCS_REASON_NONE}, body[512];
    advance(b, 20 * MS);
    assert(b->self.incarnation != 0);
    members[survivors] = (struct gcs_member){.id = b->self, .receive_bytes = 1 << 20, .weight = 1};
    struct gcs_proposal proposal = {
        .epoch = 7,
        .lineage = 99,
        .proposer = 77,
        .members_count = (uint16_t)(survivors + 1),
        .survivors_count = survivors,
        .members = members,
        .closing_count = survivors,
        .cut = cut,
        .holder = holder,
        .reason = reason,
        .settings = {.order = GCS_ORDER_SEQUENCER, .window_packets = 16, .message_bytes = 65536},
    };
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    gcs_proposal_write(&w, &proposal);
    hand_frame(b, 1, header(b, GCS_RANK_NONE), GCS_FRAME_INSTALL, body, gcs_writer_size(&w));
    advance(b, 0);
    assert(gcs_core_view(b->group)->count == survivors + 1);
}

static void set_up(struct neighbour *b, uint8_t scenario)
{
    struct gcs_address seed = address(1);
    struct gcs_core_config config;
    struct gcs_group_config group;
    gcs_core_config_init(&config);
    config.allocator = &allocator;
    config.cluster = CLUSTER;
    config.seed = 5;
    config.address = address(0);
    config.packet_bytes = scenario & 8 ? 512 : 1400;
    gcs_group_config_init(&group);
    group.bootstrap = scenario & 64 ? GCS_EXPECT : scenario & 2 ? GCS_JOIN : GCS_CREATE;
    group.expect = 3;
    group.window_packets = 16;
    group.window_bytes = 8192;
    group.queue_bytes = 8192;
    group.message_bytes = 65536;
    group.region_size = 0; /* one value for all, and views stay small */
    group.seeds = &seed;
    group.seeds_count = 1;
    if (gcs_core_new(&config, &b->core) < 0 ||
        gcs_core_join(b->core, b->now, "fuzz", &group, b, &b->group) < 0)
        abort();
    advance(b, 0);
    if (scenario & 64)
        return; /* looks for two more */
    if (scenario & 2)
        be_let_in(b, scenario & 1 ? 2 : 1);
    else if (scenario & 1)
        let_in(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gcs_reader r = gcs_reader_over(data, size);
    struct neighbour b = {.now = 1000 * MS, .number = 1};
    if (size == 0)
        return 0;
    set_up(&b, gcs_read_u8(&r));
    for (unsigned steps = 0; gcs_reader_left(&r) > 0 && steps < STEPS_MAX; steps++)
        step(&b, &r);
    advance(&b, 0);
    advance(&b, 700 * MS);
    if (data[0] & 16 && b.group)
        (void)gcs_core_leave(b.group, b.now);
    advance(&b, 700 * MS);
    give_back(&b, HELD_MAX, data[0] & 32);
    gcs_core_free(b.core);
    if (live != 0)
        printf("%u bytes are left\n", (unsigned)live);
    assert(live == 0);
    return 0;
}
