/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Replies in the order of requests. Most come in that order, and go into the client's output at
 * once; one that comes before its turn is kept in its slot.
 */
#include "server.h"

#include <stdlib.h>

struct slot *slot_add(struct client *client, bool reads)
{
    struct slot *slot = client->server->spare;

    if (slot)
        client->server->spare = slot->next;
    else
        slot = calloc(1, sizeof(*slot));
    if (!slot)
        return NULL;
    slot->next = NULL;
    slot->client = client;
    slot->done = false;
    slot->reads = reads;
    *client->slots_end = slot;
    client->slots_end = &slot->next;
    client->slots_count++;
    return slot;
}

static void take_first(struct client *client)
{
    struct slot *slot = client->slots;

    client->slots = slot->next;
    if (!client->slots)
        client->slots_end = &client->slots;
    client->slots_count--;
    if (slot->reply.capacity > 4096)
        reply_free(&slot->reply);
    reply_clear(&slot->reply);
    slot->next = client->server->spare;
    client->server->spare = slot;
}

/* What is unread is bounded, but one reply may always wait alone, however large. */
static void put(struct client *client, const void *data, size_t size)
{
    size_t unread = client->out.size - client->out_sent;

    if (unread > 0 && unread + size > client->server->output_max + client->expected) {
        client_write(client); /* it has had no chance to read that yet */
        unread = client->out.size - client->out_sent;
    }
    client->flooded |= unread > 0 && unread + size > client->server->output_max + client->expected;
    if (!client->flooded)
        reply_bytes(&client->out, data, size);
}

static void flush(struct client *client)
{
    while (client->slots && client->slots->done) {
        struct reply *reply = &client->slots->reply;
        put(client, reply->data, reply->size);
        client->out.failed |= reply->failed;
        take_first(client);
    }
    client_mark(client);
}

void slot_done(struct slot *slot, const void *data, size_t size)
{
    struct client *client = slot->client;

    slot->done = true;
    client->expected -= client->expected / 8;
    if (size > client->expected)
        client->expected = size;
    if (slot == client->slots) {
        put(client, data, size);
        take_first(client);
        flush(client);
    } else {
        reply_bytes(&slot->reply, data, size);
    }
}

struct reply *reply_begin(struct client *client)
{
    struct slot *slot = client->slots ? slot_add(client, false) : NULL;

    if (client->slots && !slot)
        client->out.failed = true;
    if (!slot)
        return &client->out;
    slot->done = true;
    return &slot->reply;
}

void reply_end(struct client *client)
{
    flush(client);
}

void slots_free(struct server *server)
{
    while (server->spare) {
        struct slot *slot = server->spare;
        server->spare = slot->next;
        reply_free(&slot->reply);
        free(slot);
    }
}
