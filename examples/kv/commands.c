/* SPDX-License-Identifier: BSD-3-Clause */
/* What commands have in common: see commands.h. */
#include "commands.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS UINT64_C(1000000)

static const struct command *const tables[] = {commands_strings, commands_keys, commands_lists,
                                               commands_hashes,  commands_sets, commands_zsets,
                                               commands_zranges};

enum { TABLES = sizeof(tables) / sizeof(*tables) };

const struct command *command_find(struct text name)
{
    for (size_t i = 0; i < TABLES; i++)
        for (const struct command *command = tables[i]; command->name; command++)
            if (text_is(name, command->name))
                return command;
    return NULL;
}

size_t command_count(void)
{
    size_t count = 0;

    for (size_t i = 0; i < TABLES; i++)
        for (const struct command *command = tables[i]; command->name; command++)
            count++;
    return count;
}

const char *command_misuse(const struct command *command, size_t count)
{
    size_t wanted = (size_t)(command->arity < 0 ? -command->arity : command->arity);

    return count < wanted || (command->arity > 0 && count > wanted) ? "wrong number of arguments"
                                                                    : NULL;
}

struct entry *call_find(struct call *call, struct text key, enum kind kind, bool *wrong)
{
    struct entry *entry = store_find(call->store, key);

    *wrong = entry && entry->kind != kind;
    if (*wrong)
        reply_error(call->reply,
                    "WRONGTYPE Operation against a key holding the wrong kind of value");
    return *wrong ? NULL : entry;
}

struct entry *call_want(struct call *call, struct text key, enum kind kind)
{
    bool wrong;
    struct entry *entry = call_find(call, key, kind, &wrong);

    return entry || wrong ? entry : store_create(call->store, key, kind);
}

void call_drop_empty(struct call *call, struct entry *entry)
{
    size_t count = entry->kind == KIND_LIST     ? entry->value.list.count
                   : entry->kind == KIND_SORTED ? entry->value.sorted.count
                                                : entry->value.table.count;

    if (count == 0)
        store_delete(call->store, entry);
}

bool call_integer(struct call *call, struct text text, int64_t *value)
{
    if (text_integer(text, value))
        return true;
    reply_error(call->reply, "ERR value is not an integer or out of range");
    return false;
}

bool call_cursor(struct call *call, struct text text, uint64_t *cursor)
{
    int64_t value;
    bool good = text_integer(text, &value) && value >= 0;

    if (!good)
        reply_error(call->reply, "ERR invalid cursor");
    *cursor = good ? (uint64_t)value : 0;
    return good;
}

void call_wrong_count(struct call *call)
{
    reply_error(call->reply, "ERR wrong number of arguments for '%s' command", call->name);
}

/* ---- Times ------------------------------------------------------------------------------ */

bool call_expiry(struct call *call, struct text text, uint64_t unit, bool absolute,
                 uint64_t *expires)
{
    int64_t value;

    if (!call_integer(call, text, &value))
        return false;
    if (value <= 0 || (uint64_t)value > (UINT64_MAX / 4) / unit) {
        reply_error(call->reply, "ERR invalid expire time in '%s' command", call->name);
        return false;
    }
    *expires = (uint64_t)value * unit + (absolute ? 0 : call->store->now);
    return true;
}

bool call_expiry_option(struct call *call, size_t *i, uint64_t *expires)
{
    static const struct {
        const char *name;
        uint64_t unit;
        bool absolute;
    } times[] = {{"ex", 1000 * NS_PER_MS, false},
                 {"px", NS_PER_MS, false},
                 {"exat", 1000 * NS_PER_MS, true},
                 {"pxat", NS_PER_MS, true}};

    for (size_t k = 0; k < sizeof(times) / sizeof(*times); k++)
        if (text_is(call->args[*i], times[k].name) && *expires == 0 && *i + 1 < call->count)
            return call_expiry(call, call->args[++*i], times[k].unit, times[k].absolute, expires);
    call_syntax(call);
    return false;
}

/* ---- Decimal numbers ---------------------------------------------------------------------- */

bool text_decimal(struct text text, double *value)
{
    char copy[DECIMAL_MAX];
    char *end;

    if (text.size == 0 || text.size >= sizeof(copy) || strchr(" \t\n\v\f\r", text.data[0]))
        return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = 0;
    errno = 0;
    *value = strtod(copy, &end);
    bool out_of_range = errno == ERANGE && (isinf(*value) || fpclassify(*value) == FP_ZERO);
    return end == copy + text.size && !isnan(*value) && !out_of_range;
}

/* 15 digits, which say the same on every machine, and no zeros behind them. */
static void write_decimal(double value, char text[DECIMAL_MAX])
{
    int places = 15;

    for (double rest = fabs(value); rest >= 1 && places > 0; rest /= 10)
        places--;
    int size = snprintf(text, DECIMAL_MAX, "%.*f", places, value);
    if (places > 0) {
        while (text[size - 1] == '0')
            size--;
        size -= text[size - 1] == '.';
        text[size] = 0;
    }
    if (strcmp(text, "-0") == 0)
        memmove(text, "0", 2);
}

bool call_add_decimal(struct call *call, const struct bytes *value, struct text by,
                      char sum[DECIMAL_MAX])
{
    double old = 0, more;

    if ((value && !text_decimal((struct text){value->data, value->size}, &old)) ||
        !text_decimal(by, &more)) {
        reply_error(call->reply, "ERR value is not a valid float");
        return false;
    }
    if (!isfinite(old + more)) {
        reply_error(call->reply, "ERR increment would produce NaN or Infinity");
        return false;
    }
    write_decimal(old + more, sum);
    return true;
}

/* ---- Ranges ------------------------------------------------------------------------------- */

bool call_range(int64_t *first, int64_t *last, size_t count)
{
    int64_t size = (int64_t)count;

    if (*first < 0)
        *first = *first < -size ? 0 : *first + size;
    if (*last < 0)
        *last += size;
    if (*last >= size)
        *last = size - 1;
    return *first <= *last && *last >= 0 && *first < size;
}

/* ---- Patterns --------------------------------------------------------------------------- */

/* One character against "[a-z]" at *at; *at moves behind it. */
static bool class_matches(struct text pattern, size_t *at, char c)
{
    size_t i = *at + 1;
    bool negated = i < pattern.size && pattern.data[i] == '^';
    bool found = false;

    for (i += negated; i < pattern.size && pattern.data[i] != ']'; i++) {
        if (pattern.data[i] == '\\' && i + 1 < pattern.size)
            i++;
        char low = pattern.data[i], high = low;
        if (i + 2 < pattern.size && pattern.data[i + 1] == '-' && pattern.data[i + 2] != ']') {
            high = pattern.data[i + 2];
            i += 2;
        }
        found |= low <= high ? c >= low && c <= high : c >= high && c <= low;
    }
    *at = i + 1;
    return found != negated;
}

static bool one_matches(struct text pattern, size_t *at, char c)
{
    char p = pattern.data[*at];

    if (p == '[')
        return class_matches(pattern, at, c);
    if (p == '\\' && *at + 1 < pattern.size)
        p = pattern.data[++*at];
    else if (p == '?')
        p = c;
    ++*at;
    return p == c;
}

/* Goes back to the last star only, which is enough: no pattern takes more than linear time per
 * star. */
bool glob_matches(struct text pattern, struct text text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;

    while (t < text.size) {
        size_t next = p;
        if (p < pattern.size && pattern.data[p] == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.size && one_matches(pattern, &next, text.data[t])) {
            p = next;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.size && pattern.data[p] == '*')
        p++;
    return p >= pattern.size;
}

/* ---- Scans ------------------------------------------------------------------------------ */

bool call_scan_options(struct call *call, size_t from, struct text *match, struct text *kind,
                       size_t *limit)
{
    int64_t count = 10;

    *match = (struct text){"*", 1};
    for (size_t i = from; i < call->count; i += 2) {
        struct text word = call->args[i];
        bool counts = text_is(word, "count");
        struct text *into = text_is(word, "match")          ? match
                            : kind && text_is(word, "type") ? kind
                                                            : NULL;
        if (i + 1 == call->count || (!into && !counts)) {
            call_syntax(call);
            return false;
        }
        if (into)
            *into = call->args[i + 1];
        else if (!call_integer(call, call->args[i + 1], &count))
            return false;
    }
    if (count < 1) {
        call_syntax(call);
        return false;
    }
    *limit = count > 100000 ? 100000 : (size_t)count;
    return true;
}

void call_scan_reply(struct call *call, uint64_t cursor, const struct reply *items, size_t count)
{
    char text[24];
    char *at = text + sizeof(text);
    uint64_t rest = cursor;

    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    reply_array(call->reply, 2);
    reply_bulk(call->reply, at, (size_t)(text + sizeof(text) - at));
    reply_array(call->reply, count);
    reply_bytes(call->reply, items->data, items->size);
    call->reply->failed |= items->failed;
}
