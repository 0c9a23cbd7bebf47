/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `gcs doctor`: is this host, and the network between it and another one, as process groups like
 * it? gcs_doctor_host.c looks at the host, gcs_doctor_peer.c tests the network.
 */
#include "gcs_findings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Further lines are indented under the first. */
__attribute__((format(printf, 2, 0))) static void print(const char *mark, const char *format,
                                                        va_list arguments)
{
    char text[1024];

    vsnprintf(text, sizeof(text), format, arguments);
    printf("%-6s", mark);
    for (const char *at = text; *at; at++) {
        putchar(*at);
        if (*at == '\n')
            printf("      ");
    }
    putchar('\n');
}

void findings_good(struct findings *findings, const char *format, ...)
{
    va_list arguments;

    findings->good++;
    va_start(arguments, format);
    print("ok", format, arguments);
    va_end(arguments);
}

void findings_bad(struct findings *findings, const char *format, ...)
{
    va_list arguments;

    findings->bad++;
    va_start(arguments, format);
    print("LOOK", format, arguments);
    va_end(arguments);
}

void findings_note(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print("", format, arguments);
    va_end(arguments);
}

static int run(const struct tool_options *options)
{
    struct findings findings = {0};
    struct probe_address peer;
    int exit_code = TOOL_GO;

    if (options->given & TOOL_LISTEN)
        return probe_listen(options);
    if (options->peer && !probe_resolve(options, options->peer, &peer))
        return TOOL_USAGE; /* before anything is tested */
    doctor_host(&findings);
    if (options->peer)
        exit_code = doctor_peer(&findings, options, &peer);
    else
        findings_note("the network: start 'gcs doctor --listen ADDRESS:PORT' at another host,\n"
                      "then 'gcs doctor ADDRESS:PORT' here");
    if (exit_code == TOOL_GO) {
        printf("%u things are well, %u should be looked at\n", findings.good, findings.bad);
        exit_code = findings.bad > 0 ? TOOL_OUTSIDE : TOOL_OK;
    }
    if (fflush(stdout) == 0)
        return exit_code;
    tool_complain(options, "standard output: %s", strerror(errno));
    return TOOL_FAILED;
}

const struct tool_command tool_doctor = {
    .name = "doctor",
    .summary = "test this host and the network to another one",
    .operands = TOOL_OPERAND_PEER,
    .options = TOOL_LISTEN | TOOL_SECONDS,
    .run = run,
    .help =
        "usage: gcs doctor [ADDRESS:PORT]\n"
        "       gcs doctor --listen ADDRESS:PORT [--seconds N]\n"
        "\n"
        "Looks at this host: socket buffers, clock, interfaces, verbs devices. With ADDRESS:PORT,\n"
        "where 'gcs doctor --listen ADDRESS:PORT' runs at another host, also at the network\n"
        "between the two: both directions, multicast, path MTU, clock rates. Says in words what\n"
        "to change.\n"
        "\n"
        "  --listen ADDRESS:PORT   be the end that answers; PORT + 1 is for multicast\n"
        "  --seconds N             for so long; default 600\n"
        "  --help                  this text\n"
        "\n"
        "Exit: 0 all is well, 1 failed, 2 usage, 3 something should be changed; see gcs(1).\n",
};
