/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The works of `gcs-bench compare`, and who does them. Every contender, libgcs too, is a
 * script in bench/peers with the same arguments and answers (bench/peers/peer.sh).
 *
 *   compare.c         the command: all works, one table
 *   compare_works.c   which works there are
 *   compare_script.c  one script: started, read, understood
 */
#ifndef GCS_BENCH_COMPARE_H
#define GCS_BENCH_COMPARE_H

#include "options.h"

#define BENCH_CONTENDERS_MAX 4

struct bench_contender {
    const char *script;
    const char *label;       /* NULL: as the script */
    const char *environment; /* "NAME=VALUE NAME=VALUE"; NULL: nothing */
};

struct bench_work {
    const char *title;
    const char *mode; /* throughput, latency, failover */
    const char *key;  /* of the script's answers: the figure */
    const char *unit;
    bool less_is_more;
    uint32_t size;
    const char *loss;                                            /* percent; NULL: none */
    struct bench_contender contenders[BENCH_CONTENDERS_MAX + 1]; /* libgcs first */
};

extern const struct bench_work bench_works[];
extern const size_t bench_works_count;

/* What a script said. */
struct bench_answer {
    bool measured;
    bool skipped; /* it cannot be measured here, and nothing went wrong */
    double value;
    double p99;     /* of a latency; 0: not said */
    char said[512]; /* its settings; or why it has not measured */
};

/* Runs the script in the folder. Never fails: what went wrong is in the answer. */
void bench_script_run(const char *folder, const struct bench_work *work,
                      const struct bench_contender *contender, double seconds,
                      struct bench_answer *answer);

#endif
