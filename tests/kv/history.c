/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Is a history of registers linearizable? All writes of a key have different values, so that each
 * read names its write; then the question needs no search (P. B. Gibbons and E. Korach, "Testing
 * Shared Memories", SIAM J. Computing 26(4), 1997). A write and the reads of its value are a
 * cluster. Let f be the earliest end of any of them, s the latest beginning. If f < s the value
 * must have been there from f to s (a forward zone); otherwise it was there at some moment between
 * s and f (a backward zone). A history is linearizable if and only if
 *
 *  1. no read ends before its write begins;
 *  2. no two forward zones of a key overlap;
 *  3. no backward zone lies within a forward zone of the same key.
 *
 * A write whose outcome is not known ends never; if nobody has read it, it is left out.
 */
#include "check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void history_add(struct history *history, const struct operation *operation)
{
    if (history->count == history->capacity) {
        history->capacity = history->capacity ? 2 * history->capacity : 1024;
        history->operations =
            realloc(history->operations, history->capacity * sizeof(*history->operations));
        if (!history->operations)
            abort();
    }
    history->operations[history->count++] = *operation;
}

struct zone {
    uint32_t key;
    bool forward;
    uint64_t value, low, high;
};

/* By key and value, the write first. */
static int by_cluster(const void *a, const void *b)
{
    const struct operation *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return (int)y->writes - (int)x->writes;
}

/* By key; forward zones before backward ones; by beginning. */
static int by_place(const void *a, const void *b)
{
    const struct zone *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    if (x->forward != y->forward)
        return x->forward ? -1 : 1;
    return x->low < y->low ? -1 : x->low > y->low;
}

/* The zone of the cluster that begins at first; how many operations it has. *is: there is one. */
static size_t cluster(const struct operation *first, const struct operation *end, struct zone *zone,
                      bool *is, char *why, size_t room)
{
    uint64_t earliest = first->value == 0 ? 0 : UINT64_MAX, latest = 0;
    size_t count = 0;

    *is = true;
    for (const struct operation *o = first;
         o < end && o->key == first->key && o->value == first->value; o++, count++) {
        earliest = o->end < earliest ? o->end : earliest;
        latest = o->begin > latest ? o->begin : latest;
        if (first->value == 0)
            continue; /* written before all */
        if (!first->writes)
            snprintf(why, room, "key %" PRIu32 ": value %" PRIu64 " was read, and nobody wrote it",
                     o->key, o->value);
        else if (o->end < first->begin)
            snprintf(why, room, "key %" PRIu32 ": value %" PRIu64 " was read before it was written",
                     o->key, o->value);
    }
    if (count == 1 && first->end == UINT64_MAX)
        *is = false;
    bool forward = earliest < latest;
    *zone = (struct zone){first->key, forward, first->value, forward ? earliest : latest,
                          forward ? latest : earliest};
    return count;
}

static void judge(const struct zone *zones, size_t count, char *why, size_t room)
{
    const struct zone *forward = NULL; /* of this key, the last that begins before */
    size_t firsts = 0;                 /* where the key's forward zones begin */

    for (size_t i = 0; i < count && !*why; i++) {
        const struct zone *zone = &zones[i];
        if (i == 0 || zone->key != zones[i - 1].key) {
            forward = NULL;
            firsts = i;
        }
        if (zone->forward) {
            if (forward && zone->low < forward->high)
                snprintf(why, room,
                         "key %" PRIu32 ": values %" PRIu64 " and %" PRIu64
                         " were there at the same time",
                         zone->key, forward->value, zone->value);
            forward = zone;
            continue;
        }
        forward = NULL;
        for (size_t k = firsts;
             k < count && zones[k].key == zone->key && zones[k].forward && zones[k].low < zone->low;
             k++)
            forward = &zones[k];
        if (forward && zone->high < forward->high)
            snprintf(why, room,
                     "key %" PRIu32 ": value %" PRIu64 " was there while %" PRIu64 " was",
                     zone->key, zone->value, forward->value);
    }
}

bool history_is_linearizable(struct history *history, char *why, size_t room)
{
    struct zone *zones = calloc(history->count + 1, sizeof(*zones));
    const struct operation *end = history->operations + history->count;
    size_t count = 0;
    bool is;

    *why = 0;
    if (!zones)
        abort();
    if (history->count > 0)
        qsort(history->operations, history->count, sizeof(*history->operations), by_cluster);
    for (const struct operation *o = history->operations; o < end && !*why;) {
        o += cluster(o, end, &zones[count], &is, why, room);
        count += is;
    }
    qsort(zones, count, sizeof(*zones), by_place);
    judge(zones, count, why, room);
    free(zones);
    return !*why;
}
