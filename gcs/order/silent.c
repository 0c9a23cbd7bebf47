/* SPDX-License-Identifier: BSD-3-Clause */
/* What an order does that has nothing to say: see silent.h. */
#include "gcs/order/silent.h"

bool gcs_order_never(const struct gcs_order_engine *engine)
{
    (void)engine;
    return false;
}

void gcs_order_announce_nothing(struct gcs_order_engine *engine, uint64_t number, bool member,
                                struct gcs_writer *w)
{
    (void)engine;
    (void)number;
    (void)member;
    (void)w;
}

void gcs_order_write_no_ack(struct gcs_order_engine *engine, struct gcs_writer *w)
{
    (void)engine;
    (void)w;
}

bool gcs_order_read_no_ack(struct gcs_order_engine *engine, uint16_t rank, const uint64_t *held,
                           struct gcs_reader *r)
{
    (void)engine;
    (void)rank;
    (void)held;
    (void)r;
    return true;
}

uint64_t gcs_order_know_nothing(const struct gcs_order_engine *engine)
{
    (void)engine;
    return 0;
}

bool gcs_order_safe_at_once(const struct gcs_order_engine *engine, uint64_t position)
{
    (void)engine;
    (void)position;
    return true;
}

void gcs_order_freeze_nothing(struct gcs_order_engine *engine)
{
    (void)engine;
}

void gcs_order_finish_nothing(struct gcs_order_engine *engine, const uint64_t *cut,
                              const bool *survives)
{
    (void)engine;
    (void)cut;
    (void)survives;
}
