/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Those who look for a group beside oneself, and would found it together: who is
 * there, who comes first, and what each has answered to the own ballot. At most
 * one for each address; what another process there has answered does not count for
 * the one that is there now.
 */
#ifndef GCS_VIEWS_LOOKERS_H
#define GCS_VIEWS_LOOKERS_H

#include "gcs/wire/membership.h"
#include <gcs/core.h>

struct gcs_looker {
    struct gcs_member member;
    uint64_t heard;
    bool promised; /* own ballot */
    bool accepted;
};

struct gcs_lookers {
    struct gcs_address self; /* which is not in the list */
    uint64_t silent_ns;      /* who has been silent for so long is taken for dead */
    uint16_t count;
    uint16_t room;
    struct gcs_looker *list;
};

/* For so many, self included. GCS_ENOMEM. */
int gcs_lookers_init(struct gcs_lookers *lookers, const struct gcs_allocator *allocator,
                     uint16_t expect, uint64_t silent_ns);
void gcs_lookers_fini(struct gcs_lookers *lookers, const struct gcs_allocator *allocator);

/* The entry of one that was heard now; NULL: there is no room, or it is self. */
struct gcs_looker *gcs_lookers_note(struct gcs_lookers *lookers, uint64_t now,
                                    const struct gcs_member *member);

bool gcs_looker_live(const struct gcs_lookers *lookers, const struct gcs_looker *looker,
                     uint64_t now);

/* How many are there, self included. */
uint16_t gcs_lookers_here(const struct gcs_lookers *lookers, uint64_t now);
/* How many of them come before self. */
uint16_t gcs_lookers_before(const struct gcs_lookers *lookers, uint64_t now,
                            const struct gcs_member_id *self);

#endif
