/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Latency of own messages: see latency.h.
 */
#include "gcs/latency.h"

#include <string.h>

#define NS_PER_US 1000u

static unsigned bucket_of(uint64_t ns)
{
    unsigned bucket = 0;
    while (bucket < GCS_LATENCY_BUCKETS - 1 && ns > (uint64_t)NS_PER_US << bucket)
        bucket++;
    return bucket;
}

void gcs_latency_end(struct gcs_latency_meter *meter, uint8_t service, uint64_t number,
                     uint64_t now)
{
    struct gcs_latency *measured = &meter->measured[service];
    if (meter->followed[service].number == 0 || meter->followed[service].number > number)
        return;
    uint64_t since = meter->followed[service].since;
    uint64_t ns = now > since ? now - since : 0;
    measured->sum_ns += ns;
    measured->buckets[bucket_of(ns)]++;
    meter->followed[service].number = 0;
}

void gcs_latency_forget(struct gcs_latency_meter *meter)
{
    memset(meter->followed, 0, sizeof(meter->followed));
}
