/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An arena of agreement machines for tests: processes with an agreement machine
 * for the current view and one for the view before, a bootstrap machine when
 * they join, packets as bits, and a network in memory that loses, delays,
 * reorders and cuts. It watches what must never happen:
 *
 *   - two different decisions about one view,
 *   - a member that installs without holding the whole cut,
 *   - a survivor whose own packets, or what it held when it froze, are not in the cut,
 *   - a packet that was safe (acknowledged by a majority, each while not frozen or
 *     from before) and is not in the cut,
 *
 * and, when asked after the faults have ended, that the group goes on.
 */
#ifndef TESTS_UNIT_ARENA_H
#define TESTS_UNIT_ARENA_H

#include "gcs/base/prng.h"
#include "views/agreement.h"
#include "views/bootstrap.h"

#define ARENA_PROCESSES 12
#define ARENA_BODY_MAX  1500
#define ARENA_EPOCHS    256
#define ARENA_MS        UINT64_C(1000000)
#define ARENA_RETRY_NS  (10 * ARENA_MS)
#define ARENA_BALLOT_NS (60 * ARENA_MS)

enum arena_kind { ARENA_FRAME, ARENA_DATA, ARENA_NACK, ARENA_STATUS, ARENA_EXCLUDED };

struct arena_message {
    uint64_t at;
    uint64_t order; /* ties */
    enum arena_kind kind;
    int from;
    int to;
    uint64_t incarnation; /* the sender's */
    uint32_t epoch;       /* the sender's view; 0: none */
    uint16_t rank;        /* of the sender in it */
    uint8_t type;         /* frame */
    uint16_t sender;      /* data, nack: rank of the packet's sender */
    uint16_t size;
    uint64_t mask; /* data, nack: packets as bits */
    uint8_t body[ARENA_BODY_MAX];
};

struct arena;
struct arena_process;
struct gcs_value;

/* A process's part in one view. */
struct arena_member {
    struct arena_process *process;
    struct gcs_view view;
    struct gcs_member members[ARENA_PROCESSES];
    struct gcs_agreement *machine;
    bool frozen;
    bool installed;
    bool retired;
    bool in;                                         /* comes along */
    uint64_t have[ARENA_PROCESSES];                  /* per rank: packet k is bit k - 1 */
    uint64_t at_freeze[ARENA_PROCESSES];             /* per rank: a count */
    uint64_t acks[ARENA_PROCESSES][ARENA_PROCESSES]; /* per member: its counts */
    bool suspects[ARENA_PROCESSES];
    bool said_gone[ARENA_PROCESSES];
    struct gcs_proposal decision; /* next_members follow */
    struct gcs_member next_members[ARENA_PROCESSES];
};

enum arena_state { ARENA_DOWN, ARENA_JOINING, ARENA_MEMBER, ARENA_OUT };

struct arena_process {
    struct arena *arena;
    int index;
    enum arena_state state;
    struct gcs_member self;
    uint64_t died_at; /* of the incarnation before, or of this one when it is down or out */
    uint64_t detect_ns;
    bool leaving;
    bool rejoins; /* when it finds itself excluded */
    struct gcs_bootstrap_machine *boot;
    struct arena_member *now;
    struct arena_member *before;
    uint64_t status_at;
    uint64_t false_until[ARENA_PROCESSES]; /* suspects that one wrongly */
    struct gcs_value *joined;              /* until it has moved on */
};

struct arena_decision {
    bool known;
    size_t size;
    uint8_t bytes[ARENA_BODY_MAX];
    uint64_t proposer;
    uint64_t cut[ARENA_PROCESSES];
    uint64_t safe[ARENA_PROCESSES];
};

struct arena {
    struct gcs_prng prng;
    uint64_t now;
    int processes_count;
    struct arena_process processes[ARENA_PROCESSES];
    struct arena_message **queue; /* a heap */
    size_t queue_count;
    size_t queue_room;
    uint64_t order;
    uint64_t incarnations;
    struct gcs_counters counters;
    struct arena_decision decisions[ARENA_EPOCHS];
    const char *violation; /* the first */
    char detail[256];

    struct gcs_allocator memory;
    uint64_t asked;   /* for memory, so often */
    uint64_t fail_at; /* this time it is refused; 0: never */

    /* faults */
    uint64_t promise_ns; /* for machines made from now on; 0: the default */
    uint32_t loss_ppm;
    uint64_t delay_min;
    uint64_t delay_max;
    uint32_t crash_on_send_ppm; /* dies in the middle of sending a ballot's frames */
    int crashes_left;
    bool cut[ARENA_PROCESSES][ARENA_PROCESSES];
    bool crashed_with_evidence;
    /* a script: true drops the frame */
    bool (*drop)(struct arena *arena, const struct arena_message *message);
    void *script;

    /* what has happened, for stories */
    uint64_t frames[64];
    uint64_t malformed;
    uint64_t rejoins;
};

/* members of the first view out of processes; the rest is down. */
struct arena *arena_new(uint64_t seed, int processes, int members);
void arena_free(struct arena *arena);

void arena_run(struct arena *arena, uint64_t duration);
/* Runs until the condition holds; false if it does not in so much time. */
bool arena_until(struct arena *arena, bool (*holds)(struct arena *arena), uint64_t duration);

void arena_crash(struct arena *arena, int process);
/* A new process, or a new incarnation; joins through everybody. */
void arena_join(struct arena *arena, int process);
void arena_leave(struct arena *arena, int process);
/* A packet, to everybody in the view or (only >= 0) to one process. */
void arena_multicast(struct arena *arena, int process, int only);
/* One suspects another wrongly for a while. */
void arena_suspect(struct arena *arena, int process, int suspect, uint64_t duration);
void arena_heal(struct arena *arena);

/* All processes that are members are in one view and nobody else is; nobody is frozen. */
bool arena_settled(struct arena *arena);
/* The members of the newest view that are up, or could come back, are too few to go on. */
bool arena_stuck(struct arena *arena);
uint32_t arena_epoch(const struct arena *arena);
/* Members of the current view of a process, as a mask of processes; 0: it is no member. */
uint32_t arena_view(const struct arena *arena, int process);

/* A seeded run: faults, then healing. NULL: all went well; else what did not. */
const char *arena_random_run(uint64_t seed, struct gcs_counters *counters);

#endif
