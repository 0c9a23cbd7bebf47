/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Puts to etcd through its JSON gateway, so many at a time:
 *
 *   etcd_puts SIZE SECONDS CLIENTS PORT...
 *
 * Each client has a connection of its own, spread over the ports (all on 127.0.0.1), and one
 * put on its way.
 */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX 1024

struct client {
    int fd;
    uint64_t sent;
    char answer[4096];
    size_t got;
};

static struct client clients[CLIENTS_MAX];
static struct pollfd fds[CLIENTS_MAX];
static char *request;
static size_t request_size;

static void fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static int open_connection(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        fail("connect");
    return fd;
}

/* The value is all zeros: base64 makes of it as many A as needed. */
static void make_request(size_t size)
{
    size_t value = (size + 2) / 3 * 4, capacity = value + 512;
    char *body = malloc(capacity);

    int length = snprintf(body, capacity, "{\"key\":\"YmVuY2g=\",\"value\":\"");
    memset(body + length, 'A', value);
    length += (int)value;
    length += snprintf(body + length, capacity - (size_t)length, "\"}");
    request = malloc(capacity + 512);
    request_size = (size_t)sprintf(request,
                                   "POST /v3/kv/put HTTP/1.1\r\nHost: etcd\r\n"
                                   "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n",
                                   length);
    memcpy(request + request_size, body, (size_t)length);
    request_size += (size_t)length;
}

static void put(struct client *client)
{
    for (size_t sent = 0; sent < request_size;) {
        ssize_t n = write(client->fd, request + sent, request_size - sent);
        if (n <= 0)
            fail("write");
        sent += (size_t)n;
    }
    client->sent = load_now();
    client->got = 0;
}

/* An answer is there when its last brace is: {"header":{...}}. */
static int is_answered(struct client *client)
{
    ssize_t n =
        read(client->fd, client->answer + client->got, sizeof(client->answer) - 1 - client->got);

    if (n <= 0)
        fail("read");
    client->got += (size_t)n;
    client->answer[client->got] = '\0';
    char *body = strstr(client->answer, "\r\n\r\n");
    if (!body || !strstr(body, "}}"))
        return 0;
    if (strncmp(client->answer, "HTTP/1.1 200", 12) != 0) {
        fprintf(stderr, "%s\n", client->answer);
        exit(1);
    }
    return 1;
}

int main(int argc, char **argv)
{
    struct load load;

    if (argc < 5)
        return 2;
    int count = atoi(argv[3]);
    make_request((size_t)atol(argv[1]));
    for (int i = 0; i < count; i++) {
        clients[i].fd = open_connection(atoi(argv[4 + i % (argc - 4)]));
        fds[i] = (struct pollfd){.fd = clients[i].fd, .events = POLLIN};
        put(&clients[i]);
    }
    load_start(&load, atof(argv[2]));
    while (load_now() < load.end) {
        if (poll(fds, (nfds_t)count, 100) < 0)
            fail("poll");
        for (int i = 0; i < count; i++) {
            if (!fds[i].revents || !is_answered(&clients[i]))
                continue;
            load_deliver(&load, 1);
            load_sample(&load, clients[i].sent);
            put(&clients[i]);
        }
    }
    load_report(&load);
    return 0;
}
