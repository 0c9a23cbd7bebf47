/* SPDX-License-Identifier: BSD-3-Clause */
/* The queue of events: see events.h. */
#include "gcs/events.h"

#define INITIAL 64u

void gcs_events_init(struct gcs_events *events, const struct gcs_allocator *allocator)
{
    *events = (struct gcs_events){.allocator = allocator};
}

void gcs_events_fini(struct gcs_events *events)
{
    gcs_release(events->allocator, events->ring);
    events->ring = NULL;
}

static bool grow(struct gcs_events *events)
{
    uint64_t capacity = events->capacity ? 2 * events->capacity : INITIAL;
    struct gcs_core_event *ring = gcs_allocate(events->allocator, (size_t)capacity, sizeof(*ring));
    if (!ring)
        return false;
    for (uint64_t i = events->head; i < events->tail; i++)
        ring[i & (capacity - 1)] = events->ring[i & (events->capacity - 1)];
    gcs_release(events->allocator, events->ring);
    events->ring = ring;
    events->capacity = capacity;
    return true;
}

bool gcs_events_reserve(struct gcs_events *events, uint64_t count)
{
    while (events->capacity - (events->tail - events->head) < count + events->kept)
        if (!grow(events))
            return false;
    return true;
}

bool gcs_events_keep(struct gcs_events *events)
{
    bool room = gcs_events_reserve(events, 1);
    events->kept += room;
    return room;
}

static void append(struct gcs_events *events, const struct gcs_core_event *event)
{
    events->ring[events->tail++ & (events->capacity - 1)] = *event;
}

void gcs_events_push_kept(struct gcs_events *events, const struct gcs_core_event *event)
{
    events->kept--;
    append(events, event);
}

bool gcs_events_push(struct gcs_events *events, const struct gcs_core_event *event)
{
    if (!gcs_events_reserve(events, 1))
        return false;
    append(events, event);
    return true;
}

bool gcs_events_pop(struct gcs_events *events, struct gcs_core_event *event)
{
    if (events->head == events->tail)
        return false;
    *event = events->ring[events->head++ & (events->capacity - 1)];
    return true;
}
