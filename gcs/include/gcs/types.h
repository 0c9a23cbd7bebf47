/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The words of libgcs: addresses, members, views, services, messages. They
 * mean what Chockler, Keidar and Vitenberg, "Group Communication
 * Specifications" (ACM Computing Surveys 33(4), 2001), mean by them.
 */
#ifndef GCS_TYPES_H
#define GCS_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* No deadline, no timer: farther away than any time in nanoseconds. */
#define GCS_NEVER UINT64_MAX

/* Longest group name in bytes; names are [A-Za-z0-9._-]+, not starting with '.' or '-'. */
#define GCS_NAME_MAX 63

/* Most members in one view. */
#define GCS_MEMBERS_MAX 1024

/* Longest label in bytes: where a member is, as "site/rack/host", "site/rack" or "site", each part
 * [A-Za-z0-9._-]+. */
#define GCS_LABEL_MAX 63

/* Most votes of one member. */
#define GCS_WEIGHT_MAX 63

/*
 * Where an endpoint can be reached: bytes that only its transport understands,
 * the same at every member, compared bytewise. A zero length means "none".
 */
#define GCS_ADDRESS_MAX 31
struct gcs_address {
    uint8_t length;
    uint8_t bytes[GCS_ADDRESS_MAX];
};

/* What the group promises about one message. Numbers are part of the wire format. */
enum gcs_service {
    GCS_UNORDERED = 1, /* in no order: what arrives does not wait for what is missing before it */
    GCS_FIFO = 2,      /* per sender in order */
    GCS_CAUSAL = 3,    /* never before what its sender had delivered, of causal messages */
    GCS_AGREED = 4,    /* one total order, the same at all members that go together */
    GCS_SAFE = 5,      /* agreed, and held by a quorum with all before it when delivered */
};

/* One endpoint's membership of one group. The pair is never reused. */
struct gcs_member_id {
    struct gcs_address address;
    uint64_t incarnation;
};

struct gcs_member {
    struct gcs_member_id id;
    uint32_t receive_bytes; /* what its transport buffers before it loses packets */
    uint8_t weight;         /* its votes; 0: an observer, which counts for no quorum */
    bool syncing;           /* it has not got the group's state yet, and no vote until then */
    char label[GCS_LABEL_MAX + 1]; /* where it is; "": it did not say */
};

/* Why somebody is no longer a member. */
enum gcs_reason {
    GCS_REASON_NONE = 0,
    GCS_REASON_LEFT = 1,        /* left gracefully */
    GCS_REASON_CRASHED = 2,     /* its process is gone: there was evidence */
    GCS_REASON_UNREACHABLE = 3, /* nobody in the primary hears from it */
    GCS_REASON_EVICTED = 4,     /* a member asked for it: gcs_evict() */
    GCS_REASON_SHUTDOWN = 5,    /* its endpoint was closed: it said so, without having left */
};

/*
 * A view: the numbered, agreed list of members in order of seniority. Rank 0
 * is the coordinator. Views of one lineage form one history: no two of them
 * share an epoch.
 */
struct gcs_view {
    uint64_t lineage;  /* names the history; drawn when the group is created */
    uint64_t proposer; /* incarnation of the member that proposed the view */
    uint32_t epoch;    /* 1, 2, 3, ... */
    uint16_t count;    /* members, at least 1 */
    uint16_t self;     /* own rank */
    bool tie_breaker;  /* half of the votes are a quorum if the senior voter is among them */
    const struct gcs_member *members;
};

struct gcs_departure {
    struct gcs_member member;
    enum gcs_reason reason;
};

/* A view and how it came about. Ranks in joined and survivors are ranks in view. */
struct gcs_view_change {
    struct gcs_view view;
    bool primary;             /* false: cut off; view is then the last primary one */
    uint32_t votes;           /* of all members of view together */
    uint32_t quorum;          /* votes needed to go on (see tie_breaker) */
    uint16_t joined_count;    /* members that are new */
    uint16_t survivors_count; /* members that came along from my previous view */
    uint16_t left_count;
    bool merged;           /* this member was excluded and is back, as a new one; with another
                              lineage: the one before has given way, and is discarded */
    uint64_t unknown_from; /* merged: number, in the membership before, of the first own message
                              that the group may lack; 0: none */
    const uint16_t *joined;
    const uint16_t *survivors;
    const struct gcs_departure *left;
    uint64_t time; /* group time (see struct gcs_event): of a new primary view the same
                      at all members */
    int error;     /* why it is not primary: GCS_ENOPRIMARY: a quorum is not heard;
                      GCS_ENOTMEMBER: the others went on without this member;
                      GCS_ELINEAGE: its lineage gives way to another; else 0 */
};

/* A message as delivered: bytes inside the packet that it arrived in. */
struct gcs_message {
    const void *data;
    size_t size;
};

/* Between the seeds of two messages of a packet: see gcs_event_seed. */
#define GCS_SEED_STEP UINT64_C(0xd1b54a32d192ed03)

#ifdef __cplusplus
}
#endif

#endif
