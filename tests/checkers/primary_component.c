/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Primary component: all primary views of a lineage form one sequence. No two
 * of them share an epoch, all members see the same list of members, each view
 * holds a quorum of the members of the one before that did not ask to
 * leave, and no member that goes on skips a view.
 */
#include "tests/checkers/checkers.h"

#include <inttypes.h>

static bool same_list(const struct log *log, const struct record *a, const struct record *b)
{
    if (a->members_count != b->members_count)
        return false;
    for (size_t i = 0; i < a->members_count; i++) {
        if (log->lists.items[a->members + i] != log->lists.items[b->members + i])
            return false;
    }
    return true;
}

static bool asked_to_leave(const struct history *history, uint32_t member, const struct view *next)
{
    const struct membership *m = history_membership(history, member, next->group);

    return m && m->leaving != NONE;
}

/* A quorum of a view's members without its leavers is in the next view. */
static void check_majority(const struct history *history, struct verdict *verdict,
                           const struct view *view, const struct view *next)
{
    const struct record *record = &history->log->records[view->record];
    uint64_t stayers = 0, common = 0;
    bool senior = false;

    for (size_t i = 0; i < record->members_count; i++) {
        uint32_t member = history->log->lists.items[record->members + i];
        uint32_t votes = record_votes(history->log, record, i);
        bool comes = view_has_member(history, next, member);

        if (!comes && asked_to_leave(history, member, next))
            continue;
        if (stayers == 0 && votes > 0)
            senior = comes;
        stayers += votes;
        common += comes ? votes : 0;
    }
    if (2 * common > stayers || (record->tie_breaker && senior && 2 * common == stayers))
        return;
    verdict_add(verdict, "primary-component", view->record, next->record,
                "view %u has %" PRIu64 " of the %" PRIu64 " votes of view %u", next->epoch, common,
                stayers, view->epoch);
}

/* All members saw the same list, and came from the view right before. */
static void check_stays(const struct history *history, struct verdict *verdict,
                        const struct view *view, const struct view *before)
{
    const struct record *record = &history->log->records[view->record];

    for (size_t i = 0; i < view->stays.count; i++) {
        const struct stay *stay = &history->stays[view->stays.items[i]];
        const struct stay *previous =
            stay->previous == NONE ? NULL : &history->stays[stay->previous];

        if (!same_list(history->log, record, &history->log->records[stay->begin]))
            verdict_add(verdict, "primary-component", view->record, stay->begin,
                        "%s sees other members in view %u", verdict_member(verdict, stay->member),
                        view->epoch);
        if (previous && before && &history->views[previous->view] != before)
            verdict_add(verdict, "primary-component", before->record, stay->begin,
                        "%s goes from view %u to view %u past view %u",
                        verdict_member(verdict, stay->member), history->views[previous->view].epoch,
                        view->epoch, before->epoch);
    }
}

void check_primary_component(const struct history *history, struct verdict *verdict)
{
    for (size_t i = 0; i < history->views_count; i++) {
        const struct view *view = &history->views[i];
        const struct view *before = i > 0 ? view - 1 : NULL;

        if (before && before->group != view->group)
            before = NULL;
        if (before && before->epoch == view->epoch)
            verdict_add(verdict, "primary-component", before->record, view->record,
                        "two views with epoch %u", view->epoch);
        else if (before)
            check_majority(history, verdict, before, view);
        check_stays(history, verdict, view, before);
    }
}
