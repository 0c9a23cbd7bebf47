/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs all checkers over a stream and keeps what they find.
 */
#include "tests/checkers/checkers.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct violation *slot_for(struct verdict *verdict, const char *property)
{
    for (size_t i = 0; i < verdict->count; i++) {
        if (strcmp(verdict->violations[i].property, property) == 0)
            return &verdict->violations[i];
    }
    verdict->violations = memory_grow(verdict->violations, verdict->count, &verdict->capacity,
                                      sizeof(*verdict->violations));
    verdict->violations[verdict->count].property = property;
    verdict->violations[verdict->count].record = NONE;
    return &verdict->violations[verdict->count++];
}

void verdict_add(struct verdict *verdict, const char *property, uint32_t first, uint32_t record,
                 const char *format, ...)
{
    struct violation *violation = slot_for(verdict, property);
    uint32_t later = first > record ? first : record;
    va_list arguments;

    if (violation->record != NONE && violation->record <= later)
        return;
    violation->record = later;
    violation->first = first < record ? first : record;
    va_start(arguments, format);
    vsnprintf(violation->text, sizeof(violation->text), format, arguments);
    va_end(arguments);
}

void verdict_clear(struct verdict *verdict)
{
    free(verdict->violations);
    memset(verdict, 0, sizeof(*verdict));
}

const char *verdict_member(const struct verdict *verdict, uint32_t member)
{
    return member == NONE ? "nobody" : verdict->history->log->members.items[member];
}

static int compare_violations(const void *left, const void *right)
{
    const struct violation *a = left, *b = right;

    if (a->record != b->record)
        return a->record < b->record ? -1 : 1;
    return strcmp(a->property, b->property);
}

void check_all(const struct log *log, bool complete, struct verdict *verdict)
{
    struct history history;

    memset(verdict, 0, sizeof(*verdict));
    history_build(&history, log, complete);
    verdict->history = &history;
#define CHECKER_RUN(function, property, text) function(&history, verdict);
    CHECKER_TABLE(CHECKER_RUN)
#undef CHECKER_RUN
    verdict->history = NULL;
    history_clear(&history);
    if (verdict->count > 0)
        qsort(verdict->violations, verdict->count, sizeof(*verdict->violations),
              compare_violations);
}

static bool is_message(const struct record *record)
{
    return record->type == RECORD_SEND || record->type == RECORD_DELIVER;
}

static bool is_related(const struct record *record, const struct record *subject, bool views_only)
{
    if (record->group != subject->group)
        return false;
    if (!is_message(record))
        return true;
    if (views_only)
        return false;
    if (is_message(subject))
        return record->sender == subject->sender && record->number == subject->number;
    return record->member == subject->member;
}

size_t violation_window(const struct log *log, const struct violation *violation, uint32_t *records,
                        size_t max)
{
    bool views_only = strcmp(violation->property, "liveness") == 0 ||
                      strcmp(violation->property, "progress") == 0;
    size_t count = 0;

    if (violation->record >= log->count)
        return 0;
    for (uint32_t i = violation->first; i <= violation->record; i++) {
        if (!is_related(&log->records[i], &log->records[violation->record], views_only) &&
            !is_related(&log->records[i], &log->records[violation->first], views_only))
            continue;
        if (count >= max && max > 0)
            memmove(records, records + 1, (max - 1) * sizeof(*records));
        if (max > 0)
            records[count < max ? count : max - 1] = i;
        count++;
    }
    return count;
}
