/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the processes of one run share: a piece of memory that the parent maps
 * before it forks. The parent writes when things begin and end; each member
 * writes how far it is and what it found into a seat of its own. Everything that
 * is not atomic is written before the state that announces it, and read after.
 */
#ifndef GCS_BENCH_WORLD_H
#define GCS_BENCH_WORLD_H

#include "histogram.h"
#include "options.h"

#include <gcs/core.h>
#include <stdatomic.h>

#define BENCH_NOBODY UINT32_MAX

/* Deliveries are also counted by the millisecond, for so many of them. */
#define BENCH_TIMELINE_MS 4096

/* How far a member is; only ever upwards. */
enum bench_state {
    BENCH_STARTING = 0,
    BENCH_SEATED,  /* can be reached: id is there */
    BENCH_READY,   /* in the group with everybody who is to be there from the start */
    BENCH_STOPPED, /* has stopped sending: sent is there */
    BENCH_DONE,    /* has delivered everything that anybody sent: all the rest is there */
    BENCH_BROKEN,  /* error is there */
};

/* Counts at one moment. */
struct bench_mark {
    uint64_t at;
    uint64_t messages, bytes;    /* delivered */
    uint64_t user_ns, system_ns; /* CPU time of the process */
    uint64_t switches;           /* between processes, wanted or not */
    uint64_t sleeps;             /* of them those that were wanted: each ends with being woken */
    struct gcs_counters counters;
};

struct bench_seat {
    _Alignas(64) atomic_uint state;
    _Atomic uint64_t view_at; /* when it saw the view that is waited for; 0: not yet */
    struct gcs_member_id id;
    uint64_t sent;                  /* messages of its own */
    uint64_t unsent;                /* ... that it was too late for, by rate */
    struct bench_mark begin, end;   /* around the time that counts */
    uint64_t messages;              /* delivered from start to end */
    uint64_t digest;                /* of their order */
    uint64_t view_digest;           /* of those since the last view */
    uint64_t gap_ns;                /* longest time without a delivery */
    uint64_t views;                 /* since it was ready */
    uint64_t rss_kib;               /* most memory in use */
    uint64_t rss_begin_kib;         /* the same when the time that counts began */
    uint64_t state_bytes, state_ns; /* got as a new member, and how long that took */
    uint64_t state_begun;           /* transfers that began */
    uint64_t state_memory;          /* most bytes in use more than when its first piece came */
    struct bench_histogram latency;
    struct bench_histogram latency_before; /* in the second half of the time to warm up */
    struct bench_histogram latency_state;  /* while the pieces of a state came */
    uint32_t timeline[BENCH_TIMELINE_MS];  /* messages delivered in each, since start */
    char error[512];
};

struct bench_world {
    _Atomic uint64_t start;     /* when senders start; 0: not planned yet */
    _Atomic uint64_t begin;     /* when the time that counts begins ... */
    _Atomic uint64_t end;       /* ... and ends, sending with it; 0: not planned yet */
    _Atomic uint64_t disturbed; /* when a member was killed, or began to join; 0: not yet */
    _Atomic uint64_t state_begin, state_end; /* the new member's first piece, and the end; 0 */
    _Atomic uint32_t victim;                 /* who was killed; BENCH_NOBODY */
    atomic_bool quit;
    unsigned count;
    struct bench_seat seats[];
};

/* Shared memory, all zero; NULL with errno set. */
void *bench_shared_new(size_t size);
void bench_shared_free(void *memory, size_t size);

/* NULL with errno set. */
struct bench_world *bench_world_new(unsigned count);
void bench_world_free(struct bench_world *world);

/* The time, CPU time and switches of this process. */
void bench_mark_process(struct bench_mark *mark);

/* The most memory that this process ever had in use. */
uint64_t bench_peak_rss_kib(void);

#endif
