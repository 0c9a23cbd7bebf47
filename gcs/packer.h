/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From messages to packets: what the application multicast and what is not yet
 * numbered. Small messages of one service are packed together behind room for
 * the header; a message that does not fit into one packet is cut into fragments,
 * one packet each, when its turn comes. Each byte is copied once, to where it is
 * sent from; those of a message that is to be cut once more before that. Order and
 * numbers of messages never change; a view change only starts the message in the
 * middle of which it came again from its beginning.
 */
#ifndef GCS_PACKER_H
#define GCS_PACKER_H

#include "gcs/base/memory.h"
#include "gcs/wire/packet.h"

struct gcs_pack;

/* Room that somebody is writing a message into. */
struct gcs_room {
    struct gcs_buffer *buffer; /* NULL: none */
    struct gcs_pack *pack;     /* NULL: the message is in none */
    uint8_t *data;
    uint32_t size;
    uint8_t service;
    bool fresh; /* the pack is not queued yet */
    bool whole; /* the buffer has nothing but a message that is too long for a packet */
};

struct gcs_packer {
    struct gcs_pool *pool;
    uint32_t headroom;    /* bytes before the payload: header and control frames */
    uint32_t payload_max; /* bytes of payload in one packet */
    uint64_t next;        /* number of the next message */
    uint64_t bytes;       /* queued, with overhead */
    struct gcs_pack *head, *tail;
    struct gcs_pack *finished; /* the message whose last fragment was taken by the last call */
    struct gcs_room room;
    struct gcs_pack *spare; /* for use again: a running group allocates nothing */
    uint32_t spare_count;
};

/* The payload of the next packet. */
struct gcs_packing {
    struct gcs_buffer *buffer; /* the taker's reference */
    uint32_t size;             /* of the payload, which starts at headroom */
    uint32_t count;            /* messages; 0: a fragment that is not the last */
    uint64_t first;
    uint8_t service;
    uint8_t flags;
    uint32_t whole_size; /* the last fragment: bytes of the message, else 0 */
};

/* Bytes of a message's size in a payload. */
static inline uint32_t gcs_message_prefix(size_t size)
{
    uint32_t bytes = 1;
    for (; size >= 0x80; size >>= 7)
        bytes++;
    return bytes;
}

void gcs_packer_init(struct gcs_packer *packer, struct gcs_pool *pool, uint32_t packet_bytes);
void gcs_packer_fini(struct gcs_packer *packer);

/* Queues a copy of the message. GCS_ENOMEM: nothing changed. */
int gcs_packer_add(struct gcs_packer *packer, uint8_t service, const void *data, size_t size);

/*
 * Room for a message of at most size bytes where it will be sent from, to be filled until commit,
 * which queues its first bytes, or cancel; one at a time. Messages may be added and packets taken
 * meanwhile. GCS_ENOMEM: nothing changed (commit: the room is still there).
 */
int gcs_packer_reserve(struct gcs_packer *packer, uint8_t service, size_t size, uint8_t **data);
int gcs_packer_commit(struct gcs_packer *packer, size_t size);
void gcs_packer_cancel(struct gcs_packer *packer);

/* The next packet could still take messages: sending it now would waste some of its room. */
bool gcs_packer_open(const struct gcs_packer *packer);

/* Bytes of payload that the next packet will carry; 0: nothing is queued. */
uint32_t gcs_packer_next_size(const struct gcs_packer *packer);

/* Bytes of the message that begins with the next fragment; 0: there is none. */
uint32_t gcs_packer_begins(const struct gcs_packer *packer);

/* A message that is to be cut, and is whole yet: behind GCS_MESSAGE_SIZE_MAX bytes of the buffer,
 * whose last ones are its size. */
struct gcs_uncut {
    uint64_t number;
    uint32_t size;
    struct gcs_buffer *buffer; /* the packer's reference */
};

/* The first one with this number or a later one and at least so many bytes, if it is among the next
 * few packets and messages. */
bool gcs_packer_uncut(const struct gcs_packer *packer, uint64_t from, uint32_t least,
                      struct gcs_uncut *uncut);

/* Its service; 0: nothing is queued. */
uint8_t gcs_packer_next_service(const struct gcs_packer *packer);

/* Nothing is left to take. */
static inline bool gcs_packer_empty(const struct gcs_packer *packer)
{
    return gcs_packer_next_size(packer) == 0;
}

/* Takes the next packet's payload. GCS_EAGAIN: nothing is queued; GCS_ENOMEM: nothing changed. */
int gcs_packer_take(struct gcs_packer *packer, struct gcs_packing *packing);

/* After the last fragment was taken and before the next call: the message. */
const uint8_t *gcs_packer_whole(const struct gcs_packer *packer);

/* The view changed: a message whose last fragment was not taken is taken again, whole. */
void gcs_packer_rewind(struct gcs_packer *packer);

/* The number of the first message that is not taken, or not wholly. */
uint64_t gcs_packer_front(const struct gcs_packer *packer);

/* What is queued gets numbers from 1 on: a new membership has begun. After gcs_packer_rewind. */
void gcs_packer_renumber(struct gcs_packer *packer);

#endif
