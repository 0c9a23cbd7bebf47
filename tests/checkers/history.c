/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Builds the index: one pass over the records for memberships, views, stays
 * and messages, then sorts the views.
 */
#include "tests/checkers/history.h"

#include <stdlib.h>
#include <string.h>

/* ---- Building ------------------------------------------------------------ */

static uint32_t membership_of(struct history *history, uint32_t member, uint32_t group)
{
    uint32_t i = map_get(&history->memberships_map, member, group);

    if (i != MAP_NONE)
        return i;
    i = (uint32_t)history->memberships_count;
    history->memberships = memory_grow(history->memberships, i, &history->memberships_capacity,
                                       sizeof(*history->memberships));
    history->memberships[i] = (struct membership){member, group, NONE, NONE, NONE, NONE};
    map_set(&history->memberships_map, member, group, i);
    history->memberships_count++;
    return i;
}

static uint32_t message_of(struct history *history, const struct record *record)
{
    uint64_t key = (uint64_t)record->group << 32 | record->sender;
    uint32_t i = map_get(&history->messages_map, key, record->number);

    if (i != MAP_NONE)
        return i;
    i = (uint32_t)history->messages_count;
    history->messages =
        memory_grow(history->messages, i, &history->messages_capacity, sizeof(*history->messages));
    history->messages[i] = (struct message){record->group, record->sender, record->number, NONE};
    map_set(&history->messages_map, key, record->number, i);
    history->messages_count++;
    return i;
}

static uint32_t view_of(struct history *history, struct map *map, uint32_t index)
{
    const struct record *record = &history->log->records[index];
    uint64_t key = (uint64_t)record->group << 32 | record->epoch;
    uint32_t i = map_get(map, key, record->proposer);

    if (i != MAP_NONE)
        return i;
    i = (uint32_t)history->views_count;
    history->views =
        memory_grow(history->views, i, &history->views_capacity, sizeof(*history->views));
    history->views[i] =
        (struct view){record->group, record->epoch, record->proposer, index, {NULL, 0, 0}};
    map_set(map, key, record->proposer, i);
    history->views_count++;
    return i;
}

static void begin_stay(struct history *history, uint32_t membership, uint32_t view, uint32_t record)
{
    struct membership *m = &history->memberships[membership];
    uint32_t i = (uint32_t)history->stays_count++;
    struct stay *stay;

    history->stays =
        memory_grow(history->stays, i, &history->stays_capacity, sizeof(*history->stays));
    stay = &history->stays[i];
    memset(stay, 0, sizeof(*stay));
    stay->membership = membership;
    stay->member = m->member;
    stay->view = view;
    stay->previous = m->last_stay;
    stay->next = NONE;
    stay->begin = record;
    if (m->last_stay == NONE)
        m->first_stay = i;
    else
        history->stays[m->last_stay].next = i;
    m->last_stay = i;
}

/* A primary view that the member is in already is not a new stay. */
static bool is_new_view(const struct history *history, const struct membership *m, uint32_t view)
{
    return m->last_stay == NONE || history->stays[m->last_stay].view != view;
}

static void add_record(struct history *history, struct map *views, uint32_t index)
{
    const struct record *record = &history->log->records[index];
    uint32_t membership = membership_of(history, record->member, record->group);
    struct membership *m = &history->memberships[membership];

    if (record->type == RECORD_VIEW && record->primary) {
        uint32_t view = view_of(history, views, index);

        if (is_new_view(history, m, view))
            begin_stay(history, membership, view, index);
    } else if (record->type == RECORD_LEAVING) {
        m->leaving = index;
    } else if (record->type == RECORD_LEAVE || record->type == RECORD_CRASH) {
        if (m->ended == NONE)
            m->ended = index;
    }
    history->stay_of[index] = m->last_stay;
    if (record->type == RECORD_STABLE) {
        history->message_of[index] = message_of(history, record);
        if (m->last_stay != NONE)
            list_add(&history->stays[m->last_stay].stable, index);
    }
    if (record->type == RECORD_SEND || record->type == RECORD_DELIVER) {
        uint32_t message = message_of(history, record);

        history->message_of[index] = message;
        if (record->type == RECORD_SEND && history->messages[message].send == NONE)
            history->messages[message].send = index;
        if (m->last_stay != NONE)
            list_add(record->type == RECORD_SEND ? &history->stays[m->last_stay].sent
                                                 : &history->stays[m->last_stay].delivered,
                     index);
    }
}

static int compare_views(const void *left, const void *right)
{
    const struct view *a = left, *b = right;

    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    if (a->epoch != b->epoch)
        return a->epoch < b->epoch ? -1 : 1;
    return a->record < b->record ? -1 : 1;
}

/* Sorting moves the views, so the stays are told where theirs is now. */
static void sort_views(struct history *history)
{
    uint32_t *view_of_record = memory_new(history->log->count, sizeof(*view_of_record));
    uint32_t *old_record = memory_new(history->views_count, sizeof(*old_record));

    for (size_t i = 0; i < history->views_count; i++)
        old_record[i] = history->views[i].record;
    if (history->views_count > 0)
        qsort(history->views, history->views_count, sizeof(*history->views), compare_views);
    for (size_t i = 0; i < history->views_count; i++)
        view_of_record[history->views[i].record] = (uint32_t)i;
    for (size_t i = 0; i < history->stays_count; i++) {
        struct stay *stay = &history->stays[i];

        stay->view = view_of_record[old_record[stay->view]];
        list_add(&history->views[stay->view].stays, (uint32_t)i);
    }
    free(view_of_record);
    free(old_record);
}

void history_build(struct history *history, const struct log *log, bool complete)
{
    struct map views = {NULL, 0, 0};

    memset(history, 0, sizeof(*history));
    history->log = log;
    history->complete = complete;
    history->message_of = memory_new(log->count, sizeof(*history->message_of));
    history->stay_of = memory_new(log->count, sizeof(*history->stay_of));
    memset(history->message_of, 0xff, log->count * sizeof(*history->message_of));
    for (size_t i = 0; i < log->count; i++)
        add_record(history, &views, (uint32_t)i);
    map_clear(&views);
    sort_views(history);
}

void history_clear(struct history *history)
{
    for (size_t i = 0; i < history->stays_count; i++) {
        list_clear(&history->stays[i].sent);
        list_clear(&history->stays[i].delivered);
        list_clear(&history->stays[i].stable);
    }
    for (size_t i = 0; i < history->views_count; i++)
        list_clear(&history->views[i].stays);
    free(history->messages);
    free(history->memberships);
    free(history->stays);
    free(history->views);
    free(history->message_of);
    free(history->stay_of);
    map_clear(&history->messages_map);
    map_clear(&history->memberships_map);
    memset(history, 0, sizeof(*history));
}

/* ---- Reading ------------------------------------------------------------- */

const struct membership *history_membership(const struct history *history, uint32_t member,
                                            uint32_t group)
{
    uint32_t i = map_get(&history->memberships_map, member, group);

    return i == MAP_NONE ? NULL : &history->memberships[i];
}

uint32_t history_stay(const struct history *history, const struct view *view, uint32_t member)
{
    for (size_t i = 0; i < view->stays.count; i++) {
        if (history->stays[view->stays.items[i]].member == member)
            return view->stays.items[i];
    }
    return NONE;
}

const struct view *history_next_view(const struct history *history, const struct view *view)
{
    const struct view *end = history->views + history->views_count;

    for (const struct view *next = view + 1; next < end && next->group == view->group; next++) {
        if (next->epoch > view->epoch)
            return next;
    }
    return NULL;
}

bool record_names(const struct log *log, size_t first, size_t count, uint32_t member)
{
    for (size_t i = 0; i < count; i++) {
        if (log->lists.items[first + i] == member)
            return true;
    }
    return false;
}

bool view_has_member(const struct history *history, const struct view *view, uint32_t member)
{
    const struct record *record = &history->log->records[view->record];

    return record_names(history->log, record->members, record->members_count, member);
}

uint32_t history_destination(const struct history *history, const struct stay *stay)
{
    if (stay->next != NONE)
        return history->stays[stay->next].view;
    if (history->complete && history->memberships[stay->membership].ended == NONE &&
        !history_next_view(history, &history->views[stay->view]))
        return (uint32_t)history->views_count;
    return NONE;
}
