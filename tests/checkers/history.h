/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An index over the stream: views, and each member's stay in each view with
 * what it sent and delivered there. Built once, read by every checker.
 * Guarantees nothing about the stream: whatever nonsense it holds is indexed
 * as it is, so that checkers can find it.
 */
#ifndef TESTS_HISTORY_H
#define TESTS_HISTORY_H

#include "tests/checkers/log.h"

/* One message: everything about it is in its records. */
struct message {
    uint32_t group;
    uint32_t sender;
    uint64_t number;
    uint32_t send; /* record of the first send, or NONE */
};

/* One member of one group, from its first record to its last. */
struct membership {
    uint32_t member;
    uint32_t group;
    uint32_t first_stay; /* or NONE */
    uint32_t last_stay;
    uint32_t leaving; /* record, or NONE */
    uint32_t ended;   /* record of its crash or leave, or NONE */
};

/* One member's time in one primary view. */
struct stay {
    uint32_t membership;
    uint32_t member;
    uint32_t view;
    uint32_t previous; /* stay of the same membership, or NONE */
    uint32_t next;
    uint32_t begin;        /* record of the view event */
    struct list sent;      /* records */
    struct list delivered; /* records */
    struct list stable;    /* records */
};

/* One view, as the first record that names it says. */
struct view {
    uint32_t group;
    uint32_t epoch;
    uint64_t proposer;
    uint32_t record;
    struct list stays;
};

struct history {
    const struct log *log;
    bool complete; /* the run went on until everything was quiet: nothing may be pending */
    struct message *messages;
    size_t messages_count;
    size_t messages_capacity;
    struct membership *memberships;
    size_t memberships_count;
    size_t memberships_capacity;
    struct stay *stays;
    size_t stays_count;
    size_t stays_capacity;
    struct view *views; /* sorted by group and epoch; equal epochs in order of appearance */
    size_t views_count;
    size_t views_capacity;
    uint32_t *message_of; /* per record: message, or NONE */
    uint32_t *stay_of;    /* per record: the member's stay at that time, or NONE */
    struct map messages_map;
    struct map memberships_map;
};

void history_build(struct history *history, const struct log *log, bool complete);
void history_clear(struct history *history);

/* The membership, or NULL. */
const struct membership *history_membership(const struct history *history, uint32_t member,
                                            uint32_t group);

/* The member's stay in a view, or NONE. */
uint32_t history_stay(const struct history *history, const struct view *view, uint32_t member);

/* The view that follows this one in its group, or NULL. */
const struct view *history_next_view(const struct history *history, const struct view *view);

/* Where a stay goes: the view that follows it; one past all views where it simply has not ended in
 * a complete history; NONE if its member is gone. Who goes the same way goes together. */
uint32_t history_destination(const struct history *history, const struct stay *stay);

bool view_has_member(const struct history *history, const struct view *view, uint32_t member);

/* Whether a view record's list names the member. */
bool record_names(const struct log *log, size_t first, size_t count, uint32_t member);

#endif
