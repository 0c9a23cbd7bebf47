/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the parts of gcs-lab share: the faults, the options of a run, and the
 * shape that a seed gives the group.
 */
#ifndef TESTS_LAB_H
#define TESTS_LAB_H

#include <stdbool.h>
#include <stdint.h>

#define LAB_MEMBERS_MAX 64
#define LAB_SECONDS_MAX 86400
#define LAB_RATE_MAX    100000
#define LAB_GROUP       "lab"

#define LAB_NS_PER_MS UINT64_C(1000000)
#define LAB_NS_PER_S  UINT64_C(1000000000)

/* X(NAME, name, what happens) */
#define LAB_FAULT_TABLE(X)                                                                      \
    X(KILL, "kill", "processes are killed with SIGKILL, and new ones take their place")         \
    X(STOP, "stop", "processes are stopped for 50 to 1500 ms (SIGSTOP, SIGCONT)")               \
    X(LEAVE, "leave", "members leave gracefully, and come back")                                \
    X(SLOW, "slow", "applications take their events slowly")                                    \
    X(LOSS, "loss", "packets get lost: a few always, many now and then")                        \
    X(DUPLICATE, "duplicate", "packets arrive twice")                                           \
    X(REORDER, "reorder", "packets overtake each other")                                        \
    X(CORRUPT, "corrupt", "packets arrive damaged")                                             \
    X(CUT, "cut", "a process hears nothing from another one, one way")                          \
    X(PARTITION, "partition", "the processes fall into two parts, and come together again")     \
    X(DELAY, "delay", "packets take up to 200 ms, and overtake each other")                     \
    X(RATE, "rate", "a link carries 1 to 50 Mbit/s")                                            \
    X(FLAP, "flap", "a link goes down, and comes up again")                                     \
    X(MTU, "mtu", "a link carries only small packets")                                          \
    X(ADDRESS, "address", "an interface loses its address, and gets it back (namespaces only)") \
    X(CLOCK, "clock", "clocks run too fast or too slow, by up to 10 %")

enum lab_fault {
#define LAB_FAULT_ENUM(id, name, text) LAB_##id,
    LAB_FAULT_TABLE(LAB_FAULT_ENUM)
#undef LAB_FAULT_ENUM
        LAB_FAULTS
};

#define LAB_FAULTS_ALL ((1U << LAB_FAULTS) - 1)

/* What the processes are connected by: see network.h. */
enum lab_network_kind { LAB_AUTO, LAB_LOOPBACK, LAB_NAMESPACES, LAB_RDMA };

enum lab_service { LAB_UNORDERED, LAB_FIFO, LAB_CAUSAL, LAB_AGREED, LAB_SAFE, LAB_MIXED };

/* How the total order is made; LAB_ANY: the seed decides. */
enum lab_order { LAB_ANY, LAB_SEQUENCER, LAB_LAMPORT };

struct lab_options {
    uint64_t seed;
    unsigned seconds;
    unsigned members;
    uint32_t faults; /* set of 1 << enum lab_fault */
    enum lab_service service;
    enum lab_order order;
    enum lab_network_kind network;
    unsigned rate;     /* messages per second of each member; 0: as many as traces can hold */
    const char *dir;   /* where everything is kept; NULL: a temporary folder */
    const char *plan;  /* faults in place of those that the seed gives; or NULL */
    const char *check; /* only check what is in this folder; or NULL */
    bool json;
};

/* The exit status of the program. */
enum lab_exit { LAB_OK = 0, LAB_VIOLATION = 1, LAB_USAGE = 2 };

/* LAB_OK: go on. Otherwise the exit status, everything said; *done: it was --help. */
enum lab_exit lab_options_parse(int argc, char **argv, struct lab_options *options, bool *done);

const char *lab_fault_name(enum lab_fault fault);
const char *lab_service_name(enum lab_service service);
const char *lab_order_name(enum lab_order order);
const char *lab_network_name(enum lab_network_kind kind);

/* The list of names of a set, "none" or "all"; always terminated. */
void lab_faults_format(uint32_t faults, char *text, unsigned size);

/* Nanoseconds of the clock that traces use; in a member whose clock is wrong, a wrong one. */
uint64_t lab_now(void);

#endif
