/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of an endpoint: what the body of <gcs/gcs.h> shares among its
 * files. The protocol itself is in the core, which knows nothing of threads;
 * everything that knows of threads, clocks and descriptors is here:
 *
 *   endpoint.c         who is inside; who is the loop
 *   endpoint_open.c    gcs_open
 *   endpoint_close.c   gcs_shutdown, gcs_close
 *   endpoint_options.c options and group settings: checked, or refused by name
 *   endpoint_loop.c    one round of the protocol's work; sleeping and waking
 *   endpoint_own.c     the round in the caller's loop: gcs_dispatch, gcs_expiry
 *   endpoint_thread.c  the protocol thread
 *   endpoint_item.c    memory for messages on their way to the loop
 *   endpoint_submit.c  messages from application threads to the loop
 *   endpoint_drain.c   ... and from there to the core
 *   endpoint_command.c calls that the loop carries out and answers
 *   endpoint_group.c   join, leave, the handle's life
 *   endpoint_events.c  events from the core to the ring
 *   endpoint_next.c    events from the ring to the application: gcs_next
 *   endpoint_view.c    views published for readers without locks
 *   endpoint_trace.c   GCS_TRACE
 *   endpoint_status*.c the status socket
 *   endpoint_fork.c    telling that this is the child after fork
 *
 * Who may touch what. "The loop" is whoever does the protocol's work: the
 * endpoint's thread, or with GCS_OWN_LOOP whoever holds busy. Fields say to
 * whom they belong; atomics are shared. The core, the transport and every
 * group's loop fields belong to the loop alone.
 */
#ifndef GCS_ENDPOINT_H
#define GCS_ENDPOINT_H

#include "gcs/detail.h"
#include "gcs/endpoint_queue.h"
#include "transport/transport.h"

#include <gcs/gcs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#define GCS_NS_PER_MS UINT64_C(1000000)
#define GCS_NS_PER_S  UINT64_C(1000000000)

/* ---- Submissions: what application threads hand to the loop ----------------------------- */

enum gcs_item_kind {
    GCS_ITEM_MESSAGE, /* multicast it */
    GCS_ITEM_SEND,    /* send it to one member */
    GCS_ITEM_NOTHING, /* room that was taken and not needed: give it back */
    GCS_ITEM_LEAVE,   /* leave once everything before it has been handed over */
    GCS_ITEM_LOOK,    /* whether there is room that somebody is to be told of */
    GCS_ITEM_FREE,    /* the application has let go of the group's handle */
    GCS_ITEM_COMMAND, /* a struct gcs_command: carry out and answer */
};

/* A message's bytes follow it, as aligned as malloc's; before them, if it is for one member, the
 * member's id. */
struct gcs_item {
    _Alignas(max_align_t) struct gcs_queue_node node; /* first: the queue's nodes are items */
    struct gcs_item *next;                            /* in a group's waiting list */
    struct gcs_group *group;
    enum gcs_item_kind kind;
    enum gcs_service service;
    size_t size;
    uint32_t block;   /* bytes of the items' ring; 0: allocated by itself */
    bool reserved;    /* written by the application itself, not copied */
    atomic_bool done; /* of the ring, and no longer in use */
};

/*
 * Where messages wait for the loop: blocks of a ring, each an item with its bytes, taken in order
 * under the mutex and used again in order once they are done with; so one that stays for long, as
 * room that is reserved and not committed, makes the ring useless until it goes. The loop takes no
 * lock, and nobody waits for one: what finds no place, or the ring busy, is allocated by itself.
 */
struct gcs_item_ring {
    pthread_mutex_t mutex;
    uint8_t *memory; /* NULL until the first message */
    size_t size;
    size_t first; /* offset of the oldest block */
    size_t used;  /* bytes from there on */
};

static inline size_t gcs_item_receiver_bytes(enum gcs_item_kind kind)
{
    return kind == GCS_ITEM_SEND ? sizeof(struct gcs_member_id) : 0;
}

/* What a caller waits for; lies on the caller's stack, answered exactly once. */
struct gcs_command {
    struct gcs_item item;
    int (*run)(struct gcs_endpoint *endpoint, struct gcs_command *command);
    const struct gcs_group_config *config; /* join */
    const struct gcs_member_id *member;    /* evict, state offer */
    const struct gcs_state_source *source; /* state offer */
    struct gcs_counters *counters;         /* counters */
    struct gcs_status_snapshot *snapshot;  /* status */
    uint64_t *until;                       /* primary */
    uint32_t *epoch;                       /* ordered */
    uint64_t *position;                    /* ordered */
    uint64_t patience;                     /* ns for which GCS_EAGAIN is not an answer yet */
    uint64_t deadline;                     /* the end of that */
    struct gcs_command *next;              /* in endpoint->pending */
    int result;                            /* under the endpoint's mutex, as done */
    bool done;
};

/* ---- Groups ----------------------------------------------------------------------------- */

enum gcs_handle_state {
    GCS_HANDLE_LEAVING = 1,   /* gcs_leave was called */
    GCS_HANDLE_LEFT = 2,      /* the core said so */
    GCS_HANDLE_NOPRIMARY = 4, /* cut off */
};

/* Why the head of a group's waiting list waits. */
enum gcs_block {
    GCS_BLOCK_NONE,
    GCS_BLOCK_FULL,      /* the core's queue is full: until GCS_EVENT_WRITABLE */
    GCS_BLOCK_NOPRIMARY, /* until GCS_EVENT_VIEW */
    GCS_BLOCK_MEMORY,    /* until a little later */
    GCS_BLOCK_SLICE,     /* until the next round */
};

struct gcs_snapshot;

struct gcs_group {
    struct gcs_endpoint *endpoint;
    char name[GCS_NAME_MAX + 1];
    uint32_t message_bytes;

    /* any thread */
    _Atomic(void *) user;
    _Atomic(struct gcs_snapshot *) snapshot; /* under RCU */
    atomic_uint state;                       /* enum gcs_handle_state */
    atomic_size_t used;                      /* bytes of messages that the core has not taken */
    atomic_uint waiters;                     /* threads that wait for room */
    atomic_bool want_writable;               /* somebody was told GCS_EAGAIN */
    struct gcs_item leave_item;              /* so that leaving and freeing cannot fail */
    struct gcs_item free_item;
    struct gcs_item look_item;
    atomic_bool look_queued;

    /* the loop */
    struct gcs_core_group *core;
    void *room;               /* reserved in the core by who is the loop; NULL: nothing */
    struct gcs_item *waiting; /* not taken by the core yet, in order */
    struct gcs_item **waiting_end;
    enum gcs_block block;
    bool core_full;        /* the core owes a GCS_EVENT_WRITABLE */
    uint8_t *slice_room;   /* of the core, for the large message that is first in waiting, ... */
    size_t sliced;         /* ... so much of which is there already */
    bool listed;           /* in endpoint->released */
    bool writable_due;     /* in endpoint->writable */
    bool snapshot_due;     /* there was no memory to publish the view */
    bool freed;            /* by the application */
    bool gone;             /* GCS_EVENT_LEFT was given back: the core has forgotten it */
    size_t released_bytes; /* taken by the core since released was last looked at */
    struct gcs_group *released_next;
    struct gcs_group *writable_next;
    struct gcs_group *next, **link; /* endpoint->groups */
};

/* ---- Events: what the loop hands to the application ------------------------------------- */

/*
 * A ring with one producer (the loop) and one consumer (gcs_next). A slot goes
 * from the loop to the consumer and back: it keeps the core's event until the
 * consumer has let go of it and the loop has given it back to the core. Slots are
 * consumed in order, so that one index says it all.
 */
struct gcs_feed {
    struct gcs_core_event *slots;
    uint32_t capacity; /* a power of two */

    /* the loop */
    uint32_t filled;   /* = produced */
    uint32_t returned; /* given back to the core up to here */
    char pad0[GCS_CACHE_LINE];

    _Atomic(uint32_t) produced;
    char pad1[GCS_CACHE_LINE];
    _Atomic(uint32_t) consumed;
    char pad2[GCS_CACHE_LINE];

    /* the consumer */
    uint32_t taken;
    uint32_t announced; /* consumed when the loop was last woken for it */

    atomic_bool raised; /* the descriptor is, or is about to be, readable */
};

/* At most so many messages come in one event; a packet with more comes in several. */
#define GCS_EVENT_MESSAGES 1024

/* The event that the application holds, and how far its messages have been handed out. */
struct gcs_held {
    struct gcs_core_event *event; /* NULL: none */
    size_t offset;                /* for gcs_core_event_message */
    uint64_t delivered;           /* messages handed out */
    struct gcs_message messages[GCS_EVENT_MESSAGES];
};

/* ---- The endpoint ----------------------------------------------------------------------- */

struct gcs_trace;
struct gcs_fork_mark;
struct gcs_status_server;

struct gcs_endpoint {
    /* fixed while it is open */
    const struct gcs_allocator *allocator;
    struct gcs_transport *transport;
    struct gcs_core *core;
    struct gcs_trace *trace;          /* NULL: off */
    struct gcs_status_server *status; /* NULL: none */
    struct gcs_fork_mark *fork_mark;
    bool own_loop;
    uint32_t submit_bytes;
    uint64_t assembly_bytes;
    int wake_fd;  /* eventfd: ends the loop's sleep */
    int ready_fd; /* gcs_fd: an eventfd, or with GCS_OWN_LOOP an epoll descriptor */
    int timer_fd; /* GCS_OWN_LOOP: inside ready_fd */
    char address[GCS_ADDRESS_TEXT_MAX];
    pthread_t thread;
    bool thread_started;

    /* any thread */
    _Atomic(const char *) stranger; /* NULL, or stranger_text */
    atomic_bool closing;
    atomic_uint inside;          /* calls under way */
    _Atomic(uintptr_t) consumer; /* the thread that last called gcs_next or gcs_dispatch */
    pthread_mutex_t mutex;       /* slow paths only: waiting for room, for an answer */
    pthread_cond_t changed;
    atomic_bool sleeping;            /* the loop may be asleep: wake it */
    _Atomic(uint64_t) wakes;         /* so often somebody has woken it, or is about to */
    atomic_bool busy;                /* somebody does the loop's work */
    _Atomic(uint64_t) crowded_until; /* the processors are wanted by others: do not yield */
    char items_pad[GCS_CACHE_LINE];  /* which producers write, and the queue's head the loop */
    struct gcs_item_ring items;
    char queue_pad[GCS_CACHE_LINE];
    struct gcs_queue queue;

    /* the loop */
    char pad[GCS_CACHE_LINE];
    char stranger_text[GCS_ADDRESS_TEXT_MAX + 120]; /* written once */
    uint64_t now;
    uint64_t wall_read; /* when the core was last told of the wall clock */
    uint64_t last_busy;
    uint64_t wakes_read;         /* so many of them were read from wake_fd */
    struct gcs_command *pending; /* carried out again and again until they have an answer */
    uint64_t queue_copied;       /* bytes of messages that went through the queue */
    uint64_t retry_at;           /* when to try again what failed for want of memory */
    uint64_t armed;              /* GCS_OWN_LOOP: when ready_fd becomes readable by itself */
    atomic_bool fd_used;         /* the application has asked for it */
    bool again;                  /* another round is due at once */
    bool slices;                 /* groups are blocked by GCS_BLOCK_SLICE */
    bool group_gone; /* the transport does not know yet that its members are no peers any more */
    uint64_t views_told; /* views installed when the transport was last told its peers */
    struct gcs_group *groups;
    struct gcs_group *released; /* groups with released_bytes */
    struct gcs_group *writable; /* groups that owe the application a GCS_EVENT_WRITABLE */
    struct gcs_group **writable_end;
    struct gcs_snapshot *retired; /* replaced views that a reader may still be looking at */
    uint32_t retired_count;

    struct gcs_feed feed;             /* without GCS_OWN_LOOP */
    struct gcs_core_event next_event; /* GCS_OWN_LOOP: taken from the core, not yet by gcs_next */
    bool next_there;

    /* the consumer */
    struct gcs_core_event held_event; /* GCS_OWN_LOOP: what held.event points to */
    struct gcs_held held;
};

/* ---- api_error.c ------------------------------------------------------------------------ */

/* As gcs_fail for a failed system call: GCS_ESYSTEM, or GCS_ENOMEM for ENOMEM. */
int gcs_fail_system(const char *what, int error);

/* ---- api_names.c ------------------------------------------------------------------------ */

/* 0, or GCS_ENAME with a sentence. */
int gcs_name_check(const char *name);

/* "fifo", "agreed", ...; "" if there is no such service. */
const char *gcs_service_name(uint8_t service);

/* ---- endpoint.c ------------------------------------------------------------------------- */

/* gcs_open with an allocator of the caller's, which outlives the endpoint; thread-safe. */
int gcs_endpoint_open(const char *url, const struct gcs_endpoint_options *options,
                      const struct gcs_allocator *allocator, struct gcs_endpoint **out);

/* Frees everything, whatever has been opened of it. Nobody is inside any more. */
void gcs_endpoint_destroy(struct gcs_endpoint *endpoint);

/* Begins a call: GCS_ECLOSED, GCS_EFORKED, or 0 and gcs_endpoint_leave must follow. */
int gcs_endpoint_enter(struct gcs_endpoint *endpoint);
void gcs_endpoint_leave(struct gcs_endpoint *endpoint);

/* With GCS_OWN_LOOP: makes this thread the loop until unlock. GCS_ECLOSED. */
int gcs_endpoint_lock(struct gcs_endpoint *endpoint);
void gcs_endpoint_unlock(struct gcs_endpoint *endpoint);

/* The loop: what the core and the transport have counted. */
void gcs_endpoint_count(const struct gcs_endpoint *endpoint, struct gcs_counters *counters);

/* Is this the thread that takes the events, or will anybody do because none has yet? */
bool gcs_endpoint_is_consumer(const struct gcs_endpoint *endpoint, bool or_nobody);
void gcs_endpoint_set_consumer(struct gcs_endpoint *endpoint);

/* ---- endpoint_options.c ----------------------------------------------------------------- */

/* The caller's options, of whatever version, over the defaults; GCS_EOPTION with a sentence. */
int gcs_options_read(const struct gcs_endpoint_options *from, struct gcs_endpoint_options *to);
int gcs_group_config_read(const struct gcs_group_config *from, struct gcs_group_config *to);

/* ---- endpoint_loop.c -------------------------------------------------------------------- */

/*
 * The protocol's clock. CLOCK_BOOTTIME, because it goes on while the machine is
 * suspended, as the other members do: whoever wakes up must notice that time has
 * passed before it believes anything about them.
 */
uint64_t gcs_clock_now(void);

/* The clock of callers' timeouts: the one that pthread_cond_timedwait and ppoll know. */
uint64_t gcs_clock_wait(void);

/* The end of a timeout on gcs_clock_wait; GCS_NEVER for a negative one. */
uint64_t gcs_clock_deadline(int timeout_ms);

/* Nanoseconds left until a deadline, 0 if it has passed. */
uint64_t gcs_clock_left(uint64_t deadline, uint64_t now);

/* The loop: brings endpoint->now up to date. */
void gcs_loop_read_clock(struct gcs_endpoint *endpoint);

/* One round. True if there was anything to do. */
bool gcs_loop_round(struct gcs_endpoint *endpoint);

/* The last words: called when nobody else is inside. */
void gcs_loop_goodbye(struct gcs_endpoint *endpoint);

/* The loop: something could not be done for want of memory; try again a little later. */
void gcs_loop_starved(struct gcs_endpoint *endpoint);

/* When the next round is due although nothing comes in; on gcs_clock_now. */
uint64_t gcs_loop_deadline(const struct gcs_endpoint *endpoint);

/* After a round without work: yields while that is promising, then sleeps until something comes
 * in, the next round is due, or at most ns nanoseconds. */
void gcs_loop_idle(struct gcs_endpoint *endpoint, uint64_t ns);

/* Any thread: ends the loop's sleep, if it sleeps. What the loop shall find was stored before,
 * and that store was sequentially consistent or followed by a full barrier. */
void gcs_loop_wake(struct gcs_endpoint *endpoint);

/* The loop: takes notice of having been woken. */
void gcs_loop_clear_wake(struct gcs_endpoint *endpoint);

/* ---- endpoint_own.c --------------------------------------------------------------------- */

/* Makes ready_fd readable by the time that the next round is due: only earlier than it is, or,
 * if relax, also later. */
void gcs_own_arm(struct gcs_endpoint *endpoint, bool relax);

/* There is something to do that no descriptor tells of: brings the clock up to date and makes
 * ready_fd readable, once until the next round. */
void gcs_own_raise(struct gcs_endpoint *endpoint);
/* The application has asked for gcs_fd. */
void gcs_own_use_fd(struct gcs_endpoint *endpoint);

/* Before and after rounds in the caller's thread. */
void gcs_own_begin(struct gcs_endpoint *endpoint);
void gcs_own_end(struct gcs_endpoint *endpoint);

/* ---- endpoint_thread.c --------------------------------------------------------------- */

/* GCS_ESYSTEM. */
int gcs_thread_start(struct gcs_endpoint *endpoint);
/* Ends the thread; closing is set before. */
void gcs_thread_stop(struct gcs_endpoint *endpoint);

/* ---- endpoint_item.c ------------------------------------------------------------------ */

void gcs_items_init(struct gcs_endpoint *endpoint);
/* Nobody is inside; in the child after fork only what the parent has allocated is freed. */
void gcs_items_fini(struct gcs_endpoint *endpoint, bool forked);

/* Any thread: a message of so many bytes, the receiver's included; of the ring only if it is not
 * going to wait. NULL: out of memory. */
struct gcs_item *gcs_item_new(struct gcs_endpoint *endpoint, size_t size, bool waits);
/* Any thread. */
void gcs_item_free(struct gcs_endpoint *endpoint, struct gcs_item *item);

/* ---- endpoint_submit.c --------------------------------------------------------------- */

/* The loop: takes what application threads have handed in. True if there was anything. */
bool gcs_submit_drain(struct gcs_endpoint *endpoint);

/* The loop: tries the group's waiting list again, and tells who waits for room. */
void gcs_submit_retry(struct gcs_endpoint *endpoint, struct gcs_group *group);
/* A slice more of each large message. */
void gcs_submit_slices(struct gcs_endpoint *endpoint);

/* The loop: the membership has ended; what waits is dropped, and who waits is told. */
void gcs_submit_drop(struct gcs_endpoint *endpoint, struct gcs_group *group);

/* Whoever waits for anything shall look again. */
void gcs_submit_notify(struct gcs_endpoint *endpoint);

/* Frees what waits; for a group that nobody can use any more. */
void gcs_submit_discard(struct gcs_endpoint *endpoint, struct gcs_group *group);

/* Closing: frees everything that is in the queue; commands are answered with GCS_ECLOSED (but not
 * in the child after fork, which does not have their callers). */
void gcs_submit_clear(struct gcs_endpoint *endpoint, bool answer);

/* ---- endpoint_command.c -------------------------------------------------------------- */

/* Has the loop run the command, and waits for the answer. */
int gcs_command_call(struct gcs_endpoint *endpoint, struct gcs_command *command);

/* The loop: carries a command out and answers it. */
void gcs_command_run(struct gcs_endpoint *endpoint, struct gcs_command *command);
void gcs_command_answer(struct gcs_endpoint *endpoint, struct gcs_command *command, int result);

/* The loop: looks whether those that wait have an answer now. */
void gcs_command_retry(struct gcs_endpoint *endpoint);
/* When the first of them has waited long enough. */
uint64_t gcs_command_deadline(const struct gcs_endpoint *endpoint);
/* Closing: all of them get GCS_ECLOSED. */
void gcs_command_refuse(struct gcs_endpoint *endpoint);

/* ---- endpoint_group.c ---------------------------------------------------------------- */

/* The loop: the application has freed the handle / the core has forgotten the group. */
void gcs_handle_set_freed(struct gcs_group *group);
void gcs_handle_set_gone(struct gcs_group *group);

/* Closing: frees the group whatever its state. */
void gcs_handle_destroy(struct gcs_group *group);

/* ---- endpoint_events.c --------------------------------------------------------------- */

/* GCS_ENOMEM. */
int gcs_feed_init(struct gcs_feed *feed, const struct gcs_allocator *allocator, uint32_t events);
void gcs_feed_fini(struct gcs_feed *feed, const struct gcs_allocator *allocator);

/* The loop: the next event for the application, from the groups' states and from the core. */
bool gcs_feed_take(struct gcs_endpoint *endpoint, struct gcs_core_event *event);

/* The loop: the application is done with an event. */
void gcs_feed_give_back(struct gcs_endpoint *endpoint, const struct gcs_core_event *event);

/* The loop: what the consumer is done with, back to the core; new events to the consumer. True if
 * there were any. */
bool gcs_feed_return(struct gcs_endpoint *endpoint);
bool gcs_feed_move(struct gcs_endpoint *endpoint);

/* The loop: puts the group on the list of those that owe a GCS_EVENT_WRITABLE. */
void gcs_feed_owe_writable(struct gcs_endpoint *endpoint, struct gcs_group *group);

/* Makes the consumer look. */
void gcs_feed_raise(struct gcs_endpoint *endpoint);

/* ---- endpoint_view.c ----------------------------------------------------------------- */

/* The loop: makes the view what gcs_view_acquire returns; NULL: none. */
void gcs_view_publish(struct gcs_group *group, const struct gcs_view *view);

/* The loop: frees replaced views that no reader is looking at. May wait for readers (who are in
 * there for a few instructions), so it is called before sleeping. */
void gcs_view_reclaim(struct gcs_endpoint *endpoint);

/* The group goes: its view is withdrawn. */
void gcs_view_withdraw(struct gcs_group *group);

/* Closing: waits for readers that may still be looking at a group. */
void gcs_view_wait_for_readers(void);

/* Frees replaced views when nobody can be reading: after waiting, or in the child after fork. */
void gcs_view_free_retired(struct gcs_endpoint *endpoint);

/* ---- endpoint_trace.c ---------------------------------------------------------------- */

/* Opens what GCS_TRACE names; *out stays as it is if it names nothing. GCS_ESYSTEM, GCS_ENOMEM. */
int gcs_trace_open(const struct gcs_allocator *allocator, struct gcs_trace **out);
void gcs_trace_close(struct gcs_trace *trace);

/* For struct gcs_core_config. */
void gcs_trace_write(void *ctx, const struct gcs_trace_event *event);

/* The group was asked to leave. */
void gcs_trace_leaving(struct gcs_trace *trace, uint64_t now, const struct gcs_group *group,
                       const struct gcs_view *view);

/* ---- endpoint_status.c --------------------------------------------------------------- */

/* Makes the socket; nobody serves it yet. On error what there is goes with the endpoint.
 * GCS_ESYSTEM, GCS_ENOMEM. */
int gcs_status_open(struct gcs_endpoint *endpoint, const char *path, uint32_t mode);
/* Serves it, if there is one; the loop runs already. GCS_ESYSTEM. */
int gcs_status_start(struct gcs_endpoint *endpoint);
/* Nobody is served any more; the loop still runs. */
void gcs_status_stop(struct gcs_endpoint *endpoint);
/* Frees it; in the child after fork without taking the parent's path away. */
void gcs_status_close(struct gcs_endpoint *endpoint, bool forked);

/* ---- endpoint_fork.c ----------------------------------------------------------------- */

/* GCS_ENOMEM. */
int gcs_fork_mark_new(const struct gcs_allocator *allocator, struct gcs_fork_mark **out);
void gcs_fork_mark_free(struct gcs_fork_mark *mark);

/* Is this a child of the process that made the mark? */
bool gcs_fork_mark_child(const struct gcs_fork_mark *mark);

#endif
