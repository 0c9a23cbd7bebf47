/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * HEARTBEAT: a sign of life between two endpoints, the question that the other
 * end must answer, and what one tells another about a third.
 *
 *     flags 1, process 8, then
 *     with QUESTION or ASK: stamp varint
 *     with ANSWER or FOUND: echo varint
 *     with ASK or FOUND: the third one's address: length 1, bytes
 *     with FOUND: its process 8
 *
 * process is the sending process's incarnation; stamp is the asker's clock,
 * which whatever it leads to brings back as echo. ASK wishes that the receiver
 * put a question to the third one, FOUND says that it was answered. GOODBYE: the
 * sender closes.
 */
#ifndef GCS_WIRE_HEARTBEAT_H
#define GCS_WIRE_HEARTBEAT_H

#include "gcs/wire/bytes.h"
#include <gcs/types.h>

enum gcs_heartbeat_flag {
    GCS_HEARTBEAT_QUESTION = 1,
    GCS_HEARTBEAT_ANSWER = 2,
    GCS_HEARTBEAT_ASK = 4,
    GCS_HEARTBEAT_FOUND = 8, /* not together with ASK */
    GCS_HEARTBEAT_GOODBYE = 16,
};

struct gcs_heartbeat {
    uint8_t flags;
    uint64_t process;
    uint64_t stamp;           /* question, ask */
    uint64_t echo;            /* answer, found */
    struct gcs_address about; /* ask, found */
    uint64_t found;           /* found: the process that answered */
};

#define GCS_HEARTBEAT_BYTES_MAX (1 + 8 + 10 + 10 + 1 + GCS_ADDRESS_MAX + 8)
void gcs_heartbeat_write(struct gcs_writer *w, const struct gcs_heartbeat *heartbeat);
bool gcs_heartbeat_read(const uint8_t *body, size_t size, struct gcs_heartbeat *heartbeat);

#endif
