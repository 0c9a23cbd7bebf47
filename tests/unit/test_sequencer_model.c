/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sequencer's order among several engines that are fed the same streams,
 * each in an interleaving of its own, with acknowledgements that come late or
 * never. Whatever the interleaving: one order; a safe packet is held by a quorum;
 * and when the view ends, all who go on end with the same sequence, with
 * everything that anybody took for safe, their own packets, and no effect
 * without its cause.
 */
#include "gcs/base/prng.h"
#include "gcs/order/order.h"
#include "gcs/wire/runs.h"
#include "tests/unit/scarce.h"
#include "tests/unit/suite.h"
#include "tests/unit/voters.h"

enum { MEMBERS_MAX = 7, PACKETS = 120, TOTAL = MEMBERS_MAX * PACKETS, INFO = 256 };

struct place {
    uint16_t rank;
    uint64_t number;
};

struct packet {
    bool member; /* takes part in the order */
    bool safe;
    size_t depends; /* its sender had delivered so many */
    uint8_t info[INFO];
    size_t info_size;
};

struct member {
    struct gcs_order_engine *engine;
    uint64_t sent;
    uint64_t arrived[MEMBERS_MAX];
    struct place delivered[TOTAL]; /* packets that take part */
    size_t count;
    size_t safe; /* up to here it was safe here before the end */
    bool frozen;
};

struct slot {
    struct place place;
    uint64_t announced; /* rank 0's packet that says so */
};

static struct scarce memory;
static struct voters voters[MEMBERS_MAX];
static struct gcs_prng prng;
static uint16_t members, quorum;
static struct member all[MEMBERS_MAX];
static struct packet packets[MEMBERS_MAX][PACKETS + 1];
static struct slot slots[TOTAL + 1];
static uint64_t slots_given;
static uint64_t placed[MEMBERS_MAX];
static bool doomed[MEMBERS_MAX];                    /* will not report */
static uint32_t link_ppm[MEMBERS_MAX][MEMBERS_MAX]; /* to, from: some are heard badly */

/* Holes come from members that nobody but the sequencer hears, and that die with it. */
static void draw_fates(void)
{
    uint16_t deaths = (uint16_t)gcs_prng_below(&prng, members - quorum + 1u);
    memset(doomed, 0, sizeof(doomed));
    doomed[0] = deaths > 1 && gcs_prng_chance(&prng, 700000);
    for (uint16_t i = doomed[0]; i < deaths; i++)
        doomed[gcs_prng_between(&prng, 1, members - 1u)] = true;
    for (uint16_t to = 0; to < members; to++)
        for (uint16_t from = 0; from < members; from++) {
            bool badly =
                doomed[0] ? doomed[from] && from != 0 && to != 0 : gcs_prng_chance(&prng, 300000);
            link_ppm[to][from] = badly ? 30000 : 900000;
        }
}

static void setup(uint64_t seed)
{
    gcs_prng_init(&prng, seed);
    scarce_init(&memory);
    memset(all, 0, sizeof(all));
    memset(placed, 0, sizeof(placed));
    slots_given = 0;
    members = (uint16_t)gcs_prng_between(&prng, 1, MEMBERS_MAX);
    quorum = (uint16_t)(members / 2 + 1);
    for (uint16_t i = 0; i < members; i++) {
        struct gcs_order_config config = {.allocator = &memory.allocator,
                                          .view = voters_init(&voters[i], members, i)};
        all[i].engine = gcs_order_sequencer.open(&config);
        ck_assert_ptr_nonnull(all[i].engine);
    }
    draw_fates();
}

static void teardown(void)
{
    for (uint16_t i = 0; i < members; i++)
        all[i].engine->ops->close(all[i].engine);
    ck_assert_uint_eq(memory.live, 0);
}

/* ---- What may happen ------------------------------------------------------------------- */

static void arrive(uint16_t at, uint16_t rank, uint64_t number)
{
    const struct packet *packet = &packets[rank][number];
    struct gcs_order_engine *engine = all[at].engine;
    ck_assert_uint_eq(all[at].arrived[rank] + 1, number);
    all[at].arrived[rank] = number;
    ck_assert_int_eq(engine->ops->arrive(engine, rank, number, packet->member,
                                         packet->info_size ? packet->info : NULL,
                                         packet->info_size),
                     0);
}

/* What rank 0 has said, in the open. */
static void note_runs(uint64_t number, const uint8_t *info, size_t size)
{
    struct gcs_reader r = gcs_reader_over(info, size);
    uint64_t first, runs;
    struct gcs_run run;
    ck_assert(gcs_runs_read(&r, &first, &runs));
    ck_assert_uint_eq(first, slots_given + 1);
    while (runs--) {
        ck_assert(gcs_runs_next(&r, members, &run));
        while (run.count--)
            slots[++slots_given] = (struct slot){{run.rank, ++placed[run.rank]}, number};
        ck_assert_uint_le(placed[run.rank], run.rank == 0 ? number : all[0].arrived[run.rank]);
    }
}

static void send_packet(uint16_t rank, bool member)
{
    uint8_t control[INFO];
    struct gcs_writer w = gcs_writer_over(control, sizeof(control));
    struct gcs_order_engine *engine = all[rank].engine;
    struct gcs_frame frame;
    if (all[rank].frozen || all[rank].sent == PACKETS)
        return;
    uint64_t number = ++all[rank].sent;
    struct packet *packet = &packets[rank][number];
    *packet = (struct packet){
        .member = member,
        .safe = gcs_prng_chance(&prng, 400000),
        .depends = all[rank].count,
    };
    engine->ops->announce(engine, number, member, &w);
    if (gcs_writer_size(&w) > 0) {
        struct gcs_reader r = gcs_reader_over(control, gcs_writer_size(&w));
        ck_assert(rank == 0 && gcs_frame_next(&r, &frame));
        memcpy(packet->info, frame.body, frame.size);
        packet->info_size = frame.size;
        note_runs(number, packet->info, packet->info_size);
    }
    arrive(rank, rank, number);
}

static void receive(uint16_t at, uint16_t from)
{
    if (!all[at].frozen && all[at].arrived[from] < all[from].sent)
        arrive(at, from, all[at].arrived[from] + 1);
}

/* What a member holds, by the definition: every run and packet up to a slot. */
static uint64_t held_by(uint16_t i)
{
    uint64_t slot = 0;
    while (slot < slots_given && slots[slot + 1].announced <= all[i].arrived[0] &&
           slots[slot + 1].place.number <= all[i].arrived[slots[slot + 1].place.rank])
        slot++;
    return slot;
}

static void acknowledge(uint16_t from)
{
    uint8_t bytes[16];
    struct gcs_writer w = gcs_writer_over(bytes, sizeof(bytes));
    all[from].engine->ops->write_ack(all[from].engine, &w);
    for (uint16_t to = 0; to < members; to++) {
        struct gcs_reader r = gcs_reader_over(bytes, gcs_writer_size(&w));
        if (to == from || gcs_prng_chance(&prng, 500000))
            continue;
        ck_assert(all[to].engine->ops->read_ack(all[to].engine, from, NULL, &r));
    }
    struct gcs_reader r = gcs_reader_over(bytes, gcs_writer_size(&w));
    ck_assert_uint_eq(gcs_read_varint(&r), held_by(from));
}

static void check_safe(uint64_t position)
{
    uint16_t holders = 0;
    for (uint16_t i = 0; i < members; i++)
        holders += held_by(i) >= position;
    ck_assert_uint_ge(holders, quorum);
}

/* Delivers the next packet if it may be delivered. */
static bool deliver(uint16_t at)
{
    struct member *m = &all[at];
    struct gcs_order_next next;
    if (m->frozen || !m->engine->ops->peek(m->engine, &next))
        return false;
    ck_assert(slots[next.position].place.rank == next.rank &&
              slots[next.position].place.number == next.number);
    ck_assert_uint_le(next.number, m->arrived[next.rank]);
    const struct packet *packet = &packets[next.rank][next.number];
    bool safe = m->engine->ops->safe(m->engine, next.position);
    if (safe)
        check_safe(next.position);
    if (packet->member && packet->safe && !safe)
        return false;
    m->engine->ops->pop(m->engine);
    if (packet->member)
        m->delivered[m->count++] = (struct place){next.rank, next.number};
    if (safe)
        m->safe = m->count;
    return true;
}

static uint16_t anybody(void)
{
    return (uint16_t)gcs_prng_below(&prng, members);
}

static void something_happens(void)
{
    uint16_t who = anybody();
    switch (gcs_prng_below(&prng, 8)) {
    case 0:
        send_packet(who, gcs_prng_chance(&prng, 700000));
        break;
    case 1:
        if (all[0].engine->ops->pending(all[0].engine))
            send_packet(0, false);
        break;
    case 2:
        acknowledge(who);
        break;
    case 3:
        while (deliver(who))
            ;
        break;
    default: {
        uint16_t from = anybody();
        if (gcs_prng_chance(&prng, link_ppm[who][from]))
            receive(who, from);
        break;
    }
    }
}

/* ---- One order --------------------------------------------------------------------------- */

static bool same(const struct place *a, const struct place *b)
{
    return a->rank == b->rank && a->number == b->number;
}

static void check_prefix(const struct member *a, const struct member *b, size_t count)
{
    ck_assert_uint_le(count, a->count);
    ck_assert_uint_le(count, b->count);
    for (size_t i = 0; i < count; i++)
        ck_assert(same(&a->delivered[i], &b->delivered[i]));
}

static void check_one_order(void)
{
    for (uint16_t i = 1; i < members; i++)
        check_prefix(&all[i - 1], &all[i],
                     all[i].count < all[i - 1].count ? all[i].count : all[i - 1].count);
}

/* Everything sent arrives, is ordered, acknowledged and delivered. */
static void settle(void)
{
    for (unsigned round = 0; round < 3; round++) {
        for (uint16_t at = 0; at < members; at++)
            for (uint16_t from = 0; from < members; from++)
                while (all[at].arrived[from] < all[from].sent)
                    receive(at, from);
        if (all[0].engine->ops->pending(all[0].engine))
            send_packet(0, false);
    }
    for (unsigned round = 0; round < 40; round++)
        for (uint16_t i = 0; i < members; i++)
            acknowledge(i);
    for (uint16_t i = 0; i < members; i++)
        while (deliver(i))
            ;
}

static size_t members_of_the_order(void)
{
    size_t count = 0;
    for (uint16_t rank = 0; rank < members; rank++)
        for (uint64_t number = 1; number <= all[rank].sent; number++)
            count += packets[rank][number].member;
    return count;
}

START_TEST(any_interleaving_gives_one_order)
{
    for (uint64_t seed = 1; seed <= 100; seed++) {
        setup(seed);
        for (unsigned i = 0; i < 1500 && all[0].sent < PACKETS - 5; i++)
            something_happens();
        check_one_order();
        settle();
        check_one_order();
        ck_assert(!all[0].engine->ops->pending(all[0].engine));
        for (uint16_t i = 0; i < members; i++)
            ck_assert_msg(all[i].count == members_of_the_order(), "seed %u, member %u",
                          (unsigned)seed, i);
        teardown();
    }
}
END_TEST

/* ---- The end of the view ------------------------------------------------------------------- */

static bool reports[MEMBERS_MAX]; /* promised, and its report counts */
static bool survives[MEMBERS_MAX];
static uint64_t cut[MEMBERS_MAX];

/* A quorum promises, one after the other, while life goes on for the rest. */
static void promise(void)
{
    uint16_t wanted = members, survivors = 0;
    for (uint16_t i = 0; i < members; i++)
        wanted = (uint16_t)(wanted - doomed[i]);
    memset(reports, 0, sizeof(reports));
    memset(survives, 0, sizeof(survives));
    memset(cut, 0, sizeof(cut));
    while (wanted > 0) {
        uint16_t who = anybody();
        if (reports[who] || doomed[who])
            continue;
        reports[who] = all[who].frozen = true;
        all[who].engine->ops->freeze(all[who].engine);
        survives[who] = gcs_prng_chance(&prng, 700000) || wanted == 1;
        survivors += survives[who];
        for (uint16_t rank = 0; rank < members; rank++)
            if (all[who].arrived[rank] > cut[rank])
                cut[rank] = all[who].arrived[rank];
        wanted--;
        for (uint64_t i = gcs_prng_below(&prng, 30); i > 0; i--)
            something_happens();
    }
    ck_assert_uint_gt(survivors, 0);
}

/* Fetches what is missing, in any interleaving, and delivers the rest. */
static void close_view(uint16_t at)
{
    struct member *m = &all[at];
    struct gcs_order_next next;
    for (uint16_t missing = members; missing > 0;) {
        uint16_t rank = anybody();
        if (m->arrived[rank] < cut[rank])
            arrive(at, rank, m->arrived[rank] + 1);
        missing = 0;
        for (uint16_t i = 0; i < members; i++)
            missing += m->arrived[i] < cut[i];
    }
    m->engine->ops->finish(m->engine, cut, survives);
    while (m->engine->ops->peek(m->engine, &next)) {
        ck_assert_uint_le(next.number, cut[next.rank]);
        ck_assert(m->engine->ops->safe(m->engine, next.position));
        m->engine->ops->pop(m->engine);
        if (packets[next.rank][next.number].member)
            m->delivered[m->count++] = (struct place){next.rank, next.number};
    }
}

/* Per sender nothing twice and nothing left out; survivors' packets all there. */
static void check_whole(const struct member *m)
{
    uint64_t last[MEMBERS_MAX] = {0};
    for (size_t i = 0; i < m->count; i++) {
        const struct place *p = &m->delivered[i];
        ck_assert_uint_gt(p->number, last[p->rank]);
        for (uint64_t skipped = last[p->rank] + 1; skipped < p->number; skipped++)
            ck_assert(!packets[p->rank][skipped].member);
        last[p->rank] = p->number;
    }
    for (uint16_t rank = 0; rank < members; rank++) {
        if (!survives[rank])
            continue;
        ck_assert_uint_eq(cut[rank], all[rank].sent);
        for (uint64_t number = last[rank] + 1; number <= cut[rank]; number++)
            ck_assert(!packets[rank][number].member);
    }
}

/* What a packet's sender had delivered comes before it. */
static void check_causes(const struct member *m)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct place *p = &m->delivered[i];
        size_t depends = packets[p->rank][p->number].depends;
        ck_assert_uint_le(depends, i);
        check_prefix(m, &all[p->rank], depends);
    }
}

static void end_view(uint64_t seed)
{
    const struct member *first = NULL;
    for (uint16_t i = 0; i < members; i++) {
        if (!survives[i])
            continue;
        close_view(i);
        check_whole(&all[i]);
        check_causes(&all[i]);
        if (first) {
            ck_assert_msg(first->count == all[i].count, "seed %u", (unsigned)seed);
            check_prefix(first, &all[i], first->count);
        }
        first = &all[i];
    }
    for (uint16_t i = 0; i < members; i++) /* whoever it is, and whatever became of it */
        check_prefix(first, &all[i], all[i].safe);
}

START_TEST(all_who_go_on_end_with_the_same)
{
    for (uint64_t seed = 1; seed <= 800; seed++) {
        setup(seed);
        uint64_t steps = gcs_prng_below(&prng, 800);
        for (uint64_t i = 0; i < steps && all[0].sent < PACKETS - 40; i++)
            something_happens();
        promise();
        end_view(seed);
        teardown();
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        any_interleaving_gives_one_order,
        all_who_go_on_end_with_the_same,
    };
    return suite_run("sequencer_model", tests, SUITE_SIZE(tests));
}
