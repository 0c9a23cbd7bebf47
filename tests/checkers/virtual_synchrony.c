/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Virtual synchrony: members that go together from one view to the next have
 * delivered the same set of messages in the first. The survivors that a view
 * event names are those that went together, as far as they installed it.
 */
#include "tests/checkers/checkers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Both lists of survivors agree with where the two came from. */
static void check_survivors(const struct history *history, struct verdict *verdict,
                            const struct stay *a, const struct stay *b)
{
    const struct log *log = history->log;
    const struct record *event = &log->records[a->begin];
    bool named = record_names(log, event->survivors, event->survivors_count, b->member);
    bool together = a->previous != NONE && b->previous != NONE &&
                    history->stays[a->previous].view == history->stays[b->previous].view;

    if (named != together)
        verdict_add(verdict, "virtual-synchrony", a->begin, b->begin,
                    "%s says that %s %s into view %u", verdict_member(verdict, a->member),
                    verdict_member(verdict, b->member), named ? "came along" : "did not come along",
                    history->views[a->view].epoch);
}

/* marks[message] is 1 + the index of the stay that delivered it last. */
static void compare_sets(const struct history *history, struct verdict *verdict, uint32_t first,
                         uint32_t second, uint32_t *marks)
{
    const struct stay *a = &history->stays[first], *b = &history->stays[second];
    uint32_t visible = history->stays[a->next].begin > history->stays[b->next].begin
                           ? history->stays[a->next].begin
                           : history->stays[b->next].begin;

    for (size_t i = 0; i < b->delivered.count; i++)
        marks[history->message_of[b->delivered.items[i]]] = second + 1;
    for (size_t i = 0; i < a->delivered.count; i++) {
        uint32_t delivery = a->delivered.items[i];
        const struct record *record = &history->log->records[delivery];

        if (marks[history->message_of[delivery]] == second + 1)
            continue;
        verdict_add(verdict, "virtual-synchrony", delivery, visible,
                    "%s delivered %s:%" PRIu64 " in view %u, %s goes on with it and did not",
                    verdict_member(verdict, a->member), verdict_member(verdict, record->sender),
                    record->number, history->views[a->view].epoch,
                    verdict_member(verdict, b->member));
        return;
    }
}

/* Whoever goes on from this view: everybody against the first one, both ways. */
static void check_leaving_together(const struct history *history, struct verdict *verdict,
                                   const struct view *view, uint32_t *marks)
{
    for (size_t i = 0; i < view->stays.count; i++) {
        uint32_t first = view->stays.items[i];
        bool is_first = history->stays[first].next != NONE;

        for (size_t j = 0; j < i && is_first; j++) {
            uint32_t other = history->stays[view->stays.items[j]].next;

            is_first = other == NONE || history->stays[other].view !=
                                            history->stays[history->stays[first].next].view;
        }
        for (size_t j = i + 1; j < view->stays.count && is_first; j++) {
            uint32_t second = view->stays.items[j];
            uint32_t next = history->stays[second].next;

            if (next == NONE ||
                history->stays[next].view != history->stays[history->stays[first].next].view)
                continue;
            compare_sets(history, verdict, first, second, marks);
            compare_sets(history, verdict, second, first, marks);
        }
    }
}

void check_virtual_synchrony(const struct history *history, struct verdict *verdict)
{
    uint32_t *marks = memory_new(history->messages_count, sizeof(*marks));

    for (size_t i = 0; i < history->views_count; i++) {
        const struct view *view = &history->views[i];

        check_leaving_together(history, verdict, view, marks);
        for (size_t j = 0; j < view->stays.count; j++) {
            for (size_t k = 0; k < view->stays.count; k++) {
                if (j != k)
                    check_survivors(history, verdict, &history->stays[view->stays.items[j]],
                                    &history->stays[view->stays.items[k]]);
            }
        }
    }
    free(marks);
}
