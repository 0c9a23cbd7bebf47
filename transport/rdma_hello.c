/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What both ends tell each other when they connect, in rdma_cm's private data, which has room for
 * 56 bytes: little-endian numbers.
 *
 *     u32 magic, u8 version, u8 flags (1: packets were lost), u16 port,
 *     u64 address of the ring, u32 its key, u32 bytes of a segment, u16 segments,
 *     u16 receives, u8 active MTU
 *
 * The IP address is that of the connection.
 */
#include "transport/rdma.h"

#include <string.h>

#define MAGIC     0x52534347u /* "GCSR" */
#define VERSION   2
#define FLAG_LOST 1

static void put(uint8_t **out, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        *(*out)++ = (uint8_t)(value >> (8 * i));
}

static uint64_t get(const uint8_t **in, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t) * (*in)++ << (8 * i);
    return value;
}

void gcs_rdma_hello_write(const struct gcs_rdma_hello *hello, uint8_t *out)
{
    memset(out, 0, GCS_RDMA_HELLO);
    put(&out, MAGIC, 4);
    put(&out, VERSION, 1);
    put(&out, hello->lost ? FLAG_LOST : 0, 1);
    put(&out, hello->port, 2);
    put(&out, hello->address, 8);
    put(&out, hello->key, 4);
    put(&out, hello->shape.segment_bytes, 4);
    put(&out, hello->shape.segments, 2);
    put(&out, hello->receives, 2);
    put(&out, hello->mtu, 1);
}

bool gcs_rdma_hello_read(struct gcs_rdma_hello *hello, const uint8_t *in, size_t size)
{
    if (!in || size < GCS_RDMA_HELLO || get(&in, 4) != MAGIC || get(&in, 1) != VERSION)
        return false;
    hello->lost = get(&in, 1) & FLAG_LOST;
    hello->port = (uint16_t)get(&in, 2);
    hello->address = get(&in, 8);
    hello->key = (uint32_t)get(&in, 4);
    hello->shape.segment_bytes = (uint32_t)get(&in, 4);
    hello->shape.segments = (uint32_t)get(&in, 2);
    hello->receives = (uint16_t)get(&in, 2);
    hello->mtu = (uint8_t)get(&in, 1);
    return hello->port != 0 && gcs_ring_shape_good(&hello->shape) && hello->receives >= 8 &&
           hello->mtu >= IBV_MTU_256 && hello->mtu <= IBV_MTU_4096;
}
