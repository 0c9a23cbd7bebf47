/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Starting, signalling and reaping. A member dies with its parent
 * (PR_SET_PDEATHSIG), so that nothing is left behind even if gcs-lab itself is
 * killed. It runs in the folder of the run, where a core file then lies.
 */
#include "tests/lab/crew.h"

#include "tests/checkers/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_MAX      512
#define HEADERS_BYTES 48 /* IPv6, UDP */

void lab_crew_wrong(struct lab_crew *crew, const char *format, ...)
{
    char *text = memory_new(TEXT_MAX, 1);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, TEXT_MAX, format, arguments);
    va_end(arguments);
    crew->wrongs = memory_grow(crew->wrongs, crew->wrongs_count, &crew->wrongs_capacity,
                               sizeof(*crew->wrongs));
    crew->wrongs[crew->wrongs_count++] = text;
}

void lab_crew_init(struct lab_crew *crew, const struct lab_options *options,
                   const struct lab_shape *shape, const struct lab_network *network,
                   const char *dir)
{
    memset(crew, 0, sizeof(*crew));
    crew->options = options;
    crew->shape = *shape;
    crew->network = network;
    crew->dir = dir;
    snprintf(crew->cluster, sizeof(crew->cluster), "gcs-lab-%ld", (long)getpid());
}

/* ---- Starting ----------------------------------------------------------------------- */

/* Whether the packets of that shape are what every link always carries: gcs_open refuses others. */
static bool fits_link(const struct lab_crew *crew)
{
    const struct lab_shape *shape = &crew->shape;

    if (shape->packet_bytes == 0 || crew->network->kind == LAB_LOOPBACK)
        return shape->packet_bytes > 0;
    return crew->network->kind == LAB_RDMA || (shape->packet_bytes < shape->mtu - HEADERS_BYTES &&
                                               !(crew->options->faults & 1U << LAB_MTU));
}

static void format_url(const struct lab_crew *crew, unsigned slot, char *url, size_t size)
{
    const struct lab_shape *shape = &crew->shape;
    size_t length = lab_network_url(crew->network, slot, url, size);
    char noise[256];

    if (fits_link(crew) && length < size)
        length +=
            (size_t)snprintf(url + length, size - length, "&packet=%" PRIu32, shape->packet_bytes);
    if (shape->receive_buffer && length < size)
        length += (size_t)snprintf(url + length, size - length, "&%s=%" PRIu32,
                                   crew->network->kind == LAB_RDMA ? "ring" : "rcvbuf",
                                   shape->receive_buffer);
    lab_plan_noise(crew->options, slot, crew->lives_of[slot], noise, sizeof(noise));
    if (length < size)
        snprintf(url + length, size - length, "%s", noise);
}

/* In the child: only what is allowed between fork and exec. */
static void become_member(const struct lab_crew *crew, unsigned slot, int commands, int reports,
                          char **argv)
{
    struct rlimit core = {RLIM_INFINITY, RLIM_INFINITY};
    char path[64];
    pid_t parent = getppid();

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        _exit(127);
    if (getrlimit(RLIMIT_CORE, &core) == 0) {
        core.rlim_cur = core.rlim_max;
        setrlimit(RLIMIT_CORE, &core);
    }
    snprintf(path, sizeof(path), "m-%ld.stderr", (long)getpid());
    if (chdir(crew->dir) != 0 || !lab_network_enter(crew->network, slot))
        _exit(127);
    int said = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (said < 0 || dup2(commands, 0) < 0 || dup2(reports, 1) < 0 || dup2(said, 2) < 0)
        _exit(127);
    close(said);
    execv("/proc/self/exe", argv);
    _exit(127);
}

static pid_t start_process(struct lab_crew *crew, unsigned slot, bool create, int commands,
                           int reports)
{
    const struct lab_shape *shape = &crew->shape;
    char numbers[16][24], url[4096];
    uint64_t values[] = {lab_plan_seed(crew->options, slot, crew->lives_of[slot]),
                         create,
                         crew->options->service,
                         lab_plan_rate(crew->options),
                         shape->window_packets,
                         shape->window_bytes,
                         shape->queue_bytes,
                         shape->suspect_ms,
                         (uint32_t)lab_plan_skew(crew->options, slot, crew->lives_of[slot]),
                         shape->order == LAB_LAMPORT ? GCS_ORDER_LAMPORT : GCS_ORDER_SEQUENCER,
                         shape->rotate && shape->order == LAB_SEQUENCER,
                         shape->stable,
                         shape->all_hold,
                         shape->region_size};
    char *argv[24] = {(char[]){"gcs-lab"}, (char[]){"--member"}, url, crew->cluster};
    pid_t pid;

    format_url(crew, slot, url, sizeof(url));
    for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        snprintf(numbers[i], sizeof(numbers[i]), "%" PRIu64, values[i]);
        argv[4 + i] = numbers[i];
    }
    fflush(NULL);
    pid = fork();
    if (pid == 0)
        become_member(crew, slot, commands, reports, argv);
    return pid;
}

static void say(struct lab_life *life, const char *text)
{
    if (life->commands >= 0 && write(life->commands, text, strlen(text)) < 0) {
        /* It is dying: reaping it says more. */
    }
}

void lab_crew_start(struct lab_crew *crew, unsigned slot, bool create, const char *commands)
{
    struct lab_life *life = memory_new(1, sizeof(*life));
    int down[2], up[2];

    if (pipe2(down, O_CLOEXEC) != 0 || pipe2(up, O_CLOEXEC) != 0) {
        perror("gcs-lab: pipe");
        abort();
    }
    fcntl(up[0], F_SETFL, O_NONBLOCK);
    *life =
        (struct lab_life){.slot = slot,
                          .commands = down[1],
                          .reports = up[0],
                          .started_at = lab_now(),
                          .clock_ppm = lab_plan_skew(crew->options, slot, crew->lives_of[slot])};
    say(life, commands);
    life->pid = start_process(crew, slot, create, down[0], up[1]);
    life->running = life->pid > 0;
    if (!life->running)
        lab_crew_wrong(crew, "cannot start a process: %s", strerror(errno));
    close(down[0]);
    close(up[1]);
    crew->lives = memory_grow(crew->lives, crew->count, &crew->capacity, sizeof(*crew->lives));
    crew->lives[crew->count++] = life;
    crew->current[slot] = life;
    crew->lives_of[slot]++;
}

/* ---- Telling ------------------------------------------------------------------------ */

bool lab_crew_running(const struct lab_crew *crew, unsigned slot)
{
    return crew->current[slot] && crew->current[slot]->running && !crew->current[slot]->killed;
}

void lab_crew_tell(struct lab_crew *crew, unsigned slot, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list arguments;

    if (!lab_crew_running(crew, slot))
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    crew->current[slot]->quits |= strcmp(text, "quit\n") == 0;
    say(crew->current[slot], text);
}

static void kill_life(struct lab_life *life)
{
    kill(life->pid, SIGKILL);
    life->killed = true;
    life->ended_at = lab_now();
}

void lab_crew_kill(struct lab_crew *crew, unsigned slot)
{
    if (lab_crew_running(crew, slot))
        kill_life(crew->current[slot]);
}

void lab_crew_stop(struct lab_crew *crew, unsigned slot, bool stop)
{
    if (!lab_crew_running(crew, slot))
        return;
    kill(crew->current[slot]->pid, stop ? SIGSTOP : SIGCONT);
    crew->current[slot]->stopped = stop;
}

/* ---- Reaping ------------------------------------------------------------------------ */

static void judge(struct lab_crew *crew, const struct lab_life *life, int status)
{
    if (life->killed && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return;
    if (WIFSIGNALED(status))
        lab_crew_wrong(crew, "member %u (process %ld) was killed by signal %d (%s)", life->slot,
                       (long)life->pid, WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 0 || !life->quits)
        lab_crew_wrong(crew, "member %u (process %ld) ended with status %d%s", life->slot,
                       (long)life->pid, WEXITSTATUS(status),
                       life->quits ? "" : ", which nobody asked for");
}

void lab_crew_reap(struct lab_crew *crew, struct lab_life *life, bool wait)
{
    struct rusage usage;
    int status;
    pid_t pid;

    do {
        pid = wait4(life->pid, &status, wait ? 0 : WNOHANG, &usage);
    } while (pid < 0 && errno == EINTR);
    if (pid != life->pid)
        return;
    life->running = false;
    if (!life->killed)
        life->ended_at = lab_now();
    life->peak_rss_kb = usage.ru_maxrss;
    judge(crew, life, status);
    close(life->commands);
    life->commands = -1;
    lab_crew_last_words(crew, life);
}

void lab_crew_kill_all(struct lab_crew *crew)
{
    for (size_t i = 0; i < crew->count; i++) {
        if (crew->lives[i]->running && !crew->lives[i]->killed)
            kill_life(crew->lives[i]);
    }
    for (size_t i = 0; i < crew->count; i++) {
        if (crew->lives[i]->running)
            lab_crew_reap(crew, crew->lives[i], true);
    }
}

void lab_crew_fini(struct lab_crew *crew)
{
    lab_crew_kill_all(crew);
    for (size_t i = 0; i < crew->count; i++) {
        if (crew->lives[i]->reports >= 0)
            close(crew->lives[i]->reports);
        free(crew->lives[i]);
    }
    for (size_t i = 0; i < crew->wrongs_count; i++)
        free(crew->wrongs[i]);
    free(crew->wrongs);
    free(crew->lives);
    free(crew->claims);
}
