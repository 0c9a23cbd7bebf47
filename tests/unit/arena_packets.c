/* SPDX-License-Identifier: BSD-3-Clause */
/* The arena's packets: bits that are sent, lost, asked for, acknowledged and safe. */
#include "tests/unit/arena_inside.h"

uint64_t arena_prefix(uint64_t mask)
{
    uint64_t count = 0;
    while (count < 64 && (mask >> count & 1))
        count++;
    return count;
}

uint64_t arena_first_bits(uint64_t count)
{
    return count >= 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1;
}

void arena_check_safe(struct arena_member *member, uint16_t sender, uint64_t count)
{
    struct arena *arena = member->process->arena;
    struct arena_decision *d = &arena->decisions[member->view.epoch];
    if (count > d->safe[sender])
        d->safe[sender] = count;
    if (d->known && d->safe[sender] > d->cut[sender])
        arena_violate(arena, "a safe packet is not in the cut", member->view.epoch,
                      member->process->index);
}

/* A member that is not frozen delivers what a majority has acknowledged. */
void arena_deliver_safe(struct arena_member *member)
{
    if (member->frozen)
        return;
    uint16_t count = member->view.count;
    for (uint16_t s = 0; s < count; s++) {
        uint64_t own = arena_prefix(member->have[s]);
        member->acks[member->view.self][s] = own;
        for (uint64_t k = own; k > 0; k--) {
            uint16_t holders = 0;
            for (uint16_t r = 0; r < count; r++)
                holders = (uint16_t)(holders + (member->acks[r][s] >= k));
            if (holders > count / 2) {
                arena_check_safe(member, s, k);
                break;
            }
        }
    }
}

void arena_send_status(struct arena_member *member)
{
    struct arena_process *p = member->process;
    for (uint16_t r = 0; r < member->view.count; r++) {
        struct arena_message message = arena_message_of(
            p, member, ARENA_STATUS, arena_process_at(&member->members[r].id.address));
        struct gcs_writer body = gcs_writer_over(message.body, sizeof(message.body));
        for (uint16_t s = 0; s < member->view.count; s++)
            gcs_write_u64(&body,
                          member->frozen ? member->at_freeze[s] : arena_prefix(member->have[s]));
        message.size = (uint16_t)gcs_writer_size(&body);
        arena_transmit(p->arena, &message);
    }
}

void arena_ask_packets(struct arena_member *member, uint16_t rank, uint16_t sender, uint64_t mask)
{
    struct arena_message message = arena_message_of(
        member->process, member, ARENA_NACK, arena_process_at(&member->members[rank].id.address));
    message.sender = sender;
    message.mask = mask;
    if (mask)
        arena_transmit(member->process->arena, &message);
}

void arena_hear_status(struct arena_member *member, const struct arena_message *message)
{
    struct gcs_reader body = gcs_reader_over(message->body, message->size);
    for (uint16_t s = 0; s < member->view.count; s++) {
        uint64_t count = gcs_read_u64(&body);
        if (count > member->acks[message->rank][s])
            member->acks[message->rank][s] = count;
        arena_ask_packets(member, message->rank, s, arena_first_bits(count) & ~member->have[s]);
    }
    arena_deliver_safe(member);
}

void arena_hear_nack(struct arena_member *member, const struct arena_message *message)
{
    struct arena_message answer =
        arena_message_of(member->process, member, ARENA_DATA, message->from);
    answer.sender = message->sender;
    answer.mask = message->mask & member->have[message->sender];
    if (answer.mask)
        arena_transmit(member->process->arena, &answer);
}

void arena_hear_data(struct arena_member *member, const struct arena_message *message)
{
    if (member->installed)
        return;
    member->have[message->sender] |= message->mask;
    arena_deliver_safe(member);
    gcs_agreement_held(member->machine, member->process->arena->now);
}
