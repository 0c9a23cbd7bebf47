/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A world of members in one process: cores on a simulated network, a workload,
 * faults, and the checkers over everything that happened. One run grows a
 * group, loads it while things go wrong, heals everything, and then requires
 * that the group gets well within a bounded time.
 *
 * Guarantees: a run is a function of its options; the same options give the
 * same records and the same trace, byte for byte.
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include "tests/checkers/checkers.h"
#include "transport/sim.h"

#include <gcs/core.h>
#include <stdio.h>

#define WORLD_MEMBERS_MAX 512

/* X(NAME, name, what happens) */
#define WORLD_FAULT_TABLE(X)                                             \
    X(LOSS, "loss", "packets get lost")                                  \
    X(DUPLICATE, "duplicate", "packets arrive twice")                    \
    X(REORDER, "reorder", "packets overtake each other")                 \
    X(DELAY, "delay", "packets take longer, with jitter")                \
    X(CORRUPT, "corrupt", "packets arrive damaged")                      \
    X(CUT, "cut", "links stop passing packets one way")                  \
    X(PARTITION, "partition", "the network falls into parts, and heals") \
    X(CRASH, "crash", "processes die and forget everything")             \
    X(RESTART, "restart", "dead processes start again and rejoin")       \
    X(PAUSE, "pause", "processes stop being scheduled for a while")      \
    X(SLOW, "slow", "applications give deliveries back late")            \
    X(SKEW, "skew", "clocks run too fast or too slow")

enum world_fault {
#define WORLD_FAULT_ENUM(id, name, text) WORLD_##id,
    WORLD_FAULT_TABLE(WORLD_FAULT_ENUM)
#undef WORLD_FAULT_ENUM
        WORLD_FAULTS
};

#define WORLD_FAULTS_ALL ((1U << WORLD_FAULTS) - 1)

/* Names on command lines, in this order; mixed: all of them. */
enum world_service {
    WORLD_FIFO,
    WORLD_AGREED,
    WORLD_SAFE,
    WORLD_MIXED,
    WORLD_CAUSAL,
    WORLD_UNORDERED
};

struct world_options {
    uint64_t seed;
    unsigned members;
    unsigned region_size; /* 0: the default */
    unsigned messages;    /* planned, all members together */
    enum gcs_order order;
    enum world_service service;
    uint32_t faults; /* set of 1 << enum world_fault */
    FILE *trace;     /* JSON Lines, or NULL */
};

/* X(name, what it counts): things that happened in the world, beside the cores' counters */
#define WORLD_STAT_TABLE(X)                                                      \
    X(runs, "runs")                                                              \
    X(virtual_ms, "milliseconds of virtual time")                                \
    X(planned, "messages planned")                                               \
    X(reached, "planned messages that reached a survivor")                       \
    X(records, "records checked")                                                \
    X(expected, "groups that were founded by number")                            \
    X(looked, "groups that were founded by looking around")                      \
    X(views, "views")                                                            \
    X(successions, "views with another coordinator")                             \
    X(crashes, "processes killed")                                               \
    X(crashes_coordinator, "... that were the coordinator")                      \
    X(crashes_flush, "... while a view was being changed")                       \
    X(restarts, "processes started again")                                       \
    X(pauses, "processes paused")                                                \
    X(partitions, "divisions of the network")                                    \
    X(cuts, "one-way cuts")                                                      \
    X(noises, "times that links got bad")                                        \
    X(storms, "times that a view change met bad links")                          \
    X(last_words, "members that multicast to few, and were gone")                \
    X(mutes, "proposers that nobody heard any more")                             \
    X(lates, "proposers that were heard late")                                   \
    X(hubs, "times that all heard one, and few each other")                      \
    X(slows, "applications that got slow")                                       \
    X(slow_told, "times that a member told others that its application is slow") \
    X(leaves, "graceful leaves")                                                 \
    X(states_given, "times that an application was asked for its state")         \
    X(states_got, "members that got the state")                                  \
    X(claims, "claims to be in the primary")                                     \
    X(evictions, "members evicted by others")                                    \
    X(late_joins, "joins under load")                                            \
    X(primary_lost, "times that a member lost the primary")                      \
    X(excluded, "members that were excluded")                                    \
    X(returns, "members that came back after that")                              \
    X(refused_full, "multicasts refused for a full queue")                       \
    X(refused_primary, "multicasts refused outside of the primary")              \
    X(large, "messages larger than a packet")                                    \
    X(private_sent, "messages to one member alone")                              \
    X(private_delivered, "... that arrived")

struct world_stats {
#define WORLD_STAT_FIELD(name, text) uint64_t name;
    WORLD_STAT_TABLE(WORLD_STAT_FIELD)
#undef WORLD_STAT_FIELD
};

struct world_result {
    struct log log;
    struct verdict verdict; /* no violation: the run was good */
    struct world_stats stats;
    struct gcs_counters counters; /* all cores together */
    struct gcs_sim_counters network;
};

void world_options_init(struct world_options *options);

/* Runs it. Whatever the result is, clear it. */
void world_run(const struct world_options *options, struct world_result *result);
void world_result_clear(struct world_result *result);

/* Adds the numbers of one run to those of a campaign. */
void world_stats_add(struct world_stats *sum, const struct world_stats *stats);
void world_counters_add(struct gcs_counters *sum, const struct gcs_counters *counters);

/* Names on command lines: true if the text makes sense. A list is "a,b,c", "all" or "none". */
bool world_parse_faults(const char *text, uint32_t *faults);
bool world_parse_service(const char *text, enum world_service *service);
bool world_parse_order(const char *text, enum gcs_order *order);

/* Writes the violations and the records before the first one, for people. */
void world_explain(const struct world_result *result, FILE *out);

#endif
