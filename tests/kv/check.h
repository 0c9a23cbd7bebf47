/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcs-kv-check: real gcs-kv processes under faults, clients that remember what they were told, and
 * a judge.
 *
 *   main.c      options, the run, the report
 *   replicas.c  processes: starting, killing, pausing, cutting off
 *   clients.c   threads that set, get, and count in sessions
 *   history.c   is what they saw linearizable?
 */
#ifndef KV_CHECK_H
#define KV_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { REPLICAS = 3, CLIENTS_MAX = 64, KEYS_MAX = 64 };

struct options {
    const char *server; /* the program */
    const char *folder; /* for logs */
    unsigned seconds, clients, keys, tcp, udp;
    uint64_t seed;
    bool kill, pause, partition;
};

uint64_t now_ns(void);
uint64_t next_random(uint64_t *state);
void pause_ms(unsigned ms);

/* ---- replicas.c ---------------------------------------------------------------------------- */

bool replicas_start(const struct options *options);
bool replica_ready(const struct options *options, unsigned index); /* in a view of all */
bool replicas_wait(const struct options *options, unsigned seconds);
void replica_kill(unsigned index);
bool replica_restart(const struct options *options, unsigned index);
void replica_stop(unsigned index, bool stop);
bool partitions_possible(void);
void replica_cut(const struct options *options, unsigned index, bool cut);
void replicas_end(void);

/* ---- clients.c ----------------------------------------------------------------------------- */

struct operation {
    uint32_t key;
    bool writes;
    uint64_t value;      /* 0: there was none */
    uint64_t begin, end; /* end UINT64_MAX: whether it has happened is not known */
};

struct history {
    struct operation *operations;
    size_t count, capacity;
};

struct tally {
    uint64_t reads, writes, counts, retries, unknown, refused, connections;
    uint64_t *latency; /* ns, of all that came to an end */
    size_t latency_count, latency_capacity;
    char violation[256]; /* "": none */
};

bool clients_start(const struct options *options);
/* Takes what all of them have noted; call it once. */
void clients_join(const struct options *options, struct history *history, struct tally *tally);
bool clients_violated(void);
/* Reads every key through every replica. */
void clients_read_all(const struct options *options, struct history *history, struct tally *tally);

/* A connection to replica index; -1: none. One command of words; the reply's first line without its
 * end, or the bulk string in it. False: nothing came. */
int connect_to(const struct options *options, unsigned index);
bool converse(int fd, char *reply, size_t room, unsigned words, ...);

/* ---- history.c ----------------------------------------------------------------------------- */

void history_add(struct history *history, const struct operation *operation);
/* False: it is not linearizable, and why says so. */
bool history_is_linearizable(struct history *history, char *why, size_t room);

#endif
