/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * No duplication: a member delivers a message at most once.
 */
#include "tests/checkers/checkers.h"

#include <inttypes.h>

void check_no_duplication(const struct history *history, struct verdict *verdict)
{
    struct map seen = {NULL, 0, 0};

    for (uint32_t i = 0; i < history->log->count; i++) {
        const struct record *record = &history->log->records[i];
        uint32_t before;

        if (record->type != RECORD_DELIVER)
            continue;
        before = map_get(&seen, record->member, history->message_of[i]);
        if (before != MAP_NONE)
            verdict_add(verdict, "no-duplication", before, i, "%s delivers %s:%" PRIu64 " twice",
                        verdict_member(verdict, record->member),
                        verdict_member(verdict, record->sender), record->number);
        else
            map_set(&seen, record->member, history->message_of[i], i);
    }
    map_clear(&seen);
}
