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

static void run_type(struct call *call)
{
    static const char *const names[] = {"none", "string", "hash", "list", "set"};
    const struct entry *entry = store_find(call->store, call->args[1]);

    reply_status(call->reply, names[entry ? entry->kind : 0]);
}

/* ---- Expiry ----------------------------------------------------------------------------- */

static void expire(struct call *call, uint64_t unit, bool absolute)
{
    struct entry *entry = store_find(call->store, call->args[1]);
    int64_t value;

    if (!call_integer(call, call->args[2], &value))
        return;
    if (value > (int64_t)(INT64_MAX / 4 / unit) || value < -(int64_t)(INT64_MAX / 4 / unit)) {
        reply_error(call->reply, "ERR invalid expire time");
        return;
    }
    int64_t at = value * (int64_t)unit + (absolute ? 0 : (int64_t)call->store->now);
    reply_integer(call->reply, entry != NULL);
    if (!entry)
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

/* ---- All keys --------------------------------------------------------------------------- */

struct scanned {
    struct text match;
    struct reply items;
    size_t count;
};

static void visit(void *ctx, const struct entry *entry)
{
    struct scanned *scanned = ctx;

    if (!glob_matches(scanned->match, (struct text){entry->key.data, entry->key.size}))
        return;
    reply_bulk(&scanned->items, entry->key.data, entry->key.size);
    scanned->count++;
}

static void run_scan(struct call *call)
{
    struct scanned scanned = {0};
    size_t limit;
    int64_t cursor;

    if (!call_integer(call, call->args[1], &cursor) ||
        !call_scan_options(call, 2, &scanned.match, &limit))
        return;
    uint64_t next = scan_entries(call->store, (uint64_t)cursor, limit, &scanned, visit);
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

/* The first that is there behind a place that the time says. */
static void run_randomkey(struct call *call)
{
    struct scanned scanned = {.match = {"*", 1}};
    uint64_t cursor = call->seed ^ call->store->now;

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
    store_clear(call->store);
    reply_status(call->reply, "OK");
}

/* ---- Said within MULTI too --------------------------------------------------------------- */

static void run_ping(struct call *call)
{
    if (call->count > 1)
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
    {"expire", 3, true, run_expire},
    {"pexpire", 3, true, run_pexpire},
    {"expireat", 3, true, run_expireat},
    {"pexpireat", 3, true, run_pexpireat},
    {"ttl", 2, false, run_ttl},
    {"pttl", 2, false, run_pttl},
    {"persist", 2, true, run_persist},
    {"rename", 3, true, run_rename},
    {"renamenx", 3, true, run_renamenx},
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
