/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packet: a fixed header, control frames, payload.
 *
 *      0  4  magic "gcs", major version
 *      4  1  minor version
 *      5  1  flags
 *      6  2  bytes of control frames
 *      8  8  checksum: XXH3-64 of all that follows, seeded with the cluster
 *     16  8  group: tag of the group's name
 *     24  8  lineage          (0: the sender speaks as nobody's member)
 *     32  4  epoch
 *     36  2  sender's rank in that view
 *     38  1  service of the payload (0: no payload)
 *     39  1  zero
 *     40  8  number           (0: not numbered: never repaired, never ordered)
 *     48  8  base: every packet of this sender up to it is delivered by and held at all members
 *     56  8  first: number of the payload's first message
 *     64     control frames, each: type (1), zero (1), size of its body (2), body
 *            payload
 *
 * Integers are little-endian. A numbered packet is immutable: whoever holds it
 * repeats it byte for byte. Lineage, epoch, rank and number name it for ever,
 * which makes them the nonce when packets are sealed; the flag, the checksum's
 * eight bytes and a trailer are where a seal goes.
 *
 * Payload: messages, each a varint of its size and its bytes. With the flag
 * FRAGMENT it is one piece of one message instead: total size (4), offset (4),
 * bytes. An agreed fragment without bytes, at offset 0, announces a long message.
 */
#ifndef GCS_WIRE_PACKET_H
#define GCS_WIRE_PACKET_H

#include "gcs/wire/bytes.h"

#define GCS_PACKET_HEADER      64
#define GCS_PACKET_CONTROL_MAX 65535
#define GCS_FRAME_HEADER       4
#define GCS_FRAGMENT_HEADER    8
#define GCS_VERSION_MAJOR_WIRE 1
#define GCS_VERSION_MINOR_WIRE 0
#define GCS_RANK_NONE          0xffff

enum gcs_packet_flag {
    GCS_PACKET_FRAGMENT = 1,
    GCS_PACKET_PRIVATE = 2, /* to one member, number and base are of the pipe between the two */
};

struct gcs_packet {
    uint8_t flags;
    uint8_t service;
    uint16_t rank;
    uint32_t epoch;
    uint64_t group;
    uint64_t lineage;
    uint64_t number;
    uint64_t base;
    uint64_t first;
    const uint8_t *control;
    size_t control_size;
    const uint8_t *payload;
    size_t payload_size;
};

/* What is wrong with a received packet; names the counter to raise. */
enum gcs_packet_fault {
    GCS_PACKET_GOOD = 0,
    GCS_PACKET_SHORT,
    GCS_PACKET_VERSION,
    GCS_PACKET_CORRUPT,
    GCS_PACKET_MALFORMED,
};

/* The tag of a group's name in packets. */
uint64_t gcs_packet_group_tag(uint64_t cluster, const char *name);

/*
 * Writes the header in front of control frames and payload that are already in
 * place behind it, and the checksum over all. data[0..size) is the whole packet;
 * of packet only control_size says where the payload begins.
 */
void gcs_packet_seal(uint8_t *data, size_t size, const struct gcs_packet *packet, uint64_t cluster);

/* Reads and checks the header. The pointers in packet point into data. */
enum gcs_packet_fault gcs_packet_open(const uint8_t *data, size_t size, uint64_t cluster,
                                      struct gcs_packet *packet);

/* Only the group's tag, for finding the group before the checksum is worth its time; 0 if short. */
uint64_t gcs_packet_peek_group(const uint8_t *data, size_t size);

/* ---- Frames ----------------------------------------------------------------------------- */

/* Numbers are part of the wire format. Unknown types are skipped and counted. */
enum gcs_frame_type {
    GCS_FRAME_STATUS = 1,    /* acknowledgement vector and more: wire/status.h */
    GCS_FRAME_RUNS = 2,      /* order: wire/runs.h */
    GCS_FRAME_NACK = 3,      /* wire/nack.h */
    GCS_FRAME_HEARTBEAT = 4, /* wire/heartbeat.h */
    GCS_FRAME_PRIVATE = 5,   /* wire/private.h */
    GCS_FRAME_PIECE = 6,     /* wire/piece.h; alone in its packet */
    GCS_FRAME_TIME = 7,      /* wire/time.h */
    GCS_FRAME_SEEK = 8,      /* a NACK to a region: wire/nack.h */
    GCS_FRAME_REPORT = 9,    /* wire/report.h */
    GCS_FRAME_STAMP = 10,    /* order: wire/stamp.h */
    GCS_FRAME_VECTOR = 11,   /* order: wire/vector.h */
    GCS_FRAME_SLOW = 12,     /* wire/slow.h */
    GCS_FRAME_PRESSURE = 13, /* wire/pressure.h */
    GCS_FRAME_ROOM = 14,     /* wire/room.h */
    GCS_FRAME_LEASE = 15,    /* wire/lease.h */
    /* membership: wire/membership.h */
    GCS_FRAME_JOIN = 16,
    GCS_FRAME_REFUSE = 17,
    GCS_FRAME_WISH = 18,
    GCS_FRAME_POLL = 19,
    GCS_FRAME_VOTE = 20,
    GCS_FRAME_PREPARE = 21,
    GCS_FRAME_PROMISE = 22,
    GCS_FRAME_PROPOSE = 23,
    GCS_FRAME_ACCEPT = 24,
    GCS_FRAME_INSTALL = 25,
    GCS_FRAME_CONFIRM = 26,
    GCS_FRAME_EXCLUDED = 27,
    GCS_FRAME_LOOK = 28,
    GCS_FRAME_INVITE = 29,
    GCS_FRAME_GONE = 30,
    GCS_FRAME_FOUND = 31, /* wire/founding.h */
    GCS_FRAME_KIN = 32,
    /* state transfer: wire/state.h */
    GCS_FRAME_STATE_ASK = 40,
    GCS_FRAME_STATE_OFFER = 41,
    GCS_FRAME_STATE_PULL = 42,
    GCS_FRAME_STATE_CHUNK = 43,
};

struct gcs_frame {
    uint8_t type;
    const uint8_t *body;
    size_t size;
};

/* The next control frame; false at the end. A frame that overruns the control area is the end,
 * and sets r->bad. */
bool gcs_frame_next(struct gcs_reader *r, struct gcs_frame *frame);

/* Begins a frame: returns where its size is to be written, NULL when there is no room. */
uint8_t *gcs_frame_begin(struct gcs_writer *w, enum gcs_frame_type type);

/* Ends the frame. If the writer turned bad meanwhile, takes the whole frame back, makes the
 * writer good again, and returns false. */
bool gcs_frame_end(struct gcs_writer *w, uint8_t *begin);

/* ---- Payload ---------------------------------------------------------------------------- */

/* Bytes of a message's size at most: a buffer that is larger by so much makes it a payload. */
#define GCS_MESSAGE_SIZE_MAX 5u

struct gcs_fragment {
    uint32_t total;
    uint32_t offset;
    const uint8_t *data;
    size_t size;
};

/* False if the payload is no sensible fragment. Only an announcement has no bytes. */
bool gcs_fragment_read(const uint8_t *payload, size_t size, struct gcs_fragment *fragment);

/* How many messages the payload holds, or -1 if it is not well-formed. */
int64_t gcs_payload_count(const uint8_t *payload, size_t size);

/* The next message of a well-formed payload at *offset. */
bool gcs_payload_next(const uint8_t *payload, size_t size, size_t *offset, const uint8_t **data,
                      size_t *message_size);

#endif
