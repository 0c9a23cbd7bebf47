/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The client's side of the status socket: see gcs_metrics.h.
 */
#include "gcs_metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define REPLY_MAX   (64u << 20)
#define REPLY_FIRST 65536u
#define PATIENCE_S  5

/* ---- Asking ----------------------------------------------------------------------------- */

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    memcpy(address.sun_path, path, strlen(path) + 1); /* its length was checked */
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* All that comes, with a NUL behind it; NULL and errno. */
static char *read_all(int fd)
{
    size_t room = REPLY_FIRST, size = 0;
    char *text = malloc(room);

    while (text) {
        ssize_t got = recv(fd, text + size, room - size - 1, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            break;
        size += (size_t)got;
        text[size] = '\0';
        if (got == 0)
            return text;
        if (room - size > 1)
            continue;
        char *larger = room < REPLY_MAX ? realloc(text, room * 2) : NULL;
        if (!larger) {
            errno = EMSGSIZE;
            break;
        }
        text = larger;
        room *= 2;
    }
    free(text);
    return NULL;
}

char *tool_status_ask(const struct tool_options *options, const char *request)
{
    int fd = connect_to(options->path);
    char *reply = NULL;

    if (fd >= 0 && send(fd, request, strlen(request), MSG_NOSIGNAL) == (ssize_t)strlen(request))
        reply = read_all(fd);
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (!reply) {
        tool_complain(options, "%s: %s", options->path,
                      error == ECONNREFUSED ? "nobody listens: its process is gone"
                                            : strerror(error));
        return NULL;
    }
    size_t length = strlen(reply);
    if (length > 0 && reply[length - 1] == '\n' && strncmp(reply, "error: ", 7) != 0)
        return reply;
    tool_complain(options, "%s: %.*s", options->path, (int)strcspn(reply, "\n"),
                  length > 0 ? reply : "hung up without an answer");
    free(reply);
    return NULL;
}

/* ---- Reading ---------------------------------------------------------------------------- */

/* name{labels} value, or name value. */
static bool parse_line(char *line, struct tool_sample *sample)
{
    char *space = strrchr(line, ' ');
    char *end;

    if (!space)
        return false;
    *space = '\0';
    sample->value = strtod(space + 1, &end);
    if (end == space + 1 || *end != '\0')
        return false;
    sample->name = line;
    sample->labels = "";
    char *brace = strchr(line, '{');
    size_t length = strlen(line);
    if (brace && line[length - 1] == '}') {
        *brace = line[length - 1] = '\0';
        sample->labels = brace + 1;
    }
    return true;
}

static bool parse(struct tool_metrics *metrics)
{
    size_t lines = 0;

    for (const char *at = metrics->text; (at = strchr(at, '\n')); at++)
        lines++;
    metrics->samples = malloc((lines + 1) * sizeof(*metrics->samples));
    if (!metrics->samples)
        return false;
    char *rest = metrics->text;
    char *line;
    while ((line = strtok_r(rest, "\n", &rest)))
        if (line[0] != '#' && parse_line(line, &metrics->samples[metrics->count]))
            metrics->count++;
    return true;
}

bool tool_metrics_fetch(struct tool_metrics *metrics, const struct tool_options *options)
{
    *metrics = (struct tool_metrics){.text = tool_status_ask(options, "metrics\n")};
    if (!metrics->text)
        return false;
    if (parse(metrics))
        return true;
    tool_complain(options, "out of memory");
    tool_metrics_free(metrics);
    return false;
}

void tool_metrics_free(struct tool_metrics *metrics)
{
    free(metrics->samples);
    free(metrics->text);
    *metrics = (struct tool_metrics){0};
}

const struct tool_sample *tool_metrics_find(const struct tool_metrics *metrics, const char *name,
                                            size_t *count)
{
    size_t first = 0;

    while (first < metrics->count && strcmp(metrics->samples[first].name, name) != 0)
        first++;
    *count = 0;
    while (first + *count < metrics->count &&
           strcmp(metrics->samples[first + *count].name, name) == 0)
        ++*count;
    return *count > 0 ? &metrics->samples[first] : NULL;
}

double tool_metrics_value(const struct tool_metrics *metrics, const char *name)
{
    size_t count;
    const struct tool_sample *sample = tool_metrics_find(metrics, name, &count);

    return sample ? sample->value : 0;
}

void tool_sample_label(const struct tool_sample *sample, const char *key, char *value, size_t size)
{
    size_t length = strlen(key);
    const char *at = sample->labels;

    value[0] = '\0';
    while (*at) {
        const char *begin = strchr(at, '"');
        const char *end = begin ? strchr(begin + 1, '"') : NULL;
        if (!end)
            return;
        size_t got = (size_t)(end - begin) - 1;
        if ((size_t)(begin - at) == length + 1 && strncmp(at, key, length) == 0 && got < size) {
            memcpy(value, begin + 1, got);
            value[got] = '\0';
            return;
        }
        at = end + 1;
        if (*at == ',')
            at++;
    }
}
