/* SPDX-License-Identifier: BSD-3-Clause */
/* gcs-sim --flow: the table of flow and congestion control. */
#ifndef GCS_SIM_FLOW_H
#define GCS_SIM_FLOW_H

#include <stdbool.h>
#include <stdint.h>

/* The exit status: 0 all bounds hold, 1 one is missed. */
int flow_show(uint64_t seed, bool json);

#endif
