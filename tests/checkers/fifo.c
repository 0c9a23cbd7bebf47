/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * FIFO: in each view a member delivers the messages of one sender in the order
 * in which they were sent, from the first one on and without gaps. Messages
 * of the total order, causal and fifo messages are three such sequences: some may
 * wait for their order while the others pass.
 */
#include "tests/checkers/checkers.h"

#include <inttypes.h>
#include <stdlib.h>

/* How far each sequence of one sender has come, at one receiver. */
struct place {
    size_t next[3];     /* index into the sender's stay: where to look on */
    uint32_t stay;      /* the sender's, or NONE */
    uint32_t of;        /* the receiver's stay that this is about */
    uint32_t last_seen; /* record of the last delivery from there */
};

static int sequence_of(const struct record *record)
{
    return record_is_ordered(record) ? 2 : record->service == RECORD_CAUSAL;
}

static uint32_t next_sent(const struct history *history, struct place *place, int sequence)
{
    const struct list *sent = &history->stays[place->stay].sent;

    while (place->next[sequence] < sent->count) {
        uint32_t i = sent->items[place->next[sequence]++];
        const struct record *record = &history->log->records[i];

        if (record->service != RECORD_UNORDERED && sequence_of(record) == sequence)
            return i;
    }
    return NONE;
}

static void check_stay(const struct history *history, struct verdict *verdict, uint32_t index,
                       struct place *places)
{
    const struct stay *stay = &history->stays[index];
    const struct view *view = &history->views[stay->view];

    for (size_t i = 0; i < stay->delivered.count; i++) {
        uint32_t delivery = stay->delivered.items[i];
        const struct record *record = &history->log->records[delivery];
        struct place *place = &places[record->sender];
        uint32_t sent = history->messages[history->message_of[delivery]].send;
        uint32_t expected;

        if (place->of != index)
            *place = (struct place){
                {0, 0, 0}, history_stay(history, view, record->sender), index, delivery};
        if (place->stay == NONE || sent == NONE || history->stay_of[sent] != place->stay ||
            record->service == RECORD_UNORDERED)
            continue; /* other checkers' business */
        expected = next_sent(history, place, sequence_of(&history->log->records[sent]));
        if (expected != sent)
            verdict_add(verdict, "fifo", place->last_seen, delivery,
                        "%s delivers %s:%" PRIu64 " where %" PRIu64 " is next",
                        verdict_member(verdict, stay->member),
                        verdict_member(verdict, record->sender), record->number,
                        expected == NONE ? 0 : history->log->records[expected].number);
        place->last_seen = delivery;
    }
}

void check_fifo(const struct history *history, struct verdict *verdict)
{
    size_t members = history->log->members.count;
    struct place *places = memory_new(members, sizeof(*places));

    for (size_t i = 0; i < members; i++)
        places[i].of = NONE;
    for (uint32_t i = 0; i < history->stays_count; i++)
        check_stay(history, verdict, i, places);
    free(places);
}
