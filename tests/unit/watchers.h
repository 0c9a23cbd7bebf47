/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A few failure detectors that talk over a network in memory: time goes from
 * event to event, links can be cut one way or both, processes stopped.
 */
#ifndef GCS_TESTS_UNIT_WATCHERS_H
#define GCS_TESTS_UNIT_WATCHERS_H

#include "gcs/wire/heartbeat.h"
#include "tests/unit/scarce.h"
#include "views/detector.h"

#define MS                 UINT64_C(1000000)
#define WATCHERS_HEARTBEAT (50 * MS)
#define WATCHERS_SUSPECT   (500 * MS)
#define WATCHERS_LONGEST   (1000 * MS)
/* Who dies in an idle group is found by then: its last heartbeat may have been the last for long.
 */
#define WATCHERS_FOUND  (WATCHERS_SUSPECT + WATCHERS_SUSPECT / 3)
#define WATCHERS_NODES  5
#define WATCHERS_FLIGHT 512

struct watchers_node {
    struct gcs_address address;
    struct gcs_detector *detector;
    struct gcs_peer *peers[WATCHERS_NODES];
    bool stopped; /* neither sends nor looks at the time */
    uint64_t changes;
    uint64_t changed_at;
    int about; /* of whom the opinion changed last */
    bool suspected;
    bool crashed;
    uint64_t spoken;  /* heartbeats sent */
    uint64_t wakeups; /* by its timer */
};

struct watchers_message {
    uint64_t at;
    int from;
    int to;
    size_t size;
    uint8_t body[GCS_HEARTBEAT_BYTES_MAX];
};

struct watchers_net {
    struct scarce scarce;
    struct gcs_counters counters;
    uint64_t now;
    uint64_t delay;
    bool cut[WATCHERS_NODES][WATCHERS_NODES];
    struct watchers_node nodes[WATCHERS_NODES];
    struct watchers_message flight[WATCHERS_FLIGHT];
    size_t flying;
};

extern struct watchers_net net;
extern uint64_t watchers_heartbeat_max; /* of those that are opened from now on; 0: the default */

void watchers_open(void);
void watchers_close(void);
/* Nodes 0 and 1 watch each other; the others are strangers. */
void watchers_open_pair(void);
/* The first count nodes all watch each other. */
void watchers_open_group(int count);
/* A process takes the place of the one that was there. */
void watchers_open_node(int index, uint64_t process);
void watchers_watch(int who, int whom);
void watchers_run(uint64_t duration);
/* A packet from one to another that is no heartbeat. */
void watchers_traffic(int from, int to);
/* Both ways. */
void watchers_cut(int a, int b, bool cut);
/* Somebody's packets to this one are refused. */
void watchers_refuse(int who, int whom);
struct gcs_address watchers_address(uint32_t number);

#endif
