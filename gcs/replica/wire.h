/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The messages of the replication layer: bytes and nothing else. Integers are little-endian. A
 * message begins with a magic byte and its kind; what is no such message, or too short for its
 * kind, is told from one and passed over.
 *
 *   COMMAND   u64 submission, u64 session, u64 serial, command        safe
 *   SESSION   u64 submission                                          safe
 *   HELLO     u64 submission, terms                                   safe
 *   DIGEST    u64 number, u64 digest                                  fifo
 *   ASK       u64 round                                               to one member
 *   ANSWER    u64 round, u64 position, u32 epoch, u8 leased           to one member
 */
#ifndef GCS_REPLICA_WIRE_H
#define GCS_REPLICA_WIRE_H

#include <gcs/types.h>

enum gcs_replica_kind {
    GCS_REPLICA_COMMAND = 1,
    GCS_REPLICA_SESSION,
    GCS_REPLICA_HELLO,
    GCS_REPLICA_DIGEST,
    GCS_REPLICA_ASK,
    GCS_REPLICA_ANSWER,
};

/* What all replicas of a group must have alike. protocol 0: not agreed yet. */
struct gcs_replica_terms {
    uint32_t protocol; /* the application's */
    uint32_t sessions, session_results, session_bytes, session_ms, digest_every;
};

struct gcs_replica_message {
    enum gcs_replica_kind kind;
    uint64_t submission;            /* command, session, hello: the sender's n-th, from 1 */
    uint64_t session, serial;       /* command */
    const uint8_t *data;            /* command */
    size_t size;                    /* command */
    struct gcs_replica_terms terms; /* hello */
    uint64_t number, digest;        /* digest */
    uint64_t round, position;       /* ask, answer */
    uint32_t epoch;                 /* answer */
    bool leased;                    /* answer */
};

/* The longest message but a command; and what a command has before it. */
enum { GCS_REPLICA_SMALL = 64, GCS_REPLICA_HEADER = 26 };

/* Writes everything but a command's bytes, which follow; returns how much. */
size_t gcs_replica_write(uint8_t *out, const struct gcs_replica_message *message);

/* False: it is none of ours. */
bool gcs_replica_read(const void *data, size_t size, struct gcs_replica_message *message);

/* A cursor over bytes; bad once something did not fit. */
struct gcs_replica_bytes {
    const uint8_t *at, *end;
    bool bad;
};

uint64_t gcs_replica_get(struct gcs_replica_bytes *bytes, unsigned size);
uint8_t *gcs_replica_put(uint8_t *out, uint64_t value, unsigned size);
void gcs_replica_get_terms(struct gcs_replica_bytes *bytes, struct gcs_replica_terms *terms);
uint8_t *gcs_replica_put_terms(uint8_t *out, const struct gcs_replica_terms *terms);

#endif
