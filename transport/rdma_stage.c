/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stage: registered memory that packets leave from. A packet is copied here once, as a record,
 * and all of its receivers' devices read it from here. Segments are filled one after the other and
 * used again, in any order, when no run in them can still be read: a peer that is slow to take its
 * runs holds the segments that these lie in, and no others.
 */
#include "transport/rdma.h"

#include <stdlib.h>

int gcs_rdma_stage_open(struct gcs_rdma *rdma, const struct gcs_report *report)
{
    struct gcs_rdma_stage *stage = &rdma->stage;
    size_t bytes = gcs_ring_bytes(&rdma->config.stage);

    stage->segments = rdma->config.stage.segments;
    stage->segment_bytes = rdma->config.stage.segment_bytes;
    stage->memory = aligned_alloc(4096, (bytes + 4095) & ~(size_t)4095);
    if (!stage->memory)
        return gcs_report(report, GCS_ENOMEM, "out of memory");
    stage->mr = gcs_rdma_register(rdma, stage->memory, bytes, report);
    return stage->mr ? 0 : GCS_ESYSTEM;
}

void gcs_rdma_stage_close(struct gcs_rdma *rdma)
{
    gcs_rdma_unregister(rdma, rdma->stage.mr);
    free(rdma->stage.memory);
}

/* One that nobody reads from; the current one if it is. */
static bool next_segment(struct gcs_rdma_stage *stage)
{
    for (uint32_t i = 0; i < stage->segments; i++) {
        uint32_t segment = (stage->current + i) % stage->segments;
        if (stage->refs[segment] > 0)
            continue;
        stage->current = segment;
        stage->at = 0;
        return true;
    }
    return false;
}

uint8_t *gcs_rdma_stage_place(struct gcs_rdma_stage *stage, const uint8_t *data, size_t size,
                              uint32_t *segment)
{
    uint32_t bytes = gcs_ring_record_bytes(size);

    if (bytes > stage->segment_bytes ||
        (bytes > stage->segment_bytes - stage->at && !next_segment(stage)))
        return NULL;
    uint8_t *record = stage->memory + (size_t)stage->current * stage->segment_bytes + stage->at;
    gcs_ring_record_write(record, data, size);
    stage->at += bytes;
    *segment = stage->current;
    return record;
}

void gcs_rdma_stage_ref(struct gcs_rdma_stage *stage, uint32_t segment)
{
    if (stage->refs[segment]++ == 0)
        stage->busy++;
}

void gcs_rdma_stage_unref(struct gcs_rdma_stage *stage, uint32_t segment)
{
    if (--stage->refs[segment] == 0)
        stage->busy--;
}
