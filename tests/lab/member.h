/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One member process: joins the group, multicasts, checks what it gets, and
 * comes back whenever it finds itself outside. An application like any other:
 * everything that it does with the group goes through the public API, in half
 * of the processes from a loop of its own (GCS_OWN_LOOP), in the other half with
 * the library's thread, and a second thread that multicasts.
 */
#ifndef TESTS_LAB_MEMBER_H
#define TESTS_LAB_MEMBER_H

#include "tests/lab/load.h"
#include "tests/lab/words.h"

#include <gcs/gcs.h>
#include <pthread.h>
#include <stdatomic.h>

struct lab_member_options {
    const char *url;
    const char *cluster;
    uint64_t seed;
    bool create;
    enum lab_service service;
    unsigned rate;
    uint32_t window_packets, window_bytes, queue_bytes, suspect_ms;
    int32_t clock_ppm;
    enum gcs_order order;
    bool rotate, stable, all_hold;
    uint32_t region_size;
};

/* What multicasts: the loop, or a thread. */
struct lab_sender {
    struct lab_load load;
    pthread_t thread;
    pthread_mutex_t mutex;   /* group stays what it is while it is held */
    struct gcs_group *group; /* NULL: not a member */
    uint64_t at_writable;    /* waits for writables to become another number; */
    uint64_t at_view;        /* the same with views */
    bool waits_writable, waits_view;
    atomic_uint_fast64_t writables; /* events so far */
    atomic_uint_fast64_t views;
    atomic_uint_fast64_t accepted; /* by the library, in this membership */
    atomic_uint_fast64_t bytes;
    atomic_bool sending;
    atomic_bool idle;
    atomic_bool stops; /* the thread shall end */
    atomic_int error;  /* one that should not be */
};

void lab_sender_init(struct lab_sender *sender, const struct lab_member_options *options);
void lab_sender_fini(struct lab_sender *sender);

/* Multicasts what is due and finds room at once; returns when to call again. */
uint64_t lab_sender_step(struct lab_sender *sender, int timeout_ms);
void lab_sender_set_group(struct lab_sender *sender, struct gcs_group *group);
void *lab_sender_main(void *sender); /* of the thread */

struct lab_member {
    const struct lab_member_options *options;
    struct gcs_prng prng;
    struct gcs_endpoint *endpoint;
    struct gcs_group *group; /* NULL: outside */
    bool own_loop;
    bool create;  /* the next join founds the group */
    bool quits;   /* ends when the membership does */
    bool leaving; /* gcs_leave has been called */
    bool done;
    uint64_t memberships; /* begun so far */
    uint64_t join_at;     /* while outside */
    uint64_t slow_until, slow_ns, next_event_at;
    uint64_t report_at, counters_at;
    struct lab_sender sender;

    char name[GCS_MEMBER_TEXT_MAX]; /* "": has not had a view */
    struct lab_chain chain;
    struct lab_state state, reported;
    uint64_t lineage;
    struct gcs_counters past; /* of endpoints that have been closed */

    char line[512]; /* a command that has not come whole */
    size_t length;
};

/* Reports something that must not be. */
void lab_member_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- member_group.c: the membership ------------------------------------------------- */
bool lab_member_open(struct lab_member *member);
void lab_member_join(struct lab_member *member);
void lab_member_leave(struct lab_member *member, uint64_t back_ms);
void lab_member_event(struct lab_member *member, const struct gcs_event *event);

/* ---- member_words.c: commands and reports ------------------------------------------- */
void lab_member_listen(struct lab_member *member);
void lab_member_count(const struct lab_member *member, struct gcs_counters *counters);
void lab_member_report(struct lab_member *member, uint64_t now, bool last);
void lab_member_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The whole life of a member process: arguments behind --member. Returns its exit status. */
int lab_member_main(int argc, char **argv);

#endif
