/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The language of the stories: a few members over a simulated network in virtual
 * time, and what becomes of them. A story reads from top to bottom:
 *
 *     given_members(5);
 *     cut_link(1, 3);
 *     wait_ms(2000);
 *     expect_view(EVERYBODY);
 *     the_end("0 1 2 3 4 were told:\n"
 *             "  view 0 1 2 3 4\n");
 *
 * Guarantees: the same story happens the same way on every machine. A story fails
 * when an expectation does, when the transcript of what the members were told is not
 * the one at its end, or when a checker of tests/checkers objects to what happened;
 * with each of the mutants that it names it must fail, which NAME-mutants proves.
 *
 * The cast: members are 0 to 7, all of them one process each, on a host of its own,
 * whose sockets have room for four megabytes. A packet takes a tenth of a millisecond.
 * A member that finds itself excluded joins again at once, as a new incarnation: in
 * transcripts 3' is the second life of 3. Transcripts begin with given_members().
 */
#ifndef TESTS_STORIES_STORY_H
#define TESTS_STORIES_STORY_H

#include "gcs/base/mutant.h"
#include "gcs/wire/packet.h"

#include <gcs/core.h>

#define STORY_MEMBERS_MAX 8

/* A set of members. */
typedef unsigned story_set;

#define EVERYBODY    story_everybody()
#define MEMBERS(...) story_members((const unsigned[]){__VA_ARGS__}, STORY_COUNT(__VA_ARGS__))
#define ALL_BUT(...) (EVERYBODY & ~MEMBERS(__VA_ARGS__))
#define STORY_COUNT(...) \
    (sizeof((const unsigned[]){__VA_ARGS__}) / sizeof(*(const unsigned[]){__VA_ARGS__}))

story_set story_everybody(void); /* who has a process */
story_set story_members(const unsigned *members, size_t count);

/* ---- What is given ---------------------------------------------------------------------- */

/* Before given_members(): how many bytes each host's wire carries in a millisecond. */
void given_wire(unsigned bytes_per_ms);

/* Before given_members(): the group has a state, made of all that is said in total order. New
 * members get it before anything else, and their vote with it. */
void given_state(void);

/* Before given_members(): how the total order is made; who must hold a safe message. */
void given_order(enum gcs_order order);
void given_safe_for_all(void);

/* So many members in one view, at rest; the transcript begins here. */
void given_members(unsigned count);

/* ---- What happens ----------------------------------------------------------------------- */

void start(unsigned member);     /* a process starts and joins the group */
void crash(unsigned member);     /* its process is gone; its host answers for it */
void power_off(unsigned member); /* its host is gone, without a word */
void leave(unsigned member);     /* it is asked to leave the group */

/* What of the state is asked of these from now on they give only when they are told to. */
void withhold_state(story_set members);
void give_state(story_set members);

/* Its process is not scheduled; what is sent to it waits, as far as its socket has room. */
void pause_process(unsigned member);
/* Its host sleeps: what is sent to it is lost. */
void suspend_host(unsigned member);
void resume(unsigned member); /* ends both */

void cut_link(unsigned a, unsigned b);
void cut_one_way(unsigned from, unsigned to);
void divide(story_set apart); /* these on one side, all others on the other */
void heal(void);              /* no more cuts, and no more of the below */

/* Kinds of packets: a frame's type (GCS_FRAME_...) that is in them, or one of these. */
enum { ANYTHING = 256, DATA, CONTROL };

/* From now on packets of a kind get lost, arrive late, or twice, the second time late. */
void lose(int kind, story_set from, story_set to);
void hold_back(int kind, story_set from, story_set to, unsigned us);
void repeat_late(int kind, story_set from, story_set to, unsigned us);

/* Time goes on. */
void wait_ms(unsigned ms);
/* ... until so many of these have sent such a packet; at most ten seconds. */
#define wait_until_sent(kind, from, count) STORY_AT(story_wait_until_sent((kind), (from), (count)))
/* ... until all of these have a view of exactly these; at most ten seconds. */
#define wait_for_view(members) STORY_AT(story_wait_for_view(members))

#define FIFO   GCS_FIFO
#define CAUSAL GCS_CAUSAL
#define AGREED GCS_AGREED
#define SAFE   GCS_SAFE

/* A member multicasts a text, or so many bytes; it must be allowed to. */
#define say(member, service, text)       STORY_AT(story_say((member), (service), (text)))
#define say_large(member, service, size) STORY_AT(story_say_large((member), (service), (size)))

/* ---- What is expected ------------------------------------------------------------------- */

#define expect(condition) STORY_AT(story_expect((condition), #condition))
/* Each of these runs, is primary, and has the same view: of exactly these, as they live now. */
#define expect_view(members) STORY_AT(story_expect_view(members))
/* What the member was told last of being in the primary component. */
#define expect_primary(member, yes) STORY_AT(story_expect_primary((member), (yes)))
/* In the last view of each of these exactly those have a vote. */
#define expect_voters(members, voters) STORY_AT(story_expect_voters((members), (voters)))
/* Each of these has the state, and it is the same. */
#define expect_same_state(members) STORY_AT(story_expect_same_state(members))
#define expect_no_state(member)    STORY_AT(story_expect_no_state(member))
/* How many views each of these was told since the beginning, or since remember_views(). */
#define expect_views(members, count) STORY_AT(story_expect_views((members), (count)))
/* Each of these was handed this text exactly so often. */
#define expect_heard(members, text, times) STORY_AT(story_expect_heard((members), (text), (times)))
/* The core refuses a multicast with this error. */
#define expect_refused(member, service, error) \
    STORY_AT(story_expect_refused((member), (service), (error)))

void remember_views(void);

/* For expect(): what a member counts, how much memory it has, and what it was told when (ms). */
const struct gcs_counters *counters(unsigned member);
size_t memory_pieces(unsigned member);
unsigned told_view_at(unsigned member);    /* its last view */
unsigned told_blocked_at(unsigned member); /* the last loss of the primary; 0: never */

/*
 * Everything comes to rest; then the transcript must be this one, and the checkers must be
 * content. Members that were told the same things share a paragraph.
 */
#define the_end(transcript) STORY_AT(story_end(transcript))

#define STORY_AT(call) (story_at(__FILE__, __LINE__), call)

void story_at(const char *file, int line);
void story_wait_until_sent(int kind, story_set from, unsigned count);
void story_wait_for_view(story_set members);
void story_say(unsigned member, enum gcs_service service, const char *text);
void story_say_large(unsigned member, enum gcs_service service, size_t size);
void story_expect(bool condition, const char *text);
void story_expect_view(story_set members);
void story_expect_primary(unsigned member, bool yes);
void story_expect_voters(story_set members, story_set voters);
void story_expect_same_state(story_set members);
void story_expect_no_state(unsigned member);
void story_expect_views(story_set members, unsigned count);
void story_expect_heard(story_set members, const char *text, unsigned times);
void story_expect_refused(unsigned member, enum gcs_service service, int error);
void story_end(const char *transcript);

/* ---- The program ------------------------------------------------------------------------ */

struct story_mutant {
    const char *name;
    int number;
};

#ifdef GCS_MUTANTS
#define BROKEN_BY(mutant)            \
    {                                \
#mutant, GCS_MUTANT_##mutant \
    }
#else
#define BROKEN_BY(mutant) \
    {                     \
#mutant, 0        \
    }
#endif

int story_run(int argc, char **argv, void (*tell)(void), const struct story_mutant *mutants,
              size_t count);

/* The main function: one story, and each mutant that breaks it. */
#define STORY(tell, ...)                                                                 \
    int main(int argc, char **argv)                                                      \
    {                                                                                    \
        static const struct story_mutant mutants[] = {__VA_ARGS__};                      \
        return story_run(argc, argv, tell, mutants, sizeof(mutants) / sizeof(*mutants)); \
    }

#endif
