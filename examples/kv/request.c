/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests: see request.h. u8 kind, u32 watches, u32 commands; a watch is a key and its version, a
 * command a count and arguments; texts are a u32 size and bytes. Little-endian.
 */
#include "request.h"

#include <stdlib.h>

enum { HEADER = 9, ARGUMENTS = 65536 };

static void put(struct reply *out, uint64_t value, unsigned size)
{
    char bytes[8];

    for (unsigned i = 0; i < size; i++)
        bytes[i] = (char)(value >> 8 * i);
    reply_bytes(out, bytes, size);
}

static void put_text(struct reply *out, struct text text)
{
    put(out, text.size, 4);
    reply_bytes(out, text.data, text.size);
}

void request_begin(struct reply *request, enum request_kind kind)
{
    reply_clear(request);
    put(request, kind, 1);
    put(request, 0, 8);
}

void request_watch(struct reply *request, struct text key, uint64_t version)
{
    put_text(request, key);
    put(request, version, 8);
}

void request_command(struct reply *request, const struct text *args, size_t count)
{
    put(request, count, 4);
    for (size_t i = 0; i < count; i++)
        put_text(request, args[i]);
}

void request_end(struct reply *request, uint32_t watches, uint32_t commands)
{
    size_t size = request->size;

    if (request->failed)
        return;
    request->size = 1; /* over the counts that request_begin left open */
    put(request, watches, 4);
    put(request, commands, 4);
    request->size = size;
}

/* ---- Running ---------------------------------------------------------------------------- */

struct input {
    const char *at, *end;
    bool bad;
};

static uint64_t get(struct input *in, unsigned size)
{
    uint64_t value = 0;

    if ((size_t)(in->end - in->at) < size) {
        in->bad = true;
        return 0;
    }
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)(uint8_t)in->at[i] << 8 * i;
    in->at += size;
    return value;
}

static struct text get_text(struct input *in)
{
    struct text text = {in->at, (size_t)get(in, 4)};

    text.data = in->at;
    if (in->bad || text.size > (size_t)(in->end - in->at)) {
        in->bad = true;
        return (struct text){"", 0};
    }
    in->at += text.size;
    return text;
}

static bool unchanged(const struct store *store, struct input *in, uint32_t watches)
{
    bool same = true;

    for (uint32_t i = 0; i < watches && !in->bad; i++) {
        struct text key = get_text(in);
        same &= store_version(store, key) == get(in, 8);
    }
    return same;
}

static void tell_versions(const struct store *store, struct input *in, uint32_t watches,
                          struct reply *reply)
{
    for (uint32_t i = 0; i < watches && !in->bad; i++) {
        put(reply, store_version(store, get_text(in)), 8);
        (void)get(in, 8);
    }
}

static void run_one(struct call *call, struct input *in, bool writes)
{
    struct text few[16], *args = few;
    uint64_t count = get(in, 4);
    struct text *many = NULL;

    if (in->bad || count == 0 || count > ARGUMENTS) {
        in->bad = true;
        return;
    }
    if (count > sizeof(few) / sizeof(*few))
        args = many = malloc((size_t)count * sizeof(*many));
    for (uint64_t i = 0; args && i < count; i++)
        args[i] = get_text(in);
    const struct command *command = args && !in->bad ? command_find(args[0]) : NULL;
    if (!args)
        call->store->failed = true;
    else if (!command || command_misuse(command, (size_t)count) || (command->writes && !writes))
        reply_error(call->reply, "ERR command cannot be run");
    else {
        call->name = command->name;
        call->args = args;
        call->count = (size_t)count;
        command->run(call);
    }
    free(many);
}

void request_run(struct store *store, const char *data, size_t size, bool writes, uint64_t seed,
                 struct reply *reply)
{
    struct input in = {data, data + size, false};
    struct call call = {.store = store, .seed = seed, .reply = reply};
    uint64_t kind = get(&in, 1);
    uint32_t watches = (uint32_t)get(&in, 4);
    uint32_t commands = (uint32_t)get(&in, 4);

    if (in.bad || kind > REQUEST_TICK || commands > (size_t)(in.end - in.at) / 4 + 1) {
        reply_error(reply, "ERR malformed request");
        return;
    }
    if (kind == REQUEST_VERSIONS) {
        tell_versions(store, &in, watches, reply);
        return;
    }
    if (!unchanged(store, &in, watches)) {
        reply_nil_array(reply);
        return;
    }
    if (kind == REQUEST_TRANSACTION)
        reply_array(reply, commands);
    for (uint32_t i = 0; i < commands && !in.bad; i++, call.seed++)
        run_one(&call, &in, writes);
    if (reply->too_long) { /* at all replicas alike: what the commands did is done */
        reply_clear(reply);
        reply_error(reply, "ERR the reply would be longer than %zu bytes", reply->limit);
    }
    if (in.bad) {
        reply_clear(reply);
        reply_error(reply, "ERR malformed request");
    }
}
