/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Uniformity: if anybody delivers a safe message, be it that it dies or is cut
 * off right after, then every member of the view that goes on into the next
 * one delivers it too, with everything before it in the total order, in the
 * same place. And so with an agreed message that somebody was told to be stable.
 */
#include "tests/checkers/checkers.h"

#include <inttypes.h>
#include <stdlib.h>

/* A stay's sequence of ordered deliveries (records), and how much of it is bound by safe ones, and
 * by what was told to be stable. */
struct sequence {
    uint32_t stay;
    struct list ordered;
    size_t bound;
};

static void read_sequence(const struct history *history, uint32_t stay, struct sequence *sequence)
{
    const struct list *delivered = &history->stays[stay].delivered;

    *sequence = (struct sequence){stay, {NULL, 0, 0}, 0};
    for (size_t i = 0; i < delivered->count; i++) {
        const struct record *record = &history->log->records[delivered->items[i]];

        if (!record_is_ordered(record))
            continue;
        list_add(&sequence->ordered, delivered->items[i]);
        if (record->service == RECORD_SAFE)
            sequence->bound = sequence->ordered.count;
    }
}

/* How many deliveries are bound because the last of them was told to be stable. */
static size_t bound_by_word(const struct history *history, const struct sequence *sequence)
{
    const struct list *stable = &history->stays[sequence->stay].stable;
    size_t bound = sequence->ordered.count;

    if (stable->count == 0)
        return 0;
    uint32_t message = history->message_of[stable->items[stable->count - 1]];
    while (bound > 0 && history->message_of[sequence->ordered.items[bound - 1]] != message)
        bound--;
    return bound;
}

/* The first length deliveries of the model are those of the other, or all that it has. */
static void compare(const struct history *history, struct verdict *verdict,
                    const struct sequence *model, const struct sequence *other, size_t length,
                    bool whole)
{
    const struct stay *a = &history->stays[model->stay], *b = &history->stays[other->stay];
    uint32_t end = b->next == NONE ? b->begin : history->stays[b->next].begin;

    for (size_t i = 0; i < length; i++) {
        uint32_t x = model->ordered.items[i];
        const struct record *record = &history->log->records[x];

        if (i >= other->ordered.count && !whole)
            return;
        if (i < other->ordered.count &&
            history->message_of[other->ordered.items[i]] == history->message_of[x])
            continue;
        verdict_add(
            verdict, "uniformity", x, i < other->ordered.count ? other->ordered.items[i] : end,
            "%s delivers %s:%" PRIu64 " up to a safe message in view %u, %s %s",
            verdict_member(verdict, a->member), verdict_member(verdict, record->sender),
            record->number, history->views[a->view].epoch, verdict_member(verdict, b->member),
            i < other->ordered.count ? "has another one in this place" : "does not");
        return;
    }
}

void check_uniformity(const struct history *history, struct verdict *verdict)
{
    for (size_t v = 0; v < history->views_count; v++) {
        const struct list *stays = &history->views[v].stays;
        struct sequence *sequences = memory_new(stays->count, sizeof(*sequences));
        size_t model = 0;

        for (size_t i = 0; i < stays->count; i++) {
            read_sequence(history, stays->items[i], &sequences[i]);
            size_t told = bound_by_word(history, &sequences[i]);
            if (told > sequences[i].bound)
                sequences[i].bound = told;
            if (sequences[i].bound > sequences[model].bound)
                model = i;
        }
        for (size_t i = 0; i < stays->count; i++) {
            bool goes_on = history->stays[stays->items[i]].next != NONE;
            size_t length = goes_on ? sequences[model].bound : sequences[i].bound;

            if (i != model)
                compare(history, verdict, &sequences[model], &sequences[i], length, goes_on);
        }
        for (size_t i = 0; i < stays->count; i++)
            list_clear(&sequences[i].ordered);
        free(sequences);
    }
}
