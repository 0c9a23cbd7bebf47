/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Data down the tree, where the network has no multicast: a sender sends to its own
 * region; who acts for a region passes on to the regions next to it, and what comes
 * from there to its own. So nobody sends more copies of a packet than its region has
 * members and neighbours. If somebody on the way is dead and nobody knows it yet,
 * those beyond learn from the sender that there is something (tree_report.c), and ask
 * around the dead one (tree_repair.c); once it is suspected its backup acts for it.
 */
#include "gcs/group.h"

static void send_to_region(struct gcs_era *era, uint16_t region, struct gcs_buffer *buffer,
                           const uint8_t *data, size_t size)
{
    uint16_t to = gcs_tree_acting(era, region);
    gcs_outbox_unicast(&era->group->core->outbox, &era->members[to].id.address, buffer, data, size);
}

/* To the regions next to ours, but for one. */
static void send_on(struct gcs_era *era, uint16_t but, struct gcs_buffer *buffer,
                    const uint8_t *data, size_t size)
{
    const struct gcs_tree *tree = era->tree;
    uint16_t first, end, parent = gcs_region_parent(&tree->regions, tree->region);
    gcs_region_children(&tree->regions, tree->region, &first, &end);
    if (parent != GCS_REGION_NONE && parent != but)
        send_to_region(era, parent, buffer, data, size);
    for (uint16_t region = first; region < end; region++)
        if (region != but)
            send_to_region(era, region, buffer, data, size);
}

static bool acts(const struct gcs_era *era)
{
    return gcs_tree_acting(era, era->tree->region) == era->view.self;
}

void gcs_tree_multicast(struct gcs_era *era, struct gcs_buffer *buffer, const uint8_t *data,
                        size_t size)
{
    struct gcs_outbox *outbox = &era->group->core->outbox;
    if (!era->tree->overlay) {
        gcs_outbox_multicast(outbox, era->others, buffer, data, size);
        return;
    }
    gcs_outbox_multicast(outbox, era->tree->near, buffer, data, size);
    if (acts(era))
        send_on(era, GCS_REGION_NONE, buffer, data, size);
}

void gcs_tree_spread(struct gcs_era *era, const struct gcs_address *from, uint16_t rank,
                     uint64_t number, uint32_t attempts)
{
    const struct gcs_tree *tree = era->tree;
    const struct gcs_held *packet = gcs_window_get(&era->fellows[rank].window, number);
    uint16_t home = tree->regions.region_of[rank];
    if (!tree->overlay || !packet || !acts(era))
        return;
    if (home == tree->region) {
        send_on(era, GCS_REGION_NONE, packet->buffer, packet->data, packet->size);
        return;
    }
    /* What was repeated in the region, or is going to be by who asked beyond it, is known there. */
    if (!gcs_tree_is_near(era, from) && attempts <= 1)
        gcs_outbox_multicast(&era->group->core->outbox, tree->near, packet->buffer, packet->data,
                             packet->size);
    send_on(era, gcs_region_towards(&tree->regions, tree->region, home), packet->buffer,
            packet->data, packet->size);
}

bool gcs_tree_spreads_to(const struct gcs_era *era, uint16_t rank, uint16_t to)
{
    const struct gcs_regions *regions = &era->tree->regions;
    uint16_t self = era->tree->region, region = regions->region_of[to];
    uint16_t home = regions->region_of[rank];
    bool beside = region != self && (gcs_region_parent(regions, region) == self ||
                                     gcs_region_parent(regions, self) == region);
    return era->tree->overlay && acts(era) && beside && gcs_tree_acting(era, region) == to &&
           (home == self || gcs_region_towards(regions, self, home) != region);
}

void gcs_tree_send_down(struct gcs_era *era, uint8_t type, const uint8_t *body, size_t size)
{
    const struct gcs_tree *tree = era->tree;
    uint16_t first, end;
    if (!tree->overlay) {
        gcs_tree_send(era, era->others, type, body, size);
        return;
    }
    gcs_tree_send(era, tree->near, type, body, size);
    gcs_region_children(&tree->regions, tree->region, &first, &end);
    for (uint16_t region = first; region < end; region++)
        gcs_era_send_frame(era, &era->members[gcs_tree_acting(era, region)].id.address, type, body,
                           size);
}
