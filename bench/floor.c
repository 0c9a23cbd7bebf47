/* SPDX-License-Identifier: BSD-3-Clause */
/* gcs-bench floor, and the floor for other commands: see floor.h. */
#include "floor.h"

#include "series.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Largest message of a round trip: one datagram carries it. */
#define ECHO_MAX 60000

/* For a moment, to see which window moves more. */
#define TRIAL_SECONDS 0.3
#define TRIAL_WARMUP  0.1

static const struct bench_metric fan_metrics[] = {
    BENCH_METRIC(messages_per_second, "messages per second", 0),
    BENCH_METRIC(megabytes_per_second, "MB per second", 3),
    BENCH_METRIC(cpu_us_per_message, "us of CPU per message, all processes together", 4),
    BENCH_METRIC(user_us_per_message, "us of them in user mode", 4),
    BENCH_METRIC(system_us_per_message, "us of them in the kernel", 4),
    BENCH_METRIC(packets, "datagrams sent, to each", 0),
    BENCH_METRIC(switches, "context switches", 0),
};

static const struct bench_metric echo_metrics[] = {
    BENCH_METRIC(p50_us, "us: half of the round trips are faster", 2),
    BENCH_METRIC(p99_us, "us: 99 % are", 2),
    BENCH_METRIC(p999_us, "us: 99.9 % are", 2),
    BENCH_METRIC(max_us, "us: the slowest", 2),
    BENCH_METRIC(samples, "round trips measured", 0),
    BENCH_METRIC(switches, "context switches", 0),
};

static const struct bench_series fan_series = {
    .metrics = fan_metrics,
    .metrics_count = sizeof(fan_metrics) / sizeof(fan_metrics[0]),
    .brief = 3,
    .role = bench_floor_fan,
};

static const struct bench_series echo_series = {
    .metrics = echo_metrics,
    .metrics_count = sizeof(echo_metrics) / sizeof(echo_metrics[0]),
    .brief = 4,
    .role = bench_floor_echo,
};

static struct bench_floor *floor_new(const struct bench_options *options)
{
    struct bench_floor *floor = bench_shared_new(sizeof(*floor));

    if (!floor)
        bench_complain(options, "shared memory: %s", strerror(errno));
    return floor;
}

/*
 * A small window stays in caches; with a large one senders go on while a receiver waits for a
 * processor. Which of them is the floor depends on what else the machine does. False: it was said
 * what is wrong.
 */
static bool choose_window(const struct bench_options *options, struct bench_floor *floor)
{
    static const uint32_t windows[] = {256u << 10, 2u << 20};
    struct bench_options trial = *options;
    struct bench_plan plan = {0};
    uint32_t chosen = windows[0];
    double most = 0;

    trial.size = BENCH_STAMP_BYTES; /* which only says how bytes are counted */
    trial.warmup = TRIAL_WARMUP;
    trial.seconds = TRIAL_SECONDS;
    for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
        struct bench_outcome outcome;
        floor->window_bytes = windows[i];
        if (!bench_experiment_run(&trial, &plan, bench_floor_fan, floor, &outcome))
            return false;
        if (outcome.messages_per_second > most) {
            most = outcome.messages_per_second;
            chosen = windows[i];
        }
    }
    floor->window_bytes = chosen;
    return true;
}

static struct bench_options echo_options(const struct bench_options *options)
{
    struct bench_options echo = *options;

    echo.members = 2;
    echo.senders = 1;
    echo.joiners = 0;
    if (echo.size > ECHO_MAX)
        echo.size = ECHO_MAX;
    return echo;
}

/* ---- For the other commands -------------------------------------------------------------- */

static bool measure(const struct bench_series *series, const struct bench_options *options,
                    double **values, size_t metrics)
{
    struct bench_floor *floor = floor_new(options);
    struct bench_outcome *outcomes = calloc(options->runs, sizeof(*outcomes));
    struct bench_plan plan = {0};
    struct bench_report report = {.options = options, .outcomes = outcomes};
    bool good = floor && outcomes && (series != &fan_series || choose_window(options, floor));

    for (unsigned i = 0; good && i < options->runs; i++)
        good = bench_experiment_run(options, &plan, series->role, floor, &outcomes[i]);
    for (size_t i = 0; good && i < metrics; i++)
        *values[i] = bench_median(&report, &series->metrics[i]);
    bench_shared_free(floor, sizeof(*floor));
    free(outcomes);
    return good;
}

bool bench_floor_measure(const struct bench_options *options, double *messages_per_second,
                         double *cpu_us_per_message)
{
    double megabytes;

    return measure(&fan_series, options,
                   (double *[]){messages_per_second, &megabytes, cpu_us_per_message}, 3);
}

bool bench_floor_measure_latency(const struct bench_options *options, double *p50_us,
                                 double *p99_us)
{
    struct bench_options echo = echo_options(options);

    return measure(&echo_series, &echo, (double *[]){p50_us, p99_us}, 2);
}

/* ---- The command ---------------------------------------------------------------------------- */

static int run(const struct bench_options *options)
{
    struct bench_options chosen = options->latency ? echo_options(options) : *options;
    struct bench_floor *floor = floor_new(options);
    struct bench_plan plan = {0};

    if (!floor)
        return BENCH_FAILED;
    bool good = options->latency || choose_window(&chosen, floor);
    int result = good ? bench_series_run(options->latency ? &echo_series : &fan_series, &chosen,
                                         &plan, floor)
                      : BENCH_FAILED;
    bench_shared_free(floor, sizeof(*floor));
    return result;
}

const struct bench_command bench_floor = {
    .name = "floor",
    .summary = "the same work without a protocol: what this machine can do",
    .help = "usage: gcs-bench floor [options]\n"
            "\n"
            "Moves the same bytes between processes without any protocol.\n"
            "\n"
            "  --members N            how many processes (3)\n"
            "  --senders N|all        how many of them send (all)\n"
            "  --size BYTES           of a message (1K)\n"
            "  --packet BYTES         of a datagram (what the path carries, at most 60000)\n"
            "  --latency              a round trip between two processes instead\n"
            "  --seconds S            that count (2), after --warmup S (0.5)\n"
            "  --runs N               of which medians are shown (5)\n"
            "  --url-template URL     where they are (udp://127.0.0.1:0)\n"
            "  --netns-template NAME  in which network namespaces\n"
            "  --json                 one JSON object as the last line\n",
    .options = BENCH_SET(BENCH_MEMBERS) | BENCH_SET(BENCH_SENDERS) | BENCH_SET(BENCH_SIZE) |
               BENCH_SET(BENCH_URL) | BENCH_SET(BENCH_NETNS) | BENCH_SET(BENCH_SECONDS) |
               BENCH_SET(BENCH_WARMUP) | BENCH_SET(BENCH_RUNS) | BENCH_SET(BENCH_PACKET) |
               BENCH_SET(BENCH_LATENCY) | BENCH_SET(BENCH_JSON) | BENCH_SET(BENCH_HELP),
    .members_min = 2,
    .size_min = BENCH_STAMP_BYTES,
    .defaults = {.members = 3, .size = 1024, .seconds = 2, .warmup = 0.5, .runs = 5},
    .run = run,
};
