/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * No causal holes: who delivers an agreed or safe message has delivered before
 * it every agreed or safe message of the same view that its sender had
 * delivered when it sent it; and so with causal messages. This binds everybody,
 * also those who are cut off or die.
 */
#include "tests/checkers/checkers.h"

#include <inttypes.h>
#include <stdlib.h>

/*
 * known[record of a send] counts such messages that its sender had delivered in the
 * view before; ordered[stay] is the list of them. Since senders' knowledge and receivers'
 * deliveries only grow, each pair of stays is walked through once.
 */
struct work {
    bool causal; /* causal messages, or agreed and safe ones */
    uint32_t *known;
    struct list *ordered;
};

static bool is_one(const struct work *work, const struct record *record)
{
    return work->causal ? record->service == RECORD_CAUSAL : record_is_ordered(record);
}

static void prepare(const struct history *history, struct work *work)
{
    work->known = memory_new(history->log->count, sizeof(*work->known));
    work->ordered = memory_new(history->stays_count, sizeof(*work->ordered));
    for (uint32_t i = 0; i < history->log->count; i++) {
        const struct record *record = &history->log->records[i];
        uint32_t stay = history->stay_of[i];

        if (stay == NONE)
            continue;
        if (!is_one(work, record))
            continue;
        if (record->type == RECORD_SEND)
            work->known[i] = (uint32_t)work->ordered[stay].count;
        else if (record->type == RECORD_DELIVER)
            list_add(&work->ordered[stay], i);
    }
}

static void report(const struct history *history, struct verdict *verdict, uint32_t needed,
                   uint32_t delivery)
{
    const struct record *record = &history->log->records[delivery];
    const struct record *missing = &history->log->records[needed];

    verdict_add(verdict, "causality", needed, delivery,
                "%s delivers %s:%" PRIu64 " without %s:%" PRIu64 ", which its sender knew",
                verdict_member(verdict, record->member), verdict_member(verdict, record->sender),
                record->number, verdict_member(verdict, missing->sender), missing->number);
}

/* One receiver's stay. marks[message] is 1 + this stay where it was delivered already. */
static void check_stay(const struct history *history, struct verdict *verdict,
                       const struct work *work, uint32_t index, uint32_t *marks, uint32_t *checked)
{
    const struct list *ordered = &work->ordered[index];
    const struct view *view = &history->views[history->stays[index].view];

    for (size_t i = 0; i < view->stays.count; i++)
        checked[view->stays.items[i]] = 0;
    for (size_t i = 0; i < ordered->count; i++) {
        uint32_t delivery = ordered->items[i];
        uint32_t message = history->message_of[delivery];
        uint32_t sent = history->messages[message].send;
        uint32_t from = sent == NONE ? NONE : history->stay_of[sent];

        if (from != NONE && history->stays[from].view == history->stays[index].view) {
            for (; checked[from] < work->known[sent]; checked[from]++) {
                uint32_t needed = work->ordered[from].items[checked[from]];

                if (marks[history->message_of[needed]] != index + 1)
                    report(history, verdict, needed, delivery);
            }
        }
        marks[message] = index + 1;
    }
}

static void check_kind(const struct history *history, struct verdict *verdict, bool causal)
{
    struct work work = {.causal = causal};
    uint32_t *marks = memory_new(history->messages_count, sizeof(*marks));
    uint32_t *checked = memory_new(history->stays_count, sizeof(*checked));

    prepare(history, &work);
    for (uint32_t i = 0; i < history->stays_count; i++)
        check_stay(history, verdict, &work, i, marks, checked);
    for (size_t i = 0; i < history->stays_count; i++)
        list_clear(&work.ordered[i]);
    free(work.ordered);
    free(work.known);
    free(marks);
    free(checked);
}

void check_causality(const struct history *history, struct verdict *verdict)
{
    check_kind(history, verdict, false);
    check_kind(history, verdict, true);
}
