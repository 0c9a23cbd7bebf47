/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tree of regions: everybody is in one, none is too large, the root's first is
 * rank 0, and from each region a way leads to each other one.
 */
#include "gcs/reliable/regions.h"
#include "tests/unit/scarce.h"
#include "tests/unit/suite.h"

static struct scarce memory;
static struct gcs_regions regions;

static void build(uint16_t members, uint16_t size)
{
    scarce_init(&memory);
    ck_assert(gcs_regions_init(&regions, &memory.allocator, members, size));
}

static void drop(void)
{
    gcs_regions_fini(&regions);
    ck_assert_uint_eq(memory.live, 0);
}

static void check_membership(uint16_t members, uint16_t size)
{
    uint16_t all = 0;
    for (uint16_t region = 0; region < regions.count; region++) {
        uint16_t here = gcs_region_size(&regions, region);
        ck_assert_uint_ge(here, 1);
        ck_assert_uint_le(here, size);
        ck_assert_uint_ge(here + 1u, gcs_region_size(&regions, 0)); /* nearly alike */
        for (uint16_t place = 0; place < here; place++, all++) {
            uint16_t rank = gcs_region_member(&regions, region, place);
            ck_assert_uint_eq(regions.region_of[rank], region);
            ck_assert_uint_eq(regions.place_of[rank], place);
        }
    }
    ck_assert_uint_eq(all, members);
    ck_assert_uint_eq(gcs_region_member(&regions, 0, 0), 0);
}

START_TEST(everybody_is_in_one_region)
{
    static const uint16_t sizes[] = {2, 3, 8, 16, 100};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        for (uint16_t members = 1; members <= GCS_MEMBERS_MAX; members = (uint16_t)(members * 3 / 2 + 1)) {
            build(members, sizes[i]);
            check_membership(members, sizes[i]);
            drop();
        }
    }
}
END_TEST

START_TEST(children_and_parents_agree)
{
    build(1000, 16);
    uint16_t seen = 1;
    for (uint16_t region = 0; region < regions.count; region++) {
        uint16_t first, end;
        gcs_region_children(&regions, region, &first, &end);
        ck_assert_uint_le(end - first, regions.fan_out);
        for (uint16_t child = first; child < end; child++, seen++)
            ck_assert_uint_eq(gcs_region_parent(&regions, child), region);
    }
    ck_assert_uint_eq(seen, regions.count);
    ck_assert_uint_eq(gcs_region_parent(&regions, 0), GCS_REGION_NONE);
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
    } cases[] = {{8, 16, 1}, {16, 16, 1}, {17, 16, 2}, {64, 16, 2}, {64, 8, 3}, {256, 16, 3}, {1000, 16, 3}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        build(cases[i].members, cases[i].size);
        ck_assert_uint_eq(gcs_regions_depth(&regions), cases[i].depth);
        drop();
    }
}
END_TEST

START_TEST(no_memory_no_regions)
{
    scarce_init(&memory);
    scarce_fail(&memory, 1, true);
    ck_assert(!gcs_regions_init(&regions, &memory.allocator, 100, 16));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        everybody_is_in_one_region, children_and_parents_agree, every_way_leads_there,
        depth_grows_with_the_logarithm, no_memory_no_regions,
    };
    return suite_run("regions", tests, SUITE_SIZE(tests));
}
