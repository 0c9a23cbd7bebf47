/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state that a member gives or gets. It takes no memory, whatever its size:
 * each byte follows from its place, and the new member checks that it does.
 */
#include "member.h"

#include "clock.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* Of memory that is taken beforehand. */
#define PIECE_BYTES (64u << 10)

/* Eight bytes that no other place has. */
static uint64_t word_at(uint64_t offset)
{
    return (offset / 8 + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

/* What there is of the word at offset. The rest goes by whole words: what is measured is the
 * library, not how long this takes. */
static size_t part(uint64_t offset, size_t size)
{
    size_t left = 8 - offset % 8;
    return left < size ? left : size;
}

static void fill(uint64_t offset, uint8_t *data, size_t size)
{
    while (size > 0) {
        uint64_t word = word_at(offset);
        size_t count = part(offset, size);
        memcpy(data, (const uint8_t *)&word + offset % 8, count);
        data += count;
        offset += count;
        size -= count;
        for (; size >= 8; data += 8, offset += 8, size -= 8) {
            word = word_at(offset);
            memcpy(data, &word, 8);
        }
    }
}

static bool is_right(uint64_t offset, const uint8_t *data, size_t size)
{
    uint64_t wrong = 0;

    while (size > 0) {
        uint64_t word = word_at(offset);
        size_t count = part(offset, size);
        wrong |= memcmp(data, (const uint8_t *)&word + offset % 8, count) != 0;
        data += count;
        offset += count;
        size -= count;
        for (; size >= 8; data += 8, offset += 8, size -= 8)
            wrong |= bench_load64(data) ^ word_at(offset);
    }
    return wrong == 0;
}

/* The new member has begun to join. */
static bool is_disturbed(const struct bench_member *member)
{
    return atomic_load(&member->world->disturbed) != 0;
}

/* Members that are there from the start have next to nothing to give to each other. */
static uint64_t size_of_state(const struct bench_member *member)
{
    return is_disturbed(member) ? member->options->bytes : sizeof(uint64_t);
}

static int64_t read_state(void *ctx, uint64_t offset, void *data, size_t size)
{
    const uint64_t *all = ctx;
    uint64_t left = offset < *all ? *all - offset : 0;

    if (size > left)
        size = (size_t)left;
    fill(offset, data, size);
    return (int64_t)size;
}

static void give(struct bench_member *member, const struct gcs_event *event)
{
    uint64_t *size = malloc(sizeof(*size));
    struct gcs_state_source source = {size, read_state, free, size_of_state(member)};

    if (!size) {
        bench_member_break(member, "out of memory");
        return;
    }
    *size = source.total;
    int result = gcs_state_offer(member->group, event->sender, &source);
    if (result < 0)
        free(size);
    if (result < 0 && result != GCS_ENOTMEMBER)
        bench_member_break(member, "gcs_state_offer: %s", gcs_detail());
}

/* ---- Memory ------------------------------------------------------------------------------ */

struct piece {
    struct piece *next;
};

bool bench_member_take_memory(uint64_t bytes)
{
    struct piece *all = NULL, *next;
    bool good = true;

    (void)mallopt(M_TRIM_THRESHOLD, -1); /* what is freed stays here */
    for (uint64_t taken = 0; good && taken < bytes; taken += PIECE_BYTES) {
        struct piece *piece = malloc(PIECE_BYTES);
        good = piece != NULL;
        if (piece) {
            memset(piece, 1, PIECE_BYTES);
            piece->next = all;
            all = piece;
        }
    }
    for (; all; all = next) {
        next = all->next;
        free(all);
    }
    return good;
}

static void note_memory(struct bench_member *member)
{
    struct mallinfo2 info = mallinfo2();
    uint64_t bytes = info.uordblks + info.hblkhd;

    if (member->memory == 0)
        member->memory = bytes;
    if (bytes > member->memory && bytes - member->memory > member->seat->state_memory)
        member->seat->state_memory = bytes - member->memory;
}

/* ---- Getting it -------------------------------------------------------------------------- */

static void take(struct bench_member *member, const struct gcs_event *event)
{
    const struct gcs_message *piece = &event->messages[0];

    note_memory(member);

    if (event->offset == 0) {
        uint64_t none = 0;
        member->state_got = 0;
        member->state_since = bench_now();
        if (is_disturbed(member)) /* else it is a founder's */
            atomic_compare_exchange_strong(&member->world->state_begin, &none, member->state_since);
        member->seat->state_begun++;
    }
    if (event->offset != member->state_got || !is_right(event->offset, piece->data, piece->size))
        bench_member_break(member, "another state at byte %llu", (unsigned long long)event->offset);
    member->state_got += piece->size;
}

void bench_member_state(struct bench_member *member, const struct gcs_event *event)
{
    if (event->type == GCS_EVENT_STATE_WANTED)
        give(member, event);
    else if (event->type == GCS_EVENT_STATE)
        take(member, event);
    else if (event->error < 0)
        bench_member_break(member, "giving the state: %s", gcs_strerror(event->error));
    else if (event->total > 0) {
        if (member->state_got != event->total || event->total != size_of_state(member))
            bench_member_break(member, "the state has ended too soon");
        uint64_t now = bench_now();
        member->seat->state_bytes = member->state_got;
        member->seat->state_ns = now - member->state_since;
        if (is_disturbed(member))
            atomic_store(&member->world->state_end, now);
    }
}
