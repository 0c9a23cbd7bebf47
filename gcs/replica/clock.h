/* SPDX-License-Identifier: BSD-3-Clause */
/* The clock of deadlines over an endpoint: CLOCK_MONOTONIC, in nanoseconds. */
#ifndef GCS_REPLICA_CLOCK_H
#define GCS_REPLICA_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  (1000 * NS_PER_MS)

static inline uint64_t gcs_replica_clock_of(clockid_t clock)
{
    struct timespec time;

    (void)clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

static inline uint64_t gcs_replica_clock(void)
{
    return gcs_replica_clock_of(CLOCK_MONOTONIC);
}

static inline struct timespec gcs_replica_time(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
}

#endif
