/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One run from start to end: start the members, let them form the group, warm up,
 * measure, stop, wait until everything is delivered, compare what was delivered,
 * and only then say what was measured.
 */
#ifndef GCS_BENCH_EXPERIMENT_H
#define GCS_BENCH_EXPERIMENT_H

#include "crew.h"
#include "member.h"

/* What one run has found. Everything but view_ms is a metric of report.h. */
struct bench_outcome {
    double messages_per_second; /* delivered, at the slowest member */
    double megabytes_per_second;
    double cpu_us_per_message; /* of all members together */
    double user_us_per_message, system_us_per_message;
    double cpu_seconds;
    double switches;
    double packets, data_packets, control_packets, messages_per_packet;
    double system_calls, sends_per_60kb, receives_per_60kb, overflows;
    double nacks, repairs, duplicates, window_full, window_cuts, allocations, bytes_copied, views;
    double work_requests, doorbells, broken_links;
    double rss_mib;                         /* of the largest member */
    double wakeups_per_second, cpu_percent; /* of the member that has most of them */
    double loaded_rss_mib;                  /* filled in by idle.c */
    double p50_us, p99_us, p999_us, max_us; /* at the member that is worst */
    double own_p50_us;                      /* at the sender, where there is one */
    double before_p50_us;                   /* before the time that counts began */
    double samples;
    double unsent;
    double gap_ms, join_ms, view_max_ms;
    double state_megabytes_per_second, state_seconds, state_transfers;
    double donor_growth_mib, joiner_growth_mib; /* of the most memory in use, during the transfer */
    double transfer_p50_us; /* from a state's first piece to its end, without the views around it */
    double quiet_p50_us, quiet_messages_per_second; /* these are filled in by state.c */
    double p50_ratio, transfer_ratio;
    double view_ms[BENCH_MEMBERS_MAX]; /* of those who see the view that was waited for */
    unsigned view_count;
    uint64_t digest;
    double disturbed_ms;                  /* since the senders started */
    uint32_t timeline[BENCH_TIMELINE_MS]; /* of the first member that saw it all */
};

/*
 * Runs role (bench_member_run, or one that fills its seat likewise) in each member. False: it was
 * said what is wrong, and nothing is left behind.
 */
bool bench_experiment_run(const struct bench_options *options, const struct bench_plan *plan,
                          bench_role *role, void *extra, struct bench_outcome *outcome);

#endif
