/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Events on their way to the application: a queue that grows as needed and is
 * bounded by the windows, because a delivered packet stays in its window until
 * the application has taken it.
 */
#ifndef GCS_EVENTS_H
#define GCS_EVENTS_H

#include "gcs/base/memory.h"

struct gcs_events {
    const struct gcs_allocator *allocator;
    struct gcs_core_event *ring;
    uint64_t head, tail;
    uint64_t capacity; /* a power of two */
    uint64_t kept;     /* places that only gcs_events_push_kept takes */
};

void gcs_events_init(struct gcs_events *events, const struct gcs_allocator *allocator);
void gcs_events_fini(struct gcs_events *events);

/* False: out of memory, nothing changed. */
bool gcs_events_push(struct gcs_events *events, const struct gcs_core_event *event);
bool gcs_events_pop(struct gcs_events *events, struct gcs_core_event *event);

/* Makes sure that so many pushes will succeed. */
bool gcs_events_reserve(struct gcs_events *events, uint64_t count);

/* Keeps a place free, whatever is pushed, for an event that must not fail. False: out of memory. */
bool gcs_events_keep(struct gcs_events *events);
void gcs_events_push_kept(struct gcs_events *events, const struct gcs_core_event *event);

#endif
