/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The store as bytes and back, in one piece, everything in the order that it has. Integers as this
 * machine has them, 8 bytes each; replicas on machines of another byte order are not foreseen.
 *
 *   "GCSKV1\0\0", chain, versions, then for each key: kind, expires, key, value; kind 0 at the end.
 *   Strings are a size and bytes, tables and lists a count and elements, sorted sets a count and,
 *   from the lowest on, scores (the bits of a double) and names.
 */
#include "store.h"

#include <math.h>
#include <string.h>

static const char magic[8] = "GCSKV1";

/* ---- Out -------------------------------------------------------------------------------- */

static void put_number(struct reply *out, uint64_t number)
{
    reply_bytes(out, &number, sizeof(number));
}

static void put_bytes(struct reply *out, const struct bytes *bytes)
{
    put_number(out, bytes->size);
    reply_bytes(out, bytes->data, bytes->size);
}

static void put_table(struct reply *out, const struct table *table, bool values)
{
    put_number(out, table->count);
    for (size_t i = 0; i < table->count; i++) {
        put_bytes(out, &table->order[i]->name);
        if (values)
            put_bytes(out, &table->order[i]->value);
    }
}

static void put_list(struct reply *out, const struct list *list)
{
    put_number(out, list->count);
    for (size_t i = 0; i < list->count; i++)
        put_bytes(out, list_at(list, i));
}

static void put_sorted(struct reply *out, const struct sorted *sorted)
{
    put_number(out, sorted->count);
    for (size_t i = 0; i < sorted->count; i++) {
        reply_bytes(out, &sorted->order[i]->score, sizeof(uint64_t));
        put_bytes(out, &sorted->order[i]->name);
    }
}

void store_dump(const struct store *store, struct reply *out)
{
    reply_bytes(out, magic, sizeof(magic));
    put_number(out, store->chain);
    reply_bytes(out, store->versions, sizeof(store->versions));
    for (size_t i = 0; i < store->count; i++) {
        const struct entry *entry = store->order[i];
        put_number(out, entry->kind);
        put_number(out, entry->expires);
        put_bytes(out, &entry->key);
        if (entry->kind == KIND_STRING)
            put_bytes(out, &entry->value.string);
        else if (entry->kind == KIND_LIST)
            put_list(out, &entry->value.list);
        else if (entry->kind == KIND_SORTED)
            put_sorted(out, &entry->value.sorted);
        else
            put_table(out, &entry->value.table, entry->kind == KIND_HASH);
    }
    put_number(out, 0);
}

/* ---- In --------------------------------------------------------------------------------- */

struct input {
    const char *at, *end;
    bool bad;
};

static uint64_t get_number(struct input *in)
{
    uint64_t number = 0;

    if ((size_t)(in->end - in->at) < sizeof(number)) {
        in->bad = true;
        return 0;
    }
    memcpy(&number, in->at, sizeof(number));
    in->at += sizeof(number);
    return number;
}

static struct text get_text(struct input *in)
{
    uint64_t size = get_number(in);
    struct text text = {in->at, 0};

    if (size > (size_t)(in->end - in->at)) {
        in->bad = true;
        return text;
    }
    text.size = (size_t)size;
    in->at += size;
    return text;
}

static void get_table(struct store *store, struct input *in, struct table *table, bool values)
{
    uint64_t count = get_number(in);

    for (uint64_t i = 0; i < count && !in->bad; i++) {
        struct text name = get_text(in);
        struct text value = values ? get_text(in) : (struct text){NULL, 0};
        if (in->bad || table_find(table, name)) {
            in->bad = true;
            return;
        }
        struct field *field = table_add(store, table, name);
        in->bad = !field || (values && !bytes_set(store, &field->value, value.data, value.size));
    }
    in->bad |= table->count == 0;
}

static void get_list(struct store *store, struct input *in, struct list *list)
{
    uint64_t count = get_number(in);

    for (uint64_t i = 0; i < count && !in->bad; i++) {
        struct text item = get_text(in);
        in->bad = in->bad || !list_push(store, list, false, item);
    }
    in->bad |= list->count == 0;
}

/* Each is the highest so far, or they would not be in order. */
static void get_sorted(struct store *store, struct input *in, struct sorted *sorted)
{
    uint64_t count = get_number(in);

    for (uint64_t i = 0; i < count && !in->bad; i++) {
        uint64_t bits = get_number(in);
        double score;
        memcpy(&score, &bits, sizeof(score));
        struct text name = get_text(in);
        if (in->bad || isnan(score) || sorted_find(sorted, name)) {
            in->bad = true;
            return;
        }
        const struct member *member = sorted_set(store, sorted, name, score);
        in->bad = !member || sorted->order[i] != member;
    }
    in->bad |= sorted->count == 0;
}

static void get_entry(struct store *store, struct input *in, uint64_t kind)
{
    uint64_t expires = get_number(in);
    struct text key = get_text(in);

    if (in->bad || kind > KIND_SORTED || store_find(store, key)) {
        in->bad = true;
        return;
    }
    struct entry *entry = store_create(store, key, (enum kind)kind);
    if (!entry) {
        in->bad = true;
        return;
    }
    if (kind == KIND_STRING) {
        struct text text = get_text(in);
        in->bad = in->bad || !bytes_set(store, &entry->value.string, text.data, text.size);
    } else if (kind == KIND_LIST) {
        get_list(store, in, &entry->value.list);
    } else if (kind == KIND_SORTED) {
        get_sorted(store, in, &entry->value.sorted);
    } else {
        get_table(store, in, &entry->value.table, kind == KIND_HASH);
    }
    store_set_expiry(store, entry, expires);
}

bool store_load(struct store *store, const char *data, size_t size)
{
    struct input in = {data, data + size, false};
    uint64_t kind = 0;

    store_clear(store);
    memset(store, 0, sizeof(*store));
    if (size < sizeof(magic) + 8 + sizeof(store->versions) ||
        memcmp(data, magic, sizeof(magic)) != 0)
        return false;
    in.at += sizeof(magic);
    uint64_t chain = get_number(&in);
    const char *versions = in.at;
    in.at += sizeof(store->versions);
    while (!in.bad && (kind = get_number(&in)) != 0)
        get_entry(store, &in, kind);
    bool good = !in.bad && in.at == in.end && !store->failed;
    if (!good)
        store_clear(store);
    memcpy(store->versions, versions, sizeof(store->versions));
    store->chain = chain;
    return good;
}
