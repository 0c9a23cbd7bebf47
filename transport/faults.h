/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An interceptor that makes any transport as bad as a test needs it: received
 * packets are lost, doubled, damaged or held back by chance, from a seed. It is
 * made by two options that every transport's URL may have:
 *
 *     faults=loss:0.01,duplicate:0.01,corrupt:0.001,reorder:0.01,hold:5
 *     seed=N
 *
 * Chances are per received packet and receiver; hold is the longest time, in
 * milliseconds, that a reordered packet is held back. The generator is seeded
 * with seed and the transport's address: members that share a URL's seed do not
 * lose the same packets. All the rest is the wrapped transport's.
 */
#ifndef GCS_TRANSPORT_FAULTS_H
#define GCS_TRANSPORT_FAULTS_H

#include "transport/transport.h"
#include "transport/url.h"

struct gcs_faults_config {
    bool enabled;                               /* there was a faults= option */
    uint32_t loss, duplicate, corrupt, reorder; /* millionths */
    uint32_t hold_ms;
    uint64_t seed;
};

/* Takes faults= and seed= from the URL. GCS_EOPTION. */
int gcs_faults_parse(struct gcs_faults_config *config, struct gcs_url *url,
                     const struct gcs_report *report);

/* Wraps inner, which then belongs to *transport. GCS_ENOMEM, GCS_ESYSTEM: inner is untouched. */
int gcs_faults_wrap(const struct gcs_faults_config *config, struct gcs_transport *inner,
                    struct gcs_transport **transport, const struct gcs_report *report);

#endif
