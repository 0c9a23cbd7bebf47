/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Members whose input has ended: see gcs_ended.h. A list that is looked through:
 * it changes once per member.
 */
#include "gcs_ended.h"

#include <stdlib.h>
#include <string.h>

bool tool_same_member(const struct gcs_member_id *a, const struct gcs_member_id *b)
{
    return a->incarnation == b->incarnation && a->address.length == b->address.length &&
           memcmp(a->address.bytes, b->address.bytes, a->address.length) == 0;
}

void tool_ended_fini(struct tool_ended *ended)
{
    free(ended->members);
    *ended = (struct tool_ended){NULL, 0, 0};
}

bool tool_ended_add(struct tool_ended *ended, const struct gcs_member_id *member)
{
    for (size_t i = 0; i < ended->count; i++) {
        if (tool_same_member(&ended->members[i], member))
            return true;
    }
    if (ended->count == ended->capacity) {
        size_t capacity = ended->capacity * 2 + 16;
        void *members = realloc(ended->members, capacity * sizeof(*ended->members));
        if (!members)
            return false;
        ended->members = members;
        ended->capacity = capacity;
    }
    ended->members[ended->count++] = *member;
    return true;
}

void tool_ended_keep(struct tool_ended *ended, const struct gcs_view *view)
{
    size_t kept = 0;

    for (size_t i = 0; i < ended->count; i++) {
        for (uint16_t rank = 0; rank < view->count; rank++) {
            if (tool_same_member(&ended->members[i], &view->members[rank].id)) {
                ended->members[kept++] = ended->members[i];
                break;
            }
        }
    }
    ended->count = kept;
}
