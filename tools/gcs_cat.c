/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `gcs cat`: multicasts the lines of standard input to a group and writes what
 * is delivered, so that the outputs of all members are the same bytes.
 *
 * One loop, which never waits for input and group at once in the wrong order:
 * lines are multicast as long as there is room, deliveries go out as they come,
 * and a reader that is slow slows the group. A message is a mark and the bytes
 * of one line, newline included; a second mark says that an input has ended, and
 * is said again when somebody joins who cannot have heard it.
 */
#include "gcs_ended.h"
#include "gcs_lines.h"
#include "gcs_options.h"
#include "gcs_output.h"
#include "gcs_session.h"
#include "gcs_viewtext.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EVENTS_PER_ROUND 256
#define LINES_PER_ROUND  4096
#define LONGEST_LINE     ((16u << 20) - 1)
#define NS_PER_S         1000000000u
#define NS_PER_MS        1000000u
#define BURST_NS         (100u * NS_PER_MS) /* that --pace makes up for at most */

struct cat {
    const struct tool_options *options;
    struct tool_session session;
    struct tool_lines lines;
    struct tool_output output;

    bool started;       /* the group is as large as --expect asks for */
    bool blocked;       /* no room: wait for GCS_EVENT_WRITABLE or a view */
    bool end_due;       /* the end mark has to be multicast (again) */
    uint64_t line_due;  /* --pace: when the next line may go */
    uint64_t multicast; /* messages, marks included */
    uint64_t own_delivered;
    uint64_t lines_sent, bytes_sent;
    uint64_t lines_delivered, bytes_delivered;

    struct tool_ended ended; /* members of the view whose input has */
    size_t members;          /* of the view, all of them */
};

/* ---- Sending ---------------------------------------------------------------- */

/* Multicasts, or notes that it has to wait. True: it is gone. */
static bool multicast(struct cat *cat, const void *data, size_t size)
{
    int error = gcs_multicast(cat->session.group, cat->options->service, data, size, 0);

    if (error == GCS_EAGAIN || error == GCS_ENOPRIMARY) {
        cat->blocked = true;
        return false;
    }
    if (error) {
        tool_session_fail(&cat->session, "standard input", error);
        return false;
    }
    cat->multicast++;
    return true;
}

/* How long the next line has to wait for --pace, in ms; 0: it may go. */
static int pace_wait_ms(struct cat *cat)
{
    if (cat->options->pace == 0)
        return 0;
    uint64_t now = tool_now();
    if (cat->line_due + BURST_NS < now)
        cat->line_due = now - BURST_NS;
    return cat->line_due <= now ? 0 : (int)((cat->line_due - now) / NS_PER_MS) + 1;
}

static bool may_send(const struct cat *cat)
{
    return cat->started && !cat->blocked && !cat->session.leaving;
}

/* Multicasts lines that are there. True: there may be more to send at once. */
static bool send_lines(struct cat *cat)
{
    const uint8_t *message = NULL;
    size_t size = 0;

    for (unsigned i = 0; i < LINES_PER_ROUND; i++) {
        if (!may_send(cat) || !tool_lines_peek(&cat->lines, &message, &size) ||
            pace_wait_ms(cat) > 0)
            return false;
        if (!multicast(cat, message, size))
            return false;
        tool_lines_take(&cat->lines, size);
        if (cat->options->pace)
            cat->line_due += NS_PER_S / cat->options->pace;
        cat->lines_sent++;
        cat->bytes_sent += size - 1;
    }
    return true;
}

static bool input_ended(struct cat *cat)
{
    const uint8_t *message = NULL;
    size_t size = 0;

    return cat->lines.ended && !tool_lines_peek(&cat->lines, &message, &size);
}

static void send_end_mark(struct cat *cat)
{
    if (cat->end_due && may_send(cat) && input_ended(cat))
        cat->end_due = !multicast(cat, TOOL_MARK_END, sizeof(TOOL_MARK_END) - 1);
}

/* ---- Receiving ------------------------------------------------------------------ */

static void on_deliver(struct cat *cat, const struct gcs_event *event)
{
    if (tool_session_is_self(&cat->session, event->sender))
        cat->own_delivered += event->count;
    for (size_t i = 0; i < event->count; i++) {
        const struct gcs_message *message = &event->messages[i];
        if (tool_is_end_mark(message)) {
            if (!tool_ended_add(&cat->ended, event->sender))
                tool_session_fail(&cat->session, "end of input", GCS_ENOMEM);
        } else if (message->size > 0 && *(const uint8_t *)message->data == TOOL_MARK_LINE) {
            tool_output_put(&cat->output, (const uint8_t *)message->data + 1, message->size - 1);
            cat->lines_delivered++;
            cat->bytes_delivered += message->size - 1;
        }
    }
}

static void on_view(struct cat *cat, const struct gcs_view_change *change)
{
    if (cat->options->given & TOOL_VIEWS)
        tool_view_line(stderr, change);
    tool_ended_keep(&cat->ended, &change->view);
    cat->members = change->view.count;
    if (!change->primary)
        return;
    cat->blocked = false;
    cat->started = cat->started || change->view.count >= cat->options->expect;
    if (change->joined_count > 0 || cat->session.views == 1)
        cat->end_due = (cat->options->given & TOOL_UNTIL_ALL) != 0;
}

/* Takes events that are there. True: there may be more. */
static bool take_events(struct cat *cat)
{
    struct gcs_event event;

    for (unsigned i = 0; i < EVENTS_PER_ROUND && !cat->session.left; i++) {
        int got = gcs_next(cat->session.endpoint, &event, 0);
        if (got == 0)
            return false;
        if (got < 0) {
            tool_session_fail(&cat->session, "events", got);
            cat->session.left = true;
            return false;
        }
        tool_session_event(&cat->session, &event);
        if (event.type == GCS_EVENT_DELIVER)
            on_deliver(cat, &event);
        else if (event.type == GCS_EVENT_VIEW)
            on_view(cat, event.change);
        else if (event.type == GCS_EVENT_WRITABLE)
            cat->blocked = false;
    }
    return true;
}

/* ---- The loop ---------------------------------------------------------------------- */

static bool finished(struct cat *cat)
{
    if (!cat->started || cat->end_due || !input_ended(cat) || cat->own_delivered < cat->multicast)
        return false;
    return !(cat->options->given & TOOL_UNTIL_ALL) || cat->ended.count == cat->members;
}

static void check_output(struct cat *cat)
{
    if (cat->output.error && cat->session.exit_code == TOOL_OK)
        tool_session_fail(&cat->session, cat->output.name, cat->output.error);
}

static void read_lines(struct cat *cat)
{
    int error = tool_lines_read(&cat->lines);

    if (error == EMSGSIZE)
        tool_complain(cat->options, "a line is longer than %zu bytes", cat->lines.max);
    if (error)
        tool_session_fail(&cat->session, "standard input", error);
}

static void wait_for_work(struct cat *cat)
{
    const uint8_t *message = NULL;
    size_t size = 0;
    struct pollfd fds[2] = {{.fd = -1, .events = POLLIN}, {.fd = cat->output.fd, .events = 0}};
    int timeout_ms = -1;

    if (may_send(cat) && !cat->lines.ended && !tool_lines_peek(&cat->lines, &message, &size))
        fds[0].fd = cat->lines.fd;
    else if (may_send(cat) && !input_ended(cat))
        timeout_ms = pace_wait_ms(cat);
    if (cat->output.error)
        fds[1].fd = -1;
    tool_session_wait(&cat->session, fds, 2, timeout_ms);
    if (fds[0].revents)
        read_lines(cat);
    if (fds[1].revents & (POLLERR | POLLNVAL)) /* nobody reads any more */
        cat->output.error = EPIPE;
    check_output(cat);
}

static void loop(struct cat *cat)
{
    while (!cat->session.left) {
        bool more = send_lines(cat);
        send_end_mark(cat);
        more = take_events(cat) || more;
        if (!cat->session.leaving && finished(cat))
            tool_session_leave(&cat->session, 0);
        if (more)
            continue;
        tool_output_flush(&cat->output);
        check_output(cat);
        if (!cat->session.left)
            wait_for_work(cat);
    }
}

/* One object on one line, the last on standard output. */
static void report(const struct cat *cat)
{
    char member[GCS_MEMBER_TEXT_MAX] = "";
    double seconds = (double)(tool_now() - cat->session.opened_at) / NS_PER_S;

    if (cat->session.views > 0)
        gcs_member_format(&cat->session.self, member, sizeof(member));
    if (cat->output.line_open && !cat->options->output)
        putchar('\n');
    printf("{\"group\":\"%s\",\"member\":\"%s\",\"service\":\"%s\",\"sent\":%" PRIu64
           ",\"delivered\":%" PRIu64 ",\"bytes_sent\":%" PRIu64 ",\"bytes_delivered\":%" PRIu64
           ",\"views\":%" PRIu64 ",\"seconds\":%.3f,\"exit\":%d}\n",
           cat->options->group, member, tool_service_name(cat->options->service), cat->lines_sent,
           cat->lines_delivered, cat->bytes_sent, cat->bytes_delivered, cat->session.views, seconds,
           cat->session.exit_code);
}

static void close_output(struct cat *cat)
{
    tool_output_flush(&cat->output);
    check_output(cat);
    if (cat->options->given & TOOL_JSON) {
        report(cat);
        if (fflush(stdout) != 0)
            cat->session.exit_code = TOOL_FAILED;
    }
    int error = tool_output_close(&cat->output);
    if (error && cat->session.exit_code == TOOL_OK) {
        tool_complain(cat->options, "%s: %s", cat->output.name, strerror(error));
        cat->session.exit_code = TOOL_FAILED;
    }
}

static int run(const struct tool_options *options)
{
    struct cat cat = {.options = options, .line_due = tool_now()};

    /* The membership first: a command line that is refused leaves FILE as it was. */
    int exit_code = tool_session_open(&cat.session, options);
    if (exit_code != TOOL_GO)
        return exit_code;
    int error = tool_output_open(&cat.output, options->output);
    if (!error && !tool_lines_init(&cat.lines, STDIN_FILENO, TOOL_MARK_LINE, LONGEST_LINE))
        error = ENOMEM;
    if (error) {
        tool_complain(options, "%s: %s", cat.output.name, strerror(error));
        cat.session.exit_code = TOOL_FAILED;
    } else {
        loop(&cat);
    }
    close_output(&cat);
    tool_lines_fini(&cat.lines);
    tool_ended_fini(&cat.ended);
    return tool_session_close(&cat.session);
}

const struct tool_command tool_cat = {
    .name = "cat",
    .summary = "multicast standard input to a group, write what is delivered",
    .options = TOOL_CREATE | TOOL_JOIN | TOOL_BOOTSTRAP | TOOL_SERVICE | TOOL_ORDER | TOOL_VIEWS |
               TOOL_EXPECT | TOOL_STATUS | TOOL_TRANSPORT | TOOL_UNTIL_ALL | TOOL_PACE |
               TOOL_OUTPUT | TOOL_LABEL | TOOL_JSON,
    .run = run,
    .help =
        "usage: gcs cat GROUP [URL] [options]\n"
        "\n"
        "Joins GROUP, multicasts each line of standard input, and writes what is delivered\n"
        "to standard output: the same bytes at every member. At the end of input it leaves\n"
        "as soon as its own lines are delivered.\n"
        "\n"
        "  --create            be the group's first member\n"
        "  --join              join members that are there, never found a group\n"
        "                      (default: look for members, then found)\n"
        "  --bootstrap WAY     look, join, create; or expect:N, found the group when a\n"
        "                      majority of N processes is there\n"
        "  --transport NAME    the URL is the default of udp or rdma\n"
        "  --expect N          begin to read when the view has N members\n"
        "  --until-all         leave when the input of every member has ended\n"
        "  --service SERVICE   unordered, fifo, causal, agreed (default) or safe\n"
        "  --order ORDER       of agreed and safe lines: sequencer (default) or lamport; the same\n"
        "                      at all members\n"
        "  --pace RATE         multicast at most RATE lines per second\n"
        "  --views             show each view on standard error\n"
        "  --output FILE       write what is delivered to FILE\n"
        "  --status SOCKET     open a socket there for gcs status and gcs top\n"
        "  --label LABEL       where this member is: site/rack/host, site/rack or site\n"
        "  --json              last line on standard output: one JSON object with the counts\n"
        "  --help              this text\n"
        "\n"
        "URL: udp://127.0.0.1:7400-7431 unless given; see gcs_udp(7), gcs_rdma(7).\n"
        "Exit: 0 done, 1 failed, 2 usage, 3 no longer or never a member; see gcs(1).\n",
};
