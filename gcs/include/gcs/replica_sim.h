/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A user's state machine under the library's deterministic simulator: whole lives of a replicated
 * service in one process, in virtual time, from one seed. Packets get lost and late, replicas
 * crash, come back, pause and are cut off, while clients submit commands through one replica and
 * another, retry what they do not know the outcome of, and ask. Everything that they were told is
 * then checked:
 *
 *   - all replicas apply the same commands and get the same results, the same as a replica that
 *     sees no fault;
 *   - what clients saw is linearizable: some order of all commands and queries, in keeping with who
 * was done before whom, explains every result;
 *   - a command that had a result is not lost, and no command is applied twice;
 *   - once everything works again all get well, in bounded time.
 *
 * A test of one's own is gcs_replica_sim_options_init, runs, and gcs_replica_sim; see
 * gcs_replica_sim(3). Link with libgcs-replica-sim and libgcs-simnet, both static, beside libgcs.
 */
#ifndef GCS_REPLICA_SIM_H
#define GCS_REPLICA_SIM_H

#include <gcs/replica.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Longest command or question that is asked for. */
#define GCS_REPLICA_SIM_BYTES 256

/* The service under test. */
struct gcs_replica_sim_service {
    size_t size; /* sizeof(struct gcs_replica_sim_service) */
    void *ctx;   /* for the callbacks here; those of the machine get their own */
    /* A new replica: fills in the machine, whose size is set, with a state of its own in
     * machine->ctx, as it is before the first command. A negative error ends the run. */
    int (*open)(void *ctx, struct gcs_replica_machine *machine);
    void (*close)(void *ctx, struct gcs_replica_machine *machine);
    /* Writes a command, a function of the random number; how many bytes. */
    size_t (*command)(void *ctx, uint64_t random, void *data, size_t room);
    /* The same for questions; may be NULL: none are asked. */
    size_t (*question)(void *ctx, uint64_t random, void *data, size_t room);
};

enum gcs_replica_sim_fault {
    GCS_REPLICA_SIM_LOSS = 1,      /* packets get lost, late, doubled */
    GCS_REPLICA_SIM_CRASH = 2,     /* replicas die, and come back without a state */
    GCS_REPLICA_SIM_PAUSE = 4,     /* replicas are not scheduled for a while */
    GCS_REPLICA_SIM_PARTITION = 8, /* replicas are cut off, with their clients */
};

struct gcs_replica_sim_options {
    size_t size;          /* sizeof(struct gcs_replica_sim_options) */
    uint64_t seed;        /* of the first run; the others take the next ones; default 1 */
    unsigned runs;        /* default 20 */
    unsigned replicas;    /* 1 to 16, default 3 */
    unsigned clients;     /* 1 to 64, default 4 */
    unsigned operations;  /* of all clients together in a run, 1 to 1000000, default 400 */
    unsigned faults;      /* set of enum gcs_replica_sim_fault; default: all */
    enum gcs_order order; /* of the group; default GCS_ORDER_SEQUENCER */
    bool sessions;        /* commands are submitted in sessions, and retried; default true */
    struct gcs_replica_config config; /* of the replicas; report and event are not used */
};

void gcs_replica_sim_options_init(struct gcs_replica_sim_options *options);

/* X(name, what it counts) */
#define GCS_REPLICA_SIM_TABLE(X)                            \
    X(runs, "runs")                                         \
    X(commands, "commands with a result")                   \
    X(questions, "questions answered")                      \
    X(retries, "submissions of a command for another time") \
    X(repeated, "... that found it applied already")        \
    X(unknown, "commands whose outcome stayed unknown")     \
    X(crashes, "replicas that crashed")                     \
    X(pauses, "replicas that paused")                       \
    X(partitions, "replicas that were cut off")             \
    X(restores, "states that went to another replica")      \
    X(views, "views")

struct gcs_replica_sim_result {
    uint64_t seed;  /* of the run that failed */
    char text[512]; /* what was wrong, with the seed; "" if nothing was */
#define GCS_REPLICA_SIM_FIELD(name, text) uint64_t name;
    GCS_REPLICA_SIM_TABLE(GCS_REPLICA_SIM_FIELD)
#undef GCS_REPLICA_SIM_FIELD
};

/*
 * Runs until one run fails or all are done. 0: nothing was wrong; GCS_ESTATE: something was, see
 * result->text; GCS_EINVAL, GCS_EOPTION; GCS_ENOMEM. The same options give the same result.
 */
int gcs_replica_sim(const struct gcs_replica_sim_service *service,
                    const struct gcs_replica_sim_options *options,
                    struct gcs_replica_sim_result *result);

#ifdef __cplusplus
}
#endif

#endif
