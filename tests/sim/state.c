/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The application's state: a fingerprint of everything that was handed to it, in
 * order where the group has an order. New members get it by state transfer, padded
 * to any size; in the end all members must have the same.
 */
#include "gcs/base/trace.h"
#include "tests/sim/internal.h"

#include <stdlib.h>
#include <string.h>

enum { STATE_HEAD = 24 };

struct snapshot {
    struct node_state state;
    uint64_t size;
    uint64_t broken_at; /* reading fails from here on */
};

/* The n-th byte of a snapshot: the fingerprint first, then what can be told from it. */
static uint8_t byte_at(const struct node_state *state, uint64_t n)
{
    uint64_t words[3] = {state->ordered, state->unordered, state->count};

    if (n < STATE_HEAD)
        return (uint8_t)(words[n / 8] >> (n % 8 * 8));
    return (uint8_t)((state->ordered + n * 2654435761U) >> 7);
}

static int64_t read_snapshot(void *ctx, uint64_t offset, void *data, size_t size)
{
    const struct snapshot *snapshot = ctx;
    uint8_t *bytes = data;
    size_t got = 0;

    if (offset + size > snapshot->broken_at)
        return GCS_ESYSTEM;
    for (; got < size && offset + got < snapshot->size; got++)
        bytes[got] = byte_at(&snapshot->state, offset + got);
    return (int64_t)got;
}

void state_delivered(struct node *node, const struct gcs_core_event *event)
{
    struct gcs_message message;
    size_t offset = 0;

    while (gcs_core_event_message(event, &offset, &message)) {
        uint64_t hash = gcs_trace_hash(message.data, message.size);

        node->state.count++;
        if (event->service < GCS_AGREED)
            node->state.unordered += hash;
        else
            node->state.ordered = node->state.ordered * 31 + hash;
    }
}

void state_wanted(struct world *world, struct node *node, const struct gcs_core_event *event)
{
    struct snapshot *snapshot;
    struct gcs_state_source source = {.read = read_snapshot, .release = free};
    uint64_t most;
    bool breaks = gcs_prng_below(&node->prng, 40) == 0 && !world->healed;

    world->result->stats.states_given++;
    if (gcs_prng_below(&node->prng, 40) == 0 && !world->healed) {
        (void)gcs_core_state_offer(node->group, event->sender, NULL);
        return;
    }
    snapshot = memory_new(1, sizeof(*snapshot));
    snapshot->state = node->state;
    most = UINT64_C(1) << gcs_prng_below(&node->prng, 19);
    snapshot->size = STATE_HEAD + gcs_prng_below(&node->prng, most + 1);
    snapshot->broken_at = breaks ? snapshot->size / 2 : UINT64_MAX;
    source.ctx = snapshot;
    if (gcs_prng_below(&node->prng, 2))
        source.total = snapshot->size;
    if (gcs_core_state_offer(node->group, event->sender, &source) != 0)
        free(snapshot); /* the joiner is gone already */
}

static void read_head(struct node *node)
{
    uint64_t words[3] = {0, 0, 0};

    for (size_t n = 0; n < STATE_HEAD; n++)
        words[n / 8] |= (uint64_t)node->head[n] << (n % 8 * 8);
    node->coming = (struct node_state){words[0], words[1], words[2]};
}

void state_piece(struct world *world, struct node *node, const struct gcs_core_event *event)
{
    if (event->offset == 0)
        node->got = 0;
    if (event->offset != node->got || (event->total != 0 && event->total < node->got))
        world_fail(world, "state", "n%u gets byte %llu of the state where %llu is next",
                   node->index, (unsigned long long)event->offset, (unsigned long long)node->got);
    for (size_t i = 0; i < event->payload_size; i++) {
        uint64_t n = node->got++;

        if (n < STATE_HEAD)
            node->head[n] = event->payload[i];
        if (n == STATE_HEAD - 1)
            read_head(node);
        if (n >= STATE_HEAD && event->payload[i] != byte_at(&node->coming, n))
            world_fail(world, "state", "n%u gets another byte %llu", node->index,
                       (unsigned long long)n);
    }
}

void state_complete(struct world *world, struct node *node, const struct gcs_core_event *event)
{
    if (recorder_number(world, event->sender) != node->member)
        return; /* somebody else has got it from here */
    if (event->total != node->got)
        world_fail(world, "state", "n%u has %llu of the %llu bytes of the state", node->index,
                   (unsigned long long)node->got, (unsigned long long)event->total);
    node->state = node->coming;
    node->synced = true;
    world->result->stats.states_got++;
}

/* Who has got the state may have to catch up still, so a difference may go away. */
bool state_agrees(struct world *world, const struct node *node, const struct node *model, char *why,
                  size_t size)
{
    world->apart =
        world->group_config.state && memcmp(&node->state, &model->state, sizeof(node->state)) != 0;
    if (world->apart)
        snprintf(why, size, "n%u and n%u have different states: %llu and %llu messages",
                 node->index, model->index, (unsigned long long)node->state.count,
                 (unsigned long long)model->state.count);
    return !world->apart;
}
