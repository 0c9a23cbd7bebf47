/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the group can stand. It goes on as long as a majority of its last view
 * lives, and of a view that is just being agreed on, of which nothing is known
 * outside yet. That one holds at least a majority of the last, and whoever is
 * in no trouble; so a kill, or a leave, is allowed if it leaves a majority of the last view
 * that is in no trouble, and at least two of three who are not. (A false
 * suspicion at the same moment can still make it one too many: see evidence.h.)
 */
#include "tests/lab/faults.h"

#define UNTROUBLED_MIN 3
#define DELAY_US       20000
#define RATE_KBIT      20000

static const struct lab_state *state_of(const struct lab_run *run, unsigned slot)
{
    const struct lab_life *life = run->crew.current[slot];

    return life && life->heard ? &life->state : NULL;
}

/* The highest epoch that anybody has told of, and what that view is. */
static const struct lab_state *latest_view(const struct lab_run *run)
{
    const struct lab_state *latest = NULL;

    for (size_t i = 0; i < run->crew.count; i++) {
        const struct lab_life *life = run->crew.lives[i];

        if (life->heard && (!latest || life->state.epoch > latest->epoch))
            latest = &life->state;
    }
    return latest;
}

unsigned lab_coordinator(const struct lab_run *run)
{
    const struct lab_state *latest = latest_view(run);

    for (unsigned i = 0; latest && i < run->options->members; i++) {
        if (lab_chain_text(run->network.addresses[i]) == latest->coordinator)
            return i;
    }
    return LAB_COORDINATOR;
}

/* So badly connected that it may be suspected, or hold the others up. */
static bool is_impaired(const struct lab_link *link)
{
    return link->loss || link->down || link->addressless || link->mtu ||
           link->delay_us + link->jitter_us > DELAY_US ||
           (link->rate_kbit && link->rate_kbit < RATE_KBIT);
}

bool lab_is_cut_off(const struct lab_faults *faults, unsigned slot)
{
    uint64_t bit = UINT64_C(1) << slot;
    unsigned members = faults->run->options->members;
    unsigned side = (unsigned)__builtin_popcountll(faults->side);

    if (is_impaired(&faults->run->network.links[slot]) || faults->troubles[slot].cut_from)
        return true;
    if (faults->side == 0)
        return false;
    return faults->side & bit ? 2 * side <= members : 2 * side >= members;
}

static bool in_trouble(const struct lab_faults *faults, unsigned slot, uint64_t now)
{
    const struct lab_trouble *trouble = &faults->troubles[slot];

    return !lab_crew_running(&faults->run->crew, slot) || trouble->until[LAB_STOP] ||
           trouble->until[LAB_LEAVE] || trouble->shaky_until > now || lab_is_cut_off(faults, slot);
}

/* In the latest view and in no trouble. */
static bool is_healthy(const struct lab_faults *faults, unsigned slot,
                       const struct lab_state *latest, uint64_t now)
{
    const struct lab_state *state = state_of(faults->run, slot);

    return state && state->joined && state->primary && state->epoch == latest->epoch &&
           !in_trouble(faults, slot, now);
}

bool lab_may_kill(const struct lab_faults *faults, unsigned slot, uint64_t now)
{
    const struct lab_state *latest = latest_view(faults->run);
    unsigned healthy = 0, others = 0;

    if (!latest)
        return false;
    for (unsigned i = 0; i < faults->run->options->members; i++) {
        bool is = is_healthy(faults, i, latest, now);

        healthy += is;
        others += is && i != slot;
    }
    return healthy >= UNTROUBLED_MIN && others >= 2 && others >= latest->count / 2 + 1;
}

bool lab_may_trouble(const struct lab_faults *faults, uint64_t slots, uint64_t now)
{
    unsigned members = faults->run->options->members, troubled = 0;

    for (unsigned i = 0; i < members; i++)
        troubled += (slots >> i & 1) || in_trouble(faults, i, now);
    return 2 * troubled < members;
}
