/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Leases: until when a member may be sure that no primary without it claims to be
 * one. (Gray and Cheriton, "Leases", SOSP 1989.) A member asks the others of its
 * view; once a quorum has granted, it holds a lease that ends GCS_LEASE_NS after
 * the question was sent, on its own clock.
 *
 * Safe for these reasons. A grant is given only before the giver's first promise in
 * the view. A ballot needs promises from a quorum, so somebody who granted promised
 * later, and whatever view comes out is installed later than that: later than the
 * lease's beginning. After a view that somebody did not come along into, and after
 * joining, a member grants nothing for GCS_LEASE_NS and a margin, so that no lease
 * begins in the new view before those of whoever was left behind have ended. The
 * order of messages waits for none of this.
 *
 * Assumed: no two members' clocks differ in rate by more than one part in
 * GCS_LEASE_DRIFT, and they go on while a host is suspended.
 */
#ifndef GCS_VIEWS_LEASE_H
#define GCS_VIEWS_LEASE_H

#include "gcs/wire/lease.h"
#include <gcs/core.h>

#define GCS_LEASE_NS    UINT64_C(60000000)
#define GCS_LEASE_DRIFT 16
/* How long a member that knows of possible leases elsewhere grants none. */
#define GCS_LEASE_WAIT_NS (GCS_LEASE_NS + GCS_LEASE_NS / GCS_LEASE_DRIFT)

struct gcs_lease {
    const struct gcs_view *view; /* outlives it */
    bool *granted;               /* per rank: in this round */
    bool frozen;                 /* promised: grants nothing more, and asks no more */
    uint64_t grants_from;        /* nothing is granted before */
    uint64_t round;
    uint64_t asked;      /* when this round began; 0: never */
    uint64_t until;      /* held until then */
    uint64_t used_until; /* renewed until then */
    void *ctx;
    void (*send)(void *ctx, uint16_t rank, const uint8_t *body, size_t size);
};

/* granted: room for a flag per rank, all false. */
void gcs_lease_init(struct gcs_lease *lease, const struct gcs_view *view, bool *granted,
                    uint64_t grants_from, void *ctx,
                    void (*send)(void *ctx, uint16_t rank, const uint8_t *body, size_t size));

/* The lease is wanted, and will be for a while. True: it is held until lease->until. */
bool gcs_lease_use(struct gcs_lease *lease, uint64_t now);
void gcs_lease_freeze(struct gcs_lease *lease);
int gcs_lease_frame(struct gcs_lease *lease, uint64_t now, uint16_t from, const uint8_t *body,
                    size_t size);
void gcs_lease_tick(struct gcs_lease *lease, uint64_t now);
uint64_t gcs_lease_deadline(const struct gcs_lease *lease);

#endif
