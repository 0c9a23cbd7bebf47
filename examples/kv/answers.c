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

static void info_server(const struct server *server, struct reply *out)
{
    line(out, "# Server");
    line(out, "redis_version:7.0.0");
    line(out, "redis_mode:standalone");
    line(out, "gcs_version:%s", gcs_version());
    line(out, "process_id:%d", (int)getpid());
    line(out, "tcp_port:%d", server->port);
}

static void info_clients(const struct server *server, struct reply *out)
{
    line(out, "# Clients");
    line(out, "connected_clients:%" PRIu32, server->clients_count);
    line(out, "maxclients:%" PRIu32, server->clients_max);
}

static void info_stats(const struct server *server, struct reply *out)
{
    line(out, "# Stats");
    line(out, "total_connections_received:%" PRIu64, server->accepted);
    line(out, "total_commands_processed:%" PRIu64, server->commands);
    line(out, "gcs_clients_cut_off:%" PRIu64, server->cut_off);
}

static void info_keyspace(const struct server *server, struct reply *out)
{
    line(out, "# Keyspace");
    if (store_count(&server->kv.store) > 0)
        line(out, "db0:keys=%zu,expires=%zu,avg_ttl=0", store_count(&server->kv.store),
             server->kv.store.heap_count);
}

/* INFO [section ...] */
static void info(struct client *client, const struct text *args, size_t count, struct reply *reply)
{
    static const struct {
        const char *name;
        void (*tell)(const struct server *server, struct reply *out);
    } sections[] = {{"server", info_server},
                    {"clients", info_clients},
                    {"stats", info_stats},
                    {"replication", info_group},
                    {"keyspace", info_keyspace}};
    struct reply out = {0};

    for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
        bool wanted = count == 1;
        for (size_t k = 1; k < count; k++)
            wanted |= text_is(args[k], sections[i].name) || text_is(args[k], "all") ||
                      text_is(args[k], "default") || text_is(args[k], "everything");
        if (!wanted)
            continue;
        if (out.size > 0)
            line(&out, "%s", "");
        sections[i].tell(client->server, &out);
    }
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

/* What cannot be changed may be set to what it is: libraries do that. */
static void config_set(const struct client *client, const struct text *args, size_t count,
                       struct reply *reply)
{
    const char *name = NULL;
    char now[64];
    int64_t value;
    bool number = count == 4 && text_integer(args[3], &value) && value >= 1;

    if (count != 4) {
        reply_error(reply, "ERR wrong number of arguments for 'config|set' command");
        return;
    }
    for (size_t i = 0; parameter(client->server, i, &name, now, sizeof(now)) >= 0 && name; i++)
        if (text_is(args[2], name))
            break;
    if (!name)
        reply_error(reply, "ERR Unknown option or number of arguments for CONFIG SET - '%.*s'",
                    args[2].size < 64 ? (int)args[2].size : 64, args[2].data);
    else if (strcmp(name, "maxclients") == 0 && number && value <= 100000)
        client->server->clients_max = (uint32_t)value;
    else if (strcmp(name, "gcs-client-output-bytes") == 0 && number)
        client->server->output_max = (size_t)value;
    else if (!text_is(args[3], now))
        reply_error(reply,
                    "ERR CONFIG SET failed (possibly related to argument '%s') - it has one of "
                    "the values that are possible here already, or takes a positive number",
                    name);
}

static void config(struct client *client, const struct text *args, size_t count,
                   struct reply *reply)
{
    size_t before = reply->size;

    if (count >= 3 && text_is(args[1], "get"))
        config_get(client, args, count, reply);
    else if (count >= 3 && text_is(args[1], "set"))
        config_set(client, args, count, reply);
    else if (count < 2 || !text_is(args[1], "resetstat"))
        reply_error(reply, "ERR unknown CONFIG subcommand or wrong number of arguments");
    if (reply->size == before)
        reply_status(reply, "OK");
}

/* ---- CLIENT, HELLO and the rest ------------------------------------------------------------ */

/* False: said. */
static bool set_name(struct client *client, struct text name, struct reply *reply)
{
    bool good = name.size < sizeof(client->name);

    for (size_t i = 0; i < name.size; i++)
        good &= name.data[i] > ' ' && name.data[i] <= '~';
    if (!good) {
        reply_error(reply,
                    "ERR Client names have up to %zu characters, and cannot contain spaces, "
                    "newlines or special characters.",
                    sizeof(client->name) - 1);
        return false;
    }
    memcpy(client->name, name.data, name.size);
    client->name[name.size] = 0;
    return true;
}

static void client_command(struct client *client, const struct text *args, size_t count,
                           struct reply *reply)
{
    char text[512];

    if (count == 3 && text_is(args[1], "setname")) {
        if (set_name(client, args[2], reply))
            reply_status(reply, "OK");
    } else if (count == 2 && text_is(args[1], "getname")) {
        (client->name[0] ? reply_text(reply, client->name) : reply_nil(reply));
    } else if (count == 2 && text_is(args[1], "id")) {
        reply_integer(reply, (int64_t)client->id);
    } else if (count >= 2 && (text_is(args[1], "info") || text_is(args[1], "list"))) {
        int size = snprintf(
            text, sizeof(text),
            "id=%" PRIu64
            " addr=%s name=%s age=0 idle=0 db=0 sub=0 psub=0 multi=%d qbuf=%zu qbuf-free=%zu "
            "argv-mem=0 obl=0 oll=0 omem=%zu tot-mem=%zu\n",
            client->id, client->address, client->name, client->in_multi ? (int)client->queued : -1,
            client->in_size, client->in_capacity - client->in_size,
            client->out.size - client->out_sent, client->in_capacity + client->out.capacity);
        reply_bulk(reply, text, size < (int)sizeof(text) ? (size_t)size : sizeof(text) - 1);
    } else if (count >= 2 && (text_is(args[1], "setinfo") || text_is(args[1], "no-evict") ||
                              text_is(args[1], "no-touch"))) {
        reply_status(reply, "OK");
    } else {
        reply_error(reply, "ERR unknown CLIENT subcommand or wrong number of arguments");
    }
}

/* There are no passwords: the default user may have any, as in Redis without one. */
static bool may_enter(struct text user, struct reply *reply)
{
    if (text_is(user, "default"))
        return true;
    reply_error(reply, "WRONGPASS invalid username-password pair or user is disabled.");
    return false;
}

static void auth(struct client *client, const struct text *args, size_t count, struct reply *reply)
{
    (void)client;
    if (count == 2)
        reply_error(reply, "ERR AUTH <password> called without any password configured for the "
                           "default user. Are you sure your configuration is correct?");
    else if (count != 3)
        reply_error(reply, "ERR wrong number of arguments for 'auth' command");
    else if (may_enter(args[1], reply))
        reply_status(reply, "OK");
}

/* HELLO [2 [AUTH user password] [SETNAME name]] */
static void hello(struct client *client, const struct text *args, size_t count, struct reply *reply)
{
    if (count > 1 && !text_is(args[1], "2")) {
        reply_error(reply, "NOPROTO unsupported protocol version");
        return;
    }
    for (size_t i = 2; i < count;) {
        if (text_is(args[i], "auth") && i + 2 < count) {
            if (!may_enter(args[i + 1], reply))
                return;
            i += 3;
        } else if (text_is(args[i], "setname") && i + 1 < count) {
            if (!set_name(client, args[i + 1], reply))
                return;
            i += 2;
        } else {
            reply_error(reply, "ERR Syntax error in HELLO");
            return;
        }
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

static void quit(struct client *client, const struct text *args, size_t count, struct reply *reply)
{
    (void)args;
    (void)count;
    reply_status(reply, "OK");
    client->closing = true;
}

static void number(struct client *client, const struct text *args, size_t count,
                   struct reply *reply)
{
    (void)args;
    (void)count;
    reply_integer(reply, (int64_t)client->number);
}

/* Clients need no table of commands; how many there are says COMMAND COUNT. */
static void command(struct client *client, const struct text *args, size_t count,
                    struct reply *reply)
{
    (void)client;
    if (count == 2 && text_is(args[1], "count"))
        reply_integer(reply, (int64_t)command_count());
    else
        reply_array(reply, 0);
}

static void reset(struct client *client, const struct text *args, size_t count, struct reply *reply)
{
    (void)args;
    (void)count;
    client->name[0] = 0;
    client->read = GCS_REPLICA_LINEARIZABLE;
    reply_status(reply, "RESET");
}

static void role(struct client *client, const struct text *args, size_t count, struct reply *reply)
{
    (void)client;
    (void)args;
    (void)count;
    reply_array(reply, 3);
    reply_text(reply, "master");
    reply_integer(reply, 0);
    reply_array(reply, 0);
}

static void select_database(struct client *client, const struct text *args, size_t count,
                            struct reply *reply)
{
    int64_t database;

    (void)client;
    if (count != 2)
        reply_error(reply, "ERR wrong number of arguments for 'select' command");
    else if (!text_integer(args[1], &database))
        reply_error(reply, "ERR value is not an integer or out of range");
    else if (database != 0)
        reply_error(reply, "ERR DB index is out of range");
    else
        reply_status(reply, "OK");
}

typedef void answer_to(struct client *client, const struct text *args, size_t count,
                       struct reply *reply);

static answer_to *find(struct text name)
{
    static const struct {
        const char *name;
        answer_to *answer;
    } answers[] = {{"info", info},          {"config", config},     {"client", client_command},
                   {"hello", hello},        {"auth", auth},         {"command", command},
                   {"gcs.read", read_mode}, {"gcs.number", number}, {"quit", quit},
                   {"reset", reset},        {"role", role},         {"select", select_database}};

    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++)
        if (text_is(name, answers[i].name))
            return answers[i].answer;
    return NULL;
}

bool answer_knows(struct text name)
{
    return find(name) != NULL;
}

bool answer_command(struct client *client, const struct text *args, size_t count,
                    struct reply *reply)
{
    answer_to *answer = find(args[0]);

    if (answer)
        answer(client, args, count, reply);
    return answer != NULL;
}
