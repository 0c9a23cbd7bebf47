/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcs-bench orders: what each service and order costs, in one table. A work is done with all
 * of its orders in turn, and so again for each run, so that whatever else the machine
 * does meets all of them alike; a ratio compares what was measured one right after the other.
 */
#include "floor.h"
#include "json.h"
#include "report_json.h"
#include "series.h"

#include <gcs/gcs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum measure { ROUND_TRIP, LATENCY, THROUGHPUT };

/* One line of the table. The first one of a work is what its others are compared with. */
struct line {
    const char *work;
    const char *name;
    unsigned members;
    uint32_t size;
    enum measure measure;
    enum gcs_service service;
    enum gcs_order order;
};

#define UDP(work, size)                                                              \
    {                                                                                \
        work, "a UDP round trip", 3, size, ROUND_TRIP, GCS_FIFO, GCS_ORDER_SEQUENCER \
    }
#define ONE(work, name, size, service, order)        \
    {                                                \
        work, name, 3, size, LATENCY, service, order \
    }
#define ALL(work, name, members, size, service, order)        \
    {                                                         \
        work, name, members, size, THROUGHPUT, service, order \
    }

static const char latency[] = "latency, 64 bytes, 3 members, one at a time, at its sender: us";
static const char small[] = "throughput, 1 KiB, 3 members, all send: MB/s";
static const char large[] = "throughput, 8 KiB, 3 members, all send: MB/s";
static const char five[] = "throughput, 1 KiB, 5 members, all send: MB/s";

static const struct line lines[] = {
    UDP(latency, 64),
    ONE(latency, "fifo", 64, GCS_FIFO, GCS_ORDER_SEQUENCER),
    ONE(latency, "agreed, sequencer", 64, GCS_AGREED, GCS_ORDER_SEQUENCER),
    ONE(latency, "agreed, lamport", 64, GCS_AGREED, GCS_ORDER_LAMPORT),
    ONE(latency, "safe, sequencer", 64, GCS_SAFE, GCS_ORDER_SEQUENCER),
    ONE(latency, "safe, lamport", 64, GCS_SAFE, GCS_ORDER_LAMPORT),
    ALL(small, "fifo", 3, 1024, GCS_FIFO, GCS_ORDER_SEQUENCER),
    ALL(small, "agreed, sequencer", 3, 1024, GCS_AGREED, GCS_ORDER_SEQUENCER),
    ALL(small, "agreed, lamport", 3, 1024, GCS_AGREED, GCS_ORDER_LAMPORT),
    ALL(large, "fifo", 3, 8192, GCS_FIFO, GCS_ORDER_SEQUENCER),
    ALL(large, "agreed, sequencer", 3, 8192, GCS_AGREED, GCS_ORDER_SEQUENCER),
    ALL(large, "agreed, lamport", 3, 8192, GCS_AGREED, GCS_ORDER_LAMPORT),
    ALL(five, "fifo", 5, 1024, GCS_FIFO, GCS_ORDER_SEQUENCER),
    ALL(five, "causal", 5, 1024, GCS_CAUSAL, GCS_ORDER_SEQUENCER),
};

#define LINES COUNT(lines)

/* What the runs have found for a line. */
struct found {
    double *values, *ratios; /* options->runs of each */
    double *sorted;
};

/* --size: only works with messages of that size. */
static bool is_wanted(const struct bench_options *options, const struct line *line)
{
    return !(options->given & BENCH_SET(BENCH_SIZE)) || line->size == options->size;
}

static bool is_any_wanted(const struct bench_options *options)
{
    for (size_t i = 0; i < LINES; i++) {
        if (is_wanted(options, &lines[i]))
            return true;
    }
    bench_complain(options, "--size: no work has messages of %u bytes", options->size);
    return false;
}

static size_t base_of(size_t i)
{
    while (i > 0 && lines[i - 1].work == lines[i].work)
        i--;
    return i;
}

/* ---- Measuring --------------------------------------------------------------------------- */

static bool measure(const struct bench_options *given, const struct line *line, double *value)
{
    struct bench_options options = *given;
    struct bench_plan plan = {.pace = BENCH_FLAT_OUT};
    struct bench_outcome *outcome;
    double p99;
    bool good;

    options.runs = 1;
    options.members = options.senders = line->members;
    options.size = line->size;
    options.service = line->service;
    options.order = line->order;
    if (line->measure == ROUND_TRIP)
        return bench_floor_measure_latency(&options, value, &p99);
    if (line->measure == LATENCY) {
        options.senders = 1;
        plan = (struct bench_plan){.pace = BENCH_IN_TURN, .record_latency = true};
    }
    outcome = calloc(1, sizeof(*outcome));
    if (!outcome) {
        bench_complain(given, "out of memory");
        return false;
    }
    good = bench_experiment_run(&options, &plan, bench_member_run, &plan, outcome);
    *value = line->measure == LATENCY ? outcome->own_p50_us : outcome->megabytes_per_second;
    free(outcome);
    return good;
}

static bool measure_all(const struct bench_options *options, const struct found *found)
{
    for (unsigned run = 0; run < options->runs; run++) {
        for (size_t i = 0; i < LINES; i++) {
            if (!is_wanted(options, &lines[i]))
                continue;
            if (!measure(options, &lines[i], &found[i].values[run]))
                return false;
            found[i].ratios[run] = found[i].values[run] / found[base_of(i)].values[run];
        }
        printf("run %u of %u is done\n", run + 1, options->runs);
        (void)fflush(stdout);
    }
    return true;
}

/* ---- The table ----------------------------------------------------------------------------- */

/* Smallest, median, largest. */
static void spread_of(const struct bench_options *options, const struct found *found,
                      const double *values, double spread[3])
{
    memcpy(found->sorted, values, options->runs * sizeof(*values));
    spread[1] = bench_values_sort(found->sorted, options->runs);
    spread[0] = found->sorted[0];
    spread[2] = found->sorted[options->runs - 1];
}

static void print_table(const struct bench_options *options, const struct found *found)
{
    for (size_t i = 0; i < LINES; i++) {
        const struct line *line = &lines[i];
        int decimals = line->measure == THROUGHPUT ? 0 : 1;
        double value[3], ratio[3];
        if (!is_wanted(options, line))
            continue;
        if (base_of(i) == i)
            printf("%s\n", line->work);
        spread_of(options, &found[i], found[i].values, value);
        spread_of(options, &found[i], found[i].ratios, ratio);
        printf("  %-20s %8.*f (%.*f to %.*f)", line->name, decimals, value[1], decimals, value[0],
               decimals, value[2]);
        if (base_of(i) != i)
            printf("  %.2f times %s (%.2f to %.2f)", ratio[1], lines[base_of(i)].name, ratio[0],
                   ratio[2]);
        putchar('\n');
    }
}

static void print_json_line(const struct bench_options *options, size_t i,
                            const struct found *found)
{
    const struct line *line = &lines[i];
    struct bench_json object = {false};
    double value[3], ratio[3];

    spread_of(options, found, found->values, value);
    spread_of(options, found, found->ratios, ratio);
    putchar('{');
    bench_json_string(&object, "work", line->work);
    bench_json_string(&object, "name", line->name);
    bench_json_number(&object, line->measure == THROUGHPUT ? "megabytes_per_second" : "own_p50_us",
                      value[1], 3);
    bench_json_number(&object, "ratio", ratio[1], 3);
    bench_json_numbers(&object, "values", found->values, options->runs, 3);
    bench_json_numbers(&object, "ratios", found->ratios, options->runs, 3);
    putchar('}');
}

static void print_json(const struct bench_options *options, const struct found *found)
{
    struct bench_json object = {false};
    char separator = '[';

    putchar('{');
    bench_json_string(&object, "benchmark", "orders");
    bench_json_string(&object, "version", gcs_version());
    bench_json_number(&object, "seconds", options->seconds, 3);
    bench_json_number(&object, "warmup", options->warmup, 3);
    bench_json_key(&object, "lines");
    for (size_t i = 0; i < LINES; i++) {
        if (!is_wanted(options, &lines[i]))
            continue;
        putchar(separator);
        separator = ',';
        print_json_line(options, i, &found[i]);
    }
    printf("%s]}\n", separator == '[' ? "[" : "");
}

static int run(const struct bench_options *options)
{
    if (!is_any_wanted(options))
        return BENCH_USAGE;
    double *numbers = calloc((2 * LINES + 1) * options->runs, sizeof(*numbers));
    struct found found[LINES];

    if (!numbers) {
        bench_complain(options, "out of memory for %u runs", options->runs);
        return BENCH_FAILED;
    }
    for (size_t i = 0; i < LINES; i++)
        found[i] =
            (struct found){numbers + 2 * i * options->runs, numbers + (2 * i + 1) * options->runs,
                           numbers + 2 * LINES * options->runs};
    bool good = measure_all(options, found);
    if (good)
        print_table(options, found);
    if (good && options->json)
        print_json(options, found);
    free(numbers);
    return good && fflush(stdout) == 0 ? BENCH_OK : BENCH_FAILED;
}

const struct bench_command bench_orders = {
    .name = "orders",
    .summary = "what each service and order costs, in one table",
    .help = "usage: gcs-bench orders [options]\n"
            "\n"
            "Latency and throughput of services and orders, in turn, with ratios.\n"
            "\n"
            "  --size BYTES           only works with messages of that size: 64, 1K, 8K\n"
            "  --url-template URL     where members are (udp://127.0.0.1:0)\n"
            "  --netns-template NAME  network namespaces in which they are\n"
            "  --seconds S            that count for each figure (1), after --warmup S (0.3)\n"
            "  --runs N               of which medians are shown (5)\n"
            "  --suspect-ms N         as in gcs_open(3)\n"
            "  --json                 one JSON object as the last line\n",
    .options = BENCH_SET(BENCH_SIZE) | BENCH_SET(BENCH_URL) | BENCH_SET(BENCH_NETNS) |
               BENCH_SET(BENCH_SECONDS) | BENCH_SET(BENCH_WARMUP) | BENCH_SET(BENCH_RUNS) |
               BENCH_SET(BENCH_SUSPECT) | BENCH_SET(BENCH_JSON) | BENCH_SET(BENCH_HELP),
    .members_min = 1,
    .size_min = BENCH_STAMP_BYTES,
    .defaults = {.members = 3, .size = 64, .seconds = 1, .warmup = 0.3, .runs = 5},
    .run = run,
};
