/* SPDX-License-Identifier: BSD-3-Clause */
/* See arena.h. Plays the conductor's part for the machines of many processes. */
#include "arena.h"

#include "gcs/base/memory.h"
#include "views/machine.h" /* to see what was accepted */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINEAGE   UINT64_C(77)
#define WINDOW    64
#define STATUS_NS (15 * ARENA_MS)

static void *take(void *ctx, size_t size)
{
    (void)ctx;
    return malloc(size);
}

static void give(void *ctx, void *memory)
{
    (void)ctx;
    free(memory);
}

static const struct gcs_allocator heap = {NULL, take, give};

static void violate(struct arena *arena, const char *what, uint32_t epoch, int process)
{
    if (arena->violation)
        return;
    arena->violation = what;
    snprintf(arena->detail, sizeof(arena->detail), "%s (view %u, process %d, at %llu us)", what,
             epoch, process, (unsigned long long)(arena->now / 1000));
}

/* ---- Network --------------------------------------------------------------------------- */

static bool earlier(const struct arena_message *a, const struct arena_message *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void push(struct arena *arena, struct arena_message *message)
{
    if (arena->queue_count == arena->queue_room) {
        arena->queue_room = arena->queue_room ? arena->queue_room * 2 : 256;
        arena->queue = realloc(arena->queue, arena->queue_room * sizeof(struct arena_message *));
    }
    size_t at = arena->queue_count++;
    for (; at > 0 && earlier(message, arena->queue[(at - 1) / 2]); at = (at - 1) / 2)
        arena->queue[at] = arena->queue[(at - 1) / 2];
    arena->queue[at] = message;
}

static struct arena_message *pop(struct arena *arena)
{
    struct arena_message *first = arena->queue[0];
    struct arena_message *last = arena->queue[--arena->queue_count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= arena->queue_count)
            break;
        if (child + 1 < arena->queue_count && earlier(arena->queue[child + 1], arena->queue[child]))
            child++;
        if (!earlier(arena->queue[child], last))
            break;
        arena->queue[at] = arena->queue[child];
        at = child;
    }
    if (arena->queue_count > 0)
        arena->queue[at] = last;
    return first;
}

static bool member_frame(uint8_t type)
{
    return type >= GCS_FRAME_PREPARE && type <= GCS_FRAME_CONFIRM;
}

static bool dies(struct arena *arena, const struct arena_message *message)
{
    return arena->crashes_left > 0 && message->kind == ARENA_FRAME &&
           member_frame(message->type) &&
           gcs_prng_chance(&arena->prng, arena->crash_on_send_ppm);
}

static void transmit(struct arena *arena, const struct arena_message *message)
{
    if (arena->processes[message->from].state == ARENA_DOWN || message->to == message->from)
        return;
    if (message->kind == ARENA_FRAME)
        arena->frames[message->type]++;
    if (dies(arena, message)) {
        arena_crash(arena, message->from);
        if (gcs_prng_chance(&arena->prng, 500000))
            return;
    }
    if (arena->cut[message->from][message->to] ||
        gcs_prng_chance(&arena->prng, arena->loss_ppm) ||
        (arena->drop && arena->drop(arena, message)))
        return;
    struct arena_message *copy = malloc(sizeof(*copy));
    memcpy(copy, message, offsetof(struct arena_message, body) + message->size);
    copy->order = arena->order++;
    copy->at =
        arena->now + gcs_prng_between(&arena->prng, arena->delay_min, arena->delay_max);
    push(arena, copy);
}

static int process_at(const struct gcs_address *address)
{
    return address->length == 1 ? address->bytes[0] : -1;
}

static struct arena_message message_of(struct arena_process *p, const struct arena_member *member,
                                       enum arena_kind kind, int to)
{
    struct arena_message message;
    memset(&message, 0, offsetof(struct arena_message, body));
    message.kind = kind;
    message.from = p->index;
    message.to = to;
    message.incarnation = p->self.id.incarnation;
    message.epoch = member ? member->view.epoch : 0;
    message.rank = member ? member->view.self : GCS_RANK_NONE;
    return message;
}

static void transmit_frame(struct arena_process *p, const struct arena_member *member, int to,
                           uint8_t type, const uint8_t *body, size_t size)
{
    struct arena_message message = message_of(p, member, ARENA_FRAME, to);
    message.type = type;
    message.size = (uint16_t)size;
    if (size > sizeof(message.body))
        abort();
    memcpy(message.body, body, size);
    transmit(p->arena, &message);
}

/* ---- Packets ------------------------------------------------------------------------------ */

static uint64_t prefix(uint64_t mask)
{
    uint64_t count = 0;
    while (count < 64 && (mask >> count & 1))
        count++;
    return count;
}

static uint64_t first_bits(uint64_t count)
{
    return count >= 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1;
}

static void check_safe(struct arena_member *member, uint16_t sender, uint64_t count)
{
    struct arena *arena = member->process->arena;
    struct arena_decision *d = &arena->decisions[member->view.epoch];
    if (count > d->safe[sender])
        d->safe[sender] = count;
    if (d->known && d->safe[sender] > d->cut[sender])
        violate(arena, "a safe packet is not in the cut", member->view.epoch,
                member->process->index);
}

/* A member that is not frozen delivers what a majority has acknowledged. */
static void deliver_safe(struct arena_member *member)
{
    if (member->frozen)
        return;
    uint16_t count = member->view.count;
    for (uint16_t s = 0; s < count; s++) {
        uint64_t own = prefix(member->have[s]);
        member->acks[member->view.self][s] = own;
        for (uint64_t k = own; k > 0; k--) {
            uint16_t holders = 0;
            for (uint16_t r = 0; r < count; r++)
                holders = (uint16_t)(holders + (member->acks[r][s] >= k));
            if (holders > count / 2) {
                check_safe(member, s, k);
                break;
            }
        }
    }
}

static void send_status(struct arena_member *member)
{
    struct arena_process *p = member->process;
    for (uint16_t r = 0; r < member->view.count; r++) {
        struct arena_message message =
            message_of(p, member, ARENA_STATUS, process_at(&member->members[r].id.address));
        struct gcs_writer body = gcs_writer_over(message.body, sizeof(message.body));
        for (uint16_t s = 0; s < member->view.count; s++)
            gcs_write_u64(&body, member->frozen ? member->at_freeze[s] : prefix(member->have[s]));
        message.size = (uint16_t)gcs_writer_size(&body);
        transmit(p->arena, &message);
    }
}

static void ask_packets(struct arena_member *member, uint16_t rank, uint16_t sender, uint64_t mask)
{
    struct arena_message message = message_of(member->process, member, ARENA_NACK,
                                              process_at(&member->members[rank].id.address));
    message.sender = sender;
    message.mask = mask;
    if (mask)
        transmit(member->process->arena, &message);
}

static void hear_status(struct arena_member *member, const struct arena_message *message)
{
    struct gcs_reader body = gcs_reader_over(message->body, message->size);
    for (uint16_t s = 0; s < member->view.count; s++) {
        uint64_t count = gcs_read_u64(&body);
        if (count > member->acks[message->rank][s])
            member->acks[message->rank][s] = count;
        ask_packets(member, message->rank, s, first_bits(count) & ~member->have[s]);
    }
    deliver_safe(member);
}

static void hear_nack(struct arena_member *member, const struct arena_message *message)
{
    struct arena_message answer = message_of(member->process, member, ARENA_DATA, message->from);
    answer.sender = message->sender;
    answer.mask = message->mask & member->have[message->sender];
    if (answer.mask)
        transmit(member->process->arena, &answer);
}

static void hear_data(struct arena_member *member, const struct arena_message *message)
{
    if (member->installed)
        return;
    member->have[message->sender] |= message->mask;
    deliver_safe(member);
    gcs_agreement_held(member->machine, member->process->arena->now);
}

/* ---- The machine's environment --------------------------------------------------------------- */

static void to_rank(void *ctx, uint16_t rank, uint8_t type, const uint8_t *body, size_t size)
{
    struct arena_member *member = ctx;
    transmit_frame(member->process, member, process_at(&member->members[rank].id.address), type,
                   body, size);
}

static void to_address(void *ctx, const struct gcs_address *to, uint8_t type, const uint8_t *body,
                       size_t size)
{
    struct arena_member *member = ctx;
    transmit_frame(member->process, member, process_at(to), type, body, size);
}

static void freeze(void *ctx)
{
    struct arena_member *member = ctx;
    member->frozen = true;
    for (uint16_t s = 0; s < member->view.count; s++)
        member->at_freeze[s] = prefix(member->have[s]);
}

static void holdings(void *ctx, uint64_t *held)
{
    struct arena_member *member = ctx;
    for (uint16_t s = 0; s < member->view.count; s++)
        held[s] = prefix(member->have[s]);
}

static void fetch(void *ctx, const uint64_t *cut, const uint16_t *holder)
{
    struct arena_member *member = ctx;
    for (uint16_t s = 0; s < member->view.count; s++) {
        uint64_t missing = first_bits(cut[s]) & ~member->have[s];
        uint16_t other =
            (uint16_t)gcs_prng_below(&member->process->arena->prng, member->view.count);
        ask_packets(member, holder[s], s, missing);
        ask_packets(member, other, s, missing);
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
        memcpy(d->bytes, bytes, size);
        memcpy(d->cut, p->cut, p->closing_count * sizeof(p->cut[0]));
    } else if (d->size != size || memcmp(d->bytes, bytes, size) != 0) {
        violate(arena, "two decisions about one view", member->view.epoch, member->process->index);
    }
    for (uint16_t s = 0; s < member->view.count; s++)
        check_safe(member, s, 0);
}

static void check_survivor(struct arena_member *member, const struct gcs_proposal *p)
{
    struct arena *arena = member->process->arena;
    for (uint16_t s = 0; s < member->view.count; s++) {
        if (first_bits(p->cut[s]) & ~member->have[s])
            violate(arena, "installs without holding the cut", member->view.epoch,
                    member->process->index);
        if (member->at_freeze[s] > p->cut[s])
            violate(arena, "what a survivor held is not in the cut", member->view.epoch,
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
        violate(member->process->arena, "retired twice", member->view.epoch,
                member->process->index);
    member->retired = true;
    memset(member->have, 0, sizeof(member->have));
}

/* ---- Views --------------------------------------------------------------------------------------
 */

static struct arena_member *member_new(struct arena_process *p, uint32_t epoch,
                                       const struct gcs_member *members, uint16_t count,
                                       const struct gcs_proposal *came_from)
{
    struct arena_member *member = calloc(1, sizeof(*member));
    member->process = p;
    memcpy(member->members, members, count * sizeof(*members));
    member->view = (struct gcs_view){.lineage = LINEAGE,
                                     .proposer = 1,
                                     .epoch = epoch,
                                     .count = count,
                                     .members = member->members};
    while (member->members[member->view.self].id.incarnation != p->self.id.incarnation)
        member->view.self++;
    struct gcs_agreement_config config = {
        .allocator = &heap,
        .view = &member->view,
        .came_from = came_from,
        .order = 1,
        .window_packets = WINDOW,
        .message_bytes = 1000,
        .retry_ns = ARENA_RETRY_NS,
        .ballot_ns = ARENA_BALLOT_NS,
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
    if (gcs_agreement_new(&config, &member->machine))
        abort();
    return member;
}

static void member_free(struct arena_member *member)
{
    if (!member)
        return;
    gcs_agreement_free(member->machine);
    free(member);
}

/* This incarnation is over; its last machine may go on to serve. */
static void go_out(struct arena_process *p)
{
    p->state = ARENA_OUT;
    p->died_at = p->arena->now;
}

/* After each input: whoever has installed moves on. */
static void move_on(struct arena_process *p)
{
    if (p->state == ARENA_JOINING && p->joined) {
        const struct gcs_proposal *value = &p->joined->proposal;
        p->now = member_new(p, value->epoch, value->members, value->members_count, value);
        p->state = ARENA_MEMBER;
        gcs_value_drop(&p->joined);
        gcs_bootstrap_free(p->boot);
        p->boot = NULL;
    }
    if (p->state != ARENA_MEMBER || !p->now->installed)
        return;
    if (!p->now->in) {
        go_out(p);
        return;
    }
    if (p->now->decision.epoch + 1 >= ARENA_EPOCHS)
        abort();
    member_free(p->before);
    p->before = p->now;
    p->now = member_new(p, p->before->decision.epoch, p->before->decision.members,
                        p->before->decision.members_count, NULL);
    if (p->leaving)
        gcs_agreement_leave(p->now->machine, p->arena->now);
    send_status(p->now);
}

/* ---- Suspicion
 * ---------------------------------------------------------------------------------------- */

static bool dead(const struct arena_process *p, const struct gcs_member *member)
{
    return p->self.id.incarnation != member->id.incarnation || p->state == ARENA_DOWN ||
           p->state == ARENA_OUT;
}

static void suspect_members(struct arena_process *p, struct arena_member *member)
{
    struct arena *arena = p->arena;
    for (uint16_t r = 0; r < member->view.count; r++) {
        int other = process_at(&member->members[r].id.address);
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

/* ---- Bootstrap
 * -------------------------------------------------------------------------------------------- */

static void boot_to_address(void *ctx, const struct gcs_address *to, uint8_t type,
                            const uint8_t *body, size_t size)
{
    transmit_frame(ctx, NULL, process_at(to), type, body, size);
}

static void boot_found(void *ctx)
{
    struct arena_process *p = ctx;
    violate(p->arena, "a joiner founds", 0, p->index);
}

static void boot_joined(void *ctx, const struct gcs_proposal *value)
{
    struct arena_process *p = ctx;
    p->joined = gcs_value_copy(&heap, value);
}

static void boot_refused(void *ctx, int error, const char *why)
{
    struct arena_process *p = ctx;
    (void)error;
    (void)why;
    violate(p->arena, "a joiner is refused", 0, p->index);
}

static void set_identity(struct arena_process *p)
{
    p->self = (struct gcs_member){.receive_bytes = 1000};
    p->self.id.address.length = 1;
    p->self.id.address.bytes[0] = (uint8_t)p->index;
    p->self.id.incarnation = ++p->arena->incarnations;
}

void arena_join(struct arena *arena, int process)
{
    struct arena_process *p = &arena->processes[process];
    struct gcs_address seeds[ARENA_PROCESSES];
    if (p->state != ARENA_DOWN && p->state != ARENA_OUT)
        return;
    member_free(p->before);
    member_free(p->now);
    gcs_bootstrap_free(p->boot);
    p->before = p->now = NULL;
    p->boot = NULL;
    p->leaving = false;
    p->state = ARENA_JOINING;
    set_identity(p);
    for (int i = 0; i < arena->processes_count; i++) {
        seeds[i] = (struct gcs_address){.length = 1};
        seeds[i].bytes[0] = (uint8_t)i;
    }
    struct gcs_bootstrap_config config = {
        .allocator = &heap,
        .self = p->self,
        .mode = GCS_JOIN,
        .order = 1,
        .window_packets = WINDOW,
        .message_bytes = 1000,
        .retry_ns = ARENA_RETRY_NS,
        .seed = gcs_prng_next(&arena->prng),
        .seeds = seeds,
        .seeds_count = (size_t)arena->processes_count,
        .env = {p, boot_to_address, boot_found, boot_joined, boot_refused},
    };
    if (gcs_bootstrap_new(&config, arena->now, &p->boot))
        abort();
}

/* ---- The conductor's part
 * -------------------------------------------------------------------------------------- */

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
        .view = &p->now->view, .order = 1, .window_packets = WINDOW, .message_bytes = 1000};
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
        hear_data(member, message);
        break;
    case ARENA_NACK:
        hear_nack(member, message);
        gcs_agreement_late(member->machine, arena->now, message->rank);
        break;
    case ARENA_STATUS:
        if (!member->installed)
            hear_status(member, message);
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
        count(p, gcs_agreement_heard_ahead(p->now->machine, arena->now, message->body,
                                           message->size));
        return;
    }
    for (uint16_t r = 0; r < p->now->view.count; r++) {
        if (p->now->members[r].id.incarnation == message->incarnation && r != p->now->view.self) {
            gcs_agreement_confirmed(p->now->machine, arena->now, r);
            return;
        }
    }
    struct arena_message word = message_of(p, p->now, ARENA_STATUS, message->from);
    transmit(arena, &word);
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
    struct arena_message answer = message_of(p, p->now, ARENA_EXCLUDED, message->from);
    transmit(arena, &answer);
}

static void hear_member(struct arena_process *p, const struct arena_message *message)
{
    if (message->kind == ARENA_EXCLUDED) {
        if (p->state == ARENA_MEMBER && message->epoch > p->now->view.epoch) {
            p->now->in = false;
            go_out(p);
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

static void deliver(struct arena *arena, const struct arena_message *message)
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
    move_on(p);
}

static uint64_t deadline_of(const struct arena_process *p)
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

static void tick(struct arena *arena, struct arena_process *p)
{
    if (p->boot)
        gcs_bootstrap_tick(p->boot, arena->now);
    if (p->before)
        gcs_agreement_tick(p->before->machine, arena->now);
    if (p->now)
        gcs_agreement_tick(p->now->machine, arena->now);
    if (arena->now >= p->status_at) {
        p->status_at = arena->now + STATUS_NS;
        if (p->state == ARENA_MEMBER)
            send_status(p->now);
        if (p->now)
            suspect_members(p, p->now);
        if (p->before)
            suspect_members(p, p->before);
        if (p->state == ARENA_OUT && p->rejoins && !p->leaving && p->now &&
            (p->now->retired || !p->now->installed)) {
            arena->rejoins++;
            arena_join(arena, p->index);
        }
    }
    move_on(p);
}

/* ---- Running
 * -----------------------------------------------------------------------------------------------------
 */

static bool step(struct arena *arena, uint64_t end)
{
    struct arena_process *next = NULL;
    uint64_t at = arena->queue_count > 0 ? arena->queue[0]->at : GCS_NEVER;
    for (int i = 0; i < arena->processes_count; i++) {
        struct arena_process *p = &arena->processes[i];
        uint64_t deadline = deadline_of(p);
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
        tick(arena, next);
    } else {
        struct arena_message *message = pop(arena);
        deliver(arena, message);
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
    move_on(p);
}

void arena_multicast(struct arena *arena, int process, int only)
{
    struct arena_process *p = &arena->processes[process];
    if (p->state != ARENA_MEMBER || p->now->frozen)
        return;
    struct arena_member *member = p->now;
    uint16_t self = member->view.self;
    uint64_t number = prefix(member->have[self]);
    if (number == 64)
        return;
    member->have[self] |= UINT64_C(1) << number;
    for (uint16_t r = 0; r < member->view.count; r++) {
        int to = process_at(&member->members[r].id.address);
        struct arena_message message = message_of(p, member, ARENA_DATA, to);
        message.sender = self;
        message.mask = UINT64_C(1) << number;
        if (only < 0 || only == to)
            transmit(arena, &message);
    }
    deliver_safe(member);
}

void arena_suspect(struct arena *arena, int process, int suspect, uint64_t duration)
{
    struct arena_process *p = &arena->processes[process];
    p->false_until[suspect] = arena->now + duration;
    if (p->state == ARENA_MEMBER)
        suspect_members(p, p->now);
    move_on(p);
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
        p->status_at = arena->now + gcs_prng_below(&arena->prng, STATUS_NS);
        set_identity(p);
        list[i] = p->self;
    }
    for (int i = 0; i < members; i++) {
        arena->processes[i].state = ARENA_MEMBER;
        arena->processes[i].now = member_new(&arena->processes[i], 1, list, (uint16_t)members, NULL);
    }
    return arena;
}

void arena_free(struct arena *arena)
{
    while (arena->queue_count > 0)
        free(arena->queue[--arena->queue_count]);
    for (int i = 0; i < arena->processes_count; i++) {
        member_free(arena->processes[i].now);
        member_free(arena->processes[i].before);
        gcs_bootstrap_free(arena->processes[i].boot);
    }
    free(arena->queue);
    free(arena);
}

/* ---- Judging
 * --------------------------------------------------------------------------------------------------------
 */

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
        mask |= 1u << process_at(&p->now->members[r].id.address);
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
    const struct arena_process *p = &arena->processes[process_at(&member->id.address)];
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
            arena->processes[process_at(&member->id.address)].now;
        if (now->view.epoch == p->now->view.epoch && doomed(arena, now))
            return true;
    }
    return alive <= p->now->view.count / 2;
}

/* ---- Random runs
 * --------------------------------------------------------------------------------------------------------
 */

static uint32_t pick(struct arena *arena, uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t choice[3] = {a, b, c};
    return choice[gcs_prng_below(&arena->prng, 3)];
}

static void random_faults(struct arena *arena)
{
    arena->loss_ppm = pick(arena, 0, 100000, 300000);
    arena->crash_on_send_ppm = pick(arena, 0, 5000, 30000);
    arena->crashes_left = (int)gcs_prng_below(&arena->prng, 3);
    arena->delay_max = pick(arena, 1, 5, 20) * ARENA_MS;
    for (int i = 0; i < arena->processes_count; i++)
        arena->processes[i].rejoins = gcs_prng_chance(&arena->prng, 500000);
}

static void random_cut(struct arena *arena)
{
    memset(arena->cut, 0, sizeof(arena->cut));
    for (int a = 0; a < arena->processes_count; a++) {
        for (int b = 0; b < arena->processes_count; b++)
            arena->cut[a][b] = gcs_prng_chance(&arena->prng, 200000);
    }
}

static void random_event(struct arena *arena, uint32_t leaves)
{
    int any = (int)gcs_prng_below(&arena->prng, (uint64_t)arena->processes_count);
    int other = (int)gcs_prng_below(&arena->prng, (uint64_t)arena->processes_count);
    uint64_t what = gcs_prng_below(&arena->prng, 1000);
    if (what < 500)
        arena_multicast(arena, any, -1);
    else if (what < 700)
        arena_multicast(arena, any, other);
    else if (what < 760 && any != other)
        arena_suspect(arena, any, other, gcs_prng_below(&arena->prng, 300 * ARENA_MS));
    else if (what < 780)
        random_cut(arena);
    else if (what < 840)
        memset(arena->cut, 0, sizeof(arena->cut));
    else if (what < 860 && arena->crashes_left > 0)
        arena_crash(arena, any);
    else if (what < 900)
        arena_join(arena, any);
    else if (what < 900 + leaves && arena->processes[any].state == ARENA_MEMBER)
        arena_leave(arena, any);
}

const char *arena_random_run(uint64_t seed, struct gcs_counters *counters)
{
    static char text[320];
    struct arena *arena = arena_new(seed, 8, (int)(3 + seed % 3));
    uint32_t leaves = pick(arena, 0, 0, 20);
    random_faults(arena);
    for (int i = 0; i < 150 && !arena->violation; i++) {
        random_event(arena, leaves);
        arena_run(arena, gcs_prng_below(&arena->prng, 20 * ARENA_MS));
    }
    arena_heal(arena);
    if (!arena->violation && !arena_until(arena, arena_settled, 30000 * ARENA_MS) &&
        !arena->violation && !arena_stuck(arena))
        violate(arena, "does not go on after healing", arena_epoch(arena), 0);
    if (!arena->violation && arena->malformed > 0)
        violate(arena, "frames that make no sense", arena_epoch(arena), 0);
    if (arena->violation)
        snprintf(text, sizeof(text), "seed %llu: %s", (unsigned long long)seed, arena->detail);
    const char *result = arena->violation ? text : NULL;
    if (counters) {
        counters->polls += arena->counters.polls;
        counters->ballots += arena->counters.ballots;
        counters->reproposals += arena->counters.reproposals;
        counters->fetches += arena->counters.fetches;
        counters->views_installed += arena_epoch(arena);
    }
    arena_free(arena);
    return result;
}
