/* SPDX-License-Identifier: BSD-3-Clause */
/* What must be so at a point of a story, and at its end. See story.h. */
#include "tests/stories/stage/stage.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REST_MS 3000U

void story_at(const char *file, int line)
{
    stage.file = file;
    stage.line = line;
}

static void put_transcript(FILE *out)
{
    struct text text = {NULL, 0, 0};

    transcript_write(&text);
    fprintf(out, "%s", text.bytes ? text.bytes : "nobody was told anything\n");
    free(text.bytes);
}

void stage_fail(const char *format, ...)
{
    va_list arguments;

    if (stage.file)
        printf("%s:%d: ", stage.file, stage.line);
    if (stage.sim)
        printf("after %u ms: ", (unsigned)(stage_now() / MS));
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    if (!stage.terse) {
        printf("\nUntil then\n");
        put_transcript(stdout);
    }
    fflush(stdout);
    _Exit(EXIT_FAILURE); /* memory is not the point any more */
}

/* ---- At any time ------------------------------------------------------------------------ */

void story_expect(bool condition, const char *text)
{
    if (!condition)
        stage_fail("it is not so that %s", text);
}

/* By what the core itself says: the view is of these, each in the life that it has now. */
static bool is_current(const struct actor *actor)
{
    const struct gcs_view *view = actor->group ? gcs_core_view(actor->group) : NULL;

    for (uint16_t i = 0; view && i < view->count; i++) {
        int node = gcs_sim_node(stage.sim, &view->members[i].id.address);

        if (stage.actors[node].id.incarnation != view->members[i].id.incarnation)
            return false;
    }
    return view != NULL;
}

bool actor_has_view(const struct actor *actor, story_set members)
{
    return actor->core && actor->primary && actor->view == members && is_current(actor);
}

void story_expect_view(story_set members)
{
    const struct actor *first = NULL;

    for (unsigned i = 0; i < stage.count; i++) {
        const struct actor *actor = &stage.actors[i];

        if (!(members >> i & 1))
            continue;
        if (!actor_has_view(actor, members))
            stage_fail("%u does not have that view", i);
        if (first && (first->epoch != actor->epoch || first->proposer != actor->proposer))
            stage_fail("%u has another view than %u", i, first->index);
        first = actor;
    }
}

void story_expect_primary(unsigned member, bool yes)
{
    if (stage.actors[member].primary != yes)
        stage_fail("%u was told that it is%s in the primary", member, yes ? " not" : "");
}

void remember_views(void)
{
    for (unsigned i = 0; i < stage.count; i++)
        stage.actors[i].views_before = stage.actors[i].views;
}

void story_expect_voters(story_set members, story_set voters)
{
    for (unsigned i = 0; i < stage.count; i++)
        if (members >> i & 1 && stage.actors[i].voters != voters)
            stage_fail("%u was told of other voters", i);
}

void story_expect_same_state(story_set members)
{
    const struct actor *first = NULL;

    for (unsigned i = 0; i < stage.count; i++) {
        const struct actor *actor = &stage.actors[i];

        if (!(members >> i & 1))
            continue;
        if (!actor->has_state)
            stage_fail("%u has no state", i);
        if (first && first->state != actor->state)
            stage_fail("%u and %u have different states", first->index, i);
        first = actor;
    }
}

void story_expect_no_state(unsigned member)
{
    if (stage.actors[member].has_state)
        stage_fail("%u has the state", member);
}

void story_expect_views(story_set members, unsigned count)
{
    for (unsigned i = 0; i < stage.count; i++) {
        const struct actor *actor = &stage.actors[i];

        if (members >> i & 1 && actor->views - actor->views_before != count)
            stage_fail("%u was told %u views, not %u", i, actor->views - actor->views_before,
                       count);
    }
}

static unsigned times_heard(const struct actor *actor, const char *text)
{
    size_t size = strlen(text);
    unsigned times = 0;

    for (const char *c = actor->heard.bytes; c && *c; c = strchr(c, '\n') + 1)
        times += strncmp(c, text, size) == 0 && c[size] == '\n';
    return times;
}

void story_expect_heard(story_set members, const char *text, unsigned times)
{
    for (unsigned i = 0; i < stage.count; i++) {
        unsigned heard = times_heard(&stage.actors[i], text);

        if (members >> i & 1 && heard != times)
            stage_fail("%u was handed \"%s\" %u times, not %u", i, text, heard, times);
    }
}

void story_expect_refused(unsigned member, enum gcs_service service, int error)
{
    int result = gcs_core_multicast(stage.actors[member].group, stage_now(), service, "?", 1);

    if (result != error)
        stage_fail("%u multicasts: %s", member, gcs_strerror(result));
}

const struct gcs_counters *counters(unsigned member)
{
    return gcs_core_counters(stage.actors[member].core);
}

size_t memory_pieces(unsigned member)
{
    return stage.actors[member].allocated;
}

unsigned told_view_at(unsigned member)
{
    return (unsigned)(stage.actors[member].view_at / MS);
}

unsigned told_blocked_at(unsigned member)
{
    return (unsigned)(stage.actors[member].blocked_at / MS);
}

/* ---- The end ---------------------------------------------------------------------------- */

static void check_transcript(const char *transcript)
{
    struct text text = {NULL, 0, 0};

    transcript_write(&text);
    if (!text.bytes || strcmp(text.bytes, transcript) != 0)
        stage_fail("that is not what they were told");
    free(text.bytes);
}

static void check_guarantees(void)
{
    struct verdict verdict;

    check_all(&stage.log, true, &verdict);
    if (verdict.count > 0)
        stage_fail("%s: %s", verdict.violations[0].property, verdict.violations[0].text);
    verdict_clear(&verdict);
}

static void tear_down(void)
{
    wire_clear(); /* what is on it belongs to the actors */
    for (unsigned i = 0; i < STORY_MEMBERS_MAX; i++) {
        actor_kill(&stage.actors[i]);
        free(stage.actors[i].told.bytes);
        free(stage.actors[i].heard.bytes);
    }
    gcs_sim_free(stage.sim);
    log_clear(&stage.log);
    memset(&stage, 0, sizeof(stage));
}

void story_end(const char *transcript)
{
    wait_ms(REST_MS);
    check_guarantees();
    check_transcript(transcript);
    tear_down();
}
