/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcs-bench state: a member joins a group at work and is given a state. How fast that
 * comes, how much memory it takes at both ends beside the state itself (which takes none
 * here), and what the others notice of it: the latency of their messages while there is a
 * transfer, and in a group of the same members without one, at the same rate; half of what
 * the group delivers at most unless said otherwise.
 */
#include "series.h"

static const struct bench_metric metrics[] = {
    BENCH_METRIC(state_megabytes_per_second, "MB of state per second", 1),
    BENCH_METRIC(p50_us, "us: half of the messages are faster, meanwhile", 2),
    BENCH_METRIC(quiet_p50_us, "us: the same without a transfer", 2),
    BENCH_METRIC(p50_ratio, "of that is what it is meanwhile", 3),
    BENCH_METRIC(transfer_p50_us, "us: the same from the state's first piece to its end", 2),
    BENCH_METRIC(transfer_ratio, "of the quiet one is that", 3),
    BENCH_METRIC(before_p50_us, "us: the same before the new member joined", 2),
    BENCH_METRIC(messages_per_second, "messages per second, meanwhile", 0),
    BENCH_METRIC(quiet_messages_per_second, "the same without a transfer", 0),
    BENCH_METRIC(p99_us, "us: 99 % of the messages are faster, meanwhile", 2),
    BENCH_METRIC(max_us, "us: the slowest, meanwhile", 2),
    BENCH_METRIC(donor_growth_mib, "MiB more memory at the member that gives it, at most", 2),
    BENCH_METRIC(joiner_growth_mib, "MiB more memory at the one that gets it, at most", 2),
    BENCH_METRIC(state_seconds, "seconds from its first byte to its end", 3),
    BENCH_METRIC(state_transfers, "transfers that were begun", 0),
    BENCH_METRIC(join_ms, "ms until the new member had its vote", 3),
    BENCH_METRIC(gap_ms, "ms without a delivery at one of the others, at worst", 3),
    BENCH_METRIC(nacks, "requests for repair", 0),
    BENCH_METRIC(repairs, "packets repaired", 0),
};

/* The same group, to which the one that joins has always belonged. */
static struct bench_options without_joiner(const struct bench_options *options)
{
    struct bench_options quiet = *options;

    quiet.listeners = options->joiners;
    quiet.joiners = 0;
    return quiet;
}

/* Half of what the group delivers when its senders send as fast as they can. */
static bool choose_rate(struct bench_options *options)
{
    struct bench_options quiet = without_joiner(options);
    struct bench_plan plan = {.pace = BENCH_FLAT_OUT};
    struct bench_outcome outcome;

    if (!bench_experiment_run(&quiet, &plan, bench_member_run, &plan, &outcome))
        return false;
    options->rate = outcome.messages_per_second / 2;
    return true;
}

static bool run_once(const struct bench_options *options, struct bench_outcome *outcome)
{
    struct bench_options without = without_joiner(options);
    struct bench_plan plan = {.pace = BENCH_BY_RATE, .record_latency = true};
    struct bench_outcome quiet;

    if (!bench_experiment_run(&without, &plan, bench_member_run, &plan, &quiet))
        return false;
    plan.join = plan.state = true;
    if (!bench_experiment_run(options, &plan, bench_member_run, &plan, outcome))
        return false;
    outcome->quiet_p50_us = quiet.p50_us;
    outcome->quiet_messages_per_second = quiet.messages_per_second;
    outcome->p50_ratio = quiet.p50_us > 0 ? outcome->p50_us / quiet.p50_us : 0;
    outcome->transfer_ratio = quiet.p50_us > 0 ? outcome->transfer_p50_us / quiet.p50_us : 0;
    return true;
}

static const struct bench_series series = {
    .metrics = metrics,
    .metrics_count = sizeof(metrics) / sizeof(metrics[0]),
    .brief = 4,
    .run_once = run_once,
    .group = true,
};

static int run(const struct bench_options *given)
{
    struct bench_options options = *given;

    if (options.rate == 0 && !choose_rate(&options))
        return BENCH_FAILED;
    return bench_series_run(&series, &options, NULL, NULL);
}

const struct bench_command bench_state = {
    .name = "state",
    .summary = "giving a new member the group's state",
    .help = "usage: gcs-bench state [options]\n"
            "\n"
            "Lets a member join a group at work and get a state, and measures what the others\n"
            "notice of it.\n"
            "\n"
            "  --bytes N[K|M|G]  of the state (64M)\n"
            "  --state-queue-bytes N[K|M]  that may wait for the state at the new member;\n"
            "                    beyond it the transfer begins anew (1024M)\n"
            "  --senders N|all   how many of the others send (all)\n"
            "  --size BYTES      of a message (1K)\n"
            "  --rate N          messages per second of all senders together (half of what the\n"
            "                    group delivers at most)\n" BENCH_HELP_GROUP,
    .options = BENCH_GROUP_OPTIONS | BENCH_SET(BENCH_BYTES) | BENCH_SET(BENCH_STATE_QUEUE),
    .members_min = 2,
    .size_min = BENCH_TIMED_BYTES,
    .defaults = {.members = 3,
                 .joiners = 1,
                 .size = 1024,
                 .bytes = 64 << 20,
                 .state_queue_bytes = 1u << 30,
                 .seconds = 2,
                 .warmup = 0.5,
                 .runs = 3},
    .run = run,
};
