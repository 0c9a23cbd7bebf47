/* SPDX-License-Identifier: BSD-3-Clause */
/* The tree of an era: its beginning and end, and who is who in it. See tree.h. */
#include "gcs/tree.h"

#include "gcs/group.h"

#define OVERLAY_REGIONS 4u       /* from more regions than these on */
#define RTT_FIRST_NS    1000000u /* before it is measured */
#define RTT_LEAST_NS    100000u
#define RTT_MOST_NS     50000000u
#define RTT_EVERY_NS    100000000u

static bool is_labelled(const struct gcs_era *era)
{
    for (uint16_t rank = 0; rank < era->view.count; rank++)
        if (era->members[rank].label[0])
            return true;
    return false;
}

/* Only where one acknowledgement can be told by one number. */
static bool is_wanted(const struct gcs_era *era)
{
    uint32_t size = era->group->config.region_size;
    return size > 0 && era->orders[GCS_ERA_TOTAL]->ops->held &&
           (era->view.count > size || is_labelled(era));
}

static struct gcs_route *route_near(const struct gcs_era *era, const struct gcs_tree *tree)
{
    uint16_t size = gcs_region_size(&tree->regions, tree->region);
    struct gcs_route *route = gcs_route_new(era->allocator, (uint16_t)(size - 1));
    for (uint16_t place = 0, next = 0; route && place < size; place++) {
        uint16_t rank = gcs_region_member(&tree->regions, tree->region, place);
        if (rank != era->view.self)
            route->to[next++] = era->members[rank].id.address;
    }
    if (route)
        route->each = true;
    return route;
}

static bool open_tree(struct gcs_era *era, struct gcs_tree *tree, uint64_t now)
{
    uint16_t first, end, count = era->view.count;
    gcs_plans_init(&tree->plans, era->allocator);
    tree->region = tree->regions.region_of[era->view.self];
    tree->place = tree->regions.place_of[era->view.self];
    tree->near = route_near(era, tree);
    tree->overlay = !era->group->core->config.multicast && tree->regions.count > OVERLAY_REGIONS;
    gcs_region_children(&tree->regions, tree->region, &first, &end);
    uint16_t children = (uint16_t)(gcs_region_size(&tree->regions, tree->region) + end - first);
    tree->stable = gcs_allocate(era->allocator, 2 * (size_t)count, sizeof(*tree->stable));
    if (!gcs_combine_init(&tree->combine, era->allocator, children, tree->place, count) ||
        !tree->near || !tree->stable)
        return false;
    tree->told = tree->stable + count;
    tree->rtt_ns = RTT_FIRST_NS;
    tree->rtt_due = now;
    tree->report_due = tree->again_due = GCS_NEVER;
    tree->top_due = tree->unheard_due = now;
    return true;
}

bool gcs_tree_open(struct gcs_era *era, uint64_t now)
{
    struct gcs_regions regions;
    if (!is_wanted(era))
        return true;
    if (!gcs_regions_init(&regions, era->allocator, era->members, era->view.count,
                          (uint16_t)era->group->config.region_size))
        return false;
    bool single = regions.count == 1;
    if (!single)
        era->tree = gcs_allocate(era->allocator, 1, sizeof(*era->tree));
    if (!era->tree) {
        gcs_regions_fini(&regions);
        return single;
    }
    era->tree->regions = regions;
    for (uint16_t rank = 0; rank < era->view.count; rank++)
        gcs_missing_init(&era->fellows[rank].missing);
    return open_tree(era, era->tree, now);
}

void gcs_tree_close(struct gcs_era *era)
{
    struct gcs_tree *tree = era->tree;
    if (!tree)
        return;
    gcs_plans_fini(&tree->plans);
    gcs_route_unref(tree->near);
    if (tree->combine.allocator)
        gcs_combine_fini(&tree->combine);
    if (tree->regions.allocator)
        gcs_regions_fini(&tree->regions);
    gcs_release(era->allocator, tree->stable);
    gcs_release(era->allocator, tree);
    era->tree = NULL;
}

uint64_t gcs_tree_deadline(const struct gcs_era *era)
{
    const struct gcs_tree *tree = era->tree;
    uint64_t due = tree->plans.due < tree->report_due ? tree->plans.due : tree->report_due;
    due = tree->again_due < due ? tree->again_due : due;
    due = tree->unheard_due < due ? tree->unheard_due : due;
    return tree->top_due < due ? tree->top_due : due;
}

uint16_t gcs_tree_acting(const struct gcs_era *era, uint16_t region)
{
    const struct gcs_regions *regions = &era->tree->regions;
    uint16_t size = gcs_region_size(regions, region);
    for (uint16_t place = 0; place < size; place++) {
        uint16_t rank = gcs_region_member(regions, region, place);
        const struct gcs_peer *peer = era->fellows[rank].peer;
        if (!peer || !gcs_peer_suspected(peer))
            return rank;
    }
    return gcs_region_member(regions, region, 0);
}

bool gcs_tree_is_near(const struct gcs_era *era, const struct gcs_address *address)
{
    const struct gcs_route *near = era->tree->near;
    for (uint16_t i = 0; i < near->count; i++)
        if (gcs_address_equal(&near->to[i], address))
            return true;
    return false;
}

uint64_t gcs_tree_rtt(struct gcs_era *era, uint64_t now)
{
    struct gcs_tree *tree = era->tree;
    uint64_t rtt = 0;
    if (now < tree->rtt_due)
        return tree->rtt_ns;
    uint16_t size = gcs_region_size(&tree->regions, tree->region);
    for (uint16_t place = 0; place < size; place++) {
        uint16_t rank = gcs_region_member(&tree->regions, tree->region, place);
        const struct gcs_peer *peer = era->fellows[rank].peer;
        if (peer && gcs_peer_rtt(peer) > rtt)
            rtt = gcs_peer_rtt(peer);
    }
    if (rtt > 0)
        tree->rtt_ns = rtt < RTT_LEAST_NS ? RTT_LEAST_NS : rtt > RTT_MOST_NS ? RTT_MOST_NS : rtt;
    tree->rtt_due = now + RTT_EVERY_NS;
    return tree->rtt_ns;
}

void gcs_tree_send(struct gcs_era *era, struct gcs_route *route, uint8_t type, const uint8_t *body,
                   size_t size)
{
    struct gcs_envelope envelope = {era->group->tag, era->view.lineage, era->view.epoch,
                                    era->view.self};
    gcs_core_multicast_frame(era->group->core, &envelope, route, type, body, size);
}
