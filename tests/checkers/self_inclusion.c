/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Self inclusion: a member is in every view that it is told of, and whoever
 * is said to have come along is in the view too.
 */
#include "tests/checkers/checkers.h"

void check_self_inclusion(const struct history *history, struct verdict *verdict)
{
    const struct log *log = history->log;

    for (uint32_t i = 0; i < log->count; i++) {
        const struct record *record = &log->records[i];

        if (record->type != RECORD_VIEW)
            continue;
        if (!record_names(log, record->members, record->members_count, record->member))
            verdict_add(verdict, "self-inclusion", i, i, "%s is not in its view %u",
                        verdict_member(verdict, record->member), record->epoch);
        for (size_t j = 0; j < record->survivors_count; j++) {
            uint32_t survivor = log->lists.items[record->survivors + j];

            if (!record_names(log, record->members, record->members_count, survivor))
                verdict_add(verdict, "self-inclusion", i, i,
                            "%s is said to come along into view %u, but is not in it",
                            verdict_member(verdict, survivor), record->epoch);
        }
    }
}
