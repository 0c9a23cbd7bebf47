/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Self delivery: a member that goes on into the next view has delivered before
 * it everything that it sent in the one that ends.
 */
#include "tests/checkers/checkers.h"

#include <inttypes.h>

/* In a complete history the last views have ended well, too. */
static bool must_have_delivered(const struct history *history, const struct stay *stay)
{
    return stay->next != NONE ||
           (history->complete && history->memberships[stay->membership].ended == NONE);
}

void check_self_delivery(const struct history *history, struct verdict *verdict)
{
    struct map delivered = {NULL, 0, 0};

    for (uint32_t i = 0; i < history->log->count; i++) {
        const struct record *record = &history->log->records[i];

        if (record->type == RECORD_DELIVER && record->member == record->sender &&
            history->stay_of[i] != NONE)
            map_set(&delivered, history->stay_of[i], history->message_of[i], i);
    }
    for (uint32_t i = 0; i < history->stays_count; i++) {
        const struct stay *stay = &history->stays[i];

        if (!must_have_delivered(history, stay))
            continue;
        for (size_t j = 0; j < stay->sent.count; j++) {
            uint32_t sent = stay->sent.items[j];

            if (map_get(&delivered, i, history->message_of[sent]) == MAP_NONE)
                verdict_add(verdict, "self-delivery", sent,
                            stay->next == NONE ? sent : history->stays[stay->next].begin,
                            "%s does not deliver its own message %" PRIu64 " in view %u",
                            verdict_member(verdict, stay->member),
                            history->log->records[sent].number, history->views[stay->view].epoch);
        }
    }
    map_clear(&delivered);
}
