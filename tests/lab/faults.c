/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Begins and ends faults. A process that was stopped or cut off stays "shaky"
 * for a while afterwards: the others may just be excluding it.
 */
#include "tests/lab/faults.h"

#include "tests/checkers/memory.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SHAKY_NS (700 * LAB_NS_PER_MS) /* a suspicion and a change of view */
#define RETRY_NS (5 * LAB_NS_PER_MS)

static void note(struct lab_run *run, uint64_t now, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void note(struct lab_run *run, uint64_t now, const char *format, ...)
{
    struct lab_deed *deed;
    va_list arguments;

    run->deeds =
        memory_grow(run->deeds, run->deeds_count, &run->deeds_capacity, sizeof(*run->deeds));
    deed = &run->deeds[run->deeds_count++];
    deed->at = now;
    va_start(arguments, format);
    vsnprintf(deed->text, sizeof(deed->text), format, arguments);
    va_end(arguments);
}

void lab_faults_init(struct lab_faults *faults, struct lab_run *run)
{
    memset(faults, 0, sizeof(*faults));
    faults->run = run;
}

/* ---- Filters ------------------------------------------------------------------------ */

static uint64_t unheard_by(const struct lab_faults *faults, unsigned slot)
{
    uint64_t unheard = faults->troubles[slot].unheard;

    if (faults->side)
        unheard |= faults->side >> slot & 1 ? ~faults->side : faults->side;
    return unheard;
}

static void format_filter(const struct lab_faults *faults, unsigned slot, char *text, size_t size)
{
    const struct lab_run *run = faults->run;
    uint64_t unheard = unheard_by(faults, slot);
    size_t length = (size_t)snprintf(text, size, "filter %" PRIu32, faults->troubles[slot].loss);

    for (unsigned i = 0; i < run->options->members && length < size; i++) {
        if (i != slot && unheard >> i & 1)
            length += (size_t)snprintf(text + length, size - length, "%s%u",
                                       strchr(text, ',') || strchr(text + 7, ' ') ? "," : " ",
                                       run->crew.ports[i]);
    }
    if (length < size)
        snprintf(text + length, size - length, "\n");
}

static void set_filter(struct lab_faults *faults, unsigned slot)
{
    char text[512];

    format_filter(faults, slot, text, sizeof(text));
    lab_crew_tell(&faults->run->crew, slot, "%s", text);
}

static void set_filters(struct lab_faults *faults)
{
    for (unsigned i = 0; i < faults->run->options->members; i++)
        set_filter(faults, i);
}

/* ---- Beginning ---------------------------------------------------------------------- */

static bool begin_kill(struct lab_faults *faults, const struct lab_action *action, unsigned slot,
                       uint64_t now)
{
    struct lab_trouble *trouble = &faults->troubles[slot];

    if (!lab_crew_running(&faults->run->crew, slot) ||
        !(action->forced || lab_may_kill(faults, slot, now)))
        return false;
    lab_crew_kill(&faults->run->crew, slot);
    trouble->start_at = now + action->ms * LAB_NS_PER_MS;
    trouble->stop_until = trouble->away_until = 0;
    trouble->quits = false;
    note(faults->run, now, "kill %u (process %ld), new process after %" PRIu32 " ms", slot,
         (long)faults->run->crew.current[slot]->pid, action->ms);
    return true;
}

static bool begin_stop(struct lab_faults *faults, const struct lab_action *action, unsigned slot,
                       uint64_t now)
{
    struct lab_trouble *trouble = &faults->troubles[slot];

    if (!lab_crew_running(&faults->run->crew, slot) || trouble->stop_until)
        return false;
    lab_crew_stop(&faults->run->crew, slot, true);
    trouble->stop_until = now + action->ms * LAB_NS_PER_MS;
    note(faults->run, now, "stop %u for %" PRIu32 " ms", slot, action->ms);
    return true;
}

static bool begin_leave(struct lab_faults *faults, const struct lab_action *action, unsigned slot,
                        uint64_t now)
{
    struct lab_trouble *trouble = &faults->troubles[slot];

    if (!lab_crew_running(&faults->run->crew, slot) || trouble->away_until)
        return false;
    trouble->away_until = now + action->ms * LAB_NS_PER_MS + SHAKY_NS;
    trouble->quits = action->exits;
    if (action->exits)
        lab_crew_tell(&faults->run->crew, slot, "quit\n");
    else
        lab_crew_tell(&faults->run->crew, slot, "leave %" PRIu32 "\n", action->ms);
    note(faults->run, now, "leave %u, back after %" PRIu32 " ms%s", slot, action->ms,
         action->exits ? " as a new process" : "");
    return true;
}

static void cut(struct lab_faults *faults, unsigned slot, unsigned other, uint64_t until)
{
    struct lab_trouble *trouble = &faults->troubles[slot];

    trouble->unheard |= UINT64_C(1) << other;
    trouble->cut_until = until > trouble->cut_until ? until : trouble->cut_until;
    set_filter(faults, slot);
}

static bool begin_network(struct lab_faults *faults, const struct lab_action *action, unsigned slot,
                          uint64_t now)
{
    struct lab_trouble *trouble = &faults->troubles[slot];
    uint64_t until = now + action->ms * LAB_NS_PER_MS;

    if (action->fault == LAB_PARTITION && faults->side == 0) {
        faults->side = action->side;
        faults->partition_until = until;
        set_filters(faults);
        note(faults->run, now,
             "partition %" PRIx64 " (set of members) from the others for %" PRIu32 " ms",
             action->side, action->ms);
        return true;
    }
    if (action->fault == LAB_CUT && trouble->unheard == 0 && action->other != slot) {
        cut(faults, slot, action->other, until);
        if (action->both)
            cut(faults, action->other, slot, until);
        note(faults->run, now, "cut: %u does not hear %u%s for %" PRIu32 " ms", slot, action->other,
             action->both ? ", nor the other way round," : "", action->ms);
        return true;
    }
    if (action->fault == LAB_LOSS && trouble->loss == 0) {
        trouble->loss = action->amount;
        trouble->loss_until = until;
        note(faults->run, now, "loss of %" PRIu32 " %% at %u for %" PRIu32 " ms",
             action->amount / 10000, slot, action->ms);
    } else {
        return false;
    }
    set_filter(faults, slot);
    return true;
}

static bool begin_slow(struct lab_faults *faults, const struct lab_action *action, unsigned slot,
                       uint64_t now)
{
    lab_crew_tell(&faults->run->crew, slot, "slow %" PRIu32 " %" PRIu32 "\n", action->amount,
                  action->ms);
    note(faults->run, now, "slow %u: an event in %" PRIu32 " us for %" PRIu32 " ms", slot,
         action->amount, action->ms);
    return true;
}

static bool begin(struct lab_faults *faults, const struct lab_action *action, unsigned slot,
                  uint64_t now)
{
    uint64_t slots = action->fault == LAB_PARTITION ? action->side : UINT64_C(1) << slot;

    if (action->fault == LAB_SLOW)
        return begin_slow(faults, action, slot, now);
    if (!action->bold && !action->forced && !lab_may_trouble(faults, slots, now))
        return false;
    if (action->fault == LAB_KILL)
        return begin_kill(faults, action, slot, now);
    if (action->fault == LAB_STOP)
        return begin_stop(faults, action, slot, now);
    if (action->fault == LAB_LEAVE)
        return begin_leave(faults, action, slot, now);
    return begin_network(faults, action, slot, now);
}

static void carry_out(struct lab_faults *faults, const struct lab_action *action, uint64_t now)
{
    unsigned slot = action->slot;

    if (slot == LAB_COORDINATOR)
        slot = lab_coordinator(faults->run);
    if (slot != LAB_COORDINATOR && begin(faults, action, slot, now))
        faults->run->done[action->fault]++;
    else
        faults->run->skipped++;
}

/* ---- Ending ------------------------------------------------------------------------- */

static bool is_over(uint64_t *until, uint64_t now)
{
    if (*until == 0 || *until > now)
        return false;
    *until = 0;
    return true;
}

/* A new process where the old one has been reaped. */
static void end_absence(struct lab_faults *faults, unsigned slot, uint64_t now)
{
    struct lab_trouble *trouble = &faults->troubles[slot];
    const struct lab_life *life = faults->run->crew.current[slot];
    char commands[512];
    size_t length;

    if (trouble->quits && !life->running) {
        trouble->quits = false;
        trouble->start_at =
            now > trouble->away_until - SHAKY_NS ? now : trouble->away_until - SHAKY_NS;
    }
    if (trouble->start_at == 0 || trouble->start_at > now)
        return;
    if (life->running) {
        trouble->start_at = now + RETRY_NS;
        return;
    }
    trouble->start_at = trouble->away_until = 0;
    format_filter(faults, slot, commands, sizeof(commands));
    length = strlen(commands);
    snprintf(commands + length, sizeof(commands) - length, "go\n");
    lab_crew_start(&faults->run->crew, slot, false, commands);
    note(faults->run, now, "start %u (process %ld)", slot,
         (long)faults->run->crew.current[slot]->pid);
}

static void end_troubles(struct lab_faults *faults, unsigned slot, uint64_t now)
{
    struct lab_trouble *trouble = &faults->troubles[slot];
    bool filter = false;

    if (is_over(&trouble->stop_until, now)) {
        lab_crew_stop(&faults->run->crew, slot, false);
        trouble->shaky_until = now + SHAKY_NS;
    }
    if (is_over(&trouble->cut_until, now)) {
        trouble->unheard = 0;
        trouble->shaky_until = now + SHAKY_NS;
        filter = true;
    }
    if (is_over(&trouble->loss_until, now)) {
        trouble->loss = 0;
        trouble->shaky_until = now + SHAKY_NS;
        filter = true;
    }
    if (!trouble->quits && trouble->start_at == 0)
        is_over(&trouble->away_until, now);
    if (filter)
        set_filter(faults, slot);
    end_absence(faults, slot, now);
}

static void end_partition(struct lab_faults *faults, uint64_t now)
{
    if (!is_over(&faults->partition_until, now))
        return;
    for (unsigned i = 0; i < faults->run->options->members; i++) {
        if (lab_is_cut_off(faults, i))
            faults->troubles[i].shaky_until = now + SHAKY_NS;
    }
    faults->side = 0;
    set_filters(faults);
}

uint64_t lab_faults_step(struct lab_faults *faults, uint64_t now)
{
    const struct lab_plan *plan = &faults->run->plan;
    uint64_t begun = faults->run->load_at;

    end_partition(faults, now);
    for (unsigned i = 0; i < faults->run->options->members; i++)
        end_troubles(faults, i, now);
    while (faults->next < plan->count &&
           begun + plan->actions[faults->next].at_ms * LAB_NS_PER_MS <= now)
        carry_out(faults, &plan->actions[faults->next++], now);
    return now + RETRY_NS;
}

bool lab_faults_heal(struct lab_faults *faults, uint64_t now)
{
    bool all = true;

    if (faults->partition_until)
        faults->partition_until = now;
    end_partition(faults, now);
    for (unsigned i = 0; i < faults->run->options->members; i++) {
        struct lab_trouble *trouble = &faults->troubles[i];
        uint64_t *ends[] = {&trouble->start_at, &trouble->stop_until, &trouble->cut_until,
                            &trouble->loss_until};

        for (size_t j = 0; j < sizeof(ends) / sizeof(ends[0]); j++)
            *ends[j] = *ends[j] ? now : 0;
        end_troubles(faults, i, now);
        lab_crew_tell(&faults->run->crew, i, "slow 0 0\n");
        all = all && !trouble->start_at && !trouble->quits;
    }
    return all;
}
