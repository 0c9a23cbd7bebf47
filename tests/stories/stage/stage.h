/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the parts of the story-telling layer share. One story is told in a process,
 * so there is one stage.
 *
 *   story        the verbs of story.h, and time
 *   actor        one process: its core, its socket, its application
 *   state        what an application makes of what it is told, given to new members
 *   wire         the packets between them, and what becomes of each
 *   transcript   what each was told
 *   expect       what must be so; the end
 *   main         the program, once for each mutant
 */
#ifndef TESTS_STORIES_STAGE_H
#define TESTS_STORIES_STAGE_H

#include "tests/checkers/checkers.h"
#include "tests/stories/story.h"
#include "transport/sim.h"

#define MS 1000000ULL

/* A text under construction. */
struct text {
    char *bytes; /* NUL-terminated, or NULL while it is empty */
    size_t size;
    size_t capacity;
};

void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Somebody waits for the state as it was then. */
struct waiting {
    struct gcs_member_id joiner;
    uint64_t state;
};

struct actor {
    unsigned index;
    struct gcs_core *core; /* NULL: no process */
    struct gcs_core_group *group;
    struct gcs_allocator allocator;
    size_t allocated;
    bool paused;
    bool asleep;
    uint64_t wake_at, generation;
    struct gcs_sim_event *inbox;
    size_t inbox_count, inbox_capacity, inbox_bytes;
    struct gcs_member_id id; /* of the membership that it has, as far as it was traced */
    uint64_t lineage;
    /* what it was told */
    struct text told;
    char paragraph[32]; /* who spoke last and how, to go on in the same line */
    struct text heard;  /* every message, each in a line of its own */
    story_set view, voters;
    uint32_t epoch;
    uint64_t proposer;
    bool primary;
    unsigned views, views_before;
    uint64_t view_at, blocked_at;
    /* its application */
    uint64_t state;
    bool has_state;
    bool withholds; /* does not answer who asks for it */
    struct waiting waiting[STORY_MEMBERS_MAX];
    unsigned waiting_count;
};

struct stage {
    struct gcs_sim *sim;
    unsigned count; /* actors that ever had a process */
    struct actor actors[STORY_MEMBERS_MAX];
    struct gcs_core_config core_config;
    struct gcs_group_config group_config;
    unsigned wire_rate; /* bytes in a millisecond; 0: no limit */
    struct log log;
    bool began; /* the transcript */
    const char *file;
    int line;
    bool terse; /* say only what failed */
    uint64_t steps;
};

extern struct stage stage;

#define CLUSTER 7

uint64_t stage_now(void);
void stage_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
bool stage_until(bool (*so)(void), uint64_t ns); /* so: NULL, never */

/* ---- actor ------------------------------------------------------------------------------ */

void actor_start(struct actor *actor);
void actor_kill(struct actor *actor); /* frees it, at the end too */
void actor_input(struct actor *actor, const struct gcs_sim_event *event);
void actor_wake(struct actor *actor, uint64_t generation);
void actor_wake_at(struct actor *actor, uint64_t at);
void actor_note(struct actor *actor, const char *note); /* for the checkers: crash, leaving */
/* It has a view of exactly these, by the lives that they have now. */
bool actor_has_view(const struct actor *actor, story_set members);

/* ---- wire ------------------------------------------------------------------------------- */

void wire_send(struct actor *actor, const struct gcs_core_packet *packets, size_t count);
void wire_release(uint64_t number);                 /* a packet that was held back */
void wire_release_at(uint64_t number, uint64_t at); /* story.c: calls the above then */
void wire_rule(int kind, story_set from, story_set to, unsigned copies, uint64_t hold_ns);
void wire_watch(int kind, story_set from);
unsigned wire_watched(void); /* how many of those have sent one since */
void wire_heal(void);
void wire_clear(void);

/* ---- state ------------------------------------------------------------------------------ */

void state_begin(struct actor *actor, bool has_it);
void state_event(struct actor *actor, const struct gcs_core_event *event);
void state_give(struct actor *actor); /* to all who wait for it */

/* ---- transcript ------------------------------------------------------------------------- */

void transcript_event(struct actor *actor, const struct gcs_core_event *event);
void transcript_crash(struct actor *actor);
void transcript_write(struct text *text); /* all of it */

#endif
