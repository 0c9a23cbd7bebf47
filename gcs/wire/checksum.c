/* SPDX-License-Identifier: BSD-3-Clause */
/* The checksum of packets, as this processor does it best: see checksum.h. */
#include "gcs/wire/checksum.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t gcs_checksum_plain(const uint8_t *data, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, size, seed);
}

uint64_t gcs_checksum(const uint8_t *data, size_t size, uint64_t seed)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2"))
        return gcs_checksum_avx2(data, size, seed);
#endif
    return gcs_checksum_plain(data, size, seed);
}
