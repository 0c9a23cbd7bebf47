/* SPDX-License-Identifier: BSD-3-Clause */
/* Log-linear histogram: see histogram.h. */
#include "histogram.h"

#define HALF (UINT64_C(1) << BENCH_HISTOGRAM_BITS)

/*
 * Values below 2 * HALF have a bucket each. Of a larger one the highest bits count, HALF to
 * 2 * HALF - 1 of them, and how far it had to be shifted for that.
 */
static unsigned bucket_of(uint64_t value)
{
    if (value < HALF)
        return (unsigned)value;
    unsigned shift = 63 - (unsigned)__builtin_clzll(value) - BENCH_HISTOGRAM_BITS;
    return (shift << BENCH_HISTOGRAM_BITS) + (unsigned)(value >> shift);
}

/* The largest value that falls into the bucket. */
static uint64_t bucket_end(unsigned bucket)
{
    if (bucket < 2 * HALF)
        return bucket;
    unsigned shift = (bucket >> BENCH_HISTOGRAM_BITS) - 1;
    uint64_t high = bucket - ((uint64_t)shift << BENCH_HISTOGRAM_BITS);
    return (high << shift) + ((UINT64_C(1) << shift) - 1);
}

void bench_histogram_add(struct bench_histogram *histogram, uint64_t value)
{
    histogram->count++;
    histogram->buckets[bucket_of(value)]++;
    if (value > histogram->max)
        histogram->max = value;
}

uint64_t bench_histogram_quantile(const struct bench_histogram *histogram, double share)
{
    double exact = share * (double)histogram->count;
    uint64_t wanted = (uint64_t)exact;
    uint64_t seen = 0;

    if ((double)wanted < exact)
        wanted++;
    for (unsigned bucket = 0; bucket < BENCH_HISTOGRAM_BUCKETS; bucket++) {
        seen += histogram->buckets[bucket];
        if (seen >= wanted && seen > 0) {
            uint64_t end = bucket_end(bucket);
            return end < histogram->max ? end : histogram->max;
        }
    }
    return histogram->max;
}
