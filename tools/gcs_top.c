/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `gcs top`: asks an endpoint again and again, and shows what has changed in between.
 * Where standard output is a terminal each picture takes the place of the one before.
 */
#include "gcs_metrics.h"
#include "gcs_session.h"
#include "gcs_statustext.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLEAR_SCREEN "\033[H\033[J"
#define INTERVAL_S   1

static const struct {
    const char *name;
    const char *text;
} rates[] = {
    {"gcs_messages_sent_total", "messages multicast"},
    {"gcs_messages_delivered_total", "messages delivered"},
    {"gcs_bytes_delivered_total", "bytes delivered"},
    {"gcs_packets_sent_total", "packets sent"},
    {"gcs_packets_received_total", "packets received"},
    {"gcs_nacks_sent_total", "requests for repair sent"},
    {"gcs_repairs_sent_total", "repairs sent"},
    {"gcs_repairs_received_total", "repairs received"},
    {"gcs_window_full_total", "times the window was full"},
    {"gcs_suspicions_total", "suspicions"},
    {"gcs_views_installed_total", "views installed"},
};

static void show(const struct tool_metrics *before, const struct tool_metrics *now, double seconds)
{
    if (isatty(STDOUT_FILENO))
        fputs(CLEAR_SCREEN, stdout);
    tool_status_title(stdout, now);
    printf("\n  %15s %15s\n", "per second", "in all");
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        double value = tool_metrics_value(now, rates[i].name);
        double rate = (value - tool_metrics_value(before, rates[i].name)) / seconds;
        printf("  %15.0f %15.0f  %s\n", rate, value, rates[i].text);
    }
    tool_status_groups(stdout, now);
}

static int show_json(const struct tool_options *options)
{
    char *reply = tool_status_ask(options, "json\n");

    if (!reply)
        return TOOL_FAILED;
    fputs(reply, stdout);
    free(reply);
    return TOOL_GO;
}

static int show_picture(const struct tool_options *options, struct tool_metrics *before,
                        uint64_t *asked)
{
    struct tool_metrics now;

    if (!tool_metrics_fetch(&now, options))
        return TOOL_FAILED;
    uint64_t at = tool_now();
    show(before->text ? before : &now, &now, *asked ? (double)(at - *asked) / 1e9 : 1);
    tool_metrics_free(before);
    *before = now;
    *asked = at;
    return TOOL_GO;
}

static int run(const struct tool_options *options)
{
    struct tool_metrics before = {0};
    uint64_t asked = 0;
    uint32_t interval = options->interval ? options->interval : INTERVAL_S;
    int exit_code = TOOL_GO;

    for (uint32_t shown = 0; exit_code == TOOL_GO; shown++) {
        if (options->count > 0 && shown == options->count) {
            exit_code = TOOL_OK;
            break;
        }
        if (shown > 0)
            poll(NULL, 0, (int)interval * 1000);
        exit_code = options->given & TOOL_JSON ? show_json(options)
                                               : show_picture(options, &before, &asked);
        if (fflush(stdout) != 0) {
            tool_complain(options, "standard output: %s", strerror(errno));
            exit_code = TOOL_FAILED;
        }
    }
    tool_metrics_free(&before);
    return exit_code;
}

const struct tool_command tool_top = {
    .name = "top",
    .summary = "watch what goes on in an endpoint",
    .operands = TOOL_OPERAND_SOCKET,
    .options = TOOL_JSON | TOOL_INTERVAL | TOOL_COUNT,
    .run = run,
    .help = "usage: gcs top SOCKET [options]\n"
            "\n"
            "Shows once a second what the endpoint that has opened SOCKET (gcs_open(3): the\n"
            "option status) does: rates, groups, windows, latencies, members, and which of\n"
            "them is slowest. Ends when the endpoint does, or with ^C.\n"
            "\n"
            "  --interval S   so many seconds from one picture to the next\n"
            "  --count N      end after N pictures\n"
            "  --json         a JSON object on a line instead of each picture\n"
            "  --help         this text\n"
            "\n"
            "Exit: 0 done, 1 failed (nobody listens there any more), 2 usage; see gcs(1).\n",
};
