/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of total orders. */
#include "gcs/order/order.h"

const struct gcs_order_ops *gcs_order_find(unsigned order)
{
    switch (order) {
    case GCS_ORDER_SEQUENCER:
        return &gcs_order_sequencer;
    case GCS_ORDER_LAMPORT:
        return &gcs_order_lamport;
    default:
        return NULL;
    }
}
