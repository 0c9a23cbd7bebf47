/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which members of the view have said that their input has ended: what
 * `gcs cat --until-all` waits for.
 */
#ifndef TOOLS_GCS_ENDED_H
#define TOOLS_GCS_ENDED_H

#include <gcs/gcs.h>

struct tool_ended {
    struct gcs_member_id *members;
    size_t count;
    size_t capacity;
};

void tool_ended_fini(struct tool_ended *ended);

/* A member's input has ended; it may have said so before. False: out of memory. */
bool tool_ended_add(struct tool_ended *ended, const struct gcs_member_id *member);

/* Forgets who is not in the view. */
void tool_ended_keep(struct tool_ended *ended, const struct gcs_view *view);

bool tool_same_member(const struct gcs_member_id *a, const struct gcs_member_id *b);

#endif
