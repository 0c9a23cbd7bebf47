/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of the agreement machine: what its files share. agreement.c is the
 * outside, poll.c decides that a ballot is due, ballot.c is its proposer's side,
 * acceptor.c the side of those who promise and accept, value.c makes and keeps
 * values, pending.c knows who wants in, wish.c what the members want, links.c who
 * cannot hear whom, settle.c follows the decision.
 */
#ifndef GCS_VIEWS_MACHINE_H
#define GCS_VIEWS_MACHINE_H

#include "gcs/base/memory.h"
#include "gcs/base/mutant.h"
#include "gcs/base/quorum.h"
#include "views/agreement.h"

/* A proposal with the bytes of its encoding: a value stays the same bytes as long as it lives. */
struct gcs_value {
    uint32_t refs;
    const struct gcs_allocator *allocator;
    struct gcs_proposal proposal;
    const uint8_t *bytes;
    size_t size;
};

/* What is known of a member of the closing view. */
struct gcs_seat {
    bool suspected; /* opinion of the failure detector */
    bool crashed;   /* with evidence */
    bool closing;   /* it said that its process ends */
    bool gone;      /* a newer process is there: for ever */
    bool leaving;
    bool departing;      /* will leave, but has something to send before */
    bool ready;          /* has got the group's state */
    bool evicted;        /* somebody asked for it */
    bool parted;         /* is to go because of bad links */
    bool voted;          /* in the current poll */
    bool promised;       /* own ballot */
    bool accepted;       /* own ballot */
    bool confirmed;      /* has the decision */
    uint64_t missed;     /* its vote */
    uint64_t tell_after; /* not to be told, or asked for, the decision again before this */
    uint64_t suspected_at;
    uint16_t missing_count; /* members that it says it does not hear */
    uint16_t missing[GCS_WISH_MISSING_MAX];
};

#define GCS_JOINERS_WAITING_MAX 64

struct gcs_joiner {
    struct gcs_member member;
    uint64_t heard;
    uint64_t tell_after; /* as in gcs_seat */
    uint64_t ask_after;  /* not to be asked for an echo before this */
    bool hears;          /* and gave one in time */
    bool answered;       /* own ballot's prepare */
};

enum gcs_agreement_timer {
    TIMER_START,    /* a join waits for company */
    TIMER_POLL,     /* repeat the poll */
    TIMER_SEND,     /* repeat own ballot's frames */
    TIMER_WAIT,     /* end of the wait for every unsuspected member */
    TIMER_PATIENCE, /* no decision in time: a ballot of one's own */
    TIMER_FETCH,
    TIMER_WISH,
    TIMER_LINKS, /* a suspicion has been borne for long enough */
    TIMER_CONFIRM,
    TIMER_SERVE, /* out, and has served long enough */
    TIMERS
};

/* Who goes with a view's end. */
enum gcs_going { GOING_LEAVERS, GOING_NOBODY, GOING_ALL };

enum gcs_ballot_phase { PHASE_NONE, PHASE_PREPARING, PHASE_PROPOSING };

/* What the promises to the own ballot add up to. */
struct gcs_reports {
    uint64_t *cut; /* per rank: the union so far */
    uint16_t *holder;
    uint64_t time;   /* the latest */
    uint64_t weight; /* of the longest report */
    bool any;
    struct gcs_ballot accepted; /* the highest ballot with an accepted value */
    struct gcs_value *value;    /* and that value */
};

struct gcs_agreement {
    struct gcs_agreement_config config;
    const struct gcs_view *view;
    struct gcs_seat *seats;
    uint64_t timer[TIMERS];

    /* acceptor */
    bool frozen;
    struct gcs_ballot promised;
    struct gcs_value *want; /* proposed in ballot promised, not yet held */
    bool want_counted;
    struct gcs_ballot accepted_in;
    struct gcs_value *accepted;

    /* proposer */
    struct gcs_ballot own;
    enum gcs_ballot_phase phase;
    uint32_t seen;           /* highest counter met */
    uint64_t joiners_until;  /* the ballot waits for their answers, ... */
    uint64_t promises_until; /* ... and for those of the members that are not missed */
    uint64_t ends_at;        /* ... and in any ballot for those who are, if the group would end */
    uint64_t send_gap;
    struct gcs_reports reports;
    enum gcs_going going; /* in the value being made: see value.c */
    struct gcs_value *value;

    /* poll */
    struct gcs_poll poll; /* count 0: none under way */
    bool poll_frozen;     /* somebody has promised: the view ends in any case */
    uint64_t poll_gap;
    uint64_t poll_since;

    /* pending */
    struct gcs_wish wish; /* this member's own */
    uint64_t wish_gap;
    uint32_t wishes_sent;
    uint64_t wished_at;
    uint64_t judge_at; /* complaints have been heard, and others may come until then */
    struct gcs_joiner *joiners;
    uint16_t joiners_count;
    uint64_t start_at; /* the first of them has waited for company long enough */

    /* settled */
    struct gcs_value *decision;
    bool installed;
    bool retired;
    bool settle_counted;
    uint64_t give_up; /* a leaver stops fetching */
    uint64_t confirm_gap;

    struct gcs_value *came_from; /* the decision that made this view */
    uint64_t behind_after;       /* who is behind is not to be told again before this */

    uint64_t *held;   /* scratch: own holdings */
    uint64_t *report; /* scratch: a promise being read */
    uint8_t *scratch; /* frames being written */
    size_t scratch_size;
};

/* ---- agreement.c ------------------------------------------------------------------------ */

struct gcs_writer gcs_agreement_writer(struct gcs_agreement *m);
/* Sends what was written, unless it did not fit. */
void gcs_agreement_send(struct gcs_agreement *m, uint16_t rank, uint8_t type,
                        const struct gcs_writer *w);
void gcs_agreement_holdings(struct gcs_agreement *m);
uint64_t gcs_agreement_time(const struct gcs_agreement *m);
/* Own holdings reach the cut; false: m->held says how far they go. */
bool gcs_agreement_covers(struct gcs_agreement *m, const uint64_t *cut);
/* Nobody can hold so much: more than this member has sent, or beyond a sender's window. */
bool gcs_agreement_impossible(struct gcs_agreement *m, const uint64_t *held);
/* Those of whom this holds are a quorum of the closing view. */
bool gcs_agreement_quorum(const struct gcs_agreement *m, bool (*holds)(const struct gcs_seat *));
void gcs_agreement_arm(struct gcs_agreement *m, enum gcs_agreement_timer timer, uint64_t at);
/* Doubles a gap between repetitions, up to 32 times retry_ns. */
uint64_t gcs_agreement_back_off(const struct gcs_agreement *m, uint64_t gap);

/* ---- value.c ---------------------------------------------------------------------------- */

/* From a frame: 0 and *value with one reference; GCS_EMALFORMED, GCS_ENOMEM. closing: NULL for
 * a reader who is not in that view. */
int gcs_value_decode(const struct gcs_allocator *allocator, const struct gcs_view *closing,
                     const uint8_t *body, size_t size, struct gcs_value **value);
/* The same at a member, which also knows what nobody can hold. */
int gcs_value_read(struct gcs_agreement *m, const uint8_t *body, size_t size,
                   struct gcs_value **value);
/* A copy with the bytes that every member has; NULL: out of memory. */
struct gcs_value *gcs_value_copy(const struct gcs_allocator *allocator,
                                 const struct gcs_proposal *proposal);
/* The next view out of the reports of own ballot; NULL: not now (too few would come along, but
 * somebody may yet promise; or out of memory). */
struct gcs_value *gcs_value_make(struct gcs_agreement *m);
/* A group ends only when all voters who are not missed go, also those to be. */
bool gcs_value_may_end(const struct gcs_agreement *m);
struct gcs_value *gcs_value_ref(struct gcs_value *value);
void gcs_value_drop(struct gcs_value **value);

/* ---- poll.c ----------------------------------------------------------------------------- */

/* Suspected, or gone, or to go because of bad links. */
bool gcs_seat_missed(const struct gcs_seat *seat);
/* Own place among the members that are not missed: 0 is the candidate. */
uint16_t gcs_poll_place(const struct gcs_agreement *m);
/* The senior member that is not missed. */
uint16_t gcs_poll_candidate(const struct gcs_agreement *m);
/* Looks whether a poll or a ballot is due, and begins it. */
void gcs_poll_consider(struct gcs_agreement *m, uint64_t now);
void gcs_poll_repeat(struct gcs_agreement *m, uint64_t now);
void gcs_poll_stop(struct gcs_agreement *m);
int gcs_poll_frame(struct gcs_agreement *m, uint64_t now, uint16_t from, const uint8_t *body,
                   size_t size);
int gcs_vote_frame(struct gcs_agreement *m, uint64_t now, uint16_t from, const uint8_t *body,
                   size_t size);

/* ---- ballot.c --------------------------------------------------------------------------- */

void gcs_ballot_start(struct gcs_agreement *m, uint64_t now);
void gcs_ballot_give_up(struct gcs_agreement *m);
/* Proposes if the promises are enough. */
void gcs_ballot_propose(struct gcs_agreement *m, uint64_t now);
void gcs_ballot_repeat(struct gcs_agreement *m, uint64_t now);
/* Sends this joiner own ballot's prepare. */
void gcs_ballot_ask_joiner(struct gcs_agreement *m, const struct gcs_joiner *joiner);
/* Frozen for long without a decision. */
void gcs_ballot_impatient(struct gcs_agreement *m, uint64_t now);
/* The first promise: from now on it is counted how long the end of the group can wait. */
void gcs_ballot_freeze(struct gcs_agreement *m, uint64_t now);
/* Arms TIMER_PATIENCE: something new has happened in this ballot. */
void gcs_ballot_be_patient(struct gcs_agreement *m, uint64_t now);
/* If the ballot's owner is missed, who is next in line need not wait for it so long. */
void gcs_ballot_hurry(struct gcs_agreement *m, uint64_t now);
/* Own acceptance, or another's. */
void gcs_ballot_accepted(struct gcs_agreement *m, uint64_t now, uint16_t from);
int gcs_promise_frame(struct gcs_agreement *m, uint64_t now, uint16_t from, const uint8_t *body,
                      size_t size);
int gcs_accept_frame(struct gcs_agreement *m, uint64_t now, uint16_t from, const uint8_t *body,
                     size_t size);

/* ---- acceptor.c ------------------------------------------------------------------------- */

/* Promises, which freezes. */
void gcs_acceptor_promise(struct gcs_agreement *m, uint64_t now, struct gcs_ballot ballot);
/* Takes over a proposal in ballot promised (and the reference), fetches, accepts. */
void gcs_acceptor_want(struct gcs_agreement *m, uint64_t now, struct gcs_value *value);
/* Accepts what is wanted if it is held; fetch: asks for what is missing. */
void gcs_acceptor_try(struct gcs_agreement *m, uint64_t now, bool fetch);
int gcs_prepare_frame(struct gcs_agreement *m, uint64_t now, uint16_t from, const uint8_t *body,
                      size_t size);
int gcs_propose_frame(struct gcs_agreement *m, uint64_t now, uint16_t from, const uint8_t *body,
                      size_t size);
/* A ballot that somebody could have started by now. */
bool gcs_ballot_plausible(const struct gcs_agreement *m, struct gcs_ballot ballot);

/* ---- pending.c -------------------------------------------------------------------------- */

bool gcs_pending_joiners(const struct gcs_agreement *m, uint64_t now);
/* All joiners that have been heard lately have answered own ballot's prepare. */
bool gcs_pending_answered(const struct gcs_agreement *m, uint64_t now);
int gcs_join_frame(struct gcs_agreement *m, uint64_t now, uint16_t from, const uint8_t *body,
                   size_t size);

/* ---- links.c ---------------------------------------------------------------------------- */

/* Complains about those who have been suspected for long. */
void gcs_links_look(struct gcs_agreement *m, uint64_t now);
/* Somebody has complained, or no longer does: chooses who is to go, in time. */
void gcs_links_judge(struct gcs_agreement *m, uint64_t now);
/* Who is missed may have changed, so the choice may be another, or none. */
void gcs_links_judge_again(struct gcs_agreement *m, uint64_t now);
/* What a member complained of before it fell silent: it says so again if it still holds. */
void gcs_links_forget(struct gcs_agreement *m, uint64_t now, uint16_t rank);

/* ---- wish.c ----------------------------------------------------------------------------- */

/* It leaves, or is to be evicted. */
bool gcs_seat_goes(const struct gcs_seat *seat);
/* Somebody wants something that a next view can give. */
bool gcs_wish_pending(const struct gcs_agreement *m);
void gcs_wish_repeat(struct gcs_agreement *m, uint64_t now);
/* Own wishes have changed. */
void gcs_wish_say(struct gcs_agreement *m, uint64_t now);
int gcs_wish_frame(struct gcs_agreement *m, uint64_t now, uint16_t from, const uint8_t *body,
                   size_t size);

/* ---- settle.c --------------------------------------------------------------------------- */

/* Decided. announce: here and now, so everybody must be told. Keeps a reference of its own. */
void gcs_settle_decide(struct gcs_agreement *m, uint64_t now, struct gcs_value *value,
                       bool announce);
/* Installs if everything is held; fetch: asks for what is missing. */
void gcs_settle_try(struct gcs_agreement *m, uint64_t now, bool fetch);
/* Somebody speaks as if nothing were decided: INSTALL, not too often. */
void gcs_settle_tell(struct gcs_agreement *m, uint64_t now, uint16_t rank);
/* A joiner, likewise, if it is in. */
void gcs_settle_tell_joiner(struct gcs_agreement *m, uint64_t now, struct gcs_joiner *joiner);
void gcs_settle_repeat(struct gcs_agreement *m, uint64_t now);
void gcs_settle_served(struct gcs_agreement *m);
int gcs_install_frame(struct gcs_agreement *m, uint64_t now, uint16_t from, const uint8_t *body,
                      size_t size);
int gcs_confirm_frame(struct gcs_agreement *m, uint64_t now, uint16_t from, const uint8_t *body,
                      size_t size);

#endif
