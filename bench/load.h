/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a member sends, and when:
 *
 *   flat out   as much as the library takes
 *   by rate    open loop: message n is due at a time that depends on n only; if it
 *              goes out late its latency counts from then (no coordinated omission).
 *              Before the time that counts nobody catches up: what is late then is
 *              put off, and those behind it with it. Else a member whose memory is new
 *              would begin that time with a debt, and the figure would be how
 *              fast that is paid
 *   in turn    one message at a time: the next when one's own was delivered
 *   not at all
 */
#ifndef GCS_BENCH_LOAD_H
#define GCS_BENCH_LOAD_H

#include "check.h"

enum bench_pace { BENCH_FLAT_OUT, BENCH_BY_RATE, BENCH_IN_TURN, BENCH_SILENT };

struct bench_load {
    struct gcs_group *group;
    enum gcs_service service;
    enum bench_pace pace;
    unsigned sender;
    uint32_t size;
    uint8_t *message;
    uint64_t sent;    /* messages that the library took */
    uint64_t start;   /* by rate: when the first message is due, but for what was put off */
    uint64_t begin;   /* by rate: of the time that counts */
    double interval;  /* by rate: nanoseconds between messages */
    uint64_t rest;    /* by rate: until then what is due may wait for more */
    bool blocked;     /* until GCS_EVENT_WRITABLE */
    bool outstanding; /* in turn: until one's own message is delivered */
};

/* False: no memory. */
bool bench_load_init(struct bench_load *load, const struct bench_options *options,
                     enum bench_pace pace, unsigned sender, struct gcs_group *group, uint64_t start,
                     uint64_t begin);
void bench_load_fini(struct bench_load *load);

/* By rate: messages that were due before end and are not sent. */
uint64_t bench_load_unsent(const struct bench_load *load, uint64_t end);

/* When there is something to send; GCS_NEVER: something else has to happen first. */
uint64_t bench_load_due(const struct bench_load *load);

/* Sends what is due, a batch at most. 0, or what gcs_multicast says but for GCS_EAGAIN. */
int bench_load_send(struct bench_load *load, uint64_t now);

#endif
