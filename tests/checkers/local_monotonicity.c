/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Local monotonicity: a member's views have growing epochs; the loss of the
 * primary repeats the view that is lost, and may be taken back; a membership
 * that has ended never does anything again, and whoever has been left out of a
 * view never comes back under the same name.
 */
#include "tests/checkers/checkers.h"

#include <stdlib.h>

struct state {
    uint32_t last;    /* the last view record, or NONE */
    uint32_t primary; /* the last primary one */
};

static bool same_view(const struct record *a, const struct record *b)
{
    return a->epoch == b->epoch && a->proposer == b->proposer;
}

static bool same_members(const struct log *log, const struct record *a, const struct record *b)
{
    if (a->members_count != b->members_count)
        return false;
    for (size_t i = 0; i < a->members_count; i++) {
        if (log->lists.items[a->members + i] != log->lists.items[b->members + i])
            return false;
    }
    return true;
}

static void check_view(struct verdict *verdict, const struct log *log, const struct state *state,
                       uint32_t index)
{
    const struct record *record = &log->records[index];
    const struct record *before = state->primary == NONE ? NULL : &log->records[state->primary];
    const char *name = verdict_member(verdict, record->member);

    if (!before)
        return; /* a first view that is not primary is the initial view checker's */
    if (record->primary && record->epoch > before->epoch)
        return;
    if (!same_view(record, before))
        verdict_add(verdict, "local-monotonicity", state->primary, index,
                    "%s: view %u comes after view %u", name, record->epoch, before->epoch);
    else if (record->primary && log->records[state->last].primary)
        verdict_add(verdict, "local-monotonicity", state->last, index, "%s installs view %u twice",
                    name, record->epoch);
    else if (!same_members(log, record, before))
        verdict_add(verdict, "local-monotonicity", state->primary, index,
                    "%s: view %u has other members than before", name, record->epoch);
}

/* gone[member] is 1 + the first view of its group that the member was left out of. */
static void check_returns(const struct history *history, struct verdict *verdict)
{
    const struct log *log = history->log;
    struct map gone = {NULL, 0, 0};

    for (uint32_t i = 0; i + 1 < history->views_count; i++) {
        const struct view *view = &history->views[i], *next = view + 1;
        const struct record *before = &log->records[view->record];
        const struct record *record = &log->records[next->record];

        if (view->group != next->group || view->epoch == next->epoch)
            continue; /* the same epoch twice is the primary component checker's */
        for (size_t j = 0; j < before->members_count; j++) {
            uint32_t member = log->lists.items[before->members + j];

            if (!view_has_member(history, next, member))
                map_set(&gone, next->group, member, next->record);
        }
        for (size_t j = 0; j < record->members_count; j++) {
            uint32_t member = log->lists.items[record->members + j];
            uint32_t out = map_get(&gone, next->group, member);

            if (out != MAP_NONE)
                verdict_add(verdict, "local-monotonicity", out, next->record,
                            "%s comes back in view %u, having been left out of view %u",
                            verdict_member(verdict, member), next->epoch, log->records[out].epoch);
        }
    }
    map_clear(&gone);
}

void check_local_monotonicity(const struct history *history, struct verdict *verdict)
{
    const struct log *log = history->log;
    struct state *states = memory_new(history->memberships_count, sizeof(*states));

    for (size_t i = 0; i < history->memberships_count; i++)
        states[i] = (struct state){NONE, NONE};
    for (uint32_t i = 0; i < log->count; i++) {
        const struct record *record = &log->records[i];
        const struct membership *m = history_membership(history, record->member, record->group);
        struct state *state = &states[m - history->memberships];

        if (m->ended != NONE && i > m->ended && record->type != RECORD_CRASH)
            verdict_add(verdict, "local-monotonicity", m->ended, i,
                        "%s goes on after its membership has ended",
                        verdict_member(verdict, record->member));
        if (record->type != RECORD_VIEW)
            continue;
        check_view(verdict, log, state, i);
        state->last = i;
        if (record->primary)
            state->primary = i;
    }
    free(states);
    check_returns(history, verdict);
}
