/* SPDX-License-Identifier: BSD-3-Clause */
/* A JSON object that is written to standard output, member by member. */
#ifndef GCS_BENCH_JSON_H
#define GCS_BENCH_JSON_H

#include <stdbool.h>
#include <stddef.h>

/* Starts as {false}; whoever uses it writes the braces. */
struct bench_json {
    bool more; /* there is something in it already */
};

/* The name of a member, with a comma if it is not the first. */
void bench_json_key(struct bench_json *object, const char *key);

void bench_json_string(struct bench_json *object, const char *key, const char *text);
void bench_json_number(struct bench_json *object, const char *key, double value, int decimals);
void bench_json_numbers(struct bench_json *object, const char *key, const double *values,
                        size_t count, int decimals);

#endif
