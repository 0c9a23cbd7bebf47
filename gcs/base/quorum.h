/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one quorum system of a view: ballots, polls, safe delivery and the primary
 * all count alike. A quorum has more than half of the votes. With the view's tie
 * breaker on, exactly half is enough for the half that the senior voter is in; any
 * two quorums still have a member in common.
 */
#ifndef GCS_BASE_QUORUM_H
#define GCS_BASE_QUORUM_H

#include "gcs/base/mutant.h"
#include <gcs/types.h>

/* A member that has not got the group's state yet has no vote. */
static inline uint32_t gcs_member_votes(const struct gcs_member *member)
{
    return member->syncing && !GCS_MUTANT(vote_before_state) ? 0 : member->weight;
}

/* Votes counted so far; begin with zeros. */
struct gcs_tally {
    uint32_t all;
    uint32_t in;
    bool senior_in; /* the senior voter is */
};

/* Counts one member; in order of rank, since the first with a vote is the senior voter. */
static inline void gcs_tally_add(struct gcs_tally *tally, const struct gcs_member *member, bool in)
{
    uint32_t votes = gcs_member_votes(member);
    if (tally->all == 0 && votes > 0)
        tally->senior_in = in;
    tally->all += votes;
    tally->in += in ? votes : 0;
}

static inline bool gcs_tally_quorum(const struct gcs_tally *tally, bool tie_breaker)
{
    uint64_t twice = 2 * (uint64_t)tally->in;
    return twice > tally->all || (tie_breaker && tally->senior_in && twice == tally->all);
}

#endif
