/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a client says. Its commands have effect in the order in which they came: writes may be under
 * way together, and so may reads, but a write waits for reads before it, and a read behind writes
 * travels with them in the order, as a command.
 */
#include "server.h"

#include "request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Requests of one client under way: beyond that it is not read from. Reads are answered all at
 * once: so many of a megabyte are what a client may leave unread by default. */
enum { SLOTS_MAX = 1024, READS_MAX = 32 };

/* Unread replies of a client, and those that are to come, beyond which no request of it is taken.
 */
enum { OUT_PAUSE = 1 << 20 };

static bool enough_under_way(const struct client *client)
{
    size_t expected = client->expected > 0 ? client->expected : OUT_PAUSE + 1;

    return client->slots_count >= SLOTS_MAX ||
           client->out.size - client->out_sent + client->slots_count * expected > OUT_PAUSE;
}

/* ---- What comes back ---------------------------------------------------------------------- */

static void say_error(struct reply *reply, int error)
{
    switch (error) {
    case GCS_EUNKNOWN:
    case GCS_ECLOSED:
        reply_error(reply, "UNKNOWN outcome unknown: retry it, in a session");
        break;
    case GCS_ESESSION:
        reply_error(reply, "NOSESSION no such session, or it has expired");
        break;
    case GCS_ESERIAL:
        reply_error(reply, "BADSERIAL not the session's next serial, and no result of it is kept");
        break;
    case GCS_ENOPRIMARY:
        reply_error(reply, "CLUSTERDOWN this replica is cut off from the primary");
        break;
    case GCS_ENOTMEMBER:
        reply_error(reply, "CLUSTERDOWN this replica is no member of its group");
        break;
    case GCS_EAGAIN:
        reply_error(reply, "LOADING this replica has not got the state yet");
        break;
    default:
        reply_error(reply, "ERR %s", gcs_strerror(error));
    }
}

static void on_done(void *ctx, const struct gcs_replica_outcome *outcome)
{
    struct slot *slot = ctx;
    struct client *client = slot->client;
    struct reply reply = {0};

    if (slot->reads)
        client->reading--;
    else
        client->writing--;
    if (outcome->number > client->number && !slot->reads)
        client->number = outcome->number;
    if (outcome->error == 0) {
        slot_done(slot, outcome->data, outcome->size);
        return;
    }
    say_error(&reply, outcome->error);
    slot_done(slot, reply.data, reply.size);
    reply_free(&reply);
}

static void on_session(void *ctx, const struct gcs_replica_outcome *outcome)
{
    struct reply reply = {0};
    struct gcs_replica_outcome told = *outcome;

    if (outcome->error == 0)
        reply_integer(&reply, (int64_t)outcome->session);
    told.data = reply.data;
    told.size = reply.size;
    on_done(ctx, &told);
    reply_free(&reply);
}

/* The versions of watched keys are put where WATCH has left room for them. */
static void on_versions(void *ctx, const struct gcs_replica_outcome *outcome)
{
    struct slot *slot = ctx;
    struct client *client = slot->client;
    struct gcs_replica_outcome told = *outcome;
    const char *versions = outcome->data;
    size_t at = 0;

    for (size_t i = 0; outcome->error == 0 && i < outcome->size / 8; i++) {
        uint32_t size;
        memcpy(&size, client->watched.data + at, sizeof(size));
        at += sizeof(size) + size;
        memcpy(client->watched.data + at, versions + 8 * i, 8);
        at += 8;
    }
    told.data = "+OK\r\n";
    told.size = 5;
    on_done(slot, &told);
}

static int shown(struct text text)
{
    return text.size < 64 ? (int)text.size : 64;
}

/* No such command (NULL), or not with so many arguments. */
static void say_misuse(struct reply *reply, const struct command *command, const struct text *args,
                       size_t count)
{
    char list[128] = "";
    size_t size = 0;

    if (command) {
        reply_error(reply, "ERR %s for '%s' command", command_misuse(command, count),
                    command->name);
        return;
    }
    for (size_t i = 1; i < count && size < sizeof(list) - 1; i++)
        size += (size_t)snprintf(list + size, sizeof(list) - size, "'%.*s' ", shown(args[i]),
                                 args[i].data);
    reply_error(reply, "ERR unknown command '%.*s', with args beginning with: %s", shown(args[0]),
                args[0].data, list);
}

/* ---- What goes off ------------------------------------------------------------------------ */

/* Begun: its slot is counted. The replica's refusal becomes the reply, or the client waits. */
static bool refused(struct client *client, struct slot *slot, int error)
{
    struct gcs_replica_status status;
    struct gcs_replica_outcome outcome = {.error = error};

    if (error == GCS_EAGAIN) {
        gcs_replica_status_get(client->server->kv.replica, &status);
        if (status.ready) {
            client->server->out_of_room = true;
            return true;
        }
    }
    on_done(slot, &outcome);
    return false;
}

/* Takes a slot that was just added away again. */
static void take_back(struct client *client, struct slot *slot)
{
    struct slot **link = &client->slots;

    while (*link != slot)
        link = &(*link)->next;
    *link = NULL;
    client->slots_end = link;
    client->slots_count--;
    if (slot->reads)
        client->reading--;
    else
        client->writing--;
    slot->next = client->server->spare;
    client->server->spare = slot;
}

static struct slot *begin(struct client *client, bool reads)
{
    struct slot *slot = slot_add(client, reads);

    if (!slot) {
        client->out.failed = true;
        return NULL;
    }
    if (reads)
        client->reading++;
    else
        client->writing++;
    return slot;
}

/* False: there is no room, come again. */
static bool send_write(struct client *client, const struct reply *request, uint64_t session,
                       uint64_t serial)
{
    struct slot *slot = begin(client, false);

    if (!slot)
        return true;
    int error = kv_write(&client->server->kv, request, session, serial, on_done, slot);
    if (error == 0 || !refused(client, slot, error))
        return true;
    take_back(client, slot);
    return false;
}

static bool send_read(struct client *client, const struct reply *request, gcs_replica_done *done)
{
    struct slot *slot = begin(client, true);

    if (!slot)
        return true;
    int error = kv_read(&client->server->kv, client->read, client->number, request, done, slot);
    if (error == 0 || !refused(client, slot, error))
        return true;
    take_back(client, slot);
    return false;
}

static bool send_session(struct client *client)
{
    struct slot *slot = begin(client, false);

    if (!slot)
        return true;
    int error = kv_session(&client->server->kv, on_session, slot);
    if (error == 0 || !refused(client, slot, error))
        return true;
    take_back(client, slot);
    return false;
}

/* ---- Transactions ------------------------------------------------------------------------- */

static void end_multi(struct client *client)
{
    client->in_multi = client->spoilt = false;
    client->queued = client->watched_count = 0;
    reply_clear(&client->queue);
    reply_clear(&client->watched);
}

static void say(struct client *client, const char *error)
{
    struct reply *reply = reply_begin(client);

    if (error)
        reply_error(reply, "%s", error);
    else
        reply_status(reply, "OK");
    reply_end(client);
}

static void queue_command(struct client *client, const struct command *command,
                          const struct text *args, size_t count)
{
    struct reply *reply = reply_begin(client);
    bool spoilt = client->spoilt;

    client->spoilt = true;
    if (!command && answer_knows(args[0])) {
        reply_error(reply, "ERR '%.*s' concerns the connection and cannot be in a transaction",
                    (int)args[0].size, args[0].data);
    } else if (!command || command_misuse(command, count)) {
        say_misuse(reply, command, args, count);
    } else if (client->queue.size > client->server->request_max) {
        reply_error(reply, "ERR transaction too long");
    } else {
        client->spoilt = spoilt;
        request_command(&client->queue, args, count);
        client->queued++;
        reply_status(reply, "QUEUED");
    }
    reply_end(client);
}

static bool exec(struct client *client, uint64_t session, uint64_t serial)
{
    if (!client->in_multi || client->spoilt) {
        say(client, client->in_multi ? "EXECABORT Transaction discarded because of previous errors."
                                     : "ERR EXEC without MULTI");
        end_multi(client);
        return true;
    }
    request_begin(&client->scratch, REQUEST_TRANSACTION);
    reply_bytes(&client->scratch, client->watched.data, client->watched.size);
    reply_bytes(&client->scratch, client->queue.data, client->queue.size);
    request_end(&client->scratch, client->watched_count, client->queued);
    if (!send_write(client, &client->scratch, session, serial))
        return false;
    end_multi(client);
    return true;
}

static bool watch(struct client *client, const struct text *args, size_t count)
{
    size_t had = client->watched.size;

    if (client->slots) /* what is under way may change it, and what is watched before waits */
        return false;
    if (client->in_multi || had > client->server->request_max) {
        say(client, client->in_multi ? "ERR WATCH inside MULTI is not allowed"
                                     : "ERR too many watched keys");
        return true;
    }
    for (size_t i = 1; i < count; i++)
        request_watch(&client->watched, args[i], 0);
    request_begin(&client->scratch, REQUEST_VERSIONS);
    reply_bytes(&client->scratch, client->watched.data, client->watched.size);
    request_end(&client->scratch, client->watched_count + (uint32_t)count - 1, 0);
    if (!send_read(client, &client->scratch, on_versions)) {
        client->watched.size = had;
        return false;
    }
    client->watched_count += (uint32_t)count - 1;
    return true;
}

/* ---- Commands ----------------------------------------------------------------------------- */

static bool run_on_data(struct client *client, const struct command *command,
                        const struct text *args, size_t count, uint64_t session, uint64_t serial)
{
    bool reads = !command->writes && client->writing == 0 && session == 0;

    if (command_misuse(command, count)) {
        say_misuse(reply_begin(client), command, args, count);
        reply_end(client);
        return true;
    }
    if (reads ? client->reading >= READS_MAX : client->reading > 0)
        return false;
    request_begin(&client->scratch, REQUEST_SINGLE);
    request_command(&client->scratch, args, count);
    request_end(&client->scratch, 0, 1);
    return reads ? send_read(client, &client->scratch, on_done)
                 : send_write(client, &client->scratch, session, serial);
}

/* PING and ECHO need nobody, unless in a transaction. */
static bool is_local(struct text name)
{
    return text_is(name, "ping") || text_is(name, "echo");
}

static bool run_local(struct client *client, const struct command *command, const struct text *args,
                      size_t count)
{
    struct reply *reply = reply_begin(client);
    struct call call = {.name = command->name, .args = args, .count = count, .reply = reply};

    if (command_misuse(command, count))
        say_misuse(reply, command, args, count);
    else
        command->run(&call);
    reply_end(client);
    return true;
}

/* GCS.SESSION NEW, or GCS.SESSION ID SERIAL COMMAND ... */
static bool run_in_session(struct client *client, const struct text *args, size_t count)
{
    int64_t session, serial;

    if (count == 2 && text_is(args[1], "new"))
        return send_session(client);
    if (count < 4 || !text_integer(args[1], &session) || !text_integer(args[2], &serial) ||
        session <= 0 || serial <= 0) {
        say(client, "ERR GCS.SESSION NEW, or GCS.SESSION ID SERIAL COMMAND ...");
        return true;
    }
    if (client->reading > 0)
        return false;
    if (text_is(args[3], "exec"))
        return exec(client, (uint64_t)session, (uint64_t)serial);
    const struct command *command = command_find(args[3]);
    if (client->in_multi) {
        say(client, "ERR only EXEC has a session here");
        return true;
    }
    if (!command) {
        say_misuse(reply_begin(client), NULL, args + 3, count - 3);
        reply_end(client);
        return true;
    }
    return run_on_data(client, command, args + 3, count - 3, (uint64_t)session, (uint64_t)serial);
}

/* The commands of run_on_connection() that Redis has. */
static const struct command connection_commands[] = {
    {"multi", 1, false, NULL},  {"exec", 1, false, NULL},    {"discard", 1, false, NULL},
    {"watch", -2, false, NULL}, {"unwatch", 1, false, NULL}, {NULL, 0, false, NULL},
};

static bool misused(struct client *client, const struct text *args, size_t count)
{
    const struct command *command = connection_commands;

    while (command->name && !text_is(args[0], command->name))
        command++;
    if (!command->name || !command_misuse(command, count))
        return false;
    client->spoilt |= client->in_multi;
    say_misuse(reply_begin(client), command, args, count);
    reply_end(client);
    return true;
}

/* Those that concern the state of the connection. 1: done; 0: come again; -1: none of these. */
static int run_on_connection(struct client *client, const struct text *args, size_t count)
{
    struct text name = args[0];

    if (misused(client, args, count))
        return 1;
    if (text_is(name, "gcs.session"))
        return run_in_session(client, args, count);
    if (text_is(name, "exec"))
        return client->reading > 0 ? 0 : exec(client, 0, 0);
    if (text_is(name, "watch"))
        return watch(client, args, count);
    if (text_is(name, "multi")) {
        say(client, client->in_multi ? "ERR MULTI calls can not be nested" : NULL);
        client->in_multi = true;
        return 1;
    }
    if (text_is(name, "discard")) {
        say(client, client->in_multi ? NULL : "ERR DISCARD without MULTI");
        end_multi(client);
        return 1;
    }
    if (text_is(name, "unwatch")) {
        client->watched_count = 0;
        reply_clear(&client->watched);
        say(client, NULL);
        return 1;
    }
    if (text_is(name, "reset") || text_is(name, "quit"))
        end_multi(client);
    return -1;
}

static void answer(struct client *client, const struct text *args, size_t count)
{
    struct reply *reply = reply_begin(client);

    if (!answer_command(client, args, count, reply))
        say_misuse(reply, NULL, args, count);
    reply_end(client);
}

/* False: it cannot go off now; the same again later. */
static bool execute(struct client *client, const struct text *args, size_t count)
{
    const struct command *command = command_find(args[0]);

    if (!command || client->in_multi) {
        int done = command ? -1 : run_on_connection(client, args, count);
        if (done >= 0)
            return done;
        if (client->in_multi)
            queue_command(client, command, args, count);
        else
            answer(client, args, count);
        return true;
    }
    return is_local(args[0]) ? run_local(client, command, args, count)
                             : run_on_data(client, command, args, count, 0, 0);
}

void client_process(struct client *client)
{
    const char *why = NULL;
    size_t done = 0, used;

    client->stalled = false;
    while (!client->closing && !client->stalled && done < client->in_size) {
        if (enough_under_way(client)) {
            client->stalled = true;
            break;
        }
        enum resp_verdict verdict =
            resp_parse(&client->request, client->in + done, client->in_size - done, &used, &why);
        if (verdict == RESP_INCOMPLETE)
            break;
        if (verdict == RESP_BROKEN) {
            struct reply *reply = reply_begin(client);
            reply_error(reply, "ERR Protocol error: %s", why);
            reply_end(client);
            client->closing = client->lingering = true;
            break;
        }
        if (client->request.count > 0 &&
            !execute(client, client->request.arguments, client->request.count))
            client->stalled = true;
        else
            done += used;
        client->server->commands += !client->stalled;
    }
    if (done > 0) {
        client->in_size -= done;
        memmove(client->in, client->in + done, client->in_size);
    }
}
