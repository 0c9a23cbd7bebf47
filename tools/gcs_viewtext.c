/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Views as text: see gcs_viewtext.h. Nothing in a member's or a view's text
 * needs escaping in JSON.
 */
#include "gcs_viewtext.h"

#include <inttypes.h>

static const char *reason_name(enum gcs_reason reason)
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
    default:
        return "unknown";
    }
}

static void put_member(FILE *out, const char *before, const struct gcs_member *member,
                       const char *after)
{
    char text[GCS_MEMBER_TEXT_MAX];

    gcs_member_format(&member->id, text, sizeof(text));
    fprintf(out, "%s%s%s", before, text, after);
}

/* What is unusual about it. */
static void put_standing(FILE *out, const struct gcs_member *member)
{
    const char *before = " (";

    if (member->weight != 1) {
        fprintf(out, "%sweight %u", before, member->weight);
        before = ", ";
    }
    if (member->syncing) {
        fprintf(out, "%ssyncing", before);
        before = ", ";
    }
    if (member->label[0]) {
        fprintf(out, "%sat %s", before, member->label);
        before = ", ";
    }
    if (before[0] == ',')
        fputs(")", out);
}

void tool_view_line(FILE *out, const struct gcs_view_change *change)
{
    const struct gcs_view *view = &change->view;
    char id[GCS_VIEW_ID_TEXT_MAX];

    gcs_view_id_format(view, id, sizeof(id));
    fprintf(out, "%s %s: %u member%s:", change->primary ? "view" : "no primary since view", id,
            view->count, view->count == 1 ? "" : "s");
    for (uint16_t i = 0; i < view->count; i++) {
        put_member(out, " ", &view->members[i], "");
        put_standing(out, &view->members[i]);
    }
    for (uint16_t i = 0; i < change->joined_count; i++)
        put_member(out, i == 0 ? "; joined: " : " ", &view->members[change->joined[i]], "");
    for (uint16_t i = 0; i < change->left_count; i++) {
        put_member(out, i == 0 ? "; left: " : " ", &change->left[i].member, "");
        fprintf(out, " (%s)", reason_name(change->left[i].reason));
    }
    if (change->merged)
        fputs("; back after an exclusion", out);
    if (change->merged && change->unknown_from > 0)
        fprintf(out, ", unknown from message %" PRIu64, change->unknown_from);
    fprintf(out, "; quorum %" PRIu32 "\n", change->quorum);
}

static void put_syncing(FILE *out, const struct gcs_view *view)
{
    const char *before = "\"";

    fputs("],\"syncing\":[", out);
    for (uint16_t i = 0; i < view->count; i++) {
        if (!view->members[i].syncing)
            continue;
        put_member(out, before, &view->members[i], "\"");
        before = ",\"";
    }
}

void tool_view_json(FILE *out, const struct gcs_view_change *change)
{
    const struct gcs_view *view = &change->view;
    char id[GCS_VIEW_ID_TEXT_MAX];

    gcs_view_id_format(view, id, sizeof(id));
    fprintf(out,
            "{\"id\":\"%s\",\"epoch\":%" PRIu32 ",\"primary\":%s,\"quorum\":%" PRIu32
            ",\"members\":[",
            id, view->epoch, change->primary ? "true" : "false", change->quorum);
    for (uint16_t i = 0; i < view->count; i++)
        put_member(out, i == 0 ? "\"" : ",\"", &view->members[i], "\"");
    fputs("],\"weights\":[", out);
    for (uint16_t i = 0; i < view->count; i++)
        fprintf(out, "%s%u", i == 0 ? "" : ",", view->members[i].weight);
    fputs("],\"labels\":[", out);
    for (uint16_t i = 0; i < view->count; i++)
        fprintf(out, "%s\"%s\"", i == 0 ? "" : ",", view->members[i].label);
    put_syncing(out, view);
    fputs("],\"joined\":[", out);
    for (uint16_t i = 0; i < change->joined_count; i++)
        put_member(out, i == 0 ? "\"" : ",\"", &view->members[change->joined[i]], "\"");
    fputs("],\"left\":[", out);
    for (uint16_t i = 0; i < change->left_count; i++) {
        put_member(out, i == 0 ? "{\"member\":\"" : ",{\"member\":\"", &change->left[i].member,
                   "\"");
        fprintf(out, ",\"reason\":\"%s\"}", reason_name(change->left[i].reason));
    }
    fprintf(out, "],\"merged\":%s,\"unknown_from\":%" PRIu64 "}", change->merged ? "true" : "false",
            change->unknown_from);
}
