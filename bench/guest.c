/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcs-bench member: a member of a group that a gcs-bench on another machine measures. Whatever is
 * measured, and when, comes from there (remote.h).
 */
#include "crew.h"
#include "remote.h"

#include <signal.h>
#include <stdio.h>

/* One run. False: it was said why. *took_part: or there was no run, just the end of the last one.
 */
static bool run_once(const struct bench_options *options, bool *took_part)
{
    struct bench_world *world = bench_world_new(BENCH_MEMBERS_MAX);
    struct bench_remote remote = {.guest = true, .options = *options};
    struct bench_member member = {
        .options = &remote.options,
        .plan = &remote.plan,
        .world = world,
        .remote = &remote,
    };

    if (!world) {
        bench_complain(options, "out of memory");
        return false;
    }
    member.seat = &world->seats[0]; /* until there is one for us */
    bench_member_guest_run(&member);
    *took_part = remote.set_up;
    if (member.broken)
        bench_complain(options, "%s", member.seat->error);
    bench_world_free(world);
    return !member.broken;
}

static int run(const struct bench_options *options)
{
    sigset_t none;
    bool took_part;

    if (!(options->given & BENCH_SET(BENCH_JOIN))) {
        bench_complain(options, "--join: which group? Where it is, as a URL with seeds");
        return BENCH_USAGE;
    }
    (void)sigemptyset(&none); /* there is no crew that looks for signals */
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    for (unsigned i = 0; i < options->runs; i += took_part) {
        if (!run_once(options, &took_part))
            return BENCH_FAILED;
        if (took_part)
            printf("run %u of %u is over\n", i + 1, options->runs);
        (void)fflush(stdout);
    }
    return BENCH_OK;
}

const struct bench_command bench_guest = {
    .name = "member",
    .summary = "a member here of a group that is measured elsewhere",
    .help =
        "usage: gcs-bench member --join URL [options]\n"
        "\n"
        "Takes part in what gcs-bench throughput or latency with --elsewhere measures on another\n"
        "machine, which says what is to be done.\n"
        "\n"
        "  --join URL        where this member is, with the first member there as seed:\n"
        "                    udp://192.0.2.2:7400?seeds=192.0.2.1:7400\n"
        "  --runs N          how many times (5)\n"
        "  --order sequencer|lamport, --window-bytes N, --queue-bytes N, --heartbeat-ms N,\n"
        "  --suspect-ms N    as there\n",
    .options = BENCH_SET(BENCH_JOIN) | BENCH_SET(BENCH_RUNS) | BENCH_SET(BENCH_ORDER) |
               BENCH_SET(BENCH_WINDOW) | BENCH_SET(BENCH_QUEUE) | BENCH_SET(BENCH_HEARTBEAT) |
               BENCH_SET(BENCH_SUSPECT) | BENCH_SET(BENCH_HELP),
    .defaults = {.members = 1, .runs = 5},
    .run = run,
};
