/* SPDX-License-Identifier: BSD-3-Clause */
/* Planned repairs: see plans.h. */
#include "gcs/reliable/plans.h"

#include "gcs/base/memory.h"

void gcs_plans_init(struct gcs_plans *plans, const struct gcs_allocator *allocator)
{
    *plans = (struct gcs_plans){.allocator = allocator, .due = GCS_NEVER};
}

void gcs_plans_fini(struct gcs_plans *plans)
{
    gcs_release(plans->allocator, plans->plans);
    plans->plans = NULL;
}

static struct gcs_plan *place_of(const struct gcs_plans *plans, uint16_t rank, uint64_t number,
                                 uint16_t scope)
{
    uint64_t key = number + ((uint64_t)rank << 16 | scope) * UINT64_C(0x9e3779b97f4a7c15);
    return &plans->plans[(key ^ key >> 32) & (GCS_PLANS_MAX - 1)];
}

static bool is_for(const struct gcs_plan *plan, uint16_t rank, uint64_t number, uint16_t scope)
{
    return plan->until > 0 && plan->rank == rank && plan->number == number && plan->scope == scope;
}

bool gcs_plans_add(struct gcs_plans *plans, uint64_t now, const struct gcs_plan *plan)
{
    if (!plans->plans)
        plans->plans = gcs_allocate(plans->allocator, GCS_PLANS_MAX, sizeof(*plans->plans));
    if (!plans->plans)
        return false;
    struct gcs_plan *place = place_of(plans, plan->rank, plan->number, plan->scope);
    if (place->until > 0 && (place->due != GCS_NEVER || now < place->until))
        return false;
    *place = *plan;
    if (place->due < plans->due)
        plans->due = place->due;
    return true;
}

bool gcs_plans_drop(struct gcs_plans *plans, uint64_t now, uint16_t rank, uint64_t number,
                    uint16_t scope, uint64_t until)
{
    if (!plans->plans)
        return false;
    struct gcs_plan *place = place_of(plans, rank, number, scope);
    if (is_for(place, rank, number, scope)) {
        bool dropped = place->due != GCS_NEVER;
        place->due = GCS_NEVER;
        place->until = until;
        return dropped;
    }
    if (place->until == 0 || (place->due == GCS_NEVER && place->until <= now))
        *place = (struct gcs_plan){number, GCS_NEVER, until, rank, scope, 0};
    return false;
}

bool gcs_plans_next(struct gcs_plans *plans, uint64_t now, struct gcs_plan *plan)
{
    if (now < plans->due)
        return false;
    struct gcs_plan *first = NULL;
    uint64_t second = GCS_NEVER;
    for (uint32_t i = 0; i < GCS_PLANS_MAX; i++) {
        struct gcs_plan *place = &plans->plans[i];
        if (place->until == 0 || place->due == GCS_NEVER)
            continue;
        if (!first || place->due < first->due) {
            second = first ? first->due : GCS_NEVER;
            first = place;
        } else if (place->due < second) {
            second = place->due;
        }
    }
    if (!first || first->due > now) {
        plans->due = first ? first->due : GCS_NEVER;
        return false;
    }
    *plan = *first;
    first->due = GCS_NEVER;
    plans->due = second;
    return true;
}
