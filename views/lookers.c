/* SPDX-License-Identifier: BSD-3-Clause */
/* Those who look too: see lookers.h. */
#include "views/lookers.h"

#include "gcs/base/memory.h"

int gcs_lookers_init(struct gcs_lookers *lookers, const struct gcs_allocator *allocator,
                     uint16_t expect, uint64_t silent_ns)
{
    lookers->silent_ns = silent_ns;
    lookers->room = (uint16_t)(expect - 1);
    lookers->list = gcs_allocate(allocator, expect, sizeof(*lookers->list));
    return lookers->list ? 0 : GCS_ENOMEM;
}

void gcs_lookers_fini(struct gcs_lookers *lookers, const struct gcs_allocator *allocator)
{
    gcs_release(allocator, lookers->list);
}

static struct gcs_looker *find(struct gcs_lookers *lookers, const struct gcs_address *address)
{
    for (uint16_t i = 0; i < lookers->count; i++)
        if (gcs_address_equal(&lookers->list[i].member.id.address, address))
            return &lookers->list[i];
    return NULL;
}

/* A free place, or that of somebody who has fallen silent and taken no part in own ballot. */
static struct gcs_looker *free_place(struct gcs_lookers *lookers, uint64_t now)
{
    if (lookers->count < lookers->room)
        return &lookers->list[lookers->count++];
    for (uint16_t i = 0; i < lookers->count; i++) {
        struct gcs_looker *looker = &lookers->list[i];
        if (!gcs_looker_live(lookers, looker, now) && !looker->promised && !looker->accepted)
            return looker;
    }
    return NULL;
}

struct gcs_looker *gcs_lookers_note(struct gcs_lookers *lookers, uint64_t now,
                                    const struct gcs_member *member)
{
    if (gcs_address_equal(&member->id.address, &lookers->self))
        return NULL;
    struct gcs_looker *looker = find(lookers, &member->id.address);
    bool same = looker && gcs_member_process(&looker->member.id) == gcs_member_process(&member->id);
    if (!looker)
        looker = free_place(lookers, now);
    if (!looker)
        return NULL;
    if (!same)
        *looker = (struct gcs_looker){.heard = now};
    looker->member = *member;
    looker->heard = now;
    return looker;
}

bool gcs_looker_live(const struct gcs_lookers *lookers, const struct gcs_looker *looker,
                     uint64_t now)
{
    return now < looker->heard + lookers->silent_ns;
}

uint16_t gcs_lookers_here(const struct gcs_lookers *lookers, uint64_t now)
{
    uint16_t here = 1;
    for (uint16_t i = 0; i < lookers->count; i++)
        here = (uint16_t)(here + gcs_looker_live(lookers, &lookers->list[i], now));
    return here;
}

uint16_t gcs_lookers_before(const struct gcs_lookers *lookers, uint64_t now,
                            const struct gcs_member_id *self)
{
    uint16_t before = 0;
    for (uint16_t i = 0; i < lookers->count; i++) {
        const struct gcs_looker *looker = &lookers->list[i];
        before = (uint16_t)(before + (gcs_looker_live(lookers, looker, now) &&
                                      looker->member.id.incarnation < self->incarnation));
    }
    return before;
}
