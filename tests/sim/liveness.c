/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether the group is well: everybody who should be is in one view, and all
 * that was sent in it has been delivered by all. And whether it could still
 * get well if one more process died, which decides who may die.
 */
#include "tests/sim/internal.h"

#include <stdlib.h>
#include <string.h>

static unsigned wanted_count(const struct world *world)
{
    unsigned count = 0;

    for (unsigned i = 0; i < world->options.members; i++)
        count += world->nodes[i].wanted;
    return count;
}

/* What this node still lacks, or NULL. */
static const char *lacks(const struct world *world, const struct node *node,
                         const struct node *model, uint64_t sent)
{
    const struct gcs_view *now;
    const struct record *view;

    if (!node->core)
        return "is not running";
    if (!node_in_group(node))
        return node->joined ? "is not in the primary" : "has not got in";
    if (node->epoch != model->epoch || node->proposer != model->proposer)
        return "is in another view";
    view = &world->result->log.records[node->view_record];
    if (view->members_count != wanted_count(world))
        return "is in a view with too few or too many members";
    if (node->blocked)
        return "is blocked";
    if (node->pending.count > 0)
        return node->full ? "waits to multicast" : "has not multicast everything";
    if (node->accepted.count > 0)
        return "has not sent everything";
    if (node->view_delivered != sent)
        return "has not delivered everything";
    if (node->held_count > 0)
        return "has not given everything back";
    if (node->evicted &&
        (node->epoch == node->evicted_in || recorder_node(world, node->evicted_by)))
        return "is still to be evicted";
    if (!node->synced)
        return "has not got the state";
    now = gcs_core_view(node->group);
    if (now->members[now->self].syncing)
        return "has no vote yet";
    return NULL;
}

bool liveness_is_well(struct world *world, char *why, size_t size)
{
    const struct node *model = NULL;
    uint64_t sent = 0;

    world->apart = false;
    for (unsigned i = 0; i < world->options.members; i++) {
        const struct node *node = &world->nodes[i];

        if (node->wanted && node->core && (!model || node->epoch > model->epoch))
            model = node;
        sent += node->wanted ? node->view_sent : 0;
    }
    for (unsigned i = 0; i < world->options.members && model; i++) {
        const struct node *node = &world->nodes[i];
        const char *text = node->wanted ? lacks(world, node, model, sent) : NULL;

        if (text) {
            snprintf(why, size, "n%u %s (view %u, %llu of %llu delivered)", i, text, node->epoch,
                     (unsigned long long)node->view_delivered, (unsigned long long)sent);
            return false;
        }
        if (!node->wanted && node->leaving) {
            snprintf(why, size, "n%u has not left", i);
            return false;
        }
    }
    for (unsigned i = 0; i < world->options.members && model; i++) {
        const struct node *node = &world->nodes[i];

        if (node->wanted && !state_agrees(world, node, model, why, size))
            return false;
    }
    if (!workload_is_done(world)) {
        snprintf(why, size, "not everything was multicast");
        return false;
    }
    return private_is_done(world, why, size);
}

/* ---- Who may die ------------------------------------------------------------------- */

static bool is_leaving(struct world *world, uint32_t member)
{
    const struct node *node = recorder_node(world, member);

    return node && (node->leaving || node->evicted);
}

/* A view can go on without the node: a quorum lives, also of any view that is on its way. */
static bool view_survives(struct world *world, const struct known_view *view,
                          const struct node *node)
{
    const struct record *record = &world->result->log.records[view->record];
    uint32_t all = 0, alive = 0, leaving = 0, staying = 0, most = 0, least;

    for (size_t i = 0; i < record->members_count; i++) {
        uint32_t member = world->result->log.lists.items[record->members + i];
        uint32_t votes = record_votes(&world->result->log, record, i);
        const struct node *other = recorder_node(world, member);

        all += votes;
        most = votes > most ? votes : most;
        alive += other && other != node ? votes : 0;
        leaving += is_leaving(world, member) ? votes : 0;
        staying += other && other != node && !is_leaving(world, member) &&
                   (votes > 0 || world->group_config.state);
    }
    if (2 * alive <= all || staying == 0) /* if all who are left leave the group has ended */
        return false;
    /*
     * Members may have been taken along into a view that is being agreed on, and have died
     * since: a quorum of the smallest one that can come out must live. With a tie-breaker
     * half of those who stay may make it.
     */
    least = record->tie_breaker ? (all - leaving + 1) / 2 : (all - leaving) / 2 + 1;
    return !view->blocked || 2 * most * (view->crashes + 1) < least;
}

static bool is_member(const struct world *world, const struct known_view *view, uint32_t member)
{
    const struct record *record = &world->result->log.records[view->record];

    return record_names(&world->result->log, record->members, record->members_count, member);
}

bool liveness_may_crash(struct world *world, const struct node *node)
{
    const struct known_view *latest = recorder_latest(world);

    if (!latest || !view_survives(world, latest, node))
        return false;
    for (unsigned i = 0; i < world->options.members; i++) {
        const struct node *other = &world->nodes[i];
        struct known_view *view;

        if (!other->core || other->epoch == 0 || other->epoch >= latest->epoch ||
            !is_member(world, latest, other->member))
            continue;
        view = recorder_find(world, other->epoch, other->proposer);
        if (view && !view_survives(world, view, node))
            return false;
    }
    return true;
}
