/* SPDX-License-Identifier: BSD-3-Clause */
/* The tree of regions: see regions.h. */
#include "gcs/reliable/regions.h"

#include "gcs/base/memory.h"

#include <assert.h>

#define FAN_OUT_MIN 2u

/* count members into regions as even as can be, the larger ones first. */
static void divide(struct gcs_regions *regions)
{
    uint16_t least = regions->members / regions->count, more = regions->members % regions->count;
    uint16_t rank = 0;
    for (uint16_t region = 0; region < regions->count; region++) {
        uint16_t size = (uint16_t)(least + (region < more));
        regions->start[region] = rank;
        for (uint16_t place = 0; place < size; place++, rank++) {
            regions->order[rank] = rank;
            regions->region_of[rank] = region;
            regions->place_of[rank] = place;
        }
    }
    regions->start[regions->count] = rank;
}

bool gcs_regions_init(struct gcs_regions *regions, const struct gcs_allocator *allocator,
                      uint16_t members, uint16_t size)
{
    assert(size >= 2 && members > 0);
    *regions = (struct gcs_regions){
        .allocator = allocator,
        .count = (uint16_t)((members + size - 1) / size),
        .fan_out = (uint16_t)(size / 2 > FAN_OUT_MIN ? size / 2 : FAN_OUT_MIN),
        .members = members,
    };
    regions->region_of = gcs_allocate(allocator, 3 * (size_t)members + regions->count + 1,
                                      sizeof(*regions->region_of));
    if (!regions->region_of)
        return false;
    regions->place_of = regions->region_of + members;
    regions->order = regions->place_of + members;
    regions->start = regions->order + members;
    divide(regions);
    return true;
}

void gcs_regions_fini(struct gcs_regions *regions)
{
    gcs_release(regions->allocator, regions->region_of);
    *regions = (struct gcs_regions){.count = 0};
}

void gcs_region_children(const struct gcs_regions *regions, uint16_t region, uint16_t *first,
                         uint16_t *end)
{
    uint32_t begin = (uint32_t)region * regions->fan_out + 1, last = begin + regions->fan_out;
    *first = (uint16_t)(begin < regions->count ? begin : regions->count);
    *end = (uint16_t)(last < regions->count ? last : regions->count);
}

uint16_t gcs_region_towards(const struct gcs_regions *regions, uint16_t from, uint16_t to)
{
    uint16_t below = to;
    assert(from != to);
    /* Numbers grow away from the root: whoever is an ancestor has a smaller one. */
    while (to > from) {
        below = to;
        to = gcs_region_parent(regions, to);
    }
    return to == from ? below : gcs_region_parent(regions, from);
}

uint16_t gcs_regions_depth(const struct gcs_regions *regions)
{
    uint16_t depth = 1;
    for (uint16_t region = (uint16_t)(regions->count - 1); region > 0; depth++)
        region = gcs_region_parent(regions, region);
    return depth;
}
