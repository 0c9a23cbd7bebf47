/* SPDX-License-Identifier: BSD-3-Clause */
/* The arena's network: a heap of messages by the time of their arrival. */
#include "tests/unit/arena_inside.h"

#include <stdlib.h>

static bool earlier(const struct arena_message *a, const struct arena_message *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void push(struct arena *arena, struct arena_message *message)
{
    if (arena->queue_count == arena->queue_room) {
        arena->queue_room = arena->queue_room ? arena->queue_room * 2 : 256;
        arena->queue = realloc(arena->queue, arena->queue_room * sizeof(struct arena_message *));
    }
    size_t at = arena->queue_count++;
    for (; at > 0 && earlier(message, arena->queue[(at - 1) / 2]); at = (at - 1) / 2)
        arena->queue[at] = arena->queue[(at - 1) / 2];
    arena->queue[at] = message;
}

struct arena_message *arena_pop(struct arena *arena)
{
    struct arena_message *first = arena->queue[0];
    struct arena_message *last = arena->queue[--arena->queue_count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= arena->queue_count)
            break;
        if (child + 1 < arena->queue_count && earlier(arena->queue[child + 1], arena->queue[child]))
            child++;
        if (!earlier(arena->queue[child], last))
            break;
        arena->queue[at] = arena->queue[child];
        at = child;
    }
    if (arena->queue_count > 0)
        arena->queue[at] = last;
    return first;
}

static bool member_frame(uint8_t type)
{
    return type >= GCS_FRAME_PREPARE && type <= GCS_FRAME_CONFIRM;
}

static bool dies(struct arena *arena, const struct arena_message *message)
{
    return arena->crashes_left > 0 && message->kind == ARENA_FRAME && member_frame(message->type) &&
           gcs_prng_chance(&arena->prng, arena->crash_on_send_ppm);
}

void arena_transmit(struct arena *arena, const struct arena_message *message)
{
    if (arena->processes[message->from].state == ARENA_DOWN || message->to == message->from)
        return;
    if (message->kind == ARENA_FRAME)
        arena->frames[message->type]++;
    if (dies(arena, message)) {
        arena_crash(arena, message->from);
        if (gcs_prng_chance(&arena->prng, 500000))
            return;
    }
    if (arena->cut[message->from][message->to] || gcs_prng_chance(&arena->prng, arena->loss_ppm) ||
        (arena->drop && arena->drop(arena, message)))
        return;
    struct arena_message *copy = malloc(sizeof(*copy));
    memcpy(copy, message, offsetof(struct arena_message, body) + message->size);
    copy->order = arena->order++;
    copy->at = arena->now + gcs_prng_between(&arena->prng, arena->delay_min, arena->delay_max);
    push(arena, copy);
}

int arena_process_at(const struct gcs_address *address)
{
    return address->length == 1 ? address->bytes[0] : -1;
}

struct arena_message arena_message_of(struct arena_process *p, const struct arena_member *member,
                                      enum arena_kind kind, int to)
{
    struct arena_message message;
    memset(&message, 0, offsetof(struct arena_message, body));
    message.kind = kind;
    message.from = p->index;
    message.to = to;
    message.incarnation = p->self.id.incarnation;
    message.epoch = member ? member->view.epoch : 0;
    message.rank = member ? member->view.self : GCS_RANK_NONE;
    return message;
}

void arena_transmit_frame(struct arena_process *p, const struct arena_member *member, int to,
                          uint8_t type, const uint8_t *body, size_t size)
{
    struct arena_message message = arena_message_of(p, member, ARENA_FRAME, to);
    message.type = type;
    message.size = (uint16_t)size;
    if (size > sizeof(message.body))
        abort();
    memcpy(message.body, body, size);
    arena_transmit(p->arena, &message);
}
