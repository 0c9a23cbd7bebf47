/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Founding a group by number: of `expect` processes a majority found it, once.
 *
 * Whoever expects looks around (bootstrap.h) and is an acceptor of one Paxos
 * instance whose value is the group's first view, lineage included. When a
 * majority is there, the first of them (smallest incarnation) starts a ballot; if it
 * comes to nothing the others do, one after the other. A value is proposed once a
 * majority has promised: the promisers are its members; or, if somebody has
 * accepted one already, that one, unchanged. It is decided when a majority of
 * `expect` has accepted it. So two halves never both found a group, whatever is lost,
 * late or dead.
 *
 * That rests on this: at most `expect` processes do so for one group, all with the
 * same number, and one that has answered a ballot keeps what it has promised as
 * long as it lives, and does not come back to expect the group again: it joins.
 *
 * decided() ends the machine: it may be freed after the call that it came out of.
 */
#ifndef GCS_VIEWS_FOUNDING_H
#define GCS_VIEWS_FOUNDING_H

#include "views/agreement.h"

struct gcs_founding;

struct gcs_founding_config {
    const struct gcs_allocator *allocator;
    struct gcs_member self;
    struct gcs_settings settings; /* settings.expect: how many */
    uint64_t retry_ns;
    uint64_t look_ns; /* patience: with somebody who comes first, and with who is not there yet */
    uint64_t seed;
    void *ctx;
    void (*to_address)(void *ctx, const struct gcs_address *to, uint8_t type, const uint8_t *body,
                       size_t size);
    void (*decided)(void *ctx, const struct gcs_proposal *value); /* self is a member */
    uint64_t (*time)(void *ctx); /* at which the group would begin; NULL: 0 */
};

int gcs_founding_new(const struct gcs_founding_config *config, uint64_t now,
                     struct gcs_founding **founding);
void gcs_founding_free(struct gcs_founding *founding);

/* Somebody looks, with the same settings and number. It is told what has been decided. */
void gcs_founding_heard(struct gcs_founding *founding, uint64_t now,
                        const struct gcs_member *member);

/* The body of a FOUND frame. 0, GCS_EMALFORMED, GCS_ENOMEM. */
int gcs_founding_frame(struct gcs_founding *founding, uint64_t now, const struct gcs_address *from,
                       const uint8_t *body, size_t size);

/* There is a group: no ballot of one's own before this. */
void gcs_founding_put_off(struct gcs_founding *founding, uint64_t until);

/* Has promised: it may have become a member of a view that it has not heard of. */
bool gcs_founding_promised(const struct gcs_founding *founding);

/* A new incarnation of the same process, which keeps its promises. */
void gcs_founding_renew(struct gcs_founding *founding, const struct gcs_member_id *id);

void gcs_founding_tick(struct gcs_founding *founding, uint64_t now);
uint64_t gcs_founding_deadline(const struct gcs_founding *founding);

#endif
