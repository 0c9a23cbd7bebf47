/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The donor's side of a state transfer. It reads the application's state once from
 * beginning to end, digesting it on the way, as the joiner pulls; what was lost is
 * read again where it stands. Guarantees that no byte beyond what the joiner has
 * room for is read or sent, and that a source whose length is not what it said, or
 * that fails, ends this transfer and nothing else.
 */
#include "views/transfer.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

struct gcs_transfer_out {
    struct gcs_transfer_out_config config;
    struct gcs_mark mark;
    struct gcs_state_source source;
    bool offered;
    int error;
    bool ended;                   /* the end has been read: in the chunk before next */
    uint64_t next;                /* chunk to be read */
    uint64_t total;               /* bytes read so far */
    XXH64_state_t hash;           /* of them */
    struct gcs_state_pull wanted; /* and not sent yet: ... */
    uint16_t range;               /* ... its ranges from here on, and next to upto */
    uint8_t *data;                /* one chunk */
    uint8_t *frame;               /* the same with its head */
    size_t frame_size;
};

static size_t frame_bytes(const struct gcs_transfer_out_config *config)
{
    size_t chunk = GCS_CHUNK_HEAD_MAX + config->chunk_bytes;
    size_t offer = GCS_OFFER_HEAD_MAX + gcs_mark_bound(config->mark->count);
    return chunk > offer ? chunk : offer;
}

int gcs_transfer_out_new(const struct gcs_transfer_out_config *config,
                         struct gcs_transfer_out **out)
{
    struct gcs_transfer_out *t = gcs_allocate(config->allocator, 1, sizeof(*t));
    if (!t)
        return GCS_ENOMEM;
    t->config = *config;
    t->mark = *config->mark;
    t->mark.each =
        gcs_allocate(config->allocator, t->mark.count * GCS_MARK_ORDERS, sizeof(*t->mark.each));
    t->data = gcs_allocate(config->allocator, 1, config->chunk_bytes);
    t->frame_size = frame_bytes(config);
    t->frame = gcs_allocate(config->allocator, 1, t->frame_size);
    if (!t->mark.each || !t->data || !t->frame) {
        gcs_transfer_out_free(t);
        return GCS_ENOMEM;
    }
    memcpy(t->mark.each, config->mark->each,
           t->mark.count * GCS_MARK_ORDERS * sizeof(*t->mark.each));
    t->config.mark = NULL; /* the caller's */
    XXH64_reset(&t->hash, 0);
    *out = t;
    return 0;
}

static void release_source(struct gcs_transfer_out *t)
{
    if (t->offered && t->source.release)
        t->source.release(t->source.ctx);
    t->source = (struct gcs_state_source){0};
}

void gcs_transfer_out_free(struct gcs_transfer_out *t)
{
    const struct gcs_allocator *allocator = t->config.allocator;
    release_source(t);
    gcs_release(allocator, t->mark.each);
    gcs_release(allocator, t->data);
    gcs_release(allocator, t->frame);
    gcs_release(allocator, t);
}

const struct gcs_member_id *gcs_transfer_out_joiner(const struct gcs_transfer_out *t)
{
    return &t->config.joiner;
}

uint32_t gcs_transfer_out_attempt(const struct gcs_transfer_out *t)
{
    return t->config.attempt;
}

int gcs_transfer_out_error(const struct gcs_transfer_out *t)
{
    return t->error;
}

void gcs_transfer_out_progress(const struct gcs_transfer_out *t, uint64_t *bytes, uint64_t *total)
{
    *bytes = t->total;
    *total = t->ended ? t->total : t->source.total;
}

bool gcs_transfer_out_waits(const struct gcs_transfer_out *t)
{
    return !t->offered && !t->error;
}

/* ---- Saying ----------------------------------------------------------------------------- */

static struct gcs_writer writer(struct gcs_transfer_out *t)
{
    return gcs_writer_over(t->frame, t->frame_size);
}

static void send(struct gcs_transfer_out *t, uint8_t type, const struct gcs_writer *w)
{
    if (!w->bad)
        t->config.send(t->config.ctx, &t->config.joiner, type, t->frame, gcs_writer_size(w));
}

static void say_offer(struct gcs_transfer_out *t)
{
    struct gcs_state_offer offer = {
        .attempt = t->config.attempt,
        .error = t->error,
        .chunk_bytes = t->config.chunk_bytes,
        .total = t->source.total,
        .mark = t->mark,
    };
    struct gcs_writer w = writer(t);
    gcs_state_offer_write(&w, &offer);
    send(t, GCS_FRAME_STATE_OFFER, &w);
}

static void say_failed(struct gcs_transfer_out *t)
{
    struct gcs_state_chunk chunk = {
        .attempt = t->config.attempt, .flags = GCS_CHUNK_FAILED, .error = t->error};
    struct gcs_writer w = writer(t);
    gcs_state_chunk_write(&w, &chunk);
    send(t, GCS_FRAME_STATE_CHUNK, &w);
}

int gcs_transfer_out_offer(struct gcs_transfer_out *t, const struct gcs_state_source *source)
{
    if (t->offered || t->error)
        return GCS_EALREADY;
    t->source = *source;
    t->offered = true;
    say_offer(t);
    return 0;
}

void gcs_transfer_out_refuse(struct gcs_transfer_out *t, int error)
{
    if (t->error)
        return;
    release_source(t);
    t->error = error;
    if (t->offered)
        say_failed(t);
    else
        say_offer(t);
}

void gcs_transfer_out_ask(struct gcs_transfer_out *t, const struct gcs_state_ask *ask)
{
    if (ask->attempt == t->config.attempt && !gcs_transfer_out_waits(t))
        say_offer(t);
}

/* ---- Reading ---------------------------------------------------------------------------- */

/* A whole chunk, or what there is before the end: how many bytes, or a negative error. */
static int64_t read_chunk(struct gcs_transfer_out *t, uint64_t index)
{
    uint64_t offset = index * t->config.chunk_bytes;
    size_t size = 0;
    while (size < t->config.chunk_bytes) {
        size_t room = t->config.chunk_bytes - size;
        int64_t got = t->source.read(t->source.ctx, offset + size, t->data + size, room);
        if (got < 0 || (uint64_t)got > room)
            return GCS_ESTATE;
        if (got == 0)
            break;
        size += (size_t)got;
    }
    return (int64_t)size;
}

static void send_chunk(struct gcs_transfer_out *t, uint64_t index, size_t size)
{
    bool last = t->ended && index + 1 == t->next;
    struct gcs_state_chunk chunk = {
        .attempt = t->config.attempt,
        .index = index,
        .flags = last ? GCS_CHUNK_LAST : 0,
        .total = t->total,
        .digest = last ? XXH64_digest(&t->hash) : 0,
        .data = t->data,
        .size = size,
    };
    struct gcs_writer w = writer(t);
    gcs_state_chunk_write(&w, &chunk);
    t->config.counters->state_bytes_sent += size;
    send(t, GCS_FRAME_STATE_CHUNK, &w);
}

static int send_again(struct gcs_transfer_out *t, uint64_t index)
{
    uint64_t begin = index * t->config.chunk_bytes;
    uint64_t left = t->total - begin;
    int64_t size = read_chunk(t, index);
    if (size < 0 || (uint64_t)size != (left < t->config.chunk_bytes ? left : t->config.chunk_bytes))
        return GCS_ESTATE; /* it is not what it was */
    send_chunk(t, index, (size_t)size);
    return 0;
}

static bool is_end(struct gcs_transfer_out *t)
{
    uint8_t more;
    return t->source.read(t->source.ctx, t->total, &more, 1) == 0;
}

static int send_next(struct gcs_transfer_out *t)
{
    int64_t size = read_chunk(t, t->next);
    if (size < 0)
        return GCS_ESTATE;
    bool whole = size == (int64_t)t->config.chunk_bytes;
    uint64_t said = t->source.total;
    t->total += (uint64_t)size;
    t->ended = !whole || (said > 0 && t->total == said);
    if (said > 0 && (t->total > said || (t->ended && t->total < said)))
        return GCS_ESTATE;
    if (t->ended && whole && !is_end(t))
        return GCS_ESTATE;
    XXH64_update(&t->hash, t->data, (size_t)size);
    t->next++;
    send_chunk(t, t->next - 1, (size_t)size);
    return 0;
}

/* One chunk that was sent before, if there is one to be sent once more. */
static int serve_again(struct gcs_transfer_out *t)
{
    struct gcs_state_pull *want = &t->wanted;
    uint64_t index = want->again[t->range].first++;
    if (want->again[t->range].first > want->again[t->range].last)
        t->range++;
    return index < t->next ? send_again(t, index) : 0;
}

static bool is_busy(const struct gcs_transfer_out *t)
{
    return !t->error && (t->range < t->wanted.count || (!t->ended && t->next < t->wanted.upto));
}

bool gcs_transfer_out_serve(struct gcs_transfer_out *t, size_t bytes)
{
    size_t served = 0;
    int error = 0;
    for (; !error && served < bytes && is_busy(t); served += t->config.chunk_bytes)
        error = t->range < t->wanted.count ? serve_again(t) : send_next(t);
    if (error) {
        release_source(t);
        t->error = error;
        say_failed(t);
    }
    return is_busy(t);
}

int gcs_transfer_out_pull(struct gcs_transfer_out *t, const uint8_t *body, size_t size)
{
    struct gcs_state_pull pull;
    if (!gcs_state_pull_read(body, size, &pull))
        return GCS_EMALFORMED;
    if (pull.attempt != t->config.attempt || gcs_transfer_out_waits(t))
        return 0;
    if (t->error) {
        say_failed(t);
        return 0;
    }
    /* No honest member has more room, or lacks what came before what it has room for. */
    if (pull.upto > t->next + GCS_PULL_AHEAD_MAX ||
        (pull.count > 0 && pull.upto - pull.again[0].first > GCS_PULL_AHEAD_MAX))
        return GCS_EMALFORMED;
    if (pull.upto < t->wanted.upto)
        return 0; /* an older one */
    t->wanted = pull;
    t->range = 0;
    return 0;
}
