/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a member does that cannot be right: requests and acknowledgements of packets that
 * were never sent, packets that differ from those that are held under their number,
 * more requests than anybody has reason for. Nothing of it changes anything here; it
 * is counted, and held against the member that it came from (its status has it).
 */
#include "gcs/era.h"

#include "gcs/group.h"

/*
 * A member asks for the packets of one sender at most once in its guard time of half a
 * millisecond, for those of several at once, and asks several: twice that is not reached.
 */
#define QUOTA_NS      1000000u
#define QUOTA_EACH    4u  /* in that time, for each sender ... */
#define QUOTA_SENDERS 64u /* ... of which no more count */
#define QUOTA_BURST   16u /* so many times that come at once are made up for, or ... */

void gcs_era_blame(struct gcs_era *era, uint16_t rank, uint64_t *counter)
{
    (*counter)++;
    era->fellows[rank].faults++;
}

/* ... as many as fit into the suspicion timeout: who was paused finds at once all that was asked of
 * it meanwhile, and what comes before it is suspected is nobody's fault. */
static uint32_t burst(const struct gcs_era *era)
{
    uint64_t times = era->group->core->config.suspect_ns / QUOTA_NS, most = UINT16_MAX;
    return times < QUOTA_BURST ? QUOTA_BURST : (uint32_t)(times < most ? times : most);
}

bool gcs_era_admits(struct gcs_era *era, uint64_t now, uint16_t rank)
{
    struct gcs_fellow *fellow = &era->fellows[rank];
    uint32_t senders = era->view.count < QUOTA_SENDERS ? era->view.count : QUOTA_SENDERS;
    uint32_t each = QUOTA_EACH * senders;
    uint64_t periods = (now - fellow->asked_at) / QUOTA_NS;
    uint64_t forgiven = each * (periods < burst(era) ? periods : burst(era));
    fellow->asked = forgiven < fellow->asked ? fellow->asked - (uint32_t)forgiven : 0;
    fellow->asked_at += periods * QUOTA_NS;
    if (fellow->asked >= burst(era) * each) {
        gcs_era_blame(era, rank, &era->group->core->counters.requests_refused);
        return false;
    }
    fellow->asked++;
    return true;
}

bool gcs_era_is_forged(const struct gcs_era *era, const struct gcs_nack *nack)
{
    return nack->rank == era->view.self && nack->ranges[nack->count - 1].last > era->sent;
}

/* A packet has one spelling for ever: of two that differ one is not its sender's. */
void gcs_era_compare(struct gcs_era *era, const struct gcs_address *from, uint16_t rank,
                     uint64_t number, const uint8_t *data, size_t size)
{
    const struct gcs_held *held = gcs_window_get(&era->fellows[rank].window, number);
    struct gcs_counters *counters = &era->group->core->counters;
    if (!held || (held->size == size && memcmp(held->data, data, size) == 0))
        return;
    for (uint16_t i = 0; i < era->view.count; i++)
        if (gcs_address_equal(from, &era->members[i].id.address))
            era->fellows[i].faults++;
    counters->packets_differing++;
}
