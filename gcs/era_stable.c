/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who asked for it is told when agreed messages that were delivered at once have become
 * safe: for the last one of all that have, since everything before it has too. What is left
 * at the end of a view needs no word: whoever comes along into the next one has it.
 */
#include "gcs/era.h"

#include "gcs/base/mutant.h"
#include "gcs/group.h"

#define INITIAL 64u

static struct gcs_unsettled *unsettled_at(const struct gcs_era *era, uint64_t index)
{
    return &era->unsettled[index & (era->unsettled_capacity - 1)];
}

static bool grow(struct gcs_era *era)
{
    uint32_t capacity = era->unsettled_capacity ? 2 * era->unsettled_capacity : INITIAL;
    struct gcs_unsettled *ring = gcs_allocate(era->allocator, capacity, sizeof(*ring));
    if (!ring)
        return false;
    for (uint64_t i = era->unsettled_head; i < era->unsettled_tail; i++)
        ring[i & (capacity - 1)] = *unsettled_at(era, i);
    gcs_release(era->allocator, era->unsettled);
    era->unsettled = ring;
    era->unsettled_capacity = capacity;
    return true;
}

/* A new member's deliveries wait for the state, and a view follows that one. */
static bool wanted(const struct gcs_era *era)
{
    return era->group->config.stable && !era->frozen && !era->group->sync;
}

int gcs_era_unsettled(struct gcs_era *era, const struct gcs_core_event *delivery)
{
    if (!wanted(era))
        return 0;
    if (era->unsettled_tail - era->unsettled_head == era->unsettled_capacity && !grow(era))
        return GCS_ENOMEM;
    *unsettled_at(era, era->unsettled_tail++) = (struct gcs_unsettled){
        delivery->position, delivery->number + delivery->count - 1, delivery->rank};
    return 0;
}

static int tell(struct gcs_era *era, uint64_t now, const struct gcs_unsettled *last)
{
    struct gcs_core_event event = {
        .type = GCS_EVENT_STABLE,
        .group = era->group,
        .user = era->group->user,
        .sender = &era->members[last->rank].id,
        .number = last->number + GCS_MUTANT(stable_ahead),
        .service = GCS_AGREED,
        .rank = last->rank,
        .token = era,
    };
    struct gcs_trace_event record = {
        .type = GCS_TRACE_STABLE,
        .now = now,
        .sender = event.sender,
        .number = event.number,
        .service = GCS_AGREED,
    };
    if (!gcs_events_push(&era->group->core->events, &event))
        return GCS_ENOMEM;
    era->refs++;
    if (era->group->core->config.trace)
        gcs_era_trace(era, &record);
    return 0;
}

int gcs_era_settle(struct gcs_era *era, uint64_t now)
{
    const struct gcs_order_engine *total = era->orders[GCS_ERA_TOTAL];
    struct gcs_unsettled last = {.number = 0};
    if (!wanted(era))
        era->unsettled_head = era->unsettled_tail;
    while (era->unsettled_head < era->unsettled_tail) {
        const struct gcs_unsettled *first = unsettled_at(era, era->unsettled_head);
        if (!total->ops->safe(total, first->position) && !GCS_MUTANT(stable_at_once))
            break;
        last = *first;
        era->unsettled_head++;
    }
    return last.number > 0 ? tell(era, now, &last) : 0;
}
