/* SPDX-License-Identifier: BSD-3-Clause */
/* The verbs of a story, and the time in which they happen. See story.h. */
#include "tests/stories/stage/stage.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS   10000U
#define REST_MS   3000U
#define STEPS_MAX 20000000U

struct stage stage;

/* ---- Time ------------------------------------------------------------------------------- */

enum { TIMER_STOP = 1, TIMER_WAKE, TIMER_RELEASE };

#define COOKIE(kind, value) ((uint64_t)(kind) << 56 | (uint64_t)(value))

static uint64_t stops;

uint64_t stage_now(void)
{
    return gcs_sim_now(stage.sim);
}

static void set_timer(unsigned node, uint64_t at, uint64_t cookie)
{
    if (gcs_sim_timer(stage.sim, node, at, cookie))
        stage_fail("out of memory");
}

void actor_wake_at(struct actor *actor, uint64_t at)
{
    if (!actor->core || at >= actor->wake_at)
        return;
    actor->wake_at = at;
    set_timer(actor->index, at, COOKIE(TIMER_WAKE, ++actor->generation));
}

void wire_release_at(uint64_t number, uint64_t at)
{
    set_timer(0, at, COOKIE(TIMER_RELEASE, number));
}

/* True: that was the end of the time that was given. */
static bool happen(const struct gcs_sim_event *event)
{
    struct actor *actor = &stage.actors[event->node];
    uint64_t value = event->cookie & 0xffffffffffffffU;

    if (++stage.steps > STEPS_MAX)
        stage_fail("somebody runs in circles");
    if (event->type != GCS_SIM_TIMER)
        actor_input(actor, event);
    else if (event->cookie >> 56 == TIMER_WAKE)
        actor_wake(actor, value);
    else if (event->cookie >> 56 == TIMER_RELEASE)
        wire_release(value);
    else
        return value == stops;
    return false;
}

bool stage_until(bool (*so)(void), uint64_t ns)
{
    struct gcs_sim_event event;

    set_timer(0, stage_now() + ns, COOKIE(TIMER_STOP, ++stops));
    while (!so || !so()) {
        if (!gcs_sim_next(stage.sim, &event))
            stage_fail("nothing will ever happen again");
        if (happen(&event))
            return so && so();
    }
    return true;
}

void wait_ms(unsigned ms)
{
    stage_until(NULL, ms * MS);
}

static unsigned wanted_count;
static story_set wanted_set;

static bool has_sent(void)
{
    return wire_watched() >= wanted_count;
}

void story_wait_until_sent(int kind, story_set from, unsigned count)
{
    wanted_count = count;
    wire_watch(kind, from);
    if (!stage_until(has_sent, WAIT_MS * MS))
        stage_fail("%u of %u have sent such a packet", wire_watched(), count);
}

static bool has_view(void)
{
    const struct actor *first = NULL;

    for (unsigned i = 0; i < stage.count; i++) {
        const struct actor *actor = &stage.actors[i];

        if (!(wanted_set >> i & 1))
            continue;
        if (!actor_has_view(actor, wanted_set) || (first && first->epoch != actor->epoch))
            return false;
        first = actor;
    }
    return first != NULL;
}

void story_wait_for_view(story_set members)
{
    wanted_set = members;
    if (!stage_until(has_view, WAIT_MS * MS))
        stage_fail("that view does not come");
}

/* ---- The cast --------------------------------------------------------------------------- */

story_set story_everybody(void)
{
    story_set all = 0;

    for (unsigned i = 0; i < stage.count; i++)
        all |= (unsigned)(stage.actors[i].core != NULL) << i;
    return all;
}

story_set story_members(const unsigned *members, size_t count)
{
    story_set set = 0;

    for (size_t i = 0; i < count; i++)
        set |= 1U << members[i];
    return set;
}

static void set_up(void)
{
    struct gcs_sim_config config;

    if (stage.sim)
        return;
    gcs_sim_config_init(&config);
    config.start_ns = 1000 * MS;
    config.jitter_ns = 0;
    config.latency_ns = MS / 10;
    config.nodes = STORY_MEMBERS_MAX;
    stage.sim = gcs_sim_new(&config);
    if (!stage.sim)
        stage_fail("out of memory");
    log_init(&stage.log);
    gcs_core_config_init(&stage.core_config);
    gcs_group_config_init(&stage.group_config);
    stage.group_config.rejoin = false; /* who is excluded says so */
    stage.core_config.cluster = CLUSTER;
    for (unsigned i = 0; i < STORY_MEMBERS_MAX; i++) {
        stage.actors[i].index = i;
        stage.actors[i].wake_at = GCS_NEVER;
        gcs_sim_add_node(stage.sim);
        gcs_sim_listen(stage.sim, i, false);
    }
}

void given_wire(unsigned bytes_per_ms)
{
    stage.wire_rate = bytes_per_ms;
}

void given_order(enum gcs_order order)
{
    set_up();
    stage.group_config.order = order;
}

void given_safe_for_all(void)
{
    set_up();
    stage.group_config.safe_quorum = GCS_SAFE_ALL;
}

void given_state(void)
{
    set_up();
    stage.group_config.state = true;
}

void given_members(unsigned count)
{
    set_up();
    for (unsigned i = 0; i < count; i++) {
        start(i);
        story_wait_for_view(EVERYBODY);
    }
    wait_ms(REST_MS);
    stage.began = true;
    for (unsigned i = 0; i < count; i++) {
        struct actor *actor = &stage.actors[i];

        text_add(&actor->told, "  view");
        for (unsigned k = 0; k < count; k++)
            text_add(&actor->told, " %u", k);
        text_add(&actor->told, "\n");
        actor->views = 0;
    }
    remember_views();
}

void start(unsigned member)
{
    if (member >= stage.count)
        stage.count = member + 1;
    gcs_sim_listen(stage.sim, member, true);
    actor_start(&stage.actors[member]);
}

static void kill(unsigned member)
{
    actor_note(&stage.actors[member], "crash");
    transcript_crash(&stage.actors[member]);
    actor_kill(&stage.actors[member]);
}

void crash(unsigned member)
{
    gcs_sim_listen(stage.sim, member, false);
    kill(member);
}

void power_off(unsigned member)
{
    kill(member); /* and its network still swallows packets */
}

void leave(unsigned member)
{
    struct actor *actor = &stage.actors[member];

    actor_note(actor, "leaving");
    if (gcs_core_leave(actor->group, stage_now()))
        stage_fail("%u cannot leave", member);
    actor_wake_at(actor, stage_now());
}

void withhold_state(story_set members)
{
    for (unsigned i = 0; i < stage.count; i++)
        stage.actors[i].withholds |= members >> i & 1;
}

void give_state(story_set members)
{
    for (unsigned i = 0; i < stage.count; i++)
        if (members >> i & 1)
            state_give(&stage.actors[i]);
}

void pause_process(unsigned member)
{
    stage.actors[member].paused = true;
}

void suspend_host(unsigned member)
{
    stage.actors[member].paused = stage.actors[member].asleep = true;
}

void resume(unsigned member)
{
    struct actor *actor = &stage.actors[member];

    actor->paused = actor->asleep = false;
    actor_wake_at(actor, stage_now());
}

/* ---- The network ------------------------------------------------------------------------ */

void cut_one_way(unsigned from, unsigned to)
{
    gcs_sim_link(stage.sim, from, to)->cut = true;
}

void cut_link(unsigned a, unsigned b)
{
    cut_one_way(a, b);
    cut_one_way(b, a);
}

void divide(story_set apart)
{
    for (unsigned i = 0; i < STORY_MEMBERS_MAX; i++)
        gcs_sim_side(stage.sim, i, apart >> i & 1);
}

void heal(void)
{
    gcs_sim_heal(stage.sim);
    wire_heal();
}

void lose(int kind, story_set from, story_set to)
{
    wire_rule(kind, from, to, 0, 0);
}

void hold_back(int kind, story_set from, story_set to, unsigned us)
{
    wire_rule(kind, from, to, 1, us * (MS / 1000));
}

void repeat_late(int kind, story_set from, story_set to, unsigned us)
{
    wire_rule(kind, from, to, 2, us * (MS / 1000));
}

/* ---- Speaking --------------------------------------------------------------------------- */

static void multicast(unsigned member, enum gcs_service service, const void *data, size_t size)
{
    struct actor *actor = &stage.actors[member];
    int error = gcs_core_multicast(actor->group, stage_now(), service, data, size);

    if (error)
        stage_fail("%u must not multicast: %s", member, gcs_strerror(error));
    actor_wake_at(actor, stage_now());
}

void story_say(unsigned member, enum gcs_service service, const char *text)
{
    multicast(member, service, text, strlen(text));
}

void story_say_large(unsigned member, enum gcs_service service, size_t size)
{
    char *data = memory_new(size, 1);

    multicast(member, service, data, size);
    free(data);
}
