/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcs-bench join: a member joins while the others are at work; how long until it and
 * they have the view with it, and what was the longest time in which one of the
 * others delivered nothing? What the joiner delivers must be what the others
 * deliver from that view on.
 */
#include "series.h"

static const struct bench_metric metrics[] = {
    BENCH_METRIC(join_ms, "ms until the joiner had its first view", 3),
    BENCH_METRIC(view_max_ms, "ms until the last of the others had it", 3),
    BENCH_METRIC(gap_ms, "ms without a delivery at one of the others, at worst", 3),
    BENCH_METRIC(messages_per_second, "messages per second, gap included", 0),
    BENCH_METRIC(packets, "packets sent by the others", 0),
    BENCH_METRIC(nacks, "requests for repair", 0),
    BENCH_METRIC(repairs, "packets repaired", 0),
};

static const struct bench_series series = {
    .metrics = metrics,
    .metrics_count = sizeof(metrics) / sizeof(metrics[0]),
    .brief = 3,
    .role = bench_member_run,
    .group = true,
    .views = true,
};

static int run(const struct bench_options *options)
{
    struct bench_plan plan = {
        .pace = options->rate > 0 ? BENCH_BY_RATE : BENCH_FLAT_OUT,
        .join = true,
    };

    return bench_series_run(&series, options, &plan, &plan);
}

const struct bench_command bench_join = {
    .name = "join",
    .summary = "pause in delivery when a member joins",
    .help =
        "usage: gcs-bench join [options]\n"
        "\n"
        "Lets a member join a group at work, again in each run, and measures the pause.\n"
        "\n"
        "  --senders N|all   how many of the others send (all)\n"
        "  --size BYTES      of a message (1K)\n"
        "  --rate N          messages per second of all senders together (no limit)\n" BENCH_HELP_GROUP,
    .options = BENCH_GROUP_OPTIONS,
    .members_min = 2,
    .size_min = BENCH_STAMP_BYTES,
    .defaults = {.members = 4, .joiners = 1, .size = 1024, .seconds = 1, .warmup = 0.5, .runs = 5},
    .run = run,
};
