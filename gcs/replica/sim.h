/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of the simulator for replicated services (<gcs/replica_sim.h>).
 *
 *   sim.c         a run: the loop over the network's events, faults, healing
 *   sim_node.c    one process: core, replica, application, clock
 *   sim_client.c  clients: what they ask for, retry and are told
 *   sim_check.c   what was applied, and whether it explains what clients were told
 */
#ifndef GCS_REPLICA_SIM_INSIDE_H
#define GCS_REPLICA_SIM_INSIDE_H

#include "gcs/base/prng.h"
#include "gcs/replica/replicator.h"
#include "transport/sim.h"

#include <gcs/replica_sim.h>

#define SIM_MS     UINT64_C(1000000)
#define SIM_SECOND UINT64_C(1000000000)

enum { SIM_NODES = 16, SIM_CLIENTS = 64, SIM_TAG = 8 };

struct sim_world;

/* ---- Nodes -------------------------------------------------------------------------------- */

struct sim_node {
    struct sim_world *world;
    unsigned index;
    struct gcs_allocator allocator;
    struct gcs_core *core; /* NULL: no process */
    struct gcs_core_group *group;
    struct gcs_replicator replicator;
    struct gcs_replica_machine app; /* the user's */
    bool ready, stopped;            /* stopped: its replicator has ended */
    uint64_t paused_until;
    uint64_t wake_at;
    struct gcs_sim_event *inbox; /* what came during a pause */
    size_t inbox_count, inbox_capacity;
};

void sim_node_start(struct sim_node *node, enum gcs_bootstrap bootstrap);
void sim_node_crash(struct sim_node *node);
void sim_node_packet(struct sim_node *node, const struct gcs_sim_event *event);
/* Lets it do what is due, unless it is paused. */
void sim_node_run(struct sim_node *node);

/* ---- Clients ------------------------------------------------------------------------------ */

enum sim_kind { SIM_COMMAND, SIM_QUESTION };

/* What one client asked for once. */
struct sim_operation {
    enum sim_kind kind;
    bool done;      /* has a result */
    uint64_t floor; /* the highest number that anybody knew of when it began */
    uint64_t number;
    uint64_t applied_at; /* number in the log; 0: not applied */
    size_t size, result_size;
    uint8_t *data; /* command: with its tag */
    uint8_t *result;
};

struct sim_client {
    struct sim_world *world;
    unsigned index, node;
    uint64_t session, serial;
    bool opening, waiting;
    uint64_t operation; /* index + 1; 0: none under way */
    uint64_t attempt;   /* of all submissions; outcomes of earlier ones are late */
    uint64_t patience;  /* until when it waits */
    bool tried;
};

void sim_client_step(struct sim_client *client); /* it is its turn */
bool sim_clients_done(const struct sim_world *world);

/* ---- The run ------------------------------------------------------------------------------ */

struct sim_entry { /* a command that was applied */
    uint8_t *data;
    size_t size;
    uint64_t time, seed;
    uint8_t *result;
    size_t result_size;
};

struct sim_world {
    const struct gcs_replica_sim_service *service;
    const struct gcs_replica_sim_options *options;
    struct gcs_replica_sim_result *result;
    uint64_t seed;
    struct gcs_prng prng;
    struct gcs_sim *sim;
    uint64_t now;
    struct sim_node nodes[SIM_NODES];
    struct sim_client clients[SIM_CLIENTS];
    bool healed;
    uint64_t heal_at, next_fault;
    int away; /* the node that a fault concerns; -1: none */
    unsigned fault;
    uint64_t away_until;
    struct sim_operation *operations;
    uint64_t operations_count; /* begun */
    uint64_t known;            /* the highest number in any outcome */
    struct sim_entry *log;     /* by number - 1 */
    uint64_t log_count, log_capacity;
    bool failed;
    bool no_memory;
};

void sim_fail(struct sim_world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Memory, or the run ends. */
void *sim_allocate(struct sim_world *world, size_t size);
void sim_after(struct sim_world *world, uint64_t delay, unsigned kind, unsigned index);

enum { SIM_WAKE = 1, SIM_CLIENT, SIM_FAULT };

/* ---- Checks ------------------------------------------------------------------------------- */

/* The application's apply as the replicas call it: notes what was applied, and compares. */
int sim_check_apply(void *node, const struct gcs_replica_command *command,
                    struct gcs_replica_result *result);
/* After the run: everything that clients were told. */
void sim_check_history(struct sim_world *world);
void sim_check_free(struct sim_world *world);

#endif
