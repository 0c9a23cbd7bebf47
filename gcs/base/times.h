/* SPDX-License-Identifier: BSD-3-Clause */
/* Of two times, or lengths of time, in nanoseconds. */
#ifndef GCS_BASE_TIMES_H
#define GCS_BASE_TIMES_H

#include <stdint.h>

static inline uint64_t gcs_later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static inline uint64_t gcs_sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

#endif
