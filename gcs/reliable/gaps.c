/* SPDX-License-Identifier: BSD-3-Clause */
/* Gap detection and the timing of requests: see gaps.h. */
#include "gcs/reliable/gaps.h"

#define BACKOFF_DOUBLINGS_MAX 10

void gcs_gaps_init(struct gcs_gaps *gaps)
{
    *gaps = (struct gcs_gaps){.due = GCS_NEVER};
}

void gcs_gaps_update(struct gcs_gaps *gaps, const struct gcs_window *window, uint64_t now,
                     const struct gcs_gaps_timing *timing)
{
    if (window->contiguous >= window->top) {
        gcs_gaps_init(gaps);
        return;
    }
    if (gaps->due == GCS_NEVER) {
        gaps->due = now + timing->guard_ns;
        gaps->asked_up_to = window->contiguous;
    } else if (window->contiguous > gaps->asked_up_to) {
        gaps->asked_up_to = window->contiguous;
        gaps->attempt = 0;
        if (gaps->due > now + timing->retry_ns)
            gaps->due = now + timing->retry_ns;
    }
}

static void fill(const struct gcs_window *window, struct gcs_nack *nack)
{
    nack->count = 0;
    for (uint64_t n = window->contiguous + 1; n <= window->top; n++) {
        if (gcs_window_get(window, n))
            continue;
        struct gcs_range *last = nack->count ? &nack->ranges[nack->count - 1] : NULL;
        if (last && last->last + 1 == n)
            last->last = n;
        else if (nack->count < GCS_NACK_RANGES_MAX)
            nack->ranges[nack->count++] = (struct gcs_range){n, n};
        else
            return;
    }
}

bool gcs_gaps_request(struct gcs_gaps *gaps, const struct gcs_window *window, uint64_t now,
                      const struct gcs_gaps_timing *timing, struct gcs_nack *nack)
{
    if (now < gaps->due || window->contiguous >= window->top)
        return false;
    fill(window, nack);
    uint32_t doublings =
        gaps->attempt < BACKOFF_DOUBLINGS_MAX ? gaps->attempt : BACKOFF_DOUBLINGS_MAX;
    uint64_t wait = timing->retry_ns << doublings;
    gaps->due = now + (wait < timing->ceiling_ns ? wait : timing->ceiling_ns);
    gaps->asked_up_to = window->contiguous;
    gaps->asked_top = nack->ranges[nack->count - 1].last;
    gaps->attempt++;
    return true;
}
