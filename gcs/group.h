/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A group as one endpoint sees it, and the core that all of its groups share.
 * The group is the conductor: it hands events to the layers and their results
 * on; each layer's own business stays in the layer.
 */
#ifndef GCS_GROUP_H
#define GCS_GROUP_H

#include "gcs/base/prng.h"
#include "gcs/era.h"
#include "gcs/events.h"
#include "gcs/group_state.h"
#include "gcs/group_time.h"
#include "gcs/latency.h"
#include "gcs/outbox.h"
#include "gcs/packer.h"
#include "gcs/pieces.h"
#include "views/bootstrap.h"
#include "views/damper.h"

/* How long messages come: memory for one of each kind is there in any case. */
enum gcs_long_kind { GCS_LONG_MULTICAST, GCS_LONG_PRIVATE, GCS_LONG_KINDS };

enum gcs_group_state {
    GCS_GROUP_LOOKING, /* not a member yet */
    GCS_GROUP_MEMBER,
    GCS_GROUP_SERVING, /* out by its own wish, serves the survivors until they have confirmed */
    GCS_GROUP_ENDED,   /* the last event is on its way */
};

struct gcs_core_group {
    struct gcs_core *core;
    struct gcs_core_group *next; /* all groups of the core */
    uint32_t refs;               /* the membership's own, and private messages not given back */
    void *user;
    char name[GCS_NAME_MAX + 1];
    uint64_t tag;
    struct gcs_group_config config;
    struct gcs_member self;
    struct gcs_group_time time;
    enum gcs_group_state state;
    struct gcs_bootstrap_machine *bootstrap; /* while looking */
    struct gcs_era *era;                     /* the current view's; NULL before the first */
    struct gcs_era *old;                     /* the one before, while somebody may need it */
    struct gcs_packer packer;
    struct gcs_latency_meter latency;
    uint32_t packet_bytes;
    bool leaving;          /* as asked for */
    bool leave_told;       /* and the agreement knows */
    bool ready;            /* has got the group's state */
    bool ready_told;       /* and the agreement knows */
    struct gcs_sync *sync; /* while this member gets the state */
    uint64_t
        portion; /* bytes that have waited for it, and that the application has not given back */
    struct gcs_gift *gifts; /* to members that get it from this one */
    uint16_t evicting_count;
    struct gcs_member_id evicting[GCS_WISH_EVICT_MAX]; /* whom this member wants out */
    bool wants_room;                                   /* somebody was refused, ... */
    size_t wanted;                                     /* who last asked for so much */
    uint64_t assembling[GCS_LONG_KINDS];               /* bytes reserved for long messages */
    bool primary;
    uint64_t blocked_at;           /* when the primary was lost */
    struct gcs_address *seeds;     /* a copy */
    size_t seeds_count, own_seeds; /* own: the application's; the others were members */
    bool returning;                /* excluded, and looking for the group again */
    uint64_t unknown_from; /* returning: the first own message whose fate is not known; 0: none */
    bool settled_in;       /* the agreement of this view knows what is known already */
    int parting;           /* what the end is to say if it comes in good order */
    struct gcs_damper damper; /* who has to wait before it is let in again */
    uint64_t resumed;         /* the end of our own last pause that is known here */
    uint64_t doubt;           /* not yet confirmed since that pause; 0: all is well */
    uint64_t doubt_ask_at, doubt_gap;
    int failed;             /* why the membership must end: handled by the next advance */
    uint64_t astray;        /* packets of other views dropped before this one, by the counters */
    uint64_t told_stale_at; /* when we last told somebody that a view is over */
    uint64_t met;           /* the last other lineage that was met; 0: none */
    uint64_t probe_at;      /* when to look for one again */
    uint64_t told_kin_at;   /* not to answer one before this */
};

/* Who speaks another major version. */
struct gcs_stranger {
    uint8_t version; /* 0: nobody was met */
    uint8_t answers;
    uint64_t silent_until;
    struct gcs_address address;
    uint8_t suspect_version; /* of the last packet of another version */
    struct gcs_address suspect_address;
};

struct gcs_core {
    struct gcs_core_config config;
    const struct gcs_allocator *allocator;
    struct gcs_pool pool;
    struct gcs_counters counters;
    struct gcs_prng prng;
    struct gcs_detector *detector;
    struct gcs_core_group *groups;
    struct gcs_outbox outbox;
    struct gcs_events events;
    struct gcs_pieces pieces;
    uint32_t frames_cut;  /* ids of frames that were sent in pieces */
    uint64_t process;     /* incarnation of this process */
    uint64_t memberships; /* begun so far */
    uint64_t gone_until;  /* till then at most so many more are told that a membership is over */
    uint32_t gone_left;
    struct gcs_stranger stranger;
    uint64_t endpoint_tag; /* packets that belong to no group: heartbeats */
    uint64_t now;
    const struct gcs_order_ops *(*find_order)(
        unsigned order); /* gcs_order_find; tests have others */
    uint64_t overflowed; /* packets that the system has dropped for want of room */
    uint64_t assembling; /* bytes reserved for long messages of all groups */
    int64_t wall_offset; /* the wall clock shows now and so much more */
    bool dirty;          /* an input came since the last advance */
};

/* core_stranger.c: a packet of another version has come in. */
void gcs_core_meet_stranger(struct gcs_core *core, uint64_t now, const struct gcs_address *from,
                            const uint8_t *data, size_t size);

/* ---- group.c ---------------------------------------------------------------------------- */
void gcs_group_new_incarnation(struct gcs_core_group *group);
struct gcs_core_group *gcs_group_find(struct gcs_core *core, uint64_t tag);
void gcs_group_destroy(struct gcs_core_group *group);
void gcs_group_unref(struct gcs_core_group *group);
/* The era was one of the present membership. */
bool gcs_group_is_ours(const struct gcs_core_group *group, const struct gcs_era *era);
void gcs_group_advance(struct gcs_core_group *group, uint64_t now);
uint64_t gcs_group_deadline(const struct gcs_core_group *group);
/* The detector's opinion of the member of that rank, who is not this one. */
void gcs_era_suspect(struct gcs_era *era, uint64_t now, uint16_t rank, bool suspected,
                     bool crashed);
void gcs_group_suspect(struct gcs_core_group *group, uint64_t now, const struct gcs_peer *peer,
                       bool suspected, bool crashed);

/* ---- group_receive.c -------------------------------------------------------------------- */
void gcs_group_receive(struct gcs_core_group *group, uint64_t now, const struct gcs_address *from,
                       struct gcs_buffer *buffer, const uint8_t *data, size_t size,
                       const struct gcs_packet *packet);

/* ---- group_view.c ----------------------------------------------------------------------- */

/* What all members must have configured alike. */
struct gcs_settings gcs_group_settings(const struct gcs_core_group *group);
/* Begins to look for the group, or founds it. */
void gcs_group_settle_in(struct gcs_core_group *group, uint64_t now);
int gcs_group_start(struct gcs_core_group *group, uint64_t now);
void gcs_group_end(struct gcs_core_group *group, uint64_t now, int error);
void gcs_group_check_primary(struct gcs_core_group *group, uint64_t now);

/* ---- back in after an exclusion: group_rejoin.c ------------------------------------------ */

bool gcs_group_may_rejoin(const struct gcs_core_group *group);
/* Excluded, and on its way back. */
bool gcs_group_is_out(const struct gcs_core_group *group);
void gcs_group_rejoin(struct gcs_core_group *group, uint64_t now);

/* ---- what this member wants: group_wish.c ----------------------------------------------- */

/* Goes on leaving: what was multicast before comes first. */
void gcs_group_wish(struct gcs_core_group *group, uint64_t now);
/* In a new view: what the last one did not fulfil. */
void gcs_group_wish_again(struct gcs_core_group *group, uint64_t now);
/* When a leaver that is cut off gives up; the others may need it for their quorum until then. */
uint64_t gcs_group_leave_expiry(const struct gcs_core_group *group);

/* ---- after a pause of our own: group_doubt.c -------------------------------------------- */

/* Notices the end of a pause, asks, and notices when a quorum has been heard again. */
void gcs_group_doubt(struct gcs_core_group *group, uint64_t now);
/* A packet of the view has come from a member, or from somebody on its behalf. */
void gcs_group_confirm(struct gcs_era *era, const struct gcs_address *from, uint16_t rank);

/* ---- another lineage of the group: group_lineage.c -------------------------------------- */
void gcs_lineage_tick(struct gcs_core_group *group, uint64_t now);
/* Something was heard of that lineage. */
void gcs_lineage_meet(struct gcs_core_group *group, uint64_t lineage);
void gcs_lineage_hear(struct gcs_core_group *group, uint64_t now, const struct gcs_address *from,
                      const struct gcs_packet *packet, const struct gcs_frame *frame);

/* ---- memory for long messages: group_long.c ----------------------------------------------- */

/* Longer than this, and memory at all members is asked for first: as many KiB as a window has
 * packets, which is the same at all members. */
static inline uint32_t gcs_group_long_bytes(const struct gcs_core_group *group)
{
    return group->config.window_packets << 10;
}

static inline bool gcs_group_is_long(const struct gcs_core_group *group, uint32_t total)
{
    return total >= gcs_group_long_bytes(group);
}

/* A buffer for a message of total bytes, and GCS_MESSAGE_SIZE_MAX more; or, if there is one, this
 * that has the message behind so many bytes, and its size right before it. NULL: not now; something
 * that was reserved earlier must come back first, after which the core is dirty. */
struct gcs_buffer *gcs_group_reserve(struct gcs_core_group *group, enum gcs_long_kind kind,
                                     uint32_t total, struct gcs_buffer *own);

/* ---- events and traces: group_event.c --------------------------------------------------- */

/* A new view: before is the era that it ends, NULL for a joiner. False: out of memory. */
bool gcs_group_tell_view(struct gcs_core_group *group, uint64_t now, const struct gcs_era *before,
                         const struct gcs_proposal *value);
/* This member is in the primary no more: error says why (struct gcs_view_change). */
bool gcs_group_tell_blocked(struct gcs_core_group *group, uint64_t now, int error);
void gcs_view_change_unref(const struct gcs_view_change *change);
void gcs_group_trace(const struct gcs_core_group *group, enum gcs_trace_type type, uint64_t now);
void gcs_group_trace_view(const struct gcs_core_group *group, uint64_t now,
                          const struct gcs_view_change *change);
/* Fills in whose it is and in which view. Only when there is a trace. */
void gcs_era_trace(const struct gcs_era *era, struct gcs_trace_event *event);
void gcs_era_trace_message(const struct gcs_era *era, enum gcs_trace_type type, uint64_t now,
                           uint16_t rank, uint64_t number, uint8_t service, const void *data,
                           size_t size);

/* ---- packets that carry one frame: core_packet.c ---------------------------------------- */
struct gcs_envelope {
    uint64_t group;
    uint64_t lineage;
    uint32_t epoch;
    uint16_t rank;
};
/* One that fits into a packet, to all of a route. */
void gcs_core_multicast_frame(struct gcs_core *core, const struct gcs_envelope *envelope,
                              struct gcs_route *route, uint8_t type, const uint8_t *body,
                              size_t size);
void gcs_core_send_frame(struct gcs_core *core, const struct gcs_envelope *envelope,
                         const struct gcs_address *to, uint8_t type, const uint8_t *body,
                         size_t size);

#endif
