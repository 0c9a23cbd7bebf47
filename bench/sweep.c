/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcs-bench sweep: throughput against the size of messages, latency against load,
 * scaling with members, and what a survivor delivers around a crash; as data and as
 * pictures. See sweep.h. A run that went wrong has no figure, and so its point has none;
 * the others are measured all the same.
 */
#include "sweep.h"

#include "crew.h"
#include "floor.h"
#include "json.h"
#include "series.h"

#include <stdlib.h>
#include <unistd.h>

#define LOAD_SIZE     64
#define SCALING_SIZE  1024
#define TIMELINE_FROM (-50) /* ms around the crash that are shown */
#define TIMELINE_TO   200

static const uint32_t sizes[] = {64, 256, 1024, 4096, 8192, 16384, 65536, 262144, 1048576};
static const double loads[] = {0.0001, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9};
static const unsigned groups[] = {2, 3, 4, 5, 6, 8};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The runs of one point. */
struct point {
    struct bench_options options;
    struct bench_plan plan;
    struct bench_outcome *outcomes;
    unsigned missing; /* points that have no figure */
};

static const struct bench_metric megabytes = BENCH_METRIC(megabytes_per_second, "MB/s", 0);
static const struct bench_metric messages = BENCH_METRIC(messages_per_second, "messages/s", 0);
static const struct bench_metric p50 = BENCH_METRIC(p50_us, "us", 1);
static const struct bench_metric p99 = BENCH_METRIC(p99_us, "us", 1);
static const struct bench_metric p999 = BENCH_METRIC(p999_us, "us", 1);

static void spread_of(const struct point *point, const struct bench_metric *metric,
                      double spread[3])
{
    struct bench_report report = {.options = &point->options, .outcomes = point->outcomes};

    bench_spread(&report, metric, spread);
}

static double median_of(const struct point *point, const struct bench_metric *metric)
{
    double spread[3];

    spread_of(point, metric, spread);
    return spread[1];
}

static bool measure(struct point *point)
{
    for (unsigned i = 0; i < point->options.runs; i++) {
        if (bench_crew_signal() != 0 ||
            !bench_experiment_run(&point->options, &point->plan, bench_member_run, &point->plan,
                                  &point->outcomes[i]))
            return false;
    }
    return true;
}

/* Unless it was a signal that ended it. */
static void leave_out(struct point *point, double x, const char *what)
{
    if (bench_crew_signal() != 0)
        return;
    point->missing++;
    printf("%8.0f %s: no figure\n", x, what);
}

/* Throughput at one point, with its floor, as a line that begins with x. */
static void measure_throughput(FILE *file, struct point *point, unsigned x, const char *what)
{
    double spread[3], floor, cpu;

    point->plan = (struct bench_plan){.pace = BENCH_FLAT_OUT};
    point->options.senders = point->options.members;
    if (!measure(point) || !bench_floor_measure(&point->options, &floor, &cpu)) {
        leave_out(point, x, what);
        return;
    }
    spread_of(point, &megabytes, spread);
    floor *= point->options.size / 1e6;
    fprintf(file, "%u %.1f %.1f %.1f %.1f\n", x, spread[1], spread[0], spread[2], floor);
    printf("%8u %s: %.0f MB/s, %.0f messages/s, %.2f of the floor\n", x, what, spread[1],
           median_of(point, &messages), spread[1] / floor);
    (void)fflush(stdout);
}

static bool sweep_sizes(struct point *point)
{
    FILE *file = bench_sweep_open(&point->options, "throughput", "bytes MB/s least most floor");

    for (size_t i = 0; file && i < COUNT(sizes); i++) {
        point->options.size = sizes[i];
        measure_throughput(file, point, sizes[i], "bytes");
    }
    return file && fclose(file) == 0;
}

static bool sweep_members(struct point *point)
{
    FILE *file = bench_sweep_open(&point->options, "members", "members MB/s least most floor");

    point->options.size = SCALING_SIZE;
    for (size_t i = 0; file && i < COUNT(groups); i++) {
        point->options.members = groups[i];
        measure_throughput(file, point, groups[i], "members");
    }
    return file && fclose(file) == 0;
}

/* Latency at a rate, which is so much of the most. */
static void measure_latency(FILE *file, struct point *point, double load)
{
    if (!measure(point)) {
        leave_out(point, point->options.rate, "messages/s");
        return;
    }
    fprintf(file, "%.0f %.1f %.1f %.1f %.0f\n", point->options.rate, median_of(point, &p50),
            median_of(point, &p99), median_of(point, &p999), median_of(point, &messages));
    printf("%8.0f messages/s (%g of the most), %.0f delivered: half within %.0f us, 99 %% within "
           "%.0f us\n",
           point->options.rate, load, median_of(point, &messages), median_of(point, &p50),
           median_of(point, &p99));
    (void)fflush(stdout);
}

static bool sweep_loads(struct point *point)
{
    FILE *file = bench_sweep_open(&point->options, "latency", "messages/s p50 p99 p99.9 delivered");

    point->options.size = LOAD_SIZE;
    point->options.senders = point->options.members;
    point->plan = (struct bench_plan){.pace = BENCH_FLAT_OUT};
    bool known = file && measure(point);
    double most = known ? median_of(point, &messages) : 0;
    point->plan = (struct bench_plan){.pace = BENCH_BY_RATE, .record_latency = true};
    for (size_t i = 0; known && i < COUNT(loads); i++) {
        point->options.rate = loads[i] * most;
        measure_latency(file, point, loads[i]);
    }
    if (file && !known)
        leave_out(point, LOAD_SIZE, "bytes flat out, of which the loads are parts");
    point->missing += known ? 0 : (unsigned)COUNT(loads) - 1;
    return file && fclose(file) == 0;
}

static bool draw_failover(struct point *point)
{
    FILE *file = bench_sweep_open(&point->options, "failover", "ms MB/s");

    point->options.size = SCALING_SIZE;
    point->options.senders = point->options.members;
    point->options.victim = 1;
    point->options.runs = 1;
    if (point->options.warmup * 1e3 <
        -2 * TIMELINE_FROM) /* there must be something to see before */
        point->options.warmup = -2e-3 * TIMELINE_FROM;
    point->plan = (struct bench_plan){.pace = BENCH_FLAT_OUT, .crash = true};
    bool known = file && measure(point);
    const struct bench_outcome *o = point->outcomes;
    for (int ms = TIMELINE_FROM; known && ms <= TIMELINE_TO; ms++) {
        int at = (int)o->disturbed_ms + ms;
        if (at >= 0 && at < BENCH_TIMELINE_MS)
            fprintf(file, "%d %.1f\n", ms, o->timeline[at] * (double)SCALING_SIZE / 1e3);
    }
    if (known)
        printf("the coordinator is killed: %.1f ms without a delivery\n", o->gap_ms);
    else if (file)
        leave_out(point, 1, "coordinator is killed");
    return file && fclose(file) == 0;
}

static int run(const struct bench_options *options)
{
    static bool (*const sweeps[])(struct point *) = {
        sweep_sizes,
        sweep_loads,
        sweep_members,
        draw_failover,
    };
    struct bench_outcome *outcomes = calloc(options->runs, sizeof(*outcomes));
    bool good = outcomes;
    unsigned missing = 0;

    for (size_t i = 0; good && i < COUNT(sweeps) && bench_crew_signal() == 0; i++) {
        struct point point = {.options = *options, .outcomes = outcomes};
        good = sweeps[i](&point);
        missing += point.missing;
    }
    good = good && bench_crew_signal() == 0 && bench_sweep_plot(options);
    free(outcomes);
    if (missing > 0)
        fprintf(stderr, "gcs-bench sweep: %u points have no figure\n", missing);
    return good && missing == 0 ? BENCH_OK : BENCH_FAILED;
}

const struct bench_command bench_sweep = {
    .name = "sweep",
    .summary = "throughput, latency, scaling and failover as pictures",
    .help = "usage: gcs-bench sweep [options]\n"
            "\n"
            "Measures throughput against the size of messages, latency against load, scaling\n"
            "with members, and deliveries around a crash; writes sweep-*.dat, and with\n"
            "gnuplot(1) sweep-*.svg. Takes some minutes.\n"
            "\n"
            "  --output DIR           where they are written (.)\n"
            "  --members N            processes of the group, where that does not vary (3)\n"
            "  --service fifo|agreed|safe   what is promised about each message (agreed)\n"
            "  --url-template URL     where members are (udp://127.0.0.1:0)\n"
            "  --netns-template NAME  network namespaces in which they are\n"
            "  --seconds S            that count (1), after --warmup S (0.5)\n"
            "  --runs N               of which medians are shown (5)\n"
            "  --suspect-ms N         as in gcs_open(3)\n",
    .options = BENCH_SET(BENCH_OUTPUT) | BENCH_SET(BENCH_MEMBERS) | BENCH_SET(BENCH_SERVICE) |
               BENCH_SET(BENCH_URL) | BENCH_SET(BENCH_NETNS) | BENCH_SET(BENCH_SECONDS) |
               BENCH_SET(BENCH_WARMUP) | BENCH_SET(BENCH_RUNS) | BENCH_SET(BENCH_SUSPECT) |
               BENCH_SET(BENCH_HELP),
    .members_min = 3,
    .size_min = BENCH_STAMP_BYTES,
    .defaults = {.members = 3, .size = 1024, .seconds = 1, .warmup = 0.5, .runs = 5, .output = "."},
    .run = run,
};
