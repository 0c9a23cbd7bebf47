/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lines of a descriptor as messages. A line is a byte of the caller's choice
 * followed by the line's own bytes, newline included, all in one piece and
 * never copied: the byte goes where the line before it ended. The last line
 * need not have a newline; NULs are bytes like any other.
 */
#ifndef TOOLS_GCS_LINES_H
#define TOOLS_GCS_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tool_lines {
    int fd;
    bool ended; /* no more bytes will come */
    uint8_t mark;
    uint8_t *data; /* data[start..end) has been read and not taken; start is never 0 */
    size_t capacity;
    size_t start;
    size_t scanned; /* data[start..scanned) holds no newline */
    size_t end;
    size_t max; /* longest line, newline included */
};

/* mark stands before each line. False: out of memory. */
bool tool_lines_init(struct tool_lines *lines, int fd, uint8_t mark, size_t max);
void tool_lines_fini(struct tool_lines *lines);

/* Reads once, which blocks unless fd is readable. 0; or an errno: EMSGSIZE if a line is
 * longer than max. */
int tool_lines_read(struct tool_lines *lines);

/* The next line with its mark, valid until tool_lines_read; it stays the next one until it is
 * taken. False: none is there (whole) yet. */
bool tool_lines_peek(struct tool_lines *lines, const uint8_t **message, size_t *size);
void tool_lines_take(struct tool_lines *lines, size_t size);

#endif
