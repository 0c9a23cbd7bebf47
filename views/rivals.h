/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Those who look for a group and may found it before oneself does: the one that
 * comes first is the one that matters. A table of fixed size; when it is full the
 * last one makes room.
 */
#ifndef GCS_VIEWS_RIVALS_H
#define GCS_VIEWS_RIVALS_H

#include "gcs/wire/membership.h"

#define GCS_RIVALS_MAX 32

struct gcs_rival {
    struct gcs_member_id id;
    uint64_t heard;
    bool differs; /* has other settings */
};

struct gcs_rivals {
    struct gcs_rival list[GCS_RIVALS_MAX];
    size_t count;
};

/* The order of those who look, by incarnation: below 0 if a comes before b. */
int gcs_rival_compare(const struct gcs_member_id *a, const struct gcs_member_id *b);

/* Returns whether it was not known at this address, or not as this incarnation. */
bool gcs_rivals_note(struct gcs_rivals *rivals, uint64_t now, const struct gcs_member_id *id,
                     bool differs);

/* Those that have been silent for so long. */
void gcs_rivals_forget(struct gcs_rivals *rivals, uint64_t now, uint64_t silent_ns);

/* The one that comes before all others; NULL: there is none. */
const struct gcs_rival *gcs_rivals_first(const struct gcs_rivals *rivals);

/* More of them have other settings than have the same as self; or as many, and the first of all,
 * self included, is one of those. */
bool gcs_rivals_outnumber(const struct gcs_rivals *rivals, const struct gcs_member_id *self);

#endif
