/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is multicast. Guarantees that no two messages have the same contents,
 * and that a message is handed to one core at a time until one has sent it, and
 * then never again: so a message that is sent twice, or although it was refused
 * or given up, is found out.
 */
#include "gcs/base/trace.h"
#include "tests/sim/internal.h"

#include <stdlib.h>
#include <string.h>

/* Where there are long messages one in so many is. */
#define LONG_EVERY 24

/* So many wait in a member that cannot send; so many were sent and did not come back. */
#define STUCK_QUEUED 5
#define STUCK_SENT   20

/* Contents are a function of the run's seed and the message's number. */
static void fill(const struct world *world, uint32_t index, uint8_t *data, size_t size)
{
    uint64_t state = world->options.seed ^ ((uint64_t)index << 32), word = 0;

    memcpy(data, &index, sizeof(index));
    for (size_t i = sizeof(index); i < size; i++) {
        if (i % 8 == 4)
            word = gcs_prng_split(&state);
        data[i] = (uint8_t)(word >> 8 * (i % 8));
    }
}

static bool is_long(const struct world *world, size_t index)
{
    return world->longs && index % LONG_EVERY == LONG_EVERY / 2;
}

static uint32_t pick_size(struct world *world, uint32_t index)
{
    uint32_t most = world->group_config.message_bytes;
    uint64_t kind = gcs_prng_below(&world->prng, 100);
    uint64_t high = kind < 75   ? 200
                    : kind < 93 ? world->packet_bytes
                                : 6 * (uint64_t)world->packet_bytes;
    uint64_t size = gcs_prng_between(&world->prng, sizeof(uint32_t), high);

    if (is_long(world, index))
        size = most / 4 + size * 7919 % (most - most / 4);
    return size < most ? (uint32_t)size : most;
}

static enum gcs_service pick_service(struct world *world)
{
    static const enum gcs_service services[] = {GCS_FIFO, GCS_AGREED, GCS_SAFE,
                                                0,        GCS_CAUSAL, GCS_UNORDERED};
    /* Mixed: a third each of agreed, safe, and all those that are in no total order. */
    static const enum gcs_service others[] = {GCS_FIFO, GCS_CAUSAL, GCS_UNORDERED};

    if (world->options.service != WORLD_MIXED)
        return services[world->options.service];
    uint64_t third = gcs_prng_below(&world->prng, 3);
    return third > 0 ? services[third] : others[world->planned_count % 3];
}

static uint32_t plan_one(struct world *world, uint64_t at)
{
    uint32_t index = (uint32_t)world->planned_count;
    struct planned *planned;

    world->planned = memory_grow(world->planned, world->planned_count, &world->planned_capacity,
                                 sizeof(*world->planned));
    planned = &world->planned[world->planned_count++];
    memset(planned, 0, sizeof(*planned));
    planned->at = at;
    planned->size = pick_size(world, index);
    planned->service = pick_service(world);
    fill(world, index, world->scratch, planned->size);
    planned->hash = gcs_trace_hash(world->scratch, planned->size);
    map_set(&world->planned_by_hash, planned->hash, 0, index);
    world->result->stats.large += planned->size > world->packet_bytes;
    return index;
}

/* Spread over most of the safety phase; some of it in bursts. */
void workload_plan(struct world *world)
{
    uint64_t at = 0, long_at = 0;
    unsigned burst = 0, longs = 0;

    for (unsigned i = 0; i < world->options.messages; i++) {
        uint32_t index;

        if (burst > 0) {
            burst--;
        } else {
            at = gcs_prng_below(&world->prng, world->safety_ns * 9 / 10);
            if (gcs_prng_below(&world->prng, 10) == 0)
                burst = (unsigned)gcs_prng_below(&world->prng, 40);
        }
        uint64_t when = at;
        if (is_long(world, world->planned_count) && longs++ % 3 > 0)
            when = long_at + 1; /* beside the one before, by another member */
        if (is_long(world, world->planned_count))
            long_at = when;
        index = plan_one(world, world->now + when);
        world_after(world, when, TIMER_SUBMIT, 0, index);
    }
    world->result->stats.planned += world->options.messages;
}

static bool can_take(const struct node *node)
{
    return node->core && node->group && !node->leaving;
}

/* Nobody goes on handing messages to a member that gets none through: it may lose them all. */
static bool is_stuck(const struct node *node)
{
    return ((node->blocked || !node->joined) && node->accepted.count >= STUCK_QUEUED) ||
           node->own_missing >= STUCK_SENT;
}

/* Prefers members that are in the primary; bursts stay together by the planned time. */
static struct node *pick_node(struct world *world, const struct planned *planned)
{
    unsigned count = world->options.members;
    uint64_t choice = planned->at * 0x9e3779b97f4a7c15U >> 33;
    bool choosy = gcs_prng_below(&world->prng, 8) != 0;

    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < count; i++) {
            struct node *node = &world->nodes[(choice + i) % count];

            if (can_take(node) && !is_stuck(node) && (pass == 1 || !choosy || node_in_group(node)))
                return node;
        }
    }
    return NULL;
}

static void retry(struct world *world, uint32_t index)
{
    world->planned[index].at = world->now + 20 * MS + gcs_prng_below(&world->prng, 30 * MS);
    world_after(world, world->planned[index].at - world->now, TIMER_SUBMIT, 0, index);
}

void workload_submit(struct world *world, uint32_t index)
{
    struct node *node = pick_node(world, &world->planned[index]);

    if (!node) {
        retry(world, index);
        return;
    }
    list_add(&node->pending, index);
    node_wake_at(world, node, world->now);
}

void workload_burst(struct world *world, struct node *node, unsigned count)
{
    if (!can_take(node))
        return;
    for (unsigned i = 0; i < count; i++) {
        uint32_t index = plan_one(world, world->now);

        world->planned[index].extra = true;
        list_add(&node->pending, index);
    }
    node_wake_at(world, node, world->now);
}

/* The liveness phase's last question: one message of everybody reaches everybody. */
void workload_probe(struct world *world)
{
    for (unsigned i = 0; i < world->options.members; i++)
        workload_burst(world, &world->nodes[i], 1);
}

/* 0: taken; 1: not now; negative: elsewhere. */
static int multicast(struct world *world, struct node *node, uint32_t index)
{
    struct planned *planned = &world->planned[index];
    int error;

    fill(world, index, world->scratch, planned->size);
    planned->accepted = true; /* it may be traced before the call returns */
    list_add(&node->accepted, index);
    error = gcs_core_multicast(node->group, node->local_now, planned->service, world->scratch,
                               planned->size);
    if (error == 0)
        return 0;
    planned->accepted = false;
    if (planned->sent)
        world_note(world, "delivery-integrity", "n%u sends a message and refuses it", node->index);
    else
        node->accepted.count--;
    if (error == GCS_EAGAIN) {
        world->result->stats.refused_full++;
        node->full = true;
        return 1;
    }
    if (error != GCS_ENOPRIMARY && error != GCS_ENOTMEMBER)
        world_fail(world, "liveness", "gcs_core_multicast: %s", gcs_strerror(error));
    world->result->stats.refused_primary++;
    return error;
}

void workload_multicast(struct world *world, struct node *node)
{
    size_t done = 0;

    while (done < node->pending.count && node->group && !node->full) {
        uint32_t index = node->pending.items[done];
        int result = multicast(world, node, index);

        if (result > 0)
            break;
        if (result < 0 && !world->planned[index].extra)
            retry(world, index);
        done++;
    }
    node->pending.count -= done;
    if (done > 0)
        memmove(node->pending.items, node->pending.items + done,
                node->pending.count * sizeof(*node->pending.items));
}

static void try_elsewhere(struct world *world, const struct list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        world->planned[list->items[i]].accepted = false;
        if (!world->planned[list->items[i]].extra)
            retry(world, list->items[i]);
    }
}

/* The membership or the process is gone: what it has not sent is tried elsewhere. */
void workload_forget(struct world *world, struct node *node)
{
    try_elsewhere(world, &node->pending);
    try_elsewhere(world, &node->accepted);
    node->pending.count = node->accepted.count = 0;
}

void workload_sent(struct world *world, struct node *node, uint64_t hash)
{
    uint32_t index = map_get(&world->planned_by_hash, hash, 0);

    if (index == MAP_NONE) {
        world_note(world, "delivery-integrity", "n%u sends what nobody asked it to", node->index);
        return;
    }
    if (world->planned[index].sent)
        world_note(world, "no-duplication", "n%u sends a message again under a new number",
                   node->index);
    else if (node->accepted.count == 0 || node->accepted.items[0] != index)
        world_note(world, "fifo", "n%u does not number messages in the order they came in",
                   node->index);
    world->planned[index].sent = true;
    if (node->accepted.count > 0) {
        node->accepted.count--;
        memmove(node->accepted.items, node->accepted.items + 1,
                node->accepted.count * sizeof(*node->accepted.items));
    }
}

void workload_delivered(struct world *world, const struct gcs_core_event *event)
{
    struct node *node = event->user;
    struct gcs_message message;
    size_t offset = 0;
    uint32_t count = 0;

    while (gcs_core_event_message(event, &offset, &message)) {
        node->handed_out = node->handed_out * 31 + gcs_trace_hash(message.data, message.size);
        count++;
    }
    if (count != event->count)
        world_note(world, "delivery-integrity", "n%u: an event of %u messages holds %u",
                   node->index, event->count, count);
}

bool workload_is_done(const struct world *world)
{
    for (size_t i = 0; i < world->planned_count; i++) {
        if (!world->planned[i].accepted && !world->planned[i].extra)
            return false;
    }
    return true;
}

/* The last view of each member, by its number in the log. */
static uint32_t *last_epochs(const struct log *log)
{
    uint32_t *last = memory_new(log->members.count, sizeof(*last));

    for (size_t i = 0; i < log->count; i++) {
        const struct record *record = &log->records[i];

        if (record->type == RECORD_VIEW && record->primary && record->epoch > last[record->member])
            last[record->member] = record->epoch;
    }
    return last;
}

/* A message has reached a survivor of its view: one who went on into the next, or is still there.
 * Half of them must, but for those that a member sent in the last view that it had. */
void workload_finish(struct world *world)
{
    const struct log *log = &world->result->log;
    uint32_t *last = last_epochs(log);
    uint64_t reached = 0, last_words = 0;

    for (size_t i = 0; i < log->count; i++) {
        const struct record *record = &log->records[i];
        uint32_t index = map_get(&world->planned_by_hash, record->hash, 0);
        bool survives =
            last[record->member] > record->epoch || recorder_node(world, record->member);

        if (index == MAP_NONE || world->planned[index].extra)
            continue;
        if (record->type == RECORD_DELIVER && survives)
            world->planned[index].reached = true;
        else if (record->type == RECORD_SEND && !survives)
            world->planned[index].last_words = true;
    }
    free(last);
    for (size_t i = 0; i < world->planned_count; i++) {
        reached += world->planned[i].reached;
        last_words += world->planned[i].last_words && !world->planned[i].reached;
    }
    world->result->stats.reached += reached;
    if (2 * reached + last_words < world->options.messages)
        world_fail(world, "progress", "only %llu of %u planned messages reached a survivor",
                   (unsigned long long)reached, world->options.messages);
}
