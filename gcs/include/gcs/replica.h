/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Active replication: a service that is a deterministic state machine survives the death of its
 * machines. The application gives a function that applies a command, one that copies the state and
 * one that takes such a copy; the replicas of a group apply the same commands in the same order,
 * and whoever submitted one gets its result. gcs_replication(7) is the tutorial.
 *
 *     gcs_open(url, NULL, &endpoint);
 *     gcs_replica_open(endpoint, "bank", NULL, &machine, NULL, &replica);
 *     gcs_replica_submit(replica, &request, on_done, NULL);
 *     while (gcs_replica_dispatch(replica, GCS_FOREVER) >= 0)
 *         ...
 *
 * A command's result is handed out once the command is stable: a quorum holds it and everything
 * before it, in the primary component, so that no replica that goes on lacks it.
 *
 * Any thread may call anything, but gcs_replica_close last. Callbacks are made within
 * gcs_replica_dispatch (and gcs_replica_call, which may do its work), one at a time; they may
 * submit and query, and not dispatch, call or close. While a callback hangs a thread of the
 * replica's own says so by report (GCS_REPLICA_SLOW), beside it, and other calls wait for it.
 */
#ifndef GCS_REPLICA_H
#define GCS_REPLICA_H

#include <gcs/gcs.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gcs_replica;

/* ---- The state machine: what the application gives ---------------------------------------- */

/* A command to be applied: the same at every replica, byte for byte and number for number. */
struct gcs_replica_command {
    const void *data; /* valid during the callback */
    size_t size;
    uint64_t number; /* the group's n-th command, from 1 */
    uint64_t time;   /* agreed, ns since 1970; never goes back. Instead of a clock */
    uint64_t seed;   /* agreed, another for each command. Instead of a random source */
};

/* Bytes of the application's, valid until its next callback. */
struct gcs_replica_result {
    const void *data;
    size_t size;
};

enum gcs_replica_step {
    GCS_REPLICA_BEGIN, /* forget everything; data is NULL */
    GCS_REPLICA_PIECE, /* the next bytes of a snapshot: pieces have any size */
    GCS_REPLICA_END,   /* that was all */
};

/*
 * The application's state machine. Callbacks return 0, or a negative error: then this replica
 * stops, as it does not know its own state any more, says at which command, and comes back with
 * the state of another. What a command itself may meet (no such account) is a result, no error.
 */
struct gcs_replica_machine {
    size_t size; /* sizeof(struct gcs_replica_machine) */
    void *ctx;
    /* Applies a command: a function of the state and the command and of nothing else. result is
     * empty if not set. */
    int (*apply)(void *ctx, const struct gcs_replica_command *command,
                 struct gcs_replica_result *result);
    /* Gives a copy of the state as it is now: it is read, by another thread, while commands
     * go on, and released by source->release. */
    int (*snapshot)(void *ctx, struct gcs_state_source *source);
    /* Takes one: begin, pieces in order, end; or begin once more at any time. */
    int (*restore)(void *ctx, enum gcs_replica_step step, const void *data, size_t size);
    /* Answers a question without changing anything; time: agreed, of the last command. May be
     * NULL. */
    int (*query)(void *ctx, const void *data, size_t size, uint64_t time,
                 struct gcs_replica_result *result);
    /* A number that tells states apart, such as a hash. May be NULL: nothing is compared. */
    uint64_t (*digest)(void *ctx);
};

/* ---- Options ------------------------------------------------------------------------------ */

enum gcs_replica_news {
    GCS_REPLICA_READY = 1, /* has the group's state, takes commands */
    GCS_REPLICA_WRITABLE,  /* submitting is worth trying again after GCS_EAGAIN */
    GCS_REPLICA_CUT_OFF,   /* not in the primary, until GCS_REPLICA_READY: commands wait */
    GCS_REPLICA_SLOW,      /* a callback takes longer than slow_ms, or has taken so long */
    GCS_REPLICA_FAILED,    /* a callback failed: this replica starts over; unless it was snapshot:
                              then only the new replica that wanted the state does */
    GCS_REPLICA_DIVERGED,  /* the state differs from a quorum's: this replica starts over */
    GCS_REPLICA_UNDECIDED, /* states differ, and no quorum has the same */
    GCS_REPLICA_REFUSED,   /* the group has another protocol or other options: this was it */
    GCS_REPLICA_LEFT,      /* the membership has ended: this was it */
    GCS_REPLICA_HELD_UP,   /* another replica takes nothing: all wait for it in the end, until it is
                              evicted (evict_slow_ns of the group's config; 0: after a minute,
                              GCS_NEVER: never) */
};

struct gcs_replica_report {
    enum gcs_replica_news news;
    int error;        /* why, or 0 */
    uint64_t number;  /* of the command; 0: none */
    const char *text; /* a sentence for a log; valid during the callback */
};

struct gcs_replica_config {
    size_t size;       /* sizeof(struct gcs_replica_config) */
    uint32_t protocol; /* version of the commands, results and snapshots: a replica with another
                          one is refused; default 1 */
    uint32_t command_bytes; /* longest command; default 1 MiB, at most what the group allows */
    uint32_t pending;     /* submitted commands without a result yet, 1 to 2^24; beyond: GCS_EAGAIN;
                             default 65536 */
    uint32_t query_bytes; /* of queries that wait; beyond: GCS_EAGAIN; default 16 MiB */
    uint32_t sessions;    /* most sessions; beyond: GCS_ELIMIT; same at all; default 65536 */
    uint32_t session_results; /* results kept for each; same at all; 1 to 65536, default 64 */
    uint32_t session_bytes;   /* results kept by all sessions together; beyond, those of the session
                                 that was unused the longest go; same at all; default 64 MiB */
    uint32_t session_ms;      /* unused so long, a session expires; same at all; default 600,000 */
    uint32_t digest_every;    /* states are compared every so many commands; same at all; default
                                 1024 */
    uint32_t slow_ms;         /* of a callback: GCS_REPLICA_SLOW; default 1000 */
    void *ctx;
    void (*report)(void *ctx, const struct gcs_replica_report *report); /* may be NULL */
    /* Events of the endpoint that are not this group's. May be NULL. */
    void (*event)(void *ctx, const struct gcs_event *event);
};

/* Sets every option to its default, and size. */
void gcs_replica_config_init(struct gcs_replica_config *config);

/* ---- A replica ---------------------------------------------------------------------------- */

/*
 * Starts a replica: joins the group, as gcs_join with this group_config does (NULL: the defaults;
 * state is always on). The endpoint remains the caller's, but its events are the replica's, and it
 * must outlive the replica. machine and config (NULL: the defaults) are copied. Returns at once;
 * GCS_REPLICA_READY says that it takes commands. GCS_EINVAL, GCS_EOPTION, GCS_ENAME, GCS_EALREADY,
 * GCS_ENOMEM, GCS_ECLOSED, GCS_EFORKED.
 */
int gcs_replica_open(struct gcs_endpoint *endpoint, const char *name,
                     const struct gcs_group_config *group_config,
                     const struct gcs_replica_machine *machine,
                     const struct gcs_replica_config *config, struct gcs_replica **replica);

/*
 * Starts to leave the group: what was submitted is applied first. GCS_REPLICA_LEFT says that it is
 * done. GCS_EALREADY, GCS_ECLOSED, GCS_EFORKED.
 */
int gcs_replica_leave(struct gcs_replica *replica);

/* Frees it; what was not completed is completed with GCS_ECLOSED. No other call may be running; the
 * membership ends with the endpoint, which is to be closed next. NULL is allowed. */
void gcs_replica_close(struct gcs_replica *replica);

/*
 * Does what there is to do: takes the endpoint's events, applies commands, completes. Waits up to
 * timeout_ms if there is nothing. How many events it took. One thread at a time: GCS_EALREADY;
 * GCS_EINVAL; GCS_ECLOSED; GCS_EFORKED. Use gcs_fd() of the endpoint to wait elsewhere; then call
 * it also after submitting, if the endpoint has GCS_OWN_LOOP, and at least every 50 ms while
 * queries wait.
 */
int gcs_replica_dispatch(struct gcs_replica *replica, int timeout_ms);

/* The group, for gcs_view_acquire and gcs_evict. It changes when the replica starts over. */
struct gcs_group *gcs_replica_group(struct gcs_replica *replica);

/* ---- Commands ----------------------------------------------------------------------------- */

struct gcs_replica_request {
    const void *data; /* copied */
    size_t size;
    uint64_t session; /* 0: none */
    uint64_t serial;  /* in the session: 1, 2, 3, ... */
};

/* What became of a command or a query. */
struct gcs_replica_outcome {
    int error;        /* 0, or see below */
    const void *data; /* the result; valid during the callback */
    size_t size;
    uint64_t number;  /* the command's; a query's: of the last command that it has seen */
    uint64_t session; /* of gcs_replica_session: its id */
    bool repeated;    /* in a session: this is the result of an earlier submission */
};

/*
 * Errors of outcomes:
 * GCS_EUNKNOWN   this replica was excluded, or started over: the command may have been applied or
 *                not, or may still be: retry it, in a session at any replica
 * GCS_ESESSION   there is no such session, or it has expired: whether earlier submissions of this
 *                serial were applied nobody knows
 * GCS_ESERIAL    the serial is neither the next one (a higher one was not applied) nor one whose
 *                result is still kept (a lower one was applied)
 * GCS_ELIMIT     too many sessions
 * GCS_ENOPRIMARY, GCS_ENOTMEMBER  (queries) this replica is cut off, or has left
 * GCS_ECLOSED    the replica was closed: as GCS_EUNKNOWN
 */
typedef void gcs_replica_done(void *ctx, const struct gcs_replica_outcome *outcome);

/*
 * Submits a command: done is called once, when it is stable and applied here or when that
 * cannot be known any more. Waits for nothing but a callback that is running. GCS_EAGAIN: not
 * ready, or too much is pending (GCS_REPLICA_READY or GCS_REPLICA_WRITABLE follows); GCS_EMSGSIZE;
 * GCS_EINVAL; GCS_ENOPRIMARY; GCS_ENOTMEMBER; GCS_ENOMEM; GCS_ECLOSED; GCS_EFORKED. On error
 * nothing was submitted, and done is not called.
 */
int gcs_replica_submit(struct gcs_replica *replica, const struct gcs_replica_request *request,
                       gcs_replica_done *done, void *ctx);

/*
 * The same, and waits up to timeout_ms for the outcome, also for room and until the replica is
 * ready. The result is copied to buffer, to which outcome->data then points. Does the replica's
 * work meanwhile if no other thread does. 0, or the outcome's error, or those of
 * gcs_replica_submit; GCS_ETIMEDOUT: what becomes of it is not known; GCS_EMSGSIZE: the result has
 * outcome->size bytes.
 */
int gcs_replica_call(struct gcs_replica *replica, const struct gcs_replica_request *request,
                     void *buffer, size_t size, struct gcs_replica_outcome *outcome,
                     int timeout_ms);

/* Opens a session, in which each command is applied exactly once: outcome->session. Errors as
 * gcs_replica_submit. */
int gcs_replica_session(struct gcs_replica *replica, gcs_replica_done *done, void *ctx);

/* ---- Queries ------------------------------------------------------------------------------ */

enum gcs_replica_read {
    GCS_REPLICA_LINEARIZABLE = 0, /* sees every command that had a result before the query began */
    GCS_REPLICA_SEQUENTIAL,       /* this replica's state as it is, however old */
    GCS_REPLICA_AFTER,            /* sees the commands up to number `after`: one's own, say */
};

/*
 * Asks the state machine's query, without a command of its own in the order; done is called once,
 * maybe before the call returns. data is copied. after: see GCS_REPLICA_AFTER, otherwise unused.
 * Errors as gcs_replica_submit.
 */
int gcs_replica_query(struct gcs_replica *replica, enum gcs_replica_read read, uint64_t after,
                      const void *data, size_t size, gcs_replica_done *done, void *ctx);

/* ---- What there is ------------------------------------------------------------------------ */

struct gcs_replica_status {
    bool ready;           /* takes commands */
    bool primary;         /* the last view was one of the primary */
    uint64_t number;      /* commands applied */
    uint64_t time;        /* agreed, of the last one */
    uint64_t applying;    /* number of the command that apply is at; 0: none */
    uint64_t applying_ms; /* for so long */
    uint64_t pending;     /* own commands without a result yet */
    uint64_t queries;     /* waiting */
    uint64_t sessions;
    uint64_t repeated; /* commands of sessions that had been applied before */
    uint64_t restores; /* times that the state came from another replica */
    uint64_t foreign;  /* messages that are no replica's, passed over */
};

/* In any thread, at any time: also while a callback hangs. applying and applying_ms are of now, the
 * rest may be a moment old. */
void gcs_replica_status_get(struct gcs_replica *replica, struct gcs_replica_status *status);

#ifdef __cplusplus
}
#endif

#endif
