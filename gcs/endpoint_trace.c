/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GCS_TRACE=FILE: what happened, one JSON object on one line each (gcs_trace(5)).
 * A line is written by one unbuffered write(2) to a file opened with O_APPEND, before
 * the core goes on: several endpoints may share a file, and a process that is killed
 * loses no line of what others have seen of it. "%p" in FILE becomes the process id,
 * so that the processes of a test can be given one setting. A program that runs
 * with raised privileges ignores the variable.
 */
#include "gcs/base/memory.h"
#include "gcs/base/trace.h"
#include "gcs/endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A view of a hundred members; longer lines get a buffer of their own. */
#define LINE_SIZE 16384

struct gcs_trace {
    const struct gcs_allocator *allocator;
    int fd;
    bool pipe; /* whose reader may go away */
    char *line;
    size_t size;
};

/* Replaces each "%p". False: too long. */
static bool expand(const char *pattern, char *path, size_t size)
{
    size_t length = 0;

    while (*pattern && length < size) {
        if (pattern[0] == '%' && pattern[1] == 'p') {
            int digits = snprintf(path + length, size - length, "%ld", (long)getpid());
            length += (size_t)digits;
            pattern += 2;
        } else {
            path[length++] = *pattern++;
        }
    }
    if (length >= size)
        return false;
    path[length] = '\0';
    return true;
}

static int open_file(struct gcs_trace *trace, const char *pattern)
{
    char path[PATH_MAX];
    struct stat status;

    if (!expand(pattern, path, sizeof(path)))
        return gcs_fail(GCS_ESYSTEM, "GCS_TRACE=%.64s...: the name is too long", pattern);
    do {
        trace->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
    } while (trace->fd < 0 && errno == EINTR);
    if (trace->fd < 0) {
        char what[300];
        (void)snprintf(what, sizeof(what), "GCS_TRACE: opening \"%.200s\"", path);
        return gcs_fail_system(what, errno);
    }
    trace->pipe = fstat(trace->fd, &status) == 0 && !S_ISREG(status.st_mode);
    return 0;
}

int gcs_trace_open(const struct gcs_allocator *allocator, struct gcs_trace **out)
{
    const char *pattern = secure_getenv("GCS_TRACE");

    if (!pattern || !*pattern)
        return 0;
    struct gcs_trace *trace = gcs_allocate(allocator, 1, sizeof(*trace));
    if (!trace)
        return gcs_fail(GCS_ENOMEM, "out of memory for GCS_TRACE");
    trace->allocator = allocator;
    trace->size = LINE_SIZE;
    trace->line = gcs_allocate(allocator, 1, trace->size);
    int error = trace->line ? open_file(trace, pattern)
                            : gcs_fail(GCS_ENOMEM, "out of memory for GCS_TRACE");
    if (error) {
        gcs_release(allocator, trace->line);
        gcs_release(allocator, trace);
        return error;
    }
    *out = trace;
    return 0;
}

void gcs_trace_close(struct gcs_trace *trace)
{
    if (!trace)
        return;
    if (trace->fd >= 0)
        (void)close(trace->fd);
    gcs_release(trace->allocator, trace->line);
    gcs_release(trace->allocator, trace);
}

static ssize_t write_all(const struct gcs_trace *trace, size_t length)
{
    ssize_t written;

    do {
        written = write(trace->fd, trace->line, length);
    } while (written < 0 && errno == EINTR);
    return written;
}

/* No SIGPIPE: one that this write raises is taken back before the application's threads see it. */
static ssize_t write_to_pipe(const struct gcs_trace *trace, size_t length)
{
    const struct timespec now = {0, 0};
    sigset_t pipe, before, pending;

    (void)sigemptyset(&pipe);
    (void)sigaddset(&pipe, SIGPIPE);
    (void)sigpending(&pending);
    (void)pthread_sigmask(SIG_BLOCK, &pipe, &before);
    ssize_t written = write_all(trace, length);
    if (written < 0 && errno == EPIPE && !sigismember(&pending, SIGPIPE))
        (void)sigtimedwait(&pipe, NULL, &now);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return written;
}

/* A line that could not be written whole (the disk is full, the reader is gone) cannot be taken
 * back: the trace ends there, and whoever reads it finds a line without its newline. */
static void write_line(struct gcs_trace *trace, size_t length)
{
    if (trace->fd < 0)
        return;
    ssize_t written = trace->pipe ? write_to_pipe(trace, length) : write_all(trace, length);
    if (written != (ssize_t)length) {
        (void)close(trace->fd);
        trace->fd = -1;
    }
}

/* Makes room for a line of length bytes. */
static bool grow(struct gcs_trace *trace, size_t length)
{
    char *line = gcs_allocate(trace->allocator, 1, length);

    if (!line)
        return false;
    gcs_release(trace->allocator, trace->line);
    trace->line = line;
    trace->size = length;
    return true;
}

void gcs_trace_write(void *ctx, const struct gcs_trace_event *event)
{
    struct gcs_trace *trace = ctx;
    size_t length = gcs_trace_format(event, gcs_address_format, trace->line, trace->size);

    if (length > trace->size) {
        if (!grow(trace, length))
            return;
        length = gcs_trace_format(event, gcs_address_format, trace->line, trace->size);
    }
    write_line(trace, length);
}

void gcs_trace_leaving(struct gcs_trace *trace, uint64_t now, const struct gcs_group *group,
                       const struct gcs_view *view)
{
    if (!trace || !view)
        return;
    size_t length =
        gcs_trace_format_note("leaving", now, &view->members[view->self].id, group->name,
                              view->lineage, gcs_address_format, trace->line, trace->size);
    if (length <= trace->size)
        write_line(trace, length);
}
