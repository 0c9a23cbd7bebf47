/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Each clock deviates from where it stood when the rate was set. How long sleeps take
 * is not changed: who sleeps until a time looks at the clock again.
 */
#include "tests/lab/clock.h"

#include "tests/lab/lab.h"

#include <time.h>

#define CLOCKS 16 /* CLOCK_REALTIME, 0, to CLOCK_TAI, 11 */

static int32_t skew_ppm;
static uint64_t bases[CLOCKS];

int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);

static uint64_t ns_of(const struct timespec *time)
{
    return (uint64_t)time->tv_sec * LAB_NS_PER_S + (uint64_t)time->tv_nsec;
}

static uint64_t deviation(uint64_t ns, int32_t ppm)
{
    uint64_t rate = (uint64_t)(ppm < 0 ? -(int64_t)ppm : ppm);

    return ns / 1000000 * rate + ns % 1000000 * rate / 1000000;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = __real_clock_gettime(clock, time);
    uint64_t now;

    if (result != 0 || skew_ppm == 0 || clock < 0 || clock >= CLOCKS || bases[clock] == 0)
        return result;
    now = ns_of(time);
    now = skew_ppm > 0 ? now + deviation(now - bases[clock], skew_ppm)
                       : now - deviation(now - bases[clock], skew_ppm);
    time->tv_sec = (time_t)(now / LAB_NS_PER_S);
    time->tv_nsec = (long)(now % LAB_NS_PER_S);
    return result;
}

void lab_clock_skew(int32_t ppm)
{
    static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW,
                                       CLOCK_BOOTTIME};
    struct timespec time;

    for (unsigned i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
        if (__real_clock_gettime(clocks[i], &time) == 0)
            bases[clocks[i]] = ns_of(&time);
    }
    skew_ppm = ppm;
}

uint64_t lab_clock_base(void)
{
    return bases[CLOCK_BOOTTIME];
}

uint64_t lab_clock_right(uint64_t time, uint64_t base, int32_t ppm)
{
    if (time <= base)
        return time;
    return base + (uint64_t)((double)(time - base) * 1e6 / (1e6 + ppm));
}
