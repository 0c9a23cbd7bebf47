/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages of the replication layer to bytes and back: see wire.h. */
#include "gcs/replica/wire.h"

enum { MAGIC = 0xA7 };

uint64_t gcs_replica_get(struct gcs_replica_bytes *bytes, unsigned size)
{
    uint64_t value = 0;

    if (bytes->bad || (size_t)(bytes->end - bytes->at) < size) {
        bytes->bad = true;
        return 0;
    }
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)bytes->at[i] << 8 * i;
    bytes->at += size;
    return value;
}

uint8_t *gcs_replica_put(uint8_t *out, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        *out++ = (uint8_t)(value >> 8 * i);
    return out;
}

void gcs_replica_get_terms(struct gcs_replica_bytes *bytes, struct gcs_replica_terms *terms)
{
    terms->protocol = (uint32_t)gcs_replica_get(bytes, 4);
    terms->sessions = (uint32_t)gcs_replica_get(bytes, 4);
    terms->session_results = (uint32_t)gcs_replica_get(bytes, 4);
    terms->session_bytes = (uint32_t)gcs_replica_get(bytes, 4);
    terms->session_ms = (uint32_t)gcs_replica_get(bytes, 4);
    terms->digest_every = (uint32_t)gcs_replica_get(bytes, 4);
}

uint8_t *gcs_replica_put_terms(uint8_t *out, const struct gcs_replica_terms *terms)
{
    out = gcs_replica_put(out, terms->protocol, 4);
    out = gcs_replica_put(out, terms->sessions, 4);
    out = gcs_replica_put(out, terms->session_results, 4);
    out = gcs_replica_put(out, terms->session_bytes, 4);
    out = gcs_replica_put(out, terms->session_ms, 4);
    return gcs_replica_put(out, terms->digest_every, 4);
}

size_t gcs_replica_write(uint8_t *out, const struct gcs_replica_message *message)
{
    uint8_t *begin = out;

    *out++ = MAGIC;
    *out++ = (uint8_t)message->kind;
    switch (message->kind) {
    case GCS_REPLICA_COMMAND:
        out = gcs_replica_put(out, message->submission, 8);
        out = gcs_replica_put(out, message->session, 8);
        out = gcs_replica_put(out, message->serial, 8);
        break;
    case GCS_REPLICA_SESSION:
        out = gcs_replica_put(out, message->submission, 8);
        break;
    case GCS_REPLICA_HELLO:
        out = gcs_replica_put(out, message->submission, 8);
        out = gcs_replica_put_terms(out, &message->terms);
        break;
    case GCS_REPLICA_DIGEST:
        out = gcs_replica_put(out, message->number, 8);
        out = gcs_replica_put(out, message->digest, 8);
        break;
    case GCS_REPLICA_ASK:
        out = gcs_replica_put(out, message->round, 8);
        break;
    case GCS_REPLICA_ANSWER:
        out = gcs_replica_put(out, message->round, 8);
        out = gcs_replica_put(out, message->position, 8);
        out = gcs_replica_put(out, message->epoch, 4);
        out = gcs_replica_put(out, message->leased, 1);
        break;
    }
    return (size_t)(out - begin);
}

static bool read_kind(struct gcs_replica_bytes *bytes, struct gcs_replica_message *message)
{
    switch (message->kind) {
    case GCS_REPLICA_COMMAND:
        message->submission = gcs_replica_get(bytes, 8);
        message->session = gcs_replica_get(bytes, 8);
        message->serial = gcs_replica_get(bytes, 8);
        message->data = bytes->at;
        message->size = (size_t)(bytes->end - bytes->at);
        bytes->at = bytes->end;
        return true;
    case GCS_REPLICA_SESSION:
        message->submission = gcs_replica_get(bytes, 8);
        return true;
    case GCS_REPLICA_HELLO:
        message->submission = gcs_replica_get(bytes, 8);
        gcs_replica_get_terms(bytes, &message->terms);
        return message->terms.protocol > 0;
    case GCS_REPLICA_DIGEST:
        message->number = gcs_replica_get(bytes, 8);
        message->digest = gcs_replica_get(bytes, 8);
        return true;
    case GCS_REPLICA_ASK:
        message->round = gcs_replica_get(bytes, 8);
        return true;
    case GCS_REPLICA_ANSWER:
        message->round = gcs_replica_get(bytes, 8);
        message->position = gcs_replica_get(bytes, 8);
        message->epoch = (uint32_t)gcs_replica_get(bytes, 4);
        message->leased = gcs_replica_get(bytes, 1) != 0;
        return true;
    }
    return false;
}

bool gcs_replica_read(const void *data, size_t size, struct gcs_replica_message *message)
{
    const uint8_t *begin = data;
    struct gcs_replica_bytes bytes = {begin, begin ? begin + size : begin, false};

    *message = (struct gcs_replica_message){0};
    if (gcs_replica_get(&bytes, 1) != MAGIC)
        return false;
    message->kind = (enum gcs_replica_kind)gcs_replica_get(&bytes, 1);
    return read_kind(&bytes, message) && !bytes.bad && bytes.at == bytes.end;
}
