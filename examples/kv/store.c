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

static bool before(const struct entry *a, const struct entry *b)
{
    return a->expires < b->expires;
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
    entry = calloc(1, sizeof(*entry));
    if (!entry || !bytes_set(store, &entry->key, key.data, key.size)) {
        store->failed = true;
        free(entry);
        return NULL;
    }
    entry->kind = kind;
    HASH_ADD_KEYPTR(hh, store->entries, entry->key.data, entry->key.size, entry);
    return entry;
}

void store_delete(struct store *store, struct entry *entry)
{
    if (entry->heap > 0)
        heap_remove(store, entry);
    HASH_DEL(store->entries, entry);
    value_free(entry);
    free(entry->key.data);
    free(entry);
}

void store_clear(struct store *store)
{
    struct entry *next = store->entries;

    for (struct entry *entry; (entry = next);) {
        next = entry->hh.next;
        store_touch(store, (struct text){entry->key.data, entry->key.size});
        store_delete(store, entry);
    }
    free(store->heap);
    store->heap = NULL;
    store->heap_count = store->heap_capacity = 0;
}

size_t store_count(const struct store *store)
{
    return HASH_COUNT(store->entries);
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

/*
 * The cursor counts with its bits reversed (as in Redis): when a table doubles, the two buckets
 * that one became are visited next to each other. Hash functions have no seed, so a cursor is good
 * at every replica.
 */
static uint64_t reverse(uint64_t bits)
{
    uint64_t reversed = 0;

    for (int i = 0; i < 64; i++)
        reversed |= (bits >> i & 1) << (63 - i);
    return reversed;
}

static uint64_t cursor_next(uint64_t cursor, uint64_t mask)
{
    return reverse(reverse(cursor | ~mask) + 1);
}

static uint64_t scan(const UT_hash_table *table, uint64_t cursor, size_t count, void *ctx,
                     void (*visit)(void *ctx, const void *element))
{
    uint64_t mask = table->num_buckets - 1;
    size_t visited = 0;

    do {
        const UT_hash_bucket *bucket = &table->buckets[cursor & mask];
        for (const UT_hash_handle *hh = bucket->hh_head; hh; hh = hh->hh_next) {
            visit(ctx, (const char *)hh - table->hho);
            visited++;
        }
        cursor = cursor_next(cursor, mask);
    } while (cursor != 0 && visited < count);
    return cursor;
}

struct scan_ctx {
    void *ctx;
    const struct store *store;
    void (*entry)(void *ctx, const struct entry *entry);
    void (*field)(void *ctx, const struct field *field);
};

static void visit_entry(void *ctx, const void *element)
{
    const struct scan_ctx *scan = ctx;
    const struct entry *entry = element;

    if (entry->expires == 0 || entry->expires > scan->store->now)
        scan->entry(scan->ctx, entry);
}

static void visit_field(void *ctx, const void *element)
{
    const struct scan_ctx *scan = ctx;

    scan->field(scan->ctx, element);
}

uint64_t scan_entries(const struct store *store, uint64_t cursor, size_t count, void *ctx,
                      void (*visit)(void *ctx, const struct entry *entry))
{
    struct scan_ctx inner = {.ctx = ctx, .store = store, .entry = visit};

    return store->entries ? scan(store->entries->hh.tbl, cursor, count, &inner, visit_entry) : 0;
}

uint64_t scan_table(const struct table *table, uint64_t cursor, size_t count, void *ctx,
                    void (*visit)(void *ctx, const struct field *field))
{
    struct scan_ctx inner = {.ctx = ctx, .field = visit};

    return table->fields ? scan(table->fields->hh.tbl, cursor, count, &inner, visit_field) : 0;
}
