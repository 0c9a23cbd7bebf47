/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Trace events as JSON Lines. Guarantees that equal events give equal bytes,
 * and that nothing beyond the given space is written, however long the line.
 */
#include "gcs/base/trace.h"

#include "gcs/base/quorum.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Appends while there is room and counts on when there is none. */
struct line {
    char *out;
    size_t size;
    size_t length;
};

static void put(struct line *line, char c)
{
    if (line->length < line->size)
        line->out[line->length] = c;
    line->length++;
}

static void put_text(struct line *line, const char *text)
{
    while (*text)
        put(line, *text++);
}

static void put_number(struct line *line, uint64_t value, unsigned base, int width)
{
    char digits[20];
    int count = 0;

    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    for (; width > count; width--)
        put(line, '0');
    while (count > 0)
        put(line, digits[--count]);
}

/* The inside of a JSON string (RFC 8259, section 7). */
static void put_escaped(struct line *line, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\') {
            put(line, '\\');
            put(line, *text);
        } else if (c < 0x20) {
            put_text(line, "\\u");
            put_number(line, c, 16, 4);
        } else {
            put(line, *text);
        }
    }
}

static void put_member(struct line *line, const struct gcs_member_id *member,
                       gcs_trace_address_fn *address)
{
    char name[GCS_TRACE_MEMBER_MAX];

    gcs_trace_member(member, address, name);
    put_escaped(line, name);
}

static void put_head(struct line *line, uint64_t now, const struct gcs_member_id *self,
                     const char *group, uint64_t lineage, const char *type,
                     gcs_trace_address_fn *address)
{
    put_text(line, "{\"t\":");
    put_number(line, now, 10, 0);
    put_text(line, ",\"m\":\"");
    put_member(line, self, address);
    put_text(line, "\",\"g\":\"");
    put_escaped(line, group);
    put(line, '@');
    put_number(line, lineage, 16, 0);
    put_text(line, "\",\"e\":\"");
    put_text(line, type);
    put(line, '"');
}

static void put_view_id(struct line *line, uint32_t epoch, uint64_t proposer)
{
    put_text(line, ",\"v\":\"");
    put_number(line, epoch, 10, 0);
    put(line, '.');
    put_number(line, proposer, 16, 0);
    put(line, '"');
}

static const char *service_name(enum gcs_service service)
{
    switch (service) {
    case GCS_UNORDERED:
        return "unordered";
    case GCS_FIFO:
        return "fifo";
    case GCS_CAUSAL:
        return "causal";
    case GCS_AGREED:
        return "agreed";
    case GCS_SAFE:
        return "safe";
    }
    return "unknown";
}

static const char *type_name(enum gcs_trace_type type)
{
    switch (type) {
    case GCS_TRACE_SEND:
        return "send";
    case GCS_TRACE_DELIVER:
        return "deliver";
    case GCS_TRACE_VIEW:
        return "view";
    case GCS_TRACE_BLOCKED:
        return "blocked";
    case GCS_TRACE_LEAVE:
        return "leave";
    case GCS_TRACE_STABLE:
        return "stable";
    }
    return "unknown";
}

static void put_message(struct line *line, const struct gcs_trace_event *event,
                        gcs_trace_address_fn *address)
{
    put_text(line, ",\"id\":\"");
    put_member(line, event->sender, address);
    put(line, ':');
    put_number(line, event->number, 10, 0);
    if (event->type == GCS_TRACE_STABLE) {
        put(line, '"');
        return;
    }
    put_text(line, "\",\"s\":\"");
    put_text(line, service_name(event->service));
    put_text(line, "\",\"h\":\"");
    put_number(line, gcs_trace_hash(event->message.data, event->message.size), 16, 16);
    put(line, '"');
    if (event->type != GCS_TRACE_DELIVER || event->time == 0)
        return;
    put_text(line, ",\"time\":");
    put_number(line, event->time, 10, 0);
    put_text(line, ",\"seed\":\"");
    put_number(line, event->seed, 16, 16);
    put(line, '"');
}

/* Who has how many votes, unless everybody has one and ties are not broken. */
static void put_votes(struct line *line, const struct gcs_view *view)
{
    bool plain = !view->tie_breaker;
    for (uint16_t i = 0; i < view->count; i++)
        plain = plain && gcs_member_votes(&view->members[i]) == 1;
    if (plain)
        return;
    put_text(line, ",\"votes\":[");
    for (uint16_t i = 0; i < view->count; i++) {
        put_text(line, i ? "," : "");
        put_number(line, gcs_member_votes(&view->members[i]), 10, 0);
    }
    put(line, ']');
    if (view->tie_breaker)
        put_text(line, ",\"tie_breaker\":true");
}

static void put_change(struct line *line, const struct gcs_view_change *change,
                       gcs_trace_address_fn *address)
{
    put_text(line, ",\"members\":[");
    for (uint16_t i = 0; i < change->view.count; i++) {
        put_text(line, i ? ",\"" : "\"");
        put_member(line, &change->view.members[i].id, address);
        put(line, '"');
    }
    put(line, ']');
    put_votes(line, &change->view);
    put_text(line, ",\"survivors\":[");
    for (uint16_t i = 0; i < change->survivors_count; i++) {
        put_text(line, i ? ",\"" : "\"");
        put_member(line, &change->view.members[change->survivors[i]].id, address);
        put(line, '"');
    }
    put_text(line, change->primary ? "],\"primary\":true" : "],\"primary\":false");
    if (change->time == 0)
        return;
    put_text(line, ",\"time\":");
    put_number(line, change->time, 10, 0);
}

size_t gcs_trace_member(const struct gcs_member_id *member, gcs_trace_address_fn *address,
                        char name[GCS_TRACE_MEMBER_MAX])
{
    struct line line = {name, GCS_TRACE_MEMBER_MAX - 1, 0};
    size_t length;

    /* Room is kept for '#' and 16 digits, so that the incarnation is never cut off. */
    address(&member->address, name, GCS_TRACE_MEMBER_MAX - 17);
    line.length = strlen(name);
    put(&line, '#');
    put_number(&line, member->incarnation, 16, 0);
    length = line.length < line.size ? line.length : line.size;
    name[length] = '\0';
    return length;
}

size_t gcs_trace_format(const struct gcs_trace_event *event, gcs_trace_address_fn *address,
                        char *out, size_t size)
{
    struct line line = {out, size, 0};

    put_head(&line, event->now, event->self, event->group, event->lineage, type_name(event->type),
             address);
    if (event->epoch != 0)
        put_view_id(&line, event->epoch, event->proposer);
    if (event->type == GCS_TRACE_SEND || event->type == GCS_TRACE_DELIVER ||
        event->type == GCS_TRACE_STABLE)
        put_message(&line, event, address);
    else if (event->type == GCS_TRACE_VIEW)
        put_change(&line, event->change, address);
    put_text(&line, "}\n");
    return line.length;
}

size_t gcs_trace_format_note(const char *note, uint64_t now, const struct gcs_member_id *self,
                             const char *group, uint64_t lineage, gcs_trace_address_fn *address,
                             char *out, size_t size)
{
    struct line line = {out, size, 0};

    put_head(&line, now, self, group, lineage, note, address);
    put_text(&line, "}\n");
    return line.length;
}

uint64_t gcs_trace_hash(const void *data, size_t size)
{
    return XXH64(size ? data : "", size, 0);
}
