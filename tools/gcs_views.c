/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `gcs views`: watches a group. A watcher is a member like any other, silent
 * but for one thing: where `gcs cat --until-all` waits for everybody's input to
 * end, it says that it has none.
 */
#include "gcs_options.h"
#include "gcs_session.h"
#include "gcs_viewtext.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct watch {
    const struct tool_options *options;
    struct tool_session session;
    bool answer_due; /* somebody waits for ends of input */
    bool answered;
    char *last; /* the last view as JSON, for --json */
};

static void remember_view(struct watch *watch, const struct gcs_view_change *change)
{
    size_t size = 0;

    free(watch->last);
    watch->last = NULL;
    FILE *out = open_memstream(&watch->last, &size);
    if (!out)
        return;
    tool_view_json(out, change);
    fclose(out);
}

static void on_view(struct watch *watch, const struct gcs_view_change *change)
{
    tool_view_line(stdout, change);
    if (fflush(stdout) != 0)
        tool_session_fail(&watch->session, "standard output", errno);
    if (watch->options->given & TOOL_JSON)
        remember_view(watch, change);
    if (change->joined_count > 0)
        watch->answered = false;
    if (change->primary && watch->options->expect > 0 &&
        change->view.count >= watch->options->expect)
        tool_session_leave(&watch->session, 0);
}

static void on_deliver(struct watch *watch, const struct gcs_event *event)
{
    if (tool_session_is_self(&watch->session, event->sender))
        return;
    for (size_t i = 0; i < event->count; i++) {
        if (tool_is_end_mark(&event->messages[i]) && !watch->answered)
            watch->answer_due = true;
    }
}

static void answer(struct watch *watch)
{
    if (!watch->answer_due || watch->session.leaving)
        return;
    int error = gcs_multicast(watch->session.group, GCS_AGREED, TOOL_MARK_END,
                              sizeof(TOOL_MARK_END) - 1, 0);
    if (error == GCS_EAGAIN || error == GCS_ENOPRIMARY)
        return; /* again at the next event: a view, or room */
    watch->answer_due = false;
    watch->answered = true;
    if (error)
        tool_session_fail(&watch->session, "answering", error);
}

static void take_events(struct watch *watch)
{
    struct gcs_event event;
    int got = 0;

    while (!watch->session.left && (got = gcs_next(watch->session.endpoint, &event, 0)) == 1) {
        tool_session_event(&watch->session, &event);
        if (event.type == GCS_EVENT_VIEW)
            on_view(watch, event.change);
        else if (event.type == GCS_EVENT_DELIVER)
            on_deliver(watch, &event);
    }
    if (got < 0) {
        tool_session_fail(&watch->session, "events", got);
        watch->session.left = true;
    }
}

static void loop(struct watch *watch)
{
    while (!watch->session.left) {
        take_events(watch);
        answer(watch);
        if (watch->session.left)
            break;
        struct pollfd out = {.fd = watch->session.exit_code ? -1 : STDOUT_FILENO};
        tool_session_wait(&watch->session, &out, 1, -1);
        if (out.revents & (POLLERR | POLLNVAL)) /* nobody reads any more */
            tool_session_fail(&watch->session, "standard output", EPIPE);
    }
}

static void report(const struct watch *watch)
{
    char member[GCS_MEMBER_TEXT_MAX] = "";

    if (watch->session.views > 0)
        gcs_member_format(&watch->session.self, member, sizeof(member));
    printf("{\"group\":\"%s\",\"member\":\"%s\",\"views\":%" PRIu64 ",\"last\":%s,\"exit\":%d}\n",
           watch->options->group, member, watch->session.views, watch->last ? watch->last : "null",
           watch->session.exit_code);
}

static int run(const struct tool_options *options)
{
    struct watch watch = {.options = options};
    int exit_code = tool_session_open(&watch.session, options);

    if (exit_code != TOOL_GO)
        return exit_code;
    loop(&watch);
    if (options->given & TOOL_JSON)
        report(&watch);
    if (fclose(stdout) != 0 && watch.session.exit_code == TOOL_OK) {
        tool_complain(options, "standard output: %s", strerror(errno));
        watch.session.exit_code = TOOL_FAILED;
    }
    free(watch.last);
    return tool_session_close(&watch.session);
}

const struct tool_command tool_views = {
    .name = "views",
    .summary = "watch who is in a group",
    .options = TOOL_CREATE | TOOL_JOIN | TOOL_BOOTSTRAP | TOOL_EXPECT | TOOL_JSON | TOOL_STATUS |
               TOOL_TRANSPORT | TOOL_LABEL,
    .run = run,
    .help = "usage: gcs views GROUP [URL] [options]\n"
            "\n"
            "Joins GROUP as a member that multicasts nothing, and writes a line for each view:\n"
            "its id, its members in order of seniority, who joined, who left and why.\n"
            "\n"
            "  --create     be the group's first member\n"
            "  --join       join members that are there, never found a group\n"
            "               (default: look for members, then found)\n"
            "  --bootstrap WAY\n"
            "               look, join, create; or expect:N, found the group when a\n"
            "               majority of N processes is there\n"
            "  --transport NAME\n"
            "               the URL is the default of udp or rdma\n"
            "  --expect N   leave when the view has N members\n"
            "  --status SOCKET  open a socket there for gcs status and gcs top\n"
            "  --label LABEL  where this member is: site/rack/host, site/rack or site\n"
            "  --json       last line on standard output: one JSON object with the last view\n"
            "  --help       this text\n"
            "\n"
            "URL: udp://127.0.0.1:7400-7431 unless given; see gcs_udp(7), gcs_rdma(7).\n"
            "Exit: 0 done, 1 failed, 2 usage, 3 no longer or never a member; see gcs(1).\n",
};
