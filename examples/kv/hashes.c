/* SPDX-License-Identifier: BSD-3-Clause */
/* Hashes: fields with values. */
#include "commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct table *find(struct call *call, bool *wrong)
{
    return call_table(call, call->args[1], KIND_HASH, wrong);
}

static void reply_field(struct call *call, const struct field *field)
{
    if (field)
        reply_bulk(call->reply, field->value.data, field->value.size);
    else
        reply_nil(call->reply);
}

/* Sets a field; whether it is new. */
static bool set(struct call *call, struct table *table, struct text name, struct text value)
{
    struct field *field = table_find(table, name);
    bool added = !field;

    if (!field)
        field = table_add(call->store, table, name);
    if (field)
        (void)bytes_set(call->store, &field->value, value.data, value.size);
    return added;
}

static int64_t set_all(struct call *call)
{
    struct entry *entry = NULL;
    int64_t added = 0;

    if (call->count % 2 == 1) {
        call_wrong_count(call);
        return -1;
    }
    entry = call_want(call, call->args[1], KIND_HASH);
    if (!entry)
        return -1;
    for (size_t i = 2; i < call->count; i += 2)
        added += set(call, &entry->value.table, call->args[i], call->args[i + 1]);
    store_touch(call->store, call->args[1]);
    return added;
}

static void run_hset(struct call *call)
{
    int64_t added = set_all(call);

    if (added >= 0)
        reply_integer(call->reply, added);
}

static void run_hmset(struct call *call)
{
    if (set_all(call) >= 0)
        reply_status(call->reply, "OK");
}

static void run_hsetnx(struct call *call)
{
    bool wrong;
    const struct table *table = find(call, &wrong);

    if (wrong)
        return;
    bool there = table && table_find(table, call->args[2]);
    reply_integer(call->reply, there || set_all(call) < 0 ? 0 : 1);
}

static void run_hget(struct call *call)
{
    bool wrong;
    const struct table *table = find(call, &wrong);

    if (!wrong)
        reply_field(call, table ? table_find(table, call->args[2]) : NULL);
}

static void run_hmget(struct call *call)
{
    bool wrong;
    const struct table *table = find(call, &wrong);

    if (wrong)
        return;
    reply_array(call->reply, call->count - 2);
    for (size_t i = 2; i < call->count; i++)
        reply_field(call, table ? table_find(table, call->args[i]) : NULL);
}

static void run_hdel(struct call *call)
{
    call_table_remove(call, KIND_HASH);
}

static void run_hlen(struct call *call)
{
    call_table_count(call, KIND_HASH);
}

static void run_hexists(struct call *call)
{
    call_table_has(call, KIND_HASH);
}

static void run_hstrlen(struct call *call)
{
    bool wrong;
    const struct table *table = find(call, &wrong);
    const struct field *field = table ? table_find(table, call->args[2]) : NULL;

    if (!wrong)
        reply_integer(call->reply, field ? (int64_t)field->value.size : 0);
}

static void reply_all(struct call *call, bool names, bool values)
{
    bool wrong;
    const struct table *table = find(call, &wrong);
    size_t count = table ? table->count : 0;

    if (wrong)
        return;
    reply_array(call->reply, count * ((size_t)names + values));
    for (size_t i = 0; i < count; i++) {
        if (names)
            reply_bulk(call->reply, table->order[i]->name.data, table->order[i]->name.size);
        if (values)
            reply_field(call, table->order[i]);
    }
}

static void run_hgetall(struct call *call)
{
    reply_all(call, true, true);
}

static void run_hkeys(struct call *call)
{
    reply_all(call, true, false);
}

static void run_hvals(struct call *call)
{
    reply_all(call, false, true);
}

static void run_hincrby(struct call *call)
{
    bool wrong;
    const struct table *table = find(call, &wrong);
    const struct field *field = table ? table_find(table, call->args[2]) : NULL;
    int64_t value = 0, by;
    char text[24];

    if (wrong || !call_integer(call, call->args[3], &by))
        return;
    if (field && !text_integer((struct text){field->value.data, field->value.size}, &value)) {
        reply_error(call->reply, "ERR hash value is not an integer");
        return;
    }
    if (__builtin_add_overflow(value, by, &value)) {
        reply_error(call->reply, "ERR increment or decrement would overflow");
        return;
    }
    int size = snprintf(text, sizeof(text), "%lld", (long long)value);
    struct entry *entry = call_want(call, call->args[1], KIND_HASH);
    if (entry)
        (void)set(call, &entry->value.table, call->args[2], (struct text){text, (size_t)size});
    store_touch(call->store, call->args[1]);
    reply_integer(call->reply, value);
}

static void run_hincrbyfloat(struct call *call)
{
    bool wrong;
    const struct table *table = find(call, &wrong);
    const struct field *field = table ? table_find(table, call->args[2]) : NULL;
    char text[DECIMAL_MAX];

    if (wrong || !call_add_decimal(call, field ? &field->value : NULL, call->args[3], text))
        return;
    struct entry *entry = call_want(call, call->args[1], KIND_HASH);
    if (entry)
        (void)set(call, &entry->value.table, call->args[2], (struct text){text, strlen(text)});
    store_touch(call->store, call->args[1]);
    reply_text(call->reply, text);
}

static void run_hscan(struct call *call)
{
    call_table_scan(call, KIND_HASH, true);
}

const struct command commands_hashes[] = {
    {"hget", 3, false, run_hget},       {"hset", -4, true, run_hset},
    {"hmset", -4, true, run_hmset},     {"hsetnx", 4, true, run_hsetnx},
    {"hmget", -3, false, run_hmget},    {"hdel", -3, true, run_hdel},
    {"hlen", 2, false, run_hlen},       {"hexists", 3, false, run_hexists},
    {"hstrlen", 3, false, run_hstrlen}, {"hgetall", 2, false, run_hgetall},
    {"hkeys", 2, false, run_hkeys},     {"hvals", 2, false, run_hvals},
    {"hincrby", 4, true, run_hincrby},  {"hincrbyfloat", 4, true, run_hincrbyfloat},
    {"hscan", -3, false, run_hscan},    {NULL, 0, false, NULL},
};
