/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Claims to be the primary. Each node in turn asks for a lease whenever it has
 * time; while a claim lasts nobody may claim in a later view that its holder is not
 * in.
 */
#include "tests/sim/internal.h"

static void check(struct world *world, const struct node *node, const struct node *other)
{
    const struct record *view = &world->result->log.records[node->view_record];

    if (other == node || other->claim_ends <= world->now || other->claim_epoch >= node->epoch ||
        other->claim_lineage != node->lineage)
        return;
    if (!record_names(&world->result->log, view->members, view->members_count, other->claim_member))
        world_fail(world, "lease",
                   "n%u claims the primary in view %u while n%u, which is not in it, has until "
                   "%.3f ms for view %u",
                   node->index, node->epoch, other->index, (double)other->claim_ends / 1e6,
                   other->claim_epoch);
}

void lease_claim(struct world *world, struct node *node)
{
    uint64_t until;

    if (!world->leases || !node_in_group(node) ||
        gcs_core_lease(node->group, node->local_now, &until) != 0)
        return;
    world->result->stats.claims++;
    for (unsigned i = 0; i < world->options.members; i++)
        check(world, node, &world->nodes[i]);
    node->claim_ends = node_global_time(node, until);
    node->claim_epoch = node->epoch;
    node->claim_lineage = node->lineage;
    node->claim_member = node->member;
}
