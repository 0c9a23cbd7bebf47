/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Codec of the value that a ballot decides: the next view and the cut. See
 * membership.h for the layout. What has been read is a view that could be: no
 * address twice, survivors in their old order and in agreement with the
 * reasons, no more joiners than may come, ranks and reasons in range.
 */
#include "gcs/base/label.h"
#include "gcs/wire/membership.h"
#include "gcs/wire/time.h"

#include <assert.h>
#include <gcs/error.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define HEAD_BYTES_MAX (5 + 8 + 8 + 8 + GCS_SETTINGS_BYTES_MAX + 3 * 2)
#define RANK_BYTES_MAX (10 + 2)

static_assert(HEAD_BYTES_MAX + GCS_MEMBERS_MAX * (GCS_MEMBER_BYTES_MAX + RANK_BYTES_MAX) <=
                  GCS_PROPOSAL_BYTES_MAX,
              "the largest proposal fits");
static_assert(GCS_MEMBERS_MAX * 8 <= 128 * 128, "holder and reason take two bytes");

size_t gcs_proposal_bound(uint16_t members, uint16_t closing)
{
    size_t bytes = HEAD_BYTES_MAX + (size_t)closing * RANK_BYTES_MAX +
                   (size_t)members * (GCS_MEMBER_BYTES_MAX + GCS_LABEL_BYTES_MAX);
    return bytes < GCS_PROPOSAL_BYTES_MAX ? bytes : GCS_PROPOSAL_BYTES_MAX;
}

size_t gcs_member_bytes(const struct gcs_member *member)
{
    size_t label = gcs_label_size(member->label);
    return 1u + member->id.address.length + 8 + 5 + 1 + (label > 0 ? 1 + label : 0);
}

bool gcs_proposal_has_room(uint16_t members, size_t bytes, uint16_t closing)
{
    size_t ranks = members > closing ? members : closing;
    return members <= GCS_MEMBERS_MAX &&
           HEAD_BYTES_MAX + bytes + ranks * RANK_BYTES_MAX <= GCS_PROPOSAL_BYTES_MAX;
}

void gcs_proposal_write(struct gcs_writer *w, const struct gcs_proposal *p)
{
    gcs_write_varint(w, p->epoch);
    gcs_write_u64(w, p->lineage);
    gcs_write_u64(w, p->proposer);
    gcs_write_u64(w, p->time);
    gcs_settings_write(w, &p->settings);
    gcs_write_varint(w, p->members_count);
    gcs_write_varint(w, p->survivors_count);
    gcs_write_varint(w, p->closing_count);
    for (uint16_t i = 0; i < p->members_count; i++)
        gcs_member_write(w, &p->members[i]);
    for (uint16_t rank = 0; rank < p->closing_count; rank++) {
        gcs_write_varint(w, p->cut[rank]);
        gcs_write_varint(w, (uint64_t)p->holder[rank] * 8 + p->reason[rank]);
    }
}

static uint16_t read_count(struct gcs_reader *r)
{
    uint64_t count = gcs_read_varint(r);
    if (count > GCS_MEMBERS_MAX)
        r->bad = true;
    return r->bad ? 0 : (uint16_t)count;
}

static void read_head(struct gcs_reader *r, struct gcs_proposal *p)
{
    p->epoch = gcs_read_varint32(r);
    p->lineage = gcs_read_u64(r);
    p->proposer = gcs_read_u64(r);
    p->time = gcs_read_u64(r);
    if (p->time > GCS_GROUP_TIME_MAX)
        r->bad = true;
    gcs_settings_read(r, &p->settings);
    p->members_count = read_count(r);
    p->survivors_count = read_count(r);
    p->closing_count = read_count(r);
}

/* The first view of those who found a group together. */
static bool head_founds(const struct gcs_proposal *p, const struct gcs_view *closing)
{
    return !closing && p->lineage != 0 && p->members_count > 0 && p->survivors_count == 0 &&
           p->closing_count == 0;
}

static bool head_sensible(const struct gcs_proposal *p, const struct gcs_view *closing)
{
    if (p->epoch == 1)
        return head_founds(p, closing);
    if (p->epoch < 2 || p->closing_count == 0 || p->survivors_count > p->closing_count)
        return false;
    if (p->members_count < p->survivors_count ||
        p->members_count - p->survivors_count > gcs_joiners_max(p->survivors_count))
        return false;
    return !closing || (p->lineage == closing->lineage && p->epoch - 1 == closing->epoch &&
                        p->closing_count == closing->count);
}

int gcs_proposal_measure(const uint8_t *body, size_t size, const struct gcs_view *closing,
                         struct gcs_proposal *proposal)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    *proposal = (struct gcs_proposal){0};
    read_head(&r, proposal);
    /* Counts that the body cannot hold cost no memory. */
    size_t least = (size_t)proposal->members_count * 12 + (size_t)proposal->closing_count * 2;
    if (r.bad || size > GCS_PROPOSAL_BYTES_MAX || least > gcs_reader_left(&r) ||
        !head_sensible(proposal, closing))
        return GCS_EMALFORMED;
    return 0;
}

/* No address twice: a hash table of members, open addressing. */
static bool addresses_differ(const struct gcs_proposal *p)
{
    enum { slots = 2 * GCS_MEMBERS_MAX };
    uint16_t table[slots]; /* index + 1 */
    memset(table, 0, sizeof(table));
    for (uint16_t i = 0; i < p->members_count; i++) {
        const struct gcs_address *address = &p->members[i].id.address;
        size_t at = XXH3_64bits(address->bytes, address->length) % slots;
        for (; table[at] != 0; at = (at + 1) % slots) {
            if (gcs_address_equal(&p->members[table[at] - 1].id.address, address))
                return false;
        }
        table[at] = (uint16_t)(i + 1);
    }
    return true;
}

/* All that changes about a member is that it has got the group's state. */
static bool comes_from(const struct gcs_member *survivor, const struct gcs_member *member)
{
    return gcs_member_id_equal(&survivor->id, &member->id) &&
           survivor->receive_bytes == member->receive_bytes && survivor->weight == member->weight &&
           strcmp(survivor->label, member->label) == 0 && (member->syncing || !survivor->syncing);
}

/* Who comes along by the reasons are the survivors, in order. */
static bool survivors_agree(const struct gcs_proposal *p, const struct gcs_view *closing)
{
    uint16_t next = 0;
    for (uint16_t rank = 0; rank < p->closing_count; rank++) {
        if (p->reason[rank] != GCS_REASON_NONE)
            continue;
        if (next == p->survivors_count)
            return false;
        const struct gcs_member *survivor = &p->members[next++];
        if (closing && !comes_from(survivor, &closing->members[rank]))
            return false;
    }
    return next == p->survivors_count;
}

/* All founders vote: there is nobody to get the group's state from. */
static bool founders_vote(const struct gcs_proposal *p)
{
    for (uint16_t i = 0; p->epoch == 1 && i < p->members_count; i++)
        if (p->members[i].weight == 0 || p->members[i].syncing)
            return false;
    return true;
}

static bool leaves_room(const struct gcs_proposal *p)
{
    size_t bytes = 0;
    for (uint16_t i = 0; i < p->members_count; i++)
        bytes += gcs_member_bytes(&p->members[i]);
    return gcs_proposal_has_room(p->members_count, bytes, p->closing_count);
}

int gcs_proposal_read(const uint8_t *body, size_t size, const struct gcs_view *closing,
                      struct gcs_proposal *proposal)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    read_head(&r, proposal);
    for (uint16_t i = 0; i < proposal->members_count; i++)
        gcs_member_read(&r, &proposal->members[i]);
    for (uint16_t rank = 0; rank < proposal->closing_count; rank++) {
        proposal->cut[rank] = gcs_read_varint(&r);
        uint64_t both = gcs_read_varint(&r);
        if (r.bad || both / 8 >= proposal->closing_count || both % 8 > GCS_REASON_SHUTDOWN)
            return GCS_EMALFORMED;
        proposal->holder[rank] = (uint16_t)(both / 8);
        proposal->reason[rank] = (uint8_t)(both % 8);
    }
    if (r.bad || gcs_reader_left(&r) > 0)
        return GCS_EMALFORMED;
    if (!survivors_agree(proposal, closing) || !founders_vote(proposal) ||
        !addresses_differ(proposal) || !leaves_room(proposal))
        return GCS_EMALFORMED;
    return 0;
}
