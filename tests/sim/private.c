/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages to one member alone. They are in no trace and in no view's order,
 * so the world itself checks what is promised for them: between two members
 * they arrive in the order in which they were sent, once each, unchanged, at
 * the right one and from the right one; and all of them, as long as both are
 * members.
 */
#include "tests/sim/internal.h"

#include <stdlib.h>
#include <string.h>

/* One sender and one receiver, by their numbers in the log. */
struct pair {
    uint32_t from, to;
    struct list sent; /* sizes; a message's place is in its first bytes */
    size_t arrived;
};

struct head {
    uint32_t pair;
    uint32_t place;
};

static void fill(uint8_t *data, size_t size, struct head head)
{
    memcpy(data, &head, sizeof(head));
    for (size_t i = sizeof(head); i < size; i++)
        data[i] = (uint8_t)(i * 7 + head.pair * 31 + head.place * 13);
}

static struct pair *find_pair(struct world *world, uint32_t from, uint32_t to)
{
    uint32_t i = map_get(&world->pairs_map, from, to);

    if (i == MAP_NONE) {
        i = (uint32_t)world->pairs_count;
        world->pairs = memory_grow(world->pairs, i, &world->pairs_capacity, sizeof(*world->pairs));
        world->pairs[i] = (struct pair){from, to, {NULL, 0, 0}, 0};
        map_set(&world->pairs_map, from, to, i);
        world->pairs_count++;
    }
    return &world->pairs[i];
}

/* One for every few multicasts, over the same time. */
void private_plan(struct world *world)
{
    for (unsigned i = 0; i < world->options.messages / 6; i++) {
        uint64_t at = gcs_prng_below(&world->prng, world->safety_ns * 9 / 10);
        uint64_t node = gcs_prng_below(&world->prng, world->options.members);

        world_after(world, at, TIMER_PRIVATE, (unsigned)node, gcs_prng_between(&world->prng, 1, 5));
    }
}

static void send_one(struct world *world, struct node *node, const struct gcs_member_id *to)
{
    static const uint32_t most[] = {100, 100, 100, 1000, 20000};
    struct pair *pair = find_pair(world, node->member, recorder_number(world, to));
    uint32_t size = (uint32_t)gcs_prng_between(&world->prng, sizeof(struct head),
                                               most[gcs_prng_below(&world->prng, 5)]);
    struct head head = {(uint32_t)(pair - world->pairs), (uint32_t)pair->sent.count};
    int error;

    fill(world->scratch, size, head);
    list_add(&pair->sent, size);
    error = gcs_core_send(node->group, node->local_now, to, world->scratch, size);
    if (error == 0) {
        world->result->stats.private_sent++;
        return;
    }
    pair->sent.count--;
    if (error != GCS_EAGAIN && error != GCS_ENOPRIMARY && error != GCS_ENOTMEMBER)
        world_fail(world, "private", "gcs_core_send: %s", gcs_strerror(error));
}

void private_send(struct world *world, struct node *node)
{
    for (; node->private_count > 0 && node->group && node->member != NONE; node->private_count--) {
        const struct gcs_view *view = gcs_core_view(node->group);
        struct gcs_member_id to;

        if (!view)
            break;
        to = view->members[gcs_prng_below(&node->prng, view->count)].id;
        send_one(world, node, &to);
    }
    node->private_count = 0;
}

static void deliver_one(struct world *world, struct node *node, uint32_t from,
                        const struct gcs_message *message)
{
    struct head head;
    struct pair *pair;

    if (message->size >= sizeof(head))
        memcpy(&head, message->data, sizeof(head));
    if (message->size < sizeof(head) || head.pair >= world->pairs_count) {
        world_fail(world, "private", "n%u is sent what nobody sent", node->index);
        return;
    }
    pair = &world->pairs[head.pair];
    if (pair->from != from || pair->to != node->member)
        world_fail(world, "private", "n%u gets a message from or for somebody else", node->index);
    else if (head.place != pair->arrived || pair->arrived >= pair->sent.count)
        world_fail(world, "private", "n%u gets message %u where %zu is next", node->index,
                   head.place, pair->arrived);
    if (world_failed(world))
        return;
    fill(world->scratch, pair->sent.items[pair->arrived], head);
    if (pair->sent.items[pair->arrived] != message->size ||
        memcmp(world->scratch, message->data, message->size) != 0)
        world_fail(world, "private", "n%u gets a message with other contents", node->index);
    pair->arrived++;
    world->result->stats.private_delivered++;
}

void private_delivered(struct world *world, const struct gcs_core_event *event)
{
    struct node *node = event->user;
    uint32_t from = recorder_number(world, event->sender);
    struct gcs_message message;
    size_t offset = 0;

    while (!world_failed(world) && gcs_core_event_message(event, &offset, &message))
        deliver_one(world, node, from, &message);
}

bool private_is_done(struct world *world, char *why, size_t size)
{
    for (size_t i = 0; i < world->pairs_count; i++) {
        const struct pair *pair = &world->pairs[i];
        const struct node *from = recorder_node(world, pair->from);
        const struct node *to = recorder_node(world, pair->to);

        if (from && to && pair->arrived < pair->sent.count) {
            snprintf(why, size, "n%u has %zu of the %zu private messages of n%u", to->index,
                     pair->arrived, pair->sent.count, from->index);
            return false;
        }
    }
    return true;
}

void private_free(struct world *world)
{
    for (size_t i = 0; i < world->pairs_count; i++)
        list_clear(&world->pairs[i].sent);
    free(world->pairs);
    map_clear(&world->pairs_map);
}
