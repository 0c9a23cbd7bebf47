/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bytes to a descriptor, gathered into large writes. The first error sticks:
 * nothing more is written, so that what is there is a prefix of what was meant.
 */
#ifndef TOOLS_GCS_OUTPUT_H
#define TOOLS_GCS_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tool_output {
    int fd;
    int error; /* errno of the first write that failed; 0: none */
    const char *name;
    uint8_t *buffer;
    size_t used;
    bool line_open; /* the last byte that went through here was not a newline */
};

/* Writes to the file, or to standard output if that is NULL. 0 or an errno. */
int tool_output_open(struct tool_output *output, const char *file);

void tool_output_put(struct tool_output *output, const void *data, size_t size);

/* Hands everything to the kernel; waits for it if need be. */
void tool_output_flush(struct tool_output *output);

/* Flushes, closes, and returns the first error of all. */
int tool_output_close(struct tool_output *output);

#endif
