/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Safe, as it is counted: when somebody delivers a safe message, or is told that an agreed
 * one has become safe, then it and everything that this member delivered before it in total
 * order have come to a quorum of the view; to all voters where the group asks for that. Who
 * holds what is not what members say: it is what somebody has seen coming to them, so
 * there is nothing to check where nobody looks (traces of real processes).
 *
 * What is delivered at the end of a view needs no acknowledgement: the decision on the next
 * view says that it is there. Uniformity looks at that.
 */
#include "tests/checkers/checkers.h"

#include <inttypes.h>
#include <stdlib.h>

/* What a member has delivered in total order in one view. */
struct sequence {
    struct list ordered; /* records */
    size_t *held;        /* per member of the view: so many of them it holds, without a gap */
};

/* What is known up to one record. */
struct knowledge {
    struct map holds;           /* member and message */
    size_t next;                /* of the log's holds */
    struct sequence *sequences; /* per stay */
};

static void learn_holds(const struct history *history, struct knowledge *knowledge, size_t record)
{
    const struct log *log = history->log;

    for (; knowledge->next < log->holds_count; knowledge->next++) {
        const struct hold *hold = &log->holds[knowledge->next];

        if (hold->before > record)
            return;
        for (uint32_t i = 0; i < hold->count; i++) {
            uint32_t message =
                map_get(&history->messages_map, (uint64_t)hold->group << 32 | hold->sender,
                        hold->number + i);

            if (message != MAP_NONE)
                map_set(&knowledge->holds, hold->member, message, 1);
        }
    }
}

static bool is_enough(const struct record *view, uint64_t in, uint64_t all, bool senior)
{
    if (view->safe_all)
        return in == all;
    return 2 * in > all || (view->tie_breaker && senior && 2 * in == all);
}

/* The first count of the sequence are held by enough of the view's members. */
static bool are_held(const struct history *history, struct knowledge *knowledge, uint32_t stay,
                     size_t count)
{
    const struct record *view =
        &history->log->records[history->views[history->stays[stay].view].record];
    struct sequence *sequence = &knowledge->sequences[stay];
    uint64_t in = 0, all = 0;
    bool senior = false;

    if (!sequence->held)
        sequence->held = memory_new(view->members_count, sizeof(*sequence->held));
    for (size_t i = 0; i < view->members_count; i++) {
        uint32_t member = history->log->lists.items[view->members + i];
        uint32_t votes = record_votes(history->log, view, i);
        size_t *held = &sequence->held[i];

        while (*held < count &&
               map_get(&knowledge->holds, member,
                       history->message_of[sequence->ordered.items[*held]]) != MAP_NONE)
            (*held)++;
        if (all == 0 && votes > 0)
            senior = *held >= count;
        all += votes;
        in += *held >= count ? votes : 0;
    }
    return is_enough(view, in, all, senior);
}

/* Delivered together with the next view. */
static bool is_closing(const struct history *history, const struct stay *stay, uint32_t index)
{
    const struct record *records = history->log->records;

    return stay->next != NONE &&
           records[history->stays[stay->next].begin].time == records[index].time;
}

static void check_word(const struct history *history, struct verdict *verdict,
                       struct knowledge *knowledge, uint32_t index, size_t count)
{
    const struct record *record = &history->log->records[index];
    const struct stay *stay = &history->stays[history->stay_of[index]];
    const struct record *view = &history->log->records[history->views[stay->view].record];

    if (is_closing(history, stay, index) ||
        are_held(history, knowledge, history->stay_of[index], count))
        return;
    verdict_add(verdict, "safe-held", stay->begin, index,
                "%s takes %s:%" PRIu64 " for safe in view %u, before %s and all that it has "
                "delivered before it",
                verdict_member(verdict, stay->member), verdict_member(verdict, record->sender),
                record->number, history->views[stay->view].epoch,
                view->safe_all ? "all voters hold it" : "a quorum holds it");
}

/* How many deliveries the word that a message is stable speaks of. */
static size_t count_up_to(const struct history *history, const struct sequence *sequence,
                          uint32_t message)
{
    size_t count = sequence->ordered.count;

    while (count > 0 && history->message_of[sequence->ordered.items[count - 1]] != message)
        count--;
    return count;
}

static void read_record(const struct history *history, struct verdict *verdict,
                        struct knowledge *knowledge, uint32_t index)
{
    const struct record *record = &history->log->records[index];
    uint32_t stay = history->stay_of[index], message = history->message_of[index];

    if (record->type == RECORD_SEND)
        map_set(&knowledge->holds, record->member, message, 1);
    if (stay == NONE)
        return;
    struct sequence *sequence = &knowledge->sequences[stay];
    if (record->type == RECORD_DELIVER && record_is_ordered(record)) {
        list_add(&sequence->ordered, index);
        if (record->service == RECORD_SAFE)
            check_word(history, verdict, knowledge, index, sequence->ordered.count);
    } else if (record->type == RECORD_STABLE) {
        check_word(history, verdict, knowledge, index, count_up_to(history, sequence, message));
    }
}

void check_safe_held(const struct history *history, struct verdict *verdict)
{
    struct knowledge knowledge = {{NULL, 0, 0}, 0, NULL};

    if (history->log->holds_count == 0)
        return;
    knowledge.sequences = memory_new(history->stays_count, sizeof(*knowledge.sequences));
    for (size_t i = 0; i < history->log->count; i++) {
        learn_holds(history, &knowledge, i);
        read_record(history, verdict, &knowledge, (uint32_t)i);
    }
    for (size_t i = 0; i < history->stays_count; i++) {
        list_clear(&knowledge.sequences[i].ordered);
        free(knowledge.sequences[i].held);
    }
    free(knowledge.sequences);
    map_clear(&knowledge.holds);
}
