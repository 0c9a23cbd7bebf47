/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a seed decides before anything starts: when which fault happens to whom
 * and for how long, how bad each process's network is, and the sizes of the
 * group. Guarantees that the same options give the same plan. What really
 * happens also depends on the machine: a plan that would end the group for
 * good is not followed there (conduct.h).
 */
#ifndef TESTS_LAB_PLAN_H
#define TESTS_LAB_PLAN_H

#include "tests/lab/lab.h"

#include <stddef.h>

/* Whoever is of rank 0 when it happens. */
#define LAB_COORDINATOR UINT32_MAX

struct lab_action {
    uint32_t at_ms; /* since the load began */
    enum lab_fault fault;
    unsigned slot;   /* whom; or LAB_COORDINATOR */
    unsigned other;  /* cut: who is not heard */
    uint32_t ms;     /* how long it lasts; kill, leave: how long until the return */
    uint32_t amount; /* loss: millionths; slow: microseconds per event; delay: microseconds;
                      * rate: kbit/s; mtu: bytes */
    uint64_t side;   /* partition: set of slots */
    bool both;       /* cut: nor the other way round */
    bool bold;       /* may take the majority, but not for good */
    bool forced;     /* whatever it takes */
    bool exits;      /* leave: the process ends, too */
};

/* The same at all members. */
struct lab_shape {
    uint32_t packet_bytes;   /* 0: the default */
    uint32_t receive_buffer; /* 0: the default */
    uint32_t window_packets;
    uint32_t window_bytes;
    uint32_t queue_bytes;
    uint32_t suspect_ms;
    bool ipv6;            /* if this machine has it */
    enum lab_order order; /* not LAB_ANY */
    bool rotate;          /* the sequencer is another one in each view */
    bool stable;          /* GCS_EVENT_STABLE is asked for */
    bool all_hold;        /* safe: what all hold, and not a majority */
    uint32_t region_size; /* 0: the default */
    /* In namespaces: */
    bool multicast;
    uint32_t mtu;
};

struct lab_plan {
    struct lab_shape shape;
    struct lab_action *actions; /* in order of time */
    size_t count;
    size_t capacity;
};

void lab_plan_make(struct lab_plan *plan, const struct lab_options *options);

/*
 * Actions from a text, in place of those that a seed gives, with ';' between them:
 *     AT FAULT WHO DURATION [AMOUNT]
 * AT and DURATION are milliseconds. WHO is a member, 0 to members - 1, or c: the coordinator;
 * "A,B" for cut: A does not hear B; for partition a list of all on one side. AMOUNT is a
 * percentage for loss, microseconds per event for slow, milliseconds for delay, kbit/s for rate,
 * bytes for mtu. False: text[*at] is where it makes no sense.
 */
bool lab_plan_parse(struct lab_plan *plan, const struct lab_options *options, const char *text,
                    size_t *at);
/* Whether that fault happens at a time, and not all the time. */
bool lab_plan_is_timed(enum lab_fault fault);
void lab_plan_add(struct lab_plan *plan, const struct lab_action *action);
void lab_plan_clear(struct lab_plan *plan);

/* Packet faults of one process as options of its URL, "" or "&faults=...&seed=...". */
void lab_plan_noise(const struct lab_options *options, unsigned slot, unsigned life, char *text,
                    size_t size);

/* How many millionths that process's clock gains, or loses. */
int32_t lab_plan_skew(const struct lab_options *options, unsigned slot, unsigned life);

/* A seed for one process. */
uint64_t lab_plan_seed(const struct lab_options *options, unsigned slot, unsigned life);

/* Messages per second and member, such that traces stay in bounds. */
unsigned lab_plan_rate(const struct lab_options *options);

#endif
