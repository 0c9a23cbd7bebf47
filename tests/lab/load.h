/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The messages of one member: when they are due, what they hold, and whether
 * one that was delivered is whole. Sizes go from nothing to more than a
 * window holds; phases of silence, trickle, flow and flood take turns.
 */
#ifndef TESTS_LAB_LOAD_H
#define TESTS_LAB_LOAD_H

#include "gcs/base/prng.h"
#include "tests/lab/lab.h"

#include <gcs/types.h>
#include <stddef.h>

#define LAB_MESSAGE_MAX (3u << 19) /* 1.5 MiB */

struct lab_load {
    struct gcs_prng prng;
    enum lab_service service;
    unsigned rate;        /* messages per second, in the long run */
    uint64_t phase_ends;  /* ns */
    uint64_t interval_ns; /* between messages in this phase; 0: as fast as possible */
    unsigned left;        /* messages of this phase */
    uint64_t due;         /* the next message; UINT64_MAX: none in this phase */
    uint8_t *buffer;
    size_t size; /* of the message in buffer */
    enum gcs_service chosen;
    bool ready; /* there is a message in buffer that has not gone */
};

void lab_load_init(struct lab_load *load, uint64_t seed, unsigned rate, enum lab_service service);
void lab_load_fini(struct lab_load *load);

/* Whether a message is due at now; then it is in buffer, until lab_load_gone. */
bool lab_load_due(struct lab_load *load, uint64_t now);
void lab_load_gone(struct lab_load *load, uint64_t now);

/* When to ask again. */
uint64_t lab_load_deadline(const struct lab_load *load);

/* Whether these bytes are a message as lab_load_due makes them. */
bool lab_load_is_whole(const void *data, size_t size);

#endif
