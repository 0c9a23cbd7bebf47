/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * STATUS: what a member has. One vector serves gap detection, release and flow
 * control; the order engine adds its own acknowledgement at the end. The frame
 * rides in packets that travel anyway and gets one of its own only when there is
 * nothing to ride on.
 *
 *     flags 1, top varint, members varint,
 *     per rank: held varint, held - done varint, with SEEN: seen - held varint,
 *     the order engine's bytes
 */
#ifndef GCS_WIRE_STATUS_H
#define GCS_WIRE_STATUS_H

#include "gcs/wire/packet.h"

enum gcs_status_flag {
    GCS_STATUS_REPLY = 1, /* answer with a STATUS of your own */
    GCS_STATUS_SEEN = 2,  /* something is missing: seen is there too */
};

struct gcs_status {
    uint8_t flags;
    uint64_t top; /* the sender has numbered its packets up to here */
    uint16_t count;
    const uint64_t *held; /* per rank: has packets 1..held */
    const uint64_t *done; /* per rank: the application has taken 1..done */
    const uint64_t *seen; /* with SEEN, per rank: the highest number that has come */
};

/* Begins the frame; the caller appends the order engine's bytes and ends it. NULL: no room. */
uint8_t *gcs_status_begin(struct gcs_writer *w, const struct gcs_status *status);

/*
 * Reads a STATUS body of a view with count members into held and done (count entries each),
 * and into seen, which is as held without SEEN; leaves *order over the order engine's bytes. False
 * if malformed.
 */
bool gcs_status_read(const uint8_t *body, size_t size, uint16_t count, struct gcs_status *status,
                     uint64_t *held, uint64_t *done, uint64_t *seen, struct gcs_reader *order);

#endif
