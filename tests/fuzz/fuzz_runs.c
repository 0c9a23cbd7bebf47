/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The RUNS frame, and the sequencer's order fed with any packets and any runs.
 * What can be read is written again and must be the same bytes; slots come one
 * after the other, a sender's packets in order, and nothing that has not arrived.
 *
 * Input: steps. A byte chooses sender and kind; packets with runs are followed by
 * the size of the body and the body.
 */
#include "gcs/base/memory.h"
#include "gcs/order/order.h"
#include "gcs/wire/runs.h"
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
    static uint8_t again[UINT16_MAX];
    struct gcs_reader r = gcs_reader_over(body, size);
    struct gcs_writer w = gcs_writer_over(again, sizeof(again));
    struct gcs_run run;
    uint64_t first, runs;
    if (!gcs_runs_read(&r, &first, &runs))
        return;
    assert(first > 0 && runs <= size);
    gcs_runs_begin(&w, first, runs);
    for (uint64_t i = 0; i < runs; i++) {
        if (!gcs_runs_next(&r, MEMBERS, &run))
            return;
        assert(run.rank < MEMBERS && run.count > 0);
        gcs_runs_add(&w, run.rank, run.count);
    }
    assert(gcs_writer_size(&w) == (size_t)(r.at - body));
    assert(memcmp(again, body, gcs_writer_size(&w)) == 0);
}

struct world {
    struct gcs_order_engine *engine;
    uint64_t arrived[MEMBERS], came[MEMBERS], position;
    bool finished;
};

static void deliver(struct world *world)
{
    struct gcs_order_next next;
    while (world->engine->ops->peek(world->engine, &next)) {
        assert(next.rank < MEMBERS && next.number <= world->arrived[next.rank]);
        assert(next.number > world->came[next.rank]);
        assert(world->finished || next.position == world->position + 1);
        world->position = next.position;
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
        (void)ops->read_ack(world->engine, rank, NULL, r);
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
    static const bool survives[MEMBERS] = {false, true, true, false};
    static struct voters voters;
    struct gcs_order_config config = {.allocator = &allocator,
                                      .view = voters_init(&voters, MEMBERS, 1)};
    struct gcs_reader r = gcs_reader_over(data, size);
    struct world world = {.engine = gcs_order_sequencer.open(&config)};
    if (!world.engine)
        return 0;
    while (gcs_reader_left(&r) > 0)
        step(&world, &r);
    world.finished = true;
    world.engine->ops->freeze(world.engine);
    world.engine->ops->finish(world.engine, world.arrived, survives);
    deliver(&world);
    for (uint16_t rank = 0; rank < MEMBERS; rank++)
        assert(!survives[rank] || world.came[rank] == world.arrived[rank]);
    world.engine->ops->close(world.engine);
    assert(live == 0);
    return 0;
}
