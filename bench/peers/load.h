/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the programs that load peers share: a clock, counting what is delivered
 * between the end of the warm-up and the end, the longest pause, latencies. C and C++.
 */
#ifndef PEER_LOAD_H
#define PEER_LOAD_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WARMUP_NS   500000000ull
#define SAMPLES_MAX 4000000

struct load {
    uint64_t begin, end; /* of the time that counts */
    uint64_t delivered;
    uint64_t last, gap; /* of a delivery; the longest time without one */
    uint64_t *samples;
    size_t count;
};

static inline uint64_t load_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

/* The warm-up begins now. */
static inline void load_start(struct load *load, double seconds)
{
    memset(load, 0, sizeof(*load));
    load->begin = load_now() + WARMUP_NS;
    load->end = load->begin + (uint64_t)(seconds * 1e9);
    load->last = load->begin;
    load->samples = (uint64_t *)malloc(SAMPLES_MAX * sizeof(*load->samples));
}

static inline void load_deliver(struct load *load, uint64_t messages)
{
    uint64_t now = load_now();

    if (now < load->begin || now > load->end)
        return;
    if (now - load->last > load->gap)
        load->gap = now - load->last;
    load->last = now;
    load->delivered += messages;
}

/* A message that was sent at that time has been delivered. */
static inline void load_sample(struct load *load, uint64_t sent)
{
    uint64_t now = load_now();

    if (now >= load->begin && now <= load->end && load->count < SAMPLES_MAX)
        load->samples[load->count++] = now - sent;
}

static inline int load_compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static inline void load_report(struct load *load)
{
    double seconds = (double)(load->end - load->begin) / 1e9;

    if (load->end - load->last > load->gap)
        load->gap = load->end - load->last;
    printf("messages_per_second %.0f\n", (double)load->delivered / seconds);
    printf("gap_ms %.3f\n", (double)load->gap / 1e6);
    if (load->count == 0)
        return;
    qsort(load->samples, load->count, sizeof(load->samples[0]), load_compare);
    printf("p50_us %.2f\n", (double)load->samples[load->count / 2] / 1e3);
    printf("p99_us %.2f\n", (double)load->samples[load->count * 99 / 100] / 1e3);
}

#endif
