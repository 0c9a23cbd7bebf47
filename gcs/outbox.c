/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets on their way out: see outbox.h. */
#include "gcs/outbox.h"

#include <string.h>

#define INITIAL 32u

struct gcs_route *gcs_route_new(const struct gcs_allocator *allocator, uint16_t count)
{
    struct gcs_route *route =
        gcs_allocate(allocator, 1, sizeof(*route) + count * sizeof(route->to[0]));
    if (!route)
        return NULL;
    route->allocator = allocator;
    route->refs = 1;
    route->count = count;
    return route;
}

void gcs_route_unref(struct gcs_route *route)
{
    if (route && --route->refs == 0)
        gcs_release(route->allocator, route);
}

void gcs_outbox_init(struct gcs_outbox *outbox, const struct gcs_allocator *allocator,
                     struct gcs_counters *counters)
{
    *outbox = (struct gcs_outbox){.allocator = allocator, .counters = counters};
}

void gcs_outbox_fini(struct gcs_outbox *outbox)
{
    gcs_outbox_clear(outbox);
    gcs_release(outbox->allocator, outbox->entries);
    gcs_release(outbox->allocator, outbox->packets);
}

static bool grow(struct gcs_outbox *outbox)
{
    size_t capacity = outbox->capacity ? 2 * outbox->capacity : INITIAL;
    struct gcs_outgoing *entries = gcs_allocate(outbox->allocator, capacity, sizeof(*entries));
    struct gcs_core_packet *packets = gcs_allocate(outbox->allocator, capacity, sizeof(*packets));
    if (!entries || !packets) {
        gcs_release(outbox->allocator, entries);
        gcs_release(outbox->allocator, packets);
        return false;
    }
    if (outbox->count)
        memcpy(entries, outbox->entries, outbox->count * sizeof(*entries));
    gcs_release(outbox->allocator, outbox->entries);
    gcs_release(outbox->allocator, outbox->packets);
    outbox->entries = entries;
    outbox->packets = packets;
    outbox->capacity = capacity;
    outbox->counters->allocations += 2;
    return true;
}

static struct gcs_outgoing *add(struct gcs_outbox *outbox, struct gcs_buffer *buffer,
                                const uint8_t *data, size_t size)
{
    if (outbox->count == outbox->capacity && !grow(outbox)) {
        outbox->counters->dropped_memory++;
        return NULL;
    }
    struct gcs_outgoing *entry = &outbox->entries[outbox->count++];
    *entry = (struct gcs_outgoing){.buffer = gcs_buffer_ref(buffer), .data = data, .size = size};
    outbox->counters->packets_sent++;
    outbox->counters->bytes_sent += size;
    return entry;
}

void gcs_outbox_multicast(struct gcs_outbox *outbox, struct gcs_route *route,
                          struct gcs_buffer *buffer, const uint8_t *data, size_t size)
{
    if (route->count == 0)
        return;
    struct gcs_outgoing *entry = add(outbox, buffer, data, size);
    if (!entry)
        return;
    entry->route = route;
    route->refs++;
}

void gcs_outbox_unicast(struct gcs_outbox *outbox, const struct gcs_address *to,
                        struct gcs_buffer *buffer, const uint8_t *data, size_t size)
{
    struct gcs_outgoing *entry = add(outbox, buffer, data, size);
    if (entry)
        entry->to = *to;
}

void gcs_outbox_urgent(struct gcs_outbox *outbox, const struct gcs_address *to,
                       struct gcs_buffer *buffer, const uint8_t *data, size_t size)
{
    struct gcs_outgoing *entry = add(outbox, buffer, data, size);
    if (!entry)
        return;
    struct gcs_outgoing urgent = *entry;
    struct gcs_outgoing *place = &outbox->entries[outbox->urgent++];
    memmove(place + 1, place, (size_t)(entry - place) * sizeof(*place));
    urgent.to = *to;
    *place = urgent;
}

const struct gcs_core_packet *gcs_outbox_packets(struct gcs_outbox *outbox, size_t *count)
{
    for (size_t i = 0; i < outbox->count; i++) {
        const struct gcs_outgoing *entry = &outbox->entries[i];
        outbox->packets[i] = (struct gcs_core_packet){
            .buffer = entry->buffer,
            .data = entry->data,
            .size = entry->size,
            .to = entry->route ? entry->route->to : &entry->to,
            .to_count = entry->route ? entry->route->count : 1,
            .multicast = entry->route && !entry->route->each,
        };
    }
    *count = outbox->count;
    return outbox->packets;
}

void gcs_outbox_clear(struct gcs_outbox *outbox)
{
    for (size_t i = 0; i < outbox->count; i++) {
        gcs_buffer_unref(outbox->entries[i].buffer);
        gcs_route_unref(outbox->entries[i].route);
    }
    outbox->count = outbox->urgent = 0;
}
