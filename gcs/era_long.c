/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Long messages, those that a window does not hold: every member reserves memory for the whole
 * message before its sender sends the first byte of it.
 *
 * The sender announces the message by a packet of the total order, whatever the message's own
 * service; and while it sends one it announces the next, so that a row of them does not wait for an
 * answer each time. Each member reserves in the order of the announcements, never a later one
 * before an earlier one, and tells the sender; when all have, the fragments go. If there is no
 * memory its sender waits, with nothing of the message on its way: no window is full of what cannot
 * be taken, and others, the sequencer among them, go on.
 *
 * Nobody waits for ever. Take the first announcement, in total order, whose message is not
 * finished. Whatever was announced before it in this group has been delivered, so at each member
 * that has not reserved for it yet, this group holds nothing but messages that the application
 * has; once it has given them back the group holds nothing, and then a reservation is granted
 * whatever other groups hold (gcs_group_reserve). So this message gets its memory everywhere and
 * can be finished, and then the next one is the first. Were the order not the same everywhere,
 * two senders could each hold what the other one waits for.
 *
 * What a member claims costs others address space: pages are only used as its bytes come. Claims
 * beyond message_bytes are malformed, and so are fragments of a long message that nobody was
 * asked about.
 */
#include "gcs/era.h"

#include "gcs/base/mutant.h"
#include "gcs/group.h"
#include "gcs/wire/room.h"

#define RETRY_NS            10000000u
#define RETRY_DOUBLINGS_MAX 5

static void send_room(struct gcs_era *era, uint16_t rank, enum gcs_room_kind kind, uint64_t number)
{
    uint8_t body[GCS_ROOM_BYTES_MAX];
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    gcs_room_write(&w, kind, number);
    gcs_era_send_frame(era, &era->members[rank].id.address, GCS_FRAME_ROOM, body,
                       gcs_writer_size(&w));
}

/* ---- Receiving -------------------------------------------------------------------------- */

int gcs_era_announced(struct gcs_era *era, uint16_t rank, uint64_t number, uint32_t total)
{
    struct gcs_core_group *group = era->group;
    struct gcs_fellow *fellow = &era->fellows[rank];
    struct gcs_long **end = &era->longs;
    /* Each but the last one has a fragment that waits in the sender's window. */
    if (!gcs_group_is_long(group, total) || total > group->config.message_bytes || number == 0 ||
        fellow->longs > fellow->window.capacity) {
        group->core->counters.dropped_malformed++;
        return 0;
    }
    struct gcs_long *announced = gcs_allocate(era->allocator, 1, sizeof(*announced));
    if (!announced)
        return GCS_ENOMEM;
    *announced = (struct gcs_long){.number = number, .total = total, .rank = rank};
    while (*end && !(GCS_MUTANT(own_room_first) && rank == era->view.self))
        end = &(*end)->next;
    announced->next = *end;
    *end = announced;
    fellow->longs++;
    return 0;
}

static void tell_room(struct gcs_era *era, const struct gcs_long *admitted)
{
    if (admitted->rank == era->view.self)
        era->fellows[era->view.self].room = admitted->number;
    else
        send_room(era, admitted->rank, GCS_ROOM_THERE, admitted->number);
}

/* As long as its sender waits the message is there whole, and needs no second copy. */
static struct gcs_buffer *own_message(const struct gcs_era *era, const struct gcs_long *announced)
{
    struct gcs_uncut uncut;
    bool own = announced->rank == era->view.self &&
               gcs_packer_uncut(&era->group->packer, announced->number, 1, &uncut) &&
               uncut.number == announced->number && uncut.size == announced->total;
    return own ? uncut.buffer : NULL;
}

void gcs_era_admit(struct gcs_era *era)
{
    struct gcs_core_group *group = era->group;
    if (era->frozen || era->closed)
        return;
    for (struct gcs_long *next = era->longs; next; next = next->next) {
        if (next->buffer)
            continue;
        struct gcs_buffer *own = own_message(era, next);
        next->buffer = gcs_group_reserve(group, GCS_LONG_MULTICAST, next->total, own);
        next->own = own != NULL;
        if (!next->buffer) {
            group->core->counters.long_waits += !next->waited;
            next->waited = true;
            return;
        }
        tell_room(era, next);
    }
}

static void forget(struct gcs_era *era, struct gcs_long **link)
{
    struct gcs_long *gone = *link;
    *link = gone->next;
    era->fellows[gone->rank].longs--;
    gcs_buffer_unref(gone->buffer);
    gcs_release(era->allocator, gone);
}

static struct gcs_long **find(struct gcs_era *era, uint16_t rank, uint64_t number)
{
    struct gcs_long **link = &era->longs;
    while (*link && ((*link)->rank != rank || (*link)->number != number))
        link = &(*link)->next;
    return link;
}

bool gcs_era_begin_long(struct gcs_era *era, uint16_t rank, uint64_t number, uint32_t total,
                        struct gcs_assembly *assembly)
{
    struct gcs_long **link = find(era, rank, number), *admitted = *link;
    if (!admitted || !admitted->buffer || admitted->total != total)
        return false;
    gcs_assembly_use(assembly, gcs_buffer_ref(admitted->buffer), total, admitted->own);
    forget(era, link);
    return true;
}

void gcs_era_drop_pieces(struct gcs_era *era)
{
    while (era->longs)
        forget(era, &era->longs);
    for (uint16_t rank = 0; era->fellows && rank < era->view.count; rank++)
        for (int order = 0; order < GCS_ERA_ORDERS; order++)
            gcs_assembly_fini(&era->fellows[rank].assembly[order]);
}

/* ---- Sending ---------------------------------------------------------------------------- */

void gcs_era_expect_room(struct gcs_era *era, uint64_t now, uint64_t number)
{
    era->long_asked = number;
    era->long_attempts = 0;
    era->long_due = now + RETRY_NS;
    era->group->core->counters.long_messages++;
}

bool gcs_era_has_room(const struct gcs_era *era, uint64_t number)
{
    for (uint16_t rank = 0; rank < era->view.count; rank++)
        if (era->fellows[rank].room < number)
            return false;
    return true;
}

void gcs_era_ask_room(struct gcs_era *era, uint64_t now)
{
    if (now < era->long_due)
        return;
    if (gcs_era_has_room(era, era->long_asked)) {
        era->long_due = GCS_NEVER;
        return;
    }
    for (uint16_t rank = 0; rank < era->view.count; rank++)
        if (rank != era->view.self && era->fellows[rank].room < era->long_asked)
            send_room(era, rank, GCS_ROOM_WANTED, era->long_asked);
    era->long_due = now + ((uint64_t)RETRY_NS << era->long_attempts);
    if (era->long_attempts < RETRY_DOUBLINGS_MAX)
        era->long_attempts++;
}

bool gcs_era_hear_room(struct gcs_era *era, uint16_t rank, const struct gcs_frame *frame)
{
    enum gcs_room_kind kind;
    uint64_t number;
    if (!gcs_room_read(frame->body, frame->size, &kind, &number))
        return false;
    if (kind == GCS_ROOM_THERE) {
        if (number > era->fellows[rank].room && number <= era->long_asked)
            era->fellows[rank].room = number;
        return number <= era->long_asked;
    }
    const struct gcs_long *asked = *find(era, rank, number);
    if (asked && asked->buffer && !era->frozen)
        send_room(era, rank, GCS_ROOM_THERE, number);
    return true;
}
