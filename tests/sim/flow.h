/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Senders that send as fast as they may, and receivers that take what comes no faster
 * than they can, out of a socket buffer that overflows: real cores on the simulated
 * network, for some seconds of its time. How much comes through, how it is shared
 * among the senders, what a lossy path costs, and how soon a burst is forgotten.
 */
#ifndef TESTS_SIM_FLOW_H
#define TESTS_SIM_FLOW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define FLOW_MEMBERS 5 /* all of them send */

enum flow_case {
    FLOW_QUIET,  /* room enough, nothing is lost */
    FLOW_LOSS_1, /* every receiver loses 1 % by itself */
    FLOW_LOSS_5,
    FLOW_TIGHT, /* socket buffers hold far less than they claim, and one sender comes late */
    FLOW_BURST, /* for a while much is lost at everybody */
    FLOW_SLOW,  /* one member is reached through a slow link with a deep buffer */
    FLOW_CASES
};

struct flow_result {
    double rate;         /* messages per second, delivered at the slowest member */
    double jain;         /* of the messages per sender */
    double overflow;     /* datagrams dropped, as a part of those that came */
    double repeated;     /* repairs sent for each packet lost */
    uint64_t cuts;       /* of windows, all members together */
    double recovered_ms; /* FLOW_BURST: from its end until 90 % of the rate before it are back */
    double queue_ms; /* how long a packet waited at the member where that was longest, on average */
};

/* False: out of memory, or the group did not come to be. */
bool flow_run(uint64_t seed, enum flow_case which, struct flow_result *result);

struct flow_table {
    struct flow_result results[FLOW_CASES];
    bool complete;
};

void flow_table_run(uint64_t seed, struct flow_table *table);
/* Whether all bounds hold; those that do not are named in out, unless that is NULL. */
bool flow_table_judge(const struct flow_table *table, FILE *out);

#endif
