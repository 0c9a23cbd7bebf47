/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A command that runs the same experiment several times and reports on it. What
 * differs between the commands is here; how they run is the same.
 */
#ifndef GCS_BENCH_SERIES_H
#define GCS_BENCH_SERIES_H

#include "report.h"

#define BENCH_EXTRAS_MAX 4

struct bench_series {
    const struct bench_metric *metrics;
    size_t metrics_count;
    size_t brief; /* metrics in a run's line */
    bench_role *role;
    /* What one run is; NULL: one experiment with plan, role and extra, which it goes without */
    bool (*run_once)(const struct bench_options *options, struct bench_outcome *outcome);
    bool group; /* a group is run */
    bool views; /* a view is waited for */
    /* --floor: fills extras and sets their number; NULL: there is no such option */
    bool (*floor)(const struct bench_report *report, struct bench_extra *extras, size_t *count);
};

/* How to exit. With the role bench_member_run extra is plan. */
int bench_series_run(const struct bench_series *series, const struct bench_options *options,
                     const struct bench_plan *plan, void *extra);

#endif
