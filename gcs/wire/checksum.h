/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The checksum of packets, XXH3 of 64 bits with a seed. Each byte of traffic goes
 * through it at its sender and at every receiver, so it is worth the widest
 * registers that the processor has; the value is the same with any.
 */
#ifndef GCS_WIRE_CHECKSUM_H
#define GCS_WIRE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

uint64_t gcs_checksum(const uint8_t *data, size_t size, uint64_t seed);

/* The same for any processor, and for one with AVX2 (x86-64 only; for gcs_checksum and its test).
 */
uint64_t gcs_checksum_plain(const uint8_t *data, size_t size, uint64_t seed);
uint64_t gcs_checksum_avx2(const uint8_t *data, size_t size, uint64_t seed);

#endif
