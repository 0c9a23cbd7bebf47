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
    const char *begin = scanner->at;
    if (!isdigit((unsigned char)*scanner->at))
        return false;
    for (; isdigit((unsigned char)*scanner->at) && number <= max; scanner->at++)
        number = number * 10 + (uint64_t)(*scanner->at - '0');
    *value = (uint32_t)number;
    if (number > max)
        scanner->at = begin;
    return number <= max;
}

static bool take_fault(struct scanner *scanner, enum lab_fault *fault)
{
    skip_space(scanner);
    for (unsigned i = 0; i < LAB_FAULTS; i++) {
        const char *name = lab_fault_name((enum lab_fault)i);
        size_t length = strlen(name);

        if (lab_plan_is_timed((enum lab_fault)i) && strncmp(scanner->at, name, length) == 0) {
            *fault = (enum lab_fault)i;
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

static bool take_amount(struct scanner *scanner, struct lab_action *action)
{
    uint32_t min = 0, max, unit = 1;

    switch (action->fault) {
    case LAB_SLOW:
        max = 10000000;
        break;
    case LAB_LOSS:
        max = 100;
        unit = 10000;
        break;
    case LAB_DELAY:
        max = 10000;
        unit = 1000;
        break;
    case LAB_RATE:
        min = 1;
        max = 10000000;
        break;
    case LAB_MTU:
        min = 1280; /* IPv6 goes away with less */
        max = 9000;
        break;
    default:
        return true;
    }
    if (!take_number(scanner, max, &action->amount) || action->amount < min)
        return false;
    action->amount *= unit;
    return true;
}

static bool take_action(struct scanner *scanner, struct lab_action *action)
{
    const uint32_t day_ms = LAB_SECONDS_MAX * 1000u;

    memset(action, 0, sizeof(*action));
    action->forced = true;
    if (!take_number(scanner, day_ms, &action->at_ms) || !take_fault(scanner, &action->fault) ||
        !take_whom(scanner, action) || !take_number(scanner, day_ms, &action->ms))
        return false;
    return take_amount(scanner, action);
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
