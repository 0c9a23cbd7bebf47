/* SPDX-License-Identifier: BSD-3-Clause */
/* What is printed for people: see report.h. The JSON object is in report_json.c. */
#include "report.h"

#include "report_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

double bench_value(const struct bench_outcome *outcome, const struct bench_metric *metric)
{
    double value;

    memcpy(&value, (const char *)outcome + metric->offset, sizeof(value));
    return value;
}

/* ---- Medians ---------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_values_sort(double *values, size_t count)
{
    qsort(values, count, sizeof(values[0]), compare);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

void bench_spread(const struct bench_report *report, const struct bench_metric *metric,
                  double spread[3])
{
    unsigned runs = report->options->runs;
    double *values = calloc(runs, sizeof(*values));

    if (!values)
        abort(); /* a few kilobytes */
    for (unsigned i = 0; i < runs; i++)
        values[i] = bench_value(&report->outcomes[i], metric);
    spread[1] = bench_values_sort(values, runs);
    spread[0] = values[0];
    spread[2] = values[runs - 1];
    free(values);
}

double bench_median(const struct bench_report *report, const struct bench_metric *metric)
{
    double spread[3];

    bench_spread(report, metric, spread);
    return spread[1];
}

/* ---- Lines -------------------------------------------------------------------------------- */

void bench_report_title(const struct bench_options *options, bool group)
{
    printf("%s: %u members", options->command, options->members);
    if (options->senders == 1)
        printf(", one of them sends");
    else if (options->senders == options->members)
        printf(", all send");
    else
        printf(", %u of them send", options->senders);
    printf(", %u bytes", options->size);
    if (group)
        printf(", %s (%s)", bench_service_name(options->service), bench_order_name(options->order));
    if (options->rate > 0)
        printf(", %.0f messages per second", options->rate);
    printf(", %s\n", options->url);
    (void)fflush(stdout);
}

void bench_report_run(const struct bench_report *report, unsigned run, size_t count)
{
    const struct bench_outcome *outcome = &report->outcomes[run];

    printf("run %u:", run + 1);
    for (size_t i = 0; i < count; i++) {
        const struct bench_metric *metric = &report->metrics[i];
        printf("%s %.*f %s", i ? "," : "", metric->decimals, bench_value(outcome, metric),
               metric->text);
    }
    if (report->group && report->options->service >= GCS_AGREED)
        printf(", order %016" PRIx64, outcome->digest);
    putchar('\n');
    (void)fflush(stdout);
}

int bench_report_end(const struct bench_report *report)
{
    printf("median of %u runs (smallest to largest):\n", report->options->runs);
    for (size_t i = 0; i < report->metrics_count; i++) {
        const struct bench_metric *metric = &report->metrics[i];
        double spread[3];
        bench_spread(report, metric, spread);
        if (metric->text)
            printf("%16.*f %s (%.*f to %.*f)\n", metric->decimals, spread[1], metric->text,
                   metric->decimals, spread[0], metric->decimals, spread[2]);
    }
    for (size_t i = 0; i < report->extras_count; i++)
        printf("%16.*f %s\n", report->extras[i].decimals, report->extras[i].value,
               report->extras[i].text);
    if (report->options->json)
        bench_report_json(report);
    return fflush(stdout) == 0 && !ferror(stdout) ? BENCH_OK : BENCH_FAILED;
}
