/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs, and the report on them: see series.h. */
#include "series.h"

#include <stdlib.h>

static bool run_all(const struct bench_series *series, const struct bench_report *report,
                    const struct bench_plan *plan, void *extra, struct bench_outcome *outcomes)
{
    for (unsigned i = 0; i < report->options->runs; i++) {
        bool good = series->run_once ? series->run_once(report->options, &outcomes[i])
                                     : bench_experiment_run(report->options, plan, series->role,
                                                            extra, &outcomes[i]);
        if (!good)
            return false;
        bench_report_run(report, i, series->brief);
    }
    return true;
}

int bench_series_run(const struct bench_series *series, const struct bench_options *options,
                     const struct bench_plan *plan, void *extra)
{
    struct bench_outcome *outcomes = calloc(options->runs, sizeof(*outcomes));
    struct bench_extra extras[BENCH_EXTRAS_MAX];
    struct bench_report report = {
        .options = options,
        .outcomes = outcomes,
        .metrics = series->metrics,
        .metrics_count = series->metrics_count,
        .extras = extras,
        .group = series->group,
        .views = series->views,
    };

    if (!outcomes) {
        bench_complain(options, "out of memory for %u runs", options->runs);
        return BENCH_FAILED;
    }
    bench_report_title(options, series->group);
    bool good = run_all(series, &report, plan, extra, outcomes);
    if (good && options->floor && series->floor)
        good = series->floor(&report, extras, &report.extras_count);
    int result = good ? bench_report_end(&report) : BENCH_FAILED;
    free(outcomes);
    return result;
}
