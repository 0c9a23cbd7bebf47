/* SPDX-License-Identifier: BSD-3-Clause */
/* The clocks of missing packets: see missing.h. */
#include "gcs/reliable/missing.h"

#define DOUBLINGS_MAX 10u

void gcs_missing_init(struct gcs_missing *missing)
{
    *missing = (struct gcs_missing){.due = GCS_NEVER};
}

bool gcs_missing_note(struct gcs_missing *missing, struct gcs_window *window, uint64_t now,
                      uint64_t delay_ns)
{
    uint64_t number = missing->noted > window->contiguous ? missing->noted : window->contiguous;
    if (!gcs_window_reserve(window, window->top))
        return false;
    while (++number <= window->top) {
        struct gcs_held *place = gcs_window_missing(window, number);
        if (!place)
            continue;
        place->ask_at = now + delay_ns;
        place->attempts = 0;
        if (place->ask_at < missing->due)
            missing->due = place->ask_at;
    }
    missing->noted = window->top;
    return true;
}

/* The first number whose clock has run out, or 0; then due is when the next one does. */
static uint64_t first_due(struct gcs_missing *missing, struct gcs_window *window, uint64_t now)
{
    missing->due = GCS_NEVER;
    for (uint64_t n = window->contiguous + 1; n <= missing->noted; n++) {
        const struct gcs_held *place = gcs_window_missing(window, n);
        if (!place)
            continue;
        if (place->ask_at < missing->due)
            missing->due = place->ask_at;
        if (place->ask_at <= now)
            return n;
    }
    return 0;
}

static bool add(struct gcs_nack *nack, uint64_t number)
{
    struct gcs_range *last = nack->count ? &nack->ranges[nack->count - 1] : NULL;
    if (last && last->last + 1 == number)
        last->last = number;
    else if (nack->count < GCS_NACK_RANGES_MAX)
        nack->ranges[nack->count++] = (struct gcs_range){number, number};
    else
        return false;
    return true;
}

bool gcs_missing_ask(struct gcs_missing *missing, struct gcs_window *window, uint64_t now,
                     const struct gcs_missing_timing *timing, struct gcs_nack *nack,
                     uint32_t *attempt)
{
    if (now < missing->due)
        return false;
    uint64_t first = first_due(missing, window, now);
    if (first == 0)
        return false;
    *attempt = gcs_window_missing(window, first)->attempts;
    uint64_t wait = timing->wait_ns << (*attempt < DOUBLINGS_MAX ? *attempt : DOUBLINGS_MAX);
    nack->count = 0;
    for (uint64_t n = first; n <= missing->noted; n++) {
        struct gcs_held *place = gcs_window_missing(window, n);
        if (!place || place->attempts != *attempt || place->ask_at > now + timing->slack_ns)
            continue;
        if (!add(nack, n))
            break;
        place->ask_at = now + (wait < timing->ceiling_ns ? wait : timing->ceiling_ns);
        place->attempts++;
    }
    return true;
}

uint32_t gcs_missing_hold_back(struct gcs_missing *missing, struct gcs_window *window,
                               const struct gcs_range *range, uint64_t until)
{
    uint64_t first = range->first > window->contiguous ? range->first : window->contiguous + 1;
    uint64_t last = range->last < missing->noted ? range->last : missing->noted;
    uint32_t spared = 0;
    for (uint64_t n = first; n <= last; n++) {
        struct gcs_held *place = gcs_window_missing(window, n);
        if (!place || place->ask_at >= until)
            continue;
        place->ask_at = until;
        spared += place->attempts == 0;
        if (place->attempts == 0)
            place->attempts = 1;
    }
    return spared;
}
