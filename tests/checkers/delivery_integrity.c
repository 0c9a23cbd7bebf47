/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Delivery integrity: what is delivered was sent by the member that it is said
 * to come from, with this number, this service and these bytes; a sender uses
 * each number once.
 */
#include "tests/checkers/checkers.h"

#include <inttypes.h>

static void check_send(const struct history *history, struct verdict *verdict, uint32_t index)
{
    const struct record *record = &history->log->records[index];
    const struct message *message = &history->messages[history->message_of[index]];

    if (message->send != index)
        verdict_add(verdict, "delivery-integrity", message->send, index,
                    "%s uses number %" PRIu64 " twice", verdict_member(verdict, record->sender),
                    record->number);
    if (record->sender != record->member)
        verdict_add(verdict, "delivery-integrity", index, index, "%s sends as %s",
                    verdict_member(verdict, record->member),
                    verdict_member(verdict, record->sender));
}

static void check_delivery(const struct history *history, struct verdict *verdict, uint32_t index)
{
    const struct record *record = &history->log->records[index];
    const struct message *message = &history->messages[history->message_of[index]];
    const struct record *send;
    const char *receiver = verdict_member(verdict, record->member);
    const char *sender = verdict_member(verdict, record->sender);

    if (message->send == NONE) {
        verdict_add(verdict, "delivery-integrity", index, index,
                    "%s delivers %s:%" PRIu64 ", which was never sent", receiver, sender,
                    record->number);
        return;
    }
    send = &history->log->records[message->send];
    if (send->hash != record->hash || send->service != record->service)
        verdict_add(verdict, "delivery-integrity", message->send, index,
                    "%s delivers %s:%" PRIu64 " with another %s", receiver, sender, record->number,
                    send->hash != record->hash ? "payload" : "service");
}

void check_delivery_integrity(const struct history *history, struct verdict *verdict)
{
    for (uint32_t i = 0; i < history->log->count; i++) {
        if (history->log->records[i].type == RECORD_SEND)
            check_send(history, verdict, i);
        else if (history->log->records[i].type == RECORD_DELIVER)
            check_delivery(history, verdict, i);
    }
}
