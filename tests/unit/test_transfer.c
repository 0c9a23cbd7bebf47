/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The two machines of state transfer, without a group: what one sends a test may
 * lose, double, reorder or forge before the other hears it.
 */
#include "gcs/base/prng.h"
#include "gcs/wire/membership.h"
#include "tests/unit/scarce.h"
#include "tests/unit/suite.h"
#include "views/transfer.h"

#include <string.h>

enum { FRAMES = 4096, CHUNK = 100, STATE_MAX = 100000 };

#define MS UINT64_C(1000000)

struct frame {
    uint8_t type;
    size_t size;
    uint8_t *body;
};

/* Frames on their way, of both sides. */
static struct frame frames[FRAMES];
static unsigned frames_first, frames_end;

static struct scarce memory;
static struct gcs_counters counters;
static struct gcs_pool pool;
static struct gcs_transfer_out *out;
static struct gcs_transfer_in *in;
static uint64_t now, fifo[2 * GCS_MARK_ORDERS];
static struct gcs_member_id donor = {{1, {1}}, 11}, joiner = {{1, {2}}, 22};

static uint8_t state[STATE_MAX];
static uint64_t state_size, state_said, fails_from;
static unsigned released;

/* The application of the joiner. */
static uint8_t got[STATE_MAX];
static uint64_t got_size, got_total;
static unsigned pieces, taken, offers, ends;
static bool slow; /* gives nothing back by itself */
static bool no_memory;
static bool at_work; /* the group is */
static uint64_t deliveries;
static uint32_t waits; /* for the state */
static uint64_t way;   /* so long a frame takes */
static int end_error;

static void send(void *ctx, const struct gcs_member_id *to, uint8_t type, const uint8_t *body,
                 size_t size)
{
    (void)ctx;
    bool to_donor = type == GCS_FRAME_STATE_ASK || type == GCS_FRAME_STATE_PULL;
    ck_assert(gcs_member_id_equal(to, to_donor ? &donor : &joiner));
    ck_assert_uint_lt(frames_end, FRAMES);
    frames[frames_end++] = (struct frame){type, size, memcpy(malloc(size), body, size)};
}

static int64_t read_state(void *ctx, uint64_t offset, void *data, size_t size)
{
    (void)ctx;
    uint64_t left = offset < state_size ? state_size - offset : 0;
    if (offset + size > fails_from)
        return -1;
    if (size > left)
        size = (size_t)left;
    if (size > 37)
        size = 37; /* a source may give less than it is asked for */
    memcpy(data, state + offset, size);
    return (int64_t)size;
}

static void release_state(void *ctx)
{
    (void)ctx;
    released++;
}

static uint64_t traffic(void *ctx)
{
    (void)ctx;
    return at_work ? ++deliveries : deliveries;
}

static uint32_t waiting(void *ctx)
{
    (void)ctx;
    return waits;
}

static void offered(void *ctx, const struct gcs_mark *mark)
{
    (void)ctx;
    ck_assert_uint_eq(mark->epoch, 4);
    offers++;
}

static bool chunk(void *ctx, struct gcs_buffer *buffer, size_t size, uint64_t offset,
                  uint64_t total)
{
    (void)ctx;
    if (no_memory)
        return false;
    if (offset == 0)
        got_size = 0;
    ck_assert_uint_eq(offset, got_size);
    memcpy(got + got_size, buffer->data, size);
    got_size += size;
    got_total = total;
    pieces++;
    return true;
}

static void done(void *ctx, uint64_t total)
{
    (void)ctx;
    ck_assert_uint_eq(total, got_size);
    ends++;
}

static void failed(void *ctx, int error)
{
    (void)ctx;
    end_error = error;
    ends++;
}

static struct gcs_mark mark(uint32_t epoch, uint64_t total)
{
    return (struct gcs_mark){epoch, 2, total, fifo};
}

static int open_out(uint32_t attempt)
{
    struct gcs_mark at = mark(4, 10);
    struct gcs_transfer_out_config config = {.allocator = &memory.allocator,
                                             .counters = &counters,
                                             .joiner = joiner,
                                             .attempt = attempt,
                                             .mark = &at,
                                             .chunk_bytes = CHUNK,
                                             .send = send};
    return gcs_transfer_out_new(&config, &out);
}

static int open_in(void)
{
    struct gcs_transfer_in_config config = {
        .allocator = &memory.allocator,
        .pool = &pool,
        .counters = &counters,
        .window_bytes = 8 * CHUNK,
        .retry_ns = 10 * MS,
        .env = {NULL, send, traffic, waiting, offered, chunk, done, failed},
    };
    return gcs_transfer_in_new(&config, &in);
}

static void setup(uint64_t size)
{
    struct gcs_prng prng;
    gcs_prng_init(&prng, size);
    for (size_t i = 0; i < STATE_MAX; i++)
        state[i] = (uint8_t)gcs_prng_next(&prng);
    scarce_init(&memory);
    gcs_pool_init(&pool, &memory.allocator, 4096, &counters);
    state_size = size;
    state_said = 0;
    fails_from = UINT64_MAX;
    now = 1000 * MS;
    slow = no_memory = at_work = false;
    way = 0;
    waits = 0;
    frames_first = frames_end = 0;
    released = pieces = taken = offers = ends = 0;
    got_size = got_total = 0;
    end_error = 0;
    fifo[0] = fifo[1] = 0;
    ck_assert_int_eq(open_out(1), 0);
    ck_assert_int_eq(open_in(), 0);
}

static void forget_frames(void)
{
    while (frames_first < frames_end)
        free(frames[frames_first++].body);
    frames_first = frames_end = 0;
}

static void teardown(void)
{
    forget_frames();
    gcs_transfer_out_free(out);
    gcs_transfer_in_free(in);
    gcs_pool_fini(&pool);
    ck_assert_uint_eq(memory.live, 0);
}

static int offer(void)
{
    struct gcs_state_source source = {NULL, read_state, release_state, state_said};
    return gcs_transfer_out_offer(out, &source);
}

static void start(uint64_t total)
{
    struct gcs_mark at = mark(4, total);
    gcs_transfer_in_start(in, now, &donor, &at);
}

static int hear(const struct frame *frame)
{
    uint64_t room[GCS_MARK_EACH_MAX];
    struct gcs_state_ask ask;
    if (frame->type == GCS_FRAME_STATE_ASK) {
        ck_assert(gcs_state_ask_read(frame->body, frame->size, room, &ask));
        gcs_transfer_out_ask(out, &ask);
        return 0;
    }
    if (frame->type == GCS_FRAME_STATE_PULL)
        return gcs_transfer_out_pull(out, frame->body, frame->size);
    return gcs_transfer_in_frame(in, now, &donor, frame->type, frame->body, frame->size);
}

static void give_back(void)
{
    for (; taken < pieces; taken++)
        gcs_transfer_in_taken(in, now);
}

/* Everything that is on its way arrives, and what that makes the machines say, and so on. */
static void settle(void)
{
    bool busy = true;
    while (busy) {
        now += frames_first < frames_end ? way : 0;
        for (; frames_first < frames_end; frames_first++) {
            ck_assert_int_eq(hear(&frames[frames_first]), 0);
            free(frames[frames_first].body);
        }
        frames_first = frames_end = 0;
        busy = gcs_transfer_out_serve(out, 3 * CHUNK);
        if (!slow)
            give_back();
        busy |= frames_first < frames_end;
    }
}

static void expect_state(void)
{
    ck_assert_uint_eq(ends, 1);
    ck_assert_int_eq(end_error, 0);
    ck_assert_uint_eq(got_size, state_size);
    ck_assert_mem_eq(got, state, state_size);
    ck_assert_uint_eq(gcs_transfer_in_deadline(in), GCS_NEVER);
}

/* ---- The good case ---------------------------------------------------------------------- */

START_TEST(a_state_of_any_size_arrives)
{
    for (uint64_t size = 0; size < 1000; size += size < 3 ? 1 : 33) {
        for (int known = 0; known < 2; known++) {
            setup(size);
            state_said = known ? size : 0;
            start(10);
            settle();
            ck_assert_int_eq(offer(), 0);
            settle();
            expect_state();
            ck_assert_uint_gt(pieces, 0); /* also of an empty state: its beginning */
            teardown();
            ck_assert_uint_eq(released, 1);
        }
    }
}
END_TEST

START_TEST(a_known_size_is_told_with_the_first_piece)
{
    setup(5000);
    state_said = 5000;
    slow = true;
    ck_assert_int_eq(offer(), 0);
    start(10);
    settle();
    ck_assert_uint_gt(pieces, 0);
    ck_assert_uint_lt(got_size, 5000);
    ck_assert_uint_eq(got_total, 5000);
    teardown();
}
END_TEST

START_TEST(only_what_there_is_room_for_is_sent)
{
    setup(STATE_MAX);
    slow = true;
    offer();
    start(10);
    settle();
    ck_assert_uint_eq(pieces, 8);
    for (int i = 0; i < 100; i++) { /* patience, not repetition */
        now += 1000 * MS;
        gcs_transfer_in_tick(in, now);
        settle();
    }
    ck_assert_uint_eq(pieces, 8);
    ck_assert_uint_eq(counters.state_bytes_sent, 8 * CHUNK);
    slow = false;
    give_back();
    settle();
    expect_state();
    teardown();
}
END_TEST

/* Time passes until the next burst; returns how many pieces it brought. */
static unsigned next_burst(uint64_t rest)
{
    unsigned before = pieces;
    ck_assert_uint_eq(gcs_transfer_in_deadline(in), now + rest);
    now += rest - 1;
    gcs_transfer_in_tick(in, now);
    ck_assert_uint_eq(frames_first, frames_end); /* it keeps still until then */
    now += 1;
    gcs_transfer_in_tick(in, now);
    settle();
    return pieces - before;
}

START_TEST(while_the_group_is_at_work_it_comes_in_bursts_with_rests_between)
{
    setup(3950);
    at_work = true;
    way = MS / 2;
    offer();
    start(10);
    settle();
    ck_assert_uint_eq(pieces, 2);
    ck_assert_uint_eq(next_burst(9 * MS / 2), 2); /* after one way, there being the offer */
    for (unsigned n = 0; n < 5; n++)
        ck_assert_uint_eq(next_burst(9 * MS), 2);
    way = 3 * MS / 2; /* longer than that nobody rests */
    ck_assert_uint_eq(next_burst(9 * MS), 2);
    ck_assert_uint_eq(next_burst(10 * MS), 2);
    at_work = false;
    ck_assert_uint_gt(next_burst(10 * MS), 2);
    expect_state();
    teardown();
}
END_TEST

START_TEST(who_has_to_begin_anew_rests_less)
{
    setup(3950);
    at_work = true;
    way = MS / 2;
    start(10);
    start(10);
    gcs_transfer_out_free(out);
    ck_assert_int_eq(open_out(2), 0);
    offer();
    settle();
    ck_assert_uint_eq(pieces, 2);
    ck_assert_uint_eq(next_burst(9 * MS / 4), 2);
    ck_assert_uint_eq(next_burst(9 * MS / 2), 2);
    teardown();
}
END_TEST

/* Of 40 pieces two are here: so much, and a sixteenth, and a fifth less for the reserve. */
enum { TIME_FOR_TWO = (GCS_WAITING_FULL / 20 + GCS_WAITING_FULL / 16) * 4 / 5 };

START_TEST(who_would_have_too_much_waiting_does_not_rest)
{
    setup(3950);
    state_said = 3950;
    at_work = true;
    way = MS / 2;
    offer();
    start(10);
    settle();
    ck_assert_uint_eq(pieces, 2);
    waits = TIME_FOR_TWO - 8;
    now += MS;
    gcs_transfer_in_tick(in, now);
    ck_assert_uint_eq(frames_first, frames_end); /* the state is far enough */
    waits = TIME_FOR_TWO + 8;
    gcs_transfer_in_tick(in, now);
    settle(); /* now it is behind: so much comes at once as there is room for */
    ck_assert_uint_eq(pieces, 10);
    ck_assert_uint_gt(gcs_transfer_in_deadline(in), now); /* and is far enough again */
    teardown();
}
END_TEST

START_TEST(who_has_caught_up_with_what_waits_rests_again)
{
    setup(STATE_MAX);
    state_said = STATE_MAX;
    at_work = true;
    way = MS / 2;
    offer();
    start(10);
    waits = GCS_WAITING_FULL / 4;
    settle(); /* until there is a quarter of it and the reserve, less what it may be behind */
    ck_assert_uint_gt(pieces, 1000 / 4);
    ck_assert_uint_lt(pieces, 1000 / 4 + 1000 / 8);
    ck_assert_uint_gt(gcs_transfer_in_deadline(in), now);
    waits = 2 * GCS_WAITING_FULL; /* far too late: that is for whoever lets it wait to say */
    gcs_transfer_in_tick(in, now);
    settle();
    expect_state();
    teardown();
}
END_TEST

START_TEST(a_round_serves_no_more_than_its_share)
{
    setup(STATE_MAX);
    offer();
    start(10);
    for (; frames_first < frames_end; frames_first++) {
        hear(&frames[frames_first]);
        free(frames[frames_first].body);
    }
    ck_assert_uint_eq(frames_end - frames_first, 0); /* the chunks wait for their round */
    uint64_t before = counters.state_bytes_sent;
    ck_assert(gcs_transfer_out_serve(out, 3 * CHUNK));
    ck_assert_uint_eq(counters.state_bytes_sent - before, 3 * CHUNK);
    settle();
    expect_state();
    teardown();
}
END_TEST

/* ---- The network ------------------------------------------------------------------------ */

static void shuffle_and_lose(struct gcs_prng *prng)
{
    unsigned end = frames_end;
    for (unsigned i = frames_first; i < end; i++) {
        unsigned other = frames_first + (unsigned)gcs_prng_below(prng, end - frames_first);
        struct frame frame = frames[i];
        if (gcs_prng_below(prng, 4) == 0) {
            frames[i] = frames[other];
            frames[other] = frame;
        }
    }
    for (; frames_first < end; frames_first++) {
        uint64_t fate = gcs_prng_below(prng, 8);
        for (int copies = fate == 0 ? 0 : fate == 1 ? 2 : 1; copies > 0; copies--)
            (void)hear(&frames[frames_first]);
        free(frames[frames_first].body);
    }
    if (frames_first == frames_end)
        frames_first = frames_end = 0;
}

START_TEST(loss_doubles_and_disorder_change_nothing)
{
    struct gcs_prng prng;
    gcs_prng_init(&prng, 3);
    for (int run = 0; run < 200; run++) {
        setup(gcs_prng_below(&prng, 20000));
        start(10);
        if (gcs_prng_below(&prng, 2))
            settle();
        offer();
        for (int round = 0; ends == 0; round++) {
            ck_assert_int_lt(round, 20000);
            shuffle_and_lose(&prng);
            (void)gcs_transfer_out_serve(out, 3 * CHUNK);
            if (gcs_prng_below(&prng, 3) == 0)
                give_back();
            now += 2 * MS;
            if (now >= gcs_transfer_in_deadline(in))
                gcs_transfer_in_tick(in, now);
        }
        expect_state();
        teardown();
    }
}
END_TEST

/* ---- Attempts --------------------------------------------------------------------------- */

START_TEST(a_new_attempt_waits_for_the_pieces_of_the_last)
{
    setup(5000);
    slow = true;
    offer();
    start(10);
    settle();
    ck_assert_uint_eq(pieces, 8);
    gcs_transfer_out_free(out);
    ck_assert_int_eq(open_out(4), 0);
    offer();
    forget_frames();
    for (int i = 0; i < 3; i++)
        start(10); /* again and again: nothing is asked for, nothing grows */
    ck_assert_uint_eq(frames_end, 0);
    ck_assert_uint_eq(gcs_transfer_in_deadline(in), GCS_NEVER);
    slow = false;
    give_back();
    ck_assert_uint_eq(frames_end, 1);
    settle();
    expect_state();
    teardown();
}
END_TEST

START_TEST(frames_of_other_attempts_and_members_mean_nothing)
{
    struct gcs_member_id other = {{1, {3}}, 33};
    setup(500);
    start(10);
    start(10); /* attempt 2 */
    settle();  /* the donor has attempt 1 */
    offer();
    settle();
    ck_assert_uint_eq(offers, 0);
    gcs_transfer_out_free(out);
    ck_assert_int_eq(open_out(2), 0);
    offer();
    for (; frames_first < frames_end; frames_first++) {
        const struct frame *frame = &frames[frames_first];
        ck_assert_int_eq(
            gcs_transfer_in_frame(in, now, &other, frame->type, frame->body, frame->size), 0);
        free(frame->body);
    }
    ck_assert_uint_eq(offers, 0);
    now += 100 * MS;
    gcs_transfer_in_tick(in, now);
    settle();
    expect_state();
    teardown();
}
END_TEST

START_TEST(an_offer_that_is_too_old_is_none)
{
    setup(500);
    start(11); /* newer than what the donor has */
    forget_frames();
    offer();
    ck_assert_uint_eq(frames_end, 1);
    ck_assert_int_eq(hear(&frames[0]), GCS_EMALFORMED);
    ck_assert_uint_eq(offers, 0);
    teardown();
}
END_TEST

/* ---- Failure ---------------------------------------------------------------------------- */

static void expect_failure(void)
{
    start(10);
    settle();
    (void)offer();
    settle();
    now += 1000 * MS;
    gcs_transfer_in_tick(in, now);
    settle();
    ck_assert_uint_eq(ends, 1);
    ck_assert_int_eq(end_error, GCS_ESTATE);
    ck_assert_int_eq(gcs_transfer_out_error(out), GCS_ESTATE);
    ck_assert_int_eq(offer(), GCS_EALREADY);
    ck_assert_uint_eq(released, 1);
    teardown();
    ck_assert_uint_eq(released, 1);
}

START_TEST(a_source_that_fails_ends_it)
{
    for (uint64_t from = 0; from < 2000; from += 190) {
        setup(2000);
        fails_from = from;
        expect_failure();
    }
}
END_TEST

START_TEST(a_source_of_another_length_ends_it)
{
    static const uint64_t said[] = {1, 99, 100, 101, 199, 201, 300, UINT64_MAX};
    for (size_t i = 0; i < SUITE_SIZE(said); i++) {
        setup(250);
        state_said = said[i];
        expect_failure();
    }
}
END_TEST

START_TEST(what_is_taken_back_fails)
{
    setup(5000);
    slow = true;
    offer();
    start(10);
    settle();
    gcs_transfer_out_refuse(out, GCS_ESTATE);
    ck_assert_uint_eq(released, 1);
    settle();
    ck_assert_int_eq(end_error, GCS_ESTATE);
    gcs_transfer_out_refuse(out, GCS_ESTATE);
    teardown();
    ck_assert_uint_eq(released, 1);
}
END_TEST

static int pull(uint64_t upto, uint64_t first, uint64_t last)
{
    struct gcs_state_pull request = {.attempt = 1, .upto = upto};
    uint8_t body[GCS_PULL_BYTES_MAX];
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    if (first <= last) {
        request.count = 1;
        request.again[0].first = first;
        request.again[0].last = last;
    }
    gcs_state_pull_write(&w, &request);
    return gcs_transfer_out_pull(out, body, gcs_writer_size(&w));
}

START_TEST(a_state_that_changes_while_it_is_read_is_none)
{
    setup(500);
    offer();
    ck_assert_int_eq(pull(10, 1, 0), 0);
    while (gcs_transfer_out_serve(out, CHUNK))
        ;
    state_size = 450; /* it was 500 when it was read first */
    ck_assert_int_eq(pull(11, 4, 4), 0);
    ck_assert(!gcs_transfer_out_serve(out, CHUNK));
    ck_assert_int_eq(gcs_transfer_out_error(out), GCS_ESTATE);
    ck_assert_uint_eq(released, 1);
    teardown();
}
END_TEST

START_TEST(a_state_with_another_digest_is_none)
{
    setup(500);
    slow = true;
    offer();
    start(10);
    while (frames_first < frames_end) { /* up to the chunks, whose content is forged */
        struct frame *frame = &frames[frames_first];
        if (frame->type == GCS_FRAME_STATE_CHUNK && frame->size > 50)
            frame->body[50] ^= 1;
        (void)hear(frame);
        free(frame->body);
        frames_first++;
        (void)gcs_transfer_out_serve(out, 100000);
    }
    ck_assert_uint_eq(ends, 1);
    ck_assert_int_eq(end_error, GCS_ESTATE);
    teardown();
}
END_TEST

START_TEST(a_donor_gives_no_more_than_anybody_can_need)
{
    setup(STATE_MAX);
    ck_assert_int_eq(pull(1, 1, 0), 0); /* before there is an offer: nothing */
    ck_assert(!gcs_transfer_out_serve(out, 1 << 20));
    offer();
    forget_frames();
    ck_assert_int_eq(pull(GCS_PULL_AHEAD_MAX + 1, 1, 0), GCS_EMALFORMED);
    ck_assert_int_eq(pull(UINT64_MAX, 1, 0), GCS_EMALFORMED);
    ck_assert_int_eq(pull(600, 1, 0), 0);
    while (gcs_transfer_out_serve(out, 1 << 20))
        ;
    forget_frames();
    ck_assert_int_eq(pull(601, 0, 599), 0);
    while (gcs_transfer_out_serve(out, 1 << 20))
        ;
    ck_assert_uint_eq(frames_end, 601);
    forget_frames();
    ck_assert_int_eq(pull(1300, 0, 10), GCS_EMALFORMED); /* nobody has so much room */
    ck_assert_int_eq(pull(600, 0, 599), 0);              /* an old one */
    ck_assert(!gcs_transfer_out_serve(out, 1 << 20));
    ck_assert_uint_eq(frames_end, 0);
    teardown();
}
END_TEST

static int say_chunk(uint64_t index, uint8_t flags, size_t size)
{
    static const uint8_t data[2 * CHUNK];
    struct gcs_state_chunk forged = {.attempt = 1,
                                     .index = index,
                                     .flags = flags,
                                     .total = index * CHUNK + size,
                                     .data = data,
                                     .size = size};
    uint8_t body[GCS_CHUNK_HEAD_MAX + sizeof(data)];
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    gcs_state_chunk_write(&w, &forged);
    return gcs_transfer_in_frame(in, now, &donor, GCS_FRAME_STATE_CHUNK, body, gcs_writer_size(&w));
}

START_TEST(chunks_that_cannot_be_are_refused)
{
    setup(5000);
    start(10);
    ck_assert_int_eq(say_chunk(0, 0, CHUNK), 0); /* before the offer: nothing */
    offer();
    for (; frames_first < frames_end; frames_first++) {
        if (frames[frames_first].type == GCS_FRAME_STATE_OFFER)
            ck_assert_int_eq(hear(&frames[frames_first]), 0);
        free(frames[frames_first].body);
    }
    ck_assert_uint_eq(offers, 1);
    ck_assert_int_eq(say_chunk(8, 0, CHUNK), GCS_EMALFORMED); /* not pulled */
    ck_assert_int_eq(say_chunk(UINT64_MAX, GCS_CHUNK_LAST, 1), GCS_EMALFORMED);
    ck_assert_int_eq(say_chunk(1, 0, CHUNK + 1), GCS_EMALFORMED);
    ck_assert_int_eq(say_chunk(1, 0, CHUNK - 1), GCS_EMALFORMED);
    ck_assert_int_eq(say_chunk(3, 0, CHUNK), 0);
    ck_assert_int_eq(say_chunk(2, GCS_CHUNK_LAST, 5), GCS_EMALFORMED); /* there was one behind */
    ck_assert_int_eq(say_chunk(4, GCS_CHUNK_LAST, 5), 0);
    ck_assert_int_eq(say_chunk(5, 0, CHUNK), GCS_EMALFORMED); /* behind the end */
    ck_assert_uint_eq(pieces, 0);
    ck_assert_uint_eq(ends, 0);
    teardown();
}
END_TEST

START_TEST(memory_may_be_refused_anywhere)
{
    setup(500);
    gcs_transfer_out_free(out);
    gcs_transfer_in_free(in);
    uint64_t nth = 0;
    do {
        uint64_t live = memory.live;
        scarce_fail(&memory, ++nth, false);
        if (open_out(1) == 0)
            break;
        ck_assert_uint_eq(memory.live, live);
    } while (true);
    ck_assert_uint_gt(nth, 3);
    nth = 0;
    do {
        uint64_t live = memory.live;
        scarce_fail(&memory, ++nth, false);
        if (open_in() == 0)
            break;
        ck_assert_uint_eq(memory.live, live);
    } while (true);
    ck_assert_uint_gt(nth, 3);
    scarce_fail(&memory, 0, false);
    no_memory = true; /* of the application's queue */
    offer();
    start(10);
    settle();
    ck_assert_uint_eq(ends, 1);
    ck_assert_int_eq(end_error, GCS_ENOMEM);
    teardown();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_state_of_any_size_arrives,
        a_known_size_is_told_with_the_first_piece,
        only_what_there_is_room_for_is_sent,
        while_the_group_is_at_work_it_comes_in_bursts_with_rests_between,
        who_has_to_begin_anew_rests_less,
        who_would_have_too_much_waiting_does_not_rest,
        who_has_caught_up_with_what_waits_rests_again,
        a_round_serves_no_more_than_its_share,
        loss_doubles_and_disorder_change_nothing,
        a_new_attempt_waits_for_the_pieces_of_the_last,
        frames_of_other_attempts_and_members_mean_nothing,
        an_offer_that_is_too_old_is_none,
        a_source_that_fails_ends_it,
        a_source_of_another_length_ends_it,
        what_is_taken_back_fails,
        a_state_that_changes_while_it_is_read_is_none,
        a_state_with_another_digest_is_none,
        a_donor_gives_no_more_than_anybody_can_need,
        chunks_that_cannot_be_are_refused,
        memory_may_be_refused_anywhere,
    };
    return suite_run("transfer", tests, SUITE_SIZE(tests));
}
