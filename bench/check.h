/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What makes a figure trustworthy: each message that is delivered is looked at.
 *
 * A message begins, and from 24 bytes on also ends, with its stamp: who sent it
 * (the upper 16 bits) and the how-manieth of that sender it is. Per sender
 * the stamps must follow each other without a gap; so nothing is lost, doubled,
 * out of its sender's order, or put together from wrong pieces.
 *
 * The order among senders is condensed into a digest over the longest runs of one
 * sender. It does not depend on how deliveries are grouped into events, and is
 * the same at two members exactly (but for a chance of 2^-64) if they delivered the same
 * messages in the same order. A second digest starts anew with each view: it
 * also tells whether a member that came with that view delivered what the others did.
 */
#ifndef GCS_BENCH_CHECK_H
#define GCS_BENCH_CHECK_H

#include "options.h"

#include <gcs/gcs.h>
#include <string.h>

#define BENCH_STAMP_BYTES 8  /* shortest message */
#define BENCH_TIMED_BYTES 16 /* behind the stamp: when it was to be sent */
#define BENCH_TAIL_BYTES  24 /* from here on the stamp is also at the end */

struct bench_check {
    uint32_t size;                    /* bytes of each message */
    uint64_t messages, bytes;         /* delivered */
    uint64_t next[BENCH_MEMBERS_MAX]; /* number of each sender's next message; 0: any */
    unsigned run_sender;              /* the run that may still become longer */
    uint64_t run_first, run_count;
    uint64_t digest, view_digest; /* over the runs before that one */
};

static inline uint64_t bench_stamp(unsigned sender, uint64_t number)
{
    return (uint64_t)sender << 48 | number;
}

static inline uint64_t bench_load64(const void *bytes)
{
    uint64_t value;

    memcpy(&value, bytes, sizeof(value));
    return value;
}

/* late: the first message of a sender may have any number. */
void bench_check_init(struct bench_check *check, uint32_t size, bool late);

/* Looks at the messages of a delivery; false: error says what is wrong with them. */
bool bench_check_deliver(struct bench_check *check, unsigned sender, const struct gcs_event *event,
                         char *error, size_t error_size);

/* A view was installed here. */
void bench_check_view(struct bench_check *check);

/* Nothing more is delivered: the digests are complete. */
void bench_check_end(struct bench_check *check);

#endif
