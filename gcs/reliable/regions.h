/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tree of regions: the members of a large view in groups that repair each
 * other's losses and speak for each other. A pure function of the view, so all
 * members compute the same without a word: labels decide where members have them,
 * and seniority. A region's members in order of rank are its coordinator, its first
 * backup, and so on.
 *
 * Two parts of a label count: the site and the rack. No region has members of two
 * sites. A rack is not divided unless it is larger than a region; small ones share one.
 * Members without a label are a site of their own.
 *
 * The regions themselves form a tree by number, that of rank 0 at its root, with at
 * most fan_out children each: what reaches one member is bounded by the size of a
 * region and the fan-out, whatever the size of the group. The regions of a site are a
 * tree below its first one, and the first ones of all sites are a tree, so that what
 * goes to a site goes there once.
 */
#ifndef GCS_RELIABLE_REGIONS_H
#define GCS_RELIABLE_REGIONS_H

#include <gcs/core.h>

#define GCS_REGION_NONE 0xffff

struct gcs_regions {
    const struct gcs_allocator *allocator;
    uint16_t count;      /* regions */
    uint16_t fan_out;    /* most children of one; of a site's first region, which has the next
                            sites below it, at least 3 */
    uint16_t members;    /* of the view */
    uint16_t *region_of; /* per rank */
    uint16_t *place_of;  /* per rank: 0 is the coordinator, 1 the first backup */
    uint16_t *order;     /* ranks, region after region, in each by rank */
    uint16_t *start;     /* per region and one more: where its ranks begin in order */
    uint16_t *parent;    /* per region; GCS_REGION_NONE for the root */
    uint16_t *child;     /* per region and one more: its children are [child[r], child[r + 1]) */
};

/* Regions of at most size members, those of a site or rack that is divided nearly alike in size.
 * False: out of memory. size at least 2. */
bool gcs_regions_init(struct gcs_regions *regions, const struct gcs_allocator *allocator,
                      const struct gcs_member *members, uint16_t count, uint16_t size);
void gcs_regions_fini(struct gcs_regions *regions);

static inline uint16_t gcs_region_size(const struct gcs_regions *regions, uint16_t region)
{
    return (uint16_t)(regions->start[region + 1] - regions->start[region]);
}

/* The rank that has the place in the region. */
static inline uint16_t gcs_region_member(const struct gcs_regions *regions, uint16_t region,
                                         uint16_t place)
{
    return regions->order[regions->start[region] + place];
}

/* GCS_REGION_NONE for the root. */
static inline uint16_t gcs_region_parent(const struct gcs_regions *regions, uint16_t region)
{
    return regions->parent[region];
}

/* The region's children are [*first, *end). */
static inline void gcs_region_children(const struct gcs_regions *regions, uint16_t region,
                                       uint16_t *first, uint16_t *end)
{
    *first = regions->child[region];
    *end = regions->child[region + 1];
}

/* The neighbour of from in the tree that is nearest to another region, to. */
uint16_t gcs_region_towards(const struct gcs_regions *regions, uint16_t from, uint16_t to);

/* How many levels of regions there are: 1 is the root alone. */
uint16_t gcs_regions_depth(const struct gcs_regions *regions);

#endif
