/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The application's state: a sum over everything that was handed to it in total order.
 * Who is asked for it gives it at once, or keeps it as it was then until the story
 * says so.
 */
#include "tests/stories/stage/stage.h"

#include "gcs/base/trace.h"

#include <stdlib.h>
#include <string.h>

static int64_t read_state(void *ctx, uint64_t offset, void *data, size_t size)
{
    size_t left = offset < sizeof(uint64_t) ? sizeof(uint64_t) - (size_t)offset : 0;

    if (size > left)
        size = left;
    memcpy(data, (const char *)ctx + offset, size);
    return (int64_t)size;
}

static void give(struct actor *actor, const struct waiting *waiting)
{
    uint64_t *copy = memory_new(1, sizeof(*copy));
    struct gcs_state_source source = {copy, read_state, free, sizeof(*copy)};

    *copy = waiting->state;
    if (gcs_core_state_offer(actor->group, &waiting->joiner, &source) != 0)
        free(copy); /* it is gone */
}

void state_begin(struct actor *actor, bool has_it)
{
    actor->state = 0;
    actor->has_state = has_it;
    actor->waiting_count = 0;
}

void state_give(struct actor *actor)
{
    actor->withholds = false;
    for (unsigned i = 0; i < actor->waiting_count; i++)
        give(actor, &actor->waiting[i]);
    actor->waiting_count = 0;
    actor_wake_at(actor, stage_now());
}

static void be_asked(struct actor *actor, const struct gcs_core_event *event)
{
    struct waiting waiting = {*event->sender, actor->state};

    if (!actor->withholds)
        give(actor, &waiting);
    else if (actor->waiting_count == STORY_MEMBERS_MAX)
        stage_fail("too many wait for the state of %u", actor->index);
    else
        actor->waiting[actor->waiting_count++] = waiting;
}

static void deliver(struct actor *actor, const struct gcs_core_event *event)
{
    struct gcs_message message;
    size_t offset = 0;

    if (stage.group_config.state && !actor->has_state)
        stage_fail("%u is handed a message before the state", actor->index);
    while (event->service != GCS_FIFO && gcs_core_event_message(event, &offset, &message))
        actor->state = actor->state * 31 + gcs_trace_hash(message.data, message.size);
}

void state_event(struct actor *actor, const struct gcs_core_event *event)
{
    if (event->type == GCS_EVENT_DELIVER)
        deliver(actor, event);
    else if (event->type == GCS_EVENT_STATE_WANTED)
        be_asked(actor, event);
    else if (event->type == GCS_EVENT_STATE && event->payload_size == sizeof(actor->state))
        memcpy(&actor->state, event->payload, sizeof(actor->state));
    else if (event->type == GCS_EVENT_STATE_END && !actor->has_state)
        actor->has_state = true;
}
