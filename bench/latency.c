/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcs-bench latency: how long a message takes from when it was to be sent until it
 * is delivered. Every member measures every delivery, the sender's own included;
 * each figure is that of the member for which it is worst. Without a rate each
 * sender has one message on its way; with one, a message that is late because those
 * before it were counts as late.
 */
#include "floor.h"
#include "series.h"

static const struct bench_metric metrics[] = {
    BENCH_METRIC(p50_us, "us: half of the messages are faster", 2),
    BENCH_METRIC(p99_us, "us: 99 % are", 2),
    BENCH_METRIC(p999_us, "us: 99.9 % are", 2),
    BENCH_METRIC(max_us, "us: the slowest", 2),
    BENCH_METRIC(own_p50_us, "us: half are faster at their sender, where one sends", 2),
    BENCH_METRIC(messages_per_second, "messages per second", 0),
    BENCH_METRIC(cpu_us_per_message, "us of CPU per message, all members together", 2),
    BENCH_METRIC(user_us_per_message, NULL, 2),
    BENCH_METRIC(system_us_per_message, NULL, 2),
    BENCH_METRIC(samples, "deliveries measured", 0),
    BENCH_METRIC(unsent, "messages that were due and not sent when the time was over", 0),
    BENCH_METRIC(packets, "packets sent, all members together", 0),
    BENCH_METRIC(nacks, "requests for repair", 0),
    BENCH_METRIC(repairs, "packets repaired", 0),
    BENCH_METRIC(switches, "context switches", 0),
    BENCH_METRIC(views, NULL, 0),
};

static bool run_floor(const struct bench_report *report, struct bench_extra *extras, size_t *count)
{
    const struct bench_options *options = report->options;
    double ours = bench_median(report, &report->metrics[0]);
    double p50, p99;

    if (!bench_floor_measure_latency(options, &p50, &p99))
        return false;
    extras[0] =
        (struct bench_extra){"floor_p50_us", "us: a UDP round trip, half are faster", p50, 2};
    extras[1] = (struct bench_extra){"floor_p99_us", "us: likewise, 99 % are", p99, 2};
    extras[2] =
        (struct bench_extra){"round_trips", "round trips are what the group takes", ours / p50, 2};
    *count = 3;
    return true;
}

static const struct bench_series series = {
    .metrics = metrics,
    .metrics_count = sizeof(metrics) / sizeof(metrics[0]),
    .brief = 4,
    .role = bench_member_run,
    .group = true,
    .floor = run_floor,
};

static int run(const struct bench_options *options)
{
    struct bench_plan plan = {
        .pace = options->rate > 0 ? BENCH_BY_RATE : BENCH_IN_TURN,
        .record_latency = true,
    };

    return bench_series_run(&series, options, &plan, &plan);
}

const struct bench_command bench_latency = {
    .name = "latency",
    .summary = "time from sending to delivery",
    .help =
        "usage: gcs-bench latency [options]\n"
        "\n"
        "How long a message takes, at the member where it takes longest.\n"
        "\n"
        "  --senders N|all   how many members send (1, which is not the coordinator)\n"
        "  --size BYTES      of a message (64)\n"
        "  --rate N          messages per second of all senders together, at fixed\n"
        "                    times (each sender's next when its last was delivered)\n"
        "  --floor           measure a UDP round trip too\n" BENCH_HELP_GROUP BENCH_HELP_ELSEWHERE,
    .options = BENCH_GROUP_OPTIONS | BENCH_SET(BENCH_FLOOR) | BENCH_SET(BENCH_ELSEWHERE),
    .members_min = 1,
    .size_min = BENCH_TIMED_BYTES,
    .defaults = {.members = 3, .senders = 1, .size = 64, .seconds = 2, .warmup = 0.5, .runs = 5},
    .run = run,
};
