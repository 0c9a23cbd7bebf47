/* SPDX-License-Identifier: BSD-3-Clause */
/* Sending: see load.h. */
#include "load.h"

#include "clock.h"

#include <stdlib.h>

/* Bytes, and messages, that are handed over before the protocol has its turn. */
#define BATCH_BYTES    (256u << 10)
#define BATCH_MESSAGES 8192u

/* By rate: no sooner is it worth waking up again for what has become due. */
#define REST_NS (50 * BENCH_NS_PER_US)

/* By rate, before the time that counts: what is later than this is put off. Not less, or what waits
 * for more, or for a turn, would be lost to the rate. */
#define DEBT_NS BENCH_NS_PER_MS

bool bench_load_init(struct bench_load *load, const struct bench_options *options,
                     enum bench_pace pace, unsigned sender, struct gcs_group *group, uint64_t start,
                     uint64_t begin)
{
    unsigned first = options->members - options->joiners - options->listeners - options->senders;

    *load = (struct bench_load){
        .group = group,
        .service = options->service,
        .pace = pace,
        .sender = sender,
        .size = options->size,
        .message = malloc(options->size),
        .start = start,
        .begin = begin,
    };
    if (!load->message)
        return false;
    memset(load->message, 'g', options->size);
    if (pace == BENCH_BY_RATE) {
        load->interval = 1e9 * options->senders / options->rate;
        load->start += (uint64_t)(load->interval * (sender - first) / options->senders);
    }
    return true;
}

void bench_load_fini(struct bench_load *load)
{
    free(load->message);
    load->message = NULL;
}

static uint64_t due_by_rate(const struct bench_load *load)
{
    return load->start + (uint64_t)((double)load->sent * load->interval);
}

uint64_t bench_load_unsent(const struct bench_load *load, uint64_t end)
{
    uint64_t due = due_by_rate(load);
    uint64_t late = end > REST_NS ? end - REST_NS : 0; /* what is due later may wait for more */

    return load->pace == BENCH_BY_RATE && due < late
               ? (uint64_t)((double)(late - due - 1) / load->interval) + 1
               : 0;
}

uint64_t bench_load_due(const struct bench_load *load)
{
    if (load->blocked || load->outstanding || load->pace == BENCH_SILENT)
        return GCS_NEVER;
    if (load->pace != BENCH_BY_RATE)
        return load->start;
    uint64_t due = due_by_rate(load);
    return due > load->rest ? due : load->rest;
}

static void write_message(struct bench_load *load, uint64_t due)
{
    uint64_t stamp = bench_stamp(load->sender, load->sent + 1);

    memcpy(load->message, &stamp, sizeof(stamp));
    if (load->size >= BENCH_TIMED_BYTES)
        memcpy(load->message + sizeof(stamp), &due, sizeof(due));
    if (load->size >= BENCH_TAIL_BYTES)
        memcpy(load->message + load->size - sizeof(stamp), &stamp, sizeof(stamp));
}

/* Also of one that was held up across the beginning: its debt is from before. */
static void put_off(struct bench_load *load, uint64_t now)
{
    uint64_t least = (now < load->begin ? now : load->begin) - DEBT_NS;
    uint64_t due = due_by_rate(load);

    if (due < least)
        load->start += least - due;
}

int bench_load_send(struct bench_load *load, uint64_t now)
{
    uint32_t batch = BATCH_BYTES / load->size;
    uint64_t due;

    if (load->pace == BENCH_BY_RATE)
        put_off(load, now);
    batch = batch < 1 ? 1 : batch > BATCH_MESSAGES ? BATCH_MESSAGES : batch;
    for (uint32_t i = 0; i < batch; i++) {
        due = load->pace == BENCH_BY_RATE ? due_by_rate(load) : bench_load_due(load);
        if (due > now) {
            load->rest = now + REST_NS;
            break;
        }
        write_message(load, load->pace == BENCH_BY_RATE ? due : now);
        int result = gcs_multicast(load->group, load->service, load->message, load->size, 0);
        if (result == GCS_EAGAIN) {
            load->blocked = true;
            return 0;
        }
        if (result < 0)
            return result;
        load->sent++;
        load->outstanding = load->pace == BENCH_IN_TURN;
    }
    return 0;
}
