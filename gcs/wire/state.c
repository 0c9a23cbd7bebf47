/* SPDX-License-Identifier: BSD-3-Clause */
/* Codec of the frames of state transfer: see state.h. */
#include "gcs/wire/state.h"

/* ---- Marks ------------------------------------------------------------------------------ */

void gcs_mark_write(struct gcs_writer *w, const struct gcs_mark *mark)
{
    gcs_write_varint(w, mark->epoch);
    gcs_write_varint(w, mark->total);
    gcs_write_varint(w, mark->count);
    for (uint32_t i = 0; i < mark->count * GCS_MARK_ORDERS; i++)
        gcs_write_varint(w, mark->each[i]);
}

void gcs_mark_read(struct gcs_reader *r, uint64_t *each, struct gcs_mark *mark)
{
    uint64_t epoch = gcs_read_varint(r);
    uint64_t total = gcs_read_varint(r);
    *mark = (struct gcs_mark){.epoch = (uint32_t)epoch, .total = total, .each = each};
    uint64_t count = gcs_read_varint(r);
    if (epoch == 0 || epoch > UINT32_MAX || count == 0 || count > GCS_MEMBERS_MAX)
        r->bad = true;
    if (r->bad)
        return;
    mark->count = (uint16_t)count;
    for (uint32_t i = 0; i < mark->count * GCS_MARK_ORDERS; i++)
        each[i] = gcs_read_varint(r);
}

size_t gcs_mark_bound(uint16_t count)
{
    return 5 + 10 + 2 + (size_t)count * GCS_MARK_ORDERS * 10;
}

bool gcs_mark_reaches(const struct gcs_mark *mark, const struct gcs_mark *other)
{
    if (mark->epoch != other->epoch)
        return mark->epoch > other->epoch;
    if (mark->count != other->count || mark->total < other->total)
        return false;
    for (uint32_t i = 0; i < other->count * GCS_MARK_ORDERS; i++)
        if (mark->each[i] < other->each[i])
            return false;
    return true;
}

/* ---- ASK, OFFER ------------------------------------------------------------------------- */

static uint32_t read_attempt(struct gcs_reader *r)
{
    uint64_t attempt = gcs_read_varint(r);
    if (attempt == 0 || attempt > UINT32_MAX)
        r->bad = true;
    return (uint32_t)attempt;
}

static bool ends(const struct gcs_reader *r)
{
    return !r->bad && r->at == r->end;
}

void gcs_state_ask_write(struct gcs_writer *w, const struct gcs_state_ask *ask)
{
    gcs_write_varint(w, ask->attempt);
    gcs_mark_write(w, &ask->mark);
}

bool gcs_state_ask_read(const uint8_t *body, size_t size, uint64_t *each, struct gcs_state_ask *ask)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    ask->attempt = read_attempt(&r);
    gcs_mark_read(&r, each, &ask->mark);
    return ends(&r);
}

void gcs_state_offer_write(struct gcs_writer *w, const struct gcs_state_offer *offer)
{
    gcs_write_varint(w, offer->attempt);
    gcs_write_u8(w, (uint8_t)-offer->error);
    if (offer->error)
        return;
    gcs_write_varint(w, offer->chunk_bytes);
    gcs_write_varint(w, offer->total);
    gcs_mark_write(w, &offer->mark);
}

bool gcs_state_offer_read(const uint8_t *body, size_t size, uint64_t *each,
                          struct gcs_state_offer *offer)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    *offer = (struct gcs_state_offer){.attempt = read_attempt(&r)};
    offer->error = -(int)gcs_read_u8(&r);
    if (offer->error)
        return ends(&r);
    uint64_t chunk_bytes = gcs_read_varint(&r);
    offer->total = gcs_read_varint(&r);
    gcs_mark_read(&r, each, &offer->mark);
    offer->chunk_bytes = (uint32_t)chunk_bytes;
    return ends(&r) && chunk_bytes > 0 && chunk_bytes <= UINT16_MAX;
}

/* ---- PULL ------------------------------------------------------------------------------- */

void gcs_state_pull_write(struct gcs_writer *w, const struct gcs_state_pull *pull)
{
    uint64_t at = 0;
    gcs_write_varint(w, pull->attempt);
    gcs_write_varint(w, pull->upto);
    for (uint16_t i = 0; i < pull->count; i++) {
        gcs_write_varint(w, pull->again[i].first - at);
        gcs_write_varint(w, pull->again[i].last - pull->again[i].first + 1);
        at = pull->again[i].last + 1;
    }
}

bool gcs_state_pull_read(const uint8_t *body, size_t size, struct gcs_state_pull *pull)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    uint64_t at = 0;
    *pull = (struct gcs_state_pull){.attempt = read_attempt(&r)};
    pull->upto = gcs_read_varint(&r);
    while (!r.bad && gcs_reader_left(&r) > 0) {
        uint64_t gap = gcs_read_varint(&r);
        uint64_t length = gcs_read_varint(&r);
        if (r.bad || pull->count == GCS_PULL_RANGES_MAX || length == 0 ||
            (gap == 0 && pull->count > 0) || gap > pull->upto - at ||
            length > pull->upto - at - gap)
            return false;
        pull->again[pull->count].first = at + gap;
        pull->again[pull->count++].last = at + gap + length - 1;
        at += gap + length;
    }
    return !r.bad;
}

/* ---- CHUNK ------------------------------------------------------------------------------ */

void gcs_state_chunk_write(struct gcs_writer *w, const struct gcs_state_chunk *chunk)
{
    gcs_write_varint(w, chunk->attempt);
    gcs_write_varint(w, chunk->index);
    gcs_write_u8(w, chunk->flags);
    if (chunk->flags & GCS_CHUNK_FAILED)
        gcs_write_u8(w, (uint8_t)-chunk->error);
    if (chunk->flags & GCS_CHUNK_LAST) {
        gcs_write_varint(w, chunk->total);
        gcs_write_u64(w, chunk->digest);
    }
    gcs_write_bytes(w, chunk->data, chunk->size);
}

bool gcs_state_chunk_read(const uint8_t *body, size_t size, struct gcs_state_chunk *chunk)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    *chunk = (struct gcs_state_chunk){.attempt = read_attempt(&r)};
    chunk->index = gcs_read_varint(&r);
    chunk->flags = gcs_read_u8(&r);
    if (chunk->flags & GCS_CHUNK_FAILED)
        chunk->error = -(int)gcs_read_u8(&r);
    if (chunk->flags & GCS_CHUNK_LAST) {
        chunk->total = gcs_read_varint(&r);
        chunk->digest = gcs_read_u64(&r);
    }
    chunk->size = gcs_reader_left(&r);
    chunk->data = gcs_read_bytes(&r, chunk->size);
    if (chunk->flags & GCS_CHUNK_FAILED && (chunk->error == 0 || chunk->size > 0))
        return false;
    return !r.bad && chunk->flags <= GCS_CHUNK_FAILED;
}
