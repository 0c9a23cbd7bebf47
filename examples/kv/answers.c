/* SPDX-License-Identifier: BSD-3-Clause */
/* What redis-cli, redis-benchmark and client libraries ask a server about itself. */
#include "server.h"

#include "commands.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- INFO --------------------------------------------------------------------------------- */

static void line(struct reply *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void line(struct reply *out, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    int size = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    reply_bytes(out, text, size < (int)sizeof(text) ? (size_t)size : sizeof(text) - 1);
    reply_bytes(out, "\r\n", 2);
}

static void info_group(const struct server *server, struct reply *out)
{
    const struct gcs_view *view = gcs_view_acquire(gcs_replica_group(server->kv.replica));
    struct gcs_replica_status status;

    gcs_replica_status_get(server->kv.replica, &status);
    line(out, "# Replication");
    line(out, "role:master");
    line(out, "connected_slaves:%d", view ? view->count - 1 : 0);
    line(out, "gcs_group:%s", server->group);
    line(out, "gcs_ready:%d", status.ready);
    line(out, "gcs_primary:%d", status.primary);
    line(out, "gcs_view:%" PRIu32, view ? view->epoch : 0);
    line(out, "gcs_members:%d", view ? view->count : 0);
    line(out, "gcs_rank:%d", view ? view->self : -1);
    line(out, "gcs_number:%" PRIu64, status.number);
    line(out, "gcs_pending:%" PRIu64, status.pending);
    line(out, "gcs_queries:%" PRIu64, status.queries);
    line(out, "gcs_sessions:%" PRIu64, status.sessions);
    line(out, "gcs_repeated:%" PRIu64, status.repeated);
    line(out, "gcs_restores:%" PRIu64, status.restores);
    gcs_view_release(view);
}

static void info(const struct client *client, struct reply *reply)
{
    const struct server *server = client->server;
    struct reply out = {0};

    line(&out, "# Server");
    line(&out, "redis_version:7.0.0");
    line(&out, "redis_mode:standalone");
    line(&out, "gcs_version:%s", gcs_version());
    line(&out, "process_id:%d", (int)getpid());
    line(&out, "tcp_port:%d", server->port);
    line(&out, "# Clients");
    line(&out, "connected_clients:%" PRIu32, server->clients_count);
    line(&out, "maxclients:%" PRIu32, server->clients_max);
    line(&out, "# Stats");
    line(&out, "total_connections_received:%" PRIu64, server->accepted);
    line(&out, "total_commands_processed:%" PRIu64, server->commands);
    line(&out, "gcs_clients_cut_off:%" PRIu64, server->cut_off);
    info_group(server, &out);
    line(&out, "# Keyspace");
    if (store_count(&server->kv.store) > 0)
        line(&out, "db0:keys=%zu,expires=%zu,avg_ttl=0", store_count(&server->kv.store),
             server->kv.store.heap_count);
    reply_bulk(reply, out.data, out.size);
    reply_free(&out);
}

/* ---- CONFIG ------------------------------------------------------------------------------- */

static int parameter(const struct server *server, size_t i, const char **name, char *value,
                     size_t size)
{
    static const char *const fixed[][2] = {{"save", ""},
                                           {"appendonly", "no"},
                                           {"databases", "1"},
                                           {"maxmemory", "0"},
                                           {"timeout", "0"}};

    if (i < 5) {
        *name = fixed[i][0];
        return snprintf(value, size, "%s", fixed[i][1]);
    }
    *name = i == 5 ? "maxclients" : i == 6 ? "gcs-client-output-bytes" : NULL;
    return snprintf(value, size, "%zu", i == 5 ? (size_t)server->clients_max : server->output_max);
}

static void config_get(const struct client *client, const struct text *args, size_t count,
                       struct reply *reply)
{
    struct reply out = {0};
    const char *name;
    char value[64];
    size_t found = 0;

    for (size_t i = 0; parameter(client->server, i, &name, value, sizeof(value)) >= 0 && name; i++)
        for (size_t k = 2; k < count; k++)
            if (glob_matches(args[k], (struct text){name, strlen(name)})) {
                reply_text(&out, name);
                reply_text(&out, value);
                found += 2;
                break;
            }
    reply_array(reply, found);
    reply_bytes(reply, out.data, out.size);
    reply_free(&out);
}

static void config_set(const struct client *client, const struct text *args, size_t count,
                       struct reply *reply)
{
    int64_t value;

    if (count != 4 || !text_integer(args[3], &value) || value < 1)
        reply_error(reply, "ERR CONFIG SET takes a parameter and a number");
    else if (text_is(args[2], "maxclients") && value <= 100000)
        client->server->clients_max = (uint32_t)value;
    else if (text_is(args[2], "gcs-client-output-bytes"))
        client->server->output_max = (size_t)value;
    else
        reply_error(reply, "ERR Unknown option or bad value for CONFIG SET");
}

static void config(const struct client *client, const struct text *args, size_t count,
                   struct reply *reply)
{
    size_t before = reply->size;

    if (count >= 3 && text_is(args[1], "get"))
        config_get(client, args, count, reply);
    else if (count >= 3 && text_is(args[1], "set"))
        config_set(client, args, count, reply);
    else if (count < 2 || !text_is(args[1], "resetstat"))
        reply_error(reply, "ERR unknown CONFIG subcommand");
    if (reply->size == before)
        reply_status(reply, "OK");
}

/* ---- CLIENT, HELLO and the rest ------------------------------------------------------------ */

static void client_command(struct client *client, const struct text *args, size_t count,
                           struct reply *reply)
{
    char text[256];

    if (count == 3 && text_is(args[1], "setname") && args[2].size < sizeof(client->name)) {
        memcpy(client->name, args[2].data, args[2].size);
        client->name[args[2].size] = 0;
        reply_status(reply, "OK");
    } else if (count == 2 && text_is(args[1], "getname")) {
        reply_text(reply, client->name);
    } else if (count == 2 && text_is(args[1], "id")) {
        reply_integer(reply, (int64_t)client->id);
    } else if (count >= 2 && (text_is(args[1], "info") || text_is(args[1], "list"))) {
        int size = snprintf(
            text, sizeof(text), "id=%" PRIu64 " addr=%s name=%s qbuf=%zu omem=%zu\n", client->id,
            client->address, client->name, client->in_size, client->out.size - client->out_sent);
        reply_bulk(reply, text, size < (int)sizeof(text) ? (size_t)size : sizeof(text) - 1);
    } else if (count >= 2 && (text_is(args[1], "setinfo") || text_is(args[1], "no-evict"))) {
        reply_status(reply, "OK");
    } else {
        reply_error(reply, "ERR unknown CLIENT subcommand or wrong number of arguments");
    }
}

static void hello(const struct client *client, const struct text *args, size_t count,
                  struct reply *reply)
{
    if (count > 1 && !text_is(args[1], "2")) {
        reply_error(reply, "NOPROTO unsupported protocol version");
        return;
    }
    reply_array(reply, 14);
    reply_text(reply, "server");
    reply_text(reply, "redis");
    reply_text(reply, "version");
    reply_text(reply, "7.0.0");
    reply_text(reply, "proto");
    reply_integer(reply, 2);
    reply_text(reply, "id");
    reply_integer(reply, (int64_t)client->id);
    reply_text(reply, "mode");
    reply_text(reply, "standalone");
    reply_text(reply, "role");
    reply_text(reply, "master");
    reply_text(reply, "modules");
    reply_array(reply, 0);
}

/* GCS.READ LINEARIZABLE | SEQUENTIAL | OWN [NUMBER]: how old what this connection reads may be. */
static void read_mode(struct client *client, const struct text *args, size_t count,
                      struct reply *reply)
{
    int64_t number = 0;

    if (count == 2 && text_is(args[1], "linearizable")) {
        client->read = GCS_REPLICA_LINEARIZABLE;
    } else if (count == 2 && text_is(args[1], "sequential")) {
        client->read = GCS_REPLICA_SEQUENTIAL;
    } else if (count >= 2 && count <= 3 && text_is(args[1], "own") &&
               (count == 2 || (text_integer(args[2], &number) && number >= 0))) {
        client->read = GCS_REPLICA_AFTER;
        client->number = (uint64_t)number > client->number ? (uint64_t)number : client->number;
    } else {
        reply_error(reply, "ERR GCS.READ LINEARIZABLE, SEQUENTIAL or OWN [NUMBER]");
        return;
    }
    reply_status(reply, "OK");
}

static void quit(struct client *client, struct reply *reply)
{
    reply_status(reply, "OK");
    client->closing = true;
}

bool answer_command(struct client *client, const struct text *args, size_t count,
                    struct reply *reply)
{
    struct text name = args[0];

    if (text_is(name, "info"))
        info(client, reply);
    else if (text_is(name, "config"))
        config(client, args, count, reply);
    else if (text_is(name, "client"))
        client_command(client, args, count, reply);
    else if (text_is(name, "hello"))
        hello(client, args, count, reply);
    else if (text_is(name, "gcs.read"))
        read_mode(client, args, count, reply);
    else if (text_is(name, "gcs.number"))
        reply_integer(reply, (int64_t)client->number);
    else if (text_is(name, "command"))
        reply_array(reply, 0);
    else if (text_is(name, "quit"))
        quit(client, reply);
    else if (text_is(name, "reset"))
        reply_status(reply, "RESET");
    else if (text_is(name, "select") && count == 2 && text_is(args[1], "0"))
        reply_status(reply, "OK");
    else if (text_is(name, "select"))
        reply_error(reply, "ERR DB index is out of range");
    else
        return false;
    return true;
}
