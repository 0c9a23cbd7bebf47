/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `gcs`: process groups from the command line. This file finds the command;
 * each has a file of its own. gcs(1) is the manual.
 */
#include "gcs_options.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct tool_command *const commands[] = {&tool_cat, &tool_views, &tool_status,
                                                      &tool_top, &tool_doctor};
static const size_t command_count = sizeof(commands) / sizeof(commands[0]);

/*
 * A descriptor 0, 1 or 2 that is closed would become the endpoint's socket. Something else
 * takes its place, opened the wrong way round so that using it fails.
 */
static void occupy_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
            _exit(TOOL_FAILED);
    }
}

static int help(void)
{
    puts("usage: gcs COMMAND GROUP [URL] [options]\n"
         "       gcs COMMAND SOCKET [options]\n"
         "       gcs doctor [ADDRESS:PORT]\n"
         "       gcs COMMAND --help\n"
         "       gcs --help | --version\n"
         "\n"
         "Process groups: members join a group by name, multicast to it, and deliver the\n"
         "same messages in the same order between the same changes of membership.\n"
         "\n"
         "commands:");
    for (size_t i = 0; i < command_count; i++)
        printf("  %-8s %s\n", commands[i]->name, commands[i]->summary);
    puts("\n"
         "Without URL a member takes the first free port of 127.0.0.1:7400-7431 and looks\n"
         "for the others there. gcs(1) is the manual, gcs_udp(7) explains URLs.");
    return fflush(stdout) == 0 ? TOOL_OK : TOOL_FAILED;
}

static int version(void)
{
    printf("gcs %s\n", gcs_version());
    return fflush(stdout) == 0 ? TOOL_OK : TOOL_FAILED;
}

int main(int argc, char **argv)
{
    struct tool_options options;

    occupy_standard_descriptors();
    if (argc >= 2 && strcmp(argv[1], "--help") == 0)
        return help();
    if (argc >= 2 && strcmp(argv[1], "--version") == 0)
        return version();
    for (size_t i = 0; argc >= 2 && i < command_count; i++) {
        if (strcmp(argv[1], commands[i]->name) != 0)
            continue;
        int exit_code = tool_options_parse(&options, commands[i], argc - 1, argv + 1);
        return exit_code == TOOL_GO ? commands[i]->run(&options) : exit_code;
    }
    if (argc < 2)
        fputs("gcs: which command?\n", stderr);
    else
        fprintf(stderr, "gcs: unknown command '%s'\n", argv[1]);
    fputs("Try 'gcs --help'.\n", stderr);
    return TOOL_USAGE;
}
