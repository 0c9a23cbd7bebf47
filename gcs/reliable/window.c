/* SPDX-License-Identifier: BSD-3-Clause */
/* The ring of one sender's packets: see window.h for the invariants. */
#include "gcs/reliable/window.h"

#include "gcs/base/memory.h"

#include <assert.h>

#define SIZE_FIRST 16u

void gcs_window_init(struct gcs_window *window, const struct gcs_allocator *allocator,
                     uint32_t capacity)
{
    assert(capacity > 0 && (capacity & (capacity - 1)) == 0);
    *window = (struct gcs_window){.allocator = allocator, .capacity = capacity};
}

static struct gcs_held *slot_of(const struct gcs_window *window, uint64_t number)
{
    return &window->slots[number & (window->size - 1)];
}

void gcs_window_fini(struct gcs_window *window)
{
    for (uint32_t i = 0; i < window->size; i++)
        gcs_buffer_unref(window->slots[i].buffer);
    gcs_release(window->allocator, window->slots);
    window->slots = NULL;
    window->size = 0;
}

struct gcs_held *gcs_window_get(const struct gcs_window *window, uint64_t number)
{
    if (number <= window->base || number - window->base > window->size)
        return NULL;
    struct gcs_held *slot = slot_of(window, number);
    return slot->buffer ? slot : NULL;
}

struct gcs_held *gcs_window_missing(const struct gcs_window *window, uint64_t number)
{
    if (number <= window->base || number - window->base > window->size)
        return NULL;
    struct gcs_held *slot = slot_of(window, number);
    return slot->buffer ? NULL : slot;
}

bool gcs_window_reserve(struct gcs_window *window, uint64_t number)
{
    uint32_t size = window->size;
    if (number <= window->base || number - window->base <= size)
        return true;
    if (size == 0)
        size = window->capacity < SIZE_FIRST ? window->capacity : SIZE_FIRST;
    while (size < number - window->base && size < window->capacity)
        size *= 2;
    struct gcs_held *slots = gcs_allocate(window->allocator, size, sizeof(*slots));
    if (!slots)
        return false;
    for (uint64_t n = window->base + 1; n <= window->base + window->size; n++)
        slots[n & (size - 1)] = *slot_of(window, n);
    gcs_release(window->allocator, window->slots);
    window->slots = slots;
    window->size = size;
    return true;
}

int gcs_window_put(struct gcs_window *window, uint64_t number, const struct gcs_held *packet)
{
    if (number <= window->base || gcs_window_get(window, number))
        return GCS_EALREADY;
    if (number - window->base > window->capacity)
        return GCS_ELIMIT;
    if (!gcs_window_reserve(window, number))
        return GCS_ENOMEM;
    struct gcs_held *slot = slot_of(window, number);
    *slot = *packet;
    gcs_buffer_ref(slot->buffer);
    window->bytes += slot->size;
    gcs_window_exists(window, number);
    while (gcs_window_get(window, window->contiguous + 1))
        window->contiguous++;
    return 0;
}

void gcs_window_done(struct gcs_window *window, uint64_t number)
{
    struct gcs_held *packet = gcs_window_get(window, number);
    if (!packet)
        return;
    packet->done = true;
    while ((packet = gcs_window_get(window, window->done + 1)) && packet->done)
        window->done++;
}

bool gcs_window_release(struct gcs_window *window, uint64_t number)
{
    if (number > window->done)
        number = window->done;
    if (number <= window->base)
        return false;
    while (window->base < number) {
        struct gcs_held *slot = slot_of(window, window->base + 1);
        window->bytes -= slot->size;
        gcs_buffer_unref(slot->buffer);
        *slot = (struct gcs_held){.buffer = NULL};
        window->base++;
    }
    return true;
}
