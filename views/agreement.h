/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Agreement on the end of one view: the next view and the cut.
 *
 * One machine per member and view, from installation until the next view has
 * ended as well: it serves those who are late. Ballots run among the members of
 * the closing view as in Paxos (Lamport, "The Part-Time Parliament"): prepare,
 * promise, propose, accept, decided when a majority of the closing view and a
 * majority of those who come along have accepted. A promise freezes its giver
 * for good: the view ends in a next one. An accepted value is proposed again
 * unchanged. Before a first ballot a poll asks whether a majority misses the
 * suspects too; it freezes nobody.
 *
 * If everybody leaves the value has no members, a majority of the closing view
 * decides it alone, and the group has ended.
 *
 * The machine sees packets only as vectors: held[rank] = "I hold packets 1..k of
 * that member". It sends frames and asks for packets through its environment,
 * which it calls only from within the calls below, and which must not call back
 * into the same machine (getters excepted) nor free it.
 */
#ifndef GCS_VIEWS_AGREEMENT_H
#define GCS_VIEWS_AGREEMENT_H

#include "gcs/wire/membership.h"
#include <gcs/core.h>

struct gcs_agreement;

struct gcs_agreement_env {
    void *ctx;
    /* Sends a frame to a member of the closing view, or to anybody. Unreliable. */
    void (*to_rank)(void *ctx, uint16_t rank, uint8_t type, const uint8_t *body, size_t size);
    void (*to_address)(void *ctx, const struct gcs_address *to, uint8_t type, const uint8_t *body,
                       size_t size);
    /* From now on: no new packet, no delivery, no acknowledgement of more than is held now. */
    void (*freeze)(void *ctx);
    /* Writes how far this member holds each sender's packets, its own included: all that it has
     * sent (freeze() does not stop this from growing: repairs still come in). */
    void (*holdings)(void *ctx, uint64_t *held);
    /* Packets up to cut are missing: get them from their holders, or from anybody. Called again
     * from tick() as long as they are. */
    void (*fetch)(void *ctx, const uint64_t *cut, const uint16_t *holder);
    /* Somebody has evidence that a member is dead: have the detector look. May be NULL. */
    void (*doubt)(void *ctx, uint16_t rank);
    /* Decided, and everything up to the cut is held here: install. Called once. The machine goes
     * on to serve those who have not heard. If this member is not in value->members it is out; it
     * may then lack packets of the cut: one that was cut off does not fetch, and a leaver tries,
     * but not for ever. */
    void (*install)(void *ctx, const struct gcs_proposal *value);
    /* All survivors have confirmed the next view: old packets need not be kept. At a member that
     * is out: nobody needs it any more (or it has served long enough). Called once. */
    void (*retired)(void *ctx);
    /* Whether an address that asks to be let in may be, as yet; NULL: always. And one that asked
     * has not answered this member's ballot; may be NULL. */
    bool (*admits)(void *ctx, const struct gcs_address *joiner);
    void (*unanswered)(void *ctx, const struct gcs_address *joiner);
    /* The group time that no delivery out of what is held here is beyond; NULL: 0. */
    uint64_t (*time)(void *ctx);
};

struct gcs_agreement_config {
    const struct gcs_allocator *allocator;
    const struct gcs_view *view; /* the closing view; outlives the machine */
    /* The decision that made this view, for a member that joined by it and so has no machine of the
     * view before: see gcs_agreement_behind. Copied; NULL: none. */
    const struct gcs_proposal *came_from;
    /* Copied into proposals. window_packets: nobody can be further ahead of anybody; 0: not
     * checked. state: joiners begin without a vote. */
    struct gcs_settings settings;
    uint64_t retry_ns;   /* repeat unanswered frames after this; 10 ms */
    uint64_t ballot_ns;  /* wait this long for joiners; what a ballot should take; 60 ms */
    uint64_t promise_ns; /* wait this long for a member that is not suspected; the time in
                            which the detector would suspect it; 0: ballot_ns */
    struct gcs_counters *counters;
    struct gcs_agreement_env env;
};

int gcs_agreement_new(const struct gcs_agreement_config *config, struct gcs_agreement **machine);
void gcs_agreement_free(struct gcs_agreement *machine);

/*
 * Inputs. frame: from a member of the closing view, types GCS_FRAME_WISH .. GCS_FRAME_CONFIRM,
 * and GCS_FRAME_JOIN, which one member passes on to another. Returns 0, or, dropped and nothing
 * changed, GCS_EMALFORMED or GCS_ENOMEM (as good as lost).
 */
int gcs_agreement_frame(struct gcs_agreement *machine, uint64_t now, uint16_t from, uint8_t type,
                        const uint8_t *body, size_t size);

/* A joiner speaks. Once decided: it is told, if it is in. */
void gcs_agreement_join(struct gcs_agreement *machine, uint64_t now,
                        const struct gcs_join_request *request);

/* The failure detector's opinion of a member changed. crashed: there was evidence of death. */
void gcs_agreement_suspect(struct gcs_agreement *machine, uint64_t now, uint16_t rank,
                           bool suspected, bool crashed);

/* It has said that its process ends: what is known as a crash is the end of that. */
void gcs_agreement_closing(struct gcs_agreement *machine, uint16_t rank);

/* A newer process answers at this member's address: it is dead, and stays so. */
void gcs_agreement_gone(struct gcs_agreement *machine, uint64_t now, uint16_t rank);

/* This member wants to leave; the machine tells who must know until it is done. If the view ends
 * without (this member had promised before), ask the next view's machine again. */
void gcs_agreement_leave(struct gcs_agreement *machine, uint64_t now);

/* It is going to want that once it has sent everything: it does not end the group in a hurry. */
void gcs_agreement_depart(struct gcs_agreement *machine);

/* This member has got the group's state: the next view is to have its vote. Ask the next view's
 * machine again as with leaving. */
void gcs_agreement_ready(struct gcs_agreement *machine, uint64_t now);

/* The next view is to be without that member, which is not this one. Likewise. */
void gcs_agreement_evict(struct gcs_agreement *machine, uint64_t now, uint16_t rank);

/* This member had lost the primary, said so, and hears from a quorum again: a new view must say
 * where it stands. Nobody else may have noticed, so it starts the ballot itself. */
void gcs_agreement_renew(struct gcs_agreement *machine, uint64_t now);

/* More packets are held than before. Cheap to call when nothing waits for them. */
void gcs_agreement_held(struct gcs_agreement *machine, uint64_t now);

/* A packet sent in the next view has come from the survivor that had this rank in the closing
 * view: it has installed. Before the decision is known here, its sender is asked for it. */
void gcs_agreement_confirmed(struct gcs_agreement *machine, uint64_t now, uint16_t rank);

/* The same by the rank in the next view. */
void gcs_agreement_confirmed_next(struct gcs_agreement *machine, uint64_t now, uint16_t rank);

/* Other traffic of the closing view has come from a member of it: if the decision is known here,
 * it is told (not more often than every retry_ns). */
void gcs_agreement_late(struct gcs_agreement *machine, uint64_t now, uint16_t rank);

/*
 * When all who knew a decision died but the joiners, the joiners must tell it. behind: a packet of
 * the view before this one has come from the address of a member of this view; it is sent the
 * decision that made this view. heard_ahead: an INSTALL frame has come in a packet of a later view
 * than this one, from anybody; it counts if it is about this view. 0, GCS_EMALFORMED, GCS_ENOMEM.
 */
void gcs_agreement_behind(struct gcs_agreement *machine, uint64_t now,
                          const struct gcs_address *from);
int gcs_agreement_heard_ahead(struct gcs_agreement *machine, uint64_t now, const uint8_t *body,
                              size_t size);

void gcs_agreement_tick(struct gcs_agreement *machine, uint64_t now);
uint64_t gcs_agreement_deadline(const struct gcs_agreement *machine);

bool gcs_agreement_frozen(const struct gcs_agreement *machine);

/* It is known that the member is no more, from gcs_agreement_gone or from a joiner in its place. */
bool gcs_agreement_is_gone(const struct gcs_agreement *machine, uint16_t rank);

/* The decision, NULL before. */
const struct gcs_proposal *gcs_agreement_decision(const struct gcs_agreement *machine);

/* The body of an INSTALL frame for the decision; GCS_EAGAIN if there is none yet. */
int gcs_agreement_install_body(const struct gcs_agreement *machine, const uint8_t **body,
                               size_t *size);

#endif
