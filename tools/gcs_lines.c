/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lines of a descriptor as messages: see gcs_lines.h. One buffer, read into at
 * its end, taken from at its start; it grows for a line that does not fit.
 */
#include "gcs_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CAPACITY_MIN ((size_t)128 * 1024)

/* Read when less than this is free, and the kernel is asked for little crumbs. */
#define READ_MIN ((size_t)32 * 1024)

bool tool_lines_init(struct tool_lines *lines, int fd, uint8_t mark, size_t max)
{
    *lines =
        (struct tool_lines){.fd = fd, .mark = mark, .max = max, .start = 1, .scanned = 1, .end = 1};
    lines->data = malloc(CAPACITY_MIN);
    lines->capacity = CAPACITY_MIN;
    return lines->data != NULL;
}

void tool_lines_fini(struct tool_lines *lines)
{
    free(lines->data);
    lines->data = NULL;
}

static void move_to_front(struct tool_lines *lines)
{
    size_t by = lines->start - 1;

    memmove(lines->data + 1, lines->data + lines->start, lines->end - lines->start);
    lines->start -= by;
    lines->scanned -= by;
    lines->end -= by;
}

/* Room for READ_MIN bytes: what has been taken goes first, then the buffer grows. */
static int make_room(struct tool_lines *lines)
{
    if (lines->capacity - lines->end >= READ_MIN)
        return 0;
    move_to_front(lines);
    if (lines->capacity - lines->end >= READ_MIN)
        return 0;
    uint8_t *data = realloc(lines->data, lines->capacity * 2);
    if (!data)
        return ENOMEM;
    lines->data = data;
    lines->capacity *= 2;
    return 0;
}

int tool_lines_read(struct tool_lines *lines)
{
    if (lines->end - lines->start > lines->max)
        return EMSGSIZE;
    int error = make_room(lines);
    if (error)
        return error;
    ssize_t count = read(lines->fd, lines->data + lines->end, lines->capacity - lines->end);
    if (count < 0)
        return errno == EINTR || errno == EAGAIN ? 0 : errno;
    lines->ended = count == 0;
    lines->end += (size_t)count;
    return 0;
}

bool tool_lines_peek(struct tool_lines *lines, const uint8_t **message, size_t *size)
{
    uint8_t *begin = lines->data + lines->start;
    size_t line = lines->end - lines->start;
    uint8_t *newline = memchr(lines->data + lines->scanned, '\n', lines->end - lines->scanned);

    if (newline)
        line = (size_t)(newline - begin) + 1;
    lines->scanned = newline ? (size_t)(newline - lines->data) : lines->end;
    if (line == 0 || (!newline && !lines->ended))
        return false;
    begin[-1] = lines->mark;
    *message = begin - 1;
    *size = line + 1;
    return true;
}

void tool_lines_take(struct tool_lines *lines, size_t size)
{
    lines->start += size - 1;
    lines->scanned = lines->start;
}
