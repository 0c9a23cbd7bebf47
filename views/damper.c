/* SPDX-License-Identifier: BSD-3-Clause */
/* A table of addresses that come and go: see damper.h. */
#include "views/damper.h"

#include "gcs/wire/membership.h"

void gcs_damper_init(struct gcs_damper *damper, uint64_t hold_ns)
{
    *damper = (struct gcs_damper){.hold_ns = hold_ns};
}

/* Its place in the table; GCS_DAMPER_MAX: none. */
static int find(const struct gcs_damper *damper, const struct gcs_address *address)
{
    int i = 0;
    while (i < GCS_DAMPER_MAX && !gcs_address_equal(&damper->entries[i].address, address))
        i++;
    return i;
}

static struct gcs_damper_entry *place(struct gcs_damper *damper)
{
    struct gcs_damper_entry *oldest = &damper->entries[0];
    for (int i = 0; i < GCS_DAMPER_MAX; i++) {
        struct gcs_damper_entry *entry = &damper->entries[i];
        if (entry->address.length == 0)
            return entry;
        if (entry->until < oldest->until)
            oldest = entry;
    }
    return oldest;
}

/* What is left of the strikes at this time. */
static uint32_t remembered(const struct gcs_damper *damper, uint64_t now,
                           const struct gcs_damper_entry *entry)
{
    uint64_t longest = damper->hold_ns << GCS_DAMPER_DOUBLINGS;
    uint64_t forgotten = now > entry->until ? (now - entry->until) / longest : 0;
    return forgotten < entry->strikes ? entry->strikes - (uint32_t)forgotten : 0;
}

void gcs_damper_strike(struct gcs_damper *damper, uint64_t now, const struct gcs_address *address)
{
    int known = find(damper, address);
    struct gcs_damper_entry *entry =
        known < GCS_DAMPER_MAX ? &damper->entries[known] : place(damper);
    uint32_t strikes = known < GCS_DAMPER_MAX ? remembered(damper, now, entry) + 1 : 1;
    uint32_t doublings = strikes < 2 ? 0 : strikes - 2;
    if (doublings > GCS_DAMPER_DOUBLINGS) {
        doublings = GCS_DAMPER_DOUBLINGS;
        strikes = GCS_DAMPER_DOUBLINGS + 2;
    }
    *entry = (struct gcs_damper_entry){
        .address = *address,
        .strikes = strikes,
        .until = strikes < 2 ? now : now + (damper->hold_ns << doublings),
    };
}

bool gcs_damper_admits(const struct gcs_damper *damper, uint64_t now,
                       const struct gcs_address *address)
{
    int known = find(damper, address);
    return known == GCS_DAMPER_MAX || now >= damper->entries[known].until;
}
