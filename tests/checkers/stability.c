/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stability: who is told that a message has become safe delivered it before, in the same
 * view, as an agreed one; and the word goes on in the order of delivery, never back.
 */
#include "tests/checkers/checkers.h"

#include <inttypes.h>

/* The place of the message among the deliveries before that record; none: their number. */
static size_t place_of(const struct history *history, const struct list *delivered, size_t from,
                       uint32_t record)
{
    for (size_t i = from; i < delivered->count && delivered->items[i] < record; i++) {
        uint32_t delivery = delivered->items[i];

        if (history->message_of[delivery] == history->message_of[record] &&
            history->log->records[delivery].service == RECORD_AGREED)
            return i;
    }
    return delivered->count;
}

void check_stability(const struct history *history, struct verdict *verdict)
{
    for (size_t s = 0; s < history->stays_count; s++) {
        const struct stay *stay = &history->stays[s];
        size_t next = 0;

        for (size_t i = 0; i < stay->stable.count; i++) {
            uint32_t index = stay->stable.items[i];
            const struct record *record = &history->log->records[index];
            size_t place = place_of(history, &stay->delivered, next, index);

            if (place == stay->delivered.count) {
                verdict_add(verdict, "stability", stay->begin, index,
                            "%s is told that %s:%" PRIu64 " is safe, which it has not delivered "
                            "since it was told so last",
                            verdict_member(verdict, stay->member),
                            verdict_member(verdict, record->sender), record->number);
                break;
            }
            next = place + 1;
        }
    }
}
