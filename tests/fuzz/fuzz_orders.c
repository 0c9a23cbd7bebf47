/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The STAMP and VECTOR frames, and the orders that read them, fed with any packets and
 * any frames: a sender's packets come in order and once, nothing comes that has not
 * arrived, and no memory is left.
 *
 * Input: a byte chooses the order; then steps. A byte chooses sender and kind; packets with a
 * frame are followed by the size of its body and the body; acknowledgements by four numbers.
 */
#include "gcs/order/order.h"
#include "gcs/wire/stamp.h"
#include "gcs/wire/vector.h"
#include "tests/unit/voters.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MEMBERS 4

static uint64_t live;

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

static void read_and_write(const uint8_t *body, size_t size)
{
    uint8_t again[64];
    struct gcs_writer w = gcs_writer_over(again, sizeof(again));
    struct gcs_stamp stamp;
    struct gcs_vector_change change;
    struct gcs_reader r = gcs_reader_over(body, size);
    if (gcs_stamp_read(body, size, MEMBERS, &stamp)) {
        gcs_stamp_write(&w, &stamp);
        assert(gcs_writer_size(&w) == GCS_FRAME_HEADER + size);
        assert(memcmp(again + GCS_FRAME_HEADER, body, size) == 0);
    }
    if (gcs_vector_next(&r, &change)) {
        w = gcs_writer_over(again, sizeof(again));
        gcs_vector_write(&w, &change);
        assert(memcmp(again, body, gcs_writer_size(&w)) == 0);
    }
}

struct world {
    struct gcs_order_engine *engine;
    uint64_t arrived[MEMBERS], came[MEMBERS];
};

static void deliver(struct world *world)
{
    struct gcs_order_next next;
    while (world->engine->ops->peek(world->engine, &next)) {
        assert(next.rank < MEMBERS && next.number <= world->arrived[next.rank]);
        assert(next.number > world->came[next.rank]);
        world->came[next.rank] = next.number;
        (void)world->engine->ops->safe(world->engine, next.position);
        world->engine->ops->pop(world->engine);
    }
}

static void step(struct world *world, struct gcs_reader *r)
{
    const struct gcs_order_ops *ops = world->engine->ops;
    uint8_t op = gcs_read_u8(r);
    uint16_t rank = op % MEMBERS;
    const uint8_t *body = NULL;
    uint16_t size = 0;
    if (op & 0x40) {
        uint64_t held[MEMBERS];
        for (int i = 0; i < MEMBERS; i++)
            held[i] = gcs_read_varint(r);
        (void)ops->read_ack(world->engine, rank, held, r);
        (void)ops->pending(world->engine);
        return;
    }
    if (op & 0x20) {
        size = gcs_read_u8(r);
        body = gcs_read_bytes(r, size);
        if (!body)
            return;
        read_and_write(body, size);
    }
    int result = ops->arrive(world->engine, rank, ++world->arrived[rank], op & 0x10, body, size);
    assert(result == 0 || result == GCS_EMALFORMED);
    if (op & 0x80)
        deliver(world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct gcs_order_ops *const orders[] = {&gcs_order_lamport, &gcs_order_causal};
    static const bool survives[MEMBERS] = {false, true, true, false};
    static struct voters voters;
    struct gcs_order_config config = {
        .allocator = &allocator, .view = voters_init(&voters, MEMBERS, 1), .room = 128};
    struct gcs_reader r = gcs_reader_over(data, size);
    struct world world = {.engine = orders[gcs_read_u8(&r) % 2]->open(&config)};
    if (!world.engine)
        return 0;
    while (gcs_reader_left(&r) > 0)
        step(&world, &r);
    world.engine->ops->freeze(world.engine);
    world.engine->ops->finish(world.engine, world.arrived, survives);
    deliver(&world);
    world.engine->ops->close(world.engine);
    assert(live == 0);
    return 0;
}
