/* SPDX-License-Identifier: BSD-3-Clause */
/* A process: joining, and the conductor's part, which is to give each message to the right machine.
 */
#include "tests/unit/arena_inside.h"

/* ---- Joining ---------------------------------------------------------------------------- */

static void boot_to_address(void *ctx, const struct gcs_address *to, uint8_t type,
                            const uint8_t *body, size_t size)
{
    arena_transmit_frame(ctx, NULL, arena_process_at(to), type, body, size);
}

static void boot_found(void *ctx)
{
    struct arena_process *p = ctx;
    arena_violate(p->arena, "a joiner founds", 0, p->index);
}

static void boot_joined(void *ctx, const struct gcs_proposal *value)
{
    struct arena_process *p = ctx;
    do {
        p->joined = gcs_value_copy(&p->arena->memory, value);
    } while (!p->joined);
}

static void boot_refused(void *ctx, int error, const char *why)
{
    struct arena_process *p = ctx;
    (void)error;
    (void)why;
    arena_violate(p->arena, "a joiner is refused", 0, p->index);
}

static uint64_t boot_renew(void *ctx)
{
    struct arena_process *p = ctx;
    p->died_at = p->arena->now; /* as the member that it may have been */
    return ++p->self.id.incarnation;
}

void arena_set_identity(struct arena_process *p)
{
    p->self = (struct gcs_member){.receive_bytes = 1000, .weight = 1};
    p->self.id.address.length = 1;
    p->self.id.address.bytes[0] = (uint8_t)p->index;
    p->self.id.incarnation = ++p->arena->incarnations * (GCS_MEMBERSHIP_MASK + 1);
}

void arena_join(struct arena *arena, int process)
{
    struct arena_process *p = &arena->processes[process];
    struct gcs_address seeds[ARENA_PROCESSES];
    if (p->state != ARENA_DOWN && p->state != ARENA_OUT)
        return;
    arena_member_free(p->before);
    arena_member_free(p->now);
    gcs_bootstrap_free(p->boot);
    p->before = p->now = NULL;
    p->boot = NULL;
    p->leaving = false;
    p->state = ARENA_JOINING;
    arena_set_identity(p);
    for (int i = 0; i < arena->processes_count; i++) {
        seeds[i] = (struct gcs_address){.length = 1};
        seeds[i].bytes[0] = (uint8_t)i;
    }
    struct gcs_bootstrap_config config = {
        .allocator = &p->arena->memory,
        .self = p->self,
        .mode = GCS_JOIN,
        .settings = {.order = 1, .window_packets = ARENA_WINDOW, .message_bytes = 1000},
        .retry_ns = ARENA_RETRY_NS,
        .seed = gcs_prng_next(&arena->prng),
        .seeds = seeds,
        .seeds_count = (size_t)arena->processes_count,
        .env = {p, boot_to_address, boot_found, boot_joined, boot_refused, boot_renew, NULL},
    };
    while (gcs_bootstrap_new(&config, arena->now, &p->boot)) {
    }
}

/* ---- The conductor's part --------------------------------------------------------------- */

static void count(struct arena_process *p, int error)
{
    p->arena->malformed += error == GCS_EMALFORMED;
}

static bool in_view(const struct arena_member *member, const struct arena_message *message)
{
    return message->rank < member->view.count &&
           member->members[message->rank].id.incarnation == message->incarnation;
}

static void hear_stranger(struct arena_process *p, const struct arena_message *message)
{
    struct gcs_join_request request;
    uint8_t refusal[GCS_REFUSAL_BYTES_MAX];
    size_t size;
    struct gcs_agreement_config group = {
        .view = &p->now->view,
        .settings = {.order = 1, .window_packets = ARENA_WINDOW, .message_bytes = 1000}};
    if (message->type != GCS_FRAME_JOIN || p->state != ARENA_MEMBER)
        return;
    if (gcs_join_read(message->body, message->size, &group, &request, refusal, &size))
        return;
    if (p->before)
        gcs_agreement_join(p->before->machine, p->arena->now, &request);
    gcs_agreement_join(p->now->machine, p->arena->now, &request);
}

static void hear_in(struct arena_member *member, const struct arena_message *message)
{
    struct arena *arena = member->process->arena;
    if (!in_view(member, message))
        return;
    switch (message->kind) {
    case ARENA_FRAME:
        count(member->process, gcs_agreement_frame(member->machine, arena->now, message->rank,
                                                   message->type, message->body, message->size));
        break;
    case ARENA_DATA:
        arena_hear_data(member, message);
        break;
    case ARENA_NACK:
        arena_hear_nack(member, message);
        gcs_agreement_late(member->machine, arena->now, message->rank);
        break;
    case ARENA_STATUS:
        if (!member->installed)
            arena_hear_status(member, message);
        gcs_agreement_late(member->machine, arena->now, message->rank);
        break;
    case ARENA_EXCLUDED:
        break;
    }
}

/* A packet of the next view: whoever sent it has installed. A word of ours makes a joiner tell. */
static void hear_ahead(struct arena_process *p, const struct arena_message *message)
{
    struct arena *arena = p->arena;
    if (message->kind == ARENA_FRAME && message->type == GCS_FRAME_INSTALL) {
        count(p,
              gcs_agreement_heard_ahead(p->now->machine, arena->now, message->body, message->size));
        return;
    }
    for (uint16_t r = 0; r < p->now->view.count; r++) {
        if (p->now->members[r].id.incarnation == message->incarnation && r != p->now->view.self) {
            gcs_agreement_confirmed(p->now->machine, arena->now, r);
            return;
        }
    }
    struct arena_message word = arena_message_of(p, p->now, ARENA_STATUS, message->from);
    arena_transmit(arena, &word);
}

static void hear_behind(struct arena_process *p, const struct arena_message *message)
{
    struct arena *arena = p->arena;
    for (uint16_t r = 0; r < p->now->view.count; r++) {
        if (p->now->members[r].id.incarnation != message->incarnation)
            continue;
        if (message->epoch + 1 == p->now->view.epoch)
            gcs_agreement_behind(p->now->machine, arena->now, &p->now->members[r].id.address);
        return;
    }
    struct arena_message answer = arena_message_of(p, p->now, ARENA_EXCLUDED, message->from);
    arena_transmit(arena, &answer);
}

static void hear_member(struct arena_process *p, const struct arena_message *message)
{
    if (message->kind == ARENA_EXCLUDED) {
        if (p->state == ARENA_MEMBER && message->epoch > p->now->view.epoch) {
            p->now->in = false;
            arena_go_out(p);
        }
    } else if (message->epoch == p->now->view.epoch) {
        if (p->before && in_view(p->now, message))
            gcs_agreement_confirmed_next(p->before->machine, p->arena->now, message->rank);
        hear_in(p->now, message);
    } else if (p->before && message->epoch == p->before->view.epoch) {
        hear_in(p->before, message);
    } else if (p->state == ARENA_MEMBER && message->epoch == p->now->view.epoch + 1) {
        hear_ahead(p, message);
    } else if (p->state == ARENA_MEMBER && message->epoch < p->now->view.epoch) {
        hear_behind(p, message);
    }
}

void arena_deliver(struct arena *arena, const struct arena_message *message)
{
    struct arena_process *p = &arena->processes[message->to];
    if (p->state == ARENA_DOWN)
        return;
    if (p->state == ARENA_JOINING) {
        if (message->kind == ARENA_FRAME) {
            const struct gcs_address *from = &arena->processes[message->from].self.id.address;
            gcs_bootstrap_frame(p->boot, arena->now, from, message->type, message->body,
                                message->size);
        }
    } else if (message->epoch == 0) {
        hear_stranger(p, message);
    } else {
        hear_member(p, message);
    }
    arena_move_on(p);
}

uint64_t arena_deadline_of(const struct arena_process *p)
{
    uint64_t deadline = p->state == ARENA_DOWN ? GCS_NEVER : p->status_at;
    if (p->boot && gcs_bootstrap_deadline(p->boot) < deadline)
        deadline = gcs_bootstrap_deadline(p->boot);
    if (p->before && gcs_agreement_deadline(p->before->machine) < deadline)
        deadline = gcs_agreement_deadline(p->before->machine);
    if (p->now && gcs_agreement_deadline(p->now->machine) < deadline)
        deadline = gcs_agreement_deadline(p->now->machine);
    return deadline;
}

void arena_tick(struct arena *arena, struct arena_process *p)
{
    if (p->boot)
        gcs_bootstrap_tick(p->boot, arena->now);
    if (p->before)
        gcs_agreement_tick(p->before->machine, arena->now);
    if (p->now)
        gcs_agreement_tick(p->now->machine, arena->now);
    if (arena->now >= p->status_at) {
        p->status_at = arena->now + ARENA_STATUS_NS;
        if (p->state == ARENA_MEMBER)
            arena_send_status(p->now);
        if (p->now)
            arena_suspect_members(p, p->now);
        if (p->before)
            arena_suspect_members(p, p->before);
        if (p->state == ARENA_OUT && p->rejoins && !p->leaving) { /* it serves nobody */
            arena->rejoins++;
            arena_join(arena, p->index);
        }
    }
    arena_move_on(p);
}
