/* SPDX-License-Identifier: BSD-3-Clause */
/* Those who look too: see rivals.h. */
#include "views/rivals.h"

int gcs_rival_compare(const struct gcs_member_id *a, const struct gcs_member_id *b)
{
    if (a->incarnation != b->incarnation)
        return a->incarnation < b->incarnation ? -1 : 1;
    if (a->address.length != b->address.length)
        return a->address.length < b->address.length ? -1 : 1;
    return memcmp(a->address.bytes, b->address.bytes, a->address.length);
}

void gcs_rivals_forget(struct gcs_rivals *rivals, uint64_t now, uint64_t silent_ns)
{
    for (size_t i = 0; i < rivals->count;) {
        if (now >= rivals->list[i].heard + silent_ns)
            rivals->list[i] = rivals->list[--rivals->count];
        else
            i++;
    }
}

const struct gcs_rival *gcs_rivals_first(const struct gcs_rivals *rivals)
{
    const struct gcs_rival *first = NULL;
    for (size_t i = 0; i < rivals->count; i++) {
        if (!first || gcs_rival_compare(&rivals->list[i].id, &first->id) < 0)
            first = &rivals->list[i];
    }
    return first;
}

/* When the table is full the last one makes room: it is the first that matters. */
static struct gcs_rival *place(struct gcs_rivals *rivals)
{
    if (rivals->count < GCS_RIVALS_MAX)
        return &rivals->list[rivals->count++];
    struct gcs_rival *last = &rivals->list[0];
    for (size_t i = 1; i < GCS_RIVALS_MAX; i++) {
        if (gcs_rival_compare(&rivals->list[i].id, &last->id) > 0)
            last = &rivals->list[i];
    }
    return last;
}

bool gcs_rivals_note(struct gcs_rivals *rivals, uint64_t now, const struct gcs_member_id *id,
                     bool differs)
{
    for (size_t i = 0; i < rivals->count; i++) {
        struct gcs_rival *rival = &rivals->list[i];
        if (!gcs_address_equal(&rival->id.address, &id->address))
            continue;
        bool news = rival->id.incarnation != id->incarnation;
        *rival = (struct gcs_rival){*id, now, differs};
        return news;
    }
    *place(rivals) = (struct gcs_rival){*id, now, differs};
    return true;
}

bool gcs_rivals_outnumber(const struct gcs_rivals *rivals, const struct gcs_member_id *self)
{
    const struct gcs_rival *first = gcs_rivals_first(rivals);
    size_t same = 1, differ = 0;
    for (size_t i = 0; i < rivals->count; i++) {
        same += !rivals->list[i].differs;
        differ += rivals->list[i].differs;
    }
    if (differ == same)
        return first->differs && gcs_rival_compare(&first->id, self) < 0;
    return differ > same;
}
