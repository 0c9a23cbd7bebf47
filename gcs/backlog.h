/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is delivered to a new member before it has the group's state: events in
 * order. Deliveries are copied, so that nobody's window waits for them; their bytes
 * are counted, and its owner bounds them. Private messages stay as they are: only
 * their sender waits.
 */
#ifndef GCS_BACKLOG_H
#define GCS_BACKLOG_H

#include "gcs/events.h"
#include "gcs/wire/state.h"

struct gcs_backlog_entry {
    struct gcs_backlog_entry *next;
    struct gcs_core_event event; /* deliveries: buffer: none; token: this; packet: 0 */
    struct gcs_member_id sender;
    uint32_t epoch;
    uint64_t place; /* deliveries: the n-th of its order (and sender, if fifo) in its view */
    uint8_t payload[];
};

struct gcs_backlog {
    struct gcs_backlog_entry *first, **end;
    uint64_t bytes;
};

void gcs_backlog_init(struct gcs_backlog *backlog);
/* Keeps an event and what belongs to it; of deliveries a copy. False: out of memory, nothing
 * changed. */
bool gcs_backlog_add(struct gcs_backlog *backlog, const struct gcs_allocator *allocator,
                     const struct gcs_core_event *event, uint32_t epoch, uint64_t place);
void gcs_backlog_append(struct gcs_backlog *backlog, struct gcs_backlog_entry *entry);
/* Takes the first one out; it is the caller's to free with gcs_backlog_free. NULL: empty. */
struct gcs_backlog_entry *gcs_backlog_take(struct gcs_backlog *backlog);
void gcs_backlog_free(const struct gcs_allocator *allocator, struct gcs_backlog_entry *entry);

/* A delivery of that view and place is part of every state that is as new as the mark. */
bool gcs_mark_covers(const struct gcs_mark *mark, const struct gcs_core_event *event,
                     uint32_t epoch, uint64_t place);

#endif
