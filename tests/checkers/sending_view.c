/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sending view delivery: a message is delivered in the view in which it was
 * sent, and its sender is a member of that view. The view that a record names
 * is the one that its member is in.
 */
#include "tests/checkers/checkers.h"

#include <inttypes.h>

static void check_own_view(const struct history *history, struct verdict *verdict, uint32_t index)
{
    const struct record *record = &history->log->records[index];
    const struct stay *stay = &history->stays[history->stay_of[index]];
    const struct view *view = &history->views[stay->view];

    if (record->epoch != view->epoch || record->proposer != view->proposer)
        verdict_add(verdict, "sending-view", stay->begin, index, "%s %s in view %u, but is in %u",
                    verdict_member(verdict, record->member),
                    record->type == RECORD_SEND ? "sends" : "delivers", record->epoch, view->epoch);
    if (!view_has_member(history, view, record->sender))
        verdict_add(verdict, "sending-view", stay->begin, index,
                    "%s delivers from %s, which is not in view %u",
                    verdict_member(verdict, record->member),
                    verdict_member(verdict, record->sender), view->epoch);
}

static void check_same_view(const struct history *history, struct verdict *verdict, uint32_t index)
{
    const struct record *record = &history->log->records[index];
    uint32_t sent = history->messages[history->message_of[index]].send;
    const struct record *send = sent == NONE ? NULL : &history->log->records[sent];

    if (send && (send->epoch != record->epoch || send->proposer != record->proposer))
        verdict_add(verdict, "sending-view", sent, index,
                    "%s delivers %s:%" PRIu64 " in view %u; it was sent in view %u",
                    verdict_member(verdict, record->member),
                    verdict_member(verdict, record->sender), record->number, record->epoch,
                    send->epoch);
}

void check_sending_view(const struct history *history, struct verdict *verdict)
{
    for (uint32_t i = 0; i < history->log->count; i++) {
        enum record_type type = history->log->records[i].type;

        if (type != RECORD_SEND && type != RECORD_DELIVER)
            continue;
        if (history->stay_of[i] != NONE)
            check_own_view(history, verdict, i);
        if (type == RECORD_DELIVER)
            check_same_view(history, verdict, i);
    }
}
