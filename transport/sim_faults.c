/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What may happen to a packet on its way. Guarantees that a link without
 * faults loses, doubles, reorders and damages nothing, and that every decision
 * comes from the network's own generator, in a fixed order.
 */
#include "transport/sim_private.h"

#include <string.h>

/* A packet that is held back comes so many times the usual time later. */
#define REORDER_FACTOR 8

struct gcs_sim_link *gcs_sim_link(struct gcs_sim *sim, unsigned from, unsigned to)
{
    return &sim->links[(size_t)from * sim->config.nodes + to];
}

void gcs_sim_side(struct gcs_sim *sim, unsigned node, unsigned side)
{
    sim->nodes[node].side = side;
}

void gcs_sim_heal(struct gcs_sim *sim)
{
    memset(sim->links, 0, (size_t)sim->config.nodes * sim->config.nodes * sizeof(*sim->links));
    for (unsigned i = 0; i < sim->nodes_count; i++)
        sim->nodes[i].side = 0;
}

bool gcs_sim_passes(const struct gcs_sim *sim, unsigned from, unsigned to)
{
    return sim->nodes[from].side == sim->nodes[to].side &&
           !sim->links[(size_t)from * sim->config.nodes + to].cut;
}

/* Changes one to four bytes, or cuts the end off. */
static void damage(struct gcs_prng *prng, uint8_t *data, size_t *size)
{
    if (*size == 0)
        return;
    if (gcs_prng_below(prng, 8) == 0) {
        *size = (size_t)gcs_prng_below(prng, *size);
        return;
    }
    for (uint64_t n = 1 + gcs_prng_below(prng, 4); n > 0; n--) {
        uint64_t at = gcs_prng_below(prng, *size);

        data[at] ^= (uint8_t)(1 + gcs_prng_below(prng, 255));
    }
}

/* When a packet sent now arrives: after those sent before it, unless it is held back. */
static uint64_t arrival(struct gcs_sim *sim, unsigned from, unsigned to,
                        const struct gcs_sim_link *link)
{
    uint64_t *last = &sim->last[(size_t)from * sim->config.nodes + to];
    uint64_t time = sim->config.latency_ns + gcs_prng_below(&sim->prng, sim->config.jitter_ns + 1);

    if (link->delay_ns)
        time += gcs_prng_below(&sim->prng, link->delay_ns);
    if (link->reorder_ppm && gcs_prng_chance(&sim->prng, link->reorder_ppm)) {
        sim->counters.reordered++;
        return sim->now + time + gcs_prng_below(&sim->prng, REORDER_FACTOR * (time + 1));
    }
    if (sim->now + time > *last)
        *last = sim->now + time;
    return *last;
}

/* One copy arrives, now or later, whole or not. */
static void arrive(struct gcs_sim *sim, unsigned from, unsigned to, const struct gcs_sim_link *link,
                   const uint8_t *data, size_t size)
{
    struct gcs_sim_event event = {.type = GCS_SIM_PACKET, .node = to};

    event.now = arrival(sim, from, to, link);
    event.from = gcs_sim_address(from);
    event.buffer = gcs_sim_buffer(data, size);
    if (!event.buffer) {
        sim->counters.no_memory++;
        return;
    }
    if (link->corrupt_ppm && gcs_prng_chance(&sim->prng, link->corrupt_ppm)) {
        sim->counters.corrupted++;
        damage(&sim->prng, event.buffer->data, &size);
    }
    event.data = event.buffer->data;
    event.size = size;
    if (gcs_sim_insert(sim, &event)) {
        sim->counters.no_memory++;
        gcs_buffer_unref(event.buffer);
    }
}

void gcs_sim_transmit(struct gcs_sim *sim, unsigned from, unsigned to, const uint8_t *data,
                      size_t size)
{
    const struct gcs_sim_link *link = gcs_sim_link(sim, from, to);

    if (!gcs_sim_passes(sim, from, to)) {
        sim->counters.cut++;
        return;
    }
    if (link->loss_ppm && gcs_prng_chance(&sim->prng, link->loss_ppm)) {
        sim->counters.lost++;
        return;
    }
    arrive(sim, from, to, link, data, size);
    if (link->duplicate_ppm && gcs_prng_chance(&sim->prng, link->duplicate_ppm)) {
        sim->counters.duplicated++;
        arrive(sim, from, to, link, data, size);
    }
}
