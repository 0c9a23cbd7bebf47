/* SPDX-License-Identifier: BSD-3-Clause */
/* What hashes and sets have in common: a table of names under a key. */
#include "commands.h"

struct table *call_table(struct call *call, struct text key, enum kind kind, bool *wrong)
{
    struct entry *entry = call_find(call, key, kind, wrong);

    return entry ? &entry->value.table : NULL;
}

void call_table_remove(struct call *call, enum kind kind)
{
    bool wrong;
    struct entry *entry = call_find(call, call->args[1], kind, &wrong);
    int64_t removed = 0;

    if (wrong)
        return;
    for (size_t i = 2; entry && i < call->count; i++) {
        struct field *field = table_find(&entry->value.table, call->args[i]);
        removed += field != NULL;
        if (field)
            table_remove(&entry->value.table, field);
    }
    if (removed > 0) {
        store_touch(call->store, call->args[1]);
        call_drop_empty(call, entry);
    }
    reply_integer(call->reply, removed);
}

void call_table_count(struct call *call, enum kind kind)
{
    bool wrong;
    const struct table *table = call_table(call, call->args[1], kind, &wrong);

    if (!wrong)
        reply_integer(call->reply, table ? (int64_t)table->count : 0);
}

void call_table_has(struct call *call, enum kind kind)
{
    bool wrong;
    const struct table *table = call_table(call, call->args[1], kind, &wrong);

    if (!wrong)
        reply_integer(call->reply, table && table_find(table, call->args[2]));
}

struct scanned {
    struct text match;
    struct reply items;
    bool values;
    size_t count;
};

static void visit(void *ctx, const struct field *field)
{
    struct scanned *scanned = ctx;

    if (!glob_matches(scanned->match, (struct text){field->name.data, field->name.size}))
        return;
    reply_bulk(&scanned->items, field->name.data, field->name.size);
    if (scanned->values)
        reply_bulk(&scanned->items, field->value.data, field->value.size);
    scanned->count += scanned->values ? 2 : 1;
}

void call_table_scan(struct call *call, enum kind kind, bool values)
{
    struct scanned scanned = {.values = values};
    bool wrong;
    const struct table *table = call_table(call, call->args[1], kind, &wrong);
    size_t limit;
    uint64_t cursor;

    if (wrong || !call_cursor(call, call->args[2], &cursor) ||
        !call_scan_options(call, 3, &scanned.match, NULL, &limit))
        return;
    uint64_t next = table ? scan_table(table, cursor, limit, &scanned, visit) : 0;
    call_scan_reply(call, next, &scanned.items, scanned.count);
    reply_free(&scanned.items);
}
