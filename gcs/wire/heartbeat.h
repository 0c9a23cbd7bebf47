/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * HEARTBEAT: a sign of life between two endpoints, and the question that the
 * other end must answer.
 *
 *     flags 1, process 8, then with QUESTION: stamp varint, with ANSWER: echo varint
 *
 * process is the sending process's incarnation; stamp is the asker's clock,
 * which the answer brings back as echo.
 */
#ifndef GCS_WIRE_HEARTBEAT_H
#define GCS_WIRE_HEARTBEAT_H

#include "gcs/wire/bytes.h"

enum gcs_heartbeat_flag {
    GCS_HEARTBEAT_QUESTION = 1,
    GCS_HEARTBEAT_ANSWER = 2,
};

struct gcs_heartbeat {
    uint8_t flags;
    uint64_t process;
    uint64_t stamp; /* question */
    uint64_t echo;  /* answer */
};

#define GCS_HEARTBEAT_BYTES_MAX (1 + 8 + 10 + 10)
void gcs_heartbeat_write(struct gcs_writer *w, const struct gcs_heartbeat *heartbeat);
bool gcs_heartbeat_read(const uint8_t *body, size_t size, struct gcs_heartbeat *heartbeat);

#endif
