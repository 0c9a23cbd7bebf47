/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Begins faults. A fault that goes on at a slot is not begun there once more.
 */
#include "tests/lab/faults.h"

#include "tests/checkers/memory.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SHAKY_NS (700 * LAB_NS_PER_MS) /* after leaving: a change of view */

void lab_faults_note(struct lab_run *run, const char *format, ...)
{
    struct lab_deed *deed;
    va_list arguments;

    run->deeds =
        memory_grow(run->deeds, run->deeds_count, &run->deeds_capacity, sizeof(*run->deeds));
    deed = &run->deeds[run->deeds_count++];
    deed->at = lab_now();
    va_start(arguments, format);
    vsnprintf(deed->text, sizeof(deed->text), format, arguments);
    va_end(arguments);
}

/* ---- Processes ---------------------------------------------------------------------- */

static bool begin_kill(struct lab_faults *faults, const struct lab_action *action, unsigned slot,
                       uint64_t now)
{
    struct lab_trouble *trouble = &faults->troubles[slot];

    if (!(action->forced || lab_may_kill(faults, slot, now)))
        return false;
    lab_crew_kill(&faults->run->crew, slot);
    trouble->start_at = now + action->ms * LAB_NS_PER_MS;
    trouble->until[LAB_STOP] = trouble->until[LAB_LEAVE] = 0;
    trouble->quits = false;
    lab_faults_note(faults->run, "kill %u (process %ld), new process after %" PRIu32 " ms", slot,
                    (long)faults->run->crew.current[slot]->pid, action->ms);
    return true;
}

static void begin_stop(struct lab_faults *faults, const struct lab_action *action, unsigned slot)
{
    lab_crew_stop(&faults->run->crew, slot, true);
    lab_faults_note(faults->run, "stop %u for %" PRIu32 " ms", slot, action->ms);
}

static void begin_leave(struct lab_faults *faults, const struct lab_action *action, unsigned slot)
{
    struct lab_trouble *trouble = &faults->troubles[slot];

    trouble->until[LAB_LEAVE] += SHAKY_NS;
    trouble->quits = action->exits;
    if (action->exits)
        lab_crew_tell(&faults->run->crew, slot, "quit\n");
    else
        lab_crew_tell(&faults->run->crew, slot, "leave %" PRIu32 "\n", action->ms);
    lab_faults_note(faults->run, "leave %u, back after %" PRIu32 " ms%s", slot, action->ms,
                    action->exits ? " as a new process" : "");
}

static void begin_slow(struct lab_faults *faults, const struct lab_action *action, unsigned slot)
{
    lab_crew_tell(&faults->run->crew, slot, "slow %" PRIu32 " %" PRIu32 "\n", action->amount,
                  action->ms);
    lab_faults_note(faults->run, "slow %u: an event in %" PRIu32 " us for %" PRIu32 " ms", slot,
                    action->amount, action->ms);
}

/* ---- The network -------------------------------------------------------------------- */

void lab_faults_hearing(struct lab_faults *faults, unsigned slot)
{
    uint64_t unheard = faults->troubles[slot].cut_from;

    if (faults->side)
        unheard |= faults->side >> slot & 1 ? ~faults->side : faults->side;
    faults->run->network.links[slot].unheard = unheard;
}

static bool begin_partition(struct lab_faults *faults, const struct lab_action *action,
                            uint64_t now)
{
    if (faults->side)
        return false;
    faults->side = action->side;
    faults->partition_until = now + action->ms * LAB_NS_PER_MS;
    for (unsigned i = 0; i < faults->run->options->members; i++)
        lab_faults_hearing(faults, i);
    lab_faults_note(faults->run,
                    "partition %" PRIx64 " (set of members) from the others for %" PRIu32 " ms",
                    action->side, action->ms);
    return true;
}

static void cut(struct lab_faults *faults, unsigned slot, unsigned other, uint64_t until)
{
    struct lab_trouble *trouble = &faults->troubles[slot];

    trouble->cut_from |= UINT64_C(1) << other;
    if (until > trouble->until[LAB_CUT])
        trouble->until[LAB_CUT] = until;
    lab_faults_hearing(faults, slot);
}

static void begin_cut(struct lab_faults *faults, const struct lab_action *action, unsigned slot,
                      uint64_t now)
{
    uint64_t until = now + action->ms * LAB_NS_PER_MS;

    cut(faults, slot, action->other, until);
    if (action->both)
        cut(faults, action->other, slot, until);
    lab_faults_note(faults->run, "cut: %u does not hear %u%s for %" PRIu32 " ms", slot,
                    action->other, action->both ? ", nor the other way round," : "", action->ms);
}

static void begin_link(struct lab_faults *faults, const struct lab_action *action, unsigned slot)
{
    struct lab_link *link = &faults->run->network.links[slot];
    char what[64] = "";

    switch (action->fault) {
    case LAB_LOSS:
        link->loss = action->amount;
        snprintf(what, sizeof(what), " of %" PRIu32 " %%", action->amount / 10000);
        break;
    case LAB_DELAY:
        link->delay_us = action->amount / 4;
        link->jitter_us = action->amount - link->delay_us;
        snprintf(what, sizeof(what), " of %.1f to %.1f ms", link->delay_us / 1e3,
                 action->amount / 1e3);
        break;
    case LAB_RATE:
        link->rate_kbit = action->amount;
        snprintf(what, sizeof(what), " of %" PRIu32 " kbit/s", action->amount);
        break;
    case LAB_MTU:
        link->mtu = action->amount;
        snprintf(what, sizeof(what), " of %" PRIu32 " bytes", action->amount);
        break;
    case LAB_ADDRESS:
        link->addressless = true;
        snprintf(what, sizeof(what), " lost");
        break;
    default:
        link->down = true;
        break;
    }
    lab_faults_note(faults->run, "%s%s at %u for %" PRIu32 " ms", lab_fault_name(action->fault),
                    what, slot, action->ms);
}

/* ---- Which -------------------------------------------------------------------------- */

static bool needs_process(enum lab_fault fault)
{
    return fault == LAB_KILL || fault == LAB_STOP || fault == LAB_LEAVE;
}

static bool is_possible(const struct lab_faults *faults, const struct lab_action *action,
                        unsigned slot, uint64_t now)
{
    uint64_t slots = action->fault == LAB_PARTITION ? action->side : UINT64_C(1) << slot;

    if (slot == LAB_COORDINATOR || !lab_network_offers(faults->run->network.kind, action->fault) ||
        (needs_process(action->fault) && !lab_crew_running(&faults->run->crew, slot)) ||
        (action->fault == LAB_CUT && action->other == slot))
        return false;
    if (action->fault == LAB_SLOW)
        return true;
    /* Who leaves and finds no primary gives up in the end, and is gone like the dead. */
    if (action->fault == LAB_LEAVE && !action->forced && !lab_may_kill(faults, slot, now))
        return false;
    return !faults->troubles[slot].until[action->fault] &&
           (action->bold || action->forced || lab_may_trouble(faults, slots, now));
}

static bool begin(struct lab_faults *faults, const struct lab_action *action, unsigned slot,
                  uint64_t now)
{
    if (action->fault == LAB_PARTITION)
        return begin_partition(faults, action, now);
    if (action->fault == LAB_KILL)
        return begin_kill(faults, action, slot, now);
    if (action->fault == LAB_SLOW) {
        begin_slow(faults, action, slot);
        return true;
    }
    faults->troubles[slot].until[action->fault] = now + action->ms * LAB_NS_PER_MS;
    if (action->fault == LAB_STOP)
        begin_stop(faults, action, slot);
    else if (action->fault == LAB_LEAVE)
        begin_leave(faults, action, slot);
    else if (action->fault == LAB_CUT)
        begin_cut(faults, action, slot, now);
    else
        begin_link(faults, action, slot);
    return true;
}

void lab_faults_begin(struct lab_faults *faults, const struct lab_action *action, uint64_t now)
{
    unsigned slot = action->slot == LAB_COORDINATOR ? lab_coordinator(faults->run) : action->slot;

    if (is_possible(faults, action, slot, now) && begin(faults, action, slot, now))
        faults->run->done[action->fault]++;
    else
        faults->run->skipped++;
}
