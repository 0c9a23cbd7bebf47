/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TIME: the group time that the sender of a packet proposes for it (gcs/group_time.h).
 *
 *     time 8, in nanoseconds, at most GCS_GROUP_TIME_MAX
 */
#ifndef GCS_WIRE_TIME_H
#define GCS_WIRE_TIME_H

#include "gcs/wire/packet.h"

/* Centuries away; beyond, a time is nonsense. */
#define GCS_GROUP_TIME_MAX ((uint64_t)INT64_MAX)

/* Writes the whole frame, or nothing where there is no room. */
void gcs_time_write(struct gcs_writer *w, uint64_t time);

/* The time in a packet's control frames; 0: there is none, or it is nonsense. */
uint64_t gcs_time_find(const uint8_t *control, size_t size);

#endif
