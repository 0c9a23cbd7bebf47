/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A clock that runs at a wrong rate, for everything in this process that asks
 * for the time: the linker sends gcs-lab's calls of clock_gettime here (--wrap), those
 * of the library in it too. Nothing has to be preloaded, threads are no matter,
 * and the deviation is known to the nanosecond, so that traces can be put right.
 */
#ifndef TESTS_LAB_CLOCK_H
#define TESTS_LAB_CLOCK_H

#include <stdint.h>

/* From now on this process's clocks gain so many millionths, or lose them. Before any thread. */
void lab_clock_skew(int32_t ppm);

/* Where the wrong clock and the right one agree, on CLOCK_BOOTTIME. */
uint64_t lab_clock_base(void);

/* The right time for what a clock of that kind says. */
uint64_t lab_clock_right(uint64_t time, uint64_t base, int32_t ppm);

#endif
