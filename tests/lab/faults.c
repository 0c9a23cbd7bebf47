/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When faults begin and end. A process that was stopped or badly connected stays
 * "shaky" for a while afterwards: the others may just be excluding it.
 */
#include "tests/lab/faults.h"

#include <stdio.h>
#include <string.h>

#define SHAKY_NS (700 * LAB_NS_PER_MS) /* a suspicion and a change of view */
#define RETRY_NS (5 * LAB_NS_PER_MS)

void lab_faults_init(struct lab_faults *faults, struct lab_run *run)
{
    memset(faults, 0, sizeof(*faults));
    faults->run = run;
}

/* A network that does not do as it is told makes a run that proves nothing. */
static void update_network(struct lab_run *run)
{
    struct lab_network *network = &run->network;

    lab_network_update(network);
    if (network->failure[0] != '\0')
        lab_crew_wrong(&run->crew, "%s", network->failure);
    network->failure[0] = '\0';
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

    if (trouble->quits && !life->running) {
        uint64_t back_at = trouble->until[LAB_LEAVE] - SHAKY_NS;

        trouble->quits = false;
        trouble->start_at = now > back_at ? now : back_at;
    }
    if (trouble->start_at == 0 || trouble->start_at > now)
        return;
    if (life->running) {
        trouble->start_at = now + RETRY_NS;
        return;
    }
    trouble->start_at = trouble->until[LAB_LEAVE] = 0;
    lab_crew_start(&faults->run->crew, slot, false, "go\n");
    lab_faults_note(faults->run, "start %u (process %ld)", slot,
                    (long)faults->run->crew.current[slot]->pid);
}

static void end_fault(struct lab_faults *faults, unsigned slot, enum lab_fault fault)
{
    struct lab_link *link = &faults->run->network.links[slot];

    switch (fault) {
    case LAB_STOP:
        lab_crew_stop(&faults->run->crew, slot, false);
        break;
    case LAB_CUT:
        faults->troubles[slot].cut_from = 0;
        lab_faults_hearing(faults, slot);
        break;
    case LAB_LOSS:
        link->loss = 0;
        break;
    case LAB_DELAY:
        link->delay_us = link->jitter_us = 0;
        break;
    case LAB_RATE:
        link->rate_kbit = 0;
        break;
    case LAB_FLAP:
        link->down = false;
        break;
    case LAB_MTU:
        link->mtu = 0;
        break;
    case LAB_ADDRESS:
        link->addressless = false;
        break;
    default:
        break;
    }
}

static void end_troubles(struct lab_faults *faults, unsigned slot, uint64_t now)
{
    struct lab_trouble *trouble = &faults->troubles[slot];

    for (unsigned i = 0; i < LAB_FAULTS; i++) {
        if (i == LAB_LEAVE && (trouble->quits || trouble->start_at))
            continue;
        if (!is_over(&trouble->until[i], now))
            continue;
        end_fault(faults, slot, (enum lab_fault)i);
        if (i != LAB_LEAVE)
            trouble->shaky_until = now + SHAKY_NS;
    }
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
    for (unsigned i = 0; i < faults->run->options->members; i++)
        lab_faults_hearing(faults, i);
}

/* ---- Steps -------------------------------------------------------------------------- */

uint64_t lab_faults_step(struct lab_faults *faults, uint64_t now)
{
    const struct lab_plan *plan = &faults->run->plan;

    end_partition(faults, now);
    for (unsigned i = 0; i < faults->run->options->members; i++)
        end_troubles(faults, i, now);
    while (faults->next < plan->count &&
           faults->run->begun + plan->actions[faults->next].at_ms * LAB_NS_PER_MS <= now)
        lab_faults_begin(faults, &plan->actions[faults->next++], now);
    update_network(faults->run);
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

        for (unsigned j = 0; j < LAB_FAULTS; j++) {
            if (j != LAB_LEAVE && trouble->until[j])
                trouble->until[j] = now;
        }
        if (trouble->start_at)
            trouble->start_at = now;
        end_troubles(faults, i, now);
        lab_crew_tell(&faults->run->crew, i, "slow 0 0\n");
        all = all && !trouble->start_at && !trouble->quits;
    }
    update_network(faults->run);
    return all;
}
