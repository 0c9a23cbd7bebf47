/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Status for human eyes: see gcs_statustext.h.
 */
#include "gcs_statustext.h"

#include <stdlib.h>
#include <string.h>

#define NAME_MAX_TEXT 128
#define BAR           20
#define BUCKETS_MAX   64

void tool_status_title(FILE *out, const struct tool_metrics *metrics)
{
    char version[32], address[NAME_MAX_TEXT];
    size_t count;
    const struct tool_sample *info = tool_metrics_find(metrics, "gcs_info", &count);

    if (!info)
        return;
    tool_sample_label(info, "version", version, sizeof(version));
    tool_sample_label(info, "address", address, sizeof(address));
    fprintf(out, "libgcs %s at %s\n", version, address);
}

/* ---- Numbers ---------------------------------------------------------------------------- */

static void print_scaled(FILE *out, double value, double step, const char *const *units,
                         size_t count)
{
    size_t unit = 0;

    while (unit + 1 < count && value >= step) {
        value /= step;
        unit++;
    }
    fprintf(out, value < 10 && unit > 0 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

static void print_bytes(FILE *out, double value)
{
    static const char *const units[] = {"B", "kB", "MB", "GB"};
    print_scaled(out, value, 1000, units, sizeof(units) / sizeof(units[0]));
}

/* In a column. */
static void print_time(FILE *out, double seconds)
{
    static const char *const units[] = {"us", "ms", "s"};
    char text[32];
    FILE *memory = fmemopen(text, sizeof(text), "w");

    if (!memory)
        return;
    print_scaled(memory, seconds * 1e6, 1000, units, sizeof(units) / sizeof(units[0]));
    fclose(memory);
    fprintf(out, "%9s", text);
}

/* ---- One group -------------------------------------------------------------------------- */

static double of_group(const struct tool_metrics *metrics, const char *name, size_t group)
{
    size_t count;
    const struct tool_sample *samples = tool_metrics_find(metrics, name, &count);

    return samples && group < count ? samples[group].value : 0;
}

static void print_window(FILE *out, const struct tool_metrics *metrics, size_t group)
{
    double used = of_group(metrics, "gcs_group_window_packets", group);
    double max = of_group(metrics, "gcs_group_window_packets_max", group);
    double bytes = of_group(metrics, "gcs_group_window_bytes", group);
    double bytes_max = of_group(metrics, "gcs_group_window_bytes_max", group);
    double filled = max > 0 ? used / max : 0;

    if (bytes_max > 0 && bytes / bytes_max > filled)
        filled = bytes / bytes_max;
    fputs("  window [", out);
    for (int i = 0; i < BAR; i++)
        fputc(filled * BAR > i ? '#' : '.', out);
    fprintf(out, "] %.0f of %.0f packets, ", used, max);
    print_bytes(out, bytes);
    fputs(" of ", out);
    print_bytes(out, bytes_max);
    fputs("; queue ", out);
    print_bytes(out, of_group(metrics, "gcs_group_queue_bytes", group));
    fputs("; held ", out);
    print_bytes(out, of_group(metrics, "gcs_group_held_bytes", group));
    fputc('\n', out);
}

/* The end of the bucket in which a share of all lies; buckets are cumulative. */
static double quantile(const struct tool_sample *buckets, size_t count, double share)
{
    char text[32];

    for (size_t i = 0; i < count; i++) {
        if (buckets[i].value < share * buckets[count - 1].value)
            continue;
        tool_sample_label(&buckets[i], "le", text, sizeof(text));
        return strtod(text, NULL); /* "+Inf" is infinity */
    }
    return 0;
}

/* From the first bucket that has something to the last, a digit of 0 to 9 for each. */
static void print_histogram(FILE *out, const struct tool_sample *buckets, size_t count)
{
    double most = 1;
    size_t first = count, last = 0;

    for (size_t i = 0; i < count; i++) {
        double own = buckets[i].value - (i ? buckets[i - 1].value : 0);
        if (own <= 0)
            continue;
        first = first == count ? i : first;
        last = i;
        most = own > most ? own : most;
    }
    for (size_t i = first; i < count && i <= last; i++) {
        double own = buckets[i].value - (i ? buckets[i - 1].value : 0);
        fputc(" .:-=+*#%@"[own > 0 ? 1 + (int)(own / most * 8) : 0], out);
    }
}

static void print_service(FILE *out, const struct tool_sample *buckets, size_t count)
{
    char service[32];

    tool_sample_label(buckets, "service", service, sizeof(service));
    fprintf(out, "  %-8s half within", service);
    print_time(out, quantile(buckets, count, 0.5));
    fputs(", 99 % within", out);
    print_time(out, quantile(buckets, count, 0.99));
    fputs("  [", out);
    print_histogram(out, buckets, count);
    fprintf(out, "] of %.0f\n", buckets[count - 1].value);
}

static void print_latency(FILE *out, const struct tool_metrics *metrics, const char *group)
{
    char name[NAME_MAX_TEXT], le[32];
    size_t count, begin = 0;
    const struct tool_sample *all =
        tool_metrics_find(metrics, "gcs_latency_seconds_bucket", &count);

    /* Between buckets of one service and those of the next lie its sum and count. */
    for (size_t i = 0; all && i < metrics->count - (size_t)(all - metrics->samples); i++) {
        if (strcmp(all[i].name, "gcs_latency_seconds_bucket") != 0) {
            begin = i + 1;
            continue;
        }
        tool_sample_label(&all[i], "le", le, sizeof(le));
        tool_sample_label(&all[i], "group", name, sizeof(name));
        if (strcmp(le, "+Inf") == 0 && strcmp(name, group) == 0)
            print_service(out, &all[begin], i - begin + 1);
    }
}

static void print_place(FILE *out, const struct tool_metrics *metrics, size_t row)
{
    char label[GCS_LABEL_MAX + 1];
    size_t count;
    const struct tool_sample *rows = tool_metrics_find(metrics, "gcs_member_info", &count);
    double region = of_group(metrics, "gcs_member_region", row);

    if (region > 0)
        fprintf(out, " region %.0f", region);
    if (row >= count)
        return;
    tool_sample_label(&rows[row], "label", label, sizeof(label));
    if (label[0])
        fprintf(out, " at %s", label);
}

static void print_member(FILE *out, const struct tool_metrics *metrics, size_t row, size_t rank,
                         const char *member)
{
    static const char *const columns[] = {"gcs_member_behind_packets", "gcs_member_missing_packets",
                                          "gcs_member_waiting_packets"};

    fprintf(out, "  %4zu %-40s %5.0f", rank, member, of_group(metrics, "gcs_member_weight", row));
    print_time(out, of_group(metrics, "gcs_member_rtt_seconds", row));
    print_time(out, of_group(metrics, "gcs_member_silence_seconds", row));
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
        fprintf(out, " %8.0f", of_group(metrics, columns[i], row));
    if (of_group(metrics, "gcs_member_suspected", row) > 0)
        fputs(" suspected", out);
    if (of_group(metrics, "gcs_member_syncing", row) > 0)
        fputs(" without-state", out);
    if (of_group(metrics, "gcs_member_faults", row) > 0)
        fprintf(out, " faults %.0f", of_group(metrics, "gcs_member_faults", row));
    print_place(out, metrics, row);
    fputc('\n', out);
}

static void print_members(FILE *out, const struct tool_metrics *metrics, const char *group)
{
    char name[NAME_MAX_TEXT], member[NAME_MAX_TEXT], slowest[NAME_MAX_TEXT] = "";
    double behind = 0;
    size_t count, rank = 0;
    const struct tool_sample *rows =
        tool_metrics_find(metrics, "gcs_member_behind_packets", &count);

    fprintf(out, "  %4s %-40s %5s%9s%9s %8s %8s %8s\n", "rank", "member", "votes", "rtt", "silence",
            "behind", "missing", "waiting");
    for (size_t row = 0; row < count; row++) {
        tool_sample_label(&rows[row], "group", name, sizeof(name));
        if (strcmp(name, group) != 0)
            continue;
        tool_sample_label(&rows[row], "member", member, sizeof(member));
        print_member(out, metrics, row, rank++, member);
        if (rows[row].value > behind) {
            behind = rows[row].value;
            memcpy(slowest, member, sizeof(slowest));
        }
    }
    if (behind > 0)
        fprintf(out, "  slowest: %s, %.0f packets behind\n", slowest, behind);
}

void tool_status_groups(FILE *out, const struct tool_metrics *metrics)
{
    char name[NAME_MAX_TEXT];
    size_t count;
    const struct tool_sample *groups = tool_metrics_find(metrics, "gcs_group_epoch", &count);

    for (size_t group = 0; group < count; group++) {
        tool_sample_label(&groups[group], "group", name, sizeof(name));
        fprintf(out, "\ngroup %s: ", name);
        if (groups[group].value <= 0) {
            fputs("no view yet\n", out);
            continue;
        }
        fprintf(out, "view %.0f, %.0f members, rank %.0f, %s%s\n", groups[group].value,
                of_group(metrics, "gcs_group_members", group),
                of_group(metrics, "gcs_group_rank", group),
                of_group(metrics, "gcs_group_primary", group) > 0 ? "primary" : "CUT OFF",
                of_group(metrics, "gcs_group_changing", group) > 0 ? ", changing" : "");
        print_window(out, metrics, group);
        print_latency(out, metrics, name);
        print_members(out, metrics, name);
    }
}

void tool_status_counters(FILE *out, const struct tool_metrics *metrics)
{
    fputc('\n', out);
    for (size_t i = 0; i < metrics->count; i++) {
        const struct tool_sample *sample = &metrics->samples[i];
        size_t length = strlen(sample->name);
        if (length < 10 || strcmp(sample->name + length - 6, "_total") != 0 || sample->value <= 0)
            continue;
        fprintf(out, "  %15.0f %.*s\n", sample->value, (int)length - 10, sample->name + 4);
    }
}
