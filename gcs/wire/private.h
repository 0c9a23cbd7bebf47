/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PRIVATE: how far a member has come with the packets that another sends to it
 * alone. Such packets have the flag PRIVATE and numbers of their own.
 *
 *     held varint, held - taken varint
 */
#ifndef GCS_WIRE_PRIVATE_H
#define GCS_WIRE_PRIVATE_H

#include "gcs/wire/packet.h"

#define GCS_PRIVATE_BYTES_MAX 20

void gcs_private_write(struct gcs_writer *w, uint64_t held, uint64_t taken);
bool gcs_private_read(const uint8_t *body, size_t size, uint64_t *held, uint64_t *taken);

#endif
