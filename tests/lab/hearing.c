/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the members say: reports, line by line, and what a life that ended has
 * left on its standard error. Guarantees that all that a process wrote before
 * it ended has been read when it counts as ended.
 */
#include "tests/checkers/memory.h"
#include "tests/lab/crew.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How often to look whether processes have ended: their pipes usually say so before. */
#define LOOK_MS 50

/* ---- Lines -------------------------------------------------------------------------- */

/* Numbers with blanks between them, into a struct of nothing but uint64_t. */
static bool parse_numbers(const char *text, uint64_t *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *end;

        values[i] = strtoull(text, &end, 10);
        if (end == text)
            return false;
        text = end;
    }
    return true;
}

static bool hear_chain(struct lab_crew *crew, const char *text)
{
    struct lab_claim claim;

    memset(&claim, 0, sizeof(claim));
    if (sscanf(text, "%111s %" SCNu64 " %" SCNu64, claim.member, &claim.chain.count,
               &claim.chain.hash) != 3)
        return false;
    crew->claims = memory_grow(crew->claims, crew->claims_count, &crew->claims_capacity,
                               sizeof(*crew->claims));
    crew->claims[crew->claims_count++] = claim;
    return true;
}

static bool hear_left(struct lab_crew *crew, const char *text)
{
    int error;

    if (sscanf(text, "%*s %d", &error) != 1)
        return false;
    if (error)
        crew->left_excluded++;
    else
        crew->left_gracefully++;
    return true;
}

static void hear(struct lab_crew *crew, struct lab_life *life, const char *line)
{
    const char *text = strchr(line, ' ');
    size_t word = text ? (size_t)(text - line) : strlen(line);
    bool good = false;

    if (text && strncmp(line, "state", word) == 0)
        good = life->heard = parse_numbers(text, (uint64_t *)(void *)&life->state,
                                           sizeof(life->state) / sizeof(uint64_t));
    else if (text && strncmp(line, "counters", word) == 0)
        good = parse_numbers(text, (uint64_t *)(void *)&life->counters,
                             sizeof(life->counters) / sizeof(uint64_t));
    else if (text && strncmp(line, "chain", word) == 0)
        good = hear_chain(crew, text);
    else if (text && strncmp(line, "left", word) == 0)
        good = hear_left(crew, text);
    else if (text && strncmp(line, "clock", word) == 0)
        good = parse_numbers(text, &life->clock_base, 1);
    else if (text && strncmp(line, "wrong", word) == 0)
        lab_crew_wrong(crew, "member %u (process %ld): %s", life->slot, (long)life->pid, text + 1);
    if (!good && strncmp(line, "wrong ", 6) != 0)
        lab_crew_wrong(crew, "member %u (process %ld) says \"%.200s\"", life->slot, (long)life->pid,
                       line);
}

static void take_lines(struct lab_crew *crew, struct lab_life *life)
{
    char *start = life->line, *end;

    while ((end = memchr(start, '\n', life->length - (size_t)(start - life->line)))) {
        *end = '\0';
        hear(crew, life, start);
        start = end + 1;
    }
    life->length -= (size_t)(start - life->line);
    memmove(life->line, start, life->length);
    if (life->length == sizeof(life->line))
        life->length = 0; /* no line is so long: what follows will not make sense */
}

/* Whether anything came, or the end. */
static bool read_reports(struct lab_crew *crew, struct lab_life *life)
{
    bool any = false;

    while (life->reports >= 0) {
        ssize_t got =
            read(life->reports, life->line + life->length, sizeof(life->line) - life->length);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            break;
        any = true;
        if (got == 0) {
            close(life->reports);
            life->reports = -1;
        } else {
            life->length += (size_t)got;
            take_lines(crew, life);
        }
    }
    return any;
}

/* ---- Standard error ----------------------------------------------------------------- */

/* Sanitizers and asserts speak there; otherwise nobody does. The file is removed if empty. */
static void read_stderr(struct lab_crew *crew, const struct lab_life *life)
{
    char path[4096], text[200];
    FILE *file;
    size_t got;

    snprintf(path, sizeof(path), "%s/m-%ld.stderr", crew->dir, (long)life->pid);
    file = fopen(path, "r");
    if (!file)
        return;
    got = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[got] = '\0';
    if (got == 0) {
        unlink(path);
        return;
    }
    lab_crew_wrong(crew, "member %u (process %ld) wrote to m-%ld.stderr: %s", life->slot,
                   (long)life->pid, (long)life->pid, text);
}

void lab_crew_last_words(struct lab_crew *crew, struct lab_life *life)
{
    read_reports(crew, life);
    read_stderr(crew, life);
}

/* ---- Waiting ------------------------------------------------------------------------ */

/* Whether anything happened. */
static bool look_after(struct lab_crew *crew, struct lab_life *life)
{
    bool any = read_reports(crew, life);

    if (!life->running)
        return any;
    lab_crew_reap(crew, life, false);
    return any || !life->running;
}

static int poll_timeout(uint64_t deadline)
{
    uint64_t now = lab_now();
    uint64_t ms = deadline > now ? (deadline - now + LAB_NS_PER_MS - 1) / LAB_NS_PER_MS : 0;

    return ms > LOOK_MS ? LOOK_MS : (int)ms;
}

bool lab_crew_wait(struct lab_crew *crew, uint64_t deadline, int wake_fd)
{
    for (;;) {
        struct pollfd fds[2 * LAB_MEMBERS_MAX + 1] = {{.fd = wake_fd, .events = POLLIN}};
        nfds_t count = 1;
        bool any = false;

        for (size_t i = 0; i < crew->count; i++) {
            struct lab_life *life = crew->lives[i];

            any |= (life->running || life->reports >= 0) && look_after(crew, life);
            if (life->reports >= 0 && count <= 2 * LAB_MEMBERS_MAX)
                fds[count++] = (struct pollfd){.fd = life->reports, .events = POLLIN};
        }
        if (any || lab_now() >= deadline)
            return poll(fds, 1, 0) <= 0;
        if (poll(fds, count, poll_timeout(deadline)) > 0 && fds[0].revents)
            return false;
    }
}
