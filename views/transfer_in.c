/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The joiner's side of a state transfer. Chunks on their way, and those that the
 * application has not taken, lie in a ring of fixed size, which is all the memory
 * that a state of any size takes here. They are handed on in order, each once; at
 * the end length and digest must be the donor's.
 */
#include "views/transfer.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Slots of the ring: chunks are small where packets are. */
#define SLOTS_MAX GCS_PULL_AHEAD_MAX

/* While the group is at work: this part of the window at a time, and rest for so many times as long
 * as it took, but no longer than that. In an attempt after others, which took too long, half of it,
 * and so on. */
#define BURST_PART   4u
#define REST_TIMES   9u
#define REST_MOST_NS UINT64_C(10000000)

/* Where the size is known: this much of the state may be behind what waits for it, and the last
 * fifth of the room is kept for what comes unexpectedly. */
#define MAY_LAG      (GCS_WAITING_FULL / 16)
#define WITH_RESERVE 5 / 4

struct slot {
    struct gcs_buffer *buffer; /* NULL: not here */
    uint32_t size;
};

enum phase {
    IDLE,
    RESTING, /* the application still has pieces of the attempt before */
    ASKING,
    PULLING,
    ENDED,
};

struct gcs_transfer_in {
    struct gcs_transfer_in_config config;
    enum phase phase;
    uint32_t attempt;
    struct gcs_member_id donor;
    struct gcs_mark mark; /* asked for */
    uint64_t *offered;    /* scratch: an offer's mark */
    uint64_t said;        /* by the offer: bytes in all, 0: not known */
    uint32_t chunk_bytes;
    uint32_t slots_count; /* pulled ahead at most */
    struct slot *slots;
    uint64_t next;      /* chunk to be handed on */
    uint64_t highest;   /* chunks that have been seen lie below */
    uint64_t handed;    /* to the application: pieces ... */
    uint64_t taken;     /* ... and given back by it */
    uint64_t voided;    /* of attempts before, not given back */
    uint64_t pulled;    /* the last PULL's upto */
    uint64_t pulled_at; /* when that became so */
    uint64_t rest_until;
    uint64_t traffic; /* the group's, then */
    bool gentle;      /* there was some since the time before, and there is time */
    bool total_known;
    uint64_t total, digest;
    uint64_t received; /* bytes handed on */
    XXH64_state_t hash;
    uint64_t due;
    uint64_t gap;    /* between repetitions */
    uint64_t nudged; /* chunk whose loss was pointed out last */
    uint8_t *frame;
    size_t frame_size;
};

int gcs_transfer_in_new(const struct gcs_transfer_in_config *config, struct gcs_transfer_in **in)
{
    struct gcs_transfer_in *t = gcs_allocate(config->allocator, 1, sizeof(*t));
    if (!t)
        return GCS_ENOMEM;
    t->config = *config;
    t->due = GCS_NEVER;
    t->frame_size = GCS_OFFER_HEAD_MAX + gcs_mark_bound(GCS_MARK_EACH_MAX);
    t->slots = gcs_allocate(config->allocator, SLOTS_MAX, sizeof(*t->slots));
    t->frame = gcs_allocate(config->allocator, 1, t->frame_size);
    t->offered = gcs_allocate(config->allocator, 2 * GCS_MARK_EACH_MAX, sizeof(*t->offered));
    if (!t->slots || !t->frame || !t->offered) {
        gcs_transfer_in_free(t);
        return GCS_ENOMEM;
    }
    t->mark.each = t->offered + GCS_MARK_EACH_MAX;
    *in = t;
    return 0;
}

static void empty(struct gcs_transfer_in *t)
{
    for (uint32_t i = 0; t->slots && i < SLOTS_MAX; i++) {
        gcs_buffer_unref(t->slots[i].buffer);
        t->slots[i].buffer = NULL;
    }
}

void gcs_transfer_in_free(struct gcs_transfer_in *t)
{
    const struct gcs_allocator *allocator = t->config.allocator;
    empty(t);
    gcs_release(allocator, t->slots);
    gcs_release(allocator, t->frame);
    gcs_release(allocator, t->offered);
    gcs_release(allocator, t);
}

const struct gcs_member_id *gcs_transfer_in_donor(const struct gcs_transfer_in *t)
{
    return &t->donor;
}

void gcs_transfer_in_progress(const struct gcs_transfer_in *t, uint64_t *bytes, uint64_t *total)
{
    *bytes = t->received;
    *total = t->total_known ? t->total : t->said;
}

uint64_t gcs_transfer_in_deadline(const struct gcs_transfer_in *t)
{
    return t->due;
}

/* ---- Asking ----------------------------------------------------------------------------- */

static struct slot *slot_of(struct gcs_transfer_in *t, uint64_t index)
{
    return &t->slots[index % t->slots_count];
}

static void ask(struct gcs_transfer_in *t, uint64_t now)
{
    struct gcs_state_ask question = {t->attempt, t->mark};
    struct gcs_writer w = gcs_writer_over(t->frame, t->frame_size);
    gcs_state_ask_write(&w, &question);
    t->config.env.send(t->config.env.ctx, &t->donor, GCS_FRAME_STATE_ASK, t->frame,
                       gcs_writer_size(&w));
    t->due = now + t->gap;
}

/* What has been pulled, has not come, and lies below what has, or everything when all is still. */
static void list_missing(struct gcs_transfer_in *t, uint64_t below, struct gcs_state_pull *pull)
{
    uint64_t index = t->next;
    while (index < below && pull->count < GCS_PULL_RANGES_MAX) {
        if (slot_of(t, index)->buffer) {
            index++;
            continue;
        }
        pull->again[pull->count].first = index;
        while (index < below && !slot_of(t, index)->buffer)
            index++;
        pull->again[pull->count++].last = index - 1;
    }
}

static void pull(struct gcs_transfer_in *t, uint64_t now, uint64_t missing_below)
{
    struct gcs_state_pull request = {.attempt = t->attempt, .upto = t->pulled};
    list_missing(t, missing_below, &request);
    struct gcs_writer w = gcs_writer_over(t->frame, t->frame_size);
    gcs_state_pull_write(&w, &request);
    t->due = now + t->gap;
    t->config.env.send(t->config.env.ctx, &t->donor, GCS_FRAME_STATE_PULL, t->frame,
                       gcs_writer_size(&w));
}

/* What has been pulled has come. */
static bool is_through(const struct gcs_transfer_in *t)
{
    return t->next == t->pulled;
}

static void rest(struct gcs_transfer_in *t, uint64_t now)
{
    uint64_t pause = (REST_TIMES * (now - t->pulled_at)) >> (t->attempt - 1) % 64;
    t->rest_until = now + (pause < REST_MOST_NS ? pause : REST_MOST_NS);
    t->due = t->rest_until;
}

/* At this pace the state will be here before too much waits for it. */
static bool has_time(const struct gcs_transfer_in *t)
{
    uint64_t part = t->said / GCS_WAITING_FULL + 1;
    uint64_t waiting = t->config.env.waiting(t->config.env.ctx);
    return t->said == 0 || t->received / part + MAY_LAG >= waiting * WITH_RESERVE;
}

static void pull_more(struct gcs_transfer_in *t, uint64_t now)
{
    uint64_t traffic = t->config.env.traffic(t->config.env.ctx);
    uint64_t ahead = t->taken + t->slots_count;
    uint64_t burst = t->next + t->slots_count / BURST_PART;
    t->gentle = traffic != t->traffic && has_time(t);
    t->traffic = traffic;
    t->pulled_at = now;
    if (t->gentle && burst < ahead)
        ahead = burst;
    if (ahead > t->pulled)
        t->pulled = ahead;
    pull(t, now, 0);
}

/* Pulls more if there is room for it, and if it is time. */
static void go_on(struct gcs_transfer_in *t, uint64_t now)
{
    uint64_t ahead = t->taken + t->slots_count;
    if (t->phase != PULLING || t->total_known)
        return;
    bool rests = t->gentle && (!is_through(t) || now < t->rest_until) && has_time(t);
    uint64_t least = t->gentle ? 1 : t->slots_count / 2; /* not for each piece that is taken */
    if (!rests && ahead >= t->pulled + least)
        pull_more(t, now);
}

void gcs_transfer_in_start(struct gcs_transfer_in *t, uint64_t now,
                           const struct gcs_member_id *donor, const struct gcs_mark *mark)
{
    uint64_t *each = t->mark.each;
    empty(t);
    t->attempt++;
    t->config.counters->transfers_begun++;
    t->donor = *donor;
    t->mark = *mark;
    t->mark.each = each;
    memcpy(each, mark->each, mark->count * GCS_MARK_ORDERS * sizeof(*each));
    t->voided += t->handed - t->taken;
    t->next = t->highest = t->handed = t->taken = t->pulled = t->received = t->said = t->nudged = 0;
    t->traffic = t->config.env.traffic(t->config.env.ctx);
    t->total_known = false;
    t->total = 0;
    XXH64_reset(&t->hash, 0);
    t->gap = t->config.retry_ns;
    t->phase = t->voided > 0 ? RESTING : ASKING;
    t->due = GCS_NEVER;
    if (t->phase == ASKING)
        ask(t, now);
}

void gcs_transfer_in_tick(struct gcs_transfer_in *t, uint64_t now)
{
    bool rests = t->phase == PULLING && is_through(t);
    if (now < t->due && (!rests || has_time(t)))
        return;
    if (rests) {
        t->due = GCS_NEVER; /* if there is no room it is the application's turn */
        go_on(t, now);
        return;
    }
    t->gap = 2 * t->gap < 16 * t->config.retry_ns ? 2 * t->gap : 16 * t->config.retry_ns;
    if (t->phase == ASKING)
        ask(t, now);
    else if (t->phase == PULLING && t->next < t->pulled &&
             !(t->total_known && t->next == t->highest))
        pull(t, now, t->total_known ? t->highest : t->pulled);
    else
        t->due = GCS_NEVER; /* it is the application's turn */
}

/* ---- Hearing ---------------------------------------------------------------------------- */

static void end(struct gcs_transfer_in *t, int error)
{
    t->phase = ENDED;
    t->due = GCS_NEVER;
    empty(t);
    if (error)
        t->config.env.failed(t->config.env.ctx, error);
    else
        t->config.env.done(t->config.env.ctx, t->total);
}

static int hear_offer(struct gcs_transfer_in *t, uint64_t now, const uint8_t *body, size_t size)
{
    struct gcs_state_offer offer;
    if (!gcs_state_offer_read(body, size, t->offered, &offer))
        return GCS_EMALFORMED;
    if (offer.attempt != t->attempt || t->phase != ASKING)
        return 0;
    if (offer.error) {
        end(t, GCS_ESTATE);
        return 0;
    }
    if (!gcs_mark_reaches(&offer.mark, &t->mark))
        return GCS_EMALFORMED; /* what it lacks was dropped here */
    t->said = offer.total;
    uint32_t slots = t->config.window_bytes / offer.chunk_bytes;
    t->slots_count = slots < 4 ? 4 : slots > SLOTS_MAX ? SLOTS_MAX : slots;
    t->chunk_bytes = offer.chunk_bytes;
    t->phase = PULLING;
    t->gap = t->config.retry_ns;
    t->config.env.offered(t->config.env.ctx, &offer.mark);
    pull_more(t, now);
    return 0;
}

/* A piece for the application; the end alone is none, unless it is all. False: out of memory. */
static bool hand(struct gcs_transfer_in *t, struct gcs_buffer *buffer, uint32_t size)
{
    uint64_t total = t->total_known ? t->total : t->said;
    XXH64_update(&t->hash, buffer->data, size);
    if (size == 0 && t->received > 0)
        return true;
    if (!t->config.env.chunk(t->config.env.ctx, buffer, size, t->received, total))
        return false;
    t->handed++;
    t->received += size;
    t->config.counters->state_bytes_received += size;
    return true;
}

static bool is_whole(const struct gcs_transfer_in *t)
{
    return t->received == t->total && (t->said == 0 || t->said == t->total) &&
           XXH64_digest(&t->hash) == t->digest;
}

/* Hands on what is there without a gap. */
static void hand_on(struct gcs_transfer_in *t)
{
    while (t->next < t->highest && slot_of(t, t->next)->buffer) {
        struct slot *slot = slot_of(t, t->next);
        struct gcs_buffer *buffer = slot->buffer;
        slot->buffer = NULL;
        bool told = hand(t, buffer, slot->size);
        gcs_buffer_unref(buffer);
        if (!told) {
            end(t, GCS_ENOMEM);
            return;
        }
        t->next++;
    }
    if (t->total_known && t->next == t->highest)
        end(t, is_whole(t) ? 0 : GCS_ESTATE);
}

static int keep(struct gcs_transfer_in *t, const struct gcs_state_chunk *chunk)
{
    bool last = chunk->flags & GCS_CHUNK_LAST;
    if (chunk->index >= t->pulled || chunk->size > t->chunk_bytes ||
        (chunk->size < t->chunk_bytes && !last) || (t->total_known && chunk->index >= t->highest) ||
        (last && chunk->index + 1 < t->highest))
        return GCS_EMALFORMED; /* behind the end, or the end before what there is */
    if (chunk->index < t->next || slot_of(t, chunk->index)->buffer)
        return 0; /* twice */
    struct gcs_buffer *buffer = gcs_pool_get(t->config.pool, chunk->size);
    if (!buffer)
        return 0; /* as good as lost */
    memcpy(buffer->data, chunk->data, chunk->size);
    *slot_of(t, chunk->index) = (struct slot){buffer, (uint32_t)chunk->size};
    if (chunk->index >= t->highest)
        t->highest = chunk->index + 1;
    if (last) {
        t->total_known = true;
        t->total = chunk->total;
        t->digest = chunk->digest;
    }
    return 0;
}

static int hear_chunk(struct gcs_transfer_in *t, uint64_t now, const uint8_t *body, size_t size)
{
    struct gcs_state_chunk chunk;
    if (!gcs_state_chunk_read(body, size, &chunk))
        return GCS_EMALFORMED;
    if (chunk.attempt != t->attempt || t->phase != PULLING)
        return 0;
    if (chunk.flags & GCS_CHUNK_FAILED) {
        end(t, GCS_ESTATE);
        return 0;
    }
    int error = keep(t, &chunk);
    if (error)
        return error;
    t->gap = t->config.retry_ns;
    t->due = now + t->gap;
    hand_on(t);
    if (t->phase == PULLING && is_through(t) && t->gentle)
        rest(t, now);
    /* One after a gap: say so at once, but only once for each gap. */
    if (t->phase == PULLING && t->highest > t->next + GCS_CHUNK_REORDER && t->nudged <= t->next) {
        t->nudged = t->next + 1;
        pull(t, now, t->highest);
    }
    return 0;
}

int gcs_transfer_in_frame(struct gcs_transfer_in *t, uint64_t now, const struct gcs_member_id *from,
                          uint8_t type, const uint8_t *body, size_t size)
{
    if (from->incarnation != t->donor.incarnation)
        return 0;
    return type == GCS_FRAME_STATE_OFFER ? hear_offer(t, now, body, size)
                                         : hear_chunk(t, now, body, size);
}

void gcs_transfer_in_taken(struct gcs_transfer_in *t, uint64_t now)
{
    if (t->voided > 0) {
        t->voided--;
        if (t->voided == 0 && t->phase == RESTING) {
            t->phase = ASKING;
            ask(t, now);
        }
        return;
    }
    t->taken++;
    go_on(t, now);
}
