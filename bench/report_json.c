/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The JSON object of a report: how it was measured, then medians, then the spread,
 * then each run. The order of the members is always the same.
 */
#include "report_json.h"

#include "json.h"

#include <gcs/gcs.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

/* ---- How it was measured ------------------------------------------------------------------- */

static void print_settings(struct bench_json *object, const struct bench_report *report)
{
    const struct bench_options *o = report->options;
    struct utsname system;

    bench_json_string(object, "benchmark", o->command);
    bench_json_string(object, "version", gcs_version());
    if (uname(&system) == 0)
        bench_json_string(object, "system", system.release);
    bench_json_number(object, "cpus", (double)sysconf(_SC_NPROCESSORS_ONLN), 0);
    bench_json_string(object, "transport", o->transport);
    bench_json_string(object, "url", o->url);
    if (o->netns)
        bench_json_string(object, "netns", o->netns);
    bench_json_number(object, "members", o->members, 0);
    if (o->elsewhere > 0)
        bench_json_number(object, "elsewhere", o->elsewhere, 0);
    bench_json_number(object, "senders", o->senders, 0);
    bench_json_number(object, "size", o->size, 0);
    bench_json_number(object, "seconds", o->seconds, 3);
    bench_json_number(object, "warmup", o->warmup, 3);
    if (!report->group)
        return;
    bench_json_string(object, "service", bench_service_name(o->service));
    bench_json_string(object, "order", bench_order_name(o->order));
    bench_json_string(object, "loop", o->library_loop ? "library" : "own");
    bench_json_number(object, "rate", o->rate, 1);
    if (o->window_bytes)
        bench_json_number(object, "window_bytes", o->window_bytes, 0);
    if (o->queue_bytes)
        bench_json_number(object, "queue_bytes", o->queue_bytes, 0);
    if (o->heartbeat_ms)
        bench_json_number(object, "heartbeat_ms", o->heartbeat_ms, 0);
    if (o->suspect_ms)
        bench_json_number(object, "suspect_ms", o->suspect_ms, 0);
    if (o->victim) {
        bench_json_number(object, "victim", o->victim, 0);
        bench_json_string(object, "fault", bench_fault_name(o->fault));
    }
    if (o->bytes) {
        bench_json_number(object, "bytes", (double)o->bytes, 0);
        bench_json_number(object, "state_queue_bytes", o->state_queue_bytes, 0);
    }
}

/* ---- What was found ------------------------------------------------------------------------ */

static void print_digest(struct bench_json *object, const struct bench_report *report, unsigned run)
{
    char digest[17];

    snprintf(digest, sizeof(digest), "%016" PRIx64, report->outcomes[run].digest);
    if (report->options->service >= GCS_AGREED) {
        bench_json_string(object, "order_digest", digest);
    } else {
        bench_json_key(object, "order_digest");
        printf("null");
    }
}

/* Over the runs, one for each member that sees the view. */
static void print_view_medians(struct bench_json *object, const struct bench_report *report)
{
    unsigned runs = report->options->runs;
    unsigned count = report->outcomes[0].view_count;
    double medians[BENCH_MEMBERS_MAX];
    double *values = calloc(runs, sizeof(*values));

    if (!values)
        abort(); /* a few kilobytes */
    for (unsigned i = 0; i < count; i++) {
        for (unsigned run = 0; run < runs; run++)
            values[run] = report->outcomes[run].view_ms[i];
        medians[i] = bench_values_sort(values, runs);
    }
    bench_json_numbers(object, "view_ms", medians, count, 3);
    free(values);
}

static void print_spread(struct bench_json *object, const struct bench_report *report)
{
    struct bench_json inner = {false};

    bench_json_key(object, "spread");
    putchar('{');
    for (size_t i = 0; i < report->metrics_count; i++) {
        const struct bench_metric *metric = &report->metrics[i];
        double spread[3];
        bench_spread(report, metric, spread);
        bench_json_numbers(&inner, metric->key, (double[]){spread[0], spread[2]}, 2,
                           metric->decimals);
    }
    putchar('}');
}

static void print_run(const struct bench_report *report, unsigned run)
{
    const struct bench_outcome *outcome = &report->outcomes[run];
    struct bench_json object = {false};

    putchar('{');
    for (size_t i = 0; i < report->metrics_count; i++) {
        const struct bench_metric *metric = &report->metrics[i];
        bench_json_number(&object, metric->key, bench_value(outcome, metric), metric->decimals);
    }
    if (report->views)
        bench_json_numbers(&object, "view_ms", outcome->view_ms, outcome->view_count, 3);
    if (report->group)
        print_digest(&object, report, run);
    putchar('}');
}

void bench_report_json(const struct bench_report *report)
{
    const struct bench_metric *metrics = report->metrics;
    struct bench_json object = {false};

    putchar('{');
    print_settings(&object, report);
    for (size_t i = 0; i < report->metrics_count; i++)
        bench_json_number(&object, metrics[i].key, bench_median(report, &metrics[i]),
                          metrics[i].decimals);
    for (size_t i = 0; i < report->extras_count; i++)
        bench_json_number(&object, report->extras[i].key, report->extras[i].value,
                          report->extras[i].decimals);
    if (report->views)
        print_view_medians(&object, report);
    if (report->group)
        print_digest(&object, report, report->options->runs - 1);
    print_spread(&object, report);
    bench_json_key(&object, "runs");
    for (unsigned run = 0; run < report->options->runs; run++) {
        putchar(run ? ',' : '[');
        print_run(report, run);
    }
    printf("]}\n");
}
