/* SPDX-License-Identifier: BSD-3-Clause */
/* Keys of any kind, and when they expire: by the group's time, which no replica's clock decides
 * alone. */
#include "commands.h"

#include <stdlib.h>
#include <string.h>

#define NS_PER_MS UINT64_C(1000000)

static void run_del(struct call *call)
{
    int64_t removed = 0;

    for (size_t i = 1; i < call->count; i++) {
        struct entry *entry = store_find(call->store, call->args[i]);
        if (!entry)
            continue;
        store_touch(call->store, call->args[i]);
        store_delete(call->store, entry);
        removed++;
    }
    reply_integer(call->reply, removed);
}

static void run_exists(struct call *call)
{
    int64_t there = 0;

    for (size_t i = 1; i < call->count; i++)
        there += store_find(call->store, call->args[i]) != NULL;
    reply_integer(call->reply, there);
}

static const char *const kinds[] = {"none", "string", "hash", "list", "set", "zset"};

static void run_type(struct call *call)
{
    const struct entry *entry = store_find(call->store, call->args[1]);

    reply_status(call->reply, kinds[entry ? entry->kind : 0]);
}

/* ---- Expiry ----------------------------------------------------------------------------- */

enum { IF_NONE = 1, IF_ANY = 2, IF_LATER = 4, IF_SOONER = 8 };

/* NX, XX, GT and LT. False: said. */
static bool read_conditions(struct call *call, unsigned *conditions)
{
    static const char *const words[] = {"nx", "xx", "gt", "lt"};

    for (size_t i = 3; i < call->count; i++) {
        size_t k = 0;
        while (k < 4 && !text_is(call->args[i], words[k]))
            k++;
        if (k == 4) {
            reply_error(call->reply, "ERR Unsupported option %.*s",
                        (int)(call->args[i].size < 64 ? call->args[i].size : 64),
                        call->args[i].data);
            return false;
        }
        *conditions |= 1U << k;
    }
    bool none = *conditions & IF_NONE;
    if (none && *conditions != IF_NONE)
        reply_error(call->reply,
                    "ERR NX and XX, GT or LT options at the same time are not compatible");
    else if ((*conditions & (IF_LATER | IF_SOONER)) == (IF_LATER | IF_SOONER))
        reply_error(call->reply, "ERR GT and LT options at the same time are not compatible");
    else
        return true;
    return false;
}

/* Who never expires does so later than anybody else. */
static bool may_expire(const struct entry *entry, unsigned conditions, int64_t at)
{
    int64_t old = entry->expires ? (int64_t)entry->expires : INT64_MAX;

    return !((conditions & IF_NONE) && entry->expires) &&
           !((conditions & IF_ANY) && !entry->expires) && !((conditions & IF_LATER) && at <= old) &&
           !((conditions & IF_SOONER) && at >= old);
}

static void expire(struct call *call, uint64_t unit, bool absolute)
{
    struct entry *entry = store_find(call->store, call->args[1]);
    unsigned conditions = 0;
    int64_t value;

    if (!read_conditions(call, &conditions) || !call_integer(call, call->args[2], &value))
        return;
    if (value > (int64_t)(INT64_MAX / 4 / unit) || value < -(int64_t)(INT64_MAX / 4 / unit)) {
        reply_error(call->reply, "ERR invalid expire time in '%s' command", call->name);
        return;
    }
    int64_t at = value * (int64_t)unit + (absolute ? 0 : (int64_t)call->store->now);
    bool set = entry && may_expire(entry, conditions, at);
    reply_integer(call->reply, set);
    if (!set)
        return;
    store_touch(call->store, call->args[1]);
    if (at <= (int64_t)call->store->now)
        store_delete(call->store, entry);
    else
        store_set_expiry(call->store, entry, (uint64_t)at);
}

static void run_expire(struct call *call)
{
    expire(call, 1000 * NS_PER_MS, false);
}

static void run_pexpire(struct call *call)
{
    expire(call, NS_PER_MS, false);
}

static void run_expireat(struct call *call)
{
    expire(call, 1000 * NS_PER_MS, true);
}

static void run_pexpireat(struct call *call)
{
    expire(call, NS_PER_MS, true);
}

static void reply_ttl(struct call *call, uint64_t unit)
{
    const struct entry *entry = store_find(call->store, call->args[1]);

    if (!entry)
        reply_integer(call->reply, -2);
    else if (entry->expires == 0)
        reply_integer(call->reply, -1);
    else
        reply_integer(call->reply,
                      (int64_t)((entry->expires - call->store->now + unit - 1) / unit));
}

static void run_ttl(struct call *call)
{
    reply_ttl(call, 1000 * NS_PER_MS);
}

static void run_pttl(struct call *call)
{
    reply_ttl(call, NS_PER_MS);
}

static void reply_expiry(struct call *call, uint64_t unit)
{
    const struct entry *entry = store_find(call->store, call->args[1]);

    if (!entry || entry->expires == 0)
        reply_integer(call->reply, entry ? -1 : -2);
    else
        reply_integer(call->reply, (int64_t)(entry->expires / unit));
}

static void run_expiretime(struct call *call)
{
    reply_expiry(call, 1000 * NS_PER_MS);
}

static void run_pexpiretime(struct call *call)
{
    reply_expiry(call, NS_PER_MS);
}

static void run_persist(struct call *call)
{
    struct entry *entry = store_find(call->store, call->args[1]);
    bool persists = entry && entry->expires > 0;

    if (persists) {
        store_set_expiry(call->store, entry, 0);
        store_touch(call->store, call->args[1]);
    }
    reply_integer(call->reply, persists);
}

/* ---- Renaming --------------------------------------------------------------------------- */

/* The value moves; what the other key had goes. */
static void rename_key(struct call *call, struct entry *from)
{
    uint64_t expires = from->expires;
    struct entry *to;

    if (text_equal(call->args[1], call->args[2]))
        return;
    to = store_create(call->store, call->args[2], from->kind);
    if (!to)
        return;
    to->value = from->value;
    memset(&from->value, 0, sizeof(from->value));
    store_set_expiry(call->store, to, expires);
    store_delete(call->store, from);
    store_touch(call->store, call->args[1]);
    store_touch(call->store, call->args[2]);
}

static void run_rename(struct call *call)
{
    struct entry *from = store_find(call->store, call->args[1]);

    if (!from) {
        reply_error(call->reply, "ERR no such key");
        return;
    }
    rename_key(call, from);
    reply_status(call->reply, "OK");
}

static void run_renamenx(struct call *call)
{
    struct entry *from = store_find(call->store, call->args[1]);
    bool taken = store_find(call->store, call->args[2]) != NULL;

    if (!from) {
        reply_error(call->reply, "ERR no such key");
        return;
    }
    if (!taken)
        rename_key(call, from);
    reply_integer(call->reply, !taken);
}

/* ---- Copying ------------------------------------------------------------------------------ */

static struct text text_of(const struct bytes *bytes)
{
    return (struct text){bytes->data, bytes->size};
}

static void copy_value(struct store *store, const struct entry *from, struct entry *to)
{
    const struct table *table = &from->value.table;
    const struct list *list = &from->value.list;
    const struct sorted *sorted = &from->value.sorted;

    if (from->kind == KIND_STRING) {
        (void)bytes_set(store, &to->value.string, from->value.string.data, from->value.string.size);
    } else if (from->kind == KIND_LIST) {
        for (size_t i = 0; i < list->count && !store->failed; i++)
            (void)list_push(store, &to->value.list, false, text_of(list_at(list, i)));
    } else if (from->kind == KIND_SORTED) {
        for (size_t i = 0; i < sorted->count && !store->failed; i++)
            (void)sorted_set(store, &to->value.sorted, text_of(&sorted->order[i]->name),
                             sorted->order[i]->score);
    } else {
        for (size_t i = 0; i < table->count && !store->failed; i++) {
            const struct field *field = table->order[i];
            struct field *copy = table_add(store, &to->value.table, text_of(&field->name));
            if (copy && from->kind == KIND_HASH)
                (void)bytes_set(store, &copy->value, field->value.data, field->value.size);
        }
    }
}

/* COPY from to [REPLACE] */
static void run_copy(struct call *call)
{
    const struct entry *from = store_find(call->store, call->args[1]);
    bool replace = call->count == 4 && text_is(call->args[3], "replace");

    if (call->count > 3 && !replace) {
        call_syntax(call);
        return;
    }
    if (text_equal(call->args[1], call->args[2])) {
        reply_error(call->reply, "ERR source and destination objects are the same");
        return;
    }
    bool copies = from && (replace || !store_find(call->store, call->args[2]));
    struct entry *to = copies ? store_create(call->store, call->args[2], from->kind) : NULL;
    if (to) {
        copy_value(call->store, from, to);
        store_set_expiry(call->store, to, from->expires);
        store_touch(call->store, call->args[2]);
    }
    reply_integer(call->reply, copies);
}

/* ---- All keys --------------------------------------------------------------------------- */

struct scanned {
    struct text match, kind; /* kind: no data, any */
    struct reply items;
    size_t count;
};

static void visit(void *ctx, const struct entry *entry)
{
    struct scanned *scanned = ctx;

    if (!glob_matches(scanned->match, text_of(&entry->key)) ||
        (scanned->kind.data && !text_is(scanned->kind, kinds[entry->kind])))
        return;
    reply_bulk(&scanned->items, entry->key.data, entry->key.size);
    scanned->count++;
}

static void run_scan(struct call *call)
{
    struct scanned scanned = {0};
    size_t limit;
    uint64_t cursor;

    if (!call_cursor(call, call->args[1], &cursor) ||
        !call_scan_options(call, 2, &scanned.match, &scanned.kind, &limit))
        return;
    uint64_t next = scan_entries(call->store, cursor, limit, &scanned, visit);
    call_scan_reply(call, next, &scanned.items, scanned.count);
    reply_free(&scanned.items);
}

static void run_keys(struct call *call)
{
    struct scanned scanned = {.match = call->args[1]};

    (void)scan_entries(call->store, 0, SIZE_MAX, &scanned, visit);
    reply_array(call->reply, scanned.count);
    reply_bytes(call->reply, scanned.items.data, scanned.items.size);
    call->reply->failed |= scanned.items.failed;
    reply_free(&scanned.items);
}

/* The first that is there from a random place on. */
static void run_randomkey(struct call *call)
{
    struct scanned scanned = {.match = {"*", 1}};
    size_t there = store_count(call->store);
    uint64_t cursor = there > 0 ? 1 + (call->seed ^ call->store->now) % there : 0;

    for (int round = 0; round < 2 && scanned.count == 0; round++)
        do {
            cursor = scan_entries(call->store, cursor, 1, &scanned, visit);
        } while (cursor != 0 && scanned.count == 0);
    if (scanned.count == 0)
        reply_nil(call->reply);
    else
        reply_bytes(call->reply, scanned.items.data,
                    (size_t)((char *)memchr(scanned.items.data, '\n', scanned.items.size) + 1 -
                             scanned.items.data) +
                        (size_t)strtoull(scanned.items.data + 1, NULL, 10) + 2);
    reply_free(&scanned.items);
}

static void run_dbsize(struct call *call)
{
    reply_integer(call->reply, (int64_t)store_count(call->store));
}

static void run_flush(struct call *call)
{
    if (call->count > 2 ||
        (call->count == 2 && !text_is(call->args[1], "async") && !text_is(call->args[1], "sync"))) {
        call_syntax(call);
        return;
    }
    store_clear(call->store);
    reply_status(call->reply, "OK");
}

/* ---- Said within MULTI too --------------------------------------------------------------- */

static void run_ping(struct call *call)
{
    if (call->count > 2)
        call_wrong_count(call);
    else if (call->count > 1)
        reply_bulk(call->reply, call->args[1].data, call->args[1].size);
    else
        reply_status(call->reply, "PONG");
}

static void run_echo(struct call *call)
{
    reply_bulk(call->reply, call->args[1].data, call->args[1].size);
}

static void run_time(struct call *call)
{
    struct reply text = {0};

    reply_array(call->reply, 2);
    for (int i = 0; i < 2; i++) {
        uint64_t us = call->store->now / 1000;
        reply_clear(&text);
        reply_integer(&text, (int64_t)(i == 0 ? us / 1000000 : us % 1000000));
        reply_bulk(call->reply, text.data + 1, text.failed ? 0 : text.size - 3);
    }
    reply_free(&text);
}

const struct command commands_keys[] = {
    {"del", -2, true, run_del},
    {"unlink", -2, true, run_del},
    {"exists", -2, false, run_exists},
    {"touch", -2, false, run_exists},
    {"type", 2, false, run_type},
    {"expire", -3, true, run_expire},
    {"pexpire", -3, true, run_pexpire},
    {"expireat", -3, true, run_expireat},
    {"pexpireat", -3, true, run_pexpireat},
    {"ttl", 2, false, run_ttl},
    {"pttl", 2, false, run_pttl},
    {"expiretime", 2, false, run_expiretime},
    {"pexpiretime", 2, false, run_pexpiretime},
    {"persist", 2, true, run_persist},
    {"rename", 3, true, run_rename},
    {"renamenx", 3, true, run_renamenx},
    {"copy", -3, true, run_copy},
    {"keys", 2, false, run_keys},
    {"scan", -2, false, run_scan},
    {"randomkey", 1, false, run_randomkey},
    {"dbsize", 1, false, run_dbsize},
    {"flushdb", -1, true, run_flush},
    {"flushall", -1, true, run_flush},
    {"ping", -1, false, run_ping},
    {"echo", 2, false, run_echo},
    {"time", 1, false, run_time},
    {NULL, 0, false, NULL},
};
