/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A histogram of any 64-bit values in constant space and time, after Gil Tene's
 * HdrHistogram: buckets are linear within each power of two, so that every value
 * is known to better than one part in 128. All zero bytes is an empty histogram;
 * it holds no pointers and can lie in shared memory.
 */
#ifndef GCS_BENCH_HISTOGRAM_H
#define GCS_BENCH_HISTOGRAM_H

#include <stdint.h>

#define BENCH_HISTOGRAM_BITS    7
#define BENCH_HISTOGRAM_BUCKETS ((64 - BENCH_HISTOGRAM_BITS + 1) << BENCH_HISTOGRAM_BITS)

struct bench_histogram {
    uint64_t count;
    uint64_t max;
    uint64_t buckets[BENCH_HISTOGRAM_BUCKETS];
};

/* Adds one value. */
void bench_histogram_add(struct bench_histogram *histogram, uint64_t value);

/*
 * The smallest value, to the precision above and rounded up, that the share
 * (0 to 1) of all values does not exceed; 0 if there are none.
 */
uint64_t bench_histogram_quantile(const struct bench_histogram *histogram, double share);

#endif
