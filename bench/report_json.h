/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the two halves of report.h: what people read and what programs read. */
#ifndef GCS_BENCH_REPORT_JSON_H
#define GCS_BENCH_REPORT_JSON_H

#include "report.h"

/* The object, on one line. */
void bench_report_json(const struct bench_report *report);

double bench_value(const struct bench_outcome *outcome, const struct bench_metric *metric);

/* Sorts count (> 0) values; returns their median. */
double bench_values_sort(double *values, size_t count);

#endif
