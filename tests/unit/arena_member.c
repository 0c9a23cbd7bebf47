/* SPDX-License-Identifier: BSD-3-Clause */
/* A process's part in one view: the environment of its machine, and what is checked there. */
#include "tests/unit/arena_inside.h"

#include <stdlib.h>

/* ---- The machine's environment ---------------------------------------------------------- */

static void to_rank(void *ctx, uint16_t rank, uint8_t type, const uint8_t *body, size_t size)
{
    struct arena_member *member = ctx;
    arena_transmit_frame(member->process, member,
                         arena_process_at(&member->members[rank].id.address), type, body, size);
}

static void to_address(void *ctx, const struct gcs_address *to, uint8_t type, const uint8_t *body,
                       size_t size)
{
    struct arena_member *member = ctx;
    arena_transmit_frame(member->process, member, arena_process_at(to), type, body, size);
}

static void freeze(void *ctx)
{
    struct arena_member *member = ctx;
    member->frozen = true;
    for (uint16_t s = 0; s < member->view.count; s++)
        member->at_freeze[s] = arena_prefix(member->have[s]);
}

static void holdings(void *ctx, uint64_t *held)
{
    struct arena_member *member = ctx;
    for (uint16_t s = 0; s < member->view.count; s++)
        held[s] = arena_prefix(member->have[s]);
}

static void fetch(void *ctx, const uint64_t *cut, const uint16_t *holder)
{
    struct arena_member *member = ctx;
    for (uint16_t s = 0; s < member->view.count; s++) {
        uint64_t missing = arena_first_bits(cut[s]) & ~member->have[s];
        uint16_t other =
            (uint16_t)gcs_prng_below(&member->process->arena->prng, member->view.count);
        arena_ask_packets(member, holder[s], s, missing);
        arena_ask_packets(member, other, s, missing);
    }
}

static void check_decision(struct arena_member *member)
{
    struct arena *arena = member->process->arena;
    struct arena_decision *d = &arena->decisions[member->view.epoch];
    const struct gcs_proposal *p = gcs_agreement_decision(member->machine);
    const uint8_t *bytes = NULL;
    size_t size = 0;
    gcs_agreement_install_body(member->machine, &bytes, &size);
    if (!d->known) {
        d->known = true;
        d->size = size;
        d->proposer = p->proposer;
        memcpy(d->bytes, bytes, size);
        memcpy(d->cut, p->cut, p->closing_count * sizeof(p->cut[0]));
    } else if (d->size != size || memcmp(d->bytes, bytes, size) != 0) {
        arena_violate(arena, "two decisions about one view", member->view.epoch,
                      member->process->index);
    }
    for (uint16_t s = 0; s < member->view.count; s++)
        arena_check_safe(member, s, 0);
}

static void check_survivor(struct arena_member *member, const struct gcs_proposal *p)
{
    struct arena *arena = member->process->arena;
    for (uint16_t s = 0; s < member->view.count; s++) {
        if (arena_first_bits(p->cut[s]) & ~member->have[s])
            arena_violate(arena, "installs without holding the cut", member->view.epoch,
                          member->process->index);
        if (member->at_freeze[s] > p->cut[s])
            arena_violate(arena, "what a survivor held is not in the cut", member->view.epoch,
                          member->process->index);
    }
}

static void install(void *ctx, const struct gcs_proposal *value)
{
    struct arena_member *member = ctx;
    struct gcs_proposal *p = &member->decision;
    member->installed = true;
    check_decision(member);
    *p = *value;
    memcpy(member->next_members, value->members, value->members_count * sizeof(*value->members));
    p->members = member->next_members;
    member->in = value->reason[member->view.self] == GCS_REASON_NONE;
    if (member->in)
        check_survivor(member, value);
}

static void retired(void *ctx)
{
    struct arena_member *member = ctx;
    if (member->retired)
        arena_violate(member->process->arena, "retired twice", member->view.epoch,
                      member->process->index);
    member->retired = true;
    memset(member->have, 0, sizeof(member->have));
}

/* ---- Views ------------------------------------------------------------------------------ */

struct arena_member *arena_member_new(struct arena_process *p, uint32_t epoch,
                                      const struct gcs_member *members, uint16_t count,
                                      const struct gcs_proposal *came_from)
{
    struct arena_member *member = calloc(1, sizeof(*member));
    member->process = p;
    memcpy(member->members, members, count * sizeof(*members));
    member->view = (struct gcs_view){.lineage = ARENA_LINEAGE,
                                     .proposer = 1,
                                     .epoch = epoch,
                                     .count = count,
                                     .members = member->members};
    while (member->members[member->view.self].id.incarnation != p->self.id.incarnation)
        member->view.self++;
    struct gcs_agreement_config config = {
        .allocator = &p->arena->memory,
        .view = &member->view,
        .came_from = came_from,
        .settings = {.order = 1, .window_packets = ARENA_WINDOW, .message_bytes = 1000},
        .retry_ns = ARENA_RETRY_NS,
        .ballot_ns = ARENA_BALLOT_NS,
        .promise_ns = p->arena->promise_ns,
        .counters = &p->arena->counters,
        .env = {.ctx = member,
                .to_rank = to_rank,
                .to_address = to_address,
                .freeze = freeze,
                .holdings = holdings,
                .fetch = fetch,
                .install = install,
                .retired = retired},
    };
    while (gcs_agreement_new(&config, &member->machine)) {
    }
    return member;
}

void arena_member_free(struct arena_member *member)
{
    if (!member)
        return;
    gcs_agreement_free(member->machine);
    free(member);
}

/* This incarnation is over; its last machine may go on to serve. */
void arena_go_out(struct arena_process *p)
{
    p->state = ARENA_OUT;
    p->died_at = p->arena->now;
}

/* After each input: whoever has installed moves on. */
void arena_move_on(struct arena_process *p)
{
    if (p->state == ARENA_JOINING && p->joined) {
        const struct gcs_proposal *value = &p->joined->proposal;
        p->now = arena_member_new(p, value->epoch, value->members, value->members_count, value);
        p->state = ARENA_MEMBER;
        gcs_value_drop(&p->joined);
        gcs_bootstrap_free(p->boot);
        p->boot = NULL;
    }
    if (p->state != ARENA_MEMBER || !p->now->installed)
        return;
    if (!p->now->in) {
        arena_go_out(p);
        return;
    }
    if (p->now->decision.epoch + 1 >= ARENA_EPOCHS) {
        arena_violate(p->arena, "views without end", p->now->view.epoch, p->index);
        arena_go_out(p);
        return;
    }
    arena_member_free(p->before);
    p->before = p->now;
    p->now = arena_member_new(p, p->before->decision.epoch, p->before->decision.members,
                              p->before->decision.members_count, NULL);
    if (p->leaving)
        gcs_agreement_leave(p->now->machine, p->arena->now);
    arena_send_status(p->now);
}

/* ---- Suspicion -------------------------------------------------------------------------- */

static bool dead(const struct arena_process *p, const struct gcs_member *member)
{
    return p->self.id.incarnation != member->id.incarnation || p->state == ARENA_DOWN ||
           p->state == ARENA_OUT;
}

void arena_suspect_members(struct arena_process *p, struct arena_member *member)
{
    struct arena *arena = p->arena;
    for (uint16_t r = 0; r < member->view.count; r++) {
        int other = arena_process_at(&member->members[r].id.address);
        const struct arena_process *q = &arena->processes[other];
        bool is_dead = dead(q, &member->members[r]);
        bool suspects = (is_dead && arena->now >= q->died_at + p->detect_ns) ||
                        (arena->now < p->false_until[other] && other != p->index);
        if (is_dead && suspects && q->self.id.incarnation != member->members[r].id.incarnation &&
            !member->said_gone[r]) {
            member->said_gone[r] = true;
            gcs_agreement_gone(member->machine, arena->now, r);
        }
        if (r == member->view.self || suspects == member->suspects[r])
            continue;
        member->suspects[r] = suspects;
        gcs_agreement_suspect(member->machine, arena->now, r, suspects,
                              is_dead && arena->crashed_with_evidence);
    }
}
