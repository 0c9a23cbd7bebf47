/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What gcs-kv takes from others: RESP from clients (0), requests from replicas (1), and states (2).
 * The first byte says which. What RESP lets through is run as a client's commands are, and the
 * store that comes of it must survive being dumped and loaded.
 */
#include "request.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void note_field(void *ctx, const struct field *field)
{
    reply_bulk(ctx, field->name.data, field->name.size);
}

static void note_entry(void *ctx, const struct entry *entry)
{
    reply_bulk(ctx, entry->key.data, entry->key.size);
    if (entry->kind == KIND_HASH || entry->kind == KIND_SET)
        (void)scan_table(&entry->value.table, 0, SIZE_MAX, ctx, note_field);
}

/* What SCAN and its relatives, KEYS and RANDOMKEY go by is part of the state. */
static void check_order(const struct store *store, const struct store *other)
{
    struct reply one = {0}, two = {0};

    (void)scan_entries(store, 0, SIZE_MAX, &one, note_entry);
    (void)scan_entries(other, 0, SIZE_MAX, &two, note_entry);
    assert(two.size == one.size && (one.size == 0 || memcmp(one.data, two.data, one.size) == 0));
    reply_free(&one);
    reply_free(&two);
}

static void check_store(struct store *store)
{
    struct store *other = calloc(1, sizeof(*other));
    struct reply one = {0}, two = {0};

    store_dump(store, &one);
    assert(other && !one.failed && store_load(other, one.data, one.size));
    store_dump(other, &two);
    assert(two.size == one.size && memcmp(one.data, two.data, one.size) == 0);
    other->now = store->now;
    check_order(store, other);
    store->now = other->now += UINT64_C(100000000000);
    store_expire(store);
    store_expire(other);
    check_order(store, other);
    store_clear(other);
    free(other);
    reply_free(&one);
    reply_free(&two);
}

static void run(struct store *store, const struct text *args, size_t count)
{
    struct reply request = {0}, reply = {0};

    request_begin(&request, REQUEST_SINGLE);
    request_command(&request, args, count);
    request_end(&request, 0, 1);
    store->number++;
    store->now += 1000000000;
    store_expire(store);
    request_run(store, request.data, request.size, true, store->number, &reply);
    assert(reply.size > 0 && strchr("+-:$*", reply.data[0]));
    reply_free(&request);
    reply_free(&reply);
}

/* Fed in one piece, and again bytewise: the same requests either way. */
static void try_resp(struct store *store, const char *data, size_t size)
{
    struct resp_request request = {.limit = 4096};
    size_t used, at = 0;
    const char *why;

    for (size_t requests = 0; requests < 64; requests++) {
        enum resp_verdict verdict = resp_parse(&request, data + at, size - at, &used, &why);
        if (verdict != RESP_COMPLETE)
            break;
        assert(used > 0 && used <= size - at);
        struct resp_request early = {.limit = 4096};
        size_t part;
        assert(resp_parse(&early, data + at, used - 1, &part, &why) != RESP_COMPLETE);
        resp_free(&early);
        if (request.count > 0)
            run(store, request.arguments, request.count);
        at += used;
    }
    resp_free(&request);
    check_store(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct store *store = calloc(1, sizeof(*store));
    struct reply reply = {0};

    assert(store);
    store->now = 1000000000;
    if (size > 0) {
        char *input = malloc(size - 1 + (size == 1)); /* so that reading beyond it is seen */
        assert(input);
        memcpy(input, data + 1, size - 1);
        if (data[0] == 0)
            try_resp(store, input, size - 1);
        else if (data[0] == 1)
            request_run(store, input, size - 1, true, 7, &reply);
        else if (store_load(store, input, size - 1))
            check_store(store);
        free(input);
    }
    store_clear(store);
    free(store);
    reply_free(&reply);
    return 0;
}
