/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command line of gcs-bench: see options.h. Long options only, in any place;
 * getopt_long(3) finds them, the complaints are our own and name the bad value.
 */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_MAX_BYTES  (256u << 20)
#define STATE_MAX_BYTES (UINT64_C(1) << 40)
#define SECONDS_MAX     86400.0
#define RATE_MAX        1e9

static const struct option long_options[] = {
    {"members", required_argument, NULL, BENCH_MEMBERS},
    {"senders", required_argument, NULL, BENCH_SENDERS},
    {"size", required_argument, NULL, BENCH_SIZE},
    {"service", required_argument, NULL, BENCH_SERVICE},
    {"order", required_argument, NULL, BENCH_ORDER},
    {"transport", required_argument, NULL, BENCH_TRANSPORT},
    {"url-template", required_argument, NULL, BENCH_URL},
    {"netns-template", required_argument, NULL, BENCH_NETNS},
    {"seconds", required_argument, NULL, BENCH_SECONDS},
    {"warmup", required_argument, NULL, BENCH_WARMUP},
    {"runs", required_argument, NULL, BENCH_RUNS},
    {"rate", required_argument, NULL, BENCH_RATE},
    {"victim", required_argument, NULL, BENCH_VICTIM},
    {"fault", required_argument, NULL, BENCH_FAULT},
    {"pause-ms", required_argument, NULL, BENCH_PAUSE},
    {"heartbeat-ms", required_argument, NULL, BENCH_HEARTBEAT},
    {"suspect-ms", required_argument, NULL, BENCH_SUSPECT},
    {"window-bytes", required_argument, NULL, BENCH_WINDOW},
    {"queue-bytes", required_argument, NULL, BENCH_QUEUE},
    {"loop", required_argument, NULL, BENCH_LOOP},
    {"packet", required_argument, NULL, BENCH_PACKET},
    {"bytes", required_argument, NULL, BENCH_BYTES},
    {"state-queue-bytes", required_argument, NULL, BENCH_STATE_QUEUE},
    {"peers", required_argument, NULL, BENCH_PEERS},
    {"output", required_argument, NULL, BENCH_OUTPUT},
    {"join", required_argument, NULL, BENCH_JOIN},
    {"elsewhere", required_argument, NULL, BENCH_ELSEWHERE},
    {"floor", no_argument, NULL, BENCH_FLOOR},
    {"no-floor", no_argument, NULL, BENCH_NO_FLOOR},
    {"latency", no_argument, NULL, BENCH_LATENCY},
    {"json", no_argument, NULL, BENCH_JSON},
    {"help", no_argument, NULL, BENCH_HELP},
    {NULL, 0, NULL, 0},
};

/* A word and what it stands for; name NULL ends a table. */
struct word {
    const char *name;
    int value;
};

static const struct word services[] = {{"unordered", GCS_UNORDERED}, {"fifo", GCS_FIFO},
                                       {"causal", GCS_CAUSAL},       {"agreed", GCS_AGREED},
                                       {"safe", GCS_SAFE},           {NULL, 0}};
static const struct word orders[] = {
    {"sequencer", GCS_ORDER_SEQUENCER}, {"lamport", GCS_ORDER_LAMPORT}, {NULL, 0}};
static const struct word faults[] = {
    {"kill", BENCH_KILL}, {"silence", BENCH_SILENCE}, {"pause", BENCH_PAUSE_A_WHILE}, {NULL, 0}};
static const struct word loops[] = {{"own", 0}, {"library", 1}, {NULL, 0}};
static const struct word transports[] = {{"udp", 0}, {"rdma", 1}, {NULL, 0}};
/* By the numbers above. RDMA: one device after the other. */
static const char *const urls[] = {"udp://127.0.0.1:0", "rdma://0.0.0.0:0?device={member}"};

/* ---- Words -------------------------------------------------------------------------- */

static const char *word_name(const struct word *words, int value)
{
    while (words->name && words->value != value)
        words++;
    return words->name ? words->name : "unknown";
}

const char *bench_service_name(enum gcs_service service)
{
    return word_name(services, (int)service);
}

const char *bench_order_name(enum gcs_order order)
{
    return word_name(orders, (int)order);
}

const char *bench_fault_name(enum bench_fault fault)
{
    return word_name(faults, (int)fault);
}

void bench_complain(const struct bench_options *options, const char *format, ...)
{
    char line[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    fprintf(stderr, "gcs-bench %s: %s\n", options->command, line);
}

static const struct word *find_word(const struct bench_options *options, const char *option,
                                    const struct word *words, const char *value)
{
    char list[256] = "";

    for (const struct word *word = words; word->name; word++) {
        if (strcmp(word->name, value) == 0)
            return word;
        size_t used = strlen(list);
        snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "", word->name);
    }
    bench_complain(options, words[1].name ? "--%s: '%s' is not one of %s" : "--%s: '%s' is not %s",
                   option, value, list);
    return NULL;
}

/* ---- Numbers -------------------------------------------------------------------------- */

/* A decimal number from min to max; with suffixes, K and M (powers of 1024) may follow. */
static bool parse_number(const struct bench_options *options, const char *option, const char *value,
                         bool suffixes, uint32_t min, uint32_t max, uint32_t *number)
{
    char *end = NULL;
    unsigned shift = 0;

    errno = 0;
    unsigned long long parsed = strtoull(value, &end, 10);
    if (suffixes && end != value && (*end == 'K' || *end == 'M'))
        shift = *end++ == 'K' ? 10 : 20;
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno ||
        parsed > (unsigned long long)max >> shift || parsed << shift < min) {
        bench_complain(options, "--%s: '%s' is not a number from %u to %u", option, value, min,
                       max);
        return false;
    }
    *number = (uint32_t)(parsed << shift);
    return true;
}

/* Bytes of a state: also with G behind. */
static bool parse_bytes(const struct bench_options *options, const char *value, uint64_t *bytes)
{
    char *end = NULL;

    errno = 0;
    unsigned long long parsed = strtoull(value, &end, 10);
    const char *suffix = end != value && *end ? strchr("KMG", *end) : NULL;
    unsigned shift = suffix ? 10 * (unsigned)(suffix - "KMG" + 1) : 0;
    if (value[0] < '0' || value[0] > '9' || end[suffix != NULL] != '\0' || errno || parsed == 0 ||
        parsed > STATE_MAX_BYTES >> shift) {
        bench_complain(options, "--bytes: '%s' is not a number from 1 to 1024G", value);
        return false;
    }
    *bytes = (uint64_t)parsed << shift;
    return true;
}

static bool parse_real(const struct bench_options *options, const char *option, const char *value,
                       double min, double max, double *number)
{
    char *end = NULL;
    double parsed = strtod(value, &end);

    if (value[0] < '0' || value[0] > '9' || strpbrk(value, "xXpP") || *end != '\0' ||
        !(parsed >= min && parsed <= max)) {
        bench_complain(options, "--%s: '%s' is not a number from %g to %.0f", option, value, min,
                       max);
        return false;
    }
    *number = parsed;
    return true;
}

static bool parse_senders(struct bench_options *options, const char *value)
{
    if (strcmp(value, "all") == 0) {
        options->senders = 0;
        return true;
    }
    if (value[0] < '0' || value[0] > '9') {
        bench_complain(options, "--senders: '%s' is neither 'all' nor a number", value);
        return false;
    }
    return parse_number(options, "senders", value, false, 1, BENCH_MEMBERS_MAX, &options->senders);
}

static bool parse_template(const struct bench_options *options, const char *option,
                           const char *value, const char **pattern)
{
    char text[1024];

    if (!bench_expand(value, BENCH_MEMBERS_MAX, text, sizeof(text)) || value[0] == '\0') {
        bench_complain(options, "--%s: '%.40s' is %s", option, value,
                       value[0] ? "too long" : "empty");
        return false;
    }
    *pattern = value;
    return true;
}

static bool parse_fault(struct bench_options *options, const char *value)
{
    const struct word *word = find_word(options, "fault", faults, value);

    options->fault = word ? (enum bench_fault)word->value : options->fault;
    return word;
}

/* ---- Options --------------------------------------------------------------------------- */

/* How a group is made up. */
static bool parse_group_option(struct bench_options *o, const struct bench_command *command,
                               int option, const char *value)
{
    const struct word *word = NULL;

    switch (option) {
    case BENCH_MEMBERS:
        return parse_number(o, "members", value, false, command->members_min, BENCH_MEMBERS_MAX,
                            &o->members);
    case BENCH_SENDERS:
        return parse_senders(o, value);
    case BENCH_SIZE:
        return parse_number(o, "size", value, true, command->size_min, SIZE_MAX_BYTES, &o->size);
    case BENCH_SERVICE:
        word = find_word(o, "service", services, value);
        o->service = word ? (enum gcs_service)word->value : o->service;
        return word;
    case BENCH_ORDER:
        word = find_word(o, "order", orders, value);
        o->order = word ? (enum gcs_order)word->value : o->order;
        return word;
    case BENCH_TRANSPORT:
        word = find_word(o, "transport", transports, value);
        o->transport = word ? word->name : o->transport;
        return word;
    case BENCH_URL:
        return parse_template(o, "url-template", value, &o->url);
    default:
        return parse_template(o, "netns-template", value, &o->netns);
    }
}

static bool parse_tuning_option(struct bench_options *o, int option, const char *value)
{
    const struct word *word;

    switch (option) {
    case BENCH_LOOP:
        word = find_word(o, "loop", loops, value);
        o->library_loop = word && word->value;
        return word;
    case BENCH_HEARTBEAT:
        return parse_number(o, "heartbeat-ms", value, false, 1, 60000, &o->heartbeat_ms);
    case BENCH_SUSPECT:
        return parse_number(o, "suspect-ms", value, false, 2, 600000, &o->suspect_ms);
    case BENCH_WINDOW:
        return parse_number(o, "window-bytes", value, true, 4096, 1u << 30, &o->window_bytes);
    case BENCH_QUEUE:
        return parse_number(o, "queue-bytes", value, true, 4096, 1u << 30, &o->queue_bytes);
    case BENCH_STATE_QUEUE:
        return parse_number(o, "state-queue-bytes", value, true, 4096, UINT32_MAX,
                            &o->state_queue_bytes);
    default:
        return parse_number(o, "packet", value, true, 64, 65000, &o->packet);
    }
}

static bool parse_option(struct bench_options *o, const struct bench_command *command, int option,
                         const char *value)
{
    o->given |= BENCH_SET(option);
    switch (option) {
    case BENCH_SECONDS:
        return parse_real(o, "seconds", value, 0.01, SECONDS_MAX, &o->seconds);
    case BENCH_WARMUP:
        return parse_real(o, "warmup", value, 0, SECONDS_MAX, &o->warmup);
    case BENCH_RUNS:
        return parse_number(o, "runs", value, false, 1, 1000, &o->runs);
    case BENCH_RATE:
        return parse_real(o, "rate", value, 0.1, RATE_MAX, &o->rate);
    case BENCH_VICTIM:
        return parse_number(o, "victim", value, false, 1, BENCH_MEMBERS_MAX, &o->victim);
    case BENCH_FAULT:
        return parse_fault(o, value);
    case BENCH_PAUSE:
        return parse_number(o, "pause-ms", value, false, 1, 60000, &o->pause_ms);
    case BENCH_BYTES:
        return parse_bytes(o, value, &o->bytes);
    case BENCH_PEERS:
        o->peers = value;
        return true;
    case BENCH_OUTPUT:
        o->output = value;
        return true;
    case BENCH_JOIN:
        return parse_template(o, "join", value, &o->url);
    case BENCH_ELSEWHERE:
        return parse_number(o, "elsewhere", value, false, 1, BENCH_MEMBERS_MAX, &o->elsewhere);
    case BENCH_FLOOR:
        return o->floor = true;
    case BENCH_NO_FLOOR:
        o->floor = false;
        return true;
    case BENCH_LATENCY:
        return o->latency = true;
    case BENCH_JSON:
        return o->json = true;
    case BENCH_HELP:
        return true;
    default:
        if (option <= BENCH_NETNS)
            return parse_group_option(o, command, option, value);
        return parse_tuning_option(o, option, value);
    }
}

/* What getopt_long stumbled over: it stands right before optind, or is a short option. */
static bool refuse_option(const struct bench_options *options, int found, char **argv)
{
    if (found == ':')
        bench_complain(options, "%s needs a value", argv[optind - 1]);
    else if (optopt > UCHAR_MAX)
        bench_complain(options, "'%s': this option takes no value", argv[optind - 1]);
    else if (optopt != 0)
        bench_complain(options, "unknown option '-%c'", optopt);
    else
        bench_complain(options, "unknown option '%s'", argv[optind - 1]);
    return false;
}

static bool parse_all(struct bench_options *options, const struct bench_command *command, int argc,
                      char **argv)
{
    opterr = 0;
    for (;;) {
        int index = -1;
        int found = getopt_long(argc, argv, ":", long_options, &index);
        if (found == -1)
            break;
        if (found == '?' || found == ':')
            return refuse_option(options, found, argv);
        if (!(command->options & BENCH_SET(found))) {
            bench_complain(options, "unknown option '--%s'", long_options[index].name);
            return false;
        }
        if (!parse_option(options, command, found, optarg))
            return false;
    }
    if (optind < argc) {
        bench_complain(options, "'%s' is one argument too many", argv[optind]);
        return false;
    }
    return true;
}

/* The transport is the URL's, the URL the transport's; if both are given they must agree. */
static bool check_url(struct bench_options *options)
{
    for (const struct word *word = transports; word->name; word++) {
        size_t length = strlen(word->name);
        bool same = strcmp(word->name, options->transport) == 0;
        if (!options->url && same)
            options->url = urls[word->value];
        if (!options->url || strncmp(options->url, word->name, length) != 0 ||
            strncmp(options->url + length, "://", 3) != 0)
            continue;
        if (same || !(options->given & BENCH_SET(BENCH_TRANSPORT))) {
            options->transport = word->name;
            options->floor &= word->value == 0; /* UDP's: it is sockets without a protocol */
            return true;
        }
    }
    bench_complain(options, "--%s: '%s' does not begin with %s://",
                   options->given & BENCH_SET(BENCH_JOIN) ? "join" : "url-template", options->url,
                   options->transport);
    return false;
}

/* What only makes sense together. */
static bool check_together(struct bench_options *options)
{
    unsigned first = options->members - options->joiners;

    if (options->senders > first) {
        bench_complain(options, "--senders: '%u' is more than the %u members at the start",
                       options->senders, first);
        return false;
    }
    if (options->senders == 0)
        options->senders = first;
    if (options->elsewhere >= options->members && options->elsewhere > 0) {
        bench_complain(options, "--elsewhere: '%u' leaves none of the %u members here",
                       options->elsewhere, options->members);
        return false;
    }
    options->floor &= options->elsewhere == 0; /* of one machine */
    if (options->victim > options->members) {
        bench_complain(options, "--victim: '%u' is not one of the %u members", options->victim,
                       options->members);
        return false;
    }
    if (options->victim > 0 && options->fault != BENCH_PAUSE_A_WHILE && options->senders == 1 &&
        bench_is_sender(options, options->victim - 1)) {
        bench_complain(options, "--victim: '%u' is the only sender: nothing would be delivered",
                       options->victim);
        return false;
    }
    return check_url(options);
}

int bench_options_parse(struct bench_options *options, const struct bench_command *command,
                        int argc, char **argv)
{
    *options = command->defaults;
    options->command = command->name;
    options->transport = "udp";
    options->url = NULL;
    options->service = GCS_AGREED;
    options->order = GCS_ORDER_SEQUENCER;
    bool good = parse_all(options, command, argc, argv);
    if (good && (options->given & BENCH_SET(BENCH_HELP))) {
        fputs(command->help, stdout);
        return fflush(stdout) == 0 ? BENCH_OK : BENCH_FAILED;
    }
    if (good && check_together(options))
        return BENCH_GO;
    fprintf(stderr, "Try 'gcs-bench %s --help'.\n", command->name);
    return BENCH_USAGE;
}

bool bench_is_sender(const struct bench_options *options, unsigned index)
{
    unsigned first = options->members - options->joiners - options->listeners;

    return index < first && index >= first - options->senders;
}

bool bench_expand(const char *pattern, unsigned index, char *text, size_t size)
{
    static const char mark[] = "{member}";
    size_t used = 0;

    while (*pattern && used < size) {
        if (strncmp(pattern, mark, sizeof(mark) - 1) == 0) {
            int written = snprintf(text + used, size - used, "%u", index + 1);
            used += (size_t)written;
            pattern += sizeof(mark) - 1;
        } else {
            text[used++] = *pattern++;
        }
    }
    if (used >= size)
        return false;
    text[used] = '\0';
    return true;
}
