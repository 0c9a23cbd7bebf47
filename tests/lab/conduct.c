/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The phases of a run. Each has its patience: what is not done by then is
 * noted as lacking, and the run ends. So it does at once when a process does
 * what it must not, while the others are still as they were then.
 */
#include "tests/lab/conduct.h"

#include "tests/checkers/memory.h"
#include "tests/lab/faults.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORM_NS          (20 * LAB_NS_PER_S)
#define PATIENCE_NS      (30 * LAB_NS_PER_S)
#define BUSY_PATIENCE_NS (150 * LAB_NS_PER_S)
#define LEAVE_STEP_NS    (50 * LAB_NS_PER_MS)
#define ROUND_NS         (10 * LAB_NS_PER_MS)
#define STEADY_NS        (200 * LAB_NS_PER_MS) /* for so long it must stay as it is */
#define PAUSE_NS         (2 * LAB_NS_PER_S)    /* what is later than that was not run meanwhile */

struct phases {
    struct lab_run *run;
    struct lab_faults faults;
    int wake_fd;
    uint64_t awake_at; /* when it was last seen to be run */
    uint64_t steady_since;
    bool quieting;      /* all have been told to multicast no more ... */
    uint64_t delivered; /* ... and have delivered so many since the last view */
};

/* The run's clock. */
static uint64_t run_now(const struct lab_run *run)
{
    return lab_now() - run->paused;
}

static void note_pause(struct lab_run *run, uint64_t from, uint64_t to)
{
    run->pauses =
        memory_grow(run->pauses, run->pauses_count, &run->pauses_capacity, sizeof(*run->pauses));
    run->pauses[run->pauses_count++] = (struct lab_pause){from, to};
    run->paused += to - from;
    lab_faults_note(run, "gcs-lab was not run for %.3f s", (double)(to - from) / 1e9);
}

double lab_run_waited(const struct lab_run *run)
{
    double most = 0;

    for (size_t i = 0; i < run->crew.count; i++) {
        const struct lab_life *life = run->crew.lives[i];
        uint64_t end = life->running ? lab_now() : life->ended_at;
        double waited = (double)life->state.waited_ns;

        if (end > life->started_at + LAB_NS_PER_S &&
            waited > most * (double)(end - life->started_at))
            most = waited / (double)(end - life->started_at);
    }
    return most;
}

/* What a machine does in time that is busy with other things, and one that is not. */
static uint64_t patience(const struct lab_run *run)
{
    return lab_run_waited(run) > LAB_WAITED_MOST ? BUSY_PATIENCE_NS : PATIENCE_NS;
}

uint64_t lab_run_time(const struct lab_run *run, uint64_t from, uint64_t to)
{
    uint64_t time = to - from;

    for (size_t i = 0; i < run->pauses_count; i++) {
        uint64_t begin = run->pauses[i].from > from ? run->pauses[i].from : from;
        uint64_t end = run->pauses[i].to < to ? run->pauses[i].to : to;

        time -= end > begin ? end - begin : 0;
    }
    return time;
}

/* Lets time pass, at most until then on the run's clock. False: the run is over. */
static bool pass(struct phases *phases, uint64_t until)
{
    struct lab_run *run = phases->run;
    uint64_t limit = until + run->paused, before = lab_now();

    if (phases->awake_at && before > phases->awake_at + PAUSE_NS)
        note_pause(run, phases->awake_at, before);
    if (!lab_crew_wait(&run->crew, limit, phases->wake_fd))
        run->interrupted = true;
    limit = limit > before ? limit : before;
    phases->awake_at = lab_now();
    if (phases->awake_at > limit + PAUSE_NS)
        note_pause(run, limit, phases->awake_at);
    return !run->interrupted && run->crew.wrongs_count == 0;
}

/* Nobody multicasts any more, so that deliveries come to an end: as long as there are some it is
 * only a slow machine, or a long queue. */
static bool goes_on(struct phases *phases)
{
    uint64_t delivered = 0;

    if (!phases->quieting)
        return false;
    for (unsigned i = 0; i < phases->run->options->members; i++)
        delivered += phases->run->crew.current[i]->state.in_view;
    if (delivered == phases->delivered)
        return false;
    phases->delivered = delivered;
    return true;
}

/* Waits until check finds nothing lacking for steady_ns. False: the run is over, or patience. */
static bool wait_until(struct phases *phases, uint64_t patience_ns, uint64_t steady_ns,
                       bool (*check)(struct phases *phases, uint64_t now))
{
    uint64_t limit = run_now(phases->run) + patience_ns, since = 0;

    for (;;) {
        uint64_t now = run_now(phases->run);
        bool good = check(phases, now);

        since = !good ? 0 : since ? since : now;
        if (good && now >= since + steady_ns) {
            phases->run->lacks[0] = '\0';
            phases->steady_since = since + phases->run->paused;
            return true;
        }
        if (goes_on(phases))
            limit = now + patience_ns;
        if (now >= limit || !pass(phases, now + ROUND_NS))
            return false;
    }
}

/* ---- What is lacking ---------------------------------------------------------------- */

static bool lack(struct lab_run *run, unsigned slot, const char *text)
{
    const struct lab_life *life = run->crew.current[slot];

    snprintf(run->lacks, sizeof(run->lacks),
             "member %u (process %ld) %s (view %" PRIu64 " of %" PRIu64 " members, %" PRIu64
             " accepted, %" PRIu64 " own delivered)",
             slot, life ? (long)life->pid : 0L, text, life ? life->state.epoch : 0,
             life ? life->state.count : 0, life ? life->state.accepted : 0,
             life ? life->state.own : 0);
    return false;
}

/* Everybody is there, in one view with nobody else. */
static bool is_together(struct phases *phases, uint64_t now)
{
    struct lab_run *run = phases->run;
    const struct lab_state *model = NULL;

    (void)now;
    for (unsigned i = 0; i < run->options->members; i++) {
        const struct lab_life *life = run->crew.current[i];

        if (!life || !life->running)
            return lack(run, i, "does not run");
        if (!life->heard || !life->state.joined)
            return lack(run, i, "has not got in");
        if (!life->state.primary)
            return lack(run, i, "is not in the primary");
        if (life->state.count != run->options->members)
            return lack(run, i, "is in a view with too few or too many members");
        model = model ? model : &life->state;
        if (life->state.epoch != model->epoch || life->state.proposer != model->proposer)
            return lack(run, i, "is in another view than member 0");
    }
    return true;
}

/* The same, and all that was multicast has been delivered by all. */
static bool is_quiet(struct phases *phases, uint64_t now)
{
    struct lab_run *run = phases->run;
    uint64_t sent = 0;

    if (!is_together(phases, now))
        return false;
    for (unsigned i = 0; i < run->options->members; i++)
        sent += run->crew.current[i]->state.own_in_view;
    for (unsigned i = 0; i < run->options->members; i++) {
        const struct lab_state *state = &run->crew.current[i]->state;

        if (!state->idle)
            return lack(run, i, "still waits for room to multicast");
        if (state->accepted != state->own)
            return lack(run, i, "has not delivered its own messages");
        if (state->in_view != sent)
            return lack(run, i, "has not delivered what others sent");
    }
    return true;
}

static bool is_healed(struct phases *phases, uint64_t now)
{
    struct lab_run *run = phases->run;
    bool all = lab_faults_heal(&phases->faults, now);

    for (unsigned i = 0; i < run->options->members; i++) {
        if (phases->faults.troubles[i].quits)
            return lack(run, i, "was asked to leave and has not");
    }
    return all;
}

static bool is_gone(struct phases *phases, uint64_t now)
{
    struct lab_run *run = phases->run;

    (void)now;
    for (unsigned i = 0; i < run->options->members; i++) {
        if (run->crew.current[i]->running)
            return lack(run, i, "was asked to leave and has not");
    }
    return true;
}

/* ---- Phases ------------------------------------------------------------------------- */

static void tell_all(struct lab_run *run, const char *text)
{
    for (unsigned i = 0; i < run->options->members; i++)
        lab_crew_tell(&run->crew, i, "%s", text);
}

static bool is_founded(struct phases *phases, uint64_t now)
{
    const struct lab_life *life = phases->run->crew.current[0];

    (void)now;
    return life->state.joined || lack(phases->run, 0, "has not founded the group");
}

static bool form(struct phases *phases)
{
    struct lab_run *run = phases->run;

    lab_crew_start(&run->crew, 0, true, "");
    if (!wait_until(phases, FORM_NS, 0, is_founded))
        return false;
    for (unsigned i = 1; i < run->options->members; i++)
        lab_crew_start(&run->crew, i, false, "");
    if (!wait_until(phases, FORM_NS, 0, is_together))
        return false;
    run->load_at = run->formed_at = lab_now();
    run->begun = run_now(run);
    tell_all(run, "go\n");
    return true;
}

static bool suffer(struct phases *phases)
{
    struct lab_run *run = phases->run;
    uint64_t end = run->begun + run->options->seconds * LAB_NS_PER_S;

    for (uint64_t now = run_now(run); now < end; now = run_now(run)) {
        uint64_t until = lab_faults_step(&phases->faults, now);

        if (!pass(phases, until < end ? until : end))
            return false;
    }
    return true;
}

static uint64_t suspicions(const struct lab_run *run)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < run->crew.count; i++)
        sum += run->crew.lives[i]->state.suspicions;
    return sum;
}

static bool get_well(struct phases *phases)
{
    struct lab_run *run = phases->run;

    if (!wait_until(phases, patience(run), 0, is_healed))
        return false;
    run->heal_at = phases->steady_since;
    if (!wait_until(phases, patience(run), STEADY_NS, is_together))
        return false;
    run->well_at = phases->steady_since;
    tell_all(run, "quiet\n");
    phases->quieting = true;
    if (!wait_until(phases, patience(run), STEADY_NS, is_quiet))
        return false;
    phases->quieting = false;
    run->suspicions = suspicions(run);
    run->quiet_at = lab_now();
    return true;
}

/* All at once, or one after another. */
static bool leave(struct phases *phases)
{
    struct lab_run *run = phases->run;

    for (unsigned i = 0; i < run->options->members; i++) {
        lab_crew_tell(&run->crew, i, "quit\n");
        if (run->options->seed & 1 && !pass(phases, run_now(run) + LEAVE_STEP_NS))
            return false;
    }
    if (!wait_until(phases, patience(run), 0, is_gone))
        return false;
    run->left_at = lab_now();
    return true;
}

void lab_run(struct lab_run *run, const struct lab_options *options, const char *dir, int wake_fd)
{
    struct phases phases = {.run = run, .wake_fd = wake_fd};

    memset(run, 0, sizeof(*run));
    run->options = options;
    run->started_at = lab_now();
    lab_plan_make(&run->plan, options);
    if (options->plan)
        lab_plan_parse(&run->plan, options, options->plan, &(size_t){0});
    lab_crew_init(&run->crew, options, &run->plan.shape, &run->network, dir);
    lab_faults_init(&phases.faults, run);
    if (!lab_network_open(&run->network, options, &run->plan, dir))
        lab_crew_wrong(&run->crew, "%s", run->network.failure);
    else if (form(&phases) && suffer(&phases) && get_well(&phases))
        leave(&phases);
    if (!run->quiet_at)
        run->suspicions = suspicions(run);
    lab_crew_kill_all(&run->crew);
    lab_network_close(&run->network);
}

void lab_run_clear(struct lab_run *run)
{
    lab_crew_fini(&run->crew);
    lab_plan_clear(&run->plan);
    free(run->deeds);
    free(run->pauses);
    memset(run, 0, sizeof(*run));
}
