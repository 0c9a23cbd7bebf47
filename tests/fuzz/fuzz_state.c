/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * State transfer under hostile inputs. The decoders of its four frames: what can be
 * read is written again and must be the same bytes. Both machines: frames with any
 * contents, in any order, with time, the application's answers and its pace in
 * between. They must not crash, hand out pieces without a gap and never more than
 * the window, end once, and let go of the application's state once.
 *
 * Input: the first byte chooses: below 4 a frame, whose body follows; otherwise the
 * machines, and operations follow. A byte says which; FRAME is followed by type,
 * size and the body, the others by one byte of argument.
 */
#include "gcs/wire/membership.h"
#include "views/transfer.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHUNK = 50, SLOTS = 4, FRAME_MAX = 256, QUEUE = 16 };

#define MS UINT64_C(1000000)

/* ---- Decoders --------------------------------------------------------------------------- */

static uint8_t again[1 << 16];
static uint64_t fifo[GCS_MARK_EACH_MAX];

static void same(const struct gcs_writer *w, const uint8_t *body, size_t size)
{
    assert(!w->bad && gcs_writer_size(w) == size && memcmp(again, body, size) == 0);
}

static void fuzz_ask(const uint8_t *body, size_t size)
{
    struct gcs_state_ask ask;
    struct gcs_writer w = gcs_writer_over(again, sizeof(again));
    if (!gcs_state_ask_read(body, size, fifo, &ask))
        return;
    assert(ask.attempt > 0 && ask.mark.count > 0 && ask.mark.count <= GCS_MEMBERS_MAX);
    assert(gcs_mark_reaches(&ask.mark, &ask.mark));
    gcs_state_ask_write(&w, &ask);
    same(&w, body, size);
}

static void fuzz_offer(const uint8_t *body, size_t size)
{
    struct gcs_state_offer offer;
    struct gcs_writer w = gcs_writer_over(again, sizeof(again));
    if (!gcs_state_offer_read(body, size, fifo, &offer))
        return;
    assert(offer.error < 0 || (offer.chunk_bytes > 0 && offer.mark.count > 0));
    gcs_state_offer_write(&w, &offer);
    same(&w, body, size);
}

static void fuzz_pull(const uint8_t *body, size_t size)
{
    struct gcs_state_pull pull;
    struct gcs_writer w = gcs_writer_over(again, sizeof(again));
    if (!gcs_state_pull_read(body, size, &pull))
        return;
    for (uint16_t i = 0; i < pull.count; i++) {
        assert(pull.again[i].first <= pull.again[i].last && pull.again[i].last < pull.upto);
        assert(i == 0 || pull.again[i].first > pull.again[i - 1].last + 1);
    }
    gcs_state_pull_write(&w, &pull);
    assert(gcs_writer_size(&w) <= GCS_PULL_BYTES_MAX);
    same(&w, body, size);
}

static void fuzz_chunk(const uint8_t *body, size_t size)
{
    struct gcs_state_chunk chunk;
    struct gcs_writer w = gcs_writer_over(again, sizeof(again));
    if (size > sizeof(again) || !gcs_state_chunk_read(body, size, &chunk))
        return;
    gcs_state_chunk_write(&w, &chunk);
    assert(gcs_writer_size(&w) <= GCS_CHUNK_HEAD_MAX + chunk.size);
    same(&w, body, size);
}

/* ---- Machines --------------------------------------------------------------------------- */

enum operation {
    FRAME,  /* a frame with any contents, to whom it is for */
    PASS,   /* the oldest frame that one of them has said, lost if odd */
    OFFER,  /* the application's state, of so many bytes */
    REFUSE, /* it has none */
    SERVE,  /* the donor's round */
    TAKEN,  /* the application gives back a piece */
    TIME,   /* so many milliseconds later */
    START,  /* another attempt; even: the donor begins anew as well */
    OPERATIONS
};

struct box {
    struct gcs_transfer_out *out;
    struct gcs_transfer_in *in;
    struct gcs_counters counters;
    uint64_t now;
    uint32_t attempt;
    struct {
        uint8_t type;
        size_t size;
        uint8_t body[FRAME_MAX];
    } queue[QUEUE]; /* what does not fit is lost */
    unsigned queued;
    uint64_t size; /* of the state */
    unsigned sources, released;
    uint64_t got;
    unsigned pieces, taken;
    bool ended;
};

static const struct gcs_member_id donor = {{1, {1}}, 1}, joiner = {{1, {2}}, 2};

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

static const struct gcs_allocator allocator = {NULL, take, give};

static void say(void *ctx, const struct gcs_member_id *to, uint8_t type, const uint8_t *body,
                size_t size)
{
    struct box *box = ctx;
    (void)to;
    assert(size <= FRAME_MAX);
    if (box->queued == QUEUE)
        return;
    box->queue[box->queued].type = type;
    box->queue[box->queued].size = size;
    memcpy(box->queue[box->queued++].body, body, size);
}

static uint64_t traffic(void *ctx)
{
    const struct box *box = ctx;
    return box->now / MS / 3; /* now and then */
}

static uint32_t waiting(void *ctx)
{
    const struct box *box = ctx;
    return (uint32_t)(box->now / MS / 2 % (2 * GCS_WAITING_FULL)); /* more and more */
}

static void offered(void *ctx, const struct gcs_mark *mark)
{
    struct box *box = ctx;
    assert(!box->ended && mark->count > 0);
}

static bool chunk(void *ctx, struct gcs_buffer *buffer, size_t size, uint64_t offset,
                  uint64_t total)
{
    struct box *box = ctx;
    (void)total;
    if (offset == 0)
        box->got = 0;
    assert(!box->ended && offset == box->got && size <= buffer->size);
    box->got += size;
    box->pieces++;
    assert(box->pieces - box->taken <= GCS_PULL_AHEAD_MAX);
    return true;
}

static void done(void *ctx, uint64_t total)
{
    struct box *box = ctx;
    assert(!box->ended && total == box->got);
    box->ended = true;
}

static void failed(void *ctx, int error)
{
    struct box *box = ctx;
    assert(!box->ended && error < 0);
    box->ended = true;
}

static int64_t read_state(void *ctx, uint64_t offset, void *data, size_t size)
{
    const struct box *box = ctx;
    uint64_t left = offset < box->size ? box->size - offset : 0;
    size_t got = left < size ? (size_t)left : size;
    memset(data, (int)offset, got);
    return (int64_t)got;
}

static void release_state(void *ctx)
{
    ((struct box *)ctx)->released++;
}

static void open_out(struct box *box)
{
    struct gcs_mark mark = {2, 2, 5, fifo};
    struct gcs_transfer_out_config config = {&allocator, &box->counters, joiner, box->attempt,
                                             &mark,      CHUNK,          box,    say};
    fifo[0] = fifo[1] = 0;
    if (gcs_transfer_out_new(&config, &box->out) < 0)
        abort();
}

static void start(struct box *box)
{
    struct gcs_mark mark = {2, 2, 5, fifo};
    fifo[0] = fifo[1] = 0;
    box->attempt++;
    gcs_transfer_in_start(box->in, box->now, &donor, &mark);
}

static void hear(struct box *box, uint8_t type, const uint8_t *body, size_t size)
{
    struct gcs_state_ask ask;
    if (type == GCS_FRAME_STATE_PULL)
        (void)gcs_transfer_out_pull(box->out, body, size);
    else if (type != GCS_FRAME_STATE_ASK)
        (void)gcs_transfer_in_frame(box->in, box->now, &donor, type, body, size);
    else if (gcs_state_ask_read(body, size, fifo, &ask))
        gcs_transfer_out_ask(box->out, &ask);
}

static void pass(struct box *box, bool lost)
{
    if (box->queued == 0)
        return;
    if (!lost) {
        uint8_t body[FRAME_MAX];
        size_t size = box->queue[0].size;
        memcpy(body, box->queue[0].body, size);
        uint8_t type = box->queue[0].type;
        memmove(box->queue, box->queue + 1, --box->queued * sizeof(box->queue[0]));
        hear(box, type, body, size);
        return;
    }
    memmove(box->queue, box->queue + 1, --box->queued * sizeof(box->queue[0]));
}

static void offer(struct box *box, uint8_t argument)
{
    struct gcs_state_source source = {box, read_state, release_state, 0};
    if (box->sources == box->released)
        box->size = argument * 8u;
    source.total = argument & 1 ? box->size : 0;
    if (gcs_transfer_out_offer(box->out, &source) == 0)
        box->sources++;
}

static void operate(struct box *box, uint8_t operation, uint8_t argument)
{
    switch (operation % OPERATIONS) {
    case PASS:
        pass(box, argument & 1);
        break;
    case OFFER:
        offer(box, argument);
        break;
    case REFUSE:
        gcs_transfer_out_refuse(box->out, -1 - argument % 30);
        break;
    case SERVE:
        (void)gcs_transfer_out_serve(box->out, argument * 4u);
        break;
    case TAKEN:
        if (box->taken < box->pieces) {
            box->taken++;
            gcs_transfer_in_taken(box->in, box->now);
        }
        break;
    case TIME:
        box->now += argument * MS;
        gcs_transfer_in_tick(box->in, box->now);
        break;
    case START:
        if (box->ended)
            break;
        start(box);
        if (argument % 2 == 0) {
            gcs_transfer_out_free(box->out);
            open_out(box);
        }
        break;
    default:
        break;
    }
}

static void run(struct box *box, const uint8_t *data, size_t size)
{
    while (size >= 2) {
        uint8_t operation = data[0], argument = data[1];
        data += 2;
        size -= 2;
        if (operation % OPERATIONS != FRAME) {
            operate(box, operation, argument);
            continue;
        }
        size_t body = size > 0 ? data[0] : 0;
        if (body + 1 > size)
            return;
        uint8_t *exact = malloc(body + 1);
        memcpy(exact, data + 1, body);
        hear(box, (uint8_t)(GCS_FRAME_STATE_ASK + argument % 4), exact, body);
        free(exact);
        data += body + 1;
        size -= body + 1;
    }
}

static void fuzz_machines(const uint8_t *data, size_t size)
{
    struct box box = {.now = 1000 * MS};
    struct gcs_pool pool;
    gcs_pool_init(&pool, &allocator, 4096, &box.counters);
    struct gcs_transfer_in_config config = {
        .allocator = &allocator,
        .pool = &pool,
        .counters = &box.counters,
        .window_bytes = SLOTS * CHUNK,
        .retry_ns = 10 * MS,
        .env = {&box, say, traffic, waiting, offered, chunk, done, failed},
    };
    if (gcs_transfer_in_new(&config, &box.in) < 0)
        abort();
    start(&box);
    open_out(&box);
    run(&box, data, size);
    gcs_transfer_in_free(box.in);
    gcs_transfer_out_free(box.out);
    gcs_pool_fini(&pool);
    assert(box.released == box.sources);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const decoders[])(const uint8_t *body, size_t size) = {fuzz_ask, fuzz_offer,
                                                                         fuzz_pull, fuzz_chunk};
    if (size == 0)
        return 0;
    if (data[0] < 4)
        decoders[data[0]](data + 1, size - 1);
    else
        fuzz_machines(data + 1, size - 1);
    return 0;
}
