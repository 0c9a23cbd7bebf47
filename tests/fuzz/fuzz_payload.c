/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Payloads: what packs messages and what cuts them, read by what takes them apart
 * again; and pieces of any kind given to the assembly. The first byte chooses
 * which, the rest is steps: sizes of messages, or fragments.
 */
#include "gcs/assembly.h"
#include "gcs/packer.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MESSAGE_MAX 20000u
#define MESSAGES    256u

static uint64_t live;
static uint8_t text[MESSAGE_MAX];

static void *take(void *ctx, size_t size)
{
    (void)ctx;
    live++;
    return malloc(size);
}

static void give(void *ctx, void *memory)
{
    (void)ctx;
    live -= memory != NULL;
    free(memory);
}

static const struct gcs_allocator allocator = {NULL, take, give};

/* ---- Messages in, messages out ------------------------------------------------------------ */

struct trip {
    struct gcs_pool pool;
    struct gcs_packer packer;
    struct gcs_assembly assembly;
    uint32_t sizes[MESSAGES];
    uint8_t services[MESSAGES];
    unsigned in, out;
};

static void check_message(struct trip *trip, const uint8_t *data, size_t size, uint8_t service)
{
    assert(trip->out < trip->in && size == trip->sizes[trip->out]);
    assert(service == trip->services[trip->out]);
    assert(size == 0 || memcmp(data, text, size) == 0);
    trip->out++;
}

static void check_payload(struct trip *trip, const uint8_t *payload, size_t size, uint8_t service)
{
    const uint8_t *data;
    size_t offset = 0, length;
    while (gcs_payload_next(payload, size, &offset, &data, &length))
        check_message(trip, data, length, service);
    assert(offset == size);
}

static void take_packet(struct trip *trip)
{
    struct gcs_packing packing;
    struct gcs_fragment fragment;
    struct gcs_buffer *whole;
    size_t size;
    if (gcs_packer_take(&trip->packer, &packing) != 0)
        return;
    const uint8_t *payload = packing.buffer->data + trip->packer.headroom;
    assert(packing.size <= trip->packer.payload_max && packing.first == trip->out + 1u);
    if (packing.flags & GCS_PACKET_FRAGMENT) {
        assert(gcs_fragment_read(payload, packing.size, &fragment));
        int result =
            gcs_assembly_add(&trip->assembly, &trip->pool, &fragment, MESSAGE_MAX, &whole, &size);
        assert(result == (int)packing.count);
        if (result == 1) {
            check_payload(trip, whole->data, size, packing.service);
            gcs_buffer_unref(whole);
        }
    } else {
        assert(gcs_payload_count(payload, packing.size) == packing.count);
        check_payload(trip, payload, packing.size, packing.service);
    }
    gcs_buffer_unref(packing.buffer);
}

static void round_trip(struct gcs_reader *r)
{
    struct gcs_counters counters = {0};
    struct trip trip = {.in = 0};
    gcs_pool_init(&trip.pool, &allocator, 4096, &counters);
    gcs_packer_init(&trip.packer, &trip.pool, 512 + gcs_read_u16(r) % 10000u);
    while (gcs_reader_left(r) > 0 && trip.in < MESSAGES) {
        uint8_t op = gcs_read_u8(r);
        uint32_t size = op & 0x80 ? gcs_read_u16(r) % MESSAGE_MAX : gcs_read_u8(r);
        trip.sizes[trip.in] = size;
        trip.services[trip.in] = op & 3;
        if (gcs_packer_add(&trip.packer, op & 3, text, size) == 0)
            trip.in++;
        for (unsigned takes = op >> 2 & 7; takes > 0; takes--)
            take_packet(&trip);
        if (op & 0x20) { /* a view change: what was begun begins again */
            gcs_packer_rewind(&trip.packer);
            gcs_assembly_fini(&trip.assembly);
        }
    }
    while (!gcs_packer_empty(&trip.packer))
        take_packet(&trip);
    assert(trip.out == trip.in);
    gcs_assembly_fini(&trip.assembly);
    gcs_packer_fini(&trip.packer);
    gcs_pool_fini(&trip.pool);
}

/* ---- Any payload, any fragments -------------------------------------------------------------- */

static void any_payload(struct gcs_reader *r)
{
    size_t size = gcs_reader_left(r), offset = 0, length;
    const uint8_t *payload = gcs_read_bytes(r, size), *data;
    int64_t count = gcs_payload_count(payload, size);
    assert(count >= -1 && count <= (int64_t)size);
    while (count >= 0 && gcs_payload_next(payload, size, &offset, &data, &length)) {
        assert(data >= payload && length <= size - (size_t)(data - payload));
        count--;
    }
    assert(count == -1 || count == 0);
}

static void any_fragments(struct gcs_reader *r)
{
    struct gcs_counters counters = {0};
    struct gcs_assembly assembly = {.buffer = NULL};
    struct gcs_pool pool;
    gcs_pool_init(&pool, &allocator, 4096, &counters);
    while (gcs_reader_left(r) > 0) {
        struct gcs_fragment fragment;
        struct gcs_buffer *whole;
        size_t whole_size;
        size_t size = gcs_read_u8(r);
        const uint8_t *payload = gcs_read_bytes(r, size);
        if (!payload || !gcs_fragment_read(payload, size, &fragment))
            continue;
        if (gcs_assembly_add(&assembly, &pool, &fragment, MESSAGE_MAX, &whole, &whole_size) != 1)
            continue;
        assert(gcs_payload_count(whole->data, whole_size) == 1);
        gcs_buffer_unref(whole);
    }
    gcs_assembly_fini(&assembly);
    gcs_pool_fini(&pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const kinds[])(struct gcs_reader *) = {round_trip, any_payload, any_fragments};
    struct gcs_reader r = gcs_reader_over(data, size);
    for (size_t i = 0; text[1] == 0 && i < sizeof(text); i++)
        text[i] = (uint8_t)(i ^ i >> 8);
    if (size > 0)
        kinds[gcs_read_u8(&r) % 3](&r);
    assert(live == 0);
    return 0;
}
