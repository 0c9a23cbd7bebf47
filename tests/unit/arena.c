/* SPDX-License-Identifier: BSD-3-Clause */
/* See arena.h: time, what a script can do, and judgement. */
#include "tests/unit/arena_inside.h"

#include <stdio.h>
#include <stdlib.h>

/* Refuses the request that a test has chosen, and only that. */
static void *take(void *ctx, size_t size)
{
    struct arena *arena = ctx;
    return ++arena->asked == arena->fail_at ? NULL : malloc(size);
}

static void give(void *ctx, void *memory)
{
    (void)ctx;
    free(memory);
}

void arena_violate(struct arena *arena, const char *what, uint32_t epoch, int process)
{
    if (arena->violation)
        return;
    arena->violation = what;
    snprintf(arena->detail, sizeof(arena->detail), "%s (view %u, process %d, at %llu us)", what,
             epoch, process, (unsigned long long)(arena->now / 1000));
}

/* ---- Running ---------------------------------------------------------------------------- */

static bool step(struct arena *arena, uint64_t end)
{
    struct arena_process *next = NULL;
    uint64_t at = arena->queue_count > 0 ? arena->queue[0]->at : GCS_NEVER;
    for (int i = 0; i < arena->processes_count; i++) {
        struct arena_process *p = &arena->processes[i];
        uint64_t deadline = arena_deadline_of(p);
        if (p->state != ARENA_DOWN && deadline < at) {
            at = deadline;
            next = p;
        }
    }
    if (at > end) {
        arena->now = end;
        return false;
    }
    if (at > arena->now)
        arena->now = at;
    if (next) {
        arena_tick(arena, next);
    } else {
        struct arena_message *message = arena_pop(arena);
        arena_deliver(arena, message);
        free(message);
    }
    return true;
}

void arena_run(struct arena *arena, uint64_t duration)
{
    uint64_t end = arena->now + duration;
    while (step(arena, end) && !arena->violation) {
    }
}

bool arena_until(struct arena *arena, bool (*holds)(struct arena *arena), uint64_t duration)
{
    uint64_t end = arena->now + duration;
    while (!holds(arena)) {
        if (!step(arena, end) || arena->violation)
            return false;
    }
    return true;
}

void arena_crash(struct arena *arena, int process)
{
    struct arena_process *p = &arena->processes[process];
    if (p->state == ARENA_DOWN)
        return;
    p->state = ARENA_DOWN;
    p->died_at = arena->now;
    if (arena->crashes_left > 0)
        arena->crashes_left--;
}

void arena_leave(struct arena *arena, int process)
{
    struct arena_process *p = &arena->processes[process];
    p->leaving = true;
    if (p->state == ARENA_MEMBER)
        gcs_agreement_leave(p->now->machine, arena->now);
    arena_move_on(p);
}

void arena_multicast(struct arena *arena, int process, int only)
{
    struct arena_process *p = &arena->processes[process];
    if (p->state != ARENA_MEMBER || p->now->frozen)
        return;
    struct arena_member *member = p->now;
    uint16_t self = member->view.self;
    uint64_t number = arena_prefix(member->have[self]);
    if (number == 64)
        return;
    member->have[self] |= UINT64_C(1) << number;
    for (uint16_t r = 0; r < member->view.count; r++) {
        int to = arena_process_at(&member->members[r].id.address);
        struct arena_message message = arena_message_of(p, member, ARENA_DATA, to);
        message.sender = self;
        message.mask = UINT64_C(1) << number;
        if (only < 0 || only == to)
            arena_transmit(arena, &message);
    }
    arena_deliver_safe(member);
}

void arena_suspect(struct arena *arena, int process, int suspect, uint64_t duration)
{
    struct arena_process *p = &arena->processes[process];
    p->false_until[suspect] = arena->now + duration;
    if (p->state == ARENA_MEMBER)
        arena_suspect_members(p, p->now);
    arena_move_on(p);
}

void arena_heal(struct arena *arena)
{
    arena->loss_ppm = 0;
    arena->crash_on_send_ppm = 0;
    memset(arena->cut, 0, sizeof(arena->cut));
    for (int i = 0; i < arena->processes_count; i++)
        memset(arena->processes[i].false_until, 0, sizeof(arena->processes[i].false_until));
}

struct arena *arena_new(uint64_t seed, int processes, int members)
{
    struct arena *arena = calloc(1, sizeof(*arena));
    struct gcs_member list[ARENA_PROCESSES];
    arena->memory = (struct gcs_allocator){arena, take, give};
    gcs_prng_init(&arena->prng, seed);
    arena->now = 1000 * ARENA_MS;
    arena->processes_count = processes;
    arena->delay_min = ARENA_MS / 20;
    arena->delay_max = ARENA_MS;
    arena->crashed_with_evidence = true;
    for (int i = 0; i < processes; i++) {
        struct arena_process *p = &arena->processes[i];
        p->arena = arena;
        p->index = i;
        p->detect_ns = gcs_prng_between(&arena->prng, 20 * ARENA_MS, 100 * ARENA_MS);
        p->status_at = arena->now + gcs_prng_below(&arena->prng, ARENA_STATUS_NS);
        arena_set_identity(p);
        list[i] = p->self;
    }
    for (int i = 0; i < members; i++) {
        arena->processes[i].state = ARENA_MEMBER;
        arena->processes[i].now =
            arena_member_new(&arena->processes[i], 1, list, (uint16_t)members, NULL);
    }
    return arena;
}

void arena_free(struct arena *arena)
{
    while (arena->queue_count > 0)
        free(arena->queue[--arena->queue_count]);
    for (int i = 0; i < arena->processes_count; i++) {
        arena_member_free(arena->processes[i].now);
        arena_member_free(arena->processes[i].before);
        gcs_bootstrap_free(arena->processes[i].boot);
    }
    free(arena->queue);
    free(arena);
}

/* ---- Judging ---------------------------------------------------------------------------- */

/* The process with the newest view; NULL: there are no members. */
static const struct arena_process *newest(const struct arena *arena)
{
    const struct arena_process *found = NULL;
    for (int i = 0; i < arena->processes_count; i++) {
        const struct arena_process *p = &arena->processes[i];
        if (p->state == ARENA_MEMBER && (!found || p->now->view.epoch > found->now->view.epoch))
            found = p;
    }
    return found;
}

uint32_t arena_epoch(const struct arena *arena)
{
    const struct arena_process *p = newest(arena);
    return p ? p->now->view.epoch : 0;
}

uint32_t arena_view(const struct arena *arena, int process)
{
    const struct arena_process *p = &arena->processes[process];
    uint32_t mask = 0;
    if (p->state != ARENA_MEMBER)
        return 0;
    for (uint16_t r = 0; r < p->now->view.count; r++)
        mask |= 1u << arena_process_at(&p->now->members[r].id.address);
    return mask;
}

bool arena_settled(struct arena *arena)
{
    uint32_t up = 0;
    for (int i = 0; i < arena->processes_count; i++) {
        const struct arena_process *p = &arena->processes[i];
        if (p->state == ARENA_JOINING || (p->state == ARENA_OUT && p->rejoins && !p->leaving) ||
            (p->state == ARENA_MEMBER && (p->leaving || p->now->frozen)))
            return false;
        if (p->state == ARENA_MEMBER)
            up |= 1u << i;
    }
    uint32_t epoch = arena_epoch(arena);
    for (int i = 0; i < arena->processes_count; i++) {
        const struct arena_process *p = &arena->processes[i];
        if (p->state == ARENA_MEMBER && (p->now->view.epoch != epoch || arena_view(arena, i) != up))
            return false;
    }
    return true;
}

static bool alive_in(const struct arena *arena, const struct gcs_member *member)
{
    const struct arena_process *p = &arena->processes[arena_process_at(&member->id.address)];
    return p->self.id.incarnation == member->id.incarnation && p->state == ARENA_MEMBER;
}

/* An accepted value needs a majority of those who come along with it. */
static bool doomed(const struct arena *arena, const struct arena_member *member)
{
    const struct gcs_value *accepted = member->machine->accepted;
    if (!accepted)
        return false;
    const struct gcs_proposal *p = &accepted->proposal;
    uint16_t alive = 0;
    for (uint16_t i = 0; i < p->survivors_count; i++)
        alive = (uint16_t)(alive + alive_in(arena, &p->members[i]));
    return p->survivors_count > 0 && alive <= p->survivors_count / 2;
}

bool arena_stuck(struct arena *arena)
{
    const struct arena_process *p = newest(arena);
    if (!p)
        return true;
    uint16_t alive = 0;
    for (uint16_t r = 0; r < p->now->view.count; r++) {
        const struct gcs_member *member = &p->now->members[r];
        if (!alive_in(arena, member))
            continue;
        alive++;
        const struct arena_member *now =
            arena->processes[arena_process_at(&member->id.address)].now;
        if (now->view.epoch == p->now->view.epoch && doomed(arena, now))
            return true;
    }
    return alive <= p->now->view.count / 2;
}
