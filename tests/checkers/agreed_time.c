/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Agreed time: an agreed message is delivered at the same group time and with the
 * same seed by all who go together, a safe one by all who deliver it, be it that they die
 * or are cut off right after; a view begins at the same time at all its members; and at
 * no member does time go back, also not from view to view. Two packets do not share a seed.
 */
#include "tests/checkers/checkers.h"

#include <inttypes.h>
#include <stdlib.h>

struct work {
    struct map first; /* message, destination: the first record that delivers it */
    struct map begun; /* view: the first record that installs it */
    uint32_t *last;   /* per member: its last record that tells a time, or NONE */
    struct map seeds;
};

static void check_progress(const struct history *history, struct verdict *verdict,
                           struct work *work, uint32_t index)
{
    const struct record *record = &history->log->records[index];
    uint32_t *last = &work->last[record->member];
    const struct record *before = *last == NONE ? NULL : &history->log->records[*last];

    if (before && before->agreed_time > record->agreed_time)
        verdict_add(verdict, "agreed-time", *last, index,
                    "at %s time goes back from %" PRIu64 " to %" PRIu64,
                    verdict_member(verdict, record->member), before->agreed_time,
                    record->agreed_time);
    *last = index;
}

static void check_same(const struct history *history, struct verdict *verdict, struct map *map,
                       uint64_t key, uint64_t key2, uint32_t index)
{
    const struct record *record = &history->log->records[index], *other;
    uint32_t first = map_get(map, key, key2);

    if (first == MAP_NONE) {
        map_set(map, key, key2, index);
        return;
    }
    other = &history->log->records[first];
    if (other->agreed_time != record->agreed_time || other->seed != record->seed)
        verdict_add(verdict, "agreed-time", first, index,
                    "%s has time %" PRIu64 " and seed %" PRIx64 " where %s has %" PRIu64
                    " and %" PRIx64,
                    verdict_member(verdict, record->member), record->agreed_time, record->seed,
                    verdict_member(verdict, other->member), other->agreed_time, other->seed);
}

static void check_times(const struct history *history, struct verdict *verdict, struct work *work,
                        uint32_t index)
{
    uint32_t message = history->message_of[index], stay = history->stay_of[index];
    uint32_t to;

    if (stay == NONE)
        return;
    to = history_destination(history, &history->stays[stay]);
    if (to != NONE)
        check_same(history, verdict, &work->first, message, to, index);
    if (history->log->records[index].service == RECORD_SAFE)
        check_same(history, verdict, &work->first, message, NONE, index);
}

/* Of the first message of each packet: the others' follow from it. */
static void check_seed(const struct history *history, struct verdict *verdict, struct work *work,
                       uint32_t index)
{
    const struct record *record = &history->log->records[index];
    uint32_t known = map_get(&work->seeds, record->seed, record->group);

    if (known == MAP_NONE) {
        map_set(&work->seeds, record->seed, record->group, index);
        return;
    }
    if (history->log->records[known].sender != record->sender ||
        history->log->records[known].agreed_time != record->agreed_time)
        verdict_add(verdict, "agreed-time", known, index, "two packets have the seed %" PRIx64,
                    record->seed);
}

void check_agreed_time(const struct history *history, struct verdict *verdict)
{
    struct work work = {.last = memory_new(history->log->members.count, sizeof(uint32_t))};

    for (size_t i = 0; i < history->log->members.count; i++)
        work.last[i] = NONE;
    for (uint32_t i = 0; i < history->log->count; i++) {
        const struct record *record = &history->log->records[i];

        if (record->agreed_time == 0)
            continue;
        if (record->type == RECORD_DELIVER) {
            check_progress(history, verdict, &work, i);
            check_times(history, verdict, &work, i);
            check_seed(history, verdict, &work, i);
        } else if (record->type == RECORD_VIEW && record->primary && history->stay_of[i] != NONE) {
            check_progress(history, verdict, &work, i);
            check_same(history, verdict, &work.begun, history->stays[history->stay_of[i]].view, 0,
                       i);
        }
    }
    map_clear(&work.seeds);
    map_clear(&work.first);
    map_clear(&work.begun);
    free(work.last);
}
