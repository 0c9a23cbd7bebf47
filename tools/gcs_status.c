/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `gcs status`: asks an endpoint once what goes on.
 */
#include "gcs_metrics.h"
#include "gcs_statustext.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int finish(const struct tool_options *options)
{
    if (fclose(stdout) == 0)
        return TOOL_OK;
    tool_complain(options, "standard output: %s", strerror(errno));
    return TOOL_FAILED;
}

static int pass_on(const struct tool_options *options, const char *request)
{
    char *reply = tool_status_ask(options, request);

    if (!reply)
        return TOOL_FAILED;
    fputs(reply, stdout);
    free(reply);
    return finish(options);
}

static int run(const struct tool_options *options)
{
    struct tool_metrics metrics;

    if (options->given & TOOL_JSON)
        return pass_on(options, "json\n");
    if (options->given & TOOL_METRICS)
        return pass_on(options, "metrics\n");
    if (!tool_metrics_fetch(&metrics, options))
        return TOOL_FAILED;
    tool_status_title(stdout, &metrics);
    tool_status_groups(stdout, &metrics);
    tool_status_counters(stdout, &metrics);
    tool_metrics_free(&metrics);
    return finish(options);
}

const struct tool_command tool_status = {
    .name = "status",
    .summary = "ask an endpoint what goes on in it",
    .operands = TOOL_OPERAND_SOCKET,
    .options = TOOL_JSON | TOOL_METRICS,
    .run = run,
    .help = "usage: gcs status SOCKET [options]\n"
            "\n"
            "Asks the endpoint that has opened SOCKET (gcs_open(3): the option status) for its\n"
            "groups, its members, its latencies and its counters.\n"
            "\n"
            "  --json       all of it as one JSON object\n"
            "  --metrics    all of it as metrics in the text format of Prometheus\n"
            "  --help       this text\n"
            "\n"
            "Exit: 0 done, 1 failed (nobody listens there), 2 usage; see gcs(1).\n",
};
