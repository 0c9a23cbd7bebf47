/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What each member was told, for people: views by names, messages by texts. Only
 * what is promised comes in, so no times, numbers of views or identities; a member
 * that comes back is told from its earlier lives by a prime for each.
 */
#include "tests/stories/stage/stage.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIVES_MAX 64

void text_add(struct text *text, const char *format, ...)
{
    va_list arguments;
    char bytes[512];
    int length;

    va_start(arguments, format);
    length = vsnprintf(bytes, sizeof(bytes), format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof(bytes))
        stage_fail("a text of %d bytes in the transcript", length);
    for (const char *c = bytes; *c; c++) {
        text->bytes = memory_grow(text->bytes, text->size + 1, &text->capacity, 1);
        text->bytes[text->size++] = *c;
        text->bytes[text->size] = '\0';
    }
}

/* ---- Names ------------------------------------------------------------------------------ */

static struct {
    uint64_t incarnation;
    unsigned member, life;
} lives[LIVES_MAX];
static unsigned lives_count;

/* The member's number and a prime for each life before this one. */
static const char *name(const struct gcs_member_id *id)
{
    static char text[2 + LIVES_MAX];
    unsigned member = (unsigned)gcs_sim_node(stage.sim, &id->address), life = 0, i = 0;

    while (i < lives_count && lives[i].incarnation != id->incarnation)
        life += lives[i++].member == member;
    if (i == lives_count) {
        if (i == LIVES_MAX)
            stage_fail("too many lives");
        lives[lives_count].incarnation = id->incarnation;
        lives[lives_count].member = member;
        lives[lives_count++].life = life;
    }
    life = lives[i].life;
    snprintf(text, sizeof(text), "%u%.*s", member, (int)life,
             "''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''");
    return text;
}

/* ---- Events ----------------------------------------------------------------------------- */

static void line(struct actor *actor, const char *what)
{
    if (stage.began)
        text_add(&actor->told, "  %s\n", what);
    actor->paragraph[0] = '\0';
}

static const char *reason(enum gcs_reason reason)
{
    switch (reason) {
    case GCS_REASON_LEFT:
        return "left";
    case GCS_REASON_CRASHED:
        return "crashed";
    case GCS_REASON_UNREACHABLE:
        return "unreachable";
    case GCS_REASON_EVICTED:
        return "evicted";
    case GCS_REASON_SHUTDOWN:
        return "shut down";
    case GCS_REASON_NONE:
        break;
    }
    return "for no reason";
}

/* Those who are new by number: in which order several came in is not promised. */
static void describe_new(struct text *text, const struct gcs_view_change *change)
{
    text_add(text, change->joined_count > 0 ? ", new" : "");
    for (unsigned member = 0; member < STORY_MEMBERS_MAX; member++) {
        for (uint16_t i = 0; i < change->joined_count; i++) {
            const struct gcs_member_id *id = &change->view.members[change->joined[i]].id;

            if (gcs_sim_node(stage.sim, &id->address) == (int)member)
                text_add(text, " %s", name(id));
        }
    }
}

static story_set members_of(const struct gcs_view_change *change)
{
    story_set set = 0;

    for (uint16_t i = 0; i < change->view.count; i++)
        set |= 1U << gcs_sim_node(stage.sim, &change->view.members[i].id.address);
    return set;
}

static story_set voters_of(const struct gcs_view_change *change)
{
    story_set set = 0;

    for (uint16_t i = 0; i < change->view.count; i++)
        if (!change->view.members[i].syncing)
            set |= 1U << gcs_sim_node(stage.sim, &change->view.members[i].id.address);
    return set;
}

static void describe_view(struct text *text, const struct gcs_view_change *change)
{
    text_add(text, "view");
    for (uint16_t i = 0; i < change->view.count - change->joined_count; i++)
        text_add(text, " %s", name(&change->view.members[i].id));
    describe_new(text, change);
    for (uint16_t i = 0; i < change->left_count; i++)
        text_add(text, "%s %s %s", i == 0 ? ";" : ",", name(&change->left[i].member.id),
                 reason(change->left[i].reason));
    if (voters_of(change) != members_of(change))
        text_add(text, "; without a vote");
    for (unsigned member = 0; member < STORY_MEMBERS_MAX; member++)
        if ((members_of(change) & ~voters_of(change)) >> member & 1)
            text_add(text, " %u", member);
}

/* What one event says must fit together, and be what the core says when asked. */
static void examine(const struct actor *actor, const struct gcs_view_change *change)
{
    const struct gcs_view *now = gcs_core_view(actor->group);

    unsigned votes = 0; /* all who have one have one */

    for (unsigned member = 0; member < STORY_MEMBERS_MAX; member++)
        votes += voters_of(change) >> member & 1;
    if (change->quorum != votes / 2 + 1)
        stage_fail("%u was told that %u of %u are needed", actor->index, change->quorum,
                   change->view.count);
    if (change->survivors_count > 0 &&
        change->survivors_count + change->joined_count != change->view.count)
        stage_fail("%u was told of members that neither joined nor survived", actor->index);
    if (!change->primary && (!now || change->view.epoch != actor->epoch))
        stage_fail("%u lost the primary of a view that it did not have", actor->index);
}

static void note_view(struct actor *actor, const struct gcs_view_change *change)
{
    examine(actor, change);
    actor->primary = change->primary;
    if (!change->primary) {
        actor->blocked_at = stage_now();
        line(actor, "no primary");
        return;
    }
    actor->view = members_of(change);
    actor->voters = voters_of(change);
    actor->views++;
    actor->epoch = change->view.epoch;
    actor->proposer = change->view.proposer;
    actor->view_at = stage_now();
    struct text text = {NULL, 0, 0};
    describe_view(&text, change);
    line(actor, text.bytes);
    free(text.bytes);
}

static const char *service_name(enum gcs_service service)
{
    static const char *const names[] = {[GCS_UNORDERED] = "unordered",
                                        [GCS_FIFO] = "fifo",
                                        [GCS_CAUSAL] = "causal",
                                        [GCS_AGREED] = "agreed",
                                        [GCS_SAFE] = "safe"};
    return names[service];
}

static void note_message(struct actor *actor, const char *sender, const char *service,
                         const struct gcs_message *message)
{
    char text[64];

    if (message->size < sizeof(text))
        snprintf(text, sizeof(text), "%.*s", (int)message->size, (const char *)message->data);
    else
        snprintf(text, sizeof(text), "%zu bytes", message->size);
    text_add(&actor->heard, "%s\n", text);
    if (!stage.began)
        return;
    char paragraph[sizeof(actor->paragraph)];
    snprintf(paragraph, sizeof(paragraph), "%.10s %.10s", sender, service);
    if (strcmp(paragraph, actor->paragraph) == 0) { /* it goes on in the same line */
        actor->told.size--;
        text_add(&actor->told, ", %s\n", text);
        return;
    }
    text_add(&actor->told, "  from %s, %s: %s\n", sender, service, text);
    memcpy(actor->paragraph, paragraph, sizeof(paragraph));
}

static void note_messages(struct actor *actor, const struct gcs_core_event *event)
{
    struct gcs_message message;
    size_t offset = 0;

    while (gcs_core_event_message(event, &offset, &message))
        note_message(actor, name(event->sender), service_name(event->service), &message);
}

void transcript_event(struct actor *actor, const struct gcs_core_event *event)
{
    switch (event->type) {
    case GCS_EVENT_DELIVER:
        note_messages(actor, event);
        break;
    case GCS_EVENT_VIEW:
        note_view(actor, event->change);
        break;
    case GCS_EVENT_LEFT:
        actor->primary = false;
        line(actor, event->error == 0                ? "left"
                    : event->error == GCS_ENOTMEMBER ? "excluded"
                                                     : gcs_strerror(event->error));
        break;
    case GCS_EVENT_STATE_END:
        if (gcs_sim_node(stage.sim, &event->sender->address) == (int)actor->index)
            line(actor, "the state");
        break;
    case GCS_EVENT_PRIVATE:
    case GCS_EVENT_WRITABLE:
    case GCS_EVENT_SLOW:
    case GCS_EVENT_STATE_WANTED:
    case GCS_EVENT_STATE:
    case GCS_EVENT_STABLE:
        break;
    }
}

void transcript_crash(struct actor *actor)
{
    line(actor, "(and is gone)");
}

/* ---- The whole -------------------------------------------------------------------------- */

static const char *told(const struct actor *actor)
{
    return actor->told.bytes ? actor->told.bytes : "";
}

static bool same(unsigned a, unsigned b)
{
    return strcmp(told(&stage.actors[a]), told(&stage.actors[b])) == 0;
}

void transcript_write(struct text *text)
{
    for (unsigned i = 0; i < stage.count; i++) {
        bool earlier = false;
        unsigned count = 0;

        for (unsigned k = 0; k < i; k++)
            earlier |= same(i, k);
        if (earlier)
            continue;
        for (unsigned k = i; k < stage.count; k++) {
            if (same(i, k))
                text_add(text, count++ ? " %u" : "%u", k);
        }
        text_add(text, count == 1 ? " was told:\n" : " were told:\n");
        for (const char *c = told(&stage.actors[i]); *c; c++)
            text_add(text, "%c", *c);
    }
}
