/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An endpoint's status for human eyes, out of its metrics; shared by gcs status and gcs top.
 */
#ifndef TOOLS_GCS_STATUSTEXT_H
#define TOOLS_GCS_STATUSTEXT_H

#include "gcs_metrics.h"

#include <stdio.h>

/* "libgcs 0.1.0 at 127.0.0.1:7400" and a newline. */
void tool_status_title(FILE *out, const struct tool_metrics *metrics);

/* Each group: its view, its window, its latency, its members, who is slowest. */
void tool_status_groups(FILE *out, const struct tool_metrics *metrics);

/* All counters that are not 0. */
void tool_status_counters(FILE *out, const struct tool_metrics *metrics);

#endif
