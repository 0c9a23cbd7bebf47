/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a group tells the application and the trace: views with everything that
 * belongs to them in one event, and one trace record for each thing that
 * happened.
 */
#include "gcs/base/mutant.h"
#include "gcs/base/quorum.h"
#include "gcs/group.h"

/* A view change in one piece of memory; lives until the last event about it is given back. */
struct gcs_view_record {
    struct gcs_view_change change; /* first: events point here */
    const struct gcs_allocator *allocator;
    uint32_t refs;
    struct gcs_member *members;
    struct gcs_departure *left;
    uint16_t *ranks; /* survivors, joined */
};

static void destroy(struct gcs_view_record *record)
{
    gcs_release(record->allocator, record->members);
    gcs_release(record->allocator, record->left);
    gcs_release(record->allocator, record->ranks);
    gcs_release(record->allocator, record);
}

void gcs_view_change_unref(const struct gcs_view_change *change)
{
    struct gcs_view_record *record = (struct gcs_view_record *)(uintptr_t)change;
    if (record && --record->refs == 0)
        destroy(record);
}

static struct gcs_view_record *create(const struct gcs_era *era, size_t departed)
{
    const struct gcs_allocator *allocator = era->group->core->allocator;
    struct gcs_view_record *record = gcs_allocate(allocator, 1, sizeof(*record));
    if (!record)
        return NULL;
    record->allocator = allocator;
    record->refs = 1;
    record->members = gcs_allocate(allocator, era->view.count, sizeof(*record->members));
    record->left = gcs_allocate(allocator, departed, sizeof(*record->left));
    record->ranks = gcs_allocate(allocator, era->view.count, sizeof(*record->ranks));
    if (!record->members || !record->left || !record->ranks) {
        destroy(record);
        return NULL;
    }
    memcpy(record->members, era->members, era->view.count * sizeof(*record->members));
    record->change.view = era->view;
    record->change.view.members = record->members;
    if (GCS_MUTANT(view_without_self) && era->view.self + 1 == era->view.count)
        record->change.view.count--;
    for (uint16_t rank = 0; rank < era->view.count; rank++)
        record->change.votes += gcs_member_votes(&era->members[rank]);
    record->change.quorum = record->change.votes / 2 + 1;
    record->change.time = era->group->time.agreed;
    return record;
}

static void fill_departures(struct gcs_view_record *record, const struct gcs_era *before,
                            const struct gcs_proposal *value)
{
    for (uint16_t rank = 0; before && rank < value->closing_count; rank++) {
        if (value->reason[rank] == GCS_REASON_NONE)
            continue;
        record->left[record->change.left_count++] = (struct gcs_departure){
            .member = before->members[rank],
            .reason = (enum gcs_reason)value->reason[rank],
        };
    }
    record->change.left = record->left;
}

static bool push_view(struct gcs_core_group *group, uint64_t now,
                      const struct gcs_view_record *record)
{
    struct gcs_core_event event = {
        .type = GCS_EVENT_VIEW,
        .group = group,
        .user = group->user,
        .change = &record->change,
    };
    bool kept = gcs_state_holds(group, &event, record->change.view.epoch, 0)
                    ? gcs_state_keep(group, &event, record->change.view.epoch, 0)
                    : gcs_events_push(&group->core->events, &event);
    if (!kept)
        return false;
    if (GCS_MUTANT(skip_view_event) && record->change.survivors_count == 0)
        return true;
    if (GCS_MUTANT(repeat_view))
        gcs_group_trace_view(group, now, &record->change);
    gcs_group_trace_view(group, now, &record->change);
    return true;
}

bool gcs_group_tell_view(struct gcs_core_group *group, uint64_t now, const struct gcs_era *before,
                         const struct gcs_proposal *value)
{
    const struct gcs_era *era = group->era;
    struct gcs_view_record *record = create(era, value->closing_count);
    if (!record)
        return false;
    record->change.primary = true;
    record->change.merged = group->returning;
    record->change.unknown_from = group->returning ? group->unknown_from : 0;
    for (uint16_t rank = 0; rank < era->view.count; rank++)
        record->ranks[rank] = rank;
    if (before)
        record->change.survivors_count = value->survivors_count;
    record->change.survivors = record->ranks;
    record->change.joined_count = (uint16_t)(era->view.count - value->survivors_count);
    record->change.joined = record->ranks + value->survivors_count;
    fill_departures(record, before, value);
    if (GCS_MUTANT(stale_quorum) && before)
        record->change.quorum = before->view.count / 2u + 1;
    if (push_view(group, now, record))
        return true;
    destroy(record);
    return false;
}

bool gcs_group_tell_blocked(struct gcs_core_group *group, uint64_t now, int error)
{
    struct gcs_view_record *record = create(group->era, 0);
    if (!record)
        return false;
    record->change.error = error;
    if (push_view(group, now, record))
        return true;
    destroy(record);
    return false;
}

/* ---- Traces ----------------------------------------------------------------------------- */

static void trace(const struct gcs_core_group *group, const struct gcs_view *view,
                  struct gcs_trace_event *event)
{
    const struct gcs_core_config *config = &group->core->config;
    event->group = group->name;
    event->self = &group->self.id;
    if (view) {
        event->lineage = view->lineage;
        event->proposer = view->proposer;
        event->epoch = view->epoch;
    }
    config->trace(config->trace_ctx, event);
}

void gcs_group_trace(const struct gcs_core_group *group, enum gcs_trace_type type, uint64_t now)
{
    struct gcs_trace_event event = {.type = type, .now = now};
    if (group->core->config.trace)
        trace(group, group->era ? &group->era->view : NULL, &event);
}

void gcs_group_trace_view(const struct gcs_core_group *group, uint64_t now,
                          const struct gcs_view_change *change)
{
    struct gcs_trace_event event = {.type = GCS_TRACE_VIEW, .now = now, .change = change};
    if (group->core->config.trace)
        trace(group, &change->view, &event);
}

void gcs_era_trace(const struct gcs_era *era, struct gcs_trace_event *event)
{
    trace(era->group, &era->view, event);
}

void gcs_era_trace_message(const struct gcs_era *era, enum gcs_trace_type type, uint64_t now,
                           uint16_t rank, uint64_t number, uint8_t service, const void *data,
                           size_t size)
{
    struct gcs_trace_event event = {
        .type = type,
        .now = now,
        .sender = &era->members[rank].id,
        .number = number,
        .service = (enum gcs_service)service,
        .message = {data, size},
    };
    trace(era->group, &era->view, &event);
}
