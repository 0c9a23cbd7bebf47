/* SPDX-License-Identifier: BSD-3-Clause */
/* Keys, expiry, strings, tables and lists: see store.h; sorted sets are in sorted.c. What memory
 * refuses marks the store as failed, and its replica starts over with another's. */
#include "store.h"

#include <stdlib.h>
#include <string.h>

/* ---- Strings ---------------------------------------------------------------------------- */

bool bytes_set(struct store *store, struct bytes *bytes, const void *data, size_t size)
{
    char *copy = malloc(size + 1); /* never of size 0 */

    if (!copy) {
        store->failed = true;
        return false;
    }
    if (size > 0)
        memcpy(copy, data, size);
    free(bytes->data);
    *bytes = (struct bytes){copy, size};
    return true;
}

/* ---- Expiry: a heap, the earliest at the root ---------------------------------------------- */

/* Those of the same time by their keys, so that they go in the same order everywhere. */
static bool before(const struct entry *a, const struct entry *b)
{
    size_t size = a->key.size < b->key.size ? a->key.size : b->key.size;

    if (a->expires != b->expires)
        return a->expires < b->expires;
    int order = memcmp(a->key.data, b->key.data, size);
    return order != 0 ? order < 0 : a->key.size < b->key.size;
}

static void heap_put(struct store *store, size_t at, struct entry *entry)
{
    store->heap[at] = entry;
    entry->heap = at + 1;
}

static void heap_up(struct store *store, size_t at)
{
    struct entry *entry = store->heap[at];

    for (; at > 0 && before(entry, store->heap[(at - 1) / 2]); at = (at - 1) / 2)
        heap_put(store, at, store->heap[(at - 1) / 2]);
    heap_put(store, at, entry);
}

static void heap_down(struct store *store, size_t at)
{
    struct entry *entry = store->heap[at];

    for (size_t child; (child = 2 * at + 1) < store->heap_count; at = child) {
        if (child + 1 < store->heap_count && before(store->heap[child + 1], store->heap[child]))
            child++;
        if (!before(store->heap[child], entry))
            break;
        heap_put(store, at, store->heap[child]);
    }
    heap_put(store, at, entry);
}

static void heap_remove(struct store *store, struct entry *entry)
{
    size_t at = entry->heap - 1;
    struct entry *last = store->heap[--store->heap_count];

    entry->heap = 0;
    if (last == entry)
        return;
    heap_put(store, at, last);
    heap_up(store, at);
    heap_down(store, last->heap - 1);
}

static bool heap_add(struct store *store, struct entry *entry)
{
    if (store->heap_count == store->heap_capacity) {
        size_t capacity = store->heap_capacity ? 2 * store->heap_capacity : 64;
        struct entry **heap = realloc(store->heap, capacity * sizeof(struct entry *));
        if (!heap) {
            store->failed = true;
            return false;
        }
        store->heap = heap;
        store->heap_capacity = capacity;
    }
    heap_put(store, store->heap_count++, entry);
    heap_up(store, store->heap_count - 1);
    return true;
}

void store_set_expiry(struct store *store, struct entry *entry, uint64_t expires)
{
    if (entry->heap > 0)
        heap_remove(store, entry);
    entry->expires = expires;
    if (expires > 0)
        (void)heap_add(store, entry);
}

void store_expire(struct store *store)
{
    while (store->heap_count > 0 && store->heap[0]->expires <= store->now) {
        struct entry *entry = store->heap[0];
        store_touch(store, (struct text){entry->key.data, entry->key.size});
        store_delete(store, entry);
    }
}

/* ---- Tables ----------------------------------------------------------------------------- */

struct field *table_find(const struct table *table, struct text name)
{
    struct field *field = NULL;

    HASH_FIND(hh, table->fields, name.data, name.size, field);
    return field;
}

static bool table_room(struct store *store, struct table *table)
{
    size_t capacity = table->capacity ? 2 * table->capacity : 4;

    if (table->count < table->capacity)
        return true;
    struct field **order = realloc(table->order, capacity * sizeof(struct field *));
    if (!order) {
        store->failed = true;
        return false;
    }
    table->order = order;
    table->capacity = capacity;
    return true;
}

struct field *table_add(struct store *store, struct table *table, struct text name)
{
    struct field *field = table_room(store, table) ? calloc(1, sizeof(*field)) : NULL;

    if (!field || !bytes_set(store, &field->name, name.data, name.size)) {
        store->failed = true;
        free(field);
        return NULL;
    }
    HASH_ADD_KEYPTR(hh, table->fields, field->name.data, field->name.size, field);
    field->index = table->count;
    table->order[table->count++] = field;
    return field;
}

static void field_free(struct field *field)
{
    free(field->name.data);
    free(field->value.data);
    free(field);
}

void table_remove(struct table *table, struct field *field)
{
    struct field *last = table->order[--table->count];

    HASH_DEL(table->fields, field);
    table->order[field->index] = last;
    last->index = field->index;
    field_free(field);
}

static void table_free(struct table *table)
{
    HASH_CLEAR(hh, table->fields);
    for (size_t i = 0; i < table->count; i++)
        field_free(table->order[i]);
    free(table->order);
}

/* ---- Lists ------------------------------------------------------------------------------ */

struct bytes *list_at(const struct list *list, size_t index)
{
    return &list->items[(list->first + index) & (list->capacity - 1)];
}

static bool list_room(struct store *store, struct list *list)
{
    size_t capacity = list->capacity ? 2 * list->capacity : 4;

    if (list->count < list->capacity)
        return true;
    struct bytes *items = malloc(capacity * sizeof(*items));
    if (!items) {
        store->failed = true;
        return false;
    }
    for (size_t i = 0; i < list->count; i++)
        items[i] = *list_at(list, i);
    free(list->items);
    *list = (struct list){items, 0, list->count, capacity};
    return true;
}

bool list_push(struct store *store, struct list *list, bool left, struct text item)
{
    struct bytes copy = {NULL, 0};

    if (!list_room(store, list) || !bytes_set(store, &copy, item.data, item.size))
        return false;
    if (left)
        list->first = (list->first + list->capacity - 1) & (list->capacity - 1);
    list->count++;
    *list_at(list, left ? 0 : list->count - 1) = copy;
    return true;
}

struct bytes list_pop(struct list *list, bool left)
{
    struct bytes item = *list_at(list, left ? 0 : list->count - 1);

    if (left)
        list->first = (list->first + 1) & (list->capacity - 1);
    list->count--;
    return item;
}

void list_remove(struct list *list, size_t index)
{
    free(list_at(list, index)->data);
    for (size_t i = index; i + 1 < list->count; i++)
        *list_at(list, i) = *list_at(list, i + 1);
    list->count--;
}

static void list_free(struct list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list_at(list, i)->data);
    free(list->items);
}

/* ---- Keys ------------------------------------------------------------------------------- */

static void value_free(struct entry *entry)
{
    if (entry->kind == KIND_STRING)
        free(entry->value.string.data);
    else if (entry->kind == KIND_LIST)
        list_free(&entry->value.list);
    else if (entry->kind == KIND_SORTED)
        sorted_free(&entry->value.sorted);
    else
        table_free(&entry->value.table);
    memset(&entry->value, 0, sizeof(entry->value));
}

struct entry *store_find(const struct store *store, struct text key)
{
    struct entry *entry = NULL;

    HASH_FIND(hh, store->entries, key.data, key.size, entry);
    return entry && entry->expires > 0 && entry->expires <= store->now ? NULL : entry;
}

static bool store_room(struct store *store)
{
    size_t capacity = store->capacity ? 2 * store->capacity : 64;

    if (store->count < store->capacity)
        return true;
    struct entry **order = realloc(store->order, capacity * sizeof(struct entry *));
    if (!order)
        return false;
    store->order = order;
    store->capacity = capacity;
    return true;
}

struct entry *store_create(struct store *store, struct text key, enum kind kind)
{
    struct entry *entry = NULL;

    HASH_FIND(hh, store->entries, key.data, key.size, entry);
    if (entry) {
        value_free(entry);
        store_set_expiry(store, entry, 0);
        entry->kind = kind;
        return entry;
    }
    entry = store_room(store) ? calloc(1, sizeof(*entry)) : NULL;
    if (!entry || !bytes_set(store, &entry->key, key.data, key.size)) {
        store->failed = true;
        free(entry);
        return NULL;
    }
    entry->kind = kind;
    HASH_ADD_KEYPTR(hh, store->entries, entry->key.data, entry->key.size, entry);
    entry->index = store->count;
    store->order[store->count++] = entry;
    return entry;
}

void store_delete(struct store *store, struct entry *entry)
{
    struct entry *last = store->order[--store->count];

    if (entry->heap > 0)
        heap_remove(store, entry);
    HASH_DEL(store->entries, entry);
    store->order[entry->index] = last;
    last->index = entry->index;
    value_free(entry);
    free(entry->key.data);
    free(entry);
}

void store_clear(struct store *store)
{
    while (store->count > 0) {
        struct entry *entry = store->order[store->count - 1];
        store_touch(store, (struct text){entry->key.data, entry->key.size});
        store_delete(store, entry);
    }
    free(store->order);
    free(store->heap);
    store->order = store->heap = NULL;
    store->capacity = store->heap_count = store->heap_capacity = 0;
}

size_t store_count(const struct store *store)
{
    return store->count;
}

static uint64_t *version_of(const struct store *store, struct text key)
{
    uint64_t hash = 14695981039346656037U; /* FNV-1a */

    for (size_t i = 0; i < key.size; i++)
        hash = (hash ^ (uint8_t)key.data[i]) * 1099511628211U;
    return &((struct store *)(uintptr_t)store)->versions[(hash ^ hash >> 32) % STORE_VERSIONS];
}

void store_touch(struct store *store, struct text key)
{
    *version_of(store, key) = store->number;
}

uint64_t store_version(const struct store *store, struct text key)
{
    return *version_of(store, key);
}

/* ---- Scanning --------------------------------------------------------------------------- */

static size_t scan_from(uint64_t cursor, size_t count)
{
    return cursor == 0 || cursor > count ? count : (size_t)cursor;
}

uint64_t scan_entries(const struct store *store, uint64_t cursor, size_t count, void *ctx,
                      void (*visit)(void *ctx, const struct entry *entry))
{
    size_t at = scan_from(cursor, store->count);

    for (; at > 0 && count > 0; count--) {
        const struct entry *entry = store->order[--at];
        if (entry->expires == 0 || entry->expires > store->now)
            visit(ctx, entry);
    }
    return at;
}

uint64_t scan_table(const struct table *table, uint64_t cursor, size_t count, void *ctx,
                    void (*visit)(void *ctx, const struct field *field))
{
    size_t at = scan_from(cursor, table->count);

    for (; at > 0 && count > 0; count--)
        visit(ctx, table->order[--at]);
    return at;
}
