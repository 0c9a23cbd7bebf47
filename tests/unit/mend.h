/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Makes the checksum of packet bytes right again, so that tests and fuzzers
 * reach what lies behind it. Written from the description of the layout in
 * gcs/wire/packet.h, not with the library's own code.
 */
#ifndef GCS_TESTS_UNIT_MEND_H
#define GCS_TESTS_UNIT_MEND_H

#include <stddef.h>
#include <stdint.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { MEND_CHECKSUM = 8, MEND_CHECKED = 16, MEND_HEADER = 64 };

static inline void mend_store(uint8_t *bytes, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

static inline uint64_t mend_load(const uint8_t *bytes, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

static inline void mend(uint8_t *data, size_t size, uint64_t cluster)
{
    if (size < MEND_HEADER)
        return;
    uint64_t seed = cluster ^ mend_load(data, 8);
    uint64_t sum = XXH3_64bits_withSeed(data + MEND_CHECKED, size - MEND_CHECKED, seed);
    mend_store(data + MEND_CHECKSUM, sum, 8);
}

#endif
