/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcs-bench: how fast process groups are on this machine. This file finds the
 * command; each has a file of its own. gcs-bench(1) is the manual.
 */
#include "crew.h"

#include <fcntl.h>
#include <gcs/gcs.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct bench_command *const commands[] = {
    &bench_throughput, &bench_latency, &bench_failover, &bench_join,   &bench_state, &bench_idle,
    &bench_floor,      &bench_compare, &bench_sweep,    &bench_orders, &bench_guest,
};
static const size_t command_count = sizeof(commands) / sizeof(commands[0]);

/* A descriptor 0, 1 or 2 that is closed would become somebody's socket. */
static void occupy_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
            _exit(BENCH_FAILED);
    }
}

static int help(void)
{
    puts("usage: gcs-bench COMMAND [options]\n"
         "       gcs-bench COMMAND --help\n"
         "       gcs-bench --help | --version\n"
         "\n"
         "How fast process groups are on this machine: members are processes that this\n"
         "command starts. What they deliver is checked while it is measured; a wrong run\n"
         "has no figures.\n"
         "\n"
         "commands:");
    for (size_t i = 0; i < command_count; i++)
        printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
    puts("\ngcs-bench(1) is the manual.");
    return fflush(stdout) == 0 ? BENCH_OK : BENCH_FAILED;
}

static int version(void)
{
    printf("gcs-bench %s\n", gcs_version());
    return fflush(stdout) == 0 ? BENCH_OK : BENCH_FAILED;
}

static int run(const struct bench_command *command, int argc, char **argv)
{
    struct bench_options options;
    int result = bench_options_parse(&options, command, argc, argv);

    if (result != BENCH_GO)
        return result;
    bench_crew_block_signals();
    result = command->run(&options);
    if (bench_crew_signal() != 0) { /* end as whoever sent it expects */
        sigset_t none;
        (void)fflush(stdout);
        (void)signal(bench_crew_signal(), SIG_DFL);
        (void)raise(bench_crew_signal());
        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
    }
    return result;
}

int main(int argc, char **argv)
{
    occupy_standard_descriptors();
    if (argc >= 2 && strcmp(argv[1], "--help") == 0)
        return help();
    if (argc >= 2 && strcmp(argv[1], "--version") == 0)
        return version();
    for (size_t i = 0; argc >= 2 && i < command_count; i++) {
        if (strcmp(argv[1], commands[i]->name) == 0)
            return run(commands[i], argc - 1, argv + 1);
    }
    if (argc < 2)
        fputs("gcs-bench: which command?\n", stderr);
    else
        fprintf(stderr, "gcs-bench: unknown command '%s'\n", argv[1]);
    fputs("Try 'gcs-bench --help'.\n", stderr);
    return BENCH_USAGE;
}
