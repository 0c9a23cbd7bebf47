/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Header, checksum, frame and payload codec: see packet.h for the layout.
 * Nothing here keeps state or allocates; hostile bytes are read within their
 * bounds and refused.
 */
#include "gcs/wire/packet.h"

#include "gcs/wire/checksum.h"

#define CHECKSUM_OFFSET 8
#define CHECKED_FROM    16
#define GROUP_OFFSET    16

static const uint8_t magic[4] = {'g', 'c', 's', GCS_VERSION_MAJOR_WIRE};

/* The first eight bytes are outside of the checksummed tail: they are folded into the seed. */
static uint64_t checksum_after(const uint8_t first[CHECKSUM_OFFSET], const uint8_t *data,
                               size_t size, uint64_t cluster)
{
    uint64_t seed = cluster ^ gcs_load_le(first, CHECKSUM_OFFSET);
    return gcs_checksum(data + CHECKED_FROM, size - CHECKED_FROM, seed);
}

static uint64_t checksum(const uint8_t *data, size_t size, uint64_t cluster)
{
    return checksum_after(data, data, size, cluster);
}

uint64_t gcs_packet_group_tag(uint64_t cluster, const char *name)
{
    uint64_t tag = gcs_checksum((const uint8_t *)name, strlen(name), cluster);
    return tag ? tag : 1;
}

void gcs_packet_seal(uint8_t *data, size_t size, const struct gcs_packet *packet, uint64_t cluster)
{
    struct gcs_writer w = gcs_writer_over(data, GCS_PACKET_HEADER);
    gcs_write_bytes(&w, magic, sizeof(magic));
    gcs_write_u8(&w, GCS_VERSION_MINOR_WIRE);
    gcs_write_u8(&w, packet->flags);
    gcs_write_u16(&w, (uint16_t)packet->control_size);
    gcs_write_u64(&w, 0);
    gcs_write_u64(&w, packet->group);
    gcs_write_u64(&w, packet->lineage);
    gcs_write_u32(&w, packet->epoch);
    gcs_write_u16(&w, packet->rank);
    gcs_write_u8(&w, packet->service);
    gcs_write_u8(&w, 0);
    gcs_write_u64(&w, packet->number);
    gcs_write_u64(&w, packet->base);
    gcs_write_u64(&w, packet->first);
    gcs_store_le(data + CHECKSUM_OFFSET, checksum(data, size, cluster), 8);
}

uint64_t gcs_packet_peek_group(const uint8_t *data, size_t size)
{
    return size < GCS_PACKET_HEADER ? 0 : gcs_load_le(data + GROUP_OFFSET, 8);
}

static enum gcs_packet_fault read_header(struct gcs_reader *r, size_t size,
                                         struct gcs_packet *packet)
{
    gcs_read_bytes(r, sizeof(magic) + 1);
    packet->flags = gcs_read_u8(r);
    packet->control_size = gcs_read_u16(r);
    gcs_read_u64(r);
    packet->group = gcs_read_u64(r);
    packet->lineage = gcs_read_u64(r);
    packet->epoch = gcs_read_u32(r);
    packet->rank = gcs_read_u16(r);
    packet->service = gcs_read_u8(r);
    gcs_read_u8(r);
    packet->number = gcs_read_u64(r);
    packet->base = gcs_read_u64(r);
    packet->first = gcs_read_u64(r);
    if (packet->control_size > size - GCS_PACKET_HEADER)
        return GCS_PACKET_MALFORMED;
    packet->control = r->at;
    packet->payload = r->at + packet->control_size;
    packet->payload_size = size - GCS_PACKET_HEADER - packet->control_size;
    if (packet->payload_size > 0 && (packet->number == 0 || packet->service == 0))
        return GCS_PACKET_MALFORMED;
    if (packet->number > 0 && packet->base >= packet->number)
        return GCS_PACKET_MALFORMED;
    return GCS_PACKET_GOOD;
}

/* Whether only the first bytes are damaged: with the right ones its checksum is right. */
static bool is_damaged_ours(const uint8_t *data, size_t size, uint64_t cluster)
{
    uint8_t first[CHECKSUM_OFFSET];
    memcpy(first, data, sizeof(first));
    memcpy(first, magic, sizeof(magic));
    return checksum_after(first, data, size, cluster) == gcs_load_le(data + CHECKSUM_OFFSET, 8);
}

enum gcs_packet_fault gcs_packet_open(const uint8_t *data, size_t size, uint64_t cluster,
                                      struct gcs_packet *packet)
{
    if (size < GCS_PACKET_HEADER)
        return GCS_PACKET_SHORT;
    if (memcmp(data, magic, sizeof(magic)) != 0)
        return is_damaged_ours(data, size, cluster) ? GCS_PACKET_CORRUPT : GCS_PACKET_VERSION;
    if (checksum(data, size, cluster) != gcs_load_le(data + CHECKSUM_OFFSET, 8))
        return GCS_PACKET_CORRUPT;
    struct gcs_reader r = gcs_reader_over(data, size);
    return read_header(&r, size, packet);
}

bool gcs_frame_next(struct gcs_reader *r, struct gcs_frame *frame)
{
    if (gcs_reader_left(r) == 0)
        return false;
    frame->type = gcs_read_u8(r);
    gcs_read_u8(r);
    frame->size = gcs_read_u16(r);
    frame->body = gcs_read_bytes(r, frame->size);
    return !r->bad;
}

uint8_t *gcs_frame_begin(struct gcs_writer *w, enum gcs_frame_type type)
{
    uint8_t *begin = gcs_write_room(w, GCS_FRAME_HEADER);
    if (!begin) {
        w->bad = false;
        return NULL;
    }
    begin[0] = (uint8_t)type;
    begin[1] = 0;
    return begin;
}

bool gcs_frame_end(struct gcs_writer *w, uint8_t *begin)
{
    size_t body = (size_t)(w->at - begin) - GCS_FRAME_HEADER;
    if (w->bad || body > UINT16_MAX) {
        w->at = begin;
        w->bad = false;
        return false;
    }
    gcs_store_le(begin + 2, body, 2);
    return true;
}

bool gcs_fragment_read(const uint8_t *payload, size_t size, struct gcs_fragment *fragment)
{
    if (size < GCS_FRAGMENT_HEADER)
        return false;
    fragment->total = (uint32_t)gcs_load_le(payload, 4);
    fragment->offset = (uint32_t)gcs_load_le(payload + 4, 4);
    fragment->data = payload + GCS_FRAGMENT_HEADER;
    fragment->size = size - GCS_FRAGMENT_HEADER;
    return (fragment->size > 0 || fragment->offset == 0) && fragment->offset < fragment->total &&
           fragment->size <= fragment->total - fragment->offset;
}

/* The message at *at, which moves behind it. False: none that ends before end. */
static inline bool next_message(const uint8_t **at, const uint8_t *end, const uint8_t **data,
                                size_t *size)
{
    if (*at < end && **at < 0x80) { /* nearly always: one byte of size */
        *size = *(*at)++;
    } else {
        struct gcs_reader r = gcs_reader_over(*at, (size_t)(end - *at));
        uint64_t long_size = gcs_read_varint(&r);
        if (r.bad || long_size > SIZE_MAX)
            return false;
        *size = (size_t)long_size;
        *at = r.at;
    }
    if (*size > (size_t)(end - *at))
        return false;
    *data = *at;
    *at += *size;
    return true;
}

int64_t gcs_payload_count(const uint8_t *payload, size_t size)
{
    const uint8_t *at = payload, *end = payload + size, *data;
    int64_t count = 0;
    size_t message;
    while (at < end) {
        if (!next_message(&at, end, &data, &message))
            return -1;
        count++;
    }
    return count;
}

bool gcs_payload_next(const uint8_t *payload, size_t size, size_t *offset, const uint8_t **data,
                      size_t *message_size)
{
    const uint8_t *at = payload + *offset;
    if (!next_message(&at, payload + size, data, message_size))
        return false;
    *offset = (size_t)(at - payload);
    return true;
}
