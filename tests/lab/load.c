/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A message begins with a seed of 8 bytes, from which the rest follows, so
 * that whoever gets it can tell whether it is whole. Shorter ones count down.
 */
#include "tests/lab/load.h"

#include "tests/checkers/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- Contents ----------------------------------------------------------------------- */

static uint64_t next_word(uint64_t *state)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return *state ^ *state >> 29;
}

static void fill(uint8_t *data, size_t size, uint64_t seed)
{
    size_t at = 0;

    if (size < sizeof(seed)) {
        for (; at < size; at++)
            data[at] = (uint8_t)(size - at);
        return;
    }
    memcpy(data, &seed, sizeof(seed));
    for (at = sizeof(seed); at < size; at += sizeof(seed)) {
        uint64_t word = next_word(&seed);

        memcpy(data + at, &word, size - at < sizeof(word) ? size - at : sizeof(word));
    }
}

bool lab_load_is_whole(const void *bytes, size_t size)
{
    const uint8_t *data = bytes;
    uint64_t seed;

    if (size < sizeof(seed)) {
        for (size_t at = 0; at < size; at++) {
            if (data[at] != (uint8_t)(size - at))
                return false;
        }
        return true;
    }
    memcpy(&seed, data, sizeof(seed));
    for (size_t at = sizeof(seed); at < size; at += sizeof(seed)) {
        uint64_t word = next_word(&seed);

        if (memcmp(data + at, &word, size - at < sizeof(word) ? size - at : sizeof(word)) != 0)
            return false;
    }
    return true;
}

static size_t draw_size(struct gcs_prng *prng)
{
    uint64_t dice = gcs_prng_below(prng, 10000);

    if (dice < 7000)
        return gcs_prng_below(prng, 200);
    if (dice < 9400)
        return gcs_prng_between(prng, 200, 2000);
    if (dice < 9950)
        return gcs_prng_between(prng, 2000, 20000);
    if (dice < 9998)
        return gcs_prng_between(prng, 20000, 200000);
    return gcs_prng_between(prng, 200000, LAB_MESSAGE_MAX);
}

static enum gcs_service draw_service(struct gcs_prng *prng, enum lab_service service)
{
    static const enum gcs_service services[] = {GCS_UNORDERED, GCS_FIFO, GCS_CAUSAL, GCS_AGREED,
                                                GCS_SAFE};

    return services[service == LAB_MIXED ? gcs_prng_below(prng, LAB_MIXED) : (uint64_t)service];
}

/* ---- Phases ------------------------------------------------------------------------- */

static void begin_phase(struct lab_load *load, uint64_t now)
{
    uint64_t ms = gcs_prng_between(&load->prng, 50, 800);
    uint64_t interval = LAB_NS_PER_S / load->rate;

    load->phase_ends = now + ms * LAB_NS_PER_MS;
    load->left = UINT32_MAX;
    load->due = now;
    switch (gcs_prng_below(&load->prng, 8)) {
    case 0: /* silence */
        load->left = 0;
        break;
    case 1: /* a flood, as long as there is room */
        load->interval_ns = 0;
        load->left = (unsigned)(load->rate * ms / 400) + 1;
        break;
    case 2:
    case 3: /* a trickle */
        load->interval_ns = interval * 10;
        break;
    default:
        load->interval_ns = interval;
        break;
    }
    if (load->left == 0)
        load->due = UINT64_MAX;
}

void lab_load_init(struct lab_load *load, uint64_t seed, unsigned rate, enum lab_service service)
{
    memset(load, 0, sizeof(*load));
    gcs_prng_init(&load->prng, seed);
    load->rate = rate;
    load->service = service;
    load->buffer = memory_new(LAB_MESSAGE_MAX, 1);
}

void lab_load_fini(struct lab_load *load)
{
    free(load->buffer);
}

bool lab_load_due(struct lab_load *load, uint64_t now)
{
    if (load->ready)
        return true;
    if (now >= load->phase_ends)
        begin_phase(load, now);
    if (now < load->due)
        return false;
    load->size = draw_size(&load->prng);
    load->chosen = draw_service(&load->prng, load->service);
    fill(load->buffer, load->size, gcs_prng_next(&load->prng));
    load->ready = true;
    return true;
}

void lab_load_gone(struct lab_load *load, uint64_t now)
{
    load->ready = false;
    load->due += load->interval_ns;
    if (load->due < now && load->interval_ns > 0) /* it waited for room: no need to catch up */
        load->due = now;
    if (--load->left == 0)
        load->due = UINT64_MAX;
}

uint64_t lab_load_deadline(const struct lab_load *load)
{
    if (load->ready)
        return 0;
    return load->due < load->phase_ends ? load->due : load->phase_ends;
}
