/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A status snapshot as text: JSON, and the text format of Prometheus (version 0.0.4). Names and
 * explanations come from the tables of gcs/core.h and gcs/status.h. Metrics are in
 * base units, as their conventions ask for: what is called _ns here is _seconds there.
 */
#include "gcs/endpoint_status.h"

#include "gcs/base/memory.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define TEXT_ROOM_MIN 8192

/* A row of a table: where its value lies in the table's struct. */
struct field {
    const char *name;
    const char *text;
    size_t offset;
};

#define COUNTER_FIELD(name, text) {#name, text, offsetof(struct gcs_counters, name)},
#define GROUP_FIELD(name, text)   {#name, text, offsetof(struct gcs_group_status, name)},
#define MEMBER_FIELD(name, text)  {#name, text, offsetof(struct gcs_member_status, name)},
static const struct field counter_fields[] = {GCS_COUNTER_TABLE(COUNTER_FIELD)};
static const struct field group_fields[] = {GCS_GROUP_STATUS_TABLE(GROUP_FIELD)};
static const struct field member_fields[] = {GCS_MEMBER_STATUS_TABLE(MEMBER_FIELD)};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint64_t value_of(const void *row, const struct field *field)
{
    uint64_t value;

    memcpy(&value, (const char *)row + field->offset, sizeof(value));
    return value;
}

/* ---- A text that grows ------------------------------------------------------------------ */

void gcs_text_free(struct gcs_text *text)
{
    if (text->data)
        gcs_release(text->allocator, text->data);
    *text = (struct gcs_text){.allocator = text->allocator};
}

static bool grow(struct gcs_text *text, size_t length)
{
    size_t room = text->room ? text->room : TEXT_ROOM_MIN;

    while (room < text->size + length + 1)
        room *= 2;
    char *larger = gcs_allocate(text->allocator, 1, room);
    if (!larger) {
        text->failed = true;
        return false;
    }
    if (text->data) {
        memcpy(larger, text->data, text->size);
        gcs_release(text->allocator, text->data);
    }
    text->data = larger;
    text->room = room;
    return true;
}

void gcs_text_add(struct gcs_text *text, const char *format, ...)
{
    va_list arguments, again;

    if (text->failed)
        return;
    va_start(arguments, format);
    va_copy(again, arguments);
    size_t left = text->room - text->size;
    int length = vsnprintf(text->data ? text->data + text->size : NULL, left, format, arguments);
    if (length >= 0 && (size_t)length >= left) {
        if (grow(text, (size_t)length))
            (void)vsnprintf(text->data + text->size, text->room - text->size, format, again);
    }
    va_end(again);
    va_end(arguments);
    if (length >= 0 && !text->failed)
        text->size += (size_t)length;
}

/* ---- JSON ------------------------------------------------------------------------------- */

/* Names, addresses, labels and view ids hold nothing that JSON or a label would want quoted. */
static void json_fields(struct gcs_text *text, const void *row, const struct field *fields,
                        size_t count)
{
    for (size_t i = 0; i < count; i++)
        gcs_text_add(text, "%s\"%s\":%" PRIu64, i ? "," : "", fields[i].name,
                     value_of(row, &fields[i]));
}

static uint64_t latency_count(const struct gcs_latency *latency)
{
    uint64_t count = 0;

    for (size_t i = 0; i < GCS_LATENCY_BUCKETS; i++)
        count += latency->buckets[i];
    return count;
}

static void json_latency(struct gcs_text *text, const struct gcs_group_status *status)
{
    const char *comma = "";

    for (uint8_t service = 0; service < GCS_SERVICES; service++) {
        const struct gcs_latency *latency = &status->latency[service];
        uint64_t count = latency_count(latency);
        if (count == 0)
            continue;
        gcs_text_add(text, "%s\"%s\":{\"count\":%" PRIu64 ",\"sum_ns\":%" PRIu64 ",\"buckets\":[",
                     comma, gcs_service_name(service), count, latency->sum_ns);
        for (size_t i = 0; i < GCS_LATENCY_BUCKETS; i++)
            gcs_text_add(text, "%s%" PRIu64, i ? "," : "", latency->buckets[i]);
        gcs_text_add(text, "]}");
        comma = ",";
    }
}

static void json_group(struct gcs_text *text, const struct gcs_status_snapshot *snapshot,
                       const struct gcs_status_group *group)
{
    gcs_text_add(text, "{\"name\":\"%s\",\"view\":\"%s\",", group->name, group->view);
    json_fields(text, &group->status, group_fields, COUNT(group_fields));
    gcs_text_add(text, ",\"latency\":{");
    json_latency(text, &group->status);
    gcs_text_add(text, "},\"list\":[");
    for (size_t i = 0; i < group->members_count; i++) {
        const struct gcs_member_status *member = &snapshot->members[group->members_first + i];
        char name[GCS_MEMBER_TEXT_MAX];
        gcs_member_format(&member->id, name, sizeof(name));
        gcs_text_add(text, "%s{\"rank\":%zu,\"member\":\"%s\",\"label\":\"%s\",", i ? "," : "", i,
                     name, member->label);
        json_fields(text, member, member_fields, COUNT(member_fields));
        gcs_text_add(text, "}");
    }
    gcs_text_add(text, "]}");
}

void gcs_status_write_json(struct gcs_text *text, const struct gcs_status_snapshot *snapshot)
{
    gcs_text_add(text, "{\"version\":\"%s\",\"address\":\"%s\",\"counters\":{", gcs_version(),
                 snapshot->address);
    json_fields(text, &snapshot->counters, counter_fields, COUNT(counter_fields));
    gcs_text_add(text, "},\"groups\":[");
    for (size_t i = 0; i < snapshot->groups_count; i++) {
        gcs_text_add(text, "%s", i ? "," : "");
        json_group(text, snapshot, &snapshot->groups[i]);
    }
    gcs_text_add(text, "]}\n");
}

/* ---- Metrics ---------------------------------------------------------------------------- */

/* The stem of a name without its unit, and whether that unit is nanoseconds. */
static bool is_time(const char *name, int *stem)
{
    size_t length = strlen(name);
    bool time = length > 3 && strcmp(name + length - 3, "_ns") == 0;

    *stem = (int)(time ? length - 3 : length);
    return time;
}

static void metric_head(struct gcs_text *text, const char *prefix, const struct field *field)
{
    int stem;
    const char *unit = is_time(field->name, &stem) ? "_seconds" : "";

    gcs_text_add(text, "# HELP gcs_%s%.*s%s %s\n# TYPE gcs_%s%.*s%s gauge\n", prefix, stem,
                 field->name, unit, field->text, prefix, stem, field->name, unit);
}

static void metric_value(struct gcs_text *text, const char *prefix, const struct field *field,
                         const char *labels, uint64_t value)
{
    int stem;

    if (is_time(field->name, &stem))
        gcs_text_add(text, "gcs_%s%.*s_seconds{%s} %.9f\n", prefix, stem, field->name, labels,
                     (double)value / (double)GCS_NS_PER_S);
    else
        gcs_text_add(text, "gcs_%s%s{%s} %" PRIu64 "\n", prefix, field->name, labels, value);
}

static void metrics_counters(struct gcs_text *text, const struct gcs_counters *counters)
{
    for (size_t i = 0; i < COUNT(counter_fields); i++) {
        const struct field *field = &counter_fields[i];
        gcs_text_add(
            text, "# HELP gcs_%s_total %s\n# TYPE gcs_%s_total counter\ngcs_%s_total %" PRIu64 "\n",
            field->name, field->text, field->name, field->name, value_of(counters, field));
    }
}

static void metrics_groups(struct gcs_text *text, const struct gcs_status_snapshot *snapshot)
{
    char labels[GCS_NAME_MAX + 16];

    for (size_t i = 0; i < COUNT(group_fields); i++) {
        metric_head(text, "group_", &group_fields[i]);
        for (size_t k = 0; k < snapshot->groups_count; k++) {
            const struct gcs_status_group *group = &snapshot->groups[k];
            (void)snprintf(labels, sizeof(labels), "group=\"%s\"", group->name);
            metric_value(text, "group_", &group_fields[i], labels,
                         value_of(&group->status, &group_fields[i]));
        }
    }
}

static void metrics_members_of(struct gcs_text *text, const struct gcs_status_snapshot *snapshot,
                               const struct gcs_status_group *group, const struct field *field)
{
    char labels[GCS_NAME_MAX + GCS_MEMBER_TEXT_MAX + 32], name[GCS_MEMBER_TEXT_MAX];

    for (size_t i = 0; i < group->members_count; i++) {
        const struct gcs_member_status *member = &snapshot->members[group->members_first + i];
        gcs_member_format(&member->id, name, sizeof(name));
        (void)snprintf(labels, sizeof(labels), "group=\"%s\",member=\"%s\"", group->name, name);
        metric_value(text, "member_", field, labels, value_of(member, field));
    }
}

static void metrics_places_of(struct gcs_text *text, const struct gcs_status_snapshot *snapshot,
                              const struct gcs_status_group *group)
{
    char name[GCS_MEMBER_TEXT_MAX];

    for (size_t i = 0; i < group->members_count; i++) {
        const struct gcs_member_status *member = &snapshot->members[group->members_first + i];
        gcs_member_format(&member->id, name, sizeof(name));
        gcs_text_add(text, "gcs_member_info{group=\"%s\",member=\"%s\",label=\"%s\"} 1\n",
                     group->name, name, member->label);
    }
}

static void metrics_members(struct gcs_text *text, const struct gcs_status_snapshot *snapshot)
{
    gcs_text_add(text, "# HELP gcs_member_info where a member is\n# TYPE gcs_member_info gauge\n");
    for (size_t k = 0; k < snapshot->groups_count; k++)
        metrics_places_of(text, snapshot, &snapshot->groups[k]);
    for (size_t i = 0; i < COUNT(member_fields); i++) {
        metric_head(text, "member_", &member_fields[i]);
        for (size_t k = 0; k < snapshot->groups_count; k++)
            metrics_members_of(text, snapshot, &snapshot->groups[k], &member_fields[i]);
    }
}

static void metrics_histogram(struct gcs_text *text, const char *group, uint8_t service,
                              const struct gcs_latency *latency)
{
    const char *name = gcs_service_name(service);
    uint64_t count = 0;

    for (unsigned i = 0; i < GCS_LATENCY_BUCKETS - 1; i++) {
        count += latency->buckets[i];
        gcs_text_add(text,
                     "gcs_latency_seconds_bucket{group=\"%s\",service=\"%s\",le=\"%.6f\"} %" PRIu64
                     "\n",
                     group, name, (double)(UINT64_C(1) << i) / 1e6, count);
    }
    count += latency->buckets[GCS_LATENCY_BUCKETS - 1];
    gcs_text_add(text,
                 "gcs_latency_seconds_bucket{group=\"%s\",service=\"%s\",le=\"+Inf\"} %" PRIu64
                 "\ngcs_latency_seconds_sum{group=\"%s\",service=\"%s\"} %.9f\n"
                 "gcs_latency_seconds_count{group=\"%s\",service=\"%s\"} %" PRIu64 "\n",
                 group, name, count, group, name, (double)latency->sum_ns / (double)GCS_NS_PER_S,
                 group, name, count);
}

static void metrics_latency(struct gcs_text *text, const struct gcs_status_snapshot *snapshot)
{
    gcs_text_add(text, "# HELP gcs_latency_seconds time from multicasting a message to delivering "
                       "it here, sampled\n# TYPE gcs_latency_seconds histogram\n");
    for (size_t k = 0; k < snapshot->groups_count; k++) {
        const struct gcs_status_group *group = &snapshot->groups[k];
        for (uint8_t service = 0; service < GCS_SERVICES; service++)
            if (latency_count(&group->status.latency[service]) > 0)
                metrics_histogram(text, group->name, service, &group->status.latency[service]);
    }
}

void gcs_status_write_metrics(struct gcs_text *text, const struct gcs_status_snapshot *snapshot)
{
    gcs_text_add(text,
                 "# HELP gcs_info version and address of the endpoint\n# TYPE gcs_info gauge\n"
                 "gcs_info{version=\"%s\",address=\"%s\"} 1\n",
                 gcs_version(), snapshot->address);
    metrics_counters(text, &snapshot->counters);
    metrics_groups(text, snapshot);
    metrics_members(text, snapshot);
    metrics_latency(text, snapshot);
}
