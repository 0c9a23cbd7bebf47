/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Client sessions: see sessions.h. Serials of a session follow each other without a gap, so its
 * results are a ring whose newest belongs to the last serial. Sessions stand in a list by time
 * of use, which is what expiry and the bound on kept bytes take from the front.
 */
#include "gcs/replica/sessions.h"

#include <gcs/error.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS_FIRST = 64, RING_FIRST = 4, SESSION_BYTES = 28, RESULT_BYTES = 12 };

struct kept {
    uint64_t number;
    uint32_t size;
    void *data;
};

struct gcs_session {
    struct gcs_session *next;          /* in its bucket */
    struct gcs_session *older, *newer; /* by time of use */
    uint64_t id;
    uint64_t last; /* serial; 0: none yet */
    uint64_t used; /* time */
    struct kept *ring;
    uint32_t capacity, first, count;
    bool forgotten; /* see gcs_sessions_forget */
};

void gcs_sessions_init(struct gcs_sessions *sessions, const struct gcs_replica_terms *terms)
{
    *sessions = (struct gcs_sessions){.terms = terms};
}

static struct kept *kept_at(const struct gcs_session *session, uint32_t index)
{
    return &session->ring[(session->first + index) % session->capacity];
}

/* ---- The table and the list ------------------------------------------------------------- */

static struct gcs_session **bucket(const struct gcs_sessions *sessions, uint64_t id)
{
    return &sessions->buckets[(id ^ id >> 32) & (sessions->buckets_count - 1)];
}

static struct gcs_session *find(const struct gcs_sessions *sessions, uint64_t id)
{
    struct gcs_session *session = sessions->buckets ? *bucket(sessions, id) : NULL;

    while (session && session->id != id)
        session = session->next;
    return session;
}

static bool grow(struct gcs_sessions *sessions)
{
    size_t count = sessions->buckets ? 2 * sessions->buckets_count : BUCKETS_FIRST;
    struct gcs_session **buckets = calloc(count, sizeof(struct gcs_session *));

    if (!buckets)
        return false;
    free(sessions->buckets);
    sessions->buckets = buckets;
    sessions->buckets_count = count;
    for (struct gcs_session *session = sessions->oldest; session; session = session->newer) {
        struct gcs_session **head = bucket(sessions, session->id);
        session->next = *head;
        *head = session;
    }
    return true;
}

static void unlink_age(struct gcs_sessions *sessions, struct gcs_session *session)
{
    *(session->older ? &session->older->newer : &sessions->oldest) = session->newer;
    *(session->newer ? &session->newer->older : &sessions->newest) = session->older;
}

static void link_newest(struct gcs_sessions *sessions, struct gcs_session *session)
{
    session->older = sessions->newest;
    session->newer = NULL;
    *(sessions->newest ? &sessions->newest->newer : &sessions->oldest) = session;
    sessions->newest = session;
}

static struct gcs_session *add(struct gcs_sessions *sessions, uint64_t id)
{
    if (sessions->count >= sessions->buckets_count && !grow(sessions))
        return NULL;
    struct gcs_session *session = calloc(1, sizeof(*session));
    if (!session)
        return NULL;
    session->id = id;
    session->next = *bucket(sessions, id);
    *bucket(sessions, id) = session;
    link_newest(sessions, session);
    sessions->count++;
    return session;
}

static void drop_results(struct gcs_sessions *sessions, struct gcs_session *session)
{
    for (uint32_t i = 0; i < session->count; i++) {
        sessions->bytes -= kept_at(session, i)->size;
        free(kept_at(session, i)->data);
    }
    session->count = 0;
}

static void destroy(struct gcs_sessions *sessions, struct gcs_session *session)
{
    struct gcs_session **link = bucket(sessions, session->id);

    while (*link != session)
        link = &(*link)->next;
    *link = session->next;
    unlink_age(sessions, session);
    drop_results(sessions, session);
    free(session->ring);
    free(session);
    sessions->count--;
}

void gcs_sessions_clear(struct gcs_sessions *sessions)
{
    while (sessions->oldest)
        destroy(sessions, sessions->oldest);
    free(sessions->buckets);
    gcs_sessions_init(sessions, sessions->terms);
}

/* ---- Use -------------------------------------------------------------------------------- */

void gcs_sessions_expire(struct gcs_sessions *sessions, uint64_t time)
{
    uint64_t patience = sessions->terms->session_ms * UINT64_C(1000000);

    while (sessions->oldest && sessions->oldest->used < time &&
           time - sessions->oldest->used > patience)
        destroy(sessions, sessions->oldest);
}

static void touch(struct gcs_sessions *sessions, struct gcs_session *session, uint64_t time)
{
    session->used = time;
    unlink_age(sessions, session);
    link_newest(sessions, session);
}

int gcs_sessions_open(struct gcs_sessions *sessions, uint64_t time, uint64_t seed, uint64_t *id)
{
    if (sessions->count >= sessions->terms->sessions)
        return GCS_ELIMIT;
    /* Never 0, and positive as a signed number too, which is all that some clients have. */
    *id = seed >> 1;
    while (*id == 0 || find(sessions, *id))
        *id = (*id + 1) & INT64_MAX;
    struct gcs_session *session = add(sessions, *id);
    if (!session)
        return GCS_ENOMEM;
    session->used = time;
    return 0;
}

int gcs_sessions_check(struct gcs_sessions *sessions, uint64_t time, uint64_t id, uint64_t serial,
                       struct gcs_session_result *result)
{
    struct gcs_session *session = find(sessions, id);

    if (!session)
        return GCS_ESESSION;
    touch(sessions, session, time);
    if (serial == session->last + 1)
        return 1;
    if (session->forgotten && serial <= session->last) {
        drop_results(sessions, session);
        session->last = serial - 1;
        return 1;
    }
    if (serial > session->last || session->last - serial >= session->count)
        return GCS_ESERIAL;
    const struct kept *kept =
        kept_at(session, session->count - 1 - (uint32_t)(session->last - serial));
    *result = (struct gcs_session_result){kept->data, kept->size, kept->number};
    return 0;
}

static bool make_room(const struct gcs_sessions *sessions, struct gcs_session *session)
{
    uint32_t most = sessions->terms->session_results;
    uint32_t capacity = session->capacity ? 2 * session->capacity : RING_FIRST;

    if (session->count < session->capacity)
        return true;
    if (capacity > most)
        capacity = most;
    struct kept *ring = calloc(capacity, sizeof(*ring));
    if (!ring)
        return false;
    for (uint32_t i = 0; i < session->count; i++)
        ring[i] = *kept_at(session, i);
    free(session->ring);
    session->ring = ring;
    session->capacity = capacity;
    session->first = 0;
    return true;
}

static void drop_first(struct gcs_sessions *sessions, struct gcs_session *session)
{
    struct kept *kept = kept_at(session, 0);

    sessions->bytes -= kept->size;
    free(kept->data);
    session->first = (session->first + 1) % session->capacity;
    session->count--;
}

static int keep(struct gcs_sessions *sessions, struct gcs_session *session,
                const struct gcs_session_result *result)
{
    void *copy = malloc(result->size + !result->size);

    if (session->count == sessions->terms->session_results)
        drop_first(sessions, session);
    if (!copy || !make_room(sessions, session)) {
        free(copy);
        return GCS_ENOMEM;
    }
    if (result->size > 0)
        memcpy(copy, result->data, result->size);
    session->count++;
    *kept_at(session, session->count - 1) =
        (struct kept){result->number, (uint32_t)result->size, copy};
    sessions->bytes += result->size;
    return 0;
}

int gcs_sessions_record(struct gcs_sessions *sessions, uint64_t id,
                        const struct gcs_session_result *result)
{
    struct gcs_session *session = find(sessions, id);

    session->last++;
    if (result->size > sessions->terms->session_bytes) {
        drop_results(sessions, session); /* what is kept has no gap */
        return 0;
    }
    int error = keep(sessions, session, result);
    for (struct gcs_session *old = sessions->oldest;
         error == 0 && old && sessions->bytes > sessions->terms->session_bytes; old = old->newer)
        drop_results(sessions, old);
    return error;
}

void gcs_sessions_forget(struct gcs_sessions *sessions)
{
    for (struct gcs_session *session = sessions->oldest; session; session = session->newer)
        session->forgotten = true;
}

/* ---- As bytes --------------------------------------------------------------------------- */

size_t gcs_sessions_size(const struct gcs_sessions *sessions)
{
    size_t size = 8;

    for (const struct gcs_session *session = sessions->oldest; session; session = session->newer)
        size += SESSION_BYTES + (size_t)session->count * RESULT_BYTES;
    return size + (size_t)sessions->bytes;
}

uint8_t *gcs_sessions_write(const struct gcs_sessions *sessions, uint8_t *out)
{
    out = gcs_replica_put(out, sessions->count, 8);
    for (const struct gcs_session *session = sessions->oldest; session; session = session->newer) {
        out = gcs_replica_put(out, session->id, 8);
        out = gcs_replica_put(out, session->last, 8);
        out = gcs_replica_put(out, session->used, 8);
        out = gcs_replica_put(out, session->count, 4);
        for (uint32_t i = 0; i < session->count; i++) {
            const struct kept *kept = kept_at(session, i);
            out = gcs_replica_put(out, kept->number, 8);
            out = gcs_replica_put(out, kept->size, 4);
            memcpy(out, kept->data, kept->size);
            out += kept->size;
        }
    }
    return out;
}

static int read_results(struct gcs_sessions *sessions, struct gcs_session *session, uint64_t count,
                        struct gcs_replica_bytes *bytes)
{
    for (uint64_t i = 0; i < count; i++) {
        struct gcs_session_result result = {.number = gcs_replica_get(bytes, 8)};
        result.size = (size_t)gcs_replica_get(bytes, 4);
        if (bytes->bad || result.size > (size_t)(bytes->end - bytes->at) ||
            result.size > sessions->terms->session_bytes - sessions->bytes)
            return GCS_EMALFORMED;
        result.data = bytes->at;
        bytes->at += result.size;
        int error = keep(sessions, session, &result);
        if (error)
            return error;
    }
    return 0;
}

static int read_session(struct gcs_sessions *sessions, struct gcs_replica_bytes *bytes)
{
    uint64_t id = gcs_replica_get(bytes, 8);
    uint64_t last = gcs_replica_get(bytes, 8);
    uint64_t used = gcs_replica_get(bytes, 8);
    uint64_t count = gcs_replica_get(bytes, 4);

    if (bytes->bad || id == 0 || count > last || count > sessions->terms->session_results ||
        find(sessions, id))
        return GCS_EMALFORMED;
    struct gcs_session *session = add(sessions, id);
    if (!session)
        return GCS_ENOMEM;
    session->last = last;
    session->used = used;
    return read_results(sessions, session, count, bytes);
}

int gcs_sessions_read(struct gcs_sessions *sessions, struct gcs_replica_bytes *bytes)
{
    uint64_t count = gcs_replica_get(bytes, 8);
    int error = bytes->bad || count > sessions->terms->sessions ? GCS_EMALFORMED : 0;

    gcs_sessions_clear(sessions);
    for (uint64_t i = 0; i < count && error == 0; i++)
        error = read_session(sessions, bytes);
    if (error)
        gcs_sessions_clear(sessions);
    return error;
}
