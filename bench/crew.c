/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The parent's side of a run: see crew.h. All signals of interest are blocked and
 * taken with sigtimedwait(2), so there is no handler and no race: a wait ends when
 * its time is over, a member has ended, or somebody wants the program to end.
 */
#include "crew.h"

#include "clock.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_NS   (2 * BENCH_NS_PER_MS) /* between two looks at the members' states */
#define FINISH_NS (10 * BENCH_NS_PER_S)

static sigset_t watched;
static int ending_signal;

void bench_crew_block_signals(void)
{
    struct sigaction by_default = {.sa_handler = SIG_DFL}, before;

    (void)sigemptyset(&watched);
    (void)sigaddset(&watched, SIGCHLD);
    (void)sigaddset(&watched, SIGINT);
    (void)sigaddset(&watched, SIGTERM);
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN) /* nohup(1) */
        (void)sigaddset(&watched, SIGHUP);
    (void)sigaction(SIGCHLD, &by_default, NULL); /* ignored ones would not be told of */
    (void)sigprocmask(SIG_BLOCK, &watched, NULL);
}

int bench_crew_signal(void)
{
    return ending_signal;
}

/* Takes what there is within the time; does it end the program? */
static bool take_signal(uint64_t ns, int *taken)
{
    struct timespec left = bench_timespec(ns);

    *taken = sigtimedwait(&watched, NULL, &left);
    if (*taken > 0 && *taken != SIGCHLD)
        ending_signal = *taken;
    return ending_signal != 0;
}

bool bench_crew_interrupted(void)
{
    int taken;

    return take_signal(0, &taken);
}

/* ---- Starting and ending ---------------------------------------------------------------- */

static void run_member(const struct bench_crew *crew, pid_t parent, unsigned index,
                       bench_role *role, void *extra)
{
    /* Ctrl-C reaches the whole foreground; the parent decides what comes of it. */
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    (void)sigprocmask(SIG_UNBLOCK, &watched, NULL);
    (void)prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0UL, 0UL, 0UL);
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* short waits shall be short */
    if (getppid() != parent)
        _exit(1);
    role(crew->options, crew->world, index, extra);
    _exit(atomic_load(&crew->world->seats[index].state) == BENCH_BROKEN);
}

bool bench_crew_start(struct bench_crew *crew, const struct bench_options *options,
                      struct bench_world *world, bench_role *role, void *extra)
{
    pid_t parent = getpid();

    *crew = (struct bench_crew){.options = options, .world = world};
    (void)fflush(NULL);
    for (unsigned i = 0; i < world->count - options->elsewhere; i++) {
        pid_t pid = fork();
        if (pid < 0) {
            bench_complain(options, "fork: %s", strerror(errno));
            bench_crew_abandon(crew);
            return false;
        }
        if (pid == 0)
            run_member(crew, parent, i, role, extra);
        crew->pids[i] = pid;
    }
    return true;
}

void bench_crew_kill(struct bench_crew *crew, unsigned index)
{
    crew->killed[index] = true;
    if (crew->pids[index] > 0)
        (void)kill(crew->pids[index], SIGKILL);
}

void bench_crew_abandon(struct bench_crew *crew)
{
    for (unsigned i = 0; i < crew->world->count; i++)
        bench_crew_kill(crew, i);
    for (unsigned i = 0; i < crew->world->count; i++) {
        while (crew->pids[i] > 0 && waitpid(crew->pids[i], NULL, 0) < 0 && errno == EINTR)
            ;
        crew->pids[i] = 0;
    }
}

/* ---- Watching ------------------------------------------------------------------------------ */

/* Takes notice of one that has ended or is about to; false: it was not to. */
static bool reap(struct bench_crew *crew, unsigned index)
{
    struct bench_seat *seat = &crew->world->seats[index];
    int status;

    if (!crew->killed[index] && atomic_load(&seat->state) == BENCH_BROKEN) {
        bench_complain(crew->options, "member %u: %s", index + 1, seat->error);
        bench_crew_kill(crew, index);
        return false;
    }
    if (crew->pids[index] == 0) /* has ended, or is elsewhere */
        return true;
    if (waitpid(crew->pids[index], &status, WNOHANG) <= 0)
        return true;
    crew->pids[index] = 0;
    if (crew->killed[index] || (WIFEXITED(status) && atomic_load(&crew->world->quit)))
        return true;
    if (WIFSIGNALED(status))
        bench_complain(crew->options, "member %u: %s", index + 1, strsignal(WTERMSIG(status)));
    else
        bench_complain(crew->options, "member %u has ended before its time", index + 1);
    return false;
}

static bool reap_all(struct bench_crew *crew)
{
    bool good = true;

    for (unsigned i = 0; i < crew->world->count; i++)
        good = reap(crew, i) && good;
    return good;
}

/* Waits until time at the latest; false: something is wrong. */
static bool watch(struct bench_crew *crew, uint64_t time)
{
    uint64_t now = bench_now();
    int signal;

    if (take_signal(time > now ? time - now : 0, &signal))
        return false;
    return signal != SIGCHLD || reap_all(crew);
}

void bench_crew_silence(struct bench_crew *crew, unsigned index)
{
    crew->killed[index] = true; /* when all is over */
    if (crew->pids[index] > 0)
        (void)kill(crew->pids[index], SIGSTOP);
}

bool bench_crew_wait_until(struct bench_crew *crew, uint64_t time)
{
    while (bench_now() < time) {
        if (!watch(crew, time))
            return false;
    }
    return true;
}

bool bench_crew_pause(struct bench_crew *crew, unsigned index, uint64_t ns)
{
    bool good;

    if (crew->pids[index] > 0)
        (void)kill(crew->pids[index], SIGSTOP);
    good = bench_crew_wait_until(crew, bench_now() + ns);
    if (crew->pids[index] > 0)
        (void)kill(crew->pids[index], SIGCONT);
    return good;
}

/* The first member, by number, that has not come as far; BENCH_NOBODY: all have. */
static unsigned find_late(const struct bench_crew *crew, enum bench_state state, bool view)
{
    for (unsigned i = 0; i < crew->world->count; i++) {
        struct bench_seat *seat = &crew->world->seats[i];
        if (!crew->killed[i] &&
            (view ? atomic_load(&seat->view_at) == 0 : atomic_load(&seat->state) < state))
            return i;
    }
    return BENCH_NOBODY;
}

static bool wait_all(struct bench_crew *crew, enum bench_state state, bool view,
                     uint64_t timeout_ns, const char *what)
{
    uint64_t deadline = bench_now() + timeout_ns;
    unsigned late;

    while ((late = find_late(crew, state, view)) != BENCH_NOBODY) {
        if (!watch(crew, bench_now() + LOOK_NS))
            return false;
        if (bench_now() >= deadline) {
            bench_complain(crew->options, "member %u: %s did not come within %.0f seconds",
                           late + 1, what, (double)timeout_ns / 1e9);
            return false;
        }
    }
    return true;
}

bool bench_crew_wait_state(struct bench_crew *crew, enum bench_state state, uint64_t timeout_ns,
                           const char *what)
{
    /* Those that broke have come as far as they ever will: reap_all tells of them. */
    return wait_all(crew, state, false, timeout_ns, what) && reap_all(crew);
}

bool bench_crew_wait_view(struct bench_crew *crew, uint64_t timeout_ns, const char *what)
{
    return wait_all(crew, BENCH_STARTING, true, timeout_ns, what) && reap_all(crew);
}

bool bench_crew_finish(struct bench_crew *crew)
{
    uint64_t deadline = bench_now() + FINISH_NS;
    bool good = true;

    atomic_store(&crew->world->quit, true);
    for (unsigned i = 0; i < crew->world->count; i++) {
        if (crew->killed[i])
            bench_crew_kill(crew, i); /* it may only have been silent */
        while (good && crew->pids[i] > 0) {
            good = watch(crew, bench_now() + LOOK_NS) && reap(crew, i);
            if (good && crew->pids[i] > 0 && bench_now() >= deadline) {
                bench_complain(crew->options, "member %u does not end", i + 1);
                good = false;
            }
        }
    }
    bench_crew_abandon(crew);
    return good;
}
