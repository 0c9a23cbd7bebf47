/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For the table of an order that has nothing to say: no information in packets, no
 * acknowledgement, nothing that makes a packet safe but having arrived. Each order takes from
 * here what it does not do.
 */
#ifndef GCS_ORDER_SILENT_H
#define GCS_ORDER_SILENT_H

#include "gcs/order/order.h"

bool gcs_order_never(const struct gcs_order_engine *engine); /* pending, crowded, owes_ack */
void gcs_order_announce_nothing(struct gcs_order_engine *engine, uint64_t number, bool member,
                                struct gcs_writer *w);
void gcs_order_write_no_ack(struct gcs_order_engine *engine, struct gcs_writer *w);
bool gcs_order_read_no_ack(struct gcs_order_engine *engine, uint16_t rank, const uint64_t *held,
                           struct gcs_reader *r);
uint64_t gcs_order_know_nothing(const struct gcs_order_engine *engine);
bool gcs_order_safe_at_once(const struct gcs_order_engine *engine, uint64_t position);
void gcs_order_freeze_nothing(struct gcs_order_engine *engine);
void gcs_order_finish_nothing(struct gcs_order_engine *engine, const uint64_t *cut,
                              const bool *survives);

#endif
