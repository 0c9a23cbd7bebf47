/* SPDX-License-Identifier: BSD-3-Clause */
/* Leases of the primary: see lease.h for what makes them safe. */
#include "views/lease.h"

#include "gcs/base/mutant.h"
#include "gcs/base/quorum.h"
#include <gcs/error.h>

/* Asked anew at half of its time; sooner if the quorum has not answered. */
#define RENEW_NS (GCS_LEASE_NS / 2)
#define RETRY_NS (GCS_LEASE_NS / 6)
#define USED_NS  (2 * GCS_LEASE_NS)

void gcs_lease_init(struct gcs_lease *lease, const struct gcs_view *view, bool *granted,
                    uint64_t grants_from, void *ctx,
                    void (*send)(void *ctx, uint16_t rank, const uint8_t *body, size_t size))
{
    *lease = (struct gcs_lease){
        .view = view, .granted = granted, .grants_from = grants_from, .ctx = ctx, .send = send};
}

static bool may_grant(const struct gcs_lease *lease, uint64_t now)
{
    return !lease->frozen && (now >= lease->grants_from || GCS_MUTANT(hasty_lease));
}

/* ---- Asking ----------------------------------------------------------------------------- */

static void count_grants(struct gcs_lease *lease)
{
    struct gcs_tally tally = {0};
    for (uint16_t rank = 0; rank < lease->view->count; rank++)
        gcs_tally_add(&tally, &lease->view->members[rank], lease->granted[rank]);
    if (gcs_tally_quorum(&tally, lease->view->tie_breaker))
        lease->until = lease->asked + GCS_LEASE_NS;
}

static void ask(struct gcs_lease *lease, uint64_t now)
{
    uint8_t body[GCS_LEASE_BYTES_MAX];
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    lease->round++;
    lease->asked = now;
    gcs_lease_write(&w, false, lease->round);
    for (uint16_t rank = 0; rank < lease->view->count; rank++) {
        lease->granted[rank] = rank == lease->view->self && may_grant(lease, now);
        if (rank != lease->view->self && gcs_member_votes(&lease->view->members[rank]) > 0)
            lease->send(lease->ctx, rank, body, gcs_writer_size(&w));
    }
    count_grants(lease);
}

static bool wanted(const struct gcs_lease *lease)
{
    return lease->used_until > 0 && !lease->frozen;
}

static bool answered(const struct gcs_lease *lease)
{
    return lease->until == lease->asked + GCS_LEASE_NS;
}

static uint64_t next_round(const struct gcs_lease *lease)
{
    return lease->asked + (answered(lease) ? RENEW_NS : RETRY_NS);
}

bool gcs_lease_use(struct gcs_lease *lease, uint64_t now)
{
    lease->used_until = now + USED_NS;
    if (!lease->frozen && (lease->asked == 0 || now >= next_round(lease)))
        ask(lease, now);
    return now < lease->until;
}

void gcs_lease_tick(struct gcs_lease *lease, uint64_t now)
{
    if (!wanted(lease) || now < gcs_lease_deadline(lease))
        return;
    if (now >= lease->used_until)
        lease->used_until = 0;
    else
        ask(lease, now);
}

uint64_t gcs_lease_deadline(const struct gcs_lease *lease)
{
    return wanted(lease) ? next_round(lease) : GCS_NEVER;
}

void gcs_lease_freeze(struct gcs_lease *lease)
{
    lease->frozen = true;
}

/* ---- Answering -------------------------------------------------------------------------- */

int gcs_lease_frame(struct gcs_lease *lease, uint64_t now, uint16_t from, const uint8_t *body,
                    size_t size)
{
    uint64_t round;
    bool grant;
    if (!gcs_lease_read(body, size, &grant, &round))
        return GCS_EMALFORMED;
    if (grant) {
        if (round == lease->round && !lease->granted[from]) {
            lease->granted[from] = true;
            count_grants(lease);
        }
    } else if (may_grant(lease, now)) {
        uint8_t answer[GCS_LEASE_BYTES_MAX];
        struct gcs_writer w = gcs_writer_over(answer, sizeof(answer));
        gcs_lease_write(&w, true, round);
        lease->send(lease->ctx, from, answer, gcs_writer_size(&w));
    }
    return 0;
}
