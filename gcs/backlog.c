/* SPDX-License-Identifier: BSD-3-Clause */
/* What a new member gets before it has the group's state: see backlog.h. */
#include "gcs/backlog.h"

void gcs_backlog_init(struct gcs_backlog *backlog)
{
    *backlog = (struct gcs_backlog){.end = &backlog->first};
}

static uint64_t bytes_of(const struct gcs_backlog_entry *entry)
{
    bool copied = entry->event.type == GCS_EVENT_DELIVER;
    return copied ? sizeof(*entry) + entry->event.payload_size : 0;
}

void gcs_backlog_append(struct gcs_backlog *backlog, struct gcs_backlog_entry *entry)
{
    backlog->bytes += bytes_of(entry);
    *backlog->end = entry;
    backlog->end = &entry->next;
}

bool gcs_backlog_add(struct gcs_backlog *backlog, const struct gcs_allocator *allocator,
                     const struct gcs_core_event *event, uint32_t epoch, uint64_t place)
{
    bool copied = event->type == GCS_EVENT_DELIVER;
    /* Not by gcs_allocate: bytes that are written anyway need not be zeroed first. */
    struct gcs_backlog_entry *entry =
        allocator->allocate(allocator->ctx, sizeof(*entry) + (copied ? event->payload_size : 0));
    if (!entry)
        return false;
    *entry = (struct gcs_backlog_entry){.event = *event, .epoch = epoch, .place = place};
    if (copied) {
        if (event->payload_size > 0)
            memcpy(entry->payload, event->payload, event->payload_size);
        entry->sender = *event->sender;
        entry->event.sender = &entry->sender;
        entry->event.payload = entry->payload;
        entry->event.buffer = NULL;
        entry->event.token = entry;
        entry->event.packet = 0;
    }
    gcs_backlog_append(backlog, entry);
    return true;
}

struct gcs_backlog_entry *gcs_backlog_take(struct gcs_backlog *backlog)
{
    struct gcs_backlog_entry *entry = backlog->first;
    if (!entry)
        return NULL;
    backlog->first = entry->next;
    if (!backlog->first)
        backlog->end = &backlog->first;
    backlog->bytes -= bytes_of(entry);
    entry->next = NULL;
    return entry;
}

void gcs_backlog_free(const struct gcs_allocator *allocator, struct gcs_backlog_entry *entry)
{
    gcs_buffer_unref(entry->event.buffer);
    gcs_release(allocator, entry);
}

bool gcs_mark_covers(const struct gcs_mark *mark, const struct gcs_core_event *event,
                     uint32_t epoch, uint64_t place)
{
    if (event->type != GCS_EVENT_DELIVER || epoch != mark->epoch)
        return event->type == GCS_EVENT_DELIVER && epoch < mark->epoch;
    if (event->rank >= mark->count)
        return false;
    const uint64_t *each = gcs_mark_of(mark, event->rank, (uint8_t)event->service);
    return place <= (each ? *each : mark->total);
}
