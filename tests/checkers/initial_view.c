/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Initial view event: whatever a member sends or delivers, it does in a view
 * that it was told of before.
 */
#include "tests/checkers/checkers.h"

void check_initial_view(const struct history *history, struct verdict *verdict)
{
    const struct log *log = history->log;

    for (uint32_t i = 0; i < log->count; i++) {
        const struct record *record = &log->records[i];
        const char *name = verdict_member(verdict, record->member);

        if (history->stay_of[i] != NONE)
            continue;
        if (record->type == RECORD_SEND || record->type == RECORD_DELIVER)
            verdict_add(verdict, "initial-view", i, i, "%s %s before its first view", name,
                        record->type == RECORD_SEND ? "sends" : "delivers");
        else if (record->type == RECORD_VIEW)
            verdict_add(verdict, "initial-view", i, i, "%s loses view %u, which it never had", name,
                        record->epoch);
    }
}
