/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Agreement on order: members that go together from one view to the next have
 * delivered the same sequence of agreed and safe messages in the first. In a
 * complete history the same holds in the last view for all who are still
 * there.
 */
#include "tests/checkers/checkers.h"

#include <inttypes.h>

/* The next ordered delivery from *i on, or NONE. */
static uint32_t next_ordered(const struct history *history, const struct stay *stay, size_t *i)
{
    while (*i < stay->delivered.count) {
        uint32_t delivery = stay->delivered.items[(*i)++];

        if (record_is_ordered(&history->log->records[delivery]))
            return delivery;
    }
    return NONE;
}

static void compare(const struct history *history, struct verdict *verdict, const struct stay *a,
                    const struct stay *b)
{
    size_t i = 0, j = 0;

    for (;;) {
        uint32_t x = next_ordered(history, a, &i), y = next_ordered(history, b, &j);
        const struct record *left, *right;

        if (x == NONE && y == NONE)
            return;
        if (x != NONE && y != NONE && history->message_of[x] == history->message_of[y])
            continue;
        if (x == NONE || y == NONE) {
            left = &history->log->records[x == NONE ? y : x];
            verdict_add(verdict, "agreed-order", x == NONE ? y : x,
                        a->next == NONE ? (x == NONE ? y : x) : history->stays[a->next].begin,
                        "%s delivers %s:%" PRIu64 " in view %u, where %s has reached the end",
                        verdict_member(verdict, left->member),
                        verdict_member(verdict, left->sender), left->number,
                        history->views[a->view].epoch,
                        verdict_member(verdict, x == NONE ? a->member : b->member));
            return;
        }
        left = &history->log->records[x];
        right = &history->log->records[y];
        verdict_add(verdict, "agreed-order", x, y,
                    "in view %u %s delivers %s:%" PRIu64 " where %s delivers %s:%" PRIu64,
                    history->views[a->view].epoch, verdict_member(verdict, a->member),
                    verdict_member(verdict, left->sender), left->number,
                    verdict_member(verdict, b->member), verdict_member(verdict, right->sender),
                    right->number);
        return;
    }
}

void check_agreed_order(const struct history *history, struct verdict *verdict)
{
    for (size_t v = 0; v < history->views_count; v++) {
        const struct list *stays = &history->views[v].stays;

        for (size_t i = 0; i < stays->count; i++) {
            const struct stay *stay = &history->stays[stays->items[i]];
            uint32_t to = history_destination(history, stay);
            size_t j = 0;

            /* Against the first one that goes the same way. */
            while (j < i && history_destination(history, &history->stays[stays->items[j]]) != to)
                j++;
            if (to != NONE && j < i)
                compare(history, verdict, &history->stays[stays->items[j]], stay);
        }
    }
}
