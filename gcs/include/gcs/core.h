/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sans-I/O core: the protocol of libgcs as a pure state machine.
 *
 * A core is one endpoint's protocol state: its peers and its groups. It never
 * reads a clock, opens a socket, starts a thread or draws a random number: its
 * caller passes time (nanoseconds of a monotonic clock), received packets and
 * a seed, and takes packets and events out. The same inputs give the same
 * outputs, byte for byte.
 *
 * One round of a caller's loop:
 *
 *     gcs_core_receive(core, now, ...);     for every packet that has arrived
 *     gcs_core_multicast(...);              for everything to send
 *     gcs_core_advance(core, now);          timers, order, acknowledgements
 *     gcs_core_packets(core, &n);           transmit these ...
 *     gcs_core_packets_sent(core);          ... and give them back
 *     gcs_core_next_event(core, &event);    until it returns false
 *     wait until gcs_core_deadline(core) or the next packet
 *
 * A core and everything that came out of it belong to one thread at a time.
 */
#ifndef GCS_CORE_H
#define GCS_CORE_H

#include <gcs/error.h>
#include <gcs/status.h>
#include <gcs/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gcs_core;
struct gcs_core_group;

/* Memory comes from here; allocate returns NULL when there is none. */
struct gcs_allocator {
    void *ctx;
    void *(*allocate)(void *ctx, size_t size);
    void (*release)(void *ctx, void *memory); /* memory may be NULL */
};

/*
 * Bytes that several holders share. Whoever keeps a pointer counts itself in
 * refs (plain, not atomic: a buffer stays on its core's thread); the last one
 * out calls destroy. See gcs_buffer_ref and gcs_buffer_unref.
 */
struct gcs_buffer {
    uint8_t *data;
    uint32_t size; /* capacity in bytes */
    uint32_t refs;
    void (*destroy)(struct gcs_buffer *buffer);
    void *owner; /* for destroy */
};

static inline struct gcs_buffer *gcs_buffer_ref(struct gcs_buffer *buffer)
{
    buffer->refs++;
    return buffer;
}

static inline void gcs_buffer_unref(struct gcs_buffer *buffer)
{
    if (buffer && --buffer->refs == 0)
        buffer->destroy(buffer);
}

/* ---- What happened, for tests and GCS_TRACE --------------------------------------------- */

enum gcs_trace_type {
    GCS_TRACE_SEND,    /* a message was numbered, right before its last packet leaves */
    GCS_TRACE_DELIVER, /* a message was delivered; from then on this cannot be undone */
    GCS_TRACE_VIEW,
    GCS_TRACE_BLOCKED, /* nothing can be sent or delivered until the next view */
    GCS_TRACE_LEAVE,   /* the membership has ended */
    GCS_TRACE_STABLE,  /* a delivered message, and all before it in total order, are safe now */
};

struct gcs_trace_event {
    enum gcs_trace_type type;
    uint64_t now;
    const char *group;
    const struct gcs_member_id *self;
    uint64_t lineage;
    uint64_t proposer; /* with epoch: the view */
    uint32_t epoch;
    const struct gcs_member_id *sender; /* send, deliver, stable */
    uint64_t number;                    /* the same: the sender's n-th message, from 1 */
    enum gcs_service service;           /* send, deliver */
    struct gcs_message message;         /* send, deliver */
    uint64_t time, seed; /* deliver, agreed or safe: see struct gcs_event; the seed is
                            that of the packet's first message */
    const struct gcs_view_change *change; /* view */
};

/* ---- Configuration ---------------------------------------------------------------------- */

struct gcs_core_config {
    size_t size;                           /* sizeof(struct gcs_core_config) */
    const struct gcs_allocator *allocator; /* outlives the core */
    uint64_t seed;                         /* for back-offs and identities: never the same twice */
    uint64_t cluster;                      /* packets of other clusters are foreign */
    struct gcs_address address;            /* where others reach this endpoint */
    uint32_t packet_bytes;                 /* largest packet that the path to every peer carries */
    uint32_t receive_bytes;                /* what the transport buffers before it loses packets */
    bool multicast;          /* the network carries one packet to a whole group: nobody is told
                                then that a receiver is gone, so heartbeats go on beside */
    uint64_t heartbeat_ns;   /* longest silence towards a peer while there is traffic; grows to
                                heartbeat_max_ns while there is none, and with more than 16
                                peers; default 50 ms */
    uint64_t suspect_ns;     /* shortest silence that is suspicious; default 500 ms */
    uint64_t suspect_max_ns; /* silence that is so in any case; 0, the default: twice that */
    uint32_t probes;         /* others who are asked about a silent peer; default 3 */
    void *trace_ctx;
    void (*trace)(void *ctx, const struct gcs_trace_event *event); /* may be NULL */
    bool reliable;                 /* the network loses no packets between living peers, nor changes
                                      their order, unless gcs_core_unreachable tells: what is missing
                                      is on its way, and not asked for */
    char label[GCS_LABEL_MAX + 1]; /* where this member is, "site/rack/host"; "", the default: not
                                      said. Labels make views a tree of regions by place */
    uint64_t heartbeat_max_ns;     /* longest silence towards a peer while there is no traffic, from
                                      heartbeat_ns to a third of suspect_ns; 0, the default: that */
    uint64_t assembly_bytes;       /* for long messages that are coming in, or that the application
                                      has; beyond, their senders wait, but for one multicast and one
                                      private message of each group; default 1 GiB */
};

/* How agreed and safe messages get their order: gcs_ordering(7). */
enum gcs_order {
    GCS_ORDER_SEQUENCER = 1, /* one member gives the places */
    GCS_ORDER_LAMPORT = 2,   /* all alike, by clocks; for small groups */
};

/* By whom a safe message is held when it is delivered. */
enum gcs_safe_quorum {
    GCS_SAFE_MAJORITY = 1, /* by a quorum of the view */
    GCS_SAFE_ALL = 2,      /* by all voters of the view: one that is silent holds all back */
};

/* How a member finds or founds its group. */
enum gcs_bootstrap {
    GCS_JOIN = 1,   /* join an existing group, never found one */
    GCS_CREATE = 2, /* be the first member */
    GCS_LOOK = 3,   /* development only: look around, then found: two halves may both do so */
    GCS_EXPECT = 4, /* first starts only: found with a majority of `expect` processes */
};

struct gcs_group_config {
    size_t size; /* sizeof(struct gcs_group_config) */
    enum gcs_bootstrap bootstrap;
    enum gcs_order order;    /* must be the same at all members */
    uint32_t window_packets; /* unreleased packets per sender; same at all; a power of two */
    uint32_t window_bytes;   /* unreleased bytes per sender */
    uint32_t queue_bytes;    /* multicast but not yet sent; beyond: GCS_EAGAIN */
    uint32_t message_bytes;  /* longest message; same at all members */
    uint8_t weight;          /* own votes in quorums, at most GCS_WEIGHT_MAX; 0: an observer;
                                default 1 */
    bool tie_breaker;        /* of an even split the half with the senior voter goes on; same
                                at all members; default false */
    bool state;              /* the group has a state, which new members are given before anything
                                else, and before they have a vote; same at all members; default
                                false */
    uint32_t state_queue_bytes; /* delivered to a new member while it gets the state; beyond: the
                                  transfer begins anew; default 16 MiB */
    bool rejoin;                /* after an exclusion come back as a new member, without
                                   GCS_EVENT_LEFT; default true */
    uint64_t look_ns;           /* how long GCS_LOOK looks around */
    const struct gcs_address *seeds; /* where to look for members; copied */
    size_t seeds_count;
    uint32_t expect; /* with GCS_EXPECT: how many processes there are to be, 1 to GCS_MEMBERS_MAX;
                        the same at all of them. Otherwise unused */
    uint32_t region_size; /* a view of more members than this, or of several places by its members'
                             labels, is a tree of regions of at most
                             this size, which repair their losses and acknowledge by themselves;
                             same at all members; 0: never, 2 to GCS_MEMBERS_MAX; default 16 */
    enum gcs_safe_quorum safe_quorum; /* same at all members; default GCS_SAFE_MAJORITY */
    bool rotate; /* the sequencer is another voter in each view, not always the coordinator; same at
                    all members; default false */
    bool stable; /* GCS_EVENT_STABLE tells when agreed messages have become safe; default false */
    uint64_t slow_ns; /* a member whose application takes nothing of what is delivered to it for so
                         long says so to the others: GCS_EVENT_SLOW; 0: never; default 5 s */
    uint64_t evict_slow_ns; /* and is evicted by this one after so long; 0, the default: never */
};

/* The defaults; sets size. */
void gcs_core_config_init(struct gcs_core_config *config);
void gcs_group_config_init(struct gcs_group_config *config);

/* GCS_EINVAL, GCS_ENOMEM. Nothing in config but the allocator and trace is referred to later. */
int gcs_core_new(const struct gcs_core_config *config, struct gcs_core **core);

/* Frees everything but events that were taken and not given back: give them back first. */
void gcs_core_free(struct gcs_core *core);

/* ---- Inputs ----------------------------------------------------------------------------- */

/*
 * One packet has arrived: data[0..size) lies in buffer, which the core refers to
 * for as long as it needs the packet. Packets that are foreign, corrupt or
 * malformed are counted and dropped. now never goes backwards.
 */
void gcs_core_receive(struct gcs_core *core, uint64_t now, const struct gcs_address *from,
                      struct gcs_buffer *buffer, const uint8_t *data, size_t size);

/* Evidence (such as ICMP port unreachable) that nobody listens at peer, or, if the network is
 * reliable, that packets to or from it may have been lost. Hastens, never proves. */
void gcs_core_unreachable(struct gcs_core *core, uint64_t now, const struct gcs_address *peer);

/* The system has dropped so many packets in all, since it began to count, because they came faster
 * than they were taken: senders are told to slow down. */
void gcs_core_overflowed(struct gcs_core *core, uint64_t total);

/* This process is about to end: the others are told, by packets of the next gcs_core_packets, and
 * find out that much sooner. */
void gcs_core_goodbye(struct gcs_core *core, uint64_t now);

/* The wall clock, in nanoseconds since 1970, shows now + offset: group time follows it (struct
 * gcs_event). Without this call the offset is 0. It may jump at any time. */
void gcs_core_wall_clock(struct gcs_core *core, int64_t offset);

/* Does what is due at now and what the inputs since the last call ask for. */
void gcs_core_advance(struct gcs_core *core, uint64_t now);

/*
 * Starts to join a group; the first GCS_EVENT_VIEW says that it is done.
 * user is handed back with every event. GCS_ENAME, GCS_EOPTION, GCS_EALREADY (this core
 * is in that group), GCS_ENOMEM.
 */
int gcs_core_join(struct gcs_core *core, uint64_t now, const char *name,
                  const struct gcs_group_config *config, void *user, struct gcs_core_group **group);

/*
 * Starts to leave; messages multicast before are sent first. GCS_EVENT_LEFT says that it
 * is done; the group is valid until that event is given back. GCS_EALREADY.
 */
int gcs_core_leave(struct gcs_core_group *group, uint64_t now);

/*
 * Starts to have a member evicted by a change of view, whether it lives or not: it leaves with
 * GCS_REASON_EVICTED, and its own membership ends with GCS_EEVICTED. Given up if this member
 * leaves first. GCS_ENOTMEMBER (it, or this member, is not in the current view), GCS_EINVAL (it is
 * this member: leave instead), GCS_EALREADY, GCS_ELIMIT (16 at a time).
 */
int gcs_core_evict(struct gcs_core_group *group, uint64_t now, const struct gcs_member_id *member);

/*
 * Multicasts a message; data is copied. Before the first view and during a view change the
 * message waits and goes out in the next view.
 * GCS_EMSGSIZE; GCS_EINVAL (service); GCS_EAGAIN: the queue is full, GCS_EVENT_WRITABLE will
 * follow; GCS_ENOPRIMARY; GCS_ENOTMEMBER (leaving or left); GCS_ENOMEM. On error nothing is sent.
 */
int gcs_core_multicast(struct gcs_core_group *group, uint64_t now, enum gcs_service service,
                       const void *data, size_t size);

/*
 * Room for a message of at most size bytes where it will be sent from: data is the caller's to
 * write until gcs_core_commit, which multicasts its first size bytes, or gives the room back if
 * size is GCS_NOTHING. A group has one room at a time (GCS_EALREADY); it ends with the membership.
 * A message that does not fit into one packet is copied once more. Reserving fails as
 * gcs_core_multicast does; GCS_EINVAL: nothing is reserved, or less than size.
 */
#define GCS_NOTHING SIZE_MAX
int gcs_core_reserve(struct gcs_core_group *group, enum gcs_service service, size_t size,
                     uint8_t **data);
int gcs_core_commit(struct gcs_core_group *group, uint64_t now, size_t size);

/*
 * Sends a message to one member alone; data is copied. Messages to one member arrive in order,
 * once each, as long as both are members: nearly always in the view in which they were sent,
 * otherwise in a later one. They stand outside of every multicast order. To oneself is allowed.
 * Errors as gcs_core_multicast; GCS_ENOTMEMBER also if to is not in the current view.
 */
int gcs_core_send(struct gcs_core_group *group, uint64_t now, const struct gcs_member_id *to,
                  const void *data, size_t size);

/*
 * Whether this member is in the primary, for sure: 0, and until the caller's clock shows *until no
 * other primary, without this member, will claim to be one. The claim rests on a lease that a
 * quorum grants, and on clocks whose rates differ by less than one part in 16. It is renewed for as
 * long as it is asked for again and again. After a change of view that somebody did not come along
 * into there is none for some 64 ms. GCS_EAGAIN: not known yet, ask again after the next round;
 * GCS_ENOPRIMARY; GCS_ENOTMEMBER.
 */
int gcs_core_lease(struct gcs_core_group *group, uint64_t now, uint64_t *until);

/*
 * What this member knows of the total order of its current view: no message that this member has
 * acknowledged lies behind *position, and with the sequencer's order and at its member (rank 0
 * unless the role rotates) no message at all. The highest position that a quorum of the view of
 * *epoch answers covers everything that anybody has delivered as safe before the first of them was
 * asked: see gcs_ordered(3). GCS_EAGAIN: there is no view, or this member has promised the next
 * one; GCS_ENOTMEMBER.
 */
int gcs_core_ordered(const struct gcs_core_group *group, uint32_t *epoch, uint64_t *position);

/*
 * What GCS_EVENT_STATE_WANTED asks for: the application's state as it is when that event is taken,
 * unchanged until release. read gives up to size bytes from offset on: how many, 0 at the end, or a
 * negative error. It is called from within the core, mostly forwards, now and then for a part once
 * more. release is called once.
 */
struct gcs_state_source {
    void *ctx;
    int64_t (*read)(void *ctx, uint64_t offset, void *data, size_t size);
    void (*release)(void *ctx); /* may be NULL */
    uint64_t total;             /* bytes; 0: not known */
};

/*
 * Gives a new member the state; source NULL: there is none to give, and its membership ends with
 * GCS_ESTATE. On error nothing was taken over. GCS_ENOTMEMBER (it does not wait for this member's
 * state, or not any more), GCS_EALREADY, GCS_EINVAL.
 */
int gcs_core_state_offer(struct gcs_core_group *group, const struct gcs_member_id *joiner,
                         const struct gcs_state_source *source);

/* The current view, NULL before the first. Valid until the next call into the core. */
const struct gcs_view *gcs_core_view(const struct gcs_core_group *group);

/* ---- Outputs ---------------------------------------------------------------------------- */

/* One packet to transmit, to each of the addresses. */
struct gcs_core_packet {
    struct gcs_buffer *buffer; /* holds data; referred to until gcs_core_packets_sent */
    const uint8_t *data;
    size_t size;
    const struct gcs_address *to;
    size_t to_count;
    bool multicast; /* to is a whole group: native multicast may carry it instead */
};

/* Packets to transmit, in order. Valid until gcs_core_packets_sent or the next input. */
const struct gcs_core_packet *gcs_core_packets(struct gcs_core *core, size_t *count);

/* All packets that gcs_core_packets returned have been handed to the network, or were lost. */
void gcs_core_packets_sent(struct gcs_core *core);

enum gcs_event_type {
    GCS_EVENT_DELIVER = 1,  /* messages */
    GCS_EVENT_VIEW,         /* a new view, or the loss of the primary */
    GCS_EVENT_WRITABLE,     /* multicasting is worth trying again */
    GCS_EVENT_PRIVATE,      /* messages sent to this member alone */
    GCS_EVENT_LEFT,         /* the membership has ended; error says why, 0: as asked for */
    GCS_EVENT_STATE_WANTED, /* a new member, sender, is to be given the state as it is now */
    GCS_EVENT_STATE,        /* a piece of the state; offset 0: it begins (again) */
    GCS_EVENT_STATE_END,    /* the state is complete; or, at the member that gives it to sender:
                               the transfer has ended, error says how */
    GCS_EVENT_STABLE, /* config.stable: sender's message number, and all that was delivered before
                         it in total order, are safe now. Told once for many. A new primary view
                         says so of everything that was delivered before it */
    GCS_EVENT_SLOW,   /* the application of another member, sender, takes nothing: all windows
                         wait for it */
};

struct gcs_core_event {
    enum gcs_event_type type;
    int error; /* left, state end */
    struct gcs_core_group *group;
    void *user;
    const struct gcs_view_change *change; /* view; valid until the event is given back */
    /* deliver, private: count messages of one sender, in payload (see below) */
    const struct gcs_member_id *sender;
    uint64_t number; /* of the first message */
    enum gcs_service service;
    uint16_t rank; /* the sender's */
    uint32_t count;
    const uint8_t *payload;
    size_t payload_size;
    uint64_t time, seed; /* deliver, agreed or safe: as in struct gcs_event, of the first message */
    uint64_t position; /* deliver, agreed or safe: in the total order of the view; 0: at its end */
    uint64_t offset,
        total;          /* state: its place, and the size of all if known, or 0; end: the size */
    uint64_t waited_ms; /* slow */
    /* for gcs_core_consumed */
    struct gcs_buffer *buffer;
    void *token;
    uint64_t packet;
};

/*
 * Takes the next event. Its pointers stay valid until gcs_core_consumed; what is not given
 * back is held against the sender's window, which is how a slow application slows the group.
 */
bool gcs_core_next_event(struct gcs_core *core, struct gcs_core_event *event);
void gcs_core_consumed(struct gcs_core *core, const struct gcs_core_event *event);

/*
 * Iterates over the messages of a delivery: start with *offset = 0; false at the end.
 * Needs no core and no lock.
 */
bool gcs_core_event_message(const struct gcs_core_event *event, size_t *offset,
                            struct gcs_message *message);

/* When to call gcs_core_advance at the latest, GCS_NEVER if only an input can change anything. */
uint64_t gcs_core_deadline(const struct gcs_core *core);

/* ---- Counters --------------------------------------------------------------------------- */

/* X(name, what it counts) */
#define GCS_COUNTER_TABLE(X)                                                                 \
    X(packets_received, "packets handed in")                                                 \
    X(packets_sent, "packets handed out, one per multicast")                                 \
    X(bytes_received, "bytes of packets handed in")                                          \
    X(bytes_sent, "bytes of packets handed out, one per multicast")                          \
    X(dropped_short, "packets too short or with impossible lengths")                         \
    X(dropped_version, "packets of another protocol version")                                \
    X(dropped_corrupt, "packets whose checksum does not match")                              \
    X(dropped_foreign, "packets of a cluster or group that is not ours")                     \
    X(dropped_stale, "packets of a view that is not ours")                                   \
    X(dropped_malformed, "packets whose contents make no sense")                             \
    X(dropped_duplicate, "numbered packets that were there already")                         \
    X(dropped_overrun, "numbered packets beyond the window")                                 \
    X(dropped_memory, "packets for which there was no memory")                               \
    X(frames_unknown, "frames of a type that we do not know")                                \
    X(messages_sent, "messages multicast")                                                   \
    X(messages_delivered, "messages delivered")                                              \
    X(bytes_delivered, "bytes of messages delivered")                                        \
    X(data_packets_sent, "numbered packets sent, without repairs")                           \
    X(private_packets_sent, "packets sent to one member alone, without repairs")             \
    X(control_packets_sent, "unnumbered packets sent")                                       \
    X(nacks_sent, "requests for repair sent")                                                \
    X(nacks_received, "requests for repair received")                                        \
    X(nacks_to_source, "... of those, for packets of this member")                           \
    X(nacks_suppressed, "requests that another member's made needless")                      \
    X(nacks_forged, "requests for packets that were never sent")                             \
    X(acks_forged, "acknowledgements of packets that were never sent")                       \
    X(requests_refused, "requests of members that had made too many just before")            \
    X(packets_differing, "packets that differ from the one that is held under their number") \
    X(repairs_sent, "packets sent again for others")                                         \
    X(repairs_suppressed, "repairs that another member's made needless")                     \
    X(repairs_received, "missing packets that came as a repair")                             \
    X(repairs_near, "... of those, from the own region")                                     \
    X(window_full, "times that a full window held packets back")                             \
    X(long_messages, "long messages that other members' memory was asked for")               \
    X(long_waits, "long messages that had to wait for memory of this member")                \
    X(window_cuts, "times that congestion made the window smaller")                          \
    X(congestion_told, "times that this member told senders of congestion")                  \
    X(congestion_heard, "times that it was told")                                            \
    X(slow_members, "times that a member said that its application takes nothing")           \
    X(polls, "polls before a ballot")                                                        \
    X(ballots, "ballots started")                                                            \
    X(reproposals, "ballots that proposed an accepted value again")                          \
    X(fetches, "proposals or installs that had to fetch packets first")                      \
    X(views_installed, "views installed")                                                    \
    X(exclusions, "times that this member found itself excluded")                            \
    X(lineages_met, "other lineages of a group that were met")                               \
    X(lineages_left, "lineages that this member has given up for another")                   \
    X(suspicions, "peers suspected")                                                         \
    X(transfers_begun, "attempts to get the group's state")                                  \
    X(state_bytes_sent, "bytes of state sent to new members")                                \
    X(state_bytes_received, "bytes of state received as a new member")                       \
    X(allocations, "pieces of memory allocated")                                             \
    X(bytes_copied, "bytes of messages and packets that were copied within the process")     \
    X(send_calls, "system calls that sent")                                                  \
    X(receive_calls, "system calls that received")                                           \
    X(datagrams_sent, "datagrams sent, one for each receiver")                               \
    X(datagrams_received, "datagrams received")                                              \
    X(datagrams_overflowed, "datagrams that the system dropped because a buffer was full")   \
    X(connections, "RDMA: connections made")                                                 \
    X(failed_connections, "RDMA: connections that could not be made")                        \
    X(broken_links, "RDMA: connections that broke, or that the peer closed")                 \
    X(fenced_links, "RDMA: connections closed because the peer is no member any more")       \
    X(failed_requests, "RDMA: work requests that ended with an error")                       \
    X(refused_posts, "RDMA: times that the device took no work requests")                    \
    X(device_events, "RDMA: events of the device: ports, addresses, failure")                \
    X(packets_backlogged, "RDMA: packets that waited for a connection or for room")          \
    X(full_backlogs, "RDMA: packets lost because too many waited for a peer already")        \
    X(packets_copied, "RDMA: packets copied out of a ring that had little room left")        \
    X(work_requests, "RDMA: work requests: runs of packets, and knocks")                     \
    X(knocks, "RDMA: ... of those, that carry no packet and tell a peer of room")            \
    X(nudges, "RDMA: ... of those, because packets waited and nothing came")                 \
    X(doorbells, "RDMA: chains of work requests handed to the device")                       \
    X(signalled, "RDMA: work requests whose completion was asked for")                       \
    X(wire_bytes, "RDMA: bytes written, each copy and our headers counted")

struct gcs_counters {
#define GCS_COUNTER_FIELD(name, text) uint64_t name;
    GCS_COUNTER_TABLE(GCS_COUNTER_FIELD)
#undef GCS_COUNTER_FIELD
};

/* Counters since gcs_core_new, all groups together. */
const struct gcs_counters *gcs_core_counters(const struct gcs_core *core);

/* The version of the protocol that this library speaks: packets of another major one are refused,
 * a higher minor one is tolerated. */
#define GCS_PROTOCOL_MAJOR 1
#define GCS_PROTOCOL_MINOR 0

/*
 * The major version of the first packet that was refused because it is of another one, and in
 * *from (unless it is NULL) where it came from; 0: there was none.
 */
int gcs_core_stranger(const struct gcs_core *core, struct gcs_address *from);

/* ---- Status (gcs/status.h) -------------------------------------------------------------- */

/* What the group is like for this member right now. Changes nothing. */
void gcs_core_group_status(const struct gcs_core_group *group, struct gcs_group_status *status);

/* The same of one member of the current view. GCS_ENOTMEMBER: no such rank. */
int gcs_core_member_status(const struct gcs_core_group *group, uint64_t now, uint16_t rank,
                           struct gcs_member_status *status);

#ifdef __cplusplus
}
#endif

#endif
