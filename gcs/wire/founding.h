/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * FOUND: the ballots of those who found a group together (views/founding.h), all
 * in one frame:
 *
 *     what 1, ballot, expect, then with
 *     PREPARE   nothing
 *     PROMISE   member, ballot of the accepted value (counter 0: none), the value
 *     REFUSE    nothing: the ballot is the higher one that the sender has promised
 *     PROPOSE   the value
 *     ACCEPT    member
 *
 * A ballot here is a counter (varint) and, unless that is 0, the incarnation (8) of
 * who started it; the member is the sender; a value is a proposal of epoch 1
 * (membership.h).
 */
#ifndef GCS_WIRE_FOUNDING_H
#define GCS_WIRE_FOUNDING_H

#include "gcs/wire/membership.h"

enum gcs_found_what {
    GCS_FOUND_PREPARE = 1,
    GCS_FOUND_PROMISE = 2,
    GCS_FOUND_REFUSE = 3,
    GCS_FOUND_PROPOSE = 4,
    GCS_FOUND_ACCEPT = 5,
};

/* Higher counters belong to nobody who counts honestly. */
#define GCS_FOUND_COUNTER_MAX (UINT32_C(1) << 30)

struct gcs_found_ballot {
    uint32_t counter; /* 0: none */
    uint64_t incarnation;
};

static inline int gcs_found_ballot_compare(struct gcs_found_ballot a, struct gcs_found_ballot b)
{
    if (a.counter != b.counter)
        return a.counter < b.counter ? -1 : 1;
    return a.incarnation == b.incarnation ? 0 : a.incarnation < b.incarnation ? -1 : 1;
}

struct gcs_found {
    uint8_t what;
    struct gcs_found_ballot ballot;
    uint32_t expect;
    struct gcs_member member;         /* promise, accept */
    struct gcs_found_ballot accepted; /* promise */
    const uint8_t *value;             /* promise, propose: a proposal's bytes; NULL: none */
    size_t value_size;
};

/* Without the value. */
#define GCS_FOUND_HEAD_MAX (1 + 5 + 8 + 2 + GCS_MEMBER_BYTES_MAX + GCS_LABEL_BYTES_MAX + 5 + 8)

void gcs_found_write(struct gcs_writer *w, const struct gcs_found *found);

/* value points into body and is not looked at. */
bool gcs_found_read(const uint8_t *body, size_t size, struct gcs_found *found);

#endif
