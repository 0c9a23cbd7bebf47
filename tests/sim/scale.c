/* SPDX-License-Identifier: BSD-3-Clause */
/* Large groups under a steady load: see scale.h. */
#include "tests/sim/scale.h"

#include "gcs/group.h"

#include <stdlib.h>
#include <string.h>

#define MS           1000000ULL
#define GROUP        "scale"
#define LOSS_PPM     10000
#define LOST_EVERY   50
#define MESSAGE      1000
#define GAP_NS       250000 /* between data packets, all senders together */
#define SETTLE_NS    (200 * MS)
#define PATIENCE_NS  (20000 * MS)
#define ROUND_NS     10000
#define HEARTBEAT_NS (1000 * MS)
#define SUSPECT_NS   (1000000 * MS)
#define NUMBER_AT    40 /* of a packet's number in its header: wire/packet.h */
#define RANK_AT      36
#define ORDER_ROOM   (128 * 1024) /* packets that carry order alone, in one window */

enum { TIMER_WAKE = 1, TIMER_SUBMIT = 2 };

struct member {
    struct scale *scale;
    unsigned index;
    struct gcs_core *core;
    struct gcs_core_group *group;
    struct gcs_allocator allocator;
    size_t allocated, allocated_most;
    uint64_t wake_at, generation;
    struct gcs_sim_event *inbox;
    size_t count, capacity;
    uint64_t delivered;
    uint64_t control, held_most;
    const uint8_t *last_data; /* of the last data packet that it sent, and copies of that so far */
    uint64_t copies, copies_at;
    bool stuck;
    struct gcs_core_event *kept;
    size_t kept_count, kept_capacity;
    /* as a sender */
    uint64_t *sent_at; /* per number */
    uint64_t sent, stable;
};

struct scale {
    const struct scale_options *options;
    struct scale_result *result;
    struct gcs_sim *sim;
    struct member *members;
    struct gcs_prng prng;
    uint64_t now;
    unsigned submitted;
    double stable_sum;
    uint64_t stable_count;
    bool loaded, failed;
};

void scale_options_init(struct scale_options *options)
{
    *options = (struct scale_options){.seed = 1,
                                      .members = 64,
                                      .region_size = 16,
                                      .packets = 1000,
                                      .senders = 4,
                                      .multicast = true};
}

/* ---- Memory ------------------------------------------------------------------------------ */

static void *allocate(void *ctx, size_t size)
{
    struct member *m = ctx;
    size_t *memory = malloc(size + 16);

    if (!memory)
        return NULL;
    *memory = size;
    m->allocated += size;
    if (m->allocated > m->allocated_most)
        m->allocated_most = m->allocated;
    return memory + 2;
}

static void release(void *ctx, void *memory)
{
    struct member *m = ctx;
    size_t *begin = memory;

    if (!memory)
        return;
    m->allocated -= begin[-2];
    free(begin - 2);
}

static bool grow(void **array, size_t count, size_t *capacity, size_t size)
{
    void *more;

    if (count < *capacity)
        return true;
    *capacity = *capacity ? 2 * *capacity : 16;
    more = realloc(*array, *capacity * size);
    if (more)
        *array = more;
    return more != NULL;
}

/* ---- The group comes to be ----------------------------------------------------------------- */

static bool start(struct scale *scale, unsigned index)
{
    struct member *m = &scale->members[index];
    struct gcs_core_config config;
    struct gcs_group_config group;

    *m = (struct member){.scale = scale, .index = index, .wake_at = GCS_NEVER};
    m->allocator = (struct gcs_allocator){m, allocate, release};
    m->stuck = scale->options->loss == SCALE_STUCK && index == scale->options->members - 1;
    gcs_core_config_init(&config);
    config.allocator = &m->allocator;
    config.seed = gcs_prng_next(&scale->prng);
    config.address = gcs_sim_address(index);
    config.multicast = scale->options->multicast;
    config.heartbeat_ns = HEARTBEAT_NS;
    config.suspect_ns = SUSPECT_NS;
    gcs_group_config_init(&group);
    group.bootstrap = GCS_JOIN;
    group.region_size = scale->options->region_size;
    if (gcs_sim_add_node(scale->sim) < 0 || gcs_core_new(&config, &m->core) < 0)
        return false;
    return gcs_core_join(m->core, scale->now, GROUP, &group, m, &m->group) == 0;
}

static void free_decision(struct gcs_buffer *buffer)
{
    free(buffer->data);
    free(buffer);
}

static struct gcs_buffer *buffer_of(uint8_t *data, size_t size)
{
    struct gcs_buffer *buffer = malloc(sizeof(*buffer));

    if (buffer)
        *buffer = (struct gcs_buffer){data, (uint32_t)size, 1, free_decision, NULL};
    return buffer;
}

/* The decision that founds the group, as a packet for everybody. */
static struct gcs_buffer *decision(struct scale *scale)
{
    unsigned count = scale->options->members;
    struct gcs_member *members = calloc(count, sizeof(*members));
    uint8_t *data = calloc(1, UINT16_MAX + GCS_PACKET_HEADER);
    struct gcs_buffer *buffer = NULL;
    struct gcs_writer w = gcs_writer_over(data + GCS_PACKET_HEADER, UINT16_MAX);
    struct gcs_proposal value = {
        .epoch = 1, .lineage = gcs_lineage_new(77), .members_count = (uint16_t)count};

    if (members && data) {
        for (unsigned i = 0; i < count; i++)
            members[i] = scale->members[i].group->self;
        value.members = members;
        value.proposer = members[0].id.incarnation;
        value.settings = gcs_group_settings(scale->members[0].group);
        uint8_t *begin = gcs_frame_begin(&w, GCS_FRAME_INSTALL);
        gcs_proposal_write(&w, &value);
        if (gcs_frame_end(&w, begin)) {
            struct gcs_packet packet = {.group = scale->members[0].group->tag,
                                        .lineage = value.lineage,
                                        .epoch = 1,
                                        .rank = GCS_RANK_NONE,
                                        .control_size = gcs_writer_size(&w)};
            gcs_packet_seal(data, GCS_PACKET_HEADER + packet.control_size, &packet, 0);
            buffer = buffer_of(data, GCS_PACKET_HEADER + packet.control_size);
        }
    }
    free(members);
    if (!buffer)
        free(data);
    return buffer;
}

static void wake_at(struct scale *scale, struct member *m, uint64_t at)
{
    if (at == GCS_NEVER)
        return;
    if (at < scale->now + ROUND_NS)
        at = scale->now + ROUND_NS;
    if (at >= m->wake_at)
        return;
    m->wake_at = at;
    m->generation++;
    gcs_sim_timer(scale->sim, m->index, at, m->generation << 2 | TIMER_WAKE);
}

static bool found(struct scale *scale)
{
    struct gcs_buffer *buffer = decision(scale);
    struct gcs_address from = gcs_sim_address(0);

    for (unsigned i = 0; buffer && i < scale->options->members; i++) {
        struct member *m = &scale->members[i];
        gcs_core_receive(m->core, scale->now, &from, buffer, buffer->data, buffer->size);
        if (m->group->state != GCS_GROUP_MEMBER)
            return false;
        wake_at(scale, m, scale->now);
    }
    gcs_buffer_unref(buffer);
    return buffer != NULL;
}

/* ---- The network --------------------------------------------------------------------------- */

static void set_loss(struct scale *scale, uint32_t ppm)
{
    unsigned count = scale->options->members;

    for (unsigned i = 0; i < count * count; i++)
        gcs_sim_link(scale->sim, i / count, i % count)->loss_ppm = ppm;
}

static bool is_heartbeat(const struct gcs_core_packet *packet)
{
    return packet->data[GCS_PACKET_HEADER] == GCS_FRAME_HEARTBEAT &&
           gcs_load_le(packet->data + NUMBER_AT, 8) == 0;
}

/* Heartbeats between all pairs would be most of the work; those within a region measure the
 * round trip, and the others would only say that nobody is dead. */
static bool is_idle_talk(const struct scale *scale, const struct member *m,
                         const struct gcs_core_packet *packet)
{
    int to = gcs_sim_node(scale->sim, &packet->to[0]);
    unsigned size = scale->options->region_size;

    return is_heartbeat(packet) && (unsigned)to / size != m->index / size &&
           (unsigned)(to + 1) / size != m->index / size;
}

/* Copies of one packet leave one after the other, at one time; later ones are repairs. */
static void note_copies(struct scale *scale, struct member *m, const struct gcs_core_packet *packet,
                        bool own)
{
    struct scale_result *result = scale->result;
    uint64_t copies = scale->options->multicast && packet->multicast ? 1 : packet->to_count;

    m->copies =
        packet->data == m->last_data && scale->now == m->copies_at ? m->copies + copies : copies;
    m->last_data = packet->data;
    m->copies_at = scale->now;
    if (own && m->copies > result->copies_most)
        result->copies_most = m->copies;
    if (m->copies > result->copies_inner)
        result->copies_inner = m->copies;
}

/* A data packet on its way. True: it reaches nobody. */
static bool note_data(struct scale *scale, struct member *m, const struct gcs_core_packet *packet)
{
    uint64_t number = gcs_load_le(packet->data + NUMBER_AT, 8);
    bool own = gcs_load_le(packet->data + RANK_AT, 2) == m->index;

    if (number == 0)
        return false;
    note_copies(scale, m, packet, own);
    if (!own || number <= m->sent) { /* again, or for others */
        scale->result->repair_sends += packet->to_count > 1;
        return false;
    }
    m->sent = number;
    if (!m->sent_at) /* order alone */
        return false;
    m->sent_at[number] = scale->now;
    scale->result->data++;
    if (scale->options->loss != SCALE_ALL || scale->result->data % LOST_EVERY != 0)
        return false;
    scale->result->lost++;
    return true;
}

static void transmit(struct scale *scale, struct member *m)
{
    size_t count;
    const struct gcs_core_packet *packets = gcs_core_packets(m->core, &count);

    for (size_t i = 0; i < count; i++)
        if (!is_idle_talk(scale, m, &packets[i]) && !note_data(scale, m, &packets[i]))
            gcs_sim_send(scale->sim, m->index, &packets[i], 1);
    m->last_data = NULL;
    gcs_core_packets_sent(m->core);
}

/* ---- A member's round ---------------------------------------------------------------------- */

static void note_stable(struct scale *scale, struct member *m)
{
    uint64_t base = m->group->era->base;

    for (; m->stable < base && m->stable < m->sent; m->stable++) {
        scale->stable_sum += (double)(scale->now - m->sent_at[m->stable + 1]);
        scale->stable_count++;
    }
}

static void note_held(struct member *m)
{
    const struct gcs_era *era = m->group->era;
    uint64_t held = 0;

    for (uint16_t rank = 0; rank < era->view.count; rank++)
        held += era->fellows[rank].window.bytes;
    if (held > m->held_most)
        m->held_most = held;
}

static void receive(struct scale *scale, struct member *m)
{
    for (size_t i = 0; i < m->count; i++) {
        struct gcs_sim_event *event = &m->inbox[i];
        struct gcs_core_packet packet = {.data = event->data, .size = event->size};

        if (is_heartbeat(&packet))
            scale->result->heartbeats++;
        else if (gcs_load_le(event->data + NUMBER_AT, 8) == 0)
            m->control += scale->loaded;
        gcs_core_receive(m->core, scale->now, &event->from, event->buffer, event->data,
                         event->size);
        gcs_buffer_unref(event->buffer);
    }
    m->count = 0;
}

static void take(struct scale *scale, struct member *m)
{
    struct gcs_core_event event;

    while (gcs_core_next_event(m->core, &event)) {
        m->delivered += event.type == GCS_EVENT_DELIVER ? event.count : 0;
        if (!m->stuck || event.type != GCS_EVENT_DELIVER) {
            gcs_core_consumed(m->core, &event);
        } else if (grow((void **)&m->kept, m->kept_count, &m->kept_capacity, sizeof(*m->kept))) {
            m->kept[m->kept_count++] = event;
        } else {
            scale->failed = true;
        }
    }
}

static void wake(struct scale *scale, struct member *m)
{
    m->wake_at = GCS_NEVER;
    receive(scale, m);
    gcs_core_advance(m->core, scale->now);
    transmit(scale, m);
    take(scale, m);
    if (m->sent_at)
        note_stable(scale, m);
    if (m->stuck || m->sent_at)
        note_held(m);
    wake_at(scale, m, gcs_core_deadline(m->core));
}

/* ---- The load ------------------------------------------------------------------------------ */

static struct member *sender(struct scale *scale, unsigned which)
{
    unsigned members = scale->options->members, senders = scale->options->senders;

    return &scale->members[which * members / senders + which % (members / senders)];
}

/* Who is stuck stops the others in the end: they are asked for more than their windows hold. */
static void submit(struct scale *scale)
{
    static const uint8_t message[MESSAGE];
    struct member *m = sender(scale, scale->submitted % scale->options->senders);
    int result = gcs_core_multicast(m->group, scale->now, GCS_AGREED, message, sizeof(message));

    scale->submitted += result == 0;
    if (result < 0 && result != GCS_EAGAIN)
        scale->failed = true;
    wake_at(scale, m, scale->now);
    if (scale->submitted < scale->options->packets)
        gcs_sim_timer(scale->sim, 0, scale->now + GAP_NS, TIMER_SUBMIT);
}

static bool is_done(const struct scale *scale)
{
    if (scale->submitted < scale->options->packets)
        return false;
    for (unsigned i = 0; i < scale->options->members; i++) {
        const struct member *m = &scale->members[i];
        if (m->delivered < scale->submitted)
            return false;
        if (m->sent_at && m->group->era->base < m->group->era->sent)
            return false;
    }
    return true;
}

static void run(struct scale *scale, uint64_t until)
{
    struct gcs_sim_event event;
    uint64_t looked = scale->now;

    while (!scale->failed && scale->now < until && gcs_sim_next(scale->sim, &event)) {
        struct member *m = &scale->members[event.node];

        scale->now = event.now;
        if (event.type == GCS_SIM_PACKET) {
            if (!grow((void **)&m->inbox, m->count, &m->capacity, sizeof(*m->inbox)))
                scale->failed = true;
            else
                m->inbox[m->count++] = event;
            wake_at(scale, m, scale->now);
        } else if (event.cookie == TIMER_SUBMIT) {
            submit(scale);
        } else if (event.type == GCS_SIM_TIMER && event.cookie >> 2 == m->generation) {
            wake(scale, m);
        }
        if (scale->loaded && scale->now >= looked + MS) {
            looked = scale->now;
            if (is_done(scale))
                return;
        }
    }
}

static void load(struct scale *scale)
{
    struct scale_result *result = scale->result;
    uint64_t lost = gcs_sim_counters(scale->sim)->lost;

    for (unsigned i = 0; i < scale->options->senders; i++) {
        struct member *m = sender(scale, i);
        m->sent_at = calloc(scale->options->packets + 4096, sizeof(*m->sent_at));
        scale->failed |= !m->sent_at;
    }
    scale->loaded = true;
    result->data = result->lost = result->repair_sends = 0;
    set_loss(scale, scale->options->loss == SCALE_EACH ? LOSS_PPM : 0);
    gcs_sim_timer(scale->sim, 0, scale->now, TIMER_SUBMIT);
    run(scale, scale->now + (scale->options->loss == SCALE_STUCK ? SETTLE_NS * 10 : PATIENCE_NS));
    if (scale->options->loss == SCALE_EACH)
        result->lost = gcs_sim_counters(scale->sim)->lost - lost;
}

/* ---- The result ---------------------------------------------------------------------------- */

static void conclude(struct scale *scale)
{
    struct scale_result *result = scale->result;
    const struct gcs_era *era = scale->members[0].group->era;

    result->complete = is_done(scale);
    result->stable_ms =
        scale->stable_count ? scale->stable_sum / (double)scale->stable_count / (double)MS : 0;
    result->regions = era->tree ? era->tree->regions.count : 1;
    result->fan_out = era->tree ? era->tree->regions.fan_out : 0;
    result->depth = era->tree ? gcs_regions_depth(&era->tree->regions) : 1;
    for (unsigned i = 0; i < scale->options->senders; i++)
        result->held_bound += sender(scale, i)->group->era->window_bytes + ORDER_ROOM;
    for (unsigned i = 0; i < scale->options->members; i++) {
        const struct member *m = &scale->members[i];
        const struct gcs_counters *counters = gcs_core_counters(m->core);

        result->nacks += counters->nacks_sent;
        result->nacks_at_source += counters->nacks_to_source;
        result->repairs += counters->repairs_received;
        result->repairs_near += counters->repairs_near;
        result->control_sum += m->control;
        if (m->control > result->control_most)
            result->control_most = m->control;
        if (m->held_most > result->held_most)
            result->held_most = m->held_most;
        if (m->allocated_most > result->memory_most)
            result->memory_most = m->allocated_most;
    }
}

static void end(struct scale *scale)
{
    for (unsigned i = 0; scale->members && i < scale->options->members; i++) {
        struct member *m = &scale->members[i];

        for (size_t k = 0; k < m->kept_count; k++)
            gcs_core_consumed(m->core, &m->kept[k]);
        for (size_t k = 0; k < m->count; k++)
            gcs_buffer_unref(m->inbox[k].buffer);
        gcs_core_free(m->core);
        free(m->inbox);
        free(m->kept);
        free(m->sent_at);
    }
    free(scale->members);
    gcs_sim_free(scale->sim);
}

bool scale_run(const struct scale_options *options, struct scale_result *result)
{
    struct scale scale = {.options = options, .result = result, .now = 1000 * MS};
    struct gcs_sim_config config;

    memset(result, 0, sizeof(*result));
    gcs_sim_config_init(&config);
    config.seed = options->seed;
    config.start_ns = scale.now;
    config.nodes = options->members;
    gcs_prng_init(&scale.prng, options->seed);
    scale.sim = gcs_sim_new(&config);
    scale.members = calloc(options->members, sizeof(*scale.members));
    scale.failed = !scale.sim || !scale.members;
    for (unsigned i = 0; i < options->members && !scale.failed; i++)
        scale.failed = !start(&scale, i);
    if (!scale.failed)
        scale.failed = !found(&scale);
    if (!scale.failed)
        run(&scale, scale.now + SETTLE_NS);
    if (!scale.failed)
        load(&scale);
    if (!scale.failed)
        conclude(&scale);
    end(&scale);
    return !scale.failed;
}
