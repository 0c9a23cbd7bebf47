/* SPDX-License-Identifier: BSD-3-Clause */
/* Strings and counters. */
#include "commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS UINT64_C(1000000)

enum { STRING_MAX = 64 << 20 };

static struct text text_of(const struct entry *entry)
{
    return (struct text){entry->value.string.data, entry->value.string.size};
}

static void reply_value(struct call *call, const struct entry *entry)
{
    if (entry)
        reply_bulk(call->reply, entry->value.string.data, entry->value.string.size);
    else
        reply_nil(call->reply);
}

/* Whatever was there, and no expiry. */
static struct entry *put(struct call *call, struct text key, struct text value)
{
    struct entry *entry = store_create(call->store, key, KIND_STRING);

    if (entry)
        (void)bytes_set(call->store, &entry->value.string, value.data, value.size);
    store_touch(call->store, key);
    return entry;
}

static void run_get(struct call *call)
{
    bool wrong;
    const struct entry *entry = call_find(call, call->args[1], KIND_STRING, &wrong);

    if (!wrong)
        reply_value(call, entry);
}

static void run_mget(struct call *call)
{
    reply_array(call->reply, call->count - 1);
    for (size_t i = 1; i < call->count; i++) {
        const struct entry *entry = store_find(call->store, call->args[i]);
        reply_value(call, entry && entry->kind == KIND_STRING ? entry : NULL);
    }
}

/* ---- SET -------------------------------------------------------------------------------- */

struct set_options {
    bool nx, xx, get, keep;
    uint64_t expires;
};

static bool read_set_option(struct call *call, size_t *i, struct set_options *options)
{
    struct text word = call->args[*i];

    if (text_is(word, "nx"))
        options->nx = true;
    else if (text_is(word, "xx"))
        options->xx = true;
    else if (text_is(word, "get"))
        options->get = true;
    else if (text_is(word, "keepttl"))
        options->keep = true;
    else
        return call_expiry_option(call, i, &options->expires);
    return true;
}

static void run_set(struct call *call)
{
    struct entry *entry = store_find(call->store, call->args[1]);
    struct set_options options = {0};
    uint64_t expires = entry ? entry->expires : 0;
    bool wrong = false;

    for (size_t i = 3; i < call->count; i++)
        if (!read_set_option(call, &i, &options))
            return;
    if ((options.nx && options.xx) || (options.keep && options.expires > 0)) {
        call_syntax(call);
        return;
    }
    if (options.get) {
        (void)call_find(call, call->args[1], KIND_STRING, &wrong);
        if (!wrong)
            reply_value(call, entry);
    }
    bool set = !wrong && !(options.nx && entry) && !(options.xx && !entry);
    if (set && (entry = put(call, call->args[1], call->args[2])))
        store_set_expiry(call->store, entry, options.keep ? expires : options.expires);
    if (options.get)
        return;
    if (set)
        reply_status(call->reply, "OK");
    else
        reply_nil(call->reply);
}

static void run_setnx(struct call *call)
{
    bool set = !store_find(call->store, call->args[1]);

    if (set)
        (void)put(call, call->args[1], call->args[2]);
    reply_integer(call->reply, set);
}

static void set_with_expiry(struct call *call, uint64_t unit)
{
    uint64_t expires;

    if (!call_expiry(call, call->args[2], unit, false, &expires))
        return;
    struct entry *entry = put(call, call->args[1], call->args[3]);
    if (entry)
        store_set_expiry(call->store, entry, expires);
    reply_status(call->reply, "OK");
}

static void run_setex(struct call *call)
{
    set_with_expiry(call, 1000 * NS_PER_MS);
}

static void run_psetex(struct call *call)
{
    set_with_expiry(call, NS_PER_MS);
}

static void run_getset(struct call *call)
{
    bool wrong;
    const struct entry *entry = call_find(call, call->args[1], KIND_STRING, &wrong);

    if (wrong)
        return;
    reply_value(call, entry);
    (void)put(call, call->args[1], call->args[2]);
}

static void run_getdel(struct call *call)
{
    bool wrong;
    struct entry *entry = call_find(call, call->args[1], KIND_STRING, &wrong);

    if (wrong)
        return;
    reply_value(call, entry);
    if (entry) {
        store_touch(call->store, call->args[1]);
        store_delete(call->store, entry);
    }
}

/* GET, and another expiry or none. */
static void run_getex(struct call *call)
{
    bool wrong;
    struct entry *entry = call_find(call, call->args[1], KIND_STRING, &wrong);
    uint64_t expires = 0;

    if (wrong)
        return;
    bool persist = call->count == 3 && text_is(call->args[2], "persist");
    for (size_t i = 2; i < call->count && !persist; i++)
        if (!call_expiry_option(call, &i, &expires))
            return;
    reply_value(call, entry);
    if (!entry || call->count == 2)
        return;
    store_touch(call->store, call->args[1]);
    if (persist || expires > call->store->now)
        store_set_expiry(call->store, entry, expires);
    else
        store_delete(call->store, entry);
}

static bool pairs(struct call *call)
{
    if (call->count % 2 == 1)
        return true;
    call_wrong_count(call);
    return false;
}

static void run_mset(struct call *call)
{
    if (!pairs(call))
        return;
    for (size_t i = 1; i < call->count; i += 2)
        (void)put(call, call->args[i], call->args[i + 1]);
    reply_status(call->reply, "OK");
}

static void run_msetnx(struct call *call)
{
    bool any = false;

    if (!pairs(call))
        return;
    for (size_t i = 1; i < call->count; i += 2)
        any |= store_find(call->store, call->args[i]) != NULL;
    for (size_t i = 1; i < call->count && !any; i += 2)
        (void)put(call, call->args[i], call->args[i + 1]);
    reply_integer(call->reply, !any);
}

/* ---- Parts of strings ------------------------------------------------------------------- */

static void run_strlen(struct call *call)
{
    bool wrong;
    const struct entry *entry = call_find(call, call->args[1], KIND_STRING, &wrong);

    if (!wrong)
        reply_integer(call->reply, entry ? (int64_t)entry->value.string.size : 0);
}

static void run_getrange(struct call *call)
{
    bool wrong;
    const struct entry *entry = call_find(call, call->args[1], KIND_STRING, &wrong);
    int64_t first, last;

    if (wrong || !call_integer(call, call->args[2], &first) ||
        !call_integer(call, call->args[3], &last))
        return;
    if (entry && call_range(&first, &last, entry->value.string.size))
        reply_bulk(call->reply, entry->value.string.data + first, (size_t)(last - first + 1));
    else
        reply_bulk(call->reply, "", 0);
}

/* Writes at an offset; what lies between the end and there is zero. */
static void overwrite(struct call *call, size_t offset, struct text with)
{
    struct entry *entry = call_want(call, call->args[1], KIND_STRING);
    size_t old = entry ? entry->value.string.size : 0;
    size_t size = offset + with.size > old ? offset + with.size : old;

    if (!entry)
        return;
    char *data = size > STRING_MAX ? NULL : calloc(1, size + 1);
    if (!data) {
        call->store->failed |= size <= STRING_MAX;
        reply_error(call->reply, "ERR string exceeds maximum allowed size");
        return;
    }
    if (old > 0)
        memcpy(data, entry->value.string.data, old);
    if (with.size > 0)
        memcpy(data + offset, with.data, with.size);
    free(entry->value.string.data);
    entry->value.string = (struct bytes){data, size};
    store_touch(call->store, call->args[1]);
    reply_integer(call->reply, (int64_t)size);
}

static void run_append(struct call *call)
{
    bool wrong;
    const struct entry *entry = call_find(call, call->args[1], KIND_STRING, &wrong);

    if (!wrong)
        overwrite(call, entry ? entry->value.string.size : 0, call->args[2]);
}

static void run_setrange(struct call *call)
{
    int64_t offset;

    if (!call_integer(call, call->args[2], &offset))
        return;
    if (offset < 0 || offset > STRING_MAX)
        reply_error(call->reply, "ERR offset is out of range");
    else if (call->args[3].size > 0)
        overwrite(call, (size_t)offset, call->args[3]);
    else
        run_strlen(call);
}

/* ---- Counters --------------------------------------------------------------------------- */

static void add(struct call *call, int64_t by)
{
    bool wrong;
    struct entry *entry = call_find(call, call->args[1], KIND_STRING, &wrong);
    int64_t value = 0;
    char text[24];

    if (wrong || (entry && !call_integer(call, text_of(entry), &value)))
        return;
    if (__builtin_add_overflow(value, by, &value)) {
        reply_error(call->reply, "ERR increment or decrement would overflow");
        return;
    }
    if (!entry)
        entry = store_create(call->store, call->args[1], KIND_STRING);
    int size = snprintf(text, sizeof(text), "%lld", (long long)value);
    if (entry)
        (void)bytes_set(call->store, &entry->value.string, text, (size_t)size);
    store_touch(call->store, call->args[1]);
    reply_integer(call->reply, value);
}

static void run_incr(struct call *call)
{
    add(call, 1);
}

static void run_decr(struct call *call)
{
    add(call, -1);
}

static void run_incrby(struct call *call)
{
    int64_t by;

    if (call_integer(call, call->args[2], &by))
        add(call, by);
}

static void run_decrby(struct call *call)
{
    int64_t by;

    if (!call_integer(call, call->args[2], &by))
        return;
    if (by == INT64_MIN)
        reply_error(call->reply, "ERR decrement would overflow");
    else
        add(call, -by);
}

static void run_incrbyfloat(struct call *call)
{
    bool wrong;
    struct entry *entry = call_find(call, call->args[1], KIND_STRING, &wrong);
    char text[DECIMAL_MAX];

    if (wrong || !call_add_decimal(call, entry ? &entry->value.string : NULL, call->args[2], text))
        return;
    if (!entry)
        entry = store_create(call->store, call->args[1], KIND_STRING);
    if (entry)
        (void)bytes_set(call->store, &entry->value.string, text, strlen(text));
    store_touch(call->store, call->args[1]);
    reply_text(call->reply, text);
}

const struct command commands_strings[] = {
    {"get", 2, false, run_get},
    {"set", -3, true, run_set},
    {"incr", 2, true, run_incr},
    {"mget", -2, false, run_mget},
    {"mset", -3, true, run_mset},
    {"setnx", 3, true, run_setnx},
    {"setex", 4, true, run_setex},
    {"psetex", 4, true, run_psetex},
    {"getset", 3, true, run_getset},
    {"getdel", 2, true, run_getdel},
    {"getex", -2, true, run_getex},
    {"msetnx", -3, true, run_msetnx},
    {"strlen", 2, false, run_strlen},
    {"getrange", 4, false, run_getrange},
    {"substr", 4, false, run_getrange},
    {"append", 3, true, run_append},
    {"setrange", 4, true, run_setrange},
    {"decr", 2, true, run_decr},
    {"incrby", 3, true, run_incrby},
    {"decrby", 3, true, run_decrby},
    {"incrbyfloat", 3, true, run_incrbyfloat},
    {NULL, 0, false, NULL},
};
