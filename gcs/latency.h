/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long own messages take until they are delivered here. Of each service one message at a
 * time is followed from the core's taking it to its delivery, then the next one: that costs
 * nothing per message but a comparison, and nothing per packet.
 */
#ifndef GCS_LATENCY_H
#define GCS_LATENCY_H

#include <gcs/core.h>

struct gcs_latency_meter {
    struct {
        uint64_t number; /* of the message that is followed; 0: none */
        uint64_t since;
    } followed[GCS_SERVICES];
    struct gcs_latency measured[GCS_SERVICES];
};

/* The message of that number was taken in. */
static inline void gcs_latency_begin(struct gcs_latency_meter *meter, uint8_t service,
                                     uint64_t number, uint64_t now)
{
    if (meter->followed[service].number == 0) {
        meter->followed[service].number = number;
        meter->followed[service].since = now;
    }
}

/* Own messages up to that number were delivered. */
void gcs_latency_end(struct gcs_latency_meter *meter, uint8_t service, uint64_t number,
                     uint64_t now);

/* Messages have got other numbers: what was followed is lost sight of. */
void gcs_latency_forget(struct gcs_latency_meter *meter);

#endif
