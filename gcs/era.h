/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An era: everything of one member that lives as long as one view. Windows of
 * all senders, the orders, what others have acknowledged, the agreement on the
 * view's end. It starts when the view is installed; when the next one is, it is
 * closed and only kept to serve those who still lack its packets.
 *
 * A packet's way through an era: era_receive.c (checked, kept), era_deliver.c
 * (ordered, delivered), era_send.c (numbered, acknowledged), era_repair.c (asked
 * for, repeated).
 */
#ifndef GCS_ERA_H
#define GCS_ERA_H

#include "gcs/assembly.h"
#include "gcs/order/order.h"
#include "gcs/outbox.h"
#include "gcs/pipe.h"
#include "gcs/reliable/gaps.h"
#include "gcs/reliable/loss.h"
#include "gcs/reliable/missing.h"
#include "gcs/reliable/pace.h"
#include "gcs/reliable/window.h"
#include "gcs/tree.h"
#include "gcs/wire/state.h"
#include "views/agreement.h"
#include "views/detector.h"
#include "views/lease.h"

struct gcs_core_group;

/* The orders side by side in one group: which one a packet's service belongs to. */
enum { GCS_ERA_UNORDERED, GCS_ERA_FIFO, GCS_ERA_CAUSAL, GCS_ERA_TOTAL, GCS_ERA_ORDERS };

/* The order that a service belongs to; -1: none. */
int gcs_era_order_of(uint8_t service);

/* A long message that was announced, in total order, and whose first fragment has not come. */
struct gcs_long {
    struct gcs_long *next;
    struct gcs_buffer *buffer; /* NULL: it waits for memory */
    uint64_t number;           /* of the message */
    uint32_t total;
    uint16_t rank;
    bool waited;
    bool own; /* the buffer is that of our own message, and has it already */
};

/* What one member knows of another. */
struct gcs_fellow {
    struct gcs_peer *peer;    /* NULL: self */
    struct gcs_window window; /* its packets */
    struct gcs_gaps gaps;
    uint64_t first;             /* of its packets, the number of the first that came from itself */
    struct gcs_missing missing; /* while each number is asked for by itself */
    struct gcs_loss loss;       /* on the way from it */
    uint64_t arrived;           /* its packets up to here were given to the orders */
    uint64_t taken;             /* our packets up to here its application has taken */
    uint64_t came;              /* the highest number of its packets that has come */
    uint64_t seen;        /* the highest of ours that has come to it, as far as we were told */
    uint64_t frozen_held; /* what we acknowledged when we froze */
    struct gcs_assembly assembly[GCS_ERA_ORDERS];
    struct gcs_pipe *pipe; /* NULL: no message has been sent to or by it alone */
    uint64_t room;         /* it has room for our long message of this number */
    uint32_t longs;        /* in the era's list */
    uint16_t holder;       /* while the view closes: who holds what we lack */
    uint64_t faults;       /* what came from it and cannot be right: era_conduct.c */
    uint64_t asked_at;     /* when requests of it were last forgiven */
    uint32_t asked;        /* how many are not */
    uint64_t slow_told;    /* when it last said that its application takes nothing */
    uint64_t confirmed;    /* it was still in this view after this question: see group_doubt.c */
    uint64_t came_bytes;   /* of its packets since our last STATUS */
    bool heard;            /* it is in this view too: a packet of the view came from it */
    bool survives;
    bool lossy; /* much of what it sends gets lost: to be told */
};

/* An agreed packet that was delivered and is not known to be safe. */
struct gcs_unsettled {
    uint64_t position;
    uint64_t number; /* of its last message */
    uint16_t rank;
};

struct gcs_era {
    struct gcs_core_group *group;
    const struct gcs_allocator *allocator;
    uint32_t refs; /* the group's, and one per delivery that the application has */
    struct gcs_view view;
    struct gcs_member *members;
    struct gcs_fellow *fellows;   /* per rank */
    uint64_t *held, *done, *seen; /* scratch vectors, one entry per rank */
    struct gcs_route *others;
    struct gcs_order_engine *orders[GCS_ERA_ORDERS];
    struct gcs_tree *tree; /* NULL: the view is small, all speak with all */
    struct gcs_agreement *agreement;
    struct gcs_lease lease;
    bool *granted; /* for the lease, per rank */

    bool frozen;    /* promised: nothing new is sent, delivered or acknowledged */
    bool closed;    /* the next view is installed */
    bool retired;   /* nobody needs these packets any more, ... */
    bool forgotten; /* ... and they are gone */
    bool gaps_changed;
    bool fetching;
    bool missed;      /* packets came before this member was in the view: they were dropped */
    uint64_t refused; /* packets dropped for want of room before this view, by the counters */

    struct gcs_unsettled *unsettled; /* a ring, in order */
    uint32_t unsettled_capacity;
    uint64_t unsettled_head, unsettled_tail;
    uint64_t position;     /* in the total order: what is delivered now */
    struct gcs_mark mark;  /* deliveries so far, when joiners are given the state */
    uint64_t sent;         /* own packets numbered */
    uint64_t base;         /* own packets up to here are taken by all */
    uint32_t window_bytes; /* own bytes that may be between base and sent, ... */
    uint64_t landed;       /* own packets up to here have left the network, lost or not; where there
                              is a tree nobody knows */
    uint32_t flight;       /* own bytes that may still be in it, ... */
    struct gcs_pace pace;  /* ... and how many may be */
    struct gcs_long *longs; /* in the order that all agree on */
    uint64_t long_asked;    /* own long messages up to this one were announced; 0: none */
    uint64_t long_due;      /* ask once more */
    uint32_t long_attempts;
    uint16_t pipes; /* fellows with a pipe */
    uint64_t pipes_due;
    uint16_t unheard; /* fellows not heard in this view yet */

    /* acknowledgements that wait for something to ride on */
    bool ack_owed;       /* something changed since the last STATUS */
    bool ack_now;        /* and somebody waits for it */
    bool safe_seen;      /* a safe packet came: others wait for our acknowledgement */
    uint64_t ack_bytes;  /* taken since the last STATUS */
    uint64_t came_bytes; /* and come */
    uint64_t came_most;  /* of one sender */
    uint64_t ack_due;
    /* in a large view without a tree: what only confirms waits so long after the last word, ... */
    uint64_t calm_ns;
    uint64_t rest_ns; /* ... or so long, where this member is late */
    uint64_t calm_until;
    uint64_t confirm_due;
    uint64_t late;       /* so long after confirm_due this member comes to it, as a rule */
    uint64_t packed_at;  /* when messages were sent last, ... */
    uint64_t packed_due; /* ... and when the next ones go, be the packet full or not */
    /* questions to those who do not acknowledge */
    uint64_t poke_due;
    uint32_t pokes;
    uint64_t gaps_due;
    /* deliveries that our own application does not take */
    uint64_t taken_at; /* when it last took one, or was given one with none before it */
    uint64_t slow_due;
    /* what this member cannot take: see era_pressure.c */
    uint64_t overflow_told; /* of the core's count */
    uint64_t pressure_at;   /* not before */
    uint64_t pressure_due;
    bool lossy;
    /* a word to one fellow after another while there is nothing to say: who was excluded and did
     * not hear of it hears of it then */
    uint64_t check_due;
    /* in a large view not every round looks whether there is a quorum */
    uint64_t primary_due;
    bool primary_late;
    uint16_t check_rank;
};

/* Opens the era of a view in which this member has the incarnation self. NULL: out of memory. */
struct gcs_era *gcs_era_open(struct gcs_core_group *group, uint64_t now,
                             const struct gcs_proposal *value);
/* Closed, and nobody needs its packets any more: only the decision is kept. */
void gcs_era_forget_packets(struct gcs_era *era);
/* Lets go of everything but what the application still refers to. */
void gcs_era_close(struct gcs_era *era);
/* The application is given something of this era. */
void gcs_era_ref(struct gcs_era *era);
void gcs_era_unref(struct gcs_era *era);

/* ---- receiving: era_receive.c ----------------------------------------------------------- */

/* A checked packet of this view. */
void gcs_era_receive(struct gcs_era *era, uint64_t now, const struct gcs_address *from,
                     struct gcs_buffer *buffer, const uint8_t *data, size_t size,
                     const struct gcs_packet *packet);

/* Gives the orders what has become contiguous, up to limit. GCS_ENOMEM. */
int gcs_era_arrive(struct gcs_era *era, uint16_t rank, uint64_t limit);

/* ---- delivering: era_deliver.c ---------------------------------------------------------- */

/* Delivers what the orders allow. GCS_ENOMEM: this member cannot go on. */
int gcs_era_deliver(struct gcs_era *era, uint64_t now);

/* The application has taken the packet, or there is nothing in it to take. */
void gcs_era_taken(struct gcs_era *era, uint16_t rank, uint64_t number);

/* The closing order: everything in the cut, delivered. GCS_ENOMEM. */
int gcs_era_finish(struct gcs_era *era, uint64_t now, const struct gcs_proposal *value);

/* ---- long messages: era_long.c ----------------------------------------------------------- */

/* A member announces one. GCS_ENOMEM. */
int gcs_era_announced(struct gcs_era *era, uint16_t rank, uint64_t number, uint32_t total);
/* Reserves memory for those whose turn it is, and tells their senders. */
void gcs_era_admit(struct gcs_era *era);
/* The first fragment has come: the message goes where memory was reserved. False: none was. */
bool gcs_era_begin_long(struct gcs_era *era, uint16_t rank, uint64_t number, uint32_t total,
                        struct gcs_assembly *assembly);
/* Ours is announced: from now on the others are to say that there is room. */
void gcs_era_expect_room(struct gcs_era *era, uint64_t now, uint64_t number);
/* Whether everybody has room for those of ours up to this one. */
bool gcs_era_has_room(const struct gcs_era *era, uint64_t number);
/* Asks those that have not said so, when it is time to. */
void gcs_era_ask_room(struct gcs_era *era, uint64_t now);
/* False: malformed. */
bool gcs_era_hear_room(struct gcs_era *era, uint16_t rank, const struct gcs_frame *frame);
/* The view is over: what has come of messages that are not whole is of no use. */
void gcs_era_drop_pieces(struct gcs_era *era);

/* ---- telling what has become safe: era_stable.c ------------------------------------------ */

/* Agreed messages were delivered, all of them to their ends. GCS_ENOMEM. */
int gcs_era_unsettled(struct gcs_era *era, const struct gcs_core_event *delivery);
/* Tells what has become safe since. GCS_ENOMEM. */
int gcs_era_settle(struct gcs_era *era, uint64_t now);

/* ---- sending: era_send.c ---------------------------------------------------------------- */

/* Before the calls below: what they wait for is to be found out anew. */
void gcs_era_begin_round(struct gcs_era *era, uint64_t now);

/* Numbers and multicasts what the window allows, order and acknowledgements with it. */
int gcs_era_send(struct gcs_era *era, uint64_t now);

/* For a new view: how long what only confirms waits after the last word to all; 0: not at all. */
void gcs_era_calm(struct gcs_era *era);

/* A packet with one control frame to one address; the group speaks as this view's member. */
void gcs_era_send_frame(struct gcs_era *era, const struct gcs_address *to, uint8_t type,
                        const uint8_t *body, size_t size);

/* A word of this view to one address: whoever has left the view behind answers with the decision.
 */
void gcs_era_send_status_to(struct gcs_era *era, const struct gcs_address *to);

/* All others in the view are to say where they are. */
void gcs_era_ask(struct gcs_era *era);

/* Acknowledges, asks and answers when it is time to. */
void gcs_era_acknowledge(struct gcs_era *era, uint64_t now);

/* Our packets that everybody has taken may go. */
void gcs_era_update_base(struct gcs_era *era);

/* The member is no more: for the agreement, and when quorums are counted. */
void gcs_era_gone(struct gcs_era *era, uint64_t now, uint16_t rank);

void gcs_era_freeze(struct gcs_era *era, uint64_t now);

/* ---- repairing: era_repair.c ------------------------------------------------------------ */

/* The beginning of a view: what was dropped before it. */
void gcs_era_note_drops(struct gcs_era *era);
/* Packets to or from a peer may have been lost, on a reliable network. */
void gcs_era_link_broke(struct gcs_era *era, uint64_t now, const struct gcs_peer *peer);
void gcs_era_request_repairs(struct gcs_era *era, uint64_t now);
/* Whether each missing number has a clock of its own; otherwise each sender's gap has one. */
bool gcs_era_asks_each(const struct gcs_era *era);
/* Repeats to the asker, of that rank, what it lacks. */
void gcs_era_repair(struct gcs_era *era, uint64_t now, const struct gcs_address *to, uint16_t asker,
                    const struct gcs_nack *nack);
void gcs_era_fetch(struct gcs_era *era, uint64_t now, const uint64_t *cut, const uint16_t *holder);

/* ---- what cannot be right: era_conduct.c ------------------------------------------------- */

/* Counts it, and holds it against the member. */
void gcs_era_blame(struct gcs_era *era, uint16_t rank, uint64_t *counter);
/* Whether a member may ask once more; it is blamed if it may not. */
bool gcs_era_admits(struct gcs_era *era, uint64_t now, uint16_t rank);
/* Numbers that were never sent, which nobody can lack. */
bool gcs_era_is_forged(const struct gcs_era *era, const struct gcs_nack *nack);
/* A packet came once more, if it is held. */
void gcs_era_compare(struct gcs_era *era, const struct gcs_address *from, uint16_t rank,
                     uint64_t number, const uint8_t *data, size_t size);

/* ---- messages to one member: era_private.c ---------------------------------------------- */

/* The pipe to a fellow, made if need be; NULL: out of memory. */
struct gcs_pipe *gcs_era_pipe(struct gcs_era *era, uint16_t rank);
/* Sends, sends again, acknowledges. GCS_ENOMEM. */
int gcs_era_run_pipes(struct gcs_era *era, uint64_t now);
int gcs_era_private_receive(struct gcs_era *era, uint16_t rank, const struct gcs_held *packet,
                            uint64_t number, uint64_t base);
void gcs_era_private_acked(struct gcs_era *era, uint64_t now, uint16_t rank, uint64_t held,
                           uint64_t taken);
void gcs_era_private_taken(struct gcs_era *era, const struct gcs_member_id *sender,
                           uint64_t number);
/* Pipes between members that come along come along too. */
void gcs_era_inherit_pipes(struct gcs_era *era, struct gcs_era *before);

/* ---- applications that take nothing: era_slow.c ------------------------------------------ */

/* Tells the others if ours has taken nothing for too long. */
void gcs_era_slow(struct gcs_era *era, uint64_t now);
/* False: malformed. */
bool gcs_era_hear_slow(struct gcs_era *era, uint64_t now, uint16_t rank, const uint8_t *body,
                       size_t size);

/* ---- congestion: era_pressure.c ---------------------------------------------------------- */

/* Tells the senders that more comes than this member can take. */
void gcs_era_pressure(struct gcs_era *era, uint64_t now);
/* A packet of a sender's has come for the first time; repaired: it had been asked for. */
void gcs_era_note_loss(struct gcs_era *era, uint16_t rank, bool repaired);
/* False: malformed. */
bool gcs_era_hear_pressure(struct gcs_era *era, uint64_t now, uint16_t rank, const uint8_t *body,
                           size_t size);
/* A packet of ours goes out. */
void gcs_era_note_flight(struct gcs_era *era, uint64_t now, uint64_t number, uint32_t size);
/* A member says that our packets up to number have come to it or are lost. */
void gcs_era_note_seen(struct gcs_era *era, uint64_t now, uint16_t rank, uint64_t number);
/* Whether the network has room for so many bytes more of ours. */
bool gcs_era_may_fly(struct gcs_era *era, uint64_t now, uint32_t bytes);

uint64_t gcs_era_deadline(const struct gcs_era *era);

#endif
