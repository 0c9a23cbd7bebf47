/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcs-bench failover: a member is killed (SIGKILL), or falls silent (SIGSTOP), while
 * all are at work; how long until each survivor has the view without it, and what
 * was the longest time in which a survivor delivered nothing? Or it is paused for a
 * while (SIGSTOP, SIGCONT): then no view at all must come of it, or the run is wrong.
 */
#include "series.h"

static const struct bench_metric metrics[] = {
    BENCH_METRIC(gap_ms, "ms without a delivery at a survivor, at worst", 3),
    BENCH_METRIC(view_max_ms, "ms until the last survivor had its new view", 3),
    BENCH_METRIC(views, "views installed, by all survivors together", 0),
    BENCH_METRIC(messages_per_second, "messages per second, gap included", 0),
    BENCH_METRIC(packets, "packets sent by the survivors", 0),
    BENCH_METRIC(nacks, "requests for repair", 0),
    BENCH_METRIC(repairs, "packets repaired", 0),
};

static const struct bench_series series = {
    .metrics = metrics,
    .metrics_count = sizeof(metrics) / sizeof(metrics[0]),
    .brief = 2,
    .role = bench_member_run,
    .group = true,
    .views = true,
};

static int run(const struct bench_options *options)
{
    struct bench_plan plan = {
        .pace = options->rate > 0 ? BENCH_BY_RATE : BENCH_FLAT_OUT,
        .crash = true,
    };

    return bench_series_run(&series, options, &plan, &plan);
}

const struct bench_command bench_failover = {
    .name = "failover",
    .summary = "pause in delivery when a member is killed",
    .help =
        "usage: gcs-bench failover [options]\n"
        "\n"
        "Kills a member of a group at work, again in each run, and measures the pause.\n"
        "\n"
        "  --victim N        who is killed; 1 is the coordinator (1)\n"
        "  --fault kill|silence|pause   kill it; stop it for good, so that nobody hears of it;\n"
        "                    or stop it for --pause-ms N (400), which must cost nobody a view (kill)\n"
        "  --senders N|all   how many members send (all)\n"
        "  --size BYTES      of a message (1K)\n"
        "  --rate N          messages per second of all senders together (no limit)\n" BENCH_HELP_GROUP,
    .options = BENCH_GROUP_OPTIONS | BENCH_SET(BENCH_VICTIM) | BENCH_SET(BENCH_FAULT) |
               BENCH_SET(BENCH_PAUSE),
    .members_min = 3,
    .size_min = BENCH_STAMP_BYTES,
    .defaults = {.members = 3,
                 .size = 1024,
                 .seconds = 1,
                 .warmup = 0.5,
                 .runs = 5,
                 .victim = 1,
                 .pause_ms = 400},
    .run = run,
};
