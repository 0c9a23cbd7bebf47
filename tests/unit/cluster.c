/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cores driven by hand: see cluster.h. Check notes every assertion, also those that
 * hold: too much for what happens with each packet, which uses ck_abort_msg.
 */
#include "tests/unit/cluster.h"

#include <check.h>

struct gcs_address cluster_address(unsigned i)
{
    return (struct gcs_address){3, {'n', 'o', (uint8_t)i}};
}

const struct gcs_counters *cluster_counters(const struct cluster *c, unsigned i)
{
    return gcs_core_counters(c->nodes[i].core);
}

void cluster_init(struct cluster *c)
{
    *c = (struct cluster){.now = 1000 * MILLISECONDS, .delay = 5 * MILLISECONDS};
    gcs_core_config_init(&c->config);
    gcs_group_config_init(&c->group_config);
    c->group_config.rejoin = false;
    c->config.cluster = CLUSTER_TAG;
}

/* ---- The network ------------------------------------------------------------------------ */

static void destroy_buffer(struct gcs_buffer *buffer)
{
    struct cluster *c = buffer->owner;
    c->buffers--;
    free(buffer->data);
    free(buffer);
}

/* A buffer of exactly these bytes, so that memory checkers see its end. */
static struct gcs_buffer *new_buffer(struct cluster *c, const void *data, size_t size)
{
    struct gcs_buffer *buffer = malloc(sizeof(*buffer));
    *buffer = (struct gcs_buffer){
        .data = malloc(size ? size : 1),
        .size = (uint32_t)size,
        .refs = 1,
        .destroy = destroy_buffer,
        .owner = c,
    };
    if (size)
        memcpy(buffer->data, data, size);
    c->buffers++;
    return buffer;
}

static void enqueue(struct cluster *c, struct cluster_flight flight)
{
    struct cluster_flight **link = &c->first;
    struct cluster_flight *entry = malloc(sizeof(*entry));
    *entry = flight;
    if (c->last && c->last->at <= entry->at)
        link = &c->last->next;
    while (*link && (*link)->at <= entry->at)
        link = &(*link)->next;
    entry->next = *link;
    *link = entry;
    if (!entry->next)
        c->last = entry;
}

static void transmit(struct cluster *c, unsigned from, unsigned to,
                     const struct gcs_core_packet *packet)
{
    struct cluster_flight flight = {
        .at = c->now + CLUSTER_LATENCY, .from = from, .to = to, .serial = c->serial++};
    if (gcs_packet_open(packet->data, packet->size, CLUSTER_TAG, &flight.packet) != GCS_PACKET_GOOD)
        ck_abort_msg("node %u sent a packet that is none", from);
    enum cluster_fate fate = c->fate ? c->fate(c->fate_ctx, &flight) : CLUSTER_PASS;
    if (fate == CLUSTER_LOSE)
        return;
    if (fate == CLUSTER_DELAY)
        flight.at += c->delay;
    for (int copies = fate == CLUSTER_DOUBLE ? 2 : 1; copies > 0; copies--) {
        flight.buffer = new_buffer(c, packet->data, packet->size);
        enqueue(c, flight);
    }
}

static void send_packets(struct cluster *c, unsigned from)
{
    size_t count;
    struct gcs_core *core = c->nodes[from].core;
    const struct gcs_core_packet *packets = gcs_core_packets(core, &count);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < packets[i].to_count; k++)
            if (packets[i].to[k].length == 3 && packets[i].to[k].bytes[2] < c->count)
                transmit(c, from, packets[i].to[k].bytes[2], &packets[i]);
    gcs_core_packets_sent(core);
}

static void deliver_flight(struct cluster *c)
{
    struct cluster_flight *flight = c->first;
    struct cluster_node *node = &c->nodes[flight->to];
    struct gcs_address from = cluster_address(flight->from);
    c->first = flight->next;
    if (!c->first)
        c->last = NULL;
    if (node->core && !node->down)
        gcs_core_receive(node->core, c->now, &from, flight->buffer, flight->buffer->data,
                         flight->buffer->size);
    gcs_buffer_unref(flight->buffer);
    free(flight);
}

uint64_t cluster_in_flight(const struct cluster *c)
{
    uint64_t count = 0;
    for (const struct cluster_flight *flight = c->first; flight; flight = flight->next)
        count++;
    return count;
}

void cluster_inject(struct cluster *c, unsigned i, const struct gcs_address *from, const void *data,
                    size_t size)
{
    struct gcs_buffer *buffer = new_buffer(c, data, size);
    gcs_core_receive(c->nodes[i].core, c->now, from, buffer, buffer->data, size);
    gcs_buffer_unref(buffer);
}

/* ---- What members are told ----------------------------------------------------------------- */

static void note_message(struct cluster_node *node, const struct gcs_core_event *event,
                         uint64_t number, const struct gcs_message *message)
{
    if (node->count == node->capacity) {
        node->capacity = node->capacity ? 2 * node->capacity : 64;
        node->messages = realloc(node->messages, node->capacity * sizeof(*node->messages));
    }
    node->messages[node->count++] = (struct cluster_message){
        .alone = event->type == GCS_EVENT_PRIVATE,
        .sender = event->sender->incarnation,
        .number = number,
        .service = event->service,
        .epoch = node->epoch,
        .size = message->size,
        .data = memcpy(malloc(message->size + 1), message->data, message->size),
    };
}

static void note_delivery(struct cluster_node *node, const struct gcs_core_event *event)
{
    struct gcs_message message;
    size_t offset = 0;
    uint64_t number = event->number;
    while (gcs_core_event_message(event, &offset, &message))
        note_message(node, event, number++, &message);
    if (event->count == 0 || number - event->number != event->count)
        ck_abort_msg("a delivery of %u messages says that it has %u",
                     (unsigned)(number - event->number), event->count);
}

static void note_view(struct cluster_node *node, const struct gcs_view_change *change)
{
    node->primary = change->primary;
    if (!change->primary) {
        node->blocked++;
        node->why = change->error;
        ck_assert_int_lt(node->why, 0);
        return;
    }
    ck_assert_int_eq(change->error, 0);
    node->views++;
    node->epoch = change->view.epoch;
    node->members = change->view.count;
    node->rank = change->view.self;
    node->joined_count = change->joined_count;
    node->survivors_count = change->survivors_count;
    node->left_count = change->left_count;
    for (uint16_t i = 0; i < change->left_count && i < CLUSTER_MAX; i++)
        node->reasons[i] = change->left[i].reason;
}

static void give_back(struct cluster_node *node, const struct gcs_core_event *event)
{
    if (event->type == GCS_EVENT_LEFT)
        node->group = NULL;
    gcs_core_consumed(node->core, event);
}

static void note_event(struct cluster_node *node, const struct gcs_core_event *event)
{
    if (event->user != node)
        ck_abort_msg("somebody else's event");
    if (node->cluster->watch)
        node->cluster->watch(node, event);
    switch (event->type) {
    case GCS_EVENT_DELIVER:
        note_delivery(node, event);
        break;
    case GCS_EVENT_PRIVATE:
        node->privates += event->count;
        if (node->keep_privates)
            note_delivery(node, event);
        break;
    case GCS_EVENT_VIEW:
        note_view(node, event->change);
        break;
    case GCS_EVENT_WRITABLE:
        node->writable++;
        break;
    case GCS_EVENT_LEFT:
        node->left++;
        node->primary = false;
        node->error = event->error;
        break;
    case GCS_EVENT_STATE_WANTED:
    case GCS_EVENT_STATE:
    case GCS_EVENT_SLOW:
        node->slow++;
        break;
    case GCS_EVENT_STATE_END:
    case GCS_EVENT_STABLE:
        break;
    }
    if (!node->hold) {
        give_back(node, event);
        return;
    }
    if (node->held_count == node->held_capacity) {
        node->held_capacity = node->held_capacity ? 2 * node->held_capacity : 64;
        node->held = realloc(node->held, node->held_capacity * sizeof(*node->held));
    }
    node->held[node->held_count++] = *event;
}

static void take_events(struct cluster *c, unsigned i)
{
    struct gcs_core_event event;
    while (gcs_core_next_event(c->nodes[i].core, &event))
        note_event(&c->nodes[i], &event);
}

void cluster_give_back(struct cluster *c, unsigned i)
{
    struct cluster_node *node = &c->nodes[i];
    node->hold = false;
    for (size_t k = 0; k < node->held_count; k++)
        give_back(node, &node->held[k]);
    node->held_count = 0;
}

/* ---- Time ------------------------------------------------------------------------------------ */

void cluster_round(struct cluster *c, unsigned i)
{
    gcs_core_advance(c->nodes[i].core, c->now);
    send_packets(c, i);
    take_events(c, i);
    c->rounds++;
}

static bool is_running(const struct cluster_node *node)
{
    return node->core && !node->down;
}

/* Everything that is due now. A core that is never done would keep us here. */
static void run_now(struct cluster *c)
{
    unsigned spins = 0;
    for (bool busy = true; busy; spins++) {
        if (spins == 10000)
            ck_abort_msg("at %u ms a core asks to be called again and again",
                         (unsigned)(c->now / MILLISECONDS - 1000));
        busy = false;
        while (c->first && c->first->at <= c->now) {
            deliver_flight(c);
            busy = true;
        }
        for (unsigned i = 0; i < c->count; i++) {
            if (!is_running(&c->nodes[i]) || gcs_core_deadline(c->nodes[i].core) > c->now)
                continue;
            cluster_round(c, i);
            busy = true;
        }
    }
}

static uint64_t next_time(const struct cluster *c)
{
    uint64_t next = c->first ? c->first->at : GCS_NEVER;
    for (unsigned i = 0; i < c->count; i++) {
        uint64_t due = is_running(&c->nodes[i]) ? gcs_core_deadline(c->nodes[i].core) : GCS_NEVER;
        if (due < next)
            next = due;
    }
    return next < c->now ? c->now : next;
}

static bool never(const struct cluster *c)
{
    (void)c;
    return false;
}

bool cluster_until(struct cluster *c, bool (*so)(const struct cluster *c), uint64_t ns)
{
    uint64_t end = c->now + ns;
    for (;;) {
        run_now(c);
        if (so(c))
            return true;
        uint64_t next = next_time(c);
        if (next > end) {
            c->now = end;
            return false;
        }
        c->now = next;
    }
}

void cluster_run(struct cluster *c, uint64_t ns)
{
    cluster_until(c, never, ns);
}

/* ---- Life
 * ---------------------------------------------------------------------------------------- */

int cluster_open(struct cluster *c, unsigned i)
{
    struct cluster_node *node = &c->nodes[i];
    struct gcs_core_config config = c->config;
    if (i >= c->count)
        c->count = i + 1;
    node->cluster = c;
    if (!node->memory.allocator.allocate)
        scarce_init(&node->memory);
    config.allocator = &node->memory.allocator;
    config.address = cluster_address(i);
    config.seed = c->now * 5 + i + 1;
    return gcs_core_new(&config, &node->core);
}

int cluster_join(struct cluster *c, unsigned i)
{
    struct gcs_address seeds[CLUSTER_MAX];
    struct gcs_group_config config = c->group_config;
    struct cluster_node *node = &c->nodes[i];
    for (unsigned k = 0; k < i; k++)
        seeds[k] = cluster_address(k);
    if (config.bootstrap == GCS_LOOK)
        config.bootstrap = i == 0 ? GCS_CREATE : GCS_JOIN;
    config.seeds = seeds;
    config.seeds_count = i;
    return gcs_core_join(node->core, c->now, CLUSTER_GROUP, &config, node, &node->group);
}

static unsigned wanted;

static bool is_wanted_view(const struct cluster *c)
{
    return cluster_is_view(c, wanted);
}

void cluster_start(struct cluster *c, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        wanted = i + 1;
        if (cluster_open(c, i) < 0 || cluster_join(c, i) < 0 ||
            !cluster_until(c, is_wanted_view, 2000 * MILLISECONDS))
            ck_abort_msg("no view of %u", wanted);
    }
    cluster_run(c, 2000 * MILLISECONDS); /* confirmed, released, at rest */
}

static void stop_node(struct cluster *c, unsigned i)
{
    struct cluster_node *node = &c->nodes[i];
    if (node->core) {
        cluster_give_back(c, i);
        gcs_core_free(node->core);
    }
    if (node->memory.live > 0)
        ck_abort_msg("node %u left %u pieces of memory", i, (unsigned)node->memory.live);
    for (size_t k = 0; k < node->count; k++)
        free(node->messages[k].data);
    free(node->messages);
    free(node->held);
}

void cluster_stop(struct cluster *c)
{
    while (c->first) {
        struct cluster_flight *flight = c->first;
        c->first = flight->next;
        gcs_buffer_unref(flight->buffer);
        free(flight);
    }
    for (unsigned i = 0; i < c->count; i++)
        stop_node(c, i);
    if (c->buffers > 0)
        ck_abort_msg("%u buffers are left", (unsigned)c->buffers);
}

/* ---- Saying and hearing -------------------------------------------------------------------------
 */

int cluster_multicast(struct cluster *c, unsigned i, enum gcs_service service, const void *data,
                      size_t size)
{
    return gcs_core_multicast(c->nodes[i].group, c->now, service, data, size);
}

int cluster_say(struct cluster *c, unsigned i, enum gcs_service service, uint32_t n, size_t size)
{
    uint8_t *data = malloc(size);
    memset(data, (int)(n + i), size);
    memcpy(data, (const uint32_t[]){i, n}, size < 8 ? size : 8);
    int result = cluster_multicast(c, i, service, data, size);
    free(data);
    return result;
}

static bool same_message(const struct cluster_message *a, const struct cluster_message *b)
{
    return a->sender == b->sender && a->number == b->number && a->service == b->service &&
           a->epoch == b->epoch && a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

bool cluster_agrees(const struct cluster *c)
{
    const struct cluster_node *first = NULL;
    for (unsigned i = 0; i < c->count; i++) {
        const struct cluster_node *node = &c->nodes[i];
        if (!is_running(node))
            continue;
        if (first && first->count != node->count)
            return false;
        for (size_t k = 0; first && k < first->count; k++)
            if (!same_message(&first->messages[k], &node->messages[k]))
                return false;
        first = node;
    }
    return true;
}

bool cluster_is_view(const struct cluster *c, unsigned members)
{
    uint32_t epoch = 0;
    for (unsigned i = 0; i < c->count; i++) {
        const struct cluster_node *node = &c->nodes[i];
        if (!is_running(node) || !node->group)
            continue;
        if (node->members != members || (epoch != 0 && node->epoch != epoch))
            return false;
        epoch = node->epoch;
    }
    return epoch != 0;
}
