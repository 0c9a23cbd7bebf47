/* SPDX-License-Identifier: BSD-3-Clause */
/* Sets. A random member is picked with the agreed random number, from an order that all replicas
 * share. */
#include "commands.h"

#include <stdlib.h>

static struct table *find(struct call *call, bool *wrong)
{
    return call_table(call, call->args[1], KIND_SET, wrong);
}

static void reply_member(struct call *call, const struct field *field)
{
    reply_bulk(call->reply, field->name.data, field->name.size);
}

static void run_sadd(struct call *call)
{
    struct entry *entry = call_want(call, call->args[1], KIND_SET);
    int64_t added = 0;

    if (!entry)
        return;
    for (size_t i = 2; i < call->count; i++)
        if (!table_find(&entry->value.table, call->args[i]))
            added += table_add(call->store, &entry->value.table, call->args[i]) != NULL;
    if (added > 0)
        store_touch(call->store, call->args[1]);
    reply_integer(call->reply, added);
}

static void run_srem(struct call *call)
{
    call_table_remove(call, KIND_SET);
}

static void run_smove(struct call *call)
{
    bool wrong;
    struct entry *from = call_find(call, call->args[1], KIND_SET, &wrong);
    struct field *field = from ? table_find(&from->value.table, call->args[3]) : NULL;

    if (wrong)
        return;
    struct entry *to = field ? call_want(call, call->args[2], KIND_SET) : NULL;
    if (!field)
        reply_integer(call->reply, 0);
    if (!to)
        return;
    if (to != from) {
        if (!table_find(&to->value.table, call->args[3]))
            (void)table_add(call->store, &to->value.table, call->args[3]);
        table_remove(&from->value.table, field);
        store_touch(call->store, call->args[1]);
        store_touch(call->store, call->args[2]);
        call_drop_empty(call, from);
    }
    reply_integer(call->reply, 1);
}

static void run_scard(struct call *call)
{
    call_table_count(call, KIND_SET);
}

static void run_sismember(struct call *call)
{
    call_table_has(call, KIND_SET);
}

static void run_smismember(struct call *call)
{
    bool wrong;
    const struct table *table = find(call, &wrong);

    if (wrong)
        return;
    reply_array(call->reply, call->count - 2);
    for (size_t i = 2; i < call->count; i++)
        reply_integer(call->reply, table && table_find(table, call->args[i]));
}

/* ---- Random members --------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *seed) /* splitmix64 */
{
    uint64_t z = (*seed += 0x9e3779b97f4a7c15U);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

static void run_spop(struct call *call)
{
    bool wrong;
    struct entry *entry = call_find(call, call->args[1], KIND_SET, &wrong);
    uint64_t seed = call->seed;
    int64_t count = 1;

    if (wrong || (call->count > 2 && !call_integer(call, call->args[2], &count)))
        return;
    if (count < 0 || call->count > 3) {
        reply_error(call->reply, "ERR value is out of range, must be positive");
        return;
    }
    size_t there = entry ? entry->value.table.count : 0;
    size_t most = (uint64_t)count > there ? there : (size_t)count;
    if (call->count > 2)
        reply_array(call->reply, most);
    else if (there == 0)
        reply_nil(call->reply);
    for (size_t i = 0; i < most; i++) {
        struct table *table = &entry->value.table;
        struct field *field = table->order[next_random(&seed) % table->count];
        reply_member(call, field);
        table_remove(table, field);
    }
    if (most > 0) {
        store_touch(call->store, call->args[1]);
        call_drop_empty(call, entry);
    }
}

/* Without a count; with one, members from a random place on, each once (negative: with repeats). */
static void run_srandmember(struct call *call)
{
    bool wrong;
    const struct table *table = find(call, &wrong);
    uint64_t seed = call->seed ^ call->store->now;
    int64_t count = 1;
    size_t there = table ? table->count : 0;

    if (wrong || (call->count > 2 && !call_integer(call, call->args[2], &count)))
        return;
    if (call->count == 2) {
        if (there > 0)
            reply_member(call, table->order[next_random(&seed) % there]);
        else
            reply_nil(call->reply);
        return;
    }
    if (count < -100000 || call->count > 3) {
        reply_error(call->reply, "ERR value is out of range");
        return;
    }
    size_t most = count < 0 ? (size_t)-count : (uint64_t)count > there ? there : (size_t)count;
    most = there == 0 ? 0 : most;
    reply_array(call->reply, most);
    uint64_t from = next_random(&seed);
    for (size_t i = 0; i < most; i++)
        reply_member(call, table->order[(count < 0 ? next_random(&seed) : from + i) % there]);
}

/* ---- Several sets ----------------------------------------------------------------------- */

enum operation { UNION, INTERSECTION, DIFFERENCE };

/* Whether a member of the k-th set is in the result, each member once. */
static bool belongs(const struct table **tables, size_t count, size_t k, enum operation operation,
                    struct text name)
{
    for (size_t i = 0; i < count; i++) {
        bool in = i == k || (tables[i] && table_find(tables[i], name));
        if (operation == UNION && i < k && in)
            return false;
        if (operation == INTERSECTION && !in)
            return false;
        if (operation == DIFFERENCE && i != k && in)
            return false;
    }
    return true;
}

/* The members of the result of count sets from args[first] on, in an order that all replicas share:
 * into the reply, and, if there is one, into a table. At most so many of them. False: said. */
static bool combine(struct call *call, size_t first, size_t count, enum operation operation,
                    struct table *into, struct reply *items, size_t *members)
{
    const struct table **tables = calloc(count, sizeof(struct table *));
    size_t most = *members;
    bool wrong = !tables;

    *members = 0;
    for (size_t i = 0; i < count && !wrong; i++)
        tables[i] = call_table(call, call->args[first + i], KIND_SET, &wrong);
    for (size_t k = 0; !wrong && k < (operation == UNION ? count : 1); k++)
        for (size_t i = 0; tables[k] && i < tables[k]->count && *members < most; i++) {
            struct text name = {tables[k]->order[i]->name.data, tables[k]->order[i]->name.size};
            if (!belongs(tables, count, k, operation, name))
                continue;
            if (into)
                (void)table_add(call->store, into, name);
            else if (items)
                reply_bulk(items, name.data, name.size);
            ++*members;
        }
    free(tables);
    return !wrong;
}

static void reply_combined(struct call *call, enum operation operation)
{
    struct reply items = {0};
    size_t members = SIZE_MAX;

    if (combine(call, 1, call->count - 1, operation, NULL, &items, &members)) {
        reply_array(call->reply, members);
        reply_bytes(call->reply, items.data, items.size);
        call->reply->failed |= items.failed;
    }
    reply_free(&items);
}

/* The result may take the place of one of those that it comes from. */
static void store_combined(struct call *call, enum operation operation)
{
    struct table result = {0};
    size_t members = SIZE_MAX;

    if (!combine(call, 2, call->count - 2, operation, &result, NULL, &members))
        return;
    bool there = store_find(call->store, call->args[1]);
    struct entry *to =
        there || members > 0 ? store_create(call->store, call->args[1], KIND_SET) : NULL;
    if (to) {
        to->value.table = result;
        store_touch(call->store, call->args[1]);
        call_drop_empty(call, to);
    }
    reply_integer(call->reply, (int64_t)members);
}

static void run_sunion(struct call *call)
{
    reply_combined(call, UNION);
}

static void run_smembers(struct call *call)
{
    reply_combined(call, UNION);
}

static void run_sinter(struct call *call)
{
    reply_combined(call, INTERSECTION);
}

static void run_sdiff(struct call *call)
{
    reply_combined(call, DIFFERENCE);
}

static void run_sunionstore(struct call *call)
{
    store_combined(call, UNION);
}

static void run_sinterstore(struct call *call)
{
    store_combined(call, INTERSECTION);
}

static void run_sdiffstore(struct call *call)
{
    store_combined(call, DIFFERENCE);
}

/* SINTERCARD count key ... [LIMIT most] */
static void run_sintercard(struct call *call)
{
    size_t members = SIZE_MAX;
    int64_t count, most = 0;

    if (!text_integer(call->args[1], &count) || count < 1) {
        reply_error(call->reply, "ERR numkeys should be greater than 0");
        return;
    }
    if ((uint64_t)count > call->count - 2) {
        reply_error(call->reply, "ERR Number of keys can't be greater than number of args");
        return;
    }
    size_t rest = call->count - 2 - (size_t)count;
    if (rest != 0 && (rest != 2 || !text_is(call->args[call->count - 2], "limit"))) {
        call_syntax(call);
        return;
    }
    if (rest == 2 && (!text_integer(call->args[call->count - 1], &most) || most < 0)) {
        reply_error(call->reply, "ERR LIMIT can't be negative");
        return;
    }
    if (most > 0)
        members = (size_t)most;
    if (combine(call, 2, (size_t)count, INTERSECTION, NULL, NULL, &members))
        reply_integer(call->reply, (int64_t)members);
}

static void run_sscan(struct call *call)
{
    call_table_scan(call, KIND_SET, false);
}

const struct command commands_sets[] = {
    {"sadd", -3, true, run_sadd},
    {"srem", -3, true, run_srem},
    {"smove", 4, true, run_smove},
    {"scard", 2, false, run_scard},
    {"sismember", 3, false, run_sismember},
    {"smismember", -3, false, run_smismember},
    {"smembers", 2, false, run_smembers},
    {"spop", -2, true, run_spop},
    {"srandmember", -2, false, run_srandmember},
    {"sunion", -2, false, run_sunion},
    {"sinter", -2, false, run_sinter},
    {"sdiff", -2, false, run_sdiff},
    {"sunionstore", -3, true, run_sunionstore},
    {"sinterstore", -3, true, run_sinterstore},
    {"sdiffstore", -3, true, run_sdiffstore},
    {"sintercard", -3, false, run_sintercard},
    {"sscan", -3, false, run_sscan},
    {NULL, 0, false, NULL},
};
