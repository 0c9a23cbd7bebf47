/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The replication layer's messages, and the sessions in a snapshot. What can be read is written
 * again and must be the same bytes. The first byte says which of the two it is.
 */
#include "gcs/replica/sessions.h"

#include <assert.h>
#include <gcs/error.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_message(const uint8_t *data, size_t size)
{
    struct gcs_replica_message message;
    uint8_t again[GCS_REPLICA_SMALL];

    if (!gcs_replica_read(data, size, &message))
        return;
    size_t written = gcs_replica_write(again, &message);
    assert(written + message.size == size);
    if (message.kind == GCS_REPLICA_ANSWER) /* any byte but 0 says yes */
        written--;
    assert(memcmp(again, data, written) == 0);
    assert(message.size == 0 || message.data == data + written);
}

static void try_sessions(const uint8_t *data, size_t size)
{
    static const struct gcs_replica_terms terms = {1, 16, 8, 4096, 1000, 16};
    struct gcs_replica_bytes bytes = {data, data + size, false};
    struct gcs_sessions sessions;

    gcs_sessions_init(&sessions, &terms);
    if (gcs_sessions_read(&sessions, &bytes) == 0) {
        size_t length = gcs_sessions_size(&sessions);
        uint8_t *again = malloc(length);
        assert(again && gcs_sessions_write(&sessions, again) == again + length);
        assert(length == (size_t)(bytes.at - data) && memcmp(again, data, length) == 0);
        free(again);
    } else {
        assert(sessions.count == 0 && sessions.bytes == 0);
    }
    gcs_sessions_clear(&sessions);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] == 0)
        try_message(data + 1, size - 1);
    else
        try_sessions(data + 1, size - 1);
    return 0;
}
