/* SPDX-License-Identifier: BSD-3-Clause */
/* One contender's script: see compare.h. */
#include "compare.h"
#include "crew.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIPPED    77
#define TIMEOUT    "180" /* seconds; then it is ended, and ends what it has started */
#define GRACE      "10"  /* seconds that it has for that */
#define OUTPUT_MAX 16384
#define LOOK_MS    100 /* between two looks for a signal */

/* "A=1 B=2" into the environment. */
static void set_environment(const char *settings)
{
    char *copy = strdup(settings ? settings : "");
    char *rest = copy;
    char *setting;

    while (copy && (setting = strsep(&rest, " "))) {
        char *value = strchr(setting, '=');
        if (!value)
            continue;
        *value = '\0';
        (void)setenv(setting, value + 1, 1);
    }
    free(copy);
}

static void become_script(const char *folder, const struct bench_work *work,
                          const struct bench_contender *contender, double seconds, pid_t parent,
                          int out)
{
    char path[4096], size[16], length[32], program[4096];
    sigset_t none;

    /* timeout(1) passes it on, and the script takes back what it has done. */
    (void)prctl(PR_SET_PDEATHSIG, (unsigned long)SIGTERM, 0UL, 0UL, 0UL);
    if (getppid() != parent)
        _exit(1);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (n > 0) {
        program[n] = '\0';
        (void)setenv("GCS_BENCH", program, 1);
    }
    set_environment(contender->environment);
    snprintf(path, sizeof(path), "%s/%s", folder, contender->script);
    snprintf(size, sizeof(size), "%u", work->size);
    snprintf(length, sizeof(length), "%g", seconds);
    if (dup2(out, STDOUT_FILENO) < 0)
        _exit(1);
    (void)execlp("timeout", "timeout", "-k", GRACE, TIMEOUT, "bash", path, work->mode, size, length,
                 work->loss, (char *)NULL);
    _exit(127);
}

/* What the script says until it ends; a signal that ends this program ends the script first. */
static void read_all(int fd, pid_t pid, char *text, size_t size)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    bool ended = false;
    size_t filled = 0;

    while (filled < size - 1) {
        int count = poll(&ready, 1, LOOK_MS);
        if (!ended && bench_crew_interrupted())
            ended = kill(pid, SIGTERM) == 0;
        if (count == 0 || (count < 0 && errno == EINTR))
            continue;
        ssize_t n = read(fd, text + filled, size - 1 - filled);
        if (n == 0 || (n < 0 && errno != EINTR))
            break;
        filled += n > 0 ? (size_t)n : 0;
    }
    text[filled] = '\0';
}

static bool find_number(const char *text, const char *key, double *value)
{
    size_t length = strlen(key);

    for (const char *line = text; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, length) == 0 && line[length] == ' ') {
            *value = strtod(line + length + 1, NULL);
            return true;
        }
    }
    return false;
}

/* The last line, without prefix. */
static void keep_last_line(char *text, const char *prefix, struct bench_answer *answer)
{
    size_t length = strlen(text);

    while (length > 0 && text[length - 1] == '\n')
        text[--length] = '\0';
    const char *line = strrchr(text, '\n');
    line = line ? line + 1 : text;
    if (strncmp(line, prefix, strlen(prefix)) == 0)
        line += strlen(prefix);
    snprintf(answer->said, sizeof(answer->said), "%s", *line ? line : "it said nothing");
}

static void understand(const struct bench_work *work, int status, char *text,
                       struct bench_answer *answer)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
        find_number(text, work->key, &answer->value) && answer->value > 0) {
        answer->measured = true;
        (void)find_number(text, "p99_us", &answer->p99);
        keep_last_line(text, "settings ", answer);
    } else if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) {
        answer->skipped = true;
        keep_last_line(text, "", answer);
    } else if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        snprintf(answer->said, sizeof(answer->said), "nothing was done in that time");
    } else if (WIFEXITED(status) && WEXITSTATUS(status) == 124) {
        snprintf(answer->said, sizeof(answer->said), "not done within " TIMEOUT " seconds");
    } else {
        snprintf(answer->said, sizeof(answer->said), "the script failed (status %d)",
                 WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    }
}

void bench_script_run(const char *folder, const struct bench_work *work,
                      const struct bench_contender *contender, double seconds,
                      struct bench_answer *answer)
{
    char text[OUTPUT_MAX];
    int ends[2], status = 0;

    *answer = (struct bench_answer){.measured = false};
    (void)fflush(NULL);
    if (pipe(ends) < 0) {
        snprintf(answer->said, sizeof(answer->said), "pipe: %s", strerror(errno));
        return;
    }
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        become_script(folder, work, contender, seconds, parent, ends[1]);
    (void)close(ends[1]);
    if (pid < 0) {
        snprintf(answer->said, sizeof(answer->said), "fork: %s", strerror(errno));
    } else {
        read_all(ends[0], pid, text, sizeof(text));
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        understand(work, status, text, answer);
    }
    (void)close(ends[0]);
}
