/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is printed: for people a line per run and a table of medians with their
 * spread, and with --json one object on one line, last on standard output. A
 * command lists its metrics; their medians are the object's members, "spread" has
 * the smallest and the largest of each, and "runs" what each run has found.
 */
#ifndef GCS_BENCH_REPORT_H
#define GCS_BENCH_REPORT_H

#include "experiment.h"

struct bench_metric {
    const char *key;  /* in JSON */
    const char *text; /* for people; NULL: in JSON only */
    size_t offset;    /* of a double in struct bench_outcome */
    int decimals;
};

#define BENCH_METRIC(name, text, decimals)                          \
    {                                                               \
#name, text, offsetof(struct bench_outcome, name), decimals \
    }

/* A figure that is not one of a run's. */
struct bench_extra {
    const char *key;
    const char *text;
    double value;
    int decimals;
};

struct bench_report {
    const struct bench_options *options;
    const struct bench_outcome *outcomes; /* options->runs of them */
    const struct bench_metric *metrics;
    size_t metrics_count;
    const struct bench_extra *extras;
    size_t extras_count;
    bool group; /* runs are those of a group: service, order, digest belong to it */
    bool views; /* view_ms as an array */
};

/* Smallest, median and largest over the runs. */
void bench_spread(const struct bench_report *report, const struct bench_metric *metric,
                  double spread[3]);

double bench_median(const struct bench_report *report, const struct bench_metric *metric);

/* One line that says what is measured. */
void bench_report_title(const struct bench_options *options, bool group);

/* One line for a run that has just ended, from 0: its first count metrics. */
void bench_report_run(const struct bench_report *report, unsigned run, size_t count);

/* Everything else. BENCH_OK; BENCH_FAILED: it cannot be written. */
int bench_report_end(const struct bench_report *report);

#endif
