/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * LEASE: a member asks the others to let it count as part of the primary for a
 * while, and they grant it.
 *
 *     kind 1: 0 question, 1 grant; round varint
 */
#ifndef GCS_WIRE_LEASE_H
#define GCS_WIRE_LEASE_H

#include "gcs/wire/packet.h"

#define GCS_LEASE_BYTES_MAX 11

void gcs_lease_write(struct gcs_writer *w, bool grant, uint64_t round);
bool gcs_lease_read(const uint8_t *body, size_t size, bool *grant, uint64_t *round);

#endif
