/* SPDX-License-Identifier: BSD-3-Clause */
/* Golden bytes of payloads: messages packed together, and the pieces of a large one. */
#include "gcs/assembly.h"
#include "gcs/packer.h"
#include "tests/golden/golden.h"

#include <gcs/types.h>

#include <stdlib.h>

static void *allocate(void *ctx, size_t size)
{
    (void)ctx;
    return malloc(size);
}

static void release(void *ctx, void *memory)
{
    (void)ctx;
    free(memory);
}

static const struct gcs_allocator allocator = {NULL, allocate, release};

static const uint8_t packed[] = {
    0x05, 'h',  'e',  'l', 'l', 'o', /* a message of 5 bytes */
    0x00,                            /* an empty one */
    0x02, 0x00, 0xff,
};

static void check_packed(struct gcs_pool *pool)
{
    struct gcs_packer packer;
    struct gcs_packing packing;
    const uint8_t *data;
    size_t offset = 0, size;
    gcs_packer_init(&packer, pool, 512);
    EXPECT(gcs_packer_add(&packer, GCS_AGREED, "hello", 5) == 0);
    EXPECT(gcs_packer_add(&packer, GCS_AGREED, NULL, 0) == 0);
    EXPECT(gcs_packer_add(&packer, GCS_AGREED, "\0\377", 2) == 0);
    EXPECT(gcs_packer_take(&packer, &packing) == 0);
    EXPECT_BYTES(packing.buffer->data + packer.headroom, packing.size, packed);
    EXPECT(packing.count == 3 && packing.first == 1 && packing.flags == 0);
    gcs_buffer_unref(packing.buffer);
    gcs_packer_fini(&packer);

    EXPECT(gcs_payload_count(packed, sizeof(packed)) == 3);
    EXPECT(gcs_payload_next(packed, sizeof(packed), &offset, &data, &size));
    EXPECT(size == 5 && memcmp(data, "hello", 5) == 0 && offset == 6);
    EXPECT(gcs_payload_next(packed, sizeof(packed), &offset, &data, &size));
    EXPECT(size == 0 && offset == 7);
    EXPECT(gcs_payload_next(packed, sizeof(packed), &offset, &data, &size));
    EXPECT(size == 2 && data[1] == 0xff);
    EXPECT(!gcs_payload_next(packed, sizeof(packed), &offset, &data, &size));
}

/* The last piece of a message of 633 bytes, cut for packets of 512 bytes. */
static const uint8_t piece[] = {
    0x79, 0x02, 0x00, 0x00, /* of 633 bytes */
    0x70, 0x02, 0x00, 0x00, /* from 624 on */
    0x70, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78,
};
static const uint8_t whole_begins[] = {0xf9, 0x04, 0x00, 0x01, 0x02}; /* 633, then the message */

static void check_cut(struct gcs_pool *pool)
{
    struct gcs_assembly assembly = {.buffer = NULL};
    struct gcs_packer packer;
    struct gcs_packing packing;
    struct gcs_fragment fragment;
    struct gcs_buffer *whole = NULL;
    uint8_t message[633];
    size_t size;
    for (size_t i = 0; i < sizeof(message); i++)
        message[i] = (uint8_t)i;
    gcs_packer_init(&packer, pool, 512);
    EXPECT(gcs_packer_add(&packer, GCS_SAFE, message, sizeof(message)) == 0);
    for (int i = 0; i < 3; i++) {
        EXPECT(gcs_packer_take(&packer, &packing) == 0);
        const uint8_t *payload = packing.buffer->data + packer.headroom;
        EXPECT(packing.flags == GCS_PACKET_FRAGMENT && packing.count == (i == 2));
        if (i == 2)
            EXPECT_BYTES(payload, packing.size, piece);
        EXPECT(gcs_fragment_read(payload, packing.size, &fragment));
        EXPECT(gcs_assembly_add(&assembly, pool, &fragment, 1000, &whole, &size) == (i == 2));
        gcs_buffer_unref(packing.buffer);
    }
    EXPECT(size == sizeof(message) + 2);
    EXPECT_BYTES(whole->data, sizeof(whole_begins), whole_begins);
    EXPECT(memcmp(whole->data + 2, message, sizeof(message)) == 0);
    gcs_buffer_unref(whole);
    gcs_packer_fini(&packer);
}

void golden_payloads(void)
{
    struct gcs_counters counters = {0};
    struct gcs_pool pool;
    gcs_pool_init(&pool, &allocator, 4096, &counters);
    check_packed(&pool);
    check_cut(&pool);
    gcs_pool_fini(&pool);
}
