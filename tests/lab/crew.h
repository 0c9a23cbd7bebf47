/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The member processes: started, told, heard, signalled, reaped. Guarantees
 * that no process outlives gcs-lab, however that ends; that only processes
 * started here are signalled; and that whoever ends without having been meant
 * to is noted as a wrong.
 *
 * A slot is a place with an address; a life is one process in it. A life that has
 * ended stays listed, because its trace does.
 */
#ifndef TESTS_LAB_CREW_H
#define TESTS_LAB_CREW_H

#include "tests/lab/network.h"
#include "tests/lab/words.h"

#include <gcs/core.h>
#include <sys/types.h>

#define LAB_LINE_MAX 8192

struct lab_life {
    unsigned slot;
    pid_t pid;
    bool running;
    bool killed; /* with SIGKILL, by us */
    bool stopped;
    bool quits;          /* was told to leave and end */
    int32_t clock_ppm;   /* what its clock gains ... */
    uint64_t clock_base; /* ... from this time on; 0: it has not said */
    uint64_t started_at;
    uint64_t ended_at; /* or when it was killed */
    long peak_rss_kb;
    int commands; /* write end, -1: closed */
    int reports;  /* read end */
    struct lab_state state;
    bool heard; /* state has been reported */
    struct gcs_counters counters;
    char line[LAB_LINE_MAX];
    size_t length;
};

/* What one member's application has got, as it said when the membership ended. */
struct lab_claim {
    char member[112];
    struct lab_chain chain;
};

struct lab_crew {
    const struct lab_options *options;
    struct lab_shape shape;
    const char *dir; /* absolute */
    char cluster[32];
    const struct lab_network *network;
    struct lab_life **lives;
    size_t count, capacity;
    struct lab_life *current[LAB_MEMBERS_MAX]; /* of each slot: the last life, or NULL */
    unsigned lives_of[LAB_MEMBERS_MAX];
    struct lab_claim *claims;
    size_t claims_count, claims_capacity;
    uint64_t left_gracefully, left_excluded;
    char **wrongs; /* what went wrong with processes */
    size_t wrongs_count, wrongs_capacity;
};

/* What is passed must outlive the crew. */
void lab_crew_init(struct lab_crew *crew, const struct lab_options *options,
                   const struct lab_shape *shape, const struct lab_network *network,
                   const char *dir);

/* Kills and reaps whoever runs, and gives the memory back. */
void lab_crew_fini(struct lab_crew *crew);
void lab_crew_kill_all(struct lab_crew *crew);

/* Starts a process that has these commands waiting for it. */
void lab_crew_start(struct lab_crew *crew, unsigned slot, bool create, const char *commands);

/* To a process that does not run: nothing happens. */
void lab_crew_tell(struct lab_crew *crew, unsigned slot, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void lab_crew_kill(struct lab_crew *crew, unsigned slot);
void lab_crew_stop(struct lab_crew *crew, unsigned slot, bool stop);

/* Reads reports and reaps until the deadline, or something happened, or wake_fd is readable.
 * False: wake_fd is. */
bool lab_crew_wait(struct lab_crew *crew, uint64_t deadline, int wake_fd);

/* What a process that has ended still had to say, and its standard error. */
void lab_crew_last_words(struct lab_crew *crew, struct lab_life *life);

/* Takes note of the end of a life, if it has ended; wait: waits for that. */
void lab_crew_reap(struct lab_crew *crew, struct lab_life *life, bool wait);

bool lab_crew_running(const struct lab_crew *crew, unsigned slot);

/* Notes something that must not be. */
void lab_crew_wrong(struct lab_crew *crew, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
