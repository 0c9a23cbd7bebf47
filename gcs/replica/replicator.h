/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The replication layer as a state machine: it is given the events of a group and the
 * application's calls, and calls the group through a port. It knows no thread, clock or socket,
 * so that the same code runs over an endpoint (replica.c) and in the simulator (sim.c).
 *
 *   replicator.c  the life of a replica: views, state, events
 *   commands.c    submitting, applying, completing
 *   reads.c       queries and their index
 *   digests.c     do all replicas have the same state?
 *   snapshot.c    the state on its way from one replica to another
 *   sessions.c    client sessions
 *   wire.c        messages
 *
 * The output rule: commands travel as safe messages, and what is delivered as safe a quorum holds,
 * with everything before it and its order; so a result may leave as soon as its command is applied,
 * and there is nothing to hold back. Between a promise and the next view nothing is delivered.
 */
#ifndef GCS_REPLICA_REPLICATOR_H
#define GCS_REPLICA_REPLICATOR_H

#include "gcs/replica/mutant.h"
#include "gcs/replica/sessions.h"

#include <gcs/replica.h>

/* The group, as far as the layer uses it: the calls of <gcs/gcs.h> without waiting. */
struct gcs_replica_port {
    void *ctx;
    int (*multicast)(void *ctx, enum gcs_service service, const void *data, size_t size);
    int (*send)(void *ctx, const struct gcs_member_id *to, const void *data, size_t size);
    int (*state_offer)(void *ctx, const struct gcs_member_id *joiner,
                       const struct gcs_state_source *source);
    int (*primary)(void *ctx);
    int (*ordered)(void *ctx, uint32_t *epoch, uint64_t *position);
    int (*leave)(void *ctx);
    /* After GCS_EVENT_LEFT: joins again, looking where the others were. */
    int (*join)(void *ctx, const struct gcs_address *seeds, size_t count);
    uint64_t (*now)(void *ctx); /* ns, for durations */
};

enum gcs_replica_phase {
    GCS_REPLICA_JOINING,  /* no view, or no state yet */
    GCS_REPLICA_GREETING, /* has the state, and tells what it is */
    GCS_REPLICA_WORKING,
    GCS_REPLICA_LEAVING,       /* as asked for */
    GCS_REPLICA_STARTING_OVER, /* leaves, to come back without what it has got */
    GCS_REPLICA_TURNED_AWAY,   /* refused: leaves for good */
    GCS_REPLICA_ENDED,
};

/* A submission without an outcome yet; also a hello, which nobody waits for (done NULL). */
struct gcs_replica_pending {
    uint64_t submission;
    gcs_replica_done *done;
    void *ctx;
};

/* A query that waits; its bytes behind it. */
struct gcs_replica_waiting {
    struct gcs_replica_waiting *next;
    enum gcs_replica_read read;
    uint64_t after;    /* number */
    uint32_t epoch;    /* with an index: this view's ... */
    uint64_t position; /* ... position, or any later view */
    gcs_replica_done *done;
    void *ctx;
    size_t size;
    uint8_t data[];
};

struct gcs_replica_list {
    struct gcs_replica_waiting *first, **end;
};

struct gcs_replica_reads {
    struct gcs_replica_list fresh;   /* need an index */
    struct gcs_replica_list asked;   /* the round is for these */
    struct gcs_replica_list indexed; /* wait until their index is delivered */
    struct gcs_replica_list after;   /* wait for a number */
    uint64_t count, bytes;
    uint64_t round; /* 0: none; never used again */
    uint64_t rounds;
    uint64_t asked_at;
    uint64_t position; /* the highest answered in this round */
    bool *answered;    /* per rank */
    bool busy;         /* in run: no recursion through callbacks */
};

/* States compared at one number. */
enum { GCS_REPLICA_POINTS = 8, GCS_REPLICA_VALUES = 4 };

struct gcs_replica_point {
    uint64_t number; /* 0: unused */
    bool known;
    uint64_t own;
    uint32_t values;
    struct {
        uint64_t digest;
        uint64_t votes;
    } value[GCS_REPLICA_VALUES];
};

/* A state that is coming: first the layer's own part, in one piece of memory. */
struct gcs_replica_incoming {
    bool begun;      /* the application has been told to begin */
    uint64_t offset; /* bytes so far */
    uint8_t *header;
    uint64_t header_size, header_capacity;
};

struct gcs_replicator {
    struct gcs_replica_config config;
    struct gcs_replica_machine machine;
    struct gcs_replica_port port;
    bool sequencer;      /* the group's order has one */
    uint32_t header_max; /* longest snapshot header that is believed */

    enum gcs_replica_phase phase;
    bool primary;
    bool hello_due;
    bool full;  /* somebody got GCS_EAGAIN */
    int ending; /* why it ended */

    /* the view */
    struct gcs_member *members;
    uint16_t members_count, self;
    uint32_t epoch;
    bool tie_breaker;
    uint64_t position; /* delivered in it */

    /* the state */
    struct gcs_replica_terms terms;       /* this replica's */
    struct gcs_replica_terms group_terms; /* the group's, once agreed */
    uint64_t number, time;
    struct gcs_sessions sessions;
    struct gcs_replica_incoming incoming;

    /* own submissions, oldest first: a ring */
    struct gcs_replica_pending *pending;
    uint32_t pending_capacity;
    uint64_t pending_head, pending_tail;
    uint64_t submissions;
    uint8_t *scratch; /* a message on its way */
    size_t scratch_size;

    struct gcs_replica_reads reads;
    struct gcs_replica_point points[GCS_REPLICA_POINTS];

    /* the callback that is running, for which command and since when; NULL: none */
    _Atomic(const char *) callback;
    _Atomic uint64_t callback_number, callback_since;
    /* the first that took long since that was told of; NULL: none */
    const char *slow;
    uint64_t slow_number, slow_took_ms;
    uint64_t repeated, restores, foreign;
};

/* GCS_EINVAL, GCS_EOPTION, GCS_ENOMEM. The port is not called. */
int gcs_replicator_init(struct gcs_replicator *replicator, const struct gcs_replica_port *port,
                        const struct gcs_replica_machine *machine,
                        const struct gcs_replica_config *config,
                        const struct gcs_group_config *group_config);

/* Completes what is pending with error. */
void gcs_replicator_fini(struct gcs_replicator *replicator, int error);

void gcs_replicator_event(struct gcs_replicator *replicator, const struct gcs_event *event);

/* Does what is due; returns when to be called again, GCS_NEVER: only after an event. */
uint64_t gcs_replicator_tick(struct gcs_replicator *replicator);

int gcs_replicator_submit(struct gcs_replicator *replicator,
                          const struct gcs_replica_request *request, gcs_replica_done *done,
                          void *ctx);
int gcs_replicator_session(struct gcs_replicator *replicator, gcs_replica_done *done, void *ctx);
int gcs_replicator_query(struct gcs_replicator *replicator, enum gcs_replica_read read,
                         uint64_t after, const void *data, size_t size, gcs_replica_done *done,
                         void *ctx);
int gcs_replicator_leave(struct gcs_replicator *replicator);

void gcs_replicator_status(const struct gcs_replicator *replicator,
                           struct gcs_replica_status *status);

/* ---- Among the files of the layer --------------------------------------------------------- */

/* Around the application's callbacks. False: it is called within another one, which counts. */
bool gcs_replicator_calls(struct gcs_replicator *replicator, const char *callback, uint64_t number);
void gcs_replicator_called(struct gcs_replicator *replicator, bool outermost);
/* Tells of one that took long, once what it gave has been used: report may query. */
void gcs_replicator_tell_slow(struct gcs_replicator *replicator);
/* GCS_REPLICA_WRITABLE, if it is due: commands, queries too, have been answered. */
void gcs_replicator_tell_room(struct gcs_replicator *replicator);

void gcs_replicator_report(struct gcs_replicator *replicator, enum gcs_replica_news news, int error,
                           uint64_t number, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Leaves in order to come back with another's state. */
void gcs_replicator_start_over(struct gcs_replicator *replicator);
void gcs_replicator_turn_away(struct gcs_replicator *replicator,
                              const struct gcs_replica_terms *theirs);
bool gcs_replica_terms_equal(const struct gcs_replica_terms *a, const struct gcs_replica_terms *b);
/* It has the state, and nothing has gone wrong with it. */
bool gcs_replicator_has_state(const struct gcs_replicator *replicator);
bool gcs_replicator_is_self(const struct gcs_replicator *replicator,
                            const struct gcs_member_id *id);
int gcs_replicator_hello(struct gcs_replicator *replicator);

/* commands.c */
void gcs_replicator_deliver(struct gcs_replicator *replicator, const struct gcs_event *event);
void gcs_replicator_complete_all(struct gcs_replicator *replicator, int error);

/* reads.c */
void gcs_reads_init(struct gcs_replica_reads *reads);
void gcs_reads_asked(struct gcs_replicator *replicator, const struct gcs_member_id *from,
                     const struct gcs_replica_message *message);
void gcs_reads_answered(struct gcs_replicator *replicator, const struct gcs_member_id *from,
                        const struct gcs_replica_message *message);
void gcs_reads_view(struct gcs_replicator *replicator);
void gcs_reads_run(struct gcs_replicator *replicator);
void gcs_reads_fail(struct gcs_replicator *replicator, int error, bool all);
uint64_t gcs_reads_tick(struct gcs_replicator *replicator);

/* digests.c */
void gcs_digests_applied(struct gcs_replicator *replicator);
void gcs_digests_heard(struct gcs_replicator *replicator, const struct gcs_member_id *from,
                       const struct gcs_replica_message *message);
void gcs_digests_clear(struct gcs_replicator *replicator);

/* snapshot.c */
void gcs_replicator_give(struct gcs_replicator *replicator, const struct gcs_event *event);
/* 0, or an error that says that this replica can not have the state; GCS_EREFUSED: it was told. */
int gcs_replicator_take(struct gcs_replicator *replicator, const struct gcs_event *event);
int gcs_replicator_taken(struct gcs_replicator *replicator);
void gcs_replicator_drop_incoming(struct gcs_replicator *replicator);

#endif
