/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One checker for each guarantee, named after Chockler, Keidar and Vitenberg,
 * "Group Communication Specifications" (ACM Computing Surveys 33(4), 2001).
 * Each is a function over the whole history in a file of its own, and knows
 * nothing of the library.
 *
 * A checker reports as many violations as it finds; of each property the one
 * that became visible first is kept.
 */
#ifndef TESTS_CHECKERS_H
#define TESTS_CHECKERS_H

#include "tests/checkers/history.h"

/* X(function, property, what must hold) */
#define CHECKER_TABLE(X)                                                                       \
    X(check_self_inclusion, "self-inclusion", "a member is in every view that it installs")    \
    X(check_local_monotonicity, "local-monotonicity", "a member's views go up, and then end")  \
    X(check_initial_view, "initial-view", "everything happens in a view")                      \
    X(check_primary_component, "primary-component", "one history of views, by majorities")     \
    X(check_delivery_integrity, "delivery-integrity", "what is delivered was sent like this")  \
    X(check_no_duplication, "no-duplication", "a message is delivered once")                   \
    X(check_self_delivery, "self-delivery", "own messages are delivered before the next view") \
    X(check_sending_view, "sending-view", "a message is delivered in the view it was sent in") \
    X(check_fifo, "fifo", "messages of one sender come in order, without gaps")                \
    X(check_virtual_synchrony, "virtual-synchrony", "who goes on together delivered the same") \
    X(check_agreed_order, "agreed-order", "who goes on together delivered in the same order")  \
    X(check_agreed_time, "agreed-time", "time and seed are the same everywhere; time goes on") \
    X(check_causality, "causality", "nothing comes before what its sender knew")               \
    X(check_uniformity, "uniformity", "what one delivers as safe, everybody delivers")         \
    X(check_safe_held, "safe-held", "what is safe is held by whom the group asks for")         \
    X(check_stability, "stability", "who is told that a message is safe has delivered it")

struct violation {
    const char *property;
    char text[320];
    uint32_t record; /* where it became visible */
    uint32_t first;  /* the earliest record that has to do with it */
};

struct verdict {
    const struct history *history;
    struct violation *violations; /* at most one for each property, in order of record */
    size_t count;
    size_t capacity;
};

/* Reports a violation. first and record may come in either order. */
void verdict_add(struct verdict *verdict, const char *property, uint32_t first, uint32_t record,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));
void verdict_clear(struct verdict *verdict);

/* Names in texts. */
const char *verdict_member(const struct verdict *verdict, uint32_t member);

#define CHECKER_PROTOTYPE(function, property, text) \
    void function(const struct history *history, struct verdict *verdict);
CHECKER_TABLE(CHECKER_PROTOTYPE)
#undef CHECKER_PROTOTYPE

/* Runs all of them. complete: the run went on until everything was quiet. */
void check_all(const struct log *log, bool complete, struct verdict *verdict);

/*
 * The records between a violation's first and last that have to do with it: views, crashes
 * and leaves, and those of the same message or the same member (for want of liveness: none of
 * the messages). Returns how many there are, and writes at most max of the last ones, in order.
 */
size_t violation_window(const struct log *log, const struct violation *violation, uint32_t *records,
                        size_t max);

#endif
