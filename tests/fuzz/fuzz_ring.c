/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a peer has written into a ring of ours, of any bytes at any place: the first byte says how
 * many runs it tells of, six bytes each say where and how long; the rest is the ring's memory.
 */
#include "transport/ring.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct gcs_ring_shape shape = {4, 4096};
    struct gcs_ring_in *in = gcs_ring_in_new(&shape, 0);
    struct gcs_ring_preface preface;
    struct gcs_ring_run run;
    const uint8_t *packet;
    size_t runs = size > 0 ? data[0] % 8 : 0, bytes;
    uint8_t sum = 0;

    if (!in || size < 1 + runs * 6) {
        gcs_ring_in_release(in);
        return 0;
    }
    const uint8_t *told = data + 1;
    size_t left = size - 1 - runs * 6;
    memset(gcs_ring_in_memory(in), 0, gcs_ring_bytes(&shape));
    memcpy(gcs_ring_in_memory(in), told + runs * 6,
           left < gcs_ring_bytes(&shape) ? left : gcs_ring_bytes(&shape));
    for (; runs > 0; runs--, told += 6) {
        uint32_t position = gcs_ring_position(told[0], (uint32_t)(told[1] | told[2] << 8) * 8);
        uint32_t length = (uint32_t)(told[3] | told[4] << 8) + told[5];
        if (!gcs_ring_in_open(in, position, length, &run, &preface))
            break;
        while (gcs_ring_in_next(in, &run, &packet, &bytes) == 1)
            for (size_t i = 0; i < bytes; i++)
                sum ^= packet[i];
    }
    gcs_ring_in_release(in);
    return sum == 1 ? 0 : 0;
}
