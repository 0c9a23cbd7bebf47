/* SPDX-License-Identifier: BSD-3-Clause */
/* Members of sorted sets in a row: by rank, by score, from either end. */
#include "commands.h"

/* What a command asks for; offset and limit are within that. */
struct range {
    bool by_score, reverse, scores;
    int64_t start, stop; /* ranks as in LRANGE, from the end that reverse says */
    double min, max;
    bool above, below;     /* min, max are not in it themselves */
    int64_t offset, limit; /* limit: negative, none */
};

/* What there is of it: so many ranks from first on. */
struct run {
    size_t first, count;
};

/* ---- Reading what is asked for --------------------------------------------------------------- */

static bool read_bound(struct text text, double *value, bool *open)
{
    *open = text.size > 0 && text.data[0] == '(';
    return text_decimal((struct text){text.data + *open, text.size - *open}, value);
}

/* The arguments 2 and 3. False: said. */
static bool read_ends(struct call *call, struct range *range)
{
    bool down = range->by_score && range->reverse; /* [max, min] */

    if (!range->by_score)
        return call_integer(call, call->args[2], &range->start) &&
               call_integer(call, call->args[3], &range->stop);
    if (read_bound(call->args[down ? 3 : 2], &range->min, &range->above) &&
        read_bound(call->args[down ? 2 : 3], &range->max, &range->below))
        return true;
    reply_error(call->reply, "ERR min or max is not a float");
    return false;
}

/* The words behind them. fixed: the command's name says by what and from where. False: said. */
static bool read_options(struct call *call, bool fixed, struct range *range)
{
    range->limit = -1;
    for (size_t i = 4; i < call->count; i++) {
        struct text word = call->args[i];
        if (text_is(word, "withscores")) {
            range->scores = true;
        } else if (text_is(word, "limit") && i + 2 < call->count) {
            if (!call_integer(call, call->args[i + 1], &range->offset) ||
                !call_integer(call, call->args[i + 2], &range->limit))
                return false;
            i += 2;
        } else if (!fixed && !range->reverse && text_is(word, "rev")) {
            range->reverse = true;
        } else if (!fixed && !range->by_score && text_is(word, "byscore")) {
            range->by_score = true;
        } else {
            call_syntax(call);
            return false;
        }
    }
    if (range->by_score || range->limit == -1)
        return true;
    reply_error(call->reply, "ERR syntax error, LIMIT is only supported in combination with "
                             "either BYSCORE or BYLEX");
    return false;
}

/* ---- Finding it ------------------------------------------------------------------------------ */

static struct run find_ranks(const struct sorted *sorted, const struct range *range)
{
    int64_t start = range->start, stop = range->stop;

    if (!call_range(&start, &stop, sorted->count))
        return (struct run){0, 0};
    size_t first = range->reverse ? sorted->count - 1 - (size_t)stop : (size_t)start;
    return (struct run){first, (size_t)(stop - start + 1)};
}

static struct run find_scores(const struct sorted *sorted, const struct range *range)
{
    size_t first = sorted_below(sorted, range->min, range->above);
    size_t end = sorted_below(sorted, range->max, !range->below);

    return (struct run){first, end > first ? end - first : 0};
}

/* A negative offset leaves nothing, as in Redis. */
static struct run within_limit(struct run run, const struct range *range)
{
    uint64_t offset = (uint64_t)range->offset; /* negative: beyond any end */
    size_t left = offset < run.count ? run.count - (size_t)offset : 0;
    size_t count = range->limit >= 0 && (uint64_t)range->limit < left ? (size_t)range->limit : left;

    return (struct run){range->reverse ? run.first + left - count : run.first + run.count - left,
                        count};
}

/* sorted may be NULL. */
static struct run find(const struct sorted *sorted, const struct range *range)
{
    if (!sorted)
        return (struct run){0, 0};
    return range->by_score ? within_limit(find_scores(sorted, range), range)
                           : find_ranks(sorted, range);
}

static void reply_member(struct call *call, const struct member *member, bool score)
{
    reply_bulk(call->reply, member->name.data, member->name.size);
    if (score)
        call_reply_score(call, member->score);
}

static void reply_run(struct call *call, const struct sorted *sorted, struct run run, bool reverse,
                      bool scores)
{
    reply_array(call->reply, scores ? 2 * run.count : run.count);
    for (size_t i = 0; i < run.count; i++)
        reply_member(call, sorted->order[run.first + (reverse ? run.count - 1 - i : i)], scores);
}

/* ---- ZRANGE and its older relatives ---------------------------------------------------------- */

static void reply_range(struct call *call, bool fixed, struct range range)
{
    bool wrong;

    if (!read_options(call, fixed, &range) || !read_ends(call, &range))
        return;
    const struct sorted *sorted = call_sorted(call, call->args[1], &wrong);
    if (!wrong)
        reply_run(call, sorted, find(sorted, &range), range.reverse, range.scores);
}

/* ZRANGE key start stop [BYSCORE] [REV] [LIMIT offset count] [WITHSCORES] */
static void run_zrange(struct call *call)
{
    reply_range(call, false, (struct range){0});
}

static void run_zrevrange(struct call *call)
{
    reply_range(call, true, (struct range){.reverse = true});
}

static void run_zrangebyscore(struct call *call)
{
    reply_range(call, true, (struct range){.by_score = true});
}

static void run_zrevrangebyscore(struct call *call)
{
    reply_range(call, true, (struct range){.by_score = true, .reverse = true});
}

static void run_zcount(struct call *call)
{
    struct range range = {.by_score = true, .limit = -1};
    bool wrong;

    if (!read_ends(call, &range))
        return;
    const struct sorted *sorted = call_sorted(call, call->args[1], &wrong);
    if (!wrong)
        reply_integer(call->reply, (int64_t)find(sorted, &range).count);
}

/* All at once, in order, whatever COUNT says: a cursor would have to find its place again among
 * scores that change, and at replicas that have the same order, but not the same table. */
static void run_zscan(struct call *call)
{
    struct reply items = {0}, *whole = call->reply;
    struct text match;
    uint64_t cursor;
    size_t limit, count = 0;
    bool wrong;

    if (!call_cursor(call, call->args[2], &cursor))
        return;
    const struct sorted *sorted = call_sorted(call, call->args[1], &wrong);
    if (wrong || !call_scan_options(call, 3, &match, NULL, &limit))
        return;
    call->reply = &items;
    for (size_t i = 0; sorted && i < sorted->count; i++) {
        const struct bytes *name = &sorted->order[i]->name;
        if (!glob_matches(match, (struct text){name->data, name->size}))
            continue;
        reply_member(call, sorted->order[i], true);
        count += 2;
    }
    call->reply = whole;
    call_scan_reply(call, 0, &items, count);
    reply_free(&items);
}

/* ---- Removing -------------------------------------------------------------------------------- */

static void remove_run(struct call *call, struct entry *entry, struct run run)
{
    if (run.count == 0)
        return;
    sorted_remove(&entry->value.sorted, run.first, run.count);
    store_touch(call->store, call->args[1]);
    call_drop_empty(call, entry);
}

static void remove_range(struct call *call, struct range range)
{
    bool wrong;

    range.limit = -1;
    if (!read_ends(call, &range))
        return;
    struct entry *entry = call_find(call, call->args[1], KIND_SORTED, &wrong);
    if (wrong)
        return;
    struct run run = find(entry ? &entry->value.sorted : NULL, &range);
    remove_run(call, entry, run);
    reply_integer(call->reply, (int64_t)run.count);
}

static void run_zremrangebyrank(struct call *call)
{
    remove_range(call, (struct range){0});
}

static void run_zremrangebyscore(struct call *call)
{
    remove_range(call, (struct range){.by_score = true});
}

static void pop(struct call *call, bool reverse)
{
    int64_t count = 1;
    bool wrong;

    if (call->count > 3) {
        call_syntax(call);
        return;
    }
    if (call->count == 3 && (!text_integer(call->args[2], &count) || count < 0)) {
        reply_error(call->reply, "ERR value is out of range, must be positive");
        return;
    }
    struct entry *entry = call_find(call, call->args[1], KIND_SORTED, &wrong);
    size_t there = entry ? entry->value.sorted.count : 0;
    if (wrong)
        return;
    size_t most = (uint64_t)count < there ? (size_t)count : there;
    struct run run = {reverse ? there - most : 0, most};
    reply_run(call, entry ? &entry->value.sorted : NULL, run, reverse, true);
    remove_run(call, entry, run);
}

static void run_zpopmin(struct call *call)
{
    pop(call, false);
}

static void run_zpopmax(struct call *call)
{
    pop(call, true);
}

const struct command commands_zranges[] = {
    {"zrange", -4, false, run_zrange},
    {"zrevrange", -4, false, run_zrevrange},
    {"zrangebyscore", -4, false, run_zrangebyscore},
    {"zrevrangebyscore", -4, false, run_zrevrangebyscore},
    {"zcount", 4, false, run_zcount},
    {"zscan", -3, false, run_zscan},
    {"zremrangebyrank", 4, true, run_zremrangebyrank},
    {"zremrangebyscore", 4, true, run_zremrangebyscore},
    {"zpopmin", -2, true, run_zpopmin},
    {"zpopmax", -2, true, run_zpopmax},
    {NULL, 0, false, NULL},
};
