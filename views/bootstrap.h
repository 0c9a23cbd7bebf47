/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Before the first view: finding a group's members and being let in, or
 * founding the group. The machine repeats JOIN to its seeds (and to whoever it
 * learns of) until INSTALL makes it a member, a refusal ends it, or, with
 * GCS_LOOK, it has looked around long enough and found nobody who looks too and
 * comes before it (smaller incarnation); then it founds. With GCS_EXPECT it looks
 * for so many others with whom it founds the group by agreement (founding.h). Those
 * who look say LOOK, which to a member is a JOIN like any other.
 *
 * joined, found and refused end the machine; it may be freed after the call that
 * they came out of. The proposal lives as long as joined().
 */
#ifndef GCS_VIEWS_BOOTSTRAP_H
#define GCS_VIEWS_BOOTSTRAP_H

#include "views/agreement.h"

struct gcs_bootstrap_machine;

struct gcs_bootstrap_env {
    void *ctx;
    void (*to_address)(void *ctx, const struct gcs_address *to, uint8_t type, const uint8_t *body,
                       size_t size);
    void (*found)(void *ctx);                                    /* be the first member now */
    void (*joined)(void *ctx, const struct gcs_proposal *value); /* let in: self is a member */
    void (*refused)(void *ctx, int error, const char *why);
    /* A new incarnation for self: the one before may have been in a view that this process never
     * heard of, and has then been excluded. May be NULL. */
    uint64_t (*renew)(void *ctx);
    /* Group time at which a group that is founded now begins; NULL: 0. */
    uint64_t (*time)(void *ctx);
};

struct gcs_bootstrap_config {
    const struct gcs_allocator *allocator;
    struct gcs_member self;
    enum gcs_bootstrap mode;
    struct gcs_settings settings; /* must match the group's */
    uint64_t look_ns;
    uint64_t retry_ns; /* repeat JOIN after this, backing off to ten times; who would found alone
                          does not back off */
    uint64_t seed;
    const struct gcs_address *seeds; /* copied */
    size_t seeds_count;
    struct gcs_bootstrap_env env;
};

int gcs_bootstrap_new(const struct gcs_bootstrap_config *config, uint64_t now,
                      struct gcs_bootstrap_machine **machine);
void gcs_bootstrap_free(struct gcs_bootstrap_machine *machine);

/* Frames while looking: INSTALL, REFUSE, INVITE (answered with JOIN), PREPARE, KIN; JOIN, LOOK and
 * FOUND of others. GCS_EMALFORMED; GCS_ENOTMEMBER: of another type, for members only. */
int gcs_bootstrap_frame(struct gcs_bootstrap_machine *machine, uint64_t now,
                        const struct gcs_address *from, uint8_t type, const uint8_t *body,
                        size_t size);
void gcs_bootstrap_tick(struct gcs_bootstrap_machine *machine, uint64_t now);
uint64_t gcs_bootstrap_deadline(const struct gcs_bootstrap_machine *machine);

/*
 * At a member: the body of a JOIN or LOOK frame. Checks the joiner's settings against the group's.
 * 0 and *request; GCS_EMALFORMED; GCS_EREFUSED and in refusal (*size bytes, at most
 * GCS_REFUSAL_BYTES_MAX) the body of the REFUSE frame that names both values.
 */
int gcs_join_read(const uint8_t *body, size_t body_size, const struct gcs_agreement_config *group,
                  struct gcs_join_request *request, uint8_t *refusal, size_t *size);

#endif
