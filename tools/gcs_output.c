/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bytes to a descriptor, gathered into large writes: see gcs_output.h.
 */
#include "gcs_output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_BYTES ((size_t)256 * 1024)

int tool_output_open(struct tool_output *output, const char *file)
{
    *output = (struct tool_output){.fd = STDOUT_FILENO, .name = "standard output"};
    output->buffer = malloc(BUFFER_BYTES);
    if (!output->buffer)
        return ENOMEM;
    if (!file)
        return 0;
    output->name = file;
    output->fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (output->fd >= 0)
        return 0;
    int error = errno;
    free(output->buffer);
    output->buffer = NULL;
    return error;
}

static void write_all(struct tool_output *output, const uint8_t *data, size_t size)
{
    while (size > 0 && !output->error) {
        ssize_t count = write(output->fd, data, size);
        if (count >= 0) {
            data += count;
            size -= (size_t)count;
        } else if (errno == EAGAIN) { /* whoever shares the descriptor made it so */
            poll(&(struct pollfd){.fd = output->fd, .events = POLLOUT}, 1, -1);
        } else if (errno != EINTR) {
            output->error = errno;
        }
    }
}

void tool_output_flush(struct tool_output *output)
{
    write_all(output, output->buffer, output->used);
    output->used = 0;
}

void tool_output_put(struct tool_output *output, const void *data, size_t size)
{
    if (size == 0)
        return;
    output->line_open = ((const uint8_t *)data)[size - 1] != '\n';
    if (output->used + size > BUFFER_BYTES)
        tool_output_flush(output);
    if (size > BUFFER_BYTES) {
        write_all(output, data, size);
        return;
    }
    memcpy(output->buffer + output->used, data, size);
    output->used += size;
}

int tool_output_close(struct tool_output *output)
{
    tool_output_flush(output);
    free(output->buffer);
    output->buffer = NULL;
    if (close(output->fd) != 0 && errno != EINTR && !output->error)
        output->error = errno;
    return output->error;
}
