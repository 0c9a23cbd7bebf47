/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One membership of one group: see gcs_session.h.
 */
#include "gcs_session.h"

#include "gcs_ended.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SESSION_FDS_MAX 4 /* that a caller may wait for */
#define STOP_LIMIT_MS   5000
#define NOTE_WAITING_MS 5000
#define NS_PER_MS       1000000u

/* The write end of the pipe through which a signal wakes poll(2). */
static int stop_signalled_fd = -1;

static void on_stop_signal(int number)
{
    int error = errno;

    (void)number;
    if (write(stop_signalled_fd, "", 1) < 0) {
        /* The pipe is full: it is readable, which is all that is wanted. */
    }
    errno = error;
}

uint64_t tool_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

bool tool_session_is_self(const struct tool_session *session, const struct gcs_member_id *member)
{
    return session->views > 0 && tool_same_member(&session->self, member);
}

bool tool_is_end_mark(const struct gcs_message *message)
{
    return message->size == sizeof(TOOL_MARK_END) - 1 &&
           memcmp(message->data, TOOL_MARK_END, message->size) == 0;
}

/* SA_RESETHAND: the second signal of a kind does what it always did. */
static bool watch_signals(struct tool_session *session)
{
    struct sigaction stop = {.sa_handler = on_stop_signal, .sa_flags = SA_RESETHAND | SA_RESTART};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    int ends[2];

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return false;
    session->stop_fd = ends[0];
    stop_signalled_fd = ends[1];
    sigaction(SIGPIPE, &ignore, NULL); /* a closed output is an error like others */
    return sigaction(SIGINT, &stop, NULL) == 0 && sigaction(SIGTERM, &stop, NULL) == 0;
}

/* The library's sentence about its last error, or the error's own. */
static const char *detail(int error)
{
    const char *text = gcs_detail();

    return text[0] != '\0' ? text : gcs_strerror(error);
}

static int exit_code_of(int error)
{
    switch (error) {
    case GCS_EADDRESS:
    case GCS_ETRANSPORT:
    case GCS_ENAME:
    case GCS_EOPTION:
    case GCS_EINVAL:
        return TOOL_USAGE;
    case GCS_EREFUSED:
    case GCS_ENOTMEMBER:
    case GCS_ELINEAGE:
    case GCS_ENOPRIMARY:
        return TOOL_OUTSIDE;
    default:
        return TOOL_FAILED;
    }
}

static int open_membership(struct tool_session *session)
{
    const struct tool_options *options = session->options;
    struct gcs_endpoint_options endpoint_options;
    struct gcs_group_config config;

    gcs_endpoint_options_init(&endpoint_options);
    endpoint_options.status = options->status;
    if (options->label)
        endpoint_options.label = options->label;
    int error = gcs_open(options->url, &endpoint_options, &session->endpoint);
    if (!error) {
        gcs_group_config_init(&config);
        config.bootstrap = options->bootstrap;
        config.order = options->order;
        config.expect = options->founders;
        config.rejoin = false; /* what is written would have a hole */
        error = gcs_join(session->endpoint, options->group, &config, &session->group);
    }
    if (!error)
        return TOOL_GO;
    tool_complain(options, "%s", detail(error));
    return exit_code_of(error);
}

int tool_session_open(struct tool_session *session, const struct tool_options *options)
{
    *session = (struct tool_session){
        .options = options, .stop_fd = -1, .give_up_at = GCS_NEVER, .opened_at = tool_now()};
    int exit_code = TOOL_GO;

    if (!watch_signals(session)) {
        tool_complain(options, "signals: %s", strerror(errno));
        exit_code = TOOL_FAILED;
    } else {
        exit_code = open_membership(session);
    }
    if (exit_code != TOOL_GO)
        gcs_close(session->endpoint);
    return exit_code;
}

int tool_session_close(struct tool_session *session)
{
    gcs_close(session->endpoint);
    session->endpoint = NULL;
    return session->exit_code;
}

static void on_view(struct tool_session *session, const struct gcs_view_change *change)
{
    const struct tool_options *options = session->options;
    char id[GCS_VIEW_ID_TEXT_MAX];

    gcs_view_id_format(&change->view, id, sizeof(id));
    if (session->views > 0 && session->primary && !change->primary)
        tool_complain(options, "cut off from the primary of %s after view %s (%s): waiting",
                      options->group, id, gcs_strerror(change->error));
    else if (session->views > 0 && !session->primary && change->primary)
        tool_complain(options, "back in the primary of %s with view %s", options->group, id);
    session->self = change->view.members[change->view.self].id;
    session->primary = change->primary;
    session->views++;
}

void tool_session_event(struct tool_session *session, const struct gcs_event *event)
{
    if (event->type == GCS_EVENT_VIEW)
        on_view(session, event->change);
    if (event->type != GCS_EVENT_LEFT)
        return;
    session->left = true;
    if (event->error)
        tool_complain(session->options, "no longer a member of %s: %s", session->options->group,
                      gcs_strerror(event->error));
    /* Who is cut off leaves without anybody's consent: the others will take it for a crash. */
    bool cut_off = session->views > 0 && !session->primary;
    if (session->exit_code == TOOL_OK && (event->error || cut_off))
        session->exit_code = TOOL_OUTSIDE;
}

void tool_session_leave(struct tool_session *session, uint32_t limit_ms)
{
    if (limit_ms && session->give_up_at == GCS_NEVER)
        session->give_up_at = tool_now() + (uint64_t)limit_ms * NS_PER_MS;
    if (session->leaving || session->left)
        return;
    session->leaving = true;
    int error = gcs_leave(session->group);
    if (error && error != GCS_EALREADY) {
        tool_complain(session->options, "leaving %s: %s", session->options->group, detail(error));
        session->exit_code = exit_code_of(error);
        session->left = true;
    }
}

void tool_session_fail(struct tool_session *session, const char *what, int error)
{
    tool_complain(session->options, "%s: %s", what, error < 0 ? detail(error) : strerror(error));
    if (session->exit_code == TOOL_OK)
        session->exit_code = error < 0 ? exit_code_of(error) : TOOL_FAILED;
    tool_session_leave(session, STOP_LIMIT_MS);
}

/* What time alone brings about. Returns how long to wait at most, in ms; -1: for ever. */
static int check_times(struct tool_session *session)
{
    uint64_t now = tool_now();
    uint64_t note_at = session->opened_at + (uint64_t)NOTE_WAITING_MS * NS_PER_MS;
    uint64_t next = session->give_up_at;

    if (now >= session->give_up_at) {
        tool_complain(session->options, "leaving %s: nobody confirmed it in time",
                      session->options->group);
        if (session->exit_code == TOOL_OK)
            session->exit_code = TOOL_OUTSIDE;
        session->left = true;
        return 0;
    }
    if (session->views == 0 && !session->noted_waiting) {
        if (now >= note_at) {
            session->noted_waiting = true;
            tool_complain(session->options, "%s at %s: still looking for members",
                          session->options->group, gcs_endpoint_address(session->endpoint));
        } else if (note_at < next) {
            next = note_at;
        }
    }
    return next == GCS_NEVER ? -1 : (int)((next - now) / NS_PER_MS) + 1;
}

void tool_session_wait(struct tool_session *session, struct pollfd *fds, size_t count,
                       int timeout_ms)
{
    struct pollfd all[SESSION_FDS_MAX + 2] = {
        {.fd = gcs_fd(session->endpoint), .events = POLLIN},
        {.fd = session->stopped ? -1 : session->stop_fd, .events = POLLIN},
    };
    int limit_ms = check_times(session);

    for (size_t i = 0; i < count; i++)
        fds[i].revents = 0;
    if (session->left)
        return;
    if (limit_ms >= 0 && (timeout_ms < 0 || limit_ms < timeout_ms))
        timeout_ms = limit_ms;
    for (size_t i = 0; i < count; i++)
        all[i + 2] = (struct pollfd){.fd = fds[i].fd, .events = fds[i].events};
    if (poll(all, count + 2, timeout_ms) < 0)
        return; /* a signal: the pipe says so next time */
    for (size_t i = 0; i < count; i++)
        fds[i].revents = all[i + 2].revents;
    if (all[1].revents) {
        session->stopped = true;
        tool_session_leave(session, STOP_LIMIT_MS);
    }
}
