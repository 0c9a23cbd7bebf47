/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcs-bench throughput: how much a group delivers when its senders send as fast as
 * they can (or at a given rate). The figure is that of the slowest member.
 */
#include "floor.h"
#include "series.h"

static const struct bench_metric metrics[] = {
    BENCH_METRIC(messages_per_second, "messages per second", 0),
    BENCH_METRIC(megabytes_per_second, "MB per second", 3),
    BENCH_METRIC(cpu_us_per_message, "us of CPU per message, all members together", 4),
    BENCH_METRIC(user_us_per_message, "us of them in user mode", 4),
    BENCH_METRIC(system_us_per_message, "us of them in the kernel", 4),
    BENCH_METRIC(cpu_seconds, "seconds of CPU, all members together", 3),
    BENCH_METRIC(messages_per_packet, "messages per packet", 1),
    BENCH_METRIC(packets, "packets sent, all members together", 0),
    BENCH_METRIC(data_packets, "of them with data or order", 0),
    BENCH_METRIC(control_packets, "of them without", 0),
    BENCH_METRIC(system_calls, "system calls that send or receive", 0),
    BENCH_METRIC(sends_per_60kb, "of them that send, for each 60 kB", 2),
    BENCH_METRIC(receives_per_60kb, "of them that receive, for each 60 kB", 2),
    BENCH_METRIC(overflows, "datagrams that the system dropped", 0),
    BENCH_METRIC(nacks, "requests for repair", 0),
    BENCH_METRIC(repairs, "packets repaired", 0),
    BENCH_METRIC(duplicates, "packets that came twice", 0),
    BENCH_METRIC(window_full, "times that a window was full", 0),
    BENCH_METRIC(window_cuts, "times that congestion made one smaller", 0),
    BENCH_METRIC(allocations, "allocations", 0),
    BENCH_METRIC(bytes_copied, "bytes copied by the library, at all members together", 0),
    BENCH_METRIC(switches, "context switches", 0),
    BENCH_METRIC(rss_mib, "MiB of memory, the largest member", 1),
    BENCH_METRIC(views, NULL, 0),
    BENCH_METRIC(work_requests, NULL, 0),
    BENCH_METRIC(doorbells, NULL, 0),
    BENCH_METRIC(broken_links, NULL, 0),
};

static bool run_floor(const struct bench_report *report, struct bench_extra *extras, size_t *count)
{
    const struct bench_options *options = report->options;
    double messages = bench_median(report, &report->metrics[0]);
    double cpu = bench_median(report, &report->metrics[2]);
    double floor, floor_cpu;

    if (options->members == 1)
        return true; /* nothing goes over the network, so there is no floor */
    if (!bench_floor_measure(options, &floor, &floor_cpu))
        return false;
    extras[0] = (struct bench_extra){"floor_messages_per_second",
                                     "messages per second: the same without a protocol", floor, 0};
    extras[1] = (struct bench_extra){"floor_megabytes_per_second", "MB per second: likewise",
                                     floor * options->size / 1e6, 3};
    extras[2] = (struct bench_extra){"share_of_floor", "of that is what the group delivers",
                                     messages / floor, 3};
    extras[3] = (struct bench_extra){"share_of_floor_by_cpu",
                                     "of a message's CPU time is the floor's", floor_cpu / cpu, 3};
    *count = 4;
    return true;
}

static const struct bench_series series = {
    .metrics = metrics,
    .metrics_count = sizeof(metrics) / sizeof(metrics[0]),
    .brief = 3,
    .role = bench_member_run,
    .group = true,
    .floor = run_floor,
};

static int run(const struct bench_options *options)
{
    struct bench_plan plan = {
        .pace = options->rate > 0 ? BENCH_BY_RATE : BENCH_FLAT_OUT,
    };

    return bench_series_run(&series, options, &plan, &plan);
}

const struct bench_command bench_throughput = {
    .name = "throughput",
    .summary = "messages per second when senders send as fast as they can",
    .help =
        "usage: gcs-bench throughput [options]\n"
        "\n"
        "How much a group delivers, counted at its slowest member.\n"
        "\n"
        "  --senders N|all   how many members send (all)\n"
        "  --size BYTES      of a message (1K)\n"
        "  --rate N          messages per second of all senders together (no limit)\n"
        "  --no-floor        do not measure the floor too, nor say how near we came\n" BENCH_HELP_GROUP
            BENCH_HELP_ELSEWHERE,
    .options = BENCH_GROUP_OPTIONS | BENCH_SET(BENCH_FLOOR) | BENCH_SET(BENCH_NO_FLOOR) |
               BENCH_SET(BENCH_ELSEWHERE),
    .members_min = 1,
    .size_min = BENCH_STAMP_BYTES,
    .defaults = {.members = 3, .size = 1024, .seconds = 2, .warmup = 0.5, .runs = 5, .floor = true},
    .run = run,
};
