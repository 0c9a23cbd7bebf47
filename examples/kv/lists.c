/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists. */
#include "commands.h"

#include <stdlib.h>

static struct list *find(struct call *call, bool *wrong)
{
    struct entry *entry = call_find(call, call->args[1], KIND_LIST, wrong);

    return entry ? &entry->value.list : NULL;
}

static void push(struct call *call, bool left, bool only_if_there)
{
    bool wrong;
    struct entry *entry = call_find(call, call->args[1], KIND_LIST, &wrong);

    if (wrong)
        return;
    if (!entry && only_if_there) {
        reply_integer(call->reply, 0);
        return;
    }
    if (!entry)
        entry = store_create(call->store, call->args[1], KIND_LIST);
    for (size_t i = 2; entry && i < call->count; i++)
        (void)list_push(call->store, &entry->value.list, left, call->args[i]);
    store_touch(call->store, call->args[1]);
    reply_integer(call->reply, entry ? (int64_t)entry->value.list.count : 0);
}

static void run_lpush(struct call *call)
{
    push(call, true, false);
}

static void run_rpush(struct call *call)
{
    push(call, false, false);
}

static void run_lpushx(struct call *call)
{
    push(call, true, true);
}

static void run_rpushx(struct call *call)
{
    push(call, false, true);
}

static void pop(struct call *call, bool left)
{
    bool wrong;
    struct entry *entry = call_find(call, call->args[1], KIND_LIST, &wrong);
    int64_t count = 1;

    if (wrong || (call->count > 2 && !call_integer(call, call->args[2], &count)))
        return;
    if (count < 0 || call->count > 3) {
        reply_error(call->reply, "ERR value is out of range, must be positive");
        return;
    }
    if (!entry) {
        (call->count > 2 ? reply_nil_array : reply_nil)(call->reply);
        return;
    }
    if ((uint64_t)count > entry->value.list.count)
        count = (int64_t)entry->value.list.count;
    if (call->count > 2)
        reply_array(call->reply, (size_t)count);
    for (int64_t i = 0; i < count; i++) {
        struct bytes item = list_pop(&entry->value.list, left);
        reply_bulk(call->reply, item.data, item.size);
        free(item.data);
    }
    store_touch(call->store, call->args[1]);
    call_drop_empty(call, entry);
}

static void run_lpop(struct call *call)
{
    pop(call, true);
}

static void run_rpop(struct call *call)
{
    pop(call, false);
}

static void run_llen(struct call *call)
{
    bool wrong;
    const struct list *list = find(call, &wrong);

    if (!wrong)
        reply_integer(call->reply, list ? (int64_t)list->count : 0);
}

static void run_lrange(struct call *call)
{
    bool wrong;
    const struct list *list = find(call, &wrong);
    int64_t first, last;

    if (wrong || !call_integer(call, call->args[2], &first) ||
        !call_integer(call, call->args[3], &last))
        return;
    if (!list || !call_range(&first, &last, list->count)) {
        reply_array(call->reply, 0);
        return;
    }
    reply_array(call->reply, (size_t)(last - first + 1));
    for (; first <= last; first++) {
        const struct bytes *item = list_at(list, (size_t)first);
        reply_bulk(call->reply, item->data, item->size);
    }
}

/* The item of an index that may count from the end, or NULL. */
static struct bytes *item_at(const struct list *list, int64_t index)
{
    if (list && index < 0)
        index += (int64_t)list->count;
    return list && index >= 0 && index < (int64_t)list->count ? list_at(list, (size_t)index) : NULL;
}

static void run_lindex(struct call *call)
{
    bool wrong;
    const struct list *list = find(call, &wrong);
    int64_t index;

    if (wrong || !call_integer(call, call->args[2], &index))
        return;
    const struct bytes *item = item_at(list, index);
    if (item)
        reply_bulk(call->reply, item->data, item->size);
    else
        reply_nil(call->reply);
}

static void run_lset(struct call *call)
{
    bool wrong;
    const struct list *list = find(call, &wrong);
    int64_t index;

    if (wrong || !call_integer(call, call->args[2], &index))
        return;
    struct bytes *item = item_at(list, index);
    if (!item) {
        reply_error(call->reply, list ? "ERR index out of range" : "ERR no such key");
        return;
    }
    (void)bytes_set(call->store, item, call->args[3].data, call->args[3].size);
    store_touch(call->store, call->args[1]);
    reply_status(call->reply, "OK");
}

static bool item_is(const struct list *list, size_t index, struct text text)
{
    const struct bytes *item = list_at(list, index);

    return text_equal((struct text){item->data, item->size}, text);
}

static void run_lrem(struct call *call)
{
    bool wrong;
    struct entry *entry = call_find(call, call->args[1], KIND_LIST, &wrong);
    int64_t count, removed = 0;

    if (wrong || !call_integer(call, call->args[2], &count))
        return;
    struct list *list = entry ? &entry->value.list : NULL;
    int64_t most = count == 0           ? INT64_MAX
                   : count == INT64_MIN ? INT64_MAX
                   : count < 0          ? -count
                                        : count;
    size_t i = count < 0 && list ? list->count : 0;
    while (list && removed < most && (count < 0 ? i > 0 : i < list->count)) {
        size_t at = count < 0 ? --i : i;
        bool same = item_is(list, at, call->args[3]);
        if (same)
            list_remove(list, at);
        removed += same;
        i += count >= 0 && !same;
    }
    if (removed > 0) {
        store_touch(call->store, call->args[1]);
        call_drop_empty(call, entry);
    }
    reply_integer(call->reply, removed);
}

static void run_ltrim(struct call *call)
{
    bool wrong;
    struct entry *entry = call_find(call, call->args[1], KIND_LIST, &wrong);
    int64_t first, last;

    if (wrong || !call_integer(call, call->args[2], &first) ||
        !call_integer(call, call->args[3], &last))
        return;
    reply_status(call->reply, "OK");
    if (!entry)
        return;
    struct list *list = &entry->value.list;
    bool some = call_range(&first, &last, list->count);
    size_t right = some ? list->count - (size_t)last - 1 : list->count;
    while (right-- > 0)
        free(list_pop(list, false).data);
    while (some && first-- > 0)
        free(list_pop(list, true).data);
    store_touch(call->store, call->args[1]);
    call_drop_empty(call, entry);
}

/* ---- From list to list, and by value --------------------------------------------------------- */

static void move(struct call *call, bool from_left, bool to_left)
{
    bool wrong;
    struct entry *from = call_find(call, call->args[1], KIND_LIST, &wrong);

    if (wrong)
        return;
    if (!from) {
        reply_nil(call->reply);
        return;
    }
    struct entry *to = call_want(call, call->args[2], KIND_LIST);
    if (!to)
        return;
    struct bytes item = list_pop(&from->value.list, from_left);
    (void)list_push(call->store, &to->value.list, to_left, (struct text){item.data, item.size});
    reply_bulk(call->reply, item.data, item.size);
    free(item.data);
    store_touch(call->store, call->args[1]);
    store_touch(call->store, call->args[2]);
    call_drop_empty(call, from);
}

static void run_rpoplpush(struct call *call)
{
    move(call, false, true);
}

static void run_lmove(struct call *call)
{
    bool from_left = text_is(call->args[3], "left"), to_left = text_is(call->args[4], "left");

    if ((from_left || text_is(call->args[3], "right")) &&
        (to_left || text_is(call->args[4], "right")))
        move(call, from_left, to_left);
    else
        call_syntax(call);
}

/* What is behind the place goes to the end of the list, one by one. */
static void run_linsert(struct call *call)
{
    bool after = text_is(call->args[2], "after"), wrong;
    size_t at = 0;

    if (!after && !text_is(call->args[2], "before")) {
        call_syntax(call);
        return;
    }
    struct list *list = find(call, &wrong);
    if (wrong)
        return;
    while (list && at < list->count && !item_is(list, at, call->args[3]))
        at++;
    if (!list || at == list->count) {
        reply_integer(call->reply, list ? -1 : 0);
        return;
    }
    if (list_push(call->store, list, false, call->args[4]))
        for (size_t i = list->count - 1; i > at + after; i--) {
            struct bytes item = *list_at(list, i);
            *list_at(list, i) = *list_at(list, i - 1);
            *list_at(list, i - 1) = item;
        }
    store_touch(call->store, call->args[1]);
    reply_integer(call->reply, (int64_t)list->count);
}

struct search {
    int64_t rank, count, most; /* the rank-th match and more; 0: all, anywhere */
};

/* RANK, COUNT and MAXLEN. False: said. */
static bool read_search(struct call *call, struct search *search)
{
    for (size_t i = 3; i < call->count; i += 2) {
        int64_t *value = text_is(call->args[i], "rank")     ? &search->rank
                         : text_is(call->args[i], "count")  ? &search->count
                         : text_is(call->args[i], "maxlen") ? &search->most
                                                            : NULL;
        if (!value || i + 1 == call->count) {
            call_syntax(call);
            return false;
        }
        if (!call_integer(call, call->args[i + 1], value))
            return false;
        if (value == &search->rank ? *value == 0 || *value == INT64_MIN : *value < 0) {
            reply_error(call->reply, value == &search->rank    ? "ERR RANK can't be zero"
                                     : value == &search->count ? "ERR COUNT can't be negative"
                                                               : "ERR MAXLEN can't be negative");
            return false;
        }
    }
    return true;
}

static void run_lpos(struct call *call)
{
    struct search search = {.rank = 1, .count = -1};
    struct reply found = {0};
    size_t count = 0;
    bool wrong;

    if (!read_search(call, &search))
        return;
    const struct list *list = find(call, &wrong);
    if (wrong)
        return;
    size_t size = list ? list->count : 0;
    size_t most = search.most > 0 && (uint64_t)search.most < size ? (size_t)search.most : size;
    size_t wanted = search.count < 0 ? 1 : search.count == 0 ? SIZE_MAX : (size_t)search.count;
    int64_t skip = (search.rank < 0 ? -search.rank : search.rank) - 1;
    for (size_t i = 0; i < most && count < wanted; i++) {
        size_t at = search.rank < 0 ? size - 1 - i : i;
        if (!item_is(list, at, call->args[2]) || skip-- > 0)
            continue;
        reply_integer(&found, (int64_t)at);
        count++;
    }
    if (search.count >= 0)
        reply_array(call->reply, count);
    else if (count == 0)
        reply_nil(call->reply);
    reply_bytes(call->reply, found.data, found.size);
    call->reply->failed |= found.failed;
    reply_free(&found);
}

const struct command commands_lists[] = {
    {"lpush", -3, true, run_lpush},
    {"rpush", -3, true, run_rpush},
    {"lpop", -2, true, run_lpop},
    {"rpop", -2, true, run_rpop},
    {"llen", 2, false, run_llen},
    {"lrange", 4, false, run_lrange},
    {"lindex", 3, false, run_lindex},
    {"lset", 4, true, run_lset},
    {"lrem", 4, true, run_lrem},
    {"ltrim", 4, true, run_ltrim},
    {"lpushx", -3, true, run_lpushx},
    {"rpushx", -3, true, run_rpushx},
    {"rpoplpush", 3, true, run_rpoplpush},
    {"lmove", 5, true, run_lmove},
    {"linsert", 5, true, run_linsert},
    {"lpos", -3, false, run_lpos},
    {NULL, 0, false, NULL},
};
