/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libgcs: process groups. Processes join a named group, multicast to it, and
 * every member that stays delivers the same messages in the same order between
 * the same view changes. gcs(7) is the tutorial.
 *
 *     struct gcs_endpoint *endpoint;
 *     struct gcs_group *group;
 *     struct gcs_event event;
 *
 *     gcs_open("udp://127.0.0.1:7400-7431", NULL, &endpoint);
 *     gcs_join(endpoint, "greetings", NULL, &group);
 *     while (gcs_next(endpoint, &event, GCS_FOREVER) == 1)
 *         ...
 *
 * Calls on an endpoint and its groups may be made from any thread at any time,
 * with two exceptions: gcs_next and gcs_dispatch belong to one thread at a time,
 * and nothing may be called after gcs_close has returned (gcs_shutdown ends threads that would).
 * Application threads
 * need no registration. After fork() the child may only call gcs_close.
 *
 * Calls return 0 or a count, or a negative enum gcs_error; gcs_detail() then has
 * a sentence that names the bad value.
 */
#ifndef GCS_GCS_H
#define GCS_GCS_H

#include <gcs/core.h>
#include <gcs/error.h>
#include <gcs/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gcs_endpoint;
struct gcs_group;

/* Timeouts are in milliseconds; 0 does not wait. */
#define GCS_FOREVER (-1)

/* ---- Endpoints -------------------------------------------------------------------------- */

enum gcs_endpoint_flag {
    /* No protocol thread: the caller's loop calls gcs_dispatch (see gcs_fd). */
    GCS_OWN_LOOP = 1,
};

struct gcs_endpoint_options {
    size_t size;             /* sizeof(struct gcs_endpoint_options) */
    uint32_t flags;          /* enum gcs_endpoint_flag */
    const char *cluster;     /* endpoints of other clusters are strangers; default "" */
    uint32_t heartbeat_ms;   /* default 50; grows to suspect_ms / 3 while there is no traffic */
    uint32_t suspect_ms;     /* shortest silence that is suspicious; default 500 */
    uint32_t submit_bytes;   /* messages of one group on their way from application threads:
                                beyond, calls wait or get GCS_EAGAIN; default 4 MiB */
    uint32_t events;         /* events on their way to the application; default 1024 */
    uint32_t suspect_max_ms; /* silence that is suspicious in any case; 0, the default: twice
                                suspect_ms */
    uint32_t probes;         /* others who are asked about one that is silent; default 3 */
    const char *status;      /* path of a Unix socket that tells what goes on (gcs status);
                                default NULL: none. Starts a second thread, which serves it */
    uint32_t status_mode;    /* its permissions; default 0600 */
    const char *label;       /* where this endpoint is: "site/rack/host", "site/rack" or "site", at
                                most GCS_LABEL_MAX bytes. Large groups repair losses nearby by it;
                                default "": not said */
    uint32_t heartbeat_max_ms; /* heartbeats become as rare as this while there is no traffic, from
                                  heartbeat_ms to suspect_ms / 3; 0, the default: that */
    uint64_t assembly_bytes; /* memory for long messages that are coming in, or that the application
                                has: beyond, their senders wait; no less than a group's
                                message_bytes; default 1 GiB */
};

/* Sets every option to its default, and size. */
void gcs_endpoint_options_init(struct gcs_endpoint_options *options);

/*
 * Opens an endpoint on the transport and address that the URL names (gcs_udp(7)).
 * options may be NULL: the defaults. GCS_EINVAL (endpoint is NULL), GCS_EADDRESS, GCS_ETRANSPORT,
 * GCS_EOPTION, GCS_ENOMEM, GCS_ESYSTEM.
 */
int gcs_open(const char *url, const struct gcs_endpoint_options *options,
             struct gcs_endpoint **endpoint);

/*
 * Ends the endpoint's work, but frees nothing yet: its memberships end as by a crash (leave first
 * for a graceful end), and every call, begun or to come, returns GCS_ECLOSED. For threads that
 * call in a loop: shut down, join them, close. Returns when the last call that was begun has. Once
 * is enough, and more does nothing; from one thread at a time; not from a callback. NULL is
 * allowed.
 */
void gcs_shutdown(struct gcs_endpoint *endpoint);

/*
 * Shuts the endpoint down if that has not been done, and frees everything that belongs to it, its
 * groups too. No thread may begin a call once it has returned: threads that might are ended after
 * gcs_shutdown. NULL is allowed.
 */
void gcs_close(struct gcs_endpoint *endpoint);

/*
 * A descriptor that stays the same for life and is readable when gcs_next has an event or, with
 * GCS_OWN_LOOP, when gcs_dispatch has work. Do not read it. */
int gcs_fd(const struct gcs_endpoint *endpoint);

/* With GCS_OWN_LOOP: does the protocol's work without waiting. 0, or 1 if events are there for
 * gcs_next. GCS_EINVAL without GCS_OWN_LOOP; GCS_ECLOSED; GCS_EFORKED. */
int gcs_dispatch(struct gcs_endpoint *endpoint);

/* With GCS_OWN_LOOP: milliseconds until gcs_dispatch must be called although gcs_fd is not
 * readable; GCS_FOREVER: never. Fits poll(2). */
int gcs_expiry(const struct gcs_endpoint *endpoint);

/* Address that others reach the endpoint at, as text; valid until gcs_close. */
const char *gcs_endpoint_address(const struct gcs_endpoint *endpoint);

/* A sentence about what the URL asked for and the transport could not do, and what it does instead
 * (IP multicast that does not work here, say), or about a process that speaks another version of
 * the protocol and was refused; "" if there is nothing to say. Valid until gcs_close. Thread-safe.
 */
const char *gcs_endpoint_note(const struct gcs_endpoint *endpoint);

/* ---- Groups ----------------------------------------------------------------------------- */

/* gcs_group_config (gcs/core.h) holds the options; seeds default to those of the URL. */

/*
 * Starts to join a group and returns at once; GCS_EVENT_VIEW says that it is done,
 * GCS_EVENT_LEFT with an error that it failed. config may be NULL: GCS_LOOK and defaults.
 * GCS_EINVAL (endpoint or group is NULL), GCS_ENAME, GCS_EOPTION, GCS_EALREADY, GCS_ENOMEM,
 * GCS_ECLOSED, GCS_EFORKED. With GCS_EVENT_LEFT: GCS_EREFUSED, GCS_ENOTMEMBER, GCS_ELINEAGE,
 * GCS_EEVICTED, GCS_ESTATE, GCS_ENOMEM.
 */
int gcs_join(struct gcs_endpoint *endpoint, const char *name, const struct gcs_group_config *config,
             struct gcs_group **group);

/*
 * Starts to leave: what was multicast before is delivered first. A member that is cut off from the
 * primary waits for it, but no longer than twenty times the suspicion timeout (then the event has
 * the error GCS_ENOPRIMARY); one that never had a view waits for nobody. GCS_EVENT_LEFT says that
 * it is done; after that event the group may only be passed to gcs_group_free. GCS_EINVAL (group is
 * NULL), GCS_EALREADY, GCS_ECLOSED, GCS_EFORKED.
 */
int gcs_leave(struct gcs_group *group);

/*
 * Has a member evicted from the group by a change of view, whether it lives or not; for
 * administrators. Returns at once; the view without it is a GCS_EVENT_VIEW. It leaves with
 * GCS_REASON_EVICTED, and gets GCS_EVENT_LEFT with GCS_EEVICTED. Thread-safe.
 * GCS_ENOTMEMBER (it, or this endpoint, is not in the current view), GCS_EINVAL (it is this member:
 * leave instead), GCS_EALREADY, GCS_ELIMIT (16 at a time), GCS_ECLOSED, GCS_EFORKED.
 */
int gcs_evict(struct gcs_group *group, const struct gcs_member_id *member);

/* Frees the handle of a group after GCS_EVENT_LEFT (gcs_close frees all of them). */
void gcs_group_free(struct gcs_group *group);

/* A pointer of the application's own, NULL at first. Atomic. */
void gcs_group_set_user(struct gcs_group *group, void *user);
void *gcs_group_user(const struct gcs_group *group);

const char *gcs_group_name(const struct gcs_group *group);

/*
 * Multicasts a message to the group; data is copied before the call returns. If there is no room
 * waits up to timeout_ms. Thread-safe; messages of one thread keep their order. Before the first
 * view and during a view change messages wait and go out in the next view; so does a message that
 * was accepted just before the primary was lost.
 * GCS_EAGAIN (timeout 0, or called by the thread that must make the room and so never waits: the
 * one that calls gcs_next or gcs_dispatch; one GCS_EVENT_WRITABLE follows); GCS_ETIMEDOUT;
 * GCS_EMSGSIZE; GCS_EINVAL; GCS_ENOPRIMARY; GCS_ENOTMEMBER; GCS_ENOMEM; GCS_ECLOSED; GCS_EFORKED.
 * On error nothing was sent.
 */
int gcs_multicast(struct gcs_group *group, enum gcs_service service, const void *data, size_t size,
                  int timeout_ms);

/*
 * Room for a message of at most size bytes, to be written at *data by the caller until gcs_commit,
 * from any thread. In the caller's own loop it is in the packet that will be sent: one at a time,
 * until the membership ends. Waits as gcs_multicast does. Errors as gcs_multicast; GCS_EALREADY
 * (the room in the packet is reserved).
 */
int gcs_reserve(struct gcs_group *group, enum gcs_service service, size_t size, void **data,
                int timeout_ms);

/*
 * Multicasts the first size bytes of what was reserved, or gives the room back if size is
 * GCS_NOTHING. To be called for every room before gcs_group_free and gcs_close. GCS_EINVAL (nothing
 * is reserved there, or less); GCS_ENOTMEMBER, GCS_ENOPRIMARY (the membership has ended);
 * GCS_ENOMEM (the room is still there); GCS_ECLOSED, GCS_EFORKED.
 */
int gcs_commit(struct gcs_group *group, void *data, size_t size);

/*
 * Sends a message to one member of the current view alone, which gets GCS_EVENT_PRIVATE; to
 * oneself is allowed. Messages to one member arrive in order, once each, as long as both are
 * members; they stand outside of every multicast order. Everything else, errors too, as
 * gcs_multicast; GCS_ENOTMEMBER also if to is not in the current view.
 */
int gcs_send(struct gcs_group *group, const struct gcs_member_id *to, const void *data, size_t size,
             int timeout_ms);

/*
 * Answers GCS_EVENT_STATE_WANTED: gives its sender, a new member, the application's state as it was
 * when that event was taken; source NULL: there is none to give, and the joining fails. Afterwards
 * the application goes on; the state is read by the endpoint's thread (gcs_state_source in
 * gcs/core.h), which must not call back, and released when it is not needed any more. The new
 * member gets it as GCS_EVENT_STATE, piece by piece, and GCS_EVENT_STATE_END; everything that was
 * delivered after GCS_EVENT_STATE_WANTED follows. If a piece has offset 0 what came before it is
 * void. GCS_EVENT_STATE_END at the giving member says how it ended: 0, GCS_ESTATE (read failed or
 * gave another length than total), GCS_ENOTMEMBER (the new member is gone).
 * GCS_ENOTMEMBER (it waits no more), GCS_EALREADY, GCS_EINVAL, GCS_ECLOSED, GCS_EFORKED; on error
 * source remains the caller's.
 */
int gcs_state_offer(struct gcs_group *group, const struct gcs_member_id *joiner,
                    const struct gcs_state_source *source);

/* The same for a file: its bytes from 0 to its end. The descriptor becomes the endpoint's, which
 * closes it; on error it remains the caller's. Errors as gcs_state_offer; GCS_ESYSTEM (it is no
 * regular file, or cannot be read); GCS_ENOMEM. */
int gcs_state_offer_fd(struct gcs_group *group, const struct gcs_member_id *joiner, int fd);

/*
 * The current view, NULL before the first and after GCS_EVENT_LEFT. A snapshot that stays valid
 * until gcs_view_release, whatever the group does, also after gcs_close. Wait-free but for a
 * thread's first call; safe in any thread.
 */
const struct gcs_view *gcs_view_acquire(const struct gcs_group *group);
void gcs_view_release(const struct gcs_view *view);

/*
 * Is this member in the primary now, for sure? The current view cannot tell: it may be over, and
 * the news on its way. 0: yes, and until the clock CLOCK_BOOTTIME shows *until (in ns; NULL: not of
 * interest) no other primary, without this member, claims to be one. Asks the other members unless
 * they have been asked shortly before, and waits up to timeout_ms for a quorum of them; with
 * GCS_OWN_LOOP, or a timeout of 0, it does not wait: GCS_EAGAIN, call it again later. After a
 * change of view that somebody did not come along into this takes some 64 ms. Relies on clocks
 * whose rates differ by less than one part in 16.
 * GCS_ENOPRIMARY; GCS_ENOTMEMBER; GCS_ETIMEDOUT; GCS_EAGAIN; GCS_EINVAL; GCS_ECLOSED; GCS_EFORKED.
 */
int gcs_primary(struct gcs_group *group, uint64_t *until, int timeout_ms);

/*
 * What this member knows of the total order of its current view, for reads that must not be stale
 * (gcs_ordered(3)): nothing that it has acknowledged lies behind *position, and at the sequencer
 * (of GCS_ORDER_SEQUENCER: rank 0, unless the role rotates) nothing at all. Whoever asks a quorum
 * of the members of one *epoch, takes the highest of their positions, and waits for an event with
 * that position or for a later view, has delivered everything that anybody had delivered as
 * GCS_SAFE before the asking began. GCS_EAGAIN: no view yet, or the view is ending: ask again after
 * the next one; GCS_ENOTMEMBER; GCS_EINVAL; GCS_ECLOSED; GCS_EFORKED.
 */
int gcs_ordered(struct gcs_group *group, uint32_t *epoch, uint64_t *position);

/* Text of a view's id, "<epoch>.<proposer>", the same at every member. */
#define GCS_VIEW_ID_TEXT_MAX 32
void gcs_view_id_format(const struct gcs_view *view, char *text, size_t size);

/* Text of a member, "127.0.0.1:7400#<incarnation>". */
#define GCS_MEMBER_TEXT_MAX 112
void gcs_member_format(const struct gcs_member_id *member, char *text, size_t size);

/* ---- Events ----------------------------------------------------------------------------- */

struct gcs_event {
    enum gcs_event_type type;
    struct gcs_group *group;
    int error; /* left: why; 0: as asked for. State end: see gcs_state_offer. */

    /* GCS_EVENT_VIEW */
    const struct gcs_view_change *change;

    /* GCS_EVENT_DELIVER, GCS_EVENT_PRIVATE: messages of one sender, in order */
    const struct gcs_member_id *sender;
    enum gcs_service service;
    uint64_t number; /* of messages[0]: the sender's n-th message in this group (private: to this
                        member), from 1. GCS_EVENT_STABLE: sender's message that is safe now */
    const struct gcs_message *messages;
    size_t count;

    /* GCS_EVENT_STATE: messages[0] is a piece of the state at offset; of total bytes, if known, or
     * 0. GCS_EVENT_STATE_WANTED: sender is to be given the state. */
    uint64_t offset, total;

    /* GCS_EVENT_DELIVER of agreed and safe messages, the same at every member, for replicas that
     * must not look at a clock or draw a random number of their own; 0 otherwise. time: the
     * group's, in nanoseconds since 1970 as far as the coordinator's wall clock is right. It never
     * goes back, from view to view and for new members neither, and several deliveries may have the
     * same. seed: see gcs_event_seed. */
    uint64_t time, seed;

    /* GCS_EVENT_DELIVER of agreed and safe messages: everything up to this position in the total
     * order of the view is delivered with this event; 0: its place was found only as the view
     * ended. See gcs_ordered. */
    uint64_t position;

    /* GCS_EVENT_SLOW: sender's application has taken nothing for so many milliseconds. */
    uint64_t waited_ms;
};

/* A random number for the i-th message of an agreed or safe delivery: the same at every member,
 * another one for each message. Not a secret. */
static inline uint64_t gcs_event_seed(const struct gcs_event *event, size_t i)
{
    uint64_t z = event->seed + (uint64_t)i * GCS_SEED_STEP;
    z = (z ^ (z >> 32)) * UINT64_C(0xdaba0b6eb09322e3);
    z = (z ^ (z >> 32)) * UINT64_C(0xdaba0b6eb09322e3);
    return z ^ (z >> 32);
}

/*
 * Takes the next event of the endpoint's groups; all pointers in it are valid until the next call
 * of gcs_next. Waits up to timeout_ms; with GCS_OWN_LOOP it does the protocol's work itself while
 * it waits. 1: an event; 0: none came in time. GCS_EINVAL, GCS_ECLOSED, GCS_EFORKED.
 */
int gcs_next(struct gcs_endpoint *endpoint, struct gcs_event *event, int timeout_ms);

/* ---- The rest --------------------------------------------------------------------------- */

/* The sentence for the last error that a call of this thread returned; "" at first. */
const char *gcs_detail(void);

/* The library's version, "0.1.0". */
const char *gcs_version(void);

/* X-macro tables name the fields: GCS_COUNTER_TABLE in gcs/core.h. A consistent snapshot.
 * GCS_EINVAL (an argument is NULL), GCS_ECLOSED, GCS_EFORKED. */
int gcs_counters_get(const struct gcs_endpoint *endpoint, struct gcs_counters *counters);

#ifdef __cplusplus
}
#endif

#endif
