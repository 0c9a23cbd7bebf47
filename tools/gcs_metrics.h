/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an endpoint's status socket says (gcs status, gcs top): fetched as text, or
 * as metrics to look values up in. Metrics of one name come one after another, and those of
 * members in the same order under each name.
 */
#ifndef TOOLS_GCS_METRICS_H
#define TOOLS_GCS_METRICS_H

#include "gcs_options.h"

#include <stdbool.h>
#include <stddef.h>

struct tool_sample {
    const char *name;
    const char *labels; /* key="value",key="value"; "" if there are none */
    double value;
};

struct tool_metrics {
    char *text;
    struct tool_sample *samples;
    size_t count;
};

/* Asks at the socket options->path. The reply, to be freed; NULL after a complaint. */
char *tool_status_ask(const struct tool_options *options, const char *request);

/* Asks for metrics. False after a complaint. */
bool tool_metrics_fetch(struct tool_metrics *metrics, const struct tool_options *options);
void tool_metrics_free(struct tool_metrics *metrics);

/* The samples of a name; NULL: none. */
const struct tool_sample *tool_metrics_find(const struct tool_metrics *metrics, const char *name,
                                            size_t *count);
/* The first sample's value; 0 if there is none. */
double tool_metrics_value(const struct tool_metrics *metrics, const char *name);

/* A label's value; "" if the sample does not have it. */
void tool_sample_label(const struct tool_sample *sample, const char *key, char *value, size_t size);

#endif
