/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tree of regions: see regions.h. First racks and sites are found, in order of
 * their senior members; then each site's racks become regions; then the regions a
 * tree, in whose order, level by level, they are numbered.
 */
#include "gcs/reliable/regions.h"

#include "gcs/base/label.h"
#include "gcs/base/memory.h"

#include <assert.h>
#include <string.h>

#define FAN_OUT_MIN 2u

/* What it takes to make one, in order of finding; afterwards it is gone. */
struct draft {
    const struct gcs_member *members;
    uint16_t count, size, fan_out;
    uint16_t racks, sites, regions;
    uint16_t *rack_of; /* per rank */
    /* per rack */
    uint16_t *senior; /* its first rank */
    uint16_t *site;
    uint16_t *held;  /* its members */
    uint16_t *begin; /* its first region */
    /* per region */
    uint16_t *load;   /* its members */
    uint16_t *above;  /* its parent */
    uint16_t *number; /* in the tree */
    uint16_t *queue;  /* and the other way round */
};

#define DRAFT_ARRAYS 9

static bool draft_open(struct draft *draft, const struct gcs_allocator *allocator)
{
    uint16_t **arrays[DRAFT_ARRAYS] = {&draft->rack_of, &draft->senior, &draft->site,
                                       &draft->held,    &draft->begin,  &draft->load,
                                       &draft->above,   &draft->number, &draft->queue};
    uint16_t *memory =
        gcs_allocate(allocator, DRAFT_ARRAYS * (size_t)draft->count, sizeof(*memory));
    for (size_t i = 0; memory && i < DRAFT_ARRAYS; i++)
        *arrays[i] = memory + i * draft->count;
    return memory != NULL;
}

/* ---- Racks and sites -------------------------------------------------------------------- */

/* Whether the first parts of both labels are the same. */
static bool is_alike(const struct gcs_member *a, const struct gcs_member *b, unsigned parts)
{
    size_t size = gcs_label_prefix(a->label, parts);
    return size == gcs_label_prefix(b->label, parts) && memcmp(a->label, b->label, size) == 0;
}

/* The rack of a rank among those found so far, or the next one. */
static uint16_t rack_of(const struct draft *draft, uint16_t rank)
{
    uint16_t rack = 0;
    while (rack < draft->racks &&
           !is_alike(&draft->members[draft->senior[rack]], &draft->members[rank], 2))
        rack++;
    return rack;
}

static uint16_t site_of(const struct draft *draft, uint16_t rack)
{
    for (uint16_t other = 0; other < rack; other++)
        if (is_alike(&draft->members[draft->senior[other]], &draft->members[draft->senior[rack]],
                     1))
            return draft->site[other];
    return draft->sites;
}

static void find_racks(struct draft *draft)
{
    for (uint16_t rank = 0; rank < draft->count; rank++) {
        uint16_t rack = rack_of(draft, rank);
        if (rack == draft->racks) {
            draft->senior[rack] = rank;
            draft->site[rack] = site_of(draft, rack);
            draft->sites = (uint16_t)(draft->sites + (draft->site[rack] == draft->sites));
            draft->racks++;
        }
        draft->rack_of[rank] = rack;
        draft->held[rack]++;
    }
}

/* ---- Racks into regions ----------------------------------------------------------------- */

/* Into how many regions a rack is divided, as even as can be, the larger ones first. */
static uint16_t shares_of(const struct draft *draft, uint16_t rack)
{
    return (uint16_t)((draft->held[rack] + draft->size - 1) / draft->size);
}

/* Which of the rack's regions its n-th member is in. */
static uint16_t share_of(const struct draft *draft, uint16_t rack, uint16_t n)
{
    uint16_t shares = shares_of(draft, rack), least = draft->held[rack] / shares;
    uint16_t larger = draft->held[rack] % shares, in_larger = (uint16_t)(larger * (least + 1));
    return n < in_larger ? n / (uint16_t)(least + 1)
                         : (uint16_t)(larger + (uint16_t)(n - in_larger) / least);
}

/* Its own regions, or from first on the first one that has room for all of it. */
static void place_rack(struct draft *draft, uint16_t rack, uint16_t first)
{
    uint16_t shares = shares_of(draft, rack), region = first;
    while (region < draft->regions && draft->load[region] + draft->held[rack] > draft->size)
        region++;
    draft->begin[rack] = region;
    if (region < draft->regions) {
        draft->load[region] = (uint16_t)(draft->load[region] + draft->held[rack]);
        return;
    }
    for (uint16_t share = 0; share < shares; share++) /* a divided one shares with nobody */
        draft->load[draft->regions++] = shares > 1 ? draft->size : draft->held[rack];
}

/* ---- Regions into a tree ---------------------------------------------------------------- */

/* The regions of a site that begin with its first one, which has so many sites below it. */
static void hang_site(struct draft *draft, uint16_t first, uint16_t sites_below)
{
    uint16_t fan = draft->fan_out;
    uint16_t near = (uint16_t)(sites_below < fan ? fan - sites_below : 1);
    for (uint16_t place = 1; first + place < draft->regions; place++)
        draft->above[first + place] =
            (uint16_t)(place <= near ? first : first + 1 + (place - 1 - near) / fan);
}

/* Sites have each half of the fan-out for those below them. The heads are kept in queue. */
static void hang(struct draft *draft)
{
    uint16_t fan = (uint16_t)(draft->fan_out / 2 > FAN_OUT_MIN ? draft->fan_out / 2 : FAN_OUT_MIN);
    for (uint16_t site = 0; site < draft->sites; site++) {
        uint16_t first = draft->regions, begin = (uint16_t)(site * fan + 1);
        for (uint16_t rack = 0; rack < draft->racks; rack++)
            if (draft->site[rack] == site)
                place_rack(draft, rack, first);
        draft->queue[site] = first;
        draft->above[first] = site == 0 ? GCS_REGION_NONE : draft->queue[(site - 1) / fan];
        uint16_t below = (uint16_t)(begin < draft->sites ? draft->sites - begin : 0);
        hang_site(draft, first, below < fan ? below : fan);
    }
}

/* Level by level, so that children follow each other and parents come before them. */
static void number(struct draft *draft)
{
    uint16_t tail = 1;
    draft->queue[0] = draft->number[0] = 0;
    for (uint16_t head = 0; head < tail; head++) {
        for (uint16_t region = 1; region < draft->regions && tail < draft->regions; region++) {
            if (draft->above[region] != draft->queue[head])
                continue;
            draft->number[region] = tail;
            draft->queue[tail++] = region;
        }
    }
    assert(tail == draft->regions);
}

/* ---- What is kept ----------------------------------------------------------------------- */

static bool regions_open(struct gcs_regions *regions)
{
    size_t members = regions->members, count = regions->count;
    regions->region_of =
        gcs_allocate(regions->allocator, 3 * members + 3 * count + 2, sizeof(*regions->region_of));
    if (!regions->region_of)
        return false;
    regions->place_of = regions->region_of + members;
    regions->order = regions->place_of + members;
    regions->start = regions->order + members;
    regions->parent = regions->start + count + 1;
    regions->child = regions->parent + count;
    return true;
}

/* Everybody's region and place; held counts the members of a rack once more. */
static void seat(struct gcs_regions *regions, struct draft *draft)
{
    uint16_t *taken = draft->load;
    memset(taken, 0, draft->count * sizeof(*taken));
    for (uint16_t rack = 0; rack < draft->racks; rack++)
        draft->senior[rack] = 0;
    for (uint16_t rank = 0; rank < draft->count; rank++) {
        uint16_t rack = draft->rack_of[rank], n = draft->senior[rack]++;
        uint16_t drafted = (uint16_t)(draft->begin[rack] + share_of(draft, rack, n));
        uint16_t region = draft->number[drafted];
        regions->region_of[rank] = region;
        regions->place_of[rank] = taken[region]++;
    }
    for (uint16_t region = 0; region < draft->regions; region++)
        regions->start[region + 1] = (uint16_t)(regions->start[region] + taken[region]);
    for (uint16_t rank = 0; rank < draft->count; rank++)
        regions->order[regions->start[regions->region_of[rank]] + regions->place_of[rank]] = rank;
}

static void connect(struct gcs_regions *regions, const struct draft *draft)
{
    uint16_t next = 1;
    regions->parent[0] = GCS_REGION_NONE;
    for (uint16_t region = 1; region < regions->count; region++)
        regions->parent[region] = draft->number[draft->above[draft->queue[region]]];
    for (uint16_t region = 0; region < regions->count; region++) {
        regions->child[region] = next;
        while (next < regions->count && regions->parent[next] == region)
            next++;
    }
    regions->child[regions->count] = next;
}

bool gcs_regions_init(struct gcs_regions *regions, const struct gcs_allocator *allocator,
                      const struct gcs_member *members, uint16_t count, uint16_t size)
{
    assert(size >= 2 && count > 0);
    struct draft draft = {
        .members = members,
        .count = count,
        .size = size,
        .fan_out = (uint16_t)(size / 2 > FAN_OUT_MIN ? size / 2 : FAN_OUT_MIN),
    };
    *regions =
        (struct gcs_regions){.allocator = allocator, .members = count, .fan_out = draft.fan_out};
    if (!draft_open(&draft, allocator))
        return false;
    find_racks(&draft);
    hang(&draft);
    number(&draft);
    regions->count = draft.regions;
    bool opened = regions_open(regions);
    if (opened) {
        seat(regions, &draft);
        connect(regions, &draft);
    }
    gcs_release(allocator, draft.rack_of);
    return opened;
}

void gcs_regions_fini(struct gcs_regions *regions)
{
    gcs_release(regions->allocator, regions->region_of);
    *regions = (struct gcs_regions){.count = 0};
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
