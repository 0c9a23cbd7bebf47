/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcs-bench idle: what a member costs in which nothing happens: how often it is woken, its CPU
 * time, its memory; and its memory again when all send as fast as they can.
 */
#include "series.h"

static const struct bench_metric metrics[] = {
    BENCH_METRIC(wakeups_per_second, "wake-ups a second, the member that has most", 1),
    BENCH_METRIC(rss_mib, "MiB of memory, the largest member", 1),
    BENCH_METRIC(loaded_rss_mib, "MiB of memory when all send as fast as they can", 1),
    BENCH_METRIC(cpu_percent, "% of a processor, the member that needs most", 3),
    BENCH_METRIC(packets, "packets sent, all members together", 0),
    BENCH_METRIC(views, NULL, 0),
};

/* The group at work is measured for as long as usual: its memory has its peak soon. */
static bool measure_loaded(const struct bench_options *options, double *mib)
{
    struct bench_options loaded = *options;
    struct bench_plan plan = {.pace = BENCH_FLAT_OUT};
    struct bench_outcome outcome;

    loaded.warmup = 0.5;
    loaded.seconds = 2;
    if (!bench_experiment_run(&loaded, &plan, bench_member_run, &plan, &outcome))
        return false;
    *mib = outcome.rss_mib;
    return true;
}

static bool run_once(const struct bench_options *options, struct bench_outcome *outcome)
{
    struct bench_plan plan = {.pace = BENCH_SILENT};

    return bench_experiment_run(options, &plan, bench_member_run, &plan, outcome) &&
           measure_loaded(options, &outcome->loaded_rss_mib);
}

static const struct bench_series series = {
    .metrics = metrics,
    .metrics_count = sizeof(metrics) / sizeof(metrics[0]),
    .brief = 4,
    .run_once = run_once,
    .group = true,
};

static int run(const struct bench_options *options)
{
    return bench_series_run(&series, options, NULL, NULL);
}

const struct bench_command bench_idle = {
    .name = "idle",
    .summary = "wake-ups and memory of a member, also at work",
    .help = "usage: gcs-bench idle [options]\n"
            "\n"
            "How often a member is woken when nothing happens, and what memory it takes then\n"
            "and when all send as fast as they can.\n"
            "\n"
            "  --senders N|all   how many members send then (all)\n"
            "  --size BYTES      of a message then (1K)\n" BENCH_HELP_GROUP,
    .options = BENCH_GROUP_OPTIONS & ~BENCH_SET(BENCH_RATE),
    .members_min = 1,
    .size_min = BENCH_STAMP_BYTES,
    .defaults = {.members = 3, .size = 1024, .seconds = 5, .warmup = 3, .runs = 3},
    .run = run,
};
