/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One process of a story: its core, its socket and an application that takes what
 * it is given at once and joins again when it was excluded. It sees only what a
 * real one would: time, and packets while it is scheduled.
 */
#include "tests/stories/stage/stage.h"

#include "gcs/base/trace.h"
#include "tests/checkers/trace_reader.h"

#include <stdlib.h>
#include <string.h>

#define GROUP_NAME   "story"
#define SOCKET_BYTES (4U << 20)
#define ROUND_NS     1000U /* a round takes so long */

/* ---- Memory: counted -------------------------------------------------------------------- */

static void *allocate(void *ctx, size_t size)
{
    struct actor *actor = ctx;
    void *memory = malloc(size);

    actor->allocated += memory != NULL;
    return memory;
}

static void release(void *ctx, void *memory)
{
    struct actor *actor = ctx;

    actor->allocated -= memory != NULL;
    free(memory);
}

/* ---- For the checkers ------------------------------------------------------------------- */

/* By way of the text that real processes write, so that a story tests that as well. */
static void record(const char *line, size_t size)
{
    struct trace_error error;

    if (size == 0 || !trace_read_line(&stage.log, line, size - 1, &error))
        stage_fail("a trace that makes no sense: %.*s", (int)size, line);
}

static void traced(void *ctx, const struct gcs_trace_event *event)
{
    struct actor *actor = ctx;
    char line[4096];
    size_t size = gcs_trace_format(event, gcs_sim_address_format, line, sizeof(line));

    actor->id = *event->self;
    actor->lineage = event->lineage;
    record(line, size < sizeof(line) ? size : 0);
}

void actor_note(struct actor *actor, const char *note)
{
    char line[512];

    if (actor->id.incarnation == 0)
        return; /* has never said anything */
    record(line, gcs_trace_format_note(note, stage_now(), &actor->id, GROUP_NAME, actor->lineage,
                                       gcs_sim_address_format, line, sizeof(line)));
}

/* ---- Life ------------------------------------------------------------------------------- */

static void join(struct actor *actor)
{
    struct gcs_address seeds[STORY_MEMBERS_MAX];
    struct gcs_group_config config = stage.group_config;
    bool first = !stage.began && actor->index == 0;

    for (unsigned i = 0; i < STORY_MEMBERS_MAX; i++)
        seeds[i] = gcs_sim_address(i);
    config.bootstrap = first ? GCS_CREATE : GCS_JOIN;
    config.seeds = seeds;
    config.seeds_count = STORY_MEMBERS_MAX;
    state_begin(actor, first);
    if (gcs_core_join(actor->core, stage_now(), GROUP_NAME, &config, actor, &actor->group))
        stage_fail("%u cannot join", actor->index);
    actor_wake_at(actor, stage_now());
}

void actor_start(struct actor *actor)
{
    struct gcs_core_config config = stage.core_config;

    actor->allocator = (struct gcs_allocator){actor, allocate, release};
    config.allocator = &actor->allocator;
    config.seed = stage_now() + actor->index;
    config.address = gcs_sim_address(actor->index);
    config.receive_bytes = SOCKET_BYTES;
    config.trace_ctx = actor;
    config.trace = traced;
    if (gcs_core_new(&config, &actor->core))
        stage_fail("%u has no core", actor->index);
    join(actor);
}

static void empty_inbox(struct actor *actor)
{
    for (size_t i = 0; i < actor->inbox_count; i++)
        gcs_buffer_unref(actor->inbox[i].buffer);
    actor->inbox_count = actor->inbox_bytes = 0;
}

void actor_kill(struct actor *actor)
{
    struct gcs_core *core = actor->core;

    if (!core)
        return;
    empty_inbox(actor);
    free(actor->inbox);
    actor->inbox = NULL;
    actor->inbox_capacity = 0;
    actor->core = NULL;
    actor->group = NULL;
    actor->id.incarnation = 0;
    actor->primary = actor->paused = actor->asleep = false;
    actor->wake_at = GCS_NEVER;
    actor->generation++;
    gcs_core_free(core);
    if (actor->allocated > 0)
        stage_fail("%u leaves %zu pieces of memory", actor->index, actor->allocated);
}

/* ---- Rounds ----------------------------------------------------------------------------- */

void actor_input(struct actor *actor, const struct gcs_sim_event *event)
{
    if (!actor->core || actor->asleep || actor->inbox_bytes + event->size > SOCKET_BYTES) {
        gcs_buffer_unref(event->buffer);
        return;
    }
    actor->inbox = memory_grow(actor->inbox, actor->inbox_count, &actor->inbox_capacity,
                               sizeof(*actor->inbox));
    actor->inbox[actor->inbox_count++] = *event;
    actor->inbox_bytes += event->size;
    actor_wake_at(actor, stage_now());
}

static void receive(struct actor *actor)
{
    for (size_t i = 0; i < actor->inbox_count; i++) {
        const struct gcs_sim_event *event = &actor->inbox[i];

        if (event->type == GCS_SIM_PACKET)
            gcs_core_receive(actor->core, stage_now(), &event->from, event->buffer, event->data,
                             event->size);
        else
            gcs_core_unreachable(actor->core, stage_now(), &event->from);
    }
    empty_inbox(actor);
}

static void take_events(struct actor *actor)
{
    struct gcs_core_event event;
    bool excluded = false;

    while (gcs_core_next_event(actor->core, &event)) {
        state_event(actor, &event);
        transcript_event(actor, &event);
        if (event.type == GCS_EVENT_LEFT) {
            actor->group = NULL;
            excluded = event.error != 0;
        }
        gcs_core_consumed(actor->core, &event);
    }
    if (excluded)
        join(actor);
}

void actor_wake(struct actor *actor, uint64_t generation)
{
    const struct gcs_core_packet *packets;
    uint64_t deadline;
    size_t count;

    if (!actor->core || generation != actor->generation)
        return;
    actor->wake_at = GCS_NEVER;
    if (actor->paused)
        return; /* resume() wakes it */
    receive(actor);
    gcs_core_advance(actor->core, stage_now());
    packets = gcs_core_packets(actor->core, &count);
    wire_send(actor, packets, count);
    gcs_core_packets_sent(actor->core);
    take_events(actor);
    deadline = gcs_core_deadline(actor->core);
    if (deadline < stage_now() + ROUND_NS)
        deadline = stage_now() + ROUND_NS;
    if (deadline != GCS_NEVER)
        actor_wake_at(actor, deadline);
}
