/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A pipe: messages from one member to one other, outside of all multicast order.
 * Each direction is a stream of packets of its own, numbered from 1, kept until
 * the other end's application has taken them, and sent again until acknowledged.
 * A pipe lasts as long as both are members: it goes along from view to view, so
 * nothing is lost, repeated or overtaken in between.
 */
#ifndef GCS_PIPE_H
#define GCS_PIPE_H

#include "gcs/assembly.h"
#include "gcs/packer.h"
#include "gcs/reliable/window.h"

#define GCS_PIPE_PACKETS 64u /* not yet taken, each way */

struct gcs_pipe {
    struct gcs_packer packer; /* multicast's packing serves here too */
    struct gcs_window out;    /* sent, not yet taken by the other end */
    struct gcs_window in;     /* received, not yet taken here */
    struct gcs_assembly assembly;
    uint64_t sent;      /* packets numbered */
    uint64_t held;      /* the other end holds them up to here, ... */
    uint64_t taken;     /* ... and has taken them up to here */
    uint64_t delivered; /* received packets that became events */
    uint64_t due;       /* send again; GCS_NEVER: nothing is open */
    uint32_t attempts;
    bool ack_owed;
    bool waits; /* for memory for a long message */
};

struct gcs_pipe *gcs_pipe_new(struct gcs_pool *pool, uint32_t packet_bytes);
void gcs_pipe_free(struct gcs_pipe *pipe); /* NULL is allowed */

#endif
