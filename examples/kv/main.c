/* SPDX-License-Identifier: BSD-3-Clause */
/* gcs-kv: a replicated key-value server that speaks the Redis protocol. See gcs-kv(1). */
#include "server.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BAD_USAGE = 2 };

static struct server server;

static void usage(FILE *out)
{
    fprintf(
        out,
        "usage: gcs-kv [options] [URL]\n"
        "  --listen [ADDRESS:]PORT  where clients connect; default 6379 on 127.0.0.1\n"
        "  --group NAME             default kv\n"
        "  --expect N               found the group with a majority of N replicas (first start)\n"
        "  --create | --join        found it alone | never found it; default: look around\n"
        "  --session-ms N           sessions expire after so long; default 600000\n"
        "  --request-bytes N        longest request; default 1048576\n"
        "  --output-bytes N         replies that a client may leave unread; default 33554432\n"
        "  --clients N              most clients; default 10000\n"
        "  --protocol N             version of commands and state; default 1\n"
        "  --status SOCKET          a socket there, which gcs status and gcs top ask\n"
        "  --help, --version\n"
        "URL is the group's transport and addresses; default udp://127.0.0.1:7400-7431\n");
}

static bool read_number(const char *name, const char *text, uint64_t least, uint64_t most,
                        uint64_t *value)
{
    char *end;

    errno = 0;
    *value = strtoull(text, &end, 10);
    if (errno == 0 && *text >= '0' && *text <= '9' && !*end && *value >= least && *value <= most)
        return true;
    fprintf(stderr, "gcs-kv: --%s %s: not a number from %llu to %llu\n", name, text,
            (unsigned long long)least, (unsigned long long)most);
    return false;
}

struct arguments {
    struct kv_options kv;
    struct sockaddr_in listen;
};

static const struct option options[] = {
    {"listen", required_argument, NULL, 'l'},
    {"group", required_argument, NULL, 'g'},
    {"expect", required_argument, NULL, 'e'},
    {"create", no_argument, NULL, 'c'},
    {"join", no_argument, NULL, 'j'},
    {"session-ms", required_argument, NULL, 's'},
    {"request-bytes", required_argument, NULL, 'r'},
    {"output-bytes", required_argument, NULL, 'o'},
    {"clients", required_argument, NULL, 'n'},
    {"protocol", required_argument, NULL, 'p'},
    {"status", required_argument, NULL, 'S'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'v'},
    {NULL, 0, NULL, 0},
};

static bool take_bootstrap(struct arguments *arguments, enum gcs_bootstrap bootstrap)
{
    enum gcs_bootstrap before = arguments->kv.bootstrap;

    arguments->kv.bootstrap = bootstrap;
    if (before == GCS_LOOK || before == bootstrap)
        return true;
    fprintf(stderr, "gcs-kv: --create, --join and --expect exclude each other\n");
    return false;
}

static bool take_number(struct arguments *arguments, int option, const char *name)
{
    uint64_t value;
    bool large = option == 'o';

    if (!read_number(name, optarg, 1,
                     large           ? (uint64_t)1 << 40
                     : option == 'r' ? 1 << 24
                                     : INT32_MAX,
                     &value))
        return false;
    if (option == 'e') {
        arguments->kv.expect = (uint32_t)value;
        return take_bootstrap(arguments, GCS_EXPECT);
    } else if (option == 's') {
        arguments->kv.session_ms = (uint32_t)value;
    } else if (option == 'r') {
        arguments->kv.request_bytes = (uint32_t)value;
        server.request_max = (size_t)value;
    } else if (option == 'o') {
        server.output_max = (size_t)value;
    } else if (option == 'n') {
        server.clients_max = (uint32_t)value;
    } else {
        arguments->kv.protocol = (uint32_t)value;
    }
    return true;
}

/* -1: go on; otherwise the exit status. */
static int parse(int argc, char **argv, struct arguments *arguments)
{
    int option, index = 0;

    while ((option = getopt_long(argc, argv, "", options, &index)) >= 0) {
        switch (option) {
        case 'h':
            usage(stdout);
            return 0;
        case 'v':
            printf("gcs-kv %s\n", gcs_version());
            return 0;
        case 'l':
            if (!server_address(optarg, &arguments->listen))
                return BAD_USAGE;
            break;
        case 'g':
            arguments->kv.group = optarg;
            break;
        case 'S':
            arguments->kv.status = optarg;
            break;
        case 'c':
        case 'j':
            if (!take_bootstrap(arguments, option == 'c' ? GCS_CREATE : GCS_JOIN))
                return BAD_USAGE;
            break;
        case '?':
            usage(stderr);
            return BAD_USAGE;
        default:
            if (!take_number(arguments, option, options[index].name))
                return BAD_USAGE;
        }
    }
    if (optind < argc)
        arguments->kv.url = argv[optind++];
    if (optind == argc)
        return -1;
    fprintf(stderr, "gcs-kv: %s: one URL is enough\n", argv[optind]);
    return BAD_USAGE;
}

/* The URL, the group's name and what numbers may be are libgcs' to judge. */
static bool is_usage(int error)
{
    return error == GCS_EADDRESS || error == GCS_ETRANSPORT || error == GCS_ENAME ||
           error == GCS_EOPTION || error == GCS_EINVAL;
}

static void on_signal(int signal)
{
    (void)signal;
    server.stop = true;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {
        .listen = {.sin_family = AF_INET,
                   .sin_port = htons(6379),
                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
        .kv = {.url = "udp://127.0.0.1:7400-7431",
               .group = "kv",
               .bootstrap = GCS_LOOK,
               .session_ms = 600000,
               .request_bytes = 1 << 20,
               .protocol = 1,
               .ctx = &server,
               .room = server_room},
    };
    struct sigaction action = {.sa_handler = on_signal};

    server = (struct server){.listener = -1,
                             .epoll = -1,
                             .clients_max = 10000,
                             .output_max = 32 << 20,
                             .request_max = 1 << 20};
    int status = parse(argc, argv, &arguments);
    if (status >= 0)
        return status;
    server.group = arguments.kv.group;
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    status = kv_open(&server.kv, &arguments.kv);
    if (status < 0)
        return is_usage(status) ? BAD_USAGE : 1;
    if (server_open(&server, &arguments.listen) < 0) {
        kv_close(&server.kv);
        return 1;
    }
    fprintf(stderr, "gcs-kv: listening on port %d, group \"%s\" at %s\n", server.port, server.group,
            gcs_endpoint_address(server.kv.endpoint));
    status = server_run(&server);
    if (status < 0)
        fprintf(stderr, "gcs-kv: %s\n", gcs_strerror(status));
    server_close(&server);
    return status < 0;
}
