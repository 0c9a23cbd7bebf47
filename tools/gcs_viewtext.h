/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Views for people (one readable line) and for programs (JSON).
 */
#ifndef TOOLS_GCS_VIEWTEXT_H
#define TOOLS_GCS_VIEWTEXT_H

#include <gcs/gcs.h>
#include <stdio.h>

/* One line: id, members (with weights that are not 1, who has not got the state yet, and labels),
 * who joined, who left and why, quorum. */
void tool_view_line(FILE *out, const struct gcs_view_change *change);

/* The same as one JSON object, without a newline. */
void tool_view_json(FILE *out, const struct gcs_view_change *change);

#endif
