/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One run: the group forms, works while the plan is carried out, heals, falls
 * silent, and is asked to leave. Guarantees that what is done to the group
 * leaves it a majority to go on with, as far as that can be known from
 * outside: kills are never allowed to take it, other faults only where the
 * plan is bold.
 */
#ifndef TESTS_LAB_CONDUCT_H
#define TESTS_LAB_CONDUCT_H

#include "tests/lab/crew.h"
#include "tests/lab/network.h"

/* Time in which gcs-lab itself was not run: the machine was busy, or somebody stopped it. Nobody
 * else was run then, as likely as not, so that it counts for nothing. */
struct lab_pause {
    uint64_t from, to; /* ns */
};

/* What has been done: for people, and to see what came before a violation. */
struct lab_deed {
    uint64_t at; /* ns */
    char text[120];
};

struct lab_run {
    const struct lab_options *options;
    struct lab_plan plan;
    struct lab_network network;
    struct lab_crew crew;
    struct lab_pause *pauses;
    size_t pauses_count, pauses_capacity;
    uint64_t paused; /* in all; the run's clock stands still meanwhile */
    uint64_t begun;  /* on the run's clock: load_at */
    uint64_t started_at;
    uint64_t formed_at;  /* when the first view of all was there */
    uint64_t load_at;    /* when the load began; 0: the group never formed */
    uint64_t heal_at;    /* when the last fault was taken back */
    uint64_t well_at;    /* when everybody was back in one view; 0: never */
    uint64_t quiet_at;   /* when all had delivered everything; 0: never */
    uint64_t left_at;    /* when all had left; 0: never */
    uint64_t suspicions; /* until all were told to leave: who has ended is rightly suspected */
    uint64_t done[LAB_FAULTS]; /* how often each fault was carried out */
    uint64_t skipped;          /* actions that would have been too much */
    bool interrupted;          /* by a signal */
    char lacks[200];           /* what was missing when patience ended; "": nothing */
    struct lab_deed *deeds;
    size_t deeds_count, deeds_capacity;
};

/* Runs it. wake_fd becomes readable when it shall stop at once. All processes have ended then. */
void lab_run(struct lab_run *run, const struct lab_options *options, const char *dir, int wake_fd);
void lab_run_clear(struct lab_run *run);

/* The largest share of its life that a process waited for a processor. If it is more than
 * LAB_WAITED_MOST it is the machine that makes no progress. */
#define LAB_WAITED_MOST 0.5
double lab_run_waited(const struct lab_run *run);

/* How much of a time was no pause. */
uint64_t lab_run_time(const struct lab_run *run, uint64_t from, uint64_t to);

#endif
