/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * FIFO: each sender's packets in the order of their numbers, as soon as they are
 * contiguous; senders do not wait for each other. In the closing order packets
 * of dead senders are delivered as far as the cut goes: every member holds them.
 */
#include "gcs/order/silent.h"

#include "gcs/base/memory.h"
#include "gcs/base/mutant.h"

struct fifo {
    struct gcs_order_engine engine;
    const struct gcs_allocator *allocator;
    uint16_t members;
    uint16_t at; /* the rank that peek looks at first; serves all in turn */
    uint64_t *arrived;
    uint64_t *passed;
};

static struct fifo *fifo_of(struct gcs_order_engine *engine)
{
    return (struct fifo *)engine;
}

static struct gcs_order_engine *fifo_open(const struct gcs_order_config *config)
{
    struct fifo *fifo = gcs_allocate(config->allocator, 1, sizeof(*fifo));
    if (!fifo)
        return NULL;
    fifo->arrived =
        gcs_allocate(config->allocator, 2 * (size_t)config->view->count, sizeof(uint64_t));
    if (!fifo->arrived) {
        gcs_release(config->allocator, fifo);
        return NULL;
    }
    fifo->engine.ops = &gcs_order_fifo;
    fifo->allocator = config->allocator;
    fifo->members = config->view->count;
    fifo->passed = fifo->arrived + config->view->count;
    return &fifo->engine;
}

static void fifo_close(struct gcs_order_engine *engine)
{
    struct fifo *fifo = fifo_of(engine);
    gcs_release(fifo->allocator, fifo->arrived);
    gcs_release(fifo->allocator, fifo);
}

static int fifo_arrive(struct gcs_order_engine *engine, uint16_t rank, uint64_t number, bool member,
                       const uint8_t *info, size_t size)
{
    struct fifo *fifo = fifo_of(engine);
    (void)info;
    (void)size;
    if (!member && fifo->passed[rank] == fifo->arrived[rank])
        fifo->passed[rank] = number;
    fifo->arrived[rank] = number;
    return 0;
}

static bool fifo_peek(const struct gcs_order_engine *engine, struct gcs_order_next *next)
{
    const struct fifo *fifo = (const struct fifo *)engine;
    for (uint16_t i = 0; i < fifo->members; i++) {
        uint16_t rank = (uint16_t)((fifo->at + i) % fifo->members);
        if (GCS_MUTANT(reorder_fifo) && fifo->passed[rank] % 2 == 0 &&
            fifo->passed[rank] + 2 <= fifo->arrived[rank]) {
            *next = (struct gcs_order_next){rank, fifo->passed[rank] + 2, 0};
            return true;
        }
        if (fifo->passed[rank] < fifo->arrived[rank]) {
            *next = (struct gcs_order_next){rank, fifo->passed[rank] + 1, 0};
            return true;
        }
    }
    return false;
}

static void fifo_pop(struct gcs_order_engine *engine)
{
    struct fifo *fifo = fifo_of(engine);
    struct gcs_order_next next;
    if (fifo_peek(engine, &next)) {
        fifo->passed[next.rank]++;
        fifo->at = next.rank;
    }
}

const struct gcs_order_ops gcs_order_fifo = {
    .name = "fifo",
    .open = fifo_open,
    .close = fifo_close,
    .arrive = fifo_arrive,
    .pending = gcs_order_never,
    .crowded = gcs_order_never,
    .announce = gcs_order_announce_nothing,
    .write_ack = gcs_order_write_no_ack,
    .read_ack = gcs_order_read_no_ack,
    .owes_ack = gcs_order_never,
    .peek = fifo_peek,
    .pop = fifo_pop,
    .known = gcs_order_know_nothing,
    .safe = gcs_order_safe_at_once,
    .freeze = gcs_order_freeze_nothing,
    .finish = gcs_order_finish_nothing,
};
