/* SPDX-License-Identifier: BSD-3-Clause */
/* gcs-sim --scale: the table of what one member's work is in groups of several sizes. */
#ifndef GCS_SIM_SCALE_H
#define GCS_SIM_SCALE_H

#include <stdbool.h>
#include <stdint.h>

/* The smallest group of the table and the largest one. */
#define SCALE_MEMBERS_LEAST 8
#define SCALE_MEMBERS_MOST  1000

struct scale_arguments {
    uint64_t seed;
    unsigned members; /* no larger groups than this; at least SCALE_MEMBERS_LEAST */
    unsigned region_size;
    unsigned packets;
    bool json;
};

/* The exit status: 0 all bounds hold, 1 one is missed. */
int scale_table(const struct scale_arguments *arguments);

#endif
