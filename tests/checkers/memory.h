/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory for test programs: growing arrays that never fail. Guarantees that a
 * test that runs out of memory says so and stops, rather than passing.
 */
#ifndef TESTS_MEMORY_H
#define TESTS_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed. Never NULL. */
void *memory_new(size_t count, size_t size);

/* Makes room for one more than count; *capacity is 0 with items NULL at first. Never NULL. */
void *memory_grow(void *items, size_t count, size_t *capacity, size_t size);

/* A growing list of numbers. */
struct list {
    uint32_t *items;
    size_t count;
    size_t capacity;
};

void list_add(struct list *list, uint32_t item);
void list_clear(struct list *list); /* and gives the memory back */

/* A hash map from a pair of numbers to a number. */
struct map {
    struct map_slot *slots;
    size_t count;
    size_t capacity; /* a power of two, or 0 */
};

#define MAP_NONE UINT32_MAX

void map_set(struct map *map, uint64_t key1, uint64_t key2, uint32_t value);
uint32_t map_get(const struct map *map, uint64_t key1, uint64_t key2); /* or MAP_NONE */
void map_clear(struct map *map);

#endif
