/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcs-limits: how far the library goes on this machine, and that nothing grows.
 * One line for each limit, then "gcs-limits: ok" or "gcs-limits: violation: NAME";
 * the exit status is 0, 1, or 2 for usage.
 */
#include "tests/limits/limits.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_MS 150000
#define SUSPECT_MS  2000 /* the machine may be busy with other things, too */

static const struct {
    const char *name;
    bool (*run)(const struct limits_options *options);
    const char *text;
} limits[] = {
    {"groups", limit_groups, "many groups on one endpoint"},
    {"joins", limit_joins, "joins and leaves in a row do not add up"},
    {"opens", limit_opens, "the same with a new endpoint each time"},
    {"load", limit_load, "at full load resident memory stays as it is"},
};

#define LIMITS (sizeof(limits) / sizeof(limits[0]))

/* ---- Calls that must work ----------------------------------------------------------- */

int limits_must(int result, const char *call)
{
    if (result >= 0)
        return result;
    fprintf(stderr, "gcs-limits: %s: %s: %s\n", call, gcs_strerror(result), gcs_detail());
    exit(1);
}

struct gcs_endpoint *limits_open(const char *seed)
{
    struct gcs_endpoint_options options;
    struct gcs_endpoint *endpoint;
    char url[256] = "udp://127.0.0.1:0";

    if (seed)
        snprintf(url, sizeof(url), "udp://127.0.0.1:0?seeds=%s", seed);
    gcs_endpoint_options_init(&options);
    options.suspect_ms = SUSPECT_MS;
    limits_must(gcs_open(url, &options, &endpoint), "gcs_open");
    return endpoint;
}

struct gcs_endpoint *pair_open_another(const struct pair *pair)
{
    return limits_open(gcs_endpoint_address(pair->a));
}

void pair_open(struct pair *pair)
{
    pair->a = limits_open(NULL);
    pair->b = pair_open_another(pair);
}

void pair_close(struct pair *pair)
{
    gcs_close(pair->b);
    gcs_close(pair->a);
}

struct gcs_group *limits_join(struct gcs_endpoint *endpoint, const char *name,
                              enum gcs_bootstrap bootstrap)
{
    struct gcs_group_config config;
    struct gcs_group *group;

    gcs_group_config_init(&config);
    config.bootstrap = bootstrap;
    limits_must(gcs_join(endpoint, name, &config, &group), "gcs_join");
    return group;
}

/* What there is to know when something does not come. */
static void give_up(const struct gcs_endpoint *endpoint, enum gcs_event_type type)
{
    struct gcs_counters counters;

    fprintf(stderr, "gcs-limits: no event of type %d within %d ms at %s\n", (int)type, PATIENCE_MS,
            gcs_endpoint_address(endpoint));
    limits_must(gcs_counters_get(endpoint, &counters), "gcs_counters_get");
#define PRINT_COUNTER(name, text) \
    fprintf(stderr, "  %-20s %llu\n", #name, (unsigned long long)counters.name);
    GCS_COUNTER_TABLE(PRINT_COUNTER)
#undef PRINT_COUNTER
    exit(1);
}

void limits_await(struct gcs_endpoint *endpoint, enum gcs_event_type type, struct gcs_event *event)
{
    do {
        if (limits_must(gcs_next(endpoint, event, PATIENCE_MS), "gcs_next") == 0)
            give_up(endpoint, type);
    } while (event->type != type);
}

void limits_await_members(struct gcs_endpoint *endpoint, unsigned count)
{
    struct gcs_event event;

    do {
        limits_await(endpoint, GCS_EVENT_VIEW, &event);
    } while (event.change->view.count != count);
}

/* ---- Output ------------------------------------------------------------------------- */

bool limits_say(const struct limits_options *options, const char *name, bool good,
                const char *format, ...)
{
    char text[400];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (options->json)
        printf("{\"limit\":\"%s\",\"ok\":%s,\"text\":\"%s\"}\n", name, good ? "true" : "false",
               text);
    else
        printf("%-8s %s: %s\n", name, text, good ? "ok" : "not as promised");
    return good;
}

/* ---- Command line ------------------------------------------------------------------- */

static void usage(FILE *out)
{
    fputs("usage: gcs-limits [--groups N] [--joins N] [--opens N] [--seconds S] [--json]\n"
          "                  [LIMIT...]\n"
          "\n"
          "How far the library goes on this machine, and that nothing grows. The limits are\n",
          out);
    for (size_t i = 0; i < LIMITS; i++)
        fprintf(out, "  %-8s %s\n", limits[i].name, limits[i].text);
    fputs("\n"
          "  --groups N   groups (default 1000)\n"
          "  --joins N    joins and leaves (default 10000)\n"
          "  --opens N    endpoints opened and closed (default 1000)\n"
          "  --seconds S  at full load (default 60)\n"
          "  --json       one JSON object for each limit\n"
          "\n"
          "Exit status: 0 as promised, 1 not, 2 usage.\n",
          out);
}

static bool parse(const char *name, const char *text, unsigned low, unsigned *value)
{
    char *end;
    unsigned long number;

    errno = 0;
    number = strtoul(text, &end, 10);
    if (*text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && number >= low &&
        number <= 1000000) {
        *value = (unsigned)number;
        return true;
    }
    fprintf(stderr, "gcs-limits: --%s: \"%s\" is no number from %u to 1000000\n", name, text, low);
    return false;
}

static bool parse_option(int option, struct limits_options *options)
{
    switch (option) {
    case 'g':
        return parse("groups", optarg, 1, &options->groups);
    case 'n':
        return parse("joins", optarg, 20, &options->joins);
    case 'o':
        return parse("opens", optarg, 20, &options->opens);
    case 's':
        return parse("seconds", optarg, 5, &options->seconds);
    case 'j':
        options->json = true;
        return true;
    default:
        return false;
    }
}

static bool is_limit(const char *name)
{
    for (size_t i = 0; i < LIMITS; i++) {
        if (strcmp(limits[i].name, name) == 0)
            return true;
    }
    fprintf(stderr, "gcs-limits: \"%s\" is no limit; see --help\n", name);
    return false;
}

static bool is_wanted(const char *name, int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], name) == 0)
            return true;
    }
    return argc == 0;
}

static int run_limits(const struct limits_options *options, int argc, char **argv)
{
    const char *broken = NULL;

    for (size_t i = 0; i < LIMITS; i++) {
        if (is_wanted(limits[i].name, argc, argv) && !limits[i].run(options) && !broken)
            broken = limits[i].name;
    }
    if (!options->json)
        printf("gcs-limits: %s%s\n", broken ? "violation: " : "ok", broken ? broken : "");
    return broken ? 1 : 0;
}

int main(int argc, char **argv)
{
    static const struct option names[] = {
        {"groups", required_argument, NULL, 'g'},
        {"joins", required_argument, NULL, 'n'},
        {"opens", required_argument, NULL, 'o'},
        {"seconds", required_argument, NULL, 's'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct limits_options options = {1000, 10000, 1000, 60, false};
    int option;

    setvbuf(stdout, NULL, _IOLBF, 0);
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (option == 'h') {
            usage(stdout);
            return 0;
        }
        if (!parse_option(option, &options))
            return 2;
    }
    for (int i = optind; i < argc; i++) {
        if (!is_limit(argv[i]))
            return 2;
    }
    return run_limits(&options, argc - optind, argv + optind);
}
