/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What gcs-limits measures: each limit prints one line with its figures and says whether
 * they are as promised.
 */
#ifndef TESTS_LIMITS_H
#define TESTS_LIMITS_H

#include <gcs/core.h>
#include <gcs/gcs.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct limits_options {
    unsigned groups;  /* on one endpoint */
    unsigned joins;   /* joins and leaves, one after another */
    unsigned opens;   /* the same with an endpoint of its own each time */
    unsigned seconds; /* at full load */
    bool json;
};

/* Two endpoints in this process, b knows a. Ends the program if something fails. */
struct pair {
    struct gcs_endpoint *a, *b;
};

struct gcs_endpoint *limits_open(const char *seed); /* seed: an address, NULL: none */
void pair_open(struct pair *pair);
struct gcs_endpoint *pair_open_another(const struct pair *pair);
void pair_close(struct pair *pair);

struct gcs_group *limits_join(struct gcs_endpoint *endpoint, const char *name,
                              enum gcs_bootstrap bootstrap);

/* Takes events until one of that type comes; it is in *event. */
void limits_await(struct gcs_endpoint *endpoint, enum gcs_event_type type, struct gcs_event *event);

/* Until a view has so many members. */
void limits_await_members(struct gcs_endpoint *endpoint, unsigned count);

/* A call of the API that must work. Returns what it returned. */
int limits_must(int result, const char *call);

/* ---- usage.c: what a process uses --------------------------------------------------- */
uint64_t usage_now_ms(void);
long usage_rss_kib(pid_t pid);
int usage_descriptors(pid_t pid); /* of another process or, getpid(), of this one; -1: gone */

/* One line: "name: text: ok" or "... : not as promised". Returns good. */
bool limits_say(const struct limits_options *options, const char *name, bool good,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

bool limit_groups(const struct limits_options *options);
bool limit_joins(const struct limits_options *options);
bool limit_opens(const struct limits_options *options);
bool limit_load(const struct limits_options *options);

#endif
