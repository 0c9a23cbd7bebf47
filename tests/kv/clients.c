/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clients: threads that set and get registers through whatever replica, and count in sessions,
 * where each count must be one more than the one before, however often it had to be retried and
 * through whom.
 */
#include "check.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { PATIENCE_S = 2, READ_TRIES = 10 };

struct client {
    pthread_t thread;
    const struct options *options;
    unsigned index, replica;
    int fd; /* -1: none */
    uint64_t random, values;
    char session[32];
    uint64_t serial, count;
    bool counting; /* the serial was submitted, and has no result yet */
    struct history history;
    struct tally tally;
};

static struct client clients[CLIENTS_MAX];
static atomic_bool stopping, violated;

/* ---- The wire ------------------------------------------------------------------------------ */

int connect_to(const struct options *options, unsigned index)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)(options->tcp + index)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

/* A whole reply that is one line or one bulk string, as this program's are. */
static bool is_whole(const char *reply, size_t size)
{
    const char *end = memchr(reply, '\n', size);

    if (!end)
        return false;
    if (reply[0] != '$' || reply[1] == '-')
        return true;
    return size >= (size_t)(end + 1 - reply) + (size_t)strtoul(reply + 1, NULL, 10) + 2;
}

bool converse(int fd, char *reply, size_t room, unsigned words, ...)
{
    char request[1024];
    size_t size = (size_t)snprintf(request, sizeof(request), "*%u\r\n", words), got = 0;
    va_list args;

    va_start(args, words);
    for (unsigned i = 0; i < words; i++) {
        const char *word = va_arg(args, const char *);
        size += (size_t)snprintf(request + size, sizeof(request) - size, "$%zu\r\n%s\r\n",
                                 strlen(word), word);
    }
    va_end(args);
    if (send(fd, request, size, MSG_NOSIGNAL) != (ssize_t)size)
        return false;
    while (got + 1 < room) {
        ssize_t more = recv(fd, reply + got, room - 1 - got, 0);
        if (more <= 0)
            return false;
        got += (size_t)more;
        if (!is_whole(reply, got))
            continue;
        reply[got] = 0;
        if (reply[0] == '$' && reply[1] != '-') { /* the string alone */
            char *begin = memchr(reply, '\n', got);
            memmove(reply, begin + 1, got - (size_t)(begin + 1 - reply) + 1);
        }
        reply[strcspn(reply, reply[0] == '#' ? "" : "\r")] = 0;
        return true;
    }
    return false;
}

static void move_on(struct client *client)
{
    if (client->fd >= 0)
        (void)close(client->fd);
    client->fd = -1;
    client->replica = (unsigned)(next_random(&client->random) % REPLICAS);
}

static void violation(struct client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void violation(struct client *client, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(client->tally.violation, sizeof(client->tally.violation), format, args);
    va_end(args);
    atomic_store(&violated, true);
}

static void note_latency(struct tally *tally, uint64_t ns)
{
    if (tally->latency_count == tally->latency_capacity) {
        tally->latency_capacity = tally->latency_capacity ? 2 * tally->latency_capacity : 4096;
        tally->latency = realloc(tally->latency, tally->latency_capacity * sizeof(uint64_t));
        if (!tally->latency)
            abort();
    }
    tally->latency[tally->latency_count++] = ns;
}

/* ---- Registers ----------------------------------------------------------------------------- */

static bool is_refusal(const char *reply)
{
    return strncmp(reply, "-CLUSTERDOWN", 12) == 0 || strncmp(reply, "-LOADING", 8) == 0;
}

static void set(struct client *client)
{
    struct operation operation = {
        .key = (uint32_t)(next_random(&client->random) % client->options->keys),
        .writes = true,
        .value = (uint64_t)(client->index + 1) << 32 | ++client->values,
        .end = UINT64_MAX,
    };
    char key[32], value[32], reply[256];

    snprintf(key, sizeof(key), "key%" PRIu32, operation.key);
    snprintf(value, sizeof(value), "%" PRIu64, operation.value);
    operation.begin = now_ns();
    bool came = converse(client->fd, reply, sizeof(reply), 3, "SET", key, value);
    uint64_t end = now_ns();
    if (came && strcmp(reply, "+OK") == 0) {
        operation.end = end;
        client->tally.writes++;
        note_latency(&client->tally, end - operation.begin);
    } else if (came && is_refusal(reply)) {
        client->tally.refused++;
        move_on(client);
        return; /* it has not happened */
    } else {
        client->tally.unknown++;
        move_on(client);
    }
    history_add(&client->history, &operation);
}

static bool get(const struct options *options, int fd, uint32_t key, struct history *history,
                struct tally *tally)
{
    struct operation operation = {.key = key, .begin = now_ns()};
    char name[32], reply[256];

    (void)options;
    snprintf(name, sizeof(name), "key%" PRIu32, key);
    bool came = converse(fd, reply, sizeof(reply), 2, "GET", name);
    operation.end = now_ns();
    if (!came || (reply[0] == '-')) {
        tally->refused += came;
        return false;
    }
    operation.value = reply[0] == '$' ? 0 : strtoull(reply, NULL, 10);
    history_add(history, &operation);
    tally->reads++;
    note_latency(tally, operation.end - operation.begin);
    return true;
}

/* ---- Counting ------------------------------------------------------------------------------ */

static void count(struct client *client)
{
    char key[32], serial[32], reply[256];

    if (!client->session[0]) {
        if (!converse(client->fd, reply, sizeof(reply), 2, "GCS.SESSION", "NEW") || reply[0] != ':')
            move_on(client);
        else
            snprintf(client->session, sizeof(client->session), "%.31s", reply + 1);
        return;
    }
    client->serial += !client->counting;
    client->tally.retries += client->counting;
    snprintf(key, sizeof(key), "count%u", client->index);
    snprintf(serial, sizeof(serial), "%" PRIu64, client->serial);
    client->counting = true;
    uint64_t begin = now_ns();
    if (!converse(client->fd, reply, sizeof(reply), 5, "GCS.SESSION", client->session, serial,
                  "INCR", key)) {
        move_on(client);
        return;
    }
    if (reply[0] == ':') {
        client->counting = false;
        note_latency(&client->tally, now_ns() - begin);
        client->tally.counts++;
        if (strtoull(reply + 1, NULL, 10) != ++client->count)
            violation(client, "client %u counted to %" PRIu64 " and was told %s", client->index,
                      client->count, reply + 1);
        return;
    }
    if (!is_refusal(reply) && strncmp(reply, "-UNKNOWN", 8) != 0)
        violation(client, "client %u in its session was told %s", client->index, reply);
    move_on(client);
}

/* ---- Threads ------------------------------------------------------------------------------- */

static void *work(void *ctx)
{
    struct client *client = ctx;

    while (!atomic_load(&stopping) && !client->tally.violation[0]) {
        if (client->fd < 0) {
            client->fd = connect_to(client->options, client->replica);
            client->tally.connections += client->fd >= 0;
            if (client->fd < 0) {
                move_on(client);
                pause_ms(5);
            }
            continue;
        }
        uint64_t dice = next_random(&client->random) % 10;
        if (dice < 3 || client->counting)
            count(client);
        else if (dice < 6)
            set(client);
        else if (!get(client->options, client->fd,
                      (uint32_t)(next_random(&client->random) % client->options->keys),
                      &client->history, &client->tally))
            move_on(client);
    }
    move_on(client);
    return NULL;
}

bool clients_start(const struct options *options)
{
    for (unsigned i = 0; i < options->clients; i++) {
        clients[i] = (struct client){.options = options,
                                     .index = i,
                                     .replica = i % REPLICAS,
                                     .fd = -1,
                                     .random = options->seed * 1000 + i};
        if (pthread_create(&clients[i].thread, NULL, work, &clients[i]) != 0)
            return false;
    }
    return true;
}

bool clients_violated(void)
{
    return atomic_load(&violated);
}

static void merge(struct tally *all, const struct tally *one)
{
    all->reads += one->reads;
    all->writes += one->writes;
    all->counts += one->counts;
    all->retries += one->retries;
    all->unknown += one->unknown;
    all->refused += one->refused;
    all->connections += one->connections;
    for (size_t i = 0; i < one->latency_count; i++)
        note_latency(all, one->latency[i]);
    if (one->violation[0] && !all->violation[0])
        memcpy(all->violation, one->violation, sizeof(all->violation));
}

void clients_join(const struct options *options, struct history *history, struct tally *tally)
{
    atomic_store(&stopping, true);
    for (unsigned i = 0; i < options->clients; i++) {
        struct client *client = &clients[i];
        (void)pthread_join(client->thread, NULL);
        for (size_t k = 0; k < client->history.count; k++)
            history_add(history, &client->history.operations[k]);
        merge(tally, &client->tally);
        free(client->history.operations);
        free(client->tally.latency);
    }
}

/* ---- In the end ---------------------------------------------------------------------------- */

/* No count that was told is lost. False: no answer. */
static bool check_count(const struct client *client, int fd, struct tally *tally)
{
    char key[32], reply[256];

    snprintf(key, sizeof(key), "count%u", client->index);
    if (!converse(fd, reply, sizeof(reply), 2, "GET", key) || reply[0] == '-')
        return false;
    uint64_t value = reply[0] == '$' ? 0 : strtoull(reply, NULL, 10);
    if ((value < client->count || value > client->count + client->counting) && !tally->violation[0])
        snprintf(tally->violation, sizeof(tally->violation),
                 "client %u was told %" PRIu64 " last, and in the end there is %.32s",
                 client->index, client->count, reply);
    return true;
}

static bool read_from(const struct options *options, unsigned replica, struct history *history,
                      struct tally *tally)
{
    int fd = connect_to(options, replica);
    bool answers = fd >= 0;

    for (uint32_t key = 0; answers && key < options->keys; key++)
        answers = get(options, fd, key, history, tally);
    for (unsigned i = 0; answers && i < options->clients; i++)
        answers = check_count(&clients[i], fd, tally);
    if (fd >= 0)
        (void)close(fd);
    return answers;
}

void clients_read_all(const struct options *options, struct history *history, struct tally *tally)
{
    for (unsigned replica = 0; replica < REPLICAS; replica++) {
        bool answers = false;
        for (unsigned tries = 0; tries < READ_TRIES && !answers; tries++)
            answers = read_from(options, replica, history, tally);
        if (!answers && !tally->violation[0])
            snprintf(tally->violation, sizeof(tally->violation),
                     "replica %u is well, and does not answer in the end", replica + 1);
    }
}
