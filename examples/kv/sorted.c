/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sorted sets: an array in order beside the table of names. Places are found by halving; an
 * insertion moves the pointers behind it, which a million members still allow thousands of times a
 * second, and nothing has to be balanced. Members of the same score are in the order of their
 * bytes, as in Redis.
 */
#include "store.h"

#include <stdlib.h>
#include <string.h>

/* Whether a member comes before that name and score. */
static bool before(const struct member *member, double score, struct text name)
{
    size_t size = member->name.size < name.size ? member->name.size : name.size;

    if (member->score < score || member->score > score)
        return member->score < score;
    int order = memcmp(member->name.data, name.data, size);
    return order != 0 ? order < 0 : member->name.size < name.size;
}

/* How many come before it, which is its rank if it is there. */
static size_t place(const struct sorted *sorted, double score, struct text name)
{
    size_t low = 0, high = sorted->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (before(sorted->order[middle], score, name))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t sorted_below(const struct sorted *sorted, double score, bool inclusive)
{
    size_t low = 0, high = sorted->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        double there = sorted->order[middle]->score;
        if (inclusive ? there <= score : there < score)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t sorted_rank(const struct sorted *sorted, const struct member *member)
{
    return place(sorted, member->score, (struct text){member->name.data, member->name.size});
}

struct member *sorted_find(const struct sorted *sorted, struct text name)
{
    struct member *member = NULL;

    HASH_FIND(hh, sorted->members, name.data, name.size, member);
    return member;
}

static bool room(struct store *store, struct sorted *sorted)
{
    size_t capacity = sorted->capacity ? 2 * sorted->capacity : 4;

    if (sorted->count < sorted->capacity)
        return true;
    struct member **order = realloc(sorted->order, capacity * sizeof(struct member *));
    if (!order) {
        store->failed = true;
        return false;
    }
    sorted->order = order;
    sorted->capacity = capacity;
    return true;
}

static void cut_out(struct sorted *sorted, size_t first, size_t count)
{
    sorted->count -= count;
    memmove(sorted->order + first, sorted->order + first + count,
            (sorted->count - first) * sizeof(struct member *));
}

static void insert(struct sorted *sorted, struct member *member)
{
    size_t at = sorted_rank(sorted, member);

    memmove(sorted->order + at + 1, sorted->order + at,
            (sorted->count - at) * sizeof(struct member *));
    sorted->order[at] = member;
    sorted->count++;
}

struct member *sorted_set(struct store *store, struct sorted *sorted, struct text name,
                          double score)
{
    struct member *member = sorted_find(sorted, name);

    if (member) {
        cut_out(sorted, sorted_rank(sorted, member), 1);
    } else {
        member = room(store, sorted) ? calloc(1, sizeof(*member)) : NULL;
        if (!member || !bytes_set(store, &member->name, name.data, name.size)) {
            store->failed = true;
            free(member);
            return NULL;
        }
        HASH_ADD_KEYPTR(hh, sorted->members, member->name.data, member->name.size, member);
    }
    member->score = score + 0.0; /* never -0, which would be equal to 0 and another answer */
    insert(sorted, member);
    return member;
}

static void member_free(struct member *member)
{
    free(member->name.data);
    free(member);
}

void sorted_remove(struct sorted *sorted, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        HASH_DEL(sorted->members, sorted->order[i]);
        member_free(sorted->order[i]);
    }
    cut_out(sorted, first, count);
}

void sorted_free(struct sorted *sorted)
{
    HASH_CLEAR(hh, sorted->members);
    for (size_t i = 0; i < sorted->count; i++)
        member_free(sorted->order[i]);
    free(sorted->order);
}
