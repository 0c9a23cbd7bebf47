/* SPDX-License-Identifier: BSD-3-Clause */
/* Codec of the frame FOUND: see founding.h for the layout. */
#include "gcs/wire/founding.h"

static void ballot_write(struct gcs_writer *w, struct gcs_found_ballot ballot)
{
    gcs_write_varint(w, ballot.counter);
    if (ballot.counter != 0)
        gcs_write_u64(w, ballot.incarnation);
}

static struct gcs_found_ballot ballot_read(struct gcs_reader *r)
{
    struct gcs_found_ballot ballot = {.counter = gcs_read_varint32(r)};
    if (ballot.counter > GCS_FOUND_COUNTER_MAX)
        r->bad = true;
    if (ballot.counter != 0)
        ballot.incarnation = gcs_read_u64(r);
    return ballot;
}

void gcs_found_write(struct gcs_writer *w, const struct gcs_found *found)
{
    gcs_write_u8(w, found->what);
    ballot_write(w, found->ballot);
    gcs_write_varint(w, found->expect);
    if (found->what == GCS_FOUND_PROMISE || found->what == GCS_FOUND_ACCEPT)
        gcs_member_write(w, &found->member);
    if (found->what == GCS_FOUND_PROMISE)
        ballot_write(w, found->accepted);
    if (found->value)
        gcs_write_bytes(w, found->value, found->value_size);
}

/* Everything that is left. */
static void value_read(struct gcs_reader *r, struct gcs_found *found)
{
    found->value_size = gcs_reader_left(r);
    found->value = gcs_read_bytes(r, found->value_size);
    if (found->value_size == 0)
        r->bad = true;
}

bool gcs_found_read(const uint8_t *body, size_t size, struct gcs_found *found)
{
    struct gcs_reader r = gcs_reader_over(body, size);
    *found = (struct gcs_found){.what = gcs_read_u8(&r)};
    found->ballot = ballot_read(&r);
    found->expect = gcs_read_varint32(&r);
    if (found->ballot.counter == 0 || found->expect == 0 || found->expect > GCS_MEMBERS_MAX)
        return false;
    switch (found->what) {
    case GCS_FOUND_PREPARE:
    case GCS_FOUND_REFUSE:
        break;
    case GCS_FOUND_PROMISE:
        gcs_member_read(&r, &found->member);
        found->accepted = ballot_read(&r);
        if (found->accepted.counter != 0)
            value_read(&r, found);
        break;
    case GCS_FOUND_PROPOSE:
        value_read(&r, found);
        break;
    case GCS_FOUND_ACCEPT:
        gcs_member_read(&r, &found->member);
        break;
    default:
        return false;
    }
    return gcs_reader_ends(&r);
}
