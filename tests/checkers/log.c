/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stream of records, and the names in it.
 */
#include "tests/checkers/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void log_init(struct log *log)
{
    memset(log, 0, sizeof(*log));
}

static void names_clear(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
    map_clear(&names->index);
}

void log_clear(struct log *log)
{
    free(log->records);
    free(log->holds);
    list_clear(&log->lists);
    names_clear(&log->members);
    names_clear(&log->groups);
    log_init(log);
}

static uint64_t hash_text(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325U; /* FNV-1a */

    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3U;
    return hash;
}

uint32_t names_number(struct names *names, const char *name)
{
    uint64_t hash = hash_text(name);
    size_t size = strlen(name) + 1;

    for (uint64_t probe = 0;; probe++) {
        uint32_t number = map_get(&names->index, hash, probe);

        if (number != MAP_NONE && strcmp(names->items[number], name) != 0)
            continue;
        if (number != MAP_NONE)
            return number;
        names->items =
            memory_grow(names->items, names->count, &names->capacity, sizeof(*names->items));
        names->items[names->count] = memory_new(size, 1);
        memcpy(names->items[names->count], name, size);
        map_set(&names->index, hash, probe, (uint32_t)names->count);
        return (uint32_t)names->count++;
    }
}

void log_add(struct log *log, const struct record *record)
{
    log->records = memory_grow(log->records, log->count, &log->capacity, sizeof(*log->records));
    log->records[log->count++] = *record;
}

void log_add_hold(struct log *log, const struct hold *hold)
{
    log->holds =
        memory_grow(log->holds, log->holds_count, &log->holds_capacity, sizeof(*log->holds));
    log->holds[log->holds_count] = *hold;
    log->holds[log->holds_count++].before = log->count;
}

bool record_is_ordered(const struct record *record)
{
    return record->service == RECORD_AGREED || record->service == RECORD_SAFE;
}

/* ---- For people ---------------------------------------------------------- */

static size_t describe_list(const struct log *log, const char *title, size_t first, size_t count,
                            char *text, size_t size)
{
    size_t length = (size_t)snprintf(text, size, " %s", title);

    for (size_t i = 0; i < count && length < size; i++)
        length += (size_t)snprintf(text + length, size - length, "%s%s", i ? "," : "",
                                   log->members.items[log->lists.items[first + i]]);
    return length < size ? length : size - 1;
}

void log_describe(const struct log *log, const struct record *record, char *text, size_t size)
{
    static const char *const types[] = {"send",    "deliver", "view",  "blocked",
                                        "leaving", "leave",   "crash", "stable"};
    static const char *const services[] = {"fifo", "causal", "agreed", "safe", "unordered"};
    size_t length;

    length = (size_t)snprintf(text, size, "%12.6f ms %-22s %-8s", (double)record->time / 1e6,
                              log->members.items[record->member], types[record->type]);
    if (record->epoch && length < size)
        length += (size_t)snprintf(text + length, size - length, " view %" PRIu32 ".%" PRIx64,
                                   record->epoch, record->proposer);
    if (length >= size)
        return;
    if (record->type == RECORD_SEND || record->type == RECORD_DELIVER) {
        snprintf(text + length, size - length, " %s:%" PRIu64 " %s %016" PRIx64,
                 log->members.items[record->sender], record->number, services[record->service],
                 record->hash);
    } else if (record->type == RECORD_STABLE) {
        snprintf(text + length, size - length, " %s:%" PRIu64, log->members.items[record->sender],
                 record->number);
    } else if (record->type == RECORD_VIEW) {
        length +=
            describe_list(log, record->primary ? "members " : "NOT PRIMARY members ",
                          record->members, record->members_count, text + length, size - length);
        describe_list(log, "survivors ", record->survivors, record->survivors_count, text + length,
                      size - length);
    }
}

uint32_t record_votes(const struct log *log, const struct record *record, size_t n)
{
    return record->votes_count == 0 ? 1 : log->lists.items[record->votes + n];
}
