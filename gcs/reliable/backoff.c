/* SPDX-License-Identifier: BSD-3-Clause */
/* Waiting before speaking: see backoff.h. */
#include "gcs/reliable/backoff.h"

#define E_16BIT       178145u /* e, 16 bits behind the point */
#define FRACTION_BITS 16
#define RECEIVERS_MAX 65536u

/* The logarithm to base two of a number with 16 bits behind the point that is at least 1, itself
 * with 16 bits behind the point: one bit for each squaring. */
static uint32_t log2_16bit(uint64_t value)
{
    uint32_t result = 0;
    while (value >= UINT64_C(2) << FRACTION_BITS) {
        value >>= 1;
        result += 1u << FRACTION_BITS;
    }
    for (uint32_t bit = 1u << (FRACTION_BITS - 1); bit > 0; bit >>= 1) {
        value = (value * value) >> FRACTION_BITS;
        if (value >= UINT64_C(2) << FRACTION_BITS) {
            value >>= 1;
            result += bit;
        }
    }
    return result;
}

uint64_t gcs_backoff_ns(uint64_t random, uint64_t window_ns, uint32_t receivers)
{
    if (receivers <= 1)
        return 0;
    if (receivers > RECEIVERS_MAX)
        receivers = RECEIVERS_MAX;
    uint64_t most = (uint64_t)E_16BIT * receivers; /* e R, at most 2^34 */
    uint64_t one = UINT64_C(1) << FRACTION_BITS;
    uint64_t y = one + (((random >> 32) * ((most - one) >> 4)) >> 28);
    uint64_t part = ((uint64_t)log2_16bit(y) << FRACTION_BITS) / log2_16bit(most);
    uint64_t whole = window_ns >> FRACTION_BITS, rest = window_ns & (one - 1);
    uint64_t wait = whole * part + ((rest * part) >> FRACTION_BITS);
    return wait < window_ns ? wait : window_ns;
}
