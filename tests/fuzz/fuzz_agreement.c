/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One agreement machine under hostile inputs: frames with any contents from any
 * rank, in any order, with time, suspicion and joiners in between. It must not
 * crash, freezes once, installs once and only what it holds, and retires once.
 *
 * Input: operations. A byte says which; FRAME is followed by rank, type, size and
 * the body, the others by one byte of argument.
 */
#include "views/agreement.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MEMBERS 4
#define MS      UINT64_C(1000000)

struct box {
    struct gcs_agreement *machine;
    uint64_t held[MEMBERS];
    int frozen;
    int installed;
    int retired;
};

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

/* Looks at every byte, so that a memory checker does. */
static void read_all(const uint8_t *body, size_t size)
{
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + body[i]);
}

static void to_rank(void *ctx, uint16_t rank, uint8_t type, const uint8_t *body, size_t size)
{
    (void)ctx;
    (void)type;
    assert(rank < MEMBERS);
    read_all(body, size);
}

static void to_address(void *ctx, const struct gcs_address *to, uint8_t type, const uint8_t *body,
                       size_t size)
{
    (void)ctx;
    (void)type;
    assert(to->length > 0 && to->length <= GCS_ADDRESS_MAX);
    read_all(body, size);
}

static void freeze(void *ctx)
{
    struct box *box = ctx;
    box->frozen++;
    assert(box->frozen == 1);
}

static void holdings(void *ctx, uint64_t *held)
{
    const struct box *box = ctx;
    memcpy(held, box->held, sizeof(box->held));
}

static void fetch(void *ctx, const uint64_t *cut, const uint16_t *holder)
{
    (void)ctx;
    for (int i = 0; i < MEMBERS; i++)
        assert(cut[i] < 1000 && holder[i] < MEMBERS);
}

static void doubt(void *ctx, uint16_t rank)
{
    (void)ctx;
    assert(rank < MEMBERS);
}

static void install(void *ctx, const struct gcs_proposal *value)
{
    struct box *box = ctx;
    box->installed++;
    assert(box->installed == 1 && box->frozen == 1);
    assert(value->closing_count == MEMBERS);
    if (value->reason[1] != GCS_REASON_NONE)
        return;
    for (int i = 0; i < MEMBERS; i++)
        assert(box->held[i] >= value->cut[i]);
}

static void retired(void *ctx)
{
    struct box *box = ctx;
    box->retired++;
    assert(box->retired == 1 && box->installed == 1);
}

static struct gcs_member member_of(uint8_t address)
{
    struct gcs_member member = {.receive_bytes = 1, .weight = 1};
    member.id.address.length = 1;
    member.id.address.bytes[0] = address;
    member.id.incarnation = address;
    return member;
}

static uint64_t act(struct box *box, uint64_t now, uint8_t operation, uint8_t argument)
{
    uint16_t rank = argument % MEMBERS;
    struct gcs_join_request request = {.member = member_of(argument)};
    switch (operation % 9) {
    case 1:
        now += argument * 10 * MS;
        gcs_agreement_tick(box->machine, now);
        break;
    case 2:
        gcs_agreement_suspect(box->machine, now, rank, argument & 16, argument & 32);
        break;
    case 3:
        gcs_agreement_gone(box->machine, now, rank == 1 ? 0 : rank);
        break;
    case 4:
        gcs_agreement_leave(box->machine, now);
        break;
    case 5:
        box->held[rank] += argument / MEMBERS;
        gcs_agreement_held(box->machine, now);
        break;
    case 6:
        gcs_agreement_confirmed(box->machine, now, rank);
        break;
    case 7:
        gcs_agreement_late(box->machine, now, rank);
        gcs_agreement_confirmed_next(box->machine, now, rank);
        break;
    default:
        if (argument > 0) {
            request.epoch = argument & 1;
            request.ballot = (struct gcs_ballot){argument & 3u, 1};
            gcs_agreement_join(box->machine, now, &request);
        }
        break;
    }
    return now;
}

static void run(struct box *box, const uint8_t *data, size_t size)
{
    uint64_t now = MS;
    struct gcs_reader r = gcs_reader_over(data, size);
    while (gcs_reader_left(&r) > 0) {
        uint8_t operation = gcs_read_u8(&r);
        uint8_t argument = gcs_read_u8(&r);
        if (operation % 9 != 0) {
            now = act(box, now, operation, argument);
            continue;
        }
        uint8_t type = gcs_read_u8(&r);
        size_t length = gcs_read_u8(&r);
        const uint8_t *body = gcs_read_bytes(&r, length);
        if (body)
            gcs_agreement_frame(box->machine, now, argument % (MEMBERS + 1),
                                (uint8_t)(GCS_FRAME_JOIN + type % 13), body, length);
    }
    for (int i = 0; i < 20; i++)
        gcs_agreement_tick(box->machine, now += 100 * MS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gcs_allocator allocator = {NULL, take, give};
    struct gcs_counters counters = {0};
    struct gcs_member members[MEMBERS];
    struct box box = {.held = {10, 10, 10, 10}};
    for (uint8_t i = 0; i < MEMBERS; i++)
        members[i] = member_of((uint8_t)(i + 1));
    struct gcs_view view = {
        .lineage = 5, .proposer = 1, .epoch = 1, .count = MEMBERS, .self = 1, .members = members};
    struct gcs_agreement_config config = {
        .allocator = &allocator,
        .view = &view,
        .settings = {.order = 1, .window_packets = 64, .message_bytes = 100},
        .retry_ns = 10 * MS,
        .ballot_ns = 60 * MS,
        .counters = &counters,
        .env = {.ctx = &box,
                .to_rank = to_rank,
                .to_address = to_address,
                .freeze = freeze,
                .holdings = holdings,
                .fetch = fetch,
                .doubt = doubt,
                .install = install,
                .retired = retired},
    };
    if (gcs_agreement_new(&config, &box.machine))
        return 0;
    run(&box, data, size);
    gcs_agreement_free(box.machine);
    return 0;
}
