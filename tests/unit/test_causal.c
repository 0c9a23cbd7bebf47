/* SPDX-License-Identifier: BSD-3-Clause */
/* Causal order: causes before effects, told by what has changed, and nothing else waits. */
#include "gcs/base/prng.h"
#include "gcs/order/order.h"
#include "gcs/wire/vector.h"
#include "tests/unit/scarce.h"
#include "tests/unit/suite.h"
#include "tests/unit/voters.h"

#include <sys/mman.h>

enum { MEMBERS = 4, ROOM = 128 };

static struct scarce memory;
static struct voters voters[MEMBERS];
static struct gcs_order_engine *all[MEMBERS];
static struct gcs_order_next next;

static void setup(uint32_t room)
{
    scarce_init(&memory);
    for (uint16_t i = 0; i < MEMBERS; i++) {
        struct gcs_order_config config = {.allocator = &memory.allocator,
                                          .view = voters_init(&voters[i], MEMBERS, i),
                                          .room = room};
        all[i] = gcs_order_causal.open(&config);
        ck_assert_ptr_nonnull(all[i]);
    }
}

static void teardown(void)
{
    for (uint16_t i = 0; i < MEMBERS; i++)
        all[i]->ops->close(all[i]);
    ck_assert_uint_eq(memory.live, 0);
}

/* A packet on its way, with the frame that it carries. */
struct sent {
    uint64_t number;
    size_t size; /* of the frame's body; 0: none */
    uint8_t bytes[ROOM];
};

static void deliver_to(uint16_t at, uint16_t from, const struct sent *packet)
{
    const uint8_t *info = packet->size > 0 ? packet->bytes + GCS_FRAME_HEADER : NULL;
    ck_assert_int_eq(all[at]->ops->arrive(all[at], from, packet->number, true, info, packet->size),
                     0);
}

static void send_from(uint16_t from, uint64_t number, struct sent *packet)
{
    struct gcs_writer w = gcs_writer_over(packet->bytes, sizeof(packet->bytes));
    all[from]->ops->announce(all[from], number, true, &w);
    packet->number = number;
    packet->size = gcs_writer_size(&w) > 0 ? gcs_writer_size(&w) - GCS_FRAME_HEADER : 0;
    deliver_to(from, from, packet);
    while (all[from]->ops->peek(all[from], &next))
        all[from]->ops->pop(all[from]);
}

static bool takes(uint16_t at, uint16_t rank, uint64_t number)
{
    if (!all[at]->ops->peek(all[at], &next) || next.rank != rank || next.number != number)
        return false;
    all[at]->ops->pop(all[at]);
    return true;
}

START_TEST(an_answer_waits_for_its_question)
{
    struct sent question, answer, other;
    setup(ROOM);
    send_from(0, 1, &question);
    deliver_to(1, 0, &question);
    ck_assert(takes(1, 0, 1));
    send_from(1, 1, &answer);
    send_from(3, 1, &other);
    deliver_to(2, 1, &answer);
    ck_assert(!all[2]->ops->peek(all[2], &next));
    deliver_to(2, 3, &other); /* knows nothing of it */
    ck_assert(takes(2, 3, 1));
    deliver_to(2, 0, &question);
    ck_assert(takes(2, 0, 1));
    ck_assert(takes(2, 1, 1));
    ck_assert(!all[2]->ops->peek(all[2], &next));
    teardown();
}
END_TEST

START_TEST(only_what_has_changed_is_told)
{
    static const uint8_t first[] = {0, 2}, second[] = {0, 1, 2, 1};
    struct sent said[3], of2, packet;
    setup(ROOM);
    for (uint64_t n = 1; n <= 2; n++) {
        send_from(0, n, &said[n]);
        deliver_to(1, 0, &said[n]);
        ck_assert(takes(1, 0, n));
    }
    send_from(1, 1, &packet);
    ck_assert_uint_eq(packet.size, sizeof(first));
    ck_assert_mem_eq(packet.bytes + GCS_FRAME_HEADER, first, sizeof(first));
    send_from(1, 2, &packet); /* nothing new */
    ck_assert_uint_eq(packet.size, 0);
    send_from(0, 3, &said[0]);
    send_from(2, 1, &of2);
    deliver_to(1, 0, &said[0]);
    deliver_to(1, 2, &of2);
    ck_assert(takes(1, 0, 3) && takes(1, 2, 1));
    send_from(1, 3, &packet);
    ck_assert_uint_eq(packet.size, sizeof(second));
    ck_assert_mem_eq(packet.bytes + GCS_FRAME_HEADER, second, sizeof(second));
    teardown();
}
END_TEST

START_TEST(what_does_not_fit_goes_first)
{
    struct sent packet, part;
    setup(GCS_FRAME_HEADER + 2 * GCS_VECTOR_CHANGE_MAX);
    for (uint16_t from = 1; from < MEMBERS; from++) {
        ck_assert(!all[0]->ops->crowded(all[0]));
        send_from(from, 1, &packet);
        deliver_to(0, from, &packet);
        ck_assert(takes(0, from, 1));
    }
    ck_assert(all[0]->ops->crowded(all[0])); /* three changes, and room for two */
    struct gcs_writer w = gcs_writer_over(part.bytes, 2 * GCS_VECTOR_CHANGE_MAX);
    all[0]->ops->announce(all[0], 1, false, &w);
    ck_assert_uint_gt(gcs_writer_size(&w), GCS_FRAME_HEADER);
    ck_assert(!all[0]->ops->crowded(all[0]));
    /* Elsewhere a packet waits for what both have told. */
    size_t size = gcs_writer_size(&w) - GCS_FRAME_HEADER;
    ck_assert_int_eq(all[1]->ops->arrive(all[1], 0, 1, false, part.bytes + GCS_FRAME_HEADER, size),
                     0);
    send_from(0, 2, &packet);
    deliver_to(1, 0, &packet);
    ck_assert(!all[1]->ops->peek(all[1], &next));
    teardown();
}
END_TEST

START_TEST(nonsense_is_ignored)
{
    static const uint8_t self[] = {1, 1}, beyond[] = {MEMBERS, 1}, nothing[] = {0, 0}, cut[] = {0};
    const struct {
        const uint8_t *info;
        size_t size;
    } bad[] = {{self, 2}, {beyond, 2}, {nothing, 2}, {cut, 1}};
    setup(ROOM);
    for (uint64_t i = 0; i < 4; i++) {
        ck_assert_int_eq(all[0]->ops->arrive(all[0], 1, i + 1, true, bad[i].info, bad[i].size),
                         GCS_EMALFORMED);
        ck_assert(takes(0, 1, i + 1));
    }
    teardown();
}
END_TEST

START_TEST(what_depends_on_what_is_lost_is_dropped)
{
    static const uint64_t cut[MEMBERS] = {0, 1, 0, 0};
    static const bool survives[MEMBERS] = {false, false, true, true};
    struct sent question, answer, other;
    setup(ROOM);
    send_from(0, 1, &question); /* 0 and 1 die, and nobody else has it */
    deliver_to(1, 0, &question);
    ck_assert(takes(1, 0, 1));
    send_from(1, 1, &answer);
    send_from(3, 1, &other);
    deliver_to(2, 1, &answer);
    deliver_to(2, 3, &other);
    all[2]->ops->finish(all[2], cut, survives);
    ck_assert(takes(2, 3, 1));
    ck_assert(!all[2]->ops->peek(all[2], &next));
    teardown();
}
END_TEST

/* Packets wait behind one that waits; until that one goes on their vectors are out of reach. */
START_TEST(what_waits_is_not_looked_at_again)
{
    enum { WAITING = 500, EACH = 16, BYTES = WAITING * EACH };
    struct sent late, other;
    uint8_t *vectors =
        mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(vectors != MAP_FAILED);
    setup(ROOM);
    send_from(0, 1, &late);
    for (uint64_t n = 1; n <= WAITING; n++) {
        uint8_t *vector = vectors + (n - 1) * EACH;
        struct gcs_writer w = gcs_writer_over(vector, EACH);
        gcs_vector_write(&w, &(struct gcs_vector_change){n == 1 ? 0 : 3, 1});
        ck_assert_int_eq(all[2]->ops->arrive(all[2], 1, n, true, vector, gcs_writer_size(&w)), 0);
    }
    ck_assert_int_eq(mprotect(vectors, BYTES, PROT_NONE), 0);
    for (uint64_t n = 1; n < WAITING; n++) {
        send_from(3, n, &other);
        deliver_to(2, 3, &other);
        ck_assert(takes(2, 3, n));
        ck_assert(!all[2]->ops->peek(all[2], &next));
    }
    ck_assert_int_eq(mprotect(vectors, BYTES, PROT_READ), 0);
    deliver_to(2, 0, &late);
    ck_assert(takes(2, 0, 1));
    for (uint64_t n = 1; n <= WAITING; n++)
        ck_assert(takes(2, 1, n));
    teardown();
    ck_assert_int_eq(munmap(vectors, BYTES), 0);
}
END_TEST

/* ---- At random: against all that there is to know ------------------------------------------ */

enum { PACKETS = 200 };

static struct sent packets[MEMBERS][PACKETS + 1];
static uint64_t knew[MEMBERS][PACKETS + 1][MEMBERS]; /* what its sender had delivered */
static uint64_t sent_count[MEMBERS], arrived[MEMBERS][MEMBERS], had[MEMBERS][MEMBERS];

static void drain(uint16_t at)
{
    while (all[at]->ops->peek(all[at], &next)) {
        ck_assert_uint_eq(next.number, had[at][next.rank] + 1);
        for (uint16_t r = 0; r < MEMBERS; r++)
            if (r != next.rank && knew[next.rank][next.number][r] > had[at][r])
                ck_abort_msg("member %u delivers an effect before its cause", at);
        had[at][next.rank]++;
        all[at]->ops->pop(all[at]);
    }
}

START_TEST(causes_come_first_whatever_the_network_does)
{
    struct gcs_prng prng;
    setup(ROOM);
    gcs_prng_init(&prng, 11);
    for (unsigned step = 0; step < 40000; step++) {
        uint16_t at = (uint16_t)gcs_prng_below(&prng, MEMBERS);
        uint16_t from = (uint16_t)gcs_prng_below(&prng, MEMBERS);
        if (at == from && sent_count[at] < PACKETS) {
            uint64_t number = ++sent_count[at];
            struct gcs_writer w = gcs_writer_over(packets[at][number].bytes, ROOM);
            memcpy(knew[at][number], had[at], sizeof(had[at]));
            all[at]->ops->announce(all[at], number, true, &w);
            packets[at][number].number = number;
            packets[at][number].size =
                gcs_writer_size(&w) > 0 ? gcs_writer_size(&w) - GCS_FRAME_HEADER : 0;
        }
        if (arrived[at][from] < sent_count[from] && (at == from || gcs_prng_below(&prng, 4) == 0))
            deliver_to(at, from, &packets[from][++arrived[at][from]]);
        drain(at);
    }
    for (uint16_t at = 0; at < MEMBERS; at++)
        for (uint16_t from = 0; from < MEMBERS; from++)
            ck_assert_uint_eq(had[at][from], PACKETS);
    teardown();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_answer_waits_for_its_question,
        only_what_has_changed_is_told,
        what_does_not_fit_goes_first,
        nonsense_is_ignored,
        what_depends_on_what_is_lost_is_dropped,
        what_waits_is_not_looked_at_again,
        causes_come_first_whatever_the_network_does,
    };
    return suite_run("causal", tests, SUITE_SIZE(tests));
}
