/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Client sessions, part of the replicated state: which serial was applied last in each, and the
 * latest results. All replicas make the same calls in the same order with the same agreed times,
 * so their tables are the same, down to which session has expired and which result is still kept.
 */
#ifndef GCS_REPLICA_SESSIONS_H
#define GCS_REPLICA_SESSIONS_H

#include "gcs/replica/wire.h"

struct gcs_session;

struct gcs_sessions {
    const struct gcs_replica_terms *terms;
    struct gcs_session **buckets;        /* by id */
    size_t buckets_count;                /* a power of two */
    struct gcs_session *oldest, *newest; /* by time of use */
    uint64_t count;
    uint64_t bytes; /* of results */
};

/* A result that is kept. */
struct gcs_session_result {
    const void *data;
    size_t size;
    uint64_t number;
};

void gcs_sessions_init(struct gcs_sessions *sessions, const struct gcs_replica_terms *terms);
void gcs_sessions_clear(struct gcs_sessions *sessions);

/* Those that were unused too long at the time are gone. */
void gcs_sessions_expire(struct gcs_sessions *sessions, uint64_t time);

/* A session whose id comes from the agreed seed. GCS_ELIMIT; GCS_ENOMEM. */
int gcs_sessions_open(struct gcs_sessions *sessions, uint64_t time, uint64_t seed, uint64_t *id);

/*
 * Whether a command is to be applied. 1: yes, it is the session's next; call
 * gcs_sessions_record with its result. 0: no, *result is what it gave. GCS_ESESSION, GCS_ESERIAL.
 */
int gcs_sessions_check(struct gcs_sessions *sessions, uint64_t time, uint64_t id, uint64_t serial,
                       struct gcs_session_result *result);

/* GCS_ENOMEM: this replica's table is not the others' any more. */
int gcs_sessions_record(struct gcs_sessions *sessions, uint64_t id,
                        const struct gcs_session_result *result);

/* As bytes, in a snapshot. read: GCS_EMALFORMED; GCS_ENOMEM; the table is empty then. */
size_t gcs_sessions_size(const struct gcs_sessions *sessions);
uint8_t *gcs_sessions_write(const struct gcs_sessions *sessions, uint8_t *out);
int gcs_sessions_read(struct gcs_sessions *sessions, struct gcs_replica_bytes *bytes);

/* For the mutant of that name: everything that was applied may be applied again. */
void gcs_sessions_forget(struct gcs_sessions *sessions);

#endif
