/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How many of a sender's packets get lost on their way here: of each so many that
 * came, those that came only after they had been asked for. Smoothed, so that a
 * single burst does not make a lossy path of a good one.
 */
#ifndef GCS_RELIABLE_LOSS_H
#define GCS_RELIABLE_LOSS_H

#include <stdbool.h>
#include <stdint.h>

#define GCS_LOSS_SAMPLE  256u /* packets; a power of two */
#define GCS_LOSS_MILLION 1000000u

struct gcs_loss {
    uint32_t packets; /* of the sample that is being taken */
    uint32_t lost;
    uint32_t ppm; /* smoothed, parts in a million */
};

/* A packet has come for the first time; repaired: it had been asked for. */
static inline void gcs_loss_count(struct gcs_loss *loss, bool repaired)
{
    loss->lost += repaired;
    if (++loss->packets < GCS_LOSS_SAMPLE)
        return;
    uint32_t sample = (uint32_t)((uint64_t)loss->lost * GCS_LOSS_MILLION / GCS_LOSS_SAMPLE);
    loss->ppm = loss->ppm - loss->ppm / 4 + sample / 4;
    loss->packets = loss->lost = 0;
}

#endif
