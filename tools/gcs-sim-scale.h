/* SPDX-License-Identifier: BSD-3-Clause */
/* gcs-sim --scale: the table of what one member's work is in groups of several sizes. */
#ifndef GCS_SIM_SCALE_H
#define GCS_SIM_SCALE_H

#include <stdbool.h>
#include <stdint.h>

struct scale_arguments {
    uint64_t seed;
    unsigned members; /* the largest group; 0: all sizes */
    unsigned region_size;
    unsigned packets;
    bool json;
};

/* The exit status: 0 all bounds hold, 1 one is missed. */
int scale_table(const struct scale_arguments *arguments);

#endif
