/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcs-etcd-load PORT CLIENTS SECONDS: so many connections that each put one key after another into
 * etcd, through its HTTP gateway (Debian has no load generator for its gRPC port). Prints puts per
 * second and the median latency.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS_MAX = 256, PUTS_MAX = 10000000 };

struct connection {
    char reply[4096];
    size_t got;
    uint64_t begin;
};

static struct connection connections[CLIENTS_MAX];
static struct pollfd polls[CLIENTS_MAX];
static uint64_t *latency;
static size_t puts_done, failures;

static uint64_t now_ns(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        return -1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

/* {"key":"a","value":"xxx"} in base64. */
static void put(int fd, struct connection *connection)
{
    static const char body[] = "{\"key\":\"a2V5\",\"value\":\"eHh4\"}";
    char request[256];
    int size = snprintf(request, sizeof(request),
                        "POST /v3/kv/put HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s",
                        sizeof(body) - 1, body);

    connection->got = 0;
    connection->begin = now_ns();
    if (send(fd, request, (size_t)size, MSG_NOSIGNAL) != size)
        failures++;
}

/* A whole reply: a head with its length, and so many bytes. */
static bool is_whole(const struct connection *connection)
{
    const char *end = strstr(connection->reply, "\r\n\r\n");
    const char *length = strstr(connection->reply, "Content-Length: ");

    return end && length && length < end &&
           connection->got >=
               (size_t)(end + 4 - connection->reply) + strtoul(length + 16, NULL, 10);
}

static bool take(int fd, struct connection *connection)
{
    ssize_t more = recv(fd, connection->reply + connection->got,
                        sizeof(connection->reply) - 1 - connection->got, 0);

    if (more <= 0)
        return false;
    connection->got += (size_t)more;
    connection->reply[connection->got] = 0;
    if (!is_whole(connection))
        return true;
    if (strncmp(connection->reply, "HTTP/1.1 200", 12) != 0)
        failures++;
    else if (puts_done < PUTS_MAX)
        latency[puts_done++] = now_ns() - connection->begin;
    put(fd, connection);
    return true;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    nfds_t clients = argc == 4 ? (nfds_t)atoi(argv[2]) : 0;

    if (clients < 1 || clients > CLIENTS_MAX) {
        fprintf(stderr, "usage: gcs-etcd-load PORT CLIENTS SECONDS\n");
        return 2;
    }
    latency = malloc(PUTS_MAX * sizeof(*latency));
    for (nfds_t i = 0; i < clients && latency; i++) {
        polls[i] = (struct pollfd){.fd = connect_to((uint16_t)atoi(argv[1])), .events = POLLIN};
        if (polls[i].fd < 0) {
            perror("gcs-etcd-load");
            return 1;
        }
        put(polls[i].fd, &connections[i]);
    }
    uint64_t begin = now_ns(), end = begin + (uint64_t)atoi(argv[3]) * 1000000000;
    while (now_ns() < end && poll(polls, clients, 1000) >= 0)
        for (nfds_t i = 0; i < clients; i++)
            if (polls[i].revents && !take(polls[i].fd, &connections[i])) {
                fprintf(stderr, "gcs-etcd-load: a connection broke\n");
                return 1;
            }
    double seconds = (double)(now_ns() - begin) / 1e9;
    qsort(latency, puts_done, sizeof(*latency), by_size);
    printf("%.0f %.2f\n", (double)puts_done / seconds,
           puts_done ? (double)latency[puts_done / 2] / 1e6 : 0.0);
    return failures > 0;
}
