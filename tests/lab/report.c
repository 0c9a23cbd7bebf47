/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Times are in seconds since the first record of the traces.
 */
#include "tests/lab/report.h"

#include <inttypes.h>
#include <string.h>

#define WINDOW_MAX 30
#define DEEDS_MAX  12

static double seconds(uint64_t ns)
{
    return (double)ns / 1e9;
}

/* On the log's clock, in seconds; what was before its first record is negative. */
static double since_begin(const struct lab_evidence *evidence, uint64_t at)
{
    return at >= evidence->begin ? seconds(at - evidence->begin) : -seconds(evidence->begin - at);
}

/* ---- Sums --------------------------------------------------------------------------- */

struct sums {
    uint64_t message_bytes; /* multicast */
    struct gcs_counters counters;
    long peak_rss_kb;
};

static void sum_up(const struct lab_run *run, struct sums *sums)
{
    memset(sums, 0, sizeof(*sums));
    for (size_t i = 0; i < run->crew.count; i++) {
        const struct lab_life *life = run->crew.lives[i];

#define ADD_COUNTER(name, text) sums->counters.name += life->counters.name;
        GCS_COUNTER_TABLE(ADD_COUNTER)
#undef ADD_COUNTER
        sums->message_bytes += life->state.sent_bytes;
        if (life->peak_rss_kb > sums->peak_rss_kb)
            sums->peak_rss_kb = life->peak_rss_kb;
    }
}

static void print_gap(const struct lab_evidence *evidence, const char *what,
                      const struct lab_gap *gap, FILE *out)
{
    if (gap->ns > 0)
        fprintf(out, "  %-22s %9.3f s  until %.3f s, at %s\n", what, seconds(gap->ns),
                seconds(gap->ends), evidence->log.members.items[gap->member]);
}

static void print_number(FILE *out, const char *name, uint64_t value, const char *text)
{
    fprintf(out, "  %-22s %11" PRIu64 "  %s\n", name, value, text);
}

static void print_time(FILE *out, const char *name, uint64_t ns, const char *text)
{
    fprintf(out, "  %-22s %9.3f s  %s\n", name, seconds(ns), text);
}

static void print_evidence(const struct lab_evidence *evidence, FILE *out)
{
    print_number(out, "messages", evidence->sends, "sent");
    print_number(out, "deliveries", evidence->deliveries, "of them, at all members together");
    print_number(out, "views", evidence->views, "primary ones");
    print_number(out, "memberships", evidence->members, "begun");
    print_gap(evidence, "longest gap", &evidence->group_gap, out);
    print_gap(evidence, "... of one member", &evidence->member_gap, out);
}

static void print_shape(const struct lab_run *run, FILE *out)
{
    const struct lab_shape *shape = &run->crew.shape;
    char faults[200];

    lab_faults_format(run->options->faults, faults, sizeof(faults));
    fprintf(out,
            "seed %" PRIu64 ", %u members, %u s, faults %s, service %s, %u messages/s each\n"
            "window %" PRIu32 " packets, %" PRIu32 " bytes; queue %" PRIu32
            " bytes; suspicion after %" PRIu32 " ms; packet ",
            run->options->seed, run->options->members, run->options->seconds, faults,
            lab_service_name(run->options->service), lab_plan_rate(run->options),
            shape->window_packets, shape->window_bytes, shape->queue_bytes, shape->suspect_ms);
    if (shape->packet_bytes)
        fprintf(out, "%" PRIu32 " bytes", shape->packet_bytes);
    else
        fprintf(out, "by default");
    if (shape->receive_buffer)
        fprintf(out, "; receive buffer %" PRIu32 " bytes", shape->receive_buffer);
    fprintf(out, "; order %s%s%s%s", lab_order_name(shape->order),
            shape->rotate && shape->order == LAB_SEQUENCER ? ", rotating" : "",
            shape->stable ? ", stable told" : "", shape->all_hold ? ", safe when all hold it" : "");
    if (shape->region_size)
        fprintf(out, ", regions of %" PRIu32, shape->region_size);
    fprintf(out, "; %s%s in %s", run->network.ipv6 ? "IPv6" : "IPv4",
            run->network.multicast ? " multicast" : "", lab_network_name(run->network.kind));
    if (run->network.kind == LAB_NAMESPACES)
        fprintf(out, " with an MTU of %" PRIu32, shape->mtu);
    fputc('\n', out);
}

void lab_report(const struct lab_run *run, const struct lab_evidence *evidence, FILE *out)
{
    struct sums sums;

    sum_up(run, &sums);
    print_shape(run, out);
    for (unsigned i = 0; i < LAB_FAULTS; i++) {
        if (run->done[i] > 0)
            print_number(out, lab_fault_name((enum lab_fault)i), run->done[i], "times");
    }
    print_number(out, "left out", run->skipped, "faults that would have taken the majority");
    print_evidence(evidence, out);
    print_number(out, "left", run->crew.left_gracefully, "memberships that ended gracefully");
    print_number(out, "excluded", run->crew.left_excluded, "memberships that ended otherwise");
    print_number(out, "bytes multicast", sums.message_bytes, "of messages");
    print_number(out, "bytes sent", sums.counters.bytes_sent, "of packets, one per multicast");
    print_number(out, "bytes received", sums.counters.bytes_received, "of packets");
    print_number(out, "repairs", sums.counters.repairs_received, "packets that came as one");
    print_number(out, "ballots", sums.counters.ballots, "started");
    print_number(out, "reproposals", sums.counters.reproposals, "of accepted values");
    print_number(out, "fetches", sums.counters.fetches, "of packets before a view");
    print_number(out, "suspicions", run->suspicions, "of peers, until all were told to leave");
    print_number(out, "corrupt", sums.counters.dropped_corrupt, "packets dropped");
    print_number(out, "window full", sums.counters.window_full, "times");
    print_number(out, "peak RSS", (uint64_t)sums.peak_rss_kb, "KiB, of the largest process");
    print_number(out, "waited", (uint64_t)(100 * lab_run_waited(run)),
                 "% of its time, that process which waited most for a processor");
    if (run->formed_at)
        print_time(out, "formed", run->formed_at - run->started_at, "until all were in one view");
    if (run->paused)
        print_time(out, "not run", run->paused, "not counted: gcs-lab itself stood still");
    if (run->well_at)
        print_time(out, "all in one view", run->well_at - run->heal_at, "after the last fault");
}

void lab_report_deeds(const struct lab_run *run, const struct lab_evidence *evidence, FILE *out)
{
    for (size_t i = 0; i < run->deeds_count; i++)
        fprintf(out, "%10.3f s  %s\n", since_begin(evidence, run->deeds[i].at), run->deeds[i].text);
}

/* ---- Violations --------------------------------------------------------------------- */

const char *lab_violation(const struct lab_run *run, const struct lab_evidence *evidence)
{
    if (evidence->verdict.count > 0)
        return evidence->verdict.violations[0].property;
    if (run && run->crew.wrongs_count > 0)
        return "process";
    if (run && run->lacks[0] != '\0' && !evidence->majority_lost)
        return "liveness";
    return NULL;
}

/* The last deeds before a time on the log's clock. */
static void print_deeds_before(const struct lab_run *run, const struct lab_evidence *evidence,
                               uint64_t time, FILE *out)
{
    size_t end = 0;

    while (end < run->deeds_count && run->deeds[end].at <= evidence->begin + time)
        end++;
    if (end > 0)
        fprintf(out, "  what was done before:\n");
    for (size_t i = end > DEEDS_MAX ? end - DEEDS_MAX : 0; i < end; i++)
        fprintf(out, "  %15.6f ms %s\n", since_begin(evidence, run->deeds[i].at) * 1000,
                run->deeds[i].text);
}

static void print_window(const struct lab_evidence *evidence, const struct violation *violation,
                         FILE *out)
{
    uint32_t window[WINDOW_MAX];
    size_t count = violation_window(&evidence->log, violation, window, WINDOW_MAX);
    char text[1024];

    if (count > WINDOW_MAX) {
        fprintf(out, "  ... %zu events before\n", count - WINDOW_MAX);
        count = WINDOW_MAX;
    }
    for (size_t i = 0; i < count; i++) {
        log_describe(&evidence->log, &evidence->log.records[window[i]], text, sizeof(text));
        fprintf(out, "  %s\n", text);
    }
}

void lab_report_violations(const struct lab_run *run, const struct lab_evidence *evidence,
                           FILE *out)
{
    for (size_t i = 0; run && i < run->crew.wrongs_count; i++)
        fprintf(out, "violation of process: %s\n", run->crew.wrongs[i]);
    for (size_t i = 0; i < evidence->verdict.count; i++) {
        const struct violation *violation = &evidence->verdict.violations[i];

        fprintf(out, "violation of %s: %s\n", violation->property, violation->text);
        if (run)
            print_deeds_before(run, evidence, evidence->log.records[violation->record].time, out);
        print_window(evidence, violation, out);
    }
    if (evidence->majority_lost)
        fprintf(out,
                "a majority of the last view was killed, since members had been excluded at "
                "that moment:\nwhat comes after is not judged (%s)\n",
                run->lacks);
}

void lab_report_result(const struct lab_run *run, const struct lab_evidence *evidence,
                       const char *dir, FILE *out)
{
    const char *property = lab_violation(run, evidence);

    if (property && run)
        fprintf(out, "gcs-lab: violation: %s seed %" PRIu64 "%s%s\n", property, run->options->seed,
                dir ? ", see " : "", dir ? dir : "");
    else if (property)
        fprintf(out, "gcs-lab: violation: %s\n", property);
    else if (run)
        fprintf(out,
                "gcs-lab: ok: seed %" PRIu64 ", %u members, %u s, %" PRIu64 " messages, %" PRIu64
                " deliveries, %" PRIu64 " views, no violation%s\n",
                run->options->seed, run->options->members, run->options->seconds, evidence->sends,
                evidence->deliveries, evidence->views,
                evidence->majority_lost ? " until the majority was killed" : "");
    else
        fprintf(out,
                "gcs-lab: ok: %" PRIu64 " messages, %" PRIu64 " deliveries, %" PRIu64
                " views, no violation\n",
                evidence->sends, evidence->deliveries, evidence->views);
}

/* ---- JSON --------------------------------------------------------------------------- */

static void print_json_run(const struct lab_run *run, const struct lab_evidence *evidence,
                           FILE *out)
{
    struct sums sums;

    sum_up(run, &sums);
    fprintf(out, ",\"seed\":%" PRIu64 ",\"members\":%u,\"seconds\":%u,\"service\":\"%s\"",
            run->options->seed, run->options->members, run->options->seconds,
            lab_service_name(run->options->service));
    fprintf(out, ",\"faults\":{");
    for (unsigned i = 0, n = 0; i < LAB_FAULTS; i++) {
        if (run->options->faults & 1U << i)
            fprintf(out, "%s\"%s\":%" PRIu64, n++ ? "," : "", lab_fault_name((enum lab_fault)i),
                    run->done[i]);
    }
    fprintf(
        out,
        "},\"left_out\":%" PRIu64 ",\"excluded\":%" PRIu64 ",\"left\":%" PRIu64
        ",\"bytes_multicast\":%" PRIu64 ",\"peak_rss_kib\":%ld,\"formed_ms\":%.3f"
        ",\"suspicions_before_leaving\":%" PRIu64
        ",\"waited_percent\":%.1f,\"heal_ms\":%.3f,\"network\":\"%s\",\"majority_lost\":%s,\"wrongs\":%zu,\"core\":{",
        run->skipped, run->crew.left_excluded, run->crew.left_gracefully, sums.message_bytes,
        sums.peak_rss_kb, run->formed_at ? (double)(run->formed_at - run->started_at) / 1e6 : -1.0,
        run->suspicions, 100 * lab_run_waited(run),
        run->well_at ? (double)(run->well_at - run->heal_at) / 1e6 : -1.0,
        lab_network_name(run->network.kind), evidence->majority_lost ? "true" : "false",
        run->crew.wrongs_count);
    const char *comma = "";
#define JSON_COUNTER(name, text)                                         \
    fprintf(out, "%s\"" #name "\":%" PRIu64, comma, sums.counters.name); \
    comma = ",";
    GCS_COUNTER_TABLE(JSON_COUNTER)
#undef JSON_COUNTER
    fputc('}', out);
}

/* What a JSON string must not hold as it is. */
static void print_escaped(const char *text, FILE *out)
{
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        if ((unsigned char)*text < 0x20)
            fprintf(out, "\\u%04x", (unsigned char)*text);
        else
            fputc(*text, out);
    }
}

void lab_report_json(const struct lab_run *run, const struct lab_evidence *evidence,
                     const char *dir, FILE *out)
{
    const char *property = lab_violation(run, evidence);

    fprintf(out, "{\"ok\":%s", property ? "false" : "true");
    if (property)
        fprintf(out, ",\"violation\":\"%s\"", property);
    if (dir) {
        fprintf(out, ",\"dir\":\"");
        print_escaped(dir, out);
        fputc('"', out);
    }
    fprintf(out,
            ",\"messages\":%" PRIu64 ",\"deliveries\":%" PRIu64 ",\"views\":%" PRIu64
            ",\"memberships\":%" PRIu64 ",\"gap_ms\":%.3f,\"member_gap_ms\":%.3f",
            evidence->sends, evidence->deliveries, evidence->views, evidence->members,
            (double)evidence->group_gap.ns / 1e6, (double)evidence->member_gap.ns / 1e6);
    if (run)
        print_json_run(run, evidence, out);
    fputs("}\n", out);
}
