/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Do all replicas have the same state? At every so many commands each one tells the others a
 * digest of its state there. Votes are counted as everywhere; a replica whose digest is not the
 * one that a quorum has knows that its state is wrong, and starts over. If states differ and no
 * quorum agrees, nobody knows whose is right: that is only reported.
 */
#include "gcs/replica/replicator.h"

#include <string.h>

void gcs_digests_clear(struct gcs_replicator *replicator)
{
    memset(replicator->points, 0, sizeof(replicator->points));
}

/* The oldest point makes room; NULL: the number is older than all that are remembered. */
static struct gcs_replica_point *find(struct gcs_replicator *replicator, uint64_t number)
{
    uint64_t index = number / replicator->terms.digest_every % GCS_REPLICA_POINTS;
    struct gcs_replica_point *point = &replicator->points[index];

    if (point->number > number)
        return NULL;
    if (point->number < number)
        *point = (struct gcs_replica_point){.number = number};
    return point;
}

static uint32_t votes_of(const struct gcs_member *member)
{
    return member->syncing ? 0 : member->weight;
}

static void count(const struct gcs_replicator *replicator, struct gcs_replica_point *point,
                  const struct gcs_member_id *from, uint64_t digest)
{
    uint32_t i = 0;

    while (i < point->values && point->value[i].digest != digest)
        i++;
    if (i == GCS_REPLICA_VALUES)
        return;
    if (i == point->values) {
        point->values++;
        point->value[i].digest = digest;
    }
    for (uint16_t rank = 0; rank < replicator->members_count; rank++)
        if (replicator->members[rank].id.incarnation == from->incarnation)
            point->value[i].votes += votes_of(&replicator->members[rank]);
}

static void judge(struct gcs_replicator *replicator, struct gcs_replica_point *point)
{
    uint64_t all = 0, told = 0;
    unsigned long long number = point->number;

    for (uint16_t rank = 0; rank < replicator->members_count; rank++)
        all += votes_of(&replicator->members[rank]);
    for (uint32_t i = 0; i < point->values; i++) {
        told += point->value[i].votes;
        if (!point->known || 2 * point->value[i].votes <= all ||
            point->value[i].digest == point->own)
            continue;
        gcs_replicator_report(replicator, GCS_REPLICA_DIVERGED, GCS_ESTATE, point->number,
                              "the state after command %llu differs from that of a quorum "
                              "(%016llx, not %016llx): starting over",
                              number, (unsigned long long)point->own,
                              (unsigned long long)point->value[i].digest);
        gcs_replicator_start_over(replicator);
        return;
    }
    if (point->values < 2 || told < all)
        return;
    for (uint32_t i = 0; i < point->values; i++)
        if (2 * point->value[i].votes > all)
            return;
    gcs_replicator_report(replicator, GCS_REPLICA_UNDECIDED, GCS_ESTATE, point->number,
                          "states differ after command %llu, and no quorum has the same", number);
    point->values = 0; /* said once */
}

void gcs_digests_heard(struct gcs_replicator *replicator, const struct gcs_member_id *from,
                       const struct gcs_replica_message *message)
{
    struct gcs_replica_point *point = NULL;

    if (message->number > 0 && message->number % replicator->terms.digest_every == 0)
        point = find(replicator, message->number);
    if (!point)
        return;
    count(replicator, point, from, message->digest);
    judge(replicator, point);
}

/* If there is no room for it, this place goes uncompared. */
static void tell(struct gcs_replicator *replicator, uint64_t digest)
{
    uint8_t bytes[GCS_REPLICA_SMALL];
    struct gcs_replica_message message = {
        .kind = GCS_REPLICA_DIGEST, .number = replicator->number, .digest = digest};

    (void)replicator->port.multicast(replicator->port.ctx, GCS_FIFO, bytes,
                                     gcs_replica_write(bytes, &message));
}

void gcs_digests_applied(struct gcs_replicator *replicator)
{
    struct gcs_replica_point *point;

    if (!replicator->machine.digest || replicator->number % replicator->terms.digest_every != 0)
        return;
    bool outermost = gcs_replicator_calls(replicator, "digest", replicator->number);
    uint64_t digest = replicator->machine.digest(replicator->machine.ctx);
    gcs_replicator_called(replicator, outermost);
    point = find(replicator, replicator->number);
    if (!point)
        return;
    point->known = true;
    point->own = digest;
    tell(replicator, digest); /* comes back, and is counted then */
    judge(replicator, point);
}
