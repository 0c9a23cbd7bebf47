/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The checksum of packets in registers of 256 bits. This file alone is compiled for
 * processors that have them (cmake/library.cmake) and must be called on no other.
 */
#include "gcs/wire/checksum.h"

#ifdef __AVX2__

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t gcs_checksum_avx2(const uint8_t *data, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, size, seed);
}

#endif
