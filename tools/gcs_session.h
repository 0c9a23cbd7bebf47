/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One membership of one group, as the commands of `gcs` have it: opened from
 * the command line, ended gracefully by SIGINT and SIGTERM (a second signal ends
 * the process at once), and what is said about it on standard error.
 *
 * The endpoint has its own protocol thread, so that a command that waits for
 * its output to be read slows the group down but does not fall out of it.
 */
#ifndef TOOLS_GCS_SESSION_H
#define TOOLS_GCS_SESSION_H

#include "gcs_options.h"

#include <poll.h>

/* What `gcs cat` multicasts, by first byte: a line follows, or the input has ended. */
#define TOOL_MARK_LINE 'L'
#define TOOL_MARK_END  "End of input of gcs cat"

struct tool_session {
    const struct tool_options *options;
    struct gcs_endpoint *endpoint;
    struct gcs_group *group;
    struct gcs_member_id self; /* from the first view on */
    uint64_t views;            /* seen so far */
    bool primary;              /* in a primary view: multicasting makes sense */
    bool stopped;              /* by a signal */
    bool leaving;
    bool left;
    int exit_code;
    int stop_fd;         /* readable when a signal asks to stop */
    uint64_t opened_at;  /* monotonic, in ns */
    uint64_t give_up_at; /* when an unconfirmed leave ends anyway; GCS_NEVER */
    bool noted_waiting;
};

uint64_t tool_now(void);

/* TOOL_GO, or how to exit after the complaint. */
int tool_session_open(struct tool_session *session, const struct tool_options *options);

/* Closes what is open. Returns the exit code. */
int tool_session_close(struct tool_session *session);

/* The session's share of an event: who am I, is there a primary, have I left. */
void tool_session_event(struct tool_session *session, const struct gcs_event *event);

/* Starts to leave, once. With a limit, in ms, for the others to confirm it; 0: none. */
void tool_session_leave(struct tool_session *session, uint32_t limit_ms);

/* The membership is useless from here on: complains with the library's words, and leaves. */
void tool_session_fail(struct tool_session *session, const char *what, int error);

/*
 * Waits for events, a signal, one of the caller's descriptors (fd < 0: ignored), or timeout_ms.
 * Starts to leave when a signal came.
 */
void tool_session_wait(struct tool_session *session, struct pollfd *fds, size_t count,
                       int timeout_ms);

bool tool_session_is_self(const struct tool_session *session, const struct gcs_member_id *member);

/* Whether a delivered message is the mark that an input has ended. */
bool tool_is_end_mark(const struct gcs_message *message);

#endif
