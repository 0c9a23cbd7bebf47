/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Plans written by hand, to do one thing on purpose. Guarantees that nothing
 * is guessed: a text that does not make sense to its end is refused.
 */
#include "tests/lab/plan.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct scanner {
    const char *at;
    unsigned members;
};

static void skip_space(struct scanner *scanner)
{
    while (isspace((unsigned char)*scanner->at))
        scanner->at++;
}

static bool take(struct scanner *scanner, char c)
{
    skip_space(scanner);
    if (*scanner->at != c)
        return false;
    scanner->at++;
    return true;
}

static bool take_number(struct scanner *scanner, uint32_t max, uint32_t *value)
{
    uint64_t number = 0;

    skip_space(scanner);
    if (!isdigit((unsigned char)*scanner->at))
        return false;
    for (; isdigit((unsigned char)*scanner->at) && number <= max; scanner->at++)
        number = number * 10 + (uint64_t)(*scanner->at - '0');
    *value = (uint32_t)number;
    return number <= max;
}

static bool take_fault(struct scanner *scanner, enum lab_fault *fault)
{
    static const enum lab_fault timed[] = {LAB_KILL, LAB_STOP, LAB_LEAVE,    LAB_SLOW,
                                           LAB_LOSS, LAB_CUT,  LAB_PARTITION};

    skip_space(scanner);
    for (size_t i = 0; i < sizeof(timed) / sizeof(timed[0]); i++) {
        size_t length = strlen(lab_fault_name(timed[i]));

        if (strncmp(scanner->at, lab_fault_name(timed[i]), length) == 0) {
            *fault = timed[i];
            scanner->at += length;
            return true;
        }
    }
    return false;
}

static bool take_member(struct scanner *scanner, unsigned *slot)
{
    return take_number(scanner, scanner->members - 1, slot);
}

static bool take_whom(struct scanner *scanner, struct lab_action *action)
{
    if (action->fault == LAB_PARTITION) {
        unsigned slot;

        do {
            if (!take_member(scanner, &slot))
                return false;
            action->side |= UINT64_C(1) << slot;
        } while (take(scanner, ','));
        return true;
    }
    if (take(scanner, 'c'))
        action->slot = LAB_COORDINATOR;
    else if (!take_member(scanner, &action->slot))
        return false;
    return action->fault != LAB_CUT || (take(scanner, ',') && take_member(scanner, &action->other));
}

static bool take_action(struct scanner *scanner, struct lab_action *action)
{
    const uint32_t day_ms = LAB_SECONDS_MAX * 1000u;

    memset(action, 0, sizeof(*action));
    action->forced = true;
    if (!take_number(scanner, day_ms, &action->at_ms) || !take_fault(scanner, &action->fault) ||
        !take_whom(scanner, action) || !take_number(scanner, day_ms, &action->ms))
        return false;
    if (action->fault == LAB_SLOW)
        return take_number(scanner, 10000000, &action->amount);
    if (action->fault != LAB_LOSS)
        return true;
    if (!take_number(scanner, 100, &action->amount))
        return false;
    action->amount *= 10000;
    return true;
}

static int compare_actions(const void *left, const void *right)
{
    const struct lab_action *a = left, *b = right;

    return a->at_ms < b->at_ms ? -1 : a->at_ms > b->at_ms;
}

bool lab_plan_parse(struct lab_plan *plan, const struct lab_options *options, const char *text,
                    size_t *at)
{
    struct scanner scanner = {text, options->members};
    struct lab_action action;

    bool good;

    do {
        good = take_action(&scanner, &action);
        if (good)
            lab_plan_add(plan, &action);
    } while (good && take(&scanner, ';'));
    if (good)
        qsort(plan->actions, plan->count, sizeof(*plan->actions), compare_actions);
    *at = (size_t)(scanner.at - text);
    return good && *scanner.at == '\0';
}
