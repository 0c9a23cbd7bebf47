/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Codec of the frames around joining: JOIN, LOOK, REFUSE, EXCLUDED; and of the
 * parts that all membership frames are made of. See membership.h for the layout.
 */
#include "gcs/wire/membership.h"

#include "gcs/base/label.h"

#include <assert.h>
#include <gcs/error.h>
#include <string.h>

bool gcs_address_equal(const struct gcs_address *a, const struct gcs_address *b)
{
    return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

bool gcs_member_id_equal(const struct gcs_member_id *a, const struct gcs_member_id *b)
{
    return a->incarnation == b->incarnation && gcs_address_equal(&a->address, &b->address);
}

/* ---- Parts ------------------------------------------------------------------------------ */

static void id_write(struct gcs_writer *w, const struct gcs_member_id *id)
{
    gcs_write_u8(w, id->address.length);
    gcs_write_bytes(w, id->address.bytes, id->address.length);
    gcs_write_u64(w, id->incarnation);
}

/* An absent address is left to the caller to judge. */
static void id_read(struct gcs_reader *r, struct gcs_member_id *id)
{
    memset(id, 0, sizeof(*id));
    uint8_t length = gcs_read_u8(r);
    if (length > GCS_ADDRESS_MAX)
        r->bad = true;
    const uint8_t *bytes = gcs_read_bytes(r, length);
    if (bytes && length > 0) {
        id->address.length = length;
        memcpy(id->address.bytes, bytes, length);
    }
    id->incarnation = gcs_read_u64(r);
}

#define LABELLED 128u

static_assert(GCS_WEIGHT_MAX * 2 + 1 < LABELLED, "the vote leaves a bit for the label");

void gcs_member_write(struct gcs_writer *w, const struct gcs_member *member)
{
    uint8_t label = (uint8_t)gcs_label_size(member->label);
    id_write(w, &member->id);
    gcs_write_varint(w, member->receive_bytes);
    gcs_write_u8(w, (uint8_t)(member->weight * 2u + member->syncing + (label > 0 ? LABELLED : 0)));
    if (label > 0) {
        gcs_write_u8(w, label);
        gcs_write_bytes(w, member->label, label);
    }
}

static void label_read(struct gcs_reader *r, struct gcs_member *member)
{
    uint8_t length = gcs_read_u8(r);
    size_t at;
    const char *label = (const char *)gcs_read_bytes(r, length);
    if (!label || length == 0 || gcs_label_check(label, length, &at) != GCS_LABEL_GOOD)
        r->bad = true;
    else
        memcpy(member->label, label, length);
}

void gcs_member_read(struct gcs_reader *r, struct gcs_member *member)
{
    id_read(r, &member->id);
    member->receive_bytes = gcs_read_varint32(r);
    uint8_t vote = gcs_read_u8(r);
    member->weight = vote % LABELLED / 2;
    member->syncing = vote % 2 == 1;
    memset(member->label, 0, sizeof(member->label));
    if (vote >= LABELLED)
        label_read(r, member);
    if (member->id.address.length == 0)
        r->bad = true;
}

void gcs_ballot_write(struct gcs_writer *w, struct gcs_ballot ballot)
{
    gcs_write_varint(w, ballot.counter);
    gcs_write_varint(w, ballot.rank);
}

struct gcs_ballot gcs_ballot_read(struct gcs_reader *r)
{
    uint32_t counter = gcs_read_varint32(r);
    uint64_t rank = gcs_read_varint(r);
    if (rank >= GCS_MEMBERS_MAX)
        r->bad = true;
    if (r->bad)
        return (struct gcs_ballot){0, 0};
    return (struct gcs_ballot){counter, (uint16_t)rank};
}

enum settings_flag {
    SETTINGS_TIE_BREAKER = 1,
    SETTINGS_STATE = 2,
    SETTINGS_SAFE_ALL = 4,
    SETTINGS_ROTATE = 8,
    SETTINGS_ALL = 15,
};

void gcs_settings_write(struct gcs_writer *w, const struct gcs_settings *settings)
{
    unsigned flags = (settings->tie_breaker ? SETTINGS_TIE_BREAKER : 0u) |
                     (settings->state ? SETTINGS_STATE : 0u) |
                     (settings->safe_all ? SETTINGS_SAFE_ALL : 0u) |
                     (settings->rotate ? SETTINGS_ROTATE : 0u);
    gcs_write_u8(w, settings->order);
    gcs_write_u8(w, (uint8_t)flags);
    gcs_write_varint(w, settings->window_packets);
    gcs_write_varint(w, settings->message_bytes);
    gcs_write_varint(w, settings->region_size);
}

void gcs_settings_read(struct gcs_reader *r, struct gcs_settings *settings)
{
    settings->order = gcs_read_u8(r);
    uint8_t flags = gcs_read_u8(r);
    settings->tie_breaker = flags & SETTINGS_TIE_BREAKER;
    settings->state = flags & SETTINGS_STATE;
    settings->safe_all = flags & SETTINGS_SAFE_ALL;
    settings->rotate = flags & SETTINGS_ROTATE;
    settings->window_packets = gcs_read_varint32(r);
    settings->message_bytes = gcs_read_varint32(r);
    settings->region_size = gcs_read_varint32(r);
    settings->expect = 0;
    if (flags & ~SETTINGS_ALL || settings->region_size == 1 ||
        settings->region_size > GCS_MEMBERS_MAX)
        r->bad = true;
}

/* ---- JOIN, LOOK ------------------------------------------------------------------------- */

void gcs_join_write(struct gcs_writer *w, const struct gcs_join_request *request,
                    const struct gcs_settings *settings, const struct gcs_member_id *rival)
{
    static const struct gcs_member_id nobody = {0};
    gcs_member_write(w, &request->member);
    gcs_write_varint(w, request->epoch);
    gcs_ballot_write(w, request->ballot);
    gcs_settings_write(w, settings);
    gcs_write_varint(w, settings->expect);
    id_write(w, rival ? rival : &nobody);
}

bool gcs_join_parse(const uint8_t *body, size_t size, struct gcs_join_request *request,
                    struct gcs_settings *settings, struct gcs_member_id *rival)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    gcs_member_read(&r, &request->member);
    request->epoch = gcs_read_varint32(&r);
    request->ballot = gcs_ballot_read(&r);
    gcs_settings_read(&r, settings);
    settings->expect = gcs_read_varint32(&r);
    id_read(&r, rival);
    return gcs_reader_ends(&r) && settings->expect <= GCS_MEMBERS_MAX;
}

/* ---- REFUSE, EXCLUDED, GONE, KIN ----------------------------------------------------- */

void gcs_refusal_write(struct gcs_writer *w, const struct gcs_refusal *refusal)
{
    gcs_write_u8(w, (uint8_t)-refusal->error);
    gcs_write_u8(w, refusal->what);
    gcs_write_varint(w, refusal->group);
    gcs_write_varint(w, refusal->joiner);
}

bool gcs_refusal_read(const uint8_t *body, size_t size, struct gcs_refusal *refusal)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    refusal->error = -(int)gcs_read_u8(&r);
    refusal->what = gcs_read_u8(&r);
    refusal->group = gcs_read_varint(&r);
    refusal->joiner = gcs_read_varint(&r);
    return gcs_reader_ends(&r) && refusal->error < 0;
}

void gcs_excluded_write(struct gcs_writer *w, uint32_t epoch)
{
    gcs_write_varint(w, epoch);
}

bool gcs_excluded_read(const uint8_t *body, size_t size, uint32_t *epoch)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    *epoch = gcs_read_varint32(&r);
    return gcs_reader_ends(&r);
}

void gcs_gone_write(struct gcs_writer *w, uint64_t lineage, uint32_t epoch)
{
    gcs_write_u64(w, lineage);
    gcs_write_varint(w, epoch);
}

bool gcs_gone_read(const uint8_t *body, size_t size, uint64_t *lineage, uint32_t *epoch)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    *lineage = gcs_read_u64(&r);
    *epoch = gcs_read_varint32(&r);
    return gcs_reader_ends(&r);
}

enum kin_flag { KIN_PRIMARY = 1 };

void gcs_kin_write(struct gcs_writer *w, const struct gcs_kin *kin)
{
    gcs_write_u8(w, kin->primary ? KIN_PRIMARY : 0);
    gcs_write_varint(w, kin->members);
}

bool gcs_kin_read(const uint8_t *body, size_t size, struct gcs_kin *kin)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    uint8_t flags = gcs_read_u8(&r);
    uint64_t members = gcs_read_varint(&r);
    *kin = (struct gcs_kin){flags & KIN_PRIMARY, (uint16_t)members};
    return gcs_reader_ends(&r) && flags <= KIN_PRIMARY && members > 0 && members <= GCS_MEMBERS_MAX;
}
