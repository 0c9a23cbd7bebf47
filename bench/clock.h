/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Time of gcs-bench: nanoseconds of CLOCK_MONOTONIC, which all processes of one
 * machine share, so that times taken in different processes can be subtracted.
 */
#ifndef GCS_BENCH_CLOCK_H
#define GCS_BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

#define BENCH_NS_PER_US UINT64_C(1000)
#define BENCH_NS_PER_MS UINT64_C(1000000)
#define BENCH_NS_PER_S  UINT64_C(1000000000)

static inline uint64_t bench_now(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * BENCH_NS_PER_S + (uint64_t)time.tv_nsec;
}

static inline struct timespec bench_timespec(uint64_t ns)
{
    return (struct timespec){
        .tv_sec = (time_t)(ns / BENCH_NS_PER_S),
        .tv_nsec = (long)(ns % BENCH_NS_PER_S),
    };
}

static inline uint64_t bench_seconds(double seconds)
{
    return (uint64_t)(seconds * 1e9);
}

#endif
