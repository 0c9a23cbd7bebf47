/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the parts of the world share: its state, and who may do what with it.
 *
 *   world      phases, and the loop over the network's events
 *   node       one process: its core, clock, inbox and application
 *   workload   what is multicast when, and what became of it
 *   private    the same for messages to one member alone
 *   schedule   what goes wrong when
 *   recorder   trace events to records and trace lines
 *   liveness   whether everybody is well, and what is wrong if not
 */
#ifndef TESTS_SIM_INTERNAL_H
#define TESTS_SIM_INTERNAL_H

#include "gcs/base/prng.h"
#include "tests/sim/world.h"

#define MS         1000000ULL
#define SECOND     1000000000ULL
#define GROUP_NAME "sim"

enum timer {
    TIMER_WAKE = 1, /* node, generation */
    TIMER_SUBMIT,   /* planned message */
    TIMER_ACTION,   /* action of the schedule */
    TIMER_TICK,     /* phases */
    TIMER_JOIN,     /* node joins if it is not in the group */
    TIMER_PRIVATE,  /* node sends so many messages to single members */
    TIMER_DAWN,     /* whatever was wrong with the network when the group was founded is over */
};

#define TIMER_COOKIE(kind, value) ((uint64_t)(kind) << 56 | (uint64_t)(value))

/* A delivery or another event that the application has taken and not given back. */
struct held {
    struct gcs_core_event event;
    uint64_t due; /* virtual time */
};

/* A message that the world has planned. */
struct planned {
    uint64_t at;
    uint64_t hash;
    uint32_t size;
    enum gcs_service service;
    bool accepted; /* by a core that is still there, or was sent */
    bool sent;
    bool reached;
    bool last_words; /* sent by a member that did not go on from there */
    bool extra;      /* beyond the plan: tried once, and not counted */
};

/* See state.c. */
struct node_state {
    uint64_t ordered;   /* of the total order */
    uint64_t unordered; /* of fifo messages, whatever their order */
    uint64_t count;
};

struct node {
    struct world *world;
    unsigned index;
    struct gcs_core *core; /* NULL: no process */
    struct gcs_core_group *group;
    struct gcs_address address;
    struct gcs_prng prng;
    struct gcs_allocator *allocator;
    size_t allocated;             /* pieces of memory that the core holds */
    enum gcs_bootstrap bootstrap; /* of the next join */
    bool wanted;                  /* should be in the group */
    bool leaving;
    bool evicted;        /* somebody asked for it: ... */
    uint32_t evicted_by; /* ... that member ... */
    uint32_t evicted_in; /* ... in the view of that epoch */
    bool ended;          /* GCS_EVENT_LEFT was taken, and not given back yet */
    bool was_excluded;
    bool blocked;
    bool joined; /* has had a view since it began to join */
    bool started;
    bool cut_off;       /* on the small side of a division */
    uint64_t local_now; /* its clock in the current round */

    /* clock */
    uint64_t base_global, base_local;
    int32_t rate_ppm;

    /* scheduling */
    uint64_t wake_at;
    uint64_t generation;
    uint64_t busy_until;
    uint64_t paused_until;
    uint64_t slow_until;
    uint64_t slow_ns; /* how late deliveries are given back */
    struct gcs_sim_event *inbox;
    size_t inbox_count, inbox_capacity, inbox_bytes;
    struct held *held;
    size_t held_count, held_capacity;

    /* application */
    struct list pending;    /* planned messages to multicast, in order */
    struct list accepted;   /* planned messages that the core took and has not sent yet */
    bool full;              /* waits for GCS_EVENT_WRITABLE */
    uint64_t private_count; /* messages to single members, to be sent in the next round */

    struct node_state state, coming;
    bool synced;      /* has the state */
    bool transferred; /* got it from somebody */
    uint64_t got;     /* bytes of the state that is coming */
    uint8_t head[24];

    /* its last claim to be in the primary: see lease.c */
    uint64_t claim_ends; /* in the world's time */
    uint64_t claim_lineage;
    uint32_t claim_epoch, claim_member;

    /* what its trace says */
    struct gcs_member_id id;
    uint32_t member; /* its number in the log, or NONE */
    uint64_t lineage;
    uint64_t proposer;
    uint32_t epoch;
    bool primary;
    uint32_t view_record; /* of the last primary view, or NONE */
    uint64_t view_sent, view_delivered;
    uint64_t own_missing;        /* sent in this view and not delivered here yet */
    uint64_t traced, handed_out; /* fingerprints of both streams */
};

/* What the world remembers of a view, to know how many may die. */
struct known_view {
    uint64_t lineage;
    uint32_t epoch;
    uint64_t proposer;
    uint32_t record;
    bool blocked;     /* somebody has promised in it */
    unsigned crashes; /* since then */
};

enum phase { PHASE_GROW, PHASE_SAFETY, PHASE_LIVENESS, PHASE_PROBE, PHASE_QUIET, PHASE_DONE };

struct world {
    struct world_options options;
    struct world_result *result;
    struct gcs_sim *sim;
    struct gcs_prng prng;
    struct node *nodes;
    uint64_t now;
    bool healed;

    enum phase phase;
    uint64_t phase_ends;
    uint64_t safety_ns;

    uint32_t packet_bytes;
    bool longs; /* some messages need memory to be asked for */
    struct gcs_core_config core_config;
    struct gcs_group_config group_config;
    struct gcs_address *seeds;
    enum gcs_bootstrap birth; /* how the group is founded */
    uint64_t lineage;         /* of the group; 0: not founded, or not agreed on yet */
    bool dark;                /* the network is bad while the group is founded */

    struct planned *planned;
    size_t planned_count, planned_capacity;
    struct map planned_by_hash;
    uint8_t *scratch;   /* for payloads */
    struct pair *pairs; /* who has sent what to whom alone */
    size_t pairs_count, pairs_capacity;
    struct map pairs_map;

    struct action *actions;
    size_t actions_count, actions_capacity;
    bool leases;    /* nodes claim to be in the primary */
    bool weighted;  /* nodes have different numbers of votes */
    unsigned sites; /* where nodes say that they are; 0: none does */
    bool apart;     /* all is well but that nodes have different states */
    bool careful;   /* at most a minority is away at once */
    bool divided;
    unsigned hunts;   /* how many flushes may still lose somebody */
    unsigned witness; /* the only one to have heard somebody; members: nobody */
    unsigned storms;  /* ... and how many may meet bad links */

    struct known_view *known;
    size_t known_count, known_capacity;
    struct map seen;   /* packets that have come to a member */
    struct map pieces; /* bytes of messages that come in several */
    uint32_t latest_coordinator;
    uint32_t latest_epoch;
    uint64_t views_seen;
    char *line;
    size_t line_capacity;
};

/* ---- places --------------------------------------------------------------- */

/* The label of a node, the same in all its lives. */
void places_label(const struct world *world, unsigned index, char *label, size_t size);
void places_check(struct world *world, const struct node *node, const struct gcs_view *view);

/* ---- world ---------------------------------------------------------------- */

/* Reports a violation that the world itself sees, at the last record; fail ends the run. */
void world_note(struct world *world, const char *property, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void world_fail(struct world *world, const char *property, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool world_failed(const struct world *world);
bool world_has(const struct world *world, enum world_fault fault);
void world_after(struct world *world, uint64_t delay, enum timer kind, unsigned node,
                 uint64_t value);

/* ---- node ----------------------------------------------------------------- */

void node_init(struct world *world, struct node *node, unsigned index);
void node_start(struct world *world, struct node *node); /* process and join */
void node_join(struct world *world, struct node *node);
void node_leave(struct world *world, struct node *node);
void node_evict(struct world *world, struct node *node, struct node *other);
void node_crash(struct world *world, struct node *node);
void node_free(struct world *world, struct node *node); /* at the end of the run */
void node_pause(struct world *world, struct node *node, uint64_t until);
void node_set_rate(struct world *world, struct node *node, int32_t ppm);
void node_input(struct world *world, struct node *node, const struct gcs_sim_event *event);
void node_wake_at(struct world *world, struct node *node, uint64_t at);
void node_wake(struct world *world, struct node *node, uint64_t generation);
/* The earliest time of the world at which the node's clock shows at least local. */
uint64_t node_global_time(const struct node *node, uint64_t local);
bool node_in_group(const struct node *node); /* has a primary view */

/* ---- workload -------------------------------------------------------------- */

void workload_plan(struct world *world);
void workload_submit(struct world *world, uint32_t planned); /* picks a node for it */
void workload_probe(struct world *world);                    /* one more from everybody */
void workload_burst(struct world *world, struct node *node, unsigned count);
void workload_multicast(struct world *world, struct node *node); /* what is pending there */
void workload_forget(struct world *world, struct node *node);    /* its membership is gone */
void workload_sent(struct world *world, struct node *node, uint64_t hash);
void workload_delivered(struct world *world, const struct gcs_core_event *event);
bool workload_is_done(const struct world *world); /* everything was accepted */
void workload_finish(struct world *world);        /* counts what reached the survivors */

/* ---- private ---------------------------------------------------------------- */

void private_plan(struct world *world);
void private_send(struct world *world, struct node *node); /* what is due there */
void private_delivered(struct world *world, const struct gcs_core_event *event);
bool private_is_done(struct world *world, char *why, size_t size);
void private_free(struct world *world);

/* ---- schedule -------------------------------------------------------------- */

void schedule_plan(struct world *world);
void schedule_act(struct world *world, uint32_t action);
/* Somebody promises; first: in this view, so that the ballot is likely its own. */
void schedule_blocked(struct world *world, struct node *node, bool first);
void schedule_heal(struct world *world);

/* ---- recorder -------------------------------------------------------------- */

void recorder_event(void *ctx, const struct gcs_trace_event *event); /* ctx: struct node */
uint32_t recorder_number(struct world *world, const struct gcs_member_id *id);
void recorder_packet(struct world *world, const struct node *node, const uint8_t *data,
                     size_t size);
void recorder_note(struct world *world, struct node *node, enum record_type type);
const struct known_view *recorder_latest(const struct world *world);
/* There is one lineage from now on: that of this view. */
void recorder_settle(struct world *world, const struct node *node);
struct known_view *recorder_find(struct world *world, uint32_t epoch, uint64_t proposer);

/* Somebody has promised in the latest view and not gone on yet. */
bool recorder_blocked(const struct world *world);

/* The node that a member (number in the log) is now, or NULL. */
struct node *recorder_node(const struct world *world, uint32_t member);

/* ---- liveness --------------------------------------------------------------- */

/* Everybody who should be is in one view, and all is delivered; why gets the reason if not. */
bool liveness_is_well(struct world *world, char *why, size_t size);

/* Whether the group could still get well if this node died now. */
bool liveness_may_crash(struct world *world, const struct node *node);

/* ---- lease.c ----------------------------------------------------------------------- */

void lease_claim(struct world *world, struct node *node);

/* ---- state.c ----------------------------------------------------------------------- */

void state_delivered(struct node *node, const struct gcs_core_event *event);
void state_wanted(struct world *world, struct node *node, const struct gcs_core_event *event);
void state_piece(struct world *world, struct node *node, const struct gcs_core_event *event);
void state_complete(struct world *world, struct node *node, const struct gcs_core_event *event);
/* Both have everything; false, and the run has failed: their states differ. */
bool state_agrees(struct world *world, const struct node *node, const struct node *model, char *why,
                  size_t size);

#endif
