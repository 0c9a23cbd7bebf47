/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Growing arrays and a hash map with open addressing. Guarantees that what
 * comes out does not depend on addresses, so that runs are repeatable.
 */
#include "tests/checkers/memory.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct map_slot {
    uint64_t key1, key2;
    uint32_t value;
    bool used;
};

static void *checked(void *memory)
{
    if (!memory) {
        fprintf(stderr, "out of memory\n");
        abort();
    }
    return memory;
}

void *memory_new(size_t count, size_t size)
{
    return checked(calloc(count ? count : 1, size));
}

void *memory_grow(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity ? 2 * *capacity : 16;
    return checked(realloc(items, *capacity * size));
}

void list_add(struct list *list, uint32_t item)
{
    list->items = memory_grow(list->items, list->count, &list->capacity, sizeof(*list->items));
    list->items[list->count++] = item;
}

void list_clear(struct list *list)
{
    free(list->items);
    *list = (struct list){NULL, 0, 0};
}

static size_t find_slot(const struct map *map, uint64_t key1, uint64_t key2)
{
    uint64_t hash = (key1 * 0x9e3779b97f4a7c15U + key2) * 0xd6e8feb86659fd93U;
    size_t i = (size_t)(hash ^ (hash >> 32)) & (map->capacity - 1);

    while (map->slots[i].used && (map->slots[i].key1 != key1 || map->slots[i].key2 != key2))
        i = (i + 1) & (map->capacity - 1);
    return i;
}

static void grow_map(struct map *map)
{
    struct map old = *map;

    map->capacity = old.capacity ? 2 * old.capacity : 64;
    map->slots = memory_new(map->capacity, sizeof(*map->slots));
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.slots[i].used)
            map->slots[find_slot(map, old.slots[i].key1, old.slots[i].key2)] = old.slots[i];
    }
    free(old.slots);
}

void map_set(struct map *map, uint64_t key1, uint64_t key2, uint32_t value)
{
    struct map_slot *slot;

    if (2 * (map->count + 1) > map->capacity)
        grow_map(map);
    slot = &map->slots[find_slot(map, key1, key2)];
    map->count += !slot->used;
    *slot = (struct map_slot){key1, key2, value, true};
}

uint32_t map_get(const struct map *map, uint64_t key1, uint64_t key2)
{
    size_t i;

    if (map->capacity == 0)
        return MAP_NONE;
    i = find_slot(map, key1, key2);
    return map->slots[i].used ? map->slots[i].value : MAP_NONE;
}

void map_clear(struct map *map)
{
    free(map->slots);
    *map = (struct map){NULL, 0, 0};
}
