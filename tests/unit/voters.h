/* SPDX-License-Identifier: BSD-3-Clause */
/* A view of members with one vote each, for what only counts them. */
#ifndef GCS_TESTS_UNIT_VOTERS_H
#define GCS_TESTS_UNIT_VOTERS_H

#include <gcs/types.h>

enum { VOTERS_MAX = 1024 };

struct voters {
    struct gcs_member members[VOTERS_MAX];
    struct gcs_view view;
};

static inline const struct gcs_view *voters_init(struct voters *voters, uint16_t count,
                                                 uint16_t self)
{
    *voters = (struct voters){.view = {.count = count, .self = self, .members = voters->members}};
    for (uint16_t rank = 0; rank < count; rank++)
        voters->members[rank].weight = 1;
    return &voters->view;
}

#endif
