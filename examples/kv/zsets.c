/* SPDX-License-Identifier: BSD-3-Clause */
/* Sorted sets, member by member; zranges.c has what concerns several in a row. */
#include "commands.h"

#include <math.h>
#include <stdio.h>

struct sorted *call_sorted(struct call *call, struct text key, bool *wrong)
{
    struct entry *entry = call_find(call, key, KIND_SORTED, wrong);

    return entry ? &entry->value.sorted : NULL;
}

/* All 17 digits, as Redis 7.0 has it: what a client reads and writes back is the same score. */
void call_reply_score(struct call *call, double score)
{
    char text[32];
    int size = snprintf(text, sizeof(text), "%.17g", score);

    reply_bulk(call->reply, text, (size_t)size);
}

/* ---- Adding ------------------------------------------------------------------------------- */

enum {
    ONLY_NEW = 1,
    ONLY_THERE = 2,
    ONLY_HIGHER = 4,
    ONLY_LOWER = 8,
    COUNT_CHANGED = 16,
    INCREMENT = 32,
};

/* The words before the scores. */
static unsigned read_options(const struct call *call, size_t *at)
{
    static const char *const words[] = {"nx", "xx", "gt", "lt", "ch", "incr"};
    enum { WORDS = sizeof(words) / sizeof(*words) };
    unsigned options = 0;

    for (; *at < call->count; ++*at) {
        size_t k = 0;
        while (k < WORDS && !text_is(call->args[*at], words[k]))
            k++;
        if (k == WORDS)
            break;
        options |= 1U << k;
    }
    return options;
}

/* What is wrong with them, and with the scores and members from there on; in Redis' order. */
static const char *misuse(const struct call *call, unsigned options, size_t from)
{
    unsigned exclusive = options & (ONLY_NEW | ONLY_HIGHER | ONLY_LOWER);
    size_t rest = call->count - from;
    double score;

    if (rest == 0 || rest % 2 == 1)
        return "ERR syntax error";
    if ((options & ONLY_NEW) && (options & ONLY_THERE))
        return "ERR XX and NX options at the same time are not compatible";
    if (exclusive & (exclusive - 1)) /* more than one */
        return "ERR GT, LT, and/or NX options at the same time are not compatible";
    if ((options & INCREMENT) && rest > 2)
        return "ERR INCR option supports a single increment-element pair";
    for (size_t i = from; i < call->count; i += 2)
        if (!text_decimal(call->args[i], &score))
            return "ERR value is not a valid float";
    return NULL;
}

enum outcome { NOTHING, SAME, UPDATED, ADDED, NOT_A_NUMBER };

static enum outcome put(struct call *call, struct sorted *sorted, unsigned options,
                        struct text name, double *score)
{
    const struct member *member = sorted_find(sorted, name);

    if (options & (member ? ONLY_NEW : ONLY_THERE))
        return NOTHING;
    if (!member) {
        (void)sorted_set(call->store, sorted, name, *score);
        return ADDED;
    }
    if (options & INCREMENT)
        *score += member->score;
    if (isnan(*score))
        return NOT_A_NUMBER;
    if (((options & ONLY_HIGHER) && *score <= member->score) ||
        ((options & ONLY_LOWER) && *score >= member->score))
        return NOTHING;
    if (*score >= member->score && *score <= member->score)
        return SAME;
    (void)sorted_set(call->store, sorted, name, *score);
    return UPDATED;
}

static void reply_incremented(struct call *call, enum outcome outcome, double score)
{
    if (outcome == NOT_A_NUMBER)
        reply_error(call->reply, "ERR resulting score is not a number (NaN)");
    else if (outcome == NOTHING)
        reply_nil(call->reply);
    else
        call_reply_score(call, score);
}

/* Scores and members from there on. All or nothing, but for what the options leave out. */
static void add(struct call *call, unsigned options, size_t from)
{
    const char *why = misuse(call, options, from);
    int64_t counts[NOT_A_NUMBER + 1] = {0};
    enum outcome outcome = NOTHING;
    double score = 0;
    bool wrong;

    if (why) {
        reply_error(call->reply, "%s", why);
        return;
    }
    struct entry *entry = call_find(call, call->args[1], KIND_SORTED, &wrong);
    if (!wrong && !entry && !(options & ONLY_THERE))
        entry = store_create(call->store, call->args[1], KIND_SORTED);
    if (wrong)
        return;
    for (size_t i = from; entry && i < call->count; i += 2) {
        (void)text_decimal(call->args[i], &score);
        outcome = put(call, &entry->value.sorted, options, call->args[i + 1], &score);
        counts[outcome]++;
    }
    if (counts[ADDED] + counts[UPDATED] > 0)
        store_touch(call->store, call->args[1]);
    if (options & INCREMENT)
        reply_incremented(call, outcome, score);
    else
        reply_integer(call->reply, counts[ADDED] + (options & COUNT_CHANGED ? counts[UPDATED] : 0));
}

/* ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member ... */
static void run_zadd(struct call *call)
{
    size_t from = 2;
    unsigned options = read_options(call, &from);

    add(call, options, from);
}

static void run_zincrby(struct call *call)
{
    add(call, INCREMENT, 2);
}

/* ---- Removing and looking ------------------------------------------------------------------- */

static void run_zrem(struct call *call)
{
    bool wrong;
    struct entry *entry = call_find(call, call->args[1], KIND_SORTED, &wrong);
    int64_t removed = 0;

    if (wrong)
        return;
    for (size_t i = 2; entry && i < call->count; i++) {
        struct sorted *sorted = &entry->value.sorted;
        const struct member *member = sorted_find(sorted, call->args[i]);
        removed += member != NULL;
        if (member)
            sorted_remove(sorted, sorted_rank(sorted, member), 1);
    }
    if (removed > 0) {
        store_touch(call->store, call->args[1]);
        call_drop_empty(call, entry);
    }
    reply_integer(call->reply, removed);
}

static void run_zcard(struct call *call)
{
    bool wrong;
    const struct sorted *sorted = call_sorted(call, call->args[1], &wrong);

    if (!wrong)
        reply_integer(call->reply, sorted ? (int64_t)sorted->count : 0);
}

static void reply_score_of(struct call *call, const struct sorted *sorted, struct text name)
{
    const struct member *member = sorted ? sorted_find(sorted, name) : NULL;

    if (member)
        call_reply_score(call, member->score);
    else
        reply_nil(call->reply);
}

static void run_zscore(struct call *call)
{
    bool wrong;
    const struct sorted *sorted = call_sorted(call, call->args[1], &wrong);

    if (!wrong)
        reply_score_of(call, sorted, call->args[2]);
}

static void run_zmscore(struct call *call)
{
    bool wrong;
    const struct sorted *sorted = call_sorted(call, call->args[1], &wrong);

    if (wrong)
        return;
    reply_array(call->reply, call->count - 2);
    for (size_t i = 2; i < call->count; i++)
        reply_score_of(call, sorted, call->args[i]);
}

static void reply_rank(struct call *call, bool reverse)
{
    bool wrong;
    const struct sorted *sorted = call_sorted(call, call->args[1], &wrong);
    const struct member *member = sorted ? sorted_find(sorted, call->args[2]) : NULL;

    if (wrong)
        return;
    if (!member) {
        reply_nil(call->reply);
        return;
    }
    size_t rank = sorted_rank(sorted, member);
    reply_integer(call->reply, (int64_t)(reverse ? sorted->count - 1 - rank : rank));
}

static void run_zrank(struct call *call)
{
    reply_rank(call, false);
}

static void run_zrevrank(struct call *call)
{
    reply_rank(call, true);
}

const struct command commands_zsets[] = {
    {"zadd", -4, true, run_zadd},     {"zincrby", 4, true, run_zincrby},
    {"zrem", -3, true, run_zrem},     {"zcard", 2, false, run_zcard},
    {"zscore", 3, false, run_zscore}, {"zmscore", -3, false, run_zmscore},
    {"zrank", 3, false, run_zrank},   {"zrevrank", 3, false, run_zrevrank},
    {NULL, 0, false, NULL},
};
