/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one stream that all checkers read: what happened at the members, as the
 * core or a trace file says. Guarantees that records of one member keep the
 * order in which they were added; records of different members may come in
 * any order (files of several processes, one after another).
 *
 * Names of members ("n0#2a") and groups ("demo@7") are numbered when they are
 * first seen.
 */
#ifndef TESTS_LOG_H
#define TESTS_LOG_H

#include "tests/checkers/memory.h"

#include <stdbool.h>

#define NONE UINT32_MAX

enum record_type {
    RECORD_SEND,
    RECORD_DELIVER,
    RECORD_VIEW,
    RECORD_BLOCKED,
    RECORD_LEAVING, /* was asked to leave */
    RECORD_LEAVE,   /* the membership has ended */
    RECORD_CRASH,
    RECORD_STABLE, /* a delivered message, and all before it in total order, are safe now */
};

enum record_service { RECORD_FIFO, RECORD_CAUSAL, RECORD_AGREED, RECORD_SAFE, RECORD_UNORDERED };

struct record {
    enum record_type type;
    enum record_service service; /* send, deliver */
    bool primary;                /* view */
    uint32_t member;
    uint32_t group;
    uint32_t epoch;    /* 0: none named */
    uint64_t proposer; /* with epoch: the view */
    bool safe_all;     /* view: safe messages have to be held by all voters */
    uint64_t time;
    uint32_t sender;      /* send, deliver, stable */
    uint64_t number;      /* the same */
    uint64_t hash;        /* send, deliver */
    uint64_t agreed_time; /* deliver, view: the group's; 0: none told */
    uint64_t seed;        /* deliver */
    size_t members;       /* view: place in lists */
    size_t members_count;
    size_t votes;       /* view: place in lists of the members' votes ... */
    size_t votes_count; /* ... 0: everybody has one */
    bool tie_breaker;
    size_t survivors;
    size_t survivors_count;
};

/* Messages number to number + count - 1 of the sender have come to the member, whole. */
struct hold {
    size_t before; /* the record with this index */
    uint32_t member;
    uint32_t group;
    uint32_t sender;
    uint64_t number;
    uint32_t count;
};

struct names {
    char **items;
    size_t count;
    size_t capacity;
    struct map index; /* hash and probe number to number */
};

struct log {
    struct record *records;
    size_t count;
    size_t capacity;
    struct list lists;  /* members of all lists of members */
    struct hold *holds; /* where somebody has seen what comes to whom; in order */
    size_t holds_count;
    size_t holds_capacity;
    struct names members;
    struct names groups;
};

void log_init(struct log *log);
void log_clear(struct log *log);

/* The number of a name; a name is new when it is first seen. */
uint32_t names_number(struct names *names, const char *name);

/* Adds a record; lists of a view have been added to lists before. */
void log_add(struct log *log, const struct record *record);

/* Adds what has come to a member since the last record. */
void log_add_hold(struct log *log, const struct hold *hold);

/* Writes one record as a line of text for people, without a newline. */
void log_describe(const struct log *log, const struct record *record, char *text, size_t size);

/* The votes of the n-th member of a view. */
uint32_t record_votes(const struct log *log, const struct record *record, size_t n);

bool record_is_ordered(const struct record *record); /* agreed or safe */

#endif
