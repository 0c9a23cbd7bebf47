/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From fragments back to a message. One assembly per sender and order: fragments
 * come in delivery order, one message after the other.
 */
#ifndef GCS_ASSEMBLY_H
#define GCS_ASSEMBLY_H

#include "gcs/base/memory.h"
#include "gcs/wire/packet.h"

struct gcs_assembly {
    struct gcs_buffer *buffer; /* NULL: between messages */
    uint32_t prefix;           /* bytes of the varint before the message */
    uint32_t total;
    uint32_t filled;
    bool there; /* the buffer has the message already */
    bool given; /* the buffer is somebody else's choice, and nothing is in it yet */
};

void gcs_assembly_fini(struct gcs_assembly *assembly);

/* The message that begins with the next fragment goes into this buffer, whose reference is taken
 * over and which has room for total bytes and GCS_MESSAGE_SIZE_MAX more. there: it has all of the
 * message already, and its size before it. */
void gcs_assembly_use(struct gcs_assembly *assembly, struct gcs_buffer *buffer, uint32_t total,
                      bool there);

/*
 * Adds a fragment. 1: the message is whole: *buffer (the caller's reference) holds *size bytes
 * of payload, one message; 0: more is needed; GCS_EMALFORMED: the fragment does not go on where the
 * last one ended or the message is longer than message_bytes: what there was is dropped;
 * GCS_ENOMEM.
 */
int gcs_assembly_add(struct gcs_assembly *assembly, struct gcs_pool *pool,
                     const struct gcs_fragment *fragment, uint32_t message_bytes,
                     struct gcs_buffer **buffer, size_t *size);

#endif
