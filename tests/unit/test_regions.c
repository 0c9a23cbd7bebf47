/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tree of regions: everybody is in one, none is too large, the root's first is
 * rank 0, and from each region a way leads to each other one.
 */
#include "gcs/reliable/regions.h"
#include "tests/unit/scarce.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct scarce memory;
static struct gcs_regions regions;
static struct gcs_member members[GCS_MEMBERS_MAX];

/* Whatever labels they have. */
static void build_labelled(uint16_t count, uint16_t size)
{
    scarce_init(&memory);
    ck_assert(gcs_regions_init(&regions, &memory.allocator, members, count, size));
}

static void build(uint16_t count, uint16_t size)
{
    memset(members, 0, sizeof(members));
    build_labelled(count, size);
}

static void drop(void)
{
    gcs_regions_fini(&regions);
    ck_assert_uint_eq(memory.live, 0);
}

static void check_membership(uint16_t count, uint16_t size, bool alike)
{
    uint16_t all = 0;
    for (uint16_t region = 0; region < regions.count; region++) {
        uint16_t here = gcs_region_size(&regions, region);
        ck_assert_uint_ge(here, 1);
        ck_assert_uint_le(here, size);
        if (alike)
            ck_assert_uint_ge(here + 1u, gcs_region_size(&regions, 0));
        for (uint16_t place = 0; place < here; place++, all++) {
            uint16_t rank = gcs_region_member(&regions, region, place);
            ck_assert_uint_eq(regions.region_of[rank], region);
            ck_assert_uint_eq(regions.place_of[rank], place);
        }
    }
    ck_assert_uint_eq(all, count);
    ck_assert_uint_eq(gcs_region_member(&regions, 0, 0), 0);
}

START_TEST(everybody_is_in_one_region)
{
    static const uint16_t sizes[] = {2, 3, 8, 16, 100};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        for (uint16_t count = 1; count <= GCS_MEMBERS_MAX; count = (uint16_t)(count * 3 / 2 + 1)) {
            build(count, sizes[i]);
            check_membership(count, sizes[i], true);
            drop();
        }
    }
}
END_TEST

static void check_tree(uint16_t most)
{
    uint16_t seen = 1;
    for (uint16_t region = 0; region < regions.count; region++) {
        uint16_t first, end;
        gcs_region_children(&regions, region, &first, &end);
        ck_assert_uint_le(end - first, most);
        for (uint16_t child = first; child < end; child++, seen++)
            ck_assert_uint_eq(gcs_region_parent(&regions, child), region);
    }
    ck_assert_uint_eq(seen, regions.count);
    ck_assert_uint_eq(gcs_region_parent(&regions, 0), GCS_REGION_NONE);
}

START_TEST(children_and_parents_agree)
{
    build(1000, 16);
    check_tree(regions.fan_out);
    ck_assert_uint_eq(gcs_regions_depth(&regions), 3);
    drop();
}
END_TEST

/* Each step is to a parent or a child, and the way ends. */
START_TEST(every_way_leads_there)
{
    build(200, 4);
    for (uint16_t from = 0; from < regions.count; from++) {
        for (uint16_t to = 0; to < regions.count; to++) {
            uint16_t at = from;
            for (unsigned steps = 0; at != to; steps++) {
                uint16_t next = gcs_region_towards(&regions, at, to);
                ck_assert(gcs_region_parent(&regions, next) == at ||
                          gcs_region_parent(&regions, at) == next);
                ck_assert_uint_lt(steps, 2u * gcs_regions_depth(&regions));
                at = next;
            }
        }
    }
    drop();
}
END_TEST

START_TEST(depth_grows_with_the_logarithm)
{
    static const struct {
        uint16_t members, size, depth;
    } cases[] = {{8, 16, 1}, {16, 16, 1},  {17, 16, 2},  {64, 16, 2},
                 {64, 8, 3}, {256, 16, 3}, {1000, 16, 3}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        build(cases[i].members, cases[i].size);
        ck_assert_uint_eq(gcs_regions_depth(&regions), cases[i].depth);
        drop();
    }
}
END_TEST

/* ---- Labels ----------------------------------------------------------------------------- */

static void label(uint16_t rank, const char *text)
{
    snprintf(members[rank].label, sizeof(members[rank].label), "%s", text);
}

static bool same_region(uint16_t a, uint16_t b)
{
    return regions.region_of[a] == regions.region_of[b];
}

/* Six members at two sites, as they joined. */
START_TEST(a_site_is_a_region)
{
    static const char *const labels[] = {"ams/r1/h1", "fra/r1/h1", "ams/r2/h1",
                                         "fra/r1/h2", "ams",       "fra/r7"};
    memset(members, 0, sizeof(members));
    for (uint16_t rank = 0; rank < 6; rank++)
        label(rank, labels[rank]);
    build_labelled(6, 16);
    ck_assert_uint_eq(regions.count, 2);
    for (uint16_t rank = 0; rank < 6; rank++)
        ck_assert_uint_eq(regions.region_of[rank], rank % 2);
    check_membership(6, 16, true);
    drop();
}
END_TEST

/* A site is not another one because their names begin alike, nor one that nobody named. */
START_TEST(sites_are_told_apart)
{
    static const char *const labels[] = {"", "a", "ab", "a/b", "", "ab/c/d", "a-b"};
    memset(members, 0, sizeof(members));
    for (uint16_t rank = 0; rank < 7; rank++)
        label(rank, labels[rank]);
    build_labelled(7, 16);
    ck_assert_uint_eq(regions.count, 4);
    ck_assert(same_region(0, 4) && same_region(1, 3) && same_region(2, 5));
    ck_assert(!same_region(0, 1) && !same_region(1, 2) && !same_region(6, 1) && !same_region(6, 2));
    drop();
}
END_TEST

/* Racks of 5, 5, 5 and 20 in regions of 8: the small ones would fit in pairs only if they were
 * torn, the large one is divided. */
START_TEST(racks_stay_together_where_they_fit)
{
    char text[GCS_LABEL_MAX + 1];
    memset(members, 0, sizeof(members));
    for (uint16_t rank = 0; rank < 35; rank++) {
        snprintf(text, sizeof(text), "ams/r%d/h%d", rank < 15 ? rank % 3 : 3, rank);
        label(rank, text);
    }
    build_labelled(35, 8);
    check_membership(35, 8, false);
    ck_assert_uint_eq(regions.count, 3 + 3);
    for (uint16_t rank = 3; rank < 15; rank++)
        ck_assert(same_region(rank, rank % 3));
    for (uint16_t rank = 0; rank < 15; rank++)
        ck_assert(!same_region(rank, (uint16_t)(15 + rank)));
    drop();
}
END_TEST

START_TEST(small_racks_share_a_region)
{
    char text[GCS_LABEL_MAX + 1];
    memset(members, 0, sizeof(members));
    for (uint16_t rank = 0; rank < 24; rank++) {
        snprintf(text, sizeof(text), "ams/r%d", rank % 8);
        label(rank, text);
    }
    build_labelled(24, 6);
    check_membership(24, 6, true);
    ck_assert_uint_eq(regions.count, 4);
    for (uint16_t rank = 8; rank < 24; rank++)
        ck_assert(same_region(rank, rank % 8));
    drop();
}
END_TEST

/* What goes to a site goes there once: the regions of a site hang below one of them. */
static void check_sites(uint16_t count)
{
    uint16_t entries[GCS_MEMBERS_MAX] = {0};
    for (uint16_t region = 1; region < regions.count; region++) {
        const char *own = members[gcs_region_member(&regions, region, 0)].label;
        const char *above =
            members[gcs_region_member(&regions, gcs_region_parent(&regions, region), 0)].label;
        unsigned site = (unsigned)strtoul(own + 1, NULL, 10);
        if (site != (unsigned)strtoul(above + 1, NULL, 10))
            entries[site]++;
    }
    for (uint16_t site = 0; site < count; site++)
        ck_assert_uint_eq(entries[site], site > 0);
}

START_TEST(a_site_is_entered_once)
{
    static const uint16_t sizes[] = {2, 4, 8, 16};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        for (uint16_t sites = 1; sites <= 40; sites = (uint16_t)(2 * sites + 1)) {
            char text[GCS_LABEL_MAX + 1];
            memset(members, 0, sizeof(members));
            for (uint16_t rank = 0; rank < 500; rank++) {
                snprintf(text, sizeof(text), "s%d/r%d/h", rank % sites, rank % 7);
                label(rank, text);
            }
            build_labelled(500, sizes[i]);
            check_membership(500, sizes[i], false);
            check_tree(regions.fan_out > 3 ? regions.fan_out : 3);
            check_sites(sites);
            drop();
        }
    }
}
END_TEST

/* As many places as members: the worst case. */
START_TEST(everybody_is_elsewhere)
{
    char text[GCS_LABEL_MAX + 1];
    memset(members, 0, sizeof(members));
    for (uint16_t rank = 0; rank < GCS_MEMBERS_MAX; rank++) {
        snprintf(text, sizeof(text), "s%d", rank);
        label(rank, text);
    }
    build_labelled(GCS_MEMBERS_MAX, 16);
    ck_assert_uint_eq(regions.count, GCS_MEMBERS_MAX);
    check_tree(regions.fan_out);
    ck_assert_uint_le(gcs_regions_depth(&regions), 6); /* 4^5 = 1024 */
    drop();
}
END_TEST

START_TEST(no_memory_no_regions)
{
    memset(members, 0, sizeof(members));
    for (unsigned nth = 1; nth <= 2; nth++) {
        scarce_init(&memory);
        scarce_fail(&memory, nth, true);
        ck_assert(!gcs_regions_init(&regions, &memory.allocator, members, 100, 16));
        ck_assert_uint_eq(memory.live, 0);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        everybody_is_in_one_region,
        children_and_parents_agree,
        every_way_leads_there,
        depth_grows_with_the_logarithm,
        a_site_is_a_region,
        sites_are_told_apart,
        racks_stay_together_where_they_fit,
        small_racks_share_a_region,
        a_site_is_entered_once,
        everybody_is_elsewhere,
        no_memory_no_regions,
    };
    return suite_run("regions", tests, SUITE_SIZE(tests));
}
