/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A member's side of words.h. A report is one write(2), so that it is never
 * torn, not even by SIGKILL.
 */
#include "tests/lab/member.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPORT_NS   (20 * LAB_NS_PER_MS)
#define COUNTERS_NS (500 * LAB_NS_PER_MS)
#define REPORT_MAX  3072 /* less than PIPE_BUF */

/* ---- Reports ------------------------------------------------------------------------ */

void lab_member_say(const char *format, ...)
{
    char text[REPORT_MAX];
    va_list arguments;
    size_t length;

    va_start(arguments, format);
    length = (size_t)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (length >= sizeof(text))
        length = sizeof(text) - 1;
    if (write(STDOUT_FILENO, text, length) < 0)
        _exit(LAB_VIOLATION); /* nobody listens any more */
}

void lab_member_wrong(const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    lab_member_say("wrong %s\n", text);
}

static void report_state(struct lab_member *member)
{
    const struct lab_state *state = &member->state;
    char text[512];
    size_t length = (size_t)snprintf(text, sizeof(text), "state");

#define PRINT_STATE(name, words) \
    length += (size_t)snprintf(text + length, sizeof(text) - length, " %" PRIu64, state->name);
    LAB_STATE_TABLE(PRINT_STATE)
#undef PRINT_STATE
    lab_member_say("%.*s\n", (int)length, text);
    member->reported = *state;
}

/* Of all endpoints that this process has had. */
void lab_member_count(const struct lab_member *member, struct gcs_counters *counters)
{
    struct gcs_counters now;

    memset(&now, 0, sizeof(now));
    if (member->endpoint && gcs_counters_get(member->endpoint, &now) != 0)
        lab_member_wrong("gcs_counters_get: %s", gcs_detail());
#define ADD_COUNTER(name, words) counters->name = member->past.name + now.name;
    GCS_COUNTER_TABLE(ADD_COUNTER)
#undef ADD_COUNTER
}

static void report_counters(const struct lab_member *member)
{
    struct gcs_counters counters;
    char text[REPORT_MAX - 8];
    size_t length = (size_t)snprintf(text, sizeof(text), "counters");

    lab_member_count(member, &counters);
#define PRINT_COUNTER(name, words) \
    length += (size_t)snprintf(text + length, sizeof(text) - length, " %" PRIu64, counters.name);
    GCS_COUNTER_TABLE(PRINT_COUNTER)
#undef PRINT_COUNTER
    lab_member_say("%.*s\n", (int)length, text);
}

/* The thread that waited most while it could have run (schedstat). 0: the kernel does not tell. */
static uint64_t waited_ns(void)
{
    struct dirent *entry;
    uint64_t most = 0, ran, waited;
    DIR *threads = opendir("/proc/self/task");

    while (threads && (entry = readdir(threads))) {
        char path[300];
        FILE *file;

        snprintf(path, sizeof(path), "/proc/self/task/%s/schedstat", entry->d_name);
        file = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
        if (file && fscanf(file, "%" SCNu64 " %" SCNu64, &ran, &waited) == 2)
            most = waited > most ? waited : most;
        if (file)
            fclose(file);
    }
    if (threads)
        closedir(threads);
    return most;
}

void lab_member_report(struct lab_member *member, uint64_t now, bool last)
{
    struct lab_sender *sender = &member->sender;
    struct gcs_counters counters;
    int error = atomic_exchange(&sender->error, 0);

    if (error)
        lab_member_wrong("gcs_multicast or gcs_view_acquire: %s", gcs_strerror(error));
    if (last || now >= member->counters_at) {
        report_counters(member);
        member->state.waited_ns = waited_ns();
        member->counters_at = now + COUNTERS_NS;
    }
    if (!last && now < member->report_at)
        return;
    member->report_at = now + REPORT_NS;
    lab_member_count(member, &counters);
    member->state.suspicions = counters.suspicions;
    member->state.accepted = atomic_load(&sender->accepted);
    member->state.sent_bytes = atomic_load(&sender->bytes);
    member->state.idle = atomic_load(&sender->idle);
    if (last || memcmp(&member->state, &member->reported, sizeof(member->state)) != 0)
        report_state(member);
}

/* ---- Commands ----------------------------------------------------------------------- */

static void hear(struct lab_member *member, const char *line)
{
    uint64_t ms, us;

    if (strcmp(line, "go") == 0) {
        atomic_store(&member->sender.sending, true);
    } else if (strcmp(line, "quiet") == 0) {
        atomic_store(&member->sender.sending, false);
    } else if (sscanf(line, "leave %" SCNu64, &ms) == 1) {
        lab_member_leave(member, ms);
    } else if (strcmp(line, "quit") == 0) {
        member->quits = true;
        lab_member_leave(member, 0);
    } else if (sscanf(line, "slow %" SCNu64 " %" SCNu64, &us, &ms) == 2) {
        member->slow_ns = us * 1000;
        member->slow_until = lab_now() + ms * LAB_NS_PER_MS;
    } else {
        lab_member_wrong("unknown command \"%s\"", line);
    }
}

void lab_member_listen(struct lab_member *member)
{
    struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
    char *end;

    while (poll(&fd, 1, 0) > 0) {
        ssize_t got = read(STDIN_FILENO, member->line + member->length,
                           sizeof(member->line) - member->length);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            _exit(LAB_VIOLATION); /* the parent is gone */
        member->length += (size_t)got;
        while ((end = memchr(member->line, '\n', member->length))) {
            *end = '\0';
            hear(member, member->line);
            member->length -= (size_t)(end + 1 - member->line);
            memmove(member->line, end + 1, member->length);
        }
    }
}
