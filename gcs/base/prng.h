/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A small seeded pseudo-random generator: xoshiro256** (Blackman and Vigna,
 * "Scrambled Linear Pseudorandom Number Generators", ACM TOMS 47(4), 2021),
 * its state filled by splitmix64. The same seed gives the same sequence on
 * every machine: integers only, no floating point, no 128-bit arithmetic.
 * For back-offs, identities and simulations; never for keys.
 *
 * All inline, so that static libraries for users' tests need no object of the
 * library's.
 */
#ifndef GCS_BASE_PRNG_H
#define GCS_BASE_PRNG_H

#include <stdbool.h>
#include <stdint.h>

struct gcs_prng {
    uint64_t state[4];
};

/* One step of splitmix64: also good for deriving seeds from seeds. */
static inline uint64_t gcs_prng_split(uint64_t *seed)
{
    uint64_t z = (*seed += 0x9e3779b97f4a7c15U);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

static inline void gcs_prng_init(struct gcs_prng *prng, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        prng->state[i] = gcs_prng_split(&seed);
}

static inline uint64_t gcs_prng_rotate(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

/* 64 uniform bits. */
static inline uint64_t gcs_prng_next(struct gcs_prng *prng)
{
    uint64_t *s = prng->state;
    uint64_t result = gcs_prng_rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = gcs_prng_rotate(s[3], 45);
    return result;
}

/* Uniform in [0, bound); 0 if bound is 0. Exact: the uneven rest is drawn again. */
static inline uint64_t gcs_prng_below(struct gcs_prng *prng, uint64_t bound)
{
    uint64_t rest, x;

    if (bound == 0)
        return 0;
    rest = (0 - bound) % bound; /* 2^64 mod bound */
    do {
        x = gcs_prng_next(prng);
    } while (x < rest);
    return x % bound;
}

/* Uniform in [low, high], both included; low <= high. */
static inline uint64_t gcs_prng_between(struct gcs_prng *prng, uint64_t low, uint64_t high)
{
    uint64_t span = high - low + 1;

    return span == 0 ? gcs_prng_next(prng) : low + gcs_prng_below(prng, span);
}

/* True with a probability of parts in a million. */
static inline bool gcs_prng_chance(struct gcs_prng *prng, uint32_t parts_per_million)
{
    return gcs_prng_below(prng, 1000000) < parts_per_million;
}

#endif
