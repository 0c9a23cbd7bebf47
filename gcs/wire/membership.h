/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Membership frames: joining, polling, ballots, and the value that a ballot
 * decides. Each message is written and read in one place: join.c, ballot.c,
 * proposal.c. Integers are LEB128 varints unless said otherwise; a member is
 *
 *     length of its address 1, address, incarnation 8, receive_bytes, weight * 2 + syncing 1,
 *     and if 128 was added to that, the length of its label 1, label
 *
 * Writers turn the gcs_writer bad when there is no room. Readers take hostile
 * bytes: they read within body[0..size), refuse what makes no sense, trailing
 * bytes included, and allocate nothing; the caller brings the memory.
 *
 *     JOIN, LOOK  member, epoch, ballot, settings, expect,
 *                 a rival's address and incarnation (length 0: none)
 *     REFUSE      error (as a positive number) 1, what 1, the group's, the joiner's
 *     WISH        flags 1, with MISSING: count, ranks; ranks to be evicted
 *     POLL        number, count, suspects: rank * 2 + crashed, ranks ascending
 *     VOTE        number, flags 1, the suspects missed: a bit per place in POLL
 *     PREPARE     epoch, ballot
 *     INVITE      epoch, ballot: PREPARE to a joiner, which is no member of that view;
 *                 epoch 0: to no ballot, only to be answered (JOIN) with the same
 *     PROMISE     flags 1, ballot, then unless REFUSED: group time, held per rank, then
 *                 if ACCEPTED: the ballot it was accepted in, proposal
 *     PROPOSE     ballot, proposal
 *     ACCEPT      ballot
 *     INSTALL     proposal
 *     CONFIRM     flags 1
 *     EXCLUDED    epoch
 *     GONE        lineage 8, epoch
 *     KIN         flags 1, members
 *
 *     ballot      counter, rank
 *     settings    order 1, flags 1, window_packets, message_bytes, region_size
 *     proposal    (of epoch 1: the members found the group, and no view closes)
 *                 epoch, lineage 8, proposer 8, group time 8, settings,
 *                 members, survivors, closing members,
 *                 per member: member,
 *                 per rank of the closing view: cut, holder * 8 + reason
 */
#ifndef GCS_WIRE_MEMBERSHIP_H
#define GCS_WIRE_MEMBERSHIP_H

#include "gcs/wire/packet.h"
#include <gcs/types.h>

/* ---- Parts ------------------------------------------------------------------------------ */

/* A varint that fits into 32 bits. */
static inline uint32_t gcs_read_varint32(struct gcs_reader *r)
{
    uint64_t value = gcs_read_varint(r);
    if (value > UINT32_MAX)
        r->bad = true;
    return r->bad ? 0 : (uint32_t)value;
}

/* Everything has been read, and it was good. */
static inline bool gcs_reader_ends(const struct gcs_reader *r)
{
    return !r->bad && r->at == r->end;
}

/* A ballot: counter first, then the rank of who started it in the closing view. */
struct gcs_ballot {
    uint32_t counter; /* 0: none */
    uint16_t rank;
};

/* Below 0, 0, above 0: a comes before, is, comes after b. */
static inline int gcs_ballot_compare(struct gcs_ballot a, struct gcs_ballot b)
{
    if (a.counter != b.counter)
        return a.counter < b.counter ? -1 : 1;
    return (int)a.rank - (int)b.rank;
}

bool gcs_address_equal(const struct gcs_address *a, const struct gcs_address *b);
bool gcs_member_id_equal(const struct gcs_member_id *a, const struct gcs_member_id *b);

/* A lineage out of a random number. Its lowest bits tell how the group was founded: 2 by somebody
 * who looked around and found nobody, 1 otherwise. It is never 0. */
static inline uint64_t gcs_lineage_new(uint64_t random)
{
    return (random & ~UINT64_C(3)) | 1;
}

/* Of one that was founded by looking the highest bits tell the second, so that the younger of two
 * can give way. */
#define GCS_LINEAGE_RANDOM_BITS 30

static inline uint64_t gcs_lineage_of_looking(uint64_t random, uint64_t time)
{
    return time / 1000000000 << GCS_LINEAGE_RANDOM_BITS |
           (random >> (64 - GCS_LINEAGE_RANDOM_BITS) & ~UINT64_C(3)) | 2;
}

static inline uint64_t gcs_lineage_second(uint64_t lineage)
{
    return lineage >> GCS_LINEAGE_RANDOM_BITS;
}

static inline bool gcs_lineage_looked(uint64_t lineage)
{
    return (lineage & 3) == 2;
}

/* An incarnation names the process and, in its low bits, which of its memberships it is: a later
 * one counts higher. */
#define GCS_MEMBERSHIP_MASK UINT64_C(0xffffff)

static inline uint64_t gcs_member_process(const struct gcs_member_id *id)
{
    return id->incarnation & ~GCS_MEMBERSHIP_MASK;
}

/* A member with an address; read turns the reader bad if it has none. */
void gcs_member_write(struct gcs_writer *w, const struct gcs_member *member);
void gcs_member_read(struct gcs_reader *r, struct gcs_member *member);
#define GCS_MEMBER_BYTES_MAX (1 + GCS_ADDRESS_MAX + 8 + 5 + 1) /* without a label ... */
#define GCS_LABEL_BYTES_MAX  (1 + GCS_LABEL_MAX)               /* ... which takes as many more */

void gcs_ballot_write(struct gcs_writer *w, struct gcs_ballot ballot);
struct gcs_ballot gcs_ballot_read(struct gcs_reader *r);

/* What must be the same at all members of a group. */
struct gcs_settings {
    uint8_t order;
    bool tie_breaker;
    bool state; /* joiners are given the group's state */
    bool safe_all;
    bool rotate;
    uint32_t window_packets;
    uint32_t message_bytes;
    uint32_t region_size; /* of the tree in large views; 0: there is none */
    uint32_t expect; /* how many found the group together; 0: another way. In JOIN and LOOK only:
                        it binds those who found, and nobody else */
};

/* ---- Joining ---------------------------------------------------------------------------- */

/* A joiner asks to be let in, or (answering this ballot's prepare) says that it is alive. */
struct gcs_join_request {
    struct gcs_member member;
    uint32_t epoch; /* the closing view's epoch and the ballot that it answers, or 0 */
    struct gcs_ballot ballot;
};

/*
 * JOIN, and LOOK, which is a JOIN by somebody who would found the group. rival: the looker with
 * the smallest incarnation that the sender knows of beside itself; NULL or no address: none.
 */
void gcs_join_write(struct gcs_writer *w, const struct gcs_join_request *request,
                    const struct gcs_settings *settings, const struct gcs_member_id *rival);
bool gcs_join_parse(const uint8_t *body, size_t size, struct gcs_join_request *request,
                    struct gcs_settings *settings, struct gcs_member_id *rival);
static inline bool gcs_settings_equal(const struct gcs_settings *a, const struct gcs_settings *b)
{
    return a->order == b->order && a->tie_breaker == b->tie_breaker && a->state == b->state &&
           a->safe_all == b->safe_all && a->rotate == b->rotate &&
           a->window_packets == b->window_packets && a->message_bytes == b->message_bytes &&
           a->region_size == b->region_size;
}

#define GCS_SETTINGS_BYTES_MAX (1 + 1 + 5 + 5 + 2)
#define GCS_JOIN_BYTES_MAX                                                                     \
    (GCS_MEMBER_BYTES_MAX + GCS_LABEL_BYTES_MAX + 5 + 5 + 2 + GCS_SETTINGS_BYTES_MAX + 2 + 1 + \
     GCS_ADDRESS_MAX + 8)

void gcs_settings_write(struct gcs_writer *w, const struct gcs_settings *settings);
void gcs_settings_read(struct gcs_reader *r, struct gcs_settings *settings);

/* What a joiner was refused for. Numbers are part of the wire format. */
enum gcs_refusal_what {
    GCS_REFUSED_ORDER = 1,
    GCS_REFUSED_WINDOW_PACKETS = 2,
    GCS_REFUSED_MESSAGE_BYTES = 3,
    GCS_REFUSED_MEMBERS = 4, /* the group is full */
    GCS_REFUSED_TIE_BREAKER = 5,
    GCS_REFUSED_STATE = 6,
    GCS_REFUSED_EXPECT = 7,
    GCS_REFUSED_REGION_SIZE = 8,
    GCS_REFUSED_SAFE_QUORUM = 9,
    GCS_REFUSED_ROTATE = 10,
    GCS_REFUSED_LABEL = 11, /* the group's members and their labels leave no room for its bytes */
};

struct gcs_refusal {
    int error; /* a code of the error table */
    uint8_t what;
    uint64_t group;  /* the group's value */
    uint64_t joiner; /* the joiner's value */
};

#define GCS_REFUSAL_BYTES_MAX 22
void gcs_refusal_write(struct gcs_writer *w, const struct gcs_refusal *refusal);
bool gcs_refusal_read(const uint8_t *body, size_t size, struct gcs_refusal *refusal);

/* EXCLUDED: the sender is in the view of that epoch, and the receiver is not. */
void gcs_excluded_write(struct gcs_writer *w, uint32_t epoch);
bool gcs_excluded_read(const uint8_t *body, size_t size, uint32_t *epoch);

/* GONE: there is no member of that view at the sender's address (any more). */
#define GCS_GONE_BYTES_MAX 13
void gcs_gone_write(struct gcs_writer *w, uint64_t lineage, uint32_t epoch);
bool gcs_gone_read(const uint8_t *body, size_t size, uint64_t *lineage, uint32_t *epoch);

/* KIN: the sender is in a view of so many, of the lineage that its packet names. */
struct gcs_kin {
    bool primary;
    uint16_t members;
};

#define GCS_KIN_BYTES_MAX 3
void gcs_kin_write(struct gcs_writer *w, const struct gcs_kin *kin);
bool gcs_kin_read(const uint8_t *body, size_t size, struct gcs_kin *kin);

/* ---- Ballots ---------------------------------------------------------------------------- */

/* Most suspects in one poll; one that is confirmed is enough for a ballot. */
#define GCS_POLL_MAX 64

struct gcs_poll {
    uint32_t number;
    uint16_t count; /* at least 1 */
    uint16_t rank[GCS_POLL_MAX];
    bool crashed[GCS_POLL_MAX]; /* there was evidence */
};

/* members: of the closing view, whose ranks are meant. */
void gcs_poll_write(struct gcs_writer *w, const struct gcs_poll *poll);
bool gcs_poll_read(const uint8_t *body, size_t size, uint16_t members, struct gcs_poll *poll);

enum gcs_vote_flag {
    GCS_VOTE_FROZEN = 1, /* the voter has promised: this view ends in any case */
};

struct gcs_vote {
    uint32_t number;
    uint8_t flags;
    uint64_t missed; /* bit i: the voter suspects the i-th suspect too */
};

void gcs_vote_write(struct gcs_writer *w, const struct gcs_vote *vote);
bool gcs_vote_read(const uint8_t *body, size_t size, struct gcs_vote *vote);

void gcs_prepare_write(struct gcs_writer *w, uint32_t epoch, struct gcs_ballot ballot);
bool gcs_prepare_read(const uint8_t *body, size_t size, uint32_t *epoch, struct gcs_ballot *ballot);

enum gcs_promise_flag {
    GCS_PROMISE_LEAVING = 1,
    GCS_PROMISE_ACCEPTED = 2, /* with the proposal accepted in the highest ballot */
    GCS_PROMISE_REFUSED = 4,  /* no promise: a higher ballot, the one named, was promised */
    GCS_PROMISE_READY = 8,
    GCS_PROMISE_DEPARTING = 16, /* will leave once all that it has multicast is sent */
};

struct gcs_promise {
    uint8_t flags;
    struct gcs_ballot ballot;
    uint64_t time;  /* no delivery out of what is held is later */
    uint64_t *held; /* per rank */
    struct gcs_ballot accepted;
    const uint8_t *value; /* the proposal's bytes */
    size_t value_size;
};

void gcs_promise_write(struct gcs_writer *w, const struct gcs_promise *promise, uint16_t members);
/* held: the caller's, members entries; value points into body and is not looked at. */
bool gcs_promise_read(const uint8_t *body, size_t size, uint16_t members, uint64_t *held,
                      struct gcs_promise *promise);

/* PROPOSE: the ballot; the rest of the body is the proposal. */
bool gcs_propose_read(const uint8_t *body, size_t size, struct gcs_ballot *ballot,
                      const uint8_t **value, size_t *value_size);

void gcs_accept_write(struct gcs_writer *w, struct gcs_ballot ballot);
bool gcs_accept_read(const uint8_t *body, size_t size, struct gcs_ballot *ballot);

enum gcs_confirm_flag {
    GCS_CONFIRM_ASK = 1,     /* answer with yours */
    GCS_CONFIRM_LACKING = 2, /* no confirmation: the sender has not heard the decision */
};

void gcs_confirm_write(struct gcs_writer *w, uint8_t flags);
bool gcs_confirm_read(const uint8_t *body, size_t size, uint8_t *flags);

/* What a member wants the next view to be like. */
enum gcs_wish_flag {
    GCS_WISH_LEAVE = 1,   /* without it */
    GCS_WISH_READY = 2,   /* with its vote: it has the group's state now */
    GCS_WISH_MISSING = 4, /* without bad links, such as those to the members that it names */
};

/* Most bad links that one member complains about. */
#define GCS_WISH_MISSING_MAX 8

/* Most members that one WISH asks to be evicted; the rest follow in the next one. */
#define GCS_WISH_EVICT_MAX 16

struct gcs_wish {
    uint8_t flags;
    uint16_t evict_count;
    uint16_t evict[GCS_WISH_EVICT_MAX];
    uint16_t missing_count; /* > 0 with GCS_WISH_MISSING only */
    uint16_t missing[GCS_WISH_MISSING_MAX];
};

void gcs_wish_write(struct gcs_writer *w, const struct gcs_wish *wish);
bool gcs_wish_read(const uint8_t *body, size_t size, uint16_t members, struct gcs_wish *wish);

/* ---- The value -------------------------------------------------------------------------- */

/* The value agreed on. Arrays live as long as the proposal. Of epoch 1 it has no closing view and
 * no survivors, and its members are all voters. */
struct gcs_proposal {
    uint32_t epoch; /* of the next view */
    uint64_t lineage;
    uint64_t proposer; /* incarnation of who first proposed it; stays through re-proposals */
    /* the next view: survivors in their old order, then joiners; none: the group has ended */
    uint16_t members_count;
    uint16_t survivors_count;
    struct gcs_member *members;
    /* per rank of the closing view */
    uint16_t closing_count;
    uint64_t *cut;                /* packets 1..cut[r] of r belong to the closing view */
    uint16_t *holder;             /* a promiser that holds them up to there */
    uint8_t *reason;              /* enum gcs_reason; GCS_REASON_NONE: comes along */
    struct gcs_settings settings; /* the group's, for joiners */
    uint64_t time; /* at which the next view begins: not before any delivery of the closing one */
};

/* Most joiners that come with so many survivors: survivors stay the majority where they can. */
static inline uint16_t gcs_joiners_max(uint16_t survivors)
{
    if (survivors == 0)
        return 0;
    return survivors == 1 ? 1 : (uint16_t)(survivors - 1);
}

/*
 * No proposal is longer: GCS_MEMBERS_MAX members with the longest addresses, without labels, and as
 * many closing ones. It fits into a frame with a ballot in front; with a promise's vector in front
 * it does as long as nobody sends 2^35 packets in one view. Labels take what shorter addresses
 * leave.
 */
#define GCS_PROPOSAL_BYTES_MAX 60000

/* Bytes that the proposal's encoding takes at most with so many members. */
size_t gcs_proposal_bound(uint16_t members, uint16_t closing);

/* Bytes that one member takes in it. */
size_t gcs_member_bytes(const struct gcs_member *member);

/* Whether there is room for so many members that take so many bytes, in a view that closes one of
 * so many, and in one that closes theirs. */
bool gcs_proposal_has_room(uint16_t members, size_t bytes, uint16_t closing);

void gcs_proposal_write(struct gcs_writer *w, const struct gcs_proposal *proposal);

/*
 * Reading takes two steps, so that the caller can bring the memory: gcs_proposal_measure reads
 * the counts, gcs_proposal_read the rest into arrays of members_count and closing_count entries
 * that the caller has set in *proposal in between.
 *
 * closing: the view that ends, NULL if the reader is not in it (a joiner). With it, lineage,
 * epoch, ranks and survivors are checked against it. GCS_EMALFORMED.
 */
int gcs_proposal_measure(const uint8_t *body, size_t size, const struct gcs_view *closing,
                         struct gcs_proposal *proposal);
int gcs_proposal_read(const uint8_t *body, size_t size, const struct gcs_view *closing,
                      struct gcs_proposal *proposal);

#endif
