/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * STAMP: the Lamport clock of a packet's sender when it sent it, and how far it had
 * delivered the total order by then: up to the packet with that clock of that rank.
 *
 *     clock varint (at least 1), clock - delivered clock varint, delivered rank varint
 *
 * Where nothing was delivered yet the delivered clock and rank are 0.
 */
#ifndef GCS_WIRE_STAMP_H
#define GCS_WIRE_STAMP_H

#include "gcs/wire/packet.h"

/* Clocks beyond are nonsense: no view lives so long. */
#define GCS_STAMP_CLOCK_MAX (UINT64_C(1) << 46)

struct gcs_stamp {
    uint64_t clock;
    uint64_t delivered_clock;
    uint16_t delivered_rank;
};

/* Writes the whole frame, or nothing where there is no room. */
void gcs_stamp_write(struct gcs_writer *w, const struct gcs_stamp *stamp);
/* False if malformed. */
bool gcs_stamp_read(const uint8_t *body, size_t size, uint16_t members, struct gcs_stamp *stamp);

#endif
