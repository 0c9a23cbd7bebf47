/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcs-kv-check: three gcs-kv processes, clients, faults one after another, and a verdict. Cutting
 * replicas off needs nft and the right to use it; run it in a network namespace of its own.
 *
 * Exit status: 0 nothing was wrong, 1 something was, 2 usage, 3 it could not be tried.
 */
#include "check.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BAD_USAGE = 2, NOT_TRIED = 3, WAIT_S = 60 };

uint64_t now_ns(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

void pause_ms(unsigned ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

    (void)nanosleep(&time, NULL);
}

uint64_t next_random(uint64_t *state) /* splitmix64 */
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15U);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

/* ---- Faults -------------------------------------------------------------------------------- */

struct faults {
    uint64_t random;
    unsigned next; /* kind */
    unsigned kills, pauses, partitions;
};

static unsigned between(struct faults *faults, unsigned low, unsigned high)
{
    return low + (unsigned)(next_random(&faults->random) % (high - low + 1));
}

/* One fault, and all are well again; each kind in its turn. False: they are not. */
static bool one_fault(const struct options *options, struct faults *faults)
{
    unsigned index = between(faults, 0, REPLICAS - 1), kind = faults->next++ % 3;

    pause_ms(between(faults, 200, 1000));
    if (kind == 0 && options->kill) {
        faults->kills++;
        replica_kill(index);
        pause_ms(between(faults, 100, 1500));
        if (!replica_restart(options, index))
            return false;
    } else if (kind == 1 && options->pause) {
        faults->pauses++;
        replica_stop(index, true);
        pause_ms(between(faults, 100, 2500));
        replica_stop(index, false);
    } else if (kind == 2 && options->partition) {
        faults->partitions++;
        replica_cut(options, index, true);
        pause_ms(between(faults, 300, 2500));
        replica_cut(options, index, false);
    }
    return replicas_wait(options, WAIT_S);
}

/* ---- The report ----------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static double quantile_ms(struct tally *tally, double share)
{
    size_t place = (size_t)(share * (double)tally->latency_count);

    if (tally->latency_count == 0)
        return 0;
    place = place < tally->latency_count ? place : tally->latency_count - 1;
    return (double)tally->latency[place] / 1e6;
}

static void report(const struct options *options, const struct faults *faults, struct tally *tally)
{
    if (tally->latency_count > 0)
        qsort(tally->latency, tally->latency_count, sizeof(uint64_t), by_size);
    printf("seed %" PRIu64 ": %u s, %u clients: %" PRIu64 " reads, %" PRIu64 " writes, %" PRIu64
           " counts in sessions (%" PRIu64 " retries), %" PRIu64 " outcomes unknown, %" PRIu64
           " refused\n",
           options->seed, options->seconds, options->clients, tally->reads, tally->writes,
           tally->counts, tally->retries, tally->unknown, tally->refused);
    printf("%u kills, %u pauses, %u partitions; p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms, longest "
           "%.0f ms\n",
           faults->kills, faults->pauses, faults->partitions, quantile_ms(tally, 0.5),
           quantile_ms(tally, 0.99), quantile_ms(tally, 0.999), quantile_ms(tally, 1));
}

/* ---- The run -------------------------------------------------------------------------------- */

static int run(const struct options *options)
{
    struct faults faults = {.random = options->seed, .next = (unsigned)(options->seed % 3)};
    struct history history = {0};
    struct tally tally = {0};
    char why[256] = "";
    bool well = replicas_start(options) && replicas_wait(options, WAIT_S);

    if (!well || !clients_start(options)) {
        fprintf(stderr, "gcs-kv-check: the replicas do not get ready; see %s\n", options->folder);
        return NOT_TRIED;
    }
    for (uint64_t end = now_ns() + options->seconds * UINT64_C(1000000000);
         well && now_ns() < end && !clients_violated();)
        well = one_fault(options, &faults);
    clients_join(options, &history, &tally);
    if (well)
        clients_read_all(options, &history, &tally);
    report(options, &faults, &tally);
    bool tried = tally.reads > 0 && tally.writes > 0 && tally.counts > 0 &&
                 (!options->kill || faults.kills > 0) && (!options->pause || faults.pauses > 0) &&
                 (!options->partition || faults.partitions > 0);
    if (tally.violation[0])
        printf("VIOLATION: %s\n", tally.violation);
    else if (!history_is_linearizable(&history, why, sizeof(why)))
        printf("VIOLATION: not linearizable: %s\n", why);
    else if (!well)
        printf("VIOLATION: a replica did not get well within %d s\n", WAIT_S);
    else if (!tried)
        printf("NOT TRIED: nothing happened of which something could be said\n");
    else
        printf("ok: linearizable, nothing lost, nothing twice\n");
    bool good = well && !tally.violation[0] && !why[0];
    free(history.operations);
    free(tally.latency);
    if (!good)
        return 1;
    return tried ? 0 : NOT_TRIED;
}

/* ---- Options -------------------------------------------------------------------------------- */

static void usage(FILE *out)
{
    fprintf(out,
            "usage: gcs-kv-check --server PROGRAM --folder FOLDER [--seconds N] [--clients N]\n"
            "           [--keys N] [--seed N] [--tcp PORT] [--udp PORT]\n"
            "           [--faults kill,pause,partition]\n");
}

static bool number(const char *text, unsigned most, unsigned *value)
{
    char *end;
    unsigned long read = strtoul(text, &end, 10);

    *value = (unsigned)read;
    return *text >= '0' && *text <= '9' && !*end && read >= 1 && read <= most;
}

static const struct option long_options[] = {
    {"server", required_argument, NULL, 's'},
    {"folder", required_argument, NULL, 'f'},
    {"seconds", required_argument, NULL, 't'},
    {"clients", required_argument, NULL, 'c'},
    {"keys", required_argument, NULL, 'k'},
    {"seed", required_argument, NULL, 'r'},
    {"tcp", required_argument, NULL, 'p'},
    {"udp", required_argument, NULL, 'u'},
    {"faults", required_argument, NULL, 'x'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static bool take(struct options *options, int option)
{
    unsigned seed;

    switch (option) {
    case 's':
        options->server = optarg;
        return true;
    case 'f':
        options->folder = optarg;
        return true;
    case 't':
        return number(optarg, 86400, &options->seconds);
    case 'c':
        return number(optarg, CLIENTS_MAX, &options->clients);
    case 'k':
        return number(optarg, KEYS_MAX, &options->keys);
    case 'p':
        return number(optarg, 65000, &options->tcp);
    case 'u':
        return number(optarg, 65000, &options->udp);
    case 'r':
        if (!number(optarg, UINT32_MAX, &seed))
            return false;
        options->seed = seed;
        return true;
    case 'x':
        options->kill = strstr(optarg, "kill") != NULL;
        options->pause = strstr(optarg, "pause") != NULL;
        options->partition = strstr(optarg, "partition") != NULL;
        return true;
    default:
        return false;
    }
}

int main(int argc, char **argv)
{
    struct options options = {.seconds = 20,
                              .clients = 8,
                              .keys = 5,
                              .tcp = 6401,
                              .udp = 7440,
                              .seed = 1,
                              .kill = true,
                              .pause = true,
                              .partition = true};
    int option;

    while ((option = getopt_long(argc, argv, "", long_options, NULL)) >= 0) {
        if (option == 'h') {
            usage(stdout);
            return 0;
        }
        if (!take(&options, option)) {
            usage(stderr);
            return BAD_USAGE;
        }
    }
    if (!options.server || !options.folder || optind < argc) {
        usage(stderr);
        return BAD_USAGE;
    }
    if (options.partition && !partitions_possible()) {
        printf("SKIPPED: no partitions: nft does not work here\n");
        options.partition = false;
    }
    int status = run(&options);
    replicas_end();
    return status;
}
