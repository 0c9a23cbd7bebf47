/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Agreement on the next view and the flush of the closing one, for spin.
 *
 * One closing view of N members, the bits of masks. Each sends one packet at
 * most, numbered like its sender. There are BALLOTS ballots, 1 the lowest; each
 * may be started by anybody, in any order, so that coordinators rival and succeed
 * each other. A member is a process that takes any step that is open to it; so it
 * may be slow, or mistaken about the others, for as long as it likes.
 *
 * The network: what was sent may arrive at any time, often, or never. So frames
 * are not queued; that they were sent is part of the state, and whoever may
 * receive one looks there. Where it makes a difference that a frame is lost there
 * are two steps, one for each fate. Packets are had from whoever holds them.
 *
 * README.md says which code each step stands for, and what is left out.
 * -DMISTAKE_x plants a bug, which must make an assertion fail. -DSTORY_x asserts
 * that something does not happen that should.
 */

#ifndef N
#define N 3 /* or 4 */
#endif
#ifndef BALLOTS
#define BALLOTS 3 /* 2 to 4 */
#endif
#ifndef OWNERS_1
#define OWNERS_1 ALL /* masks: who may start the ballot */
#endif
#ifndef OWNERS_2
#define OWNERS_2 ALL
#endif
#ifndef OWNERS_3
#define OWNERS_3 ALL
#endif
#ifndef OWNERS_4
#define OWNERS_4 ALL
#endif
#ifndef SENDERS
#define SENDERS 1 /* a mask: who may send */
#endif
#ifndef LEAVERS
#define LEAVERS 0 /* a mask: who wants to leave, or is to be evicted */
#endif
#ifndef CRASHES
#define CRASHES 1 /* so many members die, at any time */
#endif
#ifndef WEIGHT_0
#define WEIGHT_0 1 /* votes; the others have one each */
#endif
#ifndef TIE_BREAKER
#define TIE_BREAKER 0
#endif

#define ALL ((1 << N) - 1)
#define BIT(i) (1 << (i))
#define HAS(mask, i) (((mask) >> (i)) & 1)
#define COUNT(mask) (HAS(mask, 0) + HAS(mask, 1) + HAS(mask, 2) + HAS(mask, 3))
#define WITHIN(a, b) (((a) & ~(b)) == 0)
#define me _pid /* the members are the first processes */

#if N == 3
#define UNION(of) (of(0) | of(1) | of(2))
#else
#define UNION(of) (of(0) | of(1) | of(2) | of(3))
#endif

/* ---- Quorums ---------------------------------------------------------------------------- */

#define VOTES(mask) (HAS(mask, 0) * WEIGHT_0 + HAS(mask, 1) + HAS(mask, 2) + HAS(mask, 3))
#if defined(MISTAKE_TIE_WITHOUT_SENIOR)
#define SENIOR_IN(mask, of) 1
#else
#define SENIOR_IN(mask, of) (((mask) & (of) & -(of)) != 0)
#endif
#if TIE_BREAKER
#define TIE_IS_ENOUGH(mask, of) ((of) != 0 && 2 * VOTES((mask) & (of)) == VOTES(of) && SENIOR_IN(mask, of))
#else
#define TIE_IS_ENOUGH(mask, of) 0
#endif
#define QUORUM(mask, of) (2 * VOTES((mask) & (of)) > VOTES(of) || TIE_IS_ENOUGH(mask, of))
#define QUORUM_BUT_ONE(mask) (2 * (VOTES(mask) + 1) > VOTES(ALL))

/* ---- State ------------------------------------------------------------------------------ */

byte dead;      /* masks of members */
byte frozen;    /* by the first promise, for good */
byte installed; /* the next view; or has been told that it is out */

byte sent;      /* masks of packets */
byte held[N];
byte done[N];   /* acknowledged, and delivered as agreed: as early as may be */
byte safe;      /* somebody has delivered it as safe: as early as may be */

byte promised[N]; /* ballots; 0: none */
byte accepted[N];

#define IDLE 0
#define PREPARING 1
#define GIVEN_UP 2 /* before anything was proposed */
#define PROPOSED 3
byte phase[BALLOTS + 1];
byte owner[BALLOTS + 1];
#define NOBODY 4
byte reporters[BALLOTS + 1];   /* while it prepares: whose promises have arrived, */
byte reported[BALLOTS + 1];    /* what they hold, together, */
byte reported_in[BALLOTS + 1]; /* the highest ballot in which one of them has accepted */
byte value[BALLOTS + 1];       /* what it proposed: the ballot that made this value */
byte acceptors[BALLOTS + 1];   /* who has told the owner that it accepted in this ballot */

byte survivors[BALLOTS + 1]; /* the values, by the ballots that made them */
byte cut[BALLOTS + 1];

byte decided; /* a value; 0: none yet */

/* No part of the state: spin prints these names when an assertion fails. */
hidden byte one_history, primary_component, uniformity, virtual_synchrony, self_delivery;
hidden byte cut_at_hand, no_dead_end, promise_kept, came_with_promise, story;
hidden byte x;

/* ---- Invariants ------------------------------------------------------------------------- */

#define HOLDING(i) held[i]
#define HOLDINGS UNION(HOLDING)

/* No two values are decided; and there is a way from each view to the next. */
inline check_history(v)
{
    one_history = decided == 0 || decided == v;
    assert(one_history);
    primary_component =
        survivors[v] == 0 || QUORUM(survivors[v], ALL & ~(LEAVERS & ~survivors[v]));
    assert(primary_component)
}

/* What anybody has delivered as safe belongs to the closing view for everybody. */
inline check_uniformity()
{
    uniformity = decided == 0 || WITHIN(safe, cut[decided]);
    assert(uniformity)
}

#define LIVE_SURVIVORS (survivors[decided] & ~dead)
#define HELD_BY_SURVIVOR(i) (HAS(LIVE_SURVIVORS, i) * held[i])

/* While the next view has a quorum, whoever has yet to install it can have the cut. */
inline check_cut_at_hand()
{
    cut_at_hand = decided == 0 || WITHIN(LIVE_SURVIVORS, installed) ||
                  !QUORUM(LIVE_SURVIVORS, survivors[decided]) ||
                  WITHIN(cut[decided], UNION(HELD_BY_SURVIVOR));
    assert(cut_at_hand)
}

/* These two are not guarantees but what they rest on; without them a mistake shows what it does. */
#ifdef GUARANTEES_ONLY
#define check_promise_kept(b) skip
#define check_came_with_promise() skip
#else
inline check_promise_kept(b)
{
    promise_kept = promised[me] <= b;
    assert(promise_kept)
}

inline check_came_with_promise()
{
    came_with_promise = HAS(frozen, me);
    assert(came_with_promise)
}
#endif

/* ---- Packets ---------------------------------------------------------------------------- */

#ifdef MISTAKE_ACK_AFTER_FREEZE
#define ACKNOWLEDGED(i) (done[i] | held[i])
#else
#define ACKNOWLEDGED(i) done[i]
#endif
#ifdef MISTAKE_DELIVER_AFTER_FREEZE
#define DELIVERED(i) (done[i] | held[i])
#else
#define DELIVERED(i) done[i]
#endif
#ifdef MISTAKE_SAFE_MINORITY
#define ENOUGH_HOLD(mask) QUORUM_BUT_ONE(mask)
#else
#define ENOUGH_HOLD(mask) QUORUM(mask, ALL)
#endif

hidden byte acknowledgers;
#define DELIVERED_BY(i) ((1 - HAS(frozen, i)) * done[i])

/* Packet p reaches this member, which acknowledges and delivers it unless it is frozen. */
inline hold(p)
{
    held[me] = held[me] | BIT(p);
    if
    :: !HAS(frozen, me) -> done[me] = done[me] | BIT(p)
    :: else
    fi;
    acknowledgers = 0;
    for (x : 0 .. N - 1) {
        acknowledgers = acknowledgers | (HAS(ACKNOWLEDGED(x), p) << x)
    }
    if
    :: ENOUGH_HOLD(acknowledgers) && HAS(UNION(DELIVERED_BY), p) -> safe = safe | BIT(p)
    :: else
    fi;
    x = 0;
    check_uniformity()
}

/* ---- Ballots ---------------------------------------------------------------------------- */

/* Own ballots but b: what is proposed may yet be accepted, but nobody counts that any more. */
inline give_up_but(b)
{
    for (x : 1 .. BALLOTS) {
        if
        :: phase[x] != IDLE && owner[x] == me && x != b ->
            owner[x] = NOBODY;
            acceptors[x] = 0;
            reporters[x] = 0;
            reported[x] = 0;
            reported_in[x] = 0;
            if
            :: phase[x] == PREPARING -> phase[x] = GIVEN_UP
            :: else
            fi
        :: else
        fi
    }
    x = 0
}

inline promise(b)
{
    check_promise_kept(b);
    promised[me] = b;
    frozen = frozen | BIT(me);
    give_up_but(b)
}

#if defined(MISTAKE_CUT_INTERSECTION)
#define MERGED(b) (reporters[b] == 0 -> held[me] : reported[b] & held[me])
#elif defined(MISTAKE_CUT_LONGEST)
#define MERGED(b) (COUNT(held[me]) > COUNT(reported[b]) -> held[me] : reported[b])
#else
#define MERGED(b) (reported[b] | held[me])
#endif
#ifdef MISTAKE_REPROPOSE_LOWEST
#define BEATS(a, b) ((a) != 0 && ((a) < (b) || (b) == 0))
#else
#define BEATS(a, b) ((a) > (b))
#endif

inline report(b)
{
    reported[b] = MERGED(b);
    reporters[b] = reporters[b] | BIT(me);
    if
    :: BEATS(accepted[me], reported_in[b]) -> reported_in[b] = accepted[me]
    :: else
    fi
}

/* Prepare is heard again, and the answer adds something to what the owner has. */
#ifdef MISTAKE_NO_REPETITION
#define REPEATED(b) 0
#else
#define REPEATED(b) \
    (!HAS(reporters[b], me) || MERGED(b) != reported[b] || BEATS(accepted[me], reported_in[b]))
#endif

/* Who comes along: promisers less those who go, who stay once more if too few would be left. */
inline make_value(b, going)
{
    value[b] = b;
    cut[b] = reported[b];
#ifdef MISTAKE_SURVIVORS_UNPROMISED
    survivors[b] = ALL & ~(going);
#else
    survivors[b] = reporters[b] & ~(going);
#endif
    if
    :: !QUORUM(survivors[b], ALL & ~(going)) && (going) != ALL -> survivors[b] = reporters[b]
    :: else
    fi
}

inline propose(b, going)
{
    if
#ifndef MISTAKE_NO_REPROPOSAL
    :: reported_in[b] != 0 ->
        value[b] = value[reported_in[b]];
#ifdef MISTAKE_REPROPOSE_CHANGED
        survivors[b] = survivors[value[b]];
        cut[b] = cut[value[b]] | reported[b];
        value[b] = b
#endif
#endif
    :: else -> make_value(b, going)
    fi;
    phase[b] = PROPOSED;
    reporters[b] = 0;
    reported[b] = 0;
    reported_in[b] = 0
}

inline accept(b)
{
    promise(b);
    accepted[me] = b;
    if
    :: owner[b] != NOBODY -> acceptors[b] = acceptors[b] | BIT(me)
    :: else
    fi
}

#define SURVIVORS(b) survivors[value[b]]
#if defined(MISTAKE_INSTALL_WITHOUT_MAJORITY)
#define ENOUGH_ACCEPT(b) (acceptors[b] != 0)
#elif defined(MISTAKE_NO_SECOND_MAJORITY)
#define ENOUGH_ACCEPT(b) QUORUM(acceptors[b], ALL)
#else
#define ENOUGH_ACCEPT(b) (QUORUM(acceptors[b], ALL) && \
    (SURVIVORS(b) == 0 || QUORUM(acceptors[b], SURVIVORS(b))))
#endif

/* ---- The end ---------------------------------------------------------------------------- */

inline decide(b)
{
    check_history(value[b]);
    decided = value[b];
    check_uniformity();
    check_cut_at_hand()
}

/* Those who go together have delivered nothing beyond the cut, and now deliver the rest of it. */
inline check_synchrony()
{
    virtual_synchrony = WITHIN(DELIVERED(me), cut[decided]);
    assert(virtual_synchrony);
    self_delivery = WITHIN(sent & BIT(me), cut[decided]);
    assert(self_delivery)
}

/* What should be possible: otherwise the model would say nothing about it. */
#if defined(STORY_ALL_COME_ALONG)
#define STORY (installed == ALL && survivors[decided] == ALL && dead == 0 && sent == cut[decided])
#elif defined(STORY_SUCCESSORS_FINISH)
#define STORY (decided == 1 && value[BALLOTS] == 1 && owner[1] == NOBODY && dead != 0)
#elif defined(STORY_SAFE_OUTLIVES_ITS_SENDER)
#define STORY ((safe & dead & ~survivors[decided]) != 0 && WITHIN(ALL & ~dead, installed))
#elif defined(STORY_MESSAGE_DIES_WITH_ITS_SENDER)
#define STORY ((sent & dead & ~cut[decided]) != 0 && WITHIN(ALL & ~dead, installed))
#elif defined(STORY_CUT_OFF_KNOWS_MORE)
#define STORY (!HAS(survivors[decided], me) && !WITHIN(DELIVERED(me), cut[decided]))
#elif defined(STORY_LEAVERS_STAY)
#define STORY (HAS(survivors[decided] & LEAVERS, me) && LEAVERS != ALL)
#elif defined(STORY_GROUP_ENDS)
#define STORY (survivors[decided] == 0)
#else
#define STORY 0
#endif

inline install()
{
    if
    :: HAS(survivors[decided], me) ->
        check_came_with_promise();
        check_synchrony();
#ifdef MISTAKE_DROP_OLD_VIEW_PACKETS
        held[me] = 0
#endif
    :: else -> held[me] = 0
    fi;
    installed = installed | BIT(me);
    frozen = frozen | BIT(me);
    promised[me] = 0;
    accepted[me] = 0;
    give_up_but(0);
    check_cut_at_hand();
    story = !(STORY);
    assert(story)
}

inline crash()
{
    dead = dead | BIT(me);
    frozen = frozen | BIT(me);
    promised[me] = 0;
    accepted[me] = 0;
    held[me] = 0;
    give_up_but(0);
    check_cut_at_hand()
}

/* ---- Steps ------------------------------------------------------------------------------ */

#define ACTIVE (!HAS(dead | installed, me))
#ifdef MISTAKE_PROMISE_AFTER_INSTALL
#define VOTES_STILL (!HAS(dead, me))
#else
#define VOTES_STILL ACTIVE
#endif
#ifdef MISTAKE_FORGET_PROMISE
#define TIMELY(b) 1
#else
#define TIMELY(b) (promised[me] <= (b))
#endif
#ifdef MISTAKE_PROMISE_MINORITY
#define ENOUGH_PROMISE(b) QUORUM_BUT_ONE(reporters[b])
#else
#define ENOUGH_PROMISE(b) QUORUM(reporters[b], ALL)
#endif
#ifdef MISTAKE_ACCEPT_WITHOUT_FETCH
#define FETCHED(v) 1
#else
#define FETCHED(v) WITHIN(cut[v], held[me])
#endif
#ifdef MISTAKE_SEND_AFTER_FREEZE
#define MAY_SEND 1
#else
#define MAY_SEND (!HAS(frozen, me))
#endif

#define SEND \
    :: d_step { HAS(SENDERS & ~sent, me) && MAY_SEND && ACTIVE -> \
           sent = sent | BIT(me); hold(me) }

#define TAKE(p) \
    :: d_step { HAS(HOLDINGS & ~held[me], p) && ACTIVE -> hold(p) }

#define START(b, owners) \
    :: d_step { phase[b] == IDLE && HAS(owners, me) && promised[me] < b && ACTIVE -> \
           phase[b] = PREPARING; owner[b] = me; promise(b); report(b) }

#define PROMISE(b) \
    :: d_step { phase[b] == PREPARING && owner[b] != me && TIMELY(b) && VOTES_STILL && \
                (promised[me] != b || REPEATED(b)) -> \
           promise(b); report(b) }

#define PROMISE_LOST(b) \
    :: d_step { phase[b] != IDLE && owner[b] != me && promised[me] != b && TIMELY(b) && \
                VOTES_STILL -> \
           promise(b) }

#define PROPOSE(b, going) \
    :: d_step { phase[b] == PREPARING && owner[b] == me && ENOUGH_PROMISE(b) -> propose(b, going) }

/* The members that do not go are missed by everybody else; may be wrongly. */
#define PROPOSE_END(b) \
    :: d_step { phase[b] == PREPARING && owner[b] == me && ENOUGH_PROMISE(b) && \
                VOTES(reporters[b] & ~LEAVERS) == 0 -> \
           propose(b, ALL) }

#define ACCEPT(b) \
    :: d_step { phase[b] == PROPOSED && accepted[me] != b && TIMELY(b) && FETCHED(value[b]) && \
                VOTES_STILL -> \
           accept(b) }

#define DECIDE(b) \
    :: d_step { phase[b] == PROPOSED && owner[b] == me && ENOUGH_ACCEPT(b) && \
                decided != value[b] && ACTIVE -> \
           decide(b) }

#define INSTALL \
    :: d_step { decided != 0 && ACTIVE && \
                (!HAS(survivors[decided], me) || WITHIN(cut[decided], held[me])) -> \
           install() }

#define CRASH \
    :: d_step { COUNT(dead) < CRASHES && !HAS(dead, me) -> crash() }

#define UNFREEZE \
    :: d_step { HAS(frozen, me) && accepted[me] == 0 && ACTIVE -> \
           frozen = frozen & ~BIT(me); done[me] = held[me] }

#if LEAVERS
#define PROPOSE_ANY(b) PROPOSE(b, 0) PROPOSE(b, LEAVERS) PROPOSE_END(b)
#else
#define PROPOSE_ANY(b) PROPOSE(b, 0)
#endif
#define BALLOT(b, owners) \
    START(b, owners) PROMISE(b) PROMISE_LOST(b) PROPOSE_ANY(b) ACCEPT(b) DECIDE(b)

active [N] proctype member()
{
end:
    do
    SEND
    TAKE(0)
    TAKE(1)
    TAKE(2)
#if N > 3
    TAKE(3)
#endif
    BALLOT(1, OWNERS_1)
    BALLOT(2, OWNERS_2)
#if BALLOTS > 2
    BALLOT(3, OWNERS_3)
#endif
#if BALLOTS > 3
    BALLOT(4, OWNERS_4)
#endif
    INSTALL
    CRASH
#ifdef MISTAKE_UNFREEZE
    UNFREEZE
#endif
    od
}

#define LIVE (ALL & ~dead)
#define LAST value[BALLOTS]
#if BALLOTS == 2
#define OWNERS_LAST OWNERS_2
#elif BALLOTS == 3
#define OWNERS_LAST OWNERS_3
#else
#define OWNERS_LAST OWNERS_4
#endif
/* One more ballot would help, but there is none: it has no owner, or its cut no holder any more. */
#define NO_BALLOT_LEFT \
    (decided == 0 && (owner[BALLOTS] == NOBODY || !WITHIN(cut[LAST], HOLDINGS) || \
                      (phase[BALLOTS] == IDLE && WITHIN(OWNERS_LAST, dead))))
#define LOST(v) (survivors[v] != 0 && !QUORUM(survivors[v] & LIVE, survivors[v]))

/* Where nothing is left that could happen the members of a quorum have not got stuck. */
active proctype observer()
{
end:
    timeout ->
    d_step {
        no_dead_end = WITHIN(LIVE, installed) || !QUORUM(LIVE, ALL) || NO_BALLOT_LEFT ||
                      LOST(decided) || LOST(LAST);
        assert(no_dead_end)
    }
}
