/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command line of `gcs`: see gcs_options.h. Long options only, in any
 * place; getopt_long(3) finds them, the complaints are our own.
 */
#include "gcs_options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

/* The transport takes the first free port; the others are where to look for members. */
static const struct {
    const char *name;
    const char *url;
} transports[] = {
    {"udp", "udp://127.0.0.1:7400-7431"},
    {"rdma", "rdma://0.0.0.0:7400-7431"},
};

#define PACE_MAX     1000000000
#define INTERVAL_MAX 86400
#define COUNT_MAX    1000000000

static const struct option long_options[] = {
    {"create", no_argument, NULL, TOOL_CREATE},
    {"join", no_argument, NULL, TOOL_JOIN},
    {"bootstrap", required_argument, NULL, TOOL_BOOTSTRAP},
    {"service", required_argument, NULL, TOOL_SERVICE},
    {"views", no_argument, NULL, TOOL_VIEWS},
    {"transport", required_argument, NULL, TOOL_TRANSPORT},
    {"expect", required_argument, NULL, TOOL_EXPECT},
    {"until-all", no_argument, NULL, TOOL_UNTIL_ALL},
    {"pace", required_argument, NULL, TOOL_PACE},
    {"output", required_argument, NULL, TOOL_OUTPUT},
    {"json", no_argument, NULL, TOOL_JSON},
    {"metrics", no_argument, NULL, TOOL_METRICS},
    {"interval", required_argument, NULL, TOOL_INTERVAL},
    {"count", required_argument, NULL, TOOL_COUNT},
    {"status", required_argument, NULL, TOOL_STATUS},
    {"order", required_argument, NULL, TOOL_ORDER},
    {"listen", required_argument, NULL, TOOL_LISTEN},
    {"seconds", required_argument, NULL, TOOL_SECONDS},
    {"label", required_argument, NULL, TOOL_LABEL},
    {"help", no_argument, NULL, TOOL_HELP},
    {NULL, 0, NULL, 0},
};

static const struct {
    enum gcs_service service;
    const char *name;
} services[] = {
    {GCS_UNORDERED, "unordered"}, {GCS_FIFO, "fifo"}, {GCS_CAUSAL, "causal"},
    {GCS_AGREED, "agreed"},       {GCS_SAFE, "safe"},
};

const char *tool_service_name(enum gcs_service service)
{
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        if (services[i].service == service)
            return services[i].name;
    }
    return "unknown";
}

void tool_complain(const struct tool_options *options, const char *format, ...)
{
    char line[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    fprintf(stderr, "gcs %s: %s\n", options->command, line);
}

static bool parse_service(struct tool_options *options, const char *value)
{
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        if (strcmp(services[i].name, value) == 0) {
            options->service = services[i].service;
            return true;
        }
    }
    tool_complain(options, "--service: '%s' is not one of unordered, fifo, causal, agreed, safe",
                  value);
    return false;
}

static bool parse_transport(struct tool_options *options, const char *value)
{
    for (size_t i = 0; i < sizeof(transports) / sizeof(transports[0]); i++) {
        if (strcmp(transports[i].name, value) == 0) {
            options->normal_url = transports[i].url;
            return true;
        }
    }
    tool_complain(options, "--transport: '%s' is not one of udp, rdma", value);
    return false;
}

static bool parse_number(struct tool_options *options, const char *name, const char *value,
                         uint32_t max, uint32_t *number)
{
    char *end = NULL;

    errno = 0;
    unsigned long long parsed = strtoull(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno || parsed < 1 || parsed > max) {
        tool_complain(options, "--%s: '%s' is not a number from 1 to %u", name, value, max);
        return false;
    }
    *number = (uint32_t)parsed;
    return true;
}

/* "expect:5", or the name of a way that needs no number. */
static bool parse_bootstrap(struct tool_options *options, const char *value)
{
    static const struct {
        const char *name;
        enum gcs_bootstrap bootstrap;
    } ways[] = {{"look", GCS_LOOK}, {"join", GCS_JOIN}, {"create", GCS_CREATE}};

    if (strncmp(value, "expect:", 7) == 0) {
        options->bootstrap = GCS_EXPECT;
        return parse_number(options, "bootstrap expect", value + 7, GCS_MEMBERS_MAX,
                            &options->founders);
    }
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (strcmp(ways[i].name, value) == 0) {
            options->bootstrap = ways[i].bootstrap;
            return true;
        }
    }
    tool_complain(options, "--bootstrap: '%s' is not one of look, join, create, expect:N", value);
    return false;
}

static bool parse_order(struct tool_options *options, const char *value)
{
    bool lamport = strcmp(value, "lamport") == 0;
    options->order = lamport ? GCS_ORDER_LAMPORT : GCS_ORDER_SEQUENCER;
    if (lamport || strcmp(value, "sequencer") == 0)
        return true;
    tool_complain(options, "--order: '%s' is not one of sequencer, lamport", value);
    return false;
}

/* One option that the command takes. */
static bool parse_option(struct tool_options *options, int option, const char *value)
{
    options->given |= (unsigned)option;
    switch (option) {
    case TOOL_CREATE:
        options->bootstrap = GCS_CREATE;
        return true;
    case TOOL_JOIN:
        options->bootstrap = GCS_JOIN;
        return true;
    case TOOL_BOOTSTRAP:
        return parse_bootstrap(options, value);
    case TOOL_SERVICE:
        return parse_service(options, value);
    case TOOL_TRANSPORT:
        return parse_transport(options, value);
    case TOOL_ORDER:
        return parse_order(options, value);
    case TOOL_EXPECT:
        return parse_number(options, "expect", value, GCS_MEMBERS_MAX, &options->expect);
    case TOOL_PACE:
        return parse_number(options, "pace", value, PACE_MAX, &options->pace);
    case TOOL_OUTPUT:
        options->output = value;
        return true;
    case TOOL_STATUS:
        options->status = value;
        return true;
    case TOOL_LABEL:
        options->label = value;
        return true;
    case TOOL_LISTEN:
        options->listen = value;
        return true;
    case TOOL_SECONDS:
        return parse_number(options, "seconds", value, INTERVAL_MAX, &options->seconds);
    case TOOL_INTERVAL:
        return parse_number(options, "interval", value, INTERVAL_MAX, &options->interval);
    case TOOL_COUNT:
        return parse_number(options, "count", value, COUNT_MAX, &options->count);
    default:
        return true;
    }
}

/* What getopt_long stumbled over: it stands right before optind, or is a short option. */
static bool refuse_option(struct tool_options *options, int found, char **argv)
{
    if (found == ':')
        tool_complain(options, "%s needs a value", argv[optind - 1]);
    else if (optopt > UCHAR_MAX)
        tool_complain(options, "'%s': this option takes no value", argv[optind - 1]);
    else if (optopt != 0)
        tool_complain(options, "unknown option '-%c'", optopt);
    else
        tool_complain(options, "unknown option '%s'", argv[optind - 1]);
    return false;
}

static bool parse_options(struct tool_options *options, const struct tool_command *command,
                          int argc, char **argv)
{
    int found = 0;

    opterr = 0;
    for (;;) {
        int index = -1;
        found = getopt_long(argc, argv, ":", long_options, &index);
        if (found == -1)
            return true;
        if (found == '?' || found == ':')
            return refuse_option(options, found, argv);
        if (found != TOOL_HELP && !(command->options & (unsigned)found)) {
            tool_complain(options, "unknown option '--%s'", long_options[index].name);
            return false;
        }
        if (!parse_option(options, found, optarg))
            return false;
    }
}

static bool parse_socket(struct tool_options *options, int count, char **operands)
{
    if (count < 1) {
        tool_complain(options, "which socket?");
        return false;
    }
    if (count > 1) {
        tool_complain(options, "'%s' is one argument too many", operands[1]);
        return false;
    }
    if (strlen(operands[0]) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
        tool_complain(options, "'%s' is too long for a socket", operands[0]);
        return false;
    }
    if ((options->given & TOOL_JSON) && (options->given & TOOL_METRICS)) {
        tool_complain(options, "--json and --metrics exclude each other");
        return false;
    }
    options->path = operands[0];
    return true;
}

static bool parse_peer(struct tool_options *options, int count, char **operands)
{
    if (count > 1 || (count == 1 && options->listen)) {
        tool_complain(options, "'%s' is one argument too many", operands[count - 1]);
        return false;
    }
    if ((options->given & TOOL_SECONDS) && !options->listen) {
        tool_complain(options, "--seconds is for --listen");
        return false;
    }
    options->peer = count == 1 ? operands[0] : NULL;
    return true;
}

static bool parse_group(struct tool_options *options, int count, char **operands)
{
    unsigned ways = options->given & (TOOL_CREATE | TOOL_JOIN | TOOL_BOOTSTRAP);
    if ((ways & (ways - 1)) != 0) {
        tool_complain(options, "%s and %s exclude each other",
                      ways & TOOL_CREATE ? "--create" : "--join",
                      ways & TOOL_BOOTSTRAP ? "--bootstrap" : "--join");
        return false;
    }
    if (count < 1) {
        tool_complain(options, "which group?");
        return false;
    }
    if (count > 2) {
        tool_complain(options, "'%s' is one argument too many", operands[2]);
        return false;
    }
    options->group = operands[0];
    options->url = count > 1 ? operands[1] : options->normal_url;
    if (count > 1 && (options->given & TOOL_TRANSPORT)) {
        tool_complain(options,
                      "'%s' names the transport already: --transport is for its default "
                      "URL",
                      options->url);
        return false;
    }
    return true;
}

int tool_options_parse(struct tool_options *options, const struct tool_command *command, int argc,
                       char **argv)
{
    *options = (struct tool_options){
        .command = command->name,
        .bootstrap = GCS_LOOK,
        .service = GCS_AGREED,
        .normal_url = transports[0].url,
        .order = GCS_ORDER_SEQUENCER,
    };
    bool good = parse_options(options, command, argc, argv);
    if (good && (options->given & TOOL_HELP)) {
        fputs(command->help, stdout);
        return fflush(stdout) == 0 ? TOOL_OK : TOOL_FAILED;
    }
    static bool (*const parsers[])(struct tool_options *, int, char **) = {
        [TOOL_OPERAND_GROUP] = parse_group,
        [TOOL_OPERAND_SOCKET] = parse_socket,
        [TOOL_OPERAND_PEER] = parse_peer,
    };
    if (good && parsers[command->operands](options, argc - optind, argv + optind))
        return TOOL_GO;
    fprintf(stderr, "Try 'gcs %s --help'.\n", command->name);
    return TOOL_USAGE;
}
