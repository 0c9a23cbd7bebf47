/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The simulated network: nodes, packets in flight and timers on one heap.
 * Guarantees that events come out ordered by (time, serial number), so that
 * nothing depends on addresses, hash orders or the machine.
 */
#include "transport/sim_private.h"

#include <stdlib.h>
#include <string.h>

#define UNREACHABLE_EVERY_NS 10000000U

/* ---- The heap ----------------------------------------------------------- */

static bool earlier(const struct entry *a, const struct entry *b)
{
    return a->event.now != b->event.now ? a->event.now < b->event.now : a->serial < b->serial;
}

static void sift_up(struct entry *heap, size_t i)
{
    struct entry moved = heap[i];

    while (i > 0 && earlier(&moved, &heap[(i - 1) / 2])) {
        heap[i] = heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    heap[i] = moved;
}

static void sift_down(struct entry *heap, size_t count)
{
    struct entry moved = heap[0];
    size_t i = 0;

    for (size_t child = 1; child < count; child = 2 * i + 1) {
        if (child + 1 < count && earlier(&heap[child + 1], &heap[child]))
            child++;
        if (!earlier(&heap[child], &moved))
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = moved;
}

/* Puts an event on the heap at event->now, or now if that is past. */
int gcs_sim_insert(struct gcs_sim *sim, const struct gcs_sim_event *event)
{
    if (sim->count == sim->capacity) {
        size_t capacity = sim->capacity ? 2 * sim->capacity : 256;
        struct entry *heap = realloc(sim->heap, capacity * sizeof(*heap));

        if (!heap)
            return GCS_ENOMEM;
        sim->heap = heap;
        sim->capacity = capacity;
    }
    sim->heap[sim->count].event = *event;
    sim->heap[sim->count].serial = sim->serial++;
    if (event->now < sim->now)
        sim->heap[sim->count].event.now = sim->now;
    sift_up(sim->heap, sim->count++);
    return 0;
}

/* ---- Buffers ------------------------------------------------------------ */

static void destroy_buffer(struct gcs_buffer *buffer)
{
    free(buffer->data);
    free(buffer);
}

struct gcs_buffer *gcs_sim_buffer(const uint8_t *data, size_t size)
{
    struct gcs_buffer *buffer = malloc(sizeof(*buffer));
    uint8_t *copy = malloc(size ? size : 1);

    if (!buffer || !copy) {
        free(buffer);
        free(copy);
        return NULL;
    }
    memcpy(copy, data, size);
    *buffer = (struct gcs_buffer){copy, (uint32_t)size, 1, destroy_buffer, NULL};
    return buffer;
}

/* ---- Life --------------------------------------------------------------- */

void gcs_sim_config_init(struct gcs_sim_config *config)
{
    memset(config, 0, sizeof(*config));
    config->size = sizeof(*config);
    config->seed = 1;
    config->latency_ns = 50000;
    config->jitter_ns = 150000;
    config->packet_bytes = 65507;
    config->nodes = 64;
}

struct gcs_sim *gcs_sim_new(const struct gcs_sim_config *config)
{
    struct gcs_sim *sim;

    if (config->size != sizeof(*config) || config->nodes == 0 || config->nodes > GCS_SIM_NODES_MAX)
        return NULL;
    sim = calloc(1, sizeof(*sim));
    if (!sim)
        return NULL;
    sim->config = *config;
    sim->now = config->start_ns;
    sim->nodes = calloc(config->nodes, sizeof(*sim->nodes));
    sim->links = calloc((size_t)config->nodes * config->nodes, sizeof(*sim->links));
    sim->last = calloc((size_t)config->nodes * config->nodes, sizeof(*sim->last));
    gcs_prng_init(&sim->prng, config->seed);
    if (!sim->nodes || !sim->links || !sim->last) {
        gcs_sim_free(sim);
        return NULL;
    }
    return sim;
}

void gcs_sim_free(struct gcs_sim *sim)
{
    if (!sim)
        return;
    for (size_t i = 0; i < sim->count; i++)
        gcs_buffer_unref(sim->heap[i].event.buffer);
    free(sim->heap);
    free(sim->nodes);
    free(sim->links);
    free(sim->last);
    free(sim);
}

uint64_t gcs_sim_now(const struct gcs_sim *sim)
{
    return sim->now;
}

const struct gcs_sim_counters *gcs_sim_counters(const struct gcs_sim *sim)
{
    return &sim->counters;
}

/* ---- Nodes and addresses ------------------------------------------------ */

int gcs_sim_add_node(struct gcs_sim *sim)
{
    if (sim->nodes_count == sim->config.nodes)
        return GCS_ELIMIT;
    sim->nodes[sim->nodes_count].listens = true;
    return (int)sim->nodes_count++;
}

/* Two letters that no other transport uses, and the node's number. */
struct gcs_address gcs_sim_address(unsigned node)
{
    struct gcs_address address = {4, {'s', 'n', 0, 0}};

    address.bytes[2] = (uint8_t)(node >> 8);
    address.bytes[3] = (uint8_t)node;
    return address;
}

static bool is_ours(const struct gcs_address *address)
{
    return address->length == 4 && address->bytes[0] == 's' && address->bytes[1] == 'n';
}

int gcs_sim_node(const struct gcs_sim *sim, const struct gcs_address *address)
{
    unsigned node = (unsigned)address->bytes[2] << 8 | address->bytes[3];

    return is_ours(address) && node < sim->nodes_count ? (int)node : -1;
}

void gcs_sim_address_format(const struct gcs_address *address, char *text, size_t size)
{
    char reversed[8], all[8];
    unsigned node = (unsigned)address->bytes[2] << 8 | address->bytes[3];
    size_t digits = 0, length = 0;

    if (size == 0)
        return;
    if (!is_ours(address)) {
        all[length++] = '?';
    } else {
        do {
            reversed[digits++] = (char)('0' + node % 10);
            node /= 10;
        } while (node > 0);
        all[length++] = 'n';
        while (digits > 0)
            all[length++] = reversed[--digits];
    }
    if (length > size - 1)
        length = size - 1;
    memcpy(text, all, length);
    text[length] = '\0';
}

void gcs_sim_listen(struct gcs_sim *sim, unsigned node, bool listens)
{
    sim->nodes[node].listens = listens;
}

/* ---- Traffic ------------------------------------------------------------ */

void gcs_sim_send(struct gcs_sim *sim, unsigned node, const struct gcs_core_packet *packets,
                  size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < packets[i].to_count; j++) {
            int to = gcs_sim_node(sim, &packets[i].to[j]);

            sim->counters.sent++;
            if (packets[i].size > sim->config.packet_bytes)
                sim->counters.oversized++;
            else if (to < 0)
                sim->counters.unheard++;
            else
                gcs_sim_transmit(sim, node, (unsigned)to, packets[i].data, packets[i].size);
        }
    }
}

int gcs_sim_timer(struct gcs_sim *sim, unsigned node, uint64_t at, uint64_t cookie)
{
    struct gcs_sim_event event = {.type = GCS_SIM_TIMER, .now = at, .node = node};

    event.cookie = cookie;
    return at == GCS_NEVER ? 0 : gcs_sim_insert(sim, &event);
}

/* A packet came to where nobody listens: its sender may hear of that. */
static void refuse(struct gcs_sim *sim, const struct gcs_sim_event *packet)
{
    struct gcs_sim_event notice = {.type = GCS_SIM_UNREACHABLE};
    int sender = gcs_sim_node(sim, &packet->from);

    sim->counters.unheard++;
    if (sender < 0 || sim->now < sim->nodes[sender].next_notice ||
        !gcs_sim_passes(sim, packet->node, (unsigned)sender))
        return;
    sim->nodes[sender].next_notice = sim->now + UNREACHABLE_EVERY_NS;
    notice.node = (unsigned)sender;
    notice.from = gcs_sim_address(packet->node);
    notice.now = sim->now + sim->config.latency_ns;
    if (gcs_sim_insert(sim, &notice))
        sim->counters.no_memory++;
}

bool gcs_sim_next(struct gcs_sim *sim, struct gcs_sim_event *event)
{
    while (sim->count > 0) {
        *event = sim->heap[0].event;
        sim->heap[0] = sim->heap[--sim->count];
        if (sim->count > 0)
            sift_down(sim->heap, sim->count);
        sim->now = event->now;
        if (event->type == GCS_SIM_TIMER || sim->nodes[event->node].listens) {
            sim->counters.delivered += event->type == GCS_SIM_PACKET;
            return true;
        }
        if (event->type == GCS_SIM_PACKET)
            refuse(sim, event);
        gcs_buffer_unref(event->buffer);
    }
    return false;
}
